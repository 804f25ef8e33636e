"""What the 20 people of `python -m bench.telegram_group` type in their minute."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from enum import StrEnum

from tests.fakes.telegram import Chat, FakeTelegram, Message, Person, Query

PEOPLE = 20
WATCHERS = 5
"""The last of them make nothing, so what belongs to somebody is never theirs to delete or cancel."""
TYPING_S = 60.0
LOOK_S = 0.1
TARGET_S = 120.0


class Kind(StrEnum):
    """What becomes of a command."""

    JOB = "job"
    ANSWER = "answer"
    QUESTION = "question"
    """A press of Continue: a message that asks."""
    ALERT = "alert"
    """A press of what is not theirs: a word to the one who pressed, which is no message."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command, and when it is typed. A press has a label instead of a text."""

    at_s: float
    kind: Kind
    text: str = ""
    label: str = ""
    is_reply: bool = False
    """Typed as a reply to a message about a shot."""


@dataclass(slots=True)
class Typed:
    """A command as it was said."""

    step: Step
    at_s: float
    message: Message
    """The one that was said, or the one whose button was pressed."""
    query: Query | None = None


_JOBS = (
    Step(0.5, Kind.JOB, "/create a lighthouse keeper lights the lamp"),
    Step(2.0, Kind.JOB, "/create a pirate ship in a storm"),
    Step(5.0, Kind.JOB, "/create rain on a tin roof"),
    Step(9.0, Kind.JOB, "/create a fox crosses the snow"),
    Step(14.0, Kind.JOB, "/continue a1-1 a boat answers from the fog"),
    Step(19.0, Kind.JOB, "/continue b1-1 the mast breaks"),
    Step(24.0, Kind.JOB, "and then the door opens", is_reply=True),
    Step(30.0, Kind.JOB, "/continue c1-1 a cat looks up"),
    Step(36.0, Kind.JOB, "the light goes out", is_reply=True),
    Step(45.0, Kind.JOB, "/retake a1-1"),
)
_LOOKS = (
    *["/history"] * 6,
    *["/story"] * 4,
    *["/story a1", "/story b1"],
    *["/stories"] * 3,
    *["/show a1-1", "/show b1-1", "/show c1-1"],
    *["/show a1-1"] * 2,
    *["/help"] * 6,
    *["/models"] * 2,
)
_WRONG = (
    "/create",
    "/continue z9-9 a boat",
    "/retake one two three",
    "/show q9-9",
    "/settings --ratio 9:16",
    "/create --seconds many a lamp",
    "/history --before yesterday",
    "/stitch nothing",
    "/choose",
    "/download x1-1",
    "/delete z1-1",
    "/cancel z1-1",
)
_PRESSES = (("Cancel", Kind.ALERT), ("Continue", Kind.QUESTION), ("Delete", Kind.ALERT))


def script(seed: int) -> list[Step]:
    """60 commands in a minute: ten jobs, looks, mistakes and presses, in a mixed order."""
    chance = random.Random(seed)
    texts = [*_LOOKS, *_WRONG]
    chance.shuffle(texts)
    presses = [_PRESSES[number % len(_PRESSES)] for number in range(10)]
    # one needs to see a thing before one can look at it or press its buttons
    steps = [Step(chance.uniform(3, TYPING_S), Kind.ANSWER, text) for text in texts]
    steps += [Step(chance.uniform(12, TYPING_S), kind, label=label) for label, kind in presses]
    return sorted([*_JOBS, *steps], key=lambda step: step.at_s)


@dataclass
class Group:
    """The people at their keyboards, and when each message of the bot was first seen."""

    telegram: FakeTelegram
    chat: Chat
    people: list[Person]
    seed: int
    typed: list[Typed] = field(default_factory=list)
    seen_at_s: dict[int, float] = field(default_factory=dict)

    @classmethod
    def of(cls, telegram: FakeTelegram, seed: int) -> Group:
        """A supergroup of 20."""
        people = [telegram.person(f"Member {number}") for number in range(1, PEOPLE + 1)]
        return cls(telegram, telegram.group("The film club", people), people, seed)

    async def watch(self) -> None:
        """Note when messages come, until cancelled."""
        last = 0
        while True:
            changed = self.telegram.world.changed
            for number in range(last + 1, self.chat.last_id + 1):
                self.seen_at_s.setdefault(number, now_s())
            last = self.chat.last_id
            await changed.wait()

    async def type_all(self, steps: list[Step]) -> None:
        """Everybody types; a press waits until there is something to press."""
        began_s, chance = now_s(), random.Random(self.seed)
        async with asyncio.TaskGroup() as tasks:
            for step in steps:
                await asyncio.sleep(max(0.0, began_s + step.at_s - now_s()))
                makers, watchers = self.people[:-WATCHERS], self.people[-WATCHERS:]
                who = chance.choice(watchers if step.label else makers)
                tasks.create_task(self._type(step, who, chance), name=f"types {step.text or step.label}")

    async def _type(self, step: Step, who: Person, chance: random.Random) -> None:
        if step.label:
            message = await self._with_button(step.label, chance)
            query = self.telegram.presses(who, message, step.label)
            self.typed.append(Typed(step, now_s(), message, query))
            return
        answered = await self._with_button("Cancel", chance) if step.is_reply else None
        at_s = now_s()
        self.typed.append(Typed(step, at_s, self.telegram.says(who, self.chat, step.text, reply_to=answered)))

    async def _with_button(self, label: str, chance: random.Random) -> Message:
        end_s = now_s() + TARGET_S
        while now_s() < end_s:
            found = [
                message
                for message in self.telegram.bot_messages(self.chat)
                if any(label == each for each, _ in message.buttons)
            ]
            if found:
                return chance.choice(found)
            await asyncio.sleep(LOOK_S)
        raise SystemExit(f"no message with a button {label} came in {TARGET_S:.0f} s")

    def answered_at_s(self) -> list[tuple[Typed, float | None]]:
        """Every command with the time of its answer; None: there is none."""
        said = self.telegram.bot_messages(self.chat)
        taken: set[int] = set()
        found: list[tuple[Typed, float | None]] = []
        for typed in self.typed:
            is_question = typed.step.kind is Kind.QUESTION
            if typed.step.kind is Kind.ALERT:
                is_there = typed.query is not None and typed.query.answer is not None
                found.append((typed, typed.at_s if is_there else None))
                continue
            answers = [
                message.id
                for message in said
                if message.reply_to == typed.message.id
                and message.force_reply == is_question
                and message.id not in taken
            ]
            if is_question:
                taken.update(answers[:1])
            found.append((typed, self.seen_at_s.get(answers[0]) if answers else None))
        return found


def now_s() -> float:
    """The loop's time."""
    return asyncio.get_running_loop().time()
