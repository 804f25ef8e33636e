"""Prompts of every language and none: what is drawn, and the caption."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.media.lettering import clean, runs_of, wrap
from engine.providers.animatic.canvas import Canvas
from engine.providers.animatic.caption import Caption
from engine.providers.animatic.figures import FIGURES
from engine.providers.animatic.ideas import read_prompt
from engine.providers.animatic.palette import MOODS, from_hex
from engine.providers.animatic.particles import KINDS
from engine.providers.animatic.scenes import SCENE_PAINTERS
from engine.providers.animatic.vocabulary import HOME_OF_SUBJECT, PARTICLES_OF, SCENES, SUBJECTS


@pytest.mark.parametrize(
    ("prompt", "scene", "subjects"),
    [
        ("a lighthouse keeper lights the lamp", "sea", {"lighthouse", "keeper"}),
        ("a boat answers from the fog", "sea", {"boat"}),
        ("the keeper opens the door", "doorway", {"keeper", "door"}),
        ("Two foxes running through the woods", "forest", {"fox", "couple"}),
        ("ein Leuchtturm am Meer bei Nacht", "sea", {"lighthouse"}),
        ("un dragon au-dessus de la montagne", "mountains", {"dragon"}),
        ("un barco en el océano", "sea", {"boat"}),
        ("старый маяк на море ночью", "sea", {"lighthouse"}),
        ("森の中を走る狐", "forest", {"fox"}),
        ("一艘小船在海上", "sea", {"boat"}),
    ],
)
def test_words_choose_the_picture(prompt: str, scene: str, subjects: set[str]) -> None:
    """The place and the subjects, in several languages."""
    idea = read_prompt(prompt, 1)
    assert idea.is_known
    assert idea.scene == scene
    assert subjects <= set(idea.subjects)


@pytest.mark.parametrize(
    ("prompt", "action"),
    [("she lights the lamp", "light"), ("he is running home", "run"), ("a man sits", "sit"), ("they danced", "dance"),
     ("a boat answers", "answer"), ("the keeper opens the door", "open"), ("a cat", None)],
)  # fmt: skip
def test_verbs_are_heard(prompt: str, action: str | None) -> None:
    """What somebody does, in its forms; None where nobody does anything."""
    assert read_prompt(prompt, 1).action == action


@pytest.mark.parametrize(
    ("prompt", "mood"),
    [("the sea at night", "night"), ("the sea at dawn", "dawn"), ("a boat in the fog", "fog"),
     ("a boat in the fog at night", "night fog"),
     ("a stormy sea", "storm"), ("a whale under water", "deep"), ("a snowy forest", "winter"), ("deep space", "space")],
)  # fmt: skip
def test_time_and_weather_set_the_light(prompt: str, mood: str) -> None:
    """Where the prompt tells them, they decide."""
    idea = read_prompt(prompt, 1)
    assert idea.mood == mood


@pytest.mark.parametrize("prompt", ["a boat answers from the fog", "a man in a field", "a castle"])
def test_night_stays_night_across_a_cut(prompt: str) -> None:
    """Where the prompt tells no time, a dark picture is followed by a dark scene and a bright one by a bright one."""
    for seed in range(8):
        assert MOODS[read_prompt(prompt, seed, is_dark_before=True).mood].is_dark
        assert not MOODS[read_prompt(prompt, seed, is_dark_before=False).mood].is_dark


def test_the_vocabulary_names_only_what_can_be_drawn() -> None:
    """Every scene, subject, home and particle of the word lists exists."""
    assert set(SCENES) <= set(SCENE_PAINTERS)
    assert set(SUBJECTS) - {"door"} <= set(FIGURES)
    assert set(HOME_OF_SUBJECT.values()) <= set(SCENE_PAINTERS)
    assert set(PARTICLES_OF.values()) <= set(KINDS)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300), st.integers(0, 2**31 - 1))
def test_any_text_gives_an_idea(prompt: str, seed: int) -> None:
    """Whatever was typed, there is something to draw, and the same each time."""
    idea = read_prompt(prompt, seed)
    assert idea.scene in SCENE_PAINTERS
    assert idea.mood in MOODS
    assert set(idea.particles) <= set(KINDS)
    assert set(idea.subjects) <= set(FIGURES) | {"door"}
    assert idea == read_prompt(prompt, seed)


@pytest.mark.parametrize(
    "prompt",
    ["Ein Schiff fährt übers Meer", "маяк на море", "灯台守が灯りをともす", "حارس المنارة يضيء المصباح", "שומר המגדלור",
     "🦊🌲 ночь 🌙",
     "👩‍👩‍👧‍👦", "", "a" * 5000, "e\u0301\u0323" * 200, "\x00\x07\u202e\ud800", "𒀀𒁀 \U0001d518\U0001d52b", "ประภาคาร", "दीपस्तंभ"],
)  # fmt: skip
def test_every_script_is_drawn_or_left_out(prompt: str) -> None:
    """No crash, and no wall of empty boxes: a letter without a glyph is not drawn."""
    caption = Caption(prompt, "DRAFT · k7-1", 854, 480, from_hex("#ffb454"))
    canvas = Canvas(854, 480)
    caption.draw(canvas, 1.0)
    lit = np.asarray(canvas.y) > 100
    assert lit.any(), "not even the tag is there"
    assert not lit[:, 835:].any(), "it runs out of the picture"


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=500))
def test_a_caption_never_fails_and_never_overflows(text: str) -> None:
    """At most two lines, each within its width."""
    lines = wrap(clean(text), 17, 300)
    assert len(lines) <= 2
    for line in lines:
        assert sum(font.getlength(part) for font, part in runs_of(line, 17)) <= 301


def test_a_letter_that_no_font_has_is_left_out() -> None:
    """Cuneiform between Latin words leaves the words; alone it leaves nothing, and never a box."""
    assert runs_of("𒀀𒁀", 17) == []
    assert [part for _, part in runs_of("a 𒀀fox", 17)] == ["a fox"]


def test_a_cut_caption_says_so() -> None:
    """Only a text that does not fit ends in an ellipsis."""
    assert wrap("a fox", 17, 300) == ["a fox"]
    long = wrap(clean("a fox that runs and runs through the snow until the night has come and gone " * 3), 17, 300)
    assert len(long) == 2
    assert long[1].endswith("…")
