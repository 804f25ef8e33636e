"""The table of calls, drawn from `Desk`, and how an error is written."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, get_type_hints

from pydantic import TypeAdapter

from bot.desk import Desk
from engine import errors
from engine.errors import Defect, EngineError


@dataclass(frozen=True)
class Call:
    """How one method's arguments and answer are written as JSON: worked out at its first call, for all take a fifth of a second."""

    method: Callable[..., Any]

    @cached_property
    def signature(self) -> inspect.Signature:
        """Without self."""
        signature = inspect.signature(self.method)
        return signature.replace(parameters=list(signature.parameters.values())[1:])

    @cached_property
    def arguments(self) -> TypeAdapter[tuple[Any, ...]]:
        kinds: Any = tuple[tuple(self._hints[name] for name in self.signature.parameters)]  # type: ignore[misc]  # a type made at run time
        return TypeAdapter(kinds)

    @cached_property
    def answer(self) -> TypeAdapter[Any]:
        return TypeAdapter(self._hints["return"])

    @cached_property
    def _hints(self) -> Mapping[str, Any]:
        return get_type_hints(self.method)


CALLS: Mapping[str, Call] = {
    name: Call(method) for name, method in vars(Desk).items() if inspect.isfunction(method) and not name.startswith("_")
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
