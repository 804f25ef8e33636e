"""The routes that open, archive and lock threads."""

from __future__ import annotations

from tests.fakes.discord_api import channels, permissions, shapes
from tests.fakes.discord_api.bodies import check_body
from tests.fakes.discord_api.model import (
    FORUM,
    MEDIA,
    NEWS,
    NEWS_THREAD,
    PRIVATE_THREAD,
    PUBLIC_THREAD,
    TEXT,
    Channel,
    Json,
    Tag,
)
from tests.fakes.discord_api.refusals import Form, Refusal, forbidden, invalid_form
from tests.fakes.discord_api.wire import Call
from tests.fakes.discord_api.world import World

MINUTES = {60, 1440, 4320, 10080}


def _check_form(body: Json) -> None:
    form = Form()
    form.length("name", body.get("name"), 1, 100)
    minutes = body.get("auto_archive_duration")
    if minutes is not None and minutes not in MINUTES:
        form.wrong("auto_archive_duration", "BASE_TYPE_CHOICES", "Value must be one of (60, 1440, 4320, 10080).")
    form.check()


def from_message(world: World, call: Call) -> Json:
    """POST /channels/{id}/messages/{id}/threads: the thread has the message's id."""
    channel = world.channel_for(call.id("channel_id"), "create_public_threads")
    message = world.message_for(channel, call.id("message_id"))
    if channel.type not in {TEXT, NEWS}:
        raise Refusal(400, 50024)
    _check_form(call.form)
    if message.thread is not None:
        raise Refusal(400, 160004)
    kind = NEWS_THREAD if channel.type == NEWS else PUBLIC_THREAD
    message.thread = world.new_channel(
        str(call.form["name"]), kind, channel.guild, parent=channel, owner=world.bot, id=message.id
    )
    return shapes.channel_json(world, message.thread)


def create(world: World, call: Call) -> Json:
    """POST /channels/{id}/threads: in a forum it is a post with its first message."""
    channel = world.channel_for(call.id("channel_id"))
    body = call.form
    if channel.type in {FORUM, MEDIA}:
        return _post_in_forum(world, call, channel)
    if channel.type not in {TEXT, NEWS}:
        raise Refusal(400, 50024)
    kind = int(body.get("type") or PRIVATE_THREAD)
    needed = "create_private_threads" if kind == PRIVATE_THREAD else "create_public_threads"
    if not permissions.may(channel, world.bot, needed):
        raise forbidden(50013)
    _check_form(body)
    return shapes.channel_json(
        world, world.new_channel(str(body["name"]), kind, channel.guild, parent=channel, owner=world.bot)
    )


def _post_in_forum(world: World, call: Call, forum: Channel) -> Json:
    if not permissions.may(forum, world.bot, "send_messages"):
        raise forbidden(50013)
    _check_form(call.form)
    first = call.form.get("message")
    if not isinstance(first, dict):
        raise invalid_form("message", "BASE_TYPE_REQUIRED", "This field is required")
    check_body(call, first, forum.upload_cap_bytes)
    tags = _tags_of(world, call.form, forum)
    thread = world.new_channel(
        str(call.form["name"]), PUBLIC_THREAD, forum.guild, parent=forum, owner=world.bot, tags=tags
    )
    message = channels.post_first(world, call, thread, first)
    return {**shapes.channel_json(world, thread), "message": shapes.message_json(world, message)}


def _tags_of(world: World, body: Json, forum: Channel) -> list[Tag]:
    known = {str(tag.id): tag for tag in forum.tags}
    ids = [str(number) for number in body.get("applied_tags") or ()]
    if any(number not in known for number in ids):
        raise invalid_form("applied_tags", "INVALID_TAG", "There is no such tag in this channel.")
    if forum.requires_tag and not ids:
        raise Refusal(400, 40067)
    if any(known[number].moderated for number in ids) and not permissions.may(forum, world.bot, "manage_threads"):
        raise forbidden(50013)
    return [known[number] for number in ids]


def change(world: World, call: Call) -> Json:
    """PATCH /channels/{id} of a thread: its name, archived, locked. Of other channels only the name."""
    channel = world.channel_for(call.id("channel_id"))
    body = call.form
    manages = permissions.may(channel, world.bot, "manage_threads" if channel.is_thread else "manage_channels")
    if not channel.is_thread:
        if not manages:
            raise forbidden(50013)
        if set(body) - {"name"}:
            world.complaints.append(f"PATCH channel with {sorted(body)}: this fake changes only the name of a channel")
        channel.name = str(body.get("name", channel.name))
        world.announce_channel("CHANNEL_UPDATE", channel)
        return shapes.channel_json(world, channel)
    owns = channel.owner == world.bot
    unarchives = body.get("archived") is False and not channel.locked
    if "locked" in body and not manages:
        raise forbidden(50013)
    if not (manages or owns or (unarchives and permissions.may(channel, world.bot, "send_messages_in_threads"))):
        raise forbidden(50013)
    if channel.archived and body.get("archived") is not False and set(body) - {"archived", "locked"}:
        raise Refusal(400, 50083)
    if "name" in body:
        _check_form(body)
    channel.name = str(body.get("name", channel.name))
    channel.archived = bool(body.get("archived", channel.archived))
    channel.locked = bool(body.get("locked", channel.locked))
    world.announce_channel("THREAD_UPDATE", channel)
    return shapes.channel_json(world, channel)


def join(world: World, call: Call) -> None:
    """PUT /channels/{id}/thread-members/@me."""
    channel = world.channel_for(call.id("channel_id"))
    if channel.archived:
        raise Refusal(400, 50083)
