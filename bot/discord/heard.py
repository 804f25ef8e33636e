"""What an interaction can say, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.discord.places import PLATFORM, Asking, asking_receipt, place_of
from bot.discord.slash import Given
from bot.parsing import Parsed
from engine.model import Person

PICK = "pick"
"""Custom ids of the list of clips begin so."""


class Ack(StrEnum):
    """How an interaction is taken within its three seconds; it cannot be changed afterwards."""

    PUBLIC = "public"
    """A message that the bot "is thinking" about, for all to see."""
    PRIVATE = "private"
    """The same, seen by who asked alone."""
    QUIET = "quiet"
    """A button that was pressed is let go, and what is to be said is a message of its own."""


@dataclass(frozen=True, slots=True)
class Said:
    """A command, with the files that came with it."""

    parsed: Parsed
    files: tuple[Given, ...] = ()
    fetched_by: int | None = None
    """The interaction for which its files were fetched already."""


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button, and the text where it asked for one."""

    verb: str
    target: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class OpensThread:
    """A thread or a forum post of its own is wanted for a new story."""

    title: str


Act = Said | Pressed | OpensThread


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks, where, and what may be answered with."""

    id: int
    """The interaction's; its age is in it."""
    token: str = field(repr=False)
    channel_id: int
    parent_id: int | None
    """The channel of a thread."""
    guild_id: int | None
    user_id: int
    role_ids: tuple[int, ...]
    rights: int
    """The member's permissions in the channel, as bits."""
    person: Person
    has_access: bool
    """The bot itself may read and write there; else only interactions are answered."""
    is_shared: bool
    upload_bytes: int
    is_member: bool = False
    """The bot is installed in that server, and not by its person alone."""

    @property
    def key(self) -> str:
        """Unique per interaction."""
        return f"{PLATFORM}:interaction/{self.id}"

    @property
    def place(self) -> str:
        return place_of(self.channel_id)

    def receipt(self, message_id: int) -> str:
        """Of the message that the interaction is answered with."""
        return asking_receipt(Asking(self.channel_id, message_id, self.user_id, self.has_access, self.token))


@dataclass(frozen=True, slots=True)
class Heard:
    """Something to act on."""

    asker: Asker
    ack: Ack
    act: Act
    is_command: bool = False
    """Said as a slash command, so that the server's own command permissions let it pass where the bot is installed in it."""


@dataclass(frozen=True, slots=True)
class Asks:
    """A text is needed first: a field is opened for it. `custom_id` says what becomes of it."""

    asker: Asker
    title: str
    custom_id: str
    shot: str | None = None
    """The shot that is continued, to be looked up before."""
    files: tuple[Given, ...] = ()
    """To be fetched meanwhile."""


@dataclass(frozen=True, slots=True)
class Typing:
    """A field of a command is being filled in."""

    asker: Asker
    command: str
    field: str
    typed: str
    given: Mapping[str, str | float | bool]


@dataclass(frozen=True, slots=True)
class Picking:
    """Something was done in the list of clips; `values` are what was selected in it."""

    asker: Asker
    custom_id: str
    content: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing can be done; one sentence says why."""

    asker: Asker
    sentence: str


What = Heard | Asks | Typing | Picking | Refused
