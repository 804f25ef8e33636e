"""A caption can be read on any picture, touches nothing else, and is gone before its shot ends."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest
from av.video.frame import VideoFrame

from engine.media.captions import Burner
from tests.media.makers import scene, to_bt709

TEXT = "A keeper lights the lamp and waits for a ship that never comes back from the fog"


def _plain(grey: int, size: tuple[int, int]) -> VideoFrame:
    frame = to_bt709(np.full((size[1], size[0], 3), grey, np.uint8))
    frame.pts, frame.time_base = 7, Fraction(1, 24)
    return frame


def _planes(frame: VideoFrame) -> npt.NDArray[np.int16]:
    return np.asarray(frame.to_ndarray(), np.int16)


@pytest.mark.parametrize("grey", [0, 128, 255])
@pytest.mark.parametrize("size", [(640, 360), (360, 640), (360, 360), (320, 180)])
def test_a_caption_is_light_letters_with_a_dark_edge(grey: int, size: tuple[int, int]) -> None:
    """On black, grey and white there are letters of nearly white, and a dark place at most a few pixels from each."""
    light = _planes(Burner(TEXT, size)(_plain(grey, size), 2.0, 5.0))[: size[1]]
    rows, columns = np.nonzero(light > 190) if grey < 255 else np.nonzero(light < 80)
    assert len(rows) > 40
    edges = [light[row - 4 : row + 5, column - 4 : column + 5].min() for row, column in zip(rows, columns, strict=True)]
    assert max(edges) < 100


@pytest.mark.parametrize("size", [(640, 360), (360, 640), (360, 360)])
@pytest.mark.parametrize(
    "text", ["Fog", TEXT, "word " * 200, "a" * 10_000, "حارس المنارة يضيء المصباح", "\x00e\u0301\n"]
)
def test_only_the_lower_third_is_touched(size: tuple[int, int], text: str) -> None:
    """Everything else of the picture is as it was, in lightness and in colour, and the letters stay off its edges."""
    width, height = size
    before = to_bt709(scene(30, width, height))
    changed = _planes(Burner(text, size)(before, 2.0, 5.0)) != _planes(before)
    rows, columns = np.nonzero(changed[:height])
    assert rows.min() > height * 0.55
    assert rows.max() < height * 0.97
    assert columns.min() > width * 0.02
    assert columns.max() < width * 0.98
    coloured = changed[height:].reshape(2, height // 2, width // 2)
    assert coloured.any()
    assert not coloured[:, : height // 4].any()


def test_it_fades_in_and_is_gone_for_the_last_half_second() -> None:
    """Where it is not shown the very same picture comes back, so that it need not be encoded again."""
    burner, frame = Burner(TEXT, (640, 360)), _plain(0, (640, 360))
    peaks = [int(_planes(burner(frame, shown_s, 3.0))[:360].max()) for shown_s in (0.0, 0.1, 0.2, 0.3, 1.5, 2.4, 2.5)]
    assert peaks[0] == peaks[-1] == 16
    assert 16 < peaks[1] < peaks[2] < peaks[3] == peaks[4]
    assert 230 <= peaks[4] <= 235
    assert 16 < peaks[5] < 230
    assert burner(frame, 0.0, 3.0) is frame
    assert burner(frame, 2.5, 3.0) is frame
    assert burner(frame, 2.99, 3.0) is frame


def test_a_short_shot_has_its_caption_too() -> None:
    """For most of its time, and not at its ends."""
    burner = Burner(TEXT, (320, 180))
    assert burner.opacity(0.0, 0.6) == burner.opacity(0.55, 0.6) == 0.0
    assert burner.opacity(0.3, 0.6) == 1.0


def test_the_picture_that_came_in_stays_as_it_was() -> None:
    """A decoder still needs it; its time and its colours' meaning go on to the new one."""
    frame = _plain(128, (320, 180))
    was = _planes(frame).copy()
    burned = Burner(TEXT, (320, 180))(frame, 1.0, 3.0)
    assert np.array_equal(_planes(frame), was)
    assert (burned.pts, burned.time_base) == (7, Fraction(1, 24))
    assert (burned.colorspace, burned.color_range) == (frame.colorspace, frame.color_range)


@pytest.mark.parametrize("text", ["", "\n", "\U0001f98a", "\x00"])
def test_a_text_without_letters_is_not_shown(text: str) -> None:
    """Nor is a prompt of emoji described."""
    frame = _plain(0, (320, 180))
    assert Burner(text, (320, 180))(frame, 1.0, 3.0) is frame
