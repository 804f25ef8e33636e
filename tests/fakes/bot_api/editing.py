"""The methods that change messages or take them away."""

from __future__ import annotations

from typing import Any

from tests.fakes.bot_api.keyboards import check_keyboard
from tests.fakes.bot_api.model import Json, Message
from tests.fakes.bot_api.refusals import NOT_MODIFIED, bad_request
from tests.fakes.bot_api.sending import caption_of, read_media
from tests.fakes.bot_api.shapes import message_json
from tests.fakes.bot_api.wire import Call
from tests.fakes.bot_api.words import read_text
from tests.fakes.bot_api.world import World


def edit_message_text(world: World, call: Call) -> Json:
    message = _editable(world, call)
    words = read_text(call.string("text") or "", call.string("parse_mode"), call.rows("entities"))
    if message.media is not None:
        raise bad_request("there is no text in the message to edit")
    preview = call.tree("link_preview_options")
    return _changed(world, call, message, text=words.text, entities=words.entities, link_preview=preview)


def edit_message_caption(world: World, call: Call) -> Json:
    message = _editable(world, call)
    words = caption_of(call.params)
    if message.media is None:
        raise bad_request("there is no caption in the message to edit")
    above = call.flag("show_caption_above_media")
    return _changed(world, call, message, text=words.text, entities=words.entities, above_media=above)


def edit_message_media(world: World, call: Call) -> Json:
    """A text message may become a video too, since Bot API 10."""
    message = _editable(world, call)
    declared = call.tree("media")
    if declared is None:
        raise bad_request("media is empty")
    if message.album is not None and message.media is not None and message.media.kind != declared["type"]:
        raise bad_request("can't use the media of the specified type in the album")
    words = caption_of(declared)
    media = read_media(world, call, str(declared["type"]), declared, str(declared["media"]))
    above = declared.get("show_caption_above_media") is True
    return _changed(world, call, message, text=words.text, entities=words.entities, media=media, above_media=above)


def edit_message_reply_markup(world: World, call: Call) -> Json:
    return _changed(world, call, _editable(world, call))


def delete_message(world: World, call: Call) -> bool:
    """Its own messages, and as an admin everybody's."""
    chat = world.chat_for(call.params.get("chat_id"))
    message = chat.messages.get(call.integer("message_id") or 0)
    if message is None:
        raise bad_request("message to delete not found")
    if message.sender != world.bot and chat.is_group and not world.is_admin(chat, world.bot):
        raise bad_request("message can't be deleted")
    del chat.messages[message.id]
    world.touch()
    return True


def _editable(world: World, call: Call) -> Message:
    if call.params.get("inline_message_id"):
        raise bad_request("MESSAGE_ID_INVALID")
    chat = world.chat_for(call.params.get("chat_id"))
    number = call.integer("message_id")
    if not number:
        raise bad_request("message identifier is not specified")
    message = chat.messages.get(number)
    if message is None:
        raise bad_request("message to edit not found")
    if message.sender != world.bot or message.service or message.forward_origin is not None:
        raise bad_request("message can't be edited")
    return message


def _changed(world: World, call: Call, message: Message, **fields: Any) -> Json:
    """The edit, which takes the keyboard away where it does not give one.

    Raises:
        Refusal: nothing would change; the budget was asked before, as the real server finds this out last.
    """
    markup = call.tree("reply_markup")
    keyboard = check_keyboard(markup) if markup is not None and markup.get("inline_keyboard") else None
    world.charge(message.chat, call.method)
    wanted = {**fields, "markup": keyboard}
    seen = wanted.keys() - {"link_preview"}  # how a link would be shown is nothing that a text without one has
    if all(getattr(message, name) == wanted[name] for name in seen):
        raise bad_request(NOT_MODIFIED)
    return message_json(world.change(message, **wanted))
