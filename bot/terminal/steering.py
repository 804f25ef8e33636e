"""The commands that steer what was made and what will be: cancel, delete, choose, settings."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Annotated, Any

import typer

from bot.commands import DEFAULT
from bot.terminal import options as o
from bot.terminal.output import look_at
from bot.terminal.perform import perform
from bot.terminal.rows import job_row, settings_row
from bot.terminal.turn import Turn
from engine.codes import parse_film_code
from engine.errors import NotPossible
from engine.jobs import LIVE
from engine.model import ShotOptions
from engine.place_options import KEPT

HANDED_OVER_S = 130.0
"""The longest that a request may be under way (`engine.submit`)."""
LOOK_EVERY_S = 0.2


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
        with suppress(TimeoutError):
            async with asyncio.timeout(HANDED_OVER_S):
                while job.state in LIVE:  # it is being handed over this moment, and is stopped right after
                    await asyncio.sleep(LOOK_EVERY_S)
                    job = await turn.desk.job(job.id) or job
        row = job_row(job)
        turn.voice.result({**row, "state": "cancelling"} if job.state in LIVE else row)

    perform(as_json, place, work, repeatable=False)


def delete(thing: o.Thing, place: o.Place = None, as_json: o.AsJson = False) -> None:
    """Delete a shot's clips or a film, with their files."""

    async def work(turn: Turn) -> None:
        deleted = await turn.desk.delete(turn.asked, thing)
        turn.voice.result({"film" if parse_film_code(deleted) else "shot": deleted, "state": "deleted"})

    perform(as_json, place, work, repeatable=False)


def settings(
    *,
    seconds: o.PlaceSeconds = None,
    ratio: o.PlaceRatio = None,
    resolution: o.PlaceResolution = None,
    style: o.PlaceStyle = None,
    provider: o.PlaceProvider = None,
    model: o.PlaceModel = None,
    place: o.Place = None,
    as_json: o.AsJson = False,
) -> None:
    """See or choose what new stories get when nothing else is said; `default` takes a choice back."""
    said = dict(zip(KEPT, (seconds, ratio, resolution, style, provider, model), strict=True))

    async def work(turn: Turn) -> None:
        kept: dict[str, Any] = {name: value for name, value in said.items() if value not in {None, DEFAULT}}
        if "seconds" in kept:
            kept["seconds"] = _seconds(kept["seconds"])
        reset = frozenset(name for name, value in said.items() if value == DEFAULT)
        if kept or reset:
            seen = await turn.desk.set_settings(turn.asked, ShotOptions(**kept), reset)
        else:
            seen = await turn.desk.settings(turn.place)
        turn.voice.result(settings_row(seen))

    perform(as_json, place, work)


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise NotPossible(f"--seconds is a number, such as --seconds 6, or {DEFAULT}; “{text}” is neither.") from None


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
