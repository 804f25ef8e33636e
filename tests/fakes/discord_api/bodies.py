"""The body of a message: checked like Discord checks it, then put on a message. Used by channels and by interactions."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tests.fakes.discord_api import markdown, permissions
from tests.fakes.discord_api.components import check_components, with_ids
from tests.fakes.discord_api.model import (
    COMPONENTS_V2,
    SUPPRESS_EMBEDS,
    SUPPRESS_NOTIFICATIONS,
    Attachment,
    Channel,
    Json,
    Message,
    parts,
)
from tests.fakes.discord_api.refusals import Form, Refusal
from tests.fakes.discord_api.wire import Call
from tests.fakes.discord_api.world import World

CONTENT_CHARS = 2000
FILES = 10
EMBEDS = 10
EMBED_CHARS = 6000
SETTABLE = SUPPRESS_EMBEDS | SUPPRESS_NOTIFICATIONS | COMPONENTS_V2
_USER = re.compile(r"<@!?(\d{5,20})>")
_ROLE = re.compile(r"<@&(\d{5,20})>")


def check_body(call: Call, body: Json, cap_bytes: int, *, is_edit: bool = False, flags: int = 0) -> None:
    """What a message may hold.

    Raises:
        Refusal: 413/40005 for a file over `cap_bytes`; 400/50035 with every error; 400/50006 for an empty message.
    """
    for upload in call.uploads.values():
        if upload.size_bytes > cap_bytes:
            raise Refusal(413, 40005)
    form = Form()
    content = body.get("content")
    if content is not None:
        form.length("content", content, 0, CONTENT_CHARS)
    _check_files(call, body, form)
    _check_embeds(body.get("embeds") or [], form)
    is_v2 = bool((body.get("flags") or 0) | flags) and bool(((body.get("flags") or 0) | flags) & COMPONENTS_V2)
    components = body.get("components") or []
    check_components(components, form, is_v2=is_v2)
    if is_v2 and (content or body.get("embeds")):
        form.wrong("content", "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", "Not with components v2.")
    _check_mentions(body.get("allowed_mentions"), form)
    nonce = body.get("nonce")
    if nonce is not None:
        form.length("nonce", str(nonce), 1, 25)
    form.check()
    if not is_edit and not _has_something(call, body):
        raise Refusal(400, 50006)


def _has_something(call: Call, body: Json) -> bool:
    given = (str(body.get("content") or "").strip(), body.get("embeds"), body.get("components"), body.get("poll"))
    return bool(call.uploads) or any(given) or bool(body.get("sticker_ids"))


def _check_files(call: Call, body: Json, form: Form) -> None:
    listed = body.get("attachments")
    count = len(listed) if isinstance(listed, list) else len(call.uploads)
    if max(count, len(call.uploads)) > FILES:
        form.wrong("attachments", "BASE_TYPE_MAX_LENGTH", f"Must be {FILES} or fewer in length.")
    if isinstance(listed, list):
        named = {int(entry["id"]) for entry in listed if str(entry.get("id", "")).isdecimal()}
        for number in call.uploads:
            if number not in named:
                form.wrong(f"attachments.{number}", "ATTACHMENT_NOT_FOUND", "No entry for this file.")


def _check_embeds(embeds: Sequence[Json], form: Form) -> None:
    if len(embeds) > EMBEDS:
        form.wrong("embeds", "BASE_TYPE_MAX_LENGTH", f"Must be {EMBEDS} or fewer in length.")
    total = 0
    for index, embed in enumerate(embeds):
        fields = embed.get("fields") or []
        form.count(f"embeds.{index}.fields", fields, 0, 25)
        form.length(f"embeds.{index}.title", embed.get("title") or "", 0, 256)
        form.length(f"embeds.{index}.description", embed.get("description") or "", 0, 4096)
        texts = [embed.get("title"), embed.get("description"), (embed.get("footer") or {}).get("text")]
        texts.append((embed.get("author") or {}).get("name"))
        for number, field in enumerate(fields):
            form.length(f"embeds.{index}.fields.{number}.name", field.get("name"), 1, 256)
            form.length(f"embeds.{index}.fields.{number}.value", field.get("value"), 1, 1024)
            texts += [field.get("name"), field.get("value")]
        total += sum(len(text or "") for text in texts)
    if total > EMBED_CHARS:
        form.wrong("embeds", "MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {EMBED_CHARS}")


def _check_mentions(allowed: Json | None, form: Form) -> None:
    if not allowed:
        return
    parse = allowed.get("parse") or []
    for word in parse:
        if word not in {"roles", "users", "everyone"}:
            form.wrong("allowed_mentions.parse", "BASE_TYPE_CHOICES", "Unknown kind of mention.")
    for name in ("users", "roles"):
        listed = allowed.get(name) or []
        if listed and name in parse:
            form.wrong(
                "allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", f"parse and {name} are exclusive."
            )
        if len(listed) > 100:
            form.wrong(f"allowed_mentions.{name}", "BASE_TYPE_MAX_LENGTH", "Must be 100 or fewer in length.")


def pings(
    world: World, channel: Channel, body: Json, answered: Message | None, *, from_bot: bool
) -> frozenset[str | int]:
    """Who is called. Without `allowed_mentions` a message of a bot token calls all it names, an interaction only people."""
    content = markdown.without_code(str(body.get("content") or ""))
    allowed = body.get("allowed_mentions")
    if allowed is None:
        parse, users, roles, replied = ({"everyone", "users", "roles"} if from_bot else {"users"}), None, None, True
    else:
        parse = set(allowed.get("parse") or [])
        users = {int(number) for number in allowed.get("users") or []}
        roles = {int(number) for number in allowed.get("roles") or []}
        replied = bool(allowed.get("replied_user"))
    may_all = channel.guild is None or permissions.may(channel, world.bot, "mention_everyone")
    found: set[str | int] = set()
    if "everyone" in parse and may_all and re.search(r"@(everyone|here)\b", content):
        found.add("everyone")
    for number in {int(text) for text in _USER.findall(content)}:
        if number in world.people and ("users" in parse or (users is not None and number in users)):
            found.add(number)
    for number in {int(text) for text in _ROLE.findall(content)}:
        role = channel.guild.roles.get(number) if channel.guild is not None else None
        is_let = "roles" in parse or (roles is not None and number in roles)
        if role is not None and is_let and (role.mentionable or may_all):
            found.add(number)
    if answered is not None and replied:
        found.add(answered.author.id)
    return frozenset(found)


def take_files(world: World, call: Call, body: Json, channel: Channel, *, ephemeral: bool) -> list[Attachment]:
    """The uploads as attachments, in the order of their numbers."""
    listed = {str(entry.get("id")): entry for entry in body.get("attachments") or []}
    files = []
    for number, upload in sorted(call.uploads.items()):
        entry = listed.get(str(number), {})
        name = str(entry.get("filename") or upload.name)
        files.append(
            world.keep_file(channel.id, name, upload.data, ephemeral=ephemeral, description=entry.get("description"))
        )
    return files


def edit_message(world: World, message: Message, call: Call, body: Json, *, ephemeral: bool = False) -> None:
    """Put an edit on a message: a field that is left out stays; `attachments` lists what remains, and what is new.

    Raises:
        Refusal: it would be empty, or takes components v2 away.
    """
    if "flags" in body and message.flags & COMPONENTS_V2 and not (body["flags"] or 0) & COMPONENTS_V2:
        raise Refusal(400, 50035, errors={"flags": {"_errors": [{"code": "MESSAGE_CANNOT_REMOVE_COMPONENTS_V2_FLAG"}]}})
    files = take_files(world, call, body, message.channel, ephemeral=ephemeral)
    kept = message.attachments
    if body.get("attachments") is not None:
        ids = {str(entry.get("id")) for entry in body["attachments"]}
        kept = [file for file in message.attachments if str(file.id) in ids]
    content = str(body["content"] or "") if "content" in body else message.content
    components = body["components"] or [] if "components" in body else message.components
    embeds = body["embeds"] or [] if "embeds" in body else message.embeds
    if not (content.strip() or kept or files or components or embeds):
        raise Refusal(400, 50006)
    message.history.append(message.content)
    message.content, message.embeds = content, list(embeds)
    message.components = with_ids(components)
    message.attachments = [*kept, *files]
    if body.get("flags") is not None:
        message.flags = (message.flags & ~SETTABLE) | (int(body["flags"]) & SETTABLE)
    resolve_media(world, message)
    message.edits += 1
    message.edited_at_s = world.clock()
    world.announce("MESSAGE_UPDATE", message)


def resolve_media(world: World, message: Message) -> None:
    """Components v2 name their files `attachment://name`; what clients get is the file's address."""
    by_name = {f"attachment://{file.name}": file for file in message.attachments}
    for part in parts(message.components):
        for holder in (part, *part.get("items", [])):
            for name in [name for name in ("media", "file") if isinstance(holder.get(name), dict)]:
                file = by_name.get(str(holder[name].get("url")))
                holder[name] = _media(world, str(holder[name].get("url")), file)
                if name == "file" and file is not None:
                    part |= {"name": file.name, "size": len(file.data)}


def _media(world: World, url: str, file: Attachment | None) -> Json:
    if file is None:
        return {"id": str(world.new_id()), "url": url, "proxy_url": url}
    url = world.file_url(file)
    names = {"id": str(file.id), "attachment_id": str(file.id), "content_type": file.content_type}
    return {**names, "url": url, "proxy_url": url}
