"""The table of calls, drawn from `Desk`, and how an error is written."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

from pydantic import TypeAdapter

from bot.desk import Desk
from engine import errors
from engine.errors import Defect, EngineError


@dataclass(frozen=True, slots=True)
class Call:
    """How one method's arguments and answer are written as JSON."""

    signature: inspect.Signature
    arguments: TypeAdapter[tuple[Any, ...]]
    answer: TypeAdapter[Any]


def _call(method: Callable[..., Any]) -> Call:
    hints = get_type_hints(method)
    signature = inspect.signature(method)
    signature = signature.replace(parameters=list(signature.parameters.values())[1:])  # without self
    kinds: Any = tuple[tuple(hints[name] for name in signature.parameters)]  # type: ignore[misc]  # a type made at run time
    return Call(signature, TypeAdapter(kinds), TypeAdapter(hints["return"]))


CALLS: Mapping[str, Call] = {
    name: _call(method)
    for name, method in vars(Desk).items()
    if inspect.isfunction(method) and not name.startswith("_")
}


def pack_error(error: EngineError) -> dict[str, Any]:
    """The nearest class of the tree, what it says, and its fields."""
    kind = next(parent.__name__ for parent in type(error).__mro__ if parent.__module__ == errors.__name__)
    return {"kind": kind, "sentence": str(error), "fields": vars(error)}


def unpack_error(packed: Mapping[str, Any]) -> EngineError:
    """The error that was packed; of a class that is not known here it is a Defect."""
    kind = getattr(errors, str(packed.get("kind")), None)
    if not (isinstance(kind, type) and issubclass(kind, EngineError)):
        return Defect(str(packed.get("sentence")))
    return kind(str(packed["sentence"]), **packed["fields"])
