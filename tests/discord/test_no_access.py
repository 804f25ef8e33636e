"""Where the bot itself cannot write, or not any more: after the interaction, else to its person alone, else kept.

Longer than a room: one place after the other in which the bot cannot speak.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.discord import adapter, sentences, wire
from engine.providers.base import Rendering
from tests.discord.speaking import (
    QUARTER_S,
    WAIT_S,
    Club,
    club,
    delivered,
    endless,
    files_of,
    ready,
    refused,
    shows_film,
)
from tests.fakes.discord import Channel, Interaction, Message
from tests.telegram.plain_http import jpeg

ALONE = "(sent to you alone, as I cannot write where you asked)"
KEPT = "it could not be shown here, and is kept: /show a1-1"


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress is told several times a second."""
    monkeypatch.setattr(adapter, "EDIT_EVERY_S", 0.2)


def _foreign(film_club: Club) -> Channel:
    return film_club.discord.foreign_channel("somebody else's", [film_club.ana])


def _group(film_club: Club) -> Channel:
    return film_club.discord.foreign_channel("friends", [film_club.ana, film_club.ben], in_guild=False)


def _private(film_club: Club) -> Channel:
    return film_club.discord.private_chat(film_club.ana, film_club.ben)


async def _rendering(film_club: Club, asked: Interaction) -> Message:
    """Its status message, once it renders."""
    status = await asked.answered(WAIT_S)
    await film_club.says(status, "rendering")
    return status


async def _listed(film_club: Club, words: str) -> Message:
    """What /history says to Ana in her messages with the bot."""
    mine = film_club.discord.dm(film_club.ana)
    listed = await film_club.discord.slash(film_club.ana, mine, "history", mine=True).answered(WAIT_S)
    assert words in listed.text
    return mine.messages[listed.id]


@pytest.mark.parametrize("place", [_foreign, _group, _private], ids=["server", "group", "private chat"])
async def test_a_user_install_is_answered_by_its_token(tmp_path: Path, place: Callable[[Club], Channel]) -> None:
    """The status message and its edits, and the result after it; the bot itself asks for nothing there."""
    async with club(tmp_path, endless()) as film_club:
        where = place(film_club)
        asked = film_club.create(where=where)
        status = await _rendering(film_club, asked)
        assert sentences.NO_ACCESS in status.text
        await film_club.edited(status, times=2)
        film_club.finish()
        film = await film_club.film(where=where)
        await delivered(film_club.house)
        assert film.pings == {film_club.ana.id}
        assert film.interaction is not None
        assert film.buttons == ["Continue", "Retake", "Stitch", "Download", "Delete"]
        assert film_club.said(where) == [status, film]
        await film_club.says(status, "done in")
        assert film_club.discord.calls_of("*", f"/channels/{where.id}/**") == []
        assert film_club.discord.calls_of("POST", "/users/@me/channels") == []
        assert refused(film_club.discord.calls) == []


async def test_a_token_outlives_the_process_that_was_given_it(tmp_path: Path) -> None:
    """The bot is started anew in the middle of a render: what it says still follows the interaction."""
    async with club(tmp_path, endless()) as film_club:
        where = _foreign(film_club)
        status = await _rendering(film_club, film_club.create(where=where))
        await film_club.stop()
        await film_club.start()
        await film_club.edited(status)
        film_club.finish()
        film = await film_club.film(where=where)
        assert film_club.said(where) == [status, film]
        assert refused(film_club.discord.calls) == []


async def test_what_takes_longer_than_the_token_comes_as_a_private_message(tmp_path: Path) -> None:
    """With a word on why; the first message had said so."""
    async with club(tmp_path, endless()) as film_club:
        where = _foreign(film_club)
        asked = film_club.create(where=where)
        status = await _rendering(film_club, asked)
        film_club.pass_s(QUARTER_S)
        film_club.finish()
        mine = film_club.discord.dm(film_club.ana)
        film = await film_club.film(where=mine)
        await delivered(film_club.house)
        assert film.text.endswith(ALONE)
        assert film_club.said(where) == [status]
        assert film_club.said(mine) == [film]
        assert refused(film_club.discord.calls) == []


async def test_who_takes_no_private_messages_finds_the_clip_in_history(tmp_path: Path) -> None:
    """It is kept: listed for its person, shown where it was asked for."""
    async with club(tmp_path, endless(), dms_open=False) as film_club:
        where = _foreign(film_club)
        asked = film_club.create(where=where)
        await _rendering(film_club, asked)
        film_club.pass_s(QUARTER_S)
        film_club.finish()
        await ready(film_club.house)
        mine = film_club.discord.dm(film_club.ana)
        await film_club.until(lambda: 50007 in refused(film_club.posts(mine)), "The refusal")
        listed = await film_club.discord.slash(film_club.ana, where, "history").answered(WAIT_S)
        assert "a1-1 · Ana · a lamp" in listed.text
        shown = await film_club.discord.slash(film_club.ana, where, "show", clip="a1-1").answered(WAIT_S)
        assert shows_film(shown)
        assert len(film_club.posts(mine)) == 1


async def test_the_status_message_says_that_a_clip_is_kept(tmp_path: Path) -> None:
    """No files are taken there, and none in private: the words can still be changed."""
    async with club(tmp_path, endless(), dms_open=False) as film_club:
        asked = film_club.create()
        status = await _rendering(film_club, asked)
        film_club.discord.deny(film_club.channel, "attach_files")
        film_club.pass_s(QUARTER_S)
        film_club.finish()
        await film_club.says(status, KEPT)
        assert film_club.said() == [status]


@pytest.mark.parametrize("lacks", ["view_channel", "send_messages"])
async def test_a_channel_that_the_bot_may_not_write_in_is_answered_by_token(tmp_path: Path, lacks: str) -> None:
    """As if it were no member: not one request is refused."""
    async with club(tmp_path, endless()) as film_club:
        film_club.discord.deny(film_club.channel, lacks)
        asked = film_club.create()
        status = await _rendering(film_club, asked)
        assert sentences.NO_ACCESS in status.text
        film_club.finish()
        film = await film_club.film()
        await delivered(film_club.house)
        assert film_club.said() == [status, film]
        assert refused(film_club.discord.calls) == []


async def test_a_channel_that_takes_no_files_gets_words_and_the_clip_by_token(tmp_path: Path) -> None:
    """A preview that is refused costs nothing but itself; the clip follows the interaction, and later goes to its person."""
    picture = tmp_path / "preview.jpg"
    picture.write_bytes(jpeg())
    async with club(tmp_path / "data", endless()) as film_club:
        film_club.discord.deny(film_club.channel, "attach_files")
        status = await _rendering(film_club, film_club.create())
        film_club.provider.check_answers = [Rendering(percent / 10, picture) for percent in range(1, 1_000)]
        await film_club.until(lambda: refused(film_club.edits_by_bot(status)), "A refused preview")
        await film_club.edited(status, times=2)
        assert len(refused(film_club.edits_by_bot(status))) == 1
        film_club.finish()
        film = await film_club.film()
        assert film.interaction is not None
        await film_club.says(status, "done in")
        assert files_of(status) == []
        film_club.provider.finishes_at_check = 10**9
        await _rendering(film_club, film_club.create("a boat"))
        film_club.pass_s(QUARTER_S)
        film_club.finish()
        alone = await film_club.film("b1-1", where=film_club.discord.dm(film_club.ana))
        assert alone.text.endswith(ALONE)
        (told,) = [message for message in film_club.said() if "b1-1" in message.text]
        await film_club.says(told, f"b1-1 · by Ana\n{sentences.WENT_ALONE}")


async def test_without_the_right_to_read_history_the_result_replies_to_nothing(tmp_path: Path) -> None:
    """It comes all the same, once."""
    async with club(tmp_path, endless()) as film_club:
        film_club.discord.deny(film_club.channel, "read_message_history")
        status = await _rendering(film_club, film_club.create())
        film_club.finish()
        film = await film_club.film()
        await delivered(film_club.house)
        assert film.reference is None
        assert film.pings == {film_club.ana.id}
        assert film_club.said() == [status, film]
        assert refused(film_club.posts()) == [160002]


@pytest.mark.parametrize("what", ["kicked", "deleted"])
async def test_a_clip_of_a_place_that_is_gone_goes_to_its_person(tmp_path: Path, what: str) -> None:
    """The bot was kicked, or the channel deleted, while it rendered, and the token is over; progress does not go on asking."""
    async with club(tmp_path, endless()) as film_club:
        status = await _rendering(film_club, film_club.create())
        if what == "kicked":
            film_club.discord.kicks_bot(film_club.guild)
        else:
            film_club.discord.deletes_channel(film_club.channel)
        film_club.pass_s(QUARTER_S)
        await film_club.until(lambda: refused(film_club.edits_by_bot(status)), "A refused edit")
        await asyncio.sleep(0.8)
        assert len(refused(film_club.edits_by_bot(status))) == 1
        film_club.finish()
        film = await film_club.film(where=film_club.discord.dm(film_club.ana))
        await delivered(film_club.house)
        assert film.text.endswith(ALONE)
        assert len(refused(film_club.discord.calls)) <= 4


async def test_a_clip_is_kept_where_nobody_can_be_told(tmp_path: Path) -> None:
    """Kicked, and its person takes no messages: /history and /show have it when they ask the bot themself."""
    async with club(tmp_path, endless(), dms_open=False) as film_club:
        await _rendering(film_club, film_club.create())
        film_club.discord.kicks_bot(film_club.guild)
        film_club.pass_s(QUARTER_S)
        film_club.finish()
        await ready(film_club.house)
        mine = film_club.discord.dm(film_club.ana)
        await film_club.until(lambda: 50007 in refused(film_club.posts(mine)), "The refusal")
        film_club.ana.dms_open = True
        await _listed(film_club, "a1-1 · Ana · a lamp")
        shown = await film_club.discord.slash(film_club.ana, mine, "show", clip="a1-1").answered(WAIT_S)
        assert shows_film(shown)


async def test_rights_that_are_given_back_are_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is told meanwhile; then the status message goes on, and the result comes where it was asked for."""
    monkeypatch.setattr("bot.discord.changes.CLOSED_S", 0.5)
    async with club(tmp_path, endless()) as film_club:
        status = await _rendering(film_club, film_club.create())
        film_club.discord.deny(film_club.channel, "view_channel")
        await film_club.until(lambda: refused(film_club.edits_by_bot(status)), "A refused edit")
        film_club.discord.permit(film_club.channel, "view_channel")
        await film_club.edited(status)
        film_club.finish()
        film = await film_club.film()
        await delivered(film_club.house)
        assert film.reference == status.id
        await film_club.says(status, "done in")
        assert film_club.said() == [status, film]


async def test_a_result_does_not_reply_to_what_was_told_elsewhere(tmp_path: Path) -> None:
    """The status message had to go to its person alone; by the end the bot may write in the channel again."""
    async with club(tmp_path, endless()) as film_club:
        gate = film_club.discord.gate("POST", "/interactions/*/*/callback", after=True)
        film_club.create()
        await film_club.until(gate.reached.is_set)
        film_club.discord.deny(film_club.channel, "send_messages")
        film_club.pass_s(QUARTER_S)
        gate.release()
        mine = film_club.discord.dm(film_club.ana)
        status = await film_club.told("rendering", mine)
        film_club.discord.permit(film_club.channel, "send_messages")
        film_club.finish()
        film = await film_club.film()
        await delivered(film_club.house)
        assert film.reference is None
        assert film_club.said(mine) == [status]


async def test_a_server_that_is_away_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent meanwhile, and the clip arrives once when it is back."""
    monkeypatch.setattr(wire, "NOT_THERE_S", 0.3)
    async with club(tmp_path, endless()) as film_club:
        status = await _rendering(film_club, film_club.create())
        film_club.discord.set_guild_available(film_club.guild, available=False)
        await film_club.until(lambda: film_club.wire.wait_s(f"discord:{film_club.channel.id}") > 0, "The outage")
        film_club.finish()
        await ready(film_club.house)
        await asyncio.sleep(1)
        assert film_club.posts() == []
        film_club.discord.set_guild_available(film_club.guild, available=True)
        film = await film_club.film()
        await delivered(film_club.house)
        assert film_club.said() == [status, film]


async def test_a_thread_that_was_archived_is_revived_by_what_is_said_at_the_end(tmp_path: Path) -> None:
    """Progress leaves it asleep and asks no more; the last words and the clip wake it."""
    async with club(tmp_path, endless()) as film_club:
        thread = film_club.discord.thread(film_club.channel, "Lighthouse")
        status = await _rendering(film_club, film_club.create(where=thread))
        film_club.discord.archives(thread)
        await film_club.until(lambda: refused(film_club.edits_by_bot(status)), "A refused edit")
        await asyncio.sleep(0.8)
        assert refused(film_club.edits_by_bot(status)) == [50083]
        assert thread.archived
        film_club.finish()
        film = await film_club.film(where=thread)
        await delivered(film_club.house)
        assert not thread.archived
        assert "done in" in status.text
        assert film_club.said(thread) == [status, film]


async def test_a_clip_of_a_locked_thread_goes_to_its_person(tmp_path: Path) -> None:
    """Nobody may write there any more, neither the bot nor its token."""
    async with club(tmp_path, endless()) as film_club:
        thread = film_club.discord.thread(film_club.channel, "Lighthouse")
        status = await _rendering(film_club, film_club.create(where=thread))
        film_club.discord.archives(thread, locked=True)
        film_club.finish()
        film = await film_club.film(where=film_club.discord.dm(film_club.ana))
        await delivered(film_club.house)
        assert film.text.endswith(ALONE)
        assert film_club.said(thread) == [status]
        assert thread.archived
