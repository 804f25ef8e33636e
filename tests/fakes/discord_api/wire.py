"""An HTTP request → a call: JSON, multipart with `payload_json` and `files[n]`, or a query string."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import BodyPartReader, web

from tests.fakes.discord_api.model import Json
from tests.fakes.discord_api.refusals import Refusal

CHUNK_BYTES = 64 * 1024
KEPT_BYTES = 128 * 1024 * 1024
"""Of one file; more is read and dropped."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a request; `size_bytes` counts what was dropped too."""

    name: str
    content_type: str
    data: bytes = field(repr=False)
    size_bytes: int = 0


@dataclass
class Call:
    """One request. `path` is what follows /api/v10; `pattern` the route, None where there is none."""

    method: str
    path: str
    query: dict[str, str]
    at_s: float
    """On the server's own clock."""
    body: Any = None
    """None where there was none."""
    uploads: dict[int, Upload] = field(default_factory=dict, repr=False)
    token: str | None = None
    """Of the bot, where the request carried one."""
    pattern: str | None = None
    params: dict[str, str] = field(default_factory=dict)
    status: int | None = None
    """Of the answer; None while there is none."""
    code: int | None = None
    """Discord's own code of a refusal."""
    result: Any = field(default=None, repr=False)
    new_message: bool = False
    """Whether it made a message."""

    def id(self, name: str) -> int:
        """A number of the path; 0 where it is none."""
        value = self.params.get(name, "")
        return int(value) if value.isdecimal() else 0

    @property
    def form(self) -> Json:
        """The body as an object.

        Raises:
            Refusal: it is none.
        """
        if self.body is None:
            return {}
        if not isinstance(self.body, dict):
            raise Refusal(400, 50109)
        return self.body


def path_pattern(pattern: str) -> re.Pattern[str]:
    """A path as tests write it: `*` or `{name}` is one segment, `**` any number of them."""
    pieces = re.split(r"(\*\*|\*|\{\w+\})", pattern)
    named = {"**": ".*"}
    text = "".join(
        named.get(piece, "[^/]+") if piece.startswith(("*", "{")) else re.escape(piece) for piece in pieces if piece
    )
    return re.compile(text)


async def read_body(
    request: web.Request, bytes_per_s: float | None, came: Callable[[int], None]
) -> tuple[Any, dict[int, Upload]]:
    """The body and its files. `came` is told of every piece of a file.

    Raises:
        Refusal: it cannot be read.
        ConnectionResetError: the client went away.
    """
    if request.content_type.startswith("multipart/"):
        return await _read_parts(request, bytes_per_s, came)
    raw = await request.read()
    if not raw:
        return None, {}
    if request.content_type != "application/json":
        raise Refusal(400, 50035, errors={"_errors": [{"code": "CONTENT_TYPE_INVALID", "message": "Expected JSON."}]})
    return _json(raw), {}


async def _read_parts(
    request: web.Request, bytes_per_s: float | None, came: Callable[[int], None]
) -> tuple[Any, dict[int, Upload]]:
    body: Any = None
    uploads: dict[int, Upload] = {}
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader) or part.name is None:
            continue
        if part.name == "payload_json":
            body = _json(bytes(await part.read()))
        elif found := re.fullmatch(r"files\[(\d+)\]", part.name):
            data, size = await _read_file(request, part, bytes_per_s, came)
            mime = part.headers.get("Content-Type", "application/octet-stream")
            uploads[int(found[1])] = Upload(part.filename or "unknown", mime, data, size)
        else:
            raise Refusal(
                400, 50035, errors={part.name: {"_errors": [{"code": "UNKNOWN", "message": "Unknown part."}]}}
            )
    return body, uploads


async def _read_file(
    request: web.Request, part: BodyPartReader, bytes_per_s: float | None, came: Callable[[int], None]
) -> tuple[bytes, int]:
    kept = bytearray()
    size = 0
    chunk_bytes = CHUNK_BYTES if not bytes_per_s else min(CHUNK_BYTES, max(1024, int(bytes_per_s / 20)))
    while chunk := await part.read_chunk(chunk_bytes):
        size += len(chunk)
        came(len(chunk))
        if size <= KEPT_BYTES:
            kept += chunk
        if bytes_per_s:
            await asyncio.sleep(len(chunk) / bytes_per_s)
            if request.transport is None or request.transport.is_closing():
                raise ConnectionResetError("the client went away")
    return bytes(kept), size


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        raise Refusal(400, 50109) from None
