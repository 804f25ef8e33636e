"""Orders and pictures for Google's providers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image

from engine.providers.base import Order


def order_of(model: str, **changes: Any) -> Order:
    """A render of 8 s in 720p."""
    usual: dict[str, Any] = {
        "prompt": "a lamp is lit",
        "seconds": 8,
        "ratio": "16:9",
        "resolution": "720p",
        "seed": 7,
        "style": "default",
        "model": model,
    }
    return Order(**{**usual, **changes})


def picture(folder: Path, name: str = "frame.png") -> Path:
    """A small PNG."""
    path = folder / name
    Image.new("RGB", (320, 180), "teal").save(path)
    return path


def clip(folder: Path, data: bytes = b"a clip of mine") -> Path:
    """Bytes that stand for a clip, which nobody here looks into."""
    path = folder / "clip.mp4"
    path.write_bytes(data)
    return path
