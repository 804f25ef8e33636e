"""Is anything lost or doubled in Discord? `python -m bench.discord_kills --kills 20 --seed 1`.

A real `nextshot run` in front of the loopback Discord is killed with SIGKILL at random moments while somebody gives commands and
presses buttons; they go on while it is dead, and uploads take about a second. In the end it may finish, and interactions,
messages and rows are compared.

What counts for a person: what was acknowledged is carried out and answered once, what was not (the client said so) is not done.
Allowed, and counted: a whispered answer that was being said is said again. Exit code 1: something else is wrong.
The seed chooses moments and commands, not the timing.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.discord.process import QUICK, REST, BotProcess
from tests.fakes.discord import Channel, ClientRefuses, FakeDiscord, Interaction, Message, Person

MAKING = ("create", "continue", "continue", "retake", "stitch", "Retake", "Retake")
LOOKING = ("story", "help", "history", "show", "Download")
JOBS = frozenset({"create", "continue", "retake", "stitch", "Retake"})
FIELDS: dict[str, dict[str, Any]] = {
    "create": {"prompt": "a lamp", **QUICK},
    "continue": {"prompt": "the boat turns"},
    "show": {"clip": "z9-9"},
}
UPLOAD_BYTES_PER_S = 200_000.0
FINISH_S = 300.0


@dataclass
class Said:
    """One thing that was asked for, and what it was."""

    what: str
    interaction: Interaction


@dataclass
class Typist:
    """Ana, who does not stop."""

    discord: FakeDiscord
    ana: Person
    channel: Channel
    chance: random.Random

    def says(self, what: str) -> Said | None:
        """None: the client has no such button or command yet."""
        try:
            if not what[0].isupper():
                interaction = self.discord.slash(self.ana, self.channel, what, **FIELDS.get(what, {}))
            else:
                shown = [message for message in self._shown() if what in message.buttons]
                if not shown:
                    return None
                interaction = self.discord.presses(self.ana, self.chance.choice(shown), what)
        except ClientRefuses:
            return None
        return Said(what, interaction)

    def _shown(self) -> list[Message]:
        standing = self.discord.bot_messages(self.channel)
        return [message for message in standing if not message.ephemeral_to and not message.loading]


async def torment(bot: BotProcess, typist: Typist, kills: int) -> list[Said]:
    """Ask and kill; gives all that was asked."""
    chance, said = typist.chance, list[Said]()

    def say() -> None:
        what = "create" if not said else chance.choice(MAKING if chance.random() < 0.5 else LOOKING)
        asked = typist.says(what)
        if asked is not None:
            said.append(asked)

    for number in range(kills):
        await bot.start(listens=number == 0 or chance.random() < 0.8)
        end_s = asyncio.get_running_loop().time() + chance.uniform(0, 6)
        while (left_s := end_s - asyncio.get_running_loop().time()) > 0:
            say()
            await asyncio.sleep(min(left_s, chance.uniform(0, 2)))
        await bot.kill()
        if chance.random() < 0.5:
            say()
    return said


async def finish(bot: BotProcess) -> None:
    """Start once more and let it come to rest."""
    await bot.start()
    end_s, quiet = asyncio.get_running_loop().time() + FINISH_S, 0
    while quiet < 3 and asyncio.get_running_loop().time() < end_s:
        quiet = quiet + 1 if await bot.rows(REST) == [(0,)] else 0
        await asyncio.sleep(0.5)
    if quiet < 3:  # what is still owed then is told as lost
        print(
            "not at rest:",
            *await bot.rows("SELECT kind, state, tries, error FROM outbox WHERE state <> 'sent'"),
            sep="\n  ",
        )


@dataclass
class Found:
    """What was lost, what was doubled, and what is counted."""

    by_key: Counter[str]
    """Jobs by the interaction that they came from."""
    states: dict[str, tuple[str, str | None]]
    clips: Counter[int]
    """By the message that they stand under, or in."""
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)

    def look_at(self, said: Said) -> None:
        """One interaction, and what stands there for it."""
        interaction, name = said.interaction, f"/{said.what} ({said.interaction.id})"
        key = next((known for known in self.by_key if known.endswith(f"interaction/{interaction.id}")), "")
        if interaction.ack is None:
            self.counted["told as failed"] += 1
            if key:
                self.doubled.append(f"{name} was told as failed and has {self.by_key[key]} jobs")
            return
        self.counted["acknowledged"] += 1
        standing = [message for message in interaction.messages if not message.deleted]
        if not standing or any(message.loading for message in standing):
            self.lost.append(f"{name} has no answer")
        whispers = sum(message.ephemeral_to is not None for message in standing)
        self.counted["whispers said twice"] += max(0, whispers - 1)
        if len(standing) - whispers > 1 or 0 < whispers < len(standing):
            self.doubled.append(f"{name} has {len(standing)} answers, {whispers} of them whispers")
        if key:
            self._look_at_job(name, key, standing)
        elif said.what in JOBS and not whispers:
            self.lost.append(f"{name} has neither a job nor a refusal")

    def _look_at_job(self, name: str, key: str, standing: list[Message]) -> None:
        state, reason = self.states[key]
        clips = sum(self.clips[message.id] for message in standing)
        if self.by_key[key] > 1:
            self.doubled.append(f"{name} has {self.by_key[key]} jobs")
        if state not in {"delivered", "failed"} or (state == "failed" and not reason):
            self.lost.append(f"the job of {name} stands in {state}")
        if clips < (state == "delivered"):
            self.lost.append(f"{name} has no clip")
        if clips > 1:
            self.doubled.append(f"{name} has {clips} clips")
        is_told = any("done in" in message.content or has_clip(message) for message in standing)
        self.counted["status messages without last words"] += state == "delivered" and not is_told


def has_clip(message: Message) -> bool:
    """Whether it shows one to everybody."""
    return message.ephemeral_to is None and any(file.name.endswith(".mp4") for file in message.attachments)


async def compare(discord: FakeDiscord, bot: BotProcess, channel: Channel, said: list[Said]) -> Found:
    """Rows, messages and interactions."""
    jobs = await bot.rows("SELECT request_key, state, failure_sentence FROM job")
    asked = {message.id for each in said for message in each.interaction.messages}
    clips = [message for message in discord.bot_messages(channel) if has_clip(message)]
    # a status message that was overtaken by its clip is the clip's own
    under = Counter(message.id if message.id in asked else message.reference or 0 for message in clips)
    found = Found(
        by_key=Counter(str(key) for key, _, _ in jobs),
        states={str(key): (str(state), reason) for key, state, reason in jobs},
        clips=under,
    )
    found.doubled += [
        f"{count} clips under {number}, which nobody asked" for number, count in under.items() if number not in asked
    ]
    for each in said:
        found.look_at(each)
    ((left,),) = await bot.rows("SELECT count(*) FROM inbox WHERE done_at IS NULL")
    found.lost += [f"{left} interactions are not done"] * bool(left)
    found.lost += discord.complaints
    for state, _ in found.states.values():
        found.counted[state] += 1
    if len(clips) != found.counted["delivered"]:
        found.doubled.append(f"{len(clips)} clips of {found.counted['delivered']} delivered jobs")
    for call in discord.calls:
        if call.code:
            found.counted[f"refused with {call.code}"] += 1
    return found


async def measure(kills: int, seed: int) -> int:
    with tempfile.TemporaryDirectory(prefix="nextshot-discord-kills-") as folder:
        async with FakeDiscord(flood=False) as discord, BotProcess(discord, Path(folder)) as bot:
            discord.slow_upload_bytes_per_s = UPLOAD_BYTES_PER_S
            ana = discord.person("Ana")
            channel = discord.channel(discord.guild("Film club", [ana]), "films")
            said = await torment(bot, Typist(discord, ana, channel, random.Random(seed)), kills)
            await finish(bot)
            found = await compare(discord, bot, channel, said)
            cut_off = discord.cut_off
            await bot.terminate()
            log = bot.log.read_text()
    traces = log.count("Traceback")
    figures = ", ".join(f"{count} {what}" for what, count in found.counted.items())
    print(f"seed {seed}: {kills} kills, {cut_off} of them in an upload, {len(said)} interactions: {figures}")
    print(f"lost {len(found.lost)}, doubled {len(found.doubled)}, traces in the log {traces}")
    print(*found.lost, *found.doubled, sep="\n  ")
    if traces:
        print(log[-5000:])
    return 1 if found.lost or found.doubled or traces else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    return asyncio.run(measure(asked.kills, asked.seed))


if __name__ == "__main__":
    sys.exit(main())
