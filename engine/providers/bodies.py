"""Bodies without holding up the loop: a request's written in a thread, an answer's read within a size, to memory or a file."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import httpx

PIECE_BYTES = 256 << 10
"""So much is given to the connection at a time: encrypting all of a large body at once would hold up everything else."""
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def json_body(value: Any) -> tuple[list[bytes], str]:
    """The parts of the body and their content type. Made a value at a time, so that other threads run in between.

    Raises:
        ValueError: a text that is none, as with half a surrogate pair, or a number that JSON has not.
    """
    return [part.encode() for part in _JSON.iterencode(value)], "application/json"


def multipart_body(fields: Mapping[str, str], files: Sequence[tuple[str, str, bytes, str]]) -> tuple[list[bytes], str]:
    """The parts of the body and their content type. Fields are parts also where there is no file: such servers read nothing else.

    Raises:
        ValueError: a text that is none.
    """
    all_parts: list[tuple[str, Any]] = [(name, (None, value)) for name, value in fields.items()]
    all_parts += [(name, (file_name, data, mime)) for name, file_name, data, mime in files]
    made = httpx.Request("POST", "http://body.invalid", files=all_parts)
    return list(cast("httpx.SyncByteStream", made.stream)), made.headers["content-type"]


async def pieces(parts: Sequence[bytes]) -> AsyncIterator[bytes]:
    """A body for the connection: small parts together, large ones some of it at a time."""
    small = bytearray()
    for part in parts:
        if len(small) + len(part) <= PIECE_BYTES:
            small += part
            continue
        yield bytes(small)
        small.clear()
        for start in range(0, len(part), PIECE_BYTES):
            yield part[start : start + PIECE_BYTES]
    yield bytes(small)


async def chunks(response: httpx.Response, limit_bytes: int) -> AsyncIterator[bytes]:
    """The body of an answer, as long as it is not too large."""
    have_bytes = 0
    async for chunk in response.aiter_bytes():
        have_bytes += len(chunk)
        if have_bytes > limit_bytes:
            raise httpx.DecodingError("the answer is too large")
        yield chunk


async def save(response: httpx.Response, into: Path, limit_bytes: int) -> None:
    """Write the body of an answer to a file, some of it at a time."""
    file = await asyncio.to_thread(into.open, "wb")
    try:
        async for chunk in chunks(response, limit_bytes):
            await asyncio.to_thread(file.write, chunk)
    finally:
        await asyncio.shield(asyncio.to_thread(file.close))
