"""MiniMax's video API, version 2: create, query, list, cancel, delete."""

from __future__ import annotations

import logging
from dataclasses import replace

from engine.errors import ProviderError, Unconfirmed
from engine.providers.answers import Answer, misunderstood
from engine.providers.base import CancelOutcome, Order, Prepared, Progress, Recovery, Sent, Taken
from engine.providers.catalog import Setup
from engine.providers.given_pictures import given_picture, notes_of
from engine.providers.minimax.answers import could_be, read_list, read_progress, read_taken, since_of, task_of
from engine.providers.minimax.requests import Given, request_of
from engine.providers.reading import in_path, text_of
from engine.providers.service import Service, bearer
from engine.providers.wire import Request

log = logging.getLogger(__name__)

PAGES = 20
PAGE_ROWS = 100


class MinimaxProvider(Service):
    """Renders with H3. A task id is MiniMax's."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup, bearer(setup))

    @property
    def recovery(self) -> Recovery:
        """By the list of tasks; see `find`."""
        return Recovery.LOOKUP

    async def prepare(self, order: Order, key: str) -> Prepared:
        """The request with its pictures inside, which share what a request may have."""
        model = self.model(order)
        count = len(order.references) + sum(frame is not None for frame in (order.first_frame, order.last_frame))
        share = int(self.catalog.wire["pictures_most_bytes"]) // max(1, count)
        limits = model.abilities.picture
        limits = replace(limits, max_bytes=min(limits.max_bytes, share))
        given = Given(
            first=await given_picture(order.first_frame, limits, "The first frame") if order.first_frame else None,
            last=await given_picture(order.last_frame, limits, "The last frame") if order.last_frame else None,
            references=[await given_picture(path, limits, "A reference") for path in order.references],
        )
        notes = notes_of([given.first, given.last, *given.references])
        return Prepared(order, key, request_of(order, model, given), notes)

    async def submit(self, prepared: Prepared) -> Taken:
        """One POST."""
        return Taken(read_taken(await self.wire.create(prepared.request)))

    async def find(self, sent: Sent) -> str | None:
        """Whether the request was taken: the list has every task, also what waits, and does not say its prompt.

        So what is not in it was not taken, and what could be it may be somebody else's all the same.

        Raises:
            RateLimited, Unavailable: ask again.
            Unconfirmed: there is a task that could be it, or the list is too long.
        """
        service = self.catalog.title
        seen: set[str] = set()
        for page in range(1, PAGES + 1):
            params = {
                "page_num": str(page),
                "page_size": str(PAGE_ROWS),
                "filter.model": sent.order.model,
                "filter.task_type": "generation",
            }
            answer = await self.wire.ask(Request(method="GET", path="v2/query/video_generation", params=params))
            tasks, total = read_list(answer)
            since = since_of(answer, sent)
            if any(could_be(task, sent, since) for task in tasks):
                raise Unconfirmed(f"{service} has a task that could be it.", provider=service)
            before = len(seen)
            seen |= {text_of(task.get("id")) for task in tasks}
            if len(seen) >= total:
                return None
            if len(seen) == before:
                raise misunderstood(answer, "a list that ends too early")
        raise Unconfirmed(f"{service} lists too many tasks to look through.", provider=service)

    async def check(self, task_id: str) -> Progress:
        """One GET."""
        return read_progress(await self._task(task_id))

    async def cancel(self, task_id: str) -> CancelOutcome:
        """Take it out of the queue. What has begun cannot be stopped, and deleting what is done would lose a paid clip.

        https://platform.minimax.io/docs/api-reference/video-generation-v2-delete
        """
        answer = await self._task(task_id)
        status = text_of(task_of(answer).get("status")) if answer.is_good else ""
        if status == "cancelled":
            return CancelOutcome.STOPPED
        if status != "queued":  # also where it failed: whether that is charged is not documented
            return CancelOutcome.MAY_STILL_COST
        deleted = await self.wire.ask(_delete(task_id))
        done = text_of(deleted.table().get("action")) if deleted.is_good else ""
        return CancelOutcome.STOPPED if done in {"cancel", "cancelled"} else CancelOutcome.MAY_STILL_COST

    async def forget(self, task_id: str) -> None:
        """Delete the record of what is over; what runs or was cancelled stays, and goes after seven days."""
        try:
            await self.wire.ask(_delete(task_id))
        except ProviderError as error:
            log.info("record stays provider=%s task=%s: %s", self.name, task_id, error.detail)

    async def _task(self, task_id: str) -> Answer:
        return await self.wire.ask(Request(method="GET", path=f"v2/query/video_generation/{in_path(task_id)}"))


def _delete(task_id: str) -> Request:
    return Request(method="DELETE", path=f"v2/video_generation/{in_path(task_id)}")
