"""Makes small clips of every kind that a provider or a person may hand in, with PyAV."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from PIL import Image

from engine.media.last_picture import last_picture

Rgb = npt.NDArray[np.uint8]
RATE = 48_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a clip is made."""

    codec: str = "libx264"
    frames: int = 24
    width: int = 320
    height: int = 180
    fps: Fraction = Fraction(24)
    options: Mapping[str, str] | None = None
    muxer: Mapping[str, str] | None = None
    start: int = 0
    """Which moment of the scene is its first picture."""
    audio_s: float | None = None
    """Seconds of sound; None: no sound track."""
    tagged: bool = True
    pixels: str = "yuv420p"
    matrix: int = 1
    """Of ITU-T H.273, for pixels and tags alike; 9 is BT.2020's."""
    transfer: int | None = None
    """None: the one that belongs to the matrix; 16 is PQ, 18 HLG."""
    is_full: bool = False
    """Whether the range is full."""
    gaps: Sequence[int] = ()
    """Pictures after which twice the time passes."""


NO_B: Mapping[str, str] = {"crf": "18", "g": "250", "bf": "0"}
WITH_B: Mapping[str, str] = {"crf": "18", "g": "250", "x264-params": "bframes=3:b-adapt=0:b-pyramid=none:scenecut=0"}
"""The 25th picture is a P picture that stands in the file before three B pictures that need it."""
_USUAL: Mapping[str, dict[str, str]] = {"libx264": {"preset": "veryfast"}, "libx265": {"preset": "veryfast"}}
"""Of each codec, where a recipe does not say otherwise: B pictures and groups as in any clip, in half the time."""


@cache
def _scene() -> Rgb:
    rng = np.random.default_rng(7)
    coarse = Image.fromarray(rng.integers(0, 255, (24, 48, 3), np.uint8)).resize((1920, 1080), Image.Resampling.BICUBIC)
    fine = Image.fromarray(rng.integers(0, 255, (180, 320, 3), np.uint8)).resize((1920, 1080), Image.Resampling.BICUBIC)
    return np.asarray(Image.blend(coarse, fine, 0.25))


def scene(moment: int, width: int = 320, height: int = 180) -> Rgb:
    """A picture of one long pan over a landscape that never repeats; neighbours differ by six pixels of 320."""
    left = moment * 6 % 1600
    view = Image.fromarray(_scene()[(moment // 266) * 180 % 900 :][:180, left : left + 320])
    return np.asarray(view if (width, height) == view.size else view.resize((width, height), Image.Resampling.BICUBIC))


def make(path: Path, recipe: Recipe | None = None, picture: Callable[[int], Rgb] | None = None) -> Path:
    """Write a clip of `recipe` whose picture at each place is `picture(place)`, by default the scene's."""
    recipe = recipe or Recipe()
    if picture is not None:
        return _make(path, recipe, picture)
    key = path.suffix, repr(recipe)
    if key not in _MADE:
        _make(path, recipe, lambda place: scene(recipe.start + place, recipe.width, recipe.height))
        _MADE[key] = path.read_bytes()
    path.write_bytes(_MADE[key])
    return path


_MADE: dict[tuple[str, str], bytes] = {}
"""Many tests begin with the same clip."""


@contextmanager
def _as_urgent_as_before() -> Iterator[None]:
    """SVT-AV1 gives the thread that calls it, where that is root's, the highest real-time priority, and leaves it there. All that
    tests start later would have it too: browsers and servers that keep the machine from everybody else.
    """
    if sys.platform != "linux":
        yield
        return
    policy, urgency = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, urgency)


def _make(path: Path, recipe: Recipe, show: Callable[[int], Rgb]) -> Path:
    with _as_urgent_as_before(), av.open(str(path), "w", options=dict(recipe.muxer or {})) as film:
        options = _USUAL.get(recipe.codec, {}) | dict(recipe.options or {"crf": "18"})
        video = film.add_stream(recipe.codec, rate=recipe.fps, options=options)
        assert isinstance(video, av.VideoStream)
        video.codec_context.thread_count = 1  # several cost more than they save on pictures so small
        video.width, video.height, video.pix_fmt = recipe.width, recipe.height, recipe.pixels
        video.time_base = video.codec_context.time_base = 1 / recipe.fps
        if recipe.tagged:
            context = video.codec_context
            context.colorspace = context.color_primaries = recipe.matrix
            context.color_trc = recipe.transfer or recipe.matrix
            context.color_range = 2 if recipe.is_full else 1
        sound = film.add_stream("aac", rate=RATE, layout="stereo") if recipe.audio_s is not None else None
        pts = 0
        convert = VideoReformatter()
        for place in range(recipe.frames):
            frame = to_yuv(show(place), recipe, convert)
            frame.pts, frame.time_base = pts, 1 / recipe.fps
            film.mux(video.encode(frame))
            pts += 2 if place in recipe.gaps else 1
        film.mux(video.encode(None))
        if sound is not None and recipe.audio_s is not None:
            add_sound(film, sound, tone(recipe.audio_s))
    return path


def last_of(clip: Path) -> VideoFrame:
    """The last picture, by one core or by all of them."""
    careful, quick = last_picture(clip), last_picture(clip, alone=True)
    assert digest(careful) == digest(quick)
    return quick


def make_chain(
    directory: Path, count: int, options: Mapping[str, str], *, frames: int = 24, audio_s: float | None = None
) -> list[Path]:
    """Clips of about a second, each beginning with the picture on which the one before ended."""
    return [
        make(
            directory / f"{number}.mp4",
            Recipe(start=number * (frames - 1), frames=frames, options=options, audio_s=audio_s),
        )
        for number in range(count)
    ]


def to_bt709(rgb: Rgb) -> VideoFrame:
    return to_yuv(rgb, Recipe())


def to_yuv(rgb: Rgb, recipe: Recipe, convert: VideoReformatter | None = None) -> VideoFrame:
    """`convert` is quicker where several are made."""
    return (convert or VideoReformatter()).reformat(
        VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24"),
        format=recipe.pixels,
        dst_colorspace={1: Colorspace.ITU709, 5: Colorspace.ITU601, 9: Colorspace.BT2020}[recipe.matrix],
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange.JPEG if recipe.is_full else ColorRange.MPEG,
    )


def tone(seconds: float, hertz: float = 440.0) -> npt.NDArray[np.float32]:
    wave = 0.25 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)
    return np.stack([wave, wave]).astype(np.float32)


def add_sound(film: OutputContainer, stream: AudioStream, sound: npt.NDArray[np.float32]) -> None:
    for start in range(0, sound.shape[1], 1024):
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(sound[:, start : start + 1024]), format="fltp", layout="stereo"
        )
        frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
        film.mux(stream.encode(frame))
    film.mux(stream.encode(None))


def flash_and_beep(
    path: Path, *, frames: int, flash: int, fps: Fraction = Fraction(24), size: tuple[int, int] = (320, 180)
) -> Path:
    """Noise at its ends (so that no seam matches), black otherwise, with one white picture and a 1 kHz beep at the same time."""
    width, height = size
    with av.open(str(path), "w") as film:
        video = film.add_stream("libx264", rate=fps, options=_USUAL["libx264"] | {"crf": "20"})
        assert isinstance(video, av.VideoStream)
        video.codec_context.thread_count = 1
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        stream = film.add_stream("aac", rate=RATE, layout="stereo")
        for place in range(frames):
            rgb = np.full((height, width, 3), 255 if place == flash else 0, np.uint8)
            if place in (0, frames - 1):
                rgb[: height // 4, : width // (2 + (place > 0))] = 90
            frame = to_bt709(rgb)
            frame.pts, frame.time_base = place, 1 / fps
            film.mux(video.encode(frame))
        film.mux(video.encode(None))
        sound = np.zeros((2, round(frames / fps * RATE)), np.float32)
        begin = round(flash / fps * RATE)
        beep = tone(float(1 / fps), 1000.0)
        sound[:, begin : begin + beep.shape[1]] = beep
        add_sound(film, stream, sound)
    return path


def remux(source: Path, target: Path, options: Mapping[str, str] | None = None, shift: int = 0) -> Path:
    """The same packets in another container; `shift` moves video and sound by so many milliseconds."""
    with av.open(str(source)) as container, av.open(str(target), "w", options=dict(options or {})) as film:
        streams = {stream.index: film.add_stream_from_template(stream) for stream in container.streams}
        for packet in container.demux():
            if packet.size and packet.pts is not None and packet.dts is not None:
                moved = round(Fraction(shift, 1000) / packet.time_base)
                packet.pts, packet.dts = packet.pts + moved, packet.dts + moved
                packet.stream = streams[packet.stream.index]
                film.mux(packet)
    return target


_TURNS = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}


def turn_tag(path: Path, degrees: int = 90) -> Path:
    """Ask players to turn the picture clockwise, by rewriting the matrix of the video track's header."""
    data = bytearray(path.read_bytes())
    box = data.index(b"tkhd")
    matrix = box + 4 + 4 + 20 + 16  # version and flags, times and ids and duration, then reserved to volume
    a, b, c, d = (value << 16 for value in _TURNS[degrees])
    turned = (a, b, 0, c, d, 0, 180 << 16, 0, 0x40000000)
    data[matrix : matrix + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in turned)
    path.write_bytes(data)
    return path


def names(directory: Path) -> list[str]:
    """What is in it, hidden files too."""
    return sorted(path.name for path in directory.iterdir())


def damage(source: Path, target: Path, share: float = 0.5, place: int | None = None) -> None:
    """Turn over the bits of so much of a picture, by default the largest but the first, from its first quarter on."""
    with av.open(str(source)) as container:
        packets = [
            (packet.size, packet.pos or 0) for packet in container.demux(container.streams.video[0]) if packet.size
        ]
    size, position = max(packets[1:]) if place is None else packets[place]
    data = bytearray(source.read_bytes())
    begin = position + size // 4
    end = begin + max(4, int(size * share))
    data[begin:end] = bytes(255 - byte for byte in data[begin:end])
    target.write_bytes(data)


def decoded(path: Path) -> list[tuple[Fraction, str]]:
    """Time and hash of every displayed picture, in the order in which they are shown."""
    with av.open(str(path)) as container:
        found = [
            (frame.pts * frame.time_base, digest(frame))
            for frame in container.decode(container.streams.video[0])
            if frame.pts is not None and frame.time_base is not None
        ]
    return sorted(found)


def digest(frame: VideoFrame) -> str:
    return hashlib.sha256(frame.to_ndarray().tobytes()).hexdigest()


def sound_of(path: Path) -> npt.NDArray[np.float32]:
    """The left channel at 48 kHz, each sample at its own time."""
    pieces: list[tuple[int, npt.NDArray[np.float32]]] = []
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="fltp", layout="stereo", rate=RATE)
        for frame in container.decode(container.streams.audio[0]):
            assert frame.time_base is not None
            at = round((frame.pts or 0) * frame.time_base * RATE)
            pieces += [(at, np.asarray(part.to_ndarray()[0], np.float32)) for part in resampler.resample(frame)]
    whole = np.zeros(max(at + len(part) for at, part in pieces), np.float32)
    for at, part in pieces:
        whole[at : at + len(part)] = part
    return whole
