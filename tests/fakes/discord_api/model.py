"""Who and what there is. Messages, channels and interactions are live: they change under the hand that holds them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.fakes.discord_api import markdown

Json = dict[str, Any]

SUPPRESS_EMBEDS = 1 << 2
EPHEMERAL = 1 << 6
LOADING = 1 << 7
SUPPRESS_NOTIFICATIONS = 1 << 12
COMPONENTS_V2 = 1 << 15

TEXT, DM, VOICE, GROUP_DM, CATEGORY, NEWS = 0, 1, 2, 3, 4, 5
NEWS_THREAD, PUBLIC_THREAD, PRIVATE_THREAD, STAGE, FORUM, MEDIA = 10, 11, 12, 13, 15, 16
MIB = 1024 * 1024


@dataclass(eq=False)
class Person:
    """A user. `nitro` raises what an interaction of theirs may carry; `dms_open` is whether the bot may write to them."""

    id: int
    name: str
    nitro: bool = False
    is_bot: bool = False
    dms_open: bool = True
    locale: str = "en-US"

    def __repr__(self) -> str:
        return f"Person({self.name!r}, {self.id})"


@dataclass(eq=False)
class Role:
    """A role of a guild; its id is the guild's for @everyone."""

    id: int
    name: str
    permissions: int = 0
    mentionable: bool = False
    position: int = 1


@dataclass(eq=False, repr=False)
class Guild:
    """A server. `cap_bytes`: what an upload may really be; None for what the boost level gives."""

    id: int
    name: str
    owner: Person
    everyone: Role
    boost_level: int = 0
    cap_bytes: int | None = None
    available: bool = True
    has_bot: bool = True
    members: dict[int, Person] = field(default_factory=dict)
    roles: dict[int, Role] = field(default_factory=dict)
    given: dict[int, list[Role]] = field(default_factory=dict)
    """Roles by member."""
    channels: dict[int, Channel] = field(default_factory=dict)
    """Threads too."""
    forbidden_commands: list[tuple[str, int]] = field(default_factory=list)
    """Command name, and the id of the person, role or channel for which it is switched off."""

    def __repr__(self) -> str:
        return f"Guild({self.name!r}, {self.id})"

    def roles_of(self, person: Person) -> list[Role]:
        return self.given.get(person.id, [])

    @property
    def upload_cap_bytes(self) -> int:
        """10 MiB, 50 MiB from boost level 2, 100 MiB at level 3."""
        if self.cap_bytes is not None:
            return self.cap_bytes
        return {2: 50, 3: 100}.get(self.boost_level, 10) * MIB


@dataclass(frozen=True, slots=True)
class Tag:
    """Of a forum. `moderated`: only who manages threads may give it to a post."""

    id: int
    name: str
    moderated: bool = False


@dataclass(eq=False, repr=False)
class Channel:
    """A channel, a thread, a direct message or a place of which the bot is no member (`is_foreign`)."""

    id: int
    name: str
    type: int = TEXT
    guild: Guild | None = None
    parent: Channel | None = None
    people: list[Person] = field(default_factory=list)
    """Of a direct message or a group; the bot is in its own."""
    is_foreign: bool = False
    foreign_guild_id: int | None = None
    """The guild without the bot, in which a user-installed command is used."""
    deleted: bool = False
    archived: bool = False
    locked: bool = False
    owner: Person | None = None
    overwrites: dict[int, tuple[int, int]] = field(default_factory=dict)
    """(allow, deny) by the id of a role or a person."""
    tags: list[Tag] = field(default_factory=list)
    """Of a forum those that there are, of a post those that it has."""
    requires_tag: bool = False
    """A forum takes no post without a tag."""
    messages: dict[int, Message] = field(default_factory=dict)
    typing_at_s: list[float] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"Channel({self.name!r}, {self.id})"

    @property
    def is_thread(self) -> bool:
        return self.type in {NEWS_THREAD, PUBLIC_THREAD, PRIVATE_THREAD}

    @property
    def upload_cap_bytes(self) -> int:
        return self.guild.upload_cap_bytes if self.guild is not None else 10 * MIB


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file as the server keeps it. `url` is signed; it dies after the server's `attachments_live_s`."""

    id: int
    name: str
    content_type: str
    data: bytes = field(repr=False)
    channel_id: int
    made_at_s: float
    description: str | None = None
    width: int | None = None
    height: int | None = None
    ephemeral: bool = False


class Choice(NamedTuple):
    """One line of an autocomplete answer."""

    name: str
    value: str | int | float


@dataclass(eq=False, repr=False)
class Message:
    """One message as it stands now."""

    id: int
    channel: Channel
    author: Person
    content: str = ""
    attachments: list[Attachment] = field(default_factory=list)
    components: list[Json] = field(default_factory=list)
    embeds: list[Json] = field(default_factory=list)
    flags: int = 0
    nonce: str | None = None
    type: int = 0
    reference: int | None = None
    """The id of the message that it replies to."""
    pings: frozenset[str | int] = frozenset()
    """Who was called when it was posted: "everyone", ids of people and of roles."""
    made_at_s: float = 0.0
    edited_at_s: float | None = None
    edits: int = 0
    history: list[str] = field(default_factory=list)
    """Its former contents, oldest first."""
    ephemeral_to: Person | None = None
    interaction: Json | None = None
    """Of an answer: id, type, user, owners."""
    deleted: bool = False
    thread: Channel | None = None
    poll: Json | None = None

    def __repr__(self) -> str:
        return f"Message({self.id}, {self.author.name}: {self.content[:60]!r})"

    @property
    def text(self) -> str:
        """What the eye reads: escapes and markup removed; of components v2 the text displays."""
        return markdown.read(self.raw_text).text

    @property
    def markup(self) -> frozenset[str]:
        """What Discord renders: bold, italic, underline, strike, spoiler, code, quote, heading, subtext, list, link, mention,
        channel, timestamp, emoji, command.
        """
        return markdown.read(self.raw_text).markup

    @property
    def raw_text(self) -> str:
        displays = [str(part.get("content", "")) for part in parts(self.components) if part.get("type") == 10]
        return "\n".join([*([self.content] if self.content else []), *displays])

    @property
    def loading(self) -> bool:
        """Whether it still says that the bot is thinking."""
        return bool(self.flags & LOADING)

    @property
    def buttons(self) -> list[str]:
        """Labels, in their order; of a disabled one too."""
        return [str(part.get("label", "")) for part in parts(self.components) if part.get("type") == 2]

    @property
    def select(self) -> list[str]:
        """The labels of the options of its select menus, in their order."""
        menus = [part for part in parts(self.components) if part.get("type") == 3]
        return [str(option["label"]) for menu in menus for option in menu.get("options", [])]

    def part(self, custom_id: str) -> Json | None:
        """The component with this custom id."""
        return next((part for part in parts(self.components) if part.get("custom_id") == custom_id), None)


def parts(components: list[Json]) -> list[Json]:
    """Every component, however deep, in the order in which it is read."""
    found: list[Json] = []
    for component in components:
        found.append(component)
        inner = [*component.get("components", [])]
        inner += [component[name] for name in ("accessory", "component") if isinstance(component.get(name), dict)]
        found += parts(inner)
    return found
