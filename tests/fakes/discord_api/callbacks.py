"""The routes of interactions: the callback, and the webhook that their token opens."""

from __future__ import annotations

from tests.fakes.discord_api import permissions, shapes
from tests.fakes.discord_api.bodies import check_body, edit_message, pings, resolve_media, take_files
from tests.fakes.discord_api.components import check_modal, with_ids
from tests.fakes.discord_api.interactions import (
    AUTOCOMPLETE,
    CHOICES,
    COMMAND,
    COMPONENT,
    DEFERRED,
    DEFERRED_UPDATE,
    FOLLOWUPS_OF_USER_INSTALL,
    MESSAGE,
    MODAL,
    MODAL_SUBMIT,
    UPDATE,
    Ack,
    Interaction,
)
from tests.fakes.discord_api.model import COMPONENTS_V2, EPHEMERAL, LOADING, SUPPRESS_EMBEDS, Choice, Json, Message
from tests.fakes.discord_api.refusals import Form, Refusal, invalid_form, unknown
from tests.fakes.discord_api.wire import Call
from tests.fakes.discord_api.world import World, real_s

SETTABLE = SUPPRESS_EMBEDS | EPHEMERAL | COMPONENTS_V2 | 4096
CHAT_INPUT_ANSWER, MENU_ANSWER, REPLY = 20, 23, 19


def callback(world: World, call: Call) -> Json | None:
    """POST /interactions/{id}/{token}/callback: once, within three seconds."""
    interaction = world.interactions.get(call.id("interaction_id"))
    if interaction is None or interaction.token != call.params["interaction_token"] or interaction.failed:
        raise unknown(10062)
    if interaction.ack is not None:
        raise Refusal(400, 40060)
    body = call.form
    kind = int(body.get("type") or 0)
    data = body.get("data") or {}
    _check_kind(interaction, kind)
    match kind:
        case 4:
            check_body(call, data, interaction.attachment_size_limit)
            _open_original(world, interaction, call, data, flags=int(data.get("flags") or 0) & SETTABLE)
        case 5:
            flags = (int(data.get("flags") or 0) & (EPHEMERAL | COMPONENTS_V2)) | LOADING
            _open_original(world, interaction, call, {}, flags=flags)
        case 6:
            interaction.original = interaction.pressed
        case 7:
            pressed = _pressed(interaction)
            check_body(call, data, interaction.attachment_size_limit, is_edit=True, flags=pressed.flags)
            edit_message(world, pressed, call, data, ephemeral=pressed.ephemeral_to is not None)
            interaction.original = pressed
        case 8:
            interaction.choices = _choices(data)
        case _:
            form = Form()
            check_modal(data, form)
            form.check()
            interaction.modal = {**data, "components": with_ids(data["components"])}
    ephemeral = bool(interaction.original and kind in {MESSAGE, DEFERRED} and interaction.original.flags & EPHEMERAL)
    interaction.ack = Ack(kind, ephemeral, real_s() - interaction.sent_s)
    world.touch()
    return _answer(world, interaction) if call.query.get("with_response", "").lower() in {"1", "true"} else None


def _check_kind(interaction: Interaction, kind: object) -> None:
    has_message = interaction.kind in {COMPONENT, MODAL_SUBMIT} and interaction.pressed is not None
    allowed = {
        COMMAND: {MESSAGE, DEFERRED, MODAL},
        COMPONENT: {MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE, MODAL},
        AUTOCOMPLETE: {CHOICES},
        MODAL_SUBMIT: {MESSAGE, DEFERRED, *((DEFERRED_UPDATE, UPDATE) if has_message else ())},
    }[interaction.kind]
    if kind not in allowed:
        raise invalid_form("type", "BASE_TYPE_CHOICES", f"Value must be one of {tuple(sorted(allowed))}.")


def _pressed(interaction: Interaction) -> Message:
    if interaction.pressed is None or interaction.pressed.deleted:
        raise unknown(10008)
    return interaction.pressed


def _choices(data: Json) -> list[Choice]:
    form = Form()
    given = data.get("choices")
    if not isinstance(given, list):
        raise invalid_form("data.choices", "BASE_TYPE_REQUIRED", "This field is required")
    form.count("data.choices", given, 0, 25)
    for index, choice in enumerate(given):
        form.length(f"data.choices.{index}.name", choice.get("name"), 1, 100)
        if isinstance(choice.get("value"), str):
            form.length(f"data.choices.{index}.value", choice["value"], 1, 100)
    form.check()
    return [Choice(choice["name"], choice["value"]) for choice in given]


def _metadata(world: World, interaction: Interaction) -> Json:
    body: Json = {
        "id": str(interaction.id),
        "type": interaction.kind,
        "user": shapes.user_json(interaction.person),
        "authorizing_integration_owners": interaction.payload["authorizing_integration_owners"],
    }
    if interaction.kind == COMMAND:
        body |= {"name": interaction.data["name"], "command_type": interaction.data["type"]}
    if interaction.kind == COMPONENT and interaction.pressed is not None:
        body["interacted_message_id"] = str(interaction.pressed.id)
    if interaction.kind == MODAL_SUBMIT and interaction.opener is not None:
        body["triggering_interaction_metadata"] = _metadata(world, interaction.opener)
    return body


def _post(
    world: World, interaction: Interaction, call: Call, body: Json, *, flags: int, reference: int | None
) -> Message:
    channel = interaction.channel
    ephemeral = bool(flags & EPHEMERAL)
    kind = CHAT_INPUT_ANSWER if interaction.kind == COMMAND else 0
    if interaction.kind == COMMAND and interaction.data.get("type") != 1:
        kind = MENU_ANSWER
    message = world.post(
        channel,
        world.bot,
        content=str(body.get("content") or ""),
        attachments=take_files(world, call, body, channel, ephemeral=ephemeral),
        components=with_ids(body.get("components") or []),
        embeds=list(body.get("embeds") or []),
        flags=flags,
        type=REPLY if reference is not None else kind,
        reference=reference,
        pings=pings(world, channel, body, None, from_bot=False),
        ephemeral_to=interaction.person if ephemeral else None,
        interaction=_metadata(world, interaction),
        poll=body.get("poll"),
    )
    resolve_media(world, message)
    call.new_message = True
    interaction.messages.append(message)
    return message


def _open_original(world: World, interaction: Interaction, call: Call, body: Json, *, flags: int) -> None:
    pressed = interaction.pressed if interaction.kind == COMPONENT else None
    reference = pressed.id if pressed is not None and pressed.ephemeral_to is None else None
    interaction.original = _post(world, interaction, call, body, flags=flags, reference=reference)


def _answer(world: World, interaction: Interaction) -> Json:
    assert interaction.ack is not None
    body: Json = {"id": str(interaction.id), "type": interaction.kind}
    if interaction.ack.type in {MESSAGE, DEFERRED} and interaction.original is not None:
        message = interaction.original
        body |= {
            "response_message_id": str(message.id),
            "response_message_loading": message.loading,
            "response_message_ephemeral": bool(message.flags & EPHEMERAL),
        }
    if interaction.ack.type in {MESSAGE, UPDATE} and interaction.original is not None:
        message_body = shapes.message_json(world, interaction.original)
        return {"interaction": body, "resource": {"type": interaction.ack.type, "message": message_body}}
    return {"interaction": body}


# --- the webhook of a token


def _webhook(world: World, call: Call) -> Interaction:
    """The interaction of a token.

    Raises:
        Refusal: 401/50027 for a dead or wrong token; 404/10015 for one that was not acknowledged.
    """
    found = next((i for i in world.interactions.values() if i.token == call.params["webhook_token"]), None)
    if call.id("webhook_id") != world.application_id:
        raise unknown(10015)
    if found is None or found.token_is_dead:
        raise Refusal(401, 50027)
    if found.ack is None or found.ack.type == CHOICES:
        raise unknown(10015)
    return found


def _message(interaction: Interaction, number: str) -> Message:
    if number == "@original":
        message = interaction.original
        if message is None:
            raise unknown(10015 if interaction.ack is None else 10008)
    else:
        known = [*interaction.messages, *([interaction.original] if interaction.original else [])]
        message = next((message for message in known if str(message.id) == number), None)
    if message is None or message.deleted or message.channel.deleted:
        raise unknown(10008)
    return message


def followup(world: World, call: Call) -> Json:
    """POST /webhooks/{app}/{token}: a further message; right after a type 5 it becomes the original."""
    interaction = _webhook(world, call)
    body = call.form
    original = interaction.original
    check_body(call, body, interaction.attachment_size_limit)
    if interaction.channel.deleted:
        raise unknown(10003)
    if original is not None and original.loading and not original.deleted:
        original.flags &= ~LOADING
        original.pings = pings(world, interaction.channel, body, None, from_bot=False)
        edit_message(world, original, call, body, ephemeral=bool(original.flags & EPHEMERAL))
        return shapes.message_json(world, original)
    if interaction.user_install_only:
        if interaction.followups >= FOLLOWUPS_OF_USER_INSTALL:
            raise Refusal(400, 40094)
        interaction.followups += 1
    channel = interaction.channel
    if channel.guild is not None and channel.guild.has_bot and not channel.is_foreign:
        _check_thread(channel.is_thread and channel.locked, world, interaction)
    flags = int(body.get("flags") or 0) & SETTABLE
    reference = (
        original.id if original is not None and not original.deleted and not original.flags & EPHEMERAL else None
    )
    message = _post(world, interaction, call, body, flags=flags, reference=reference)
    return shapes.message_json(world, message)


def _check_thread(is_locked: bool, world: World, interaction: Interaction) -> None:
    if is_locked and not permissions.may(interaction.channel, world.bot, "manage_threads"):
        raise Refusal(400, 160005)


def get_message(world: World, call: Call) -> Json:
    """GET /webhooks/{app}/{token}/messages/{id or @original}."""
    return shapes.message_json(world, _message(_webhook(world, call), call.params["message_id"]))


def edit(world: World, call: Call) -> Json:
    """PATCH /webhooks/{app}/{token}/messages/{id or @original}."""
    interaction = _webhook(world, call)
    message = _message(interaction, call.params["message_id"])
    body = call.form
    check_body(call, body, interaction.attachment_size_limit, is_edit=True, flags=message.flags)
    if message.loading:
        message.pings = pings(world, message.channel, body, None, from_bot=False)
    was_loading, message.flags = message.loading, message.flags & ~LOADING
    try:
        edit_message(world, message, call, body, ephemeral=message.ephemeral_to is not None)
    except Refusal:
        message.flags |= LOADING if was_loading else 0
        raise
    return shapes.message_json(world, message)


def delete(world: World, call: Call) -> None:
    """DELETE /webhooks/{app}/{token}/messages/{id or @original}."""
    world.remove(_message(_webhook(world, call), call.params["message_id"]))
