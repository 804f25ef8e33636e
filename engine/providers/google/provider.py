"""Renders with Gemini Omni through the Interactions API. It can be told to stop and to forget; it has no list of renders."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from engine.errors import BadShot, Lost, Misunderstood, ProviderError, RenderFailed, Unavailable
from engine.providers.answers import Answer, misunderstood
from engine.providers.base import CancelOutcome, Hook, Order, Prepared, Progress, Rendered, Rendering, Source, Taken
from engine.providers.catalog import Model, Setup
from engine.providers.download import MOST_BYTES
from engine.providers.given_pictures import given_picture, notes_of
from engine.providers.google.answers import is_extendable, read_file, read_progress, read_taken, read_uploaded, video_of
from engine.providers.google.hooks import Hooks
from engine.providers.google.requests import (
    REVISION,
    Given,
    Place,
    bytes_request,
    check_seconds,
    create_request,
    place_of,
    upload_request,
)
from engine.providers.google_auth import GoogleLogin
from engine.providers.google_errors import fault_of
from engine.providers.google_storage import stored_url
from engine.providers.inline_video import INLINE, LongStrings, lean_answer
from engine.providers.service import Service
from engine.providers.wire import Request


def open_provider(setup: Setup) -> GoogleProvider:
    """The provider of this kind: with a key, or in a project of Google Cloud."""
    place = place_of(setup)
    return GoogleProvider(replace(setup, settings={**setup.settings, "url": place.url}), place)


class GoogleProvider(Service):
    """A task id is the interaction's, which a later extension builds on as long as Google has it."""

    def __init__(self, setup: Setup, place: Place) -> None:
        if place.is_cloud:
            login = GoogleLogin(setup.catalog.title, setup.settings.get("credentials", ""))
            super().__init__(setup, login.headers, key_urls=(place.storage_url,))
        else:
            super().__init__(setup, {"x-goog-api-key": setup.settings.get("key", "")})
        self._place = place
        self._hooks = Hooks(self.wire)
        self._prices: Mapping[str, Mapping[str, Any]] = {
            said: model.wire.get("usd_per_million_tokens", {})
            for name, model in setup.catalog.models.items()
            for said in (name, model.wire.get("cloud_name", name))
        }

    async def prepare(self, order: Order, key: str) -> Prepared:
        """The request with its pictures inside; a clip of elsewhere is uploaded."""
        model = self.model(order)
        check_seconds(order, model, self.catalog.title)
        await self.wire.auth_headers()  # a login that does not work is found before anything is paid
        limits = model.abilities.picture
        first = await given_picture(order.first_frame, limits, "The first frame") if order.first_frame else None
        last = await given_picture(order.last_frame, limits, "The last frame") if order.last_frame else None
        references = [await given_picture(path, limits, "A reference") for path in order.references]
        previous, video = await self._source(order.source, model) if order.source else ("", None)
        given = Given(first=first, last=last, references=references, previous=previous, video=video)
        request = await asyncio.to_thread(create_request, order, model, self._place, given)
        return Prepared(order, key, request, notes_of(given.pictures))

    async def submit(self, prepared: Prepared) -> Taken:
        """One POST."""
        return Taken(read_taken(await self.wire.create(prepared.request, reads_429=True)))

    async def check(self, task_id: str) -> Progress:
        """One GET, and one more for the state of the file when the render is done."""
        async with lean_answer(self.wire, self._get(task_id)) as (answer, _):
            progress = read_progress(answer, self._prices)
        if not isinstance(progress, Rendered) or not progress.where.startswith("files/"):
            return progress
        file = Request(method="GET", path=self._place.file(progress.where))
        return progress if read_file(await self.wire.ask(file)) else Rendering()

    async def fetch(self, task_id: str, where: str, into: Path) -> None:
        """From Google's own file, from the operator's folder, or out of the answer itself, which is asked for again."""
        if where == INLINE:
            async with lean_answer(self.wire, self._get(task_id)) as (answer, strings):
                await self._fetch_inline(answer, strings, into)
            return
        url = where
        if where.startswith("files/"):
            url = f"{self._place.url}/{self._place.file(where)}:download?alt=media"
        elif where.startswith("gs://"):
            url = stored_url(self._place.storage_url, where)
        await self.wire.download(url, into, limit_bytes=MOST_BYTES)

    async def cancel(self, task_id: str) -> CancelOutcome:
        """One POST. It stops, but what had been rendered by then may be charged all the same: nothing is documented."""
        await self.wire.ask(Request(method="POST", path=f"{self._place.interaction(task_id)}/cancel", headers=REVISION))
        return CancelOutcome.MAY_STILL_COST

    async def forget(self, task_id: str) -> None:
        """Delete it, unless an extension can build on it: that needs the render itself. Gone already is as good."""
        if self.setup.settings.get("keep", "").lower() not in {"no", "false", "0", "off"}:
            async with lean_answer(self.wire, self._get(task_id)) as (answer, _):
                if answer.is_good and is_extendable(answer):
                    return
        answer = await self.wire.ask(Request(method="DELETE", path=self._place.interaction(task_id), headers=REVISION))
        if not answer.is_good and answer.status not in {404, 410}:
            raise fault_of(answer, is_create=False)

    async def heard(self, hook: Hook) -> str | None:
        """The task id that a call speaks of; None: it is not signed by Google, or speaks of nothing."""
        return await self._hooks.task_of(hook) if self._place.callback_url else None

    def _get(self, task_id: str) -> Request:
        return Request(method="GET", path=self._place.interaction(task_id), headers=REVISION)

    async def _fetch_inline(self, answer: Answer, strings: LongStrings, into: Path) -> None:
        if not answer.is_good:
            raise fault_of(answer, is_create=False)
        video = video_of(answer.table())
        data = video.get("data") if video else None
        if not isinstance(data, str):
            raise misunderstood(answer)
        await strings.write(data, into, self.catalog.title)

    async def _source(self, source: Source, model: Model) -> tuple[str, Mapping[str, Any] | None]:
        """The render that is built on, or else its clip as a content block."""
        if source.task_id is not None and await self._has(source.task_id):
            return source.task_id, None
        most_s = float(model.wire["upload_most_s"])
        if source.seconds > most_s + 0.1:  # a clip of 10 s may measure a frame more
            raise BadShot(
                f"{self.catalog.title} goes on from clips of at most {most_s:g} s; /continue from the last frame instead.",
                provider=self.catalog.title,
            )
        data = await asyncio.to_thread(source.video.read_bytes)
        if self._place.is_cloud:
            encoded = await asyncio.to_thread(lambda: base64.b64encode(data).decode("ascii"))
            return "", {"type": "video", "mime_type": "video/mp4", "data": encoded}
        return "", {"type": "video", "mime_type": "video/mp4", "uri": await self._upload(data)}

    async def _has(self, task_id: str) -> bool:
        """Whether Google still has a finished render of ours."""
        try:
            return isinstance(await self.check(task_id), Rendered)
        except Lost:
            return await self._is_kept(task_id)
        except ProviderError as error:
            if error.retryable:
                raise
            return False

    async def _is_kept(self, task_id: str) -> bool:
        """Its file is kept for 48 hours, the render itself for 55 days, and that is what an extension needs."""
        async with lean_answer(self.wire, self._get(task_id)) as (answer, _):
            return answer.is_good

    async def _upload(self, data: bytes) -> str:
        """The address of a clip at Google's Files API, as soon as it can be used.

        Raises:
            Unavailable: it takes Google too long now.
            BadShot: it cannot read the clip.
        """
        started = await self.wire.ask(upload_request(self._place, len(data)))
        if not started.is_good:
            raise fault_of(started, is_create=False)
        session = urlsplit(started.headers.get("x-goog-upload-url", ""))
        if not session.path:
            raise misunderstood(started)
        # Only path and question are taken from it: whose host it is, is known.
        answer = await self.wire.ask(bytes_request(f"{session.path}?{session.query}", data))
        name, uri = read_uploaded(answer)
        for _ in range(int(self.catalog.wire["file_looks"])):
            looked = await self.wire.ask(Request(method="GET", path=self._place.file(name)))
            try:
                if read_file(looked):
                    return uri
            except (RenderFailed, Lost, Misunderstood) as error:
                raise BadShot(
                    f"{self.catalog.title} cannot read the clip; /continue from its last frame instead.",
                    provider=self.catalog.title,
                    detail=error.detail,
                ) from error
            await asyncio.sleep(float(self.catalog.wire["file_look_s"]))
        raise Unavailable(
            f"{self.catalog.title} still reads the clip; it goes on by itself.", provider=self.catalog.title
        )
