"""`/story` with `new` opens a thread or a forum post, which is a place of its own; archived ones work on.

Longer than a room: all that can come between a wish and its thread.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.discord import faults, sentences, threads, wire
from tests.discord.asking import (
    WAIT_S,
    asked,
    endless,
    handled,
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
ON_MESSAGE, BESIDE = "/channels/*/messages/*/threads", "/channels/*/threads"


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


async def test_a_lost_answer_is_no_missing_permission(discord: FakeDiscord, tmp_path: Path) -> None:
    """On a message it is looked whether the thread is there; beside another thread, or where nothing is found, it may be."""
    ana = discord.person("Ana")
    channel = discord.channel(discord.guild("Film club", [ana]), "films")
    async with opened_bot(discord, tmp_path, provider=endless()):
        discord.lose_answer("POST", ON_MESSAGE)
        answer = await asked(discord, ana, channel, "story", new="Lighthouse")
        (thread,) = threads_of(discord, channel)
        assert str(thread.id) in answer.text
        await told(discord, thread, "Tell a film together")
        discord.fail_next("POST", ON_MESSAGE, 503)
        assert await refused(discord, discord.slash(ana, channel, "story", new="Broken")) == sentences.THREAD_PERHAPS
        discord.lose_answer("POST", BESIDE)
        assert await refused(discord, discord.slash(ana, thread, "story", new="Harbour")) == sentences.THREAD_PERHAPS
        assert [each.name for each in threads_of(discord, channel)] == ["Lighthouse", "Harbour"]


async def test_what_the_server_says_against_it_is_told(discord: FakeDiscord, tmp_path: Path) -> None:
    """In one line, and not all of a long one: it is no missing permission."""
    ana = discord.person("Ana")
    channel = discord.channel(discord.guild("Film club", [ana]), "films")
    words = "Maximum number of active threads reached"
    async with opened_bot(discord, tmp_path, provider=endless()):
        discord.fail_next("POST", ON_MESSAGE, 400, 160006, words)
        sentence = await refused(discord, discord.slash(ana, channel, "story", new="Harbour"))
        assert sentence == f"The thread could not be opened: 400 160006: {words}"
        discord.fail_next("POST", BESIDE, 400, 160006, f"{words}\n" * 9)
        thread = discord.thread(channel, "Lighthouse")
        sentence = await refused(discord, discord.slash(ana, thread, "story", new="Harbour"))
        assert "\n" not in sentence
        assert sentence.endswith("…")
        assert len(sentence) < 160
    assert threads_of(discord, channel) == []


async def test_a_pause_is_waited_for_where_it_is_short(
    discord: FakeDiscord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the thread is opened, once; a long pause is told of."""
    ana = discord.person("Ana")
    channel = discord.channel(discord.guild("Film club", [ana]), "films")
    monkeypatch.setattr(faults, "TOKEN_AGAIN_S", 0.1)
    async with opened_bot(discord, tmp_path, provider=endless()):
        discord.fail_next("POST", ON_MESSAGE, 403, times=2)
        await asked(discord, ana, channel, "story", new="Lighthouse")
        (thread,) = threads_of(discord, channel)
        discord.fail_next("POST", BESIDE, 403, times=2)
        await asked(discord, ana, thread, "story", new="Harbour")
        assert [each.name for each in threads_of(discord, channel)] == ["Lighthouse", "Harbour"]
        monkeypatch.setattr(faults, "TOKEN_AGAIN_S", threads.PATIENCE_S + 1)
        discord.fail_next("POST", BESIDE, 403)
        sentence = await refused(discord, discord.slash(ana, thread, "story", new="Sea"))
        assert sentence == "The thread could not be opened: something before the server refuses us"
    assert len(threads_of(discord, channel)) == 2


async def test_a_server_that_does_not_answer_is_not_waited_for_without_end(
    discord: FakeDiscord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither when a thread is opened nor when it is looked up where that would be."""
    ana = discord.person("Ana")
    channel = discord.channel(discord.guild("Film club", [ana]), "films")
    thread = discord.thread(channel, "Lighthouse")
    monkeypatch.setattr(wire, "TEXT_S", 0.5)
    monkeypatch.setattr(threads, "PATIENCE_S", 1.0)
    async with opened_bot(discord, tmp_path, provider=endless()):
        discord.gate("POST", BESIDE)
        assert await refused(discord, discord.slash(ana, thread, "story", new="Harbour")) == sentences.THREAD_PERHAPS
        discord.archives(thread)
        await handled(discord, ana, channel)
        discord.gate("GET", f"/channels/{thread.id}")
        sentence = await refused(discord, discord.slash(ana, thread, "story", new="Harbour"))
        assert sentence == "The thread could not be opened: the answer was lost (TimeoutError)"


@pytest.mark.parametrize(
    ("of_post", "given"),
    [(["ours"], ["ours"]), (["staff"], ["news"]), ([], ["news"])],
    ids=["its own", "staff's", "none"],
)
async def test_a_forum_that_wants_tags_gets_some(
    discord: FakeDiscord, tmp_path: Path, of_post: list[str], given: list[str]
) -> None:
    """Those of the post beside it, as far as anybody may give them, else the first that there is."""
    ana = discord.person("Ana")
    forum = discord.forum(
        discord.guild("Film club", [ana]),
        "films",
        tags=["staff", "news", "ours"],
        moderated=["staff"],
        requires_tag=True,
    )
    post = discord.post(forum, "Lighthouse", ana, tags=of_post)
    async with opened_bot(discord, tmp_path, provider=endless()):
        await asked(discord, ana, post, "story", new="Harbour")
        (opened,) = threads_of(discord, forum)
        assert [tag.name for tag in opened.tags] == given


async def test_a_forum_s_refusal_for_want_of_a_tag_is_told(discord: FakeDiscord, tmp_path: Path) -> None:
    """Where it wants tags and has none."""
    ana = discord.person("Ana")
    forum = discord.forum(discord.guild("Film club", [ana]), "films", requires_tag=True)
    post = discord.post(forum, "Lighthouse", ana)
    async with opened_bot(discord, tmp_path, provider=endless()):
        sentence = await refused(discord, discord.slash(ana, post, "story", new="Harbour"))
        assert sentence.startswith("The thread could not be opened: 400 40067: A tag is required")
    assert threads_of(discord, forum) == []
