"""The one table of commands as Discord's application commands, and what was filled in as the parts of a command: pure.

Limits and fields: https://discord.com/developers/docs/interactions/application-commands
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from bot.commands import COMMANDS, DEFAULT, Argument, Command, Is, Kind, Option, Upload
from bot.languages import HELP
from bot.parsing import Parsed, UsageError, parsed_of
from engine.abilities import Abilities
from engine.checks import SEED_MAX, ModelsByProvider
from engine.model import PROMPT_CHARS

CONTINUE_FROM = "Continue from this video"
FIRST_FRAME = "Use as first frame"
"""The commands in a message's own menu."""

DESCRIPTION_CHARS = 100
CHOICES_MOST = 25
WORD_CHARS = 100
WORDS_CHARS = 1_000
TITLE_CHARS = 100
"""https://discord.com/developers/docs/resources/channel#start-thread-from-message"""

LOCALES: Mapping[str, tuple[str, ...]] = {
    "de": ("de",),
    "es": ("es-ES", "es-419"),
    "fr": ("fr",),
    "pt": ("pt-BR",),
    "ru": ("ru",),
}
"""Our languages as https://discord.com/developers/docs/reference#locales calls them."""

_GUILD, _BOT_DM, _PRIVATE = 0, 1, 2
EVERYWHERE = (_GUILD, _BOT_DM, _PRIVATE)
CONTEXTS: Mapping[str, tuple[int, ...]] = {
    "settings": (_GUILD, _BOT_DM),  # a place's settings are its admins' to change, and people's own channels have none
}
"""Where a command works, if not everywhere: servers, messages to the bot, people's own channels (`InteractionContextType`)."""

_INSTALLS = (0, 1)
"""By servers and by users."""
_MANAGE_GUILD = 1 << 5
_NEEDS: Mapping[str, int] = {"settings": _MANAGE_GUILD}
"""The permissions that a server asks for by default; its admins may choose others."""


class Type(IntEnum):
    """`ApplicationCommandOptionType`"""

    STRING = 3
    INTEGER = 4
    BOOLEAN = 5
    NUMBER = 10
    ATTACHMENT = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A file that came with a command, still on the server. `url` expires."""

    id: int
    url: str = field(repr=False)
    name: str
    """As its sender calls it."""
    bytes: int
    content_type: str
    """As its sender's client says; may be empty."""
    kind: str
    """`image`, `video` or `audio`, as the command asks for it."""
    is_last_frame: bool = False
    is_reference: bool = False
    is_voice: bool = False


_OWN: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "story": (
        {
            "type": Type.STRING,
            "name": "new",
            "description": "a title: open a thread or a forum post of its own for a new story",
            "min_length": 1,
            "max_length": TITLE_CHARS,
        },
    ),
    "stitch": ({"type": Type.BOOLEAN, "name": "pick", "description": "pick the clips from a list"},),
}
"""What there is in Discord alone."""


def payload(models: ModelsByProvider) -> list[dict[str, Any]]:
    """All application commands, as the bulk overwrite takes them. `models` set the ranges and the choices."""
    able = [each for by_name in models.values() for each in by_name.values()]
    chats = [_chat(each, able) for each in COMMANDS.values() if each.in_menu or each.name == "start"]
    return chats + [_message(name) for name in (CONTINUE_FROM, FIRST_FRAME)]


def digest(commands: Sequence[Mapping[str, Any]]) -> str:
    """A sha256 in hex: the same payload, the same digest."""
    canonical = json.dumps(commands, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def given(options: Sequence[Mapping[str, Any]]) -> dict[str, str | float | bool]:
    """What was filled in, by name; files are left out."""
    return {each["name"]: each["value"] for each in options if each["type"] != Type.ATTACHMENT and "value" in each}


def uploads_of(command: str, options: Sequence[Mapping[str, Any]], resolved: Mapping[str, Any]) -> tuple[Given, ...]:
    """The files that came, in the order of the command's row."""
    there = resolved.get("attachments", {})
    ids = {each["name"]: str(each["value"]) for each in options if each["type"] == Type.ATTACHMENT}
    row = COMMANDS.get(command)
    return tuple(
        _given(upload, there[ids[upload.name]])
        for upload in (row.uploads if row else ())
        if ids.get(upload.name) in there
    )


def parsed(name: str, options: Sequence[Mapping[str, Any]]) -> Parsed:
    """A command from its filled-in fields.

    Raises:
        UsageError: no command of ours, a value that is none, or a needed one that is missing.
    """
    if name not in COMMANDS:
        raise UsageError(f"There is no command /{name} any more; /help lists them.")
    return parsed_of(name, given(options))


def offered(option: Option, able: Sequence[Abilities]) -> tuple[str, ...]:
    """What some model can do, the usual ones first."""
    found: Iterable[tuple[str, ...]] = (each.ratios if option.name == "ratio" else each.resolutions for each in able)
    offered = dict.fromkeys(value for values in found for value in values)
    return (
        *(each for each in option.choices if each in offered),
        *(each for each in offered if each not in option.choices),
    )


def _chat(command: Command, able: Sequence[Abilities]) -> dict[str, Any]:
    options = [
        *(_argument(each) for each in command.arguments),
        *(_upload(each) for each in command.uploads),
        *(dict(each) for each in _OWN.get(command.name, ())),
        *(_option(each, able) for each in command.options),
    ]
    options.sort(key=lambda option: not option.get("required", False))
    needs = _NEEDS.get(command.name)
    return {
        "type": 1,
        "name": command.name,
        "description": _short(command.help),
        "description_localizations": {
            locale: _short(help_[command.name])
            for language, help_ in HELP.items()
            if command.name in help_
            for locale in LOCALES[language]
        },
        "options": options,
        "integration_types": list(_INSTALLS),
        "contexts": list(CONTEXTS.get(command.name, EVERYWHERE)),
        **({} if needs is None else {"default_member_permissions": needs}),
    }


def _message(name: str) -> dict[str, Any]:
    return {"type": 3, "name": name, "integration_types": list(_INSTALLS), "contexts": list(EVERYWHERE)}


def _argument(argument: Argument) -> dict[str, Any]:
    match argument.kind:
        case Is.PROMPT:
            more = _string(min_length=1, max_length=PROMPT_CHARS)
        case Is.SHOT | Is.STORY | Is.CLIP | Is.SHOTS:
            more = _string(autocomplete=True)
        case Is.WORD if argument.choices:
            more = _string(**_choices(argument.choices))
        case Is.WORD:
            more = _string(max_length=WORD_CHARS)
        case Is.WHOLE:
            more = {"type": Type.INTEGER, "min_value": 1}
        case Is.FLAG:
            more = {"type": Type.BOOLEAN}
    return _field(argument.name, argument.help, is_needed=argument.is_needed, more=more)


def _option(option: Option, able: Sequence[Abilities]) -> dict[str, Any]:
    return _field(option.name, option.help, is_needed=False, more=_value(option, able))


def _value(option: Option, able: Sequence[Abilities]) -> dict[str, Any]:
    match option.kind:
        case Kind.NUMBER if option.resets:
            return _string(autocomplete=True)  # a number field could not take the word that resets it
        case Kind.NUMBER if option.name != "seconds":
            return {"type": Type.NUMBER, "min_value": 1}
        case Kind.NUMBER:
            return {"type": Type.NUMBER, **_seconds(able)}
        case Kind.WHOLE if option.name == "seed":
            return {"type": Type.INTEGER, "min_value": 0, "max_value": SEED_MAX}
        case Kind.WHOLE:
            return {"type": Type.INTEGER, "min_value": 1}
        case Kind.USD:
            return _string(max_length=WORD_CHARS)  # it takes the word that resets it, too
        case Kind.FLAG:
            return {"type": Type.BOOLEAN}
        case Kind.WORDS:
            return _string(max_length=WORDS_CHARS)
        case Kind.WORD if option.choices:
            names = offered(option, able)
            return _string(**_choices((*names, DEFAULT) if option.resets else names))
        case Kind.WORD:
            return _string(autocomplete=True)


def _seconds(able: Sequence[Abilities]) -> dict[str, float]:
    """The extremes over all models; the engine knows each one's."""
    if not able:
        return {}
    return {"min_value": min(each.min_seconds for each in able), "max_value": max(each.max_seconds for each in able)}


def _choices(names: Sequence[str]) -> dict[str, Any]:
    """A fixed list where it is one and fits, else what is suggested while somebody types."""
    if not 0 < len(names) <= CHOICES_MOST:
        return {"autocomplete": True}
    return {"choices": [{"name": name, "value": name} for name in names]}


def _upload(upload: Upload) -> dict[str, Any]:
    return _field(upload.name, upload.help, is_needed=upload.is_needed, more={"type": Type.ATTACHMENT})


def _string(**more: Any) -> dict[str, Any]:
    return {"type": Type.STRING, **more}


def _field(name: str, help_: str, *, is_needed: bool, more: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "description": _short(help_), **({"required": True} if is_needed else {}), **more}


def _short(text: str) -> str:
    return text if len(text) <= DESCRIPTION_CHARS else text[: DESCRIPTION_CHARS - 1].rstrip() + "…"


def _given(upload: Upload, attachment: Mapping[str, Any]) -> Given:
    return Given(
        id=int(attachment["id"]),
        url=str(attachment["url"]),
        name=str(attachment.get("filename", "")),
        bytes=int(attachment.get("size", 0)),
        content_type=str(attachment.get("content_type") or ""),
        kind=upload.kind,
        is_last_frame=upload.name == "last_frame",
        is_reference=upload.name.startswith("reference"),
        is_voice=upload.name.startswith("voice"),
    )
