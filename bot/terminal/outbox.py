"""`nextshot outbox`: the messages that did not reach their place, and how to send one again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from bot.terminal import options as o
from bot.terminal.oversight_rows import SHOWN_MESSAGES, message_row
from bot.terminal.perform import perform
from bot.terminal.turn import Turn
from engine.job_model import SayState

NOTHING = "Everything that was to be said was said."
_DOUBT = frozenset({SayState.UNKNOWN, SayState.FAILED})
_WAITING = frozenset({SayState.NEW, SayState.SENDING, SayState.UNKNOWN})

outbox = typer.Typer(
    help="List the messages that were not shown, newest first: waiting, unknown, or given up with the reason.",
    invoke_without_command=True,
    rich_markup_mode=None,
)


@outbox.callback(invoke_without_command=True)
def listed(
    context: typer.Context,
    failed: Annotated[bool, typer.Option("--failed", help="Only what was given up.")] = False,
    waiting: Annotated[bool, typer.Option("--waiting", help="Only what is still tried.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="How many.")] = 100,
    as_json: o.AsJson = False,
) -> None:
    """List the messages that were not shown, newest first: waiting, unknown, or given up with the reason."""
    if context.invoked_subcommand is not None:
        return
    states = _DOUBT if failed and not waiting else _WAITING if waiting and not failed else _DOUBT | _WAITING

    async def work(turn: Turn) -> None:
        now = datetime.now(UTC)
        found = await turn.desk.outbox(states, limit)
        if failed != waiting:  # an unknown one may be either
            found = tuple(each for each in found if each.is_given_up is failed)
        turn.voice.rows([message_row(each, now) for each in found], SHOWN_MESSAGES)
        if not found:
            turn.voice.note(NOTHING)

    perform(as_json, None, work)


@outbox.command("send")
def send(
    message: Annotated[int, typer.Argument(metavar="ID", help="As nextshot outbox shows it.", show_default=False)],
    again: Annotated[bool, typer.Option("--again", help="Also what was sent: it is shown a second time.")] = False,
    as_json: o.AsJson = False,
) -> None:
    """Send again what was given up, or try now what waits."""

    async def work(turn: Turn) -> None:
        owed = await turn.desk.send_again(message, again)
        turn.voice.rows([message_row(owed, datetime.now(UTC))], SHOWN_MESSAGES)
        turn.voice.note(
            "It is sent by the running Nextshot."
            if turn.is_remote
            else "It is sent as soon as nextshot run is started."
        )

    perform(as_json, None, work, repeatable=False)
