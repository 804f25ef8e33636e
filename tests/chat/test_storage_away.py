"""A database that is away for a moment: whoever has patience is let have it, and what was asked is done once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.telegram import ear
from bot.web.site import WebSettings
from engine.errors import DiskFull, StorageError, StorageUnavailable
from storage import SqlStore
from storage.database import Database, T, Work
from tests.fakes.clock import FakeClock
from tests.fakes.telegram import Chat, FakeTelegram
from tests.house import House
from tests.telegram.asking import WAIT_S, endless, told, until
from tests.telegram.house import opened_bot
from tests.web.page import opened_page

SENTENCE = "The database did not answer in time; try again."


class Line:
    """The line to a database, which may be dead, or break right after a commit."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.error: StorageError = StorageUnavailable(SENTENCE)
        self.is_dead = False
        self.reads_are_dead = False
        self.loses_new_job = False
        """The answer to the next write that makes a job is lost."""
        self.dies_after_update = False
        """Dead from the next write on that keeps an update."""

    async def read(self, work: Work[T]) -> T:
        if self.is_dead or self.reads_are_dead:
            raise self.error
        return await self._database.read(work)

    async def write(self, work: Work[T]) -> T:
        if self.is_dead:
            raise self.error
        jobs, updates = await self.count("job"), await self.count("inbox")
        value = await self._database.write(work)
        if self.loses_new_job and await self.count("job") > jobs:
            self.loses_new_job = False
            raise self.error
        if self.dies_after_update and await self.count("inbox") > updates:
            self.is_dead = True
        return value

    async def scrub(self) -> None:
        await self._database.scrub()

    async def claim(self, work: Work[T]) -> T:
        if self.is_dead:
            raise self.error
        return await self._database.claim(work)

    async def close(self) -> None:
        await self._database.close()

    async def count(self, rows: str) -> int:
        query = text(f"SELECT count(*) FROM {rows}")  # noqa: S608  # words of this file
        return await self._database.read(lambda connection: connection.scalar(query)) or 0


def line_to(store: object) -> Line:
    """Everything that this store does goes over it from now on."""
    assert isinstance(store, SqlStore)
    line = Line(store.database)
    store.database = line
    return line


@contextmanager
def line_of(store: object) -> Iterator[Line]:
    """The same until the block is left."""
    line = line_to(store)
    try:
        yield line
    finally:
        line.is_dead = line.reads_are_dead = False


async def test_a_database_that_is_away_is_no_answer(house: House) -> None:
    """Whoever asked hears of it, and asks again: said and pressed."""
    await house.shot()
    with line_of(house.store) as line:
        line.is_dead = True
        with pytest.raises(StorageUnavailable):
            await house.say("/create a boat")
        with pytest.raises(StorageUnavailable):
            await house.press("delete", "a1-1")
        assert await line.count("job") == 1


async def test_a_full_disk_is_a_sentence(house: House) -> None:
    """Nobody can wait for the operator to make room."""
    with line_of(house.store) as line:
        line.is_dead, line.error = True, DiskFull("The disk is full; make room on it and try again.")
        for reply in (await house.say("/create a boat"), await house.press("delete", "a1-1")):
            assert reply is not None
            assert (reply.text, reply.is_error, reply.private) == (str(line.error), True, True)


@pytest.mark.parametrize("said", ["/create a boat", "/continue a boat", "/retake", "/stitch"])
async def test_a_command_whose_commit_lost_its_answer_is_done_once(house: House, said: str) -> None:
    """The same key again gives the same job."""
    await house.shot()
    with line_of(house.store) as line:
        line.loses_new_job = True
        with pytest.raises(StorageUnavailable):
            await house.say(said, key="update-x")
        assert await house.say(said, key="update-x") is None
        assert await line.count("job") == 2


async def test_the_page_tells_at_once_that_the_database_is_away(tmp_path: Path, clock: FakeClock) -> None:
    """In the tab that asked alone; said again with the same key, it is the same job."""
    async with opened_page(tmp_path, clock, WebSettings(port=0)) as web:
        message = web.message("/create a lamp")
        with line_of(web.house.store) as line:
            line.loses_new_job = True
            for sentence in (SENTENCE, None):
                async with web.post("/api/room/home/say", json=message) as answer:
                    data = await answer.json()
                    assert answer.status == 200, data
                    assert (data["private"] or {}).get("text") == sentence
            line.is_dead = True
            pressed = {"name": "Ana", "key": "key-press", "verb": "cancel", "target": "a1-1"}
            async with web.post("/api/room/home/press", json=pressed) as answer:
                data = await answer.json()
                assert answer.status == 200, data
                assert data["private"]["text"] == SENTENCE
            assert await line.count("job") == 1


# --- Telegram --------------------------------------------------------------------------------------------------------


@pytest.fixture
async def telegram(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeTelegram]:
    """A bot that is told to be quick with its patience."""
    monkeypatch.setattr(ear, "STORAGE_AGAIN_S", (0.01, 0.01, 0.02, 0.02))
    monkeypatch.setattr(ear, "STORAGE_AWAY_S", 0.05)
    async with FakeTelegram(flood=False) as server:
        yield server
    assert server.complaints == []


def waits(caplog: pytest.LogCaptureFixture) -> int:
    """How often the ear was told that the database is away."""
    return len([each for each in caplog.records if each.name == ear.__name__ and "update waits" in each.message])


def says_sentence(telegram: FakeTelegram, chat: Chat) -> int:
    return len([message for message in telegram.bot_messages(chat) if SENTENCE in message.text])


async def all_done(telegram: FakeTelegram, line: Line) -> None:
    """Every update is answered, and noted as that."""
    async with asyncio.timeout(WAIT_S):
        while await line.count("inbox WHERE done_at IS NULL"):  # noqa: ASYNC110  # the table wakes nobody
            await asyncio.sleep(0.02)


async def test_a_bot_refuses_nothing_whose_commit_lost_its_answer(telegram: FakeTelegram, tmp_path: Path) -> None:
    """The job is there, and one, and nobody is told otherwise."""
    ana = telegram.person("Ana")
    chat = telegram.private(ana)
    async with opened_bot(telegram, tmp_path, provider=endless()) as house:
        with line_of(house.store) as line:
            line.loses_new_job = True
            telegram.says(ana, chat, "/create a lamp")
            await told(telegram, chat, "a1-1 · by Ana")
            await all_done(telegram, line)
            assert not line.loses_new_job
        assert says_sentence(telegram, chat) == 0
        assert len(await house.studio.jobs(f"telegram:{chat.id}")) == 1


async def test_a_bot_waits_for_its_database_as_long_as_it_runs(
    telegram: FakeTelegram, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Longer than its first patience, and without a new start: the command is done when the database is back."""
    ana = telegram.person("Ana")
    chat = telegram.private(ana)
    async with opened_bot(telegram, tmp_path, provider=endless()) as house:
        with line_of(house.store) as line:
            line.dies_after_update = True
            telegram.says(ana, chat, "/create a lamp")
            await until(telegram, lambda: waits(caplog) > len(ear.STORAGE_AGAIN_S) + 3, "More than the first patience")
            line.is_dead = line.dies_after_update = False
            await told(telegram, chat, "a1-1 · by Ana")
            await all_done(telegram, line)
        assert says_sentence(telegram, chat) == 0
        assert len(await house.studio.jobs(f"telegram:{chat.id}")) == 1


async def test_what_is_left_waiting_at_the_end_is_done_at_the_next_start(
    telegram: FakeTelegram, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The row is there still, and nobody was told that it is not done."""
    ana = telegram.person("Ana")
    chat = telegram.private(ana)
    async with opened_bot(telegram, tmp_path, provider=endless()) as house:
        line = line_to(house.store)
        line.dies_after_update = True
        telegram.says(ana, chat, "/create a lamp")
        await until(telegram, lambda: waits(caplog) > len(ear.STORAGE_AGAIN_S) + 1, "More than the first patience")
    async with opened_bot(telegram, tmp_path, provider=endless()):
        await told(telegram, chat, "a1-1 · by Ana")
    assert says_sentence(telegram, chat) == 0


async def test_what_is_given_up_is_told_once(telegram: FakeTelegram, tmp_path: Path) -> None:
    """Updates can be noted as done, and this goes on failing: under a message, and to who pressed a button alone."""
    ana, ben = telegram.person("Ana"), telegram.person("Ben")
    group, hers = telegram.group("Film club", [ana, ben]), telegram.private(ana)
    async with opened_bot(telegram, tmp_path, provider=endless()) as house:
        telegram.says(ana, group, "/create a lamp")
        theirs = await told(telegram, group, "a1-1 · by Ana")
        telegram.says(ana, hers, "/create a boat")
        own = await told(telegram, hers, "b1-1 · by Ana")
        with line_of(house.store) as line:
            line.reads_are_dead = True
            alert = await telegram.presses(ana, theirs, "Cancel").answered(WAIT_S)
            assert (alert.text, alert.show_alert) == (SENTENCE, True)
            telegram.says(ben, group, "/stories")
            await told(telegram, group, SENTENCE)
            quiet = await telegram.presses(ana, own, "Cancel").answered(WAIT_S)
            assert (quiet.text, quiet.show_alert) == (None, False)
            await told(telegram, hers, SENTENCE)
            await all_done(telegram, line)
        telegram.says(ben, group, "/stories")
        await told(telegram, group, "a1 · “a lamp”")
        assert (says_sentence(telegram, group), says_sentence(telegram, hers)) == (1, 1)
