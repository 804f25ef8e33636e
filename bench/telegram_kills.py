"""Is anything lost or doubled in Telegram? `python -m bench.telegram_kills --kills 20 --seed 1`.

A real `nextshot run` in front of the loopback Bot API server is killed with SIGKILL at random moments while somebody types; people
type on while it is dead, and uploads take about a second. In the end it may finish, and messages, rows and updates are compared.

Allowed, and counted: a clip that may have arrived is shown once more, marked; an answer that was being said
is said again. Exit code 1: something else is wrong. The seed chooses moments and commands, not the timing.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

from bot import texts
from tests.fakes.telegram import Chat, FakeTelegram, Message, Person
from tests.telegram.process import QUICK, BotProcess

MAKING = (f"/create a lamp {QUICK}", "/continue the boat turns", "/continue the boat turns", "/retake", "/stitch")
LOOKING = ("/story", "/help", "/history", "/show z9-9", "/create")
UPLOAD_BYTES_PER_S = 200_000.0
FINISH_S = 240.0
MARKS = (texts.said_again("").strip(), texts.sent_again("").strip())
_OPEN = """SELECT (SELECT count(*) FROM job WHERE due_at IS NOT NULL OR state = 'ready')
+ (SELECT count(*) FROM outbox WHERE due_at IS NOT NULL) + (SELECT count(*) FROM inbox WHERE done_at IS NULL)"""


async def torment(bot: BotProcess, ana: Person, chat: Chat, kills: int, seed: int) -> list[Message]:
    """Type and kill; gives all that was said."""
    chance, said = random.Random(seed), list[Message]()

    def say() -> None:
        text = MAKING[0] if not said else chance.choice(MAKING if chance.random() < 0.5 else LOOKING)
        said.append(bot.telegram.says(ana, chat, text))

    for _ in range(kills):
        await bot.start(listens=chance.random() < 0.8)
        end_s = asyncio.get_running_loop().time() + chance.uniform(0, 6)
        while (left_s := end_s - asyncio.get_running_loop().time()) > 0:
            say()
            await asyncio.sleep(min(left_s, chance.uniform(0, 3)))
        await bot.kill()
        if chance.random() < 0.5:
            say()
    return said


async def finish(telegram: FakeTelegram, bot: BotProcess) -> None:
    """Start once more and let it come to rest."""
    await bot.start()
    end_s, quiet = asyncio.get_running_loop().time() + FINISH_S, 0
    while quiet < 3 and asyncio.get_running_loop().time() < end_s:
        is_quiet = not telegram.world.updates.pending and await bot.rows(_OPEN) == [(0,)]
        quiet = quiet + 1 if is_quiet else 0
        await asyncio.sleep(0.5)
    if quiet < 3:  # what is still owed then is told as lost
        said = "SELECT kind, state, tries, error, due_at FROM outbox WHERE state <> 'sent'"
        print("not at rest:", *await bot.rows(said), sep="\n  ")


async def compare(
    telegram: FakeTelegram, bot: BotProcess, chat: Chat, said: list[Message]
) -> tuple[list[str], list[str], str]:
    """What was lost, what was doubled, and the figures."""
    lost, doubled = list[str](), list[str]()
    answers: dict[int, list[Message]] = {message.id: [] for message in said}
    for message in telegram.bot_messages(chat):
        answers.setdefault(message.reply_to or 0, []).append(message)
    jobs = await bot.rows("SELECT state, asked_receipt, failure_sentence FROM job")
    by_message = Counter(int(str(receipt).rpartition("/")[2]) for _, receipt, _ in jobs)
    states = {int(str(receipt).rpartition("/")[2]): (str(state), reason) for state, receipt, reason in jobs}
    shown_twice = said_twice = 0
    for message in said:
        found = answers[message.id]
        if not found:
            lost.append(f"{message.text!r} ({message.id}) has no answer")
        if by_message[message.id] > 1:
            doubled.append(f"{message.text!r} ({message.id}) has {by_message[message.id]} jobs")
        if message.id not in states:
            said_twice += max(0, len(found) - 1)
            continue
        state, reason = states[message.id]
        videos = [each for each in found if each.video is not None]
        marked = [each for each in videos if any(mark in each.text for mark in MARKS)]
        plain = len(videos) - len(marked)
        if state not in {"delivered", "failed"} or (state == "failed" and not reason):
            lost.append(f"the job of {message.text!r} ({message.id}) stands in {state}")
        if state == "delivered" and not videos:
            lost.append(f"{message.text!r} ({message.id}) has no clip")
        if plain > 1 or len(marked) > 1:
            doubled.append(f"{message.text!r} ({message.id}) has {plain} clips and {len(marked)} marked ones")
        shown_twice += plain == 1 and len(marked) == 1
    ((handled,),) = await bot.rows(
        "SELECT count(*) FROM inbox WHERE platform LIKE 'telegram:%' AND done_at IS NOT NULL"
    )
    if handled != len(said):
        lost.append(f"{len(said) - handled} of {len(said)} updates were not handled")
    lost += telegram.complaints
    clips = f"{shown_twice} clips also shown once more, marked, {said_twice} answers said twice"
    return lost, doubled, f"{len(jobs)} jobs {dict(Counter(state for state, _, _ in jobs))}, {handled} handled; {clips}"


async def measure(kills: int, seed: int) -> int:
    with tempfile.TemporaryDirectory(prefix="nextshot-telegram-kills-") as folder:
        async with FakeTelegram(flood=False) as telegram, BotProcess(telegram, Path(folder)) as bot:
            telegram.slow_upload_bytes_per_s = UPLOAD_BYTES_PER_S
            ana = telegram.person("Ana")
            chat = telegram.private(ana)
            said = await torment(bot, ana, chat, kills, seed)
            await finish(telegram, bot)
            lost, doubled, figures = await compare(telegram, bot, chat, said)
            cut_off = telegram.cut_off
            await bot.terminate()
            log = bot.log.read_text()
    traces = log.count("Traceback")
    print(f"seed {seed}: {kills} kills, {cut_off} of them in an upload, {len(said)} commands, {figures}")
    print(f"lost {len(lost)}, doubled {len(doubled)}, traces in the log {traces}", *lost, *doubled, sep="\n  ")
    if traces:
        print(log[-5000:])
    return 1 if lost or doubled or traces else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    return asyncio.run(measure(asked.kills, asked.seed))


if __name__ == "__main__":
    sys.exit(main())
