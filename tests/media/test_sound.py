"""The sound of a film stays in step with its pictures, and does not click."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from engine import media
from tests.media.makers import NO_B, RATE, Recipe, flash_and_beep, make, make_chain, sound_of


def _flashes(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        bright = [
            float(frame.pts * frame.time_base)
            for frame in container.decode(container.streams.video[0])
            if frame.pts is not None and frame.time_base is not None and frame.to_ndarray()[:180].mean() > 200
        ]
    return [time for time, before in zip(bright, [-1.0, *bright], strict=False) if time - before > 0.1]


def _beeps(path: Path) -> list[float]:
    """When the sound rises out of silence."""
    loud = np.abs(sound_of(path)) > 0.05
    places = np.flatnonzero(loud) / RATE
    return [float(place) for place, before in zip(places, [-1.0, *places], strict=False) if place - before > 0.1]


async def test_sound_stays_in_step_over_many_seams(tmp_path: Path) -> None:
    """Every flash comes with its beep, within half a packet of sound, also in clips whose sound is longer or shorter."""
    clips = [flash_and_beep(tmp_path / f"{number}.mp4", frames=29, flash=7 + number) for number in range(6)]
    film = await media.stitch(media.Script(clips=tuple(clips)), tmp_path / "film.mp4")
    flashes, beeps = _flashes(tmp_path / "film.mp4"), _beeps(tmp_path / "film.mp4")
    assert film.copied
    assert flashes == pytest.approx([(29 * number + 7 + number) / 24 for number in range(6)], abs=0.001)
    assert beeps == pytest.approx(flashes, abs=512 / RATE + 0.001)


async def test_unlike_clips_take_the_first_ones_shape_and_keep_their_sound_in_step(tmp_path: Path) -> None:
    """Another size, shape and rate, and a silent one between: each beep still comes with its flash, within a picture."""
    clips = [
        flash_and_beep(tmp_path / "0.mp4", frames=24, flash=6),
        make(tmp_path / "silent.mp4", Recipe(width=180, height=320, fps=Fraction(30), frames=30, start=100)),
        flash_and_beep(tmp_path / "2.mp4", frames=25, flash=10, fps=Fraction(25), size=(640, 360)),
        make(tmp_path / "uneven.mp4", Recipe(gaps=(4, 9, 13), start=150)),
        flash_and_beep(tmp_path / "4.mp4", frames=60, flash=30, fps=Fraction(60)),
    ]
    film = await media.stitch(media.Script(clips=tuple(clips)), tmp_path / "film.mp4")
    assert (film.width, film.height, film.fps, film.copied) == (320, 180, 24.0, False)
    assert film.seconds == pytest.approx(4 + 27 / 24, abs=5 / 24)
    flashes, beeps = _flashes(tmp_path / "film.mp4"), _beeps(tmp_path / "film.mp4")
    assert flashes == pytest.approx([0.25, 2.4, 4.125 + 0.5], abs=1.5 / 24)
    assert beeps == pytest.approx(flashes, abs=1 / 24)
    with av.open(str(tmp_path / "film.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert (context.profile, context.pix_fmt) == ("High", "yuv420p")
        assert (context.colorspace, context.color_primaries, context.color_trc) == (2, 2, 2)  # as the first one's


async def test_a_film_without_any_sound_has_no_sound_track(tmp_path: Path) -> None:
    """And one with a single sounding clip has one of the film's length."""
    silent = [make(tmp_path / f"{number}.mp4", Recipe(start=number * 40)) for number in range(2)]
    await media.stitch(media.Script(clips=tuple(silent)), tmp_path / "film.mp4")
    assert not (await media.probe(tmp_path / "film.mp4")).has_audio
    sounding = make(tmp_path / "2.mp4", Recipe(start=80, audio_s=1.0))
    await media.stitch(media.Script(clips=(*silent, sounding)), tmp_path / "film.mp4")
    sound = np.abs(sound_of(tmp_path / "film.mp4"))
    assert len(sound) == pytest.approx(3 * RATE, abs=1024)
    assert sound[: 2 * RATE - 2048].max() < 0.01
    assert sound[2 * RATE + 2048 : 3 * RATE - 2048].max() > 0.2


async def test_a_tone_over_a_seam_does_not_click(tmp_path: Path) -> None:
    """No sample steps further than the tone itself does: no priming, no gap, no jump in the wave."""
    clips = make_chain(tmp_path, 3, NO_B, audio_s=1.0)
    await media.stitch(media.Script(clips=tuple(clips)), tmp_path / "film.mp4")
    sound = sound_of(tmp_path / "film.mp4")
    own = 0.25 * 2 * np.pi * 440 / RATE
    assert np.abs(np.diff(sound[4096:-4096])).max() < 1.5 * own
