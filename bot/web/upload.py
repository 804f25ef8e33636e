"""A file that comes with a message: streamed to a work directory under a name of ours, never larger than the limit."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import aiofiles
from aiohttp import BodyPartReader, web

from bot.message import Attachment
from bot.sounds import TAKEN, is_sound

PICTURE_BYTES_MAX = 32 * 1024 * 1024
PICTURE_S = 120.0
"""How long an upload may take."""
VIDEO_BYTES_MAX = 500 * 1024 * 1024
VIDEO_S = 600.0
SOUND_BYTES_MAX = 190 * 1024 * 1024
_CHUNK_BYTES = 256 * 1024
_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
"""What an MP4 begins with, and what QuickTime's older files begin with."""


async def receive(part: BodyPartReader, directory: Path) -> Attachment:
    """The part as a file; its name says what it is to be: one of KINDS.

    What it is is read from its first bytes; the name and the kind that the browser gave are ignored.

    Raises:
        HTTPRequestEntityTooLarge, HTTPUnsupportedMediaType: nothing of it stays.
        TimeoutError
    """
    kind = KINDS[part.name or ""]
    path = directory / f"{secrets.token_hex(16)}.part"
    try:
        async with asyncio.timeout(kind.most_s):
            head = await _write(part, path, kind)
        named = path.with_suffix(kind.suffix_of(head))
        await asyncio.to_thread(path.rename, named)
    except BaseException:
        await asyncio.shield(asyncio.to_thread(path.unlink, missing_ok=True))
        raise
    return Attachment(named, kind.said_as, is_voice=part.name == "voice")


async def _write(part: BodyPartReader, path: Path, kind: _Kind) -> bytes:
    """Write all of it; gives its first bytes."""
    head, size = b"", 0
    async with aiofiles.open(path, "wb") as file:
        while chunk := await part.read_chunk(_CHUNK_BYTES):
            size += len(chunk)
            if size > kind.most_bytes:
                raise web.HTTPRequestEntityTooLarge(
                    max_size=kind.most_bytes,
                    actual_size=size,
                    text=f"That {part.name} is larger than {kind.most_bytes // 1024 // 1024} MB; make it smaller.",
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


def video_suffix(head: bytes) -> str:
    """The suffix of the kind of video that begins with these bytes.

    Raises:
        HTTPUnsupportedMediaType: none that we take.
    """
    if head[4:8] in _BOXES:
        return ".mp4" if head[4:8] == b"ftyp" and head[8:12] != b"qt  " else ".mov"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return ".webm"
    raise web.HTTPUnsupportedMediaType(text="That file is not a video; send an MP4, WebM or MOV.")


def sound_suffix(head: bytes) -> str:
    """Raises HTTPUnsupportedMediaType: no sound that we take begins with these bytes."""
    if is_sound(head):
        return ".sound"
    raise web.HTTPUnsupportedMediaType(text=f"That file is no sound; send {TAKEN}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    said_as: str
    """As in `Attachment`."""
    most_bytes: int
    most_s: float
    suffix_of: Callable[[bytes], str]


KINDS: Mapping[str, _Kind] = {
    "picture": _Kind(said_as="image", most_bytes=PICTURE_BYTES_MAX, most_s=PICTURE_S, suffix_of=picture_suffix),
    "video": _Kind(said_as="video", most_bytes=VIDEO_BYTES_MAX, most_s=VIDEO_S, suffix_of=video_suffix),
    "music": _Kind(said_as="audio", most_bytes=SOUND_BYTES_MAX, most_s=VIDEO_S, suffix_of=sound_suffix),
    "voice": _Kind(said_as="audio", most_bytes=SOUND_BYTES_MAX, most_s=VIDEO_S, suffix_of=sound_suffix),
}
"""By the name of the part that brings one."""
