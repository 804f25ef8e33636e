"""The one AAC track of a film: packets of the clips inside them, packets made from decoded sound around the seams.

All packets lie on one grid of 1024 samples, so a clip's sound may be up to 512 samples (10.7 ms) beside its pictures; each clip is
rounded by itself, so it never adds up. Copied packets in the clips' own rhythm would click at every seam.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import chain, dropwhile, islice

import numpy as np
from av.audio.stream import AudioStream
from av.packet import Packet

from engine.media.aac import FRAME, WARM_UP, Encoder, Packets, Sound, windows
from engine.media.house import SAMPLE_RATE
from engine.media.mix import Mix, mixed
from engine.media.sound_part import Part, PlacedPart, place

__all__ = ["Mix", "Part", "encode"]

_FEWEST = 4
"""Copied packets; fewer are not worth two joins."""
_RISE = np.linspace(0, 1, FRAME, endpoint=False, dtype=np.float32)
_TRIES = 8
"""At so many places a join is tried before a part is encoded anew as a whole."""
_COUNTED_BITS_PER_S = 128_000
"""A stream of so many or fewer is one where bytes are counted: copied packets would have others."""


def encode(parts: Sequence[Part], stream: AudioStream, mix: Mix | None = None) -> Iterator[Packet[AudioStream]]:
    """The packets of the whole track, in order. Every part ends at its own sample, so that no rounding adds up.

    Raises:
        BadMedia: the music or the voice cannot be read.
    """
    mix = mix or Mix()
    sound = _FilmSound(parts, Encoder(stream), levels=mix.levels)
    if mix.is_plain and (stream.bit_rate or 0) > _COUNTED_BITS_PER_S:
        numbered = sound.packets()
    else:
        numbered = sound.encoder.encode(mixed(sound.all(), mix, sound.samples), 0)
    return _timed(numbered, stream, sound.samples)


def _timed(numbered: Packets, stream: AudioStream, samples: int) -> Iterator[Packet[AudioStream]]:
    time_base = Fraction(1, SAMPLE_RATE)
    for number, packet in numbered:
        packet.time_base = time_base
        packet.pts = packet.dts = (number - 1) * FRAME
        packet.duration = max(1, min(FRAME, samples - packet.pts))
        packet.stream = stream
        yield packet


class _FilmSound:
    """The sound of all parts. They are opened one after the other, and let go when the film is past them."""

    def __init__(self, parts: Sequence[Part], encoder: Encoder, *, levels: bool) -> None:
        self.encoder = encoder
        self.samples = round(parts[-1].end_s * SAMPLE_RATE) if parts else 0
        self._parts = parts
        self._levels = levels
        self._placed: list[PlacedPart | None] = []

    def packets(self) -> Packets:
        """Copied where they can be, made elsewhere."""
        run = self.encoder.encode(self.frames(0), 0)
        written = 0
        for index in range(len(self._parts)):
            self._forget_before(written)
            part = self._part(index)
            if (way_out := self._leave(part)) is None:
                continue  # `run` goes on through this part
            end, after = way_out
            begin = 0 if part.is_whole_at_start else None
            while begin is None and written <= end - _FEWEST and (made := next(run, None)) is not None:
                yield made
                written = made[0] + 1
                if part.can_enter(written) and windows(bytes(made[1])).is_long_at_end:
                    begin = written
            if begin is not None:
                yield from ((number, part.copy(number)) for number in range(begin, end))
                run, written = after, end
        yield from run

    def all(self) -> Iterator[Sound]:
        """The whole film's sound, FRAME samples at a time."""
        for number, frame in enumerate(self.frames(0)):
            self._forget_before(number)
            yield frame

    def frames(self, number: int) -> Iterator[Sound]:
        """The film's sound from sample `number` * FRAME to its end, FRAME samples at a time; the last ones may be fewer."""
        sounding: list[Iterator[Sound]] = []
        following = 0
        for begin in range(number * FRAME, self.samples, FRAME):
            while following < len(self._parts):
                part = self._placed[following] if following < len(self._placed) else self._part(following)
                if part is not None and part.first >= begin + FRAME:
                    break
                if part is not None and part.last > begin:
                    sounding.append(part.frames(begin // FRAME))
                following += 1
            frame = np.zeros((2, FRAME), np.float32)
            ended = []
            for part_frames in sounding:
                if (block := next(part_frames, None)) is None:
                    ended.append(part_frames)
                else:
                    frame += block
            sounding = [part_frames for part_frames in sounding if part_frames not in ended]
            yield frame[:, : self.samples - begin]

    def _leave(self, part: PlacedPart) -> tuple[int, Packets] | None:
        """Which packet is the first made one after the part's copied ones, and those from it on. None: it has none to copy."""
        if part.reaches(self.samples):
            return -(-self.samples // FRAME) + 1, iter(())
        fewest = part.entries.start + _FEWEST
        ways = (number for number in reversed(part.exits) if number >= fewest and part.can_leave(number))
        for number in islice(ways, _TRIES):
            run = self._made(number - 1)
            before, first = next(run, None), next(run, None)
            if before is None or first is None:
                return None
            if windows(bytes(before[1])).is_long_at_end and windows(bytes(first[1])).is_long_at_start:
                return number, chain([first], run)
        return None

    def _made(self, number: int) -> Packets:
        """Packets from `number` on, by an encoder that was given what is before them too."""
        begin = max(0, number - WARM_UP)
        frames = self.frames(begin)
        rising = (frame * _RISE if begin and not place else frame for place, frame in enumerate(frames))
        return dropwhile(lambda numbered: numbered[0] < number, self.encoder.encode(rising, begin))

    def _part(self, index: int) -> PlacedPart:
        while len(self._placed) <= index:
            number = len(self._placed)
            before = self._placed[-1] if self._placed else None
            is_last = number == len(self._parts) - 1
            self._placed.append(place(self._parts[number], before, is_last=is_last, levels=self._levels))
        if (placed := self._placed[index]) is None:
            raise IndexError(index)
        return placed

    def _forget_before(self, number: int) -> None:
        """Packets of the parts that no encoder will ask for any more."""
        begin = (number - WARM_UP - 2) * FRAME
        for index, placed in enumerate(self._placed[:-1]):
            if placed is not None and placed.last <= begin:
                self._placed[index] = None
