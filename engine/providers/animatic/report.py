"""What a running render tells: its percentage, and a small picture of the newest frame."""

from __future__ import annotations

import io
import json
import time
from contextlib import suppress
from pathlib import Path

from engine.providers.animatic import spec as files
from engine.providers.animatic.canvas import Canvas
from engine.providers.animatic.film import preview

_REPORT_EVERY_S = 0.25
_PREVIEW_EVERY_S = 0.9


class Reporter:
    """Writes the percentage and, less often, a small picture of the newest frame."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._reported_at = self._pictured_at = 0.0

    def __call__(self, part: float, canvas: Canvas | None) -> None:
        now = time.monotonic()
        if now - self._reported_at < _REPORT_EVERY_S:
            return
        self._reported_at = now
        with suppress(OSError):  # what cannot be told is not worth the render
            files.write_whole_unsynced(
                self._folder / files.PROGRESS, json.dumps({"percent": round(part * 100, 1)}).encode()
            )
            self._picture(canvas, now)

    def _picture(self, canvas: Canvas | None, now: float) -> None:
        if canvas is None or now - self._pictured_at < _PREVIEW_EVERY_S:
            return
        self._pictured_at = now
        jpeg = io.BytesIO()
        preview(canvas).save(jpeg, "JPEG", quality=72)
        files.write_whole_unsynced(self._folder / files.PREVIEW, jpeg.getvalue())
