"""Films that are too large for a place: made smaller, sent in parts, or linked, and never lost to a 413.

A little longer than a room, for the films that it makes.
"""

from __future__ import annotations

import asyncio
import socket
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest

from bot import delivery
from bot.discord import wire
from bot.discord.budget import Pace
from bot.message import NotSent, Reply, SendUnknown, Video
from engine.model import FileKey
from tests.discord.speaking import (
    QUARTER_S,
    QUICK,
    WAIT_S,
    Club,
    club,
    delivered,
    files_of,
    quick,
    refused,
    shows_film,
)
from tests.fakes.provider import ScriptedProvider
from tests.media.makers import Recipe, make
from tests.telegram.asking import clip

MIB = 1024 * 1024
TOO_LARGE = 40005


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A second of 1.4 MB, three quarters of which is more than the least that is asked for."""
    rng = np.random.default_rng(7)
    recipe = Recipe(width=320, height=180, frames=24, audio_s=1.0, options={"crf": "12", "preset": "ultrafast"})
    path = tmp_path_factory.mktemp("noise") / "noise.mp4"
    return make(path, recipe, lambda _: rng.integers(0, 255, (180, 320, 3), np.uint8)).read_bytes()


def _renders(whole: bytes, *, at_once: bool = True) -> ScriptedProvider:
    return ScriptedProvider(pace=QUICK, fetched_bytes=whole, finishes_at_check=1 if at_once else 10**9)


def _limit(film_club: Club, channel_id: int) -> int:
    return film_club.house.chats["discord"].limits(f"discord:{channel_id}").upload_bytes


def _data(message: object) -> bytes:
    (file,) = message.attachments  # type: ignore[attr-defined]  # a message of the server
    return bytes(file.data)


async def test_the_cap_is_read_from_the_server_that_it_is_for(tmp_path: Path) -> None:
    """By its boosts, also after they changed; in private what an application may upload; elsewhere what is told."""
    async with club(tmp_path) as film_club:
        discord, ana = film_club.discord, film_club.ana
        for level, mib in ((2, 50), (3, 100)):
            guild = discord.guild(f"boosted {level}", [ana], boost_level=level)
            channel = discord.channel(guild, "films")
            thread = discord.thread(channel, "Lighthouse")
            for place in (channel, thread):
                await film_club.until(lambda: _limit(film_club, place.id) == mib * MIB, f"{mib} MiB")  # noqa: B023
        assert _limit(film_club, film_club.channel.id) == 10 * MIB
        film_club.guild.boost_level = 2
        discord.set_guild_available(film_club.guild, available=True)
        await film_club.until(lambda: _limit(film_club, film_club.channel.id) == 50 * MIB, "50 MiB")
        assert _limit(film_club, discord.dm(ana).id) == 10 * MIB
        where = discord.foreign_channel("somebody else's", [ana])
        discord.attachment_size_limit = 25 * MIB
        await discord.slash(ana, where, "help").answered(WAIT_S)
        assert _limit(film_club, where.id) == 25 * MIB


async def test_what_is_refused_as_too_large_comes_smaller_with_a_link_to_the_whole(
    tmp_path: Path, noise: bytes
) -> None:
    """The size was right by all that is known, and it is refused all the same; the link gives the very file."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = int(listener.getsockname()[1])
    web: dict[str, Any] = {"web_port": port, "web_url": f"http://127.0.0.1:{port}", "web_password": "something-long"}
    async with club(tmp_path, _renders(noise, at_once=False), **web) as film_club:
        await film_club.house.web.open()
        film_club.guild.cap_bytes = len(noise) - 1
        film_club.create("a storm")
        status = await film_club.told("rendering")
        film_club.finish()
        film = await film_club.film()
        await delivered(film_club.house)
        assert len(_data(film)) <= len(noise) * 3 // 4 + 1
        assert "made smaller to pass here" in film.text
        assert refused(film_club.posts()) == [TOO_LARGE]
        assert film_club.said() == [status, film]
        link = film.text.split()[-1]
        assert film.markup <= {"mention", "link"}
        async with aiohttp.ClientSession() as session, session.get(link) as answer:
            assert await answer.read() == noise
        again = await film_club.discord.slash(film_club.ana, film_club.channel, "show", clip="a1-1").answered(WAIT_S)
        assert shows_film(again)
        assert refused(film_club.discord.calls) == [TOO_LARGE]


async def test_what_follows_an_interaction_keeps_to_what_that_may_carry(tmp_path: Path, noise: bytes) -> None:
    """Where the bot is no member, the interaction tells the cap; a private message later has its own."""
    async with club(tmp_path, _renders(noise)) as film_club:
        where = film_club.discord.foreign_channel("somebody else's", [film_club.ana])
        film_club.discord.attachment_size_limit = len(noise) - 1
        film_club.create(where=where)
        film = await film_club.film(where=where)
        assert len(_data(film)) < len(noise)
        assert refused(film_club.discord.calls) == []


@pytest.mark.parametrize("how", ["known", "learned"])
async def test_a_film_for_a_boosted_server_is_made_smaller_for_a_private_message(
    tmp_path: Path, noise: bytes, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """The bot is kicked while it renders, and private messages take less; or refuse it although they should take it."""
    async with club(tmp_path, _renders(noise, at_once=False), boost_level=2) as film_club:
        mine = film_club.discord.dm(film_club.ana)
        film_club.create()
        await film_club.told("rendering")
        film_club.discord.deny(film_club.channel, "attach_files")
        film_club.pass_s(QUARTER_S)
        if how == "known":
            monkeypatch.setattr(wire, "DEFAULT_BYTES", len(noise) - 1)
        else:
            film_club.discord.fail_next("POST", f"/channels/{mine.id}/messages", 413, TOO_LARGE)
        film_club.finish()
        film = await film_club.film(where=mine)
        await delivered(film_club.house)
        assert len(_data(film)) < len(noise)
        assert "made smaller to pass here" in film.text
        assert refused(film_club.posts(mine)) == ([] if how == "known" else [TOO_LARGE])
        assert film_club.said(mine) == [film]


async def test_what_cannot_be_made_smaller_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that calls everything too large is not asked for ever: the words come, and say where the film is."""
    async with club(tmp_path, quick()) as film_club:
        monkeypatch.setattr(wire, "LEAST_BYTES", 1_000)
        film_club.wire.keep_under(film_club.channel.id, 1_000)
        film_club.create()
        told = await film_club.told("the operator has the file")
        assert told.attachments == []
        await delivered(film_club.house)


def _part(directory: Path, number: int) -> Video:
    path = directory / f"{number}.mp4"
    path.write_bytes(clip(frames=24 + number))
    return Video(
        path=path,
        name=f"a1-f1-{number}of3.mp4",
        seconds=1.0,
        width=64,
        height=36,
        bytes=path.stat().st_size,
        file=FileKey("f" * 64 + ".mp4"),
    )


def _in_parts(directory: Path) -> Reply:
    parts = [_part(directory, number) for number in (1, 2, 3)]
    return Reply(text="a1-f1 · 3 shots of a1", video=parts[0], more_videos=tuple(parts[1:]))


WORDS = ["a1-f1 · 3 shots of a1", "a1-f1-2of3.mp4", "a1-f1-3of3.mp4"]


@pytest.mark.parametrize("passed_s", [0.0, 400.0], ids=["nonce known", "nonce forgotten"])
async def test_the_parts_of_a_film_come_one_by_one_and_each_once(tmp_path: Path, passed_s: float) -> None:
    """Each has a nonce of its own and replies to the first; where one is refused, the next try goes on with it."""
    async with club(tmp_path / "data") as film_club:
        mouth, place = film_club.house.chats["discord"], f"discord:{film_club.channel.id}"
        reply, posts = _in_parts(tmp_path), f"/channels/{film_club.channel.id}/messages"
        gate = film_club.discord.gate("POST", posts)
        sending = asyncio.create_task(mouth.send(place, reply, nonce="n" * 24))
        await gate.reached.wait()
        gate.release()
        await film_club.until(film_club.said, "The first part")
        film_club.discord.fail_next("POST", posts, 503)
        with pytest.raises(SendUnknown):
            await sending
        assert len(film_club.said()) == 1
        film_club.pass_s(passed_s)
        receipt = await mouth.send(place, reply, nonce="n" * 24, is_again=True)
        sent = film_club.said()
        assert [message.text for message in sent] == WORDS
        assert [files_of(message) for message in sent] == [[f"a1-f1-{number}of3.mp4"] for number in (1, 2, 3)]
        assert [message.reference for message in sent] == [None, sent[0].id, sent[0].id]
        assert len({message.nonce for message in sent}) == 3
        assert receipt == f"{place}/{sent[0].id}"


async def test_parts_wait_for_room_in_their_channel(tmp_path: Path) -> None:
    """They are not parted by a budget that is used up: the film is one piece of news."""
    async with club(tmp_path / "data", pace=Pace(most=2, window_s=0.5)) as film_club:
        mouth, place = film_club.house.chats["discord"], f"discord:{film_club.channel.id}"
        await mouth.send(place, _in_parts(tmp_path), nonce="n" * 24)
        assert [message.text for message in film_club.said()] == WORDS
        assert len(film_club.posts()) == 3


@cache
def _long(directory: Path) -> bytes:
    """Ten seconds that fall apart below a few kilobytes each."""
    rng = np.random.default_rng(7)
    recipe = Recipe(width=160, height=90, frames=240, options={"crf": "40", "preset": "ultrafast"})
    return make(directory / "long.mp4", recipe, lambda _: rng.integers(0, 255, (90, 160, 3), np.uint8)).read_bytes()


async def test_a_film_in_parts_is_downloaded_by_one_person_alone(tmp_path: Path) -> None:
    """All of its parts are seen by who asked alone; in front of all they stand below each other."""
    async with club(tmp_path, _renders(_long(tmp_path))) as film_club:
        film_club.wire.keep_under(film_club.channel.id, 20_000)
        film_club.create()
        film = await film_club.film()
        await delivered(film_club.house)
        parts = len([message for message in film_club.said() if shows_film(message)])
        assert parts > 1
        assert f"in {parts} parts" in film.text
        pressed = film_club.discord.presses(film_club.ana, film, "Download")
        await film_club.until(lambda: len(pressed.messages) == parts, "All parts")
        assert all(message.ephemeral_to == film_club.ana for message in pressed.messages)
        assert [files_of(message) for message in pressed.messages] == [
            [f"a1-1-{number}of{parts}.mp4"] for number in range(1, parts + 1)
        ]


async def test_more_parts_than_may_follow_an_interaction_go_to_its_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five messages may follow a command of a user install; a film of more is told alone, whole."""
    monkeypatch.setattr(delivery, "SEND_AGAIN_S", 0.5)
    async with club(tmp_path, _renders(_long(tmp_path), at_once=False)) as film_club:
        where = film_club.discord.foreign_channel("somebody else's", [film_club.ana])
        film_club.discord.attachment_size_limit = 9_000
        film_club.create(where=where)
        await film_club.told("rendering", where)
        mine = film_club.discord.dm(film_club.ana)
        film_club.wire.keep_under(mine.id, 9_000)
        film_club.finish()
        await delivered(film_club.house)
        alone = [message for message in film_club.said(mine) if shows_film(message)]
        assert len(alone) > 5
        assert film_club.followups() == []


def test_a_cap_that_is_refused_is_lowered_below_what_was_refused() -> None:
    """Never so low that nothing is worth looking at."""
    line = wire.Wire(lambda: None, Pace())
    video = Video(
        path=Path("a.mp4"), name="a.mp4", seconds=1, width=2, height=2, bytes=8_000_000, file=FileKey("f" * 64 + ".mp4")
    )
    reply = Reply(text="", video=video)
    caps = []
    for _ in range(9):
        refusal = line._too_large(1, reply)
        assert isinstance(refusal, NotSent)
        caps.append((line.upload_bytes("discord:1"), refusal.retry_after_s))
    assert caps[:2] == [(6_000_000, 1.0), (4_500_000, 1.0)]
    assert caps[-1] == (wire.LEAST_BYTES, None)


async def test_an_answer_that_is_refused_as_too_large_comes_smaller(tmp_path: Path, noise: bytes) -> None:
    """A film that somebody looks at again, where an interaction may carry less than its server."""
    async with club(tmp_path, _renders(noise)) as film_club:
        film_club.create()
        await film_club.film()
        film_club.discord.attachment_size_limit = len(noise) - 1
        shown = film_club.discord.slash(film_club.ana, film_club.channel, "show", clip="a1-1")
        assert len(_data(await shown.answered(WAIT_S))) < len(noise)
        assert refused(film_club.discord.calls) == [TOO_LARGE]


async def test_an_answer_that_never_passes_is_a_sentence(tmp_path: Path, noise: bytes) -> None:
    """And no endless wait."""
    async with club(tmp_path, _renders(noise)) as film_club:
        film_club.create()
        await film_club.film()
        film_club.discord.attachment_size_limit = 10_000
        answer = await film_club.discord.slash(film_club.ana, film_club.channel, "show", clip="a1-1").answered(WAIT_S)
        assert answer.text.startswith("a1-1 · by Ana")
        assert answer.text.endswith("\nThe file is larger than what passes here; the operator has it.")
        assert (files_of(answer), set(refused(film_club.discord.calls))) == ([], {TOO_LARGE})
