"""A lively group: `python -m bench.telegram_group`. 20 people type 60 commands in a minute while 10 clips render.

The real house with the default pace, in front of the loopback Bot API server with flood control at the real pace, in real time:
five to six minutes. The provider is scripted (real tiny clips, 18 s each), so that the machine is not what is measured; the
server runs in the same process. Beside it, against a server of its own, a bot that sends and edits at once and tries again after
`retry_after`, with the same commands. Exit code 1: a promise is broken; the lines say which.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sqlite3
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from bench.house import lateness, line, resident_mb
from bench.telegram_group_naive import Naive
from bench.telegram_group_script import Group, Kind, now_s, script
from bot.telegram.budget import Pace as SendPace
from engine.abilities import Pace
from tests.fakes.provider import ScriptedProvider, write_clip
from tests.fakes.telegram import FakeTelegram, Message
from tests.telegram.house import opened_bot

CHECKS, CHECK_EVERY_S = 6, 3.0
RENDER_S = CHECKS * CHECK_EVERY_S
SENDS_MOST = 20
REST_S = 600.0
RESULTS = ("sendVideo", "sendMediaGroup")
EDITS = ("editMessageText", "editMessageCaption", "editMessageMedia")
_OPEN = """SELECT (SELECT count(*) FROM job WHERE finished_at IS NULL) + (SELECT count(*) FROM outbox WHERE due_at IS NOT NULL)
+ (SELECT count(*) FROM inbox WHERE done_at IS NULL)"""


@dataclass
class Found:
    """What the house did, and which promises it broke."""

    lines: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def promise(self, kept: bool, otherwise: str) -> None:
        if not kept:
            self.broken.append(otherwise)


def rows(data: Path, query: str) -> list[tuple[Any, ...]]:
    """Read the database as a stranger."""
    with sqlite3.connect(f"file:{data / 'nextshot.db'}?mode=ro", uri=True, timeout=30) as connection:
        return connection.execute(query).fetchall()


def spread(seconds: list[float]) -> str:
    """`median 1.0 s, worst 2.0 s`"""
    return f"median {median(seconds):.1f} s, worst {max(seconds):.1f} s" if seconds else "none"


def judge(telegram: FakeTelegram, group: Group, data: Path, began_s: float) -> Found:
    """Rows, messages and calls, compared."""
    found = Found()
    typed = group.answered_at_s()
    ((handled,),) = rows(data, "SELECT count(*) FROM inbox WHERE platform LIKE 'telegram:%' AND done_at IS NOT NULL")
    answered = [(each, at_s) for each, at_s in typed if at_s is not None]
    waits_s = [at_s - each.at_s for each, at_s in answered if each.step.kind in {Kind.ANSWER, Kind.QUESTION}]
    status_s = [at_s - each.at_s for each, at_s in answered if each.step.kind is Kind.JOB]
    found.lines += [
        f"commands: {len(typed)} typed, {handled} handled, {len(answered)} answered",
        f"answers after: {spread(waits_s)}; the last {max(at_s for _, at_s in answered) - began_s:.0f} s after the first command",
        f"status messages after: {spread(status_s)}",
    ]
    found.promise(handled == len(typed), f"{len(typed) - handled} commands were not handled")
    lost = [each.step.text or each.step.label for each, at_s in typed if at_s is None]
    found.promise(not lost, f"no answer to {lost}")

    jobs = rows(data, "SELECT state, asked_receipt FROM job")
    asked = [int(str(receipt).rpartition("/")[2]) for _, receipt in jobs]
    shown = [
        sum(message.reply_to == number and message.video is not None for message in telegram.bot_messages(group.chat))
        for number in asked
    ]
    delivered = sum(state == "delivered" for state, _ in jobs)
    late = """SELECT d.at - r.at FROM event r JOIN event d ON d.job_id = r.job_id AND d.to_state = 'delivered'
    WHERE r.to_state = 'ready'"""
    results_s = [milliseconds / 1000 for (milliseconds,) in rows(data, late)]
    found.lines += [
        f"clips: {len(jobs)} jobs, {delivered} delivered, {sum(n > 1 for n in shown)} doubled, {shown.count(0)} lost",
        f"from ready to delivered: {spread(results_s)}",
    ]
    makers = sum(each.step.kind is Kind.JOB for each, _ in typed)
    found.promise(len(jobs) == makers, f"{makers} commands made {len(jobs)} jobs")
    found.promise(shown == [1] * len(jobs), f"videos by job: {shown}")
    found.promise(delivered == len(jobs), f"{len(jobs) - delivered} jobs are not delivered")

    on_results = sum(call.code == 429 for call in telegram.calls_of(*RESULTS))
    most = telegram.most_sends(group.chat)
    status = status_messages(telegram, group)
    last_words = sum("done in" in message.text for message in status)
    edits = sum(call.code == 200 for call in telegram.calls_of(*EDITS))
    found.lines += [
        f"429s: {telegram.flood.refused} in all, {on_results} on results; most sends in any 60 s: {most}",
        f"edits: {edits - last_words} of progress, {last_words} last words of {len(status)} status messages",
        f"sends and edits in all: {len(telegram.accepted)}",
    ]
    found.promise(on_results == 0, f"{on_results} times 429 on a result")
    found.promise(most <= SENDS_MOST, f"{most} sends in a minute")
    found.promise(last_words == len(status), f"{len(status) - last_words} status messages never got their last words")
    found.promise(not telegram.complaints, f"the contract is broken: {telegram.complaints[:3]}")
    return found


def status_messages(telegram: FakeTelegram, group: Group) -> list[Message]:
    """Those of jobs; a job that is done before the group has room for its status message has none."""
    asked = {typed.message.id for typed in group.typed if typed.step.kind is Kind.JOB}
    return [
        message for message in telegram.bot_messages(group.chat) if message.reply_to in asked and message.video is None
    ]


async def rest(telegram: FakeTelegram, group: Group, data: Path) -> None:
    """Wait until nothing is owed any more."""
    end_s = now_s() + REST_S
    quiet = 0
    while quiet < 3 and now_s() < end_s:
        ((left,),) = await asyncio.to_thread(rows, data, _OPEN)
        is_closed = all("done in" in message.text for message in status_messages(telegram, group))
        quiet = quiet + 1 if left == 0 and is_closed else 0
        await asyncio.sleep(1)


async def naive_lines(seed: int, clip: Path) -> list[str]:
    """The other bot's minute."""
    async with FakeTelegram() as telegram:
        group = Group.of(telegram, seed)
        naive = Naive(telegram, group, clip, RENDER_S)
        await naive.run(script(seed))
        on_results = sum(call.code == 429 for call in telegram.calls_of(*RESULTS))
        edits = sum(call.code == 200 for call in telegram.calls_of(*EDITS))
        return [
            f"429s: {telegram.flood.refused} in all, {on_results} on results; {edits} edits",
            f"from ready to delivered: {spread(naive.results_s)}",
            f"after the first command: the last result {naive.last_result_s:.0f} s, the last answer {naive.last_answer_s:.0f} s",
        ]


async def measure(seed: int, *, with_naive: bool) -> int:
    """Both bots at once, and the exit code."""
    steps = script(seed)
    with tempfile.TemporaryDirectory(prefix="nextshot-group-") as folder:
        data, clip = Path(folder) / "data", Path(folder) / "clip.mp4"
        write_clip(clip, seconds=1, colour=40)
        provider = ScriptedProvider(
            pace=Pace(first_s=CHECK_EVERY_S, every_s=CHECK_EVERY_S, give_up_s=600, in_flight=10),
            finishes_at_check=CHECKS,
        )
        over = asyncio.Event()
        async with FakeTelegram() as telegram, opened_bot(telegram, data, provider=provider, pace=SendPace()):
            group = Group.of(telegram, seed)
            await telegram.wait_until(lambda: telegram.world.updates.is_polled, 30)
            before_mb = resident_mb(os.getpid())
            timer = asyncio.create_task(lateness(over), name="timer")
            watch = asyncio.create_task(group.watch(), name="watch")
            naive = asyncio.create_task(naive_lines(seed, clip), name="naive") if with_naive else None
            began_s = now_s()
            await group.type_all(steps)
            await rest(telegram, group, data)
            took_s = now_s() - began_s
            watch.cancel()
            over.set()
            stalls, after_mb = await timer, resident_mb(os.getpid())
            found = judge(telegram, group, data, began_s)
            others = await naive if naive is not None else []
    print(f"nextshot, at rest {took_s:.0f} s after the first command", *found.lines, sep="\n  ")
    print(f"  memory with server and provider: {before_mb:.0f} MB before, {after_mb:.0f} MB after")
    print(line("  timer late, ms: median, p99, max", stalls) + " over 50 ms")
    if others:
        print("a bot without a budget", *others, sep="\n  ")
    print(*(f"broken: {each}" for each in found.broken), sep="\n")
    return 1 if found.broken else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--alone", action="store_true", help="without the bot that is compared")
    asked = parser.parse_args()
    return asyncio.run(measure(asked.seed, with_naive=not asked.alone))


if __name__ == "__main__":
    sys.exit(main())
