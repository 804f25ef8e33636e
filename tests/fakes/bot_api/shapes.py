"""The world → Telegram's JSON. Pure."""

from __future__ import annotations

from tests.fakes.bot_api.model import Chat, Json, Media, Message, Person, StoredFile

ANONYMOUS = Person(1087968824, "Group", username="GroupAnonymousBot", is_bot=True)
"""Who speaks for an anonymous admin."""


def user_json(person: Person) -> Json:
    """User."""
    user: Json = {"id": person.id, "is_bot": person.is_bot, "first_name": person.name}
    if person.last_name:
        user["last_name"] = person.last_name
    if person.username:
        user["username"] = person.username
    if not person.is_bot:
        user["language_code"] = person.language
    return user


def chat_json(chat: Chat) -> Json:
    """Chat."""
    shape: Json = {"id": chat.id, "type": chat.type}
    if chat.person is not None:
        shape["first_name"] = chat.person.name
        if chat.person.last_name:
            shape["last_name"] = chat.person.last_name
        if chat.person.username:
            shape["username"] = chat.person.username
        return shape
    shape["title"] = chat.title
    if chat.username:
        shape["username"] = chat.username
    if chat.has_topics:
        shape["is_forum"] = True
    return shape


def photo_sizes(file: StoredFile) -> list[Json]:
    """One PhotoSize: the fake scales nothing."""
    return [_photo_size(file)]


def media_json(media: Media) -> Json:
    """The fields that media gives to a Message: `video`, `photo`, `document` or `animation`."""
    file = media.file
    if media.kind == "photo":
        return {"photo": photo_sizes(file)}
    shape: Json = {
        "file_id": file.file_id,
        "file_unique_id": file.unique_id,
        "file_name": file.name,
        "mime_type": file.mime,
        "file_size": file.size_bytes,
    }
    if media.thumbnail_file is not None:
        shape["thumbnail"] = _photo_size(media.thumbnail_file)
    if media.kind == "document":
        return {"document": shape}
    sized = {**shape, "width": media.width, "height": media.height, "duration": media.duration_s}
    if media.kind == "animation":
        return {"animation": sized, "document": shape}
    if media.cover_file is not None:
        sized["cover"] = photo_sizes(media.cover_file)
    return {"video": sized}


def message_json(message: Message, *, with_reply: bool = True) -> Json:
    """Message. The message that it replies to is in it, without the one that that one replies to."""
    shape: Json = {
        "message_id": message.id,
        "date": message.date,
        "chat": chat_json(message.chat),
        "from": user_json(ANONYMOUS if message.sender_chat is not None else message.sender),
        **message.service,
    }
    if message.sender_chat is not None:
        shape["sender_chat"] = chat_json(message.sender_chat)
    if message.thread is not None:
        shape["message_thread_id"] = message.thread
    if message.is_topic:
        shape["is_topic_message"] = True
    if message.edited_at is not None:
        shape["edit_date"] = message.edited_at
    if message.album is not None:
        shape["media_group_id"] = message.album
    if message.forward_origin is not None:
        shape["forward_origin"] = message.forward_origin
    if message.invoice is not None:
        shape["invoice"] = message.invoice
    if message.link_preview is not None:
        shape["link_preview_options"] = message.link_preview
    if message.markup is not None and message.markup["inline_keyboard"]:
        shape["reply_markup"] = message.markup
    answered = message.chat.messages.get(message.reply_to or _topic_start(message)) if with_reply else None
    if answered is not None:
        shape["reply_to_message"] = message_json(answered, with_reply=False)
    return {**shape, **_content(message)}


def _content(message: Message) -> Json:
    text, entities = ("text", "entities") if message.media is None else ("caption", "caption_entities")
    shape = media_json(message.media) if message.media is not None else {}
    if message.text:
        shape[text] = message.text
    if message.entities:
        shape[entities] = list(message.entities)
    if message.media is not None and message.media.has_spoiler:
        shape["has_media_spoiler"] = True
    if message.above_media:
        shape["show_caption_above_media"] = True
    return shape


def _topic_start(message: Message) -> int:
    """In a supergroup each message of a topic answers the one that opened it (`get_implicit_reply_to_message_id`); 0 for none."""
    in_topic = message.is_topic and message.chat.type == "supergroup" and message.thread != message.id
    return (message.thread or 0) if in_topic else 0


def _photo_size(file: StoredFile) -> Json:
    return {
        "file_id": file.file_id,
        "file_unique_id": file.unique_id,
        "width": file.width,
        "height": file.height,
        "file_size": file.size_bytes,
    }


def member_json(person: Person, role: str, *, is_anonymous: bool = False) -> Json:
    """ChatMember. An administrator has every right of an administrator."""
    shape: Json = {"status": role, "user": user_json(person)}
    match role:
        case "creator":
            return {**shape, "is_anonymous": is_anonymous}
        case "kicked":
            return {**shape, "until_date": 0}
        case "administrator":
            rights = dict.fromkeys(ADMIN_RIGHTS, True)
            return {**shape, **rights, "can_be_edited": False, "is_anonymous": is_anonymous}
        case _:
            return shape


ADMIN_RIGHTS = (
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
    "can_send_welcome_messages",
    "can_pin_messages",
    "can_manage_topics",
)
