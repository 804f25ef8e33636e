"""Updates as words of the house, and replies as text and keyboards: pure, both ways.

A little over 250 lines: the two directions are read together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from telegram import (
    CallbackQuery,
    ChatMember,
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    Message,
    Update,
)

from bot import texts
from bot.commands import COMMANDS
from bot.message import Button, Incoming, Press, Reply
from bot.parsing import addressee, is_command
from bot.telegram.places import (
    PLATFORM,
    Us,
    chat_place,
    is_shared,
    person_of_chat,
    person_of_user,
    place_of,
    receipt_of,
)
from bot.telegram.stars_heard import Payment, payment_in
from engine.model import Person

TEXT_CHARS = 4096
CAPTION_CHARS = 1024
"""Both in Unicode code points: https://core.telegram.org/bots/api#sendmessage"""
DATA_BYTES = 64
ROW = 3
"""Buttons side by side that a phone shows without cutting their labels."""
KINDS = ("message", "callback_query", "my_chat_member", "pre_checkout_query")
"""The updates that we ask for: an edited message starts nothing. What was paid is a message."""


@dataclass(frozen=True, slots=True)
class Media:
    """A file that came with a message, still on the server."""

    file_id: str
    kind: str
    """`image`, `video` or `audio`."""
    bytes: int | None
    is_voice: bool = False
    """It was spoken into the chat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A message for us; `incoming` lacks its attachments."""

    incoming: Incoming
    chat_id: int
    username: str | None
    media: tuple[Media, ...] = ()
    album: str | None = None
    """Messages of one album arrive one by one with this in common."""
    is_plain: bool = False
    """Plain text to us alone, which answers nothing."""
    speaks_as_group: bool = False
    """An admin who stays anonymous: the server lets only those speak under the group's own name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressed:
    """A button of ours was pressed."""

    press: Press
    chat_id: int
    username: str | None
    query_id: str
    is_placeless: bool = False
    """The server does not tell the topic of so old a message."""


@dataclass(frozen=True, slots=True)
class Added:
    """The bot was put into a group."""

    chat_id: int
    by_id: int
    by_username: str | None


@dataclass(frozen=True, slots=True)
class Migrated:
    """A group became a supergroup with another id."""

    old_chat_id: int
    new_chat_id: int


Heard = Said | Pressed | Added | Migrated | Payment


def heard(update: Update, us: Us) -> Heard | None:
    """What an update says to us; None: nothing."""
    if (payment := payment_in(update)) is not None:
        return payment
    if update.callback_query is not None:
        return _pressed(update.callback_query)
    if update.my_chat_member is not None:
        change = update.my_chat_member
        came = change.old_chat_member.status in _OUTSIDE and change.new_chat_member.status not in _OUTSIDE
        if not came or not is_shared(change.chat):
            return None
        return Added(change.chat.id, change.from_user.id, change.from_user.username)
    if update.message is None:
        return None
    message = update.message
    if message.migrate_to_chat_id is not None:
        return Migrated(message.chat.id, message.migrate_to_chat_id)
    if message.migrate_from_chat_id is not None:
        return Migrated(message.migrate_from_chat_id, message.chat.id)
    return _said(message, us)


_OUTSIDE = frozenset({ChatMember.LEFT, ChatMember.BANNED})


def _said(message: Message, us: Us) -> Said | None:
    speaker = message.sender_chat or message.from_user
    if speaker is None or message.is_automatic_forward or message.via_bot is not None:
        return None
    if message.sender_chat is None and message.from_user is not None and message.from_user.is_bot:
        return None
    text = message.text or message.caption or ""
    text = text.strip()
    if is_command(text):
        named = addressee(text)
        if named is not None and named.lower() != us.username.lower():
            return None
        name, _, rest = text.partition("@" + named) if named else (text, "", "")
        text = name + rest
        # a command that nobody was named for and that we do not have is another bot's
        if named is None and is_shared(message.chat) and text.split()[0][1:].lower() not in COMMANDS:
            return None
    media = media_of(message)
    answered = message.reply_to_message
    reply_to = about = None
    if answered is not None and answered.forum_topic_created is None:
        if answered.from_user is not None and answered.from_user.id == us.id:
            reply_to = receipt_of(message.chat.id, answered.message_id)
            # a question of ours names its shot too, so that its answer is known also where we forgot that we asked
            about = texts.asked_of(answered.text or "") or texts.code_of(answered.text or answered.caption or "")
        elif not media:
            media = media_of(answered)  # "/continue" under somebody's video means that video
    is_private = not is_shared(message.chat)
    is_plain = is_private and bool(text or media) and reply_to is None and not is_command(text)
    if not is_command(text) and reply_to is None and message.media_group_id is None and not is_plain:
        return None  # people talk to each other
    incoming = Incoming(
        key=receipt_of(message.chat.id, message.message_id),
        place=place_of(message),
        person=_speaker(message),
        text=text,
        receipt=receipt_of(message.chat.id, message.message_id),
        reply_to=reply_to,
        about=about,
        is_shared=not is_private,
    )
    return Said(
        incoming=incoming,
        chat_id=message.chat.id,
        username=message.from_user.username if message.from_user else None,
        media=media,
        album=message.media_group_id,
        is_plain=is_plain,
        speaks_as_group=message.sender_chat is not None and message.sender_chat.id == message.chat.id,
    )


def _speaker(message: Message) -> Person:
    """Who says it: a member, or the chat that somebody speaks as."""
    if message.sender_chat is not None:
        return person_of_chat(message.sender_chat)
    assert message.from_user is not None  # noqa: S101  # _said looked
    return person_of_user(message.from_user)


def media_of(message: Message) -> tuple[Media, ...]:
    """The picture, the video or the sound of a message, whatever way it was sent."""
    if message.photo:
        largest = message.photo[-1]
        return (Media(largest.file_id, "image", largest.file_size),)
    for video in (message.video, message.video_note):
        if video is not None:
            return (Media(video.file_id, "video", video.file_size),)
    if message.voice is not None:
        return (Media(message.voice.file_id, "audio", message.voice.file_size, is_voice=True),)
    if message.audio is not None:
        return (Media(message.audio.file_id, "audio", message.audio.file_size),)
    # an animation comes with a document of the same file
    document = message.animation or message.document
    if document is None:
        return ()
    kind = (document.mime_type or "").partition("/")[0]
    return (Media(document.file_id, kind, document.file_size),) if kind in {"image", "video", "audio"} else ()


def _pressed(query: CallbackQuery) -> Pressed | None:
    message = query.message
    if message is None or query.data is None:
        return None  # an inline message, of which we have none
    verb, _, target = query.data.partition(":")
    # a message that is too old to be told has no thread, but its buttons still name what they are about;
    # the library makes a Message of it nevertheless, whose date is zero
    is_told = isinstance(message, Message) and message.is_accessible
    place = place_of(message) if isinstance(message, Message) and is_told else chat_place(message.chat.id)
    press = Press(
        key=f"{PLATFORM}:press/{query.id}",
        place=place,
        person=person_of_user(query.from_user),
        verb=verb,
        target=target,
        receipt=receipt_of(message.chat.id, message.message_id),
        is_shared=is_shared(message.chat),
    )
    return Pressed(
        press=press,
        chat_id=message.chat.id,
        username=query.from_user.username,
        query_id=query.id,
        is_placeless=not is_told,
    )


def join_album(messages: list[Said]) -> Said:
    """One message with all files of an album; the text is that of the one that has any."""
    first = next((each for each in messages if each.incoming.text), messages[0])
    return replace(first, media=tuple(file for each in messages for file in each.media))


# --- what is said ----------------------------------------------------------------------------------------------------


def text_of(reply: Reply, most: int) -> str:
    """The text, cut as plain text to `most` code points. It is sent without any markup, so there is nothing to escape."""
    text = plain(reply.text) or "…"
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def plain(text: str) -> str:
    """The text with names in it that call nobody: an invisible character after an @ keeps clients from seeing a mention."""
    return text.replace("@", "@\u2060")


def markup_of(reply: Reply) -> InlineKeyboardMarkup | ForceReply | None:
    """What goes under a new message: its buttons, or the field for the answer to its question."""
    if reply.asks is not None:
        return ForceReply(selective=True, input_field_placeholder=(reply.asks.asks or "")[:64] or None)
    return keyboard_of(reply)


def keyboard_of(reply: Reply) -> InlineKeyboardMarkup | None:
    """Its buttons."""
    rows = [reply.buttons[start : start + ROW] for start in range(0, len(reply.buttons), ROW)]
    if not rows:
        return None
    return InlineKeyboardMarkup([[_button(button) for button in row] for row in rows])


def _button(button: Button) -> InlineKeyboardButton:
    assert len(button.data.encode()) <= DATA_BYTES, button.data  # noqa: S101  # verbs and codes are ours and short
    return InlineKeyboardButton(button.label, callback_data=button.data)
