"""How soon is everybody heard? `python -m bench.discord_storm --count 600 --over 30 --seed 1`.

Eight people in five channels do 20 things a second (commands, presses, fields) with a real `nextshot run` that renders clips
meanwhile, in front of the loopback Discord with its rate limits. Then, in the same run and in front of the same kind of server,
a bare discord.py bot that only defers, with commands at the same rate: alone, and beside two busy processes as gentle as a render.
The server runs in this process and checks every request against the contracts, so its own time is in every figure; how late
its loop is (median, 99th percentile, most) is told too, and `NEXTSHOT_SPECS=/nowhere` leaves the checks out. Exit code 1: a
promise is broken; the lines say which.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.house import lateness, line, processes
from tests.discord.process import BotProcess, rows_of
from tests.discord.storm import Crowd, figures
from tests.fakes.discord import FakeDiscord

WAIT_S = 120.0
REST_S = 900.0
CHECKOUT = Path(__file__).parents[1]


async def ours(
    count: int, over_s: float, seed: int, *, rests: bool
) -> tuple[list[str], list[str], list[dict[str, Any]]]:
    """Figures, broken promises, and the commands as they were registered."""
    with tempfile.TemporaryDirectory(prefix="nextshot-discord-storm-") as folder:
        async with FakeDiscord() as discord, BotProcess(discord, Path(folder)) as bot:
            crowd = Crowd.of(discord, seed)
            await bot.start()
            await crowd.opens(WAIT_S)
            over = asyncio.Event()
            timer = asyncio.create_task(lateness(over), name="timer")
            await crowd.storms(count, over_s)
            await crowd.all_answered(WAIT_S)
            over.set()
            late_ms = await timer
            if rests:
                await bot.rests(REST_S)
            jobs = dict(rows_of(bot.data, "SELECT state, count(*) FROM job GROUP BY state"))
            await bot.terminate()
            wrongs = crowd.wrongs()
            if rests and crowd.clips() != jobs.get("delivered", 0):
                wrongs.append(f"{jobs.get('delivered', 0)} jobs were delivered, and {crowd.clips()} results are there")
            log = bot.log.read_text()
            wrongs += ["a trace in the log"] * log.count("Traceback")
            lines = [f"nextshot, acknowledged {figures(crowd.ack_s())}"]
            lines += [f"  {what}: {figures(crowd.ack_s([what]))}" for what in crowd.kinds()]
            lines.append(f"  {line('lateness of the server, ms', late_ms)}")
            lines.append(f"  jobs {jobs}, {crowd.clips()} results, {discord.buckets.refused} times 429")
            return lines, wrongs, discord.commands


async def bare(count: int, over_s: float, seed: int, commands: list[dict[str, Any]], *, busy: int) -> str:
    """The peer's figures, beside so many busy processes."""
    async with FakeDiscord() as discord:
        crowd = Crowd.of(discord, seed)
        discord.world.commands.update({int(command["id"]): command for command in commands})
        with ExitStack() as stack:
            stack.enter_context(processes("while True: pass", busy))
            peer = await asyncio.create_subprocess_exec(
                *[sys.executable, "-m", "bench.discord_storm_bare", discord.api_url, discord.token], cwd=CHECKOUT
            )
            try:
                await discord.wait_until(lambda: discord.connected, WAIT_S, "The peer")
                over = asyncio.Event()
                timer = asyncio.create_task(lateness(over), name="timer")
                await crowd.commands_only(count, over_s)
                for done in crowd.done:
                    await done.interaction.acked(WAIT_S)
                over.set()
                late_ms = await timer
            finally:
                peer.kill()
                await peer.wait()
        return f"{figures(crowd.ack_s())}\n  {line('lateness of the server, ms', late_ms)}"


async def measure(count: int, over_s: float, seed: int, *, rests: bool) -> int:
    lines, wrongs, commands = await ours(count, over_s, seed, rests=rests)
    print(*lines, sep="\n")
    for busy in (0, 2):
        print(
            f"bare discord.py that only defers, {busy} busy processes, {await bare(count, over_s, seed, commands, busy=busy)}"
        )
    print(f"broken promises: {len(wrongs)}", *wrongs, sep="\n  ")
    return 1 if wrongs else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=600)
    parser.add_argument("--over", type=float, default=30.0, help="seconds")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-rest", action="store_true", help="do not wait for the clips")
    asked = parser.parse_args()
    return asyncio.run(measure(asked.count, asked.over, asked.seed, rests=not asked.no_rest))


if __name__ == "__main__":
    sys.exit(main())
