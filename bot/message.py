"""The words that all front ends share. A front end turns its platform's updates into these and these into its messages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from engine.model import Person


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a message, already on this machine under a name of ours. `kind` is what its sender says."""

    path: Path
    kind: str
    """`image` or `video`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """Somebody said something."""

    key: str
    """Unique per platform update: seen twice, it counts once."""
    place: str
    person: Person
    text: str
    reply_to: str | None = None
    """The receipt of the message that it answers."""
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """Somebody pressed a button. `verb` and `target` are the button's."""

    key: str
    place: str
    person: Person
    verb: str
    target: str
    text: str = ""
    """The answer where the button asks for one (`Button.asks`)."""


@dataclass(frozen=True, slots=True)
class Button:
    """A verb and a short id: all state is in the database. `asks` is the question when the verb needs a text first."""

    verb: str
    label: str
    target: str
    asks: str | None = None

    @property
    def data(self) -> str:
        """`verb:target`, at most 64 bytes."""
        return f"{self.verb}:{self.target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """A finished file to show, with what players want to know beforehand."""

    path: Path
    name: str
    """A file name for a person: `k7-4.mp4`."""
    seconds: float
    width: int
    height: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is said back. `text` is plain text; a front end escapes it for its platform and cuts it to its limits."""

    text: str
    buttons: tuple[Button, ...] = ()
    video: Video | None = None
    picture: Path | None = None
    """A JPEG to show beside the text: a preview or a poster."""
    percent: float | None = None
    """0 to 100 while something is counted, else None."""
    private: bool = False
    """Only for the one who asked, where the platform can: refusals, help."""
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """What a place takes, read from the platform where it tells."""

    upload_bytes: int
    text_chars: int
    edit_every_s: float
    """The least time between two edits of progress in one place."""


class Adapter(Protocol):
    """A chat platform's translator and mouth. Receipts are opaque text that only it can read."""

    @property
    def platform(self) -> str:
        """The first part of its places: `local` of `local:home`."""
        ...

    @property
    def dedupes(self) -> bool:
        """Whether `send` with a nonce that was sent before gives the first receipt instead of a second message."""
        ...

    def limits(self, place: str) -> Limits: ...

    async def send(self, place: str, reply: Reply, *, nonce: str, reply_to: str | None = None) -> str:
        """Say it and give its receipt. The same nonce again gives the first receipt where the platform can tell.

        Raises:
            NotSent: certainly not shown.
            SendUnknown: may be shown.
        """
        ...

    async def edit(self, receipt: str, reply: Reply) -> None:
        """Replace a message. Equal content is success.

        Raises:
            NotSent, SendUnknown
        """
        ...

    async def run(self) -> None:
        """Receive until cancelled."""
        ...


class NotSent(Exception):
    """The platform did not take the message. `retry_after_s` None: it never will (kicked, deleted, too large)."""

    def __init__(self, reason: str, *, retry_after_s: float | None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class SendUnknown(Exception):
    """The answer was lost: it may be shown or not."""
