"""A person who says so is forgotten: nothing is left in the database or on the disk but what the answer names."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import pytest

from engine.erasing import SCRUB_AGAIN, TOLD_WITHIN, finish_forgettings, stop_stragglers
from engine.errors import NotAllowed, NotFound, RequestError, StorageUnavailable
from engine.forgetting import QUESTION_LASTS_S
from engine.housekeeping import OLD_S, keep_house, tidy_up
from engine.job_model import Job, JobState, Payer
from engine.ledger import Bucket, Move, PotKey, entries
from engine.model import Continue, Create, Person, Stitch
from engine.outcome import World
from engine.ports import Writer
from storage import Transcript
from tests.fakes.chat import FakeChat
from tests.fakes.clock import FakeClock
from tests.house import BEN, OPERATOR, House, opened_house

T = TypeVar("T")
ANA = Person("telegram:717171717", "Anabella Quux")
ANA_TOO = Person("discord:828282828", "Anabella Q")
GROUP, PRIVATE = "telegram:-100", "telegram:717171717"
ZEBRA = "a zebra crosses the moonlit square"
TRACES = (b"zebra", b"717171717", b"828282828", b"Anabella", b"moonlit")


@pytest.fixture
async def house(tmp_path: Path, clock: FakeClock) -> AsyncIterator[House]:
    """With a database in a file: what is grepped is what a disk holds."""
    chat = FakeChat(platform="telegram")
    async with opened_house(tmp_path, clock, chat=chat, url=f"sqlite:///{tmp_path / 'nextshot.db'}") as opened:
        yield opened


def world_of(house: House) -> World:
    return house.stepper._world


async def made(house: House, prompt: str, person: Person, place: str = GROUP, after: str | None = None) -> Job:
    """A finished shot."""
    asked = house.asked(person, place)
    asked = replace(asked, key=f"{place}/{asked.key}", receipt=f"{place}/5")
    if after is None:
        job = await house.studio.create(Create(asked=asked, prompt=prompt))
    else:
        job = await house.studio.continue_story(Continue(asked=asked, prompt=prompt, shot=after))
    await house.run(10)
    return await house.job(job.id)


async def film(house: House, person: Person, story: str) -> str:
    await house.studio.stitch(Stitch(asked=house.asked(person, GROUP), story=story))
    await house.run(10)
    view = await house.studio.story(GROUP, story)
    assert view is not None
    return view.films[-1].code


async def confirmed(house: House, person: Person = ANA, place: str = GROUP) -> bool:
    """`/forget` and its button; whether it is done."""
    question = await house.studio.ask_forget(house.asked(person, place))
    return (await house.studio.forget_me(house.asked(person, place), question.token)).is_done


def found(directory: Path) -> dict[str, list[bytes]]:
    """Which traces are in which file."""
    all_files = [path for path in directory.rglob("*") if path.is_file()]
    held = {str(path.relative_to(directory)): path.read_bytes() for path in all_files}
    held |= {f"name {path}": path.name.encode() for path in map(Path, held)}
    return {name: traces for name, data in held.items() if (traces := [each for each in TRACES if each in data])}


async def test_nothing_of_a_person_is_on_the_disk_afterwards(house: House, tmp_path: Path) -> None:
    """Grepped in the database, its WAL and all files: prompts, names and numbers of both accounts, in whatever row they were."""
    await house.store.write(lambda tx: tx.join_persons(ANA, ANA_TOO))
    first = await made(house, ZEBRA, ANA)
    await made(house, f"{ZEBRA} again", ANA, PRIVATE)
    second = await made(house, "a boat answers", BEN, after=first.subject)
    await film(house, BEN, first.story_code)
    await house.say(f"/edit {ZEBRA}", ANA, GROUP)
    cancelled = await house.studio.create(Create(asked=house.asked(ANA, GROUP), prompt=ZEBRA))
    await house.studio.cancel(house.asked(ANA, GROUP), cancelled.subject)
    await house.run(10)
    transcript = Transcript(house.store)
    await transcript.add("local:home", author=ANA.key, body={"text": ZEBRA, "name": ANA.name}, nonce="n1")
    await transcript.add("local:home", author="", body={"text": f"{first.subject} · by {ANA.name}"}, nonce="n2")
    for render in house.provider.renders.values():
        render.is_forgotten = False
    assert {trace for traces in found(tmp_path).values() for trace in traces} == set(TRACES)

    assert await confirmed(house)
    assert found(tmp_path) == {}
    view = await house.studio.story(GROUP, second.story_code)
    assert view is not None
    assert [(shot.shot.prompt, shot.clip is not None) for shot in view.shots] == [("a boat answers", True)]
    assert (view.films, view.story.director.name) == ((), "someone")
    assert (await house.studio.download(GROUP, second.subject)).exists()
    assert [render.is_forgotten for render in house.provider.renders.values()] == [True, True, False]
    code = await film(house, BEN, first.story_code)
    assert b"a boat answers" in (await house.studio.download(GROUP, code)).read_bytes()
    assert found(tmp_path) == {}


async def test_a_crash_at_any_write_is_gone_on_from(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each try dies one write later than the one before, until one comes through."""
    first = await made(house, ZEBRA, ANA)
    await made(house, "a boat answers", BEN, after=first.subject)
    await film(house, BEN, first.story_code)
    write, left = house.store.write, [2]  # the question, and that it begins

    async def dies(work: Callable[[Writer], Awaitable[T]]) -> T:
        if left[0] == 0:
            raise StorageUnavailable("the process died here")
        left[0] -= 1
        return await write(work)

    monkeypatch.setattr(house.store, "write", dies)
    assert not await confirmed(house)
    tries = 0
    while await house.store.read(lambda tx: tx.forgettings()):
        tries += 1
        left[0] = tries
        try:
            await finish_forgettings(world_of(house))
        except StorageUnavailable:
            continue
    assert tries > 6
    # a file whose row was gone when the process died is swept, as every file that nothing refers to
    long_ago = time.time() - OLD_S - 60
    for path in (tmp_path / "files").rglob("*.*"):
        os.utime(path, (long_ago, long_ago))
    monkeypatch.undo()
    await tidy_up(world_of(house))
    assert found(tmp_path) == {}


async def test_live_renders_are_stopped_first(house: House, tmp_path: Path) -> None:
    """Its service is told; the person has no name at once, and everything else goes when that is over and told."""
    first = await made(house, "a boat", BEN)
    house.provider.finishes_at_check = 1_000
    job = await house.studio.continue_story(
        Continue(asked=house.asked(ANA, GROUP), prompt=ZEBRA, shot=first.subject)
    )  # fmt: skip
    await house.run(3)
    assert (await house.job(job.id)).state is JobState.RENDERING
    assert not await confirmed(house)
    assert (await house.job(job.id)).person.name == "someone"
    await house.run(3)
    assert (await house.job(job.id)).state is JobState.CANCELLED
    assert house.provider.renders["task-2"].is_cancelled
    assert await finish_forgettings(world_of(house)) == 0
    assert found(tmp_path) == {}
    assert (await house.job(job.id)).state is JobState.CANCELLED


async def test_a_chat_that_does_not_answer_holds_it_up_only_for_a_while(house: House) -> None:
    """Then the message is dropped."""
    house.provider.finishes_at_check = 1_000
    await house.studio.create(Create(asked=house.asked(ANA, "matrix:1"), prompt=ZEBRA))
    assert not await confirmed(house)
    for job in await house.stepper.claim(9):
        await house.stepper.step(job)
    assert await finish_forgettings(world_of(house)) == 1
    house.clock.advance(TOLD_WITHIN.total_seconds() + 1)
    assert await finish_forgettings(world_of(house)) == 0


async def test_only_the_person_answers_its_question(house: House) -> None:
    """Once, and for ten minutes."""
    await made(house, ZEBRA, ANA)
    question = await house.studio.ask_forget(house.asked(ANA, GROUP))
    with pytest.raises(NotAllowed, match="Only who asked"):
        await house.studio.forget_me(house.asked(BEN, GROUP), question.token)
    with pytest.raises(NotFound, match="expired"):
        await house.studio.forget_me(house.asked(ANA, GROUP), "another")
    house.clock.advance(QUESTION_LASTS_S)
    with pytest.raises(NotFound, match="/forget asks it again"):
        await house.studio.forget_me(house.asked(ANA, GROUP), question.token)
    assert await confirmed(house)
    assert not await house.store.read(lambda tx: tx.forgettings())


async def test_who_comes_back_is_a_new_person(house: House) -> None:
    """Nothing is theirs, and nothing new is taken."""
    first = await made(house, ZEBRA, ANA)
    assert await confirmed(house)
    again = await made(house, "a whale", ANA)
    assert (again.person.name, again.story_code != first.story_code) == (ANA.name, True)
    page = await house.studio.history(None, ANA.key)
    assert [item.prompt for item in page.items] == ["a whale"]
    await finish_forgettings(world_of(house))
    assert [item.prompt for item in (await house.studio.history(None, ANA.key)).items] == ["a whale"]


async def test_the_question_tells_what_is_in_the_pot(house: House) -> None:
    """The sums stay, without a name."""
    await made(house, ZEBRA, ANA)
    pot = PotKey(Payer.PERSON, ANA.key)
    paid = entries(pot, [Move(Bucket.OUTSIDE, Bucket.LEFT, Decimal("6.20"))], note=f"by {ANA.key}", key="payment 1")
    await house.store.write(lambda tx: tx.post(paid))
    question = await house.studio.ask_forget(house.asked(ANA, GROUP))
    assert (question.left_usd, question.belongings.shots) == (Decimal("6.20"), 1)
    assert (await house.studio.forget_me(house.asked(ANA, GROUP), question.token)).is_done
    pots = await house.store.read(lambda tx: tx.pots())
    assert [each.balances.left for each in pots if each.key.payer is Payer.PERSON] == [Decimal("6.20")]
    assert (await house.store.read(lambda tx: tx.pot(pot))).balances.left == 0


async def test_the_operator_has_somebody_forgotten(house: House, tmp_path: Path) -> None:
    """By any account of theirs; nobody else can."""
    await made(house, ZEBRA, ANA)
    with pytest.raises(NotAllowed):
        await house.studio.forget_person(house.asked(BEN, GROUP), ANA.key)
    with pytest.raises(NotFound, match="Nobody is known"):
        await house.studio.belongings("telegram:5")
    assert (await house.studio.belongings(ANA.key)).shots == 1
    assert (await house.studio.forget_person(house.asked(OPERATOR, GROUP), ANA.key)).is_done
    assert found(tmp_path) == {}


async def test_a_group_cannot_be_forgotten_in_somebody_s_name(house: House) -> None:
    """Who speaks as a channel is nobody in particular."""
    with pytest.raises(RequestError, match="Say it as yourself"):
        await house.studio.ask_forget(house.asked(Person("telegram:-100", "A channel"), GROUP))


async def test_a_start_finishes_what_was_begun(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The housekeeping looks soon, not once a day."""
    await made(house, ZEBRA, ANA)
    await house.store.write(lambda tx: tx.begin_forgetting(ANA.key))
    monkeypatch.setattr("engine.housekeeping.LOOK_S", 0.01)
    keeper = asyncio.create_task(keep_house(world_of(house)))
    try:
        async with asyncio.timeout(20):
            while await house.store.read(lambda tx: tx.forgettings()):  # noqa: ASYNC110  # no event tells of it
                await asyncio.sleep(0.02)
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
    assert found(tmp_path) == {}


async def test_a_service_that_does_not_answer_is_not_asked_for_everything(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After some failures it is left alone, and so is one whose circuit is open; the person is forgotten all the same."""
    monkeypatch.setattr("engine.erasing.TASKS_AT_ONCE", 1)
    monkeypatch.setattr("engine.erasing.FAILURES", 1)
    for _ in range(3):
        await made(house, ZEBRA, ANA)
    await made(house, "a boat", BEN)
    for render in house.provider.renders.values():
        render.is_forgotten = False
    house.provider.forget_errors = [OSError("no answer")] * 3
    assert await confirmed(house)
    assert len(house.provider.forget_errors) == 2
    for subject in ("one", "two") * 3:
        world_of(house).circuits.failed(house.provider.name, subject, house.clock())
    assert await confirmed(house, BEN)
    assert len(house.provider.forget_errors) == 2
    assert not any(render.is_forgotten for render in house.provider.renders.values())


async def test_who_is_forgotten_does_not_wait_for_a_slow_service(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told that the rest goes by itself, and so it does; nor may all that is asked for take for ever."""
    await made(house, ZEBRA, ANA)
    goes_on = asyncio.Event()

    async def slow(task_id: str) -> None:
        await goes_on.wait()

    monkeypatch.setattr(house.provider, "forget", slow)
    monkeypatch.setattr("engine.erasing.FINISHED_WITHIN_S", 0.05)
    assert not await confirmed(house)
    (task,) = (each for each in asyncio.all_tasks() if each.get_name() == "forgetting")
    await stop_stragglers(world_of(house))  # as at the end of the program
    assert task.cancelled()
    monkeypatch.setattr("engine.erasing.TELL_ALL_S", 0.05)
    assert await finish_forgettings(world_of(house)) == 0
    assert found(tmp_path) == {}


async def test_the_file_is_made_anew_once_an_hour_at_most(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not at all at once for who made nothing; what was removed meanwhile is scrubbed when the hour is over."""
    scrubs: list[int] = []
    scrub = house.store.scrub

    async def counted() -> None:
        scrubs.append(1)
        await scrub()

    monkeypatch.setattr(house.store, "scrub", counted)
    assert await confirmed(house)
    assert scrubs == []
    house.clock.advance(SCRUB_AGAIN.total_seconds())
    assert await finish_forgettings(world_of(house)) == 0
    await finish_forgettings(world_of(house))
    assert len(scrubs) == 1
    await made(house, ZEBRA, ANA)
    assert await confirmed(house)
    assert len(scrubs) == 2
    house.clock.advance(SCRUB_AGAIN.total_seconds())
    await finish_forgettings(world_of(house))
    await finish_forgettings(world_of(house))
    assert len(scrubs) == 3
