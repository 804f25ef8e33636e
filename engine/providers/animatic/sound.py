"""A soft sound bed: a chord by the mood, the air of the place, a few bells."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.providers.animatic.ideas import Idea
from engine.providers.animatic.noise import Dice, Field
from engine.providers.animatic.palette import MOODS

SAMPLE_RATE = 48_000
Wave = NDArray[np.floating[Any]]


def make_sound(idea: Idea, dice: Dice, samples: int) -> Field:
    """Two channels of `samples` values in -1 to 1, shape (2, samples). It begins and ends in silence."""
    mood = MOODS[idea.mood]
    time_s = np.arange(samples, dtype=np.float32) / np.float32(SAMPLE_RATE)
    music = _pad(mood.root, dice, time_s, is_minor=mood.is_minor)
    _add_bells(music, mood.root, dice, is_minor=mood.is_minor)
    both = music * np.float32(0.32) + _ambience(idea, dice, time_s)
    both /= np.float32(max(1e-6, float(np.abs(both).max()) / 0.5))
    edge = min(samples // 2, int(0.35 * SAMPLE_RATE))
    rise = np.linspace(0, 1, edge, dtype=np.float32) ** 0.7
    both[:, :edge] *= rise
    both[:, samples - edge :] *= rise[::-1]
    return np.asarray(np.tanh(both * np.float32(1.1)), np.float32)


def _tone(note: float) -> float:
    return float(440 * 2 ** ((note - 69) / 12))


def _sine(hertz: float, phase: float, samples: int) -> Wave:
    """A sine by rotation: one complex multiplication a block instead of a sine a sample."""
    block = 4096
    step = 2 * np.pi * hertz / SAMPLE_RATE
    base = np.exp(1j * (step * np.arange(block) + phase))
    turns = np.exp(1j * step * block * np.arange(samples // block + 1))
    wave: Wave = (turns[:, None] * base[None, :]).imag.reshape(-1)[:samples].astype(np.float32)
    return wave


def _pad(root: int, dice: Dice, time_s: Wave, *, is_minor: bool) -> Wave:
    """A slow chord of detuned voices."""
    music = np.zeros((2, len(time_s)), np.float32)
    third = 15 if is_minor else 16
    for number, step in enumerate((0, 7, 12, third, 19, 26 if dice.chance(0.5) else 24)):
        hertz = _tone(root + step)
        loud = 0.16 / (1 + number * 0.45)
        breath = 0.75 + 0.25 * _sine(dice.between(0.05, 0.16), dice.between(0, 6), len(time_s))
        for detune, pan in ((-0.0018, 0.3), (0.0018, 0.7)):
            phase = dice.between(0, 6)
            voice = _sine(hertz * (1 + detune), phase, len(time_s))
            # The octave comes from the same sine (double angle), so a voice costs one.
            voice = (voice + 0.30 * (voice * np.abs(voice))) * breath * np.float32(loud * 1.4)
            music[0] += voice * np.float32(1 - pan)
            music[1] += voice * np.float32(pan)
    return music


def _add_bells(music: Wave, root: int, dice: Dice, *, is_minor: bool) -> None:
    scale = (0, 3, 7, 10, 12, 15) if is_minor else (0, 4, 7, 9, 12, 16)
    seconds = music.shape[1] / SAMPLE_RATE
    long = int(2.4 * SAMPLE_RATE)
    for number in range(max(1, int(seconds / 1.6))):
        at_s = 0.5 + number * 1.6 + dice.between(0, 0.5)
        hertz, pan = _tone(root + 24 + dice.choose(scale)), dice.between(0.25, 0.75)
        start = int(at_s * SAMPLE_RATE)
        count = min(long, music.shape[1] - start)
        if at_s > seconds - 1.0 or count < SAMPLE_RATE // 2:
            continue
        part_s = np.arange(count, dtype=np.float32) / np.float32(SAMPLE_RATE)
        ring = _sine(hertz, 0, count) + 0.3 * _sine(hertz * 2.76, 0, count) * np.exp(part_s * -6)
        ring *= np.exp(part_s * -1.8) * 0.09 * np.minimum(1, part_s * 200) * np.clip((2.4 - part_s) * 5, 0, 1)
        music[0, start : start + count] += ring * np.float32(1 - pan)
        music[1, start : start + count] += ring * np.float32(pan)


def _noise(dice: Dice, samples: int, low_pass: float, high_pass: float) -> Wave:
    """Filtered noise with a peak of 1. It is made on a power of two, where the transform is fast, and cut."""
    count = 1 << max(10, (samples - 1).bit_length() - 1)
    white = dice.numbers.standard_normal(count, dtype=np.float32)
    spectrum = np.fft.rfft(white)
    hertz = np.fft.rfftfreq(count, 1 / SAMPLE_RATE)
    spectrum *= 1 / (1 + (hertz / low_pass) ** 2) * ((hertz / high_pass) ** 2 / (1 + (hertz / high_pass) ** 2))
    shaped = np.fft.irfft(spectrum, count).astype(np.float32)
    shaped /= np.float32(np.abs(shaped).max())
    return np.tile(shaped, samples // count + 1)[:samples]


def _air(dice: Dice, samples: int, low_pass: float, high_pass: float) -> Wave:
    """Wide noise: the second channel is the first one, half a turn later."""
    left = _noise(dice, samples, low_pass, high_pass)
    return np.stack([left, np.roll(left, samples // 2)])


def _ambience(idea: Idea, dice: Dice, time_s: Wave) -> Wave:
    samples = len(time_s)
    air = np.zeros((2, samples), np.float32)
    if "rain" in idea.particles:
        air += _air(dice, samples, 9000, 900) * np.float32(0.22)
    match idea.scene:
        case "sea":
            swell = 0.45 + 0.55 * _sine(0.11, -1.3, samples) ** 2
            air += _air(dice, samples, 1200, 60) * swell * np.float32(0.30)
        case "mountains" | "desert":
            gust = 0.5 + 0.5 * _sine(0.09, 1, samples) * _sine(0.23, 0, samples)
            air += _air(dice, samples, 550, 130) * gust * np.float32(0.16)
        case "city" | "doorway":
            air += _air(dice, samples, 250, 30) * np.float32(0.13)
        case "underwater" | "space":
            air += _air(dice, samples, 165, 20) * np.float32(0.16)
        case "room":
            air += _air(dice, samples, 900, 80) * np.float32(0.03)
        case _:
            air += _air(dice, samples, 2500, 200) * np.float32(0.05)
            if MOODS[idea.mood].is_dark:
                _add_crickets(air, time_s)
            else:
                _add_birdsong(air, dice)
    if "ember" in idea.particles:
        _add_crackle(air, dice)
    return air


def _add_crickets(air: Wave, time_s: Wave) -> None:
    samples = len(time_s)
    song = _sine(4300, 0, samples) * (_sine(17, 0, samples) > 0.2) * (_sine(1.3, 0, samples) > 0)
    air += song.astype(np.float32) * np.float32(0.018)


def _add_birdsong(air: Wave, dice: Dice) -> None:
    samples = air.shape[1]
    count = int(0.09 * SAMPLE_RATE)
    part_s = np.arange(count) / SAMPLE_RATE
    for _ in range(int(samples / SAMPLE_RATE * 1.1)):
        at_s, hertz, pan = (
            dice.between(0.3, max(0.4, samples / SAMPLE_RATE - 0.8)),
            dice.between(2600, 4600),
            dice.between(0.1, 0.9),
        )
        for note in range(int(dice.between(1, 4))):
            start = int((at_s + note * 0.13) * SAMPLE_RATE)
            bend = dice.between(-6000, 9000)
            if start + count < samples:
                chirp = np.sin(2 * np.pi * (hertz * part_s + bend * part_s**2)) * np.hanning(count) * 0.05
                air[0, start : start + count] += (chirp * (1 - pan)).astype(np.float32)
                air[1, start : start + count] += (chirp * pan).astype(np.float32)


def _add_crackle(air: Wave, dice: Dice) -> None:
    samples = air.shape[1]
    snap = np.exp(np.arange(300) / -40) * np.sign(dice.numbers.standard_normal(300))
    for _ in range(int(samples / SAMPLE_RATE * 16)):
        start = int(dice.between(0, samples - 301))
        air[:, start : start + 300] += (snap * dice.between(0.05, 0.5)).astype(np.float32)
    air += _air(dice, samples, 700, 60) * np.float32(0.08)
