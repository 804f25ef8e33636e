"""When the server wants a pause, or a channel is flooded: results come first, nothing is lost, and nobody goes on asking."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bot.discord import adapter, wire
from bot.discord.budget import Pace
from tests.discord.speaking import (
    OLD_ONLY,
    QUICK,
    WAIT_S,
    Club,
    club,
    delivered,
    endless,
    refused,
    shows_film,
    without_via,
)
from tests.fakes.discord import Call, Channel, Message
from tests.fakes.discord_api import buckets
from tests.fakes.discord_api.refusals import Refusal

__all__ = ["without_via"]


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress is told several times a second."""
    monkeypatch.setattr(adapter, "EDIT_EVERY_S", 0.2)


async def _rendering(film_club: Club, where: Channel | None = None) -> Message:
    status = await film_club.create(where=where).answered(WAIT_S)
    await film_club.says(status, "rendering")
    return status


def _patience(film_club: Club, seconds: float) -> None:
    """How long the library may wait by itself; it lets nobody set less than half a minute."""
    film_club.wire.client().http.max_ratelimit_timeout = seconds


def _spoken(film_club: Club, where: Channel | None = None) -> list[Call]:
    """What was written with the bot's token, there or anywhere."""
    path = "/channels/**" if where is None else f"/channels/{where.id}/**"
    return [*film_club.discord.calls_of("POST", path), *film_club.discord.calls_of("PATCH", path)]


def _pauses(calls: list[Call]) -> tuple[float, float]:
    """When the first was refused, and the first of those that came after it; what was on its way then does not count."""
    refused_at_s = next(call.at_s for call in calls if call.status == 429)
    return refused_at_s, min((call.at_s for call in calls if call.at_s > refused_at_s + 0.5), default=float("inf"))


async def test_a_short_pause_is_waited_out_and_the_clip_comes_once(tmp_path: Path) -> None:
    """429 on the video itself, and on the first words before it."""
    async with club(tmp_path, endless()) as film_club:
        film_club.discord.fail_next("PATCH", "/webhooks/*/*/messages/*", 429, retry_after_s=0.3)
        status = await _rendering(film_club)
        film_club.discord.fail_next("POST", f"/channels/{film_club.channel.id}/messages", 429, retry_after_s=0.5)
        film_club.finish()
        film = await film_club.film()
        await delivered(film_club.house)
        assert film_club.said() == [status, film]
        first, second = film_club.posts()
        assert second.at_s - first.at_s >= 0.5
        assert film_club.discord.buckets.invalid == 2


async def test_a_channel_that_wants_a_long_pause_waits_alone(tmp_path: Path) -> None:
    """Its progress is dropped and its result waits as long as told; another channel notices nothing."""
    provider = endless()
    async with club(tmp_path, provider) as film_club:
        other = film_club.discord.channel(film_club.guild, "elsewhere")
        _patience(film_club, 0.5)
        hers = await _rendering(film_club)
        his = await _rendering(film_club, other)
        film_club.discord.fail_next("PATCH", f"/channels/{film_club.channel.id}/messages/*", 429, retry_after_s=3)
        await film_club.until(lambda: refused(film_club.edits_by_bot(hers)), "The refusal")
        await film_club.edited(his, times=3)
        film_club.finish()
        await film_club.film("b1-1", where=other)
        film = await film_club.film()
        refused_at_s, again_at_s = _pauses(_spoken(film_club, film_club.channel))
        assert again_at_s - refused_at_s >= 2.9
        assert film.reference == hers.id
        assert film_club.discord.buckets.invalid == 1


@pytest.mark.usefixtures("without_via")
async def test_a_ban_of_the_address_silences_everything_until_it_is_over(tmp_path: Path) -> None:
    """What stands before the server says so without `Via`: one refusal is enough, and every clip comes afterwards."""
    async with club(tmp_path, endless()) as film_club:
        other = film_club.discord.channel(film_club.guild, "elsewhere")
        statuses = [await _rendering(film_club), await _rendering(film_club, other)]
        film_club.discord.fail_next("PATCH", f"/channels/{film_club.channel.id}/messages/*", 429, retry_after_s=2)
        await film_club.until(lambda: refused(film_club.edits_by_bot(statuses[0])), "The refusal")
        film_club.finish()
        films = [await film_club.film(), await film_club.film("b1-1", where=other)]
        refused_at_s, again_at_s = _pauses(_spoken(film_club))
        assert again_at_s - refused_at_s >= 1.9
        assert [film.reference for film in films] == [status.id for status in statuses]
        assert film_club.discord.buckets.invalid == 1


async def test_a_limit_on_everything_is_kept_and_does_not_close_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library waits for all of us; interrupted in that, it would never let anybody speak again."""
    monkeypatch.setattr(wire, "TEXT_S", 0.5)
    async with club(tmp_path, endless()) as film_club:
        status = await _rendering(film_club)
        refusal = Refusal(429, 0, "You are being rate limited.")
        refusal.retry_after_s, refusal.is_global = 5.0, True
        film_club.discord.server.faults.add("PATCH", "/channels/*/messages/*", 1, refusal=refusal)
        await film_club.until(lambda: refused(film_club.edits_by_bot(status)), "The refusal")
        film_club.finish()
        film = await film_club.film()
        await film_club.says(status, "done in")
        assert film_club.said() == [status, film]
        assert film_club.discord.buckets.invalid == 1


async def test_a_flooded_channel_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight clips are done at once where five messages pass in a second: all arrive, and not one request is refused."""
    limits = {key: (most, 1.0) for key, (most, _) in buckets.LIMITS.items()}
    monkeypatch.setattr(buckets, "LIMITS", limits)
    provider = endless()
    provider.pace = replace(QUICK, in_flight=8)
    async with club(tmp_path, provider, flood=True, pace=Pace(window_s=1.05)) as film_club:
        asked = [film_club.create(f"lamp {number}") for number in range(8)]
        statuses = [await each.answered(WAIT_S) for each in asked]
        await film_club.until(lambda: len(provider.renders) == 8, "Eight renders")
        film_club.finish()
        await film_club.until(lambda: sum(map(shows_film, film_club.said())) == 8, "Eight films")
        for number in range(8):
            await delivered(film_club.house, number + 1)
        for status in statuses:
            await film_club.says(status, "done in")
        films = [message for message in film_club.said() if shows_film(message)]
        assert sorted(film.reference or 0 for film in films) == sorted(status.id for status in statuses)
        assert refused(film_club.discord.calls) == []


async def test_results_come_before_the_words_of_others(tmp_path: Path) -> None:
    """Three messages pass in four seconds: a clip does not wait for those that tell how the others stand."""
    provider = endless()
    provider.pace = replace(QUICK, in_flight=4)
    async with club(tmp_path, provider, pace=Pace(most=3, window_s=4.0)) as film_club:
        for number in range(4):
            await film_club.create(f"lamp {number}").answered(WAIT_S)
        await film_club.until(lambda: len(provider.renders) == 4, "Four renders")
        provider.renders["task-1"].checks = provider.finishes_at_check
        await film_club.discord.wait_for_message(film_club.channel, shows_film, WAIT_S)
        film_club.finish()
        await film_club.until(lambda: sum(map(shows_film, film_club.said())) == 4, "Four films")
        told = [call for call in _spoken(film_club) if call.status == 200]
        times = sorted(call.at_s for call in told)
        assert all(later - earlier >= 3.9 for earlier, later in zip(times, times[3:], strict=False))


async def test_an_old_message_that_was_edited_too_often_is_left_alone_for_a_while(tmp_path: Path) -> None:
    """30046 comes although our own count allowed it; others in the channel are not silenced by it."""
    async with club(tmp_path, endless(), pace=OLD_ONLY) as film_club:
        _patience(film_club, 0.5)
        status = await _rendering(film_club)
        film_club.pass_s(3_700)
        film_club.discord.fail_next(
            "PATCH", f"/channels/{film_club.channel.id}/messages/*", 429, 30046, retry_after_s=3
        )
        await film_club.until(lambda: refused(film_club.edits_by_bot(status)), "The refusal")
        film_club.finish()
        film = await film_club.film()
        refused_at_s, _ = _pauses(_spoken(film_club))
        posted = next(call for call in film_club.posts() if call.status == 200)
        await film_club.says(status, "done in")
        edits = film_club.edits_by_bot(status)
        again_at_s = min(call.at_s for call in edits if call.at_s > refused_at_s)
        assert again_at_s - refused_at_s >= 4.9
        assert posted.at_s < again_at_s
        assert film_club.said() == [status, film]


async def test_a_place_that_is_lost_is_not_asked_all_the_time(tmp_path: Path) -> None:
    """Ten renders of a server that threw the bot out: one question for all their progress, two for each end."""
    provider = endless()
    provider.pace = replace(QUICK, in_flight=10)
    async with club(tmp_path, provider) as film_club:
        asked = [film_club.create(f"lamp {number}") for number in range(10)]
        for each in asked:
            await each.answered(WAIT_S)
        await film_club.until(lambda: len(provider.renders) == 10, "Ten renders")
        film_club.discord.kicks_bot(film_club.guild)
        before = film_club.discord.buckets.invalid
        await asyncio.sleep(2)
        assert film_club.discord.buckets.invalid - before <= 1
        film_club.finish()
        for number in range(10):
            await delivered(film_club.house, number + 1)
        assert film_club.discord.buckets.invalid - before <= 21
