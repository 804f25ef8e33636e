"""A data directory, and the process that has it: started, frozen, killed, started again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from bench.kills_found import processes_in
from bot.control.remote import served_at
from bot.control.server import drop_socket
from tests.bot_process import CHECKOUT
from tests.chaos.victim import Life
from tests.fakes.telegram import FakeTelegram

STARTS_S = 90.0


class Zygote:
    """Starts processes that have loaded the product already."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """`environment`: what has to be there before the product is loaded."""
        self._environment = environment
        self._process: subprocess.Popen[str] | None = None

    async def begin(self, life: Life) -> int:
        """The pid of a new process."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.victim"],
                cwd=CHECKOUT,
                env={name: value for name, value in os.environ.items() if not name.startswith("NEXTSHOT_")}
                | dict(self._environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(life.line())
        self._process.stdin.flush()
        return int(await asyncio.to_thread(self._process.stdout.readline))

    def close(self) -> None:
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()


class Seat:
    """One `nextshot run` at a time."""

    def __init__(
        self,
        home: Path,
        data: Path,
        *,
        zygote: Zygote,
        telegram: FakeTelegram,
        environment: Callable[[Path], Mapping[str, str]],
    ) -> None:
        """`home` has the settings, `data` is its own; `environment` is given `data`."""
        self.home = home
        self.data = data
        self.pid: int | None = None
        self.starts_s: list[float] = []
        self.cpu_s = 0.0
        """What all lives that ended here have used of the processor, with their children that ended before."""
        self._zygote = zygote
        self._telegram = telegram
        self._environment = environment

    async def start(
        self, *, holds: Mapping[str, str] | None = None, dies_at: str = "", stops_at: str = "", after: int = 1
    ) -> None:
        """Until a long poll waits, or it is dead again."""
        life = Life(
            home=str(self.home),
            environment=self._environment(self.data),
            holds=holds or {},
            dies_at=dies_at,
            stops_at=stops_at,
            after=after,
        )
        polls = len(self._telegram.calls_of("getUpdates"))
        began_s = time.monotonic()
        self.pid = await self._zygote.begin(life)

        def is_up() -> bool:
            return not self.is_alive or len(self._telegram.calls_of("getUpdates")) > polls

        await self._telegram.wait_until(is_up, STARTS_S, "A long poll")
        self.starts_s.append(time.monotonic() - began_s)

    @property
    def is_alive(self) -> bool:
        """Also while it is frozen."""
        if self.pid is None:
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def strike(self, *, with_children: bool = False) -> None:
        """SIGKILL, also for what it started if asked. Safe to call from a fake, in the middle of a request."""
        self.signal(signal.SIGKILL)
        for pid in processes_in(self.data) if with_children else ():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)

    async def kill(self, *, with_children: bool = False) -> None:
        """SIGKILL, and wait until it is gone."""
        self.cpu_s += self._used_s()
        self.strike(with_children=with_children)
        await self.gone()

    async def terminate(self) -> None:
        """SIGTERM, and wait until it is gone."""
        self.cpu_s += self._used_s()
        self.signal(signal.SIGTERM)
        await self.gone()

    def signal(self, number: signal.Signals) -> None:
        """Where it still lives."""
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def gone(self, within_s: float = 30.0) -> None:
        """Wait until it is dead."""
        end_s = time.monotonic() + within_s
        while self.is_alive:
            assert time.monotonic() < end_s, f"{self.pid} lives on"
            await asyncio.sleep(0.01)

    def close(self) -> None:
        """Leave nothing behind."""
        self.strike(with_children=True)
        if (left_behind := served_at(self.data)) is not None:
            drop_socket(left_behind)

    def _used_s(self) -> float:
        """https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html; 0 where it is dead already."""
        try:
            told = Path(f"/proc/{self.pid}/stat").read_text()
        except OSError:
            return 0.0
        return sum(map(int, told.rpartition(")")[2].split()[11:15])) / os.sysconf("SC_CLK_TCK")
