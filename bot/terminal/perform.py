"""From a command's function to its exit code."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import typer

from bot.logs import secrets_of, set_up_logging
from bot.settings import Settings, load_settings
from bot.terminal.ending import run_to_its_end
from bot.terminal.turn import Turn
from bot.terminal.voice import voice_for


def perform(
    as_json: bool,
    place: str | None,
    work: Callable[[Turn], Awaitable[None]],
    *,
    at_work: bool = False,
    repeatable: bool = True,
) -> None:
    """Do `work` at a desk and end the program. `at_work` and `repeatable` as `session.at_a_desk` has them."""
    voice = voice_for(as_json=as_json)
    opened: list[Settings] = []

    async def perform_it() -> None:
        # Imported late: what draws and serves is not needed to say what is wrong with a setting.
        from bot.terminal.session import at_a_desk  # noqa: PLC0415

        settings = load_settings(place=place)
        opened.append(settings)
        set_up_logging(
            settings.log_level,
            settings.data_dir,
            to_stderr=False,
            shape=settings.log_format,
            secrets=secrets_of(settings),
        )
        await at_a_desk(settings, voice, work, at_work=at_work, repeatable=repeatable)

    raise typer.Exit(run_to_its_end(perform_it, voice, lambda: opened[0].data_dir if opened else None))
