"""How loud a second of sound is (ITU-R BS.1770-5, EBU R 128), and by how much a step at a seam is to be evened."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from engine.media.aac import Sound
from engine.media.house import SAMPLE_RATE

STEP_LU = 4.0
"""A step smaller than this is taken for the scene's own."""
MOST_LU = 12.0
"""A step is evened by at most so much: a whisper after a shout stays one."""
SILENT_LUFS = -50.0

# BS.1770-5, annex 1, tables 1 and 2: the head's high shelf and the high pass, at 48 kHz.
_SHELF = (1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585)
_PASS = (1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621)
_OFFSET = -0.691
_LOUDEST_PEAK = 0.98


def loudness(sound: Sound) -> float:
    """In LUFS, of a stretch heard as a whole, without gates; -inf: silence."""
    samples = sound.shape[1]
    if samples == 0:
        return float("-inf")
    spectrum = np.abs(np.fft.rfft(sound, axis=1)) ** 2
    # Parseval: a spectrum of one side holds all but its ends twice.
    power = float((spectrum * _weights(samples)).sum()) * 2 / samples**2
    return _OFFSET + 10 * float(np.log10(power)) if power > 0 else float("-inf")


def gain(before: Sound, after: Sound) -> float:
    """Times as loud as it is what comes after a seam should begin, to be as loud as what came before; 1: as it is."""
    left, right = loudness(before), loudness(after)
    if min(left, right) < SILENT_LUFS or abs(left - right) < STEP_LU:
        return 1.0
    wanted = 10 ** (max(-MOST_LU, min(MOST_LU, left - right)) / 20)
    peak = float(np.abs(after).max())
    return wanted if wanted < 1 else max(1.0, min(wanted, _LOUDEST_PEAK / peak))


@cache
def _weights(samples: int) -> npt.NDArray[np.float64]:
    turn = np.exp(-2j * np.pi * np.fft.rfftfreq(samples, 1 / SAMPLE_RATE) / SAMPLE_RATE)
    weights = np.ones(len(turn))
    for above, below in (_SHELF, _PASS):
        weights *= np.abs(np.polyval(above[::-1], turn) / np.polyval(below[::-1], turn)) ** 2
    return weights
