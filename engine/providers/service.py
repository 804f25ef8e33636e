"""What all services have in common: a catalog, a wire, a price from the catalog, and the way an opened one is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from engine.abilities import Abilities, Pace, Quote, quote
from engine.errors import ModelRetired
from engine.providers.base import CancelOutcome, Order, Recovery, Sent, Work
from engine.providers.catalog import Model, Setup
from engine.providers.download import MOST_BYTES
from engine.providers.wire import Auth, Wire


class Service:
    """A provider that is a web service, as far as it does not differ from the others. A subclass has prepare, submit, check."""

    def __init__(self, setup: Setup, auth: Auth | Mapping[str, str], *, key_urls: Iterable[str] = ()) -> None:
        self.setup = setup
        self.catalog = setup.catalog
        secrets = [
            setup.settings[name]
            for name, need in setup.catalog.needs.items()
            if need.is_secret and name in setup.settings
        ]
        self.wire = Wire(
            setup.catalog.title,
            setup.url,
            auth=auth,
            secrets=secrets,
            key_urls=key_urls,
            trusted=setup.settings.get("results_from", "").split(),
            rate=setup.catalog.rate,
        )

    @property
    def name(self) -> str:
        return self.setup.name

    @property
    def models(self) -> Mapping[str, Abilities]:
        return self.catalog.abilities

    @property
    def pace(self) -> Pace:
        return self.catalog.pace

    @property
    def recovery(self) -> Recovery:
        return Recovery.NONE

    def model(self, order: Order) -> Model:
        """The catalog's row for what is ordered.

        Raises:
            ModelRetired: it was taken out since the shot was made.
        """
        found = self.catalog.models.get(order.model)
        if found is None:
            raise ModelRetired(
                f"{self.name} has no model {order.model!r} any more; choose another one, /models lists them.",
                provider=self.catalog.title,
            )
        return found

    async def quote(self, order: Order) -> Quote:
        """By the catalog. A clip that is changed keeps its length, whatever the shot's is."""
        model = self.catalog.models.get(order.model)
        if model is None:
            return Quote(None)
        pictures = len(order.references) + sum(frame is not None for frame in (order.first_frame, order.last_frame))
        source = order.source
        return quote(
            model.abilities.price,
            seconds=source.seconds if source is not None and source.work is Work.EDIT else order.seconds,
            resolution=order.resolution,
            is_silent=order.is_silent,
            pictures=pictures,
            source_seconds=source.seconds if source is not None else 0,
        )

    async def find(self, sent: Sent) -> str | None:
        """Not asked for where nothing can be looked up."""
        del sent
        return None

    async def fetch(self, task_id: str, where: str, into: Path) -> None:
        """Write the finished video to `into`. Raises Unavailable: ask again, with a fresh address."""
        del task_id
        await self.wire.download(where, into, limit_bytes=MOST_BYTES)

    async def cancel(self, task_id: str) -> CancelOutcome:
        """The service cannot be told to stop."""
        del task_id
        return CancelOutcome.MAY_STILL_COST

    async def forget(self, task_id: str) -> None:
        """The service keeps nothing that could be dropped."""
        del task_id

    async def close(self) -> None:
        await self.wire.close()


def bearer(setup: Setup) -> Mapping[str, str]:
    """The header of most services."""
    return {"authorization": f"Bearer {setup.settings.get('key', '')}"}
