"""A server on loopback that answers byte for byte as told, and can do what no HTTP library does: cut, hang, lie."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Sequence
from typing import Self

HANG = b"hang"
"""Say nothing until the test is over."""
CUT = b"cut"
"""Close the connection at once."""


class RawServer:
    """Gives the answers one after the other, one a request; the last one stays. `is_kept`: connections stay open. `tls`: https."""

    def __init__(self, *answers: bytes, is_kept: bool = False, tls: ssl.SSLContext | None = None) -> None:
        self.answers: Sequence[bytes] = answers
        self.heads: list[str] = []
        """Request line and headers of each request, in lower case."""
        self.bodies: list[bytes] = []
        self.connections = 0
        self._is_kept = is_kept
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._over = asyncio.Event()

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._over.set()
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await self._answer(reader, writer) and self._is_kept:
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = re.search(r"content-length: (\d+)", head)
        self.bodies.append(await reader.readexactly(int(length[1]) if length else 0))
        answer = self.answers[min(len(self.heads), len(self.answers) - 1)]
        self.heads.append(head)
        if answer == HANG:
            await self._over.wait()
        if answer in {HANG, CUT}:
            return False
        writer.write(answer)
        await writer.drain()
        return True


def said(status: int, body: bytes = b"{}", *, length: int | None = None, **headers: str) -> bytes:
    """An answer as bytes. `length` is what it says of itself, where that is a lie; -1: nothing."""
    told = {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    if length != -1:
        told["content-length"] = str(len(body) if length is None else length)
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    return f"HTTP/1.1 {status} x\r\n{lines}\r\n".encode() + body
