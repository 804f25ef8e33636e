"""Steps of loudness at a seam are evened over a second, where there is sound on both sides; measured as EBU R 128 says."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from engine.media import audio
from engine.media.loudness import SILENT_LUFS, gain, loudness
from tests.media.makers import RATE, tone
from tests.media.sounds import Sound, chirps, heard, in_a_row, level, noise, packets_of, r128, sound_clip, track


@pytest.mark.parametrize(
    "sound",
    [*(tone(0.4, hertz) for hertz in (60, 440, 1000, 3000, 12_000)), noise(0.4, 0.05), chirps(0.4)],
    ids=["60 Hz", "440 Hz", "1 kHz", "3 kHz", "12 kHz", "noise", "chirps"],
)
def test_loudness_is_what_the_standards_meter_says(sound: Sound) -> None:
    """Within a tenth of a unit of libavfilter's, for what goes on evenly."""
    assert loudness(sound) == pytest.approx(r128(np.tile(sound, 3), "M")[-1], abs=0.1)


def test_the_standards_own_example() -> None:
    """A full-scale tone of 997 Hz in one channel is -3.01 LUFS (BS.1770-5, annex 1); silence is as low as it gets."""
    wave = 4 * tone(1.0, 997)
    wave[1] = 0
    assert loudness(wave) == pytest.approx(-3.01, abs=0.02)
    assert loudness(np.zeros((2, RATE), np.float32)) == float("-inf")
    assert loudness(np.zeros((2, 0), np.float32)) == float("-inf")


def test_only_a_step_between_two_sounds_is_evened() -> None:
    """A small one is the scene's own, silence has nothing to even, and what would be too loud for a player is not made so."""
    sound = chirps(1.0)
    assert gain(sound, sound * 0.7) == 1
    assert gain(sound, sound * 0) == 1
    assert gain(sound * 0.001, sound) == 1
    assert loudness(sound * 0.001) < SILENT_LUFS
    assert gain(sound, sound * 0.5) == pytest.approx(2, rel=0.01)
    assert gain(sound * 0.5, sound) == pytest.approx(0.5, rel=0.01)
    assert gain(sound * 0.05, sound * 1.5) == pytest.approx(10 ** (-12 / 20), rel=0.01)
    peaky = sound * 0.2
    peaky[:, 100] = 0.9
    assert np.abs(peaky * gain(sound, peaky)).max() <= 0.98


def test_the_later_clip_begins_as_loud_as_the_one_before_and_glides_to_its_own(tmp_path: Path) -> None:
    """Without a step on the way; after that second it is its own packets again."""
    clips = [
        sound_clip(tmp_path / "loud.mp4", chirps(2.0) * 1.2),
        sound_clip(tmp_path / "low.mp4", chirps(2.5, 1) * 0.4),
    ]
    parts = in_a_row(clips, [48, 60])
    film = track(tmp_path / "film.mp4", parts)
    plain = track(tmp_path / "plain.mp4", parts, audio.Mix(levels=False))
    evened, own = heard(tmp_path / "film.mp4"), heard(tmp_path / "plain.mp4")
    before, now = r128(evened[:, : round(2 * RATE)], "M")[-1], r128(evened[:, 2 * RATE : round(2.45 * RATE)], "M")[-1]
    assert before - now < 3 < before - r128(own[:, 2 * RATE : round(2.45 * RATE)], "M")[-1] - 4
    levels = [level(evened, 1.9 + place / 10, 2.1 + place / 10) for place in range(15)]
    assert np.abs(np.diff(levels)).max() < 3
    assert level(evened, 3.1, 4.4) == pytest.approx(level(own, 3.1, 4.4), abs=0.05)
    low = set(packets_of(clips[1]))
    assert 50 < sum(packet in low for packet in film) < sum(packet in low for packet in plain) - 40


def test_a_fade_through_black_keeps_both_loudnesses(tmp_path: Path) -> None:
    """There is no step to hear."""
    clips = [sound_clip(tmp_path / "loud.mp4", chirps(1.5)), sound_clip(tmp_path / "low.mp4", chirps(1.5) * 0.25)]
    first, second = in_a_row(clips, [36, 36])
    half = Fraction(1, 4)
    parts = [
        audio.Part(first.clip, first.start_s, first.end_s, fade_out_s=half),
        audio.Part(second.clip, second.start_s, second.end_s, fade_in_s=half),
    ]
    track(tmp_path / "film.mp4", parts)
    got = heard(tmp_path / "film.mp4")
    assert level(got, 1.49, 1.51) < -50
    assert level(got, 1.8, 2.4) == pytest.approx(level(chirps(1.5) * 0.25, 0.3, 0.9), abs=1)
    assert np.abs(np.diff(got[:, round(1.2 * RATE) : round(1.8 * RATE)])).max() < 0.2
    rising = [level(got, 1.5 + place / 50, 1.52 + place / 50) for place in range(12)]
    assert np.diff(rising).min() > -3
    assert rising[0] < rising[6] - 10


def test_a_dissolve_keeps_the_power(tmp_path: Path) -> None:
    """Two noises of one loudness go into each other without a dip, over the time that the pictures take."""
    clips = [sound_clip(tmp_path / f"{number}.mp4", noise(2.0, 0.05, number)) for number in range(2)]
    parts = [
        audio.Part(clips[0], Fraction(0), Fraction(2), overlap_s=Fraction(1, 2)),
        audio.Part(clips[1], Fraction(0), Fraction(7, 2)),
    ]
    film = track(tmp_path / "film.mp4", parts)
    got = heard(tmp_path / "film.mp4")
    assert 168_000 <= got.shape[1] < 169_024
    levels = [level(got, 1.3 + place / 20, 1.4 + place / 20) for place in range(17)]
    assert max(levels) - min(levels) < 1.5
    for clip in clips:
        own = set(packets_of(clip))
        assert sum(packet in own for packet in film) > 60
