"""The routes of application commands, and what a command may look like.

Source: https://discord.com/developers/docs/interactions/application-commands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tests.fakes.discord_api.model import Json
from tests.fakes.discord_api.refusals import Form, Refusal, forbidden, unknown
from tests.fakes.discord_api.wire import Call
from tests.fakes.discord_api.world import World

CHAT_INPUT, USER, MESSAGE = 1, 2, 3
MOST = {CHAT_INPUT: 100, USER: 15, MESSAGE: 15}
SUB_COMMAND, SUB_COMMAND_GROUP, STRING, INTEGER, BOOLEAN = 1, 2, 3, 4, 5
PERSON_OPTION, CHANNEL_OPTION, ROLE_OPTION, MENTIONABLE, NUMBER, ATTACHMENT = 6, 7, 8, 9, 10, 11
COMMAND_CHARS = 8000
CREATES_PER_DAY = 200
_NAME = re.compile(r"[-_'\w]{1,32}")
_CHOICES = {STRING, INTEGER, NUMBER}


def check_commands(commands: Sequence[Json]) -> None:
    """All the commands of one scope.

    Raises:
        Refusal: 400/50035 with every error; 400/30032 for too many.
    """
    form = Form()
    seen: set[tuple[int, str]] = set()
    for index, command in enumerate(commands):
        kind = int(command.get("type") or CHAT_INPUT)
        key = (kind, str(command.get("name")))
        if key in seen:
            form.wrong(
                f"{index}.name", "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique"
            )
        seen.add(key)
        _check_command(str(index), command, kind, form)
    form.check()
    for kind, most in MOST.items():
        if sum(int(command.get("type") or CHAT_INPUT) == kind for command in commands) > most:
            raise Refusal(400, 30032, f"Maximum number of application commands reached ({most})")


def _check_command(where: str, command: Json, kind: int, form: Form) -> None:
    form.length(f"{where}.name", command.get("name"), 1, 32)
    if kind == CHAT_INPUT:
        _check_name(f"{where}.name", command.get("name"), form)
        form.length(f"{where}.description", command.get("description"), 1, 100)
        _check_options(f"{where}.options", command.get("options") or [], form, depth=0)
    else:
        if command.get("description"):
            form.wrong(
                f"{where}.description", "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION_NOT_EMPTY", "Must be empty."
            )
        if command.get("options"):
            form.wrong(f"{where}.options", "APPLICATION_COMMAND_CONTEXT_MENU_OPTIONS_NOT_EMPTY", "Must be empty.")
    if not set(command.get("contexts") or []) <= {0, 1, 2}:
        form.wrong(f"{where}.contexts", "BASE_TYPE_CHOICES", "Value must be one of (0, 1, 2).")
    if not set(command.get("integration_types") or []) <= {0, 1}:
        form.wrong(f"{where}.integration_types", "BASE_TYPE_CHOICES", "Value must be one of (0, 1).")
    chars = sum(len(text) for text in _texts(command))
    if chars > COMMAND_CHARS:
        form.wrong(where, "APPLICATION_COMMAND_TOO_LARGE", f"Command exceeds maximum size ({COMMAND_CHARS})")


def _texts(node: Json) -> Iterator[str]:
    """What counts for the size: names, descriptions and string values of choices."""
    yield from (str(node[name]) for name in ("name", "description") if node.get(name))
    for choice in node.get("choices") or []:
        yield str(choice.get("name", ""))
        if isinstance(choice.get("value"), str):
            yield choice["value"]
    for option in node.get("options") or []:
        yield from _texts(option)


def _check_name(where: str, name: object, form: Form) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name != name.lower():
        form.wrong(where, "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")


def _check_options(where: str, options: Sequence[Json], form: Form, depth: int) -> None:
    form.count(where, list(options), 0, 25)
    names = [option.get("name") for option in options]
    if len(set(names)) != len(names):
        form.wrong(where, "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS", "Option name already exists")
    kinds = {option.get("type") in {SUB_COMMAND, SUB_COMMAND_GROUP} for option in options}
    if len(kinds) > 1:
        form.wrong(where, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Sub-command option types are mutually exclusive")
    was_optional = False
    for index, option in enumerate(options):
        here = f"{where}.{index}"
        if option.get("required") and was_optional:
            form.wrong(
                here,
                "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
                "Required options must be placed before non-required options",
            )
        was_optional = was_optional or not option.get("required")
        _check_option(here, option, form, depth)


def _check_option(where: str, option: Json, form: Form, depth: int) -> None:
    kind = option.get("type")
    _check_name(f"{where}.name", option.get("name"), form)
    form.length(f"{where}.description", option.get("description"), 1, 100)
    if kind not in range(1, 12):
        form.wrong(f"{where}.type", "BASE_TYPE_CHOICES", "Unknown kind of option.")
    if kind in {SUB_COMMAND, SUB_COMMAND_GROUP}:
        if depth > 1 or (kind == SUB_COMMAND_GROUP and depth > 0):
            form.wrong(f"{where}.type", "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Too deep.")
        _check_options(f"{where}.options", option.get("options") or [], form, depth + 1)
    choices = option.get("choices") or []
    if choices and option.get("autocomplete"):
        form.wrong(
            where, "APPLICATION_COMMAND_OPTIONS_CHOICES_AND_AUTOCOMPLETE", "Choices and autocomplete are exclusive"
        )
    if (choices or option.get("autocomplete")) and kind not in _CHOICES:
        form.wrong(where, "APPLICATION_COMMAND_OPTIONS_CHOICES_INVALID", "Choices not allowed for this kind")
    form.count(f"{where}.choices", choices, 0, 25)
    for index, choice in enumerate(choices):
        form.length(f"{where}.choices.{index}.name", choice.get("name"), 1, 100)
        if kind == STRING:
            form.length(f"{where}.choices.{index}.value", choice.get("value"), 1, 100)
    for name in ("name", "value"):
        given = [choice.get(name) for choice in choices]
        if len(set(given)) != len(given):
            form.wrong(
                f"{where}.choices", "APPLICATION_COMMAND_OPTIONS_CHOICE_NAME_ALREADY_EXISTS", f"The same {name} twice"
            )
    for name, top in (("min_length", 6000), ("max_length", 6000)):
        value = option.get(name)
        if value is not None and (kind != STRING or not 0 <= value <= top):
            form.wrong(f"{where}.{name}", "NUMBER_TYPE_MAX", f"Must be between 0 and {top}, of a string.")
    if option.get("max_length") == 0:
        form.wrong(f"{where}.max_length", "NUMBER_TYPE_MIN", "Must be at least 1.")


# --- routes


def _scope(world: World, call: Call) -> tuple[dict[int, Json], int | None]:
    if call.id("application_id") != world.application_id:
        raise forbidden(20012)
    if "guild_id" not in call.params:
        return world.commands, None
    guild = world.guilds.get(call.id("guild_id"))
    if guild is None or not guild.has_bot:
        raise forbidden(50001)
    return world.guild_commands.setdefault(guild.id, {}), guild.id


def list_commands(world: World, call: Call) -> list[Json]:
    return list(_scope(world, call)[0].values())


def overwrite(world: World, call: Call) -> list[Json]:
    """PUT: these and no others; one that stays keeps its id."""
    scope, guild_id = _scope(world, call)
    given = call.body if isinstance(call.body, list) else []
    check_commands(given)
    known = {(command["type"], command["name"]): command for command in scope.values()}
    fresh = [_stored(world, command, known, guild_id) for command in given]
    scope.clear()
    scope.update({int(command["id"]): command for command in fresh})
    if guild_id is None:
        world.puts += 1
    world.touch()
    return fresh


def create(world: World, call: Call) -> Json:
    """POST: one more; one of the same name and type is replaced."""
    scope, guild_id = _scope(world, call)
    kind = int(call.form.get("type") or CHAT_INPUT)
    rest = [other for other in scope.values() if (other["type"], other["name"]) != (kind, call.form.get("name"))]
    check_commands([*rest, call.form])
    known = {(command["type"], command["name"]): command for command in scope.values()}
    command = _stored(world, call.form, known, guild_id)
    scope[int(command["id"])] = command
    world.touch()
    return command


def delete(world: World, call: Call) -> None:
    scope, _ = _scope(world, call)
    if scope.pop(call.id("command_id"), None) is None:
        raise unknown(10063)
    world.touch()


def _stored(world: World, given: Json, known: dict[tuple[int, str], Json], guild_id: int | None) -> Json:
    kind = int(given.get("type") or CHAT_INPUT)
    former = known.get((kind, str(given["name"])))
    if former is None:
        world.command_creates += 1
        if world.command_creates > CREATES_PER_DAY:
            raise Refusal(400, 30034)
    permissions = given.get("default_member_permissions")
    command: Json = {
        "id": former["id"] if former else str(world.new_id()),
        "application_id": str(world.application_id),
        "version": str(world.new_id()),
        "default_member_permissions": None if permissions is None else str(permissions),
        "type": kind,
        "name": given["name"],
        "name_localizations": given.get("name_localizations"),
        "description": given.get("description") or "",
        "description_localizations": given.get("description_localizations"),
        "nsfw": bool(given.get("nsfw", False)),
    }
    if kind == CHAT_INPUT and given.get("options"):
        command["options"] = [_option(option) for option in given["options"]]
    if guild_id is not None:
        command["guild_id"] = str(guild_id)
    else:
        command["contexts"] = given.get("contexts")
        command["integration_types"] = given.get("integration_types") or [0]
        command["dm_permission"] = True
    return command


def _option(given: Json) -> Json:
    """As it is given back: nothing that is None, and what is false is left out."""
    kept = {name: value for name, value in given.items() if value is not None and value is not False}
    if "options" in kept:
        kept["options"] = [_option(option) for option in kept["options"]]
    return kept
