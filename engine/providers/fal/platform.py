"""fal's platform API: prices, the list of requests, and dropping what was stored: https://fal.ai/docs/platform-apis."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from engine.errors import AuthFailed, ProviderError, Unconfirmed
from engine.providers.answers import fault_of_status
from engine.providers.fal.prices import FAILED_S, FRESH_S, UnitPrice, read_unit_price
from engine.providers.reading import in_path, rows_of
from engine.providers.wire import Request, Wire

log = logging.getLogger(__name__)

PAGES = 5
PAGE_MOST_BYTES = 64 << 20
"""A page holds the inputs of its requests, with the pictures that were inside."""


class Platform:
    """The API at one address, spoken to over the provider's wire."""

    def __init__(self, wire: Wire, url: str) -> None:
        self._wire = wire
        self._url = f"{url.rstrip('/')}/v1/models"
        self._unit_prices: dict[str, tuple[float, UnitPrice | None]] = {}
        self._may_delete = True

    async def unit_price(self, endpoint: str) -> UnitPrice | None:
        """What a unit of this endpoint costs today, asked for once an hour; None: it cannot be had now.

        Raises:
            RateLimited, Unavailable, Misunderstood
        """
        until_s, known = self._unit_prices.get(endpoint, (0.0, None))
        if time.monotonic() < until_s:
            return known
        self._unit_prices[endpoint] = (time.monotonic() + FAILED_S, known)
        request = Request(method="GET", path=f"{self._url}/pricing", params={"endpoint_id": endpoint})
        answer = await self._wire.ask(request)
        found = read_unit_price(answer.table(), endpoint) if answer.is_good else None
        if found is not None:
            self._unit_prices[endpoint] = (time.monotonic() + FRESH_S, found)
        return found

    async def requests(self, endpoint: str, since: datetime) -> list[Mapping[str, Any]]:
        """All requests of an endpoint that fal began since a moment, with their inputs.

        Raises:
            RateLimited, Unavailable: ask again.
            Unconfirmed: the list may not be read, or is too long.
        """
        start = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        params = {"endpoint_id": endpoint, "start": start, "expand": "payloads", "limit": "100"}
        found: list[Mapping[str, Any]] = []
        for _ in range(PAGES):
            request = Request(method="GET", path=f"{self._url}/requests/by-endpoint", params=params)
            answer = await self._wire.ask(request, limit_bytes=PAGE_MOST_BYTES)
            if not answer.is_good:
                fault = fault_of_status(answer, is_create=False)
                if isinstance(fault, AuthFailed):
                    raise Unconfirmed(str(fault), provider=fault.provider, detail=fault.detail) from fault
                raise fault
            page = answer.table()
            cursor = page.get("next_cursor")
            found += rows_of(page.get("items"))
            if not page.get("has_more") or not isinstance(cursor, str):
                return found
            params = {**params, "cursor": cursor}
        raise Unconfirmed(f"{self._wire.service} lists too many requests to look through.", provider=self._wire.service)

    async def drop(self, request_id: str) -> None:
        """Drop input, output and files of a request. Only an administrator's key may; another one is asked for it once."""
        if not self._may_delete:
            return
        try:
            answer = await self._wire.ask(
                Request(method="DELETE", path=f"{self._url}/requests/{in_path(request_id)}/payloads")
            )
        except ProviderError as error:
            log.info("payloads stay service=%s request=%s: %s", self._wire.service, request_id, error.detail)
            return
        self._may_delete = answer.status not in {401, 403}
