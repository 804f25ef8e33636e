"""What a piece of media work costs: time, processor time and memory, in processes of its own or as the engine calls it."""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine import media

_WATCH = """
import json, resource, subprocess, sys, time
begun = time.perf_counter()
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
wall_s = time.perf_counter() - begun
if done.returncode:
    sys.exit(done.stderr[-2000:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([wall_s, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, done.stdout]))
"""
_BURIED_S = 0.3
"""The engine does not wait for the end of a child that has done its work. What that used is told at its end."""
_OURS = f"""
import asyncio, json, sys, time
from pathlib import Path
from engine import media
what, *words = sys.argv[1:]
if what == "last":
    asyncio.run(media.last_frame(*map(Path, words)))
elif what == "stitch":
    asyncio.run(media.stitch(media.Script.from_json(json.loads(words[0])), Path(words[1])))
else:
    fitted = asyncio.run(media.fit(Path(words[0]), Path(words[1]), int(words[2])))
    print(fitted.sentence, fitted.encodes, sep="|", end="")
time.sleep({_BURIED_S})
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one piece of work."""

    wall_s: float
    """The median."""
    cpu_s: float
    peak_mb: float
    """Of the largest of its processes."""
    said: str = ""

    def __str__(self) -> str:
        wall = f"{self.wall_s * 1000:.0f} ms" if self.wall_s < 10 else f"{self.wall_s:.1f} s"
        return f"{wall} {self.cpu_s:.1f} CPU-s {self.peak_mb:.0f} MB"


def watched(words: Sequence[str], runs: int = 1) -> Cost:
    """A command, from its start to its end. The processor time and the memory of all that it starts and waits for are its own."""
    found: list[list[Any]] = []
    for _ in range(runs):
        done = subprocess.run([sys.executable, "-c", _WATCH, *words], check=False, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr)
        found.append(json.loads(done.stdout))
    walls, cpus, peaks, said = zip(*found, strict=True)
    return Cost(
        wall_s=statistics.median(walls), cpu_s=statistics.median(cpus), peak_mb=statistics.median(peaks), said=said[-1]
    )


def alone(our_words: Sequence[str], runs: int = 1) -> Cost:
    """Our call in a process that does nothing else, with its start."""
    cost = watched(our_words, runs)
    return replace(cost, wall_s=cost.wall_s - _BURIED_S)


def beside(
    runs: int, ours: Callable[[], Coroutine[Any, Any, object]], our_words: Sequence[str], peer_words: Sequence[str]
) -> tuple[Cost, Cost]:
    """Our call as the engine makes it, and the peer's command, in turn; ours first.

    Its processor time and memory are those of a process that does nothing else, with its start.
    """
    asyncio.run(ours())  # what serves the engine's calls runs already
    walls, peers = [], []
    for _ in range(runs):
        walls.append(timed(ours))
        peers.append(watched(peer_words))
    return (
        replace(alone(our_words), wall_s=statistics.median(walls)),
        Cost(
            wall_s=statistics.median(one.wall_s for one in peers),
            cpu_s=statistics.median(one.cpu_s for one in peers),
            peak_mb=statistics.median(one.peak_mb for one in peers),
        ),
    )


def timed(call: Callable[[], Coroutine[Any, Any, object]]) -> float:
    begun = time.perf_counter()
    asyncio.run(call())
    return time.perf_counter() - begun


def our_last(clip: Path, png: Path) -> list[str]:
    return [sys.executable, "-c", _OURS, "last", str(clip), str(png)]


def our_stitch(script: media.Script, film: Path) -> list[str]:
    return [sys.executable, "-c", _OURS, "stitch", json.dumps(script.to_json()), str(film)]


def our_fit(source: Path, film: Path, limit_bytes: int) -> list[str]:
    return [sys.executable, "-c", _OURS, "fit", str(source), str(film), str(limit_bytes)]
