"""Which pictures of a film are copied and which are made, as pure arithmetic over the clips' packets.

A film is a list of stretches. A copied one is a run of packets of one clip: it begins where a decoder can begin afresh, and ends
where the packets so far are exactly the pictures so far. What lies between two of them is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A clip, or a card, as the cut list must know it."""

    count: int
    """How many pictures of it the film shows at most: its first ones."""
    ranks: tuple[int, ...] = ()
    """For each packet in file order the place, from 0, at which its picture is shown; nothing: none of it can be copied."""
    starts: tuple[int, ...] = ()
    """Numbers in file order of the packets on which a copy can begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """What happens at a seam, in pictures."""

    drops: bool = False
    """The last picture of the earlier shot is the later one's first: it is left out."""
    overlap: int = 0
    """Which both shots show at once."""
    tail: int = 0
    """The last ones of the earlier shot that change, those of the overlap among them."""
    head: int = 0
    """The first ones of the later shot that change, those of the overlap among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """Where a shot lies in the film."""

    start: int
    """The picture of the film that is its first."""
    count: int

    @property
    def end(self) -> int:
        return self.start + self.count


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """A run of packets of a shot."""

    shot: int
    packets: range
    """In file order. The last of them may be there for the decoder alone: it is one more than the pictures of the film are."""
    start: int
    end: int
    """The picture of the film after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """Pictures of the film that are encoded."""

    start: int
    end: int


Stretch = Copied | Made


def lay(shots: Sequence[Shot], cuts: Sequence[Cut]) -> list[Layer]:
    """Shots one after the other; `cuts` are those between them."""
    layers: list[Layer] = []
    start = 0
    for shot, cut in zip(shots, [*cuts, Cut()], strict=True):
        layers.append(Layer(start=start, count=shot.count - cut.drops))
        start = layers[-1].end - cut.overlap
    return layers


def cut_list(
    shots: Sequence[Shot], layers: Sequence[Layer], cuts: Sequence[Cut], *, longest: int, can_make: bool = True
) -> list[Stretch]:
    """The film's stretches in order; each picture of it is in exactly one.

    No made one is longer than about `longest` pictures, so that several can be made at once. Where nothing `can_make` pictures that
    go with the clips', all is copied: a doubled picture that others depend on then stays in the file, and has no time of its own.
    """
    stretches: list[Stretch] = []
    done = 0
    for number, (shot, layer) in enumerate(zip(shots, layers, strict=True)):
        before = cuts[number - 1] if number else Cut()
        after = cuts[number] if number < len(cuts) else Cut()
        copied = _copied(number, shot, layer, before.head, layer.count - after.tail, can_make=can_make)
        if copied is not None:
            stretches += _made(done, copied.start, layers, longest)
            stretches.append(copied)
            done = copied.end
    return stretches + _made(done, layers[-1].end, layers, longest)


def _copied(number: int, shot: Shot, layer: Layer, least: int, most: int, *, can_make: bool) -> Copied | None:
    """The longest run of a shot within its places from `least` to `most`."""
    if not can_make:
        # Packets after the last one that is shown and that nothing shown depends on are not needed.
        needed = 1 + max((at for at, rank in enumerate(shot.ranks) if rank < layer.count), default=-1)
        return Copied(shot=number, packets=range(needed), start=layer.start, end=layer.end)
    start = next((start for start in shot.starts if start >= least), None)
    if start is None:
        return None
    latest = accumulate(shot.ranks, max)
    end = max((at for at, rank in enumerate(latest, 1) if rank == at - 1 and at <= most), default=0)
    if end <= start:
        return None
    return Copied(shot=number, packets=range(start, end), start=layer.start + start, end=layer.start + end)


def _made(start: int, end: int, layers: Sequence[Layer], longest: int) -> list[Stretch]:
    """What is to be made from `start` to `end`, in parts: where a shot begins, and in even parts where it is long."""
    if start >= end:
        return []
    apart = max(1, longest // 4)
    edges = [start]
    for layer in layers:
        if layer.start - edges[-1] >= apart and end - layer.start >= apart:
            edges.append(layer.start)
    made: list[Stretch] = []
    for first, last in zip(edges, [*edges[1:], end], strict=True):
        parts = -(-(last - first) // max(1, longest))
        marks = [first + (last - first) * part // parts for part in range(parts + 1)]
        made += [Made(start=one, end=other) for one, other in pairwise(marks)]
    return made
