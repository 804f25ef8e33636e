"""Is a job ever lost, a render paid twice, a cent wrong? `python -m tests.chaos --jobs 1000 --kills 200 --seed 1`.

A real `nextshot run` in front of fake services and a fake chat, which live on while it is killed with SIGKILL: at crash points, at
random moments, one time in four with its children; frozen and woken, cut off from a service or from the chat; renders are slow and
lie, updates come twice, the clock on the wall is set on and back, and people agree, cancel and send again. In the end it may
finish, and all is compared. Exit code 1: something is wrong; the lines say what. The seed chooses commands and faults, not the
timing.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import random
import shutil
import signal
import statistics
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

from tests.chaos.clock import HOW
from tests.chaos.found import Found, look
from tests.chaos.house import House, opened
from tests.chaos.pair import Pair
from tests.chaos.rough import Rough
from tests.databases import fresh_postgres

SERVICES = ("openai", "xai", "comfyui")
"""A service that lists what is found, one that lists nothing, and one whose ids are ours. That fal does not list a request proves
nothing, so that each one that was lost would be looked for during a quarter of an hour.
"""


def tell(line: str) -> None:
    """A line, at once."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stdout.flush()


async def measure(home: Path, *, jobs: int, kills: int, seed: int, minutes: float, database: str | None = None) -> bool:
    """Whether all was well. `database`: what two processes share; None: there is one."""
    until_s = time.monotonic() + 60 * minutes
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with opened(home, SERVICES, database=database) as house:
        if not house.clock.is_there:
            tell(HOW)
        rough = Rough(house, seed, people=40) if database is None else Pair(house, seed, people=40, freezes_from=10)
        await rough.run(jobs=jobs, kills=kills, until_s=until_s, tell=tell)
        found = look(house, rough.said)
        say(house, rough, found)
    return not found.wrong


def say(house: House, rough: Rough, found: Found) -> None:
    """The figures."""
    faults = {name: dict(service.faults) for name, service in house.services.items()}
    log = house.log
    tell(f"seed {rough.seed}: {found.states.total()} jobs, {house.kills} kills, {len(house.starts_s)} starts")
    tell(f"died at {dict(sorted(rough.deaths.items()))}")
    tell(f"jobs {dict(found.states)}; {len(rough.said)} commands, {found.refused} of them made no job")
    tell(
        f"services took {found.accepted} paid requests, {found.agains} of them sent again by somebody; faults {faults}"
    )
    tell(f"charged ${found.charged_usd}, unknown ${found.unknown_usd}")
    median_s, slowest_s = statistics.median(house.starts_s), max(house.starts_s)
    tell(f"the clock on the wall was set {house.clock.leaps} times, in the end {house.clock.ahead} ahead")
    tell(f"starts: median {median_s:.1f} s, slowest {slowest_s:.1f} s; {house.cpu_s:.0f} s of processor time")
    outcomes = house.rows("SELECT outcome, count(*) FROM attempt GROUP BY 1 ORDER BY 1")
    tell(f"at rest after {rough.rests_s:.1f} s; requests {dict(outcomes)}")
    dropped = {word: log.count(f"{word} dropped job") for word in ("step", "message")}
    tell(f"held back by a fence: {dropped}")
    tell(
        f"lost {len(found.lost)}, doubled {len(found.doubled)}, wrong cents {len(found.cents)}, left {len(found.left)}; "
        f"clips shown twice, marked: {found.marked}"
    )
    for wrong in found.wrong:
        tell(f"  {wrong}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--minutes", type=float, default=40, help="after which no further life begins")
    parser.add_argument(
        "--processes", type=int, choices=(1, 2), default=1, help="2: at once, on one PostgreSQL database"
    )
    parser.add_argument(
        "--database", default=os.environ.get("NEXTSHOT_TEST_POSTGRES", ""), help="the server for two, postgresql://…"
    )
    parser.add_argument("--keep", type=Path, help="where database, files and log stay")
    asked = parser.parse_args()
    if asked.processes == 2 and not asked.database:
        tell(
            "not run: two processes share a PostgreSQL database, and neither --database nor NEXTSHOT_TEST_POSTGRES names one"
        )
        return 0
    home = Path(tempfile.mkdtemp(prefix="nextshot-chaos-"))
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # whoever is killed leaves its requests behind
    tell(f"seed {asked.seed}")
    try:
        with fresh_postgres(asked.database) if asked.processes == 2 else nullcontext() as database:
            is_well = asyncio.run(
                measure(
                    home,
                    jobs=asked.jobs,
                    kills=asked.kills,
                    seed=asked.seed,
                    minutes=asked.minutes,
                    database=database,
                )
            )
    finally:
        if asked.keep is not None:
            shutil.copytree(home, asked.keep, dirs_exist_ok=True)
        shutil.rmtree(home, ignore_errors=True)
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
