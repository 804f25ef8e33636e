"""fal's queue: one request, its status, its result. Every model is a row of the catalog."""

from __future__ import annotations

import asyncio
import json
import time
from collections import OrderedDict
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from engine.abilities import Quote
from engine.errors import EngineError, ProviderError, Unavailable, Unconfirmed
from engine.providers.answers import misunderstood, unavailable, upload_fault
from engine.providers.base import (
    CancelOutcome,
    Hook,
    Order,
    Prepared,
    Progress,
    Queued,
    Recovery,
    Rendering,
    Sent,
    Taken,
)
from engine.providers.catalog import Setup
from engine.providers.fal.answers import Finished, is_result, read_result, read_status, read_taken, request_id_of
from engine.providers.fal.hooks import Keys, is_fresh, request_of_hook
from engine.providers.fal.lookup import has_pictures, is_like, own_words
from engine.providers.fal.platform import Platform
from engine.providers.fal.prices import quote_by
from engine.providers.fal.requests import (
    Pictures,
    Route,
    Wording,
    app_of,
    body_of,
    picture_fields,
    route_of,
    wordings_of,
)
from engine.providers.given_pictures import GivenPicture, given_picture, notes_of
from engine.providers.reading import in_path, text_of
from engine.providers.service import Service
from engine.providers.wire import Request

QUOTE_S = 5.0
"""A price that takes longer to be had is the catalog's."""
EARLIER = timedelta(seconds=60)
"""How far fal's clock may be behind ours."""
HEARD_MOST = 1_000


class FalProvider(Service):
    """Renders with what fal serves. A task id is `<owner>/<app>/requests/<id>`, so that its addresses are all on fal's own host."""

    def __init__(self, setup: Setup) -> None:
        known = setup.catalog.wire
        rest_url, platform_url = (
            (setup.settings.get(name) or str(known[name])).rstrip("/") for name in ("upload_url", "platform_url")
        )
        key = {"authorization": f"Key {setup.settings.get('key', '')}"}
        super().__init__(setup, key, key_urls=(rest_url, platform_url))
        self._rest_url = rest_url
        self._platform = Platform(self.wire, platform_url)
        self._keys = Keys(self.wire, rest_url)
        self._wordings = wordings_of(setup.catalog, setup.name)
        kept = json.dumps({"expiration_duration_seconds": int(known["kept_s"])})
        self._lifecycle = {"x-fal-object-lifecycle-preference": kept}
        self._tasks: OrderedDict[str, str] = OrderedDict()
        """By request id, for what the webhook speaks of: it does not say the app."""

    @property
    def recovery(self) -> Recovery:
        """By the platform API's list of requests with their inputs; see `find`."""
        return Recovery.LOOKUP

    async def quote(self, order: Order) -> Quote:
        """By the catalog, at the level that fal's pricing API tells today."""
        listed = await super().quote(order)
        model = self.catalog.models.get(order.model)
        if model is None:
            return listed
        wording = self._wordings[order.model]
        try:
            route = route_of(order, wording)
            async with asyncio.timeout(QUOTE_S):
                today = await self._platform.unit_price(route.endpoint)
        except (ProviderError, TimeoutError):
            return listed
        if today is None:
            return listed
        return quote_by(listed, model.abilities.price, today, order.seconds, wording.price_at)

    async def prepare(self, order: Order, key: str) -> Prepared:
        """The request; its pictures are inside, or uploaded where they are too large for that."""
        self.model(order)
        wording = self._wordings[order.model]
        route = route_of(order, wording)
        first, last, references = await self._given(order)
        given = [each for each in (first, last, *references) if each is not None]
        is_inline = sum(len(each.data) for each in given) <= int(self.catalog.wire["inline_bytes"])
        where = {id(each): each.data_uri if is_inline else await self._uploaded(each) for each in given}
        pictures = Pictures(
            first=where[id(first)] if first else "",
            last=where[id(last)] if last else "",
            references=tuple(where[id(each)] for each in references),
        )
        request = self._create_request(route, body_of(order, wording, route, pictures))
        return Prepared(order, key, request, notes_of(given))

    async def submit(self, prepared: Prepared) -> Taken:
        """One POST."""
        request = prepared.request
        return Taken(self._seen(read_taken(await self.wire.create(request), self.wire.url, app_of(request.path))))

    async def find(self, sent: Sent) -> str | None:
        """The one request with this very input since then that belongs to no other job.

        Pictures are compared where both are inside the request. Where they are not, a seed tells shots of the same words apart;
        without one nobody can.

        fal lists what it has begun; what it does not list may still wait in its queue. So that it was never taken is never said.

        Raises:
            Unavailable: it is not listed yet; or the list cannot be had.
            Unconfirmed: there are several, or it may be one of other pictures.
        """
        wording = self._wordings.get(sent.order.model)
        service = self.catalog.title
        if wording is None:
            raise Unconfirmed(f"{service} is not set up for {sent.order.model} any more.", provider=service)
        route = route_of(sent.order, wording)
        ours = own_words(sent.order, wording, route)
        listed = await self._platform.requests(route.endpoint, sent.at - EARLIER)
        like = {
            f"{app_of(route.endpoint)}/requests/{request_id_of(item)}": item["json_input"]
            for item in listed
            if is_like(item, route, ours)
        }
        like = {task_id: given for task_id, given in like.items() if task_id not in sent.known}
        pictures = await self._inside(sent.order, wording, route) if like else {}
        shown = {task_id: has_pictures(given, pictures) for task_id, given in like.items()}
        found = [task_id for task_id, has in shown.items() if has is not False]
        sure = [task_id for task_id in found if shown[task_id] or wording.seed]
        if len(found) > 1 or len(sure) < len(found):
            raise Unconfirmed(f"{service} has {len(found)} requests that could be it.", provider=service)
        if not found:
            raise Unavailable(f"{service} does not list the request; it may wait in its queue.", provider=service)
        return self._seen(found[0])

    async def check(self, task_id: str) -> Progress:
        """One GET, and another one for the result."""
        self._seen(task_id)
        status = read_status(await self.wire.ask(Request(method="GET", path=f"{_path(task_id)}/status")))
        if isinstance(status, Queued | Rendering):
            return status
        return read_result(await self.wire.ask(Request(method="GET", path=_path(task_id)), is_answer=is_result), status)

    async def cancel(self, task_id: str) -> CancelOutcome:
        """What waits in the queue is taken out of it; what has begun is told to stop, and may still cost.

        https://fal.ai/docs/inference-api/queue/cancel
        """
        status = Request(method="GET", path=f"{_path(task_id)}/status")
        before = await self.wire.ask(status)
        if not before.is_good:
            return CancelOutcome.MAY_STILL_COST
        answer = await self.wire.ask(Request(method="PUT", path=f"{_path(task_id)}/cancel"))
        if not answer.is_good or not isinstance(read_status(before), Queued):
            return CancelOutcome.MAY_STILL_COST
        after = await self.wire.ask(status)
        if after.status in {404, 410}:
            return CancelOutcome.STOPPED
        now = read_status(after)
        has_stopped = isinstance(now, Finished) and now.error_type == "client_cancelled"
        return CancelOutcome.STOPPED if has_stopped else CancelOutcome.MAY_STILL_COST

    async def forget(self, task_id: str) -> None:
        """Where the key is an administrator's, drop what fal stores of it; else it goes after the catalog's `kept_s`."""
        await self._platform.drop(task_id.rpartition("/")[2])

    async def heard(self, hook: Hook) -> str | None:
        """The task that a call signed by fal speaks of."""
        if not is_fresh(hook, time.time()) or not await self._keys.have_signed(hook):
            return None
        return self._tasks.get(request_of_hook(hook) or "")

    def _create_request(self, route: Route, body: Mapping[str, Any]) -> Request:
        """The paid request.

        fal stores input and output (no `X-Fal-Store-IO: 0`): otherwise a result would be gone an hour after the render, or six
        minutes if it is large, and a lost request could not be found. fal's own retries stay on: they are of its own failures,
        and free. What has not begun when we give up must not begin later: `X-Fal-Request-Timeout` is a limit on the waiting.
        """
        headers = {"x-fal-request-timeout": f"{self.pace.give_up_s:g}", **self._lifecycle}
        params = {"fal_webhook": self.setup.callback_url} if self.setup.callback_url else {}
        return Request(method="POST", path=route.endpoint, json=body, params=params, headers=headers)

    async def _uploaded(self, picture: GivenPicture) -> str:
        """Where fal has the picture now. It names an address of its storage, which takes the bytes without our key."""
        begin = Request(
            method="POST",
            path=f"{self._rest_url}/storage/upload/initiate",
            params={"storage_type": "gcs"},
            json={"file_name": picture.file_name, "content_type": picture.mime},
            headers=self._lifecycle,
        )
        answer = await self.wire.ask(begin)
        if not answer.is_good:
            raise upload_fault(answer)
        said = answer.table()
        upload_url, file_url = text_of(said.get("upload_url")), text_of(said.get("file_url"))
        if "://" not in upload_url or not file_url:
            raise misunderstood(answer)
        put = Request(method="PUT", path=upload_url, content=picture.data, headers={"content-type": picture.mime})
        stored = await self.wire.ask(put)
        if not stored.is_good:  # its 403 speaks of the address, which is asked for anew, and not of the key
            is_final = stored.status in {400, 413, 415, 422}
            raise upload_fault(stored) if is_final else unavailable(self.catalog.title, stored.detail)
        return file_url

    async def _given(self, order: Order) -> tuple[GivenPicture | None, GivenPicture | None, list[GivenPicture]]:
        """First and last frame and references, made to fit."""
        limits = self.model(order).abilities.picture
        first = await given_picture(order.first_frame, limits, "The first frame") if order.first_frame else None
        last = await given_picture(order.last_frame, limits, "The last frame") if order.last_frame else None
        return first, last, [await given_picture(path, limits, "A reference") for path in order.references]

    async def _inside(self, order: Order, wording: Wording, route: Route) -> Mapping[str, Any]:
        """The fields of a request that hold its pictures, as they are where the pictures are inside."""
        try:
            first, last, references = await self._given(order)
        except EngineError:  # a file is gone: then nothing can be compared
            return dict.fromkeys(picture_fields(route), "")
        pictures = Pictures(
            first=first.data_uri if first else "",
            last=last.data_uri if last else "",
            references=tuple(each.data_uri for each in references),
        )
        body = body_of(order, wording, route, pictures)
        return {name: body[name] for name in picture_fields(route) if name in body}

    def _seen(self, task_id: str) -> str:
        request_id = task_id.rpartition("/")[2]
        self._tasks[request_id] = task_id
        self._tasks.move_to_end(request_id)
        while len(self._tasks) > HEARD_MOST:
            self._tasks.popitem(last=False)
        return task_id


def _path(task_id: str) -> str:
    return "/".join(in_path(part) for part in task_id.split("/"))
