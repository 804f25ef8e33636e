"""A clip that begins with the shot before it is cut at the exact picture, with its sound."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from engine import media
from engine.errors import BadMedia
from tests.media.makers import WITH_B, Recipe, Rgb, flash_and_beep, make, sound_of


def greys(path: Path) -> list[int]:
    """How bright each picture is."""
    with av.open(str(path)) as container:
        return [round(float(frame.to_ndarray(format="gray").mean())) for frame in container.decode(video=0)]


@pytest.mark.parametrize(("fps", "frames"), [(Fraction(24), 48), (Fraction(30_000, 1001), 45)])
async def test_what_is_left_begins_right_after_the_parent_s_last_picture(
    tmp_path: Path, fps: Fraction, frames: int
) -> None:
    """None of the parent's pictures, and all of the new ones, at any rate."""

    def stairs(place: int) -> Rgb:
        return np.full((180, 320, 3), 4 * place + 20, np.uint8)

    whole = make(tmp_path / "whole.mp4", Recipe(frames=frames, fps=fps, options=WITH_B), stairs)
    parent_s = float(20 / fps)
    await media.cut(whole, tmp_path / "new.mp4", parent_s)
    before, after = greys(whole), greys(tmp_path / "new.mp4")
    assert len(after) == frames - 20
    assert max(abs(one - other) for one, other in zip(before[20:], after, strict=True)) <= 1
    found = await media.probe(tmp_path / "new.mp4")
    assert found.seconds == pytest.approx(float((frames - 20) / fps), abs=0.002)
    assert not found.has_audio


async def test_picture_and_sound_stay_together(tmp_path: Path) -> None:
    """A flash and its beep, which were at the same time."""
    whole = flash_and_beep(tmp_path / "whole.mp4", frames=72, flash=60)
    await media.cut(whole, tmp_path / "new.mp4", 2.0)
    loud = np.flatnonzero(np.abs(sound_of(tmp_path / "new.mp4")) > 0.1)
    assert int(np.argmax(greys(tmp_path / "new.mp4"))) == 12
    assert loud[0] / 48_000 == pytest.approx(12 / 24, abs=0.02)


@pytest.mark.parametrize("start_s", [0.0, 1.0, 5.0])
async def test_a_cut_leaves_something_on_both_sides(tmp_path: Path, start_s: float) -> None:
    """Else it is no cut, and nothing is written."""
    whole = make(tmp_path / "whole.mp4")
    with pytest.raises(BadMedia, match="cannot begin at"):
        await media.cut(whole, tmp_path / "new.mp4", start_s)
    assert not (tmp_path / "new.mp4").exists()
