"""OpenAI's Images API on loopback, as https://platform.openai.com/docs/api-reference/images and openai 3.54 have it."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from aiohttp import BodyPartReader, web

from tests.fakes.services.base import FakeService, FakeTask, No
from tests.fakes.services.pictures import picture_size, png

FREE_SIZES = frozenset({"gpt-image-2", "gpt-image-2-2026-04-21", "gpt-image-2.5-sunburst", "gpt-image-2.5-flare"})
FIXED_SIZES = frozenset(
    {"gpt-image-1.5", "gpt-image-1-mini", "gpt-image-2.6-sunburst", "gpt-image-2.6-flare", "chatgpt-image-latest"}
)
_SIZES = frozenset({"auto", "1024x1024", "1536x1024", "1024x1536"})
_KNOWN = frozenset(
    {
        "model",
        "prompt",
        "n",
        "size",
        "quality",
        "background",
        "output_format",
        "output_compression",
        "moderation",
        "complexity",
        "safety_identifier",
    }
)
_QUALITIES = frozenset({"low", "medium", "high", "auto"})
_REFUSALS = {
    No.TEXT: (400, "moderation_blocked", "Your request was rejected by the safety system."),
    No.PICTURE: (400, "content_policy_violation", "The image was rejected by the safety system."),
    No.CREDIT: (429, "insufficient_quota", "You exceeded your current quota, please check your plan and billing."),
    No.RATE: (429, "rate_limit_exceeded", "Rate limit reached for images per minute."),
    No.KEY: (401, "invalid_api_key", "Incorrect API key provided."),
    No.SHOT: (400, "invalid_value", "Invalid size."),
    No.RETIRED: (404, "model_not_found", "The model does not exist or you do not have access to it."),
}


class FakeOpenAiImages(FakeService):
    """The service. `pictures` are the next answer's; None: one that is exactly as large as was asked."""

    kind = "openai_images"
    base_path = "/v1"

    def __init__(self) -> None:
        super().__init__()
        self.pictures: list[bytes] | None = None
        self.files: list[tuple[str, bytes]] = []
        """Of the edits that came: MIME type and bytes."""

    def add_routes(self, app: web.Application) -> None:
        app.router.add_post("/v1/images/generations", self._generate)
        app.router.add_post("/v1/images/edits", self._edit)

    async def _generate(self, request: web.Request) -> web.StreamResponse:
        if request.content_type != "application/json":
            self.complaints.append(f"a generation as {request.content_type}")
        return await self._taken(request, await request.json())

    async def _edit(self, request: web.Request) -> web.StreamResponse:
        fields: dict[str, Any] = {}
        images = 0
        async for part in await request.multipart():
            assert isinstance(part, BodyPartReader)
            if part.name in {"image", "image[]"}:
                data = bytes(await part.read())
                images += 1
                self.files.append((part.headers.get("Content-Type", ""), data))
                if picture_size(data) is None or len(data) >= 50_000_000 or not part.filename:
                    self.complaints.append("an image part that is no picture below 50 MB with a file name")
            else:
                fields[part.name or ""] = await part.text()
        if not 1 <= images <= 16:
            self.complaints.append(f"an edit with {images} images")
        return await self._taken(request, fields)

    async def _taken(self, request: web.Request, body: Mapping[str, Any]) -> web.StreamResponse:
        if unknown := set(body) - _KNOWN:
            self.complaints.append(f"unknown fields {sorted(unknown)}")
        if not 1 <= len(str(body.get("prompt", ""))) <= 32_000 or str(body.get("n", 1)) != "1":
            self.complaints.append("no prompt, or several pictures")
        if body.get("quality", "auto") not in _QUALITIES or body.get("output_format", "png") != "png":
            self.complaints.append("a quality or format that is not there")
        model, size = str(body.get("model")), str(body.get("size", "auto"))
        if model not in FREE_SIZES | FIXED_SIZES:
            return self.refusal(No.RETIRED)
        if size not in _SIZES and not (model in FREE_SIZES and _is_size(size)):
            return self.refusal(No.SHOT)
        return await self.create(request, body)

    def refusal(self, no: No) -> web.Response:
        status, code, words = _REFUSALS[no]
        headers = {"Retry-After": f"{self.retry_after_s:g}"} if no is No.RATE else {}
        error = {"message": words, "type": "image_generation_user_error", "param": None, "code": code}
        return web.json_response({"error": error}, status=status, headers=headers)

    def accepted(self, task: FakeTask) -> web.Response:
        size = str(task.body.get("size", "auto"))
        width, height = (1024, 1024) if size == "auto" else map(int, size.split("x"))
        pictures = [png(width, height)] if self.pictures is None else self.pictures
        return web.json_response(
            {
                "created": 1_790_000_000,
                "background": "opaque",
                "data": [{"b64_json": base64.b64encode(each).decode()} for each in pictures],
                "output_format": "png",
                "quality": "medium",
                "size": size,
                "usage": {
                    "input_tokens": 1_100,
                    "input_tokens_details": {"text_tokens": 100, "image_tokens": 1_000},
                    "output_tokens": 1_500,
                    "output_tokens_details": {"text_tokens": 0, "image_tokens": 1_500},
                    "total_tokens": 2_600,
                },
            }
        )

    usd: ClassVar[str] = "0.0535"
    """100 x 5 + 1000 x 8 + 1500 x 30 for a million."""


def _is_size(size: str) -> bool:
    found = re.fullmatch(r"(\d+)x(\d+)", size)
    if found is None:
        return False
    width, height = int(found[1]), int(found[2])
    return width % 16 == 0 == height % 16 and 1 / 3 <= width / height <= 3 and max(width, height) <= 3840
