"""The provider on getimg.ai's API: a look at what its model can do, one paid POST, looks. No list, no cancel, no webhook."""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal
from typing import Any

from engine.abilities import Quote
from engine.errors import ProviderError
from engine.providers.base import Order, Prepared, Progress, Taken
from engine.providers.catalog import Model, Setup
from engine.providers.getimg.answers import fault_of, read_progress, read_taken
from engine.providers.getimg.offers import Offer, check_offer, read_offer, usd_of
from engine.providers.given_pictures import GivenPicture, given_picture, notes_of
from engine.providers.reading import amount_of, in_path
from engine.providers.service import Service, bearer
from engine.providers.wire import Request
from engine.providers.wordings import WireTable, check_wires

OFFER_S = 3_600.0
"""How long what a model can do is taken for true."""
QUOTE_S = 5.0
"""How long a person waits for a price."""
_ROUTE = "v2/videos/generations"


def open_provider(setup: Setup) -> GetimgProvider:
    """The provider of this kind. Raises CatalogError: the operator's table has a word that is none."""
    check_wires(setup.catalog, setup.name, service=None, row=RowWire)
    return GetimgProvider(setup)


class RowWire(WireTable):
    """What may stand in a model's `wire`."""

    sound: bool = False
    """It has a field for sound."""


class GetimgProvider(Service):
    """Renders with the models of getimg.ai. A task id is the generation's."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup, bearer(setup))
        self._offers: dict[str, tuple[float, Offer]] = {}

    async def prepare(self, order: Order, key: str) -> Prepared:
        """The request, with its pictures inside, after the service was asked whether its model can do it."""
        model = self.model(order)
        check_offer(order, await self._offer(order.model), self.catalog.title)
        limits = model.abilities.picture
        first = await given_picture(order.first_frame, limits, "The first frame") if order.first_frame else None
        last = await given_picture(order.last_frame, limits, "The last frame") if order.last_frame else None
        return Prepared(order, key, request_of(order, model, first, last), notes_of([first, last]))

    async def submit(self, prepared: Prepared) -> Taken:
        """One POST."""
        return Taken(read_taken(await self.wire.create(prepared.request, reads_429=True)))

    async def check(self, task_id: str) -> Progress:
        """One GET."""
        return read_progress(await self.wire.ask(Request(method="GET", path=f"{_ROUTE}/{in_path(task_id)}")))

    async def quote(self, order: Order) -> Quote:
        """By the service's own rates; by the catalog where it has none or cannot be asked in time."""
        try:
            async with asyncio.timeout(QUOTE_S):
                usd = usd_of(order, await self._offer(order.model))
        except (ProviderError, TimeoutError):
            usd = None
        return await super().quote(order) if usd is None else Quote(usd)

    async def balance_usd(self) -> Decimal | None:
        """What the operator's account holds, in US dollars; None: it does not say.

        Raises:
            AuthFailed, RateLimited, Unavailable, Misunderstood
        """
        answer = await self.wire.ask(Request(method="GET", path="v2/billing/balance"))
        if not answer.is_good:
            raise fault_of(answer, is_create=False)
        return amount_of(answer.table().get("balance"))

    async def _offer(self, model: str) -> Offer:
        """What the service says of a model, not older than `OFFER_S`. Raises ModelRetired: it does not know the model."""
        now_s = time.monotonic()
        read_s, offer = self._offers.get(model, (now_s - OFFER_S, Offer()))
        if now_s - read_s < OFFER_S:
            return offer
        offer = read_offer(await self.wire.ask(Request(method="GET", path=f"v2/models/{in_path(model)}")))
        self._offers[model] = (now_s, offer)
        return offer


def request_of(order: Order, model: Model, first: GivenPicture | None, last: GivenPicture | None) -> Request:
    """The paid request."""
    body: dict[str, Any] = {
        "model": order.model,
        "prompt": order.prompt,
        "aspect_ratio": order.ratio,
        "resolution": order.resolution,
        "duration": int(order.seconds),
    }
    if model.wire.get("sound"):
        body["sound"] = not order.is_silent
    roles = (("first_frame", first), ("last_frame", last))
    images = [{"role": role, "url": picture.data_uri} for role, picture in roles if picture is not None]
    if images:
        body["images"] = images
    return Request(method="POST", path=_ROUTE, json=body)
