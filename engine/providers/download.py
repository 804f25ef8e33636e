"""Brings a finished video here: streamed to the disk, within a size, whole or not at all, and from nowhere inside our network.

Each hop of a redirect is looked at anew, and a public host is connected to at the very address that was looked at. What breaks
off is gone on with by a range where the server takes one.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urljoin

import httpx

from engine.errors import ProviderError, Unavailable
from engine.providers.hosts import NotPublic, origin_of, public_address

log = logging.getLogger(__name__)

MOST_BYTES = 4 << 30
"""Of one clip."""
HOPS = 5
TRIES = 4
PAUSE_S = 0.2
"""Before the second try; then twice as long each time."""
STALL_S = 30.0
"""A connection that gives nothing for so long is dropped."""
NUMBER_CHARS = 18
_TIMEOUT = httpx.Timeout(STALL_S, connect=10.0, pool=10.0)
_PAGES = ("text/", "application/json", "application/xml", "image/")


class Download:
    """One video on its way. `service` is its name in sentences."""

    def __init__(self, service: str, url: str, into: Path, limit_bytes: int) -> None:
        self._service = service
        self._url = url
        self._into = into
        self._limit_bytes = limit_bytes
        self._etag = ""
        self._have_bytes = 0

    async def run(
        self,
        *,
        certificates: ssl.SSLContext,
        headers_for: Callable[[str], Awaitable[Mapping[str, str]]],
        may_load: Callable[[str], bool],
    ) -> None:
        """Load it. `headers_for` gives what a hop's address may see; `may_load`: it need not be public.

        Raises:
            Unavailable
        """
        file = await asyncio.to_thread(_opened, self._into)
        try:
            # No kept connections: one that is pinned was checked for another name than the next hop may have.
            limits = httpx.Limits(max_keepalive_connections=0)
            async with httpx.AsyncClient(
                timeout=_TIMEOUT, verify=certificates, follow_redirects=False, limits=limits
            ) as client:
                for left in reversed(range(TRIES)):
                    try:
                        await self._load(client, file, headers_for, may_load)
                        break
                    except (httpx.TransportError, httpx.DecodingError) as error:
                        if not left:
                            raise self._not_had(f"{type(error).__name__} after {self._have_bytes} bytes") from error
                        log.info("download broke off service=%s bytes=%d", self._service, self._have_bytes)
                        await asyncio.sleep(PAUSE_S * 2 ** (TRIES - 1 - left))
            await asyncio.to_thread(file.flush)
        finally:
            await asyncio.shield(asyncio.to_thread(file.close))

    async def _load(
        self,
        client: httpx.AsyncClient,
        file: BinaryIO,
        headers_for: Callable[[str], Awaitable[Mapping[str, str]]],
        may_load: Callable[[str], bool],
    ) -> None:
        response = await self._answered(client, headers_for, may_load)
        try:
            etag = response.headers.get("etag", "")
            if response.status_code == 206:
                is_same = not self._have_bytes or etag == self._etag
                if self._starts_at(response) != self._have_bytes or not is_same:
                    self._etag = ""  # the next try asks for all of it
                    raise httpx.RemoteProtocolError("another part than was asked for")
            else:
                self._have_bytes = 0
                await asyncio.to_thread(_emptied, file)
            length = _number(response.headers.get("content-length", ""))
            whole = self._have_bytes + length if length is not None else None
            if whole is not None and whole > self._limit_bytes:
                raise self._not_had(f"{whole} bytes are too many")
            self._etag = etag
            async for chunk in response.aiter_raw():  # of a larger one, what came before a break would be lost
                self._have_bytes += len(chunk)
                if self._have_bytes > self._limit_bytes:
                    raise self._not_had(f"over {self._limit_bytes} bytes")
                await asyncio.to_thread(file.write, chunk)
            if whole is not None and self._have_bytes != whole:
                raise httpx.RemoteProtocolError(f"{self._have_bytes} bytes of {whole}")
            if not self._have_bytes:
                raise self._not_had("an empty file")
        finally:
            with suppress(httpx.HTTPError):
                await response.aclose()

    async def _answered(
        self,
        client: httpx.AsyncClient,
        headers_for: Callable[[str], Awaitable[Mapping[str, str]]],
        may_load: Callable[[str], bool],
    ) -> httpx.Response:
        """The answer with the video, behind its redirects. Asks for the rest where a part is here already."""
        url = self._url
        for _ in range(HOPS):
            try:
                headers = {**await headers_for(url), "accept-encoding": "identity"}
                if self._have_bytes and self._etag and not self._etag.startswith("W/"):
                    headers |= {"range": f"bytes={self._have_bytes}-", "if-range": self._etag}
                if may_load(url):
                    response = await client.send(client.build_request("GET", url, headers=headers), stream=True)
                else:
                    response = await open_pinned(client, "GET", url, headers=headers)
            except (NotPublic, ValueError, httpx.InvalidURL) as error:
                raise self._not_had(f"may not be loaded from there: {error}") from error
            if response.status_code not in {301, 302, 303, 307, 308}:
                await self._check(response)
                return response
            await response.aclose()
            try:
                url = urljoin(url, response.headers.get("location", ""))
            except ValueError as error:
                raise self._not_had("redirected to no address") from error
        raise self._not_had("redirected too often")

    async def _check(self, response: httpx.Response) -> None:
        kind = response.headers.get("content-type", "").lower()
        wrong = ""
        if response.status_code not in {200, 206}:
            wrong = f"HTTP {response.status_code}"
        elif response.headers.get("content-encoding", "identity").lower() != "identity":
            wrong = "packed, though it was asked for as it is"
        elif kind.startswith(_PAGES):
            wrong = f"a {kind.partition(';')[0]} instead of a video"
        if wrong:
            await response.aclose()
            raise self._not_had(wrong)

    @staticmethod
    def _starts_at(response: httpx.Response) -> int:
        """The first byte of a partial answer; -1: it does not say."""
        first = response.headers.get("content-range", "").removeprefix("bytes ").partition("-")[0]
        number = _number(first)
        return -1 if number is None else number

    def _not_had(self, detail: str) -> ProviderError:
        return Unavailable(
            f"The clip cannot be fetched from {self._service} now; it is tried again by itself.",
            provider=self._service,
            detail=f"download: {detail}",
        )


async def open_pinned(
    client: httpx.AsyncClient,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    extensions: Mapping[str, Any] | None = None,
    **body: Any,
) -> httpx.Response:
    """The answer of a public https host, connected to at the address that was just seen to be public.

    Raises:
        NotPublic: it is none, or no https address.
    """
    try:
        scheme, _, port = origin_of(url)
        parsed = httpx.URL(url)
        host = parsed.raw_host.decode("ascii")  # an international name as it goes over the wire
    except (ValueError, httpx.InvalidURL) as error:
        raise NotPublic("that is no address") from error
    if scheme != "https":
        raise NotPublic(f"{host} is not reached by https")
    address = await public_address(host, port)
    bare = f"[{host}]" if ":" in host else host
    named = bare if port == 443 else f"{bare}:{port}"
    request = client.build_request(
        method,
        parsed.copy_with(host=address),
        headers={**headers, "host": named},
        extensions={**(extensions or {}), "sni_hostname": host},
        **body,
    )
    return await client.send(request, stream=True)


def _number(text: str) -> int | None:
    """A number of bytes in a header; None: it is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= NUMBER_CHARS else None


def _opened(path: Path) -> BinaryIO:
    return path.open("wb")


def _emptied(file: BinaryIO) -> None:
    file.seek(0)
    file.truncate()
