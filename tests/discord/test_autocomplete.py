"""What is offered while somebody types, through the real connection: in time, of this place alone, and to who is let in."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from tests.discord.asking import WAIT_S, asked, clip, endless, kept, shelved, stalled_reads
from tests.discord.house import opened_bot
from tests.fakes.discord import Channel, FakeDiscord, Person

WITHIN_S = 1.0
"""What is promised; the database has that long, and a busy machine a little more."""
BUSY_S = 1.5


async def offered(  # noqa: PLR0917  # as it is filled in
    discord: FakeDiscord, person: Person, channel: Channel, command: str, field: str, typed: str = "", **more: object
) -> list[str]:
    """The values that are offered, within the second."""
    typing = discord.types(person, channel, command, field, typed, **more)
    choices = await typing.chose(WAIT_S)
    assert typing.ack is not None
    assert typing.ack.ack_s < WITHIN_S + BUSY_S
    return [str(choice.value) for choice in choices]


async def test_what_there_is_in_this_place_is_offered(discord: FakeDiscord, tmp_path: Path) -> None:
    """Stories, shots, clips, models, styles; nothing that is told elsewhere."""
    ana, eve = discord.person("Ana"), discord.person("Eve")
    guild = discord.guild("Film club", [ana, eve])
    channel, other = discord.channel(guild, "films"), discord.channel(guild, "elsewhere")
    async with opened_bot(discord, tmp_path, provider=endless()) as house:
        await shelved(house, other, eve, ["a secret"])
        story = await shelved(house, channel, ana, ["a lamp", "a boat"])
        film = await kept(house, clip(frames=30))
        await house.store.write(lambda tx: tx.add_film(story.id, story.director, ("b1-1",), film))
        assert story.code == "b1"
        for command, field, wanted in (
            ("story", "story", ["b1"]),
            ("stitch", "story", ["b1"]),
            ("continue", "shot", ["b1-2", "b1-1"]),
            ("show", "clip", ["b1-f1", "b1-2", "b1-1"]),
            ("create", "model", ["one", "blind"]),
            ("create", "style", ["plain", "ink", "default"]),
        ):
            more = {"prompt": "x"} if command in {"create", "continue"} else {}
            assert sorted(await offered(discord, ana, channel, command, field, **more)) == sorted(wanted)
        assert await offered(discord, ana, channel, "show", "clip", "boat") == ["b1-2"]
        for typed in ("a1", "a1-", "a1-1", "secret"):
            for command, field in (("show", "clip"), ("continue", "shot"), ("story", "story")):
                found = await offered(discord, ana, channel, command, field, typed)
                assert not [value for value in found if value.startswith("a1")], (command, typed)
        elsewhere = await discord.types(ana, channel, "show", "clip", "secret").chose(WAIT_S)
        assert not [choice for choice in elsewhere if "secret" in choice.name]
        assert await offered(discord, eve, other, "show", "clip") == ["a1-1"]


async def test_a_database_that_stands_still_is_answered_for(discord: FakeDiscord, tmp_path: Path) -> None:
    """With what was known last, else with what was typed; both within the second."""
    ana = discord.person("Ana")
    channel = discord.channel(discord.guild("Film club", [ana]), "films")
    async with opened_bot(discord, tmp_path, provider=endless()) as house:
        await shelved(house, channel, ana, ["a lamp", "a boat"])
        assert await offered(discord, ana, channel, "show", "clip") == ["a1-2", "a1-1"]
        began_s = time.monotonic()
        async with stalled_reads(house):
            assert await offered(discord, ana, channel, "show", "clip", "lamp") == ["a1-1"]
            assert await offered(discord, ana, channel, "story", "story", "b7") == ["b7"]
            assert time.monotonic() - began_s > WITHIN_S, "Nothing could be read"
        assert await offered(discord, ana, channel, "story", "story") == ["a1"]


async def test_who_is_not_let_in_is_offered_nothing(discord: FakeDiscord, tmp_path: Path) -> None:
    """And who is blocked not even that."""
    ana, eve, mallory = discord.person("Ana"), discord.person("Eve"), discord.person("Mallory")
    channel = discord.channel(discord.guild("Film club", [ana, eve, mallory]), "films")
    lists: dict[str, Any] = {"discord_allowed": f"user:{ana.id}", "discord_blocked": f"user:{mallory.id}"}
    async with opened_bot(discord, tmp_path, provider=endless(), **lists) as house:
        await shelved(house, channel, ana, ["a lamp"])
        assert await offered(discord, eve, channel, "show", "clip") == []
        assert await offered(discord, eve, channel, "create", "style", prompt="x") == []
        left = discord.types(mallory, channel, "show", "clip", "")
        assert await offered(discord, ana, channel, "show", "clip") == ["a1-1"]
        await asked(discord, ana, channel, "stories")
        assert left.ack is None


async def test_a_bot_that_is_closed_reads_nothing_any_more(discord: FakeDiscord, tmp_path: Path) -> None:
    """What it wanted to know for somebody who typed is let go of."""
    ana = discord.person("Ana")
    channel = discord.dm(ana)
    async with opened_bot(discord, tmp_path, provider=endless()) as house, stalled_reads(house):
        assert await offered(discord, ana, channel, "story", "story", "b7") == ["b7"]
        assert reading()
        (running,) = [task for task in asyncio.all_tasks() if task.get_name() == "discord of a test"]
        running.cancel()
        await asyncio.wait({running})
        assert not reading()


def reading() -> list[str]:
    """What is being looked up for suggestions."""
    return [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("suggestions for")]
