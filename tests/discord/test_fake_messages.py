"""Messages with the bot's token: what the fake of Discord takes and refuses, through the real discord.py."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import timedelta
from typing import Any

import discord
import httpx
import pytest

from tests.discord.plain_client import PlainClient, logged_in, refusal
from tests.fakes.discord import Channel, FakeDiscord, Person
from tests.telegram.plain_http import NO_CERTIFICATES

NO_ONE = discord.AllowedMentions.none()
HOUR_S = 3600.0


class Hand:
    """A clock that is moved by hand."""

    now_s = 0.0


@pytest.fixture
async def server() -> AsyncIterator[FakeDiscord]:
    """Its clock stands until `hand` moves it; nobody complains at the end."""
    Hand.now_s = 0.0
    async with FakeDiscord(flood=False, clock=lambda: Hand.now_s) as discord_:
        yield discord_
    assert discord_.complaints == []


@pytest.fixture
async def client(server: FakeDiscord) -> AsyncIterator[PlainClient]:
    async with logged_in(server) as plain:
        yield plain


@pytest.fixture
def ana(server: FakeDiscord) -> Person:
    return server.person("Ana")


@pytest.fixture
def films(server: FakeDiscord, ana: Person) -> Channel:
    return server.channel(server.guild("Film club", [ana]), "films")


def file(size_bytes: int, name: str = "a.mp4") -> discord.File:
    return discord.File(io.BytesIO(b"x" * size_bytes), name)


async def test_a_message_arrives_with_its_files_and_buttons(
    server: FakeDiscord, client: PlainClient, films: Channel
) -> None:
    """It is found again by its id, and its file at its signed address."""
    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.Button(label="Continue", custom_id="continue:1"))
    sent = await client.place(films.id).send("**done** <https://x.example>", file=file(1000), view=view, nonce=7)
    [message] = server.bot_messages(films)
    assert message.text == "done https://x.example"
    assert message.markup == {"bold", "link"}
    assert (message.buttons, message.nonce) == (["Continue"], "7")
    [kept] = message.attachments
    assert (kept.name, kept.content_type, len(kept.data)) == ("a.mp4", "video/mp4", 1000)
    assert (await client.place(films.id).fetch_message(sent.id)).content == message.content
    assert await sent.attachments[0].read() == b"x" * 1000
    assert len(server.sends(films)) == 1


async def test_a_link_to_a_file_dies(server: FakeDiscord, client: PlainClient, films: Channel) -> None:
    """After its day; a new look at the message gives no life to the file of this fake."""
    sent = await client.place(films.id).send(file=file(10))
    url = sent.attachments[0].url
    async with httpx.AsyncClient(verify=NO_CERTIFICATES) as http:
        assert (await http.get(url)).status_code == 200
        assert (await http.get(url.partition("?")[0])).status_code == 404
        Hand.now_s += server.attachments_live_s + 1
        assert (await http.get(url)).status_code == 404


async def test_an_edit_leaves_what_it_does_not_name(server: FakeDiscord, client: PlainClient, films: Channel) -> None:
    """Attachments are what remains and what is new."""
    sent = await client.place(films.id).send("one", file=file(10))
    await sent.edit(content="two")
    [message] = server.bot_messages(films)
    assert (message.content, len(message.attachments), message.edits, message.history) == ("two", 1, 1, ["one"])
    await sent.edit(attachments=[file(20, "b.mp4")])
    assert [kept.name for kept in message.attachments] == ["b.mp4"]
    await sent.edit(content=None)
    assert message.content == ""
    assert await refusal(sent.edit(attachments=[])) == (400, 50006)


async def test_the_same_nonce_gives_the_first_message_again(
    server: FakeDiscord, client: PlainClient, films: Channel
) -> None:
    """For some minutes, when it is enforced."""
    place = client.place(films.id)
    first = await place.send("once", nonce=5)
    assert (await place.send("twice", nonce=5)).id == first.id
    assert [message.content for message in server.bot_messages(films)] == ["once"]
    Hand.now_s += 600
    assert (await place.send("later", nonce=5)).id != first.id
    assert len(server.sends(films)) == 2


async def test_a_reply_needs_its_message(server: FakeDiscord, client: PlainClient, films: Channel, ana: Person) -> None:
    """Unless it need not exist."""
    said = server.says(ana, films, "look")
    place = client.place(films.id)
    reply = discord.MessageReference(message_id=said.id, channel_id=films.id)
    await place.send("seen", reference=reply)
    assert server.bot_messages(films)[0].reference == said.id
    server.deletes(said)
    assert await refusal(place.send("gone", reference=reply)) == (400, 50035)
    lenient = discord.MessageReference(message_id=said.id, channel_id=films.id, fail_if_not_exists=False)
    await place.send("anyway", reference=lenient)
    assert server.bot_messages(films)[1].reference is None


async def test_who_is_called(server: FakeDiscord, client: PlainClient, films: Channel, ana: Person) -> None:
    """All that is named by default, without code; nobody with none; the replied one by default."""
    assert films.guild is not None
    role = server.role(films.guild, "crew", mentionable=True)
    quiet = server.role(films.guild, "quiet")
    server.role(films.guild, "boss", may=["mention_everyone"], people=[server.bot])
    place = client.place(films.id)
    text = f"@everyone <@{ana.id}> <@&{role.id}> <@&{quiet.id}>"
    everybody = {"everyone", ana.id, role.id, quiet.id}
    said = server.says(ana, films, "hello")
    reply = discord.MessageReference(message_id=said.id, channel_id=films.id)
    await place.send(text)
    await place.send(text, allowed_mentions=NO_ONE)
    await place.send(text, allowed_mentions=discord.AllowedMentions(everyone=False, roles=False, users=[ana]))
    await place.send(f"`{text}`")
    await place.send("yes", reference=reply)
    await place.send("yes", reference=reply, allowed_mentions=NO_ONE)
    pings = [set(message.pings) for message in server.bot_messages(films)]
    assert pings == [everybody, set(), {ana.id}, set(), {ana.id}, set()]


async def test_without_the_permission_nobody_calls_everyone(
    server: FakeDiscord, client: PlainClient, films: Channel
) -> None:
    """And only roles that may be mentioned."""
    assert films.guild is not None
    role, quiet = server.role(films.guild, "crew", mentionable=True), server.role(films.guild, "quiet")
    await client.place(films.id).send(f"@here <@&{role.id}> <@&{quiet.id}>")
    assert server.bot_messages(films)[0].pings == {role.id}


async def test_what_a_message_may_not_be(client: PlainClient, films: Channel) -> None:
    """Empty, too long, or with too much on it."""
    place = client.place(films.id)
    view = discord.ui.View(timeout=None)
    for number in range(2):
        view.add_item(discord.ui.Button(label=f"{number}", custom_id="same"))
    assert await refusal(place.send("")) == (400, 50006)
    assert await refusal(place.send("x" * 2001)) == (400, 50035)
    assert await refusal(place.send(view=view, content="x")) == (400, 50035)
    assert await refusal(place.send("x", files=[file(1) for _ in range(11)])) == (400, 50035)
    with pytest.raises(discord.HTTPException, match="Must be between 0 and 2000 in length"):
        await place.send("x" * 2001)


@pytest.mark.parametrize(
    ("boost_level", "cap_bytes"), [(0, 10 * 1024 * 1024), (1, 10 * 1024 * 1024), (2, 50 * 1024 * 1024)]
)
async def test_a_guild_takes_what_its_boosts_pay_for(
    server: FakeDiscord, client: PlainClient, boost_level: int, cap_bytes: int
) -> None:
    """And a byte more is too large."""
    channel = server.channel(server.guild("Film club", boost_level=boost_level), "films")
    assert channel.upload_cap_bytes == cap_bytes
    if boost_level == 0:
        assert await refusal(client.place(channel.id).send(file=file(cap_bytes + 1))) == (413, 40005)
    assert channel.guild is not None
    channel.guild.cap_bytes = 1000
    assert await refusal(client.place(channel.id).send(file=file(1001))) == (413, 40005)
    await client.place(channel.id).send(file=file(1000))


async def test_where_the_bot_may_not(server: FakeDiscord, client: PlainClient, films: Channel) -> None:
    """Each missing permission has its code; given back, it works."""
    place = client.place(films.id)
    kept = await place.send("here")
    wants: list[tuple[list[str], Callable[[], Coroutine[Any, Any, object]], tuple[int, int]]] = [
        (["view_channel"], lambda: place.send("x"), (403, 50001)),
        (["view_channel"], lambda: place.fetch_message(kept.id), (403, 50001)),
        (["send_messages"], lambda: place.send("x"), (403, 50013)),
        (["attach_files"], lambda: place.send(file=file(1)), (403, 50013)),
        (["read_message_history"], lambda: place.fetch_message(kept.id), (403, 50013)),
    ]
    for names, said, expected in wants:
        server.deny(films, *names)
        assert await refusal(said()) == expected
        server.permit(films, *names)
    await place.send("again")


async def test_what_is_gone_is_unknown(server: FakeDiscord, client: PlainClient, films: Channel) -> None:
    """A deleted message, a deleted channel, a guild that threw the bot out."""
    place = client.place(films.id)
    sent, other = await place.send("one"), await place.send("two")
    server.deletes(server.bot_messages(films)[0])
    assert await refusal(sent.edit(content="x")) == (404, 10008)
    await other.delete()
    assert await refusal(other.delete()) == (404, 10008)
    server.deletes_channel(films)
    assert await refusal(place.send("x")) == (404, 10003)
    assert films.guild is not None
    second = server.channel(films.guild, "second")
    server.kicks_bot(films.guild)
    assert await refusal(client.place(second.id).send("x")) == (403, 50001)
    server.adds_bot(films.guild)
    await client.place(second.id).send("x")


async def test_only_its_own_messages_can_be_changed(
    server: FakeDiscord, client: PlainClient, films: Channel, ana: Person
) -> None:
    """And others deleted only with the permission."""
    said = server.says(ana, films, "mine")
    partial = client.place(films.id).get_partial_message(said.id)
    assert await refusal(partial.edit(content="yours")) == (403, 50005)
    assert await refusal(partial.delete()) == (403, 50013)
    assert films.guild is not None
    server.allow(server.bot, films.guild, "manage_messages")
    await partial.delete()
    assert said.deleted


async def test_what_others_wrote_is_empty(
    server: FakeDiscord, client: PlainClient, films: Channel, ana: Person
) -> None:
    """Without the intent for content; its own words and direct messages it reads."""
    server.says(ana, films, "secret", files=[("a.mp4", b"x")])
    await client.place(films.id).send("own")
    found = [(message.content, len(message.attachments)) async for message in client.place(films.id).history()]
    assert found == [("own", 0), ("", 0)]
    server.says(ana, server.dm(ana), "for you", files=[("a.mp4", b"x")])
    found = [(message.content, len(message.attachments)) async for message in client.place(server.dm(ana).id).history()]
    assert found == [("for you", 1)]


async def test_a_history_has_pages(server: FakeDiscord, client: PlainClient, films: Channel) -> None:
    """Before, after, around and a limit; nothing without the permission."""
    place = client.place(films.id)
    ids = [(await place.send(f"{number}")).id for number in range(6)]
    old = [message.content async for message in place.history(before=discord.Object(ids[2]))]
    new = [message.content async for message in place.history(after=discord.Object(ids[3]))]
    near = [message.content async for message in place.history(around=discord.Object(ids[3]), limit=3)]
    two = [message.content async for message in place.history(limit=2)]
    assert (old, new, near, two) == (["1", "0"], ["4", "5"], ["4", "3", "2"], ["5", "4"])
    server.deny(films, "read_message_history")
    assert [message async for message in place.history()] == []


async def test_an_old_message_is_edited_slowly(server: FakeDiscord, client: PlainClient, films: Channel) -> None:
    """Three times in six seconds in a channel once it is older than an hour."""
    server.flood = True
    sent = await client.place(films.id).send("0")
    for number in range(4):
        await sent.edit(content=f"{number}")
    Hand.now_s += HOUR_S + 1
    for number in range(3):
        await sent.edit(content=f"old {number}")
    server.fail_next("PATCH", "/channels/*/messages/*", 400, 50035)
    assert await refusal(sent.edit(content="x")) == (400, 50035)
    async with httpx.AsyncClient(verify=NO_CERTIFICATES) as http:
        url = f"{server.api_url}/v10/channels/{films.id}/messages/{sent.id}"
        answer = await http.patch(url, json={"content": "x"}, headers={"Authorization": f"Bot {server.token}"})
        assert (answer.status_code, answer.json()["code"], answer.json()["retry_after"]) == (429, 30046, 6.0)
        assert int(answer.headers["X-RateLimit-Remaining"]) > 0
    Hand.now_s += 6
    await sent.edit(content="in time")
    assert server.bot_messages(films)[0].content == "in time"


async def test_a_person_may_have_closed_their_door(server: FakeDiscord, client: PlainClient, ana: Person) -> None:
    """The channel opens, the message is refused."""
    user = await client.fetch_user(ana.id)
    await user.send("hello")
    assert server.bot_messages(server.dm(ana))[0].content == "hello"
    ana.dms_open = False
    assert await refusal(user.send("hello?")) == (403, 50007)
    assert await refusal(client.fetch_user(77)) == (404, 10013)


async def test_typing_is_seen(server: FakeDiscord, client: PlainClient, films: Channel) -> None:
    """And refused where nothing may be sent."""
    await client.place(films.id).typing()
    assert films.typing_at_s == [0.0]
    server.deny(films, "send_messages")

    async def typing() -> None:
        await client.place(films.id).typing()

    assert await refusal(typing()) == (403, 50013)


async def test_components_v2_have_their_own_rules(server: FakeDiscord, client: PlainClient, films: Channel) -> None:
    """No content beside them; their text is read, their media get an address; the flag stays."""
    view = discord.ui.LayoutView(timeout=None)
    box: discord.ui.Container[discord.ui.LayoutView] = discord.ui.Container(discord.ui.TextDisplay("**two takes**"))
    box.add_item(discord.ui.MediaGallery(discord.MediaGalleryItem("attachment://a.mp4")))
    view.add_item(box)
    sent = await client.place(films.id).send(view=view, file=file(10))
    [message] = server.bot_messages(films)
    assert message.text == "two takes"
    assert message.markup == {"bold"}
    gallery = message.components[0]["components"][1]
    assert gallery["items"][0]["media"]["url"].startswith(server.url)
    assert all(part["id"] for part in message.components)
    assert await refusal(sent.edit(content="x")) == (400, 50035)


async def test_the_dates_are_the_servers(server: FakeDiscord, client: PlainClient, films: Channel) -> None:
    """An id tells when, by the clock of the fake."""
    first = await client.place(films.id).send("a")
    Hand.now_s += HOUR_S
    second = await client.place(films.id).send("b")
    assert second.created_at - first.created_at == timedelta(hours=1)
    assert discord.utils.snowflake_time(second.id) - discord.utils.snowflake_time(first.id) == timedelta(hours=1)


async def test_a_file_gets_a_name_that_fits_an_address(client: PlainClient, films: Channel) -> None:
    """And is found under it."""
    sent = await client.place(films.id).send(file=file(10, "der Leuchtturmwärter (1).mp4"))
    assert sent.attachments[0].filename == "der_Leuchtturmwärter__1_.mp4"
    assert await sent.attachments[0].read() == b"x" * 10


async def test_every_kind_of_place_can_be_fetched(
    server: FakeDiscord, client: PlainClient, films: Channel, ana: Person
) -> None:
    """A server, its channels, a thread, a forum post, direct messages."""
    assert films.guild is not None
    guild = await client.fetch_guild(films.guild.id, with_counts=False)
    assert guild.name == "Film club"
    forum = server.forum(films.guild, "stories")
    places = [films, forum, server.thread(films, "k7"), server.post(forum, "k8", ana), server.dm(ana)]
    assert [(await client.fetch_channel(place.id)).id for place in places] == [place.id for place in places]
    assert await refusal(client.fetch_channel(server.foreign_channel("elsewhere", [ana]).id)) == (403, 50001)
    assert await refusal(client.fetch_guild(77)) == (404, 10004)
