"""What is wrong after a run: read from the rows, from what the services took, from what stands in the chats, from the files.

It asks nothing of the product: it reads the tables with SQL of its own.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

from bench.kills_found import processes_in
from bot import texts
from bot.delivery import AGAIN
from engine.job_model import MAY_STILL_COST
from tests.chaos.house import House
from tests.chaos.services import PaidService
from tests.fakes.services.base import Shown
from tests.fakes.telegram import Message

MARKS = (texts.said_again("").strip(), texts.sent_again("").strip(), AGAIN)
MICROS = Decimal(1_000_000)
MAKING = ("/create", "/continue", "/retake", "/stitch")
ENDS = frozenset({"delivered", "failed", "cancelled"})
UNSURE = frozenset({Shown.NO_VIDEO, Shown.REFUSED})
"""Whether a service charges for these is its own affair; what we believe of it is in its adapter's tests."""
TOKEN = re.compile(r"scene \d+ of \w+")


@dataclass
class Found:
    """Sentences, and what is allowed and counted."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    """Second paid requests, second jobs of a command, second clips that are not marked."""
    cents: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    """Files, processes, complaints of the fakes."""
    states: Counter[str] = field(default_factory=Counter)
    marked: int = 0
    """Clips that stand a second time in their chat, marked."""
    agains: int = 0
    """Renders that somebody had sent again."""
    accepted: int = 0
    """Paid requests that services took."""
    refused: int = 0
    """Commands that were answered and made no job: nothing to continue yet, nothing to retake."""
    charged_usd: Decimal = Decimal(0)
    unknown_usd: Decimal = Decimal(0)

    @property
    def wrong(self) -> list[str]:
        return [*self.lost, *self.doubled, *self.cents, *self.left]


@dataclass(frozen=True)
class Row:
    """A job, as the table has it."""

    id: int
    kind: str
    state: str
    provider: str
    task_id: str | None
    prompt: str
    asked: str | None
    failure: str | None
    billed: str | None
    notes: str
    take_id: int | None
    film_id: int | None


_JOBS = """SELECT job.id, job.kind, job.state, job.provider, job.task_id, coalesce(shot.prompt, ''), job.asked_receipt,
job.failure_sentence, job.failure_billed, coalesce(CAST(job.notes AS TEXT), ''), job.take_id, job.film_id
FROM job LEFT JOIN shot ON shot.id = job.shot_id ORDER BY job.id"""


_NOTED = """SELECT job.provider, attempt.task_id FROM attempt JOIN job ON job.id = attempt.job_id
WHERE attempt.what = 'render' AND attempt.task_id IS NOT NULL"""


def _bare(task_id: str | None) -> str | None:
    """As the service knows it: fal's have the endpoint before them."""
    return task_id.rpartition("/")[2] if task_id else None


def look(house: House, said: list[Message]) -> Found:
    """Everything, after the process has ended. `said`: every message of a person."""
    found = Found()
    jobs = [replace(job, task_id=_bare(job.task_id)) for job in (Row(*row) for row in house.rows(_JOBS))]
    found.states.update(job.state for job in jobs)
    agains = Counter(int(job) for (job,) in house.rows("SELECT job_id FROM event WHERE detail LIKE 'again, by%'"))
    found.agains = agains.total()
    _jobs(house, jobs, found)
    _paid(house, jobs, agains, found)
    _books(house, jobs, found)
    _chats(house, jobs, said, found)
    _files(house, found)
    found.left += house.telegram.complaints
    for name, service in house.services.items():
        found.left += [f"{name}: {each}" for each in service.complaints]
    if traces := house.log.count("Traceback"):
        found.left.append(f"{traces} traces in the log")
    return found


def _jobs(house: House, jobs: list[Row], found: Found) -> None:
    for job in jobs:
        if job.state not in ENDS or (job.state == "failed" and not job.failure):
            found.lost.append(f"job {job.id} of {job.provider or 'stitch'} stands in {job.state} ({job.failure})")
    owed = house.rows("SELECT job_id, kind, state, error FROM outbox WHERE state NOT IN ('sent', 'unknown')")
    found.lost += [f"job {job}: its {kind} was not said ({state}: {error})" for job, kind, state, error in owed]


def _paid(house: House, jobs: list[Row], agains: Counter[int], found: Found) -> None:
    """What services took, beside what we know of it."""
    by_task = {(job.provider, job.task_id): job for job in jobs if job.task_id}
    by_words: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for job in jobs:
        by_words[job.provider, job.prompt].append(job)
    unknown = Counter(
        int(job)
        for (job,) in house.rows(
            "SELECT job_id FROM attempt WHERE what = 'render' AND outcome IN ('unknown', 'intended') AND task_id IS NULL"
        )
    )
    was_asked = {int(job) for (job,) in house.rows("SELECT job_id FROM event WHERE to_state = 'unconfirmed'")}
    noted = Counter(house.rows(_NOTED))
    found.doubled += [
        f"task {task} of {name} stands in {count} attempts" for (name, task), count in noted.items() if count > 1
    ]
    for name, service in house.services.items():
        found.accepted += len(service.tasks)
        of_words: Counter[str] = Counter()
        strays: Counter[str] = Counter()
        for task_id, task in service.tasks.items():
            found.charged_usd += service.charged_usd(task_id)
            words = _scene_in(service.words_of(task))
            of_words[words] += 1
            strays[words] += (name, task_id) not in by_task
        for words, count in of_words.items():
            mine = [job for job in jobs if job.provider == name and _scene_in(job.prompt) == words]
            allowed = sum(1 + agains[job.id] for job in mine)
            if count > allowed:
                found.doubled.append(
                    f"{name} took {words!r} {count} times for {len(mine)} jobs, {allowed} were asked for"
                )
            told = sum(
                unknown[job.id]
                for job in mine
                if job.id in was_asked or MAY_STILL_COST in job.notes or job.billed == "unknown"
            )
            if strays[words] > told:
                states = [(job.id, job.state, job.billed) for job in mine]
                found.lost.append(
                    f"{name} rendered {words!r} {strays[words]} times for nobody, {told} were told: {states}"
                )
    for (name, task_id), job in by_task.items():
        if name in house.services and task_id not in house.services[name].tasks:
            found.lost.append(f"job {job.id} has the task {task_id} that {name} never took")


def _scene_in(words: str) -> str:
    found = TOKEN.search(words)
    return found[0] if found else ""


def _books(house: House, jobs: list[Row], found: Found) -> None:
    """Every cent, from the entries alone."""
    buckets: dict[int, Counter[str]] = defaultdict(Counter)
    for job_id, bucket, micros in house.rows("SELECT job_id, bucket, micros FROM entry WHERE job_id IS NOT NULL"):
        buckets[int(job_id)][str(bucket)] += int(micros)
    unknown = Counter(
        int(job) for (job,) in house.rows("SELECT job_id FROM attempt WHERE outcome IN ('unknown', 'intended')")
    )
    for job in jobs:
        has = buckets.get(job.id, Counter())
        if sum(has.values()):
            found.cents.append(f"job {job.id}: its entries sum to {sum(has.values())} micro-dollars")
        if has["held"]:
            found.cents.append(f"job {job.id} ({job.state}) still holds {has['held'] / MICROS}")
        service = house.services.get(job.provider)
        found.unknown_usd += has["unknown"] / MICROS
        spent = has["spent"] / MICROS
        if service is None:
            if has["spent"] or has["unknown"]:
                found.cents.append(f"job {job.id} of {job.provider or 'stitch'} cost {spent}")
            continue
        _cents_of(job, service, has, bool(unknown[job.id]), found)
    for name, service in house.services.items():
        charged: dict[str, Decimal] = defaultdict(Decimal)
        for task_id, task in service.tasks.items():
            charged[_scene_in(service.words_of(task))] += service.charged_usd(task_id)
        for words, usd in charged.items():
            mine = [buckets[job.id] for job in jobs if job.provider == name and _scene_in(job.prompt) == words]
            noted = sum(each["spent"] + each["unknown"] for each in mine) / MICROS
            if usd > noted:
                found.cents.append(f"{name} charged {usd} for {words!r}, and {noted} is spent or unknown")


def _cents_of(job: Row, service: PaidService, has: Counter[str], is_open: bool, found: Found) -> None:
    spent, unknown_usd = has["spent"] / MICROS, has["unknown"] / MICROS
    charged = service.charged_usd(job.task_id) if job.task_id in service.tasks else Decimal(0)
    fate = service.fate(service.tasks[job.task_id]) if job.task_id in service.tasks else None
    if job.state == "delivered" and spent != charged:
        found.cents.append(f"job {job.id} of {job.provider} is delivered, spent {spent}, charged {charged}")
    if job.state != "delivered" and spent and job.billed != "yes" and "charged" not in job.notes:
        found.cents.append(f"job {job.id} of {job.provider} ({job.state}, {job.billed}) spent {spent}")
    if job.state == "failed" and job.billed == "no" and charged:
        found.cents.append(f"job {job.id} failed as not billed, and {job.provider} charged {charged}")
    if job.state == "failed" and job.billed == "yes" and fate not in UNSURE and spent != charged:
        found.cents.append(f"job {job.id} failed as billed with {spent}, and {job.provider} charged {charged}")
    is_told = is_open or job.billed == "unknown" or MAY_STILL_COST in job.notes
    if unknown_usd and not is_told:
        found.cents.append(f"job {job.id} ({job.state}) has {unknown_usd} unknown, and nothing about it is unknown")


def _chats(house: House, jobs: list[Row], said: list[Message], found: Found) -> None:
    """Every command an answer, every job one clip in its chat."""
    answers: dict[tuple[int, int], list[Message]] = defaultdict(list)
    for chat in house.telegram.world.chats.values():
        for message in house.telegram.bot_messages(chat):
            answers[chat.id, message.reply_to or 0].append(message)
    by_message: dict[tuple[int, int], list[Row]] = defaultdict(list)
    for job in jobs:
        chat_id, _, message_id = str(job.asked).removeprefix("telegram:").partition("/")
        if message_id.isdecimal():
            by_message[int(chat_id), int(message_id)].append(job)
    stopped = {chat_id for (chat_id, _), rows in by_message.items() if any(row.state == "cancelled" for row in rows)}
    for message in said:
        at = message.chat.id, message.id
        mine, told = by_message.pop(at, []), answers[at]
        if len(mine) > 1:
            found.doubled.append(f"{message.text!r} ({at}) has {len(mine)} jobs: {[job.id for job in mine]}")
        if not mine:
            # that something was cancelled is told in its own status message
            if not told and not (message.text.startswith("/cancel") and message.chat.id in stopped):
                found.lost.append(f"{message.text!r} ({at}) has no answer")
            found.refused += message.text.startswith(MAKING)
            continue
        if mine[0].state == "delivered":
            _clips_of(mine[0], told, found)
        elif not told:
            found.lost.append(f"job {mine[0].id} ended as {mine[0].state}, and nobody was told")
    for at, others in by_message.items():
        for job in others:  # made by a button
            if job.state == "delivered":
                _clips_of(job, answers[at], found)


def _clips_of(job: Row, told: list[Message], found: Found) -> None:
    clips = [each for each in told if each.media is not None]
    marked = [each for each in clips if any(mark in each.text for mark in MARKS)]
    plain = len(clips) - len(marked)
    if not clips:
        found.lost.append(f"job {job.id} is delivered, and its clip is not in the chat")
    if plain > 1 or len(marked) > 1:
        found.doubled.append(f"job {job.id} has {plain} clips in the chat and {len(marked)} marked ones")
    found.marked += plain == 1 and len(marked) == 1


def _files(house: House, found: Found) -> None:
    missing = (
        "SELECT id FROM job WHERE kind = 'render' AND state = 'delivered' AND take_id NOT IN (SELECT take_id FROM clip)"
    )
    found.lost += [f"job {job} was delivered and has no clip" for (job,) in house.rows(missing)]
    for name, size in house.rows("SELECT file, bytes FROM clip UNION SELECT file, bytes FROM film"):
        path = house.data / "files" / str(name)[:2] / str(name)
        if not path.is_file() or path.stat().st_size != size:
            found.lost.append(f"the file {name} is missing or has another size")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != path.stem:
            found.lost.append(f"the file {name} is not what its name says")
    for data in (seat.data for seat in house.seats):
        found.left += [f"a process is left: {pid}" for pid in processes_in(data)]
        found.left += [f"a file is left: {path.relative_to(data)}" for path in left_behind(data)]


def left_behind(data: Path) -> Iterator[Path]:
    """Work of jobs that are over, and files on their way to their names."""
    work = data / "work"
    yield from (*work.glob("job-*"), *work.glob("animatic/*"))
    yield from (path for path in data.rglob("*") if path.is_file() and path.suffix in {".tmp", ".part"})
