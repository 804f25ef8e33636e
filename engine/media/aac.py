"""AAC as it lies in packets: which clips have the same kind as a film, where packets of two encoders join, and an encoder.

A packet holds 2048 samples, half of them also in the next one; what is heard is the sum of two windowed halves. Packets of two
encoders add up to the sound without a trace where both were given the same sound and used the same long window.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, count
from typing import TypeAlias

import av
import numpy as np
import numpy.typing as npt
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.packet import Packet

from engine.media.house import SAMPLE_RATE

Sound = npt.NDArray[np.float32]
"""2 x samples, left and right, at 48 kHz."""
Packets: TypeAlias = "Iterator[tuple[int, Packet[AudioStream]]]"
"""Each with its number on the film's grid. Number 0 is what a decoder begins with; it adds to the first 1024 samples."""

FRAME = 1024
"""Samples from one packet to the next."""
WARM_UP = 3
"""Packets that an encoder needs until it no longer shows that it began in the middle."""

# AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1): AAC LC, 48 kHz, two channels; alone, or with a note that there is no SBR.
_CONFIG = b"\x11\x90"
_NO_SBR = b"\x56\xe5\x00"
_PAIR, _FILL = 1, 6
_ONLY_LONG, _LONG_START, _SHORT, _LONG_STOP = range(4)
_HEADER_BYTES = 320
"""More than the longest fill element and what is read after it."""


def is_house_kind(context: AudioCodecContext) -> bool:
    """Whether its packets can lie in the same track as ours: AAC-LC, 48 kHz, stereo, nothing hidden in it."""
    config = bytes(context.extradata or b"")
    return (
        context.codec.canonical_name == "aac"
        and context.profile == "LC"
        and context.sample_rate == SAMPLE_RATE
        and context.layout.name == "stereo"
        and config[:2] == _CONFIG
        and config[2:5] in (b"", _NO_SBR)
    )


@dataclass(frozen=True, slots=True)
class Windows:
    """The shape of a packet's two halves."""

    is_long_at_start: bool
    is_long_at_end: bool
    """Long, and of the shape (Kaiser-Bessel) that our encoder uses."""


_UNKNOWN = Windows(is_long_at_start=False, is_long_at_end=False)


def windows(packet: bytes) -> Windows:
    """Read the first `ics_info` of a raw data block (ISO/IEC 14496-3, 4.4.2.1 and 4.4.6). Not long: may be anything."""
    head = packet[:_HEADER_BYTES]
    bits, left = int.from_bytes(head, "big"), 8 * len(head)

    def take(count: int) -> int:
        nonlocal left
        left -= count
        return (bits >> left) & ((1 << count) - 1) if left >= 0 else 0

    while left > 0:
        element = take(3)
        if element == _FILL:
            count = take(4)
            if count == 15:
                count += take(8) - 1
            take(8 * count)
        elif element == _PAIR:
            take(4)
            if not take(1):
                return _UNKNOWN  # two channels with windows of their own
            take(1)
            sequence, is_bessel = take(2), take(1)
            return Windows(
                is_long_at_start=sequence in (_ONLY_LONG, _LONG_START),
                is_long_at_end=sequence in (_ONLY_LONG, _LONG_STOP) and is_bessel == 1,
            )
        else:
            break
    return _UNKNOWN


class Encoder:
    """Packets like those of a film's stream, from any place of the film on."""

    def __init__(self, stream: AudioStream) -> None:
        context = stream.codec_context
        self._bits_per_s = context.bit_rate
        self._options = dict(context.options)

    def encode(self, sound: Iterator[Sound], first: int) -> Packets:
        """The packets of sound that comes FRAME samples at a time, the last ones maybe fewer; its first has the number `first`."""
        context = av.CodecContext.create("aac", "w")
        context.sample_rate, context.layout, context.format = SAMPLE_RATE, "stereo", "fltp"
        context.bit_rate = self._bits_per_s
        context.options = self._options
        number = first
        for frame in chain(map(to_frame, sound, count(0, FRAME)), [None]):
            for packet in context.encode(frame):
                yield number, packet
                number += 1


def to_frame(block: Sound, place: int) -> AudioFrame:
    """For an encoder or a filter, with the number of its first sample."""
    frame = AudioFrame.from_ndarray(np.ascontiguousarray(block), format="fltp", layout="stereo")
    frame.sample_rate = SAMPLE_RATE
    frame.pts = place
    frame.time_base = Fraction(1, SAMPLE_RATE)
    return frame
