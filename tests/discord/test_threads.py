"""`/story` with `new` opens a thread or a forum post, which is a place of its own; archived ones work on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.discord import sentences
from tests.discord.asking import (
    WAIT_S,
    asked,
    endless,
    place_of,
    public,
    quick,
    refused,
    shelved,
    told,
    until,
    whispered,
)
from tests.discord.house import opened_bot
from tests.fakes.discord import Channel, ClientRefuses, FakeDiscord

NEWS, NEWS_THREAD = 5, 10
GREETING = "/channels/*/messages"


def threads_of(discord: FakeDiscord, parent: Channel) -> list[Channel]:
    """Those that the bot opened."""
    return [each for each in discord.world.channels.values() if each.parent is parent and each.owner == discord.bot]


async def test_a_channel_s_story_gets_a_thread_of_its_own(discord: FakeDiscord, tmp_path: Path) -> None:
    """It hangs on the answer, calls who asked, and has a current story of its own."""
    ana, ben = discord.person("Ana"), discord.person("Ben")
    guild = discord.guild("Film club", [ana, ben])
    channel = discord.channel(guild, "films")
    async with opened_bot(discord, tmp_path, provider=endless()) as house:
        await shelved(house, channel, ana, ["a lamp"])
        answer = await asked(discord, ben, channel, "story", new="Lighthouse")
        (thread,) = threads_of(discord, channel)
        assert (thread.id, thread.name) == (answer.id, "Lighthouse")
        link = f"https://discord.com/channels/{guild.id}/{thread.id}"
        assert answer.text == f"“Lighthouse” is told in a thread of its own: {link}"
        hello = await told(discord, thread, "Tell a film together")
        assert hello.pings == {ben.id}
        assert hello.buttons == ["Try it"]
        empty = await asked(discord, ana, thread, "stories")
        assert empty.text.startswith("No story yet.")
        begun = await asked(discord, ben, thread, "create", prompt="a storm")
        assert begun.text.startswith("b1-1 · by Ben")
        there, here = [await house.studio.story(place_of(each)) for each in (thread, channel)]
        assert there is not None
        assert here is not None
        assert (there.story.code, here.story.code) == ("b1", "a1")
        sibling = await asked(discord, ana, thread, "story", new="Harbour")
        assert sibling.channel is thread
        assert [each.name for each in threads_of(discord, channel)] == ["Lighthouse", "Harbour"]
        await told(discord, threads_of(discord, channel)[1], "Tell a film together")


async def test_an_announcement_channel_has_threads_of_its_own_kind(discord: FakeDiscord, tmp_path: Path) -> None:
    """From the answer, and beside one."""
    ana = discord.person("Ana")
    channel = discord.channel(discord.guild("Film club", [ana]), "news", type=NEWS)
    async with opened_bot(discord, tmp_path, provider=endless()):
        await asked(discord, ana, channel, "story", new="Lighthouse")
        (thread,) = threads_of(discord, channel)
        await asked(discord, ana, thread, "story", new="Harbour")
        assert [(each.name, each.type) for each in threads_of(discord, channel)] == [
            ("Lighthouse", NEWS_THREAD),
            ("Harbour", NEWS_THREAD),
        ]


async def test_a_post_s_story_gets_a_post_of_its_own(discord: FakeDiscord, tmp_path: Path) -> None:
    """Beside it in the forum, with the greeting as its first message."""
    ana = discord.person("Ana")
    forum = discord.forum(discord.guild("Film club", [ana]), "films")
    post = discord.post(forum, "Lighthouse", ana)
    async with opened_bot(discord, tmp_path, provider=endless()):
        answer = await asked(discord, ana, post, "story", new="Harbour")
        (opened,) = threads_of(discord, forum)
        assert opened.name == "Harbour"
        assert str(opened.id) in answer.text
        (first,) = discord.bot_messages(opened)
        assert first.text.startswith(f"@{ana.id} Tell a film") or "Tell a film together" in first.text
        assert first.pings == {ana.id}
        begun = await asked(discord, ana, opened, "create", prompt="a storm")
        assert begun.text.startswith("a1-1 · by Ana")


async def test_where_there_are_no_threads_a_sentence_says_so(discord: FakeDiscord, tmp_path: Path) -> None:
    """In direct messages, where the bot is not, and without the permission: to who asked alone, and nothing is opened."""
    ana = discord.person("Ana")
    guild = discord.guild("Film club", [ana])
    channel, silent = discord.channel(guild, "films"), discord.channel(guild, "silent")
    discord.deny(channel, "create_public_threads")
    discord.deny(silent, "send_messages")
    elsewhere = discord.foreign_channel("elsewhere", [ana])
    async with opened_bot(discord, tmp_path, provider=endless()):
        for place, sentence in (
            (discord.dm(ana), sentences.NO_THREAD_HERE),
            (elsewhere, sentences.NO_THREAD_HERE),
            (silent, sentences.NO_THREAD_HERE),
            (channel, sentences.THREAD_REFUSED),
        ):
            assert await refused(discord, discord.slash(ana, place, "story", new="Harbour")) == sentence
        forum = discord.forum(guild, "forum")
        post = discord.post(forum, "Lighthouse", ana)
        discord.deny(forum, "send_messages")
        assert await refused(discord, discord.slash(ana, post, "story", new="Harbour")) in {
            sentences.THREAD_REFUSED,
            sentences.NO_THREAD_HERE,
        }
    assert not [each for each in discord.world.channels.values() if each.is_thread and each.owner == discord.bot]


async def test_a_thread_is_opened_once_though_the_bot_ends_before_it_says_so(
    discord: FakeDiscord, tmp_path: Path
) -> None:
    """In a channel the next start finds it and says so; beside another thread nothing tells, so no second one is opened."""
    ana = discord.person("Ana")
    channel = discord.channel(discord.guild("Film club", [ana]), "films")
    gate = discord.gate("POST", GREETING)
    async with opened_bot(discord, tmp_path, provider=endless()):
        asks = discord.slash(ana, channel, "story", new="Lighthouse")
        await asyncio.wait_for(gate.reached.wait(), WAIT_S)
    gate.release()
    async with opened_bot(discord, tmp_path, provider=endless()):
        answer = await asks.answered(WAIT_S)
        (thread,) = threads_of(discord, channel)
        assert str(thread.id) in answer.text
        assert answer.ephemeral_to is None
        assert len(public(discord, thread)) == 1
    gate = discord.gate("POST", GREETING)
    async with opened_bot(discord, tmp_path, provider=endless()):
        asks = discord.slash(ana, thread, "story", new="Harbour")
        await asyncio.wait_for(gate.reached.wait(), WAIT_S)
    gate.release()
    async with opened_bot(discord, tmp_path, provider=endless()):
        assert "may be open already" in await whispered(discord, asks)
    assert [each.name for each in threads_of(discord, channel)] == ["Lighthouse", "Harbour"]


async def test_a_title_is_plain_text_in_one_line(discord: FakeDiscord, tmp_path: Path) -> None:
    """It is cut to what a thread may be called, calls nobody, and is no markup in the answer either."""
    ana, ben = discord.person("Ana"), discord.person("Ben")
    channel = discord.channel(discord.guild("Film club", [ana, ben]), "films")
    rude = f"**big** @everyone <@{ben.id}>\n# `x` [a](https://evil.example)"
    async with opened_bot(discord, tmp_path, provider=endless()):
        answer = await asked(discord, ana, channel, "story", new=rude)
        (thread,) = threads_of(discord, channel)
        assert thread.name == " ".join(rude.split())
        assert answer.pings == frozenset()
        assert answer.markup <= {"link"}
        assert answer.text.startswith("“**big** ")
        with pytest.raises(ClientRefuses, match="100 characters"):
            discord.slash(ana, channel, "story", new="x" * 300)
        # a client of somebody's own keeps to no length
        command = next(each for each in discord.commands if each["name"] == "story")
        next(each for each in command["options"] if each["name"] == "new")["max_length"] = 6000
        await asked(discord, ana, channel, "story", new="🏮" * 300)
        assert threads_of(discord, channel)[1].name == f"{'🏮' * 49}…"
        await asked(discord, ana, channel, "story", new="\u200b" * 20)
        assert threads_of(discord, channel)[2].name == "a story"
        assert "/create" in (await asked(discord, ana, channel, "story", new="  ")).text
        assert len(threads_of(discord, channel)) == 3


async def test_an_archived_thread_works_on(discord: FakeDiscord, tmp_path: Path) -> None:
    """A command there is answered, and so is what was asked for before."""
    ana = discord.person("Ana")
    channel = discord.channel(discord.guild("Film club", [ana]), "films")
    thread = discord.thread(channel, "Lighthouse")
    provider = quick()
    provider.finishes_at_check = 10**9
    async with opened_bot(discord, tmp_path, provider=provider):
        discord.archives(thread)
        begun = await asked(discord, ana, thread, "create", prompt="a storm")
        assert begun.text.startswith("a1-1 · by Ana")
        discord.archives(thread)
        provider.finishes_at_check = 1
        await until(discord, lambda: any(each.attachments for each in discord.bot_messages(thread)), "The clip")
        await until(discord, lambda: "rendering" not in begun.text)
