"""Buttons that outlive every restart: what they do and for what stands in their custom id, and is read from there again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Protocol, Self, cast

import discord
from discord import ButtonStyle, Interaction, ui

from bot.message import Button

BUTTON = re.compile(r"(?P<verb>(?!pick:)[a-z]+):(?P<target>\S{1,80})")
"""Not those of the list of clips: they are buttons and menus without a life of their own."""
ROW = 5
ROWS = 5
LABEL_CHARS = 80
_STYLES = {
    "continue": ButtonStyle.primary,
    "create": ButtonStyle.primary,
    "agree": ButtonStyle.primary,
    "delete": ButtonStyle.danger,
    "forget": ButtonStyle.danger,
}


class Hears(Protocol):
    """The client that a pressed button tells."""

    async def hear(self, interaction: Interaction[Any], /) -> None: ...


class ActButton(ui.DynamicItem[ui.Button[Any]], template=BUTTON):
    """One button: `retake:k7-4`. The library makes it anew from its custom id whenever it is pressed."""

    def __init__(self, button: Button) -> None:
        style = _STYLES.get(button.verb, ButtonStyle.secondary)
        super().__init__(ui.Button(label=button.label[:LABEL_CHARS], style=style, custom_id=button.data))

    @classmethod
    async def from_custom_id(
        cls,
        interaction: Interaction[Any],  # noqa: ARG003  # the library's signature
        item: ui.Item[Any],
        match: re.Match[str],
        /,
    ) -> Self:
        """The button that was pressed."""
        label = item.label if isinstance(item, ui.Button) else None
        return cls(Button(match["verb"], label or match["verb"], match["target"]))

    async def callback(self, interaction: Interaction[Any]) -> None:
        """Tell the client."""
        await cast("Hears", interaction.client).hear(interaction)


def view_of(buttons: tuple[Button, ...]) -> ui.View | None:
    """The buttons under a message; None: it has none. Needs a running loop."""
    if not buttons:
        return None
    view = ui.View(timeout=None)
    for number, button in enumerate(buttons[: ROW * ROWS]):
        item = ActButton(button)
        item.row = number // ROW
        view.add_item(item)
    return view


def is_button(interaction: Interaction[Any]) -> bool:
    """Whether an `ActButton` tells of it: the library finds it in the message, if it stands there."""
    data: Mapping[str, Any] = dict(interaction.data or {})
    is_one = data.get("component_type") == discord.ComponentType.button.value
    if not is_one or BUTTON.fullmatch(str(data.get("custom_id"))) is None or interaction.message is None:
        return False
    rows = [row for row in interaction.message.components if isinstance(row, discord.ActionRow)]
    return any(data["custom_id"] == item.custom_id for row in rows for item in row.children)
