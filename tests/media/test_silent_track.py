"""A silent clip gets a silent track, so that no chat takes it for an animation; its pictures stay as they are."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from engine import media
from engine.errors import BadMedia
from engine.film_options import Captions
from engine.media.subtitles import track_of
from tests.media.makers import NO_B, WITH_B, Recipe, decoded, make, make_chain, names, remux, sound_of, turn_tag


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(options=NO_B),
        Recipe(options=WITH_B, frames=25),
        Recipe(frames=1),
        Recipe(frames=70, fps=Fraction(30000, 1001)),
        Recipe(gaps=(4, 9)),
        Recipe(codec="libx265", options={"x265-params": "log-level=none"}),
    ],
    ids=["no B", "with B", "one picture", "NTSC", "uneven", "HEVC"],
)
async def test_the_pictures_are_copied_and_the_silence_is_as_long(tmp_path: Path, recipe: Recipe) -> None:
    """The same pictures at the same times, bit by bit, and a stereo AAC track of their length that holds nothing."""
    source = make(tmp_path / "source.mp4", recipe)
    target = tmp_path / "sounded.mp4"
    assert not await media.has_sound(source)
    await media.with_sound(source, target)
    assert await media.has_sound(target)
    assert decoded(target) == decoded(source)
    before, after = await media.probe(source), await media.probe(target)
    assert after.seconds == pytest.approx(before.seconds)
    assert (after.frames, after.fps) == (before.frames, before.fps)
    sound = sound_of(target)
    assert np.abs(sound).max() < 1e-4
    assert len(sound) / 48_000 == pytest.approx(before.seconds, abs=1024 / 48_000)
    with av.open(str(target)) as container:
        stream = container.streams.audio[0]
        assert (stream.codec_context.name, stream.codec_context.layout.name, stream.rate) == ("aac", "stereo", 48_000)
    data = target.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


async def test_title_chapters_and_captions_of_a_film_stay(tmp_path: Path) -> None:
    """A film of silent clips keeps what is said in it."""
    film = tmp_path / "film.mp4"
    script = media.Script(
        clips=tuple(make_chain(tmp_path, 2, NO_B)),
        title="Two lamps",
        chapters=("Dusk", "Night"),
        captions=Captions.TRACK,
        caption_texts=("lamp", "owl"),
    )
    await media.stitch(script, film)
    said = track_of(film, Fraction(0), Fraction(60))
    await media.with_sound(film, tmp_path / "sounded.mp4")
    with av.open(str(tmp_path / "sounded.mp4")) as container:
        assert container.metadata["title"] == "Two lamps"
        assert [chapter["metadata"]["title"] for chapter in container.chapters()] == ["Dusk", "Night"]
    assert said is not None
    assert [cue.text for cue in said.cues] == ["lamp", "owl"]
    assert track_of(tmp_path / "sounded.mp4", Fraction(0), Fraction(60)) == said
    assert decoded(tmp_path / "sounded.mp4") == decoded(film)


async def test_a_turned_clip_stays_turned(tmp_path: Path) -> None:
    """What tells players to turn it goes along."""
    source = turn_tag(make(tmp_path / "source.mp4"))
    await media.with_sound(source, tmp_path / "sounded.mp4")
    found = await media.probe(tmp_path / "sounded.mp4")
    assert (found.width, found.height) == (180, 320)


async def test_other_containers_become_mp4(tmp_path: Path) -> None:
    """By encoding where they cannot be copied: Matroska does not say when to decode, and no MP4 holds VP8."""
    remux(make(tmp_path / "source.mp4"), tmp_path / "source.mkv")
    make(tmp_path / "source.webm", Recipe(codec="libvpx", options={"crf": "20", "b:v": "1M"}))
    for name in ("source.mkv", "source.webm"):
        await media.with_sound(tmp_path / name, tmp_path / "sounded.mp4")
        found = await media.probe(tmp_path / "sounded.mp4")
        assert (found.codec, found.frames, found.has_audio) == ("h264", 24, True)
        assert found.seconds == pytest.approx(1.0, abs=0.002)


async def test_a_broken_clip_leaves_nothing(tmp_path: Path) -> None:
    """The caller gets a sentence."""
    (tmp_path / "source.mp4").write_bytes(make(tmp_path / "whole.mp4").read_bytes()[:3000])
    with pytest.raises(BadMedia):
        await media.with_sound(tmp_path / "source.mp4", tmp_path / "sounded.mp4")
    assert names(tmp_path) == ["source.mp4", "whole.mp4"]


async def test_a_light_probe_measures_as_the_whole_one(tmp_path: Path) -> None:
    """For every kind of timing, with sound and turned; only what takes looking at its pictures is not said."""
    clips = [
        make(tmp_path / "0.mp4", Recipe(frames=90, audio_s=2.0)),
        make(tmp_path / "1.mp4", Recipe(frames=3, gaps=(1,))),
        turn_tag(make(tmp_path / "2.mp4", Recipe(frames=70))),
    ]
    for clip in clips:
        assert await media.probe(clip, decode=False) == replace(await media.probe(clip), ends=None)
