"""Rows, buttons and menus of a message, and what a modal may show: checked like Discord checks them. Pure.

Source: https://discord.com/developers/docs/components/reference.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator, Sequence

from tests.fakes.discord_api.model import Json, parts
from tests.fakes.discord_api.refusals import Form

ROW, BUTTON, SELECT, TEXT_INPUT, LABEL = 1, 2, 3, 4, 18
SELECTS = {3, 5, 6, 7, 8}
V2_ONLY = {9, 10, 11, 12, 13, 14, 17}
IN_MODAL_LABEL = {3, 4, 5, 6, 7, 8, 19, 21, 22, 23}
V2_PARTS = 40
GIVEN_BACK: dict[int, Json] = {
    3: {"min_values": 1, "max_values": 1},
    11: {"description": None, "spoiler": False},
    13: {"spoiler": False},
    14: {"spacing": 1, "divider": True},
    17: {"accent_color": None, "spoiler": False},
}
"""What the server adds where it was left out, by the kind of component."""


def check_components(components: Sequence[Json], form: Form, *, is_v2: bool) -> None:
    """The components of a message."""
    if is_v2:
        if len(parts(list(components))) > V2_PARTS:
            form.wrong("components", "BASE_TYPE_MAX_LENGTH", f"Must be {V2_PARTS} or fewer in total.")
    elif len(components) > 5:
        form.wrong("components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")
    seen: set[str] = set()
    for where, part in _walk(components, "components"):
        kind = part.get("type")
        if not is_v2 and "." not in where.removeprefix("components.") and kind != ROW:
            form.wrong(f"{where}.type", "UNION_TYPE_CHOICES", 'Value of field "type" must be one of (1,).')
        if kind in V2_ONLY and not is_v2:
            form.wrong(f"{where}.type", "UNION_TYPE_CHOICES", "Only with components v2.")
        match kind:
            case 1:
                _check_row(where, part, form)
            case 2:
                _check_button(where, part, form)
            case _ if kind in SELECTS:
                _check_select(where, part, form)
            case 4 | 18:
                form.wrong(f"{where}.type", "UNION_TYPE_CHOICES", "Only in a modal.")
        custom_id = part.get("custom_id")
        if custom_id is not None:
            form.length(f"{where}.custom_id", custom_id, 1, 100)
            if custom_id in seen:
                form.wrong(
                    f"{where}.custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated"
                )
            seen.add(str(custom_id))


def check_modal(data: Json, form: Form) -> None:
    """What a callback of type 9 shows."""
    form.length("data.custom_id", data.get("custom_id"), 1, 100)
    form.length("data.title", data.get("title"), 1, 45)
    rows = data.get("components") or []
    form.count("data.components", rows, 1, 5)
    seen: set[str] = set()
    for index, row in enumerate(rows):
        where = f"data.components.{index}"
        match row.get("type"):
            case 1:
                inner = row.get("components") or []
                form.count(f"{where}.components", inner, 1, 1)
                for part in inner:
                    if part.get("type") != TEXT_INPUT:
                        form.wrong(f"{where}.components.0.type", "UNION_TYPE_CHOICES", "Only a text input.")
                    form.length(f"{where}.components.0.label", part.get("label"), 1, 45)
                    _check_field(f"{where}.components.0", part, form, seen)
            case 18:
                form.length(f"{where}.label", row.get("label"), 1, 45)
                form.length(f"{where}.description", row.get("description") or "", 0, 100)
                part = row.get("component") or {}
                if part.get("type") not in IN_MODAL_LABEL:
                    form.wrong(f"{where}.component.type", "UNION_TYPE_CHOICES", "Not in a label.")
                _check_field(f"{where}.component", part, form, seen)
            case 10:
                form.length(f"{where}.content", row.get("content"), 1, 4000)
            case _:
                form.wrong(f"{where}.type", "UNION_TYPE_CHOICES", 'Value of field "type" must be one of (1, 10, 18).')


def _check_field(where: str, part: Json, form: Form, seen: set[str]) -> None:
    form.length(f"{where}.custom_id", part.get("custom_id"), 1, 100)
    if part.get("custom_id") in seen:
        form.wrong(f"{where}.custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")
    seen.add(str(part.get("custom_id")))
    if part.get("type") == TEXT_INPUT:
        if part.get("style") not in {1, 2}:
            form.wrong(f"{where}.style", "BASE_TYPE_CHOICES", "Must be 1 or 2.")
        form.length(f"{where}.placeholder", part.get("placeholder") or "", 0, 100)
        form.length(f"{where}.value", part.get("value") or "", 0, 4000)
        low, high = part.get("min_length"), part.get("max_length")
        if (low is not None and not 0 <= low <= 4000) or (high is not None and not 1 <= high <= 4000):
            form.wrong(f"{where}.max_length", "NUMBER_TYPE_MAX", "Must be between 1 and 4000.")
    elif part.get("type") in SELECTS:
        _check_select(where, part, form)


def _check_row(where: str, part: Json, form: Form) -> None:
    inner = part.get("components") or []
    form.count(f"{where}.components", inner, 1, 5)
    if any(child.get("type") in SELECTS for child in inner) and len(inner) > 1:
        form.wrong(f"{where}.components", "COMPONENT_LAYOUT_WIDTH_EXCEEDED", "A menu fills its row.")


def _check_button(where: str, part: Json, form: Form) -> None:
    style = part.get("style")
    if style not in {1, 2, 3, 4, 5, 6}:
        form.wrong(f"{where}.style", "BASE_TYPE_CHOICES", "Value must be one of (1, 2, 3, 4, 5, 6).")
    if not part.get("label") and not part.get("emoji") and style != 6:
        form.wrong(where, "BUTTON_COMPONENT_LABEL_OR_EMOJI_REQUIRED", "A button has a label or an emoji.")
    form.length(f"{where}.label", part.get("label") or "", 0, 80)
    if style == 5:
        if not str(part.get("url", "")).startswith(("http://", "https://", "discord://")):
            form.wrong(f"{where}.url", "URL_TYPE_INVALID_URL", "Not a well formed URL.")
        form.length(f"{where}.url", part.get("url") or "", 1, 512)
        if "custom_id" in part:
            form.wrong(f"{where}.custom_id", "BUTTON_COMPONENT_CUSTOM_ID_EXCLUSIVE", "A link has no custom id.")
    elif style != 6 and "custom_id" not in part:
        form.wrong(f"{where}.custom_id", "BASE_TYPE_REQUIRED", "This field is required")


def _check_select(where: str, part: Json, form: Form) -> None:
    if "custom_id" not in part:
        form.wrong(f"{where}.custom_id", "BASE_TYPE_REQUIRED", "This field is required")
    form.length(f"{where}.placeholder", part.get("placeholder") or "", 0, 150)
    options = part.get("options") or []
    if part.get("type") == SELECT:
        form.count(f"{where}.options", options, 1, 25)
        values = [option.get("value") for option in options]
        if len(set(values)) != len(values):
            form.wrong(f"{where}.options", "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", "The value is already used.")
    for index, option in enumerate(options):
        form.length(f"{where}.options.{index}.label", option.get("label"), 1, 100)
        form.length(f"{where}.options.{index}.value", option.get("value"), 1, 100)
        form.length(f"{where}.options.{index}.description", option.get("description") or "", 0, 100)
    least, most = part.get("min_values", 1), part.get("max_values", 1)
    if not (0 <= least <= 25 and 1 <= most <= 25 and least <= most):
        form.wrong(f"{where}.max_values", "NUMBER_TYPE_MAX", "Not a range within 0..25.")
    if part.get("type") == SELECT and most > max(1, len(options)):
        form.wrong(f"{where}.max_values", "NUMBER_TYPE_MAX", "More than there are options.")


def _walk(components: Sequence[Json], where: str) -> Iterator[tuple[str, Json]]:
    for index, part in enumerate(components):
        yield f"{where}.{index}", part
        yield from _walk(part.get("components") or [], f"{where}.{index}.components")
        if isinstance(part.get("accessory"), dict):
            yield f"{where}.{index}.accessory", part["accessory"]


def with_ids(components: Sequence[Json]) -> list[Json]:
    """A copy as the server gives it back: every part has a number, and what was left out stands there."""
    copied = copy.deepcopy(list(components))
    taken = {part["id"] for part in parts(copied) if part.get("id")}
    free = (number for number in itertools.count(1) if number not in taken)
    for part in parts(copied):
        if not part.get("id"):
            part["id"] = next(free)
        for name, value in GIVEN_BACK.get(part.get("type", 0), {}).items():
            part.setdefault(name, value)
        for item in part.get("items") or []:
            item.setdefault("description", None)
            item.setdefault("spoiler", False)
    return copied
