"""Writes a still as a PNG in a third of the time that Pillow takes, which tries all filters on each row and keeps one.

Of a 1080p video's last frame that was most of the work. https://www.w3.org/TR/png-3/
"""

from __future__ import annotations

import struct
import zlib
from functools import partial
from pathlib import Path

import numpy as np

from engine.media.colour import Rgb
from engine.media.cores import CORES, side_by_side

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_RGB_OF_8_BITS = b"\x08\x02\x00\x00\x00"
_SUB = 1
"""The filter: each byte less that of the pixel to its left."""
_ZLIB = b"\x78\x01"
"""What stands before deflated data. https://www.rfc-editor.org/rfc/rfc1950"""


def write_png(rgb: Rgb, out: Path) -> None:
    """Lossless. In a filtered photograph little is found but runs, so that nothing else is looked for."""
    height, width, _ = rgb.shape
    rows = rgb.reshape(height, width * 3)
    filtered = np.empty((height, 1 + width * 3), np.uint8)
    filtered[:, 0] = _SUB
    filtered[:, 1:4] = rows[:, :3]
    np.subtract(rows[:, 3:], rows[:, :-3], out=filtered[:, 4:])
    blocks = np.array_split(filtered, CORES)
    parts = side_by_side([partial(_packed, block, is_last=number == CORES) for number, block in enumerate(blocks, 1)])
    packed = b"".join((_ZLIB, *parts, zlib.adler32(filtered.data).to_bytes(4, "big")))
    header = struct.pack(">II", width, height) + _RGB_OF_8_BITS
    chunks = ((b"IHDR", header), (b"IDAT", packed), (b"IEND", b""))
    with out.open("wb") as file:
        file.write(_SIGNATURE)
        for name, inside in chunks:
            file.write(struct.pack(">I", len(inside)) + name)
            file.write(inside)
            file.write(struct.pack(">I", zlib.crc32(inside, zlib.crc32(name))))


def _packed(rows: Rgb, *, is_last: bool) -> bytes:
    """One part of the deflated data; all of them together are one stream."""
    packer = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS, 9, zlib.Z_RLE)
    return packer.compress(rows.data) + packer.flush(zlib.Z_FINISH if is_last else zlib.Z_FULL_FLUSH)
