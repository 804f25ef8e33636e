"""Whether a listed request is one whose answer was lost. Pure.

fal lists each request with its input: the words and values are compared, and pictures as far as they can be.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.providers.base import Order
from engine.providers.fal.answers import request_id_of
from engine.providers.fal.requests import Pictures, Route, Wording, body_of, picture_fields


def own_words(order: Order, wording: Wording, route: Route) -> Mapping[str, Any]:
    """The input of an order without its pictures, which fal may have by other addresses."""
    body = body_of(order, wording, route, Pictures())
    return {name: value for name, value in body.items() if name not in picture_fields(route)}


def has_pictures(given: Mapping[str, Any], ours: Mapping[str, Any]) -> bool | None:
    """Whether a listed request has these pictures; None: they are at addresses, which do not tell."""
    answers = [_is_picture(given.get(name), value) for name, value in ours.items()]
    return False if False in answers else None if None in answers else True


def _is_picture(given: Any, ours: Any) -> bool | None:
    if isinstance(ours, list):
        if not isinstance(given, list) or len(given) != len(ours):
            return None
        answers = [_is_picture(*pair) for pair in zip(given, ours, strict=True)]
        return False if False in answers else None if None in answers else True
    if isinstance(ours, Mapping):
        answers = [_is_picture(given.get(name) if isinstance(given, Mapping) else None, ours[name]) for name in ours]
        return False if False in answers else None if None in answers else True
    are_inside = isinstance(given, str) and given.startswith("data:") and str(ours).startswith("data:")
    return given == ours if are_inside else None


def is_like(item: Mapping[str, Any], route: Route, ours: Mapping[str, Any]) -> bool:
    """Whether a listed request has this input."""
    given = item.get("json_input")
    if not request_id_of(item) or item.get("endpoint_id") != route.endpoint:
        return False
    return isinstance(given, Mapping) and all(given.get(name) == value for name, value in ours.items())
