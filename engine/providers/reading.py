"""Values in a service's JSON, each read as what it has to be or not at all: everything from outside may be of any shape. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote

TASK_ID_CHARS = 512


def json_of(data: bytes | str) -> Any:
    """The JSON.

    Raises:
        ValueError: it is none, or nested deeper than anybody writes it.
    """
    try:
        return json.loads(data)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def table_of(value: Any) -> Mapping[str, Any]:
    """The JSON object, or an empty one where it is something else."""
    return value if isinstance(value, Mapping) else {}


def rows_of(value: Any) -> list[Mapping[str, Any]]:
    """The JSON objects of a list; whatever else is in it is left out."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def text_of(value: Any) -> str:
    """The text or number as text, empty where it is something else. Half a surrogate pair, which no database keeps, becomes `?`."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value).encode("utf-8", "replace").decode("utf-8")


def amount_of(value: Any, *, below: int = 1_000_000_000) -> Decimal | None:
    """A number, or a text that is one, finite and not below 0, and `below` what none can be; None: it is none of the kind."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 <= amount < below else None


def percent_of(value: Any) -> float | None:
    """0 to 100, or None: a percent that cannot be true is none."""
    amount = amount_of(value)
    return float(amount) if amount is not None and amount <= 100 else None


def task_id_of(value: Any) -> str | None:
    """A task id as a service may give it: printable ASCII without blanks, not too long; None: it is none."""
    text = value if isinstance(value, str) else text_of(value)
    is_plain = text.isascii() and text.isprintable() and " " not in text
    return text if 0 < len(text) <= TASK_ID_CHARS and is_plain else None


def in_path(task_id: str) -> str:
    """A task id as one part of a path, whatever is in it."""
    return quote(task_id, safe="", errors="replace") if task_id not in {".", ".."} else task_id.replace(".", "%2E")
