"""What the fake of Telegram takes and how it refuses the rest, asked for by plain HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from tests.fakes.bot_api.words import read_words
from tests.fakes.telegram import FakeTelegram, Person
from tests.telegram.plain_http import Body, Caller, calling, jpeg


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


# --- the wire


async def test_a_method_is_taken_in_any_spelling_and_any_form(server: FakeTelegram, call: Caller, ana: Person) -> None:
    """GET with a query, urlencoded, multipart and JSON, with nested objects as JSON strings."""
    chat = server.private(ana)
    first = await call("SENDMESSAGE", chat_id=str(chat.id), text="json")
    reply = json.dumps({"message_id": first["result"]["message_id"]})
    params = {"chat_id": str(chat.id), "reply_parameters": reply}
    await call.client.get(call.address("sendmessage"), params={**params, "text": "query"})
    await call.client.post(call.address("sendMessage"), data={**params, "text": "form"})
    files = {"there": ("a.jpg", jpeg(), "image/jpeg")}
    await call.client.post(call.address("sendPhoto"), data={**params, "photo": "attach://there"}, files=files)
    await call.client.post(call.address("sendPhoto"), data=params, files={"photo": files["there"]})
    said = server.bot_messages(chat)
    assert [message.text for message in said] == ["json", "query", "form", "", ""]
    assert [message.reply_to for message in said[1:]] == [said[0].id] * 4
    assert said[3].photo is not None
    assert said[4].photo is not None


async def test_an_unknown_method_and_a_wrong_token_are_refused(server: FakeTelegram, call: Caller) -> None:
    """404 and 401 in the server's words."""
    assert await call.words("sendNothing") == "Not Found: method not found"
    answer = await call.client.get(f"{server.base_url}1:wrong/getMe")
    assert answer.json() == {"ok": False, "error_code": 401, "description": "Unauthorized"}


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"bogus": 1, "text": "x"}, "sendMessage has the unknown parameter 'bogus'"),
        ({}, "sendMessage lacks the parameter 'text'"),
        ({"text": "x", "message_thread_id": "two"}, "sendMessage.message_thread_id is not of type Integer: 'two'"),
        ({"text": "x", "protect_content": "maybe"}, "sendMessage.protect_content is not of type Boolean: 'maybe'"),
        (
            {"text": "x", "reply_parameters": {"message_id": 2, "bogus": 1}},
            "sendMessage.reply_parameters (ReplyParameters) has the unknown field 'bogus'",
        ),
        (
            {"text": "x", "link_preview_options": {"disabled": True}},
            "sendMessage.link_preview_options (LinkPreviewOptions) has the unknown field 'disabled'",
        ),
        (
            {"text": "x", "entities": [{"type": "bold", "offset": 0}]},
            "sendMessage.entities[0] (MessageEntity) lacks the field 'length'",
        ),
        (
            {"text": "x", "reply_markup": {"inline_keyboard": [[{"text": "x", "datum": "1"}]]}},
            "inline_keyboard[0][0] (InlineKeyboardButton) has the unknown field 'datum'",
        ),
    ],
)
async def test_the_contract_is_kept_in_depth(
    server: FakeTelegram, call: Caller, ana: Person, params: Body, sentence: str
) -> None:
    """One sentence for each thing that it does not know, lacks or has of another type, also inside of objects."""
    if server.contract is None:
        pytest.skip("the contract of the Bot API is not there: NEXTSHOT_SPECS names its folder")
    assert sentence in await call.words("sendMessage", chat_id=server.private(ana).id, **params)
    (complaint,) = server.complaints
    assert complaint.endswith(sentence)
    server.complaints.clear()


async def test_what_the_fake_answers_is_checked_too(server: FakeTelegram) -> None:
    """An answer or an update that lacks what Telegram's have, or has more, is named."""
    if server.contract is None:
        pytest.skip("the contract of the Bot API is not there: NEXTSHOT_SPECS names its folder")
    chat = {"id": 1, "type": "private"}
    message = {"message_id": 1, "date": 1, "chat": chat}
    assert server.contract.answer_problems("sendMessage", message) == []
    assert server.contract.answer_problems("sendMessage", {**message, "chat": {"id": "1"}, "colour": 3}) == [
        "answer of sendMessage (Message).chat (Chat).id is not of type Integer: '1'",
        "answer of sendMessage (Message).chat (Chat) lacks the field 'type'",
        "answer of sendMessage (Message) has the unknown field 'colour'",
    ]
    assert server.contract.answer_problems("getChatMember", {"status": "kicked", "user": chat})
    assert server.contract.update_problems({"message": message}) == ["update (Update) lacks the field 'update_id'"]


async def test_an_unknown_field_of_media_is_complained_of(server: FakeTelegram, call: Caller, ana: Person) -> None:
    """InputMedia is read by its type."""
    if server.contract is None:
        pytest.skip("the contract of the Bot API is not there: NEXTSHOT_SPECS names its folder")
    sent = await call("sendMessage", chat_id=server.private(ana).id, text="x")
    where = {"chat_id": ana.id, "message_id": sent["result"]["message_id"]}
    words = await call.words("editMessageMedia", **where, media={"type": "photo", "media": "x", "width": 3})
    assert words.endswith("editMessageMedia.media (InputMediaPhoto) has the unknown field 'width'")
    server.complaints.clear()


# --- words


async def test_each_refusal_has_the_words_of_the_real_server(server: FakeTelegram, call: Caller, ana: Person) -> None:
    """One line for each way in which a bot for clips can be wrong."""
    chat, stranger, group = server.private(ana), server.person("Eve"), server.group("Film", [ana], forum=True)
    theirs = server.says(ana, group, "hello")
    here = {"chat_id": chat.id}
    said = server.says(ana, chat, "hello")
    text = (await call("sendMessage", **here, text="x"))["result"]["message_id"]
    document = await call.client.post(call.address("sendDocument"), data=here, files={"document": b"pdf"})
    clip = document.json()["result"]["message_id"]
    file_id = document.json()["result"]["document"]["file_id"]
    button = {"text": "x", "callback_data": "é" * 33}
    link = {"text": "x", "url": "http://localhost:8000/k7"}
    rows: list[tuple[str, Body, str]] = [
        ("sendMessage", {"chat_id": 404, "text": "x"}, "Bad Request: chat not found"),
        ("sendMessage", {"chat_id": "@nobody", "text": "x"}, "Bad Request: chat not found"),
        (
            "sendMessage",
            {"chat_id": stranger.id, "text": "x"},
            "Forbidden: bot can't initiate conversation with a user",
        ),
        ("sendMessage", {**here, "text": " \n"}, "Bad Request: message text is empty"),
        ("sendMessage", {**here, "text": "💡" * 4097}, "Bad Request: message is too long"),
        ("sendMessage", {**here, "text": "💡" * 4096}, "ok"),
        (
            "sendMessage",
            {**here, "text": "x", "reply_parameters": {"message_id": 99}},
            "Bad Request: message to be replied not found",
        ),
        (
            "sendMessage",
            {**here, "text": "x", "reply_parameters": {"message_id": 99, "allow_sending_without_reply": True}},
            "ok",
        ),
        ("sendMessage", {**here, "text": "x", "message_thread_id": 7}, "Bad Request: message thread not found"),
        (
            "sendMessage",
            {**here, "text": "x", "reply_markup": {"inline_keyboard": [[button]]}},
            "Bad Request: BUTTON_DATA_INVALID",
        ),
        (
            "sendMessage",
            {**here, "text": "x", "reply_markup": {"inline_keyboard": [[link]]}},
            "Bad Request: inline keyboard button URL 'http://localhost:8000/k7' is invalid: Wrong HTTP URL",
        ),
        ("sendVideo", {**here, "video": "AgADnone"}, "Bad Request: wrong file identifier/HTTP URL specified"),
        ("sendVideo", {**here, "video": file_id}, "Bad Request: can't use file of type Document as Video"),
        (
            "sendDocument",
            {**here, "document": file_id, "caption": "x" * 1025},
            "Bad Request: message caption is too long",
        ),
        ("editMessageText", {**here, "message_id": 99, "text": "y"}, "Bad Request: message to edit not found"),
        ("editMessageText", {**here, "message_id": said.id, "text": "y"}, "Bad Request: message can't be edited"),
        (
            "editMessageText",
            {**here, "message_id": clip, "text": "y"},
            "Bad Request: there is no text in the message to edit",
        ),
        (
            "editMessageCaption",
            {**here, "message_id": text, "caption": "y"},
            "Bad Request: there is no caption in the message to edit",
        ),
        ("editMessageCaption", {**here, "message_id": clip, "caption": "y"}, "ok"),
        ("deleteMessage", {**here, "message_id": 99}, "Bad Request: message to delete not found"),
        (
            "sendMessage",
            {**here, "text": "x", "reply_markup": {"inline_keyboard": [[{"text": "x"}]]}},
            "Bad Request: can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        ),
        (
            "sendMessage",
            {**here, "text": "x", "reply_markup": {"inline_keyboard": [[{"text": "x", "callback_data": "x"}]] * 101}},
            "Bad Request: reply markup is too long",
        ),
        ("deleteMessage", {"chat_id": group.id, "message_id": theirs.id}, "Bad Request: message can't be deleted"),
        ("createForumTopic", {"chat_id": group.id, "name": "x"}, "Bad Request: not enough rights to create a topic"),
        ("createForumTopic", {**here, "name": "x"}, "Bad Request: the chat is not a forum"),
        ("sendMediaGroup", {**here, "media": []}, "Bad Request: media is empty"),
        ("sendChatAction", {**here, "action": "render_video"}, "Bad Request: wrong parameter action in request"),
        ("getFile", {"file_id": "AgADnone"}, "Bad Request: invalid file_id"),
    ]
    for method, params, words in rows:
        assert await call.words(method, **params) == words, (method, params)
    empty = await call.client.post(call.address("sendVideo"), data=here, files={"video": b""})
    assert empty.json()["description"] == "Bad Request: file must be non-empty"
    large = server.says(ana, chat, video=b"large", size_bytes=20 * 1024 * 1024 + 1)
    assert large.video is not None
    assert await call.words("getFile", file_id=large.video.file.file_id) == "Bad Request: file is too big"


async def test_a_bot_that_is_not_wanted_is_forbidden(server: FakeTelegram, call: Caller, ana: Person) -> None:
    """Blocked, kicked, gone: each in its own words, and each with its update."""
    private, group = server.private(ana), server.group("Film", [ana])
    basic = server.group("Cine", [ana], basic=True)
    server.blocks_bot(ana)
    server.kicks_bot(group)
    assert await call.words("sendMessage", chat_id=private.id, text="x") == "Forbidden: bot was blocked by the user"
    kicked = "Forbidden: bot was kicked from the supergroup chat"
    assert await call.words("sendMessage", chat_id=group.id, text="x") == kicked
    assert (await call("leaveChat", chat_id=basic.id))["result"] is True
    assert (
        await call.words("sendMessage", chat_id=basic.id, text="x")
        == "Forbidden: bot is not a member of the group chat"
    )
    updates = (await call("getUpdates"))["result"]
    statuses = [update["my_chat_member"]["new_chat_member"]["status"] for update in updates]
    assert statuses == ["kicked", "kicked"]
    server.unblocks_bot(ana)
    server.adds_bot(ana, group)
    assert await call.words("sendMessage", chat_id=private.id, text="x") == "ok"
    assert await call.words("sendMessage", chat_id=group.id, text="x") == "ok"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("<x>a</x>", 'Unsupported start tag "x" at byte offset 0'),
        ("é<b>a", 'Can\'t find end tag corresponding to start tag "b"'),
        ("é</b>", "Unexpected end tag at byte offset 2"),
        ("<b>a</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("1 < 2", "Unclosed start tag at byte offset 2"),
    ],
)
async def test_wrong_markup_is_refused(
    server: FakeTelegram, call: Caller, ana: Person, source: str, words: str
) -> None:
    """What is not escaped does not go through."""
    found = await call.words("sendMessage", chat_id=server.private(ana).id, text=source, parse_mode="HTML")
    assert found == f"Bad Request: can't parse entities: {words}"


def test_markup_becomes_entities() -> None:
    """Offsets are UTF-16 units, white space around goes away, references become characters."""
    words = read_words("  💡<b>a &lt;</b> <a href='https://a.b/?x&amp;y'>b</a> /create\n", "HTML", None)
    assert words.text == "💡a < b /create"
    assert [(entity["type"], entity["offset"], entity["length"]) for entity in words.entities] == [
        ("bold", 2, 3),
        ("text_link", 6, 1),
        ("bot_command", 8, 7),
    ]
    assert words.entities[1]["url"] == "https://a.b/?x&y"


async def test_only_a_small_jpeg_is_a_thumbnail(server: FakeTelegram, call: Caller, ana: Person) -> None:
    """Another one is ignored without a word, as the real server does."""
    chat = server.private(ana)
    padding = b"\0" * 200_000
    for thumbnail in (jpeg(), jpeg(321, 180), jpeg() + padding, b"\x89PNG"):
        files = {"video": ("a.mp4", b"clip"), "thumbnail": ("a.jpg", thumbnail)}
        await call.client.post(call.address("sendVideo"), data={"chat_id": chat.id}, files=files)
    seen = [message.video.thumbnail for message in server.bot_messages(chat) if message.video is not None]
    assert seen == [jpeg(), None, None, None]


async def test_a_photo_is_a_picture_of_ten_megabytes(server: FakeTelegram, call: Caller, ana: Person) -> None:
    """At most; anything else is refused."""
    chat, limit_bytes = server.private(ana), 10 * 1024 * 1024
    for photo, words in [
        (b"no picture", "Bad Request: IMAGE_PROCESS_FAILED"),
        (jpeg().ljust(limit_bytes, b"\0"), "ok"),
        (
            jpeg().ljust(limit_bytes + 1, b"\0"),
            f"Bad Request: file of size {limit_bytes + 1} bytes is too big for a photo; the maximum size is {limit_bytes} bytes",
        ),
    ]:
        answer = await call.client.post(call.address("sendPhoto"), data={"chat_id": chat.id}, files={"photo": photo})
        assert answer.json().get("description", "ok") == words


async def test_a_silent_clip_becomes_an_animation(server: FakeTelegram, call: Caller, ana: Person) -> None:
    """An MP4 without a sound track does not stay a video."""
    chat = server.private(ana)
    for sound in (b"", b"hdlr....soun"):
        data = b"\0\0\0\x18ftypisom" + sound
        await call.client.post(call.address("sendVideo"), data={"chat_id": chat.id}, files={"video": ("a.mp4", data)})
    silent, loud = server.bot_messages(chat)
    assert silent.animation is not None
    assert loud.video is not None


# --- the menu


async def test_a_menu_belongs_to_a_scope_and_a_language(server: FakeTelegram, call: Caller) -> None:
    """Names, descriptions and their number are checked."""
    create = {"command": "create", "description": "Make a shot"}
    groups = {"scope": {"type": "all_group_chats"}, "language_code": "de"}
    assert (await call("setMyCommands", commands=[create], **groups))["ok"]
    assert (await call("getMyCommands", **groups))["result"] == [create]
    assert (await call("getMyCommands"))["result"] == []
    assert (await call("deleteMyCommands", **groups))["ok"]
    assert (await call("getMyCommands", **groups))["result"] == []
    for commands, words in [
        ([{"command": "Create", "description": "x"}], "BOT_COMMAND_INVALID"),
        ([{"command": "create", "description": "x" * 257}], "BOT_COMMAND_DESCRIPTION_INVALID"),
        ([create] * 101, "BOT_COMMANDS_TOO_MUCH"),
    ]:
        assert await call.words("setMyCommands", commands=commands) == f"Bad Request: {words}"
    assert (await call("setMyDescription", description="A film, together"))["ok"]
    assert (await call("getMyDescription"))["result"] == {"description": "A film, together"}
