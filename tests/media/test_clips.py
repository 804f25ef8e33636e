"""Any run of a clip's pictures comes out just as from the whole clip, and no more of it is decoded than that takes."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from engine.errors import BadMedia
from engine.media import last_picture
from engine.media.clips import decoded, read, shown, small_picture
from engine.media.inspection import inspect
from engine.media.seam import score, shrink
from tests.media.makers import Recipe, damage, digest, make, remux, turn_tag

GROUPS = {
    "one group": {"crf": "20", "x264-params": "keyint=250:bframes=3:b-adapt=0:scenecut=0"},
    "many groups": {"crf": "20", "x264-params": "keyint=8:min-keyint=8:bframes=2:scenecut=0"},
    "open groups": {"crf": "20", "x264-params": "keyint=8:min-keyint=8:open-gop=1:bframes=2:b-adapt=0:scenecut=0"},
}


@pytest.mark.parametrize("kind", GROUPS)
@pytest.mark.parametrize("container", ["mp4", "mkv"])
def test_a_run_of_pictures_is_that_of_the_whole(tmp_path: Path, kind: str, container: str) -> None:
    """Wherever it begins and ends, and whatever depends on what."""
    made = make(tmp_path / "clip.mp4", Recipe(width=64, height=48, frames=30, options=GROUPS[kind]))
    path = made if container == "mp4" else remux(made, tmp_path / "clip.mkv")
    source = read(path)
    whole = [digest(frame) for frame in decoded(path, source.found, range(30))]
    assert len(set(whole)) == 30
    for places in (range(1), range(5, 9), range(8, 17), range(23, 30), range(29, 30)):
        assert [digest(frame) for frame in decoded(path, source.found, places)] == whole[places.start : places.stop]
    last = next(frame for frame in decoded(path, source.found, range(29, 30)))
    assert score(small_picture(source, 29), shrink(last)) > 99.9


def test_a_seam_is_looked_at_without_listening_to_the_decoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others are decoded and closed beside it: with Python in their hands they would wait for threads that wait for Python."""
    clip = turn_tag(make(tmp_path / "clip.mp4"), 180)
    source = read(clip)
    assert source.found.obstacles

    def listen() -> None:
        pytest.fail("it listens")

    monkeypatch.setattr(last_picture, "_log", listen)
    small_picture(source, source.found.frames - 1)


def test_damage_in_what_is_needed_is_said(tmp_path: Path) -> None:
    """It may have come after the clip was checked."""
    clip = make(tmp_path / "clip.mp4", Recipe(frames=30, options=GROUPS["one group"]))
    found = read(clip).found
    damage(clip, tmp_path / "damaged.mp4")
    with pytest.raises(BadMedia, match="damaged"):
        list(decoded(tmp_path / "damaged.mp4", found, range(30)))


_TAGGED_INSIDE = {"crf": "20", "x264-params": "colorprim=smpte170m:transfer=smpte170m:colormatrix=smpte170m:range=pc"}
SORTS: dict[str, Recipe] = {
    "H.264": Recipe(frames=6),
    "of several slices": Recipe(frames=6, options={"crf": "20", "x264-params": "slices=3"}),
    "interlaced": Recipe(frames=6, options={"crf": "20", "x264-params": "tff=1"}),
    "10 bits": Recipe(frames=6, pixels="yuv420p10le"),
    "wide pixels, told to the decoder alone": Recipe(frames=6, options={"crf": "20", "x264-params": "sar=4/3"}),
    "MPEG-4": Recipe(frames=6, codec="mpeg4", options={"b": "1M"}),
    "4:4:4": Recipe(frames=6, pixels="yuv444p"),
    "full range": Recipe(frames=6, pixels="yuvj420p", is_full=True),
    "601, tagged for the decoder alone": Recipe(frames=6, tagged=False, options=_TAGGED_INSIDE),
    "without B pictures, uneven": Recipe(frames=6, options={"crf": "20", "bf": "0"}, gaps=(2,)),
    "HDR": Recipe(frames=6, pixels="yuv420p10le", matrix=9, transfer=16),
    "HEVC": Recipe(frames=6, codec="libx265", options={"x265-params": "log-level=none"}),
    "VP9": Recipe(frames=6, codec="libvpx-vp9", options={"deadline": "realtime", "cpu-used": "8"}),
}


@pytest.mark.parametrize(
    ("sort", "container"),
    [(sort, kind) for sort in SORTS for kind in ("mp4", "mkv")] + [("H.264", "ts"), ("AV1", "mp4")],
)
def test_a_clip_is_measured_alike_with_and_without_its_pictures(tmp_path: Path, sort: str, container: str) -> None:
    """Its rate, format, colours, places, headers and what keeps it from being copied."""
    recipe = SORTS.get(sort) or Recipe(frames=6, codec="libsvtav1", options={"preset": "11", "crf": "30"})
    made = make(tmp_path / "made.mp4", replace(recipe, width=96, height=64))
    path = made if container == "mp4" else remux(made, tmp_path / f"clip.{container}")
    assert read(path).found == inspect(path)


@pytest.mark.parametrize("degrees", [90, 180])
def test_which_way_up_a_clip_is_needs_no_picture_of_it(tmp_path: Path, degrees: int) -> None:
    """Nor does the format of its pixels: where all of a picture is damaged but its header, both are still known."""
    clip = turn_tag(make(tmp_path / "clip.mp4", Recipe(frames=6)), degrees)
    whole = inspect(clip)
    assert "it is rotated" in whole.obstacles
    damage(clip, tmp_path / "damaged.mp4", place=0)
    assert replace(read(tmp_path / "damaged.mp4").found, checksums=whole.checksums) == whole
    with pytest.raises(BadMedia, match="decoded"):
        inspect(tmp_path / "damaged.mp4")


@pytest.mark.parametrize(
    ("until_s", "count"), [(None, 24), (0.0, 1), (0.5, 13), (0.48, 12), (0.4999, 13), (0.52, 13), (9.0, 24)]
)
def test_the_picture_shown_at_a_time_is_the_last_one(until_s: float | None, count: int) -> None:
    """Whatever was rounded on the way."""
    assert shown(Fraction(24), until_s, 24) == count
