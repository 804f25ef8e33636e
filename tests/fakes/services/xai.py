"""Grok Imagine on loopback, as https://docs.x.ai/developers/model-capabilities/video has it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

from aiohttp import web

from tests.fakes.services.base import FakeService, FakeTask, No, Shown

MODELS: Mapping[str, tuple[frozenset[str], int]] = {
    "grok-imagine-video": (frozenset({"480p", "720p"}), 7),
    "grok-imagine-video-1.5": (frozenset({"480p", "720p", "1080p"}), 14),
    "grok-imagine-video-1.5-lite": (frozenset({"480p", "720p", "1080p"}), 0),
}
"""Resolutions, and the most references."""
_FIELDS = {
    "generations": frozenset(
        {"model", "prompt", "duration", "aspect_ratio", "resolution", "image", "reference_images", "generate_audio"}
    ),
    "extensions": frozenset({"model", "prompt", "duration", "video"}),
    "edits": frozenset({"model", "prompt", "video"}),
}
_RATIOS = frozenset({"1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3"})
_REFUSALS = {
    No.TEXT: (400, "invalid-argument", "Your prompt was rejected by content moderation."),
    No.PICTURE: (400, "invalid-argument", "The image was rejected by content moderation."),
    No.CREDIT: (
        429,
        "Some resource has been exhausted",
        "Your team has either used all available credits or reached its monthly spending limit.",
    ),
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
    fines: ClassVar[frozenset[No]] = frozenset({No.TEXT, No.PICTURE})

    def add_routes(self, app: web.Application) -> None:
        for route in ("generations", "extensions", "edits"):
            app.router.add_post(f"/v1/videos/{route}", self._create)
        app.router.add_get("/v1/videos/{id}", self._get)

    async def _create(self, request: web.Request) -> web.StreamResponse:
        body, route = await request.json(), request.path.rpartition("/")[2]
        if unknown := set(body) - _FIELDS[route]:
            self.complaints.append(f"{route} has no fields {sorted(unknown)}")
        if body.get("model") not in MODELS:
            return self.refusal(No.RETIRED)
        if wrong := _wrong(route, body):
            return web.json_response({"code": "invalid-argument", "error": wrong}, status=400)
        return await self.create(request, body)

    async def _get(self, request: web.Request) -> web.Response:
        return self.check(request.match_info["id"])

    def refusal(self, no: No) -> web.Response:
        status, code, words = _REFUSALS[no]
        headers = {"Retry-After": f"{self.retry_after_s:g}"} if no is No.RATE else {}
        return web.json_response({"code": code, "error": words}, status=status, headers=headers)

    def accepted(self, task: FakeTask) -> web.Response:
        return web.json_response({"request_id": task.id})

    def cost_usd(self, task: FakeTask) -> Decimal:
        """What it says that a render took."""
        del task
        return Decimal("0.84")

    def shown(self, task: FakeTask, stage: Shown) -> web.Response:
        video: dict[str, Any] = {"url": self.file_url(task), "duration": 1, "respect_moderation": True}
        usage = {"cost_in_usd_ticks": int(self.cost_usd(task) * 10**10)}
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


def _wrong(route: str, body: Mapping[str, Any]) -> str:
    """What the service says of a request that it does not take."""
    resolutions, most = MODELS[body["model"]]
    pictures = [body["image"]] if "image" in body else []
    references = body.get("reference_images", [])
    seconds = body.get("duration", 6)
    if any(not str(each.get("url")).startswith(("data:image/", "https://")) for each in (*pictures, *references)):
        return "image must be a URL or a data URI"
    if route != "generations":
        if body["model"] != "grok-imagine-video":
            return f"{body['model']} does not support video input"
        if not str(body.get("video", {}).get("url")).startswith("http"):
            return "video is required"
        return "" if route == "edits" or 2 <= seconds <= 10 else "duration must be between 2 and 10"
    if not 1 <= seconds <= 15 or not isinstance(seconds, int):
        return "duration must be between 1 and 15"
    if body.get("resolution") not in resolutions:
        return "resolution is not supported"
    if body.get("aspect_ratio", "1:1") not in _RATIOS:
        return "aspect_ratio is not supported"
    if len(references) > most or (references and pictures):
        return "reference_images are too many, or beside an image"
    if references and (body["resolution"] == "1080p" or (most == 7 and seconds > 10)):
        return "reference_images go with 720p and 10 s at most"
    return ""
