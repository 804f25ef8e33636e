"""What the official client does before anything leaves it: it knows the registered commands and lets nobody break their rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.fakes.discord_api import commands, permissions
from tests.fakes.discord_api.model import Channel, Guild, Json, Message, Person, Role, parts
from tests.fakes.discord_api.world import World


class ClientRefuses(Exception):
    """The client would not let the person do this; says why."""


def find_command(world: World, person: Person, channel: Channel, name: str, kind: int) -> Json:
    """The registered command that a person may use there.

    Raises:
        ClientRefuses: there is none, or it is not for this place or this person.
    """
    guild = channel.guild
    known = [*(world.guild_commands.get(guild.id, {}).values() if guild else ()), *world.commands.values()]
    if guild is not None and not guild.has_bot:
        raise ClientRefuses(f"The bot is not in {guild.name}.")
    command: Json | None = next(
        (command for command in known if command["name"] == name and command["type"] == kind), None
    )
    if command is None:
        names = ", ".join(sorted(str(command["name"]) for command in known if command["type"] == kind))
        raise ClientRefuses(f"There is no command {name!r}; there are: {names or 'none'}.")
    _check_place(world, command, channel)
    if guild is not None:
        _check_person(command, person, channel, guild)
    return command


def context_of(world: World, channel: Channel) -> int:
    """0 a server, 1 direct messages with the bot, 2 any other private place."""
    if channel.guild is not None or channel.foreign_guild_id is not None:
        return 0
    return 1 if world.bot in channel.people else 2


def _check_place(world: World, command: Json, channel: Channel) -> None:
    if "guild_id" in command:
        return
    context = context_of(world, channel)
    contexts = command.get("contexts")
    if context not in ([0, 1, 2] if contexts is None else contexts):
        raise ClientRefuses(f"/{command['name']} is not offered in {channel.name}: its contexts are {contexts}.")
    installs = command.get("integration_types") or [0]
    if channel.is_foreign and 1 not in installs:
        raise ClientRefuses(f"/{command['name']} is not offered in {channel.name}: it is not for user installs.")
    if not channel.is_foreign and context == 0 and 0 not in installs:
        raise ClientRefuses(f"/{command['name']} is not offered in {channel.name}: it is only for user installs.")


def _check_person(command: Json, person: Person, channel: Channel, guild: Guild) -> None:
    if person.id not in guild.members:
        raise ClientRefuses(f"{person.name} is not in {guild.name}.")
    value = permissions.in_channel(channel, person)
    if not value & permissions.bits(("use_application_commands",)):
        raise ClientRefuses(f"{person.name} may not use commands in {channel.name}.")
    needed = int(command.get("default_member_permissions") or 0)
    if command.get("default_member_permissions") == "0" and value != permissions.ALL:
        raise ClientRefuses(f"/{command['name']} is for admins only.")
    if needed and value & needed != needed:
        raise ClientRefuses(f"{person.name} lacks the permissions that /{command['name']} wants.")
    place = channel.parent if channel.is_thread and channel.parent else channel
    ids = {person.id, place.id, *(role.id for role in guild.roles_of(person))}
    if value != permissions.ALL and any((command["name"], number) in guild.forbidden_commands for number in ids):
        raise ClientRefuses(f"/{command['name']} is switched off for {person.name} in {channel.name}.")


def leaf_of(command: Json, words: list[str]) -> tuple[list[Json], list[Json]]:
    """The sub-commands on the way, and the options of the last one."""
    way: list[Json] = []
    options = list(command.get("options") or [])
    for word in words:
        found = next((option for option in options if option["name"] == word and option["type"] in {1, 2}), None)
        if found is None:
            raise ClientRefuses(f"/{command['name']} has no sub-command {word!r}.")
        way.append(found)
        options = list(found.get("options") or [])
    if any(option["type"] in {1, 2} for option in options):
        raise ClientRefuses(f"/{command['name']} {' '.join(words)} wants a sub-command.")
    return way, options


def check_options(options: list[Json], given: Mapping[str, Any], *, focused: str | None = None) -> None:
    """What the client lets through; while a person still types (`focused`) nothing is required yet.

    Raises:
        ClientRefuses
    """
    known = {option["name"]: option for option in options}
    for name in given:
        if name not in known:
            raise ClientRefuses(f"There is no option {name!r}; there are: {', '.join(known) or 'none'}.")
    for name, option in known.items():
        if name in given:
            if name != focused:
                _check_value(option, given[name])
        elif option.get("required") and focused is None:
            raise ClientRefuses(f"{name} is required.")


def _check_value(option: Json, value: Any) -> None:
    name, kind = option["name"], option["type"]
    fits = {
        commands.STRING: isinstance(value, str),
        commands.INTEGER: isinstance(value, int) and not isinstance(value, bool),
        commands.NUMBER: isinstance(value, int | float) and not isinstance(value, bool),
        commands.BOOLEAN: isinstance(value, bool),
        commands.PERSON_OPTION: isinstance(value, Person),
        commands.CHANNEL_OPTION: isinstance(value, Channel),
        commands.ROLE_OPTION: isinstance(value, Role),
        commands.MENTIONABLE: isinstance(value, Person | Role),
        commands.ATTACHMENT: isinstance(value, tuple) and len(value) == 2,
    }
    if not fits.get(kind, False):
        raise ClientRefuses(f"{name} does not take {value!r}.")
    if kind == commands.STRING:
        low, high = option.get("min_length", 0), option.get("max_length", 6000)
        if not low <= len(value) <= high or (option.get("required") and not value):
            raise ClientRefuses(f"{name} must be {low} to {high} characters long, not {len(value)}.")
    if kind in {commands.INTEGER, commands.NUMBER}:
        low, high = option.get("min_value", -(2**53)), option.get("max_value", 2**53)
        if not low <= value <= high:
            raise ClientRefuses(f"{name} must be between {low} and {high}, not {value}.")
    choices = option.get("choices")
    if choices and value not in [choice["value"] for choice in choices]:
        raise ClientRefuses(f"{name} must be one of {[choice['value'] for choice in choices]}, not {value!r}.")


def find_button(message: Message, wanted: str) -> Json:
    """By its label, its custom id or a part of its label.

    Raises:
        ClientRefuses: there is none, more than one, or it is disabled.
    """
    buttons = [part for part in parts(message.components) if part.get("type") == 2 and "custom_id" in part]
    ways = (
        [part for part in buttons if wanted in {part.get("label"), part["custom_id"]}],
        [part for part in buttons if wanted.lower() in str(part.get("label", "")).lower()],
    )
    for found in ways:
        if len(found) > 1:
            raise ClientRefuses(f"{wanted!r} names {len(found)} buttons: {message.buttons}.")
        if found:
            if found[0].get("disabled"):
                raise ClientRefuses(f"The button {wanted!r} is disabled.")
            return found[0]
    raise ClientRefuses(f"There is no button {wanted!r}, only {message.buttons}.")


def find_select(message: Message, wanted: str | None) -> Json:
    """The menu with this placeholder or custom id; the only one where none is named.

    Raises:
        ClientRefuses
    """
    menus = [part for part in parts(message.components) if part.get("type") in {3, 5, 6, 7, 8}]
    found = [menu for menu in menus if wanted is None or wanted in {menu["custom_id"], menu.get("placeholder")}]
    if len(found) != 1:
        raise ClientRefuses(f"{wanted!r} names {len(found)} menus of {len(menus)}.")
    if found[0].get("disabled"):
        raise ClientRefuses("The menu is disabled.")
    return found[0]


def selected(menu: Json, wanted: list[str]) -> list[str]:
    """The values of labels or values, in the order given.

    Raises:
        ClientRefuses: one is not there, or there are too few or too many.
    """
    known = {str(option["label"]): str(option["value"]) for option in menu.get("options", [])}
    known |= {value: value for value in known.values()}
    for word in wanted:
        if word not in known:
            raise ClientRefuses(f"There is no option {word!r}, only {list(known)}.")
    low, high = menu.get("min_values", 1), menu.get("max_values", 1)
    if not low <= len(wanted) <= high:
        raise ClientRefuses(f"Between {low} and {high} are to be chosen, not {len(wanted)}.")
    return [known[word] for word in wanted]


def check_text(field: Json, label: str, text: str) -> None:
    """What a person typed into a modal.

    Raises:
        ClientRefuses
    """
    low, high = field.get("min_length", 0), field.get("max_length", 4000)
    if not text and field.get("required", True):
        raise ClientRefuses(f"{label} is required.")
    if text and not low <= len(text) <= high:
        raise ClientRefuses(f"{label} must be {low} to {high} characters long, not {len(text)}.")
