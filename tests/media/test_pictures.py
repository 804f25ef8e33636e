"""A person's picture becomes a plain one, or a sentence."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine import media
from engine.errors import BadMedia
from tests.media.makers import names, scene


def _photo(width: int = 640, height: int = 360) -> Image.Image:
    return Image.fromarray(scene(0, width, height))


def _bomb(width: int, height: int) -> bytes:
    """A PNG whose header promises far more pixels than its few bytes hold."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(100_000)))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("kind", "mode", "size"),
    [
        ("JPEG", "RGB", (640, 360)),
        ("JPEG", "CMYK", (640, 360)),
        ("JPEG", "RGB", (3000, 1500)),
        ("PNG", "RGBA", (640, 360)),
        ("PNG", "P", (640, 360)),
        ("PNG", "LA", (640, 360)),
        ("PNG", "I;16", (640, 360)),
        ("WEBP", "RGBA", (640, 360)),
        ("GIF", "P", (640, 360)),
    ],
)
async def test_every_usual_picture_becomes_a_plain_png(
    tmp_path: Path, kind: str, mode: str, size: tuple[int, int]
) -> None:
    """RGB, without metadata, at most 2048 pixels a side, and of the same shape."""
    source, png = tmp_path / "source.bin", tmp_path / "clean.png"
    image = _photo(*size).convert("L").convert("I;16") if mode == "I;16" else _photo(*size).convert(mode)
    image.save(source, kind)
    width, height = await media.picture(source, png)
    with Image.open(png) as clean:
        assert (clean.mode, clean.size, clean.info) == ("RGB", (width, height), {})
        assert max(clean.size) <= 2048
        assert width / height == pytest.approx(size[0] / size[1], rel=0.01)


async def test_it_is_turned_upright_and_forgets_where_it_was_taken(tmp_path: Path) -> None:
    """The orientation of the camera is applied; its other notes go."""
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x010F] = "Somebody's camera"
    source, png = tmp_path / "photo.jpg", tmp_path / "clean.png"
    _photo().save(source, "JPEG", exif=exif, quality=95)
    assert await media.picture(source, png) == (360, 640)
    assert b"Somebody" not in png.read_bytes()
    with Image.open(png) as clean:
        assert np.abs(np.asarray(clean.rotate(90, expand=True)).astype(int) - np.asarray(_photo())).mean() < 5


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "file is empty"),
    "text": (lambda: b"<svg></svg>" * 50, "not a JPEG, PNG, WebP or GIF"),
    "cut off": (lambda: _bytes(_photo())[:5000], "damaged"),
    "a bomb": (lambda: _bomb(30_000, 30_000), "at most 80 megapixels"),
    "a line": (lambda: _bomb(100_000, 1), "at least 64 pixels"),
    "a ribbon": (lambda: _bytes(_photo(1000, 100)), "4 times as long"),
    "a format that is not in the list": (lambda: _bytes(_photo(), "TIFF"), "not a JPEG, PNG, WebP or GIF"),
}


def _bytes(image: Image.Image, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize("kind", BAD)
async def test_what_is_no_usable_picture_is_refused_with_a_sentence(tmp_path: Path, kind: str) -> None:
    """It says what is wrong; nothing is written."""
    content, reason = BAD[kind]
    source = tmp_path / "source.png"
    source.write_bytes(content())
    with pytest.raises(BadMedia, match=reason):
        await media.picture(source, tmp_path / "clean.png")
    assert names(tmp_path) == ["source.png"]


async def test_a_missing_picture_is_said_to_be_missing(tmp_path: Path) -> None:
    """Not a traceback."""
    with pytest.raises(BadMedia, match="missing"):
        await media.picture(tmp_path / "none.png", tmp_path / "clean.png")


@pytest.mark.parametrize(
    ("size", "ratio", "cut"),
    [
        ((1376, 768), "16:9", (1344, 756)),
        ((1280, 720), "16:9", (1280, 720)),
        ((1024, 1536), "9:16", (864, 1536)),
        ((1201, 901), "4:3", (1200, 900)),
        ((1000, 1000), "1:1", (1000, 1000)),
        ((1584, 672), "21:9", (1568, 672)),
        ((2752, 1536), "16:9", (2048, 1152)),
    ],
)
async def test_a_picture_is_cut_to_exactly_a_shape(
    tmp_path: Path, size: tuple[int, int], ratio: str, cut: tuple[int, int]
) -> None:
    """As little as possible is cut off, in the middle; both sides are even, and none is over 2048."""
    source, png = tmp_path / "source.bin", tmp_path / "cut.png"
    photo = _photo(*size)
    photo.save(source, "PNG", compress_level=1)
    made = await media.crop(source, png, ratio)
    assert ((made.width, made.height), (made.was_width, made.was_height)) == (cut, size)
    with Image.open(png) as image:
        assert (image.size, image.mode, image.info) == (cut, "RGB", {})
        if max(size) <= 2048:
            left, top = (size[0] - cut[0]) // 2, (size[1] - cut[1]) // 2
            assert image.tobytes() == photo.crop((left, top, left + cut[0], top + cut[1])).tobytes()
