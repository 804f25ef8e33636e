"""The one status message of a job and what comes after it: who edits it, what it tells, whom the result calls."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bot.discord import adapter, changes
from bot.discord.budget import Pace
from engine.errors import Refused, Unconfirmed
from engine.providers.base import Rendering
from tests.discord.speaking import (
    HOUR_S,
    OLD_ONLY,
    QUARTER_S,
    QUICK,
    WAIT_S,
    Club,
    club,
    delivered,
    endless,
    files_of,
    quick,
    refused,
    shows_film,
    without_via,
)
from tests.fakes.discord import Message
from tests.telegram.plain_http import jpeg

__all__ = ["without_via"]
MANY = [Rendering(percent / 10) for percent in range(1, 1_000)]


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress is told several times a second."""
    monkeypatch.setattr(adapter, "EDIT_EVERY_S", 0.2)


async def _rendering(film_club: Club, code: str = "a1-1") -> Message:
    """The status message of a job that renders."""
    status = await film_club.told(f"{code} · by Ana")
    await film_club.says(status, "rendering")
    return status


@pytest.mark.usefixtures("hasty")
async def test_one_message_is_edited_by_the_bot_and_the_result_is_a_new_one_below_it(tmp_path: Path) -> None:
    """The interaction's token serves for the first words only; the result replies, and calls the one who asked alone."""
    async with club(tmp_path, endless()) as film_club:
        asked = film_club.create()
        status = await _rendering(film_club)
        assert asked.original is status
        film_club.provider.check_answers = list(MANY)
        await film_club.until(lambda: len(film_club.edits_by_bot(status)) >= 4, "Four edits")
        assert status.buttons == ["Cancel"]
        film_club.finish()
        film = await film_club.film()
        await delivered(film_club.house)
        assert film.reference == status.id
        assert film.pings == {film_club.ana.id}
        assert film.content.startswith(f"<@{film_club.ana.id}> a1-1 ")
        assert film.buttons == ["Continue", "Retake", "Stitch", "Download", "Delete"]
        assert "done in" in status.text
        assert (status.buttons, status.pings) == ([], frozenset())
        assert len(film_club.edits_by_token(status)) == 1
        assert film_club.followups() == []
        assert film_club.said() == [status, film]


@pytest.mark.usefixtures("without_via")
async def test_a_render_that_overtakes_its_status_message_is_what_the_waiting_message_becomes(tmp_path: Path) -> None:
    """Nothing goes on "thinking": the message that the interaction was answered with shows the clip."""
    async with club(tmp_path, quick()) as film_club:
        film_club.discord.fail_next("PATCH", "/webhooks/*/*/messages/*", 429, retry_after_s=2)
        asked = film_club.create()
        film = await film_club.film()
        await delivered(film_club.house)
        assert asked.original is film
        assert not film.loading
        assert film.buttons == ["Continue", "Retake", "Stitch", "Download", "Delete"]
        assert film_club.said() == [film]
        assert film_club.posts() == []


@pytest.mark.usefixtures("hasty")
async def test_a_render_of_an_hour_is_told_of_to_its_end(tmp_path: Path) -> None:
    """After a quarter of an hour the token is over and edits go on; after an hour they keep to the slower limit."""
    async with club(tmp_path, endless(), flood=True, pace=OLD_ONLY) as film_club:
        asked = film_club.create()
        status = await _rendering(film_club)
        film_club.provider.check_answers = list(MANY)
        for passed_s in (QUARTER_S, HOUR_S):
            film_club.pass_s(passed_s)
            assert asked.token_is_dead
            await film_club.edited(status)
        await asyncio.sleep(1.2)
        film_club.finish()
        film = await film_club.film()
        await delivered(film_club.house)
        assert film.reference == status.id
        await film_club.says(status, "done in")
        assert len(film_club.edits_by_token(status)) == 1
        assert refused(film_club.discord.calls) == []


@pytest.mark.usefixtures("hasty")
async def test_progress_of_many_does_not_starve_a_result(tmp_path: Path) -> None:
    """Four renders tell of themselves in one channel; the clip that is done comes all the same, and nothing is refused."""
    provider = endless()
    provider.pace = replace(QUICK, in_flight=4)
    async with club(tmp_path, provider, flood=True, pace=Pace()) as film_club:
        for number in range(4):
            film_club.create(f"lamp {number}")
        for number in range(4):
            await film_club.told(f"“lamp {number}”")
        await film_club.until(lambda: len(provider.renders) == 4, "Four renders")
        await asyncio.sleep(1.5)
        provider.renders["task-1"].checks = provider.finishes_at_check
        began = time.monotonic()
        await film_club.discord.wait_for_message(film_club.channel, shows_film, WAIT_S)
        assert time.monotonic() - began < 15
        assert refused(film_club.discord.calls) == []


@pytest.mark.usefixtures("hasty")
async def test_a_preview_is_shown_and_gone_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As an attachment, changed seldom, kept by the edits between; the last words stand without it."""
    picture = tmp_path / "preview.jpg"
    picture.write_bytes(jpeg())
    async with club(tmp_path / "data", endless()) as film_club:
        film_club.create()
        status = await _rendering(film_club)
        assert files_of(status) == []
        film_club.provider.check_answers = [Rendering(percent / 10, picture) for percent in range(1, 1_000)]
        await film_club.until(lambda: files_of(status) == ["preview.jpg"], "The preview")
        first = status.attachments[0].id
        await film_club.edited(status, times=3)
        assert [file.id for file in status.attachments] == [first]
        assert status.buttons == ["Cancel"]
        monkeypatch.setattr(changes, "PICTURE_EVERY_S", 0.0)
        await film_club.until(lambda: status.attachments[0].id != first, "Another preview")
        assert files_of(status) == ["preview.jpg"]
        film_club.finish()
        await film_club.film()
        assert "done in" in status.text
        assert files_of(status) == []


async def test_a_render_that_is_cancelled_says_so_in_its_place(tmp_path: Path) -> None:
    """Its last words, without a button, and nothing is said below it."""
    async with club(tmp_path, endless()) as film_club:
        film_club.create()
        status = await _rendering(film_club)
        film_club.discord.presses(film_club.ana, status, "Cancel")
        await film_club.says(status, "cancelled")
        assert status.buttons == []
        await asyncio.sleep(0.3)
        assert [message for message in film_club.said() if not message.ephemeral_to] == [status]


async def test_a_failure_calls_its_person_and_can_be_tried_again(tmp_path: Path) -> None:
    """What happened and whether it was charged, below the status message."""
    provider = endless()
    provider.gate = asyncio.Event()
    provider.submit_errors = [Refused("That prompt is not allowed there.", provider="scripted")]
    async with club(tmp_path, provider) as film_club:
        status = await film_club.create().answered(WAIT_S)
        provider.gate.set()
        failed = await film_club.told("Nothing was charged.")
        assert "That prompt is not allowed there." in failed.text
        assert failed.reference == status.id
        assert failed.pings == {film_club.ana.id}
        assert failed.buttons == ["Try again"]
        await film_club.says(status, "failed")
        assert status.buttons == []
        film_club.discord.presses(film_club.ana, failed, "Try again")
        again = await film_club.told("rendering")
        assert again.id > failed.id


async def test_a_render_in_doubt_asks_its_person(tmp_path: Path) -> None:
    """It calls them, with both ways out; the one that may cost twice goes on under the same status message."""
    provider = endless()
    provider.lose_answers = [Unconfirmed("The answer was lost.", provider="scripted")]
    provider.gate = asyncio.Event()
    async with club(tmp_path, provider) as film_club:
        film_club.create()
        status = await film_club.told("starting")
        provider.gate.set()
        asks = await film_club.discord.wait_for_message(film_club.channel, lambda message: len(message.buttons) == 2)
        assert asks.buttons == ["Send again (may cost twice)", "Leave it"]
        assert asks.reference == status.id
        assert asks.pings == {film_club.ana.id}
        assert status.buttons == []
        film_club.discord.presses(film_club.ana, asks, "Send again")
        film_club.finish()
        film = await film_club.film()
        await film_club.says(status, "done in")
        assert film.reference == status.id


async def test_nothing_depends_on_the_status_message(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Somebody deleted it: the video comes once all the same, as a reply to nothing."""
    async with club(tmp_path, endless()) as film_club:
        film_club.create()
        status = await _rendering(film_club)
        film_club.discord.deletes(status)
        with caplog.at_level(logging.WARNING):
            film_club.finish()
            film = await film_club.film()
            await delivered(film_club.house)
        assert film.reference is None
        assert film_club.said() == [film]
        warned = [each for each in caplog.records if each.levelno >= logging.WARNING]
        assert [record.message for record in warned if record.name.startswith("bot")] == []


async def test_a_status_message_that_comes_too_late_for_the_token_is_the_bots_own(tmp_path: Path) -> None:
    """The bot was away for a quarter of an hour: what waits for an answer is left, and the job tells of itself below."""
    async with club(tmp_path, endless()) as film_club:
        gate = film_club.discord.gate("POST", "/interactions/*/*/callback", after=True)
        asked = film_club.create()
        await film_club.until(gate.reached.is_set)
        film_club.pass_s(QUARTER_S + 1)
        gate.release()
        status = await film_club.told("rendering")
        assert status is not asked.original
        assert film_club.edits_by_token(status) == []
        film_club.finish()
        assert (await film_club.film()).reference == status.id
