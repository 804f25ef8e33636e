"""The torture set: whatever a file looks like inside, its last frame is the last picture of a full decode, bit for bit."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import av.logging
import numpy as np
import pytest
from av.video.stream import VideoStream
from PIL import Image

from engine import media
from engine.media import last_picture as finding
from engine.media.colour import to_image
from tests.media.makers import NO_B, Recipe, Rgb, decoded, digest, last_of, make, remux, scene, to_bt709, turn_tag

X264: dict[str, str] = {"preset": "veryfast", "crf": "18"}
GOP_12 = Recipe(frames=40, options=X264 | {"g": "12", "bf": "3"}, width=160, height=90)
ONE_GOP = Recipe(
    frames=48, options=X264 | {"x264-params": "keyint=999:scenecut=0:bframes=3:b-pyramid=normal"}, width=160, height=90
)
KINDS: dict[str, Recipe] = {
    "GOP of 12 with B pictures": GOP_12,
    "one group with a pyramid of B pictures": ONE_GOP,
    "HEVC, open groups": Recipe(
        frames=30,
        codec="libx265",
        options={"preset": "ultrafast", "x265-params": "log-level=none:keyint=10:open-gop=1:bframes=3"},
        width=160,
        height=90,
    ),
    "HEVC, 10 bit": Recipe(
        frames=14,
        codec="libx265",
        pixels="yuv420p10le",
        options={"preset": "ultrafast", "x265-params": "log-level=none"},
        width=160,
        height=90,
    ),
    "H.264, 10 bit": Recipe(frames=14, pixels="yuv420p10le", options=X264, width=160, height=90),
    "H.264 4:4:4": Recipe(frames=14, pixels="yuv444p", options=X264, width=160, height=90),
    "AV1, 10 bit": Recipe(
        frames=14,
        codec="libsvtav1",
        pixels="yuv420p10le",
        options={"preset": "12", "svtav1-params": "lp=1"},
        width=160,
        height=90,
    ),
    "VP9 with hidden pictures": Recipe(
        frames=30,
        codec="libvpx-vp9",
        options={"deadline": "realtime", "cpu-used": "8", "auto-alt-ref": "1", "lag-in-frames": "12", "g": "20"},
        width=160,
        height=90,
    ),
    "interlaced": Recipe(frames=20, options=X264 | {"x264-params": "tff=1:keyint=12"}, width=160, height=96),
    "a tenth of a second": Recipe(frames=3, fps=Fraction(30), options=X264, width=160, height=90),
    "sound three seconds longer": Recipe(frames=12, options=X264 | {"g": "6"}, audio_s=3.5, width=160, height=90),
    "five a second, uneven": Recipe(
        frames=12, fps=Fraction(5), gaps=(2, 5, 10), options=X264 | {"bf": "2"}, width=160, height=90
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_the_last_of_all(tmp_path: Path, kind: str, suffix: str) -> None:
    """Of every codec that the wheel encodes."""
    _is_exact(make(tmp_path / f"clip.{suffix}", KINDS[kind]))


def _is_exact(clip: Path) -> list[tuple[Fraction, str]]:
    pictures = decoded(clip)
    assert digest(last_of(clip)) == pictures[-1][1]
    assert pictures[-1][1] not in {shown for _, shown in pictures[:-1]}
    return pictures


def _held(path: Path, seconds: int) -> Path:
    """The last picture stays for so long, which only its packet's duration tells."""
    with av.open(str(path), "w") as film:
        video = film.add_stream("libx264", rate=24, options=X264 | {"bf": "0"})
        assert isinstance(video, av.VideoStream)
        video.width, video.height, video.pix_fmt = 160, 90, "yuv420p"
        packets = []
        for place in range(12):
            frame = to_bt709(scene(place, 160, 90))
            frame.pts, frame.time_base = place, Fraction(1, 24)
            packets += video.encode(frame)
        packets += video.encode(None)
        packets[-1].duration = seconds * 24
        film.mux(packets)
    return path


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_one_that_is_held_for_long(tmp_path: Path, suffix: str) -> None:
    """Near the declared end there is no packet at all."""
    clip = _held(tmp_path / f"clip.{suffix}", 40)
    assert len(_is_exact(clip)) == 12


@pytest.mark.parametrize(
    "muxer",
    [
        {"movflags": "frag_keyframe+empty_moov"},
        {"movflags": "frag_every_frame+empty_moov+default_base_moof"},
        {"movflags": "frag_keyframe+separate_moof+delay_moov"},
        {"movflags": "faststart", "use_editlist": "0", "avoid_negative_ts": "disabled"},
    ],
    ids=["a fragment a group", "a fragment a picture", "a fragment a track", "without an edit list"],
)
def test_ways_of_an_mp4(tmp_path: Path, muxer: dict[str, str]) -> None:
    """Where the index is does not matter, nor that times begin below zero."""
    _is_exact(remux(make(tmp_path / "source.mp4", GOP_12), tmp_path / "clip.mp4", muxer))


def _edit(path: Path, entries: list[tuple[int, int]]) -> Path:
    """Give an MP4's video another edit list of as many entries: for each its length and where in the media it begins."""
    data = bytearray(path.read_bytes())
    at = data.index(b"elst") + 8
    assert int.from_bytes(data[at : at + 4], "big") == len(entries)
    for number, (length, begin) in enumerate(entries):
        entry = at + 4 + 12 * number
        data[entry : entry + 4] = length.to_bytes(4, "big")
        data[entry + 4 : entry + 8] = begin.to_bytes(4, "big", signed=True)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("length_ms", "from_picture", "shown"),
    [(1000, 12, 12), (500, 6, 12), (1000, 0, 24)],
    ids=["the beginning", "both ends", "nothing"],
)
def test_an_edit_list_that_hides(tmp_path: Path, length_ms: int, from_picture: int, shown: int) -> None:
    """What it hides is not the last picture, though it stands last in the file."""
    clip = make(tmp_path / "clip.mp4", Recipe(frames=24, options=NO_B, width=160, height=90))
    with av.open(str(clip)) as container:
        ticks = round(1 / (24 * Fraction(container.streams.video[0].time_base or 1)))
    assert len(_is_exact(_edit(clip, [(length_ms, from_picture * ticks)]))) == shown


@pytest.mark.parametrize("wraps", [False, True], ids=["plain", "its clock begins anew"])
def test_a_transport_stream(tmp_path: Path, wraps: bool) -> None:
    """Its clock has 33 bits and may begin again at zero in the middle."""
    source = make(
        tmp_path / "source.mp4", Recipe(frames=40, options=X264 | {"g": "12"}, audio_s=2.0, width=160, height=90)
    )
    shift = round((2**33 / 90_000 - 2.2) * 1000) if wraps else 0
    clip = remux(source, tmp_path / "clip.ts", {"mpegts_copyts": "1", "muxdelay": "0"}, shift=shift)
    assert digest(last_of(clip)) == decoded(source)[-1][1]


@pytest.mark.parametrize("share", [0.35, 0.6, 0.85])
@pytest.mark.parametrize("kind", ["ts", "mkv", "fragments"])
def test_one_that_is_cut_off(tmp_path: Path, kind: str, share: float) -> None:
    """The last whole picture, not one that is half grey."""
    source = make(
        tmp_path / "source.mp4", Recipe(frames=40, options=X264 | {"g": "8", "bf": "2"}, width=160, height=90)
    )
    whole = {shown for _, shown in decoded(source)}
    suffix, muxer = (kind, {}) if kind != "fragments" else ("mp4", {"movflags": "frag_keyframe+empty_moov"})
    clip = remux(source, tmp_path / f"clip.{suffix}", muxer)
    data = clip.read_bytes()
    clip.write_bytes(data[: int(len(data) * share)])
    good: dict[int | None, str] = {}
    with av.open(str(clip)) as container, contextlib.suppress(av.FFmpegError):
        for packet in container.demux(video=0):
            with contextlib.suppress(av.InvalidDataError):
                good |= {frame.pts: digest(frame) for frame in packet.decode() if digest(frame) in whole}
    assert digest(last_of(clip)) == good[max(good, key=lambda pts: pts or 0)]


def _without_last_slice(source: Path, target: Path) -> None:
    """The last packet of four slices has three and what players skip: no error, but a quarter of the picture is not there."""
    with av.open(str(source)) as container:
        packets = [packet for packet in container.demux(container.streams.video[0]) if packet.size]
    data, place, at = bytearray(source.read_bytes()), packets[-1].pos or 0, 0
    units = []
    while at < packets[-1].size:
        units.append(place + at + 4)
        at += 4 + int.from_bytes(data[place + at : place + at + 4], "big")
    data[units[-1]] = 12  # filler data
    target.write_bytes(data)


@pytest.mark.parametrize("b_pictures", [1, 3])
def test_one_of_which_a_part_is_missing(tmp_path: Path, b_pictures: int) -> None:
    """However many cores decode it, and whenever they find that out, the last whole picture is given."""
    params = f"slices=4:keyint=999:bframes={b_pictures}:b-adapt=0:b-pyramid=0:scenecut=0"
    source = make(tmp_path / "source.mp4", Recipe(frames=26, options=X264 | {"x264-params": params}))
    _without_last_slice(source, tmp_path / "clip.mp4")
    whole = decoded(source)
    assert digest(last_of(source)) == whole[-1][1]
    assert [digest(last_of(tmp_path / "clip.mp4")) for _ in range(12)] == [whole[-2][1]] * 12


def test_what_decoders_say_on_their_threads_is_heard(tmp_path: Path) -> None:
    """Nothing of a sound clip; something of one with damage, and nobody hears of it any more once that is over."""
    source = make(tmp_path / "source.mp4", Recipe(frames=12, options=X264 | {"x264-params": "slices=4"}))
    _without_last_slice(source, tmp_path / "clip.mp4")
    heard = []
    for clip in (source, tmp_path / "clip.mp4"):
        with finding._log() as said, av.open(str(clip)) as container:
            container.streams.video[0].thread_type = "FRAME"
            list(container.decode(video=0))
            container.streams.video[0].codec_context.flush_buffers()
        heard.append(list(said))
    assert not heard[0]
    assert heard[1]
    assert av.logging.get_level() is None


def test_a_gif(tmp_path: Path) -> None:
    """It cannot be searched: all of it is read."""
    path = tmp_path / "clip.gif"
    images = [Image.fromarray(scene(place, 160, 90)).quantize(32) for place in range(8)]
    images[0].save(path, save_all=True, append_images=images[1:], duration=[100, 20, 100, 100, 50, 100, 100, 900])
    assert len(_is_exact(path)) == 8
    assert np.abs(np.asarray(to_image(last_of(path)), int) - np.asarray(images[-1].convert("RGB"), int)).max() <= 1


@pytest.mark.parametrize("degrees", [90, 180, 270])
async def test_a_turned_one_is_upright(tmp_path: Path, degrees: int) -> None:
    """By every quarter."""
    straight = make(tmp_path / "clip.mp4", GOP_12)
    upright = to_image(last_of(straight)).rotate(-degrees, expand=True)
    await media.last_frame(turn_tag(straight, degrees), tmp_path / "last.png")
    with Image.open(tmp_path / "last.png") as image:
        assert image.size == upright.size
        assert np.array_equal(np.asarray(image), np.asarray(upright))


def _patches(place: int) -> Rgb:
    """Saturated colours, white, black and grey; those of one place differ from those of the next."""
    colours = np.array(
        [
            *([235, 30, 30], [30, 200, 40], [40, 50, 230], [230, 220, 40]),
            *([255, 255, 255], [0, 0, 0], [128, 128, 128], [250, 150, 90]),
        ],
        np.uint8,
    )
    return np.kron(np.roll(colours, place, 0).reshape(2, 4, 3), np.ones((48, 48, 1), np.uint8))


@pytest.mark.parametrize(
    ("recipe", "most"),
    [
        (Recipe(matrix=1, is_full=True), 2),
        (Recipe(matrix=5), 2),
        (Recipe(matrix=5, tagged=False), 2),
        (Recipe(matrix=9, pixels="yuv420p10le"), 3),
        (Recipe(pixels="yuv420p10le"), 3),
        (Recipe(pixels="yuv420p10le", is_full=True), 3),
    ],
    ids=["full range", "601", "untagged SD", "10 bit, 2020 matrix", "10 bit", "10 bit, full range"],
)
def test_colours_are_those_that_were_meant(tmp_path: Path, recipe: Recipe, most: int) -> None:
    """Flat patches of 8 bits come back within 2 of 255, of 10 bits within 3."""
    whole = replace(recipe, frames=2, width=192, height=96, options={"crf": "1", "preset": "veryfast"})
    clip = make(tmp_path / "clip.mp4", whole, _patches)
    got = np.asarray(to_image(last_of(clip))).astype(int)
    inner = (slice(24, None, 48), slice(24, None, 48))
    assert np.abs(got[inner] - _patches(1)[inner].astype(int)).max() <= most


def test_not_all_of_a_long_clip_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the last key picture on, however much stands before it."""
    clip = make(tmp_path / "clip.mp4", Recipe(frames=400, width=32, height=32, options=X264 | {"g": "50"}, audio_s=1.0))
    seen: list[int | None] = []
    skip = finding._skip_unneeded

    def counted(stream: VideoStream, pts: int | None, needed: int | None) -> None:
        seen.append(pts)
        skip(stream, pts, needed)

    monkeypatch.setattr(finding, "_skip_unneeded", counted)
    for alone in (False, True):
        seen.clear()
        assert digest(finding.last_picture(clip, alone=alone)) == decoded(clip)[-1][1]
        assert 0 < len(seen) <= 51
