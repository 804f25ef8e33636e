"""The routes of channels, their messages and direct messages, with the bot's token."""

from __future__ import annotations

from tests.fakes.discord_api import permissions, shapes
from tests.fakes.discord_api.bodies import SETTABLE, check_body, edit_message, pings, resolve_media, take_files
from tests.fakes.discord_api.buckets import OLD_AFTER_S
from tests.fakes.discord_api.components import with_ids
from tests.fakes.discord_api.model import CATEGORY, DM, FORUM, MEDIA, Channel, Json, Message
from tests.fakes.discord_api.refusals import Refusal, forbidden, invalid_form, unknown
from tests.fakes.discord_api.wire import Call
from tests.fakes.discord_api.world import World

NO_TEXT = {CATEGORY, FORUM, MEDIA}


def get_channel(world: World, call: Call) -> Json:
    return shapes.channel_json(world, world.channel_for(call.id("channel_id")))


def create_message(world: World, call: Call) -> Json:
    """POST: the same nonce with `enforce_nonce` within some minutes gives the first message again."""
    channel = world.channel_for(call.id("channel_id"))
    if channel.type in NO_TEXT:
        raise Refusal(400, 50008)
    _may_write(world, channel)
    body = call.form
    first = _by_nonce(world, body)
    if first is not None:
        return shapes.message_json(world, first)
    if call.uploads and channel.guild is not None and not permissions.may(channel, world.bot, "attach_files"):
        raise forbidden(50013)
    check_body(call, body, channel.upload_cap_bytes)
    answered = _answered(world, channel, body)
    if channel.type == DM and any(not person.dms_open for person in channel.people):
        raise forbidden(50007)
    message = _post(world, call, channel, body, answered)
    return shapes.message_json(world, message)


def _post(world: World, call: Call, channel: Channel, body: Json, answered: Message | None) -> Message:
    flags = int(body.get("flags") or 0)
    if flags & ~SETTABLE:
        world.complaints.append(f"POST message with flags {flags}: only {SETTABLE} can be set with a bot token")
    nonce = body.get("nonce")
    message = world.post(
        channel,
        world.bot,
        content=str(body.get("content") or ""),
        attachments=take_files(world, call, body, channel, ephemeral=False),
        components=with_ids(body.get("components") or []),
        embeds=list(body.get("embeds") or []),
        flags=flags & SETTABLE,
        nonce=None if nonce is None else str(nonce),
        type=19 if answered is not None else 0,
        reference=answered.id if answered is not None else None,
        pings=pings(world, channel, body, answered, from_bot=True),
        poll=body.get("poll"),
    )
    resolve_media(world, message)
    call.new_message = True
    if nonce is not None:
        world.nonces[str(nonce)] = (world.clock(), message.id)
    return message


def _may_write(world: World, channel: Channel) -> None:
    if channel.guild is None:
        return
    needed = "send_messages_in_threads" if channel.is_thread else "send_messages"
    if not permissions.may(channel, world.bot, needed):
        raise forbidden(50013)
    if channel.locked and not permissions.may(channel, world.bot, "manage_threads"):
        raise Refusal(400, 50083) if channel.archived else forbidden(160005)


def _by_nonce(world: World, body: Json) -> Message | None:
    """The message that already has this nonce, in whatever channel."""
    if body.get("nonce") is None or not body.get("enforce_nonce"):
        return None
    at_s, number = world.nonces.get(str(body["nonce"]), (0.0, 0))
    message = world.messages.get(number)
    if message is None or world.clock() - at_s > world.nonces_live_s:
        return None
    return message


def _answered(world: World, channel: Channel, body: Json) -> Message | None:
    """The message that this one replies to; None where there is none, or it is gone and need not exist."""
    reference = body.get("message_reference")
    if not reference:
        return None
    if channel.guild is not None and not permissions.may(channel, world.bot, "read_message_history"):
        raise Refusal(400, 160002)
    number = int(reference["message_id"])
    named = reference.get("channel_id")
    message = channel.messages.get(number)
    if named is not None and int(named) != channel.id:
        raise invalid_form(
            "message_reference", "REPLIES_CANNOT_REFERENCE_OTHER_CHANNEL", "Cannot reply to another channel"
        )
    if message is None or message.deleted or message.ephemeral_to is not None:
        if reference.get("fail_if_not_exists", True):
            raise invalid_form("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        return None
    return message


def list_messages(world: World, call: Call) -> list[Json]:
    """GET: newest first; one of `before`, `after`, `around`; nothing without READ_MESSAGE_HISTORY."""
    channel = world.channel_for(call.id("channel_id"))
    if channel.guild is not None and not permissions.may(channel, world.bot, "read_message_history"):
        return []
    try:
        limit = int(call.query.get("limit", "50"))
        marks = {name: int(call.query[name]) for name in ("before", "after", "around") if name in call.query}
    except ValueError:
        raise invalid_form("limit", "NUMBER_TYPE_COERCE", "Value is not int.") from None
    if not 1 <= limit <= 100:
        raise invalid_form("limit", "NUMBER_TYPE_MAX", "int value should be between 1 and 100.")
    found = [message for message in channel.messages.values() if message.ephemeral_to is None]
    found.sort(key=lambda message: message.id)
    if "before" in marks:
        found = [message for message in found if message.id < marks["before"]][-limit:]
    elif "after" in marks:
        found = [message for message in found if message.id > marks["after"]][:limit]
    elif "around" in marks:
        older = [message for message in found if message.id < marks["around"]][-(limit // 2) :]
        found = [*older, *[message for message in found if message.id >= marks["around"]]][:limit]
    return [shapes.message_json(world, message) for message in reversed(found[-limit:])]


def get_message(world: World, call: Call) -> Json:
    channel = world.channel_for(call.id("channel_id"), "read_message_history")
    return shapes.message_json(world, world.message_for(channel, call.id("message_id")))


def edit_by_bot(world: World, call: Call) -> Json:
    """PATCH: only its own; an old one slowly; never in an archived thread."""
    channel = world.channel_for(call.id("channel_id"))
    message = world.message_for(channel, call.id("message_id"))
    body = call.form
    suppresses = not set(body) - {"flags"} and permissions.may(channel, world.bot, "manage_messages")
    if message.author != world.bot and not suppresses:
        raise forbidden(50005)
    if channel.archived:
        raise Refusal(400, 50083)
    if call.uploads and channel.guild is not None and not permissions.may(channel, world.bot, "attach_files"):
        raise forbidden(50013)
    check_body(call, body, channel.upload_cap_bytes, is_edit=True, flags=message.flags)
    if world.clock() - message.made_at_s > OLD_AFTER_S:
        world.buckets.take_old_edit(channel.id)
    edit_message(world, message, call, body)
    return shapes.message_json(world, message)


def delete_message(world: World, call: Call) -> None:
    channel = world.channel_for(call.id("channel_id"))
    message = world.message_for(channel, call.id("message_id"))
    if message.author != world.bot and not permissions.may(channel, world.bot, "manage_messages"):
        raise forbidden(50013)
    if channel.archived:
        raise Refusal(400, 50083)
    world.remove(message)


def typing(world: World, call: Call) -> None:
    channel = world.channel_for(call.id("channel_id"))
    _may_write(world, channel)
    channel.typing_at_s.append(world.clock())


def open_dm(world: World, call: Call) -> Json:
    """POST /users/@me/channels: always works for a known person; only sending tells whether they take it."""
    number = str(call.form.get("recipient_id", ""))
    person = world.people.get(int(number)) if number.isdecimal() else None
    if person is None:
        raise (
            Refusal(400, 10013) if number.isdecimal() else invalid_form("recipient_id", "NUMBER_TYPE_COERCE", "No id.")
        )
    return shapes.channel_json(world, world.dm_with(person))


def get_user(world: World, call: Call) -> Json:
    person = world.people.get(call.id("user_id"))
    if person is None:
        raise unknown(10013)
    return shapes.user_json(person)


def post_first(world: World, call: Call, channel: Channel, body: Json) -> Message:
    """The first message of a post in a forum, already checked."""
    return _post(world, call, channel, body, None)
