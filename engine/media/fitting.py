"""Encodes a video, or one part of it, to fit under a cap: once as planned, and again by what was measured if too much or coarse."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from engine.errors import BadMedia, MediaError, NotPossible
from engine.media import audio, house
from engine.media.fit_plan import SHORT_S, Aim, amount, first_aim, made_smaller, next_aim, plan_fit, video_bits_per_s
from engine.media.inspection import LOOKED_AT_FRAMES, Inspection, inspect
from engine.media.join import clean
from engine.media.normalise import frames_at, pictures
from engine.media.report import Report
from engine.media.results import Fitted
from engine.media.source import open_video
from engine.media.timeline import usual_rate

_AAC_PACKET_BYTES = 8
"""What the tables of an MP4 take for one packet of sound."""
_SILENT_BITS_PER_S = 32_000
_CHAPTER_BYTES = 160
"""What a chapter takes beside its title, which stands there twice."""
_TEXT_BYTES = 512
_SELDOM = 0.25
"""How much of the way a second encode is where it is seldom needed: a percentage never goes back."""
_FEW_BITS = 0.12
"""A pixel. With fewer, the second encode is likely, and as much work as the first."""
_MUCH_ROOM = 0.9
_COARSE = 24.0
"""x264's quantizer; the house profile is at about 20. Where it is finer than this, more bytes are not seen."""
_NO_DEBTS = "ratetol=0.1"
"""Who does not know what comes may not count on easier scenes later: a film that begins black came out a tenth too large."""
_QUANTIZER = re.compile(rb" q:([0-9.]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Texts:
    """What is said in the file."""

    title: str
    chapters: tuple[tuple[Fraction, Fraction, str], ...]
    """Begin and end in seconds of the part, and title."""

    @property
    def bytes(self) -> int:
        titles = (len(title.encode()) for _, _, title in self.chapters)
        return _TEXT_BYTES + len(self.title.encode()) + sum(_CHAPTER_BYTES + 2 * length for length in titles)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """One part of one video."""

    path: Path
    found: Inspection
    rate: Fraction
    places: range
    """Which pictures of the video's even grid it has."""
    has_sound: bool
    texts: _Texts
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
    found = inspect(path, decode_frames=LOOKED_AT_FRAMES)
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
    second = 1.0 if plan.video_bits_per_s < _FEW_BITS * pixels_per_s else _SELDOM
    report.expect(len(job.places) * (1 + second))
    log, again = scratch / "log", scratch / "again.mp4"
    sound, sound_bytes = _write_sound(job, scratch / "sound.mp4", plan.audio_bits_per_s or _SILENT_BITS_PER_S)
    room = video_bits_per_s(
        limit_bytes,
        len(job.places),
        float(job.rate),
        audio_bytes=sound_bytes,
        other_bytes=job.texts.bytes,
    )
    aim = first_aim((plan.width, plan.height), float(job.seconds), max(1000, room))
    video_bytes = _encode(job, aim, sound, out, log=log, on_frame=lambda: report.advance(1))
    encodes, written = 1, out.stat().st_size
    # With few bits it shows that one pass does not know what comes: hard scenes starve (6 dB in the mean of a film were measured).
    can_be_better = written < _MUCH_ROOM * limit_bytes or job.seconds >= SHORT_S
    if written > limit_bytes or (can_be_better and _quantizer(log) > _COARSE):
        encodes = 2
        aim = next_aim(aim, float(job.seconds), max(1000, room), video_bytes)
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
        texts=_texts(path, found.start_s + places.start / rate, len(places) / rate),
        limit_bytes=limit_bytes,
    )


def _texts(path: Path, start_s: Fraction, seconds: Fraction) -> _Texts:
    """The title, and the chapters of the stretch that begins at `start_s` on the container's clock."""
    with open_video(path) as (container, _):
        chapters = []
        for chapter in container.chapters():
            base = Fraction(chapter["time_base"] or 1)
            begin_s = max(Fraction(0), chapter["start"] * base - start_s)
            end_s = min(seconds, chapter["end"] * base - start_s)
            if begin_s < end_s:
                chapters.append((begin_s, end_s, clean(chapter["metadata"].get("title", ""))))
        return _Texts(title=clean(container.metadata.get("title", "")), chapters=tuple(chapters))


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
        _add_texts(film, job.texts)
        video = house.add_video(film, *size, job.rate)
        house.hold_rate(video, aim, log)
        if not aim.reads_log:
            options = video.codec_context.options
            video.codec_context.options = options | {"x264-params": f"{options['x264-params']}:{_NO_DEBTS}"}
        packets: Iterator[Packet[Any]] = iter(())
        if sound:
            container = stack.enter_context(av.open(str(sound)))
            packets = _onto(film.add_stream_from_template(container.streams.audio[0]), container)
        waiting = next(packets, None)
        frames = pictures(job.path, job.found, size=size, rate=job.rate, places=job.places)
        for place, frame in enumerate(frames):
            while waiting is not None and (waiting.pts or 0) * waiting.time_base <= place / job.rate:
                film.mux(waiting)
                waiting = next(packets, None)
            taken += _mux(film, video.encode(house.number(frame, place, job.rate, None)))
            on_frame()
        taken += _mux(film, video.encode(None))
        while waiting is not None:
            film.mux(waiting)
            waiting = next(packets, None)
    return max(1, taken)


def _onto(stream: av.AudioStream, container: InputContainer) -> Iterator[Packet[Any]]:
    for packet in container.demux():
        if packet.size:
            packet.stream = stream
            yield packet


def _mux(film: OutputContainer, packets: Sequence[Packet[Any]]) -> int:
    taken = sum(packet.size for packet in packets)
    film.mux(packets)
    return taken


def _quantizer(log: Path) -> float:
    """How coarse the pictures are on average, as the encoder noted it; 0 where it did not."""
    if not log.is_file():
        return 0.0
    noted = [float(number) for number in _QUANTIZER.findall(log.read_bytes())]
    return sum(noted) / len(noted) if noted else 0.0


def _add_texts(film: OutputContainer, texts: _Texts) -> None:
    if texts.title:
        film.metadata["title"] = texts.title
    base = Fraction(1, house.SAMPLE_RATE)
    film.set_chapters(
        [
            {
                "id": number,
                "start": round(begin_s / base),
                "end": round(end_s / base),
                "time_base": base,
                "metadata": {"title": title or str(number)},
            }
            for number, (begin_s, end_s, title) in enumerate(texts.chapters, 1)
        ]
    )


def _checked(job: _Job, out: Path, *, encodes: int, parts: int, first_bytes: int) -> Fitted:
    """What was written, read back. Raises MediaError where it is too large or not what was planned."""
    written = out.stat().st_size
    if written > job.limit_bytes:
        raise MediaError(
            f"The video could not be made to fit: it came to {written:,} bytes of {job.limit_bytes:,}; use another way to get it."
        )
    try:
        made = inspect(out, decode_frames=LOOKED_AT_FRAMES)
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
