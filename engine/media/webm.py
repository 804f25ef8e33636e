"""A film as WebM."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from heapq import merge
from pathlib import Path
from typing import Any

import av
from av.container import OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from engine.errors import MediaError, NotPossible
from engine.media import subtitles
from engine.media.fit_plan import FitPlan, amount, plan_fit
from engine.media.house import SAMPLE_RATE
from engine.media.inspection import FORMAT_ALONE, Inspection, inspect
from engine.media.labels import Labels, add_labels, labels_of
from engine.media.normalise import frames_at, pictures
from engine.media.results import Exported
from engine.media.shares import OnPart, finish, share
from engine.media.source import open_video
from engine.media.timeline import usual_rate

_TRIES = 3
_OPUS_BITS = 128_000
_VP9_CRF = 32
"""As good to look at as the house's H.264, in about half its bytes."""
_SURE = 0.95
"""So much of the cap is used: an encode ends within some hundredths of what it was told."""
_KEY_S, _BUFFER_S = 4, 4


def to_webm(film: Path, out: Path, *, limit_bytes: int | None, on_part: OnPart) -> Exported:
    """VP9 and Opus, with title, chapters and captions, in the film's own size or the largest one that fits."""
    found = inspect(film, decode_frames=FORMAT_ALONE)
    labels = labels_of(film, found.start_s, found.seconds)
    rate = usual_rate(found.rate)
    total = frames_at(found, rate)
    full = found.width // 2 * 2, found.height // 2 * 2
    budget = None if limit_bytes is None else int(limit_bytes * _SURE) - labels.bytes
    for number in range(_TRIES):
        plan = _webm_plan(found, budget, full)
        # Most films fit as they are: a rate that is held would fill the cap with bytes that nobody sees.
        is_free = number == 0 and (plan.width, plan.height) == full
        if is_free:
            plan = replace(plan, video_bits_per_s=0)
        _write_webm(film, found, out, plan, rate, labels=labels, on_frame=share(on_part, number, total))
        written = out.stat().st_size
        if limit_bytes is None or budget is None or written <= limit_bytes:
            break
        if not is_free:
            budget = int(budget * limit_bytes / written * _SURE)
    else:
        raise MediaError(f"The WebM could not be made to fit {amount(limit_bytes or 0)}; choose mp4.")
    finish(on_part, number)
    made = inspect(out, decode_frames=FORMAT_ALONE)
    if made.frames != total or made.has_audio != found.has_audio:
        raise MediaError("The WebM came out wrong and was thrown away; try again.")
    size = plan.width, plan.height
    smaller = "" if size == full else f", made smaller than {full[0]}x{full[1]} to fit {amount(limit_bytes or 0)}"
    return Exported(
        seconds=float(found.seconds),
        width=size[0],
        height=size[1],
        bytes=out.stat().st_size,
        sentence=f"WebM (VP9{' and Opus' if found.has_audio else ''}), {size[0]}x{size[1]}{smaller}.",
    )


def _webm_plan(found: Inspection, budget: int | None, full: tuple[int, int]) -> FitPlan:
    """`video_bits_per_s` 0: as many as it takes."""
    if budget is None:
        return FitPlan(width=full[0], height=full[1], video_bits_per_s=0, audio_bits_per_s=_OPUS_BITS, parts=1)
    plan = plan_fit(
        float(found.seconds), *full, float(found.rate), has_audio=found.has_audio, limit_bytes=max(1, budget)
    )
    if plan.parts > 1:
        raise NotPossible(f"The film is too long for a WebM of {amount(budget)}; choose mp4, or stitch fewer shots.")
    return plan


def _write_webm(
    film: Path,
    found: Inspection,
    out: Path,
    plan: FitPlan,
    rate: Fraction,
    *,
    labels: Labels,
    on_frame: Callable[[], None],
) -> None:
    with av.open(str(out), "w", format="webm") as webm:
        add_labels(webm, labels)
        video = _add_vp9(webm, plan, rate)
        others: list[Iterator[Packet[Any]]] = []
        if found.has_audio:
            opus = webm.add_stream("libopus", rate=SAMPLE_RATE, layout="stereo")
            opus.bit_rate = min(_OPUS_BITS, plan.audio_bits_per_s)
            others.append(_opus(film, found.seconds, opus))
        if labels.captions is not None:
            track = subtitles.add_track(webm, (plan.width, plan.height), labels.captions.language)
            others.append(subtitles.packets(labels.captions.cues, track))
        packets = merge(*others, key=lambda packet: (packet.pts or 0) * packet.time_base)
        waiting = next(packets, None)
        places = range(frames_at(found, rate))
        for place, frame in enumerate(pictures(film, found, size=(plan.width, plan.height), rate=rate, places=places)):
            while waiting is not None and (waiting.pts or 0) * waiting.time_base <= place / rate:
                webm.mux(waiting)
                waiting = next(packets, None)
            frame.pts, frame.time_base = place, 1 / rate
            webm.mux(video.encode(frame))
            on_frame()
        webm.mux(video.encode(None))
        while waiting is not None:
            webm.mux(waiting)
            waiting = next(packets, None)


def _add_vp9(webm: OutputContainer, plan: FitPlan, rate: Fraction) -> VideoStream:
    bits = plan.video_bits_per_s
    options = {"deadline": "realtime", "cpu-used": "6", "row-mt": "1", "g": str(round(rate * _KEY_S))}
    if bits:
        # Only a constant rate is held: told an average, this encoder took twice as much.
        options |= {"minrate": str(bits), "maxrate": str(bits), "bufsize": str(_BUFFER_S * bits), "lag-in-frames": "0"}
    else:
        options["crf"] = str(_VP9_CRF)
    video = webm.add_stream("libvpx-vp9", rate=rate, options=options)
    video.width, video.height, video.pix_fmt = plan.width, plan.height, "yuv420p"
    video.bit_rate = bits
    context = video.codec_context
    context.time_base = video.time_base = 1 / rate
    context.colorspace = context.color_primaries = context.color_trc = 1
    context.color_range = 1
    return video


def _opus(film: Path, seconds: Fraction, stream: av.AudioStream) -> Iterator[Packet[Any]]:
    resampler = av.AudioResampler(format="flt", layout="stereo", rate=SAMPLE_RATE)
    with open_video(film) as (container, _):
        for frame in container.decode(container.streams.audio[0]):
            if frame.time is not None and frame.time >= seconds:
                break
            for piece in resampler.resample(frame):
                yield from stream.encode(piece)
    for piece in resampler.resample(None):
        yield from stream.encode(piece)
    yield from stream.encode(None)
