"""The methods that make messages."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from tests.fakes.bot_api.files import settled
from tests.fakes.bot_api.keyboards import check_keyboard
from tests.fakes.bot_api.model import Chat, Json, Media, Message
from tests.fakes.bot_api.refusals import bad_request
from tests.fakes.bot_api.shapes import message_json, user_json
from tests.fakes.bot_api.wire import Call, names
from tests.fakes.bot_api.words import Words, read_caption, read_text
from tests.fakes.bot_api.world import World

ALBUM_LEAST, ALBUM_MOST = 2, 10


@dataclass(frozen=True, slots=True)
class Target:
    """Where a message goes, and what every kind of message can have."""

    chat: Chat
    fields: dict[str, Any]

    def post(self, world: World, **more: Any) -> Message:
        return world.post(self.chat, world.bot, **{**self.fields, **more})


def send_message(world: World, call: Call) -> Json:
    target = target_of(world, call)
    words = read_text(call.string("text") or "", call.string("parse_mode"), call.rows("entities"))
    world.charge(target.chat, call.method)
    preview = call.tree("link_preview_options")
    return message_json(target.post(world, text=words.text, entities=words.entities, link_preview=preview))


def send_video(world: World, call: Call) -> Json:
    return _send_media(world, call, "video")


def send_photo(world: World, call: Call) -> Json:
    return _send_media(world, call, "photo")


def send_document(world: World, call: Call) -> Json:
    return _send_media(world, call, "document")


def send_animation(world: World, call: Call) -> Json:
    return _send_media(world, call, "animation")


def send_media_group(world: World, call: Call) -> list[Json]:
    target = target_of(world, call)
    items = call.rows("media") or []
    if not ALBUM_LEAST <= len(items) <= ALBUM_MOST:
        raise bad_request("there must be from 2 to 10 items in the media group" if items else "media is empty")
    kinds = {str(item["type"]) for item in items}
    if "animation" in kinds or ("document" in kinds and len(kinds) > 1):
        raise bad_request("can't use the media of the specified type in the album")
    words = [caption_of(item) for item in items]
    media = [read_media(world, call, str(item["type"]), item, str(item["media"])) for item in items]
    world.charge(target.chat, call.method, len(items))
    album = str(13_000_000_000_000_000 + next(world.numbers))
    posted = [
        target.post(world, text=caption.text, entities=caption.entities, media=one, album=album)
        for caption, one in zip(words, media, strict=True)
    ]
    return [message_json(message) for message in posted]


def copy_message(world: World, call: Call) -> Json:
    target, source = target_of(world, call), _source(world, call, "message to copy not found")
    words = Words(source.text, source.entities)
    if call.string("caption") is not None:
        words = caption_of(call.params)
    world.charge(target.chat, call.method)
    posted = target.post(world, text=words.text, entities=words.entities, media=source.media)
    return {"message_id": posted.id}


def forward_message(world: World, call: Call) -> Json:
    target, source = target_of(world, call), _source(world, call, "message to forward not found")
    world.charge(target.chat, call.method)
    origin = source.forward_origin or {"type": "user", "date": source.date, "sender_user": user_json(source.sender)}
    posted = target.post(world, text=source.text, entities=source.entities, media=source.media, forward_origin=origin)
    return message_json(posted)


def read_media(world: World, call: Call, kind: str, declared: Json, value: str | None) -> Media:
    """The media of a send or of an InputMedia, with what is declared there."""
    if kind not in {"video", "photo", "document", "animation"}:
        raise bad_request(f"type {kind} is not supported by this fake")
    file = world.files.sent(call, kind, value)
    media = Media(
        kind=kind,
        file=file,
        width=int(declared.get("width") or file.width),
        height=int(declared.get("height") or file.height),
        duration_s=int(declared.get("duration") or 0),
        thumbnail_file=None if kind == "photo" else world.files.thumbnail(call, declared.get("thumbnail")),
        cover_file=world.files.cover(call, declared.get("cover")) if kind == "video" else None,
        supports_streaming=declared.get("supports_streaming") is True,
        has_spoiler=declared.get("has_spoiler") is True,
    )
    return settled(media)


def caption_of(declared: Json) -> Words:
    """The caption of a send or of an InputMedia."""
    return read_caption(
        str(declared.get("caption") or ""), declared.get("parse_mode"), declared.get("caption_entities")
    )


def _send_media(world: World, call: Call, kind: str) -> Json:
    target = target_of(world, call)
    words = caption_of(call.params)
    media = read_media(world, call, kind, call.params, call.string(kind))
    world.charge(target.chat, call.method)
    posted = target.post(
        world,
        text=words.text,
        entities=words.entities,
        media=media,
        above_media=call.flag("show_caption_above_media"),
    )
    return message_json(posted)


def target_of(world: World, call: Call) -> Target:
    """Where a message goes.

    Raises:
        Refusal
    """
    chat = world.chat_for(call.params.get("chat_id"))
    if not chat.may_send:
        raise bad_request("not enough rights to send text messages to the chat")
    thread = _thread(chat, call.integer("message_thread_id"))
    answered = _answered(world, chat, call)
    if thread is None and answered is not None and answered.is_topic:
        thread = answered.thread  # a topic that is not given is the one of the message that is answered
    is_topic = thread is not None
    if answered is not None and not is_topic:
        thread = chain_of(answered)
    return Target(
        chat,
        {
            "thread": thread,
            "is_topic": is_topic,
            "reply_to": answered.id if answered is not None else None,
            "is_silent": call.flag("disable_notification"),
            **_markup(call),
        },
    )


def chain_of(answered: Message) -> int | None:
    """The thread id of an answer outside of topics: supergroups number each chain of replies by its first message."""
    if answered.chat.type != "supergroup" or answered.chat.has_topics:
        return None
    return answered.thread or answered.id


def _thread(chat: Chat, thread: int | None) -> int | None:
    """The topic to send to; a chat that cannot have topics ignores it, as the real server does.

    Raises:
        Refusal: there is no such topic, or it is General, which has no id to be named with.
    """
    if not thread or (not chat.has_topics and chat.is_group):
        return None
    if thread not in chat.topics:
        raise bad_request("message thread not found")
    return thread


def _answered(world: World, chat: Chat, call: Call) -> Message | None:
    wanted = call.tree("reply_parameters")
    if wanted is None:
        legacy = call.integer("reply_to_message_id")
        wanted = {"message_id": legacy, "allow_sending_without_reply": call.flag("allow_sending_without_reply")}
    number = wanted.get("message_id")
    if not number:
        return None
    other = world.known_chat(wanted["chat_id"]) if wanted.get("chat_id") else chat
    found = other.messages.get(number)
    if found is None and not wanted.get("allow_sending_without_reply"):
        raise bad_request("message to be replied not found")
    return found if other is chat else None


def _markup(call: Call) -> dict[str, Any]:
    markup = call.tree("reply_markup")
    if markup is None:
        return {}
    if "inline_keyboard" in markup:
        return {"markup": check_keyboard(markup)}
    return {"force": markup} if markup.get("force_reply") else {}


def _source(world: World, call: Call, otherwise: str) -> Message:
    source = world.chat_for(call.params.get("from_chat_id")).messages.get(call.integer("message_id") or 0)
    if source is None or source.service:
        raise bad_request(otherwise)
    return source


def send_chat_action(world: World, call: Call) -> bool:
    """Free of the chat's budget."""
    chat = world.chat_for(call.params.get("chat_id"))
    action = call.string("action") or ""
    if action not in ACTIONS:
        raise bad_request("wrong parameter action in request")
    _thread(chat, call.integer("message_thread_id"))
    world.actions.append((chat, action, time.monotonic()))
    world.touch()
    return True


ACTIONS = names(
    "typing upload_photo record_video upload_video record_voice upload_voice upload_document choose_sticker find_location "
    "record_video_note upload_video_note cancel"
)
