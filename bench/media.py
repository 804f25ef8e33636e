"""Last frames, films and files under a cap: ours beside the field's ways, in one run, with the goal of each.

    python -m bench.media [--runs 5] [--only stitch] [--quick]

Each row: the field's way, ours, their ratio, the goal, and whether it is met. Times are medians; the time of our calls is measured
as the engine makes them, that of a peer from the start of its process to its end; processor time and peak memory are always those
of a process that does nothing else. The peer is the ffmpeg on the PATH; where there is none, PyAV does the same. The clips are made
once and kept under the system's temporary directory. All of it takes about seven minutes on two cores, `--quick` two.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from bench.media_peers import FFMPEG
from bench.media_rows import ROWS, How, Row


def show(row: Row) -> None:
    print(
        f"{'ok     ' if row.is_met else 'not met'} {row.work}\n"
        f"        field  {row.field}\n"
        f"        ours   {row.ours}\n"
        f"        ratio  {row.ratio}   (goal: {row.limit})",
        *(f"\n        - {note}" for note in row.notes),
        sep="",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", choices=ROWS, action="append", help="this row; may be given several times")
    parser.add_argument("--quick", action="store_true", help="fewer runs, a shorter film under the cap")
    options = parser.parse_args()
    begun = time.perf_counter()
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load {load:.1f}; peer: {FFMPEG or 'PyAV doing the same'}", flush=True)
    met: list[bool] = []
    for name in options.only or ROWS:
        with tempfile.TemporaryDirectory() as directory:
            runs = min(2, options.runs) if options.quick else options.runs
            for row in ROWS[name](How(runs=runs, is_quick=options.quick, scratch=Path(directory))):
                show(row)
                met.append(row.is_met)
    print(f"{sum(met)} of {len(met)} goals met, in {time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
