"""`nextshot jobs`: what goes on in all places, and what became of one job. Nothing moves."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from bot.terminal import options as o
from bot.terminal.oversight_rows import SHOWN_JOBS, SHOWN_LINES, line_row, sheet_rows
from bot.terminal.perform import perform
from bot.terminal.turn import Turn
from engine.job_model import JobState
from engine.jobs import OVER

NOTHING = "No job goes on or waits; nextshot jobs --all lists those that are over, too."
OPEN = frozenset(JobState) - OVER
"""What goes on, waits to be shown, or waits for a person's word."""


def jobs(
    number: Annotated[
        int | None, typer.Argument(metavar="JOB", help="All that is known of this one.", show_default=False)
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    state: Annotated[
        list[JobState] | None,
        typer.Option("--state", help="Only these; may be given more than once.", show_default=False),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="How many.")] = 100,
    as_json: o.AsJson = False,
) -> None:
    """List the jobs of all places, newest first, or see all that is known of one."""

    async def work(turn: Turn) -> None:
        now = datetime.now(UTC)
        if number is not None:
            sheet = await turn.desk.job_sheet(number)
            turn.voice.rows([line_row(sheet.line, now)], SHOWN_JOBS)
            turn.voice.rows(sheet_rows(sheet, now), SHOWN_LINES)
            return
        states = frozenset(state) if state else None if every else OPEN
        found = await turn.desk.all_jobs(states, limit)
        turn.voice.rows([line_row(line, now) for line in found], SHOWN_JOBS)
        if not found:
            turn.voice.note(NOTHING if states == OPEN else "There is no such job.")
        elif len(found) == limit:
            turn.voice.note(f"There may be more; nextshot jobs --limit {min(1_000, limit * 10)} shows them.")

    perform(as_json, None, work)
