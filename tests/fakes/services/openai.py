"""The Videos API on loopback as https://github.com/openai/openai-openapi has it, and Azure's. Others are in `openai_servers`."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any, ClassVar

from aiohttp import web
from aiohttp.multipart import BodyPartReader

from engine.providers.catalog import Setup
from tests.fakes.services.base import FakeService, FakeTask, No, Shown

PROMPT = "prompt"
_STATUS = {
    Shown.QUEUED: "queued", Shown.RENDERING: "in_progress", Shown.DONE: "completed", Shown.NO_VIDEO: "completed",
    Shown.FAILED: "failed", Shown.REFUSED: "failed", Shown.UNKNOWN_WORD: "pondering",
}  # fmt: skip
_REFUSALS = {
    No.TEXT: (400, "content_policy_violation", "Your request was rejected by our safety system."),
    No.PICTURE: (400, "moderation_blocked", "The input image was rejected by our safety system."),
    No.CREDIT: (429, "insufficient_quota", "You exceeded your current quota."),
    No.RATE: (429, "rate_limit_exceeded", "Rate limit reached."),
    No.KEY: (401, "invalid_api_key", "Incorrect API key provided."),
    No.SHOT: (400, "invalid_value", "Invalid value: '99'. Supported values are: '4', '8', and '12'."),
    No.RETIRED: (404, "model_not_found", "The model does not exist."),
}


def row(**more: Any) -> dict[str, Any]:
    """A model of an operator's table."""
    return {
        "as_of": "2026-11-21", "source": "our own server", "seconds": [1, 10], "default_seconds": 4,
        "ratios": ["16:9", "9:16"], "resolutions": ["480p", "720p"], "first_frame": True, **more,
    }  # fmt: skip


class FakeOpenai(FakeService):
    """OpenAI as it was until 2026-09-24: everything is served."""

    kind = "openai"
    shows: ClassVar[frozenset[Shown]] = frozenset(Shown) - {Shown.WITHHELD, Shown.CANCELLED}
    base_path = "/v1"
    preset: ClassVar[str] = "openai"
    model: ClassVar[str] = "sora-2"
    rows: ClassVar[Mapping[str, Any]] = {"sora-2": {"closed": ""}}
    """The models of the operator's table."""
    takes: ClassVar[frozenset[str]] = frozenset({"multipart", "json"})
    deletes: ClassVar[bool] = True
    ranges: ClassVar[bool] = True
    """It gives a part of a video where one is asked for."""
    lists: ClassVar[bool] = True
    works: ClassVar[tuple[str, ...]] = ("remix", "edits", "extensions")
    seconds: ClassVar[str] = "4|8|12"
    """A pattern."""
    sizes: ClassVar[str] = "1280x720|720x1280"
    fields: ClassVar[frozenset[str]] = frozenset({PROMPT, "model", "seconds", "size", "input_reference"})

    def add_routes(self, app: web.Application) -> None:
        videos = f"{self.base_path}/videos"
        app.router.add_post(videos, self._create)
        if self.lists:
            app.router.add_get(videos, self._list)
        for work in set(self.works) - {"remix"}:
            app.router.add_post(f"{videos}/{work}", self._work)
        if "remix" in self.works:
            app.router.add_post(f"{videos}/{{id}}/remix", self._work)
        app.router.add_get(f"{videos}/{{id}}", self._get)
        app.router.add_get(f"{videos}/{{id}}/content", self._content)
        if self.deletes:
            app.router.add_delete(f"{videos}/{{id}}", self._delete)
        app.router.add_get(f"{self.base_path}/models", self._models)

    def setup(self, changes: Mapping[str, Any] | None = None, **settings: str) -> Setup:
        own = {"title": self.title, "wire": {"preset": self.preset}, "models": dict(self.rows)}
        given = dict(changes or {})
        for name in ("wire", "models"):
            given[name] = {**own[name], **given.get(name, {})}  # type: ignore[dict-item]  # both are tables
        return super().setup({**own, **given}, **settings)

    @property
    def title(self) -> str:
        """As people call it."""
        return f"the {self.preset} server"

    # --- creates ---

    async def _create(self, request: web.Request) -> web.StreamResponse:
        body = await self._body(request)
        if isinstance(body, web.Response):
            return body
        if unknown := set(body) - self.fields:
            self.complaints.append(f"unknown fields {sorted(unknown)}")
        if not body.get(PROMPT):
            return self.invalid(PROMPT, "Field required")
        if not re.fullmatch(self.seconds, str(body.get("seconds", "4"))):
            return self.invalid("seconds", "String should match the pattern")
        if not re.fullmatch(self.sizes, str(body.get("size", "720x1280"))):
            return self.invalid("size", "String should match the pattern")
        if body.get("model") not in (None, self.model):
            return self.refusal(No.RETIRED)
        return await self.create(request, body)

    async def _work(self, request: web.Request) -> web.StreamResponse:
        body = await self._body(request)
        if isinstance(body, web.Response):
            return body
        source = request.match_info.get("id") or _id_of(body.get("video"))
        if source is not None and (source not in self.tasks or self.tasks[source].is_deleted):
            return self.error(404, "video_not_found", "Video not found")
        return await self.create(request, {**body, "from": source})

    async def _body(self, request: web.Request) -> dict[str, Any] | web.Response:
        """Fields as they were sent; a file is its name, type and length."""
        if request.content_type == "application/json":
            if "json" not in self.takes:
                return self.invalid(PROMPT, "Field required")
            given: dict[str, Any] = await request.json()
            return given
        fields: dict[str, Any] = {}
        async for part in await request.multipart():
            assert isinstance(part, BodyPartReader)
            name = str(part.name)
            if part.filename is None:
                fields[name] = await part.text()
            else:
                data = await part.read()
                file = {"file": part.filename, "type": part.headers.get("Content-Type"), "bytes": len(data)}
                fields[name] = [*fields[name], file] if name in fields else [file]
        return fields

    # --- answers ---

    def error(self, status: int, code: str, words: str) -> web.Response:
        """An HTTP error as the server writes it."""
        kind = "insufficient_quota" if code == "insufficient_quota" else "invalid_request_error"
        headers = {"Retry-After": f"{self.retry_after_s:g}"} if status == 429 else {}
        body = {"error": {"message": words, "type": kind, "param": None, "code": code}}
        return web.json_response(body, status=status, headers=headers)

    def invalid(self, field: str, words: str) -> web.Response:
        """The answer to a value that does not fit."""
        return self.error(400, "invalid_value", f"{field}: {words}")

    def refusal(self, no: No) -> web.Response:
        return self.error(*_REFUSALS[no])

    def accepted(self, task: FakeTask) -> web.Response:
        return web.json_response(self.video(task, Shown.QUEUED))

    def shown(self, task: FakeTask, stage: Shown) -> web.Response:
        if stage in {Shown.GONE, Shown.CANCELLED}:
            return self.error(404, "video_not_found", "Video not found")
        return web.json_response(self.video(task, stage))

    def video(self, task: FakeTask, stage: Shown) -> dict[str, Any]:
        """The body of a render. All that is written here is in the stored spec."""
        error = {
            Shown.FAILED: {"code": "internal_error", "message": "it broke"},
            Shown.REFUSED: {"code": "content_filter", "message": "The output was rejected."},
        }.get(stage)
        percent = {Shown.RENDERING: 40, Shown.DONE: 100, Shown.NO_VIDEO: 100}.get(stage, 0)
        return {
            "id": task.id,
            "object": "video",
            "model": task.body.get("model", self.model),
            "status": _STATUS[stage],
            "progress": percent,
            "created_at": task.extra.setdefault("created_at", int(time.time())),
            "completed_at": None,
            "expires_at": None,
            PROMPT: task.body.get(PROMPT),
            "size": task.body.get("size", "720x1280"),
            "seconds": str(task.body.get("seconds", "4")),
            "remixed_from_video_id": task.body.get("from"),
            "error": error,
        }

    def stage(self, task: FakeTask) -> Shown:
        """Where it stands, without that being a check."""
        return task.shown or self.script[min(max(task.checks - 1, 0), len(self.script) - 1)]

    # --- the other routes ---

    async def _get(self, request: web.Request) -> web.Response:
        return self.check(request.match_info["id"])

    async def _list(self, request: web.Request) -> web.Response:
        tasks = [task for task in self.tasks.values() if not task.is_deleted]
        rows = [self.listed(self.video(task, self.stage(task))) for task in tasks]
        if request.query.get("order", "desc") == "desc":
            rows.reverse()
        if after := request.query.get("after"):
            rows = rows[[each["id"] for each in rows].index(after) + 1 :]
        page = rows[: int(request.query.get("limit", "20"))]
        return web.json_response(self.page(page, has_more=len(page) < len(rows)))

    def listed(self, video: dict[str, Any]) -> dict[str, Any]:
        """A row of the list."""
        return video

    def page(self, rows: list[dict[str, Any]], *, has_more: bool) -> dict[str, Any]:
        ids = [each["id"] for each in rows] or [None]
        return {"object": "list", "data": rows, "first_id": ids[0], "last_id": ids[-1], "has_more": has_more}

    async def _content(self, request: web.Request) -> web.StreamResponse:
        task = self.tasks.get(request.match_info["id"])
        if task is None or task.is_deleted or self.stage(task) is not Shown.DONE:
            return self.error(404, "not_ready", "Video is not ready")
        if request.headers.get("Range") == "bytes=0-0" and self.ranges:
            return web.Response(status=206, body=self.clip()[:1], content_type="video/mp4")
        return await self.content(request, task)

    async def content(self, request: web.Request, task: FakeTask) -> web.StreamResponse:
        """The bytes of a finished render."""
        match request.query.get("variant", "video"):
            case "video":
                return web.Response(status=302, headers={"Location": self.file_url(task)})
            case "thumbnail" | "spritesheet" as variant:
                return web.Response(body=b"RIFF....WEBP" + variant.encode(), content_type="image/webp")
            case _:
                return self.error(400, "invalid_value", "variant")

    async def _delete(self, request: web.Request) -> web.Response:
        task = self.tasks.get(request.match_info["id"])
        if task is None or task.is_deleted:
            return self.error(404, "video_not_found", "Video not found")
        return self.deleted(task)

    def deleted(self, task: FakeTask) -> web.Response:
        """The answer to a DELETE: only of what is over."""
        if self.stage(task) in {Shown.QUEUED, Shown.RENDERING}:
            return self.error(400, "invalid_state", "Only completed or failed videos can be deleted.")
        task.is_deleted = True
        return web.json_response({"id": task.id, "deleted": True, "object": "video.deleted"})

    async def _models(self, _: web.Request) -> web.Response:
        rows = [
            {"id": self.model, "object": "model", "shutdown_date": "2026-09-24"},
            {"id": "x", "shutdown_date": None},
        ]
        return web.json_response({"object": "list", "data": rows})


class FakeAzure(FakeOpenai):
    """OpenAI's shape with another header and path, and a version in the query."""

    preset = "azure"
    base_path = "/openai/v1"
    model = "deployment"
    works = ("remix",)
    rows: ClassVar[Mapping[str, Any]] = {"deployment": row(remix=True, resolutions=["720p"])}
    changes: ClassVar[Mapping[str, Any]] = {"wire": {"preset": "azure", "query": {"api-version": "preview"}}}

    def is_allowed(self, request: web.Request) -> bool:
        if request.query.get("api-version") != "preview" and "/videos" in request.path:
            self.complaints.append("no api-version")
        return request.headers.get("api-key") == self.settings["key"] and "Authorization" not in request.headers


def _id_of(given: Any) -> str | None:
    """The clip that is worked on; None: it was sent."""
    given = json.loads(given) if isinstance(given, str) else given
    return given["id"] if isinstance(given, dict) else None
