"""A film is its clips, one after the other: same pictures, sound in step, no picture twice at a seam."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from engine import media
from engine.errors import BadMedia, MediaError
from engine.film_options import Fill
from engine.media.timeline import Grid, Piece, place
from engine.media.verify import Planned, verify
from tests.media.makers import (
    NO_B,
    RATE,
    WITH_B,
    Recipe,
    Rgb,
    damage,
    decoded,
    make,
    make_chain,
    names,
    remux,
    scene,
    sound_of,
)


def _packet_times(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        return sorted(packet.pts or 0 for packet in container.demux(container.streams.video[0]) if packet.size)


async def test_equal_clips_are_copied_bit_by_bit_without_their_doubled_pictures(tmp_path: Path) -> None:
    """What is decoded from the film is what is decoded from the clips, less the last picture of all but the last clip."""
    clips = make_chain(tmp_path, 3, NO_B)
    film = await media.stitch(media.Script(clips=tuple(clips)), tmp_path / "film.mp4")
    assert (film.seconds, film.frames, film.dropped_frames, film.copied) == (70 / 24, 70, 2, True)
    assert (film.width, film.height, film.fps, film.made_frames, film.notes) == (320, 180, 24.0, 0, ())
    assert [(seam.is_doubled, seam.is_levelled) for seam in film.seams] == [(True, False)] * 2
    assert min(seam.score or 0 for seam in film.seams) > 95
    wanted = [shown for clip in clips[:-1] for _, shown in decoded(clip)[:-1]] + [
        shown for _, shown in decoded(clips[-1])
    ]
    assert [shown for _, shown in decoded(tmp_path / "film.mp4")] == wanted
    times = _packet_times(tmp_path / "film.mp4")
    assert {after - before for before, after in pairwise(times)} == {500}


async def test_a_doubled_picture_that_others_depend_on_is_left_out_with_few_others_made(tmp_path: Path) -> None:
    """The three pictures that need it are encoded; every other one is bit-identical, and each has its even time."""
    clips = make_chain(tmp_path, 3, WITH_B, frames=25)
    film = await media.stitch(media.Script(clips=tuple(clips)), tmp_path / "film.mp4")
    assert (film.frames, film.dropped_frames, film.seconds, film.made_frames) == (73, 2, 73 / 24, 6)
    pictures = decoded(tmp_path / "film.mp4")
    assert [time for time, _ in pictures] == [Fraction(n, 24) for n in range(73)]
    assert _packet_times(tmp_path / "film.mp4") == [500 * n for n in range(73)]
    got = [shown for _, shown in pictures]
    wanted = [shown for clip in clips for _, shown in decoded(clip)]
    assert got[:21] == wanted[:21]
    assert got[24:45] == wanted[25:46]
    assert got[48:] == wanted[50:]
    near = np.abs(_all_pixels(tmp_path / "film.mp4")[:24] - _all_pixels(clips[0])[:24])
    assert near.mean(axis=(1, 2)).max() < 3


async def test_where_no_pictures_can_be_made_a_doubled_one_is_shown_for_one_tick(tmp_path: Path) -> None:
    """Clips of another codec are copied too; the picture stays for the decoder, and every other one is at its even time."""
    options = {
        "x265-params": "bframes=3:b-adapt=0:b-pyramid=0:scenecut=0:log-level=none",
        "preset": "ultrafast",
        "crf": "18",
    }
    recipes = [
        Recipe(codec="libx265", start=24 * number, frames=25, options=options, width=160, height=96)
        for number in (0, 1)
    ]
    clips = [make(tmp_path / f"{number}.mp4", recipe) for number, recipe in enumerate(recipes)]
    film = await media.stitch(media.Script(clips=tuple(clips)), tmp_path / "film.mp4")
    assert (film.frames, film.dropped_frames, film.copied) == (49, 1, True)
    pictures = decoded(tmp_path / "film.mp4")
    assert [shown for _, shown in pictures] == [shown for clip in clips for _, shown in decoded(clip)]
    times = [time for time, _ in pictures]
    hidden = [number for number, (before, after) in enumerate(pairwise(times)) if after - before == Fraction(1, 12_000)]
    assert hidden == [24]
    assert [time for number, time in enumerate(times) if number not in hidden] == [Fraction(n, 24) for n in range(49)]
    measured = await media.probe(tmp_path / "film.mp4")
    assert (measured.frames, measured.fps) == (49, 24.0)


async def test_a_seam_that_was_measured_before_is_not_looked_at(tmp_path: Path) -> None:
    """Not a picture is decoded: it makes no difference that one beside the seam cannot be, which only a look tells."""
    first, second = make_chain(tmp_path, 2, NO_B)
    damage(second, tmp_path / "damaged.mp4", place=0)
    clips = (first, tmp_path / "damaged.mp4")
    film = await media.stitch(media.Script(clips=clips, scores=(99.0,)), tmp_path / "film.mp4")
    assert (film.frames, film.dropped_frames, film.made_frames) == (47, 1, 0)
    with pytest.raises(BadMedia, match=r"Clip . of 2 cannot be joined\. The video is damaged"):
        await media.stitch(media.Script(clips=clips), tmp_path / "other.mp4")


async def test_pictures_that_differ_are_all_kept(tmp_path: Path) -> None:
    """A cut to another scene, and a clip that goes on with the next picture in fast motion, lose nothing."""
    clips = [
        make(tmp_path / "0.mp4", Recipe(options=NO_B)),
        make(tmp_path / "1.mp4", Recipe(options=NO_B, start=120)),
        make(tmp_path / "2.mp4", Recipe(options=NO_B, start=200), lambda place: scene(200 + place)[::-1]),
    ]
    film = await media.stitch(media.Script(clips=tuple(clips)), tmp_path / "film.mp4")
    assert (film.frames, film.dropped_frames) == (72, 0)
    assert len(decoded(tmp_path / "film.mp4")) == 72


async def test_a_doubled_picture_is_known_again_after_a_coarser_encoding(tmp_path: Path) -> None:
    """A provider encodes the first picture anew, at another quality."""
    fine = make(tmp_path / "0.mp4", Recipe(options=NO_B))
    coarse = make(tmp_path / "1.mp4", Recipe(start=23, options={**NO_B, "crf": "30"}))
    film = await media.stitch(media.Script(clips=(fine, coarse)), tmp_path / "film.mp4")
    assert film.dropped_frames == 1


async def test_one_clip_alone_is_a_film(tmp_path: Path) -> None:
    """The same pictures at the same times, with the sound cut to their length."""
    clip = make(tmp_path / "0.mp4", Recipe(audio_s=2.0))
    film = await media.stitch(media.Script(clips=(clip,)), tmp_path / "film.mp4")
    assert (film.frames, film.seconds, film.copied) == (24, 1.0, True)
    assert decoded(tmp_path / "film.mp4") == decoded(clip)
    assert len(sound_of(tmp_path / "film.mp4")) == pytest.approx(RATE, abs=1024)


@pytest.mark.parametrize("container", ["mkv", "mp4"])
async def test_the_clock_of_a_container_does_not_matter(tmp_path: Path, container: str) -> None:
    """Equal clips from other containers, or that start late, join by copy on an even grid."""
    clips = make_chain(tmp_path, 2, WITH_B, audio_s=1.0)
    moved = remux(clips[1], tmp_path / f"moved.{container}", shift=500)
    film = await media.stitch(media.Script(clips=(clips[0], moved)), tmp_path / "film.mp4")
    assert (film.frames, film.notes) == (47, ())
    assert film.made_frames <= 3


async def test_a_tall_clip_in_a_wide_film_is_padded_and_keeps_its_colours(tmp_path: Path) -> None:
    """Bars at the sides, nothing stretched, and colours as they were."""

    def colour(_place: int) -> Rgb:
        return np.full((320, 180, 3), (200, 60, 30), np.uint8)

    wide = make(tmp_path / "wide.mp4", Recipe(frames=4))
    tall = make(tmp_path / "tall.mp4", Recipe(frames=4, width=180, height=320), colour)
    await media.stitch(media.Script(clips=(wide, tall), fill=Fill.PAD), tmp_path / "film.mp4")
    await media.last_frame(tmp_path / "film.mp4", tmp_path / "last.png")
    await media.last_frame(tall, tmp_path / "tall.png")
    film, alone = _pixels(tmp_path / "last.png"), _pixels(tmp_path / "tall.png")
    assert film[90, 20].max() < 8
    assert np.abs(film[90, 160] - alone[160, 90]).max() <= 3
    lit = np.flatnonzero(film[90].max(axis=1) > 100)
    assert len(lit) == pytest.approx(102, abs=3)


def _pixels(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    with Image.open(path) as image:
        return np.asarray(image).astype(np.int64)


async def test_clips_with_other_headers_are_never_copied_together(tmp_path: Path) -> None:
    """Same codec, profile, size and rate, but other parameter sets: copied they would decode to rubbish, without an error."""
    clips = [
        make(tmp_path / "0.mp4", Recipe(options=NO_B)),
        make(tmp_path / "1.mp4", Recipe(start=60, options={"crf": "18", "x264-params": "cabac=0:ref=1:bframes=0"})),
    ]
    film = await media.stitch(media.Script(clips=tuple(clips)), tmp_path / "film.mp4")
    assert (film.copied, film.frames) == (False, 48)
    got = _all_pixels(tmp_path / "film.mp4")
    wanted = np.concatenate([_all_pixels(clip) for clip in clips])
    assert np.abs(got - wanted).mean(axis=(1, 2)).max() < 4


def _all_pixels(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    with av.open(str(path)) as container:
        return np.stack(
            [
                frame.to_ndarray(format="gray").astype(np.float32)
                for frame in container.decode(container.streams.video[0])
            ]
        )


async def test_only_the_clips_that_differ_from_a_house_clip_are_converted(tmp_path: Path) -> None:
    """A converted clip has the headers of every other converted one, so what came out of the house is copied."""
    odd = make(tmp_path / "odd.mp4", Recipe(frames=12, fps=Fraction(30), width=320, height=180))
    wide = make(tmp_path / "wide.mp4", Recipe(frames=12, options=WITH_B))
    await media.stitch(media.Script(clips=(wide, odd)), tmp_path / "house.mp4")
    later = make(tmp_path / "later.mp4", Recipe(start=70, frames=12, width=640, height=360))
    film = await media.stitch(media.Script(clips=(tmp_path / "house.mp4", later)), tmp_path / "film.mp4")
    house = [shown for _, shown in decoded(tmp_path / "house.mp4")]
    assert [shown for _, shown in decoded(tmp_path / "film.mp4")][: len(house)] == house
    assert film.frames == len(house) + 12


async def test_the_film_carries_its_title_and_chapters_and_starts_fast(tmp_path: Path) -> None:
    """One chapter a clip, on its pictures; no control character gets in; the index stands before the pictures."""
    clips = make_chain(tmp_path, 2, NO_B)
    await media.stitch(
        media.Script(clips=tuple(clips), title="A boat\nanswers 🚤", chapters=("the lamp\x00", "маяк " * 100)),
        tmp_path / "film.mp4",
    )
    data = (tmp_path / "film.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(tmp_path / "film.mp4")) as container:
        assert container.metadata["title"] == "A boat answers 🚤"
        chapters = container.chapters()
        titles = [chapter["metadata"]["title"] for chapter in chapters]
        starts = [float(chapter["start"] * (chapter["time_base"] or 1)) for chapter in chapters]
    assert titles[0] == "the lamp"
    assert titles[1].startswith("маяк")
    assert starts == pytest.approx([0, 23 / 24], abs=0.002)


async def test_a_large_silent_film_is_written_once_with_its_index_in_front(tmp_path: Path) -> None:
    """Into room that was left for it, of which next to nothing stays free, however long its words are."""
    noise = np.random.default_rng(5).integers(0, 255, (480, 640, 3), np.uint8)
    recipe = Recipe(frames=12, width=640, height=480, options={"crf": "1", "preset": "ultrafast", "g": "1"})
    clip = make(tmp_path / "0.mp4", recipe, lambda place: np.roll(noise, 7 * place, 1))
    script = media.Script(clips=(clip,) * 3, scores=(50.0,) * 2, title="ж" * 300, chapters=("маяк " * 100,) * 3)
    await media.stitch(script, tmp_path / "film.mp4")
    boxes = _boxes(tmp_path / "film.mp4")
    assert [name for name, _ in boxes if name != b"free"] == [b"ftyp", b"moov", b"mdat"]
    assert 0 < sum(size for name, size in boxes if name == b"free") < 0.01 * sum(size for _, size in boxes)
    assert len(decoded(tmp_path / "film.mp4")) == 36


def _boxes(path: Path) -> list[tuple[bytes, int]]:
    data, place, found = path.read_bytes(), 0, []
    while place < len(data):
        found.append((data[place + 4 : place + 8], int.from_bytes(data[place : place + 4], "big")))
        place += found[-1][1]
    return found


async def test_progress_rises_to_a_hundred(tmp_path: Path) -> None:
    """Each percent once at most, never a smaller one, and the whole way also when clips are converted."""
    clips = [make(tmp_path / "0.mp4", Recipe()), make(tmp_path / "1.mp4", Recipe(width=640, height=360, start=60))]
    told: list[float] = []
    await media.stitch(media.Script(clips=tuple(clips)), tmp_path / "film.mp4", on_progress=told.append)
    assert told == sorted(set(told))
    assert told[0] < 20
    assert told[-1] == 100.0


async def test_sources_and_an_earlier_film_survive_a_failure(tmp_path: Path) -> None:
    """Nothing is changed when a clip is missing; the sentence says which one."""
    clips = make_chain(tmp_path, 2, NO_B)
    before = {path.name: path.read_bytes() for path in clips}
    (tmp_path / "film.mp4").write_bytes(b"an earlier film")
    with pytest.raises(BadMedia, match=r"Clip 3 of 3 cannot be joined\. The video's file is missing") as raised:
        await media.stitch(media.Script(clips=(*clips, tmp_path / "gone.mp4")), tmp_path / "film.mp4")
    assert raised.value.clip == 2
    assert (tmp_path / "film.mp4").read_bytes() == b"an earlier film"
    assert {path.name: path.read_bytes() for path in clips} == before
    assert names(tmp_path) == ["0.mp4", "1.mp4", "film.mp4"]


async def test_no_clip_is_no_film(tmp_path: Path) -> None:
    """It says so before anything is started."""
    with pytest.raises(BadMedia, match="no clip to join"):
        await media.stitch(media.Script(clips=()), tmp_path / "film.mp4")


async def test_a_cancelled_stitch_leaves_nothing(tmp_path: Path) -> None:
    """No part of a film, no converted clip."""
    clips = [
        make(tmp_path / "0.mp4", Recipe(frames=120), lambda _: np.full((180, 320, 3), 90, np.uint8)),
        make(
            tmp_path / "1.mp4",
            Recipe(frames=100, width=640, height=360),
            lambda _: np.full((360, 640, 3), 180, np.uint8),
        ),
    ]
    converting = asyncio.Event()
    call = asyncio.create_task(
        media.stitch(
            media.Script(clips=tuple(clips)),
            tmp_path / "film.mp4",
            on_progress=lambda percent: converting.set() if percent > 25 else None,
        )
    )
    await asyncio.wait_for(converting.wait(), 20)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert names(tmp_path) == ["0.mp4", "1.mp4"]


def _planned(film: Path, *ranks: tuple[int, ...]) -> Planned:
    """What a film of such stretches would be."""
    with av.open(str(film)) as container:
        stream = container.streams.video[0]
        timescale = Fraction(stream.time_base or 1).denominator
        header = bytes(stream.codec_context.extradata or b"")
        checksums = [zlib.crc32(packet) for packet in container.demux() if packet.size]
    grid = Grid(timescale // 24, timescale)
    placed = place([Piece(some) for some in ranks], grid.step)
    return Planned(placed=placed, grid=grid, checksums=checksums, header=header, has_sound=False, unseen={0})


@pytest.mark.parametrize(
    ("ranks", "wrong", "reason"),
    [
        (tuple(range(24)), {}, None),
        (tuple(range(24)), {"checksums": [0] * 24}, "not those of the clips"),
        (tuple(range(24)), {"has_sound": True}, "sound is missing"),
        (tuple(range(24)), {"header": b"\x01"}, "headers are others"),
        (tuple(range(30)), {}, "another length"),
        ((1, 0, *range(2, 24)), {}, "at their times"),
    ],
)
async def test_a_film_that_is_not_what_was_planned_is_found_out(
    tmp_path: Path, ranks: tuple[int, ...], wrong: Mapping[str, Any], reason: str | None
) -> None:
    """Length, times, headers, content and sound are compared with the plan after writing."""
    film = make(tmp_path / "film.mp4", Recipe(options=NO_B, width=64, height=48))
    right = _planned(film, ranks)
    if reason is None:
        verify(film, right)
        return
    with pytest.raises(MediaError, match=reason):
        verify(film, replace(right, **wrong))


async def test_a_stretch_whose_first_picture_cannot_be_decoded_is_found_out(tmp_path: Path) -> None:
    """Bytes that are those of the plan are not enough where nobody looked at them."""
    film = make(tmp_path / "film.mp4", Recipe(options=NO_B, width=64, height=48))
    planned = _planned(film, tuple(range(12)), tuple(range(12)))
    verify(film, planned)
    with pytest.raises(MediaError, match="does not begin where it should"):
        verify(film, replace(planned, unseen={1}))
