"""Makes clips for their sound, lays them into a film's sound track, and measures what is heard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.filter import Graph
from av.video.frame import VideoFrame

from engine.media import audio, house
from tests.media.makers import RATE, add_sound

Sound = npt.NDArray[np.float32]
FPS = 24
NO_NOISE: Mapping[str, str] = {"aac_coder": "fast", "aac_pns": "0"}
"""Else a decoder fills bands with noise of its own, another time with another one."""


def sound_clip(
    path: Path,
    sound: Sound,
    *,
    codec: str = "aac",
    options: Mapping[str, str] = NO_NOISE,
    layout: str = "stereo",
    bits_per_s: int = 160_000,
) -> Path:
    """A tiny black video of the sound's length, to the next picture; made once for all tests."""
    key = sound.tobytes(), path.suffix, codec, tuple(options.items()), layout, bits_per_s
    if key not in _MADE:
        _make(path, sound, codec=codec, options=options, layout=layout, bits_per_s=bits_per_s)
        _MADE[key] = path.read_bytes()
    path.write_bytes(_MADE[key])
    return path


_MADE: dict[object, bytes] = {}


def _make(path: Path, sound: Sound, *, codec: str, options: Mapping[str, str], layout: str, bits_per_s: int) -> None:
    with av.open(str(path), "w") as film:
        video = film.add_stream("libx264", rate=FPS, options={"preset": "ultrafast"})
        assert isinstance(video, av.VideoStream)
        video.width, video.height, video.pix_fmt = 32, 32, "yuv420p"
        stream = film.add_stream(codec, rate=RATE, layout=layout, options=dict(options))
        assert isinstance(stream, av.AudioStream)
        stream.bit_rate = bits_per_s
        for place in range(round(sound.shape[1] * FPS / RATE)):
            frame = VideoFrame(32, 32, "yuv420p")
            frame.pts, frame.time_base = place, Fraction(1, FPS)
            film.mux(video.encode(frame))
        film.mux(video.encode(None))
        if layout == "stereo" and stream.format.name == "fltp":
            add_sound(film, stream, sound)
        else:
            _add_other_sound(film, stream, sound)


def _add_other_sound(film: av.container.OutputContainer, stream: av.AudioStream, sound: Sound) -> None:
    resampler = av.AudioResampler(
        stream.format.name, stream.layout.name, stream.rate, frame_size=stream.codec_context.frame_size or 1024
    )
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound), format="fltp", layout="stereo")
    frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
    for piece in [*resampler.resample(frame), *resampler.resample(None)]:
        film.mux(stream.encode(piece))
    film.mux(stream.encode(None))


def track(
    out: Path, parts: Sequence[audio.Part], mix: audio.Mix | None = None, bits_per_s: int = 160_000
) -> list[bytes]:
    """Write the parts' sound into a file of its own; the packets."""
    packets = []
    with av.open(str(out), "w", format="mp4") as film:
        for packet in audio.encode(parts, house.add_audio(film, bits_per_s), mix):
            packets.append(bytes(packet))
            film.mux(packet)
    return packets


def in_a_row(clips: Sequence[Path], frames: Sequence[int], **words: Fraction) -> list[audio.Part]:
    """Each clip from its beginning, so many pictures of it; `words` go to every part."""
    ends = np.cumsum(frames)
    return [
        audio.Part(clip, Fraction(0), Fraction(int(end), FPS), **words) for clip, end in zip(clips, ends, strict=True)
    ]


def heard(path: Path) -> Sound:
    """Both channels, from time 0 on, without what a player skips."""
    blocks = []
    with av.open(str(path)) as container:
        for frame in container.decode(container.streams.audio[0]):
            assert frame.pts is not None
            blocks.append((frame.pts, np.asarray(frame.to_ndarray(), np.float32)))
    whole = np.zeros((2, max(place + block.shape[1] for place, block in blocks)), np.float32)
    for place, block in blocks:
        if place >= 0:
            whole[:, place : place + block.shape[1]] = block
    return whole


def packets_of(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(container.streams.audio[0]) if packet.size]


def level(sound: Sound, begin_s: float, end_s: float) -> float:
    """The root of the mean square in dBFS."""
    piece = sound[:, round(begin_s * RATE) : round(end_s * RATE)]
    return 10 * float(np.log10(max(1e-12, float(np.mean(piece.astype(np.float64) ** 2)))))


def chirps(seconds: float, seed: int = 0) -> Sound:
    """Something like music: a few gliding tones, differently in both ears."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE), dtype=np.float32) / RATE
    sound = np.zeros((2, len(time)), np.float32)
    for _ in range(6):
        start, glide, phase = rng.uniform(80, 3000), rng.uniform(-300, 300), rng.uniform(0, 6, (2, 1))
        sound += 0.08 * np.sin(2 * np.pi * (start * time + glide * time * time) + phase)
    return sound


def noise(seconds: float, loud: float, seed: int = 0) -> Sound:
    rng = np.random.default_rng(seed)
    return (loud * rng.standard_normal((2, round(seconds * RATE)))).astype(np.float32)


def r128(sound: Sound, key: str = "I") -> list[float]:
    """What libavfilter's meter says after every 0.1 s. I: of all so far; M: of the last 0.4 s."""
    graph = Graph()
    source = graph.add_abuffer(sample_rate=RATE, format="fltp", layout="stereo", time_base=Fraction(1, RATE))
    graph.link_nodes(source, graph.add("ebur128", "metadata=1"), graph.add("abuffersink")).configure()
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound), format="fltp", layout="stereo")
    frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
    graph.push(frame)
    graph.push(None)
    said: list[float] = []
    while True:
        try:
            found = graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return said
        if (value := found.metadata.get(f"lavfi.r128.{key}")) is not None:
            said.append(float(value))
