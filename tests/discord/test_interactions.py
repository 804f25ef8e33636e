"""An interaction is taken in time or not at all, acted on once, and always answered, to all or to one as it should be."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from bot.discord import ear, sentences
from storage import SqlStore
from tests.discord.asking import (
    CALLBACK,
    DEFERRED,
    WAIT_S,
    acked,
    asked,
    endless,
    handled,
    jobs_of,
    public,
    refused,
    shelved,
    told,
    until,
    whispered,
)
from tests.discord.house import opened_bot
from tests.fakes.discord import Channel, FakeDiscord, Person

PROMISED_S = 3.0
ANSWER = "/webhooks/*/*/messages/*"


def scene(discord: FakeDiscord) -> tuple[Person, Channel]:
    ana = discord.person("Ana")
    return ana, discord.channel(discord.guild("Film club", [ana]), "films")


@asynccontextmanager
async def held_database(path: Path) -> AsyncIterator[sqlite3.Connection]:
    """Another process writes, and nobody else can meanwhile."""
    with closing(sqlite3.connect(path, timeout=20, isolation_level=None, check_same_thread=False)) as other:
        await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")
        yield other
        await asyncio.to_thread(other.execute, "COMMIT")


async def test_an_interaction_that_comes_twice_is_one_job(discord: FakeDiscord, tmp_path: Path) -> None:
    """Handed over again after a dropped connection: before its answer, after it, and after a restart."""
    ana, channel = scene(discord)
    async with opened_bot(discord, tmp_path, provider=endless()) as house:
        gate = discord.gate("PATCH", ANSWER)
        created = discord.slash(ana, channel, "create", prompt="a lamp")
        discord.resend_last_interaction()
        await created.acked(WAIT_S)
        discord.resend_last_interaction()
        gate.release()
        await told(discord, channel, "a1-1 · by Ana")
        discord.resend_last_interaction()
        await handled(discord, ana, channel)
        assert await jobs_of(house, channel) == 1
    async with opened_bot(discord, tmp_path, provider=endless()) as house:
        edits = len(discord.calls_of("PATCH", ANSWER))
        discord.slash(ana, channel, "stories")
        discord.resend_last_interaction()
        await told(discord, channel, "a1 · “a lamp”")
        await handled(discord, ana, channel)
        assert len(discord.calls_of("PATCH", ANSWER)) == edits + len(("stories", "help"))
        assert len(public(discord, channel)) == 2
        assert await jobs_of(house, channel) == 1


async def test_what_was_taken_too_late_is_not_done(tmp_path: Path) -> None:
    """Its person was told that it failed: nothing happens behind their back, at the next start neither."""
    async with FakeDiscord(flood=False, ack_within_s=1.5) as discord:
        ana, channel = scene(discord)
        async with opened_bot(discord, tmp_path, provider=endless()) as house:
            discord.hang_next("POST", CALLBACK, 1.7)
            late = discord.slash(ana, channel, "create", prompt="a lamp")
            await until(discord, lambda: any(call.code == 10062 for call in discord.calls))
            assert late.failed
            await handled(discord, ana, channel)
            assert await jobs_of(house, channel) == 0
        async with opened_bot(discord, tmp_path, provider=endless()) as house:
            await handled(discord, ana, channel)
            assert await jobs_of(house, channel) == 0
            assert public(discord, channel) == []
        assert discord.complaints == []


async def test_a_lost_answer_is_looked_up_and_gone_on_with(discord: FakeDiscord, tmp_path: Path) -> None:
    """The server took it, and the connection broke: of a command and of a button."""
    ana, channel = scene(discord)
    async with opened_bot(discord, tmp_path, provider=endless()) as house:
        await shelved(house, channel, ana, ["a lamp"])
        discord.lose_answer("POST", CALLBACK)
        created = discord.slash(ana, channel, "create", prompt="a boat")
        assert (await created.answered(WAIT_S)).text.startswith("b1-1 · by Ana")
        discord.lose_answer("POST", CALLBACK)
        discord.presses(ana, await told(discord, channel, "rendering"), "Cancel")
        await told(discord, channel, "cancelled")
        discord.fail_next("POST", CALLBACK, 500)
        again = discord.slash(ana, channel, "create", prompt="the fog")
        await handled(discord, ana, channel)
        assert await jobs_of(house, channel) == (1 if again.ack else 0)


async def test_a_slow_disk_delays_the_work_and_not_the_acknowledgement(discord: FakeDiscord, tmp_path: Path) -> None:
    """Taken within the three seconds, done when the disk has it."""
    ana, channel = scene(discord)
    async with opened_bot(discord, tmp_path, provider=endless()) as house:
        async with held_database(tmp_path / "nextshot.db"):
            created = discord.slash(ana, channel, "create", prompt="a lamp")
            ack = await acked(created)
            assert (ack.type, ack.ack_s < PROMISED_S) == (DEFERRED, True)
            assert ack.ack_s > ear.KEEP_S / 2, "It waited for the disk first"
            assert created.original is not None
            assert created.original.loading
        assert (await created.answered(WAIT_S)).text.startswith("a1-1 · by Ana")
        assert await jobs_of(house, channel) == 1


async def test_what_cannot_be_kept_is_not_done_and_says_so(
    discord: FakeDiscord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once where the database refuses at once, else when it gives up: then what all saw is taken away."""
    monkeypatch.setattr("storage.sqlite.open_sqlite.__defaults__", (1_500,))
    ana, channel = scene(discord)
    async with opened_bot(discord, tmp_path, provider=endless()) as house:
        async with held_database(tmp_path / "nextshot.db"):
            slow = discord.slash(ana, channel, "create", prompt="a lamp")
            assert (await acked(slow)).ack_s < PROMISED_S
            assert await refused(discord, slow) == sentences.BUSY
        assert isinstance(house.store, SqlStore)
        await house.store.close()
        down = discord.slash(ana, channel, "create", prompt="a boat")
        assert await refused(discord, down) == sentences.BUSY
        assert (await acked(down)).type == 4
        assert public(discord, channel) == []
    async with opened_bot(discord, tmp_path, provider=endless()) as house:
        await handled(discord, ana, channel)
        assert await jobs_of(house, channel) == 0


async def test_a_defect_is_a_sentence_with_a_reference(
    discord: FakeDiscord, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Seen by who asked alone; the log has the same reference, and the next command works."""
    ana, channel = scene(discord)
    async with opened_bot(discord, tmp_path, provider=endless()) as house:
        await shelved(house, channel, ana, ["a lamp"])
        async with held_database(tmp_path / "nextshot.db") as other:
            await asyncio.to_thread(other.execute, "UPDATE clip SET seconds = 'long'")
        for broken in (
            discord.slash(ana, channel, "show", clip="a1-1"),
            discord.slash(ana, channel, "stitch", pick=True),
        ):
            sentence = await refused(discord, broken)
            reference = re.search(r"Something broke .* finds it as (\w+) in the log", sentence)
            assert reference is not None
            assert f"reference={reference[1]}" in caplog.text
        assert (await asked(discord, ana, channel, "stories")).text.startswith("a1 · ")
    caplog.clear()


async def test_a_bot_that_ends_in_the_middle_goes_on_at_its_next_start(discord: FakeDiscord, tmp_path: Path) -> None:
    """What had been acknowledged is done then, once; a private answer stays private."""
    ana, channel = scene(discord)
    gate = discord.gate("POST", CALLBACK, after=True)
    async with opened_bot(discord, tmp_path, provider=endless()):
        created = discord.slash(ana, channel, "create", prompt="a lamp")
        helped = discord.slash(ana, channel, "help")
        await created.acked(WAIT_S)
        await helped.acked(WAIT_S)
    gate.release()
    async with opened_bot(discord, tmp_path, provider=endless()) as house:
        assert (await created.answered(WAIT_S)).text.startswith("a1-1 · by Ana")
        assert "/create" in await whispered(discord, helped)
        assert await jobs_of(house, channel) == 1
        assert len(public(discord, channel)) == 1


async def test_who_sees_an_answer_is_decided_with_the_acknowledgement(discord: FakeDiscord, tmp_path: Path) -> None:
    """Help, models, one's own history, cancel, download and link are for who asked; what is told is for all."""
    ana, channel = scene(discord)
    async with opened_bot(discord, tmp_path, provider=endless()) as house:
        await shelved(house, channel, ana, ["a lamp"])
        await asked(discord, ana, channel, "create", prompt="a boat")
        nothing: dict[str, object] = {}
        private = dict.fromkeys(("help", "models", "cancel", "link", "start"), nothing)
        private |= {"history": {"mine": True}, "download": {"clip": "a1-1", "what": "last-frame"}}
        for name, fields in private.items():
            pressed = discord.slash(ana, channel, name, **fields)
            assert (await acked(pressed)).ephemeral, name
            assert (await pressed.answered(WAIT_S)).ephemeral_to == ana
        for name, fields in (
            dict.fromkeys(("stories", "history", "story"), nothing) | {"show": {"clip": "a1-1"}}
        ).items():
            pressed = discord.slash(ana, channel, name, **fields)
            assert not (await acked(pressed)).ephemeral, name
            assert (await pressed.answered(WAIT_S)).ephemeral_to is None
        assert not [each for each in discord.bot_messages(channel) if each.loading]
