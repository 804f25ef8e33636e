"""The title before a film and the names after it can be read, whatever they are, on a picture of any shape."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from av.video.frame import VideoFrame

from engine.film_options import Captions
from engine.media import cards
from engine.media.casting import lettering_notes
from engine.media.lettering import balanced, in_order, left_out, length, readable, runs_of, wrap
from engine.media.script import Script

RATE = Fraction(8)
LETTERS = 150
"""Lighter than any ground."""
SIZES = [(640, 360), (360, 640), (360, 360), (128, 72)]


def _light(frame: VideoFrame) -> npt.NDArray[np.uint8]:
    return np.asarray(frame.to_ndarray()[: frame.height], np.uint8)


def _middle(frames: list[VideoFrame]) -> npt.NDArray[np.uint8]:
    return _light(frames[len(frames) // 2])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "text", ["Fog", "A keeper lights the lamp and waits for a ship", "a" * 10_000, "word " * 2_000]
)
def test_a_title_stands_in_the_middle_with_room_around_it(size: tuple[int, int], text: str) -> None:
    """Of one word, of many, and of more than anybody reads."""
    width, height = size
    frames = list(cards.title(text, size, RATE))
    assert len(frames) == cards.title_frames(text, RATE) == 20
    rows, columns = np.nonzero(_middle(frames) > LETTERS)
    assert abs((columns.min() + columns.max()) / 2 - width / 2) < width * 0.04
    assert abs((rows.min() + rows.max()) / 2 - height / 2) < height * 0.08
    assert columns.min() >= width * 0.08
    assert rows.min() >= height * 0.1
    assert rows.max() < height * 0.9


def test_a_card_comes_out_of_the_black_and_goes_back() -> None:
    """Its ends are black, its letters nearly white between them, in studio range and tagged BT.709."""
    frames = list(cards.title("Fog", (320, 180), RATE))
    peaks = [int(_light(frame).max()) for frame in frames]
    assert peaks[0] == peaks[-1] == 16
    assert 200 < max(peaks) <= 235
    assert min(int(_light(frame).min()) for frame in frames) >= 16
    assert peaks[:5] == sorted(peaks[:5])
    assert {(frame.colorspace, frame.color_primaries, frame.color_trc, frame.color_range) for frame in frames} == {
        (1, 1, 1, 1)
    }
    assert np.array_equal(frames[0].to_ndarray()[180:], np.full((90, 320), 128))


@pytest.mark.parametrize("text", ["", " \n ", "\x00\x07\u202e", "\ufe0f"])
def test_a_text_without_anything_to_read_makes_no_card(text: str) -> None:
    """No picture rather than an empty one."""
    assert list(cards.title(text, (320, 180), RATE)) == []
    assert cards.title_frames(text, RATE) == 0
    assert list(cards.credits([text], (320, 180), RATE)) == []
    assert cards.credits_frames([text], (320, 180), RATE) == 0


def test_control_characters_and_new_lines_change_nothing() -> None:
    """They are dropped, and a line ends where it is full."""
    plain, hostile = (list(cards.title(text, (320, 180), RATE)) for text in ("Night fox", "\x00Night\r\n\u202efox\x1b"))
    assert np.array_equal(_middle(plain), _middle(hostile))


@pytest.mark.parametrize("size", SIZES[:3])
def test_everyone_stands_in_the_credits(size: tuple[int, int]) -> None:
    """A row for the heading and one for each name, also for one of emoji and one of letters that no font here has."""
    names = ["Ann", "Боб", "דנה", "\U0001f98a", "𒀀𒀁"]
    frames = list(cards.credits(names, size, RATE))
    assert len(frames) == cards.credits_frames(names, size, RATE) == 5 * RATE
    inked = (_middle(frames) > 90).any(axis=1)
    gaps = [after - before for before, after in pairwise(np.flatnonzero(inked))]
    assert sum(gap > size[0] // 60 for gap in gaps) == len(names)


def test_many_names_roll_and_more_than_can_be_read_are_counted() -> None:
    """Upwards, by whole pixels, for at most 20 seconds."""
    names = [f"Person {number}" for number in range(30)]
    frames = list(cards.credits(names, (320, 180), RATE))
    assert len(frames) == cards.credits_frames(names, (320, 180), RATE) == 15 * RATE
    assert not np.array_equal(_light(frames[50]), _light(frames[51]))
    assert (_light(frames[50]) > LETTERS).any()
    assert int(_light(frames[-1]).max()) == 16
    assert cards.credits_frames(names * 100, (320, 180), RATE) <= 20 * RATE
    *shown, rest = [name for row in cards._roll(names * 100, 320, 180).rows for name in row]
    assert rest == f"and {3000 - len(shown)} more"
    assert 60 < len(shown) < 300


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("\U0001d4d0\U0001d4f7\U0001d4f7", "Ann"),
        ("\U0001f98a", "Fox face"),
        ("\U0001f98a ночь \U0001f319", "ночь"),
        ("\U0001f1e9\U0001f1ea", "DE"),
        ("𒀀𒀁", "(Cuneiform letters)"),
        ("حارس المنارة", "حارس المنارة"),
        ("می\u200cرو", "می\u200cرو"),
        ("Ann\u0301 \x00 B\u202e", "Ann\u0301 B"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_words(text: str, seen: str) -> None:
    """Plain letters for fancy ones, names for pictures, the script for letters that no font here has."""
    assert readable(text) == seen.replace("n\u0301", "ń")


def test_letters_that_no_font_here_has_are_owned_up_to() -> None:
    """Once for all texts, by their script; emoji, which are never drawn, are not missed."""
    assert left_out(["Ann", "Маяк \U0001f98a", "\U0001d4d0"]) is None
    assert left_out(["𒀀 Ann", "𒀁"]) == (
        "No font on the server has Cuneiform letters, so cards and burned captions go without them."
    )


def test_the_lines_of_a_title_are_of_about_the_same_length() -> None:
    """No word is left alone in the last one, and nothing of the text is lost."""
    text = "a keeper lights the lamp and waits for a ship that comes"
    lines = balanced(text, 20, length(text, 20) * 0.9, 4)
    assert " ".join(lines) == text
    assert len(lines) == len(wrap(text, 20, length(text, 20) * 0.9, 4)) == 2
    assert length(lines[1], 20) > 0.8 * length(lines[0], 20)


def test_a_line_that_begins_with_hebrew_is_read_from_the_right() -> None:
    """Its pieces, each with a font of its own, stand in that order; those of another line do not."""
    runs = runs_of("אב", 20) + runs_of("c", 20)
    assert [part for _, part in in_order(runs, "אב c")] == ["c", "אב"]
    assert in_order(runs, "c אב") == runs


def test_words_that_a_film_goes_without_are_told() -> None:
    """Letters that no font has, and captions that are not drawn into drafts; where all is there, nothing is said."""
    clips = (Path("a.mp4"), Path("b.mp4"))
    lost = Script(clips=clips, card="\U00012000", credits=("Ann",))
    assert [note[:27] for note in lettering_notes(lost)] == ["No font on the server has C"]
    drafts = Script(clips=clips, captions=Captions.BURNED, caption_texts=("\U00012000", "b"), burned_texts=("", "b"))
    assert lettering_notes(drafts) == ("No captions are drawn into drafts, which show their own words.",)
    assert lettering_notes(replace(drafts, captions=Captions.TRACK)) == ()
    assert lettering_notes(replace(drafts, caption_texts=("", "b"))) == ()
