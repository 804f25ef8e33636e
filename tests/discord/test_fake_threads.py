"""Threads and forum posts of the fake of Discord, through the real discord.py."""

from __future__ import annotations

from collections.abc import AsyncIterator

import discord
import pytest

from tests.discord.plain_client import PlainClient, connected, refusal
from tests.fakes.discord import Channel, FakeDiscord, Person


@pytest.fixture
async def server() -> AsyncIterator[FakeDiscord]:
    """Nobody complains at the end."""
    async with FakeDiscord(flood=False, ack_within_s=30) as discord_:
        yield discord_
    assert discord_.complaints == []


@pytest.fixture
def ana(server: FakeDiscord) -> Person:
    return server.person("Ana")


@pytest.fixture
def films(server: FakeDiscord, ana: Person) -> Channel:
    return server.channel(server.guild("Film club", [ana], boost_level=2), "films")


@pytest.fixture
async def client(server: FakeDiscord, films: Channel) -> AsyncIterator[PlainClient]:
    async with connected(server) as plain:
        yield plain


def text(client: PlainClient, channel: Channel) -> discord.TextChannel:
    found = client.get_channel(channel.id)
    assert isinstance(found, discord.TextChannel)
    return found


async def test_a_thread_has_the_id_of_its_message(server: FakeDiscord, client: PlainClient, films: Channel) -> None:
    """A second one on the same message is refused; its cap is the guild's."""
    message = await text(client, films).send("story k7")
    thread = await message.create_thread(name="k7")
    assert thread.id == message.id
    assert await refusal(message.create_thread(name="k7 again")) == (400, 160004)
    place = server.world.channels[thread.id]
    assert (place.parent, place.type, place.upload_cap_bytes) == (films, 11, 50 * 1024 * 1024)
    await thread.send("here")
    assert server.bot_messages(place)[-1].content == "here"
    assert await refusal(message.create_thread(name="")) == (400, 50035)


async def test_posting_revives_an_archived_thread(server: FakeDiscord, client: PlainClient, films: Channel) -> None:
    """Editing does not; a locked one takes nothing."""
    thread = await text(client, films).create_thread(name="k7", type=discord.ChannelType.public_thread)
    place = server.world.channels[thread.id]
    sent = await thread.send("one")
    server.archives(place)
    assert await refusal(sent.edit(content="two")) == (400, 50083)
    await thread.send("three")
    assert not place.archived
    await sent.edit(content="two")
    server.archives(place, locked=True)
    assert await refusal(thread.send("four")) == (400, 50083)
    server.unarchives(place)
    server.locks(place)
    assert await refusal(thread.send("four")) == (403, 160005)
    assert films.guild is not None
    server.allow(server.bot, films.guild, "manage_threads")
    await thread.send("five")


async def test_who_may_change_a_thread(server: FakeDiscord, client: PlainClient, films: Channel, ana: Person) -> None:
    """Its own it archives; anybody's it unarchives; only a manager locks."""
    own = await text(client, films).create_thread(name="k7", type=discord.ChannelType.public_thread)
    await own.edit(archived=True)
    assert server.world.channels[own.id].archived
    theirs = server.thread(films, "story", owner=ana)
    await server.wait_until(lambda: client.get_channel(theirs.id) is not None)
    found = client.get_channel(theirs.id)
    assert isinstance(found, discord.Thread)
    assert await refusal(found.edit(archived=True)) == (403, 50013)
    assert await refusal(found.edit(locked=True)) == (403, 50013)
    server.archives(theirs)
    await found.edit(archived=False)
    assert not theirs.archived


async def test_a_forum_post_is_a_thread_with_its_first_message(
    server: FakeDiscord, client: PlainClient, films: Channel, ana: Person
) -> None:
    """A person's post is one too; the forum itself takes no message."""
    assert films.guild is not None
    forum = server.forum(films.guild, "stories")
    await server.wait_until(lambda: client.get_channel(forum.id) is not None)
    found = client.get_channel(forum.id)
    assert isinstance(found, discord.ForumChannel)
    made = await found.create_thread(name="k7", content="a lamp")
    assert made.message.channel.id == made.thread.id
    assert server.bot_messages(server.world.channels[made.thread.id])[0].content == "a lamp"
    post = server.post(forum, "k8", ana, "a boat")
    assert post.id in post.messages
    await client.place(post.id).send("here")
    assert await refusal(client.place(forum.id).send("x")) == (400, 50008)


async def test_threads_need_their_permissions(server: FakeDiscord, client: PlainClient, films: Channel) -> None:
    """To open one, and to write in one."""
    channel = text(client, films)
    message = await channel.send("x")
    thread = await message.create_thread(name="k7")
    server.deny(films, "send_messages_in_threads")
    assert await refusal(thread.send("x")) == (403, 50013)
    server.deny(films, "create_public_threads")
    other = await channel.send("y")
    assert await refusal(other.create_thread(name="k8")) == (403, 50013)
    assert await refusal(channel.create_thread(name="k9")) == (403, 50013)
    server.deletes_channel(films)
    assert await refusal(thread.send("x")) == (404, 10003)
