"""HDR pictures (BT.2100: PQ or HLG) as everybody's screen shows them: toned down to BT.709, the same way wherever one is met."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

NAMES = {16: "PQ", 18: "HLG"}
"""By the transfer of ITU-T H.273."""
_WHITE, _PEAK, _MOST = 203.0, 1000.0, 10_000.0
"""cd/m2: what paper white becomes white (BT.2408), what the brightest highlight is taken for, and the end of PQ."""
_GAMMA = 2.4
"""Of a screen that shows BT.709 (BT.1886)."""
_STRIP_ROWS = 64
"""At a time, so that a large picture does not take its size many times over in memory."""
_M1, _M2, _C1, _C2, _C3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
_A, _B, _C = 0.17883277, 0.28466892, 0.55991073
_LUMA_2020 = np.array([0.2627, 0.6780, 0.0593], np.float32)
_TO_709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]],
    np.float32,
)
"""BT.2087: linear light of BT.2020's primaries to BT.709's."""

Floats = npt.NDArray[np.float32]


def toned(rgb: npt.NDArray[np.uint16], transfer: int) -> npt.NDArray[np.uint8]:
    """The R'G'B' of an HDR picture, full range in 16 bits, as that of BT.709 in 8."""
    out = np.empty(rgb.shape, np.uint8)
    light, gains, codes = _light(transfer), _gains(), _codes()
    for top in range(0, rgb.shape[0], _STRIP_ROWS):
        strip = light[rgb[top : top + _STRIP_ROWS]]
        if NAMES[transfer] == "HLG":
            scene = np.maximum(strip @ _LUMA_2020, 1e-6)
            strip *= (_PEAK * scene**0.2)[..., None]  # what a screen of 1000 cd/m2 makes of the scene
        # The brightest of the three is brought down and takes the others along: hues stay.
        brightest = np.sqrt(np.clip(strip.max(axis=2) / _MOST, 0, 1)) * (len(gains) - 1)
        strip *= gains[brightest.astype(np.uint16)][..., None]
        linear = np.clip(strip @ _TO_709.T, 0, 1)
        out[top : top + _STRIP_ROWS] = codes[(np.sqrt(linear) * 65_535).astype(np.uint16)]
    return out


@cache
def _light(transfer: int) -> Floats:
    """For each of the 65,536 codes its light: of PQ in cd/m2, of HLG that of the scene, 0 to 1."""
    code = np.linspace(0, 1, 65_536)
    if NAMES[transfer] == "PQ":
        power = code ** (1 / _M2)
        found = _MOST * (np.maximum(power - _C1, 0) / (_C2 - _C3 * power)) ** (1 / _M1)
    else:
        found = np.where(code <= 0.5, code**2 / 3, (np.exp((code - _C) / _A) + _B) / 12)
    return found.astype(np.float32)


@cache
def _gains() -> Floats:
    """What light is multiplied with to be 1 at white, by the square root of its part of `_MOST`: the knee of BT.2390, 5.4.1."""
    nits = np.linspace(0, 1, 16_384) ** 2 * _MOST
    top = _coded(_PEAK)
    before = np.minimum(_coded(nits) / top, 1)
    most = _coded(_WHITE) / top
    knee = 1.5 * most - 0.5
    t = np.clip((before - knee) / (1 - knee), 0, 1)
    bent = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (-2 * t**3 + 3 * t**2) * most
    after = _decoded(np.where(before < knee, before, bent) * top)
    gains = np.full_like(nits, 1 / _WHITE)
    gains[1:] = after[1:] / nits[1:] / _WHITE
    return gains.astype(np.float32)


@cache
def _codes() -> npt.NDArray[np.uint8]:
    """The code of a light by its square root: dark ones lie closer together."""
    return np.rint(255 * (np.linspace(0, 1, 65_536) ** 2) ** (1 / _GAMMA)).astype(np.uint8)


def _coded(nits: npt.NDArray[np.float64] | float) -> npt.NDArray[np.float64]:
    power = (np.asarray(nits) / _MOST) ** _M1
    return np.asarray(((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2)


def _decoded(code: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    power = code ** (1 / _M2)
    return np.asarray(_MOST * (np.maximum(power - _C1, 0) / (_C2 - _C3 * power)) ** (1 / _M1))
