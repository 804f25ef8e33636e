"""Gemini's image models on loopback, as https://ai.google.dev/gemini-api/docs/image-generation and google-genai 3.4 have it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, ClassVar

from aiohttp import web

from tests.fakes.services.base import FakeService, FakeTask, No
from tests.fakes.services.pictures import picture_size, png

MODELS = frozenset({"gemini-nano-banana-2.1", "gemini-3-pro-image", "gemini-3.1-flash-lite-image"})
SIZES: Mapping[str, Mapping[str, tuple[int, int]]] = {
    "1K": {"16:9": (1376, 768), "9:16": (768, 1376), "1:1": (1024, 1024), "4:3": (1200, 896), "21:9": (1584, 672)},
    "2K": {"16:9": (2752, 1536), "9:16": (1536, 2752), "1:1": (2048, 2048)},
}
_RATIOS = frozenset({"1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"})
_CONFIG = frozenset({"responseModalities", "imageConfig", "seed", "temperature"})
_ERRORS = {
    No.CREDIT: (429, "RESOURCE_EXHAUSTED", "Quota exceeded for metric: generate_content_free_tier_requests, limit: 0"),
    No.RATE: (429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
    No.KEY: (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."),
    No.SHOT: (400, "INVALID_ARGUMENT", "Invalid value at 'generation_config.image_config.aspect_ratio'."),
    No.RETIRED: (404, "NOT_FOUND", "models/gone is not found for API version v1beta."),
}


class FakeGeminiImages(FakeService):
    """The service. A refusal is an HTTP 200. `pictures` are the next answer's; None: one of the model's own size."""

    kind = "gemini_images"

    def __init__(self) -> None:
        super().__init__()
        self.pictures: list[bytes] | None = None
        self.finish_reason = "STOP"
        self.files: list[tuple[str, bytes]] = []
        """Pictures that came: MIME type and bytes."""

    def add_routes(self, app: web.Application) -> None:
        for version in ("v1beta", "v1"):  # google-genai 3.4 asks the second
            app.router.add_post(f"/{version}/models/{{model:[^:/]+}}:generateContent", self._generate)

    def is_allowed(self, request: web.Request) -> bool:
        if "key" in request.query:
            self.complaints.append("the key was sent in the address")
        return request.headers.get("x-goog-api-key") == self.settings["key"]

    async def _generate(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        config = body.get("generationConfig", {})
        if set(body) - {"contents", "generationConfig"} or set(config) - _CONFIG:
            self.complaints.append(f"unknown fields {sorted(body)} {sorted(config)}")
        if config.get("responseModalities") != ["IMAGE"]:
            self.complaints.append("no picture was asked for")
        parts = [part for content in body["contents"] for part in content["parts"]]
        if not any(part.get("text") for part in parts):
            self.complaints.append("no prompt")
        for part in parts:
            if inline := part.get("inlineData"):
                self._look_at(inline)
        if request.match_info["model"] not in MODELS:
            return self.refusal(No.RETIRED)
        image = config.get("imageConfig", {})
        if image.get("aspectRatio", "1:1") not in _RATIOS or image.get("imageSize", "1K") not in {"1K", "2K", "4K"}:
            return self.refusal(No.SHOT)
        return await self.create(request, {**image, "model": request.match_info["model"], "parts": parts})

    def _look_at(self, inline: Mapping[str, str]) -> None:
        try:
            data = base64.b64decode(inline["data"], validate=True)
        except binascii.Error:
            # google-genai writes base64 for addresses
            data = base64.urlsafe_b64decode(inline["data"])
        self.files.append(
            (inline.get("mimeType") or inline["mime_type"], data)
        )  # both are read, as by all of Google's APIs
        if picture_size(data) is None or len(data) > 7_000_000:
            self.complaints.append("an inline picture that is none, or is too large")

    def refusal(self, no: No) -> web.Response:
        if no is No.TEXT:
            return web.json_response({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {}})
        if no is No.PICTURE:
            return web.json_response({"candidates": [{"finishReason": "IMAGE_SAFETY", "index": 0}]})
        status, word, words = _ERRORS[no]
        error: dict[str, Any] = {"code": status, "message": words, "status": word}
        if no is No.RATE:
            retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{self.retry_after_s:g}s"}
            error["details"] = [retry]
        return web.json_response({"error": error}, status=status)

    def accepted(self, task: FakeTask) -> web.Response:
        sizes = SIZES[str(task.body.get("imageSize", "1K"))]
        size = sizes.get(str(task.body.get("aspectRatio", "1:1")), (1024, 1024))
        pictures = [png(*size)] if self.pictures is None else self.pictures
        thought = {"inlineData": {"mimeType": "image/png", "data": _base64(png(64, 64))}, "thought": True}
        shown = [{"inlineData": {"mimeType": "image/png", "data": _base64(each)}} for each in pictures]
        content = {"role": "model", "parts": [thought, {"text": "Here it is."}, *shown]}
        return web.json_response(
            {
                "candidates": [{"content": content, "finishReason": self.finish_reason, "index": 0}],
                "usageMetadata": {
                    "promptTokenCount": 1_000,
                    "candidatesTokenCount": 1_120,
                    "totalTokenCount": 2_120,
                    "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1_120}],
                },
                "modelVersion": str(task.body["model"]),
                "responseId": task.id,
            }
        )

    usd: ClassVar[str] = "0.0351"
    """1000 x 1.5 + 1120 x 30 for a million."""


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
