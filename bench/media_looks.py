"""What `bench.media` and `bench.fit` look for in a film that was made: its pictures, its sound, how much of its source is left."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from PIL import Image

from engine.media.colour import to_rgb
from engine.media.house import SAMPLE_RATE


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """How much of each picture is left, in dB of PSNR (luma), at the source's size."""

    mean_db: float
    worst_db: float
    """Of the worst hundredth of the pictures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A film, decoded to its end."""

    frames: int
    seconds: float
    """To the end of its last picture."""
    sound_s: float
    is_even: bool
    """Whether every picture comes after the one before, one step later."""
    error: str

    def __str__(self) -> str:
        even = "even" if self.is_even else "uneven"
        return f"{self.frames} pictures, {self.seconds:.2f} s, sound {self.sound_s:.2f} s, {even}, {self.error or 'no error'}"


def hashes(path: Path) -> list[str]:
    """Of every displayed picture."""
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "AUTO"
        return [hashlib.sha1(frame.to_ndarray().tobytes()).hexdigest() for frame in container.decode(video=0)]  # noqa: S324


def is_last(png: Path, clip: Path) -> bool:
    """Whether the picture is the last one of all that the clip shows, decoded from its beginning."""
    last: av.VideoFrame | None = None
    with av.open(str(clip)) as container:
        container.streams.video[0].thread_type = "AUTO"
        for frame in container.decode(video=0):
            if last is None or (frame.pts or 0) > (last.pts or 0):
                last = frame
    assert last is not None
    return np.array_equal(np.asarray(Image.open(png)), to_rgb(last))


def largest_step(path: Path) -> float:
    """From one sample of the left channel to the next one, but for the first and last tenth of a second."""
    pieces: list[tuple[int, npt.NDArray[np.float32]]] = []
    with av.open(str(path)) as container:
        for frame in container.decode(container.streams.audio[0]):
            at = round((frame.pts or 0) * (frame.time_base or 0) * SAMPLE_RATE)
            pieces.append((at, np.asarray(frame.to_ndarray()[0], np.float32)))
    wave = np.zeros(max(at + len(part) for at, part in pieces), np.float32)
    for at, part in pieces:
        wave[max(0, at) : at + len(part)] = part[max(0, -at) :]
    edge = SAMPLE_RATE // 10
    return float(np.abs(np.diff(wave[edge:-edge])).max())


def played(path: Path) -> Played:
    times: list[float] = []
    sound_s, error = 0.0, ""
    try:
        with av.open(str(path)) as container:
            video, sounds = container.streams.video[0], container.streams.audio
            video.thread_type = "AUTO"
            for frame in container.decode(video, *sounds[:1]):
                if isinstance(frame, av.VideoFrame):
                    times.append(frame.time or 0.0)
                elif isinstance(frame, av.AudioFrame):
                    sound_s = (frame.time or 0.0) + frame.samples / frame.sample_rate
    except (av.FFmpegError, IndexError) as problem:
        error = str(problem)
    steps = np.diff(times)
    step = float(np.median(steps)) if len(steps) else 0.0
    return Played(
        frames=len(times),
        seconds=times[-1] + step if times else 0.0,
        sound_s=sound_s,
        is_even=bool(len(steps) and np.abs(steps - step).max() < 0.001),
        error=error,
    )


def quality(source: Path, made: Path) -> Quality:
    """The PSNR of the luma of every second picture. (VMAF is not in PyAV's libraries.)"""
    found = [
        10 * np.log10(255**2 / max(0.01, float(np.mean((one - other) ** 2))))
        for one, other in zip(_lumas(source, source), _lumas(made, source), strict=True)
    ]
    return Quality(mean_db=float(np.mean(found)), worst_db=float(np.percentile(found, 1)))


def _lumas(path: Path, like: Path) -> Iterator[npt.NDArray[np.float32]]:
    with av.open(str(like)) as container:
        width, height = container.streams.video[0].width, container.streams.video[0].height
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "AUTO"
        for place, frame in enumerate(container.decode(video=0)):
            if place % 2 == 0:
                whole = frame.reformat(width, height, "yuv420p", interpolation="BICUBIC")
                yield whole.to_ndarray()[:height, :width].astype(np.float32)
