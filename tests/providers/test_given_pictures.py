"""A given picture as text: the same for small ones and for large ones, which are written in a thread."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from PIL import Image

from engine.abilities import PictureLimits
from engine.providers.given_pictures import LARGE_BYTES, PIECE_BYTES, given_picture


@pytest.mark.parametrize(("size", "is_large"), [((64, 64), False), ((320, 320), True), ((600, 600), True)])
async def test_a_picture_is_the_same_as_text_whatever_its_size(
    tmp_path: Path, size: tuple[int, int], is_large: bool
) -> None:
    """Byte for byte; a large one is ready when it is asked for, so that nothing waits for it."""
    path = tmp_path / "frame.png"
    Image.frombytes("RGB", size, bytes(index * index % 251 for index in range(size[0] * size[1] * 3))).save(
        path, compress_level=0
    )
    picture = await given_picture(path, PictureLimits())
    assert (len(picture.data) > LARGE_BYTES) is is_large
    assert bool(picture.made_uri) is is_large
    assert (len(picture.data) > PIECE_BYTES) is (size == (600, 600))
    assert picture.data == path.read_bytes()
    assert picture.base64 == base64.b64encode(picture.data).decode()
    assert picture.data_uri == f"data:image/png;base64,{picture.base64}"


async def test_what_is_made_smaller_is_ready_as_text_too(tmp_path: Path) -> None:
    """As a JPEG."""
    path = tmp_path / "frame.png"
    Image.effect_noise((1100, 1100), 90).convert("RGB").save(path, compress_level=1)
    picture = await given_picture(path, PictureLimits(formats=("jpeg",), max_bytes=4_000_000))
    assert len(picture.data) > LARGE_BYTES
    assert picture.data_uri == f"data:image/jpeg;base64,{base64.b64encode(picture.data).decode()}"
