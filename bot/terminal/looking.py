"""The commands that only look: story, stories, show, history, download, models."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.catalog_words import model_rows, painter_rows
from bot.terminal import options as o
from bot.terminal.output import SHOWN_ALL, SHOWN_HISTORY, SHOWN_MODELS, SHOWN_STORIES, download_to, look_at, show_story
from bot.terminal.perform import perform
from bot.terminal.rows import history_row, story_row
from bot.terminal.turn import Turn
from engine.errors import RequestError

NO_STORY = "There is no story here yet; begin one with: nextshot create a lighthouse keeper lights the lamp"
NO_CLIP = "There is no clip here yet; begin a story with: nextshot create a lighthouse keeper lights the lamp"
NO_CLIP_OF_YOURS = "There is no clip of yours here yet; nextshot history lists everybody's."


def story(
    code: Annotated[str | None, typer.Argument(metavar="STORY", help="Go to this one.", show_default=False)] = None,
    place: o.Place = None,
    as_json: o.AsJson = False,
) -> None:
    """See the shots of this story, or go to another one."""

    async def work(turn: Turn) -> None:
        view = await (turn.desk.open_story(turn.asked, code) if code else turn.desk.story(turn.place))
        if view is None:
            raise RequestError(NO_STORY)
        show_story(turn, view)

    perform(as_json, place, work)


def stories(place: o.Place = None, as_json: o.AsJson = False) -> None:
    """List the stories of this place."""

    async def work(turn: Turn) -> None:
        found = await turn.desk.stories(turn.place)
        turn.voice.rows(map(story_row, found), SHOWN_STORIES)
        if not found:
            turn.voice.note(NO_STORY)

    perform(as_json, place, work)


def show(thing: o.Thing, place: o.Place = None, as_json: o.AsJson = False) -> None:
    """See one shot or film."""

    async def work(turn: Turn) -> None:
        await look_at(turn, thing)

    perform(as_json, place, work)


def history(
    mine: Annotated[bool, typer.Option("--mine", help="Only what you made.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=50, help="How many.")] = 10,
    before: Annotated[
        int | None, typer.Option(metavar="ID", help="What is older than this one.", show_default=False)
    ] = None,
    place: o.Place = None,
    as_json: o.AsJson = False,
) -> None:
    """List the newest clips of this place."""

    async def work(turn: Turn) -> None:
        person = turn.asked.person.key if mine else None
        page = await turn.desk.history(turn.place, person, before, limit)
        turn.voice.rows(map(history_row, page.items), SHOWN_HISTORY)
        if not page.items and before is not None:
            turn.voice.note(f"Nothing here is older than {before}; nextshot history shows the newest.")
        elif not page.items:
            turn.voice.note(NO_CLIP_OF_YOURS if mine else NO_CLIP)
        if page.next_before is not None and not as_json:
            turn.voice.note(f"Older ones: nextshot history --before {page.next_before}")

    perform(as_json, place, work)


def download(
    thing: o.Thing,
    *,
    variant: Annotated[o.Variant, typer.Option(help="What of it.")] = o.Variant.VIDEO,
    at: Annotated[float | None, typer.Option(help="The frame at so many seconds instead.", show_default=False)] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where to write it; a directory, or a new file.", show_default="here")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what is there.")] = False,
    place: o.Place = None,
    as_json: o.AsJson = False,
) -> None:
    """Get the file of a clip or a film, or a picture of it."""

    async def work(turn: Turn) -> None:
        what = variant if at is None else f"{at:g}s"
        await download_to(turn, thing, what, out or Path(), overwrite=force)

    perform(as_json, place, work)


def models(
    every: Annotated[
        bool, typer.Option("--all", help="Also those that are not set up here, and what they need.")
    ] = False,
    as_json: o.AsJson = False,
) -> None:
    """See what can render here, and what it can do."""

    async def work(turn: Turn) -> None:
        from bot.settings import load_painters, load_services  # noqa: PLC0415  # see bot.terminal.perform

        known, today = turn.desk.models(), datetime.now(UTC).date()
        shown = model_rows(known, today)
        painters = load_painters()
        shown += painter_rows({each.name: each.catalog.painter_abilities for each in painters.ready}, today)
        if every:
            shown = [{**row, "needs": ""} for row in shown]
            for service in load_services().known:
                if service.name not in known:
                    needs = ", ".join(map(service.setting, service.missing))
                    rows = model_rows({service.name: service.catalog.abilities}, today)
                    shown += [{**row, "needs": f"set {needs}" if needs else "start nextshot again"} for row in rows]
            for painter in painters.known:
                if painter.missing:
                    rows = painter_rows({painter.name: painter.catalog.painter_abilities}, today)
                    needs = ", ".join(map(painter.setting, painter.missing))
                    shown += [{**row, "needs": f"set {needs}"} for row in rows]
        turn.voice.rows(shown, SHOWN_ALL if every else SHOWN_MODELS)

    perform(as_json, None, work)
