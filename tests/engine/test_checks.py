"""What can be asked, and what it becomes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.abilities import Abilities
from engine.checks import Settled, settle_options
from engine.errors import NotPossible
from engine.model import PROMPT_CHARS, FileKey, Person, Shot, ShotOptions
from engine.prompts import clean_prompt
from tests.fakes.provider import ScriptedProvider

MODELS = {"scripted": ScriptedProvider().models}


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("  a lamp  ", "a lamp"),
        ("a\nlamp\tburns", "a lamp burns"),
        ("a\x00lamp", "a lamp"),
        ("маяк 灯台 منارة 🗼", "маяк 灯台 منارة 🗼"),
    ],
)
def test_a_prompt_is_one_clean_line(said: str, kept: str) -> None:
    """Line breaks and control characters become spaces; every script stays."""
    assert clean_prompt(said) == kept


@pytest.mark.parametrize("said", ["", "   ", "\n\x00\t", "\u200b", "\ufeff \u202e"])
def test_an_empty_prompt_is_told_how_to_be_one(said: str) -> None:
    """Nothing to draw is refused with an example."""
    with pytest.raises(NotPossible, match="/create a lighthouse"):
        clean_prompt(said)


def test_a_prompt_that_is_too_long_is_told_by_how_much() -> None:
    """The sentence names both lengths and the difference."""
    with pytest.raises(NotPossible, match=r"5,000 characters.*4,000.*1,000"):
        clean_prompt("x" * 5_000)


@given(st.text(max_size=200))
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    """Any text is refused or becomes what cleaning leaves as it is."""
    try:
        once = clean_prompt(text)
    except NotPossible:
        return
    assert clean_prompt(once) == once
    assert len(once) <= PROMPT_CHARS


def test_options_left_open_take_the_model_s_defaults() -> None:
    """The first of each list, and the default length."""
    settled = settle_options(ShotOptions(), parent=None, models=MODELS, default_provider="scripted")
    assert (settled.seconds, settled.ratio, settled.resolution, settled.style) == (1, "16:9", "480p", "plain")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (ShotOptions(seconds=99), "A shot of 99 s is not possible with scripted one; choose 0.5 to 10 seconds."),
        (ShotOptions(seconds=float("nan")), "A shot of nan s is not possible"),
        (ShotOptions(seconds=float("inf")), "A shot of inf s is not possible"),
        (ShotOptions(ratio="4:3"), "cannot do the ratio 4:3; choose one of: 16:9, 9:16."),
        (ShotOptions(resolution="8k"), "cannot do 8k; choose one of: 480p, 720p."),
        (ShotOptions(style="oil"), "has no style “oil”; choose one of: plain, ink."),
        (ShotOptions(provider="nobody"), "There is no provider “nobody” here; choose one of: scripted."),
        (ShotOptions(model="two"), "scripted has no model “two”; choose one of: one, blind."),
        (ShotOptions(seed=-1), "The seed -1 is out of range"),
        (ShotOptions(seed=2**31), "The seed 2147483648 is out of range"),
        (ShotOptions(model="blind", first_frame=FileKey("x.png")), "cannot start on a picture"),
        (ShotOptions(model="blind", last_frame=FileKey("x.png")), "cannot end on a picture"),
    ],
)
def test_what_a_provider_cannot_do_is_refused_with_what_it_can(options: ShotOptions, sentence: str) -> None:
    """Before money, with the choice in the sentence."""
    with pytest.raises(NotPossible) as caught:
        settle_options(options, parent=None, models=MODELS, default_provider="scripted")
    assert sentence in str(caught.value)


STEPPED = Abilities(
    min_seconds=4,
    max_seconds=12,
    default_seconds=4,
    steps=(4, 8, 12),
    ratios=("16:9", "1:1", "3:4"),
    resolutions=("720p", "1080p", "4k"),
    prompt_chars=20,
    first_frame=True,
    references=3,
    audio=True,
)
WHOLE = Abilities(
    min_seconds=2,
    max_seconds=10,
    default_seconds=5,
    whole_seconds=True,
    ratios=("16:9",),
    resolutions=("720p",),
    text=False,
    first_frame=True,
    last_frame=True,
    last_needs_first=True,
)
OLD = replace(WHOLE, text=True, ends_on=date(2026, 3, 24), substitute="service whole")
SHUT = replace(WHOLE, text=True, closed="It is paused by its maker.")
ALL = {
    "scripted": ScriptedProvider().models,
    "service": {"stepped": STEPPED, "whole": WHOLE, "old": OLD, "shut": SHUT, "MiXed": OLD},
}
PICTURE = FileKey("1.png")
TODAY = date(2026, 3, 24)


def settled(options: ShotOptions, **more: Any) -> Settled:
    return settle_options(
        options, models=ALL, **{"parent": None, "default_provider": "service", "today": TODAY, **more}
    )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            ShotOptions(seconds=6),
            "A shot of 6 s is not possible with service stepped; choose one of: 4, 8, 12 seconds. The nearest is 8 s.",
        ),
        (ShotOptions(seconds=5.9), "choose one of: 4, 8, 12 seconds. The nearest is 4 s."),
        (
            ShotOptions(model="whole", first_frame=PICTURE, seconds=2.5),
            "choose a whole number of seconds from 2 to 10. The nearest is 3 s.",
        ),
        (ShotOptions(model="whole", first_frame=PICTURE, seconds=99), "The nearest is 10 s."),
        (ShotOptions(ratio="9:16"), "choose one of: 16:9, 1:1, 3:4. The nearest is 3:4."),
        (ShotOptions(ratio="wide"), "The nearest is 16:9."),
        (ShotOptions(resolution="480p"), "choose one of: 720p, 1080p, 4k. The nearest is 720p."),
        (ShotOptions(resolution="2k"), "The nearest is 1080p."),
        (
            ShotOptions(model="whole"),
            (
                "service whole cannot begin without a picture; send one with "
                "the words. scripted one, scripted blind, service stepped can."
            ),
        ),
        (ShotOptions(model="whole", last_frame=PICTURE), "cannot begin without a picture"),
        (
            ShotOptions(last_frame=PICTURE),
            "service stepped cannot end on a picture; leave it out. scripted one, service whole can.",
        ),
        (
            ShotOptions(references=(PICTURE,) * 4),
            "service stepped takes at most 3 reference pictures, and these are 4; leave 1 out.",
        ),
        (
            ShotOptions(references=(PICTURE,), first_frame=PICTURE),
            "takes either reference pictures or first and last frames, not both; leave one of the two out.",
        ),
        (
            ShotOptions(provider="scripted", references=(PICTURE,)),
            "scripted one takes no reference pictures; leave them out. service stepped can.",
        ),
        (ShotOptions(seed=7), "service stepped takes no seed; leave it out. scripted one can."),
        (
            ShotOptions(is_silent=True),
            (
                "service stepped always renders with sound; leave --silent "
                "out. scripted one, scripted blind, service whole can."
            ),
        ),
        (ShotOptions(negative="fog"), "No model here can."),
        (ShotOptions(extend=True), "Only a shot that goes on from another one can be extended"),
        (
            ShotOptions(model="old"),
            "service old is no longer there: its service ended it on 24 March 2026. Use service whole instead.",
        ),
        (
            ShotOptions(model="shut"),
            "service shut cannot be used: It is paused by its maker. /models lists what there is.",
        ),
    ],
)
def test_each_limit_is_told_with_the_nearest_or_with_who_can(options: ShotOptions, sentence: str) -> None:
    """Before money; models that are closed are never named."""
    with pytest.raises(NotPossible) as caught:
        settled(options)
    assert sentence in str(caught.value)


def test_a_last_frame_may_need_a_first_one() -> None:
    """Where the model takes words alone too."""
    models = {
        "service": {"one": replace(WHOLE, text=True)},
        "other": {"two": replace(WHOLE, text=True, last_needs_first=False)},
    }
    with pytest.raises(NotPossible, match="ends on a picture only where it starts on one too.* other two can"):
        settle_options(ShotOptions(last_frame=PICTURE), parent=None, models=models, default_provider="service")
    settle_options(
        ShotOptions(last_frame=PICTURE, provider="other"), parent=None, models=models, default_provider="service"
    )


def test_a_prompt_that_the_model_does_not_take_is_told_by_how_much() -> None:
    """Ours may be longer than the service's."""
    with pytest.raises(NotPossible, match="has 25 characters and service stepped takes at most 20; shorten it by 5"):
        settled(ShotOptions(), prompt="x" * 25)


@pytest.mark.parametrize(("day", "is_there"), [(date(2026, 3, 23), True), (date(2026, 3, 24), False)])
def test_a_model_ends_on_its_day(day: date, *, is_there: bool) -> None:
    """Until the day before it renders; and it is found however its name is written."""
    if is_there:
        assert settled(ShotOptions(model="mixed"), today=day).model == "MiXed"
        return
    with pytest.raises(NotPossible, match="no longer there"):
        settled(ShotOptions(model="mixed"), today=day)


def test_the_usual_model_is_one_that_is_open_and_can_begin_so() -> None:
    """Where nobody names one."""
    models = {
        "service": {"shut": SHUT, "old": OLD, "pictures": WHOLE, "words": replace(WHOLE, text=True, first_frame=False)}
    }
    ask = {"parent": None, "models": models, "default_provider": "service", "today": TODAY}
    assert settle_options(ShotOptions(), **ask).model == "words"  # type: ignore[arg-type]  # a table of arguments
    assert settle_options(ShotOptions(first_frame=PICTURE), **ask).model == "pictures"  # type: ignore[arg-type]
    assert settle_options(ShotOptions(), is_shot=False, **ask).model == "pictures"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seconds", "ratio", "resolution", "kept"),
    [
        (6.5, "9:16", "480p", (8, "3:4", "720p")),
        (1.0, "21:9", "2k", (4, "16:9", "1080p")),
        (60.0, "1:1", "4k", (12, "1:1", "4k")),
    ],
)
def test_what_was_inherited_gives_way_to_the_nearest(
    seconds: float, ratio: str, resolution: str, kept: tuple[float, str, str]
) -> None:
    """Nobody asked for it in this command; what became of it is told."""
    parent = a_shot(seconds=seconds, ratio=ratio, resolution=resolution, negative="fog", is_silent=True)
    found = settled(ShotOptions(provider="service"), parent=parent)
    assert (found.seconds, found.ratio, found.resolution) == kept
    assert (found.negative, found.is_silent) == ("", False)
    assert len(found.notes) == sum(was != now for was, now in zip((seconds, ratio, resolution), kept, strict=True))
    shapes = [note for note in found.notes if "ratio" in note]
    assert all(ratio in note and kept[1] in note for note in shapes)


def test_with_references_a_continuation_leaves_the_last_frame_out_knowingly() -> None:
    """Where the model takes one or the other."""
    options = ShotOptions(provider="service", references=(PICTURE,))
    with pytest.raises(NotPossible, match="--text-only begins without the last frame"):
        settled(options, parent=a_shot())
    assert settled(replace(options, is_unseeded=True), parent=a_shot()).is_unseeded


def a_shot(**changes: Any) -> Shot:
    values: dict[str, Any] = {"seconds": 1.0, "ratio": "16:9", "resolution": "480p", "style": "plain", **changes}
    return Shot(
        id=1,
        story_id=1,
        story_code="a1",
        number=1,
        parent_id=None,
        person=Person("local:ana", "Ana"),
        prompt="a lamp",
        provider="scripted",
        model="one",
        first_frame=None,
        last_frame=None,
        chosen_take_id=None,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        deleted_at=None,
        **values,
    )
