"""Updates as words of the house and replies as messages, as pure functions."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from telegram import Update

from bot.message import Button, Reply
from bot.names import NAME_CHARS, clean_name
from bot.telegram import places
from bot.telegram.places import Us
from bot.telegram.translate import Added, Migrated, Pressed, Said, heard, join_album, keyboard_of, markup_of, text_of

US = Us(7_000, "Nextshot_Bot")
ANA = {"id": 5, "is_bot": False, "first_name": "Ana", "username": "ana"}
BOT = {"id": 7_000, "is_bot": True, "first_name": "Nextshot"}
PRIVATE = {"id": 5, "type": "private", "first_name": "Ana"}
GROUP = {"id": -100_9, "type": "supergroup", "title": "Film"}


def _message(text: Any = "", chat: Any = GROUP, **more: Any) -> dict[str, Any]:
    base = {"message_id": 9, "date": 1, "chat": chat, "from": ANA, **({"text": text} if text else {})}
    return {key: value for key, value in (base | more).items() if value is not None}


def _heard(kind: str = "message", **payload: Any) -> object:
    update = Update.de_json({"update_id": 1, kind: payload}, None)
    assert update is not None
    return heard(update, US)


def _said(text: Any = "", chat: Any = GROUP, **more: Any) -> Said | None:
    said = _heard(**_message(text, chat, **more))
    assert said is None or isinstance(said, Said)
    return said


@pytest.mark.parametrize(
    ("text", "shared", "alone"),
    [
        ("/create a lamp", "/create a lamp", "/create a lamp"),
        ("/create@nextshot_BOT a lamp", "/create a lamp", "/create a lamp"),
        ("/create@other_bot a lamp", None, None),
        ("/foo", None, "/foo"),
        ("/foo@nextshot_bot", "/foo", "/foo"),
        ("a lamp", None, "a lamp"),
        ("  /CREATE a lamp ", "/CREATE a lamp", "/CREATE a lamp"),
        ("/home/ana", None, "/home/ana"),
    ],
)
def test_who_is_meant(text: str, shared: str | None, alone: str | None) -> None:
    """In a group and in a private chat."""
    in_group, in_private = _said(text), _said(text, PRIVATE)
    assert (in_group.incoming.text if in_group else None) == shared
    assert (in_private.incoming.text if in_private else None) == alone


@pytest.mark.parametrize(
    "more",
    [
        {"is_automatic_forward": True, "sender_chat": {"id": -100_8, "type": "channel", "title": "News"}},
        {"from": BOT | {"id": 8_000}},
        {"via_bot": BOT | {"id": 8_000}},
        {"from": None},
    ],
    ids=["automatic forward", "other bot", "via a bot", "nobody"],
)
def test_machines_are_not_listened_to(more: dict[str, Any]) -> None:
    """A linked channel's posts, other bots, results of inline bots."""
    assert _said("/create a lamp", **more) is None


@pytest.mark.parametrize("kind", ["edited_message", "channel_post", "edited_channel_post"])
def test_other_kinds_of_messages_start_nothing(kind: str) -> None:
    """Only a new message of a private chat or a group counts."""
    assert _heard(kind, **_message("/create a lamp")) is None


def test_an_admin_who_speaks_as_the_group_is_marked_and_no_operator() -> None:
    """What admins may do is for others to say; a channel that speaks in the group is nobody special."""
    chat = {"id": -1009, "type": "supergroup", "title": "Film"}
    for speaker, as_group in ((chat, True), ({"id": -1008, "type": "channel", "title": "News"}, False), (None, False)):
        said = _said("/settings", sender_chat=speaker)
        assert said is not None
        assert said.speaks_as_group is as_group
        assert not said.incoming.person.is_operator


def test_places_are_chats_and_topics() -> None:
    """General has no id of its own, and a chain of replies is no topic."""
    assert _place(message_thread_id=7, is_topic_message=True) == "telegram:-1009/7"
    assert _place(message_thread_id=1, is_topic_message=True) == "telegram:-1009"
    assert _place(message_thread_id=7) == "telegram:-1009"
    assert places.read_place("telegram:-1009/7") == (-1009, 7)
    assert places.read_place("telegram:-1009") == (-1009, None)
    for wrong in ("discord:5", "telegram:", "telegram:5/", "telegram:5/x", "telegram:5 "):
        with pytest.raises(ValueError, match="is no place in Telegram"):
            places.read_place(wrong)
    assert places.read_receipt("telegram:-1009/7") == (-1009, 7)
    assert places.read_receipt("web:1") is None
    assert places.read_receipt(None) is None


def _place(**more: Any) -> str:
    said = _said("/story", **more)
    assert said is not None
    return said.incoming.place


def test_the_post_that_opens_a_topic_is_nothing_that_was_answered() -> None:
    """Clients give it as the answered message of everything in the topic."""
    opened = _message(**{"from": BOT}, forum_topic_created={"name": "Sea", "icon_color": 1})
    said = _said("/story", reply_to_message=opened, message_thread_id=9, is_topic_message=True)
    assert said is not None
    assert said.incoming.reply_to is None


def test_an_answer_to_a_question_of_ours_names_its_shot() -> None:
    """By the question's own text, so that nothing has to be remembered; a look-alike of somebody else is none."""
    question = _message("Ana,\nWhat happens after a1-3?", **{"from": BOT}, message_id=8)
    said = _said("a boat", reply_to_message=question)
    assert said is not None
    assert (said.incoming.text, said.incoming.about) == ("a boat", "a1-3")
    assert said.incoming.reply_to == "telegram:-1009/8"
    assert _said("a boat", reply_to_message=question | {"from": ANA}) is None


def test_media_is_found_whatever_way_it_was_sent() -> None:
    """Own media first, else that of somebody's message that is answered; what is none of these is none."""
    photo = {"photo": [{"file_id": size, "file_unique_id": size, "width": 1, "height": 1} for size in ("s", "L")]}
    video = {"video": {"file_id": "V", "file_unique_id": "V", "width": 1, "height": 1, "duration": 1, "file_size": 9}}
    note = {"video_note": {"file_id": "N", "file_unique_id": "N", "length": 1, "duration": 1}}
    document = {"file_id": "D", "file_unique_id": "D", "mime_type": "video/quicktime"}

    def media(**more: Any) -> list[tuple[str, str]]:
        said = _said(**more)
        assert said is not None
        return [(each.file_id, each.kind) for each in said.media]

    assert media(caption="/create", **photo) == [("L", "image")]
    assert media(caption="/add", **video) == [("V", "video")]
    assert media(caption="/add", document=document) == [("D", "video")]
    assert media(caption="/add", document=document | {"mime_type": "text/plain"}) == []
    assert media(text="/add", reply_to_message=_message(**note)) == [("N", "video")]
    assert media(caption="/add", **photo, reply_to_message=_message(**video)) == [("L", "image")]
    ours = _message(**{"from": BOT}, **video)
    assert media(text="/continue x", reply_to_message=ours) == []


def test_a_sound_is_music_and_a_voice_message_is_a_voice() -> None:
    """A document of a sound is music too."""
    sound = {"file_id": "A", "file_unique_id": "A", "duration": 1}

    def media(**more: Any) -> list[tuple[str, str, bool]]:
        said = _said(**more)
        assert said is not None
        return [(each.file_id, each.kind, each.is_voice) for each in said.media]

    assert media(caption="/stitch", audio=sound) == [("A", "audio", False)]
    assert media(text="/stitch", reply_to_message=_message(voice=sound)) == [("A", "audio", True)]
    document = {"file_id": "D", "file_unique_id": "D", "mime_type": "audio/flac"}
    assert media(caption="/stitch", document=document) == [("D", "audio", False)]


def test_an_album_is_one_message() -> None:
    """With all its files, and the text of the one that has any."""
    sizes = [[{"file_id": name, "file_unique_id": name, "width": 1, "height": 1}] for name in "ab"]
    first = _said(photo=sizes[0], media_group_id="g")
    second = _said(caption="/create a lamp", photo=sizes[1], media_group_id="g")
    assert first is not None
    assert second is not None
    joined = join_album([first, second])
    assert joined.incoming.text == "/create a lamp"
    assert [each.file_id for each in joined.media] == ["a", "b"]


def test_a_pressed_button_is_a_verb_and_an_id() -> None:
    """The topic of a message that is too old to be told is not known; a press on an inline message is none of ours."""
    query = {"id": "q", "from": ANA, "chat_instance": "c", "data": "continue:a1-3"}
    pressed = _heard(
        "callback_query", **query, message=_message(**{"from": BOT}, message_thread_id=7, is_topic_message=True)
    )
    assert isinstance(pressed, Pressed)
    assert (pressed.press.verb, pressed.press.target, pressed.press.place) == ("continue", "a1-3", "telegram:-1009/7")
    assert not pressed.is_placeless
    old = _heard("callback_query", **query, message={"chat": GROUP, "message_id": 9, "date": 0})
    assert isinstance(old, Pressed)
    assert old.is_placeless
    assert old.press.place == "telegram:-1009"
    assert _heard("callback_query", **query, inline_message_id="i") is None


def test_groups_come_and_move() -> None:
    """Put into a group, and a group with a new id; being made an admin there is nothing new."""

    def change(before: str, after: str, chat: dict[str, Any] = GROUP) -> object:
        status = {"user": BOT}
        old, new = (
            {**status, "status": name, **({"until_date": 0} if name == "kicked" else {})} for name in (before, after)
        )
        return _heard("my_chat_member", **{"from": ANA}, chat=chat, date=1, old_chat_member=old, new_chat_member=new)

    assert change("left", "member") == Added(-1009, 5, "ana")
    assert change("kicked", "member") == Added(-1009, 5, "ana")
    assert change("member", "left") is None
    assert change("kicked", "member", PRIVATE) is None
    assert _heard(**_message(migrate_to_chat_id=-2)) == Migrated(-1009, -2)
    assert _heard(**_message(migrate_from_chat_id=-2)) == Migrated(-2, -1009)


@given(st.text(max_size=60))
@example("A\u202ena\u200f \u2066x")
def test_no_name_can_turn_the_text_around_it(name: str) -> None:
    """One line without control and direction characters, never empty and never long."""
    clean = clean_name(name)
    assert clean
    assert len(clean) <= NAME_CHARS
    assert not set(clean) & set("\n\r\t\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200f\u2028\0")
    assert clean_name(clean) == clean


@given(st.text(max_size=3_000), st.sampled_from([1024, 4096]))
def test_text_is_cut_in_code_points_and_calls_nobody(text: str, most: int) -> None:
    """Never longer than allowed, never empty, and no @ stands before a letter."""
    said = text_of(Reply(text=text), most)
    assert 1 <= len(said) <= most
    assert all(after == "\u2060" for mark, after in pairwise(said) if mark == "@" and after != "…")


def test_astral_characters_count_as_one() -> None:
    """The server counts code points, not the two units of UTF-16."""
    assert text_of(Reply(text="🏮" * 1024), 1024) == "🏮" * 1024
    assert text_of(Reply(text="🏮" * 1025), 1024) == "🏮" * 1023 + "…"


def test_buttons_stand_three_in_a_row_and_questions_are_asked_of_one() -> None:
    """A question has a field for its answer instead of buttons."""
    buttons = tuple(Button("show", str(number), f"a1-{number}") for number in range(4))
    keyboard = keyboard_of(Reply(text="x", buttons=buttons))
    assert keyboard is not None
    assert [len(row) for row in keyboard.inline_keyboard] == [3, 1]
    assert keyboard.inline_keyboard[1][0].callback_data == "show:a1-3"
    assert keyboard_of(Reply(text="x")) is None
    asking = markup_of(Reply(text="x", asks=Button("continue", "Continue", "a1-1", asks="w" * 100)))
    assert asking is not None
    assert asking.to_dict() == {"force_reply": True, "selective": True, "input_field_placeholder": "w" * 64}
