"""A picture that comes with a message: streamed to a work directory under a name of ours, never larger than the limit."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

import aiofiles
from aiohttp import BodyPartReader, web

PICTURE_BYTES_MAX = 32 * 1024 * 1024
PICTURE_S = 120.0
"""How long an upload may take."""
_CHUNK_BYTES = 256 * 1024


async def receive_picture(part: BodyPartReader, directory: Path) -> Path:
    """The part as a file. What it is is read from its first bytes; the name and the kind that the browser gave are ignored.

    Raises:
        HTTPRequestEntityTooLarge, HTTPUnsupportedMediaType: nothing of it stays.
        TimeoutError
    """
    path = directory / f"{secrets.token_hex(16)}.part"
    try:
        async with asyncio.timeout(PICTURE_S):
            head = await _write(part, path)
        named = path.with_suffix(picture_suffix(head))
        await asyncio.to_thread(path.rename, named)
    except BaseException:
        await asyncio.shield(asyncio.to_thread(path.unlink, missing_ok=True))
        raise
    return named


async def _write(part: BodyPartReader, path: Path) -> bytes:
    """Write all of it; gives its first bytes."""
    head, size = b"", 0
    async with aiofiles.open(path, "wb") as file:
        while chunk := await part.read_chunk(_CHUNK_BYTES):
            size += len(chunk)
            if size > PICTURE_BYTES_MAX:
                raise web.HTTPRequestEntityTooLarge(
                    max_size=PICTURE_BYTES_MAX,
                    actual_size=size,
                    text=f"That picture is larger than {PICTURE_BYTES_MAX // 1024 // 1024} MB; make it smaller.",
                )
            if len(head) < 16:
                head += chunk[:16]
            await file.write(chunk)
    return head


def picture_suffix(head: bytes) -> str:
    """The suffix of the kind of picture that begins with these bytes.

    Raises:
        HTTPUnsupportedMediaType: none that we take.
    """
    if head.startswith(b"\xff\xd8\xff"):
        return ".jpg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return ".png"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return ".webp"
    if head[:6] in {b"GIF87a", b"GIF89a"}:
        return ".gif"
    raise web.HTTPUnsupportedMediaType(text="That file is not a picture; send a JPEG, PNG, WebP or GIF.")
