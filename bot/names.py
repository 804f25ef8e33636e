"""What people are called, on any platform."""

from __future__ import annotations

import unicodedata

NAME_CHARS = 64


def clean_name(name: str) -> str:
    """A name on one line that cannot turn the text around it: no control or direction characters, at most 64 characters."""
    kept = "".join(c for c in name if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} or c == "\u200d")
    return " ".join(kept.split())[:NAME_CHARS].strip() or "somebody"
