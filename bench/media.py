"""Last frame beside `ffmpeg -vf reverse`, and a stitch of six 8-second 720p clips beside ffmpeg's concat copy.

    python -m bench.media [--runs 5]

Prints medians, ratios and peak memory. The peer is the ffmpeg on the PATH; where there is none, PyAV does the same: the filter
`reverse` over the whole clip, and all packets copied one clip after the other. Our calls are measured as they are used, from
another process's start to its end; PyAV as a peer runs in a fresh process too.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

from engine import media
from engine.media import house
from engine.media.colour import to_bt709

RATE = Fraction(24)
SECONDS = 8
WIDTH, HEIGHT = 1280, 720
FFMPEG = shutil.which("ffmpeg")

_REVERSE = """
import sys, av
from av.filter import Graph
with av.open(sys.argv[1]) as clip:
    stream = clip.streams.video[0]
    stream.thread_type = "AUTO"
    graph = Graph()
    source = graph.add_buffer(template=stream, time_base=stream.time_base)
    reverse, sink = graph.add("reverse"), graph.add("buffersink")
    source.link_to(reverse)
    reverse.link_to(sink)
    graph.configure()
    for frame in clip.decode(stream):
        graph.push(frame)
    graph.push(None)
    graph.pull().to_image().save(sys.argv[2], compress_level=3)
"""
_CONCAT = """
import sys, av
*clips, film = sys.argv[1:]
with av.open(film, "w", options={"movflags": "+faststart"}) as out:
    streams, start = {}, 0.0
    for name in clips:
        with av.open(name) as clip:
            for stream in clip.streams:
                if stream.type not in streams:
                    streams[stream.type] = out.add_stream_from_template(stream)
            for packet in clip.demux():
                if packet.size:
                    shift = round(start / packet.time_base)
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    packet.stream = streams[packet.stream.type]
                    out.mux(packet)
            start += clip.duration / av.time_base
"""

_OUR_LAST = """
import asyncio, sys
from pathlib import Path
from engine import media
asyncio.run(media.last_frame(*map(Path, sys.argv[1:])))
"""
_OUR_STITCH = """
import asyncio, sys
from pathlib import Path
from engine import media
*clips, film = map(Path, sys.argv[1:])
asyncio.run(media.stitch(clips, film))
"""
_PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, capture_output=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def make_clip(path: Path, start: int, *, one_group: bool = False) -> Path:
    """A pan over noise-textured hills with a tone, ending on the picture with which the next clip (`start` + 191) begins."""
    rng = np.random.default_rng(3)
    coarse = Image.fromarray(rng.integers(0, 255, (20, 90, 3), np.uint8)).resize(
        (5760, HEIGHT), Image.Resampling.BICUBIC
    )
    fine = Image.fromarray(rng.integers(0, 255, (360, 2880, 3), np.uint8)).resize(
        (5760, HEIGHT), Image.Resampling.BICUBIC
    )
    wide = np.asarray(Image.blend(coarse, fine, 0.15))
    frames = int(SECONDS * RATE)
    with av.open(str(path), "w") as film:
        video = house.add_video(film, WIDTH, HEIGHT, RATE)
        if one_group:
            video.options = {"preset": "veryfast", "crf": "18", "x264-params": "keyint=999:scenecut=0:bframes=3"}
        sound = house.add_audio(film)
        for place in range(frames):
            left = (start + place) * 3
            frame = to_bt709(np.ascontiguousarray(wide[:, left : left + WIDTH]))
            film.mux(video.encode(house.number(frame, place, RATE, is_last=place == frames - 1 and not one_group)))
        film.mux(video.encode(None))
        wave = 0.2 * np.sin(2 * np.pi * 330 * np.arange(SECONDS * house.SAMPLE_RATE) / house.SAMPLE_RATE)
        for begin in range(0, len(wave), 1024):
            block = np.ascontiguousarray(np.stack([wave[begin : begin + 1024]] * 2).astype(np.float32))
            piece = av.AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
            piece.sample_rate, piece.pts, piece.time_base = house.SAMPLE_RATE, begin, Fraction(1, house.SAMPLE_RATE)
            film.mux(sound.encode(piece))
        film.mux(sound.encode(None))
    return path


def measure(runs: int, work: Callable[[], object]) -> tuple[float, float]:
    """Median seconds on the wall, and seconds of processor time a run, children included."""
    walls = []
    before = _processor_s()
    for _ in range(runs):
        begun = time.perf_counter()
        work()
        walls.append(time.perf_counter() - begun)
    return statistics.median(walls), (_processor_s() - before) / runs


def _processor_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def run(words: Sequence[str]) -> None:
    subprocess.run(words, check=True, capture_output=True)


def peak_mb(words: Sequence[str]) -> float:
    """Peak memory of the largest process of a command, as a small process sees it that has no other children."""
    done = subprocess.run([sys.executable, "-c", _PEAK, *words], check=True, capture_output=True, text=True)
    return int(done.stdout) / 1024


def our_last(clip: Path, png: Path) -> list[str]:
    return [sys.executable, "-c", _OUR_LAST, str(clip), str(png)]


def our_stitch(clips: Sequence[Path], film: Path) -> list[str]:
    return [sys.executable, "-c", _OUR_STITCH, *map(str, clips), str(film)]


def peer_last(clip: Path, png: Path) -> list[str]:
    if FFMPEG:
        words = ("-v", "error", "-y", "-i", str(clip), "-an", "-vf", "reverse", "-frames:v", "1", str(png))
        return [FFMPEG, *words]
    return [sys.executable, "-c", _REVERSE, str(clip), str(png)]


def peer_concat(clips: Sequence[Path], film: Path) -> list[str]:
    if not FFMPEG:
        return [sys.executable, "-c", _CONCAT, *map(str, clips), str(film)]
    listing = film.with_suffix(".txt")
    listing.write_text("".join(f"file '{clip}'\n" for clip in clips), encoding="utf-8")
    options = ("-f", "concat", "-safe", "0", "-i", str(listing), "-c", "copy", "-movflags", "+faststart")
    return [FFMPEG, "-v", "error", "-y", *options, str(film)]


def compare(
    name: str, runs: int, call: Callable[[], object], our_words: Sequence[str], peer_words: Sequence[str]
) -> None:
    """One row: our call as the engine makes it, beside the peer's command."""
    ours_s, ours_cpu_s = measure(runs, call)
    peer_s, peer_cpu_s = measure(runs, lambda: run(peer_words))
    print(
        f"{name:32} ours {ours_s * 1000:6.0f} ms {ours_cpu_s:5.2f} CPU-s {peak_mb(our_words):5.0f} MB   "
        f"peer {peer_s * 1000:6.0f} ms {peer_cpu_s:5.2f} CPU-s {peak_mb(peer_words):5.0f} MB   "
        f"ours/peer {ours_s / peer_s:5.2f} time {peak_mb(our_words) / peak_mb(peer_words):5.2f} memory"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=5)
    runs: int = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        print(f"{os.cpu_count()} cores, median of {runs}; peer: {FFMPEG or 'PyAV doing the same'}")
        for name, one_group in (("last frame, last picture is key", False), ("last frame, one group of 192", True)):
            clip, png = make_clip(work / f"{one_group}.mp4", 0, one_group=one_group), work / "last.png"
            compare(
                name,
                runs,
                lambda clip=clip, png=png: asyncio.run(media.last_frame(clip, png)),  # type: ignore[misc]  # bound early
                our_last(clip, png),
                peer_last(clip, png),
            )
        clips = [make_clip(work / f"{number}.mp4", number * 191) for number in range(6)]
        film = work / "film.mp4"
        compare(
            "stitch of six",
            runs,
            lambda: asyncio.run(media.stitch(clips, film)),
            our_stitch(clips, film),
            peer_concat(clips, work / "peer.mp4"),
        )
        print(f"our film: {asyncio.run(media.probe(film))}")
        print(f"peer's:   {asyncio.run(media.probe(work / 'peer.mp4'))}")


if __name__ == "__main__":
    main()
