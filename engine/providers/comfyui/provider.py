"""ComfyUI: https://docs.comfy.org/development/comfyui-server/comms_routes. Free; its history is in memory and ends with it.

The id of a job is made of our key, so a lost request is looked up in the queue and the history. An old server chooses the id
itself; there the key, which travels in the job's extra data, finds it. A server that was started anew lists nothing, and that is
true: it runs nothing either.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any

from engine.errors import ProviderError, RenderFailed
from engine.providers.answers import Answer, auth_failed, fault_of_status, unavailable, upload_fault
from engine.providers.base import CancelOutcome, Order, Prepared, Progress, Queued, Recovery, Rendering, Sent, Taken
from engine.providers.catalog import CatalogError, Setup
from engine.providers.comfyui import requests
from engine.providers.comfyui.answers import (
    Queue,
    forgotten,
    not_understood,
    read_history,
    read_jobs,
    read_queue,
    read_taken,
)
from engine.providers.comfyui.installed import fault_of_graph, read_info
from engine.providers.comfyui.progress import ProgressListener
from engine.providers.comfyui.workflows import plan_of, samplers_of
from engine.providers.given_pictures import GivenPicture, given_picture, notes_of
from engine.providers.hosts import origin_of
from engine.providers.reading import text_of
from engine.providers.service import Service, bearer
from engine.providers.wire import Request

KNOWN_S = 60.0
"""How long what the server said of a class of nodes is believed; files are added seldom."""
LISTS_MOST_BYTES = 64 << 20
"""Of the queue or the history: every job in them is listed with its whole graph."""


def open_provider(setup: Setup) -> ComfyProvider:
    """The provider of this kind.

    Raises:
        CatalogError: the address, a workflow or a mapping cannot be used.
    """
    try:
        origin_of(setup.url)
    except ValueError as error:
        setting = f"NEXTSHOT_{setup.name.upper()}_URL"
        raise CatalogError(f"{setting} has to be an address as http://127.0.0.1:8188, without a name in it.") from error
    return ComfyProvider(setup)


class ComfyProvider(Service):
    """Renders with the operator's own server. A task id is the job's `prompt_id`."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup, bearer(setup) if "key" in setup.settings else {})
        self._plans = {name: plan_of(setup.name, name, model) for name, model in setup.catalog.models.items()}
        self._client_id = uuid.uuid4().hex
        self._infos: dict[str, tuple[float, Mapping[str, Any] | None]] = {}
        self.progress = ProgressListener(setup.url, self._client_id, setup.name, self.wire.auth_headers)

    @property
    def recovery(self) -> Recovery:
        return Recovery.LOOKUP

    async def prepare(self, order: Order, key: str) -> Prepared:
        """The graph with the order in it; what the server lacks is said here, before anything is queued."""
        limits = self.model(order).abilities.picture
        plan = self._plans[order.model]
        workflow = plan.workflow_for(order)
        infos = {kind: await self._info(kind) for kind in {each["class_type"] for each in workflow.graph.values()}}
        service = self.catalog.title
        if fault := fault_of_graph(workflow, infos, service=service, model=order.model, files=plan.files):
            raise fault
        first = await given_picture(order.first_frame, limits, "The first frame") if order.first_frame else None
        last = await given_picture(order.last_frame, limits, "The last frame") if order.last_frame else None
        first_name = await self._uploaded(first) if first else ""
        last_name = await self._uploaded(last) if last else ""
        graph = requests.filled(workflow, requests.values_of(order, plan, key, first=first_name, last=last_name))
        request = requests.prompt_request(graph, key, self._client_id, plan.output)
        return Prepared(order, key, request, notes_of([first, last]))

    async def submit(self, prepared: Prepared) -> Taken:
        """One POST, under an id of our own."""
        request: Request = prepared.request
        samplers = samplers_of(request.json["prompt"])
        asked_id: str = request.json["prompt_id"]
        self.progress.watch(asked_id, samplers)
        try:
            answer = await self.wire.create(request)
            task_id = read_taken(answer, model=prepared.order.model, files=self._plans[prepared.order.model].files)
        except ProviderError:
            self.progress.drop(asked_id)
            raise
        if task_id != asked_id:
            self.progress.watch(task_id, samplers)
            self.progress.drop(asked_id)
        return Taken(task_id)

    async def find(self, sent: Sent) -> str | None:
        """By our id, or by our key where the server chose the id.

        The queue is looked at first, as jobs go from there to the history.
        """
        ours = requests.prompt_id_of(sent.key)
        queue = read_queue(await self._listed(requests.queue_request()))
        jobs = [*queue.running, *queue.waiting, *read_jobs(await self._listed(requests.history_request(ours)))]
        if not any(ours == job.id or sent.key == job.key for job in jobs):
            jobs = list(read_jobs(await self._listed(requests.last_jobs_request())))
        return next((job.id for job in jobs if ours == job.id or sent.key == job.key), None)

    async def check(self, task_id: str) -> Progress:
        """The history, then the queue; then the history again, as the job may have gone there in between."""
        for _ in range(2):
            try:
                done = read_history(await self.wire.ask(requests.history_request(task_id)), task_id, self.wire.url)
            except ProviderError:
                self.progress.drop(task_id)
                raise
            if done is not None:
                self.progress.drop(task_id)
                return done
            queue = await self._queue()
            if any(job.id == task_id for job in queue.running):
                return Rendering(self.progress.percent(task_id))
            for place, job in enumerate(queue.waiting, start=1):
                if job.id == task_id:
                    return Queued(place)
        self.progress.drop(task_id)
        raise forgotten(self.catalog.title)

    async def cancel(self, task_id: str) -> CancelOutcome:
        """Taken out of the queue, or interrupted at the end of the node that runs. What is done cannot be stopped."""
        self.progress.drop(task_id)
        answer = await self.wire.ask(requests.cancel_request(task_id))
        if answer.status in {404, 405}:
            await self._cancel_at_an_old_server(task_id)
        elif not answer.is_good:
            raise fault_of_status(answer, is_create=False)
        goes_on = answer.is_good and answer.said.get("cancelled") is False
        try:
            done = read_history(await self.wire.ask(requests.history_request(task_id)), task_id, self.wire.url)
        except RenderFailed:
            return CancelOutcome.STOPPED
        return CancelOutcome.MAY_STILL_COST if done or goes_on else CancelOutcome.STOPPED

    async def forget(self, task_id: str) -> None:
        """Out of the history. The files stay in the server's folders: it has no route that removes one."""
        self.progress.drop(task_id)
        await self.wire.ask(requests.forget_request(task_id))

    async def close(self) -> None:
        await self.progress.close()
        await super().close()

    async def _cancel_at_an_old_server(self, task_id: str) -> None:
        await self.wire.ask(requests.unqueue_request(task_id))
        if any(job.id == task_id for job in (await self._queue()).running):
            await self.wire.ask(requests.interrupt_request(task_id))

    async def _listed(self, request: Request) -> Answer:
        """The answer to a look-up, which says nothing where it is not a good one."""
        answer = await self.wire.ask(request, limit_bytes=LISTS_MOST_BYTES)
        if answer.is_good:
            return answer
        if answer.status in {401, 403}:
            raise auth_failed(answer)
        raise unavailable(self.catalog.title, answer.detail)

    async def _queue(self) -> Queue:
        return read_queue(await self.wire.ask(requests.queue_request(), limit_bytes=LISTS_MOST_BYTES))

    async def _info(self, kind: str) -> Mapping[str, Any] | None:
        """What the server knows of a class of nodes; None: nothing."""
        now = time.monotonic()
        if kind not in self._infos or self._infos[kind][0] < now:
            answer = await self.wire.ask(requests.info_request(kind))
            if not answer.is_good:
                raise upload_fault(answer)  # as nothing was asked for yet here either
            self._infos[kind] = (now + KNOWN_S, read_info(answer.table(), kind))
        return self._infos[kind][1]

    async def _uploaded(self, picture: GivenPicture) -> str:
        """The name by which a graph calls it: the one that the server gave."""
        answer = await self.wire.ask(requests.upload_request(picture))
        if not answer.is_good:
            raise upload_fault(answer)
        said = answer.table()
        name, folder = text_of(said.get("name")), text_of(said.get("subfolder"))
        if not name:
            raise not_understood(answer)
        return f"{folder}/{name}" if folder else name
