"""When an answer of the server is lost: what may have arrived is looked for, and a clip arrives once."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import aiohttp
import discord
import pytest

from bot import delivery
from bot.discord import adapter, wire
from bot.discord.faults import is_over, is_shut_out, outcome_of
from bot.message import NotSent, SendUnknown
from engine.errors import Refused
from tests.discord.speaking import (
    QUARTER_S,
    WAIT_S,
    Club,
    club,
    delivered,
    endless,
    ready,
    refused,
    shows_film,
    words_of,
)
from tests.fakes.discord import Message

NONCES_S = 400.0
"""Longer than a nonce is known."""


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What may have arrived is looked for in a moment, and progress is told several times a second."""
    monkeypatch.setattr(adapter, "EDIT_EVERY_S", 0.2)
    monkeypatch.setattr(delivery, "SEND_AGAIN_S", 0.5)


async def _rendering(film_club: Club) -> Message:
    film_club.create()
    return await film_club.told("rendering")


def _answered(film_club: Club, message: Message) -> list[Message]:
    return [each for each in film_club.said() if each.reference == message.id]


def _answer(status: int, headers: dict[str, str] | None = None) -> aiohttp.ClientResponse:
    class Response:
        def __init__(self) -> None:
            self.status, self.reason, self.headers = status, "", headers or {}

    return Response()  # type: ignore[return-value]  # all that the library's errors read


def _refusal(status: int, code: int = 0, headers: dict[str, str] | None = None) -> discord.HTTPException:
    kinds = {403: discord.Forbidden, 404: discord.NotFound, 503: discord.DiscordServerError}
    made = kinds.get(status, discord.HTTPException)
    return made(_answer(status, headers), {"code": code, "message": ""})


@pytest.mark.parametrize(
    ("error", "again_in_s"),
    [
        (discord.RateLimited(42.0), 42.0),
        (_refusal(429, headers={"Retry-After": "7"}), 7.0),
        (_refusal(429), 10.0),
        (_refusal(401), 60.0),
        (_refusal(403), 60.0),
        (_refusal(400, 50035), None),
        (_refusal(404, 10008), None),
    ],
    ids=str,
)
def test_what_certainly_did_not_arrive(error: Exception, again_in_s: float | None) -> None:
    """With the time after which it may be tried again; None: never."""
    outcome = outcome_of(error)
    assert isinstance(outcome, NotSent)
    assert outcome.retry_after_s == again_in_s


@pytest.mark.parametrize(
    "error",
    [_refusal(503), TimeoutError(), aiohttp.ServerDisconnectedError(), ConnectionResetError()],
    ids=lambda error: type(error).__name__,
)
def test_what_may_have_arrived(error: Exception) -> None:
    """It is looked for."""
    assert isinstance(outcome_of(error), SendUnknown)


def test_what_is_over_or_closed_is_told_from_what_passes() -> None:
    """By the server's own codes: 401 and 403 alone do not say for how long."""
    assert is_over(_refusal(401, 50027))
    assert not is_over(_refusal(401))
    assert is_shut_out(_refusal(403, 50013))
    assert not is_shut_out(_refusal(400, 160002))
    assert not is_shut_out(_refusal(403)), "A page in place of an answer says nothing about a channel"


async def test_a_result_whose_answer_was_lost_is_there_once(tmp_path: Path) -> None:
    """The server knows its nonce and gives the message that is there; its buttons work."""
    async with club(tmp_path, endless()) as film_club:
        status = await _rendering(film_club)
        film_club.discord.deny(film_club.channel, "read_message_history")
        film_club.discord.lose_answer("POST", f"/channels/{film_club.channel.id}/messages", times=2)
        film_club.finish()
        film = await film_club.film()
        await delivered(film_club.house)
        assert film_club.said() == [status, film]


@pytest.mark.parametrize("restarts", [False, True], ids=["lives", "restarts"])
async def test_a_result_that_arrived_long_ago_is_found_in_its_channel(tmp_path: Path, restarts: bool) -> None:
    """When nobody knows its nonce any more, below the status message; also by a bot that was started anew."""
    async with club(tmp_path, endless()) as film_club:
        status = await _rendering(film_club)
        posts = f"/channels/{film_club.channel.id}/messages"
        for number in range(320):
            film_club.discord.says(film_club.ben, film_club.channel, f"meanwhile {number}")
        gate = film_club.discord.gate("POST", posts, after=True)
        film_club.finish()
        film = await film_club.film()
        await film_club.until(gate.reached.is_set)
        for number in range(60):
            film_club.discord.says(film_club.ben, film_club.channel, f"chat {number}")
        film_club.pass_s(NONCES_S)
        if restarts:
            await film_club.stop()
            await film_club.start()
        else:
            film_club.discord.lose_answer("POST", posts)
            gate.release()
        await delivered(film_club.house)
        assert film_club.said() == [status, film]
        assert len(film_club.posts()) == 1


async def test_a_status_message_whose_answer_was_lost_is_there_once(tmp_path: Path) -> None:
    """The first words are said again into the same message, and edits go on from there."""
    async with club(tmp_path, endless()) as film_club:
        film_club.discord.lose_answer("PATCH", "/webhooks/*/*/messages/*")
        asked = film_club.create()
        status = await film_club.told("rendering")
        assert asked.original is status
        await film_club.edited(status)
        film_club.finish()
        film = await film_club.film()
        assert film_club.said() == [status, film]
        assert len(film_club.edits_by_token(status)) == 2


@pytest.mark.parametrize("status", [500, 503])
async def test_a_server_that_breaks_is_asked_again(tmp_path: Path, status: int) -> None:
    """By the library, or by us: the clip comes once."""
    async with club(tmp_path, endless()) as film_club:
        shown = await _rendering(film_club)
        film_club.discord.fail_next("POST", f"/channels/{film_club.channel.id}/messages", status)
        film_club.finish()
        film = await film_club.film()
        await delivered(film_club.house)
        assert film_club.said() == [shown, film]


async def test_an_upload_that_takes_too_long_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It arrived after all; there is one."""
    monkeypatch.setattr(wire, "UPLOAD_S", 0.5)
    async with club(tmp_path, endless()) as film_club:
        status = await _rendering(film_club)
        gate = film_club.discord.gate("POST", f"/channels/{film_club.channel.id}/messages", after=True)
        film_club.finish()
        film = await film_club.film()
        film_club.pass_s(NONCES_S)
        await delivered(film_club.house)
        gate.release()
        assert film_club.said() == [status, film]


async def test_a_lost_followup_is_shown_in_the_first_message_instead_of_twice(tmp_path: Path) -> None:
    """A followup has no nonce and cannot be looked for; to edit twice is to edit once."""
    async with club(tmp_path, endless()) as film_club:
        where = film_club.discord.foreign_channel("somebody else's", [film_club.ana])
        asked = film_club.create(where=where)
        await film_club.told("rendering", where)
        film_club.discord.lose_answer("POST", "/webhooks/*/*")
        film_club.finish()
        await delivered(film_club.house)
        assert asked.original is not None
        assert shows_film(asked.original, "a1-1")
        assert asked.original.text.endswith("(shown here, as it is not known whether it arrived below)")
        assert len(film_club.followups()) == 1
        assert len(film_club.said(where)) == 2


async def test_a_private_message_whose_answer_was_lost_is_there_once(tmp_path: Path) -> None:
    """Also when its nonce is forgotten."""
    async with club(tmp_path, endless()) as film_club:
        where = film_club.discord.foreign_channel("somebody else's", [film_club.ana])
        film_club.create(where=where)
        await film_club.told("rendering", where)
        film_club.pass_s(QUARTER_S)
        mine = film_club.discord.dm(film_club.ana)
        film_club.discord.lose_answer("POST", f"/channels/{mine.id}/messages")
        film_club.finish()
        film = await film_club.film(where=mine)
        film_club.pass_s(NONCES_S)
        await delivered(film_club.house)
        assert film_club.said(mine) == [film]


async def test_an_older_message_that_says_the_same_is_not_taken_for_the_lost_one(tmp_path: Path) -> None:
    """A shot failed twice for the same reason: the second time is told too, below its own status message."""
    provider = endless()
    async with club(tmp_path, provider) as film_club:
        told: list[Message] = []
        for number, command in enumerate(({"name": "create", "prompt": "a lamp"}, {"name": "retake", "shot": "a1-1"})):
            provider.gate = asyncio.Event()
            provider.submit_errors = [Refused("That prompt is not allowed there.")]
            asked = film_club.discord.slash(film_club.ana, film_club.channel, command.pop("name"), **command)
            status = await asked.answered(WAIT_S)
            if number:
                film_club.discord.fail_next("POST", f"/channels/{film_club.channel.id}/messages", 503)
            provider.gate.set()
            await film_club.until(partial(_answered, film_club, status), "What is told below it")
            told += _answered(film_club, status)
        assert [words_of(message) for message in told] == [words_of(told[0])] * 2


async def test_a_bots_token_that_is_refused_for_a_while_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody made a new one and has not told us yet: what is owed waits, without asking all the time."""
    monkeypatch.setattr("bot.discord.faults.TOKEN_AGAIN_S", 1.0)
    async with club(tmp_path, endless()) as film_club:
        status = await _rendering(film_club)
        film_club.discord.fail_next("*", f"/channels/{film_club.channel.id}/**", 401, times=3)
        film_club.finish()
        film = await film_club.film()
        await delivered(film_club.house)
        assert film.reference == status.id
        assert len(refused(film_club.discord.calls)) == 3
        await ready(film_club.house)
