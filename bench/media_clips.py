"""The clips that `bench.media` works on: made once, kept in a directory under the system's temporary one, and found there again."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer, OutputContainer
from PIL import Image

from engine.media import house
from engine.media.colour import to_bt709

Rgb = npt.NDArray[np.uint8]
KEPT = Path(tempfile.gettempdir()) / "nextshot-bench-clips-1"
"""Another number for other clips."""
RATE = Fraction(24)
SECONDS = 8
FRAMES = int(SECONDS * RATE)
HD = (1280, 720)
_SCENE_S = 6
_QUICK = {
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none"},
    "libvpx-vp9": {"cpu-used": "8", "deadline": "realtime", "b": "2M"},
}
_HERTZ = 330
LOUD_STEP = 0.2 * 2 * np.pi * _HERTZ / house.SAMPLE_RATE
"""The largest step from a sample of the clips' tone to the next one."""


def kept(name: str, make: Callable[[Path], object]) -> Path:
    """The file of that name; what broke off in the middle never has it."""
    KEPT.mkdir(exist_ok=True)
    path = KEPT / name
    if not path.exists():
        begun = path.with_stem(f"{path.stem}-begun")
        make(begun)
        begun.rename(path)
    return path


def agreeing(count: int, *, has_sound: bool = True) -> list[Path]:
    """House clips of 8 s of 720p, each beginning on the picture on which the one before ends."""
    clips = [
        kept(
            f"agreeing-{number}.mp4",
            lambda path, number=number: _write(  # type: ignore[misc]  # bound early
                path, _pan(HD, start=number * (FRAMES - 1)), HD, total=FRAMES, has_sound=True
            ),
        )
        for number in range(count)
    ]
    return clips if has_sound else [kept(f"silent-{clip.name}", lambda path, c=clip: _mute(c, path)) for clip in clips]  # type: ignore[misc]


def full_hd(group: int) -> Path:
    """10 s of 1080p30 with grain, as a camera's or a provider's has it, and a key picture every `group` pictures."""
    size, rate = (1920, 1080), Fraction(30)
    x264 = f"keyint={group}:min-keyint={group}:scenecut=0:bframes=3"
    return kept(
        f"grainy-{group}.mp4",
        lambda path: _write(
            path, _grainy(_pan(size, step=4), size), size, total=300, rate=rate, x264=x264, has_sound=True
        ),
    )


def full_hd_minute() -> Path:
    """The packets of the 10 s, six times."""
    return kept("grainy-minute.mp4", lambda path: _repeat(full_hd(250), path, 6))


def hard(seconds: int) -> Path:
    """720p near its source's quality: detailed pictures that pan; of three scenes one is fast and one nearly still."""
    return kept(
        f"hard-{seconds}.mp4",
        lambda path: _write(path, _scenes(), HD, total=int(seconds * RATE), preset="ultrafast", crf=14, has_sound=True),
    )


def mixed() -> list[Path]:
    """Clips of other rates, sizes and codecs, one of them silent, one of them upright, two of them alike; 4 s each."""
    odd: Sequence[tuple[str, tuple[int, int], Fraction, bool]] = (
        ("libx264", HD, RATE, True),
        ("libx264", HD, RATE, True),
        ("libx264", HD, Fraction(25), True),
        ("libx264", (854, 480), Fraction(30), False),
        ("libx265", HD, RATE, True),
        ("libvpx-vp9", (640, 360), RATE, True),
        ("libx264", (720, 1280), Fraction(30000, 1001), True),
    )
    clips = []
    for number, (codec, size, rate, has_sound) in enumerate(odd):

        def write(
            path: Path, odd: tuple[str, tuple[int, int], Fraction, bool] = (codec, size, rate, has_sound)
        ) -> None:
            codec, size, rate, has_sound = odd
            _write(path, _pan(size), size, total=round(4 * rate), rate=rate, codec=codec, has_sound=has_sound)

        clips.append(kept(f"odd-{number}.mp4", write))
    return clips


@cache
def _wide(size: tuple[int, int]) -> Rgb:
    rng = np.random.default_rng(3)
    whole = (size[0] * 9 // 2, size[1])
    coarse, fine = (
        Image.fromarray(rng.integers(0, 255, shape, np.uint8)).resize(whole, Image.Resampling.BICUBIC)
        for shape in ((20, 90, 3), (360, 2880, 3))
    )
    return np.asarray(Image.blend(coarse, fine, 0.15))


def _pan(size: tuple[int, int], *, start: int = 0, step: int = 3) -> Callable[[int], Rgb]:
    """Over noise-textured hills."""

    def show(place: int) -> Rgb:
        wide = _wide(size)
        left = (start + place) * step % (wide.shape[1] - size[0])
        return wide[:, left : left + size[0]]

    return show


def _grainy(show: Callable[[int], Rgb], size: tuple[int, int]) -> Callable[[int], Rgb]:
    rng = np.random.default_rng(9)
    grain = rng.integers(-5, 6, (size[1] + 64, size[0] + 64, 1), np.int8)

    def shown(place: int) -> Rgb:
        top, left = place * 37 % 64, place * 23 % 64
        return np.clip(show(place) + grain[top : top + size[1], left : left + size[0]].astype(np.int16), 0, 255).astype(
            np.uint8
        )

    return shown


def _scenes() -> Callable[[int], Rgb]:
    rng = np.random.default_rng(5)
    size = (HD[0] + 2200, HD[1])
    layers = [
        Image.fromarray(rng.integers(0, 255, shape, np.uint8)).resize(size, Image.Resampling.BICUBIC)
        for shape in ((14, 60, 3), (120, 600, 3), (360, 1740, 3))
    ]
    wide = np.asarray(Image.blend(Image.blend(layers[0], layers[1], 0.2), layers[2], 0.2))

    def show(place: int) -> Rgb:
        number, moment = divmod(place, int(_SCENE_S * RATE))
        left = moment * (3, 14, 1)[number % 3]
        return np.roll(wide[:, left : left + HD[0]][:: -1 if number % 2 else 1], number, axis=2)

    return show


def _write(
    path: Path,
    show: Callable[[int], Rgb],
    size: tuple[int, int],
    *,
    total: int,
    has_sound: bool,
    rate: Fraction = RATE,
    codec: str = "",
    preset: str = "veryfast",
    crf: int = 18,
    x264: str = "",
) -> None:
    """A clip. Without `codec`, `x264` and another quality it is one of the house."""
    with av.open(str(path), "w") as film:
        video = house.add_video(film, *size, rate) if not codec else film.add_stream(codec, rate=rate)
        assert isinstance(video, av.VideoStream)
        is_house = not (codec or x264) and (preset, crf) == ("veryfast", 18)
        if codec:
            video.width, video.height, video.pix_fmt = *size, "yuv420p"
            video.codec_context.options = _QUICK.get(codec, {})
        elif not is_house:
            video.codec_context.options = {"preset": preset, "crf": str(crf), "x264-params": x264 or "keyint=96"}
        sound = house.add_audio(film) if has_sound else None
        for place in range(total):
            frame = to_bt709(np.ascontiguousarray(show(place)))
            film.mux(video.encode(house.number(frame, place, rate, total if is_house else None)))
        film.mux(video.encode(None))
        if sound is not None:
            for piece in tone(float(total / rate)):
                film.mux(sound.encode(piece))
            film.mux(sound.encode(None))


def tone(seconds: float) -> Iterator[av.AudioFrame]:
    wave = 0.2 * np.sin(2 * np.pi * _HERTZ * np.arange(round(seconds * house.SAMPLE_RATE)) / house.SAMPLE_RATE)
    for begin in range(0, len(wave), 1024):
        block = np.ascontiguousarray(np.stack([wave[begin : begin + 1024]] * 2).astype(np.float32))
        piece = av.AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
        piece.sample_rate, piece.pts, piece.time_base = house.SAMPLE_RATE, begin, Fraction(1, house.SAMPLE_RATE)
        yield piece


def _mute(clip: Path, target: Path) -> None:
    with av.open(str(clip)) as source, av.open(str(target), "w") as film:
        _copy(source.streams.video[0], film, film.add_stream_from_template(source.streams.video[0]), Fraction(0))


def _repeat(clip: Path, target: Path, times: int) -> None:
    with av.open(str(target), "w") as film:
        video: av.VideoStream | None = None
        for number in range(times):
            with av.open(str(clip)) as source:
                stream = source.streams.video[0]
                video = video or film.add_stream_from_template(stream)
                _copy(stream, film, video, number * Fraction(stream.duration or 0) * Fraction(stream.time_base or 1))


def _copy(source: av.VideoStream, film: OutputContainer, target: av.VideoStream, shift_s: Fraction) -> None:
    container = source.container
    assert isinstance(container, InputContainer)
    for packet in container.demux(source):
        if packet.size and packet.pts is not None and packet.dts is not None:
            shift = round(shift_s / packet.time_base)
            packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, target
            film.mux(packet)
