"""The body of an answer, read within a size: into memory, or into a file some of it at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx


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
