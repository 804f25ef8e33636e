"""The last frame is the last one shown, whatever the file looks like inside."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image, ImageFilter

from engine import media
from engine.media import house
from engine.media.colour import to_bt709 as to_house_colours
from engine.media.colour import to_rgb
from engine.media.frames import first_picture, picture_at
from tests.media.makers import Recipe, Rgb, _make, decoded, digest, last_of, make, names, remux, scene, turn_tag

KINDS: dict[str, Recipe] = {
    "groups of six": Recipe(options={"g": "6", "crf": "18"}),
    "one group with B pictures": Recipe(frames=60, options={"g": "250", "bf": "3", "crf": "18"}),
    "without B pictures": Recipe(options={"g": "250", "bf": "0", "crf": "18"}),
    "open groups": Recipe(frames=40, options={"crf": "18", "x264-params": "open-gop=1:keyint=10:bframes=3"}),
    "intra refresh": Recipe(frames=40, options={"crf": "18", "x264-params": "intra-refresh=1:keyint=10"}),
    "sound three seconds longer": Recipe(audio_s=4.0),
    "sound half as long": Recipe(audio_s=0.5),
    "uneven times": Recipe(gaps=(3, 4, 11, 20)),
    "a long-held picture before the last": Recipe(gaps=(22,)),
    "29.97 a second": Recipe(fps=Fraction(30000, 1001)),
    "HEVC": Recipe(codec="libx265", options={"crf": "20", "x265-params": "log-level=none"}),
    "VP9": Recipe(codec="libvpx-vp9", options={"deadline": "realtime", "cpu-used": "8"}),
    "AV1": Recipe(codec="libsvtav1", options={"preset": "12", "crf": "30"}),
    "one picture": Recipe(frames=1),
    "fragmented": Recipe(audio_s=1.0, muxer={"movflags": "frag_keyframe+empty_moov"}, options={"g": "6", "crf": "18"}),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_it_is_the_last_of_all_decoded_pictures(tmp_path: Path, kind: str, suffix: str) -> None:
    """The same bits as the last picture of a full decode, and not those of the one before."""
    clip = make(tmp_path / f"clip.{suffix}", KINDS[kind])
    pictures = decoded(clip)
    assert digest(last_of(clip)) == pictures[-1][1]
    assert digest(first_picture(clip)) == pictures[0][1]
    assert len(pictures) == 1 or pictures[-1][1] != pictures[-2][1]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems say it in another way")
def test_to_make_a_clip_leaves_this_process_as_urgent_as_it_was(tmp_path: Path) -> None:
    """An encoder that asks for more starves the machine, where root runs the tests: browsers took ten minutes for a page."""
    _make(tmp_path / "clip.mp4", KINDS["AV1"], lambda place: scene(place, 320, 180))
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


@pytest.mark.parametrize(
    ("suffix", "shift"),
    [("ts", 0), ("mp4", 700), ("mkv", 700)],
    ids=["transport stream", "starts late", "starts late, mkv"],
)
def test_it_is_found_after_a_change_of_container(tmp_path: Path, suffix: str, shift: int) -> None:
    """Clocks that do not begin at zero do not move it."""
    source = make(tmp_path / "source.mp4", Recipe(audio_s=1.0, options={"g": "6", "crf": "18"}))
    clip = remux(source, tmp_path / f"clip.{suffix}", shift=shift)
    assert digest(last_of(clip)) == decoded(source)[-1][1]


def test_an_edit_list_that_hides_the_end_is_obeyed(tmp_path: Path) -> None:
    """The last displayed picture is the one before what the edit list hides."""
    clip = make(tmp_path / "clip.mp4", Recipe(frames=24, options={"g": "250", "bf": "0", "crf": "18"}))
    data = bytearray(clip.read_bytes())
    edit = data.index(b"elst") + 12  # version and flags, number of entries
    data[edit : edit + 4] = (500).to_bytes(4, "big")  # ms of the movie's clock: half of the clip
    clip.write_bytes(data)
    pictures = decoded(clip)
    assert len(pictures) == 12
    assert digest(last_of(clip)) == pictures[-1][1]


@pytest.mark.parametrize("kind", ["open groups", "intra refresh", "uneven times", "fragmented", "one picture"])
def test_a_frame_at_a_time_is_the_one_that_is_shown_then(tmp_path: Path, kind: str) -> None:
    """At its own time, and halfway to the next one; after the end it is the last one, before the beginning the first."""
    clip = make(tmp_path / "clip.mp4", KINDS[kind])
    pictures = decoded(clip)
    start = pictures[0][0]
    for place in range(0, len(pictures), 5):
        time, shown = pictures[place]
        half = (pictures[place + 1][0] - time) / 2 if place + 1 < len(pictures) else 0
        assert digest(picture_at(clip, float(time - start))) == shown
        assert digest(picture_at(clip, float(time - start + half))) == shown
    assert digest(picture_at(clip, 99.0)) == pictures[-1][1]
    assert digest(picture_at(clip, -1.0)) == pictures[0][1]


def _out_of_focus(place: int) -> Rgb:
    """Sharp but for every picture after the 20th, and blurred a little before."""
    image = Image.fromarray(scene(place))
    return np.asarray(image if place in {14, 20} else image.filter(ImageFilter.GaussianBlur(1 + place / 8)))


async def test_the_sharpest_of_the_last_half_second_is_found(tmp_path: Path) -> None:
    """The latest of equals, exactly; and the clip's own measures say that its last picture is worse."""
    clip = make(tmp_path / "clip.mp4", Recipe(frames=30, options={"crf": "12"}), _out_of_focus)
    at_s = await media.sharp_frame(clip, tmp_path / "sharp.png")
    assert at_s == pytest.approx(20 / 24, abs=0.001)
    with Image.open(tmp_path / "sharp.png") as image:
        assert np.array_equal(np.asarray(image), to_rgb(picture_at(clip, at_s)))
    assert (await media.probe(clip)).ends == media.Ends(fault="blurred", sharpest_s=at_s)


@pytest.mark.parametrize(
    "picture",
    [scene, lambda place: np.full((180, 320, 3), 10 * place, np.uint8), lambda _: np.zeros((180, 320, 3), np.uint8)],
    ids=["a pan", "plain", "black all along"],
)
async def test_a_last_frame_without_fault_is_not_complained_of(tmp_path: Path, picture: Callable[[int], Rgb]) -> None:
    """Nor one that is no worse than those before it."""
    measured = await media.probe(make(tmp_path / "clip.mp4", Recipe(options={"crf": "23"}), picture))
    assert measured.ends == media.Ends(fault="", sharpest_s=None)


async def test_a_clip_is_compared_with_the_picture_that_it_was_to_begin_on(tmp_path: Path) -> None:
    """The same one scores high, a brighter one tells its step, another scene none; a picture that is gone is no matter."""
    clip = make(tmp_path / "clip.mp4", Recipe(start=40))
    begins = []
    for rgb in (scene(40), scene(40) * 0.92, scene(180)):
        Image.fromarray(np.asarray(rgb, np.uint8)).save(tmp_path / "given.png")
        begins.append((await media.probe(clip, given=tmp_path / "given.png")).begins)
    same, brighter, other = (each for each in begins if each)
    assert same.score >= 90 > brighter.score > 50 > other.score
    assert (same.lightness, same.colour) == (other.lightness, other.colour) == (0, 0)
    assert brighter.lightness > 0.02
    assert (await media.probe(clip, given=tmp_path / "gone.png")).begins is None


async def test_the_png_holds_exactly_the_decoded_picture(tmp_path: Path) -> None:
    """Two writes of the last frame are the same lossless RGB picture, of the size of the video."""
    clip = make(tmp_path / "clip.mp4")
    await media.last_frame(clip, tmp_path / "last.png")
    await media.first_frame(clip, tmp_path / "first.png")
    with Image.open(tmp_path / "last.png") as last, Image.open(tmp_path / "first.png") as first:
        assert (last.mode, last.size, last.format) == ("RGB", (320, 180), "PNG")
        assert not np.array_equal(np.asarray(last), np.asarray(first))
    assert names(tmp_path) == ["clip.mp4", "first.png", "last.png"]


def _patches(place: int) -> Rgb:
    """Twelve flat colours."""
    colours = np.array(
        [
            *([235, 30, 30], [30, 200, 40], [40, 50, 230], [230, 220, 40], [30, 210, 220], [210, 40, 210]),
            *([255, 255, 255], [0, 0, 0], [128, 128, 128], [250, 150, 90], [90, 60, 30], [20, 90, 60]),
        ],
        np.uint8,
    )
    return np.kron(colours.reshape(3, 4, 3), np.ones((240, 320, 1), np.uint8))


@pytest.mark.parametrize("tagged", [True, False], ids=["tagged", "untagged"])
async def test_colours_of_hd_video_are_those_that_were_meant(tmp_path: Path, tagged: bool) -> None:
    """Flat patches come back within 2 of 255, whether the file says that it is BT.709 or leaves it to its height."""
    recipe = Recipe(frames=2, width=1280, height=720, tagged=tagged, options={"crf": "4"})
    clip = make(tmp_path / "clip.mp4", recipe, _patches)
    await media.last_frame(clip, tmp_path / "last.png")
    with Image.open(tmp_path / "last.png") as image:
        got = np.asarray(image).astype(int)
    inner = (slice(120, None, 240), slice(160, None, 320))
    assert np.abs(got[inner] - _patches(0)[inner].astype(int)).max() <= 2


def test_saturated_colours_hardly_drift_from_clip_to_clip(tmp_path: Path) -> None:
    """Last frame, house clip that begins on it, its last frame, three times over: at most 2 of 255 a hop, and no sum of them."""
    first = frame = np.ascontiguousarray(_patches(0)[::4, ::4])
    inner = (slice(30, None, 60), slice(40, None, 80))
    for hop in range(1, 4):
        path = tmp_path / f"{hop}.mp4"
        rate = Fraction(24)
        with av.open(str(path), "w") as film:
            video = house.add_video(film, 320, 180, rate)
            for place in range(6):
                picture = to_house_colours(frame)
                picture.pts, picture.time_base = place, 1 / rate
                film.mux(video.encode(picture))
            film.mux(video.encode(None))
        before, frame = frame, to_rgb(last_of(path))
        assert np.abs(frame[inner].astype(int) - before[inner].astype(int)).max() <= 2
    assert np.abs(frame[inner].astype(int) - first[inner].astype(int)).max() <= 3


async def test_a_turned_video_gives_an_upright_picture(tmp_path: Path) -> None:
    """The size and the picture are those that a player shows; the probe says the same size."""
    straight = make(tmp_path / "straight.mp4")
    turned = turn_tag(make(tmp_path / "turned.mp4"))
    await media.last_frame(straight, tmp_path / "straight.png")
    await media.last_frame(turned, tmp_path / "turned.png")
    measured = await media.probe(turned)
    assert (measured.width, measured.height) == (180, 320)
    with Image.open(tmp_path / "straight.png") as one, Image.open(tmp_path / "turned.png") as two:
        assert two.size == (180, 320)
        assert np.array_equal(np.asarray(one.rotate(-90, expand=True)), np.asarray(two))


@pytest.mark.parametrize(
    ("make_sheet", "size"),
    [
        (lambda clip, jpg: media.thumbnail(clip, jpg, width=160), (160, 90)),
        (media.thumbnail, (320, 180)),
        (lambda clip, jpg: media.spritesheet(clip, jpg, columns=3, rows=2, width=64), (192, 72)),
    ],
    ids=["smaller", "never enlarged", "sheet"],
)
async def test_small_pictures_have_the_size_that_was_asked_for(
    tmp_path: Path, make_sheet: Callable[[Path, Path], Awaitable[None]], size: tuple[int, int]
) -> None:
    """A thumbnail keeps its shape; a sheet is columns by rows of them."""
    clip = make(tmp_path / "clip.mp4")
    await make_sheet(clip, tmp_path / "small.jpg")
    with Image.open(tmp_path / "small.jpg") as image:
        assert (image.size, image.format) == (size, "JPEG")


async def test_a_sheet_goes_through_the_whole_clip(tmp_path: Path) -> None:
    """Its tiles get brighter where the clip does, the first near the beginning and the last near the end."""

    def grey(place: int) -> Rgb:
        return np.full((180, 320, 3), place * 10, np.uint8)

    clip = make(tmp_path / "clip.mp4", Recipe(frames=24), grey)
    await media.spritesheet(clip, tmp_path / "sheet.jpg", columns=2, rows=2, width=64)
    with Image.open(tmp_path / "sheet.jpg") as image:
        light = [image.convert("L").getpixel(at) for at in ((32, 18), (96, 18), (32, 54), (96, 54))]
    assert light == pytest.approx([20, 80, 140, 200], abs=12)
