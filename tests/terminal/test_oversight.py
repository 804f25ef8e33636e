"""`nextshot jobs` and `nextshot outbox`: what an operator sees, and that looking moves nothing."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot import cli
from bot.control.remote import reach
from bot.control.server import serve_desk
from bot.doctor.finding import Level
from bot.doctor.work import check_work
from bot.settings import load_settings
from bot.terminal.oversight_rows import words_of, words_until
from engine.attempts import AttemptOutcome
from engine.errors import NotFound, NotPossible
from engine.job_model import JobState, SayKind, SayState
from engine.jobs import move
from engine.ledger import HOUSE, Bucket, Move, entries
from engine.open import open_studio, utc_now
from engine.ports import Writer
from storage import LocalFiles, opened_store
from tests.databases import ANA, add_render
from tests.fakes.provider import ScriptedProvider


async def begin(tx: Writer) -> None:
    """A render that nobody has confirmed for long, with a message that was given up, in a place that is not the terminal's."""
    story = await tx.add_story("telegram:-5", ANA, "The lamp")
    _, _, job = await add_render(tx, story, "one", place="telegram:-5")
    attempt = await tx.add_attempt(job.id, "key", quoted_usd=Decimal("0.30"))
    job = move(job, JobState.SUBMITTING, quoted_usd=Decimal("0.30"))
    await tx.save_job(job)
    await tx.close_attempt(attempt.id, AttemptOutcome.UNKNOWN)
    await tx.save_job(move(job, JobState.UNCONFIRMED), detail="Unconfirmed: the answer was lost")
    await tx.owe(job.id, SayKind.FAILURE)
    (say,) = await tx.says(job.id)
    await tx.save_say(say, SayState.FAILED, error="the bot was kicked")
    await tx.post(entries(HOUSE, [Move(Bucket.LEFT, Bucket.UNKNOWN, Decimal("0.30"))], job_id=job.id, note="one"))


async def filled(directory: Path) -> None:
    earlier = lambda: utc_now() - timedelta(minutes=20)  # noqa: E731
    async with opened_store(f"sqlite:///{directory / 'nextshot.db'}", earlier) as store:
        await store.write(begin)


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The data directory of a house that stands still; logging is as it was afterwards."""
    root, raised = logging.getLogger(), logging.raiseExceptions
    handlers, level = root.handlers[:], root.level
    root.handlers = []
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    asyncio.run(filled(tmp_path / "data"))
    yield tmp_path / "data"
    for handler in root.handlers:
        handler.close()
    root.handlers = handlers
    root.setLevel(level)
    logging.raiseExceptions = raised
    logging.captureWarnings(capture=False)


def nextshot(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, Any]]:
    """The JSON lines of one command that ends well."""
    monkeypatch.setattr(sys, "argv", ["nextshot", *words, "--json"])
    code = cli.main()
    out, err = capsys.readouterr()
    assert code == 0, err
    return [json.loads(line) for line in out.splitlines()]


async def outbox_of(directory: Path) -> list[Any]:
    async with opened_store(f"sqlite:///{directory / 'nextshot.db'}", utc_now) as store:
        return list(await store.read(lambda tx: tx.messages_of(1)))


def test_jobs_and_messages_of_all_places_are_seen(
    directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Alone, without a server: who looks moves nothing; who sends again makes it due for the next start."""
    before = asyncio.run(outbox_of(directory))
    (job,) = nextshot(monkeypatch, capsys, "jobs")
    assert {
        "job": 1,
        "subject": "a1-1",
        "state": "unconfirmed",
        "place": "telegram:-5",
        "age": "20 min",
    }.items() <= job.items()
    assert (job["quoted_usd"], job["error"], job["due"]) == ("0.30", "the bot was kicked", None)
    assert nextshot(monkeypatch, capsys, "jobs", "--state", "rendering") == []
    assert [row["job"] for row in nextshot(monkeypatch, capsys, "jobs", "--all", "--state", "unconfirmed")] == [1]
    head, *parts = nextshot(monkeypatch, capsys, "jobs", "1")
    assert (head["job"], head["person_key"], job["person_key"]) == (1, ANA.key, ANA.key)
    said = [(row["what"], row["says"]) for row in parts]
    assert said[0] == ("person", f"{ANA.key} ({ANA.name})")
    assert ("event", "submitting to unconfirmed: Unconfirmed: the answer was lost") in said
    assert ("attempt", "attempt 1 for a render: unknown, quoted $0.30") in said
    assert ("message", "message 1, failure, given up, tries 1: the bot was kicked") in said
    assert ("money", "quarantine: +0.300000 in unknown of house the house one") in said
    for words in (["outbox"], ["outbox", "--failed"]):
        (message,) = nextshot(monkeypatch, capsys, *words)
        assert (message["message"], message["state"], message["error"]) == (1, "given up", "the bot was kicked")
    assert nextshot(monkeypatch, capsys, "outbox", "--waiting") == []
    assert asyncio.run(outbox_of(directory)) == before
    (sent,) = nextshot(monkeypatch, capsys, "outbox", "send", "1")
    assert (sent["state"], sent["due"], sent["sent_again"]) == ("waiting", "now", 1)


def test_the_doctor_tells_what_waits_for_the_operator(directory: Path) -> None:
    """From the database where nobody serves; it changes nothing."""
    before = asyncio.run(outbox_of(directory))
    found = list(check_work(load_settings()))
    assert {finding.level for finding in found} == {Level.WARNING}
    given_up, unconfirmed, unknown = (finding.says for finding in found)
    assert given_up.startswith("Messages that were given up: 1. `nextshot outbox --failed`")
    assert "more than ten minutes: 1. `nextshot jobs --state unconfirmed`" in unconfirmed
    assert "$0.30" in unknown
    assert asyncio.run(outbox_of(directory)) == before
    (directory / "nextshot.db").unlink()
    assert list(check_work(load_settings())) == []


async def test_they_are_seen_beside_a_running_server(tmp_path: Path) -> None:
    """What comes over the socket is what is there, and so are refusals."""
    async with opened_store("sqlite://", utc_now) as store:
        await store.write(begin)
        async with (
            open_studio(store, LocalFiles(tmp_path), [ScriptedProvider()]) as studio,
            serve_desk(studio) as address,
            reach(address) as desk,
        ):
            states = frozenset({JobState.UNCONFIRMED})
            assert await desk.all_jobs(states, 5) == await studio.all_jobs(states, 5) != ()
            assert await desk.all_jobs() == await studio.all_jobs()
            assert await desk.job_sheet(1) == await studio.job_sheet(1)
            failed = frozenset({SayState.FAILED})
            assert await desk.outbox(failed) == await studio.outbox(failed) != ()
            assert await desk.troubles() == await studio.troubles()
            with pytest.raises(NotFound, match="no message 9"):
                await desk.send_again(9)
            assert (await desk.send_again(1)).say.again == 1
            (say,) = await store.read(lambda tx: tx.says(1))
            await store.write(lambda tx: tx.save_say(say, SayState.SENT))
            with pytest.raises(NotPossible, match="--again"):
                await desk.send_again(1)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-3, "0 s"), (119, "119 s"), (120, "2 min"), (7_199, "119 min"), (7_200, "2 h"), (200_000, "2 d")],
)
def test_spans_are_told_shortly(seconds: int, words: str) -> None:
    """In the largest unit of which there are two."""
    assert words_of(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(("ahead_s", "words"), [(-5, "now"), (0.4, "now"), (1, "in 1 s"), (12, "in 12 s")])
def test_what_is_due_within_a_second_is_due_now(ahead_s: float, words: str) -> None:
    """The engine's clock may be a moment ahead of the one on the wall."""
    now = utc_now()
    assert words_until(now + timedelta(seconds=ahead_s), now) == words
