"""What must hold of a world, read from its rows, from the truth of its services and from what stands in its chat.

It reads the tables with SQL of its own: what the product believes is not asked of the product.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from engine.errors import DeadlinePassed
from engine.job_model import MAY_STILL_COST, WAS_CHARGED, JobState
from engine.jobs import IN_FLIGHT, LIVE, MOVES, OVER, WITH_CLIP
from engine.line import FlightLimits
from tests.simulation.books import Books
from tests.simulation.chat import MARKS, Chat
from tests.simulation.service import Render, Service

_NEXT = {table: f"SELECT min(due_at) FROM {table} WHERE due_at IS NOT NULL" for table in ("job", "outbox")}  # noqa: S608  # ours
_NEXT[""] = f"SELECT min(due_at) FROM (SELECT ({_NEXT['job']}) AS due_at UNION ALL SELECT ({_NEXT['outbox']}))"  # noqa: S608


@dataclass(frozen=True, slots=True)
class _Ended:
    """A job at the end, as its row says."""

    id: int
    kind: str
    state: JobState
    task_id: str | None
    take_id: int | None
    film_id: int | None
    billed: str | None
    notes: str
    why: str | None

    def __str__(self) -> str:
        return f"job {self.id} ({self.state})"


class Judge:
    """Looks after every transaction, at every paid request, and at the end."""

    def __init__(
        self,
        raw: sqlite3.Connection,
        *,
        services: Mapping[str, Service],
        chat: Chat,
        tell: Callable[[str], None],
        violations: list[str],
        notes: list[str],
        asks: bool,
        limits: FlightLimits,
        intended: Callable[[], None],
    ) -> None:
        """`asks`: every render of this world needs somebody's word. `intended`: called where an intent was just written."""
        self.asks = asks
        self._limits = limits
        self._intended = intended
        self._raw = raw
        self._services = services
        self._chat = chat
        self._tell = tell
        self._violations = violations
        self._notes = notes
        self.books = Books(raw, services, self.wrong)
        self._seen_changes = -1
        self._seen: dict[int, tuple[int, str]] = {}
        self._tasks: dict[int, list[Render]] = defaultdict(list)
        """By job: what services accepted for it."""

    @property
    def jobs(self) -> int:
        return len(self._seen)

    def wrong(self, what: str) -> None:
        """Something that must never be."""
        self._tell(f"VIOLATION {what}")
        self._violations.append(what)

    def note(self, what: str) -> None:
        """Something that is allowed, and counted."""
        self._notes.append(what)

    def look(self) -> None:
        """After a transaction."""
        if self._raw.total_changes == self._seen_changes:
            return
        self._seen_changes = self._raw.total_changes
        self.books.look()
        flying: Counter[tuple[str, object]] = Counter()
        leaving: list[tuple[int, tuple[tuple[str, object], ...]]] = []
        for job_id, fence, word, due_at, *whose in self._raw.execute(
            "SELECT id, fence, state, due_at, provider, person_id, place_id FROM job"
        ).fetchall():
            state = JobState(word)
            before = self._seen.get(job_id)
            takes = tuple(zip(("provider", "person", "place"), whose, strict=True)) if state in IN_FLIGHT else ()
            flying.update(takes)
            if before == (fence, word):
                continue
            self._seen[job_id] = (fence, word)
            if before is None:
                self._tell(f"job {job_id} {word}")
                continue
            if fence < before[0]:
                self.wrong(f"job {job_id}: its fence went back from {before[0]} to {fence}")
            if word != before[1]:
                self._tell(f"job {job_id} {before[1]} -> {word} (fence {fence})")
                if not _leads(JobState(before[1]), state):
                    self.wrong(f"job {job_id} went from {before[1]} to {word}")
                if state is JobState.SUBMITTING:
                    leaving.append((job_id, takes))
                if state is JobState.FAILED:
                    self._judge_patience(job_id)
            if (state in LIVE) == (due_at is None):
                self.wrong(f"job {job_id} is {word} and {'never' if due_at is None else 'still'} due")
        for job_id, takes in leaving:
            for kind, which in takes:
                most = self._most(kind, which)
                if most is not None and flying[kind, which] > most:
                    self.wrong(
                        f"job {job_id} left as number {flying[kind, which]} of its {kind}, which may have {most}"
                    )
            self._intended()

    def _judge_patience(self, job_id: int) -> None:
        """What is paid is given up as too slow when it has rendered for so long, whatever the clock on the wall says."""
        name, task_id, why = self._raw.execute(
            "SELECT provider, task_id, failure_kind FROM job WHERE id = ?", (job_id,)
        ).fetchone()
        render = next((each for each in self._tasks[job_id] if each.task_id == task_id), None)
        if why != DeadlinePassed.__name__ or render is None:
            return
        lasted_s = asyncio.get_running_loop().time() - render.accepted_s
        if lasted_s < self._services[name].pace.give_up_s:
            self.wrong(f"job {job_id} was given up after {lasted_s:.0f} s")

    def _most(self, kind: str, which: object) -> int | None:
        """How many may be in flight. More are, where a render that nobody knew of is found; but no more of them leave."""
        match kind:
            case "provider":
                return self._services[str(which)].pace.in_flight
            case "person":
                return self._limits.per_person
            case _:
                return self._limits.per_place

    def accepted(self, service: Service, render: Render) -> None:
        """A service has just accepted a request: somebody pays."""
        job_id = render.job_id
        tasks = self._tasks[job_id]
        tasks.append(render)
        (state, fence) = self._raw.execute("SELECT state, fence FROM job WHERE id = ?", (job_id,)).fetchone()
        self._tell(
            f"{service.name} accepts {render.task_id} of job {job_id} ({state}, fence {fence}, key {render.key})"
        )
        agreed = 1 + self._count("SELECT count(*) FROM event WHERE job_id = ? AND detail LIKE 'again, by%'", job_id)
        if len(tasks) > agreed:
            self.wrong(f"job {job_id} was paid {len(tasks)} times, and {agreed} were agreed to")
        if self.asks and not self._count(
            "SELECT count(*) FROM event WHERE job_id = ? AND detail LIKE 'agreed to by%'", job_id
        ):
            self.wrong(f"job {job_id} was paid, and nobody had agreed to its price")
        intents = self._count("SELECT count(*) FROM attempt WHERE key = ?", render.key)
        if intents != 1:
            self.wrong(f"{render.task_id} was sent without a written intent")

    def questions(self) -> list[tuple[int, str, str, int, str]]:
        """Jobs that wait for an answer: id, whose, shot, since when, and whether it is `unconfirmed` or `asking`."""
        return self._raw.execute(
            "SELECT job.id, person.key, story.code || '-' || shot.number,"
            " coalesce(job.finished_at, job.created_at), job.state FROM job"
            " JOIN person ON person.id = job.person_id JOIN shot ON shot.id = job.shot_id"
            " JOIN story ON story.id = job.story_id WHERE job.state IN ('unconfirmed', 'asking') ORDER BY job.id"
        ).fetchall()

    def is_asked(self, seen: set[tuple[int, int]]) -> bool:
        """Whether somebody is still to see a question."""
        return any((job_id, at) not in seen for job_id, _, _, at, _ in self.questions())

    def next_due_ms(self, table: str = "") -> int | None:
        """When something of this table is due next, or of both."""
        found: int | None = self._raw.execute(_NEXT[table]).fetchone()[0]
        return found

    def is_over(self) -> bool:
        """Nothing is due any more."""
        return self.next_due_ms() is None

    def unknown_usd(self) -> list[tuple[int, Decimal]]:
        """By job of which nobody knows what it cost: what its service truly charges for all but the one that it adopted."""
        found = []
        for job_id in self.books.unknown_jobs():
            (task_id, word) = self._raw.execute("SELECT task_id, state FROM job WHERE id = ?", (job_id,)).fetchone()
            with_clip = task_id if JobState(word) in WITH_CLIP else None
            charged = [each.usd for each in self._tasks[job_id] if each.is_charged and each.task_id != with_clip]
            found.append((job_id, sum(charged, Decimal(0))))
        return found

    def unfinished(self) -> str:
        """What still is."""
        jobs = self._raw.execute("SELECT id, state, due_at, tries FROM job WHERE due_at IS NOT NULL").fetchall()
        says = self._raw.execute("SELECT job_id, kind, state, tries FROM outbox WHERE due_at IS NOT NULL").fetchall()
        return f"jobs {jobs} messages {says}"

    def judge(self, root: Path) -> None:
        """At the end."""
        for row in self._raw.execute(
            "SELECT id, kind, state, task_id, take_id, film_id, failure_billed, coalesce(notes, ''), failure_kind FROM job"
        ).fetchall():
            job = _Ended(*row[:2], JobState(row[2]), *row[3:9])  # type: ignore[call-arg]  # nine columns
            if job.state in LIVE:
                self.wrong(f"job {job.id} ended as {job.state}")
            self._judge_money(job, self._tasks[job.id])
            if job.state in WITH_CLIP:
                self._judge_clip(job, root)
            if job.state in {JobState.FAILED, JobState.UNCONFIRMED, JobState.CANCELLED}:
                self._judge_word(job)
        self.books.judge(self._tasks)
        for job_id, was, to in self._raw.execute(
            "SELECT job_id, from_state, to_state FROM event ORDER BY id"
        ).fetchall():
            if was != to and not _leads(JobState(was), JobState(to)):
                self.wrong(f"job {job_id} noted a move from {was} to {to}")

    def _judge_money(self, job: _Ended, tasks: Sequence[Render]) -> None:
        charged = [each for each in tasks if each.is_charged]
        unknown = self._count(
            "SELECT count(*) FROM attempt WHERE job_id = ? AND outcome IN ('unknown', 'intended')", job.id
        )
        was_asked = self._count("SELECT count(*) FROM event WHERE job_id = ? AND to_state = 'unconfirmed'", job.id)
        is_told = was_asked or job.billed in {"unknown", "yes"} or MAY_STILL_COST in job.notes
        for render in charged:
            if render.task_id != job.task_id and not is_told:
                self.wrong(f"{job}: {render.task_id} was paid, is not its task, and nobody was asked")
        if job.state is JobState.FAILED and job.billed == "no" and charged and not unknown:
            self.wrong(f"{job}: failed as not billed, and {charged[0].task_id} was charged")
        if job.state is JobState.CANCELLED and charged and not (is_told or unknown or WAS_CHARGED in job.notes):
            self.wrong(f"{job}: cancelled without a word on {charged[0].task_id}, which was charged")
        if job.state is JobState.UNCONFIRMED and job.task_id is not None:
            self.wrong(f"{job} has {job.task_id}")

    def _judge_clip(self, job: _Ended, root: Path) -> None:
        is_render = job.kind == "render"
        query = "SELECT file FROM clip WHERE take_id = ?" if is_render else "SELECT file FROM film WHERE id = ?"
        found = self._raw.execute(query, (job.take_id if is_render else job.film_id,)).fetchone()
        if found is None:
            self.wrong(f"{job} has no clip")
            return
        path = root / "files" / found[0][:2] / found[0]
        words = path.read_text() if path.is_file() else "nothing"
        if not words.endswith("is whole") or (is_render and f"clip of {job.task_id} " not in words):
            self.wrong(f"{job}: its clip is {words!r}, and its task {job.task_id}")
        shown = self._chat.videos(found[0])
        marked = [each for each in shown if any(mark in each.reply.text for mark in MARKS)]
        says = self._said(job, "result")
        if len(shown) - len(marked) > 1 or len(shown) > 2 or (self._chat.dedupes and len(shown) > 1):
            self.wrong(f"{job}: its clip is shown {len(shown)} times, {len(marked)} of them marked")
        elif len(shown) > 1:
            self.note("a clip is shown twice, marked")
        if job.state is JobState.DELIVERED and not shown:
            self.wrong(f"{job}: nobody sees its clip")
        if job.state is JobState.READY and (self._chat.dedupes or says != "unknown"):
            self.wrong(f"{job} was never delivered: its message is {says}")
        elif job.state is JobState.READY:
            self.note(f"a clip may have arrived, and {'did' if shown else 'did not'}")

    def _judge_word(self, job: _Ended) -> None:
        """That it ended without a clip is said; and one who is asked can answer."""
        says = self._said(job, "failure")
        if job.state is JobState.UNCONFIRMED and says == "sent" and not self._chat.asks_about(self._code_of(job)):
            self.wrong(f"{job}: nobody can answer its question")
        if says != "sent" and (self._chat.dedupes or says != "unknown"):
            self.wrong(f"{job}: ended for {job.why}, and the word on it is {says}")

    def _code_of(self, job: _Ended) -> str:
        query = (
            "SELECT story.code || '-' || shot.number FROM job JOIN shot ON shot.id = job.shot_id"
            " JOIN story ON story.id = shot.story_id WHERE job.id = ?"
        )
        return str(self._raw.execute(query, (job.id,)).fetchone()[0])

    def _said(self, job: _Ended, kind: str) -> str:
        query = "SELECT state FROM outbox WHERE job_id = ? AND kind = ?"
        return ", ".join(row[0] for row in self._raw.execute(query, (job.id, kind)).fetchall()) or "nothing"

    def _count(self, query: str, *values: object) -> int:
        found: int = self._raw.execute(query, values).fetchone()[0]
        return found


def _leads(was: JobState, to: JobState) -> bool:
    """Whether the table goes there, in one transaction of at most two moves."""
    return to in MOVES[was] or any(to in MOVES[between] for between in MOVES[was] - OVER)
