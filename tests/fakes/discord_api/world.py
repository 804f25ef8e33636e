"""All that the server knows, and the few ways in which it changes."""

from __future__ import annotations

import asyncio
import hashlib
import io
import mimetypes
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from PIL import Image

from tests.fakes.discord_api import permissions, shapes
from tests.fakes.discord_api.buckets import Buckets
from tests.fakes.discord_api.model import Attachment, Channel, Guild, Json, Message, Person
from tests.fakes.discord_api.refusals import forbidden, unknown

if TYPE_CHECKING:
    from tests.fakes.discord_api.interactions import Interaction

DISCORD_EPOCH_MS = 1_420_070_400_000
DAY_S = 86_400.0


class World:
    """People, guilds, channels, messages and interactions of one bot."""

    def __init__(self, clock: Callable[[], float], starts_at: datetime | None, *, token: str) -> None:
        self.clock = clock
        self.started_s = clock()
        self.starts_at = starts_at or datetime.now(UTC)
        self.token = token
        self._last_ms = 0
        self._in_ms = 0
        self.url = ""
        self.bot = Person(self.new_id(), "Nextshot", is_bot=True)
        self.application_id = self.bot.id
        self.people: dict[int, Person] = {}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.messages: dict[int, Message] = {}
        self.files: dict[int, Attachment] = {}
        self.interactions: dict[int, Interaction] = {}
        self.tokens: dict[str, Interaction] = {}
        self.commands: dict[int, Json] = {}
        self.guild_commands: dict[int, dict[int, Json]] = {}
        self.puts = 0
        """How often all global commands were overwritten."""
        self.command_creates = 0
        self.buckets = Buckets(clock)
        self.complaints: list[str] = []
        self.intents = 0
        """Of the newest IDENTIFY: what the bot may read."""
        self.attachments_live_s = DAY_S
        self.nonces_live_s = 300.0
        self.nonces: dict[str, tuple[float, int]] = {}
        """(server's time, message id) by nonce of the bot."""
        self.ack_within_s = 3.0
        self.tokens_live_s = 900.0
        self.attachment_size_limit: int | None = None
        self.install_scopes: frozenset[str] = frozenset({"guild", "user"})
        self.shards = 1
        self.identifies_left = 1000
        self.emit: Callable[[str, Json, int | None], None] = lambda _event, _data, _guild_id: None
        """Sends an event to the sessions; the gateway sets it."""
        self.changed = asyncio.Event()

    def touch(self) -> None:
        """Wake whoever waits for a change."""
        self.changed.set()
        self.changed = asyncio.Event()

    # --- time and names

    def now(self) -> datetime:
        """The server's date."""
        return self.starts_at + timedelta(seconds=self.clock() - self.started_s)

    def at(self, clock_s: float) -> datetime:
        """The date of a second of the clock."""
        return self.starts_at + timedelta(seconds=clock_s - self.started_s)

    def new_id(self) -> int:
        """A snowflake of the server's time; no two are alike, later ones are larger."""
        ms = int(self.now().timestamp() * 1000) - DISCORD_EPOCH_MS
        if ms > self._last_ms:
            self._last_ms, self._in_ms = ms, 0
        else:
            self._in_ms += 1
        return (self._last_ms << 22) | self._in_ms

    # --- finding

    def channel_for(self, channel_id: int, *needed: str) -> Channel:
        """A channel that the bot sees and in which it has these permissions.

        Raises:
            Refusal: there is none, the bot does not see it, or lacks one.
        """
        channel = self.channels.get(channel_id)
        if channel is None or channel.deleted:
            raise unknown(10003)
        if channel.is_foreign or (channel.guild is not None and not channel.guild.has_bot):
            raise forbidden(50001)
        if channel.guild is None:
            if self.bot not in channel.people:
                raise forbidden(50001)
            return channel
        if not permissions.may(channel, self.bot, "view_channel"):
            raise forbidden(50001)
        if needed and not permissions.may(channel, self.bot, *needed):
            raise forbidden(50013)
        return channel

    def message_for(self, channel: Channel, message_id: int) -> Message:
        """A message that a bot token finds there: an ephemeral one it never does.

        Raises:
            Refusal: 404.
        """
        message = channel.messages.get(message_id)
        if message is None or message.deleted or message.ephemeral_to is not None:
            raise unknown(10008)
        return message

    def sees_content(self, message: Message) -> bool:
        """Without the MESSAGE_CONTENT intent: its own, what mentions it, and direct messages."""
        return (
            bool(self.intents & (1 << 15))
            or message.author == self.bot
            or message.channel.guild is None
            or f"<@{self.bot.id}>" in message.content
        )

    # --- changing

    def keep_file(self, channel_id: int, name: str, data: bytes, *, ephemeral: bool = False, **more: Any) -> Attachment:
        """A file under an address of its own; a picture is measured, and its name gets what an address can hold."""
        name = re.sub(r"[^\w.\-]", "_", name)
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        width, height = _size(data) if kind.startswith("image/") else (None, None)
        file = Attachment(
            self.new_id(),
            name,
            kind,
            data,
            channel_id,
            self.clock(),
            ephemeral=ephemeral,
            width=width,
            height=height,
            **more,
        )
        self.files[file.id] = file
        return file

    def file_url(self, file: Attachment) -> str:
        """Signed, with its end, as the CDN gives it."""
        issued = int(self.at(file.made_at_s).timestamp())
        path = f"/attachments/{file.channel_id}/{file.id}/{quote(file.name)}"
        sign = hashlib.sha256(f"{path}{self.token}".encode()).hexdigest()
        return f"{self.url}{path}?ex={issued + int(self.attachments_live_s):x}&is={issued:x}&hm={sign}&"

    def post(self, channel: Channel, author: Person, **fields: Any) -> Message:
        """A new message; posting revives an archived thread."""
        message = Message(self.new_id(), channel, author, made_at_s=self.clock(), **fields)
        self.messages[message.id] = message
        channel.messages[message.id] = message
        if channel.is_thread and channel.archived and message.ephemeral_to is None:
            channel.archived = False
            self.announce_channel("THREAD_UPDATE", channel)
        self.announce("MESSAGE_CREATE", message)
        return message

    def announce(self, event: str, message: Message) -> None:
        """Tell the bot of a message, if it may see it."""
        self.touch()
        channel = message.channel
        if channel.is_foreign or message.ephemeral_to is not None:
            return
        if channel.guild is not None and not permissions.may(channel, self.bot, "view_channel"):
            return
        body = shapes.message_json(self, message)
        if channel.guild is not None:
            body["guild_id"] = str(channel.guild.id)
            if message.author.id in channel.guild.members:
                body["member"] = shapes.member_json(channel.guild, message.author, with_user=False)
        self.emit(event, body, channel.guild.id if channel.guild is not None else None)

    def remove(self, message: Message) -> None:
        """Delete it."""
        message.deleted = True
        message.channel.messages.pop(message.id, None)
        self.touch()
        channel = message.channel
        if channel.is_foreign or message.ephemeral_to is not None:
            return
        body = {"id": str(message.id), "channel_id": str(channel.id)}
        if channel.guild is not None:
            body["guild_id"] = str(channel.guild.id)
        self.emit("MESSAGE_DELETE", body, channel.guild.id if channel.guild is not None else None)

    def announce_channel(self, event: str, channel: Channel) -> None:
        """CHANNEL_* or THREAD_* for a channel of a guild with the bot."""
        self.touch()
        if channel.guild is not None and channel.guild.has_bot and not channel.is_foreign:
            self.emit(event, shapes.channel_json(self, channel), channel.guild.id)

    def new_channel(self, name: str, kind: int, guild: Guild | None = None, **fields: Any) -> Channel:
        """A channel that exists from now on; it is announced."""
        number = fields.pop("id", None) or self.new_id()
        channel = Channel(number, name, kind, guild, **fields)
        self.channels[channel.id] = channel
        if guild is not None:
            guild.channels[channel.id] = channel
            self.announce_channel("THREAD_CREATE" if channel.is_thread else "CHANNEL_CREATE", channel)
        self.touch()
        return channel

    def dm_with(self, person: Person) -> Channel:
        """Their direct messages with the bot, opened where there were none."""
        for channel in self.channels.values():
            if channel.type == 1 and person in channel.people and self.bot in channel.people:
                return channel
        return self.new_channel(f"DM with {person.name}", 1, people=[person, self.bot])


def _size(data: bytes) -> tuple[int | None, int | None]:
    try:
        with Image.open(io.BytesIO(data)) as picture:
            return picture.size
    except (OSError, ValueError, SyntaxError):
        return None, None


def real_s() -> float:
    """Real monotonic seconds, in which an acknowledgement is awaited."""
    return time.monotonic()
