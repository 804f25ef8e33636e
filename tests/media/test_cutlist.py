"""Every picture of every clip is in the film once, copied from where it can be and made where it must be."""

from __future__ import annotations

from itertools import accumulate, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.media.cutlist import Copied, Cut, Made, Shot, cut_list, lay


@st.composite
def _shots(draw: st.DrawFn) -> Shot:
    """A clip of groups with up to three B pictures between two others, or one of which nothing can be copied."""
    ranks: list[int] = []
    starts = []
    for _ in range(draw(st.integers(1, 4))):
        starts.append(len(ranks))
        ranks.append(len(ranks))
        for between in draw(st.lists(st.integers(0, 3), max_size=4)):
            first = len(ranks)
            ranks += [first + between, *range(first, first + between)]
    count = len(ranks) - draw(st.integers(0, min(3, len(ranks) - 1)))
    if draw(st.integers(0, 3)) == 0:
        return Shot(count=count)
    return Shot(count=count, ranks=tuple(ranks), starts=tuple(starts))


@st.composite
def _films(draw: st.DrawFn) -> tuple[list[Shot], list[Cut]]:
    shots = draw(st.lists(_shots(), min_size=1, max_size=5))
    cuts = []
    for before, after in pairwise(shots):
        most = min(before.count, after.count) // 2
        kind = draw(st.sampled_from(["cut", "drop", "level", "fade", "overlap"])) if most else "cut"
        length = draw(st.integers(1, most)) if most else 0
        cuts.append(
            {
                "cut": Cut(),
                "drop": Cut(drops=before.count > 1),
                "level": Cut(drops=before.count > 1, head=length),
                "fade": Cut(tail=length, head=length),
                "overlap": Cut(overlap=length, tail=length, head=length),
            }[kind]
        )
    return shots, cuts


@settings(max_examples=30)
@given(_films(), st.integers(4, 40))
def test_each_picture_of_the_film_is_in_one_stretch(film: tuple[list[Shot], list[Cut]], longest: int) -> None:
    """From the first to the last, in order, none of them empty, and no made one much too long."""
    shots, cuts = film
    layers = lay(shots, cuts)
    stretches = cut_list(shots, layers, cuts, longest=longest)
    assert stretches[0].start == 0
    assert stretches[-1].end == layers[-1].end
    assert all(before.end == after.start for before, after in pairwise(stretches))
    assert all(stretch.start < stretch.end for stretch in stretches)
    assert all(stretch.end - stretch.start <= longest for stretch in stretches if isinstance(stretch, Made))


@settings(max_examples=30)
@given(_films())
def test_shots_follow_each_other_and_only_transitions_overlap(film: tuple[list[Shot], list[Cut]]) -> None:
    """All pictures of all shots are there, but for doubled ones and those that two show at once."""
    shots, cuts = film
    layers = lay(shots, cuts)
    assert [layer.count for layer in layers] == [
        shot.count - cut.drops for shot, cut in zip(shots, [*cuts, Cut()], strict=True)
    ]
    assert [before.end - after.start for before, after in pairwise(layers)] == [cut.overlap for cut in cuts]
    assert layers[-1].end == sum(layer.count for layer in layers) - sum(cut.overlap for cut in cuts)


@settings(max_examples=30)
@given(_films())
def test_copies_begin_afresh_end_safely_and_change_nothing(film: tuple[list[Shot], list[Cut]]) -> None:
    """A run shows exactly its own pictures, at the places where they belong, and none of those that a seam changes."""
    shots, cuts = film
    layers = lay(shots, cuts)
    for stretch in cut_list(shots, layers, cuts, longest=1000):
        if isinstance(stretch, Made):
            continue
        shot, layer = shots[stretch.shot], layers[stretch.shot]
        assert stretch.packets.start in shot.starts
        ranks = [shot.ranks[packet] for packet in stretch.packets]
        places = range(stretch.start - layer.start, stretch.end - layer.start)
        assert sorted(ranks) == list(places)
        assert places.start >= (cuts[stretch.shot - 1].head if stretch.shot else 0)
        assert places.stop <= layer.count - (cuts[stretch.shot].tail if stretch.shot < len(cuts) else 0)


@settings(max_examples=30)
@given(_films())
def test_no_more_is_made_than_it_takes(film: tuple[list[Shot], list[Cut]]) -> None:
    """From a copy's end on, no later picture would have been a safe end; before its beginning, none a beginning."""
    shots, cuts = film
    layers = lay(shots, cuts)
    copied = {
        stretch.shot: stretch for stretch in cut_list(shots, layers, cuts, longest=1000) if isinstance(stretch, Copied)
    }
    for number, (shot, layer) in enumerate(zip(shots, layers, strict=True)):
        least = cuts[number - 1].head if number else 0
        most = layer.count - (cuts[number].tail if number < len(cuts) else 0)
        safe = [at for at, rank in enumerate(accumulate(shot.ranks, max), 1) if rank == at - 1 and at <= most]
        starts = [start for start in shot.starts if start >= least]
        if starts and safe and safe[-1] > starts[0]:
            assert copied[number].packets == range(starts[0], safe[-1])
        else:
            assert number not in copied


@settings(max_examples=30)
@given(st.lists(_shots().filter(lambda shot: bool(shot.ranks)), min_size=1, max_size=4), st.data())
def test_where_nothing_can_be_made_all_is_copied(shots: list[Shot], data: st.DataObject) -> None:
    """With the packets of a doubled picture where others need it, and without them where none does."""
    whole = [Shot(count=len(shot.ranks), ranks=shot.ranks, starts=shot.starts) for shot in shots]
    cuts = [Cut(drops=len(shot.ranks) > 1 and data.draw(st.booleans())) for shot in whole[:-1]]
    layers = lay(whole, cuts)
    stretches = cut_list(whole, layers, cuts, longest=10, can_make=False)
    assert len(stretches) == len(whole)
    for stretch, shot, layer in zip(stretches, whole, layers, strict=True):
        assert isinstance(stretch, Copied)
        shown = [shot.ranks[packet] for packet in stretch.packets]
        assert set(range(layer.count)) <= set(shown)
        assert len(shown) <= layer.count + 1
        assert shown[-1] < layer.count or (len(shown) == layer.count + 1 and shown[-1] != max(shown)) or not shown
