"""The list from which clips are picked for a film, one after the other: pure. What was picked stands in the message itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from discord import ButtonStyle, SelectOption, ui

from bot.discord.heard import PICK, Picking
from bot.discord.markdown import fitted, in_line, plain
from engine.codes import parse_shot_code
from engine.views import ShotView, StoryView

PAGE = 25
"""Options of one menu: https://discord.com/developers/docs/components/reference#string-select"""
LABEL_CHARS = 100
_PICKED = "The film: "
_EMPTY = "Pick the clips in the order of the film."
_ID = re.compile(rf"{PICK}:(?:(?P<step>undo|page|film):)?(?P<story>[a-z]\d{{1,12}})?:(?P<page>\d{{1,4}})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Pick:
    """Where the picking stands."""

    story: str | None
    """None: the current one."""
    picked: tuple[str, ...] = ()
    page: int = 0
    is_film: bool = False
    """The film is wanted now."""


def read_pick(picking: Picking) -> Pick | None:
    """What was done to the list; None: it is not a list of this version."""
    found = _ID.fullmatch(picking.custom_id)
    if found is None:
        return None
    picked = codes_in(picking.content)
    step, page = found["step"], int(found["page"])
    if step == "undo":
        picked = picked[:-1]
    shots = tuple(value for value in picking.values if parse_shot_code(value))
    return Pick(found["story"], (*picked, *shots), page, is_film=step == "film")


def codes_in(content: str) -> tuple[str, ...]:
    """What was picked already, from the words of the list."""
    text = plain(content)
    _, _, codes = text.partition(_PICKED)
    return tuple(code for code in codes.split("\n")[0].split() if parse_shot_code(code))


def words(pick: Pick) -> str:
    """What the list says."""
    return fitted(f"{_PICKED}{' '.join(pick.picked)}" if pick.picked else _EMPTY)


def clips_of(story: StoryView) -> Sequence[ShotView]:
    """What can be picked: the shots that have a clip."""
    return [each for each in story.shots if each.clip is not None]


def view(pick: Pick, story: StoryView) -> ui.View:
    """The menu and the buttons under it. Needs a running loop."""
    clips, code = clips_of(story), story.story.code
    pages = max(1, -(-len(clips) // PAGE))
    page = min(pick.page, pages - 1)
    shown = ui.View(timeout=None)
    menu: ui.Select[ui.View] = ui.Select(
        custom_id=f"{PICK}:{code}:{page}",
        placeholder="the next clip" if pages == 1 else f"the next clip (page {page + 1} of {pages})",
        options=[_option(each) for each in clips[page * PAGE : (page + 1) * PAGE]],
        row=0,
    )
    shown.add_item(menu)
    film = ui.Button[ui.View](
        label=f"Stitch {len(pick.picked)}" if pick.picked else "Stitch",
        style=ButtonStyle.primary,
        custom_id=f"{PICK}:film:{code}:{page}",
        disabled=not pick.picked,
        row=1,
    )
    undo = ui.Button[ui.View](label="Undo", custom_id=f"{PICK}:undo:{code}:{page}", disabled=not pick.picked, row=1)
    shown.add_item(film)
    shown.add_item(undo)
    if pages > 1:
        for label, other in (("Earlier", page - 1), ("Later", page + 1)):
            is_there = 0 <= other < pages
            # a button that leads nowhere still needs an id of its own
            target = other if is_there else pages + (label == "Later")
            turn = ui.Button[ui.View](
                label=label, custom_id=f"{PICK}:page:{code}:{target}", disabled=not is_there, row=1
            )
            shown.add_item(turn)
    return shown


def _option(shot: ShotView) -> SelectOption:
    seconds = f"{shot.clip.seconds:.1f} s" if shot.clip else ""
    label = in_line(f"{shot.shot.code} · {shot.shot.prompt}", LABEL_CHARS)
    description = in_line(f"{shot.shot.person.name} · {seconds}", LABEL_CHARS)
    return SelectOption(label=label, value=shot.shot.code, description=description)
