"""Measures a video, and how it begins and ends next to other pictures."""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from av.video.frame import VideoFrame
from PIL import Image

from engine.media.drift import drift
from engine.media.hdr import NAMES as HDR
from engine.media.inspection import DECODED_FRAMES, FORMAT_ALONE, Inspection, inspect
from engine.media.known import LONGEST_CHARS
from engine.media.report import Report
from engine.media.results import Begins, Probe
from engine.media.seam import score, shrink, shrink_image
from engine.media.sharpness import LAST_S, SLACK_S, Ending, ends_of
from engine.media.source import open_packets


def measure(*, path: str, decode: bool, given: str | None = None, report: Report, **_: Any) -> dict[str, Any]:
    """`given`: the picture that it was to begin on."""
    with open_packets(Path(path)) as (container, stream):
        seconds = (container.duration or 0) / 1_000_000
        declared_s = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else seconds
        start_s = float((stream.start_time or 0) * (stream.time_base or 0))
        report.allow(seconds, stream.codec_context.width * stream.codec_context.height, cost=2.0)
    first: VideoFrame | None = None
    ending = Ending(start_s + declared_s - LAST_S - SLACK_S)

    def look(frame: VideoFrame) -> None:
        nonlocal first
        first = first or frame
        ending.add(frame)

    found = inspect(Path(path), look) if decode else inspect(Path(path), decode_frames=FORMAT_ALONE)
    is_whole = decode and found.frames <= DECODED_FRAMES
    measured = asdict(
        Probe(
            seconds=float(found.seconds),
            width=found.width,
            height=found.height,
            fps=float(found.rate),
            frames=found.frames,
            has_audio=found.has_audio,
            codec=found.codec,
            bytes=Path(path).stat().st_size,
            hdr=HDR.get(found.colours[1], ""),
            begins=_begins(Path(given), first) if given and first is not None else None,
            ends=ends_of(ending.looks, float(found.start_s)) if is_whole else None,
        )
    )
    return measured | {"known": _known(inspect(Path(path), decode_frames=FORMAT_ALONE) if decode else found)}


def _known(found: Inspection) -> str:
    """What a film would read of it; empty: it is long, and is read again."""
    words = json.dumps(found.to_json())
    return words if len(words) <= LONGEST_CHARS else ""


def _begins(given: Path, first: VideoFrame) -> Begins | None:
    """None: the picture is not here any more, and the clip is as good without it."""
    with contextlib.suppress(OSError), Image.open(given) as image:
        before, after = shrink_image(image), shrink(first)
        step = drift(before, after)
        seen = step.is_visible
        return Begins(
            score=round(score(before, after), 1),
            lightness=round(step.lightness, 4) if seen else 0.0,
            colour=round(step.colour, 4) if seen else 0.0,
        )
    return None
