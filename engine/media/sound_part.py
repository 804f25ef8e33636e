"""The parts of a film's sound, each with its place, its fades, and the packets that can be copied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream
from av.packet import Packet

from engine.media.aac import FRAME, Sound, windows
from engine.media.house import SAMPLE_RATE
from engine.media.loudness import gain
from engine.media.sound_source import ClipSound, listen, silence

_FADE = 240  # 5 ms: too short to hear, long enough not to click
_GLIDE = SAMPLE_RATE
"""From the loudness of the part before to its own, and what is listened to on both sides of a seam."""


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a film's sound."""

    clip: Path | None
    """None: silence."""
    start_s: Fraction
    """Where it begins on the clip's clock."""
    end_s: Fraction
    """Where it ends on the film's clock."""
    overlap_s: Fraction = Fraction(0)
    """The next part begins this long before this one's end, and takes over with equal power."""
    fade_in_s: Fraction = Fraction(0)
    """How long it rises out of silence, where it does."""
    fade_out_s: Fraction = Fraction(0)


@dataclass(frozen=True, eq=False)
class PlacedPart:
    """A part in its film. Its first and last samples are numbers on the film's clock."""

    part: Part
    first: int
    last: int
    clip: ClipSound | None
    """None: silence."""
    head: int
    """Samples over which it comes in; 0: it is simply there."""
    tail: int
    is_crossed_before: bool
    is_crossed_after: bool
    gain: float = 1.0
    """As so many times as loud it begins, and glides to its own loudness."""

    @cached_property
    def numbers(self) -> range:
        """The packets of the film that its packets can be."""
        if self.clip is None or not self.clip.run:
            return range(0)
        begin = round(Fraction(self.first + self.clip.places[self.clip.run.start], FRAME)) + 1
        return range(begin, begin + len(self.clip.run))

    @cached_property
    def shift(self) -> int:
        """Samples by which it sounds too late, at most FARTHEST: its packets cannot lie between those of the film."""
        if self.clip is None or not self.numbers:
            return 0
        return (self.numbers.start - 1) * FRAME - self.first - self.clip.places[self.clip.run.start]

    @property
    def entries(self) -> range:
        """With which packets its own can follow made ones; the 1024 samples before are as they are in the clip."""
        head = self.head if self.gain == 1 else max(self.head, _GLIDE)
        return range(max(-(-(self.first + head) // FRAME) + 1, self.numbers.start + 1), self.exits.stop)

    @property
    def exits(self) -> range:
        """With which packets made ones can follow its own."""
        return range(self.numbers.start + 1, min((self.last - self.tail) // FRAME, self.numbers.stop - 1) + 1)

    @property
    def is_whole_at_start(self) -> bool:
        """Whether the film can begin with a packet of it."""
        return self.first == 0 and not self.head and self.gain == 1 and 0 in self.numbers

    def reaches(self, samples: int) -> bool:
        """Whether a film of so many samples can end with a packet of it."""
        return self.last == samples and not self.tail and -(-samples // FRAME) in self.numbers

    def copy(self, number: int) -> Packet[AudioStream]:
        """One of `numbers`, without what the clip says beside its bytes."""
        packet: Packet[AudioStream] = Packet(self._bytes(number))  # type: ignore[assignment]  # it has no stream yet
        return packet

    def can_enter(self, number: int) -> bool:
        """Whether its packet has windows that a made one can stand before."""
        return (
            number in self.entries
            and windows(self._bytes(number)).is_long_at_start
            and windows(self._bytes(number - 1)).is_long_at_end
        )

    def can_leave(self, number: int) -> bool:
        """Whether the packet before has windows after which a made one can stand."""
        return number in self.exits and windows(self._bytes(number - 1)).is_long_at_end

    def frames(self, number: int) -> Iterator[Sound]:
        """1024 samples at a time from the film's sample `number` * 1024 on, as long as it lasts; zero where it is not."""
        at = max(self.first, number * FRAME)
        frame = np.zeros((2, FRAME), np.float32)
        begin = number * FRAME
        for block in self.sound(at, self.last):
            self._shape(block, at - self.first)
            done = 0
            while done < block.shape[1]:
                count = min(block.shape[1] - done, begin + FRAME - at)
                frame[:, at - begin : at - begin + count] = block[:, done : done + count]
                done, at = done + count, at + count
                if at == begin + FRAME:
                    yield frame
                    frame, begin = np.zeros((2, FRAME), np.float32), at
        if begin < self.last:
            yield frame

    def sound(self, first: int, last: int) -> Iterator[Sound]:
        """As it is in the clip, in blocks."""
        if self.clip is None:
            return silence(last - first)
        moved = self.first + self.shift
        return self.clip.sound(first - moved, last - moved)

    def _bytes(self, number: int) -> bytes:
        if self.clip is None:
            raise IndexError(number)
        return bytes(self.clip.packets[self.clip.run.start + number - self.numbers.start])

    def _shape(self, block: Sound, start: int) -> None:
        """Fade and glide a block that begins at sample `start` of the part."""
        end, total = start + block.shape[1], self.last - self.first
        if self.head and start < self.head:
            places = np.arange(start, min(self.head, end))
            block[:, : len(places)] *= _rise((places + 0.5) / self.head, is_crossed=self.is_crossed_before)
        if self.tail and end > total - self.tail:
            begin = max(start, total - self.tail)
            left = total - np.arange(begin, end)
            block[:, begin - start :] *= _rise((left - 0.5) / self.tail, is_crossed=self.is_crossed_after)
        if self.gain != 1 and start < _GLIDE:
            count = min(_GLIDE, end) - start
            way = 1 - np.arange(start, start + count) / _GLIDE
            block[:, :count] *= np.power(self.gain, way * way * (3 - 2 * way)).astype(np.float32)


def place(part: Part, before: PlacedPart | None, *, is_last: bool, levels: bool) -> PlacedPart:
    """Put a part after the one before it. `levels`: a step of loudness between them is evened."""
    first = before.last - _samples(before.part.overlap_s) if before else 0
    last = max(first, round(part.end_s * SAMPLE_RATE))
    lead = before.last - first if before else 0
    short = _FADE if last - first >= 2 * _FADE else 0
    head = lead or _samples(part.fade_in_s) or (short if before else 0)
    tail = _samples(part.overlap_s) or _samples(part.fade_out_s) or (0 if is_last else short)
    placed = PlacedPart(
        part=part,
        first=first,
        last=last,
        clip=listen(part.clip, part.start_s) if part.clip else None,
        head=min(head, last - first),
        tail=min(tail, last - first),
        is_crossed_before=lead > 0,
        is_crossed_after=part.overlap_s > 0,
    )
    if not levels or before is None or before.clip is None or placed.clip is None:
        return placed
    if before.part.fade_out_s or part.fade_in_s:
        return placed
    return replace(placed, gain=gain(_heard(before, before.last - _GLIDE), _heard(placed, placed.first)))


def _heard(placed: PlacedPart, first: int) -> Sound:
    """What it sounds like for a moment from `first` on."""
    blocks = placed.sound(max(first, placed.first), min(first + _GLIDE, placed.last))
    return np.concatenate([np.zeros((2, 0), np.float32), *blocks], axis=1)


def _rise(share: npt.NDArray[np.float64], *, is_crossed: bool) -> npt.NDArray[np.float32]:
    """How loud at each share of a fade: two that cross keep the power, one alone begins and ends softly."""
    wave = np.sin(np.pi / 2 * share)
    return (wave if is_crossed else wave * wave).astype(np.float32)


def _samples(seconds: Fraction) -> int:
    return round(seconds * SAMPLE_RATE)
