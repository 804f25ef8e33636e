"""H.264's parameter sets, as an MP4 keeps them: read, told apart by their numbers, and put together into one header.

A header (`avcC`, ISO/IEC 14496-15, 5.3.3.1) may hold several sets under different numbers; each picture names the ones that it was
made with. So pictures of two encoders stand in one track, as long as no number means two things.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_IDR, _FIRST_SLICE, _LAST_SLICE, _SPS, _PPS = 5, 1, 5, 7, 8
_HEVC_IDR = frozenset({19, 20})
_MOST_SPS = 31
_HIGH = 100
_EIGHT_BIT_420 = b"\xfd\xf8\xf8\x00"
"""What ends the header of a High profile: 4:2:0, 8 bits of luma and of chroma, no extension."""
_LONGEST_NUMBER = 16
"""Bytes at the beginning of a set in which its numbers lie."""
_LONGEST_SLICE_HEADER = 48
"""Bytes, of a key picture's: which pictures it refers to and how they are weighted is not in it."""


class BrokenHeader(ValueError):
    """These bytes are no header, or two headers mean different things by one number."""


@dataclass(frozen=True, slots=True)
class Headers:
    """The parameter sets of one track."""

    length_bytes: int
    """Of the number that stands before each unit of a packet."""
    sps: Mapping[int, bytes]
    """By their numbers, as `pps`."""
    pps: Mapping[int, bytes]

    def agrees_with(self, other: Headers) -> bool:
        """Whether no number means two things: their pictures can stand in one track."""
        return self.length_bytes == other.length_bytes and all(
            mine.get(number, unit) == unit
            for mine, theirs in ((self.sps, other.sps), (self.pps, other.pps))
            for number, unit in theirs.items()
        )

    def holds(self, other: Headers) -> bool:
        """Whether all sets of the other one are here, just as they are there."""
        return other.sps.items() <= self.sps.items() and other.pps.items() <= self.pps.items()

    def merged_with(self, other: Headers) -> Headers:
        """Both in one. Raises BrokenHeader where they do not agree."""
        if not self.agrees_with(other):
            raise BrokenHeader("two parameter sets have one number")
        return Headers(self.length_bytes, {**self.sps, **other.sps}, {**self.pps, **other.pps})

    @property
    def free_number(self) -> int:
        """The smallest one under which neither kind of set stands."""
        return next(
            number for number in range(len(self.sps) + len(self.pps) + 1) if number not in {*self.sps, *self.pps}
        )


def parse(header: bytes) -> Headers:
    """The sets of an `avcC`. Raises BrokenHeader where it is none."""
    if len(header) < 7 or header[0] != 1:
        raise BrokenHeader("no avcC")
    place = 5
    found: list[dict[int, bytes]] = []
    for mask, kind in ((31, _SPS), (255, _PPS)):
        if place >= len(header):
            raise BrokenHeader("cut off")
        count = header[place] & mask
        place += 1
        sets: dict[int, bytes] = {}
        for _ in range(count):
            size = int.from_bytes(header[place : place + 2], "big")
            unit = header[place + 2 : place + 2 + size]
            if len(unit) != size or not unit or unit[0] & 31 != kind:
                raise BrokenHeader("cut off, or another unit")
            if sets.setdefault(_number(unit), unit) != unit:
                raise BrokenHeader("two parameter sets have one number")
            place += 2 + size
        found.append(sets)
    return Headers((header[4] & 3) + 1, *found)


def write(headers: Headers) -> bytes:
    """The `avcC` of 8-bit 4:2:0 pictures with these sets. Raises BrokenHeader where there are too many, or none."""
    if not 0 < len(headers.sps) <= _MOST_SPS or not 0 < len(headers.pps) < 256:
        raise BrokenHeader("too many parameter sets, or none")
    units = [headers.sps[number] for number in sorted(headers.sps)]
    profile = max(unit[1] for unit in units)
    constraints = units[0][2]
    for unit in units:
        constraints &= unit[2]
    level = max(unit[3] for unit in units)
    parts = [bytes((1, profile, constraints, level, 0xFC | headers.length_bytes - 1, 0xE0 | len(units)))]
    parts += [len(unit).to_bytes(2, "big") + unit for unit in units]
    parts.append(bytes((len(headers.pps),)))
    parts += [len(unit).to_bytes(2, "big") + unit for _, unit in sorted(headers.pps.items())]
    if profile >= _HIGH:
        parts.append(_EIGHT_BIT_420)
    return b"".join(parts)


def merge(given: Sequence[bytes]) -> bytes:
    """One header for tracks of these headers; equal ones stay as they are. Raises BrokenHeader where they do not agree."""
    different = list(dict.fromkeys(given))
    if len(different) == 1:
        return different[0]
    whole = parse(different[0])
    for header in different[1:]:
        whole = whole.merged_with(parse(header))
    return write(whole)


def begins_afresh(packet: memoryview, codec: str, length_bytes: int) -> bool:
    """Whether nothing after this key picture needs anything before it: of an open group's that is not true."""
    if codec not in {"h264", "hevc"}:
        return True
    for unit in _units(packet, length_bytes):
        if codec == "hevc":
            kind = unit[0] >> 1 & 63
            if kind < 32:
                return kind in _HEVC_IDR
        elif _FIRST_SLICE <= unit[0] & 31 <= _LAST_SLICE:
            return unit[0] & 31 == _IDR
    return False


def beginning(packet: memoryview, length_bytes: int) -> bytes:
    """An H.264 packet up to the header of its first slice: what its pictures are, and none of them."""
    place = 0
    for unit in _units(packet, length_bytes):
        if _FIRST_SLICE <= unit[0] & 31 <= _LAST_SLICE:
            header = bytes(unit[:_LONGEST_SLICE_HEADER])
            return bytes(packet[:place]) + len(header).to_bytes(length_bytes, "big") + header
        place += length_bytes + len(unit)
    return bytes(packet)


def sets_inside(packet: memoryview, length_bytes: int) -> Headers:
    """The parameter sets that an H.264 packet brings along. Raises BrokenHeader where one of them is no set."""
    sps: dict[int, bytes] = {}
    pps: dict[int, bytes] = {}
    for unit in _units(packet, length_bytes):
        if unit[0] & 31 in {_SPS, _PPS}:
            (sps if unit[0] & 31 == _SPS else pps)[_number(bytes(unit))] = bytes(unit)
    return Headers(length_bytes, sps, pps)


def _units(packet: memoryview, length_bytes: int) -> Iterator[memoryview]:
    place = 0
    while place + length_bytes < len(packet):
        size = int.from_bytes(packet[place : place + length_bytes], "big")
        place += length_bytes
        if not size or place + size > len(packet):
            return
        yield packet[place : place + size]
        place += size


def _number(unit: bytes) -> int:
    """Under which a set stands: the first number of a PPS, the one after profile and level of an SPS (ITU-T H.264, 7.3.2)."""
    payload = unit[1 : 1 + _LONGEST_NUMBER].replace(b"\0\0\3", b"\0\0")
    if unit[0] & 31 == _SPS:
        payload = payload[3:]
    bits = int.from_bytes(payload, "big")
    width = 8 * len(payload)
    zeros = width - bits.bit_length()
    if not bits or 2 * zeros + 1 > width or zeros > 8:
        raise BrokenHeader("a parameter set without a number")
    return (bits >> (width - 2 * zeros - 1)) - 1
