"""Whoever was heard is answered, once, and nothing is done twice: with lost answers, lost look-ups and notes that were not made."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from bot.discord import answers, handling, sentences
from engine.errors import StorageUnavailable
from engine.model import Person as Member
from engine.ports import Writer
from storage import Inbox
from tests.bot_process import rows_of
from tests.discord.asking import CALLBACK, WAIT_S, endless, jobs_of, shelved
from tests.discord.pictures import RED, still
from tests.discord.speaking import Club, club
from tests.fakes.discord import Message

ANSWER = "/webhooks/*/*/messages/*"
OPEN = "SELECT count(*) FROM inbox WHERE done_at IS NULL AND key LIKE 'discord:interaction/%'"


def open_rows(film_club: Club) -> int:
    return int(rows_of(film_club.house.settings.data_dir, OPEN)[0][0])


def shown(film_club: Club) -> list[Message]:
    """What everybody sees of the bot."""
    return [each for each in film_club.discord.bot_messages(film_club.channel) if not each.ephemeral_to]


def whispers(film_club: Club) -> list[Message]:
    return [each for each in film_club.discord.bot_messages(film_club.channel) if each.ephemeral_to]


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for the next try."""
    monkeypatch.setattr(answers, "AGAIN_S", (0.05, 0.05, 0.05))
    monkeypatch.setattr(answers, "LOOK_AGAIN_S", 0.05)
    monkeypatch.setattr(handling, "STORAGE_AGAIN_S", (0.05,))


@pytest.mark.usefixtures("hasty")
async def test_an_answer_that_was_lost_is_said_again_into_the_same_message(tmp_path: Path) -> None:
    """Nothing goes on thinking for ever."""
    async with club(tmp_path) as film_club:
        film_club.discord.fail_next("PATCH", ANSWER, 400, 0)  # told to be wrong once would be the end of it
        film_club.discord.server.faults.given.clear()
        film_club.discord.lose_answer("PATCH", ANSWER)
        asked = film_club.discord.slash(film_club.ana, film_club.channel, "stories")
        answer = await asked.answered(WAIT_S)
        await film_club.until(lambda: open_rows(film_club) == 0)
        assert len(film_club.discord.calls_of("PATCH", ANSWER)) == 2
        assert shown(film_club) == [answer]


@pytest.mark.usefixtures("hasty")
async def test_a_word_on_a_press_that_was_lost_stands_there_once(tmp_path: Path) -> None:
    """Carried out, and not known of: the same nonce again."""
    async with club(tmp_path) as film_club:
        await shelved(film_club.house, film_club.channel, film_club.ana, ["a lamp"])
        seen = await film_club.discord.slash(film_club.ana, film_club.channel, "show", clip="a1-1").answered(WAIT_S)
        film_club.discord.lose_answer("POST", "/channels/*/messages")
        film_club.discord.presses(film_club.ana, seen, "Delete")
        await film_club.until(lambda: any("was deleted" in each.text for each in shown(film_club)))
        await film_club.until(lambda: open_rows(film_club) == 0)
        assert [each.text for each in shown(film_club)][1:] == ["a1-1 was deleted."]


@pytest.mark.usefixtures("hasty")
async def test_a_refusal_that_cannot_be_whispered_at_first_still_comes(tmp_path: Path) -> None:
    """What waited in front of all is taken away only when the whisper is there."""
    async with club(tmp_path) as film_club:
        film_club.discord.lose_answer("PATCH", ANSWER)
        asked = film_club.discord.slash(film_club.ana, film_club.channel, "retake", shot="k7-1")
        answer = await asked.answered(WAIT_S)
        assert answer.ephemeral_to == film_club.ana
        await film_club.until(lambda: open_rows(film_club) == 0)
        assert shown(film_club) == []


@pytest.mark.usefixtures("hasty")
async def test_what_could_not_be_looked_up_is_not_left(tmp_path: Path) -> None:
    """The acknowledgement was carried out and its answer lost; nobody can be asked for a while, and then it is done."""
    async with club(tmp_path, endless()) as film_club:
        film_club.discord.lose_answer("POST", CALLBACK)
        film_club.discord.fail_next("GET", ANSWER, 500, 0, times=10**6)
        broken = film_club.discord.server.faults.given[-1]
        film_club.create()
        await film_club.until(lambda: len(film_club.discord.calls_of("GET", ANSWER)) > 0)
        assert open_rows(film_club) == 1
        broken.times = 0
        await film_club.told("a1-1 · by Ana")
        assert await jobs_of(film_club.house, film_club.channel) == 1


async def test_who_was_told_that_nothing_was_started_is_told_the_truth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hasty: None
) -> None:
    """The database took the interaction and its answer was lost: neither this process nor the next one acts on it."""
    del hasty
    keep = Inbox.keep

    async def keep_and_lose(self: Inbox, platform: str, updates: Any) -> Any:
        await keep(self, platform, updates)
        self._doubtful |= {key for key, _ in updates}  # as where the commit's own answer is lost
        raise StorageUnavailable("the answer of the database was lost")

    async with club(tmp_path, endless()) as film_club:
        monkeypatch.setattr(Inbox, "keep", keep_and_lose)
        asked = film_club.create()
        assert (await asked.answered(WAIT_S)).text == sentences.BUSY
        assert open_rows(film_club) == 1
        await film_club.stop()
        monkeypatch.setattr(Inbox, "keep", keep)
        await film_club.start()
        await film_club.until(lambda: open_rows(film_club) == 0)
        assert await jobs_of(film_club.house, film_club.channel) == 0

        monkeypatch.setattr(Inbox, "keep", keep_and_lose)
        assert (await film_club.create().answered(WAIT_S)).text == sentences.BUSY
        monkeypatch.setattr(Inbox, "keep", keep)
        await film_club.until(lambda: open_rows(film_club) == 0)
        assert await jobs_of(film_club.house, film_club.channel) == 0


@pytest.mark.parametrize("is_told", [True, False])
async def test_a_job_that_is_there_is_not_refused_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_told: bool
) -> None:
    """Its picture is gone by then and not needed any more; its status message stays."""

    async def forgets(self: handling.Handling, row_id: int) -> None:
        del self, row_id

    async with club(tmp_path, endless()) as film_club:
        monkeypatch.setattr(handling.Handling, "done", forgets)
        gate = None if is_told else film_club.discord.gate("PATCH", ANSWER)
        film_club.create(first_frame=("lamp.png", still(RED)))
        if gate is None:
            await film_club.told("a1-1 · by Ana")
        else:
            await film_club.until(gate.reached.is_set)
        monkeypatch.undo()
        await film_club.stop()
        if gate is not None:
            gate.release()
        await film_club.start()
        await film_club.told("a1-1 · by Ana")
        await film_club.until(lambda: open_rows(film_club) == 0)
        assert whispers(film_club) == []
        assert len(shown(film_club)) == 1
        assert await jobs_of(film_club.house, film_club.channel) == 1


async def test_a_channel_that_is_deleted_meanwhile_is_no_crash(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """There is nobody to tell."""
    caplog.set_level(logging.INFO)
    async with club(tmp_path) as film_club:
        gate = film_club.discord.gate("PATCH", ANSWER)
        film_club.discord.slash(film_club.ana, film_club.channel, "stories")
        await film_club.until(gate.reached.is_set)
        film_club.discord.deletes_channel(film_club.channel)
        gate.release()
        await film_club.until(lambda: open_rows(film_club) == 0)
        assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_a_list_makes_one_film(tmp_path: Path) -> None:
    """Pressed twice: the second time says that it is being made."""
    async with club(tmp_path) as film_club:
        discord, ana, channel = film_club.discord, film_club.ana, film_club.channel
        await shelved(film_club.house, channel, ana, ["a lamp", "a boat"])
        listed = await discord.slash(ana, channel, "stitch", pick=True).answered(WAIT_S)
        for code in ("a1-1", "a1-2"):
            await discord.selects(ana, listed, [code]).acked(WAIT_S)
        await film_club.until(lambda: "Stitch 2" in listed.buttons)
        discord.presses(ana, listed, "Stitch 2")
        again = discord.presses(ana, listed, "Stitch 2")
        assert (await again.answered(WAIT_S)).text == sentences.PICKED_ALREADY
        await film_club.until(lambda: any("a1-f1" in each.text for each in shown(film_club)), "The film")
        assert rows_of(film_club.house.settings.data_dir, "SELECT count(*) FROM job") == [(1,)]


async def test_who_is_one_person_elsewhere_is_offered_their_own_first(tmp_path: Path) -> None:
    """A Discord account that was joined to a Telegram one."""
    async with club(tmp_path, endless()) as film_club:
        await film_club.create().answered(WAIT_S)
        await film_club.discord.slash(film_club.ben, film_club.channel, "create", prompt="a boat").answered(WAIT_S)
        one = Member("telegram:1", "Ana")

        async def join(tx: Writer) -> None:
            await tx.know("telegram:1", one)
            await tx.join_persons(one, Member(f"discord:{film_club.ana.id}", "Ana"))

        await film_club.house.store.write(join)
        offered = await film_club.discord.autocomplete(film_club.ana, film_club.channel, "cancel", "shot", "")
        assert [choice.value for choice in offered] == ["a1-1", "b1-1"]
