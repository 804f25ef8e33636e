"""Where log lines go, and how they look: `time level=… logger=… event key=value …`."""

from __future__ import annotations

import logging
import re
import sys
import tempfile
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path

FILE_NAME = "nextshot.log"
FILE_BYTES = 2_000_000
_LOUD = {
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    "aiohttp.access": logging.WARNING,
    "alembic": logging.WARNING,
    "apscheduler": logging.WARNING,
    "telegram": logging.WARNING,
    "discord": logging.ERROR,
    "discord.client": logging.CRITICAL,
    "discord.gateway": logging.CRITICAL,
    "discord.shard": logging.CRITICAL,
}
"""Libraries whose lines say nothing that ours do not, or name addresses that may carry a key."""

_BOT_TOKEN = re.compile(r"/bot\d+:[\w-]+")
"""Telegram has the token in every address, and addresses get into the texts of errors."""


class _Line(logging.Formatter):
    converter = time.gmtime  # type: ignore[assignment]  # typeshed has it without its default

    def __init__(self) -> None:
        super().__init__(
            "%(asctime)s.%(msecs)03dZ level=%(levelname)s logger=%(name)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%S"
        )

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record).replace(f"level={record.levelname} ", f"level={record.levelname.lower()} ", 1)
        return _BOT_TOKEN.sub("/bot…", line)


def set_up_logging(level: str, directory: Path, *, to_stderr: bool) -> None:
    """Lines from `level` to stderr, where asked; warnings, errors and their traces to `nextshot.log` in the data directory."""
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
        old.close()
    root.setLevel(level.upper())
    for name, least in _LOUD.items():
        logging.getLogger(name).setLevel(max(least, root.level))
    logging.captureWarnings(capture=True)
    logging.raiseExceptions = False  # a full disk must not write a trace over somebody's terminal
    # opened at its first line: a command that has nothing to say leaves no file
    file = RotatingFileHandler(directory / FILE_NAME, maxBytes=FILE_BYTES, backupCount=1, encoding="utf-8", delay=True)
    file.setLevel(logging.WARNING)
    handlers: list[logging.Handler] = [file]
    if to_stderr:
        handlers.append(logging.StreamHandler(sys.stderr))
    for handler in handlers:
        handler.setFormatter(_Line())
        root.addHandler(handler)


def keep_trace(error: BaseException, directory: Path | None) -> Path:
    """Write what went wrong in full, and give the file: in the data directory, else where temporary files are."""
    for place in (directory, Path(tempfile.gettempdir())):
        if place is None or not place.is_dir():
            continue
        path = place / FILE_NAME
        try:
            with path.open("a", encoding="utf-8") as file:
                handler = logging.StreamHandler(file)
                handler.setFormatter(_Line())
                trace = (type(error), error, error.__traceback__)
                handler.emit(logging.LogRecord("nextshot", logging.ERROR, __file__, 0, "unexpected error", None, trace))
        except OSError:
            continue
        return path
    return Path("/dev/null")
