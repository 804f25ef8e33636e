"""The film's clock is even and exact, whatever pictures are left out."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from engine.media.timeline import Grid, Piece, place

_RATES = st.sampled_from(
    [Fraction(24), Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(60), Fraction(10)]
)


@st.composite
def _pieces(draw: st.DrawFn) -> list[Piece]:
    """Stretches whose file order is that of an encoder with up to three B pictures between two others."""
    pieces = []
    for _ in range(draw(st.integers(1, 5))):
        ranks: list[int] = [0]
        while draw(st.booleans()) and len(ranks) < 30:
            between = draw(st.integers(0, 3))
            first = len(ranks)
            ranks += [first + between, *range(first, first + between)]
        pieces.append(Piece(tuple(ranks), hides_last=len(ranks) > 1 and draw(st.booleans())))
    return pieces


@given(_pieces(), _RATES)
def test_every_shown_picture_stands_on_the_grid(pieces: list[Piece], rate: Fraction) -> None:
    """Times that are not one tick before a cut are multiples of the step, and every multiple up to the end is there once."""
    step = Grid.of(rate).step
    placed = place(pieces, step)
    times = sorted(pts for piece in placed for pts in piece.pts)
    assert [pts for pts in times if pts % step == 0] == [number * step for number in range(placed[-1].end)]
    cuts = {put.end * step for piece, put in zip(pieces, placed, strict=True) if piece.hides_last}
    assert sorted(pts + 1 for pts in times if pts % step) == sorted(cuts)


@given(_pieces(), _RATES)
def test_packets_can_be_decoded_in_the_order_of_the_file(pieces: list[Piece], rate: Fraction) -> None:
    """Decoding times rise strictly and never lie behind the time of showing."""
    placed = place(pieces, Grid.of(rate).step)
    both = [(pts, dts) for piece in placed for pts, dts in zip(piece.pts, piece.dts, strict=True)]
    assert all(before[1] < after[1] for before, after in pairwise(both))
    assert all(dts <= pts for pts, dts in both)


@given(_pieces())
def test_a_hidden_picture_takes_no_time(pieces: list[Piece]) -> None:
    """Each makes the film one picture shorter than its packets are."""
    placed = place(pieces, 500)
    assert placed[0].start == 0
    for piece, put in zip(pieces, placed, strict=True):
        assert put.end - put.start == len(piece.ranks) - piece.hides_last
        assert len(put.pts) == len(put.dts) == len(piece.ranks)


@given(_RATES)
def test_the_clock_is_exact_and_fine(rate: Fraction) -> None:
    """A picture is a whole number of ticks, and a muxer keeps the scale."""
    grid = Grid.of(rate)
    assert Fraction(grid.timescale, grid.step) == rate
    assert grid.timescale >= 12_000
