"""What a place chooses for its new stories, and another name for a place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.checks import settle_options
from engine.errors import NotPossible
from engine.model import Create, FileKey, ShotOptions
from engine.place_options import KEPT, change
from tests.fakes.provider import ScriptedProvider
from tests.house import BEN, HOME, House

MODELS = {"scripted": ScriptedProvider().models, "other": ScriptedProvider().models}
CHOSEN = st.builds(
    ShotOptions,
    seconds=st.none() | st.floats(0, 20),
    ratio=st.none() | st.sampled_from(["16:9", "9:16", "1:1", "4:3"]),
    resolution=st.none() | st.sampled_from(["480p", "720p", "8k"]),
    style=st.none() | st.sampled_from(["plain", "ink", "oil"]),
    provider=st.none() | st.sampled_from(["scripted", "other", "gone"]),
    model=st.none() | st.sampled_from(["one", "blind", "two"]),
)


@given(CHOSEN)
def test_what_a_place_chose_never_stands_in_the_way(chosen: ShotOptions) -> None:
    """Whatever was chosen once: what cannot be done any more gives way, and what can be done is done."""
    used = settle_options(ShotOptions(), parent=None, models=MODELS, default_provider="scripted", chosen=chosen)
    able = MODELS[used.provider][used.model]
    assert used.provider == (chosen.provider if chosen.provider in MODELS else "scripted")
    for name, choices in (("ratio", able.ratios), ("resolution", able.resolutions), ("style", able.styles)):
        wanted = getattr(chosen, name)
        assert getattr(used, name) == (wanted if wanted in choices else choices[0])
    fits = chosen.seconds is not None and able.min_seconds <= chosen.seconds <= able.max_seconds
    assert used.seconds == (chosen.seconds if fits else able.default_seconds)


@given(CHOSEN, CHOSEN, st.frozensets(st.sampled_from(KEPT)))
def test_a_change_touches_what_it_names(before: ShotOptions, changes: ShotOptions, reset: frozenset[str]) -> None:
    """Reset wins over chosen, chosen over what was there; only the model goes with its provider."""
    after = change(before, changes, reset)
    moved = "provider" in reset or changes.provider not in {None, before.provider}
    for name in KEPT:
        was, said, now = (getattr(each, name) for each in (before, changes, after))
        if name in reset:
            assert now is None
        elif said is not None:
            assert now == said
        else:
            assert now == (None if name == "model" and moved else was)


@pytest.mark.parametrize(
    ("changes", "reset", "name"),
    [
        (ShotOptions(seed=1), frozenset[str](), "seed"),
        (ShotOptions(first_frame=FileKey("x.png")), frozenset[str](), "first_frame"),
        (ShotOptions(), frozenset({"colour"}), "colour"),
    ],
)
def test_what_belongs_to_one_shot_is_not_chosen(changes: ShotOptions, reset: frozenset[str], name: str) -> None:
    """With what can be chosen in the sentence."""
    with pytest.raises(NotPossible, match=f"A place chooses no {name}; it can choose: seconds, ratio"):
        change(ShotOptions(), changes, reset)


async def test_a_new_story_gets_what_its_place_chose(house: House) -> None:
    """What is said for the shot wins; another place is not touched."""
    await house.studio.set_settings(house.asked(), ShotOptions(ratio="9:16", seconds=2.5))
    await house.studio.create(Create(asked=house.asked(BEN), prompt="a lamp"))
    await house.studio.create(Create(asked=house.asked(), prompt="a fox", options=ShotOptions(ratio="16:9")))
    await house.studio.create(Create(asked=house.asked(place="local:elsewhere"), prompt="a boat"))
    await house.run(20)
    orders = sorted(
        (each.order.prompt, each.order.ratio, each.order.seconds) for each in house.provider.renders.values()
    )
    assert orders == [("a boat", "16:9", 1), ("a fox", "16:9", 2.5), ("a lamp", "9:16", 2.5)]


async def test_a_wrong_choice_changes_nothing(house: House) -> None:
    """Also the right half of it."""
    await house.studio.set_settings(house.asked(), ShotOptions(style="ink"))
    with pytest.raises(NotPossible, match="cannot do the ratio 4:3; choose one of: 16:9, 9:16"):
        await house.studio.set_settings(house.asked(), ShotOptions(ratio="4:3", seconds=2))
    seen = await house.studio.settings(HOME)
    assert seen.chosen == ShotOptions(style="ink")
    assert (seen.used.style, seen.used.seconds, seen.able.ratios) == ("ink", 1, ("16:9", "9:16"))


async def test_a_choice_is_taken_back(house: House) -> None:
    """One by one."""
    await house.studio.set_settings(house.asked(), ShotOptions(style="ink", ratio="9:16"))
    await house.studio.set_settings(house.asked(), ShotOptions(), frozenset({"style"}))
    assert (await house.studio.settings(HOME)).chosen == ShotOptions(ratio="9:16")


async def test_an_update_that_comes_again_chooses_nothing_more(house: House) -> None:
    """Somebody may have chosen otherwise since."""
    asked = house.asked()
    await house.studio.set_settings(asked, ShotOptions(style="ink"))
    await house.studio.set_settings(house.asked(BEN), ShotOptions(style="plain"))
    again = await house.studio.set_settings(asked, ShotOptions(style="ink"))
    assert again.chosen == (await house.studio.settings(HOME)).chosen == ShotOptions(style="plain")


async def test_a_place_that_moves_takes_everything_along(house: House) -> None:
    """Stories, clips, choices, and a job that is under way."""
    await house.studio.set_settings(house.asked(), ShotOptions(style="ink"))
    await house.shot()
    job = await house.studio.create(Create(asked=house.asked(), prompt="a fox"))
    await house.tick()
    await house.studio.move_place(HOME, "local:new")
    await house.studio.move_place(HOME, "local:new")
    await house.run(10)
    assert (await house.job(job.id)).place == "local:new"
    assert [story.code for story in await house.studio.stories("local:new")] == ["b1", "a1"]
    assert await house.studio.stories(HOME) == ()
    assert (await house.studio.settings("local:new")).chosen == ShotOptions(style="ink")
    assert [item.shot_code for item in (await house.studio.history("local:new", None)).items] == ["b1-1", "a1-1"]
    assert house.chat.videos[-1].place == "local:new"
