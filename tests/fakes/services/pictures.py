"""Small real pictures for fakes of image makers."""

from __future__ import annotations

import io

from PIL import Image


def png(width: int, height: int, colour: tuple[int, int, int] = (40, 90, 160), kind: str = "PNG") -> bytes:
    """A plain picture of this size."""
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, kind)
    return buffer.getvalue()


def picture_size(data: bytes) -> tuple[int, int] | None:
    """Width and height; None: it is no picture."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            return image.size
    except OSError:
        return None
