"""What can be asked, and what it becomes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.checks import clean_prompt, settle_options
from engine.errors import NotPossible
from engine.model import PROMPT_CHARS, FileKey, ShotOptions
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
