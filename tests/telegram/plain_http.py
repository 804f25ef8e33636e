"""A client of the fake of Telegram that knows nothing but HTTP, and a picture to send."""

from __future__ import annotations

import io
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from PIL import Image

from tests.fakes.telegram import FakeTelegram

Body = dict[str, Any]
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Loading them takes longer than a test on plain HTTP."""


class Caller:
    """A client that knows nothing but HTTP."""

    def __init__(self, server: FakeTelegram, client: httpx.AsyncClient) -> None:
        self.server = server
        self.client = client

    async def __call__(self, method: str, **params: object) -> Body:
        """The body of the answer."""
        answer = await self.client.post(self.address(method), json=params)
        body: Body = answer.json()
        assert answer.status_code == body.get("error_code", 200)
        return body

    async def words(self, method: str, **params: object) -> str:
        """The description of a refusal."""
        return str((await self(method, **params)).get("description", "ok"))

    def address(self, method: str) -> str:
        return f"{self.server.base_url}{self.server.token}/{method}"


@asynccontextmanager
async def calling(server: FakeTelegram) -> AsyncIterator[Caller]:
    """The server runs, and there is a client for it. Whoever used it looks at the complaints."""
    async with server, httpx.AsyncClient(verify=NO_CERTIFICATES) as client:
        yield Caller(server, client)


def jpeg(width: int = 320, height: int = 180) -> bytes:
    """A small picture."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(file, "JPEG")
    return file.getvalue()
