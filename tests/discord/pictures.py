"""Pictures of one colour, and which colour a picture has."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

RED, BLUE = (220, 20, 20), (20, 20, 220)


def still(colour: tuple[int, int, int], kind: str = "PNG") -> bytes:
    """A small picture of this colour."""
    out = io.BytesIO()
    Image.new("RGB", (128, 72), colour).save(out, kind)
    return out.getvalue()


def colour_of(path: Path | None) -> str | None:
    """`red` or `blue`, by its middle; None: there is no picture."""
    if path is None:
        return None
    with Image.open(path) as picture:
        pixel = picture.convert("RGB").getpixel((picture.width // 2, picture.height // 2))
    assert isinstance(pixel, tuple)
    return "red" if pixel[0] > pixel[2] else "blue"
