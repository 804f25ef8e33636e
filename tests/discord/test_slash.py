"""The one table of commands as Discord's application commands, within the limits of its contract."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from bot.commands import COMMANDS, Is
from bot.discord.slash import (
    CONTINUE_FROM,
    FIRST_FRAME,
    Type,
    _short,
    digest,
    given,
    parsed,
    payload,
    uploads_of,
)
from bot.languages import HELP
from bot.parsing import Parsed, UsageError
from engine.checks import SEED_MAX, ModelsByProvider
from engine.model import PROMPT_CHARS
from tests.fakes.provider import ABILITIES, NO_FRAMES
from tests.specs import needed_spec

SCRIPTED: ModelsByProvider = {"scripted": {"one": ABILITIES, "blind": NO_FRAMES}}
NAME = re.compile(r"[-_'\w]{1,32}")
"""Of https://discord.com/developers/docs/interactions/application-commands#application-command-object-application-command-naming"""


def chats(models: ModelsByProvider = SCRIPTED) -> dict[str, dict[str, Any]]:
    """The slash commands by name."""
    return {each["name"]: each for each in payload(models) if each["type"] == 1}


def option(command: str, name: str, models: ModelsByProvider = SCRIPTED) -> dict[str, Any]:
    return next(each for each in chats(models)[command]["options"] if each["name"] == name)


def values(of: dict[str, Any]) -> list[str]:
    return [choice["value"] for choice in of["choices"]]


@pytest.mark.parametrize("models", [SCRIPTED, {}], ids=["scripted", "no models"])
def test_the_server_takes_the_payload(models: ModelsByProvider) -> None:
    """As the contract describes the bulk overwrite."""
    spec = json.loads(needed_spec("discord-api-v10.openapi.json").read_text())
    body = spec["paths"]["/applications/{application_id}/commands"]["put"]["requestBody"]
    schema = {**body["content"]["application/json"]["schema"], "components": spec["components"]}
    errors = Draft202012Validator(schema).iter_errors(json.loads(json.dumps(payload(models))))
    assert [error.message for error in errors] == []


def test_every_limit_that_the_contract_does_not_tell_is_kept() -> None:
    """Counts, names, and the characters of a command, whose longest translation counts."""
    commands = payload(SCRIPTED)
    assert len(chats()) <= 100
    assert len([each for each in commands if each["type"] == 3]) <= 15
    for command in chats().values():
        options = command["options"]
        assert NAME.fullmatch(command["name"])
        assert len(options) <= 25
        assert len({each["name"] for each in options}) == len(options)
        needed = [each.get("required", False) for each in options]
        assert needed == sorted(needed, reverse=True)
        told = max(len(each) for each in (command["description"], *command["description_localizations"].values()))
        chars = len(command["name"]) + told
        for each in options:
            assert NAME.fullmatch(each["name"])
            assert each["name"] == each["name"].lower()
            assert 1 <= len(each["description"]) <= 100
            assert not (each.get("autocomplete") and "choices" in each)
            choices = each.get("choices", [])
            assert len(choices) <= 25
            chars += len(each["name"]) + len(each["description"])
            chars += sum(len(choice["name"]) + len(str(choice["value"])) for choice in choices)
        assert chars <= 8000


def test_every_command_of_the_menu_is_there_with_all_that_it_takes() -> None:
    """From the one table; what there is in Discord alone beside it."""
    assert set(chats()) == {name for name, row in COMMANDS.items() if row.in_menu} | {"start"}
    for name, command in chats().items():
        row = COMMANDS[name]
        own = {"story": {"new"}, "stitch": {"pick"}}.get(name, set())
        taken = {each.name for each in row.arguments} | {each.name for each in row.uploads}
        taken |= {each.name for each in row.options}
        assert {each["name"] for each in command["options"]} == taken | own
    messages = [each["name"] for each in payload(SCRIPTED) if each["type"] == 3]
    assert messages == [CONTINUE_FROM, FIRST_FRAME]


def test_what_is_filled_in_has_the_type_and_range_of_what_it_is() -> None:
    """So that a client refuses at once what would be refused later."""
    prompt = option("create", "prompt")
    assert (prompt["type"], prompt["required"], prompt["max_length"]) == (Type.STRING, True, PROMPT_CHARS)
    assert option("add", "video") == {
        "name": "video",
        "description": "the video",
        "required": True,
        "type": Type.ATTACHMENT,
    }
    assert option("create", "first_frame")["type"] == Type.ATTACHMENT
    assert option("continue", "shot")["autocomplete"] is True
    assert option("stitch", "shots")["autocomplete"] is True
    seconds = option("create", "seconds")
    assert (seconds["type"], seconds["min_value"], seconds["max_value"]) == (Type.NUMBER, 0.5, 10)
    seed = option("retake", "seed")
    assert (seed["type"], seed["min_value"], seed["max_value"]) == (Type.INTEGER, 0, SEED_MAX)
    assert option("history", "mine")["type"] == Type.BOOLEAN
    assert option("history", "before")["min_value"] == 1
    assert option("choose", "take")["type"] == Type.INTEGER
    what = ["video", "thumbnail", "spritesheet", "last-frame", "first-frame", "sharp-frame", "webm", "gif", "frames"]
    assert values(option("download", "what")) == what
    assert option("continue", "at")["type"] == Type.NUMBER
    assert option("continue", "sharp")["type"] == Type.BOOLEAN
    assert option("create", "style")["autocomplete"] is True
    assert option("create", "silent")["type"] == option("continue", "text-only")["type"] == Type.BOOLEAN
    assert option("create", "negative")["max_length"] == 1_000
    assert (option("create", "later")["type"], option("create", "later")["min_value"]) == (Type.NUMBER, 1)
    assert option("create", "reference_3")["type"] == Type.ATTACHMENT
    assert option("edit", "prompt")["required"] is True


def test_only_what_some_model_can_do_is_a_choice() -> None:
    """The usual ones first, then what only these models know; without any model the field is free."""
    wide = replace(ABILITIES, ratios=("21:9", "16:9"), max_seconds=30)
    models = {"a": {"one": ABILITIES}, "b": {"two": wide}}
    assert values(option("create", "ratio", models)) == ["16:9", "9:16", "21:9"]
    assert option("create", "seconds", models)["max_value"] == 30
    assert "choices" not in option("create", "ratio", {})
    many = {"a": {"one": replace(ABILITIES, ratios=tuple(f"{n}:1" for n in range(1, 40)))}}
    assert option("create", "ratio", many)["autocomplete"] is True


def test_every_setting_can_be_reset() -> None:
    """Each takes the word for it, where it is a number too."""
    assert values(option("settings", "ratio"))[-1] == "default"
    assert (option("settings", "seconds")["type"], option("settings", "seconds")["autocomplete"]) == (Type.STRING, True)
    reset = parsed("settings", [{"type": 3, "name": "seconds", "value": "default"}])
    assert reset == Parsed("settings", (), "", {"seconds": "default"})


def test_settings_are_for_those_who_manage_the_server() -> None:
    """Unless its admins choose others; in channels that have no admins there are none."""
    assert chats()["settings"]["default_member_permissions"] == 0x20
    assert chats()["settings"]["contexts"] == [0, 1]
    others = [each for name, each in chats().items() if name != "settings"]
    assert all(each["contexts"] == [0, 1, 2] and "default_member_permissions" not in each for each in others)
    assert all(each["integration_types"] == [0, 1] for each in payload(SCRIPTED))


def test_commands_are_told_in_the_language_of_the_client() -> None:
    """In every language that the table is told in, under the names that the server knows."""
    told = chats()["create"]["description_localizations"]
    assert set(told) == {"de", "es-ES", "es-419", "fr", "pt-BR", "ru"}
    assert told["de"] == HELP["de"]["create"]
    assert told["es-ES"] == told["es-419"] == HELP["es"]["create"]


def test_a_description_that_is_too_long_is_cut() -> None:
    """The server would refuse all commands for one of them."""
    assert _short("x" * 100) == "x" * 100
    assert _short("word " * 30) == ("word " * 20)[:99] + "…"


def test_the_same_commands_have_the_same_digest() -> None:
    """Whatever order their fields are in; another choice is another digest."""
    one = payload(SCRIPTED)
    turned = [dict(reversed(list(command.items()))) for command in payload(SCRIPTED)]
    assert digest(one) == digest(turned) == digest(json.loads(json.dumps(one)))
    assert re.fullmatch(r"[0-9a-f]{64}", digest(one))
    assert digest(one) != digest(payload({}))


def test_fields_become_a_command() -> None:
    """With its files beside it, in the order of the table, whatever order the client sends them in."""
    options = [
        {"type": 11, "name": "last_frame", "value": "20"},
        {"type": 3, "name": "prompt", "value": " a lamp\nburns "},
        {"type": 10, "name": "seconds", "value": 6.5},
        {"type": 11, "name": "first_frame", "value": "10"},
        {"type": 4, "name": "seed", "value": 7},
    ]
    resolved = {
        "attachments": {
            "10": {"id": "10", "url": "https://cdn/a", "filename": "a.png", "size": 5, "content_type": "image/png"},
            "20": {"id": "20", "url": "https://cdn/b", "filename": "b.png", "size": 6},
        }
    }
    assert given(options) == {"prompt": " a lamp\nburns ", "seconds": 6.5, "seed": 7}
    assert parsed("create", options) == Parsed("create", (), "a lamp\nburns", {"seconds": "6.5", "seed": "7"})
    first, last = uploads_of("create", options, resolved)
    assert (first.id, first.url, first.name, first.bytes, first.content_type) == (
        10,
        "https://cdn/a",
        "a.png",
        5,
        "image/png",
    )
    assert (first.kind, first.is_last_frame) == ("image", False)
    assert (last.id, last.content_type, last.kind, last.is_last_frame) == (20, "", "image", True)
    assert "https" not in repr(first)


def test_flags_and_references_become_what_they_are() -> None:
    """A reference is no frame, and a flag that was set to no is no."""
    options = [
        {"type": 11, "name": "reference_2", "value": "20"},
        {"type": 3, "name": "prompt", "value": "a boat"},
        {"type": 5, "name": "text-only", "value": True},
        {"type": 5, "name": "silent", "value": False},
        {"type": 3, "name": "negative", "value": "Fog, “hands”"},
    ]
    resolved = {"attachments": {"20": {"id": "20", "url": "https://cdn/b", "filename": "b.png", "size": 6}}}
    said = {"negative": "Fog, hands", "silent": "no", "text-only": "yes"}
    assert parsed("continue", options) == Parsed("continue", (), "a boat", said)
    (reference,) = uploads_of("continue", options, resolved)
    assert (reference.is_reference, reference.is_last_frame) == (True, False)


def test_a_file_that_was_not_sent_along_is_no_file() -> None:
    """And a command without files has none."""
    options = [{"type": 11, "name": "video", "value": "10"}]
    assert uploads_of("add", options, {}) == ()
    assert uploads_of("help", [], {}) == ()


def test_a_command_of_another_version_is_told_so() -> None:
    """The server may still show it for a while."""
    with pytest.raises(UsageError, match="no command /vanished any more"):
        parsed("vanished", [])


def test_every_argument_is_a_field_of_some_type() -> None:
    """A kind of argument that is new in the table is missed here, not in front of somebody."""
    kinds = {argument.kind for row in COMMANDS.values() for argument in row.arguments}
    assert kinds == set(Is)
