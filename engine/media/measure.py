"""Measures a video."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.media.inspection import LOOKED_AT_FRAMES, inspect
from engine.media.report import Report
from engine.media.results import Probe
from engine.media.source import open_video


def measure(*, path: str, decode: bool, report: Report, **_: Any) -> dict[str, Any]:
    with open_video(Path(path)) as (container, stream):
        seconds = (container.duration or 0) / 1_000_000
        report.allow(seconds, stream.codec_context.width * stream.codec_context.height, cost=2.0)
    found = inspect(Path(path)) if decode else inspect(Path(path), decode_frames=LOOKED_AT_FRAMES)
    return asdict(
        Probe(
            seconds=float(found.seconds),
            width=found.width,
            height=found.height,
            fps=float(found.rate),
            frames=found.frames,
            has_audio=found.has_audio,
            codec=found.codec,
            bytes=Path(path).stat().st_size,
        )
    )
