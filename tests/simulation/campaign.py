"""Many seeds, counted; or one, told."""

from __future__ import annotations

import argparse
import gc
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from multiprocessing import Pool
from pathlib import Path

from tests.simulation.database import Shared
from tests.simulation.faults import VIOLENT
from tests.simulation.world import Drawn, Report, Simulation

_MEMORY = Path("/dev/shm")  # noqa: S108  # files that nobody has to wait for; a directory of its own is made in it


@dataclass(slots=True)
class Figures:
    """What came of some seeds."""

    seeds: int = 0
    jobs: int = 0
    renders: int = 0
    virtual_s: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    violations: list[tuple[int, str]] = field(default_factory=list)

    def add(self, report: Report) -> None:
        self.seeds += 1
        self.jobs += report.jobs
        self.renders += report.renders
        self.virtual_s += report.virtual_s
        self.counts.update(report.counts)
        self.notes.update(report.notes)
        self.violations.extend((report.seed, what) for what in report.violations)

    def merge(self, other: Figures) -> None:
        self.seeds += other.seeds
        self.jobs += other.jobs
        self.renders += other.renders
        self.virtual_s += other.virtual_s
        self.counts.update(other.counts)
        self.notes.update(other.notes)
        self.violations.extend(other.violations)


class Runner:
    """Runs seeds one after another."""

    def __init__(self) -> None:
        self._shared = Shared()
        self._root = Path(tempfile.mkdtemp(prefix="nextshot-", dir=_MEMORY if _MEMORY.is_dir() else None))

    def __enter__(self) -> Runner:
        gc.collect()
        gc.freeze()
        return self

    def __exit__(self, *_: object) -> None:
        gc.unfreeze()
        self._shared.close()
        shutil.rmtree(self._root, ignore_errors=True)

    def run(
        self, seed: int, *, is_traced: bool = False, redraw: Callable[[Drawn], Drawn] = lambda drawn: drawn
    ) -> Report:
        """One seed. `redraw`: another world than the seed drew."""
        return Simulation(seed, self._shared, self._root / str(seed), is_traced=is_traced, redraw=redraw).run()

    def all(self, seeds: Iterable[int], *, most_s: float = float("inf")) -> Iterator[Report]:
        """As many of them as there is time for."""
        ends_s = time.monotonic() + most_s
        for seed in seeds:
            yield self.run(seed)
            if time.monotonic() > ends_s:
                return


def _some(work: tuple[range, int | None]) -> Figures:
    seeds, jobs = work
    figures = Figures()
    redraw = _with_jobs(jobs)
    with Runner() as runner:
        for seed in seeds:
            figures.add(runner.run(seed, redraw=redraw))
    return figures


def _with_jobs(jobs: int | None) -> Callable[[Drawn], Drawn]:
    return (lambda drawn: drawn) if jobs is None else (lambda drawn: replace(drawn, jobs=jobs))


def main() -> int:
    """1: something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--jobs", type=int, help="how many a seed; else as it draws")
    parser.add_argument("--seed", type=int, help="only this one, told")
    parser.add_argument("--trace", action="store_true", help="every step of it")
    parser.add_argument("--processes", type=int, default=1, help="of this machine")
    said = parser.parse_args()
    started_s = time.monotonic()
    figures = Figures()
    if said.seed is not None:
        with Runner() as runner:
            report = runner.run(said.seed, is_traced=said.trace, redraw=_with_jobs(said.jobs))
        print(report.drawn)
        print("\n".join(report.trace))
        figures.add(report)
    else:
        last = said.first + said.seeds
        pieces = [(range(at, min(at + 50, last)), said.jobs) for at in range(said.first, last, 50)]
        if said.processes > 1:
            with Pool(said.processes) as pool:
                for one in pool.imap_unordered(_some, pieces):
                    _tell_progress(figures, one)
        else:
            for piece in pieces:
                _tell_progress(figures, _some(piece))
    print(told(figures, time.monotonic() - started_s))
    return 1 if figures.violations else 0


def _tell_progress(figures: Figures, more: Figures) -> None:
    figures.merge(more)
    for seed, what in more.violations:
        print(f"seed {seed}: {what}", file=sys.stderr, flush=True)


def told(figures: Figures, wall_s: float) -> str:
    """For a person."""
    lost = sum(figures.counts[each] for each in ("request lost", "answer lost", "message lost", "message unheard"))
    taken = sum(figures.counts[each] for each in VIOLENT)
    jobs = max(figures.jobs, 1)
    lines = [
        (
            f"{figures.seeds:,} seeds, {figures.jobs:,} jobs, {figures.renders:,} paid renders, "
            f"{figures.counts['crash']:,} crashes, {figures.counts['freeze']:,} freezes, {lost:,} lost answers, "
            f"{figures.virtual_s / 3600:,.1f} simulated hours in {wall_s:,.1f} s ({figures.jobs / wall_s:.1f} jobs/s)"
        ),
        f"per job: {taken / jobs:.2f} times killed or frozen, {lost / jobs:.2f} answers lost",
        "faults: " + ", ".join(f"{name} {count:,}" for name, count in sorted(figures.counts.items())),
        "notes: " + (", ".join(f"{what} {count:,}" for what, count in sorted(figures.notes.items())) or "none"),
        f"violations: {len(figures.violations)}",
    ]
    lines += [f"  seed {seed}: {what}" for seed, what in figures.violations[:40]]
    return "\n".join(lines)
