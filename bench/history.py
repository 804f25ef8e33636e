"""A page of history at 1,000 and at 1,000,000 clips, beside a look-up by primary key: `python -m bench.history`.

Pages are read through the store as a front end reads them, so each figure holds the trip to SQLite's thread and back, which the
primary key look-up pays too. The heaviest person has 40 % of all clips.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from storage import SqlStore, opened_store

PLACES = 40
PEOPLE = 200
ROUNDS = 400
PAGE = 20
HOME = "place:0"
HEAVY = "person:0"


def utc_now() -> datetime:
    return datetime.now(UTC)


def fill(path: Path, clips: int) -> float:
    """That many clips, each with its shot and take, in one transaction; seconds."""
    began = time.perf_counter()
    pick = random.Random(7)
    connection = sqlite3.connect(path)
    connection.executemany("INSERT INTO person (key, name, created_at) VALUES (?, ?, 0)", pairs("person", PEOPLE))
    connection.executemany(
        "INSERT INTO place (key, created_at) VALUES (?, 0)", [(key,) for key, _ in pairs("place", PLACES)]
    )
    connection.executemany(
        "INSERT INTO story (code, place_id, person_id, title, shot_count, created_at) VALUES (?, ?, 1, '', 0, 0)",
        [(f"a{number + 1}", number + 1) for number in range(PLACES)],
    )
    owners = [
        (1 + min(int(pick.expovariate(0.25)), PLACES - 1), 1 if pick.random() < 0.4 else pick.randint(2, PEOPLE))
        for _ in range(clips)
    ]
    connection.executemany(
        "INSERT INTO shot (story_id, number, person_id, prompt, seconds, ratio, resolution, style, provider, model, created_at)"
        " VALUES (?, ?, ?, 'a lighthouse keeper lights the lamp', 8, '16:9', '720p', 'default', 'animatic', 'animatic-1', 0)",
        ((place, number + 1, person) for number, (place, person) in enumerate(owners)),
    )
    connection.executemany(
        "INSERT INTO take (shot_id, number, seed, created_at) VALUES (?, 1, 7, 0)", ((n + 1,) for n in range(clips))
    )
    connection.executemany(
        "INSERT INTO clip (take_id, shot_id, place_id, person_id, file, bytes, seconds, width, height, fps, created_at)"
        " VALUES (?, ?, ?, ?, ?, 4000000, 8, 1280, 720, 24, 0)",
        ((n + 1, n + 1, place, person, f"{n:064x}.mp4") for n, (place, person) in enumerate(owners)),
    )
    connection.commit()
    connection.close()
    return time.perf_counter() - began


def pairs(word: str, count: int) -> Iterator[tuple[str, str]]:
    return ((f"{word}:{number}", f"{word} {number}") for number in range(count))


async def measure(call: Callable[[], Awaitable[Any]]) -> tuple[float, float]:
    """Median and 99th percentile, in milliseconds."""
    for _ in range(20):
        await call()
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await call()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times), statistics.quantiles(times, n=100)[98]


async def table_of(store: SqlStore, clips: int) -> dict[str, tuple[float, float]]:
    pick = random.Random(9)

    def history(place: str | None, person: str | None, *, deep: bool = False) -> Callable[[], Awaitable[Any]]:
        async def page() -> None:
            before = pick.randint(clips // 10, clips // 2) if deep else None
            await store.read(lambda tx: tx.history(place=place, person=person, before=before, limit=PAGE))

        return page

    async def one() -> None:
        await store.read(lambda tx: tx.take(pick.randint(1, clips)))

    return {
        "limit: one row by primary key": await measure(one),
        "a place, first page": await measure(history(HOME, None)),
        "a place, deep page": await measure(history(HOME, None, deep=True)),
        "heaviest person, first page": await measure(history(None, HEAVY)),
        "heaviest person, deep page": await measure(history(None, HEAVY, deep=True)),
        "both, first page": await measure(history(HOME, HEAVY)),
        "both, deep page": await measure(history(HOME, HEAVY, deep=True)),
    }


async def run(sizes: list[int]) -> None:
    found = {}
    for clips in sizes:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "nextshot.db"
            url = f"sqlite:///{path}"
            async with opened_store(url, utc_now):
                pass
            filled_s = fill(path, clips)
            async with opened_store(url, utc_now) as store:
                found[clips] = await table_of(store, clips)
            print(f"{clips:>9,} clips: filled in {filled_s:.1f} s, {path.stat().st_size / 1e6:.0f} MB")
    print(f"\npages of {PAGE}, median / p99 in ms over {ROUNDS} reads")
    print(f"{'':32}" + "".join(f"{clips:>20,}" for clips in sizes) + f"{'ratio of medians':>20}")
    for name in found[sizes[0]]:
        cells = [found[clips][name] for clips in sizes]
        shown = "".join(f"{f'{median:.2f} / {p99:.2f}':>20}" for median, p99 in cells)
        print(f"{name:32}{shown}{cells[-1][0] / cells[0][0]:>20.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, nargs="+", default=[1_000, 1_000_000])
    asyncio.run(run(parser.parse_args().clips))
