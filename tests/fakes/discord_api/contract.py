"""Checks requests and answers against Discord's OpenAPI, and gateway payloads against the gateway's JSON Schema.

A validator is made when it is first needed, once in a process. Of what the server itself says, each shape (names and types)
is checked once: the values are its own.
"""

from __future__ import annotations

import copy
import json
from functools import lru_cache
from typing import Any

import jsonschema_rs
from jsonschema import Draft7Validator, Draft202012Validator
from jsonschema.exceptions import best_match
from jsonschema.protocols import Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7, DRAFT202012

from tests import specs
from tests.fakes.discord_api.model import Json

REST = "discord-api-v10.openapi.json"
GATEWAY = "discord-gateway-v10.schema.json"
EVENTS = {
    "READY": "GatewayReadyDispatchData",
    "GUILD_CREATE": "GatewayGuildCreateDispatchData",
    "MESSAGE_CREATE": "GatewayMessageCreateDispatchData",
    "MESSAGE_UPDATE": "GatewayMessageUpdateDispatchData",
}
INTERACTIONS = {
    2: "APIApplicationCommandInteraction",
    3: "APIMessageComponentInteraction",
    4: "APIApplicationCommandAutocompleteInteraction",
    5: "APIModalSubmitInteraction",
}
SENT = {1: "GatewayHeartbeat", 2: "GatewayIdentify", 6: "GatewayResume"}


class Contract:
    """Says in sentences what a body has that the contract does not know, or lacks that it demands."""

    def __init__(self, rest: Json, gateway: Json) -> None:
        self._paths: Json = rest["paths"]
        registry: Registry[Any] = Registry()
        gateway = _without_empty_enums(gateway)
        self._registry = registry.with_resources(
            [
                ("urn:rest", Resource.from_contents(rest, default_specification=DRAFT202012)),
                ("urn:gateway", Resource.from_contents(gateway, default_specification=DRAFT7)),
            ]
        )
        self._validators: dict[str, Validator] = {}
        self._quick_registry = jsonschema_rs.Registry(
            [("urn:rest", rest), ("urn:gateway", gateway)], draft=jsonschema_rs.Draft202012
        )
        self._quick: dict[str, Any] = {}
        """The same validators, fifty times as fast; the others find the words for what is wrong."""
        self._seen: set[tuple[str, object]] = set()

    def request_problems(self, method: str, pattern: str, body: Any) -> list[str]:
        """What is wrong with a request's JSON."""
        found = self._operation(method, pattern)
        if found is None or body is None:
            return []
        path, operation = found
        content = operation.get("requestBody", {}).get("content", {})
        if "application/json" not in content:
            return [f"{method} {pattern} takes no body"]
        where = f"{path}/{method.lower()}/requestBody/content/application~1json/schema"
        return self._check(f"{method} {pattern}", f"urn:rest#/paths/{where}", _with_string_ids(body))

    def answer_problems(self, method: str, pattern: str, status: int, body: Any) -> list[str]:
        """What is wrong with our answer."""
        found = self._operation(method, pattern)
        if found is None:
            return []
        path, operation = found
        answer = operation["responses"].get(str(status))
        if answer is None:
            return [f"{method} {pattern} never answers {status}"]
        if body is None or "content" not in answer:
            return []
        where = f"{path}/{method.lower()}/responses/{status}/content/application~1json/schema"
        return self._check_once(f"answer of {method} {pattern}", f"urn:rest#/paths/{where}", body)

    def event_problems(self, event: str, data: Any) -> list[str]:
        """What is wrong with an event of ours; events without a schema are let through."""
        name = INTERACTIONS[data["type"]] if event == "INTERACTION_CREATE" else EVENTS.get(event)
        return self._check_once(event, f"urn:gateway#/definitions/{name}", data) if name else []

    def hello_problems(self, payload: Json) -> list[str]:
        """What is wrong with our HELLO."""
        return self._check_once("HELLO", "urn:gateway#/definitions/GatewayHello", payload)

    def sent_problems(self, payload: Json) -> list[str]:
        """What is wrong with a payload of the client."""
        name = SENT.get(payload.get("op", -1))
        return (
            self._check(f"gateway op {payload.get('op')}", f"urn:gateway#/definitions/{name}", payload) if name else []
        )

    def _operation(self, method: str, pattern: str) -> tuple[str, Json] | None:
        """Its place in the OpenAPI as a JSON pointer, and what stands there."""
        for path, operations in self._paths.items():
            if _same(path, pattern) and method.lower() in operations:
                return path.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D"), operations[
                    method.lower()
                ]
        return None

    def _check_once(self, what: str, schema: str, value: Any) -> list[str]:
        key = (schema, _shape(value))
        if key in self._seen:
            return []
        self._seen.add(key)
        return self._check(what, schema, value)

    def _check(self, what: str, schema: str, value: Any) -> list[str]:
        if schema not in self._quick:
            made = (
                jsonschema_rs.Draft202012Validator if schema.startswith("urn:rest") else jsonschema_rs.Draft7Validator
            )
            self._quick[schema] = made({"$ref": schema}, registry=self._quick_registry)
        if self._quick[schema].is_valid(value):
            return []
        if schema not in self._validators:
            kind = Draft202012Validator if schema.startswith("urn:rest") else Draft7Validator
            self._validators[schema] = kind({"$ref": schema}, registry=self._registry)
        error = best_match(self._validators[schema].iter_errors(value))
        if error is None:
            return []
        while error.context:
            error = max(error.context, key=lambda inner: len(inner.absolute_path))
        where = ".".join(str(step) for step in error.absolute_path)
        return [f"{what}: {where or 'the body'}: {error.message[:300]}"]


@lru_cache(maxsize=1)
def found() -> Contract | None:
    """The contract, or None where the folder of contracts is absent."""
    rest, gateway = specs.spec(REST), specs.spec(GATEWAY)
    if rest is None or gateway is None:
        return None
    return Contract(json.loads(rest.read_bytes()), json.loads(gateway.read_bytes()))


@lru_cache(maxsize=4096)
def _same(path: str, pattern: str) -> bool:
    """Whether a path of the OpenAPI is this route, whatever the names in braces; @original goes with a message's id."""
    ours, theirs = pattern.split("/"), path.split("/")
    return len(ours) == len(theirs) and all(
        (a == b) or (a.startswith("{") and b.startswith("{")) for a, b in zip(ours, theirs, strict=True)
    )


def _shape(value: Any) -> object:
    match value:
        case dict():
            return tuple(sorted((name, _shape(inner)) for name, inner in value.items()))
        case list():
            return tuple({_shape(inner): None for inner in value})
        case bool() | None:
            return str(value)
        case int():
            return f"int {value}" if -1 < value < 32 else "int"
        case _:
            return type(value).__name__


def _with_string_ids(body: Any) -> Any:
    """As the contract wants it: libraries send some ids as numbers, which Discord takes too."""
    match body:
        case dict():
            return {name: _as_id(name, value) for name, value in body.items()}
        case list():
            return [_with_string_ids(value) for value in body]
        case _:
            return body


def _as_id(name: str, value: Any) -> Any:
    if name == "attachments" and isinstance(value, list):
        return [
            {**entry, "id": str(entry["id"])} if isinstance(entry, dict) and "id" in entry else entry for entry in value
        ]
    is_id = name in {"users", "roles", "applied_tags"} or name.endswith("_id")
    if is_id and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if is_id and isinstance(value, list):
        return [str(item) if isinstance(item, int) else item for item in value]
    return _with_string_ids(value)


def _without_empty_enums(schema: Any) -> Any:
    """The generator of the gateway's schema wrote `enum: []` where it lost the values; that would forbid everything."""
    schema = copy.copy(schema)
    match schema:
        case dict():
            if schema.get("enum") == []:
                del schema["enum"]
            return {name: _without_empty_enums(inner) for name, inner in schema.items()}
        case list():
            return [_without_empty_enums(inner) for inner in schema]
        case _:
            return schema
