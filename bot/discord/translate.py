"""Interactions as words of the house: pure. What an interaction is answered with first follows from what it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import discord
from discord import Interaction, InteractionType

from bot import texts
from bot.discord import sentences
from bot.discord.buttons import BUTTON
from bot.discord.heard import (
    PICK,
    Ack,
    Asker,
    Asks,
    Heard,
    OpensThread,
    Picking,
    Pressed,
    Refused,
    Said,
    Typing,
    What,
)
from bot.discord.markdown import plain
from bot.discord.places import PLATFORM
from bot.discord.slash import CONTINUE_FROM, FIRST_FRAME, Given, given, parsed, uploads_of
from bot.names import clean_name
from bot.parsing import Parsed, UsageError
from engine.codes import is_story_code
from engine.model import Person

FIELD_TITLE_CHARS = 45
"""https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-response-object-modal"""
FETCHED = {"continued": "continue", "first-frame": "create"}
"""Fields that were opened for a message's file, and the command that its text goes to."""
_PRIVATE = frozenset({"help", "models", "link", "cancel", "download", "start"})
_PRESSES = {
    "retake": Ack.PUBLIC,
    "textonly": Ack.PUBLIC,
    "with": Ack.PUBLIC,
    "stitch": Ack.PUBLIC,
    "create": Ack.PUBLIC,
    "show": Ack.PUBLIC,
    "story": Ack.PUBLIC,
    "download": Ack.PRIVATE,
}


def heard(interaction: Interaction[Any]) -> What | None:
    """What it says to us; None: nothing."""
    asker = asker_of(interaction)
    if asker is None:
        return None
    data: Mapping[str, Any] = dict(interaction.data or {})
    try:
        return _heard(asker, data, interaction)
    except UsageError as error:
        return Refused(asker, str(error))


def _heard(asker: Asker, data: Mapping[str, Any], interaction: Interaction[Any]) -> What | None:
    """Raises UsageError."""
    match interaction.type:
        case InteractionType.application_command if data.get("type", 1) == 1:
            return _slash(asker, data)
        case InteractionType.application_command:
            return _message_command(asker, data, us_id=interaction.client.user.id)
        case InteractionType.autocomplete:
            return _typing(asker, data)
        case InteractionType.component:
            return _component(asker, data, interaction.message)
        case InteractionType.modal_submit:
            return _submitted(asker, data)
        case _:
            return None


def asker_of(interaction: Interaction[Any]) -> Asker | None:
    """Who asks, and where; None: it is told nowhere."""
    channel, user = interaction.channel, interaction.user
    if channel is None:
        return None
    guild_id = interaction.guild_id
    member = user if isinstance(user, discord.Member) else None
    return Asker(
        id=interaction.id,
        token=interaction.token,
        channel_id=channel.id,
        parent_id=channel.parent_id if isinstance(channel, discord.Thread) else None,
        guild_id=guild_id,
        user_id=user.id,
        role_ids=tuple(member._roles) if member is not None else (),  # noqa: SLF001  # `roles` leaves out what is not cached
        rights=interaction.permissions.value,
        person=Person(f"{PLATFORM}:{user.id}", clean_name(user.display_name)),
        has_access=_has_access(interaction),
        is_shared=not interaction.context.dm_channel,
        upload_bytes=interaction.filesize_limit,
        is_member=interaction.is_guild_integration(),
    )


def _has_access(interaction: Interaction[Any]) -> bool:
    """Whether the bot itself can write there: as a member of the server, or in the person's messages to it."""
    if interaction.guild_id is None:
        return bool(interaction.context.dm_channel)
    rights = interaction.app_permissions
    is_thread = isinstance(interaction.channel, discord.Thread)
    may_write = rights.send_messages_in_threads if is_thread else rights.send_messages
    return bool(interaction.is_guild_integration() and rights.view_channel and may_write)


def _slash(asker: Asker, data: Mapping[str, Any]) -> What:
    name, options = str(data["name"]), data.get("options", [])
    fields = given(options)
    if name == "story" and str(fields.get("new", "")).strip():
        return Heard(asker, Ack.PUBLIC, OpensThread(str(fields["new"]).strip()), is_command=True)
    if name == "stitch" and fields.get("pick"):
        story = str(fields.get("story", "")).strip().lower()
        if story and not is_story_code(story):
            raise UsageError(f"“{story}” is no story; stories are called like k7, and /stories lists them.")
        return Picking(asker, f"{PICK}:{story}:0", "")
    said = Said(parsed(name, options), uploads_of(name, options, data.get("resolved", {})))
    private = name in _PRIVATE or (name == "history" and "mine" in said.parsed.words)
    return Heard(asker, Ack.PRIVATE if private else Ack.PUBLIC, said, is_command=True)


def _message_command(asker: Asker, data: Mapping[str, Any], *, us_id: int) -> What:
    name = data["name"]
    message = data["resolved"]["messages"][data["target_id"]]
    files = tuple(_given_of(each) for each in _attachments_of(message))
    is_ours = message["author"]["id"] == str(us_id)
    if name == CONTINUE_FROM:
        shot = texts.code_of(plain(message.get("content", ""))) if is_ours else None
        if shot is not None:
            return continues(asker, shot)
        videos = tuple(each for each in files if _looks_like(each, "video")) or files
        if not videos:
            return Refused(asker, sentences.NO_VIDEO_THERE)
        wanted = replace(videos[0], kind="video")
        return Asks(asker, "Continue from this video", f"continued:{asker.id}", files=(wanted,))
    if name == FIRST_FRAME:
        pictures = tuple(each for each in files if _looks_like(each, "image")) or files
        if not pictures:
            return Refused(asker, sentences.NO_PICTURE_THERE)
        wanted = replace(pictures[0], kind="image")
        return Asks(asker, "A story that starts on it", f"first-frame:{asker.id}", files=(wanted,))
    return Refused(asker, sentences.unknown_entry(name))


def _attachments_of(message: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Its own, and those of the messages that it forwards.

    https://docs.discord.com/developers/resources/message#message-snapshot-object
    """
    yield from message.get("attachments") or ()
    for snapshot in message.get("message_snapshots") or ():
        yield from snapshot["message"].get("attachments") or ()


def _given_of(attachment: Mapping[str, Any]) -> Given:
    return Given(
        id=int(attachment["id"]),
        url=str(attachment["url"]),
        name=str(attachment.get("filename", "")),
        bytes=int(attachment.get("size", 0)),
        content_type=str(attachment.get("content_type") or ""),
        kind="",
    )


def _looks_like(file: Given, kind: str) -> bool:
    """Which of several files is meant; what it really is, its content says later."""
    return file.content_type.startswith(f"{kind}/")


def continues(asker: Asker, shot: str) -> Asks:
    """The field for what happens after a shot."""
    return Asks(asker, f"Continue {shot}"[:FIELD_TITLE_CHARS], f"continue:{shot}", shot=shot)


def _typing(asker: Asker, data: Mapping[str, Any]) -> Typing | None:
    options = data.get("options", [])
    focused = next((each for each in options if each.get("focused")), None)
    if focused is None:
        return None
    others = given([each for each in options if each is not focused])
    return Typing(asker, data["name"], focused["name"], str(focused.get("value", "")), others)


def _component(asker: Asker, data: Mapping[str, Any], message: discord.Message | None) -> What | None:
    custom_id = str(data["custom_id"])
    if custom_id.startswith(f"{PICK}:"):
        content = message.content if message is not None else ""
        return Picking(asker, custom_id, content, tuple(data.get("values", ())))
    found = BUTTON.fullmatch(custom_id)
    if found is None:
        return Refused(asker, texts.ANOTHER_VERSION)
    verb, target = found["verb"], found["target"]
    if verb == "continue":
        return continues(asker, target)
    return Heard(asker, _PRESSES.get(verb, Ack.QUIET), Pressed(verb, target))


def _submitted(asker: Asker, data: Mapping[str, Any]) -> What:
    verb, _, target = str(data["custom_id"]).partition(":")
    text = _text_in(data.get("components", ())).strip()
    if verb == "continue":
        return Heard(asker, Ack.PUBLIC, Pressed("continue", target, text))
    if verb in FETCHED and target.isdecimal():
        return Heard(asker, Ack.PUBLIC, Said(Parsed(FETCHED[verb], (), text), fetched_by=int(target)))
    return Refused(asker, texts.ANOTHER_VERSION)


def _text_in(components: Any) -> str:
    """What was written into the one field of a modal, however it is wrapped."""
    for component in components:
        if "value" in component:
            return str(component["value"])
        inner = component.get("components") or ([component["component"]] if "component" in component else [])
        if text := _text_in(inner):
            return text
    return ""


def without_links(what: Heard) -> Heard:
    """As it is kept: the links of files expire, and are not to be stored."""
    if not isinstance(what.act, Said):
        return what
    return replace(what, act=replace(what.act, files=tuple(replace(each, url="") for each in what.act.files)))
