"""`nextshot forget`: the operator has somebody forgotten."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from bot.forget_texts import what_goes
from bot.terminal import options as o
from bot.terminal.perform import perform
from bot.terminal.turn import Turn
from engine.errors import NotAllowed

Who = Annotated[
    str,
    typer.Argument(
        metavar="PERSON", help="As telegram:123456789, discord:123456789012345678 or local:ana.", show_default=False
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def forget(person: Who, yes: Yes = False, place: o.Place = None, as_json: o.AsJson = False) -> None:
    """Delete a person's prompts, clips and identity; sums of money stay."""

    async def work(turn: Turn) -> None:
        found = await turn.desk.belongings(person)
        if not yes:
            if as_json:
                raise NotAllowed(f"{what_goes(found)} Say it again with --yes.")
            turn.voice.note(what_goes(found))
            if not await _sure(person):
                raise NotAllowed(f"Nothing was forgotten of {person}.")
        done = await turn.desk.forget_person(turn.asked, person)
        gone = done.belongings
        counts = {"shots": gone.shots, "clips": gone.clips, "stories": gone.stories, "films": gone.films}
        turn.voice.result(
            {"person": person, "state": "forgotten" if done.is_done else "forgetting", **counts, "jobs": gone.jobs}
        )
        if not done.is_done:
            turn.voice.note("A render is still being stopped; the rest goes by itself as soon as that is over.")

    perform(as_json, place, work, at_work=True, repeatable=False)


async def _sure(person: str) -> bool:
    try:
        return await asyncio.to_thread(typer.confirm, f"Forget {person}? This cannot be undone", err=True)
    except typer.Abort:  # nobody is there to answer
        return False
