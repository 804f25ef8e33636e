"""The codes that a person types."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.codes import is_story_code, parse_film_code, parse_shot_code, story_code


@given(st.integers(1, 10**9), st.integers(1, 10**8))
def test_a_printed_code_is_read_as_itself(story_id: int, number: int) -> None:
    """In any case, and as nothing else."""
    code = story_code(story_id)
    assert is_story_code(code.upper())
    assert parse_shot_code(f"{code}-{number}".upper()) == (code, number)
    assert parse_film_code(f"{code}-f{number}") == (code, number)
    assert parse_shot_code(f"{code}-f{number}") is None
    assert parse_film_code(f"{code}-{number}") is None


@given(st.sets(st.integers(1, 10**9), min_size=2, max_size=30))
def test_every_story_has_a_code_of_its_own(ids: set[int]) -> None:
    """No two stories share one."""
    assert len({story_code(each) for each in ids}) == len(ids)


def test_the_first_stories_have_the_shortest_codes() -> None:
    """Every letter comes before the next number, and none that reads as a digit."""
    codes = [story_code(each) for each in range(1, 47)]
    assert codes[0] == "a1"
    assert codes[23] == "a2"
    assert not {"i1", "l1", "o1"} & set(codes)


@pytest.mark.parametrize(
    "text", ["", "k", "7", "k7-", "k7-4-1", "kk7-1", "k7 -1", "k\u0667-\u0664", "k7-4\n", "k" + "9" * 40 + "-1", "lamp"]
)
def test_what_is_no_code_is_none(text: str) -> None:
    """Words of a prompt are left alone."""
    assert parse_shot_code(text) is None
    assert parse_film_code(text) is None
    assert not is_story_code(text)
