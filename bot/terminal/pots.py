"""The commands of money: `nextshot pot`, and what the operator does with pots."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated

import typer

from bot.amounts import read_usd
from bot.commands import DEFAULT
from bot.paying import LIMITS
from bot.terminal import options as o
from bot.terminal.perform import perform
from bot.terminal.rows import job_row, pot_row, pot_rows, unknown_row
from bot.terminal.turn import Turn
from engine.errors import NotPossible
from engine.job_model import Payer
from engine.ledger import PotKey

SHOWN_POT = ("pot", "spent", "held", "unknown", "left", "ask", "shot_most", "story_most", "day_most")
SHOWN_SPENDING = ("of", "spent", "held", "unknown")
SHOWN_WAITING = ("shot", "person", "usd")
SHOWN_UNKNOWN = ("job", "shot", "place", "person", "provider", "task_id", "unknown", "note", "created_at")
_PERSON = "person:"
_KEY = re.compile(r"[a-z]+:[^\s\x00-\x1f]{1,200}")

app = typer.Typer(help="See what was spent here and what is left; as the operator, fill pots.", rich_markup_mode=None)

Note = Annotated[str, typer.Option(help="Why, for whoever reads it later.", show_default=False)]


@app.callback(invoke_without_command=True)
def pot(  # one of each that can be set
    context: typer.Context,
    *,
    ask: o.AskAbove = None,
    day: o.DayUsd = None,
    story: o.StoryUsd = None,
    shot: o.ShotUsd = None,
    place: o.Place = None,
    as_json: o.AsJson = False,
) -> None:
    """See what was spent here and what is left, or limit it; as the operator, fill pots."""
    if context.invoked_subcommand is not None:
        return
    said = {"ask": ask, "day": day, "story": story, "shot": shot}

    async def work(turn: Turn) -> None:
        changes = {
            LIMITS[name]: None if text == DEFAULT else _usd(text) for name, text in said.items() if text is not None
        }
        if changes:
            await turn.desk.set_limits(turn.asked, changes, True)  # noqa: FBT003  # as the operator
        head, spending, waiting = pot_rows(await turn.desk.pot(turn.asked))
        turn.voice.rows([head], SHOWN_POT)
        if spending:
            turn.voice.rows(spending, SHOWN_SPENDING)
        if waiting:
            turn.voice.rows(waiting, SHOWN_WAITING)

    perform(as_json, place, work)


@app.command("list")
def list_pots(as_json: o.AsJson = False) -> None:
    """List all pots: the house's, then places', then persons'."""

    async def work(turn: Turn) -> None:
        turn.voice.rows(map(pot_row, await turn.desk.pots()), SHOWN_POT)

    perform(as_json, None, work)


@app.command("top-up")
def top_up(
    owner: Annotated[
        str, typer.Argument(metavar="PLACE|person:KEY", help="Whose pot, as telegram:-100123 or person:telegram:5.")
    ],
    usd: o.Usd,
    note: Note = "",
    as_json: o.AsJson = False,
) -> None:
    """Put money into a pot; from then on it pays there before the operator does."""

    async def work(turn: Turn) -> None:
        key = _pot_of(owner)
        filled = await turn.desk.top_up(key, _usd(usd), f"terminal:{turn.asked.key}", note)
        turn.voice.rows([pot_row(filled)], SHOWN_POT)

    perform(as_json, None, work)


@app.command("unknown")
def unknown(as_json: o.AsJson = False) -> None:
    """List the jobs of which nobody knows what they cost."""

    async def work(turn: Turn) -> None:
        found = await turn.desk.unknowns()
        turn.voice.rows((unknown_row(job, balances) for job, balances in found), SHOWN_UNKNOWN)
        if not found:
            turn.voice.note("What every job cost is known.")

    perform(as_json, None, work)


@app.command("settle")
def settle(
    job: Annotated[int, typer.Argument(metavar="JOB", help="Its number in `nextshot pot unknown`.", min=1)],
    usd: o.Usd,
    note: Note = "",
    as_json: o.AsJson = False,
) -> None:
    """Say what a job cost, as the service's own bill has it; 0 gives all of it back."""

    async def work(turn: Turn) -> None:
        settled = await turn.desk.resolve(job, _usd(usd), note)
        turn.voice.result({**job_row(settled), "settled_usd": usd.strip()})

    perform(as_json, None, work)


def _usd(text: str) -> Decimal:
    try:
        return read_usd(text)
    except ValueError:
        raise NotPossible(f"An amount is a number of US dollars, such as 2.50; “{text}” is none.") from None


def _pot_of(owner: str) -> PotKey:
    payer = Payer.PERSON if owner.startswith(_PERSON) else Payer.PLACE
    key = owner.removeprefix(_PERSON)
    if not _KEY.fullmatch(key):
        raise NotPossible(
            f"“{owner}” is neither a place, such as local:home, nor a person, such as {_PERSON}telegram:5."
        )
    return PotKey(payer, key)
