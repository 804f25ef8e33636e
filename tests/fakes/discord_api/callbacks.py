"""The callback of an interaction: the one answer that it has to get within three seconds."""

from __future__ import annotations

from tests.fakes.discord_api import shapes
from tests.fakes.discord_api.bodies import check_body, edit_message, pings, resolve_media, take_files
from tests.fakes.discord_api.components import check_modal, with_ids
from tests.fakes.discord_api.interactions import (
    AUTOCOMPLETE,
    CHOICES,
    COMMAND,
    COMPONENT,
    DEFERRED,
    DEFERRED_UPDATE,
    MESSAGE,
    MODAL,
    MODAL_SUBMIT,
    UPDATE,
    Ack,
    Interaction,
)
from tests.fakes.discord_api.model import (
    COMPONENTS_V2,
    EPHEMERAL,
    LOADING,
    SUPPRESS_EMBEDS,
    Choice,
    Json,
    Message,
)
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


def post(
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
    interaction.original = post(world, interaction, call, body, flags=flags, reference=reference)


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
