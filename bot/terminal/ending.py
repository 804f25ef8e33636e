"""How a command ends: its exit code, and one sentence instead of a traceback."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from bot.logs import keep_trace
from bot.settings import SettingsError
from bot.terminal.turn import JobFailed
from bot.terminal.voice import Voice, kind_of
from engine.errors import Defect, EngineError, ProviderError

DONE = 0
JOB_FAILED = 1
NOTHING_CHANGED = 2
BROKEN_PIPE = 141
"""What a shell shows for a program that ended by SIGPIPE."""


class Interrupted(Exception):
    """A signal asked us to end. `exit_code` is what a shell expects for it: 130 for Ctrl-C."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


def run_to_its_end(
    work: Callable[[], Awaitable[None]],
    voice: Voice,
    directory: Callable[[], Path | None],
    *,
    ends_by_signal: bool = False,
) -> int:
    """Run `work` and give the exit code; whatever goes wrong is said in one sentence.

    `directory` is where a trace is kept. `ends_by_signal`: a signal is how this work is meant to end.
    """
    try:
        asyncio.run(_until_signal(work))
    except JobFailed:
        return JOB_FAILED
    except Interrupted as interrupted:
        return DONE if ends_by_signal else interrupted.exit_code
    except SettingsError as error:
        for problem in error.problems:
            voice.wrong(problem, "SettingsError")
        return NOTHING_CHANGED
    except EngineError as error:
        voice.wrong(str(error), kind_of(error))
        return JOB_FAILED if isinstance(error, (ProviderError, Defect)) else NOTHING_CHANGED
    except BrokenPipeError:
        # `nextshot history | head`: nobody reads on. Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except Exception as error:  # noqa: BLE001  # the last net: no traceback reaches a person
        path = keep_trace(error, directory())
        voice.wrong(f"Something broke inside Nextshot; {path} says what. Please report it with that file.", "Defect")
        return JOB_FAILED
    return DONE


async def _until_signal(work: Callable[[], Awaitable[None]]) -> None:
    """Ctrl-C and SIGTERM cancel the work, which closes what it opened."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101  # asyncio.run made it
    loop = asyncio.get_running_loop()
    came: list[int] = []

    def end(number: int) -> None:
        came.append(number)
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, end, number)
    try:
        await work()
    except asyncio.CancelledError:
        if came:
            raise Interrupted(came[0]) from None
        raise
