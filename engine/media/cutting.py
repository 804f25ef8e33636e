"""Cuts the beginning off a video at an exact picture. Encoded anew: a copy could begin at key pictures alone."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from engine.errors import BadMedia
from engine.media import audio, house
from engine.media.inspection import FORMAT_ALONE, inspect
from engine.media.normalise import frames_at, pictures
from engine.media.report import Report
from engine.media.timeline import usual_rate


def cut(*, source: str, start_s: float, out: Path, report: Report, **_: Any) -> dict[str, Any]:
    path = Path(source)
    found = inspect(path, decode_frames=FORMAT_ALONE)
    rate = usual_rate(found.rate)
    places = range(round(Fraction(start_s) * rate), frames_at(found, rate))
    if places.start <= 0 or not places:
        raise BadMedia(f"The video has {float(found.seconds):.1f} s, so it cannot begin at {start_s:.1f} s.")
    seconds = len(places) / rate
    report.allow(float(found.seconds), found.width * found.height, cost=12.0)
    size = found.width // 2 * 2, found.height // 2 * 2
    with av.open(str(out), "w", format="mp4", options={"movflags": "+faststart"}) as film:
        video = house.add_video(film, *size, rate)
        packets = iter(())
        if found.has_audio:
            part = audio.Part(path, found.start_s + places.start / rate, seconds)
            packets = audio.encode([part], house.add_audio(film))  # type: ignore[assignment]  # both are iterators of packets
        waiting = next(packets, None)
        for place, frame in enumerate(pictures(path, found, size=size, rate=rate, places=places)):
            while waiting is not None and (waiting.pts or 0) * waiting.time_base <= place / rate:
                film.mux(waiting)
                waiting = next(packets, None)
            film.mux(video.encode(house.number(frame, place, rate, len(places))))
        film.mux(video.encode(None))
        while waiting is not None:
            film.mux(waiting)
            waiting = next(packets, None)
    return {"frames": len(places)}
