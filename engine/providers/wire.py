"""HTTP to one service: safe requests are tried again, a paid one never; keys go to its own host only; nothing secret is logged.

Whoever cannot be connected to has certainly taken nothing. Everything else that goes wrong with a paid request may have been taken.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import stamina
from aiolimiter import AsyncLimiter

from engine.errors import AuthFailed, BadShot, RateLimited, Unavailable
from engine.providers import leaving
from engine.providers.answers import Answer, fault_of_status, misunderstood, redacted, unavailable, unconfirmed
from engine.providers.bodies import chunks, json_body, multipart_body, pieces, save
from engine.providers.catalog import Rate
from engine.providers.download import Download, open_pinned
from engine.providers.hosts import NotPublic, origin_of
from engine.providers.leaving import TooLate, in_time

log = logging.getLogger(__name__)

TRIES = 4
TRIES_S = 30.0
"""All tries of one safe request together."""
PAID_S = 55.0
"""Shorter than what the engine gives a submit, so that the cause is known."""
LARGE_S = 600.0
"""An answer that goes to a file."""
ANSWER_MOST_BYTES = 8 << 20
SECRET_CHARS = 8
"""A shorter value of a header that proves who we are is no secret by itself."""
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_TIMEOUT = httpx.Timeout(30.0, connect=10.0, pool=10.0)
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504, 529})

Auth = Callable[[], Awaitable[Mapping[str, str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request as data. `path` is below the service's address, or a whole URL. `files` are fields of a multipart body."""

    method: str
    path: str
    json: Any = None
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    files: tuple[tuple[str, str, bytes, str], ...] = ()
    """Field, file name, bytes, MIME type."""
    content: bytes | None = None


class Wire:
    """The connection to one service. `service` is its name for people; `key_urls`: further addresses of its own that get the key.

    `trusted`: addresses of the operator's own from which results may be loaded though they are not public.
    """

    def __init__(
        self,
        service: str,
        url: str,
        *,
        auth: Auth | Mapping[str, str],
        secrets: Iterable[str] = (),
        key_urls: Iterable[str] = (),
        trusted: Iterable[str] = (),
        rate: Rate | None = None,
    ) -> None:
        self.service = service
        self.url = url.rstrip("/")
        self.secrets = tuple(secret for secret in secrets if secret)
        self._auth = auth
        self._own = frozenset(origin_of(each) for each in (url, *key_urls))
        self._trusted = frozenset(origin_of(each) for each in trusted)
        self._limiter = AsyncLimiter(rate.count, rate.per_s) if rate else None
        self._rate = rate
        self._clients: dict[bool, httpx.AsyncClient] = {}
        """By whether every request has a connection of its own."""
        self._certificates: ssl.SSLContext | None = None

    async def ask(
        self,
        request: Request,
        *,
        is_answer: Callable[[Answer], bool] | None = None,
        limit_bytes: int = ANSWER_MOST_BYTES,
        into: Path | None = None,
        limit_s: float | None = None,
    ) -> Answer:
        """The answer to a request that costs nothing and may be sent twice; what passes is tried again with growing waits.

        `is_answer` says of an answer with a bad status that it is one all the same. The caller reads other bad ones.
        `into`: a good answer's body is written there, and `body` is empty; for answers that are too large to be held.
        `limit_s`: of one try, where something large goes out.

        Raises:
            RateLimited, Unavailable: it did not get better.
            BadShot: it cannot be written down, so nothing was sent.
        """

        def wait_s(error: Exception) -> bool | float:
            if isinstance(error, RateLimited):
                return error.retry_after_s if error.retry_after_s < TRIES_S / 2 else False
            return isinstance(error, Unavailable)

        tries = stamina.retry_context(on=wait_s, attempts=TRIES, timeout=TRIES_S, wait_initial=0.3, wait_max=5.0)
        async for attempt in tries:
            with attempt:
                return await self._ask_once(request, is_answer, limit_bytes, into, limit_s)
        raise AssertionError  # the last attempt returned or raised

    async def _ask_once(
        self,
        request: Request,
        is_answer: Callable[[Answer], bool] | None,
        limit_bytes: int,
        into: Path | None,
        limit_s: float | None,
    ) -> Answer:
        limit_s = limit_s or (LARGE_S if into else TRIES_S)
        try:
            answer = await self._send(request, limit_bytes, into=into, limit_s=limit_s)
        except (httpx.HTTPError, NotPublic, TimeoutError) as error:
            raise unavailable(self.service, redacted(f"{type(error).__name__}: {error}", self.secrets)) from error
        if answer.status in _AGAIN and not (is_answer and is_answer(answer)):
            raise fault_of_status(answer, is_create=False)
        return answer

    async def create(
        self,
        request: Request,
        *,
        refuses_with: frozenset[int] = frozenset(),
        limit_s: float = PAID_S,
        limit_bytes: int = ANSWER_MOST_BYTES,
        reads_429: bool = False,
        is_answer: Callable[[Answer], bool] | None = None,
    ) -> Answer:
        """The answer to a request that costs money: sent once, on a connection of its own, never repeated.

        `limit_s`: of the whole; beyond `PAID_S` the service may be silent for so long, as where its answer is the result.
        `refuses_with`: 5xx statuses by which the service is documented to have taken nothing.
        `reads_429`: the caller reads these too, as the service says by them more than "too many".
        `is_answer` says of an answer with a bad status that it is one all the same, which the caller reads.

        Raises:
            RateLimited, Unavailable, BadShot: certainly not taken.
            Unconfirmed: it may have been taken.
        """
        if self._limiter is not None and self._rate is not None:
            if not self._limiter.has_capacity():
                raise RateLimited(
                    f"{self.service} takes {self._rate.count} requests in {self._rate.per_s:g} s; this one waits.",
                    retry_after_s=self._rate.per_s / self._rate.count,
                    provider=self.service,
                )
            await self._limiter.acquire()
        try:
            # A kept connection may be closed by the other side just then, and nobody would know whether it had read the request.
            silent_s = limit_s if limit_s > PAID_S else None
            answer = await self._send(request, limit_bytes, is_alone=True, limit_s=limit_s, silent_s=silent_s)
        except (*_NOT_SENT, NotPublic, TooLate) as error:
            raise unavailable(self.service, type(error).__name__) from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise unconfirmed(self.service, type(error).__name__) from error
        if is_answer is not None and is_answer(answer):
            return answer
        if answer.status in refuses_with:
            raise unavailable(self.service, answer.detail)
        if answer.status == 429 and not reads_429:
            raise fault_of_status(answer, is_create=True)
        if answer.status >= 500 or answer.status == 408:
            raise unconfirmed(self.service, answer.detail)
        if 300 <= answer.status < 400:
            raise misunderstood(answer)
        return answer

    async def download(
        self, url: str, into: Path, *, limit_bytes: int, headers: Mapping[str, str] | None = None
    ) -> None:
        """Write the video behind an address to `into`, which is overwritten; see `engine.providers.download`.

        Raises:
            RateLimited, Unavailable: it cannot be had now, or from there: ask for a fresh address.
        """
        await Download(self.service, url, into, limit_bytes).run(
            certificates=await self._ssl(),
            headers_for=lambda each: self._headers_for(each, headers or {}),
            may_load=lambda each: origin_of(each) in self._own | self._trusted,
        )

    async def close(self) -> None:
        """Release the connections."""
        while self._clients:
            _, client = self._clients.popitem()
            await client.aclose()

    async def _headers_for(self, url: str, more: Mapping[str, str]) -> dict[str, str]:
        """The key, for the service's own addresses only."""
        if origin_of(url) not in self._own:
            return {}
        return {**await self.auth_headers(), **more}

    async def auth_headers(self) -> Mapping[str, str]:
        """What proves who we are.

        Raises:
            AuthFailed, Unavailable: of whoever makes it.
        """
        return self._auth if isinstance(self._auth, Mapping) else await self._auth()

    async def _send(
        self,
        request: Request,
        limit_bytes: int,
        *,
        is_alone: bool = False,
        limit_s: float = TRIES_S,
        silent_s: float | None = None,
        into: Path | None = None,
    ) -> Answer:
        try:
            is_whole = request.path.startswith(("https://", "http://"))
            url = request.path if is_whole else urljoin(self.url + "/", request.path.lstrip("/"))
            parsed, origin = httpx.URL(url), origin_of(url)
            if request.params:
                parsed = parsed.copy_merge_params(request.params)
        except (ValueError, httpx.InvalidURL) as error:
            raise NotPublic("what the service names is no address") from error
        auth = await self.auth_headers() if origin in self._own else {}
        headers = {**auth, **request.headers}
        if not all(value.isascii() and value.isprintable() for value in headers.values()):
            raise AuthFailed(
                f"The operator's key for {self.service} has a character that no key has; `nextshot doctor` says what to set.",
                provider=self.service,
            )
        is_pinned = origin not in self._own | self._trusted
        # A kept connection to an address was checked for one name, and the next request to it may be for another.
        client = await self._opened(is_alone or is_pinned)
        body = await self._body(request, headers)
        if silent_s is not None:
            body["timeout"] = httpx.Timeout(silent_s, connect=_TIMEOUT.connect, pool=_TIMEOUT.pool)
        if is_alone:
            body["extensions"] = {"trace": in_time(leaving.LEAVES_S)}
        async with asyncio.timeout(limit_s):
            if is_pinned:
                response = await open_pinned(client, request.method, str(parsed), headers=headers, **body)
            else:
                sent = client.build_request(request.method, parsed, headers=headers, **body)
                response = await client.send(sent, stream=True)
            try:
                if into is not None and response.is_success:
                    had = b""
                    await save(response, into, limit_bytes)
                else:
                    had = b"".join([chunk async for chunk in chunks(response, limit_bytes)])
            finally:
                with suppress(httpx.HTTPError):
                    await response.aclose()
        return Answer(
            status=response.status_code,
            headers={name.lower(): value for name, value in response.headers.items()},
            body=had,
            service=self.service,
            secrets=(*self.secrets, *_secrets_in(auth)),
        )

    async def _body(self, request: Request, headers: dict[str, str]) -> dict[str, Any]:
        """How httpx is given the body; its length and kind go into `headers`, which say them themselves where they know better."""
        try:
            if request.json is not None:
                parts, kind = await asyncio.to_thread(json_body, request.json)
            elif request.files or request.form:
                parts, kind = await asyncio.to_thread(multipart_body, request.form, request.files)
            elif request.content is not None:
                parts, kind = [request.content], ""
            else:
                return {}
        except ValueError as error:
            raise BadShot(
                f"The words or values have a character in them that cannot be sent to {self.service}: write them anew.",
                provider=self.service,
                detail=type(error).__name__,
            ) from error
        if kind and "content-type" not in {name.lower() for name in headers}:
            headers["content-type"] = kind
        headers["content-length"] = str(sum(map(len, parts)))
        return {"content": pieces(parts)}

    async def _opened(self, is_alone: bool) -> httpx.AsyncClient:
        if is_alone not in self._clients:
            limits = httpx.Limits(max_connections=100, max_keepalive_connections=0 if is_alone else 20)
            certificates = await self._ssl()
            self._clients[is_alone] = httpx.AsyncClient(timeout=_TIMEOUT, verify=certificates, limits=limits)
        return self._clients[is_alone]

    async def _ssl(self) -> ssl.SSLContext:
        if self._certificates is None:  # reading them takes a while
            self._certificates = await asyncio.to_thread(_certificates)
        return self._certificates


@functools.cache
def _certificates() -> ssl.SSLContext:
    """What tells a true host; the same for all services."""
    return httpx.create_ssl_context()


def _secrets_in(auth: Mapping[str, str]) -> list[str]:
    """What proves who we are, as far as a service could repeat it: whole, and without the word before it."""
    values = [part for value in auth.values() for part in (value, value.rpartition(" ")[2])]
    return [value for value in dict.fromkeys(values) if len(value) >= SECRET_CHARS]
