"""`nextshot run` as a process of its own in front of a fake server, for what only a dead process shows."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from bot.control.remote import served_at
from bot.control.server import drop_socket

CHECKOUT = Path(__file__).parents[1]
STARTS_S = 30.0
ENDS_S = 30.0


class RunProcess:
    """The same data directory, started again and again. Its log is in `log`."""

    def __init__(self, home: Path, settings: Mapping[str, str]) -> None:
        """`settings`: what the environment says beside the data directory, a free port and the level of the log."""
        self.data = home / "data"
        self.log = home / "stderr.log"
        self.url = ""
        self.process: subprocess.Popen[str] | None = None
        self._settings = settings
        home.mkdir(parents=True, exist_ok=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            await self.kill()
        if (left_behind := await asyncio.to_thread(served_at, self.data)) is not None:
            await asyncio.to_thread(drop_socket, left_behind)

    async def open(self) -> None:
        """Until it serves its page."""
        environment: Mapping[str, str] = {
            **os.environ,
            "PYTHONPATH": str(CHECKOUT),
            "NEXTSHOT_DATA_DIR": str(self.data),
            "NEXTSHOT_WEB_PORT": "0",
            "NEXTSHOT_LOG_LEVEL": "warning",
            "NEXTSHOT_LOG_FORMAT": "text",
            **self._settings,
        }
        with self.log.open("a") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "bot", "run"],
                cwd=self.log.parent,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        self.process = process
        assert process.stdout is not None
        opened = await asyncio.to_thread(process.stdout.readline)
        assert opened.startswith("Open http://127.0.0.1:"), self.log.read_text()
        self.url = opened.removeprefix("Open ").strip()

    async def kill(self) -> None:
        """SIGKILL; what it started lives on."""
        assert self.process is not None
        self.process.kill()
        await asyncio.to_thread(self.process.wait, ENDS_S)
        self._close()

    async def terminate(self) -> tuple[int, float]:
        """SIGTERM; the exit code, and how many seconds it took."""
        assert self.process is not None
        began_s = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(self.process.wait, ENDS_S)
        self._close()
        return code, time.monotonic() - began_s

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Read the database as a stranger."""
        return await asyncio.to_thread(rows_of, self.data, query)

    def _close(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.stdout.close()


def rows_of(data: Path, query: str) -> list[tuple[Any, ...]]:
    """What stands in the database of this directory."""
    connection = sqlite3.connect(f"file:{data / 'nextshot.db'}?mode=ro", uri=True, timeout=30)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()
