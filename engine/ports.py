"""What the engine asks of the world: a store, files, a clock, and somebody to tell.

A store gives transactions. The engine's use cases are functions of a transaction: they read, decide and write in one piece,
and either all of it is there afterwards or nothing is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol, TypeVar

from engine.attempts import Attempt, AttemptFor, AttemptOutcome
from engine.film_ports import FilmReader, FilmWriter
from engine.forget_ports import ForgetReader, ForgetWriter
from engine.job_model import Job, JobState, Say, SayKind, SayState
from engine.ledger_ports import LedgerReader, LedgerWriter
from engine.line_ports import LineReader, LineWriter
from engine.model import Clip, FileKey, Film, Person, Shot, ShotOptions, Story, Take
from engine.new_rows import NewJob, NewShot
from engine.oversight_ports import OversightReader, OversightWriter
from engine.views import HistoryPage

T = TypeVar("T")

Clock = Callable[[], datetime]
"""Now, as an aware UTC datetime."""

Announce = Callable[[Job], Coroutine[Any, Any, None]]
"""Told of a job after every change of it, outside of any transaction. Must not raise; may be slow; losing one is harmless."""


class Reader(LedgerReader, LineReader, ForgetReader, OversightReader, FilmReader, Protocol):
    """Reads in one snapshot. None or empty where there is nothing."""

    async def story(self, code: str) -> Story | None: ...

    async def current_story(self, place: str) -> Story | None: ...

    async def place_options(self, place: str) -> ShotOptions:
        """What the place chose for its new stories; all None where it chose nothing."""
        ...

    async def stories(self, place: str, limit: int = 20) -> Sequence[Story]:
        """Newest first."""
        ...

    async def shot(self, shot_id: int) -> Shot | None: ...

    async def shot_by_code(self, story_code: str, number: int) -> Shot | None:
        """Deleted ones too."""
        ...

    async def shots(self, story_id: int) -> Sequence[Shot]:
        """All of a story by number, deleted ones too."""
        ...

    async def newest_shot(self, place: str) -> Shot | None:
        """The newest living shot of the place's current story."""
        ...

    async def takes(self, shot_ids: Sequence[int]) -> Sequence[Take]:
        """All takes of these shots, by (shot, number)."""
        ...

    async def take(self, take_id: int) -> Take | None: ...

    async def film(self, film_id: int) -> Film | None: ...

    async def film_by_code(self, story_code: str, number: int) -> Film | None: ...

    async def films(self, story_id: int) -> Sequence[Film]:
        """Living ones by number."""
        ...

    async def job(self, job_id: int) -> Job | None: ...

    async def job_by_request(self, request_key: str) -> Job | None: ...

    async def job_by_receipt(self, receipt: str) -> Job | None:
        """The job whose status, result or failure message this receipt names."""
        ...

    async def job_by_task(self, provider: str, task_id: str) -> Job | None:
        """The job that has this task of the provider."""
        ...

    async def jobs_of_shots(self, shot_ids: Sequence[int]) -> Sequence[Job]:
        """The newest job of each of these shots."""
        ...

    async def job_of_take(self, take: Take) -> Job | None:
        """The job that rendered it or is to; None: its video was given."""
        ...

    async def jobs_of_place(self, place: str, states: frozenset[JobState]) -> Sequence[Job]:
        """Newest first."""
        ...

    async def task_ids(self, provider: str, limit: int = 1_000) -> frozenset[str]:
        """The task ids of the newest jobs at this provider."""
        ...

    async def attempts(self, job_id: int) -> Sequence[Attempt]:
        """By number."""
        ...

    async def says(self, job_id: int) -> Sequence[Say]: ...

    async def history(self, *, place: str | None, person: str | None, before: int | None, limit: int) -> HistoryPage:
        """Living clips of a place or of a person (by key) or of both, newest first, in the time of an index look-up."""
        ...

    async def known_as(self, key: str) -> str:
        """The key of the one person behind this identity; its own where it was joined to nobody."""
        ...

    async def identities(self, key: str) -> Sequence[str]:
        """All identities of the one person behind this one: the person's key, then those that were joined to it."""
        ...

    async def link_code(self, code_hash: str) -> tuple[str, datetime] | None:
        """The identity that the code with this hash was given to, and when the code expires or expired."""
        ...

    async def link_misses(self, key: str, since: datetime) -> int:
        """How many wrong codes this identity has said after `since`."""
        ...

    async def file_is_used(self, file: FileKey) -> bool:
        """Whether any living take, shot or film refers to it."""
        ...


class Writer(Reader, LedgerWriter, LineWriter, ForgetWriter, OversightWriter, FilmWriter, Protocol):
    """One transaction that may write. Raising anything undoes all of it."""

    async def know(self, place: str, person: Person) -> None:
        """Remember the place and the person, and the name that the person has now."""
        ...

    async def first_time(self, key: str) -> bool:
        """Note that this update (`Asked.key`) is being acted on; False: it was before, so nothing is to be done."""
        ...

    async def set_place_options(self, place: str, options: ShotOptions) -> None:
        """Replace what the place chose; frames and seed are not kept."""
        ...

    async def move_place(self, old: str, new: str) -> None:
        """The conversation goes on under another name: its stories, clips, jobs and messages are the new place's.

        A second time, or for a place that nobody knows, changes nothing. What the new place already has stays.
        """
        ...

    async def put_link_code(self, person: Person, code_hash: str, expires_at: datetime) -> bool:
        """Keep a code of this identity in place of the one that it had; False: somebody else has the same one."""
        ...

    async def drop_link_codes(self, keys: Sequence[str]) -> None:
        """Forget the codes of these identities."""
        ...

    async def miss_link_code(self, person: Person) -> None:
        """Note that this identity has said a wrong code."""
        ...

    async def join_persons(self, one: Person, other: Person) -> None:
        """From now on `other` and its identities are `one`: all that it made, asked for and began is `one`'s.

        Whatever is written later under any of these keys is `one`'s too, under the name that it is written with.
        """
        ...

    async def part_identities(self, keys: Sequence[str]) -> None:
        """These are persons of their own again. What they made while they were joined stays where it is."""
        ...

    async def add_story(self, place: str, director: Person, title: str) -> Story:
        """A new story, current in its place."""
        ...

    async def set_current(self, place: str, story_id: int) -> None: ...

    async def set_tip(self, story_id: int, shot_id: int | None) -> None: ...

    async def add_shot(self, shot: NewShot) -> Shot: ...

    async def delete_shot(self, shot_id: int) -> Sequence[FileKey]:
        """Mark it deleted, drop its clips from takes and history, and name the files that it referred to."""
        ...

    async def change_shot(self, shot: Shot) -> None:
        """Write how it is rendered from now on: every option, its provider and model. What is told and by whom stays."""
        ...

    async def add_take(
        self, shot_id: int, seed: int, parent_take_id: int | None, *, edit: str = "", edited_take_id: int | None = None
    ) -> Take: ...

    async def paint_take(self, take_id: int, first_frame: FileKey) -> None:
        """Note the picture that was painted for it to start on."""
        ...

    async def start_take(self, take_id: int, parent_take_id: int | None) -> None:
        """Note the take whose last frame it starts on, known only when its render begins."""
        ...

    async def choose_take(self, shot_id: int, take_id: int) -> None: ...

    async def add_clip(self, take_id: int, clip: Clip) -> None:
        """The take's clip; the place's and its author's history begin with it. A second time changes nothing."""
        ...

    async def add_film(self, story_id: int, person: Person, shots: tuple[str, ...], clip: Clip) -> Film: ...

    async def delete_film(self, film_id: int) -> Sequence[FileKey]: ...

    async def add_job(self, job: NewJob) -> Job: ...

    async def save_job(self, job: Job, *, detail: str = "") -> JobState:
        """Write the job, release its lease, and append an event. Gives the state that it was in.

        Raises:
            StaleFence: its row carries another fence than `job.fence`; nothing is written.
        """
        ...

    async def take_over(self, job_id: int) -> Job | None:
        """The job with a new fence, for a person's word (cancel, again) that must win over a step under way; None: no such job."""
        ...

    async def make_task_due(self, provider: str, task_id: str) -> None:
        """Let the render of this task be looked at now; where it just is, right after. No job has it: nothing happens."""
        ...

    async def make_waiters_due(self, shot_code: str) -> None:
        """Make the QUEUED jobs that wait for this shot due now."""
        ...

    async def want_stopped(self, job_id: int, *, is_unwanted: bool = True) -> None:
        """Note that it is not wanted any more (or is again), without taking it from the step that is under way.

        It is looked at again right after that step.
        """
        ...

    async def add_attempt(
        self, job_id: int, key: str, what: AttemptFor = AttemptFor.RENDER, *, quoted_usd: Decimal | None = None
    ) -> Attempt: ...

    async def close_attempt(
        self, attempt_id: int, outcome: AttemptOutcome, task_id: str | None = None, *, usd: Decimal | None = None
    ) -> None: ...

    async def owe(self, job_id: int, kind: SayKind, *, in_s: float = 0.0) -> None:
        """Owe the job's place a message of this kind, due now or then. A second time changes nothing."""
        ...

    async def hasten(self, job_id: int, kind: SayKind) -> None:
        """Make a message due now that was owed for later and that nobody has begun to send."""
        ...

    async def retract(self, job_id: int, kind: SayKind) -> None:
        """Forget that this message was owed or sent: the job goes another way, and may owe one of this kind anew."""
        ...

    async def save_say(
        self,
        say: Say,
        state: SayState,
        *,
        receipt: str | None = None,
        error: str | None = None,
        again_in_s: float | None = None,
        is_try: bool = True,
    ) -> None:
        """Write what became of a message and release its lease; `again_in_s` None: it is not claimed again.

        `is_try` False: nothing was tried (the place is busy), so `tries` stays.

        A STATUS that was SENT also becomes its job's receipt. SENDING, written right before the bytes leave, keeps the lease
        (for `again_in_s`, where given) and is no try: whoever claims a message in that state knows that it may have arrived.

        Raises:
            StaleFence: claimed by somebody else in the meantime; nothing is written.
        """
        ...


class Store(Protocol):
    """The database."""

    async def read(self, work: Callable[[Reader], Awaitable[T]]) -> T: ...

    async def write(self, work: Callable[[Writer], Awaitable[T]]) -> T:
        """Run `work` in one transaction and give its value once it is on the disk. `work` may be run more than once."""
        ...

    async def claim_jobs(self, limit: int, lease_s: float, *, looks: bool | None = None) -> Sequence[Job]:
        """Due jobs, earliest first, each with a lease and a new fence. `looks`: only those that render, or only the others."""
        ...

    async def claim_says(self, limit: int, lease_s: float) -> Sequence[Say]:
        """Due messages, earliest first, each with a lease and a new fence. One per job at a time, STATUS before the others."""
        ...

    async def renew(self, held: Job | Say, lease_s: float) -> bool:
        """Hold a claimed job or message longer; False: it is somebody else's now."""
        ...

    async def save_look(self, job: Job) -> None:
        """Write a claimed job that renders on: percent, preview, trouble, tries, when to look next. Many at once are cheap.

        Raises:
            StaleFence: somebody else owns it; nothing is written.
        """
        ...

    async def release_leases(self) -> int:
        """Make everything that is leased, and every job that was being sent, due now; how much that was.

        For the start of the only process on this database. On one that others may be working on each is due when its lease, or
        the time of its request, is over. On both what waits for no lease, and is ahead of a clock that was set back, is due now.
        """
        ...

    async def sweep(self, older_than_s: float) -> int:
        """Forget the updates that were acted on (`Writer.first_time`) and done that long ago; how many. And codes that expired."""
        ...

    async def scrub(self) -> None:
        """Let nothing that was removed stay in the database's own files, as far as it can be told to. May take a while."""
        ...


class Files(Protocol):
    """Kept files, named by content, and a work directory. Every method leaves the event loop free."""

    async def adopt(self, path: Path) -> FileKey:
        """Move a finished file into the house: hashed, fsynced, renamed. Its suffix stays. The same bytes twice are one file.

        The key is held against `delete` until `release(key)`.

        Raises:
            DiskFull, StorageUnavailable
        """
        ...

    async def adopt_stream(self, chunks: AsyncIterator[bytes], suffix: str, *, limit_bytes: int) -> FileKey:
        """`adopt` of what arrives. Raises BadMedia beyond `limit_bytes`; nothing partial stays."""
        ...

    def release(self, key: FileKey) -> None:
        """The database refers to it now (or never will): `delete` may remove it again."""
        ...

    def path(self, key: FileKey) -> Path:
        """Where it is. It need not exist."""
        ...

    async def exists(self, key: FileKey) -> bool: ...

    async def delete(self, key: FileKey) -> bool:
        """Remove it and all that was derived from it; False: it is held, or was not there."""
        ...

    def derived(self, key: FileKey, name: str) -> Path:
        """Where something made from it belongs (`last-frame.png`). Its directory exists; made again whenever it is missing."""
        ...

    def work(self, name: str) -> Path:
        """A directory for work in progress, kept over a restart. It exists."""
        ...

    async def works(self) -> Sequence[str]:
        """The names of the work directories that are there."""
        ...

    async def drop_work(self, name: str) -> None:
        """Remove `work(name)` and what is in it."""
        ...

    async def free_bytes(self) -> int: ...

    async def sweep(self, is_used: Callable[[FileKey], Awaitable[bool]], older_than_s: float) -> int:
        """Remove kept files that nothing refers to and what was left half-written, untouched for that long; how many."""
        ...
