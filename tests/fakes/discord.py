"""A Discord on loopback that behaves like the real one as far as a bot for clips can see, and refuses what that one refuses.

REST, gateway and CDN are on one port, in the test's own loop. For a test that kills the bot, start the bot as a child process and
give it `api_url`: the server lives on in the test.

    async with FakeDiscord() as discord:
        ana = discord.person("Ana")
        guild = discord.guild("Film club", [ana])
        channel = discord.channel(guild, "films")
        interaction = discord.slash(ana, channel, "create", prompt="a lamp")
        message = await interaction.answered()
        press = discord.presses(ana, message, "Continue")
        await press.acked()
    assert discord.complaints == []

An acknowledgement has three real seconds (`ack_within_s`); everything else that has a time (tokens of 15 minutes, nonces, buckets,
old messages, links) goes by the server's clock.

It does not: voice, reactions, pins, polls (kept, not voted), embeds made from links, webhooks other than an
interaction's, moderation, audit logs, member lists, zstd-stream; check who may see a private thread.

Longer than a room of the product: it is the one desk at which a test finds everything.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime

from tests.fakes.desk import Desk
from tests.fakes.discord_api import contract as contracts
from tests.fakes.discord_api.client import ClientRefuses
from tests.fakes.discord_api.faults import Gate
from tests.fakes.discord_api.interactions import Ack, Interaction
from tests.fakes.discord_api.model import Attachment, Channel, Choice, Guild, Json, Message, Person, Role
from tests.fakes.discord_api.server import DiscordServer
from tests.fakes.discord_api.switches import Switches
from tests.fakes.discord_api.wire import Call, path_pattern
from tests.fakes.discord_api.world import World

__all__ = [
    "TOKEN",
    "Ack",
    "Attachment",
    "Call",
    "Channel",
    "Choice",
    "ClientRefuses",
    "FakeDiscord",
    "Gate",
    "Guild",
    "Interaction",
    "Message",
    "Person",
    "Role",
]

TOKEN = "MTA0NTY3ODkwMTIzNDU2Nzg5.Fake-T.oken-of-the-loopback-server-0000000000"


class FakeDiscord(Desk, Switches):
    """One server with one bot; the verbs are those of `People`, `Population` and `Switches`. `async with` starts and stops it."""

    def __init__(
        self,
        *,
        speed: float = 1.0,
        clock: Callable[[], float] | None = None,
        starts_at: datetime | None = None,
        flood: bool = True,
        shards: int = 1,
        ack_within_s: float = 3.0,
        token: str = TOKEN,
        port: int = 0,
    ) -> None:
        """`speed`: how many of the server's seconds are one real second; clients are told to wait in real seconds. `clock`
        gives the server's seconds itself. `starts_at`: the server's date at its start, None for today's.
        """
        world = World(clock or (lambda: time.monotonic() * speed), starts_at, token=token)
        world.buckets.is_on = flood
        world.buckets.speed = speed if clock is None else 1.0
        world.shards = shards
        world.ack_within_s = ack_within_s
        self.contract = contracts.found()
        """None where the folder of contracts is absent: then nothing is checked against them."""
        super().__init__(world, DiscordServer(world, self.contract))
        self.token = token
        self._port = port
        self._listener = self.server

    # --- where it is

    @property
    def url(self) -> str:
        """`http://127.0.0.1:<port>`."""
        return self.world.url

    @property
    def api_url(self) -> str:
        """What `NEXTSHOT_DISCORD_API_URL` is set to; the version is not in it."""
        return f"{self.url}/api"

    @property
    def bot(self) -> Person:
        return self.world.bot

    # --- looking

    @property
    def commands(self) -> list[Json]:
        """The registered global commands."""
        return list(self.world.commands.values())

    @property
    def command_puts(self) -> int:
        """How often they were overwritten."""
        return self.world.puts

    @property
    def calls(self) -> list[Call]:
        """Every request, oldest first: `method`, `path`, `body`, `at_s`, `status` (None while there is no answer), `code`."""
        return self.server.calls

    def calls_of(self, method: str, pattern: str) -> list[Call]:
        """The requests of this method ("*" for any) and path."""
        path = path_pattern(pattern)
        return [call for call in self.calls if method in {"*", call.method} and path.fullmatch(call.path)]

    @property
    def complaints(self) -> list[str]:
        """What the contracts know otherwise, in sentences. A test ends with none."""
        return self.world.complaints

    @property
    def interactions(self) -> list[Interaction]:
        """Every interaction, oldest first."""
        return list(self.world.interactions.values())

    @property
    def arriving(self) -> list[str]:
        """The requests that are still coming in, as "METHOD /path"."""
        return self.server.arriving

    @property
    def arrived_bytes(self) -> int:
        """Bytes of files that came in, also in requests that were cut off (`cut_off` counts those)."""
        return self.server.arrived_bytes

    @property
    def cut_off(self) -> int:
        return self.server.cut_off

    @property
    def downloads(self) -> list[str]:
        """The paths that the CDN gave out."""
        return self.server.downloads

    def file_url(self, file: Attachment) -> str:
        """Its signed address."""
        return self.world.file_url(file)

    def messages(self, channel: Channel) -> list[Message]:
        """What stands there, oldest first, ephemeral ones too."""
        return [channel.messages[number] for number in sorted(channel.messages)]

    def bot_messages(self, channel: Channel) -> list[Message]:
        """What the bot said there, ephemeral ones too."""
        return [message for message in self.messages(channel) if message.author == self.bot]

    def sends(self, channel: Channel) -> list[Call]:
        """The requests that made a message there, and were carried out."""
        ids = {str(message.id) for message in self.world.messages.values() if message.channel is channel}
        return [call for call in self.calls if call.new_message and _made(call) & ids]

    def changed(self) -> asyncio.Event:
        return self.world.changed

    async def wait_for_message(
        self, channel: Channel, predicate: Callable[[Message], bool], timeout_s: float = 5.0, what: str = ""
    ) -> Message:
        """Wait for a message of the bot in this channel.

        Raises:
            AssertionError: none came in time.
        """

        def found() -> Message | None:
            return next((message for message in self.bot_messages(channel) if predicate(message)), None)

        message = await self.wait_until(found, timeout_s, what or f"A message in {channel.name}")
        assert message is not None
        return message

    def report(self) -> str:
        """Channels and the last calls, for the sentence of a failed wait."""
        lines = []
        for channel in self.world.channels.values():
            lines.append(f"{channel.name} ({channel.id}):")
            for message in self.messages(channel)[-12:]:
                files = [file.name for file in message.attachments]
                note = " (ephemeral)" if message.ephemeral_to else " (loading)" if message.loading else ""
                lines.append(
                    f"  {message.id} {message.author.name}{note}: {message.content[:100]!r} {message.buttons} {files}"
                )
        lines += [f"{call.method} {call.path[:60]} -> {call.status} {call.code or ''}" for call in self.calls[-12:]]
        lines += [repr(interaction) for interaction in self.interactions[-6:]]
        return "\n".join([*lines, *(f"complaint: {complaint}" for complaint in self.complaints)])


def _made(call: Call) -> set[str]:
    """Ids of messages in an answer, however deep."""
    result = call.result if isinstance(call.result, dict) else {}
    resource = result.get("resource") or {}
    found = {result.get("id"), (result.get("message") or {}).get("id"), (resource.get("message") or {}).get("id")}
    found.add((result.get("interaction") or {}).get("response_message_id"))
    return {str(number) for number in found if number}
