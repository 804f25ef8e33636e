"""What a film is made of: its clips as they are or converted, a card before them and names after them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from engine.film_options import Captions, Transition
from engine.media import cards
from engine.media.agreeing import Agreement, agree, preview_size, ratio_size
from engine.media.clips import Source, shown
from engine.media.cutlist import Shot
from engine.media.lettering import left_out
from engine.media.normalise import frames_at
from engine.media.pieces import AsIs, Card, Converted, Footage
from engine.media.script import Script


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """The shots of a film in order, cards included."""

    agreement: Agreement
    shots: Sequence[Shot]
    footage: Sequence[Footage]
    """One a shot."""
    clips: range
    """Which of the shots are clips."""


def cast(wanted: Script, sources: Sequence[Source]) -> Cast:
    """Decide what every shot of the film is."""
    agreement = _agree(wanted, sources)
    shape = agreement.shape
    shots: list[Shot] = []
    footage: list[Footage] = []
    if count := cards.title_frames(wanted.card, shape.rate):
        shots.append(Shot(count=count))
        footage.append(Card(draw=partial(cards.title, wanted.card, shape.size, shape.rate), shape=shape))
    first = len(shots)
    for number, source in enumerate(sources):
        until_s = wanted.ends[number] if wanted.ends else None
        found = source.found
        if number in agreement.converted:
            count = shown(shape.rate, until_s, frames_at(found, shape.rate))
            shots.append(Shot(count=count))
            caption = _burned(wanted, number)
            footage.append(
                Converted(path=source.path, found=found, shape=shape, fill=wanted.fill, count=count, caption=caption)
            )
        else:
            count = shown(found.rate, until_s, found.frames)
            shots.append(Shot(count=count, ranks=found.ranks, starts=found.starts))
            footage.append(AsIs(source.path, found))
    clips = range(first, len(shots))
    if count := cards.credits_frames(wanted.credits, shape.size, shape.rate):
        shots.append(Shot(count=count))
        footage.append(Card(draw=partial(cards.credits, wanted.credits, shape.size, shape.rate), shape=shape))
    return Cast(agreement=agreement, shots=shots, footage=footage, clips=clips)


def _agree(wanted: Script, sources: Sequence[Source]) -> Agreement:
    found = [source.found for source in sources]
    must = {number: "its words are drawn into it" for number in range(len(found)) if _burned(wanted, number)}
    makes = bool(
        wanted.card
        or wanted.credits
        or any(wanted.ends)
        or any(transition is not Transition.CUT for transition in wanted.transitions)
    )
    size = ratio_size(found, wanted.ratio) if wanted.ratio else None
    if not wanted.is_preview:
        return agree(found, must, size=size, makes=makes)
    whole = size or agree(found, must, size=None, makes=makes).shape.size
    must = dict.fromkeys(range(len(found)), "the film is a small preview")
    return agree(found, must, size=preview_size(whole), makes=True)


def _burned(wanted: Script, number: int) -> str:
    """The words that are drawn into a clip; empty: none are."""
    if wanted.captions not in {Captions.BURNED, Captions.BOTH} or not wanted.caption_texts:
        return ""
    return (wanted.burned_texts or wanted.caption_texts)[number].strip()


def lettering_notes(wanted: Script) -> tuple[str, ...]:
    """What a person may want to know of the words in the picture."""
    burned = [_burned(wanted, number) for number in range(len(wanted.clips))]
    said = []
    if wanted.burned_texts and wanted.captions in {Captions.BURNED, Captions.BOTH}:
        kept = [number for number, text in enumerate(wanted.caption_texts) if text.strip() and not burned[number]]
        if kept:
            said.append("No captions are drawn into drafts, which show their own words.")
    lost = left_out((wanted.card, *wanted.credits, *burned))
    return (*said, lost) if lost else tuple(said)
