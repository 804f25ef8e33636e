"""A minute of 720p brought under 10 MB and 50 MB, beside one plain x264 pass at the same bit rate.

    python -m bench.fit [--seconds 60]

The film is larger than both caps: detailed pictures that pan, with calm and wild scenes in turn. The peer is PyAV with x264's same
preset in one pass without any bound on the rate, at the bit rate that fills the cap in theory; it checks nothing and knows no
chapters. Both run in a fresh process, one after the other. Quality is the PSNR of the luma at the film's own size.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from PIL import Image

from bench.media import measure, run
from engine import media
from engine.media import house
from engine.media.colour import to_bt709

RATE = Fraction(24)
WIDTH, HEIGHT = 1280, 720
SCENE_S = 6
CAPS = (10_000_000, 50_000_000)
_AUDIO_BITS_PER_S = 160_000

_OURS = """
import asyncio, sys
from pathlib import Path
from engine import media
source, target, limit = sys.argv[1:]
fitted = asyncio.run(media.fit(Path(source), Path(target), int(limit)))
Path(target).with_suffix(".txt").write_text(str(fitted.encodes))
"""
_PEER = """
import sys, av
source, target, limit, audio = sys.argv[1:]
with av.open(source) as film, av.open(target, "w", options={"movflags": "+faststart"}) as out:
    pictures, sound = film.streams.video[0], film.streams.audio[0]
    pictures.thread_type = "AUTO"
    seconds = film.duration / av.time_base
    video = out.add_stream("libx264", rate=pictures.average_rate, options={"preset": "fast", "profile": "high"})
    video.width, video.height, video.pix_fmt = pictures.width, pictures.height, "yuv420p"
    video.bit_rate = int(int(limit) * 8 / seconds) - int(audio)
    track = out.add_stream("aac", rate=48000, layout="stereo", options={"aac_coder": "fast"})
    track.bit_rate = int(audio)
    for frame in film.decode(pictures, sound):
        if isinstance(frame, av.VideoFrame):
            frame.pict_type = 0
            out.mux(video.encode(frame))
        else:
            out.mux(track.encode(frame))
    out.mux(video.encode(None))
    out.mux(track.encode(None))
"""


def make_film(path: Path, seconds: int) -> Path:
    """A film near its source's quality; every third scene moves three times as fast, every third is nearly still."""
    rng = np.random.default_rng(5)
    size = (WIDTH + 2200, HEIGHT)
    layers = [
        Image.fromarray(rng.integers(0, 255, shape, np.uint8)).resize(size, Image.Resampling.BICUBIC)
        for shape in ((14, 60, 3), (120, 600, 3), (360, 1740, 3))
    ]
    wide = np.asarray(Image.blend(Image.blend(layers[0], layers[1], 0.2), layers[2], 0.2))
    with av.open(str(path), "w") as film:
        video = house.add_video(film, WIDTH, HEIGHT, RATE)
        video.codec_context.options = {"preset": "ultrafast", "crf": "8", "x264-params": "keyint=96"}
        sound = house.add_audio(film)
        for place in range(int(seconds * RATE)):
            number, moment = divmod(place, int(SCENE_S * RATE))
            left = moment * (3, 14, 1)[number % 3]
            picture = wide[:, left : left + WIDTH]
            frame = to_bt709(np.ascontiguousarray(np.roll(picture[:: -1 if number % 2 else 1], number, axis=2)))
            film.mux(video.encode(house.number(frame, place, RATE, is_last=False)))
        film.mux(video.encode(None))
        wave = 0.2 * np.sin(2 * np.pi * 330 * np.arange(seconds * house.SAMPLE_RATE) / house.SAMPLE_RATE)
        for begin in range(0, len(wave), 1024):
            block = np.ascontiguousarray(np.stack([wave[begin : begin + 1024]] * 2).astype(np.float32))
            piece = av.AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
            piece.sample_rate, piece.pts, piece.time_base = house.SAMPLE_RATE, begin, Fraction(1, house.SAMPLE_RATE)
            film.mux(sound.encode(piece))
        film.mux(sound.encode(None))
    return path


def quality(film: Path, made: Path) -> tuple[float, float]:
    """Mean and the worst hundredth of the PSNR of every fourth picture, in dB."""
    found = [
        10 * np.log10(255**2 / max(0.01, float(np.mean((one - other) ** 2))))
        for one, other in zip(_lumas(film), _lumas(made), strict=True)
    ]
    return float(np.mean(found)), float(np.percentile(found, 1))


def _lumas(path: Path) -> Iterator[npt.NDArray[np.float32]]:
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "AUTO"
        for place, frame in enumerate(container.decode(video=0)):
            if place % 4 == 0:
                whole = frame.reformat(WIDTH, HEIGHT, "yuv420p", interpolation="BICUBIC")
                yield whole.to_ndarray()[:HEIGHT].astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=int, default=60)
    seconds: int = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        film = make_film(work / "film.mp4", seconds)
        found = asyncio.run(media.probe(film, decode=False))
        print(
            f"{os.cpu_count()} cores, {found.seconds:.0f} s of {found.width}x{found.height}, {found.bytes / 1e6:.1f} MB"
        )
        for cap in CAPS:
            ours, peer = work / "ours.mp4", work / "peer.mp4"
            scripts = {
                "ours": (ours, [sys.executable, "-c", _OURS, str(film), str(ours), str(cap)]),
                "peer": (peer, [sys.executable, "-c", _PEER, str(film), str(peer), str(cap), str(_AUDIO_BITS_PER_S)]),
            }
            for name, (made, words) in scripts.items():
                wall_s, cpu_s = measure(1, lambda words=words: run(words))  # type: ignore[misc]  # bound early
                size, shown = made.stat().st_size, asyncio.run(media.probe(made, decode=False))
                mean_db, worst_db = quality(film, made)
                encodes = ours.with_suffix(".txt").read_text() if name == "ours" else "1"
                print(
                    f"{cap / 1e6:3.0f} MB {name} {wall_s:6.1f} s {cpu_s:6.1f} CPU-s  {size / cap:7.2%} of the cap"
                    f"{'' if size <= cap else ' OVER'}  {shown.height} lines  {encodes} encode(s)"
                    f"  PSNR {mean_db:.1f} dB, worst hundredth {worst_db:.1f}"
                )


if __name__ == "__main__":
    main()
