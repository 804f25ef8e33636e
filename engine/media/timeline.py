"""Where every packet of a film stands, as pure arithmetic: one even grid of pictures, whatever clocks the clips came with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

_MIN_TIMESCALE = 12_000
_USUAL_RATES = [Fraction(rate * 1000, 1001) for rate in (24, 30, 60)] + [
    Fraction(rate) for rate in (10, 12, 15, 20, 24, 25, 30, 48, 50, 60)
]


def usual_rate(rate: Fraction) -> Fraction:
    """Pictures a second: the same where it is a usual one, else the nearest."""
    return min(_USUAL_RATES, key=lambda usual: abs(usual - rate))


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of packets."""

    ranks: tuple[int, ...]
    """For each packet in file order the place, from 0, at which its picture is shown."""
    hides_last: bool = False
    """The last picture is there for the decoder alone: the next stretch begins with the same one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """One stretch's place in the film."""

    start: int
    """The number of its first picture in the film."""
    end: int
    """The number of the first picture after it."""
    pts: tuple[int, ...]
    """For each packet in file order, in ticks."""
    dts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """The film's clock: `step` ticks a picture, `timescale` ticks a second."""

    step: int
    timescale: int

    @classmethod
    def of(cls, rate: Fraction) -> Grid:
        """Fine enough that a muxer keeps it, and exact."""
        finer = -(-_MIN_TIMESCALE // rate.numerator)
        return cls(rate.denominator * finer, rate.numerator * finer)


def place(pieces: Sequence[Piece], step: int) -> list[Placed]:
    """Put stretches one after the other on a grid of `step` ticks a picture.

    A picture that is hidden is shown for a single tick before the next stretch's first one, and the grid stays as it is.
    """
    delay = max((place - rank for piece in pieces for place, rank in enumerate(piece.ranks)), default=0)
    placed: list[Placed] = []
    start = 0
    for piece in pieces:
        count = len(piece.ranks)
        end = start + count - piece.hides_last
        pts = [(start + rank) * step for rank in piece.ranks]
        if piece.hides_last:
            pts[piece.ranks.index(count - 1)] = end * step - 1
        dts = tuple((start + place - delay) * step for place in range(count))
        placed.append(Placed(start=start, end=end, pts=tuple(pts), dts=dts))
        start = end
    return _with_rising_dts(placed) if any(piece.hides_last for piece in pieces) else placed


def _with_rising_dts(placed: Sequence[Placed]) -> list[Placed]:
    """A picture shown for one tick has no slot of its own: what precedes it is decoded a tick earlier."""
    rising: list[Placed] = []
    following: int | None = None
    for piece in reversed(placed):
        dts = list(piece.dts)
        for index in reversed(range(len(dts))):
            latest = piece.pts[index] if following is None else min(piece.pts[index], following - 1)
            following = dts[index] = min(dts[index], latest)
        rising.append(Placed(start=piece.start, end=piece.end, pts=piece.pts, dts=tuple(dts)))
    return rising[::-1]
