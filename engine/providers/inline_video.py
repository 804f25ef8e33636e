"""A video inside a JSON answer: up to hundreds of megabytes of base64, which go from file to file and are never held whole."""

from __future__ import annotations

import asyncio
import base64
import binascii
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from engine.errors import Unavailable
from engine.providers.answers import Answer
from engine.providers.wire import Request, Wire

INLINE = "inline"
"""What a provider says for where a video is that lies in the answer itself."""
MOST_BYTES = 768 << 20
"""Of an answer."""
LONG_BYTES = 4096
"""A shorter string stays in the answer as it is."""
_SIGNS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_=\\-"
"""Of base64, and of escapes in it."""
_PLACE = "@long-string:"
_CHUNK_BYTES = 1 << 20


class LongStrings:
    """The long strings of an answer that lies in a file."""

    def __init__(self, path: Path, spans: Sequence[tuple[int, int]]) -> None:
        self._path = path
        self._spans = spans

    async def write(self, value: str, into: Path, service: str) -> None:
        """Decode the base64 string that stands in the answer, as itself or as a placeholder, into a file.

        Raises:
            Unavailable: it is no base64, or nothing.
        """
        number = value.removeprefix(_PLACE)
        is_placed = value.startswith(_PLACE) and number.isdecimal() and int(number) < len(self._spans)
        try:
            if is_placed:
                length = await asyncio.to_thread(_decode, self._path, self._spans[int(number)], into)
            else:
                length = await asyncio.to_thread(into.write_bytes, base64.b64decode(value, validate=True))
        except binascii.Error as error:
            raise _damaged(service, "no base64") from error
        if not length:
            raise _damaged(service, "an empty video")


@asynccontextmanager
async def lean_answer(wire: Wire, request: Request) -> AsyncIterator[tuple[Answer, LongStrings]]:
    """The answer to a safe request with a placeholder for each long string, and those strings as long as the block lasts.

    Raises:
        RateLimited, Unavailable
    """
    folder = await asyncio.to_thread(tempfile.TemporaryDirectory, prefix="nextshot-")
    try:
        path = Path(folder.name) / "answer.json"
        answer = await wire.ask(request, limit_bytes=MOST_BYTES, into=path)
        spans: Sequence[tuple[int, int]] = ()
        if answer.is_good:
            body, spans = await asyncio.to_thread(_lean, path)
            answer = replace(answer, body=body)
        yield answer, LongStrings(path, spans)
    finally:
        await asyncio.shield(asyncio.to_thread(folder.cleanup))


def _lean(path: Path) -> tuple[bytes, Sequence[tuple[int, int]]]:
    """The file without its long strings, and where they lie: first byte and the one after the last."""
    if not path.stat().st_size:
        return b"", ()
    parts: list[bytes] = []
    end = 0
    spans = _long_strings(path)
    with path.open("rb") as file:
        for number, (first, after) in enumerate(spans):
            file.seek(end)
            parts += [file.read(first - end), f"{_PLACE}{number}".encode()]
            end = after
        file.seek(end)
        parts.append(file.read())
    return b"".join(parts), spans


def _long_strings(path: Path) -> Sequence[tuple[int, int]]:
    """Where they lie. Looked for piece by piece: one search through all of it would let nobody else run meanwhile."""
    spans: list[tuple[int, int]] = []
    first: int | None = None  # the byte after the last quotation mark, if nothing but signs came since
    at = 0
    with path.open("rb") as file:
        while piece := file.read(_CHUNK_BYTES):
            begin = 0
            while (mark := piece.find(b'"', begin)) >= 0:
                is_long = first is not None and at + mark - first >= LONG_BYTES
                if first is not None and is_long and _is_plain(piece[max(begin, first - at) : mark]):
                    spans.append((first, at + mark))
                    first = None
                else:
                    first = at + mark + 1
                begin = mark + 1
            if first is not None and not _is_plain(piece[max(begin, first - at) :]):
                first = None
            at += len(piece)
    return spans


def _is_plain(data: bytes) -> bool:
    return not data.translate(None, _SIGNS)


def _decode(path: Path, span: tuple[int, int], into: Path) -> int:
    """How many bytes of base64 were decoded. JSON writers of Google write some signs as escapes."""
    start, end = span
    written, held = 0, b""
    with path.open("rb") as source, into.open("wb") as target:
        source.seek(start)
        left = end - start
        while left:
            chunk = source.read(min(left, _CHUNK_BYTES))
            if not chunk:
                raise binascii.Error
            left -= len(chunk)
            held += chunk
            whole = len(held) if not left else _before_escape(held)
            plain = _unescaped(held[:whole])
            keep = len(plain) % 4 if left else 0
            held = plain[len(plain) - keep :] + held[whole:]
            written += target.write(base64.b64decode(plain[: len(plain) - keep], validate=True))
    return written


def _before_escape(data: bytes) -> int:
    """How much of it ends before an escape that may go on in the next piece."""
    at = data.rfind(b"\\", max(0, len(data) - 6))
    return len(data) if at < 0 else at


def _unescaped(data: bytes) -> bytes:
    if b"\\" not in data:
        return data
    return data.replace(b"\\u003d", b"=").replace(b"\\u002b", b"+").replace(b"\\u002f", b"/").replace(b"\\/", b"/")


def _damaged(service: str, detail: str) -> Unavailable:
    return Unavailable(
        f"The clip cannot be fetched from {service} now; it is tried again by itself.",
        provider=service,
        detail=f"inline video: {detail}",
    )
