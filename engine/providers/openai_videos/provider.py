"""One server of the `/v1/videos` shape as a provider. Its hint `openai-poll-after-ms` is not followed: our own pace is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import stamina

from engine.errors import BadMedia, BadShot, Misunderstood, ProviderError, RateLimited, Refused, Unavailable
from engine.providers.answers import no_source, unavailable, unconfirmed
from engine.providers.base import (
    CancelOutcome,
    Order,
    Prepared,
    Progress,
    Queued,
    Recovery,
    Rendered,
    Rendering,
    Sent,
    Source,
    Taken,
    Work,
)
from engine.providers.catalog import Setup
from engine.providers.given_pictures import given_picture, notes_of
from engine.providers.openai_videos.answers import (
    is_refusal,
    is_video,
    read_content,
    read_ends,
    read_progress,
    read_taken,
)
from engine.providers.openai_videos.lookup import PAGE_ROWS, Candidates, candidates, is_past, read_page
from engine.providers.openai_videos.quirks import Quirks, Route, Variant, own_setup, read_quirks
from engine.providers.openai_videos.requests import Given, content_url, request_of, task_path
from engine.providers.service import Service
from engine.providers.wire import Request

log = logging.getLogger(__name__)

PAGES = 20
"""Of the list that are looked through for one request."""
LOOKS, LOOK_MOST_S = 4, 12.0
"""How often, and how long in all, the video of a finished render is looked for before it is said that there is none."""
LOOK_BYTES = 64 << 10
_ROUTES: Mapping[Work, Route] = {Work.REMIX: "remix", Work.EDIT: "edits", Work.EXTEND: "extensions"}


def open_provider(setup: Setup) -> OpenaiVideos:
    """The provider of this kind.

    Raises:
        CatalogError: its table in nextshot.toml cannot be used.
    """
    return OpenaiVideos(own_setup(setup))


class OpenaiVideos(Service):
    """Renders at one server. A task id is the server's id of the video."""

    def __init__(self, setup: Setup) -> None:
        self.quirks, self._of_model = read_quirks(setup.catalog, setup.name)
        key = setup.settings.get("key", "")
        super().__init__(setup, {self.quirks.key_header: self.quirks.key_prefix + key} if key else {})
        self._found: set[str] = set()
        """Finished renders whose video was looked for."""
        self._keeps = any(can.extend or can.edit or can.remix for can in self.models.values())

    @property
    def recovery(self) -> Recovery:
        """A look-up, where the server lists all that it took."""
        return Recovery.LOOKUP if self.quirks.can_look_up else Recovery.NONE

    async def prepare(self, order: Order, key: str) -> Prepared:
        """The request with its files inside."""
        can = self.model(order).abilities
        quirks = self._quirks_of(order)
        first = await given_picture(order.first_frame, can.picture, "The first frame") if order.first_frame else None
        last = await given_picture(order.last_frame, can.picture, "The last frame") if order.last_frame else None
        references = [await given_picture(path, can.picture, "A reference") for path in order.references]
        video = await self._source_file(order.source, quirks) if order.source else None
        given = Given(first=first, last=last, references=references, video=video)
        request = await asyncio.to_thread(request_of, order, quirks, given, has_sound=can.audio)
        return Prepared(order, key, request, notes_of([first, last, *references]))

    async def submit(self, prepared: Prepared) -> Taken:
        """One POST."""
        answer = await self.wire.create(prepared.request, is_answer=is_refusal)
        return Taken(read_taken(answer, has_source=prepared.order.source is not None))

    async def find(self, sent: Sent) -> str | None:
        """The one render of the list that is like the request.

        Raises:
            RateLimited, Unavailable: ask again.
            Unconfirmed: several could be it, or the list does not tell.
        """
        found = Candidates()
        after = ""
        for _ in range(PAGES):
            params = {**self.quirks.query, "limit": str(PAGE_ROWS), "order": "desc"} | (
                {"after": after} if after else {}
            )
            answer = await self.wire.ask(Request(method="GET", path=self.quirks.path, params=params))
            try:
                page = read_page(answer)
            except Misunderstood as error:
                raise unconfirmed(self.catalog.title, error.detail) from error
            candidates(page, sent, self._quirks_of(sent.order), found)
            after = page.next_after
            if not after or is_past(page, sent):
                break
        else:
            raise unconfirmed(self.catalog.title, f"not found on {PAGES} pages, and there are more")
        if found.possible or len(found.certain) > 1:
            raise unconfirmed(self.catalog.title, f"could be any of {[*found.certain, *found.possible]}"[:500])
        return found.certain[0] if found.certain else None

    async def check(self, task_id: str) -> Progress:
        """One GET. A body that is a video is an answer, whatever its status.

        Where nothing in the answer proves that there is a video, the beginning of it is asked for too: such a server says
        `completed` also of a render that has none.
        """
        request = Request(method="GET", path=task_path(task_id, self.quirks), params=self.quirks.query)
        answer = await self.wire.ask(request, is_answer=is_video)
        content = content_url(self.wire.url, task_id, self.quirks)
        progress = read_progress(answer, self.quirks, content)
        is_proved = bool(self.quirks.proof) or task_id in self._found
        if isinstance(progress, Rendered) and progress.where == content and not is_proved:
            async for attempt in stamina.retry_context(
                on=Refused, attempts=LOOKS, timeout=LOOK_MOST_S, wait_initial=1.0
            ):
                with attempt:
                    await self._look_for_video(task_id)
            self._found.add(task_id)
        return progress

    async def _look_for_video(self, task_id: str) -> None:
        path = task_path(task_id, self.quirks, "/content")
        request = Request(method="GET", path=path, params=self.quirks.query, headers={"range": "bytes=0-0"})
        try:
            read_content(await self.wire.ask(request, limit_bytes=LOOK_BYTES))
        except Unavailable as error:  # it says nothing, or gives all of the video at once: the download decides
            log.info("a video was not looked at provider=%s: %s", self.name, error.detail)

    async def fetch(self, task_id: str, where: str, into: Path) -> None:
        """Write the finished video to `into`."""
        try:
            await super().fetch(task_id, where, into)
        finally:
            self._found.discard(task_id)

    async def fetch_variant(self, task_id: str, variant: Variant, into: Path) -> None:
        """Write the video, its `thumbnail` or its `spritesheet` (both are WebP) to `into`.

        Nothing in a film needs the latter two, so the engine does not ask for them: it is for whoever uses this client by itself.

        Raises:
            BadShot: the server has no such variant.
            RateLimited, Unavailable: ask again.
        """
        if variant not in self.quirks.variants:
            raise BadShot(
                f"{self.catalog.title} has no {variant} of a clip; use the clip itself.", provider=self.catalog.title
            )
        if variant == "video":
            return await self.fetch(task_id, content_url(self.wire.url, task_id, self.quirks), into)
        params = {**self.quirks.query, "variant": variant}
        path = task_path(task_id, self.quirks, "/content")
        answer = await self.wire.ask(Request(method="GET", path=path, params=params))
        if not answer.is_good or not answer.headers.get("content-type", "").lower().startswith("image/"):
            raise unavailable(self.catalog.title, f"no {variant}: {answer.detail}")
        await asyncio.to_thread(into.write_bytes, answer.body)
        return None

    async def cancel(self, task_id: str) -> CancelOutcome:
        """Stop it where a DELETE does so. A finished one is left alone: it would be lost, and stops nothing."""
        if not self.quirks.delete_cancels:
            return CancelOutcome.MAY_STILL_COST
        path = task_path(task_id, self.quirks)
        try:
            seen = await self.wire.ask(Request(method="GET", path=path, params=self.quirks.query), is_answer=is_video)
            if seen.status == 404 and not is_video(seen):
                return CancelOutcome.STOPPED
            progress = read_progress(seen, self.quirks, path)
            if not isinstance(progress, Queued | Rendering):
                return CancelOutcome.MAY_STILL_COST
            gone = await self.wire.ask(Request(method="DELETE", path=path, params=self.quirks.query))
        except ProviderError as error:
            log.info("cancel was not heard provider=%s: %s", self.name, error)
            return CancelOutcome.MAY_STILL_COST
        is_gone = gone.is_good or gone.status == 404
        return CancelOutcome.STOPPED if is_gone else CancelOutcome.MAY_STILL_COST

    async def forget(self, task_id: str) -> None:
        """Delete it, unless a later shot may go on from it there."""
        if "delete" not in self.quirks.routes or self._keeps:
            return
        try:
            request = Request(method="DELETE", path=task_path(task_id, self.quirks), params=self.quirks.query)
            await self.wire.ask(request)
        except (RateLimited, Unavailable) as error:
            log.info("a clip stays at the server provider=%s: %s", self.name, error)

    async def ending(self) -> Mapping[str, date]:
        """The last day of each model of ours that the server says one of. Empty where it says nothing. Never raises.

        The doctor asks: an operator has to hear of it before the model is gone.
        """
        if "models" not in self.quirks.routes:
            return {}
        try:
            told = read_ends(await self.wire.ask(Request(method="GET", path="models", params=self.quirks.query)))
        except ProviderError as error:
            log.info("models were not listed provider=%s: %s", self.name, error)
            return {}
        names = {name: quirks.model or name for name, quirks in self._of_model.items()}
        return {name: told[there] for name, there in names.items() if there in told}

    def _quirks_of(self, order: Order) -> Quirks:
        return self._of_model.get(order.model, self.quirks)

    async def _source_file(self, source: Source, quirks: Quirks) -> bytes | None:
        """The clip that is worked on, where it has to be sent; None: the server has it.

        Raises:
            Refused: the server does not serve that work, or only on clips of its own.
        """
        if _ROUTES[source.work] not in quirks.routes or (source.task_id is None and source.work is Work.REMIX):
            raise no_source(self.catalog.title)
        if source.task_id is not None:
            return None
        try:
            return await asyncio.to_thread(source.video.read_bytes)
        except OSError as error:
            raise BadMedia("The clip's file is missing; send it again.") from error
