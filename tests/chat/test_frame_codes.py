"""One frame of a shot has a code of its own, `k7-4@5.7`: buttons carry it, questions name it, and it can be typed."""

from __future__ import annotations

import pytest

from bot import texts
from bot.message import Incoming
from bot.parsing import Parsed, parse
from bot.replies import question_reply, shot_buttons
from bot.seam_texts import frame_code, split_frame
from engine.model import Ending
from engine.views import ShotView
from tests.house import ANA, HOME, House


@pytest.mark.parametrize(
    ("code", "shot", "at_s"),
    [("k7-4@5.7", "k7-4", "5.7"), ("K7-4@5s", "K7-4", "5"), ("k7-4", "k7-4", None), ("k7@5.7", "k7@5.7", None)],
)
def test_a_frame_is_a_shot_and_a_time(code: str, shot: str, at_s: str | None) -> None:
    """What is none comes back as it is."""
    assert split_frame(code) == (shot, at_s)


def test_a_typed_frame_is_an_option() -> None:
    """Where a shot can be continued from a frame; elsewhere it is a word like any other."""
    assert parse("/continue k7-4@5.7 a boat") == Parsed("continue", ("k7-4",), "a boat", {"at": "5.7"})
    assert parse("/edit k7-4@5.7 a boat") == Parsed("edit", (), "k7-4@5.7 a boat")


def test_a_question_about_a_frame_is_known_again() -> None:
    """By its text alone: nobody need remember that it was asked."""
    reply = question_reply(frame_code("k7-4", 5.7083))
    assert reply.asks is not None
    assert texts.asked_of(reply.text) == reply.asks.target == "k7-4@5.7083"


async def test_an_answer_to_it_goes_on_from_that_frame(house: House) -> None:
    """As the press of its button with a text does."""
    await house.shot()
    view = await house.studio.show(HOME, "a1-1")
    assert isinstance(view, ShotView)
    buttons = shot_buttons(view.shot, None, Ending(fault="dark", sharpest_s=0.5))
    (button,) = [each for each in buttons if "@" in each.target]
    await house.press(button.verb, button.target, said="a boat")
    await house.dispatch.said(
        Incoming(key="answer", place=HOME, person=ANA, text="a storm", reply_to="gone", about=button.target)
    )
    story = await house.studio.story(HOME)
    assert story is not None
    assert [(each.shot.prompt, each.shot.from_s) for each in story.shots[1:]] == [("a boat", 0.5), ("a storm", 0.5)]


def test_a_frame_that_was_sent_says_of_which_shot_it_is() -> None:
    """So that an answer to it continues that shot."""
    for what in ("0.5", "7.2s", "sharp-frame", "last-frame"):
        assert texts.code_of(f"a1-1 · {what}") == "a1-1"
    assert texts.code_of("a1-1 · Ana") is None
