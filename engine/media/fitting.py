"""Encodes a video, or one part of it, to fit under a cap: once as planned, and again by what was measured if too much or coarse."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from fractions import Fraction
from heapq import merge
from operator import itemgetter
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from engine.errors import BadMedia, MediaError, NotPossible
from engine.media import audio, house, subtitles
from engine.media.fit_plan import SHORT_S, Aim, amount, first_aim, made_smaller, next_aim, plan_fit, video_bits_per_s
from engine.media.inspection import FORMAT_ALONE, Inspection, inspect
from engine.media.labels import Labels, add_labels, labels_of
from engine.media.normalise import frames_at, pictures
from engine.media.report import Report
from engine.media.results import Fitted
from engine.media.timeline import usual_rate

_AAC_PACKET_BYTES = 8
"""What the tables of an MP4 take for one packet of sound."""
_SILENT_BITS_PER_S = 32_000
_TWICE, _SELDOM = 2.0, 0.5
"""How much of the first encode's way the second is: it takes about twice the time, but a percentage never goes back."""
_FEW_BITS = 0.2
"""A pixel. With fewer, the second encode is likely."""
_MUCH_ROOM = 0.9
_COARSE, _COARSE_SECOND = 20.0, 26.0
"""x264's quantizer, of all and of the hardest second; the house profile is at about 20. What is finer cannot be seen."""
_QUANTIZER = re.compile(rb" q:([0-9.]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """One part of one video."""

    path: Path
    found: Inspection
    rate: Fraction
    places: range
    """Which pictures of the video's even grid it has."""
    has_sound: bool
    labels: Labels
    limit_bytes: int

    @property
    def seconds(self) -> Fraction:
        return len(self.places) / self.rate


def fit(
    *,
    source: str,
    limit_bytes: int,
    part: int,
    parts: int,
    needs_sound: bool,
    out: Path,
    scratch: Path,
    report: Report,
    **_: Any,
) -> dict[str, Any]:
    path = Path(source)
    found = inspect(path, decode_frames=FORMAT_ALONE)
    job = _job(path, found, limit_bytes, part=part, parts=parts, needs_sound=needs_sound)
    # Also with a second encode, and with the long side of a source that is only scaled down.
    report.allow(float(job.seconds), found.width * found.height, cost=20.0)
    plan = plan_fit(
        float(found.seconds),
        found.width,
        found.height,
        float(found.rate),
        has_audio=found.has_audio,  # silence takes next to nothing
        limit_bytes=limit_bytes,
        least_parts=parts,
    )
    if plan.parts != parts:
        raise NotPossible(f"The video fits in {amount(limit_bytes)} only in {plan.parts} parts; ask for as many.")
    pixels_per_s = plan.width * plan.height * job.rate
    second = _TWICE if plan.video_bits_per_s < _FEW_BITS * pixels_per_s else _SELDOM
    report.expect(len(job.places) * (1 + second))
    log, again = scratch / "log", scratch / "again.mp4"
    sound, sound_bytes = _write_sound(job, scratch / "sound.mp4", plan.audio_bits_per_s or _SILENT_BITS_PER_S)
    room = video_bits_per_s(
        limit_bytes,
        len(job.places),
        float(job.rate),
        audio_bytes=sound_bytes,
        other_bytes=job.labels.bytes,
    )
    aim = first_aim((plan.width, plan.height), float(job.seconds), max(1000, room))
    video_bytes = _encode(job, aim, sound, out, log=log, on_frame=lambda: report.advance(1))
    encodes, written = 1, out.stat().st_size
    # With few bits it shows that one pass does not know what comes: hard scenes starve (6 dB in the mean of a film were measured).
    can_be_better = written < _MUCH_ROOM * limit_bytes or job.seconds >= SHORT_S
    quantizer, hardest = _quantizers(log, round(job.rate))
    if written > limit_bytes or (can_be_better and (quantizer > _COARSE or hardest > _COARSE_SECOND)):
        encodes = 2
        aim = next_aim(aim, float(job.seconds), max(1000, room), video_bytes, quantizer)
        _encode(job, aim, sound, again, log=log, on_frame=lambda: report.advance(second))
        if again.stat().st_size <= limit_bytes or written > limit_bytes:
            again.replace(out)
    report.expect(0)
    report.advance(0)
    return asdict(_checked(job, out, encodes=encodes, parts=parts, first_bytes=written))


def _job(path: Path, found: Inspection, limit_bytes: int, *, part: int, parts: int, needs_sound: bool) -> _Job:
    rate = usual_rate(found.rate)
    total = frames_at(found, rate)
    places = range((part - 1) * total // parts, part * total // parts)
    if not places:
        raise NotPossible(f"The video has {total} pictures, too few for {parts} parts.")
    return _Job(
        path=path,
        found=found,
        rate=rate,
        places=places,
        has_sound=found.has_audio or needs_sound,
        labels=labels_of(path, found.start_s + places.start / rate, len(places) / rate),
        limit_bytes=limit_bytes,
    )


def _write_sound(job: _Job, out: Path, bits_per_s: int) -> tuple[Path | None, int]:
    """The part's sound in a file of its own, and its bytes: the pictures get exactly what it leaves. None: it has no sound."""
    if not job.has_sound:
        return None, 0
    start_s = job.found.start_s + job.places.start / job.rate
    part = audio.Part(job.path if job.found.has_audio else None, start_s, job.seconds)
    taken = 0
    with av.open(str(out), "w", format="mp4") as film:
        for packet in audio.encode([part], house.add_audio(film, bits_per_s)):
            taken += packet.size + _AAC_PACKET_BYTES
            film.mux(packet)
    return out, taken


def _encode(job: _Job, aim: Aim, sound: Path | None, out: Path, *, log: Path, on_frame: Callable[[], None]) -> int:
    """Write `out`; the bytes of its pictures."""
    taken = 0
    size = aim.width, aim.height
    with ExitStack() as stack:
        film = stack.enter_context(av.open(str(out), "w", format="mp4", options={"movflags": "+faststart"}))
        add_labels(film, job.labels)
        video = house.add_video(film, *size, job.rate)
        house.hold_rate(video, aim, log)
        others: list[Iterator[tuple[Fraction, Packet[Any]]]] = []
        if sound:
            container = stack.enter_context(av.open(str(sound)))
            others.append(_timed(_onto(film.add_stream_from_template(container.streams.audio[0]), container)))
        if (captions := job.labels.captions) and captions.cues:
            track = subtitles.add_track(film, size, captions.language)
            others.append(_timed(subtitles.packets(captions.cues, track)))
        waiting = merge(*others, key=itemgetter(0))
        following = next(waiting, None)
        frames = pictures(job.path, job.found, size=size, rate=job.rate, places=job.places)
        for place, frame in enumerate(frames):
            while following is not None and following[0] <= place / job.rate:
                film.mux(following[1])
                following = next(waiting, None)
            taken += _mux(film, video.encode(house.number(frame, place, job.rate, None)))
            on_frame()
        taken += _mux(film, video.encode(None))
        while following is not None:
            film.mux(following[1])
            following = next(waiting, None)
    return max(1, taken)


def _onto(stream: av.AudioStream, container: InputContainer) -> Iterator[Packet[Any]]:
    for packet in container.demux():
        if packet.size:
            packet.stream = stream
            yield packet


def _timed(packets: Iterable[Packet[Any]]) -> Iterator[tuple[Fraction, Packet[Any]]]:
    """Each with its time in seconds."""
    return (((packet.pts or 0) * packet.time_base, packet) for packet in packets)


def _mux(film: OutputContainer, packets: Sequence[Packet[Any]]) -> int:
    taken = sum(packet.size for packet in packets)
    film.mux(packets)
    return taken


def _quantizers(log: Path, pictures_per_s: int) -> tuple[float, float]:
    """How coarse the pictures are on average, and those of the coarsest second, as the encoder noted it; 0 where it did not."""
    noted = [float(number) for number in _QUANTIZER.findall(log.read_bytes())] if log.is_file() else []
    if not noted:
        return 0.0, 0.0
    seconds = [noted[begin : begin + pictures_per_s] for begin in range(0, len(noted), pictures_per_s)]
    whole = [one for one in seconds if len(one) == pictures_per_s] or seconds[:1]
    return sum(noted) / len(noted), max(sum(one) / len(one) for one in whole)


def _checked(job: _Job, out: Path, *, encodes: int, parts: int, first_bytes: int) -> Fitted:
    """What was written, read back. Raises MediaError where it is too large or not what was planned."""
    written = out.stat().st_size
    if written > job.limit_bytes:
        raise MediaError(
            f"The video could not be made to fit: it came to {written:,} bytes of {job.limit_bytes:,}; use another way to get it."
        )
    try:
        made = inspect(out, decode_frames=FORMAT_ALONE)
    except BadMedia as error:
        raise MediaError("The fitted video cannot be read and was thrown away; try again.") from error
    if made.frames != len(job.places) or made.has_audio != job.has_sound:
        raise MediaError("The fitted video is not what was planned and was thrown away; try again.")
    return Fitted(
        seconds=float(made.seconds),
        width=made.width,
        height=made.height,
        bytes=written,
        encodes=encodes,
        parts=parts,
        first_bytes=first_bytes,
        sentence=made_smaller(
            (job.found.width, job.found.height), (made.width, made.height), limit_bytes=job.limit_bytes, parts=parts
        ),
    )
