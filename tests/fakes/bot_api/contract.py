"""Checks calls and answers against the contract of the Bot API: `[type, is_required]` by parameter and by field."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests import specs

NAME = "telegram-bot-api-10.3.contract.json"
MEMBERS = {"creator": "Owner", "administrator": "Administrator", "kicked": "Banned"}
Fields = Mapping[str, tuple[str, bool]]


class Contract:
    """Says in sentences what a call or an answer has that the contract does not know, or lacks that it demands."""

    def __init__(self, path: Path) -> None:
        raw = json.loads(path.read_bytes())
        self.version: str = raw["api"]["version"]
        self._methods: dict[str, Any] = raw["methods"]
        self._types: dict[str, Fields] = raw["types"]
        self.methods = {name.lower(): name for name in self._methods}
        """Every method of the Bot API, by its name in lower case."""

    @classmethod
    def found(cls) -> Contract | None:
        """The contract, or None where the folder of contracts is absent."""
        path = specs.spec(NAME)
        return cls(path) if path else None

    def call_problems(self, method: str, params: Mapping[str, Any]) -> list[str]:
        """What is wrong with a call. An uploaded file counts as a value of its parameter."""
        return list(self._object(method, self._methods[method]["params"], params, "parameter"))

    def answer_problems(self, method: str, result: object) -> list[str]:
        """What is wrong with a result."""
        return [f"answer of {problem}" for problem in self._problems(method, self._methods[method]["returns"], result)]

    def update_problems(self, update: object) -> list[str]:
        """What is wrong with an update."""
        return list(self._problems("update", "Update", update))

    def _object(self, where: str, fields: Fields, value: Mapping[str, Any], word: str) -> Iterator[str]:
        for name, given in value.items():
            if name not in fields:
                yield f"{where} has the unknown {word} {name!r}"
            else:
                yield from self._problems(f"{where}.{name}", fields[name][0], given)
        for name, (_, is_required) in fields.items():
            if is_required and name not in value:
                yield f"{where} lacks the {word} {name!r}"

    def _problems(self, where: str, kind: str, value: object) -> Iterator[str]:
        if kind.startswith(("Array of ", "list[")):
            inner = kind.removeprefix("Array of ") if kind.startswith("Array") else kind[5:-1]
            if not isinstance(value, list):
                yield f"{where} is not an array of {inner}: {_short(value)}"
                return
            for index, item in enumerate(value):
                yield from self._problems(f"{where}[{index}]", inner, item)
            return
        choices = [choice for choice in re.split(r" or |, | and | \| ", kind) if choice]
        if len(choices) > 1:
            found = [list(self._problems(where, choice, value)) for choice in choices]
            if all(found):
                yield from min(found, key=lambda problems: (len(problems), problems))
            return
        if (name := self._variant(kind, value)) in self._types:
            if not isinstance(value, dict):
                yield f"{where} is not a {name}: {_short(value)}"
            elif self._types[name]:
                yield from self._object(f"{where} ({name})", self._types[name], value, "field")
        elif not _is_basic(kind, value):
            yield f"{where} is not of type {kind}: {_short(value)}"

    def _variant(self, kind: str, value: object) -> str:
        """Which of its variants an abstract type is here; the type itself where that cannot be told."""
        if not isinstance(value, dict):
            return kind
        named = str(value.get("type", ""))
        camel = "".join(part[:1].upper() + part[1:] for part in named.split("_"))
        status = str(value.get("status", ""))
        match kind:
            case "ChatMember" | "ResultChatMemberUnion":
                return f"ChatMember{MEMBERS.get(status, status.capitalize())}"
            case "MaybeInaccessibleMessage":
                return "InaccessibleMessage" if value.get("date") == 0 else "Message"
            case "InputMedia" | "BotCommandScope" | "MessageOrigin":
                return f"{kind}{camel}"
            case _:
                return kind


def _is_basic(kind: str, value: object) -> bool:
    match kind:
        case "Integer" | "int":
            return isinstance(value, int) and not isinstance(value, bool)
        case "Float":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "Boolean" | "bool":
            return isinstance(value, bool)
        case "True":
            return value is True
        case "String" | "str":
            return isinstance(value, str)
        case "InputFile":
            return isinstance(value, str)
        case _:
            return False


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"
