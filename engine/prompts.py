"""Words as they are kept: one clean line, and the title that a story gets from it."""

from __future__ import annotations

import unicodedata

from engine.errors import NotPossible
from engine.model import PROMPT_CHARS

TITLE_CHARS = 60


def clean_prompt(text: str) -> str:
    """The prompt on one line without control characters, in Unicode normal form C.

    Raises:
        NotPossible: nothing is left, or it is longer than `PROMPT_CHARS`.
    """
    kept = "".join(c if unicodedata.category(c) not in {"Cc", "Cs"} else " " for c in text)
    prompt = unicodedata.normalize("NFC", " ".join(kept.split()))
    if all(c == " " or unicodedata.category(c) == "Cf" for c in prompt):  # a zero-width space is nothing to draw
        raise NotPossible("Say what the shot shows, for example: /create a lighthouse keeper lights the lamp")
    if len(prompt) > PROMPT_CHARS:
        over = len(prompt) - PROMPT_CHARS
        raise NotPossible(
            f"The prompt has {len(prompt):,} characters and at most {PROMPT_CHARS:,} fit; shorten it by {over:,}."
        )
    return prompt


def title_of(prompt: str) -> str:
    """A story's title: its first prompt, cut at a word within 60 characters."""
    if len(prompt) <= TITLE_CHARS:
        return prompt
    return prompt[:TITLE_CHARS].rsplit(" ", 1)[0] + "…"
