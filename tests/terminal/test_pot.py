"""Money at a terminal: what is asked before it is spent, and what the operator does with pots."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot import cli
from bot.control.remote import reach
from bot.control.server import serve_desk
from bot.desk import Desk
from bot.terminal.rows import unknown_row
from bot.terminal.turn import JobFailed, Turn
from bot.terminal.voice import JsonVoice
from engine.abilities import Pace, Price
from engine.errors import Billed, NotAllowed, NotFound, NotPossible, OverBudget, RenderFailed
from engine.job_model import Job, JobState, Payer
from engine.ledger import Balances, Limits, PotKey
from engine.model import Asked, Create, Person
from engine.money_rules import MoneyRules
from engine.open import open_studio, utc_now
from engine.studio import Studio
from storage import LocalFiles, opened_store
from tests.fakes.provider import ABILITIES, ScriptedProvider

PLACE = "local:home"
ROOT = Person("cli:root", "root", is_operator=True)
PRICED = replace(ABILITIES, price=Price(usd_per_second={"": Decimal("0.84")}))
RULES = MoneyRules(place=Limits(ask_above_usd=Decimal("0.50")))
QUICK = Pace(first_s=0.02, every_s=0.02, give_up_s=60, in_flight=2)


@dataclass(frozen=True)
class Opened:
    """A studio at work, one command's turn at it, and the provider behind it."""

    studio: Studio
    turn: Turn
    provider: ScriptedProvider

    async def create(self) -> Job:
        return await self.turn.desk.create(Create(asked=self.turn.asked, prompt="a lamp"))

    async def state(self, job: Job) -> JobState:
        fresh = await self.studio.job(job.id)
        assert fresh is not None
        return fresh.state


ANYWHERE = pytest.mark.parametrize("opened", ["here", "beside a server"], indirect=True)


@pytest.fixture
async def opened(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Opened]:
    """A studio in this process, asked directly unless a test wants both."""
    provider = ScriptedProvider(models={"one": PRICED}, pace=QUICK, finishes_at_check=1)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(opened_store("sqlite://", utc_now))
        studio = await stack.enter_async_context(open_studio(store, LocalFiles(tmp_path), [provider], rules=RULES))
        desk: Desk = studio
        if getattr(request, "param", "here") != "here":
            address = await stack.enter_async_context(serve_desk(studio))
            desk = await stack.enter_async_context(reach(address))
        turn = Turn(
            desk=desk, voice=JsonVoice(), asked=Asked("one", PLACE, ROOT), delivers=False, is_remote=desk is not studio
        )
        yield Opened(studio, turn, provider)


@contextmanager
def sitting_there(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A terminal at stdin; what is written to the given end is typed there."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "r", closefd=True) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        try:
            yield ours
        finally:
            monkeypatch.undo()
            os.close(ours)


def rows(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


# --- agreeing --------------------------------------------------------------------------------------------------------


async def test_who_agreed_in_advance_is_not_asked(opened: Opened, capsys: pytest.CaptureFixture[str]) -> None:
    """`--yes`: the question is seen, and answered."""
    job = await opened.create()
    assert job.state is JobState.ASKING
    async with asyncio.timeout(20):
        await opened.turn.watch(job, agrees=True)
    assert rows(capsys)[-1]["shot"] == "a1-1"
    assert opened.provider.submits == 1


@ANYWHERE
async def test_where_nobody_sits_nothing_is_left_waiting(opened: Opened, capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence says how to agree; the job is cancelled, and nothing was spent."""
    job = await opened.create()
    with pytest.raises(JobFailed):
        await opened.turn.watch(job)
    assert await opened.state(job) is JobState.CANCELLED
    assert rows(capsys)[-1] == {
        "job": job.id,
        "shot": "a1-1",
        "state": "cancelled",
        "error": "Nobody agreed to the price of a1-1 (about $0.84), so nothing was rendered: "
        "`nextshot retake a1-1 --yes` agrees and renders it.",
        "kind": "cancelled",
    }
    assert opened.provider.submits == 0


async def test_what_may_not_be_spent_is_not_left_waiting(opened: Opened) -> None:
    """Who agrees in advance to what no cap allows gets the cap's sentence, and the job ends."""
    job = await opened.create()
    await opened.studio.set_limits(Asked("limits", PLACE, ROOT), {"day_usd": Decimal(0)})
    with pytest.raises(OverBudget):
        await opened.turn.watch(job, agrees=True)
    assert await opened.state(job) is JobState.CANCELLED


async def test_what_others_asked_for_waits_on(opened: Opened, capsys: pytest.CaptureFixture[str]) -> None:
    """`nextshot resume` without a word on the price changes nothing."""
    job = await opened.create()
    with pytest.raises(JobFailed):
        await opened.turn.watch(job, is_ours=False)
    assert await opened.state(job) is JobState.ASKING
    assert rows(capsys)[-1]["error"] == (
        "a1-1 waits for somebody to agree to its price (about $0.84): `nextshot resume a1-1 --yes` agrees."
    )


@pytest.mark.parametrize(("typed", "renders"), [("YES\n", True), ("\n", False)])
async def test_who_sits_there_is_asked(
    opened: Opened,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    typed: str,
    *,
    renders: bool,
) -> None:
    """Only a yes is one."""
    job = await opened.create()
    with sitting_there(monkeypatch) as keyboard:
        os.write(keyboard, typed.encode())
        async with asyncio.timeout(20):
            if renders:
                await opened.turn.watch(job)
            else:
                with pytest.raises(JobFailed):
                    await opened.turn.watch(job)
    assert "a1-1: about $0.84. Render it? [y/N] " in capsys.readouterr().err
    assert opened.provider.submits == int(renders)


async def test_a_yes_to_one_price_is_none_to_the_one_that_came_meanwhile(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is asked anew, and nothing is rendered before."""
    job = replace(await opened.create(), quoted_usd=Decimal("0.10"))
    with sitting_there(monkeypatch) as keyboard:
        os.write(keyboard, b"y\nn\n")
        async with asyncio.timeout(20):
            with pytest.raises(JobFailed):
                await opened.turn.watch(job)
    asked = capsys.readouterr().err
    assert asked.index("about $0.10. Render it?") < asked.index("about $0.84. Render it?")
    assert opened.provider.submits == 0


@ANYWHERE
async def test_a_limit_that_is_set_at_a_terminal_is_changed_there_alone(opened: Opened) -> None:
    """Here and through the socket alike."""
    desk, asked = opened.turn.desk, opened.turn.asked
    fixed = await desk.set_limits(asked, {"day_usd": Decimal(0)}, True)  # noqa: FBT003  # by its place
    assert fixed.limits == Limits(day_usd=Decimal(0), fixed=frozenset({"day_usd"}))
    with pytest.raises(NotAllowed, match="Whoever runs this bot"):
        await desk.set_limits(replace(asked, key="two"), {"day_usd": None})


async def test_a_question_that_is_answered_elsewhere_is_not_waited_for(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody presses Render in the chat while the cursor blinks here."""
    job = await opened.create()
    with sitting_there(monkeypatch):
        watching = asyncio.create_task(opened.turn.watch(job), name="watching")
        await asyncio.sleep(0)
        await opened.studio.agree(Asked("pressed", PLACE, ROOT), "a1-1")
        async with asyncio.timeout(20):
            await watching
    assert opened.provider.submits == 1


# --- pots ------------------------------------------------------------------------------------------------------------


@ANYWHERE
async def test_a_pot_is_filled_once_and_unknown_costs_are_settled(opened: Opened) -> None:
    """Here and through the socket alike; what is known is not settled again."""
    desk, place = opened.turn.desk, PotKey(Payer.PLACE, PLACE)
    assert (await desk.top_up(place, Decimal("6.20"), "paid", "cash")).balances.left == Decimal("6.20")
    assert (await desk.top_up(place, Decimal("6.20"), "paid", "cash")).balances.left == Decimal("6.20")
    assert [pot.key for pot in await desk.pots()] == [place]
    opened.provider.check_answers = [RenderFailed("It broke.", billed=Billed.UNKNOWN)]
    job = await opened.create()
    await desk.agree(replace(opened.turn.asked, key="two"), "a1-1")
    await opened.studio.finished(job.id)
    ((unknown, balances),) = await desk.unknowns()
    assert (unknown.id, balances.unknown) == (job.id, Decimal("0.84"))
    await desk.resolve(job.id, Decimal("0.20"), "their bill")
    view = await desk.pot(opened.turn.asked)
    assert (view.place.balances.left, view.place.balances.spent) == (Decimal("6.00"), Decimal("0.20"))
    with pytest.raises(NotFound):
        await desk.resolve(job.id, Decimal("0.20"), "")
    with pytest.raises(NotPossible):
        await desk.top_up(PotKey(Payer.HOUSE), Decimal(1), "three", "")
    with pytest.raises(NotPossible):
        await desk.top_up(place, Decimal(0), "four", "")


async def test_what_had_no_price_is_listed_as_such(opened: Opened) -> None:
    """Its number is there to settle it by, and no amount is made up."""
    job = await opened.create()
    row = unknown_row(job, Balances())
    assert (row["job"], row["unknown"], row["note"]) == (job.id, None, "price unknown")
    row = unknown_row(job, Balances(unknown=Decimal("0.84")))
    assert (row["unknown"], row["note"]) == ("0.84", None)


def said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str
) -> tuple[int, list[dict[str, Any]]]:
    """A whole command: its exit code and its JSON lines."""
    monkeypatch.setattr(sys, "argv", ["nextshot", *words, "--json"])
    code = cli.main()
    return code, rows(capsys)


def test_the_commands_of_pots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Look, limit, fill, list; amounts and owners that are none are refused in a sentence."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("NEXTSHOT_")]:
        monkeypatch.delenv(name)

    def run(*words: str) -> tuple[int, list[dict[str, Any]]]:
        return said(capsys, monkeypatch, "pot", *words)

    code, (head,) = run("--day", "5")
    assert (code, head["pot"], head["is_open"], head["left"]) == (0, PLACE, False, None)
    assert (head["ask"], head["day_most"], head["spent"]) == ("1", "5", "0")
    (database,) = tmp_path.rglob("*.db")
    with closing(sqlite3.connect(database)) as opened:
        assert opened.execute("SELECT fixed FROM pot").fetchall() == [("day_usd",)]
    code, (filled,) = run("top-up", "person:telegram:5", "$2,50", "--note", "cash")
    assert (code, filled["pot"], filled["left"]) == (0, "person:telegram:5", "2.5")
    code, listed = run("list")
    assert (code, [pot["pot"] for pot in listed]) == (0, [PLACE, "person:telegram:5"])
    assert run("unknown") == (0, [])
    for words, sentence in {
        ("top-up", PLACE, "lots"): "An amount is a number of US dollars, such as 2.50; “lots” is none.",
        ("top-up", "nobody", "1"): "“nobody” is neither a place, such as local:home, nor a person, such as",
        ("settle", "99", "1"): "There is no job 99.",
    }.items():
        code, (wrong,) = run(*words)
        assert (code, wrong["error"][: len(sentence)]) == (2, sentence)
