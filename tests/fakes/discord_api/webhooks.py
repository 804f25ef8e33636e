"""The webhook that the token of an interaction opens: its answer and its followups, for a quarter of an hour."""

from __future__ import annotations

from tests.fakes.discord_api import permissions, shapes
from tests.fakes.discord_api.bodies import check_body, edit_message, pings
from tests.fakes.discord_api.callbacks import SETTABLE, post
from tests.fakes.discord_api.interactions import CHOICES, FOLLOWUPS_OF_USER_INSTALL, Interaction
from tests.fakes.discord_api.model import EPHEMERAL, LOADING, Channel, Json, Message
from tests.fakes.discord_api.refusals import Refusal, forbidden, unknown
from tests.fakes.discord_api.wire import Call
from tests.fakes.discord_api.world import World


def _webhook(world: World, call: Call) -> Interaction:
    """The interaction of a token.

    Raises:
        Refusal: 401/50027 for a dead or wrong token; 404/10015 for one that was not acknowledged.
    """
    found = world.tokens.get(call.params["webhook_token"])
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
    _check_place(world, interaction.channel, is_edit=False)
    if original is not None and original.loading and not original.deleted:
        original.flags &= ~LOADING
        original.pings = pings(world, interaction.channel, body, None, from_bot=False)
        edit_message(world, original, call, body, ephemeral=bool(original.flags & EPHEMERAL))
        return shapes.message_json(world, original)
    if interaction.user_install_only:
        if interaction.followups >= FOLLOWUPS_OF_USER_INSTALL:
            raise Refusal(400, 40094)
        interaction.followups += 1
    flags = int(body.get("flags") or 0) & SETTABLE
    reference = (
        original.id if original is not None and not original.deleted and not original.flags & EPHEMERAL else None
    )
    message = post(world, interaction, call, body, flags=flags, reference=reference)
    return shapes.message_json(world, message)


def _check_place(world: World, channel: Channel, *, is_edit: bool) -> None:
    """Where an answer can still go: https://github.com/discord/discord-api-docs/issues/6884.

    Raises:
        Refusal: the channel is gone; the thread is locked, or for an edit archived.
    """
    if channel.deleted:
        raise unknown(10003)
    if channel.locked and channel.is_foreign:
        raise forbidden(50001)
    if channel.locked and not permissions.may(channel, world.bot, "manage_threads"):
        raise Refusal(400, 50083)
    if channel.archived and is_edit:
        raise Refusal(400, 50083)


def get_message(world: World, call: Call) -> Json:
    """GET /webhooks/{app}/{token}/messages/{id or @original}."""
    return shapes.message_json(world, _message(_webhook(world, call), call.params["message_id"]))


def edit(world: World, call: Call) -> Json:
    """PATCH /webhooks/{app}/{token}/messages/{id or @original}."""
    interaction = _webhook(world, call)
    message = _message(interaction, call.params["message_id"])
    body = call.form
    check_body(call, body, interaction.attachment_size_limit, is_edit=True, flags=message.flags)
    _check_place(world, message.channel, is_edit=True)
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
