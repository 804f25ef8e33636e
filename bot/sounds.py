"""Whether a file holds sound, by how it begins. Whether it can be played is found out by `engine.media`."""

from __future__ import annotations

_BEGINNINGS = (b"ID3", b"fLaC", b"OggS", b"FORM")
_MP3_OR_AAC = frozenset({0xF2, 0xF3, 0xFA, 0xFB, 0xF0, 0xF1, 0xF8, 0xF9})
"""The second byte of a frame of MPEG sound without a header before it."""

TAKEN = "an MP3, M4A, WAV, FLAC or OGG"


def is_sound(head: bytes) -> bool:
    """From at least the first 12 bytes."""
    if head.startswith(_BEGINNINGS):
        return True
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return True
    if head[4:8] == b"ftyp" and head[8:11] in {b"M4A", b"M4B"}:
        return True
    return len(head) > 1 and head[0] == 0xFF and head[1] in _MP3_OR_AAC
