"""MiniMax on loopback, as https://platform.minimax.io/docs/api-reference/video-generation-v2-create and its neighbours have it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, ClassVar

from aiohttp import web
from jsonschema import Draft202012Validator

from tests.fakes.services.base import FakeService, FakeTask, No, Shown

_PICTURE = r"^(https?://|data:image/(png|jpeg|jpg|webp);base64,|mm_file://)"
_ITEM = {
    "oneOf": [
        {
            "type": "object",
            "properties": {"type": {"const": "text"}, "text": {"type": "string", "minLength": 1, "maxLength": 7000}},
            "required": ["type", "text"],
            "additionalProperties": False,
        },
        {
            "type": "object",
            "properties": {
                "type": {"const": "image_url"},
                "image_url": {
                    "type": "object",
                    "properties": {"url": {"type": "string", "pattern": _PICTURE}},
                    "required": ["url"],
                    "additionalProperties": False,
                },
                "role": {"enum": ["first_frame", "last_frame", "reference_image"]},
            },
            "required": ["type", "image_url", "role"],
            "additionalProperties": False,
        },
    ]
}


def _create(model: str, first_s: int, *resolutions: str) -> Mapping[str, Any]:
    return {
        "type": "object",
        "properties": {
            "model": {"const": model},
            "content": {"type": "array", "items": _ITEM, "minItems": 1},
            "resolution": {"enum": list(resolutions)},
            "duration": {"type": "integer", "minimum": first_s, "maximum": 15},
            "ratio": {"enum": ["adaptive", "21:9", "16:9", "4:3", "1:1", "3:4", "9:16"]},
            "callback_url": {"type": "string"},
        },
        "required": ["model", "content", "resolution", "duration"],
        "additionalProperties": False,
    }


MODELS = {
    "MiniMax-H3": _create("MiniMax-H3", 4, "768P", "2K"),
    "MiniMax-H3-Max": _create("MiniMax-H3-Max", 5, "480P", "768P"),
}
_REFUSALS: Mapping[No, tuple[int, str, str]] = {
    No.TEXT: (422, "unprocessable_entity_error", "video description contains sensitive content (1026)"),
    No.PICTURE: (422, "unprocessable_entity_error", "the image contains sensitive content (1026)"),
    No.CREDIT: (402, "insufficient_balance_error", "insufficient balance (1008)"),
    No.RATE: (429, "rate_limit_error", "rate limit, please retry later (1002)"),
    No.KEY: (
        401,
        "authorized_error",
        "login fail: Please carry the API secret key in the 'Authorization' field of the request header (1004)",
    ),
    No.SHOT: (400, "bad_request_error", "invalid params, duration must be between 5 and 15 (2013)"),
    No.RETIRED: (400, "bad_request_error", "invalid params, unknown model (2013)"),
}
_STATUS = {
    Shown.QUEUED: "queued",
    Shown.RENDERING: "running",
    Shown.DONE: "succeeded",
    Shown.NO_VIDEO: "succeeded",
    Shown.FAILED: "failed",
    Shown.REFUSED: "failed",
    Shown.CANCELLED: "cancelled",
    Shown.UNKNOWN_WORD: "pondering",
}


class FakeMinimax(FakeService):
    """The service. What was not looked at yet waits in its queue."""

    kind = "minimax"
    cancels: ClassVar[bool] = True
    stops_from: ClassVar[frozenset[Shown]] = frozenset({Shown.QUEUED})
    forgets: ClassVar[bool] = True
    tells_apart: ClassVar[bool] = False
    shows: ClassVar[frozenset[Shown]] = frozenset(Shown) - {Shown.WITHHELD}

    def __init__(self) -> None:
        super().__init__()
        self.failure = ("1000", "unknown error")
        """Code and words of a task that failed."""
        self.page_most = 100
        """How many rows a page of the list has at most."""

    def add_routes(self, app: web.Application) -> None:
        app.router.add_post("/v2/video_generation", self._create)
        app.router.add_get("/v2/query/video_generation", self._list)
        app.router.add_get("/v2/query/video_generation/{id}", self._get)
        app.router.add_delete("/v2/video_generation/{id}", self._delete)

    async def _create(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.complaints += [f"{error.json_path}: {error.message[:200]}" for error in _wrong(body)]
        roles = [item.get("role") for item in body.get("content", [])]
        frames = [role for role in roles if role in {"first_frame", "last_frame"}]
        if roles.count(None) != 1 or len(frames) != len(set(frames)) or (frames and "reference_image" in roles):
            self.complaints.append(f"these roles are not possible together: {roles}")
        if roles == [None] and body.get("ratio", "adaptive") == "adaptive":
            self.complaints.append("words alone need a ratio")
        return await self.create(request, body)

    def new_id(self) -> str:
        return str(424635601932571 + len(self.tasks))

    def accepted(self, task: FakeTask) -> web.Response:
        return web.json_response({"task_id": task.id})

    async def _get(self, request: web.Request) -> web.Response:
        return self.check(request.match_info["id"])

    def shown(self, task: FakeTask, stage: Shown) -> web.Response:
        task.extra["stage"] = stage
        if stage is Shown.GONE:
            return _error(400, "bad_request_error", "invalid params, invalid task_id (2013)")
        return web.json_response({"task": self._row(task)})

    def _row(self, task: FakeTask) -> dict[str, Any]:
        stage = task.shown or task.extra.get("stage", Shown.QUEUED)
        made_at = task.extra.setdefault("created_at", int(time.time()))
        row: dict[str, Any] = {
            "id": task.id,
            "model": task.body["model"],
            "status": _STATUS[stage],
            "created_at": made_at,
            "updated_at": made_at,
            "resolution": task.body["resolution"],
            "duration": task.body["duration"],
            "usage": {},
            "ratio": task.body.get("ratio", "adaptive"),
            "task_type": "generation",
            "modality": "video",
        }
        if stage is Shown.DONE:
            row["content"] = {"url": self.file_url(task)}
            row["usage"] = {"total_seconds": 5, "input_seconds": 0, "output_seconds": 5, "input_image_count": 0}
        if stage in {Shown.FAILED, Shown.REFUSED}:
            code, words = (
                self.failure if stage is Shown.FAILED else ("1026", "video description contains sensitive content")
            )
            row["error"] = {"code": code, "message": words}
        return row

    async def _list(self, request: web.Request) -> web.Response:
        query = request.query
        if unknown := set(query) - {
            "page_num",
            "page_size",
            "filter.status",
            "filter.task_ids",
            "filter.model",
            "filter.task_type",
        }:
            self.complaints.append(f"the list has no {sorted(unknown)}")
        rows = [self._row(task) for task in reversed(self.tasks.values()) if not task.is_deleted]
        rows = [row for row in rows if query.get("filter.model", row["model"]) == row["model"]]
        number, size = int(query.get("page_num", 1)) - 1, min(int(query.get("page_size", 20)), self.page_most)
        return web.json_response({"items": rows[number * size : (number + 1) * size], "total": len(rows)})

    async def _delete(self, request: web.Request) -> web.Response:
        task = self.tasks.get(request.match_info["id"])
        if task is None or task.is_deleted:
            return _error(400, "bad_request_error", "invalid params, invalid task_id (2013)")
        match _STATUS[task.shown or task.extra.get("stage", Shown.QUEUED)]:
            case "queued":
                task.is_cancelled = True
                task.extra["stage"] = Shown.CANCELLED
                return web.json_response({"task_id": task.id, "action": "cancelled", "status": "cancelled"})
            case "succeeded" | "failed":
                task.is_deleted = True
                return web.json_response({"task_id": task.id, "action": "deleted", "status": "deleted"})
        return _error(400, "bad_request_error", "invalid params, the task cannot be deleted now (2013)")

    def refusal(self, no: No) -> web.Response:
        status, kind, words = _REFUSALS[no]
        headers = {"Retry-After": f"{self.retry_after_s:g}"} if no is No.RATE else {}
        return _error(status, kind, words, headers)


def _wrong(body: Mapping[str, Any]) -> list[Any]:
    schema = MODELS.get(str(body.get("model")), {"not": {}})
    return list(Draft202012Validator(dict(schema)).iter_errors(dict(body)))


def _error(status: int, kind: str, words: str, headers: Mapping[str, str] | None = None) -> web.Response:
    error = {"type": kind, "message": words, "http_code": str(status)}
    body = {"type": "error", "error": error, "request_id": "021785229015510a2c883cf675b9804d"}
    return web.json_response(body, status=status, headers=headers)
