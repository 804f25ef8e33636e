"""fal on loopback: queue, REST, platform API and storage, as https://fal.ai/docs and the models' own pages have them.

The inputs of the endpoints are written down here a second time, from the pages of the models and not from our catalog, so that a
wrong row of the catalog is complained about. Storage is on a port of its own, as it is on a host of its own, and sees no key.
The file is long as it is four servers: the queue, the platform, the storage, and whoever signs webhooks.
"""

from __future__ import annotations

import base64
import hashlib
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Self
from uuid import UUID

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from engine.providers.base import Hook
from engine.providers.catalog import Setup
from tests.fakes.services.base import FakeService, FakeTask, No, Shown
from tests.fakes.services.fal_endpoints import ENDPOINTS, wrong_input

_REFUSALS: Mapping[No, tuple[int, Any]] = {
    No.TEXT: (
        422,
        [{"loc": ["body", "prompt"], "msg": "Flagged by a content checker.", "type": "content_policy_violation"}],
    ),
    No.PICTURE: (
        422,
        [{"loc": ["body", "image_url"], "msg": "Flagged by a content checker.", "type": "content_policy_violation"}],
    ),
    No.CREDIT: (403, "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing"),
    No.RATE: (429, "Too many requests"),
    No.KEY: (401, "Cannot access application. Authentication is required."),
    No.SHOT: (422, [{"loc": ["body", "duration"], "msg": "unexpected value", "type": "literal_error", "input": "99"}]),
    No.RETIRED: (404, "Application 'gone' not found"),
}
_REQUEST = "{owner}/{app}/requests/{id}"


class FakeFal(FakeService):
    """The service."""

    kind = "fal"
    cancels: ClassVar[bool] = True
    stops_from: ClassVar[frozenset[Shown]] = frozenset({Shown.QUEUED})
    forgets: ClassVar[bool] = True
    shows: ClassVar[frozenset[Shown]] = frozenset(Shown) - {Shown.WITHHELD}

    def __init__(self) -> None:
        super().__init__()
        self.unit_prices: dict[str, tuple[float, str]] = {}
        """What the pricing API says: price and unit by endpoint."""
        self.is_admin = False
        """Whether the key may delete payloads."""
        self.deleted: list[str] = []
        self.stored: dict[str, bytes] = {}
        """What was uploaded, by name."""
        self.requests: dict[str, Mapping[str, Any]] = {}
        """How each task was asked for: endpoint, query, headers, time."""
        self.listens = False
        """Whether a model stops what it has begun; that is the model's own affair."""
        self.hides = 0
        """How many of the next lists do not show the newest request yet."""
        self.returned_host = ""
        """Where the returned addresses lead; empty: here."""
        self.result: tuple[int, Mapping[str, str], Any] | None = None
        """What the result's address answers, where a test says it."""
        self.status_extra: dict[str, Any] = {}
        """Laid over what the status says."""
        self.signer = Ed25519PrivateKey.generate()
        self._storage_url = ""

    def setup(self, changes: Mapping[str, Any] | None = None, **settings: str) -> Setup:
        """With all three of its addresses, and the storage's as the file host's."""
        own = {
            "upload_url": self.url,
            "platform_url": self.url,
            "results_from": f"{self._files_url} {self._storage_url}",
        }
        return super().setup(changes, **{**own, **settings})

    async def __aenter__(self) -> Self:
        storage = web.Application(client_max_size=64 << 20)
        storage.router.add_put("/{name}", self._store)
        self._storage_url = await self._serve(storage)
        return await super().__aenter__()

    def add_routes(self, app: web.Application) -> None:
        routes = app.router
        routes.add_get("/v1/models/pricing", self._pricing)
        routes.add_get("/v1/models/requests/by-endpoint", self._list)
        routes.add_delete("/v1/models/requests/{id}/payloads", self._delete)
        routes.add_post("/storage/upload/initiate", self._initiate)
        routes.add_get("/.well-known/jwks.json", self._jwks)
        routes.add_get(f"/{_REQUEST}/status", self._status)
        routes.add_get(f"/{_REQUEST}", self._response)
        routes.add_put(f"/{_REQUEST}/cancel", self._cancel)
        routes.add_post("/{endpoint:.+}", self._submit)

    def is_allowed(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == f"Key {self.settings['key']}"

    def is_paid(self, request: web.Request) -> bool:
        return request.method == "POST" and not request.path.startswith("/storage/")

    def new_id(self) -> str:
        return str(UUID(int=0x764CABCF_B745_4B3E_AE38_000000000000 + len(self.tasks) + 1))

    async def _submit(self, request: web.Request) -> web.StreamResponse:
        body, endpoint = await request.json(), request.match_info["endpoint"]
        if endpoint not in ENDPOINTS:
            self.complaints.append(f"no such endpoint: {endpoint}")
        self.complaints += [f"{endpoint}: {wrong}" for wrong in wrong_input(endpoint, body)]
        for value in _strings(body):
            if value.startswith(self._storage_url) and value.rpartition("/")[2] not in self.stored:
                self.complaints.append(f"a picture that was not uploaded: {value}")
        task_id = self.new_id()  # before the answer, which may be lost
        self.requests[task_id] = {
            "endpoint": endpoint,
            "sent_at": datetime.now(UTC).isoformat(),
            "query": dict(request.query),
            "headers": {name.lower(): value for name, value in request.headers.items()},
        }
        return await self.create(request, body, task_id=task_id)

    def accepted(self, task: FakeTask) -> web.Response:
        endpoint = str(self.requests[task.id]["endpoint"])
        base = f"{self.returned_host or self.url}/{'/'.join(endpoint.split('/')[:2])}/requests/{task.id}"
        return web.json_response(
            {
                "status": "IN_QUEUE",
                "request_id": task.id,
                "response_url": base,
                "status_url": f"{base}/status",
                "cancel_url": f"{base}/cancel",
                "queue_position": 0,
                "logs": None,
                "metrics": {},
            }
        )

    async def _status(self, request: web.Request) -> web.Response:
        return self.check(request.match_info["id"])

    def shown(self, task: FakeTask, stage: Shown) -> web.Response:
        task.extra["stage"] = stage
        match stage:
            case Shown.QUEUED:
                return _json({"status": "IN_QUEUE", "request_id": task.id, "queue_position": 0}, 202)
            case Shown.RENDERING:
                return _json({"status": "IN_PROGRESS", "request_id": task.id, "logs": []}, 202)
            case Shown.UNKNOWN_WORD:
                return _json({"status": "PONDERING", "request_id": task.id}, 202)
            case Shown.GONE:
                return _json({"detail": "Request not found"}, 404)
        said: dict[str, Any] = {
            "status": "COMPLETED",
            "request_id": task.id,
            "logs": [],
            "metrics": {"inference_time": 3.7},
        }
        if stage is Shown.FAILED:
            said |= {"error": "Runner died", "error_type": "runner_server_error"}
        if stage is Shown.REFUSED:
            said |= {"error": "Invalid status code: 422"}
        if stage is Shown.CANCELLED:
            said |= {"error": "Request was cancelled", "error_type": "client_cancelled"}
        return _json({**said, **self.status_extra}, 200)

    async def _response(self, request: web.Request) -> web.Response:
        task = self.tasks.get(request.match_info["id"])
        if task is None or task.is_deleted:
            return _json({"detail": "Request not found"}, 404)
        if self.result is not None:
            status, headers, body = self.result
            return web.json_response(body, status=status, headers=headers)
        match task.shown or task.extra.get("stage"):
            case Shown.DONE:
                video = {
                    "url": self.file_url(task),
                    "content_type": "video/mp4",
                    "file_name": "out.mp4",
                    "file_size": 1,
                }
                return _json({"video": video, "seed": 42}, 200)
            case Shown.NO_VIDEO:
                return _json({"video": None, "seed": 42}, 200)
            case Shown.REFUSED:
                detail = [{"loc": ["body"], "msg": "Flagged by a content checker.", "type": "content_policy_violation"}]
                return web.json_response({"detail": detail}, status=422, headers={"X-Fal-Retryable": "false"})
            case Shown.CANCELLED:
                return _json({"detail": "Request was cancelled", "error_type": "client_cancelled"}, 499)
            case Shown.FAILED:
                body = {"detail": "Runner died", "error_type": "runner_server_error"}
                return web.json_response(body, status=500, headers={"X-Fal-Error-Type": "runner_server_error"})
        return _json({"detail": "Request is still in progress"}, 400)

    def let_forget(self) -> Mapping[str, str]:
        self.is_admin = True  # another key may delete nothing
        return {}

    async def _cancel(self, request: web.Request) -> web.Response:
        task = self.tasks.get(request.match_info["id"])
        if task is None:
            return _json({"status": "NOT_FOUND"}, 404)
        if (task.shown or task.extra.get("stage")) in {Shown.DONE, Shown.FAILED, Shown.REFUSED, Shown.NO_VIDEO}:
            return _json({"status": "ALREADY_COMPLETED"}, 400)
        if self.listens or task.extra.get("stage") is not Shown.RENDERING:
            task.is_cancelled = True
            task.shown = Shown.CANCELLED if task.shown is Shown.QUEUED else task.shown
        return _json({"status": "CANCELLATION_REQUESTED"}, 202)

    async def _pricing(self, request: web.Request) -> web.Response:
        names = [name for each in request.query.getall("endpoint_id") for name in each.split(",")]
        rows = [
            {
                "endpoint_id": name,
                "unit_price": self.unit_prices[name][0],
                "unit": self.unit_prices[name][1],
                "currency": "USD",
            }
            for name in names
            if name in self.unit_prices
        ]
        return _json({"prices": rows, "next_cursor": None, "has_more": False}, 200)

    async def _list(self, request: web.Request) -> web.Response:
        if request.query.get("expand") != "payloads" or not re.fullmatch(
            r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", request.query.get("start", "")
        ):
            self.complaints.append(f"a list without payloads or a start: {dict(request.query)}")
        tasks = list(self.tasks.values())
        if self.hides:
            self.hides -= 1
            tasks = tasks[:-1]
        items = [
            {
                "request_id": task.id,
                "endpoint_id": how["endpoint"],
                "started_at": how["sent_at"],
                "sent_at": how["sent_at"],
                "ended_at": None,
                "status_code": None,
                "duration": None,
                "json_input": dict(task.body),
            }
            for task in tasks
            for how in [self.requests[task.id]]
            if how["endpoint"] == request.query["endpoint_id"] and how["sent_at"] >= request.query["start"]
        ]
        page, size = int(request.query.get("cursor", "0")), 2
        has_more = len(items) > (page + 1) * size
        cursor = str(page + 1) if has_more else None
        chosen = items[page * size : (page + 1) * size]
        return _json({"items": chosen, "next_cursor": cursor, "has_more": has_more}, 200)

    async def _delete(self, request: web.Request) -> web.Response:
        if not self.is_admin:
            return _json({"error": {"type": "authorization_error", "message": "Access denied"}}, 403)
        self.deleted.append(request.match_info["id"])
        if task := self.tasks.get(request.match_info["id"]):
            task.is_deleted = True
        return _json({"cdn_delete_results": []}, 200)

    async def _initiate(self, request: web.Request) -> web.Response:
        body = await request.json()
        if set(body) != {"file_name", "content_type"} or request.query.get("storage_type") != "gcs":
            self.complaints.append(f"an upload is not begun like this: {sorted(body)}")
        name = f"{len(self.stored) + 1}-{body['file_name']}"
        return _json(
            {"upload_url": f"{self._storage_url}/{name}?signature=once", "file_url": f"{self._storage_url}/{name}"}, 200
        )

    async def _store(self, request: web.Request) -> web.Response:
        if "Authorization" in request.headers:
            self.complaints.append("the key was sent to the storage")
        self.stored[request.match_info["name"]] = await request.read()
        return web.Response()

    async def _jwks(self, _: web.Request) -> web.Response:
        raw = self.signer.public_key().public_bytes_raw()
        x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        other = {"kty": "RSA", "n": "AQAB", "e": "AQAB"}
        return _json({"keys": [other, {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "one"}]}, 200)

    def hook(
        self, body: bytes, *, at_s: float | None = None, request_id: str = "request", user_id: str = "user"
    ) -> Hook:
        """A call to our webhook, signed as fal signs."""
        timestamp = str(int(time.time() if at_s is None else at_s))
        message = "\n".join([request_id, user_id, timestamp, hashlib.sha256(body).hexdigest()])
        headers = {
            "x-fal-webhook-request-id": request_id,
            "x-fal-webhook-user-id": user_id,
            "x-fal-webhook-timestamp": timestamp,
            "x-fal-webhook-signature": self.signer.sign(message.encode()).hex(),
        }
        return Hook(headers, body)

    def refusal(self, no: No) -> web.Response:
        status, detail = _REFUSALS[no]
        headers = {"Retry-After": f"{self.retry_after_s:g}"} if no is No.RATE else {}
        return web.json_response({"detail": detail}, status=status, headers=headers)


def _json(body: Mapping[str, Any], status: int) -> web.Response:
    return web.json_response(body, status=status, headers={"X-Fal-Request-Id": "at-the-gateway"})


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inside = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else []
    return [found for each in inside for found in _strings(each)]
