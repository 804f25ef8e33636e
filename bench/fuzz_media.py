"""Mutated videos through the product's own calls: each is taken or refused with a sentence, and whoever calls is unharmed.

    python -m bench.fuzz_media [--mutations 10000] [--seed 1] [--processes 2] [--only 4711]

Small clips of every container are mutated (bits, bytes, cuts, splices, box sizes, header fields) and go through `probe`,
`last_frame` and, where a film would be made of them and for every fourth one besides, `stitch` with a good clip. Exits 1 where a
call raised anything but an error of the engine's tree, took too long, left a file, or harmed this process. `--only` replays one.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import resource
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import numpy as np
from PIL import Image

from engine import media
from engine.errors import EngineError, MediaError, MediaLimit
from engine.media.colour import to_bt709

LONGEST_S = 75.0
"""What a call on a file of a few kB may take, with its turn, before it counts as hung: the limit of a minute, and its end."""
_SIDE, _FRAMES = 64, 10
_TOLD_EVERY = 500  # mutations
_FIELDS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_BOXES = (
    *(
        b"moov",
        b"trak",
        b"mdia",
        b"minf",
        b"stbl",
        b"stsd",
        b"stts",
        b"stsz",
        b"stsc",
        b"stco",
        b"ctts",
        b"stss",
        b"elst",
    ),
    *(
        b"mvhd",
        b"tkhd",
        b"mdhd",
        b"hdlr",
        b"dref",
        b"avc1",
        b"avcC",
        b"esds",
        b"moof",
        b"traf",
        b"trun",
        b"tfhd",
        b"mdat",
    ),
    *(b"\x1a\x45\xdf\xa3", b"\x15\x49\xa9\x66", b"\x16\x54\xae\x6b", b"\x1f\x43\xb6\x75", b"\x1c\x53\xbb\x6b", b"\xa3"),
)


@dataclass(slots=True)
class Tally:
    """What became of the calls."""

    ends: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By call and end: accepted, refused, killed by a limit, crashed child."""
    slowest: tuple[float, str] = (0.0, "")
    violations: list[str] = field(default_factory=list)
    crashes: Counter[str] = field(default_factory=Counter)
    """By the last line of what a child said that broke off, with one to replay."""


class _Heard(logging.Handler):
    """What the runner logs of children that broke off."""

    def __init__(self) -> None:
        super().__init__()
        self.last: dict[str, str] = {}

    def emit(self, record: logging.LogRecord) -> None:
        if record.msg.startswith("media work broke off") and isinstance(record.args, tuple):
            work, code, detail = map(str, record.args)
            lines = [line.strip() for line in detail.strip().splitlines() if line.strip()]
            where = next((line for line in reversed(lines) if line.startswith("File")), "")
            self.last[work] = f"code {code}: {lines[-1] if lines else 'no word'} {where}"


def make_clips(directory: Path) -> dict[str, Path]:
    """The good clips by their kind; the first one is what others are joined with."""
    made = partial(_clip, directory)
    clips = (
        made("h264.mp4"),
        made("fragments.mp4", movflags="frag_keyframe+empty_moov"),
        made("fast.mp4", movflags="faststart", sound=""),
        made("h264.mkv"),
        made("h264.ts"),
        made("vp9.webm", codec="libvpx-vp9", sound="libopus"),
        made("clip.gif", codec="gif", sound=""),
        made("hevc.mp4", codec="libx265", sound=""),
    )
    return {clip.name: clip for clip in clips}


def _clip(directory: Path, name: str, *, codec: str = "libx264", sound: str = "aac", movflags: str = "") -> Path:
    path = directory / name
    rng = np.random.default_rng(5)
    ground = Image.fromarray(rng.integers(0, 255, (8, 24, 3), np.uint8)).resize((192, _SIDE), Image.Resampling.BICUBIC)
    options = {
        "libx264": {"preset": "veryfast", "crf": "28", "x264-params": "keyint=5:bframes=2"},
        "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
        "libx265": {"preset": "ultrafast", "x265-params": "log-level=none"},
    }
    with av.open(str(path), "w", options={"movflags": movflags} if movflags else {}) as film:
        video = film.add_stream(codec, rate=Fraction(10), options=options.get(codec, {}))
        assert isinstance(video, av.VideoStream)
        video.width = video.height = _SIDE
        video.pix_fmt = "rgb8" if codec == "gif" else "yuv420p"
        track = film.add_stream(sound, rate=48_000, layout="stereo") if sound else None
        for place in range(_FRAMES):
            rgb = np.ascontiguousarray(np.asarray(ground)[:, place * 12 : place * 12 + _SIDE])
            frame = (
                to_bt709(rgb) if codec != "gif" else av.VideoFrame.from_ndarray(rgb, "rgb24").reformat(format="rgb8")
            )
            frame.pts, frame.time_base = place, Fraction(1, 10)
            film.mux(video.encode(frame))
        film.mux(video.encode(None))
        if track is not None:
            assert isinstance(track, av.AudioStream)
            for begin in range(0, 48_000 * _FRAMES // 10, 960):
                piece = av.AudioFrame.from_ndarray(np.zeros((2, 960), np.float32), format="fltp", layout="stereo")
                piece.sample_rate, piece.pts, piece.time_base = 48_000, begin, Fraction(1, 48_000)
                film.mux(track.encode(piece))
            film.mux(track.encode(None))
    return path


def mutated(clips: Sequence[bytes], rng: random.Random) -> tuple[int, bytes]:
    """Which clip was taken, and what became of it."""
    number = rng.randrange(len(clips))
    data = bytearray(clips[number])
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        rng.choice(_MUTATIONS)(data, rng, clips)
    return number, bytes(data)


def _flip(data: bytearray, rng: random.Random, _: Sequence[bytes]) -> None:
    for _each in range(rng.choice((1, 2, 8, 64))):
        if data:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _overwrite(data: bytearray, rng: random.Random, _: Sequence[bytes]) -> None:
    if data:
        at = rng.randrange(len(data))
        run = rng.choice((1, 4, 16, 200))
        data[at : at + run] = rng.choice((bytes(run), b"\xff" * run, rng.randbytes(run)))


def _truncate(data: bytearray, rng: random.Random, _: Sequence[bytes]) -> None:
    del data[rng.randrange(len(data) + 1) :]


def _leave_out(data: bytearray, rng: random.Random, _: Sequence[bytes]) -> None:
    at = rng.randrange(len(data) + 1)
    del data[at : at + rng.choice((1, 4, 100, 1000))]


def _splice(data: bytearray, rng: random.Random, clips: Sequence[bytes]) -> None:
    other = rng.choice(clips)
    begin = rng.randrange(len(other))
    at = rng.randrange(len(data) + 1)
    piece = other[begin : begin + rng.choice((8, 200, 4000))]
    data[at : at + rng.choice((0, len(piece)))] = piece


def _field(data: bytearray, rng: random.Random, _: Sequence[bytes]) -> None:
    """A number in a header becomes an extreme one."""
    wide = rng.choice((1, 2, 4, 8))
    at = rng.randrange(max(1, min(len(data), rng.choice((64, 1500, len(data) + 1)))))
    data[at : at + wide] = (rng.choice(_FIELDS) & (1 << 8 * wide) - 1).to_bytes(wide, rng.choice(("big", "little")))


def _box(data: bytearray, rng: random.Random, _: Sequence[bytes]) -> None:
    """The size or a field of a box, or its name."""
    places = [at for name in _BOXES if (at := data.find(name)) >= 0]
    if not places:
        return
    at = rng.choice(places)
    where = rng.choice((-4, 0, *range(4, 40, 4)))
    value = rng.choice((*_FIELDS, 8, 16, rng.randrange(1 << 16)))
    data[max(0, at + where) : at + where + 4] = value.to_bytes(4, "big")


_Mutation = Callable[[bytearray, random.Random, Sequence[bytes]], None]
_MUTATIONS: Sequence[_Mutation] = (_flip, _flip, _overwrite, _truncate, _leave_out, _splice, _field, _box, _box, _box)


async def fuzz(directory: Path, numbers: Sequence[int], seed: int, processes: int) -> Tally:
    """Each of these mutations through the calls, `processes` at a time."""
    clips = await asyncio.to_thread(make_clips, directory)
    names, contents = list(clips), [path.read_bytes() for path in clips.values()]
    good = clips[names[0]]
    tally, heard, left = Tally(), _Heard(), iter(numbers)
    logging.getLogger("engine.media.runner").addHandler(heard)

    async def work(name: str) -> None:
        for number in left:
            which, data = mutated(contents, random.Random(f"{seed} {number}"))
            own = directory / name
            own.mkdir(exist_ok=True)
            path = own / f"clip{Path(names[which]).suffix}"
            path.write_bytes(data)
            told = f"--seed {seed} --only {number} ({names[which]}, {len(data)} bytes)"
            known = len(tally.violations)
            await _through(path, good, always=number % 4 == 0, told=told, tally=tally, heard=heard)
            if number % _TOLD_EVERY == _TOLD_EVERY - 1:
                print(f"{number + 1} of {len(numbers)}, {len(tally.violations)} violations", flush=True)
            if stays := sorted(each.name for each in own.iterdir()):
                tally.violations.append(f"left {stays}: {told}")
                shutil.rmtree(own)
            for violation in tally.violations[known:]:
                print(f"VIOLATION {violation}", flush=True)

    try:
        async with asyncio.TaskGroup() as group:
            for place in range(processes):
                group.create_task(work(f"worker{place}"), name=f"fuzz {place}")
    finally:
        logging.getLogger("engine.media.runner").removeHandler(heard)
    if (await media.probe(good)).frames != _FRAMES:
        tally.violations.append("a good clip is not read any more")
    return tally


async def _through(path: Path, good: Path, *, always: bool, told: str, tally: Tally, heard: _Heard) -> None:
    out = path.with_name("out.png")
    film = path.with_name("film.mp4")
    is_taken = await _call("probe", media.probe(path), told, tally, heard)
    await _call("last_frame", media.last_frame(path, out), told, tally, heard)
    if is_taken or always:
        await _call("stitch", media.stitch(media.Script(clips=(good, path)), film), told, tally, heard)
    for each in (path, out, film):
        each.unlink(missing_ok=True)


async def _call(work: str, doing: Awaitable[object], told: str, tally: Tally, heard: _Heard) -> bool:
    began = time.monotonic()
    end = "accepted"
    try:
        await doing
    except MediaLimit:
        end = "killed by a limit"
    except MediaError as error:
        end = "refused"
        if "broke off" in str(error):
            end = "crashed child"
            tally.crashes[f"{work} {heard.last.get(work, '')}"] += 1
            if tally.crashes[f"{work} {heard.last.get(work, '')}"] == 1:
                print(f"crashed child: {work} {heard.last.get(work, '')}\n  {told}", flush=True)
    except EngineError as error:
        end = f"refused as {type(error).__name__}"
    except Exception as error:  # noqa: BLE001  # this is what is looked for
        end = "raised"
        tally.violations.append(f"{work} raised {type(error).__name__}: {error}: {told}")
    took = time.monotonic() - began
    tally.ends[work, end] += 1
    tally.slowest = max(tally.slowest, (took, f"{work} {told}"))
    if took > LONGEST_S:
        tally.violations.append(f"{work} took {took:.0f} s: {told}")
    return end == "accepted"


def _harm(before: Mapping[str, int]) -> list[str]:
    """What this process has now that it had not before."""
    after = _state()
    allowed = {"files": 8, "MB": 200}
    return [
        f"{before[name]} {name} became {after[name]}" for name in allowed if after[name] > before[name] + allowed[name]
    ]


def _state() -> dict[str, int]:
    files = Path("/proc/self/fd")
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> (10 if sys.platform != "darwin" else 20)
    return {"files": len(list(files.iterdir())) if files.exists() else 0, "MB": megabytes}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutations", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", type=int)
    wanted = parser.parse_args()
    logging.getLogger("engine.media.runner").propagate = False
    numbers = range(wanted.mutations) if wanted.only is None else [wanted.only]
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        before = _state()
        tally = asyncio.run(fuzz(Path(directory), numbers, wanted.seed, wanted.processes))
        tally.violations += _harm(before)
    took = time.monotonic() - began
    print(f"{len(numbers)} mutations in {took:.0f} s, {len(numbers) / took:.1f} a second")
    for (work, end), count in sorted(tally.ends.items()):
        print(f"  {work:<12}{end:<24}{count:>7}")
    print(f"  slowest: {tally.slowest[0]:.2f} s, {tally.slowest[1]}")
    for crash, count in tally.crashes.most_common():
        print(f"  {count} x {crash}")
    for violation in tally.violations:
        print(f"VIOLATION {violation}")
    return 1 if tally.violations else 0


if __name__ == "__main__":
    sys.exit(main())
