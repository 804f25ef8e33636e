"""What a film is to be, from what was chosen and what there is: pure. `engine.media` makes it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.errors import RequestError
from engine.film_options import (
    CARD_LENGTH,
    LONGEST_TRANSITION_S,
    LOUDEST,
    SHORTEST_TRANSITION_S,
    SMALLEST_LIMIT_BYTES,
    Captions,
    StitchOptions,
)
from engine.media.script import Script
from engine.model import Clip, FileKey, Shot, Story
from engine.purse import DRAFTED_BY

RATIOS = {"16:9": (16, 9), "9:16": (9, 16), "1:1": (1, 1)}
_NAME_LETTERS = 80
_BURNED = frozenset({Captions.BURNED, Captions.BOTH})


def check_film(options: StitchOptions, shots: int) -> None:
    """Whether a film of so many shots can be as it is wanted.

    Raises:
        RequestError: a value out of its range, or one for a shot or a seam that is not there.
    """
    if not SHORTEST_TRANSITION_S <= options.transition_s <= LONGEST_TRANSITION_S:
        raise RequestError(
            f"A transition takes {SHORTEST_TRANSITION_S:g} to {LONGEST_TRANSITION_S:g} seconds, not {options.transition_s:g}."
        )
    for what, volume in (("volume", options.volume), ("music volume", options.music_volume)):
        if not (math.isfinite(volume) and 0 <= volume <= LOUDEST):
            raise RequestError(f"The {what} is 0 to {LOUDEST:g}, where 1 is as loud as it was; {volume:g} is not.")
    if options.ratio is not None and options.ratio not in RATIOS:
        raise RequestError(f"A film is {', '.join(RATIOS)}; it cannot be {options.ratio[:20]}.")
    wrong = next((number for number, _ in options.seams if not 1 <= number < shots), None)
    if wrong is not None:
        there = f"has seams 1 to {shots - 1}" if shots > 1 else "has no seam"
        raise RequestError(f"A film of {shots} shot{'s' * (shots != 1)} {there}; there is no seam {wrong}.")
    if len(options.caption_texts) > shots:
        raise RequestError(
            f"There are {len(options.caption_texts)} captions and {shots} shot{'s' * (shots != 1)}; "
            "part them with | and leave some empty, but give no more than there are shots."
        )
    if options.card is not None and len(options.card) > CARD_LENGTH:
        raise RequestError(f"A title card has room for {CARD_LENGTH} letters, and these are {len(options.card)}.")
    if options.limit_bytes is not None and options.limit_bytes < SMALLEST_LIMIT_BYTES:
        raise RequestError(f"A film takes at least {SMALLEST_LIMIT_BYTES / 1e6:g} MB; --fit cannot be less.")


def script_of(
    story: Story, pieces: Sequence[tuple[Shot, Clip]], options: StitchOptions, path_of: Callable[[FileKey], Path]
) -> Script:
    """The film of these shots in this order."""
    seams = dict(options.seams)
    prompts = tuple(shot.prompt for shot, _ in pieces)
    given = options.caption_texts
    texts = (*given, *[""] * (len(pieces) - len(given))) if given else prompts
    return Script(
        clips=tuple(path_of(clip.file) for _, clip in pieces),
        title=story.title,
        chapters=prompts,
        transitions=tuple(seams.get(number, options.transition) for number in range(1, len(pieces))),
        transition_s=options.transition_s,
        levels=options.levels,
        card="" if options.card is None else options.card or story.title,
        credits=credit_names(story, [shot for shot, _ in pieces]) if options.credits else (),
        captions=options.captions,
        caption_texts=texts if options.captions is not Captions.NONE else (),
        burned_texts=_burned(texts, [shot for shot, _ in pieces]) if options.captions in _BURNED else (),
        music=path_of(FileKey(options.music)) if options.music else None,
        music_volume=options.music_volume,
        voice=path_of(FileKey(options.voice)) if options.voice else None,
        volume=options.volume,
        ratio=RATIOS[options.ratio] if options.ratio else None,
        fill=options.fill,
        limit_bytes=options.limit_bytes,
        is_preview=options.is_preview,
    )


def _burned(texts: Sequence[str], shots: Sequence[Shot]) -> tuple[str, ...]:
    """Without those of drafts, which have their prompt in the picture already."""
    return tuple("" if shot.provider == DRAFTED_BY else text for text, shot in zip(texts, shots, strict=True))


def credit_names(story: Story, shots: Sequence[Shot]) -> tuple[str, ...]:
    """Everybody who told a shot of the film, in the order in which they came in, and who began its story; each once."""
    names = [
        " ".join(person.name.split())[:_NAME_LETTERS] for person in (*(shot.person for shot in shots), story.director)
    ]
    return tuple(dict.fromkeys(name for name in names if name))
