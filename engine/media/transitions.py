"""What happens at each seam of a film: a cut with or without its doubled picture and its drift, or a transition."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from engine.film_options import Transition
from engine.media import level, results
from engine.media.clips import Source, small_picture
from engine.media.cutlist import Cut
from engine.media.pieces import Seam
from engine.media.seam import SEAMLESS, score

Looked = tuple[results.Seam, level.Drift | None]
"""What is told of a seam, and what is levelled there."""

_STEADY = 97.0
"""From this score on the colours are so close that there is no step to be seen: the score falls with it."""
_SAME_SHAPE = Fraction(2, 100)


def look(before: Source, after: Source, last: int, *, levels: bool) -> Looked:
    """How well a cut from the picture `last` of one clip to the next clip's first one goes, and what is to be levelled."""
    earlier, later = small_picture(before, last), small_picture(after, 0)
    found = score(earlier, later)
    like = found
    drift: level.Drift | None = None
    if found <= _STEADY:
        measured = level.drift(earlier, later)
        if measured.is_visible:
            like = max(found, score(earlier, level.corrected(later, measured)))
            drift = measured if levels else None
    is_doubled = like >= SEAMLESS and _is_one_shape(before, after)
    seam = results.Seam(
        transition=Transition.CUT, score=round(found, 1), is_doubled=is_doubled, is_levelled=drift is not None
    )
    return seam, drift


def known(before: Source, after: Source, score: float | None) -> Looked | None:
    """A seam that was looked at before, and found so good that there is nothing to level; None: look at it."""
    if score is None or score <= _STEADY or not _is_one_shape(before, after):
        return None
    return results.Seam(transition=Transition.CUT, score=round(score, 1), is_doubled=True), None


def _is_one_shape(before: Source, after: Source) -> bool:
    return abs(before.shape / after.shape - 1) < _SAME_SHAPE


def unseen(kind: Transition) -> Looked:
    """A seam that a transition hides."""
    return results.Seam(transition=kind, score=None), None


def plan(
    counts: Sequence[int],
    looked: Sequence[Looked],
    *,
    transition_s: float,
    rate: Fraction,
) -> list[Seam]:
    """What each seam changes, in pictures; `counts` are those of the clips."""
    seams = []
    for number, (seen, drift) in enumerate(looked):
        before, after = counts[number] - seen.is_doubled, counts[number + 1]
        most = min(before, after) // 2
        asked = max(2, round(Fraction(transition_s) * rate))
        if seen.transition is Transition.CUT or most < 1:
            head = min(after, round(Fraction(level.PICTURES_S) * rate)) if drift else 0
            cut = Cut(drops=seen.is_doubled and counts[number] > 1, head=head)
        elif seen.transition is Transition.FADE:
            cut = Cut(tail=min(most, asked - asked // 2), head=min(most, asked // 2))
        else:
            overlap = min(most, asked)
            cut = Cut(overlap=overlap, tail=overlap, head=overlap)
        seams.append(
            Seam(transition=seen.transition if cut.overlap or cut.tail else Transition.CUT, cut=cut, drift=drift)
        )
    return seams
