"""What one render is, as a file: the values that decide every pixel, and the names of the files in its directory."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

FPS = 24

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
"""What the system says when the disk is full."""

SPEC = "spec.json"
LOCK = "lock"
"""Held by the renderer while it lives; its text is the renderer's process id."""
STARTS = "starts"
PROGRESS = "progress.json"
PREVIEW = "preview.jpg"
PROBLEM = "problem.json"
OUT = "out.mp4"
STDERR = "stderr.txt"
FIRST_FRAME = "first-frame"
LAST_FRAME = "last-frame"

RATIOS = {"16:9": (16, 9), "9:16": (9, 16), "1:1": (1, 1)}
RESOLUTIONS = {"480p": 480, "720p": 720, "1080p": 1080}
STYLES = ("painting", "noir", "sepia", "pastel", "neon")


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderSpec:
    """One render. Equal specs and equal pictures give equal bytes on one machine."""

    prompt: str
    seed: int
    style: str
    width: int
    height: int
    frames: int
    caption: str = ""
    has_first_frame: bool = False
    has_last_frame: bool = False

    @property
    def seconds(self) -> float:
        """How long it lasts: a whole number of frames."""
        return self.frames / FPS

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=True, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> RenderSpec:
        """The spec that `to_json` wrote.

        Raises:
            ValueError, TypeError: it is something else.
        """
        values: dict[str, Any] = json.loads(text)
        return cls(**values)


def frame_size(ratio: str, resolution: str) -> tuple[int, int]:
    """Width and height in even pixels; the resolution is the shorter side (16:9 at 480p is 854x480).

    Raises:
        KeyError: a ratio or resolution that is not offered.
    """
    across, down = RATIOS[ratio]
    shorter = RESOLUTIONS[resolution]
    longer = round(shorter * max(across, down) / min(across, down) / 2) * 2
    return (longer, shorter) if across >= down else (shorter, longer)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old one or the new one, never a part."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def write_whole_unsynced(path: Path, data: bytes) -> None:
    """As `write_whole` for what may be lost with the machine: progress and previews."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    beside.write_bytes(data)
    beside.replace(path)
