"""What a server is told of us: commands once, and again only when they are others; no intent beyond what commands need."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bot.commands import COMMANDS
from bot.discord.slash import CONTINUE_FROM, FIRST_FRAME
from tests.bot_process import rows_of
from tests.discord.asking import WAIT_S, asked, endless, public, told, until
from tests.discord.house import opened_bot
from tests.fakes.discord import ClientRefuses, FakeDiscord
from tests.fakes.provider import ABILITIES

GUILDS = 1
"""Everything else would be told of what people say to each other."""
NOTED = "SELECT count(*) FROM sent_file WHERE kind = 'digest'"
DIGEST = "SELECT remote_id FROM sent_file WHERE kind = 'digest'"


async def test_commands_are_registered_once_and_again_only_when_they_are_others(
    discord: FakeDiscord, tmp_path: Path
) -> None:
    """Not at every start; another catalog is another list of choices."""
    for _ in range(2):
        async with opened_bot(discord, tmp_path, provider=endless()):
            await until(discord, lambda: rows_of(tmp_path, NOTED) == [(1,)])
    assert discord.command_puts == 1
    first = rows_of(tmp_path, DIGEST)
    other = endless()
    other.models = {"one": replace(ABILITIES, ratios=("16:9", "4:3"))}
    async with opened_bot(discord, tmp_path, provider=other):
        await until(discord, lambda: rows_of(tmp_path, DIGEST) != first)
    async with opened_bot(discord, tmp_path, provider=other):
        pass
    assert discord.command_puts == 2
    assert {each["intents"] for each in discord.identifies} == {GUILDS}


async def test_commands_are_told_again_until_the_server_has_them(
    discord: FakeDiscord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer was lost, so that nobody knows; what it refuses is not pressed upon it."""
    monkeypatch.setattr("bot.discord.adapter.AGAIN_S", (0.05,))
    discord.lose_answer("PUT", "/applications/*/commands")
    async with opened_bot(discord, tmp_path / "one", provider=endless()):
        await until(discord, lambda: rows_of(tmp_path / "one", NOTED) == [(1,)])
    async with opened_bot(discord, tmp_path / "one", provider=endless()):
        pass
    assert discord.command_puts == 2
    discord.fail_next("PUT", "/applications/*/commands", 400, 50035)
    async with opened_bot(discord, tmp_path / "two", provider=endless()):
        await until(discord, lambda: len(discord.calls_of("PUT", "/applications/*/commands")) == 3)
        ana = discord.person("Ana")
        await asked(discord, ana, discord.dm(ana), "help")
        await asyncio.sleep(0.3)  # it would have tried again by now
    assert len(discord.calls_of("PUT", "/applications/*/commands")) == 3


async def test_each_command_says_where_it_works_and_by_which_installation(discord: FakeDiscord, tmp_path: Path) -> None:
    """All by servers and by people; /settings not in other people's private chats, and not for everybody."""
    async with opened_bot(discord, tmp_path, provider=endless()):
        by_name = {each["name"]: each for each in discord.commands}
    shown = {name for name, command in COMMANDS.items() if command.in_menu or name == "start"}
    assert set(by_name) == shown | {CONTINUE_FROM, FIRST_FRAME}
    for name, command in by_name.items():
        assert sorted(command["integration_types"]) == [0, 1]
        assert sorted(command["contexts"]) == ([0, 1] if name == "settings" else [0, 1, 2])
        needs = command.get("default_member_permissions")
        assert needs == (str(1 << 5) if name == "settings" else None)


async def test_every_command_is_answered(discord: FakeDiscord, tmp_path: Path) -> None:
    """Said by somebody who has nothing yet, with what must be filled in: each has a sentence, and none breaks."""
    ana = discord.person("Ana")
    channel = discord.dm(ana)
    fields = {"prompt": "a lamp", "clip": "a1-1", "shot": "a1-1"}
    async with opened_bot(discord, tmp_path, provider=endless()):
        chats = [each for each in discord.commands if each["type"] == 1]
        for command in chats:
            needed = [each for each in command.get("options", []) if each.get("required")]
            given = {each["name"]: fields.get(each["name"], ("x.mp4", b"no video")) for each in needed}
            answer = await asked(discord, ana, channel, command["name"], **given)
            assert answer.text
            assert "Something broke" not in answer.text


async def test_guilds_of_every_shard_are_answered(tmp_path: Path) -> None:
    """The server says how many there are to be; direct messages come by the first."""
    async with FakeDiscord(flood=False, shards=2) as discord:
        ana = discord.person("Ana")
        channels = [discord.channel(discord.guild(f"club {n}", [ana], shard=(n, 2)), f"films {n}") for n in range(2)]
        async with opened_bot(discord, tmp_path, provider=endless()):
            await until(discord, lambda: discord.connected == 2)
            assert sorted(each["shard"] for each in discord.identifies) == [[0, 2], [1, 2]]
            for channel in (*channels, discord.dm(ana)):
                await asked(discord, ana, channel, "create", prompt="a lamp")
                await told(discord, channel, "1-1 · by Ana")
                assert len(public(discord, channel)) == 1
        assert discord.complaints == []


async def test_what_people_say_to_each_other_is_not_heard(discord: FakeDiscord, tmp_path: Path) -> None:
    """Not even a command in plain text; and a command that a server forbids does not come."""
    ana = discord.person("Ana")
    guild = discord.guild("Film club", [ana])
    channel = discord.channel(guild, "films")
    async with opened_bot(discord, tmp_path, provider=endless()):
        discord.says(ana, channel, "/create a lamp")
        await discord.slash(ana, channel, "stories").answered(WAIT_S)
        assert len(public(discord, channel)) == 1
        discord.forbid_command(guild, "create", where=channel)
        with pytest.raises(ClientRefuses, match="switched off"):
            discord.slash(ana, channel, "create", prompt="a lamp")
