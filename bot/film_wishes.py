"""What was said about a film as `StitchOptions`: pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from bot.commands import DEFAULT
from bot.parsing import NO, YES, UsageError
from engine.film_options import Captions, Fill, FilmFormat, StitchOptions, Transition
from engine.model import FileKey

Chosen = TypeVar("Chosen", bound=StrEnum)

_MB = 1_000_000
_BETWEEN = "|"
_SEAM = re.compile(r"(\d{1,4})\s*[:=]?\s*([A-Za-z]+)", re.ASCII)


def stitch_options(said: Mapping[str, str], *, music: FileKey | None, voice: FileKey | None) -> StitchOptions:
    """The options that were said, with the sounds that came with them.

    Raises:
        UsageError: a word that is none of its option's.
    """
    usual = StitchOptions()
    card = said.get("card")
    texts = tuple(" ".join(text.split()) for text in said.get("texts", "").split(_BETWEEN)) if "texts" in said else ()
    captions = _one_of(Captions, said, "captions", Captions.BURNED if texts else usual.captions)
    if "music" in said and music is None:
        raise UsageError(
            "--music says how loud the music is: send a sound file with the command, or answer one with it."
        )
    return StitchOptions(
        transition=_one_of(Transition, said, "transition", usual.transition),
        transition_s=float(said.get("over", usual.transition_s)),
        seams=_seams(said.get("seams", "")),
        levels=said.get("levels", YES) != NO,
        card="" if card == DEFAULT else card,
        credits=said.get("credits") == YES,
        captions=captions,
        caption_texts=texts,
        music=music,
        music_volume=float(said.get("music", usual.music_volume)),
        voice=voice,
        volume=float(said.get("volume", usual.volume)),
        ratio=said.get("ratio"),
        fill=_one_of(Fill, said, "fill", usual.fill),
        format=_one_of(FilmFormat, said, "format", usual.format),
        limit_bytes=round(float(said["fit"]) * _MB) if "fit" in said else None,
        is_preview=said.get("preview") == YES,
    )


def _seams(text: str) -> tuple[tuple[int, Transition], ...]:
    """`2 wipe, 5 cut`"""
    named = {}
    rest = _SEAM.sub("", text).strip(" ,;")
    if rest:
        raise UsageError(f"--seams is a number and a transition each, such as 2 wipe 5 cut; “{rest[:40]}” is not.")
    for number, how in _SEAM.findall(text):
        named[int(number)] = _choice(Transition, how, "seams")
    return tuple(sorted(named.items()))


def _one_of(choices: type[Chosen], said: Mapping[str, str], name: str, usual: Chosen) -> Chosen:
    return _choice(choices, said[name], name) if name in said else usual


def _choice(choices: type[Chosen], word: str, name: str) -> Chosen:
    try:
        return choices(word.lower())
    except ValueError:
        listed = ", ".join(choices)
        raise UsageError(f"--{name} is one of: {listed}; “{word[:40]}” is none of them.") from None
