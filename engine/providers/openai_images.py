"""The GPT Image models at OpenAI: https://platform.openai.com/docs/api-reference/images. One call, one picture, no task.

A picture from words is `images/generations` (JSON), one from a frame `images/edits` (multipart). Who asks is not told: no
`safety_identifier` goes out.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from engine.errors import About, Billed, ProviderError, Refused, Stage
from engine.providers.answers import (
    Answer,
    bad_shot,
    fault_of_status,
    misunderstood,
    model_retired,
    out_of_credit,
)
from engine.providers.catalog import Setup
from engine.providers.given_pictures import GivenPicture
from engine.providers.painter import PictureModel, PictureOrder
from engine.providers.painter_service import PainterService, Picture, decoded, no_picture, usd_of
from engine.providers.service import bearer
from engine.providers.wire import Request

_RULES = frozenset({"moderation_blocked", "content_policy_violation"})
_NO_MONEY = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
_NO_MODEL = frozenset({"model_not_found", "model_deprecated"})


def open_painter(setup: Setup) -> OpenAiPainter:
    """The painter of this kind."""
    return OpenAiPainter(setup)


class OpenAiPainter(PainterService):
    """Paints with GPT Image."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup, bearer(setup))

    def request(self, order: PictureOrder, model: PictureModel, size: str, frame: GivenPicture | None) -> Request:
        return request_of(order, model, size, frame)

    def read(self, answer: Answer, model: PictureModel) -> Picture:
        return read_picture(answer, model.wire.get("prices", {}))


def request_of(order: PictureOrder, model: PictureModel, size: str, frame: GivenPicture | None) -> Request:
    """The paid request."""
    wire = model.wire
    fields = {
        "model": str(wire.get("model", order.model)),
        "prompt": order.prompt,
        "size": pixels_for(order.ratio, size, wire),
        **{name: str(wire[name]) for name in ("quality", "moderation") if name in wire},
        "output_format": "png",
    }
    if frame is None:
        return Request(method="POST", path="images/generations", json={**fields, "n": 1})
    file = ("image", frame.file_name, frame.data, frame.mime)
    return Request(method="POST", path="images/edits", form={**fields, "n": "1"}, files=(file,))


def pixels_for(ratio: str, size: str, wire: Mapping[str, Any]) -> str:
    """`1280x720`: of the size's table the ratio itself, else the nearest shape."""
    table: Mapping[str, str] = wire["pixels"][size]
    if ratio in table:
        return table[ratio]
    across, down = (int(part) for part in ratio.split(":"))
    return min(table.values(), key=lambda each: _apart(across / down, each))


def _apart(wanted: float, pixels: str) -> float:
    width, height = (int(side) for side in pixels.split("x"))
    return max(width / height / wanted, wanted / (width / height))


def read_picture(answer: Answer, prices: Mapping[str, Any]) -> Picture:
    """The last picture of an answer; there is one."""
    if not answer.is_good:
        raise fault_of(answer)
    said = answer.table()
    pictures = said.get("data")
    if not isinstance(pictures, list):
        raise misunderstood(answer)
    if not pictures or not isinstance(pictures[-1], Mapping):
        raise no_picture(answer)
    return Picture(decoded(answer, pictures[-1].get("b64_json")), cost_of(said.get("usage"), prices))


def cost_of(usage: Any, prices: Mapping[str, Any]) -> Decimal | None:
    """By its tokens; None: it does not tell them. Source: openai 3.54 `types/images_response.py`."""
    if not isinstance(usage, Mapping) or not prices:
        return None
    given, made = usage.get("input_tokens_details"), usage.get("output_tokens_details")
    if not isinstance(given, Mapping):
        return None
    tokens = {"text_in": given.get("text_tokens"), "image_in": given.get("image_tokens")}
    if isinstance(made, Mapping):
        tokens |= {"text_out": made.get("text_tokens"), "image_out": made.get("image_tokens")}
    else:
        tokens["image_out"] = usage.get("output_tokens")
    return usd_of(tokens, prices)


def fault_of(answer: Answer) -> ProviderError:
    """What an answer that is not good means: https://platform.openai.com/docs/guides/error-codes."""
    code, words = _error_of(answer)
    match answer.status:
        case 400 | 403 if code in _RULES or "safety system" in words:
            return _refused(answer, words)
        case 429 | 400 | 402 | 403 if code in _NO_MONEY:
            return out_of_credit(answer)
        case 400 | 403 | 404 if code in _NO_MODEL:
            return model_retired(answer)
        case 400 | 413 | 422:
            return bad_shot(answer, words)
        case _:
            return fault_of_status(answer, is_create=True)


def _error_of(answer: Answer) -> tuple[str, str]:
    error = answer.said.get("error")
    if not isinstance(error, Mapping):
        return "", ""
    return str(error.get("code") or error.get("type") or ""), str(error.get("message") or "")


def _refused(answer: Answer, words: str) -> Refused:
    return Refused(
        f"{answer.service} will not paint this: its content rules forbid it. Change the prompt or the picture.",
        stage=Stage.INPUT,
        about=About.PICTURE if "image" in words.lower() or "picture" in words.lower() else About.TEXT,
        provider=answer.service,
        detail=answer.detail,
        billed=Billed.NO,
    )
