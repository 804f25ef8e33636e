"""Many people at once: 200 interactions in ten seconds, what is looked at afterwards, and how soon each was acknowledged."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from tests.discord.process import QUICK
from tests.fakes.discord import Channel, FakeDiscord, Interaction, Message, Person

PEOPLE, CHANNELS = 8, 5
ACK_S = 3.0
LATE_S = 30.0
FIELDS = "continue by button"
"""Opens a field."""
_PRIVATE = frozenset({"help", "models", "history mine"})
_MIX = {
    "create": 10,
    "continue": 10,
    "retake": 10,
    FIELDS: 20,
    "history": 30,
    "history mine": 20,
    "help": 25,
    "models": 10,
    "show": 25,
    "show nothing": 10,
    "stories": 20,
    "types": 10,
}
"""What is done, out of 200."""


@dataclass
class Done:
    """One thing that somebody did."""

    what: str
    interaction: Interaction


@dataclass
class Crowd:
    """People in the channels of a server."""

    discord: FakeDiscord
    people: list[Person]
    channels: list[Channel]
    chance: random.Random
    done: list[Done] = field(default_factory=list)

    @classmethod
    def of(cls, discord: FakeDiscord, seed: int) -> Crowd:
        """All of them in all channels."""
        people = [discord.person(f"Member {number}") for number in range(1, PEOPLE + 1)]
        guild = discord.guild("Film club", people)
        channels = [discord.channel(guild, f"films-{number}") for number in range(1, CHANNELS + 1)]
        return cls(discord, people, channels, random.Random(seed))

    async def opens(self, within_s: float) -> None:
        """A first clip somewhere, and jobs in every channel."""
        for number, channel in enumerate(self.channels):
            self._does("create", self.people[number], channel)
        await self.discord.wait_until(lambda: self._with_button("Retake"), within_s, "A first clip")

    async def storms(self, count: int, over_s: float) -> None:
        """Do so many things in so many seconds; a field that opens is filled in at once, and that is one of them."""
        kinds = [what for what, share in _MIX.items() for _ in range(round(share * count / 200))]
        self.chance.shuffle(kinds)
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        async with asyncio.TaskGroup() as tasks:
            for number, what in enumerate(kinds):
                await asyncio.sleep(max(0.0, began_s + number * over_s / len(kinds) - loop.time()))
                done = self._does(what, self.chance.choice(self.people), self.chance.choice(self.channels))
                if what == FIELDS:
                    tasks.create_task(self._fills_in(done.interaction), name="fills in")

    async def commands_only(self, count: int, over_s: float) -> None:
        """So many commands in so many seconds, for a bot that has no buttons."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        for number in range(count):
            await asyncio.sleep(max(0.0, began_s + number * over_s / count - loop.time()))
            self._does("stories", self.chance.choice(self.people), self.chance.choice(self.channels))

    async def all_answered(self, within_s: float) -> None:
        """Until everything that was acknowledged has its answer."""
        for done in self.done:
            await done.interaction.acked(within_s)
        for done in self.done:
            if done.what not in {FIELDS, "types"}:
                await done.interaction.answered(within_s)

    def _does(self, what: str, who: Person, where: Channel) -> Done:
        discord = self.discord
        match what:
            case "create":
                made = discord.slash(who, where, "create", prompt="a lamp", **QUICK)
            case "continue":
                made = discord.slash(who, where, "continue", prompt="a boat answers")
            case "retake":
                made = discord.presses(who, self.chance.choice(self._with_button("Retake")), "Retake")
            case _ if what == FIELDS:
                made = discord.presses(who, self.chance.choice(self._with_button("Continue")), "Continue")
            case "history mine":
                made = discord.slash(who, where, "history", mine=True)
            case "show":
                made = discord.slash(who, where, "show", clip="a1-1")
            case "show nothing":
                made = discord.slash(who, where, "show", clip="z9-9")
            case "types":
                made = discord.types(who, where, "continue", "shot", "a")
            case _:
                made = discord.slash(who, where, what)
        self.done.append(Done(what, made))
        return self.done[-1]

    async def _fills_in(self, opened: Interaction) -> None:
        """What comes of a field: the text is sent off as soon as it is open."""
        await opened.acked(LATE_S)
        if opened.modal is not None:
            self.done.append(Done("field filled in", self.discord.submits(opened.person, opened, "the door opens")))

    def _with_button(self, label: str) -> list[Message]:
        return [
            message
            for channel in self.channels
            for message in self.discord.bot_messages(channel)
            if label in message.buttons and not message.ephemeral_to and not message.loading
        ]

    # --- what came of it

    def ack_s(self, kinds: Sequence[str] = ()) -> list[float]:
        """How long each acknowledgement took, sorted; of all, or of some."""
        acks = [done.interaction.ack for done in self.done if not kinds or done.what in kinds]
        return sorted(ack.ack_s for ack in acks if ack is not None)

    def kinds(self) -> list[str]:
        return list(dict.fromkeys(done.what for done in self.done))

    def wrongs(self) -> list[str]:
        """Broken promises, as sentences."""
        found = [f"{done.what} was not acknowledged" for done in self.done if done.interaction.ack is None]
        late = [seconds for seconds in self.ack_s() if seconds >= ACK_S]
        found += [f"acknowledged after {seconds:.2f} s" for seconds in late]
        found += [f"{call.method} {call.path[:40]}: {call.code}" for call in self.discord.calls if call.code]
        found += self.discord.complaints
        for done in self.done:
            standing = [message for message in done.interaction.messages if not message.deleted]
            most = 0 if done.what in {"types", FIELDS} else 1
            is_refused_field = done.what == FIELDS and done.interaction.modal is None
            if len(standing) > most + is_refused_field:
                found.append(f"{done.what} has {len(standing)} answers: {standing}")
            if done.what in {*_PRIVATE, "show nothing"} and not all(each.ephemeral_to for each in standing):
                found.append(f"the answer to {done.what} is seen by all")
        return found + self._doubled()

    def _doubled(self) -> list[str]:
        """Clips that stand twice under what was asked."""
        under: dict[int, int] = {}
        for channel in self.channels:
            for message in self.discord.bot_messages(channel):
                if message.reference is not None and message.nonce is not None:
                    under[message.reference] = under.get(message.reference, 0) + 1
        return [f"{count} results under {number}" for number, count in under.items() if count > 1]

    def clips(self) -> int:
        """How many results stand in the channels."""
        return sum(each.nonce is not None for channel in self.channels for each in self.discord.bot_messages(channel))


def figures(seconds: Sequence[float]) -> str:
    """`200: median 0.05 s, 99 % within 0.20 s, slowest 0.31 s`"""
    if not seconds:
        return "none"
    ordered = sorted(seconds)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return f"{len(ordered)}: median {median(ordered):.3f} s, 99 % within {p99:.3f} s, slowest {ordered[-1]:.3f} s"
