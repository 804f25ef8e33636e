"""Speed of the animatic renderer: whole child processes for 8 s of 720p, beside x264 alone encoding the same frames.

    python -m bench.animatic [--runs 3] [--seconds 8] [--resolution 720p]

CPU is user + system time of one process on one core, process start, painting, sound and encoding included. The goal is
1.0x of real time or better. The limit in the same run: decode nothing, draw nothing, only encode the finished frames again.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import av

from engine.providers.animatic import spec as files
from engine.providers.animatic.encode import VIDEO_OPTIONS
from engine.providers.animatic.spec import FPS, RenderSpec, frame_size

PROMPTS = (
    "a lighthouse keeper lights the lamp",
    "a boat answers from the fog",
    "the keeper opens the door",
    "a pirate ship sails across a stormy ocean in the rain",
    "a traveler walks toward a castle in the mountains at sunset",
    "a fox trots through a misty pine forest at dawn",
    "neon tokyo street at night in the rain, a woman crosses",
    "a whale glides over a coral reef underwater",
)


def run_child(prompt: str, seconds: float, resolution: str) -> tuple[float, float, Path]:
    """CPU and wall seconds of one render, and its file."""
    folder = Path(tempfile.mkdtemp(prefix="animatic-"))
    width, height = frame_size("16:9", resolution)
    spec = RenderSpec(prompt=prompt, seed=1, style="painting", width=width, height=height, frames=round(seconds * FPS))
    (folder / files.SPEC).write_text(spec.to_json(), encoding="ascii")
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    before, began = os.times(), time.perf_counter()
    command = [sys.executable, "-m", "engine.providers.animatic.child", str(folder)]
    subprocess.run(command, check=True, env=environment)
    after = os.times()
    cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
    return cpu_s, time.perf_counter() - began, folder / files.OUT


def encode_only(path: Path) -> float:
    """CPU seconds of x264 with the same options for the same frames, held decoded in memory."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    began = time.process_time()
    with av.open(str(path.with_name("again.mp4")), "w") as out:
        stream = out.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = frames[0].width, frames[0].height, "yuv420p"
        stream.options = VIDEO_OPTIONS
        for number, frame in enumerate(frames):
            frame.pts, frame.time_base, frame.pict_type = number, Fraction(1, FPS), av.video.frame.PictureType.NONE
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--resolution", default="720p", choices=files.RESOLUTIONS)
    chosen = parser.parse_args()
    print(f"{chosen.seconds:g} s of {chosen.resolution}, {FPS} fps, median of {chosen.runs} runs, one core each")
    print(f"{'prompt':58} {'CPU s':>6} {'wall s':>6} {'x real':>6} {'x264':>6} {'ratio':>6} {'KB':>6}")
    all_cpu = []
    for prompt in PROMPTS:
        runs = [run_child(prompt, chosen.seconds, chosen.resolution) for _ in range(chosen.runs)]
        cpu_s = statistics.median(run[0] for run in runs)
        wall_s = statistics.median(run[1] for run in runs)
        limit_s = encode_only(runs[0][2])
        size = runs[0][2].stat().st_size // 1024
        all_cpu.append(cpu_s)
        print(
            f"{prompt:58} {cpu_s:6.2f} {wall_s:6.2f} {chosen.seconds / cpu_s:6.2f} {limit_s:6.2f} {cpu_s / limit_s:6.2f} {size:6d}"
        )
    median = statistics.median(all_cpu)
    print(f"median {median:.2f} CPU s ({chosen.seconds / median:.2f}x real time), worst {max(all_cpu):.2f} CPU s")


if __name__ == "__main__":
    main()
