"""Runway on loopback, as https://docs.dev.runwayml.com/api/ has it. Its storage for uploads is another server, as it is there."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from aiohttp import BodyPartReader, web

from engine.providers.catalog import Setup
from tests.fakes.services.base import FakeService, FakeTask, No, Shown

VERSION = "2024-11-06"
INLINE_CHARS = 5_242_880
_VEO = {"veo3.1", "veo3.1_fast"}
_KLING = {"kling2.5_turbo_pro", "kling3.0_standard", "kling3.0_pro", "kling3.0_4k"}
_KLING |= {"klingO3_standard", "klingO3_pro", "klingO3_4k", "kling_4"}
_SEEDANCE = {"seedance2", "seedance2_fast", "seedance2_mini", "seedance2_5"}
_FIRST_AND_LAST = {*_VEO, *_KLING, *_SEEDANCE, "wan3", "wan3_prime", "hailuo3", "h3_max", "gemini_omni_flash_1.1"}
_FIRST = {"gen4.5", "gemini_omni_flash", "grok_imagine_1_5", "grok_imagine_1_5_lite", "happyhorse_1_0"}
MODELS: Mapping[str, frozenset[str]] = {
    "text_to_video": frozenset(_FIRST_AND_LAST | _FIRST),
    "image_to_video": frozenset(_FIRST_AND_LAST | _FIRST | {"gen4_turbo"}),
    "video_to_video": frozenset({"aleph2", "gemini_omni_flash", "gemini_omni_flash_1.1", "kling_4", "hailuo3"}),
}
_ISSUES: Mapping[No, tuple[str, str]] = {
    No.SHOT: ("duration", "Too big: expected number to be <=10"),
    No.RETIRED: ("model", "Invalid input: expected one of the models"),
}
CREATED_AT = "2026-11-21T12:00:00.000Z"


class FakeRunway(FakeService):
    """The service. What its moderation stops fails later: a create is never refused for its content."""

    kind = "runway"
    shows: ClassVar[frozenset[Shown]] = frozenset(Shown) - {Shown.WITHHELD}
    refuses: ClassVar[frozenset[No]] = frozenset({No.CREDIT, No.RATE, No.KEY, No.SHOT, No.RETIRED})
    cancels: ClassVar[bool] = True
    stops_from: ClassVar[frozenset[Shown]] = frozenset({Shown.QUEUED})
    forgets: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.waiting_word = "PENDING"
        """Or `THROTTLED`: as many run as the account may have at a time."""
        self.failure_code: str | None = "INTERNAL"
        self.cost_credits = 60
        """Of a finished task."""
        self.refund_credits = 0
        """What a failed or cancelled task still costs."""
        self.says_when = True
        """A refusal for the day's cap says when to come again."""
        self.shows_cancelled = False
        """A task that was cancelled can still be looked at, which is not documented."""
        self.uploads: dict[str, bytes] = {}
        """By their `runway://` address; empty: announced and not sent."""
        self.upload_status: list[int] = []
        """The next files are answered so by the storage."""
        self.balance_credits = 1_234
        self._storage_url = ""

    def add_routes(self, app: web.Application) -> None:
        for route in MODELS:
            app.router.add_post(f"/v1/{route}", self._create)
        app.router.add_post("/v1/uploads", self._begin_upload)
        app.router.add_get("/v1/tasks/{id}", self._get)
        app.router.add_delete("/v1/tasks/{id}", self._delete)
        app.router.add_get("/v1/organization", self._organization)

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        storage = web.Application(client_max_size=256 << 20)
        storage.router.add_post("/{id}", self._store)
        self._storage_url = await self._serve(storage)
        return self

    def setup(self, changes: Mapping[str, Any] | None = None, **settings: str) -> Setup:
        """As any, and the storage is an address of the operator's own too: it is on loopback."""
        own = {"results_from": f"{self._files_url} {self._storage_url}"}
        return super().setup(changes, **{**own, **settings})

    def is_paid(self, request: web.Request) -> bool:
        return request.method == "POST" and not request.path.endswith("/uploads")

    def is_allowed(self, request: web.Request) -> bool:
        if request.headers.get("X-Runway-Version") != VERSION:
            self.complaints.append(f"{request.method} {request.path} without the version")
        return super().is_allowed(request)

    def new_id(self) -> str:
        return str(uuid.uuid4())

    async def _create(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        route = request.path.rpartition("/")[2]
        if body.get("model") not in MODELS[route]:
            self.complaints.append(f"{body.get('model')} is not served by {route}")
            return self.refusal(No.RETIRED)
        self._look_at(route, body)
        return await self.create(request, body)

    def _look_at(self, route: str, body: Mapping[str, Any]) -> None:
        frames = body.get("promptImage", [])
        places = [frame.get("position") for frame in frames if isinstance(frame, dict)]
        given = [frames] if isinstance(frames, str) else [frame["uri"] for frame in frames]
        given += [each["uri"] for each in body.get("references", [])]
        video = body.get("videoUri") or body.get("promptVideo")
        for uri in [*given, *([video] if video else [])]:
            if uri.startswith("runway://"):
                if not self.uploads.get(uri):
                    self.complaints.append("an upload that was never sent")
            elif not uri.startswith("data:image/") or len(uri) > INLINE_CHARS:
                self.complaints.append(f"not to be used as media: {uri[:30]}, {len(uri)} characters")
        if places not in ([], ["first"], ["first", "last"]):
            self.complaints.append(f"frames at {places}")
        if "last" in places and body["model"] not in _FIRST_AND_LAST:
            self.complaints.append(f"{body['model']} takes no last frame")
        if (route == "image_to_video") != bool(given) and "references" not in body:
            self.complaints.append(f"{route} with {len(given)} pictures")
        if (route == "video_to_video") != (video is not None):
            self.complaints.append(f"{route} without its clip, or a clip elsewhere")

    async def _begin_upload(self, request: web.Request) -> web.Response:
        body = await request.json()
        if body.get("type") != "ephemeral" or not 3 <= len(body.get("filename", "")) <= 255:
            self.complaints.append(f"an upload of {body}")
        name = f"upload-{len(self.uploads) + 1}"
        self.uploads[f"runway://{name}"] = b""
        fields = {"key": name, "policy": "signed-not-to-be-logged"}
        return web.json_response(
            {"uploadUrl": f"{self._storage_url}/{name}", "fields": fields, "runwayUri": f"runway://{name}"}
        )

    async def _store(self, request: web.Request) -> web.Response:
        """The storage: fields first and the file last, and no key of Runway's."""
        for name, value in request.headers.items():
            if name.lower() == "x-runway-version" or any(secret in value for secret in self.settings.values()):
                self.complaints.append(f"the storage was sent {name}")
        if self.upload_status:
            await request.read()
            return web.Response(status=self.upload_status.pop(0), text="<Error/>")
        names, data = [], b""
        async for part in await request.multipart():
            assert isinstance(part, BodyPartReader)
            names.append(part.name)
            data = await part.read()
        if names != ["key", "policy", "file"]:
            self.complaints.append(f"an upload of {names}")
        self.uploads[f"runway://{request.match_info['id']}"] = bytes(data)
        return web.Response(status=204)

    async def _get(self, request: web.Request) -> web.Response:
        return self.check(request.match_info["id"])

    async def _delete(self, request: web.Request) -> web.Response:
        task = self.tasks.get(request.match_info["id"])
        if task is None or task.is_deleted:
            return self.shown(FakeTask(request.match_info["id"], {}), Shown.GONE)
        stage = task.shown or self.script[min(task.checks, len(self.script) - 1)]
        task.is_cancelled = stage in {Shown.QUEUED, Shown.RENDERING}
        if task.is_cancelled and self.shows_cancelled:
            task.shown = Shown.CANCELLED
        else:
            task.is_deleted = True
        return web.Response(status=204)

    async def _organization(self, request: web.Request) -> web.Response:
        del request
        limits = {"maxConcurrentGenerations": 2, "maxDailyGenerations": 50}
        return web.json_response(
            {
                "creditBalance": self.balance_credits,
                "tier": {"maxMonthlyCreditSpend": 10_000, "models": {"gen4.5": limits}},
                "usage": {"models": {"gen4.5": {"dailyGenerations": len(self.tasks)}}},
            }
        )

    def refusal(self, no: No) -> web.Response:
        match no:
            case No.CREDIT:
                return _error(400, "You do not have enough credits to run this task.")
            case No.KEY:
                return _error(401, "Unauthorized")
            case No.RATE:
                headers = {"Retry-After": f"{self.retry_after_s:g}"} if self.says_when else {}
                return _error(429, "You have exceeded your daily task limit.", headers)
            case No.SHOT | No.RETIRED:
                path, message = _ISSUES[no]
                issue = {"code": "invalid_value", "path": [path], "message": message}
                return web.json_response({"error": "Validation of body failed", "issues": [issue]}, status=400)
        raise AssertionError(f"never refused so: {no}")

    def accepted(self, task: FakeTask) -> web.Response:
        return web.json_response({"id": task.id, "estimatedCost": {"credits": self.cost_credits}})

    def shown(self, task: FakeTask, stage: Shown) -> web.Response:
        said: dict[str, Any] = {"id": task.id, "createdAt": CREATED_AT}
        open_ = {**said, "estimatedCost": {"credits": self.cost_credits}}
        over = {**said, "cost": {"credits": self.cost_credits}}
        given_back = {**said, "cost": {"credits": self.refund_credits}}
        match stage:
            case Shown.QUEUED:
                return web.json_response({**open_, "status": self.waiting_word})
            case Shown.RENDERING:
                return web.json_response({**open_, "status": "RUNNING", "progress": 0.4})
            case Shown.DONE:
                return web.json_response({**over, "status": "SUCCEEDED", "output": [self.file_url(task)]})
            case Shown.NO_VIDEO:
                return web.json_response({**over, "status": "SUCCEEDED", "output": []})
            case Shown.FAILED:
                code = {"failureCode": self.failure_code} if self.failure_code is not None else {}
                return web.json_response({**given_back, "status": "FAILED", "failure": "It broke.", **code})
            case Shown.REFUSED:
                words = {"failure": "Moderated.", "failureCode": "SAFETY.INPUT.TEXT"}
                return web.json_response({**over, "status": "FAILED", **words})
            case Shown.CANCELLED:
                return web.json_response({**given_back, "status": "CANCELLED"})
            case Shown.UNKNOWN_WORD:
                return web.json_response({**open_, "status": "PONDERING"})
            case Shown.GONE | Shown.WITHHELD:
                return _error(404, "Task not found")


def _error(status: int, words: str, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.json_response({"error": words}, status=status, headers=headers)
