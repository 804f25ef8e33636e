"""The methods about the bot itself: its menu of commands, its descriptions, its session."""

from __future__ import annotations

import json
import re

from tests.fakes.bot_api.model import Json
from tests.fakes.bot_api.refusals import bad_request
from tests.fakes.bot_api.shapes import user_json
from tests.fakes.bot_api.wire import Call, names
from tests.fakes.bot_api.world import World

COMMANDS_MOST = 100
DESCRIPTION_CHARS = 256
ABOUT_CHARS = {"description": 512, "short_description": 120, "name": 64}
SCOPES = names("default all_private_chats all_group_chats all_chat_administrators chat chat_administrators chat_member")


def get_me(world: World, call: Call) -> Json:
    return {
        **user_json(world.bot),
        "can_join_groups": True,
        "can_read_all_group_messages": not world.privacy,
        "supports_guest_queries": False,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
        "has_topics_enabled": world.private_topics,
        "allows_users_to_create_topics": world.private_topics,
        "can_manage_bots": False,
        "supports_join_request_queries": False,
    }


def log_out(world: World, call: Call) -> bool:
    world.is_logged_out = True
    return True


def close(world: World, call: Call) -> bool:
    return True


def set_my_commands(world: World, call: Call) -> bool:
    commands = call.rows("commands")
    if commands is None:
        raise bad_request("can't parse commands JSON object")
    if len(commands) > COMMANDS_MOST:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    for command in commands:
        if not re.fullmatch(r"[a-z0-9_]{1,32}", str(command["command"])):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(str(command["description"])) <= DESCRIPTION_CHARS:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    menu = _menu(world, call)
    if commands:
        world.menus[menu] = commands
    else:
        world.menus.pop(menu, None)
    return True


def get_my_commands(world: World, call: Call) -> list[Json]:
    return world.menus.get(_menu(world, call), [])


def delete_my_commands(world: World, call: Call) -> bool:
    world.menus.pop(_menu(world, call), None)
    return True


def set_my_description(world: World, call: Call) -> bool:
    return _set_about(world, call, "description")


def set_my_short_description(world: World, call: Call) -> bool:
    return _set_about(world, call, "short_description")


def set_my_name(world: World, call: Call) -> bool:
    return _set_about(world, call, "name")


def get_my_description(world: World, call: Call) -> Json:
    return _about(world, call, "description")


def get_my_short_description(world: World, call: Call) -> Json:
    return _about(world, call, "short_description")


def get_my_name(world: World, call: Call) -> Json:
    return {"name": _about(world, call, "name")["name"] or world.bot.name}


def menu_key(scope: Json | None, language: str | None) -> tuple[str, str]:
    """Under which a menu is kept: scope and language."""
    return json.dumps(scope or {"type": "default"}, sort_keys=True), language or ""


def _menu(world: World, call: Call) -> tuple[str, str]:
    scope = call.tree("scope")
    if scope is not None:
        if scope.get("type") not in SCOPES:
            raise bad_request("can't parse BotCommandScope: Unsupported type specified")
        if "chat_id" in scope:
            world.chat_for(scope["chat_id"])
    return menu_key(scope, _language(call))


def _language(call: Call) -> str:
    language = call.string("language_code") or ""
    if language and not re.fullmatch(r"[a-z]{2}", language):
        raise bad_request("invalid language code specified")
    return language


def _set_about(world: World, call: Call, name: str) -> bool:
    text = call.string(name) or ""
    if len(text) > ABOUT_CHARS[name]:
        raise bad_request(f"{name.replace('_', ' ')} is too long")
    world.descriptions[name, _language(call)] = text
    return True


def _about(world: World, call: Call, name: str) -> Json:
    return {name: world.descriptions.get((name, _language(call)), "")}
