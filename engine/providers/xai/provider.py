"""Grok Imagine, as a provider. A lost answer cannot be looked up: xAI lists nothing and takes no id of ours."""

from __future__ import annotations

import asyncio

from engine.errors import Lost, Misunderstood, Refused, RenderFailed, Withheld
from engine.providers.answers import no_source
from engine.providers.base import Order, Prepared, Progress, Rendered, Source, Taken
from engine.providers.catalog import Setup
from engine.providers.given_pictures import given_picture, notes_of
from engine.providers.reading import in_path
from engine.providers.service import Service, bearer
from engine.providers.wire import Request
from engine.providers.xai.answers import read_progress, read_taken
from engine.providers.xai.requests import check_order, request_of, shape_note


def open_provider(setup: Setup) -> XaiProvider:
    """The provider of this kind."""
    return XaiProvider(setup)


class XaiProvider(Service):
    """Renders with Grok Imagine. A task id is the request's."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup, bearer(setup))

    async def prepare(self, order: Order, key: str) -> Prepared:
        """The request, with its pictures inside."""
        model = self.model(order)
        service, limits = self.catalog.title, model.abilities.picture
        check_order(order, model, self.catalog.wire, service)
        first = await given_picture(order.first_frame, limits, "The first frame") if order.first_frame else None
        references = [await given_picture(path, limits, "A reference") for path in order.references]
        video_url = await self._video_url(order.source) if order.source else ""
        notes = (*notes_of([first, *references]), *shape_note(order, first))
        request = await asyncio.to_thread(request_of, order, first, references, video_url)
        return Prepared(order, key, request, notes)

    async def submit(self, prepared: Prepared) -> Taken:
        """One POST."""
        return Taken(read_taken(await self.wire.create(prepared.request, reads_429=True)))

    async def check(self, task_id: str) -> Progress:
        """One GET."""
        return read_progress(await self.wire.ask(Request(method="GET", path=f"videos/{in_path(task_id)}")))

    async def _video_url(self, source: Source) -> str:
        """Where xAI has the clip that is gone on from or changed; its address there is short-lived, so it is asked for anew."""
        if source.task_id is not None:
            try:
                progress = await self.check(source.task_id)
            except (Lost, Misunderstood, Refused, RenderFailed, Withheld) as error:
                raise no_source(self.catalog.title) from error
            if isinstance(progress, Rendered):
                return progress.where
        raise no_source(self.catalog.title)
