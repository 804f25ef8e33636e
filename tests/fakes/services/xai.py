"""Grok Imagine on loopback, as https://docs.x.ai/docs/guides/video-generations has it."""

from __future__ import annotations

from typing import Any, ClassVar

from aiohttp import web

from tests.fakes.services.base import FakeService, FakeTask, No, Shown

MODELS = frozenset({"grok-imagine-video", "grok-imagine-video-1.5", "grok-imagine-video-1.5-lite"})
_KNOWN = frozenset(
    {
        "model",
        "prompt",
        "duration",
        "aspect_ratio",
        "resolution",
        "image",
        "reference_images",
        "generate_audio",
        "user",
        "video",
    }
)
_REFUSALS = {
    No.TEXT: (400, "invalid-argument", "Your prompt was rejected by content moderation."),
    No.PICTURE: (400, "invalid-argument", "The image was rejected by content moderation."),
    No.CREDIT: (403, "permission-denied", "Your team has used all available credits."),
    No.RATE: (429, "resource-exhausted", "Too many requests."),
    No.KEY: (401, "unauthenticated", "Incorrect API key provided."),
    No.SHOT: (400, "invalid-argument", "duration must be between 1 and 15"),
    No.RETIRED: (404, "not-found", "The model grok-imagine-video does not exist."),
}


class FakeXai(FakeService):
    """The service. An open request without progress is a 202 with an empty body, as was seen."""

    kind = "xai"
    shows: ClassVar[frozenset[Shown]] = frozenset(Shown) - {Shown.CANCELLED}
    base_path = "/v1"

    def add_routes(self, app: web.Application) -> None:
        for route in ("generations", "extensions", "edits"):
            app.router.add_post(f"/v1/videos/{route}", self._create)
        app.router.add_get("/v1/videos/{id}", self._get)

    async def _create(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if unknown := set(body) - _KNOWN:
            self.complaints.append(f"unknown fields {sorted(unknown)}")
        if body.get("model") not in MODELS:
            return self.refusal(No.RETIRED)
        if not request.path.endswith("edits") and not 1 <= body.get("duration", 6) <= 15:
            return self.refusal(No.SHOT)
        if not request.path.endswith("generations") and not str(body.get("video", {}).get("url", "")).startswith(
            "http"
        ):
            self.complaints.append("an edit or extension without a video")
        return await self.create(request, body)

    async def _get(self, request: web.Request) -> web.Response:
        return self.check(request.match_info["id"])

    def refusal(self, no: No) -> web.Response:
        status, code, words = _REFUSALS[no]
        headers = {"Retry-After": f"{self.retry_after_s:g}"} if no is No.RATE else {}
        return web.json_response({"code": code, "error": words}, status=status, headers=headers)

    def accepted(self, task: FakeTask) -> web.Response:
        return web.json_response({"request_id": task.id})

    def shown(self, task: FakeTask, stage: Shown) -> web.Response:
        video: dict[str, Any] = {"url": self.file_url(task), "duration": 1, "respect_moderation": True}
        usage = {"cost_in_usd_ticks": 8_400_000_000}
        match stage:
            case Shown.QUEUED:
                return web.Response(status=202)
            case Shown.RENDERING:
                return web.json_response({"status": "pending", "progress": 40})
            case Shown.DONE:
                return web.json_response({"status": "done", "video": video, "usage": usage})
            case Shown.WITHHELD:
                held = {**video, "url": "", "respect_moderation": False}
                return web.json_response({"status": "done", "video": held, "usage": usage})
            case Shown.NO_VIDEO:
                return web.json_response({"status": "done", "video": None, "usage": usage})
            case Shown.FAILED:
                return web.json_response({"status": "failed", "error": {"code": "internal", "message": "it broke"}})
            case Shown.REFUSED:
                error = {"code": "moderation", "message": "Generated video was rejected by content moderation."}
                return web.json_response({"status": "failed", "error": error})
            case Shown.UNKNOWN_WORD:
                return web.json_response({"status": "pondering"})
            case Shown.GONE | Shown.CANCELLED:
                return web.json_response({"code": "not-found", "error": "No such request."}, status=404)
