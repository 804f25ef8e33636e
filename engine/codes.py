"""The short codes that a person types: `k7` a story, `k7-4` its fourth shot, `k7-2..5` some, `k7-f1` its first film. Pure."""

from __future__ import annotations

import re

_LETTERS = "abcdefghjkmnpqrstuvwxyz"  # no i, l, o: they read as 1 and 0
_STORY = re.compile(rf"([{_LETTERS}])(\d{{1,12}})", re.ASCII)
_SHOT = re.compile(rf"([{_LETTERS}]\d{{1,12}})-(\d{{1,9}})", re.ASCII)
_RANGE = re.compile(rf"([{_LETTERS}]\d{{1,12}})-(\d{{1,9}})\.\.(?:\1-)?(\d{{1,9}})", re.ASCII)
_FILM = re.compile(rf"([{_LETTERS}]\d{{1,12}})-f(\d{{1,9}})", re.ASCII)


def story_code(story_id: int) -> str:
    """The code of the story with this id (1, 2, …): every letter before the next number, `a1 b1 … z1 a2 …`."""
    number, letter = divmod(story_id - 1, len(_LETTERS))
    return f"{_LETTERS[letter]}{number + 1}"


def is_story_code(text: str) -> bool:
    """`k7`"""
    return _STORY.fullmatch(text.lower()) is not None


def parse_shot_code(text: str) -> tuple[str, int] | None:
    """`K7-4` → (`k7`, 4); None if it is not the code of a shot."""
    found = _SHOT.fullmatch(text.lower())
    return (found[1], int(found[2])) if found else None


def parse_shot_range(text: str) -> tuple[str, str] | None:
    """`k7-2..k7-5`, or `k7-2..5` → (`k7-2`, `k7-5`); None if it is no range of one story."""
    found = _RANGE.fullmatch(text.lower())
    return (f"{found[1]}-{found[2]}", f"{found[1]}-{found[3]}") if found else None


def parse_film_code(text: str) -> tuple[str, int] | None:
    """`k7-f1` → (`k7`, 1); None if it is not the code of a film."""
    found = _FILM.fullmatch(text.lower())
    return (found[1], int(found[2])) if found else None
