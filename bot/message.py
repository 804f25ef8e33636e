"""The words that all front ends share. A front end turns its platform's updates into these and these into its messages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bot.parsing import Parsed
from engine.film_options import FilmFormat
from engine.model import FileKey, Person


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a message, already on this machine under a name of ours. `kind` is what its sender says."""

    path: Path
    kind: str
    """`image`, `video` or `audio`."""
    is_last_frame: bool = False
    """Its sender said that the shot is to end on it."""
    is_reference: bool = False
    """Its sender said that it guides the shot, and is no frame of it."""
    is_voice: bool = False
    """Its sender said that somebody speaks there: it is a voice over a film, and not its music."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """Somebody said something."""

    key: str
    """Unique per platform update: seen twice, it counts once."""
    place: str
    person: Person
    text: str
    command: Parsed | None = None
    """The command in it, where its parts were filled in one by one; None: it is in the text."""
    receipt: str | None = None
    """Where this message stands, opaque; None where nothing can be shown under it."""
    reply_to: str | None = None
    """The receipt of the message that it answers, where that is ours."""
    about: str | None = None
    """The code of the shot that the answered message of ours begins with, where the front end sees its text."""
    attachments: tuple[Attachment, ...] = ()
    """Its own files, else those of the message that it answers where that one is not ours."""
    is_shared: bool = False
    """Several people talk here, so that what is set for the place is its admins' to change."""
    whispers: bool = False
    """Private answers are seen by who asked alone, also where several people talk."""


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
    receipt: str | None = None
    """Where the message with the button stands, or the one with the answer."""
    is_shared: bool = False
    """As in `Incoming`."""
    whispers: bool = False
    """As in `Incoming`."""


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
    file: FileKey
    """The kept file that it shows, whole or made smaller."""
    thumbnail: Path | None = None
    """A JPEG of at most 320 pixels a side."""
    cover: Path | None = None
    """A JPEG of its first picture."""


@dataclass(frozen=True, slots=True)
class Export:
    """The other kind of file that a video is to be made into where it is sent: one to keep."""

    kind: FilmFormat
    shots: tuple[tuple[str, FileKey], ...] = ()
    """For FRAMES: the codes and clips of its shots. Nothing: the film's chapters are taken for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is said back. `text` is plain text; a front end escapes it for its platform and cuts it to its limits."""

    text: str
    buttons: tuple[Button, ...] = ()
    video: Video | None = None
    more_videos: tuple[Video, ...] = ()
    """The parts after the first where a film had to be cut to pass."""
    as_file: bool = False
    """The video is to be kept, not looked at: sent as a document where the platform tells the two apart."""
    export: Export | None = None
    """None: the video goes as it is."""
    asks: Button | None = None
    """The text is a question: what answers this message is the press of that button with a text."""
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
    wants_sound: bool = False
    """A video without a sound track would be taken for an animation."""
    wants_posters: bool = False
    """Videos are sent with a thumbnail and a cover of ours."""


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

    def busy_s(self, place: str, *, is_result: bool) -> float:
        """How long the place takes no message; 0: send now. Results have room of their own."""
        ...

    async def send(
        self,
        place: str,
        reply: Reply,
        *,
        nonce: str,
        reply_to: str | None = None,
        status: str | None = None,
        is_again: bool = False,
    ) -> str:
        """Say it and give its receipt. The same nonce again gives the first receipt where the platform can tell.

        `reply_to` is the message that asked, `status` the job's status message where there is one. `is_again`: it may be there.

        Raises:
            NotSent: certainly not shown.
            SendUnknown: may be shown.
        """
        ...

    async def edit(self, receipt: str, reply: Reply, *, is_progress: bool = False) -> None:
        """Replace a message, also by a video. Equal content is success. Progress gets only the room that nothing else needs.

        Where the platform does not dedupe, words alone leave a video in its place: a sender that slept may come late with its own.

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
