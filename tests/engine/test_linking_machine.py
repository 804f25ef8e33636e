"""Identities under any mixture of codes, joins, partings and work: no clip is lost, and each is one person's."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from engine.errors import RequestError
from engine.linking import CODE_LASTS_S, platform_of
from engine.model import Asked, Person
from engine.ports import Reader, Writer
from tests.databases import add_clip
from tests.fakes.clock import FakeClock
from tests.house import HOME, House, opened_house

KEYS = ("telegram:1", "telegram:2", "discord:1", "discord:2", "matrix:1")
WHO = st.sampled_from(KEYS)


class Identities(RuleBasedStateMachine):
    """Beside the studio, a plain account of who is whom and who made how much."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.directory = self.stack.enter_context(tempfile.TemporaryDirectory())
        self.numbers = itertools.count()
        self.one = {key: key for key in KEYS}
        self.clips = dict.fromkeys(KEYS, 0)
        self.codes: dict[str, str] = {}
        self.last: tuple[Asked, str] | None = None

    @initialize()
    def open(self) -> None:
        house = opened_house(Path(self.directory), FakeClock())
        self.house: House = self.runner.run(self.stack.enter_async_context(house))

    def asked(self, key: str) -> Asked:
        return Asked(f"update-{next(self.numbers)}", HOME, Person(key, key))

    @rule(key=WHO, is_known=st.booleans())
    def make(self, key: str, is_known: bool) -> None:
        """A clip; also by who was not looked up before, as where a join comes between."""
        person = self.asked(key).person
        if is_known:
            person = self.runner.run(self.house.studio.known(person))

        async def work(tx: Writer) -> None:
            await add_clip(tx, await tx.add_story(HOME, person, "t"), person=person)

        self.runner.run(self.house.store.write(work))
        self.clips[self.one[key]] += 1

    @rule(key=WHO)
    def ask_for_a_code(self, key: str) -> None:
        self.codes[key] = self.runner.run(self.house.studio.link_code(self.asked(key)))

    @rule(key=WHO, maker=WHO)
    def say_a_code(self, key: str, maker: str) -> None:
        self.last = self.asked(key), self.codes.get(maker, "ZZZZ-ZZZZ")
        try:
            linked = self.runner.run(self.house.studio.link(*self.last))
        except RequestError:
            return
        if linked.is_new:
            mine, theirs = self.one[key], self.one[maker]
            assert mine != theirs
            self.one = {each: theirs if one == mine else one for each, one in self.one.items()}
            self.clips[theirs] += self.clips[mine]
            self.clips[mine] = 0

    @rule()
    def it_is_handed_over_again(self) -> None:
        if self.last is not None:
            try:
                self.runner.run(self.house.studio.link(*self.last))
            except RequestError:
                return

    @rule(key=WHO)
    def part(self, key: str) -> None:
        try:
            self.runner.run(self.house.studio.unlink(self.asked(key)))
        except RequestError:
            assert list(self.one.values()).count(self.one[key]) == 1
            return
        if self.one[key] != key:
            self.one[key] = key
        else:
            self.one = {each: each if one == key else one for each, one in self.one.items()}

    @rule(seconds=st.sampled_from([1.0, CODE_LASTS_S]))
    def wait(self, seconds: float) -> None:
        self.house.clock.advance(seconds)

    @rule()
    def sweep(self) -> None:
        self.runner.run(self.house.store.sweep(CODE_LASTS_S))

    @invariant()
    def every_clip_is_one_person_s(self) -> None:
        if hasattr(self, "house"):
            self.runner.run(self.house.store.read(self.check))

    async def check(self, tx: Reader) -> None:
        for key in KEYS:
            page = await tx.history(place=None, person=key, before=None, limit=1_000)
            assert len(page.items) == self.clips[self.one[key]]
            assert {item.person.key for item in page.items} <= {self.one[key]}
            assert await tx.known_as(key) == self.one[key]
            together = await tx.identities(key)
            assert set(together) == {each for each, one in self.one.items() if one == self.one[key]}
            platforms = [platform_of(each) for each in together]
            assert len(platforms) == len(set(platforms)), "one person has one account on a platform"
        everything = await tx.history(place=None, person=None, before=None, limit=10_000)
        assert len(everything.items) == sum(self.clips.values())

    def teardown(self) -> None:
        with self.runner:
            self.runner.run(self.stack.aclose())


TestIdentities = Identities.TestCase
TestIdentities.settings = settings(max_examples=10, stateful_step_count=25, deadline=None)
