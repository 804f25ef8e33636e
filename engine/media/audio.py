"""One continuous AAC track for a film, built anew from decoded sound: copied packets would click at every seam."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.packet import Packet

from engine.media.house import SAMPLE_RATE
from engine.media.source import open_video

Sound = npt.NDArray[np.float32]
"""2 x samples."""

_FADE = 240  # 5 ms: too short to hear, long enough not to click
_BLOCK = SAMPLE_RATE  # of silence at a time
_JITTER = SAMPLE_RATE // 200  # 5 ms: containers that count in milliseconds place sound this loosely
_AAC_FRAME = 1024


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a film's sound."""

    clip: Path | None
    """None: silence."""
    start_s: Fraction
    """Where it begins on the clip's clock."""
    end_s: Fraction
    """Where it ends on the film's clock."""


def encode(parts: Sequence[Part], stream: AudioStream) -> Iterator[Packet[AudioStream]]:
    """The packets of the whole track. Every part ends at its own sample, so that no rounding adds up."""
    fifo = av.AudioFifo()
    written = 0
    for number, part in enumerate(parts):
        total = round(part.end_s * SAMPLE_RATE) - written
        done = 0
        for block in _exactly(_sound(part), total):
            _fade(block, done, total, fade_in=number > 0, fade_out=number < len(parts) - 1)
            fifo.write(_frame(block, written + done))
            done += block.shape[1]
            while (frame := fifo.read(_AAC_FRAME)) is not None:
                yield from stream.encode(frame)
        written += total
    if (frame := fifo.read(0, partial=True)) is not None:
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _sound(part: Part) -> Iterator[tuple[int, Sound]]:
    """Decoded sound with its place in samples from the part's start; nothing where the clip has no sound."""
    if part.clip is None:
        return
    with open_video(part.clip) as (container, _):
        if not container.streams.audio:
            return
        source = container.streams.audio[0]
        resampler = av.AudioResampler(format="fltp", layout="stereo", rate=SAMPLE_RATE)
        place: int | None = None
        try:
            for frame in container.decode(source):
                if frame.pts is not None and frame.time_base is not None:
                    at = round((frame.pts * frame.time_base - part.start_s) * SAMPLE_RATE)
                    place = at if place is None or abs(at - place) > _JITTER else place
                for piece in resampler.resample(frame):
                    block = np.asarray(piece.to_ndarray(), dtype=np.float32)
                    yield place or 0, block
                    place = (place or 0) + block.shape[1]
            for piece in resampler.resample(None):
                yield place or 0, np.asarray(piece.to_ndarray(), dtype=np.float32)
        except (av.FFmpegError, EOFError):
            return  # what cannot be decoded is silent; the picture decides whether a clip is damaged


def _exactly(sound: Iterator[tuple[int, Sound]], total: int) -> Iterator[Sound]:
    """The sound of samples 0 to `total`: silence where there is none, the earlier one where two overlap."""
    done = 0
    for place, block in sound:
        if done >= total:
            return
        while done < min(place, total):
            silence = np.zeros((2, min(_BLOCK, min(place, total) - done)), np.float32)
            yield silence
            done += silence.shape[1]
        piece = block[:, max(0, done - place) :][:, : total - done]
        if piece.shape[1]:
            yield np.array(piece)
            done += piece.shape[1]
    while done < total:
        silence = np.zeros((2, min(_BLOCK, total - done)), np.float32)
        yield silence
        done += silence.shape[1]


def _fade(block: Sound, start: int, total: int, *, fade_in: bool, fade_out: bool) -> None:
    """Ramp the first and the last samples of a part of `total`; `block` begins at sample `start` of it."""
    if total < 2 * _FADE:
        return
    if fade_in and start < _FADE:
        count = min(_FADE - start, block.shape[1])
        block[:, :count] *= np.arange(start, start + count, dtype=np.float32) / _FADE
    end = start + block.shape[1]
    if fade_out and end > total - _FADE:
        first = max(start, total - _FADE)
        block[:, first - start :] *= (total - np.arange(first, end, dtype=np.float32)) / _FADE


def _frame(block: Sound, place: int) -> AudioFrame:
    frame = AudioFrame.from_ndarray(np.ascontiguousarray(block), format="fltp", layout="stereo")
    frame.sample_rate = SAMPLE_RATE
    frame.pts = place
    frame.time_base = Fraction(1, SAMPLE_RATE)
    return frame
