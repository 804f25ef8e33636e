"""An HDR clip is a clip like any other: its frames and the film show what every screen can, and all of them the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine import media
from engine.errors import BadMedia
from engine.media.frames import first_picture
from engine.media.inspection import inspect
from tests.media.makers import Recipe, Rgb, make, scene

PQ = Recipe(
    codec="libx265",
    frames=6,
    width=216,
    height=96,
    pixels="yuv420p10le",
    matrix=9,
    transfer=16,
    options={"preset": "ultrafast", "crf": "2", "x265-params": "log-level=none"},
)
GREYS = (0, 26, 51, 76, 102, 124, 148, 191, 255)
"""As codes of 8 bits."""
INNER = (24, slice(12, None, 24))


def _greys(_: int) -> Rgb:
    return np.kron(np.array(GREYS, np.uint8)[None, :, None], np.ones((96, 24, 3), np.uint8))


def _light_of_pq(code: float) -> float:
    """SMPTE ST 2084, in cd/m2."""
    power = code ** (32 / 2523)
    return float(10_000 * (max(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)) ** (16384 / 2610))


async def _greys_of(tmp_path: Path, recipe: Recipe) -> list[int]:
    clip = make(tmp_path / "hdr.mp4", recipe, _greys)
    await media.last_frame(clip, tmp_path / "last.png")
    with Image.open(tmp_path / "last.png") as image:
        row = np.asarray(image).astype(int)[INNER]
    assert (row.max(axis=1) - row.min(axis=1)).max() <= 2  # grey stays grey
    return [int(grey) for grey in row[:, 1]]


async def test_pq_is_toned_down_from_a_paper_white_of_203(tmp_path: Path) -> None:
    """What is darker than the knee has the light it was given, in parts of paper white; all stay apart, and no white burns."""
    got = await _greys_of(tmp_path, PQ)
    wanted = [255 * (_light_of_pq(code / 255) / 203) ** (1 / 2.4) for code in GREYS]
    assert got[:5] == pytest.approx(wanted[:5], abs=3)
    assert got == sorted(got)
    assert 215 < got[6] < 245 < got[7]


async def test_hlg_has_its_white_in_the_same_place(tmp_path: Path) -> None:
    """Three quarters of its signal are paper white, as BT.2408 says."""
    got = await _greys_of(tmp_path, replace(PQ, transfer=18))
    assert got == sorted(got)
    assert 215 < got[7] < 245
    assert got[0] <= 1


async def test_in_a_film_it_looks_as_its_frames_do_and_the_person_is_told(tmp_path: Path) -> None:
    """So a shot that goes on from its last frame has the same colours; it is measured and kept like any other clip."""
    hdr = make(tmp_path / "hdr.mp4", PQ, _greys)
    assert (await media.probe(hdr)).frames == PQ.frames
    assert any("HDR (PQ)" in obstacle for obstacle in inspect(hdr).obstacles)
    plain = make(tmp_path / "plain.mp4", Recipe(frames=12, width=216, height=96), lambda k: scene(k, 216, 96))
    made = await media.stitch(media.Script(clips=(hdr, plain)), tmp_path / "film.mp4")
    assert any(note.startswith("Clip 1 was encoded again") and "HDR (PQ)" in note for note in made.notes)
    await media.first_frame(hdr, tmp_path / "clip.png")
    await media.first_frame(tmp_path / "film.mp4", tmp_path / "film.png")
    with Image.open(tmp_path / "clip.png") as one, Image.open(tmp_path / "film.png") as two:
        apart = np.abs(np.asarray(one, int)[INNER] - np.asarray(two, int)[INNER])
    assert apart.max() <= 3
    shown = first_picture(tmp_path / "film.mp4")
    assert (shown.format.name, shown.color_trc, shown.colorspace) == ("yuv420p", 1, 1)


async def test_dolby_vision_without_ordinary_pictures_is_refused(tmp_path: Path) -> None:
    """Its colours would be green and purple. One that has HDR10 inside is a clip like any other."""
    recipe = replace(PQ, width=64, height=64, frames=3, matrix=9)
    for transfer in (2, 16):
        clip = make(tmp_path / f"{transfer}.mp4", replace(recipe, transfer=transfer))
        clip.write_bytes(clip.read_bytes().replace(b"hev1", b"dvh1"))
    with pytest.raises(BadMedia, match="Dolby Vision without ordinary pictures"):
        await media.probe(tmp_path / "2.mp4")
    assert (await media.probe(tmp_path / "16.mp4")).hdr == "PQ"
