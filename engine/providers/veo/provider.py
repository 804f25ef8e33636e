"""Renders with Veo on Vertex: no list, no cancel, no delete, no webhook, no progress.

A render is an operation, which `fetchPredictOperation` reads: a POST that only looks. Its video lies in the operator's folder of
Cloud Storage, or in the answer.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from engine.abilities import Quote
from engine.errors import BadShot, ProviderError
from engine.providers.answers import misunderstood
from engine.providers.base import Order, Prepared, Progress, Rendered, Source, Taken
from engine.providers.catalog import Model, Setup
from engine.providers.download import MOST_BYTES
from engine.providers.given_pictures import given_picture, notes_of
from engine.providers.google_auth import GoogleLogin
from engine.providers.google_storage import stored_url
from engine.providers.inline_video import INLINE, lean_answer
from engine.providers.service import Service
from engine.providers.veo.answers import read_progress, read_taken, video_of
from engine.providers.veo.requests import Given, body_of, check_order, look_request
from engine.providers.wire import Request


def open_provider(setup: Setup) -> VeoProvider:
    """The provider of this kind, at the address of its location."""
    location = setup.settings.get("location") or str(setup.catalog.wire["location"])
    host = "aiplatform.googleapis.com" if location == "global" else f"{location}-aiplatform.googleapis.com"
    url = setup.settings.get("url") or f"https://{host}"
    project = quote(setup.settings.get("project", ""), safe="")
    path = f"v1/projects/{project}/locations/{quote(location, safe='')}/publishers/google/models"
    return VeoProvider(replace(setup, settings={**setup.settings, "url": url}), path)


class VeoProvider(Service):
    """Renders with Veo. A task id is the operation's name. `models_path` is where its models are."""

    def __init__(self, setup: Setup, models_path: str) -> None:
        settings = setup.settings
        self._storage_url = (settings.get("storage_url") or str(setup.catalog.wire["storage_url"])).rstrip("/")
        self._models_path = models_path
        login = GoogleLogin(setup.catalog.title, settings.get("credentials", ""))
        super().__init__(setup, login.headers, key_urls=(self._storage_url,))

    async def quote(self, order: Order) -> Quote:
        """By the catalog; an extension has a length of its own."""
        model = self.catalog.models.get(order.model)
        if model is not None and order.source is not None:
            order = replace(order, seconds=float(model.wire["extend_makes_s"]))
        return await super().quote(order)

    async def prepare(self, order: Order, key: str) -> Prepared:
        """The request, with its pictures inside."""
        model = self.model(order)
        check_order(order, model, self.catalog.title)
        await self.wire.auth_headers()  # a login that does not work is found before anything is paid
        limits = model.abilities.picture
        first = await given_picture(order.first_frame, limits, "The first frame") if order.first_frame else None
        last = await given_picture(order.last_frame, limits, "The last frame") if order.last_frame else None
        references = [await given_picture(path, limits, "A reference") for path in order.references]
        video = await self._video(order.source, model) if order.source else None
        given = Given(first=first, last=last, references=references, video=video)
        path = f"{self._models_path}/{quote(order.model, safe='')}:predictLongRunning"
        body = await asyncio.to_thread(body_of, order, given, self.setup.settings.get("gcs_uri", ""))
        request = Request(method="POST", path=path, json=body)
        return Prepared(order, key, request, notes_of([first, last, *references]))

    async def submit(self, prepared: Prepared) -> Taken:
        """One POST."""
        return Taken(read_taken(await self.wire.create(prepared.request, reads_429=True)))

    async def check(self, task_id: str) -> Progress:
        """One POST that only looks."""
        async with lean_answer(self.wire, look_request(task_id)) as (answer, _):
            return read_progress(answer)

    async def fetch(self, task_id: str, where: str, into: Path) -> None:
        """From the operator's folder, or out of the answer itself, which is asked for again."""
        if where != INLINE:
            await self.wire.download(stored_url(self._storage_url, where), into, limit_bytes=MOST_BYTES)
            return
        async with lean_answer(self.wire, look_request(task_id)) as (answer, strings):
            read_progress(answer)
            video = video_of(answer.table())
            data = video.get("bytesBase64Encoded") if video else None
            if not isinstance(data, str):
                raise misunderstood(answer)
            await strings.write(data, into, self.catalog.title)

    async def _video(self, source: Source, model: Model) -> Mapping[str, str]:
        """The clip where Google has it in the operator's folder, else its bytes."""
        if source.task_id is not None:
            try:
                progress = await self.check(source.task_id)
            except ProviderError as error:
                if error.retryable:
                    raise
            else:
                if isinstance(progress, Rendered) and progress.where.startswith("gs://"):
                    return {"gcsUri": progress.where, "mimeType": "video/mp4"}
        data = await asyncio.to_thread(source.video.read_bytes)
        if len(data) > int(model.wire["extend_most_bytes"]):
            raise BadShot(
                f"The clip is too large to be extended by {self.catalog.title}; /continue from its last frame instead.",
                provider=self.catalog.title,
            )
        encoded = await asyncio.to_thread(lambda: base64.b64encode(data).decode("ascii"))
        return {"bytesBase64Encoded": encoded, "mimeType": "video/mp4"}
