"""What the bot gets to see of what people do in the fake of Telegram."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.fakes.telegram import FakeTelegram, Message, Person
from tests.telegram.plain_http import Caller, calling, jpeg


@pytest.fixture
async def call() -> AsyncIterator[Caller]:
    """A server without flood control, about which nobody complains at the end."""
    async with calling(FakeTelegram(flood=False)) as caller:
        yield caller
    assert caller.server.complaints == []


@pytest.fixture
def server(call: Caller) -> FakeTelegram:
    return call.server


@pytest.fixture
def ana(server: FakeTelegram) -> Person:
    return server.person("Ana")


async def test_privacy_mode_shows_commands_and_answers_only(server: FakeTelegram, call: Caller, ana: Person) -> None:
    """In a group; an admin bot and one without privacy mode see all."""
    chat = server.group("Film", [ana])
    sent = await call("sendMessage", chat_id=chat.id, text="which shot?")
    asked = chat.messages[sent["result"]["message_id"]]
    said: list[Message] = [
        server.says(ana, chat, "/create a lamp"),
        server.says(ana, chat, "/create@nextshot_bot a lamp"),
        server.says(ana, chat, "the second", reply_to=asked),
        server.says(ana, chat, "/show", photo=b"jpeg"),
    ]
    for unseen in ("hello", "/create@other_bot a lamp", "see a/b"):
        server.says(ana, chat, unseen)
    server.says(ana, chat, "an answer to a person", reply_to=said[0])
    server.edits(ana, server.says(ana, chat, "nothing"), "/create now")
    server.leaves(ana, chat)
    updates = (await call("getUpdates"))["result"]
    assert [update["message"]["message_id"] for update in updates[:4]] == [message.id for message in said]
    assert updates[3]["message"]["caption_entities"] == [{"type": "bot_command", "offset": 0, "length": 5}]
    assert updates[4]["edited_message"]["text"] == "/create now"
    assert updates[5]["message"]["left_chat_member"]["id"] == ana.id
    assert len(updates) == 6
    ben = server.person("Ben")
    server.joins(ben, chat)
    server.privacy = False
    server.says(ben, chat, "hello")
    server.privacy = True
    server.promotes_bot(chat)
    server.says(ben, chat, "hello again")
    texts = [update.get("message", {}).get("text") for update in (await call("getUpdates"))["result"][6:]]
    assert texts == [None, "hello", None, "hello again"]


async def test_an_anonymous_admin_speaks_as_the_group(server: FakeTelegram, call: Caller, ana: Person) -> None:
    """The update has the group for its sender, and the group's list of admins still has her."""
    chat = server.group("Film", [], admins=[ana])
    server.says(ana, chat, "/create a lamp", anonymous=True)
    (update,) = (await call("getUpdates"))["result"]
    assert update["message"]["sender_chat"]["id"] == chat.id
    assert update["message"]["from"]["username"] == "GroupAnonymousBot"
    admins = (await call("getChatAdministrators", chat_id=chat.id))["result"]
    assert {"status": "administrator", "is_anonymous": True}.items() <= next(
        admin for admin in admins if admin["user"]["id"] == ana.id
    ).items()


async def test_an_answer_in_a_supergroup_has_a_thread_id_without_a_topic(
    server: FakeTelegram, call: Caller, ana: Person
) -> None:
    """The id of the first message of the chain: it is no topic, and sending to it is not refused but ignored."""
    chat = server.group("Film", [ana])
    first = server.says(ana, chat, "/create a lamp")
    second = server.says(ana, chat, "/show", reply_to=first)
    server.says(ana, chat, "/show", reply_to=second)
    last = (await call("getUpdates"))["result"][-1]["message"]
    assert last["message_thread_id"] == first.id
    assert "is_topic_message" not in last
    sent = await call("sendMessage", chat_id=chat.id, text="x", message_thread_id=first.id)
    assert "message_thread_id" not in sent["result"]


async def test_only_what_was_asked_for_comes(server: FakeTelegram, call: Caller, ana: Person) -> None:
    """`allowed_updates` holds until it is changed; an empty list means all but the rare ones."""
    chat = server.group("Film", [ana])
    await call("getUpdates", allowed_updates=["chat_member"])
    server.becomes(ana, chat, "administrator")
    server.says(ana, chat, "/create")
    assert [*(await call("getUpdates"))["result"][0]] == ["update_id", "chat_member"]
    await call("getUpdates", offset=-1, allowed_updates=[])
    server.becomes(ana, chat, "member")
    server.says(ana, chat, "/create")
    assert [[*update][1] for update in (await call("getUpdates"))["result"]] == ["chat_member", "message"]


async def test_a_negative_offset_keeps_only_the_last(server: FakeTelegram, call: Caller, ana: Person) -> None:
    """All older ones are forgotten."""
    for text in ("one", "two", "three"):
        server.says(ana, server.private(ana), text)
    for _ in range(2):
        (update,) = (await call("getUpdates", offset=-1))["result"]
        assert update["message"]["text"] == "three"


async def test_an_album_comes_as_single_messages(server: FakeTelegram, call: Caller, ana: Person) -> None:
    """With one media_group_id, and the caption on the first."""
    server.says(ana, server.private(ana), "/create", album=[("photo", jpeg()), ("video", b"clip")])
    first, second = (update["message"] for update in (await call("getUpdates"))["result"])
    assert first["media_group_id"] == second["media_group_id"]
    assert (first["caption"], first["photo"][0]["width"]) == ("/create", 320)
    assert "caption" not in second


async def test_a_press_on_a_message_that_is_gone_still_comes(server: FakeTelegram, call: Caller, ana: Person) -> None:
    """With an inaccessible message; any data can be forged, but a button that is not there cannot be pressed."""
    chat = server.private(ana)
    keyboard = {"inline_keyboard": [[{"text": "Retake", "callback_data": "retake:k7-1"}]]}
    await call("sendMessage", chat_id=chat.id, text="x", reply_markup=keyboard)
    (message,) = server.bot_messages(chat)
    with pytest.raises(ValueError, match="There is no button 'Stitch'"):
        server.presses(ana, message, "Stitch")
    server.deletes(message)
    server.presses(ana, message, "Retake")
    server.presses(ana, message, "delete:k1-1", forged=True)
    gone, forged = (update["callback_query"] for update in (await call("getUpdates"))["result"])
    assert (gone["data"], gone["message"]["date"]) == ("retake:k7-1", 0)
    assert forged["data"] == "delete:k1-1"
    long = await call.words("answerCallbackQuery", callback_query_id=gone["id"], text="x" * 201)
    assert long == "Bad Request: MESSAGE_TOO_LONG"
    assert (await call("answerCallbackQuery", callback_query_id=gone["id"], text="x" * 200))["ok"]


async def test_a_message_is_copied_forwarded_and_deleted(server: FakeTelegram, call: Caller, ana: Person) -> None:
    """A copy forgets where it came from and is the bot's own; a forwarded message tells it and cannot be edited."""
    private, group = server.private(ana), server.group("Film", [ana], bot="administrator")
    theirs = server.says(ana, private, "my clip", video=b"clip")
    source = {"from_chat_id": private.id, "message_id": theirs.id}
    copy = (await call("copyMessage", chat_id=group.id, **source))["result"]["message_id"]
    forwarded = (await call("forwardMessage", chat_id=group.id, **source))["result"]
    assert forwarded["forward_origin"]["sender_user"]["id"] == ana.id
    edit = {"chat_id": group.id, "caption": "her clip"}
    assert await call.words("editMessageCaption", message_id=copy, **edit) == "ok"
    number = forwarded["message_id"]
    assert await call.words("editMessageCaption", message_id=number, **edit) == "Bad Request: message can't be edited"
    assert [(message.text, message.video is not None) for message in server.bot_messages(group)] == [
        ("her clip", True),
        ("my clip", True),
    ]
    command = server.says(ana, group, "/create")
    for message_id in (copy, number, command.id):
        assert (await call("deleteMessage", chat_id=group.id, message_id=message_id))["ok"]
    assert server.chat_messages(group) == []
    assert server.uploads == 0


async def test_a_private_chat_can_have_topics() -> None:
    """Where the bot has topic mode; an answer that names no topic stays in the one of what it answers."""
    async with calling(FakeTelegram(private_topics=True)) as call:
        ana = call.server.person("Ana")
        chat = call.server.private(ana)
        assert (await call("getMe"))["result"]["has_topics_enabled"] is True
        topic = (await call("createForumTopic", chat_id=chat.id, name="Lighthouse"))["result"]["message_thread_id"]
        said = call.server.says(ana, chat, "/create", topic=topic)
        heard = (await call("getUpdates"))["result"][-1]["message"]
        assert (heard["message_thread_id"], heard["is_topic_message"]) == (topic, True)
        assert "reply_to_message" not in heard
        await call("sendMessage", chat_id=chat.id, text="queued", reply_parameters={"message_id": said.id})
        (seen,) = call.server.bot_messages(chat)
        assert seen.thread == topic
    assert call.server.complaints == []
