"""Which route does what. A handler gets the world and the call, and gives the body of the answer, or None for 204."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from tests.fakes.discord_api import callbacks, channels, commands, shapes, threads, webhooks
from tests.fakes.discord_api.model import Json
from tests.fakes.discord_api.refusals import unknown
from tests.fakes.discord_api.wire import Call, path_pattern
from tests.fakes.discord_api.world import World

Handler = Callable[[World, Call], Any]


class Route(NamedTuple):
    """`with_token`: whether it wants the bot's token."""

    method: str
    pattern: str
    handler: Handler
    path: re.Pattern[str]
    with_token: bool
    status: int


def _me(world: World, _call: Call) -> Json:
    return shapes.me_json(world.bot)


def _application(world: World, _call: Call) -> Json:
    owner = next(iter(world.people.values()), world.bot)
    return shapes.application_json(world, owner)


def _gateway(world: World, _call: Call) -> Json:
    return {"url": world.url.replace("http", "ws", 1) + "/gateway"}


def _gateway_bot(world: World, call: Call) -> Json:
    left = {"total": 1000, "remaining": world.identifies_left, "reset_after": 14_400_000, "max_concurrency": 1}
    return {**_gateway(world, call), "shards": world.shards, "session_start_limit": left}


def _guild(world: World, call: Call) -> Json:
    guild = world.guilds.get(call.id("guild_id"))
    if guild is None or not guild.has_bot:
        raise unknown(10004)
    return shapes.fetched_guild_json(guild)


_MESSAGE = "/channels/{channel_id}/messages/{message_id}"
_ANSWER = "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}"
_COMMANDS = "/applications/{application_id}/commands"
_GUILD_COMMANDS = "/applications/{application_id}/guilds/{guild_id}/commands"
_TABLE: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/users/@me", _me),
    ("GET", "/users/{user_id}", channels.get_user),
    ("POST", "/users/@me/channels", channels.open_dm),
    ("GET", "/applications/@me", _application),
    ("GET", "/oauth2/applications/@me", _application),
    ("GET", "/gateway", _gateway),
    ("GET", "/gateway/bot", _gateway_bot),
    ("GET", "/guilds/{guild_id}", _guild),
    ("GET", _COMMANDS, commands.list_commands),
    ("PUT", _COMMANDS, commands.overwrite),
    ("POST", _COMMANDS, commands.create),
    ("DELETE", _COMMANDS + "/{command_id}", commands.delete),
    ("GET", _GUILD_COMMANDS, commands.list_commands),
    ("PUT", _GUILD_COMMANDS, commands.overwrite),
    ("POST", _GUILD_COMMANDS, commands.create),
    ("DELETE", _GUILD_COMMANDS + "/{command_id}", commands.delete),
    ("POST", "/interactions/{interaction_id}/{interaction_token}/callback", callbacks.callback),
    ("POST", "/webhooks/{webhook_id}/{webhook_token}", webhooks.followup),
    ("GET", _ANSWER, webhooks.get_message),
    ("PATCH", _ANSWER, webhooks.edit),
    ("DELETE", _ANSWER, webhooks.delete),
    ("GET", "/channels/{channel_id}", channels.get_channel),
    ("PATCH", "/channels/{channel_id}", threads.change),
    ("GET", "/channels/{channel_id}/messages", channels.list_messages),
    ("POST", "/channels/{channel_id}/messages", channels.create_message),
    ("GET", _MESSAGE, channels.get_message),
    ("PATCH", _MESSAGE, channels.edit_by_bot),
    ("DELETE", _MESSAGE, channels.delete_message),
    ("POST", "/channels/{channel_id}/typing", channels.typing),
    ("POST", _MESSAGE + "/threads", threads.from_message),
    ("POST", "/channels/{channel_id}/threads", threads.create),
    ("PUT", "/channels/{channel_id}/thread-members/@me", threads.join),
)
_CREATES = {("POST", _MESSAGE + "/threads"), ("POST", "/channels/{channel_id}/threads")}
ROUTES = [
    Route(
        method,
        pattern,
        handler,
        path_pattern(pattern),
        not pattern.startswith(("/interactions/", "/webhooks/")),
        201 if (method, pattern) in _CREATES else 200,
    )
    for method, pattern, handler in _TABLE
]
MAJOR = ("channel_id", "guild_id", "webhook_id", "webhook_token")


def find(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The route of a path, and what stands in its braces; a written one goes before one in braces."""
    found = [route for route in ROUTES if route.method == method and route.path.fullmatch(path)]
    if not found:
        return None
    route = min(found, key=lambda route: route.pattern.count("{"))
    given = zip(route.pattern.split("/"), path.split("/"), strict=True)
    return route, {name[1:-1]: value for name, value in given if name.startswith("{")}
