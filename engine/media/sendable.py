"""A clean picture made to fit what a service takes: as little as possible is lost, and what is lost is said."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from engine.errors import BadMedia

_JPEG_QUALITIES = (95, 90, 85, 80)
_SMALLER = 0.8


def write_sendable(
    *, source: str, out: Path, formats: Sequence[str], max_bytes: int, min_side: int, max_side: int, **_: Any
) -> dict[str, Any]:
    """Write the first version within the limits, from lossless to small."""
    with Image.open(source, formats=("PNG", "JPEG", "WEBP")) as opened:
        opened.load()
        original = opened.convert("RGB")
    image = _sized(original, min_side, max_side)
    while True:
        for name, data, loss in _encoded(image, formats):
            if len(data) <= max_bytes:
                out.write_bytes(data)
                return {"format": name, "width": image.width, "height": image.height, "loss": loss}
        if min(image.size) * _SMALLER < max(min_side, 16):
            raise BadMedia("The picture cannot be made small enough for this model; use another picture.")
        image = original.resize(
            (round(image.width * _SMALLER), round(image.height * _SMALLER)), Image.Resampling.LANCZOS
        )


def _sized(image: Image.Image, min_side: int, max_side: int) -> Image.Image:
    scale = 1.0
    if max(image.size) > max_side:
        scale = max_side / max(image.size)
    elif min(image.size) < min_side:
        scale = min_side / min(image.size)
    if scale == 1.0:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS)


def _encoded(image: Image.Image, formats: Sequence[str]) -> Iterator[tuple[str, bytes, str]]:
    """Format, bytes, and what it loses; the best first."""
    if "png" in formats:
        yield "png", _bytes(image, "PNG", compress_level=6), ""
    if "webp" in formats:
        yield "webp", _bytes(image, "WEBP", lossless=True, quality=60, method=3), ""
    if "jpeg" in formats:
        for quality in _JPEG_QUALITIES:
            yield "jpeg", _bytes(image, "JPEG", quality=quality, subsampling=0), f"JPEG of quality {quality}"
    elif "webp" in formats:
        for quality in _JPEG_QUALITIES:
            yield "webp", _bytes(image, "WEBP", quality=quality, method=4), f"WebP of quality {quality}"


def _bytes(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
