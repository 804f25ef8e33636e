"""An order as MiniMax's request: https://platform.minimax.io/docs/api-reference/video-generation-v2-create. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from engine.providers.base import Order
from engine.providers.catalog import Model
from engine.providers.given_pictures import GivenPicture
from engine.providers.wire import Request
from engine.providers.wordings import WireTable


class ServiceWire(WireTable):
    """What may stand in the provider's own `wire`."""

    pictures_most_bytes: int = Field(gt=0)


class RowWire(WireTable):
    """What may stand in a model's `wire`."""

    resolutions: Mapping[str, str]
    """MiniMax's words for ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The pictures of an order, ready to be sent."""

    first: GivenPicture | None = None
    last: GivenPicture | None = None
    references: Sequence[GivenPicture] = ()


def request_of(order: Order, model: Model, given: Given) -> Request:
    """The paid request."""
    content: list[dict[str, Any]] = [{"type": "text", "text": order.prompt}]
    roles = [("first_frame", given.first), ("last_frame", given.last)]
    roles += [("reference_image", each) for each in given.references]
    content += [
        {"type": "image_url", "image_url": {"url": each.data_uri}, "role": role}
        for role, each in roles
        if each is not None
    ]
    body: dict[str, Any] = {
        "model": order.model,
        "content": content,
        "duration": round(order.seconds),
        "resolution": model.wire["resolutions"][order.resolution],
    }
    if given.first is None and given.last is None:  # from a frame it is always the frame's own
        body["ratio"] = order.ratio
    return Request(method="POST", path="v2/video_generation", json=body)
