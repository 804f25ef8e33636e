"""The image models of Gemini ("Nano Banana"): https://ai.google.dev/gemini-api/docs/image-generation. One call, no task.

The classic route, `generateContent`, is used: it is the one that the whole family answers on. A refusal is an HTTP 200 without a
picture, and what is charged for one is documented nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import quote as quoted

from engine.errors import About, Billed, ProviderError, Refused, RenderFailed, Stage
from engine.providers.answers import Answer
from engine.providers.catalog import Setup
from engine.providers.given_pictures import GivenPicture
from engine.providers.google_errors import fault_of
from engine.providers.painter import PictureModel, PictureOrder, nearest_ratio
from engine.providers.painter_service import PainterService, Picture, decoded, usd_of
from engine.providers.wire import Request

_INPUT = frozenset({"SAFETY", "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY", "JAILBREAK", "MODEL_ARMOR", "OTHER"})
"""Of `promptFeedback.blockReason`: google-genai 3.4 `types.py`, `BlockedReason`."""
_OUTPUT = frozenset(
    {
        "SAFETY",
        "RECITATION",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
        "ESCALATION",
        "PUP_LIMITED_DISABLED",
        "MODEL_ARMOR",
    }
)
"""Of `finishReason`, those that speak of rules: the same file, `FinishReason`."""


def open_painter(setup: Setup) -> GeminiPainter:
    """The painter of this kind."""
    return GeminiPainter(setup)


class GeminiPainter(PainterService):
    """Paints with Nano Banana."""

    def __init__(self, setup: Setup) -> None:
        # in a header, as an address is logged by whoever stands between
        super().__init__(setup, {"x-goog-api-key": setup.settings.get("key", "")})

    def request(self, order: PictureOrder, model: PictureModel, size: str, frame: GivenPicture | None) -> Request:
        return request_of(order, model, size, frame)

    def read(self, answer: Answer, model: PictureModel) -> Picture:
        return read_picture(answer, model.wire.get("prices", {}))


def request_of(order: PictureOrder, model: PictureModel, size: str, frame: GivenPicture | None) -> Request:
    """The paid request."""
    parts: list[dict[str, Any]] = [{"text": order.prompt}]
    if frame is not None:
        parts.append({"inlineData": {"mimeType": frame.mime, "data": frame.base64}})
    config: dict[str, Any] = {"aspectRatio": nearest_ratio(order.ratio, model.abilities.ratios)}
    if model.wire.get("has_sizes", True):
        config["imageSize"] = size
    body = {
        "contents": [{"role": "user", "parts": parts}],
        "generationConfig": {"responseModalities": ["IMAGE"], "imageConfig": config},
    }
    name = quoted(str(model.wire.get("model", order.model)), safe="")
    return Request(method="POST", path=f"v1beta/models/{name}:generateContent", json=body)


def read_picture(answer: Answer, prices: Mapping[str, Any]) -> Picture:
    """The last picture of an answer: those before it may be drafts, and those of a thought are."""
    if not answer.is_good:
        raise fault_of(answer, is_create=True)
    said = answer.table()
    pictures = list(_pictures(said))
    if not pictures:
        raise _none(answer, said)
    return Picture(decoded(answer, pictures[-1]), cost_of(said.get("usageMetadata"), prices))


def _pictures(said: Mapping[str, Any]) -> Iterator[Any]:
    for candidate in _tables(said.get("candidates")):
        content = candidate.get("content")
        for part in _tables(content.get("parts") if isinstance(content, Mapping) else None):
            inline = part.get("inlineData") or part.get("inline_data")
            if isinstance(inline, Mapping) and not part.get("thought") and inline.get("data"):
                yield inline["data"]


def _tables(found: Any) -> Iterator[Mapping[str, Any]]:
    yield from (each for each in (found if isinstance(found, list) else ()) if isinstance(each, Mapping))


def _none(answer: Answer, said: Mapping[str, Any]) -> ProviderError:
    """Why there is no picture. A word that nobody knows is no picture either."""
    feedback = said.get("promptFeedback")
    blocked = str(feedback.get("blockReason") or "") if isinstance(feedback, Mapping) else ""
    ends = [str(each.get("finishReason") or "") for each in _tables(said.get("candidates"))]
    if blocked:
        stage, is_rule = Stage.INPUT, blocked in _INPUT
        about = About.PICTURE if blocked == "IMAGE_SAFETY" else About.UNKNOWN
    else:
        stage, is_rule = Stage.OUTPUT, any(end in _OUTPUT for end in ends)
        about = About.PICTURE if any(end.startswith("IMAGE_") for end in ends) else About.UNKNOWN
    if is_rule:
        return Refused(
            f"{answer.service} will not paint this: its content rules forbid it. Change the prompt or the picture.",
            stage=stage,
            about=about,
            provider=answer.service,
            detail=answer.detail,
            billed=Billed.UNKNOWN,
        )
    if any(end in {"NO_IMAGE", "IMAGE_OTHER", "OTHER", "STOP"} for end in ends):
        return Refused(
            f"{answer.service} answered without a picture, which mostly means that its content rules stopped it. "
            "Say the shot in other words.",
            stage=Stage.OUTPUT,
            provider=answer.service,
            detail=answer.detail,
            billed=Billed.UNKNOWN,
        )
    word = blocked or next((end for end in ends if end), "")
    return RenderFailed(
        f"{answer.service} did not paint the picture{f' ({word[:40]})' if word else ''}; try again, or change the prompt.",
        provider=answer.service,
        detail=answer.detail,
    )


def cost_of(usage: Any, prices: Mapping[str, Any]) -> Decimal | None:
    """By its tokens; None: it does not tell them. Source: google-genai 3.4 `types.py`, `usageMetadata`."""
    if not isinstance(usage, Mapping) or not prices or not isinstance(usage.get("promptTokenCount"), int):
        return None
    made = {"text": 0, "image": 0}
    for entry in _tables(usage.get("candidatesTokensDetails")):
        kind, count = str(entry.get("modality", "")).lower(), entry.get("tokenCount", 0)
        if kind not in made or not isinstance(count, int):
            return None
        made[kind] += count
    if not made["image"]:
        return None
    thought = usage.get("thoughtsTokenCount") or 0
    tokens = {
        "input": usage["promptTokenCount"],
        "text_out": made["text"],
        "image_out": made["image"],
        "thought": thought,
    }
    return usd_of(tokens, prices)
