"""The commands that steer what was made: cancel, delete, choose."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.terminal import options as o
from bot.terminal.output import look_at
from bot.terminal.perform import perform
from bot.terminal.rows import job_row
from bot.terminal.turn import Turn
from engine.codes import parse_film_code


def cancel(
    target: Annotated[
        str | None, typer.Argument(metavar="ID", help="Default: your newest job.", show_default=False)
    ] = None,
    place: o.Place = None,
    as_json: o.AsJson = False,
) -> None:
    """Stop what is being rendered."""

    async def work(turn: Turn) -> None:
        job = await turn.desk.cancel(turn.asked, target)
        turn.voice.result(job_row(job))

    perform(as_json, place, work, repeatable=False)


def delete(thing: o.Thing, place: o.Place = None, as_json: o.AsJson = False) -> None:
    """Delete a shot's clips or a film, with their files."""

    async def work(turn: Turn) -> None:
        deleted = await turn.desk.delete(turn.asked, thing)
        turn.voice.result({"film" if parse_film_code(deleted) else "shot": deleted, "state": "deleted"})

    perform(as_json, place, work, repeatable=False)


def choose(
    shot: o.ShotCode,
    take: Annotated[int | None, typer.Option(min=1, help="Use this take of it.", show_default=False)] = None,
    place: o.Place = None,
    as_json: o.AsJson = False,
) -> None:
    """Let the film follow this shot, or use another take of it."""

    async def work(turn: Turn) -> None:
        await turn.desk.choose(turn.asked, shot, take)
        await look_at(turn, shot)

    perform(as_json, place, work)
