"""`nextshot` in processes of its own, in a directory of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.control.remote import served_at
from bot.control.server import drop_socket

WAIT_S = 60
QUICK = ("--seconds", "2", "--resolution", "480p")
"""The cheapest shot that the built-in provider draws."""


@dataclass(frozen=True)
class Ended:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Its JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def last(self) -> dict[str, Any]:
        return self.lines[-1]


@dataclass(frozen=True)
class Terminal:
    """A current directory in which `nextshot` is run; its data is in `data` there."""

    home: Path

    @property
    def data(self) -> Path:
        return self.home / "data"

    def run(self, *arguments: str, as_anybody: bool = False, environment: Mapping[str, str] | None = None) -> Ended:
        """One command to its end, its output in pipes. `as_anybody`: without root's right to write everywhere."""
        before = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search") if as_anybody else ()
        return ended(self.start(*arguments, before=before if os.geteuid() == 0 else (), environment=environment))

    def start(
        self,
        *arguments: str,
        before: Sequence[str] = (),
        stdout: int = subprocess.PIPE,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[str]:
        """One command, in a process group of its own."""
        return subprocess.Popen(
            [*before, sys.executable, "-m", "bot", *arguments],
            cwd=self.home,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    @contextmanager
    def server(self) -> Iterator[tuple[subprocess.Popen[str], str]]:
        """A running server and its URL; killed at the end if it still runs."""
        process = self.start("demo", "--port", "0", "--no-open", environment={"NEXTSHOT_LOG_LEVEL": "error"})
        assert process.stdout is not None
        try:
            opened = process.stdout.readline()
            assert opened.startswith("Open http://127.0.0.1:"), process.stderr and process.stderr.read()
            yield process, opened.removeprefix("Open ").strip()
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            ended(process)
            if (left_behind := served_at(self.data)) is not None:
                drop_socket(left_behind)


def ended(process: subprocess.Popen[str]) -> Ended:
    """What a started command leaves behind."""
    try:
        out, err = process.communicate(timeout=WAIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"it did not end in {WAIT_S} s: {out} {err}") from None
    return Ended(process.returncode, out, err)


def read_until(process: subprocess.Popen[str], state: str) -> list[dict[str, Any]]:
    """Its JSON lines up to the first one with this state."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(json.loads(line))
        if lines[-1].get("state") == state:
            return lines
    raise AssertionError(f"{state} never came: {lines} {process.stderr and process.stderr.read()}")
