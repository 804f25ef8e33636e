"""getimg.ai on loopback, in the types of its own SDK, getimg 0.4.0. The bodies of its refusals are a guess."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aiohttp import web

from tests.fakes.services.base import FakeService, FakeTask, No, Shown

_FIELDS = frozenset({"model", "prompt", "aspect_ratio", "duration", "images", "resolution", "sound"})
_ROLES = ("reference_image", "first_frame", "last_frame")
REQUEST_BYTES = 25 << 20
_REFUSALS: Mapping[No, tuple[int, str, str]] = {
    No.TEXT: (400, "content_moderation", "The prompt was flagged by moderation."),
    No.PICTURE: (400, "content_moderation", "The image was flagged by moderation."),
    No.CREDIT: (403, "insufficient_balance", "Insufficient balance."),
    No.RATE: (429, "rate_limit", "Too many requests."),
    No.KEY: (401, "unauthorized", "Invalid API key."),
    No.SHOT: (422, "validation_error", "duration is not supported"),
    No.RETIRED: (404, "not_found", "The model does not exist."),
}


class FakeGetimg(FakeService):
    """The service. It does not tell waiting from rendering."""

    kind = "getimg"
    shows: ClassVar[frozenset[Shown]] = frozenset(Shown) - {Shown.QUEUED, Shown.WITHHELD, Shown.CANCELLED}

    def __init__(self) -> None:
        super().__init__()
        self.models: dict[str, dict[str, Any]] = {
            "seedance-v1-5-pro": _model("seedance-v1-5-pro", seconds=list(range(4, 13)), has_sound=True),
            "seedance-v1-pro": _model("seedance-v1-pro", seconds=[5, 10], has_sound=False),
        }
        """By name, as `GET /v2/models/<model>` answers."""
        self.total_cost: float | None = 0.25

    def add_routes(self, app: web.Application) -> None:
        app.router.add_post("/v2/videos/generations", self._create)
        app.router.add_get("/v2/videos/generations/{id}", self._get)
        app.router.add_get("/v2/models/{model}", self._model)
        app.router.add_get("/v2/billing/balance", self._balance)

    async def _create(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        body = await request.json()
        if len(raw) > REQUEST_BYTES:
            self.complaints.append(f"a request of {len(raw)} bytes")
        if unknown := set(body) - _FIELDS:
            self.complaints.append(f"unknown fields {sorted(unknown)}")
        if not 1 <= len(body.get("prompt", "")) <= 4096 or not isinstance(body.get("duration"), int):
            self.complaints.append(f"prompt or duration: {body}")
        for image in body.get("images", []):
            if set(image) != {"role", "url"} or image["role"] not in _ROLES:
                self.complaints.append(f"an image of {sorted(image)}")
            if not image["url"].startswith(("data:image/png;base64,", "data:image/jpeg;base64,")):
                self.complaints.append(f"an image at {image['url'][:30]}")
        if body.get("model") not in self.models:
            return self.refusal(No.RETIRED)
        return await self.create(request, body)

    async def _get(self, request: web.Request) -> web.Response:
        return self.check(request.match_info["id"])

    async def _model(self, request: web.Request) -> web.Response:
        found = self.models.get(request.match_info["model"])
        return web.json_response(found) if found else self.refusal(No.RETIRED)

    async def _balance(self, request: web.Request) -> web.Response:
        del request
        return web.json_response({"balance": "12.3400", "currency": "USD"})

    def refusal(self, no: No) -> web.Response:
        status, code, message = _REFUSALS[no]
        headers = {"Retry-After": f"{self.retry_after_s:g}"} if no is No.RATE else {}
        return web.json_response({"error": {"code": code, "message": message}}, status=status, headers=headers)

    def accepted(self, task: FakeTask) -> web.Response:
        return web.json_response({"id": task.id, "status": "pending"}, status=202)

    def shown(self, task: FakeTask, stage: Shown) -> web.Response:
        clip = {
            "url": self.file_url(task), "mime_type": "video/mp4", "deletes_at": "2026-11-28T12:00:00Z",
            "duration": 1.0, "fps": 24.0, "has_sound": False, "width": 64, "height": 36,
        }  # fmt: skip
        done: dict[str, Any] = {"id": task.id, "status": "completed", "model": task.body.get("model", "")}
        if self.total_cost is not None:
            unit = {"billable_unit": "video_second", "unit_price": 0.05, "quantity": 5.0}
            done["usage"] = {**unit, "total_cost": self.total_cost}
        match stage:
            case Shown.QUEUED | Shown.RENDERING:
                return web.json_response({"id": task.id, "status": "pending"})
            case Shown.DONE:
                return web.json_response({**done, "data": [clip]})
            case Shown.NO_VIDEO:
                return web.json_response({**done, "data": []})
            case Shown.FAILED:
                error = {"code": "internal", "message": "It broke."}
                return web.json_response({"id": task.id, "status": "failed", "error": error})
            case Shown.REFUSED:
                error = {"code": "content_moderation", "message": "The result was flagged by moderation."}
                return web.json_response({"id": task.id, "status": "failed", "error": error})
            case Shown.UNKNOWN_WORD:
                return web.json_response({"id": task.id, "status": "pondering"})
            case Shown.GONE | Shown.WITHHELD | Shown.CANCELLED:
                error = {"code": "not_found", "message": "No such generation."}
                return web.json_response({"error": error}, status=404)


def _model(name: str, *, seconds: list[int], has_sound: bool) -> dict[str, Any]:
    sounds = ("sound_on", "sound_off") if has_sound else ("not_applicable",)
    rates = [
        {"billable_unit": "video_second", "resolution": resolution, "sound": sound, "unit_price": price}
        for resolution, price in (("480p", "0.0200"), ("720p", "0.0500"))
        for sound in sounds
    ]
    return {
        "id": name, "name": name, "type": "video", "created_at": "2026-04-01T00:00:00Z",
        "pricing": {"currency": "USD", "rates": rates},
        "supported_aspect_ratios": ["16:9", "9:16", "1:1", "4:3", "3:4", "21:9"],
        "supported_durations": seconds,
        "supported_references": {"first_frame": 1, "last_frame": 1},
        "supported_resolutions": ["720p", "480p", "1080p"],
        "supports_sound": has_sound,
    }  # fmt: skip
