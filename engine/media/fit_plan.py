"""How a video is brought under a cap: its size in pixels, its bit rates, and in how many parts. Pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from engine.errors import NotPossible
from engine.media.timeline import usual_rate

PARTS_MOST = 10
LINES = (1440, 1080, 720, 540, 480, 360, 240)
"""Sizes of the shorter side, in pixels, below that of the video itself."""
_FLOOR = 0.05
"""Bits a pixel. At 0.06 a picture of fewer lines looks better than the same bits on more (VMAF 84 at 360 lines, 80 at 720);
far below 0.05 even 240 lines fall apart, so that then the video is cut into parts."""
_KEY_COSTS = 8
"""A key picture takes as many bits as so many others; it is most of a very short video."""
_MOST_BITS_PER_S = 20_000_000
"""More is not seen, and phones of H.264 level 4 take 25 million."""
_AUDIO_BITS_PER_S = (160_000, 128_000, 96_000, 64_000, 48_000, 32_000)
_AUDIO_SHARE = 1 / 8
_MARGIN = 0.99
"""So much of the cap is used: who knows what comes ends a little below what it was told, or a thousandth above."""
SHORT_S = 4.0
"""A video of less has no time to make up for a hard scene."""
_QUICK, _GOOD = "veryfast", "fast"
"""Of an encode that measures and may be kept, and of one that is kept: slower ones do not look better."""
_PEAK = 8
"""A scene takes at most so many times the usual rate."""
_WIDE = 2
"""So many times the usual rate may be spent on a hard scene, and so many times four seconds be saved up for it."""
_FIRST = 0.92
"""Of the room, for an encode that does not know what comes: where that is seen, a second one uses all of it."""
_SURE = 0.97
"""Of the room, for a second encode that has to fit, or of a short video. Where the first one fits already, it has all of it."""
_EASY, _EASY_SHARE = 18.0, 0.84
"""Where few seconds are coarse and the others finer than this, x264 spends up to a fifth more than told. They have enough."""
_STUCK, _COARSEST = 0.75, 38.0
"""An encoder that missed the cap by more than this, and as coarse as this, can no more: only fewer pixels help."""
_HEADER_BYTES = 4096
_FRAME_BYTES = 12
"""What the tables of an MP4 take for one picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FitPlan:
    """How each part is encoded."""

    width: int
    """Even, like `height`."""
    height: int
    video_bits_per_s: int
    audio_bits_per_s: int
    """0: no sound."""
    parts: int
    """1 to PARTS_MOST, all of the same length to within a picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What one encode is told."""

    width: int
    height: int
    preset: str
    """x264's."""
    bits_per_s: int
    most_bits_per_s: int
    """What flows into the buffer from which pictures are paid. 0: a picture may take what it needs."""
    buffer_bits: int
    reads_log: bool
    """Whether it uses what the encode before it noted of the same pictures."""


def plan_fit(
    seconds: float,
    width: int,
    height: int,
    fps: float,
    *,
    has_audio: bool,
    limit_bytes: int,
    least_parts: int = 1,
) -> FitPlan:
    """The fewest parts, and then the most lines, at which there are enough bits for the pixels.

    `width` and `height` are as shown. A picture of more lines than its bits can fill looks worse than one of fewer.

    Raises:
        NotPossible: it does not fit, even in PARTS_MOST parts of the fewest lines.
    """
    rate = float(usual_rate(Fraction(fps).limit_denominator(1001)))
    pictures = max(1, round(seconds * rate))
    for parts in range(least_parts, min(PARTS_MOST, pictures) + 1):
        count = -(-pictures // parts)  # the longest part
        part_s = count / rate
        audio = _audio_bits_per_s(limit_bytes / part_s * 8) if has_audio else 0
        video = video_bits_per_s(limit_bytes, count, rate, audio_bytes=audio * part_s / 8)
        for size in sizes(width, height):
            if video * part_s >= _FLOOR * size[0] * size[1] * (count + _KEY_COSTS):
                return FitPlan(
                    width=size[0], height=size[1], video_bits_per_s=video, audio_bits_per_s=audio, parts=parts
                )
    raise NotPossible(
        f"The video is too long for {amount(limit_bytes)}, even in {PARTS_MOST} parts of the least quality; "
        "use fewer or shorter clips, or another way to get the file."
    )


def video_bits_per_s(limit_bytes: int, pictures: int, fps: float, *, audio_bytes: float, other_bytes: int = 0) -> int:
    """The room that is left for the pictures; 0 or less: none. `other_bytes` are those of titles and chapters."""
    room_bytes = limit_bytes * _MARGIN - _HEADER_BYTES - other_bytes - pictures * _FRAME_BYTES - audio_bytes
    return min(_MOST_BITS_PER_S, int(room_bytes * 8 * fps / pictures))


def first_aim(size: tuple[int, int], seconds: float, room_bits_per_s: int) -> Aim:
    """A long video may spend on a hard scene what it saves on others; a short one has no time to make up for it."""
    if seconds < SHORT_S:
        return _bounded(size, seconds, room_bits_per_s)
    return _first(size, int(room_bits_per_s * _FIRST))


def next_aim(aim: Aim, seconds: float, room_bits_per_s: int, video_bytes: int, quantizer: float) -> Aim:
    """After an encode by `aim` whose pictures came to `video_bytes`: too many, or so few that there is room for better ones.

    `quantizer`: x264's, on average.
    """
    size = aim.width, aim.height
    share = room_bits_per_s * seconds / (video_bytes * 8)
    if share > 1:
        used = _EASY_SHARE if quantizer < _EASY else 1.0 if seconds >= SHORT_S else _SURE
        return _second(size, int(room_bits_per_s * used))
    is_stuck = share < _STUCK and quantizer > _COARSEST
    if seconds >= SHORT_S and not is_stuck:
        return _second(size, int(room_bits_per_s * _SURE))
    if share < _STUCK:
        size = _scaled(*size, (share * _STUCK) ** 0.5)
    return _bounded(size, seconds, int(room_bits_per_s * _SURE))


def _first(size: tuple[int, int], bits_per_s: int) -> Aim:
    return Aim(
        width=size[0],
        height=size[1],
        preset=_QUICK,
        bits_per_s=bits_per_s,
        most_bits_per_s=_WIDE * bits_per_s,
        buffer_bits=int(_WIDE * SHORT_S * bits_per_s),
        reads_log=False,
    )


def _second(size: tuple[int, int], bits_per_s: int) -> Aim:
    """Who knows what comes holds the rate by itself, and looks better where it may spend what a scene needs."""
    is_held = bits_per_s * _PEAK > _MOST_BITS_PER_S
    return Aim(
        width=size[0],
        height=size[1],
        preset=_GOOD,
        bits_per_s=bits_per_s,
        most_bits_per_s=_MOST_BITS_PER_S if is_held else 0,
        buffer_bits=_MOST_BITS_PER_S if is_held else 0,
        reads_log=True,
    )


def _bounded(size: tuple[int, int], seconds: float, bits_per_s: int) -> Aim:
    """What the buffer holds at first and what flows in can be spent, and no more: together that is all there is."""
    buffer_s = min(2.0, seconds / 4)
    most = max(1000, int(bits_per_s * seconds / (seconds + buffer_s)))
    return Aim(
        width=size[0],
        height=size[1],
        preset=_GOOD,
        bits_per_s=most,
        most_bits_per_s=most,
        buffer_bits=max(1000, int(most * buffer_s)),
        reads_log=False,
    )


def sizes(width: int, height: int) -> list[tuple[int, int]]:
    """The even size of the video itself and those with fewer lines, largest first."""
    short = min(width, height)
    return [_scaled(width, height, lines / short) for lines in (short, *(lines for lines in LINES if lines < short))]


def _scaled(width: int, height: int, factor: float) -> tuple[int, int]:
    return max(16, round(width * factor / 2) * 2), max(16, round(height * factor / 2) * 2)


def _audio_bits_per_s(whole_bits_per_s: float) -> int:
    most = whole_bits_per_s * _AUDIO_SHARE
    return next((bits for bits in _AUDIO_BITS_PER_S if bits <= most), _AUDIO_BITS_PER_S[-1])


def amount(limit_bytes: int) -> str:
    """For a sentence: `50 MB`."""
    return f"{limit_bytes / 1e6:.3g} MB" if limit_bytes >= 100_000 else f"{limit_bytes / 1e3:.3g} kB"


def made_smaller(was: tuple[int, int], size: tuple[int, int], *, limit_bytes: int, parts: int) -> str:
    """What was done, for a person: fewer pixels where the bits did not do for all of them, else only fewer bits."""
    cut = f" in {parts} parts" if parts > 1 else ""
    has_fewer = size[0] * size[1] < 0.9 * was[0] * was[1]
    pixels = f"made smaller, {was[0]}x{was[1]} → {size[0]}x{size[1]}" if has_fewer else f"still {size[0]}x{size[1]}"
    return f"It was encoded again to fit in {amount(limit_bytes)}{cut}: {pixels}."
