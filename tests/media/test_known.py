"""A clip that was measured is not read again for a film, unless it is another one by then; the film is the same either way."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine import media
from engine.errors import MediaError
from engine.media import calls, runner
from engine.media.clips import read
from engine.media.inspection import Inspection
from engine.media.known import Known, stamp
from tests.media.makers import NO_B, Recipe, damage, make, make_chain, names, remux


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> Known:
    """Nothing, as when a process begins."""
    nothing = Known()
    monkeypatch.setattr(calls, "_KNOWN", nothing)
    return nothing


@pytest.mark.parametrize(
    ("recipe", "container"),
    [
        (Recipe(), "mp4"),
        (Recipe(gaps=(2, 7), audio_s=1.0), "mp4"),
        (Recipe(pixels="yuv420p10le", matrix=9, transfer=16), "mkv"),
        (Recipe(codec="mpeg4", options={"b": "1M"}), "mp4"),
    ],
)
def test_what_is_read_of_a_clip_stays_the_same_in_words(tmp_path: Path, recipe: Recipe, container: str) -> None:
    """Fractions and bytes too."""
    made = make(tmp_path / "made.mp4", recipe)
    path = made if container == "mp4" else remux(made, tmp_path / f"clip.{container}")
    found = read(path).found
    assert len(found.checksums) == len(found.times) == len(found.ranks) == 24
    assert Inspection.from_json(json.loads(json.dumps(found.to_json()))) == found


async def test_a_film_is_the_same_whether_its_clips_were_measured_before_or_not(tmp_path: Path, known: Known) -> None:
    """Byte for byte."""
    script = media.Script(clips=tuple(make_chain(tmp_path, 3, NO_B, audio_s=1.0)))
    read_now = await media.stitch(script, tmp_path / "now.mp4")
    for clip in script.clips:
        await media.probe(clip)
    assert len(known.of([stamp(clip) for clip in script.clips])) == 3
    assert await media.stitch(script, tmp_path / "later.mp4") == read_now
    assert (tmp_path / "later.mp4").read_bytes() == (tmp_path / "now.mp4").read_bytes()


def test_a_clip_that_was_measured_is_not_read_again(tmp_path: Path) -> None:
    """What is known of it counts, under whatever name it has by now."""
    clip = make(tmp_path / "clip.mp4")
    found = replace(read(clip).found, frames=7)
    words = {stamp(clip): json.dumps(found.to_json())}
    renamed = clip.rename(tmp_path / "kept.mp4")
    assert read(renamed, words).found == found


async def test_a_clip_that_was_replaced_is_read_again(tmp_path: Path) -> None:
    """The film shows what is there now."""
    clips = make_chain(tmp_path, 2, NO_B)
    for clip in clips:
        await media.probe(clip)
    make(tmp_path / "new.mp4", Recipe(frames=30, options=NO_B, start=23)).replace(clips[1])
    film = await media.stitch(media.Script(clips=tuple(clips)), tmp_path / "film.mp4")
    assert film.frames == 24 + 30 - 1


async def test_a_clip_that_changed_under_its_old_time_is_found_out_and_then_read_again(tmp_path: Path) -> None:
    """As a disk does it: no such film is given to anybody, and the next try looks at what is there."""
    clips = make_chain(tmp_path, 2, NO_B)
    for clip in clips:
        await media.probe(clip)
    before = clips[1].stat()
    damage(clips[1], tmp_path / "damaged.mp4")
    clips[1].write_bytes((tmp_path / "damaged.mp4").read_bytes())
    os.utime(clips[1], ns=(before.st_atime_ns, before.st_mtime_ns))
    (tmp_path / "damaged.mp4").unlink()
    script = media.Script(clips=tuple(clips))
    with pytest.raises(MediaError, match="not those of the clips"):
        await media.stitch(script, tmp_path / "film.mp4")
    assert names(tmp_path) == ["0.mp4", "1.mp4"]
    assert (await media.stitch(script, tmp_path / "film.mp4")).frames == 47


async def test_a_file_that_changes_while_it_is_measured_is_not_known(
    tmp_path: Path, known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can say which one was read."""
    clip, other = make(tmp_path / "clip.mp4"), make(tmp_path / "other.mp4", Recipe(frames=30))
    run = runner.run

    async def run_and_replace(*words: Any) -> dict[str, Any]:
        found = await run(*words)
        other.replace(clip)
        return found

    monkeypatch.setattr(calls, "run", run_and_replace)
    assert (await media.probe(clip)).frames == 24
    assert known.of([stamp(clip)]) == {}


async def test_of_a_long_clip_nothing_is_kept(tmp_path: Path, known: Known) -> None:
    """A child's line has an end. A minute's clip fits into it."""
    for frames in (60 * 24, 90 * 24):
        clip = make(tmp_path / "clip.mp4", Recipe(frames=frames, width=64, height=48, options={"preset": "ultrafast"}))
        assert (await media.probe(clip)).frames == frames
        assert len(known.of([stamp(clip)])) == (frames < 90 * 24)


def test_the_latest_are_kept() -> None:
    """So many that they fit; what is asked for stays longest."""
    known = Known(most_chars=10)
    for stamped in ("a", "b", "c"):
        known.learn(stamped, stamped * 3)
    assert known.of(["a"]) == {"a": "aaa"}
    known.learn("d", "dddd")
    assert known.of(["a", "b", "c", "d"]) == {"a": "aaa", "c": "ccc", "d": "dddd"}
    known.learn("d", "d")
    known.learn("e", "eee")
    assert known.of(["a", "c", "d", "e"]) == {"a": "aaa", "c": "ccc", "d": "d", "e": "eee"}
    known.forget(["a", "c", "x"])
    known.learn("f", "ffffff")
    assert known.of(["a", "c", "d", "e", "f"]) == {"d": "d", "e": "eee", "f": "ffffff"}
