"""A clock on the wall that can be set, for the processes that are started with it: libfaketime, where it is installed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

_PLACES = ("/usr/lib/*/faketime", "/usr/lib/faketime", "/usr/lib64/faketime", "/usr/local/lib/faketime")
HOW = "clocks are not set here: install libfaketime (apt-get install libfaketime)"


def library() -> Path | None:
    """Where it lies; None: it is not installed."""
    root = Path("/")
    found = (path for place in _PLACES for path in root.glob(f"{place[1:]}/libfaketime.so.1"))
    return next(found, None)


class WallClock:
    """The time of day as they see it. How much time goes by, and when a file was written, they see as it is."""

    def __init__(self, file: Path) -> None:
        """`file` says how far it is off."""
        self._file = file
        self._library = library()
        self.ahead = timedelta(0)
        self.leaps = 0
        """How often it was set."""
        self._write()

    @property
    def is_there(self) -> bool:
        return self._library is not None

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process is started with; nothing where it cannot be set.

        https://github.com/wolfcw/libfaketime/blob/master/README
        """
        if self._library is None:
            return {}
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",  # else who waits for Python's own lock waits in a loop
            "NO_FAKE_STAT": "1",
        }

    def leap(self, by: timedelta) -> None:
        """Set it on, or back. It is seen within a second."""
        self.ahead += by
        self.leaps += 1
        self._write()

    def _write(self) -> None:
        beside = self._file.with_suffix(".new")
        beside.write_text(f"{self.ahead.total_seconds():+.0f}\n", encoding="ascii")
        beside.replace(self._file)  # never read half
