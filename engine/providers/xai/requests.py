"""What is sent to xAI, as pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.errors import BadShot
from engine.providers.base import Order, Work
from engine.providers.catalog import Model
from engine.providers.given_pictures import GivenPicture
from engine.providers.wire import Request


def check_order(order: Order, model: Model, wire: Mapping[str, Any], service: str) -> None:
    """Refuse what the row's abilities cannot say and xAI would.

    Raises:
        BadShot
    """
    row = model.wire
    if order.references and order.resolution not in row.get("references_resolutions", [order.resolution]):
        most = " or ".join(row["references_resolutions"])
        raise BadShot(f"{service} renders from references only in {most}; choose one of these.", provider=service)
    if order.references and order.seconds > row.get("references_most_seconds", order.seconds):
        most = row["references_most_seconds"]
        raise BadShot(
            f"{service} renders from references at most {most} s with this model; make it shorter.", provider=service
        )
    if order.source is None:
        return
    is_extension = order.source.work is Work.EXTEND
    least, most = wire["extend_from_seconds"] if is_extension else (0, wire["edit_most_seconds"])
    if not least <= order.source.seconds <= most:
        verb, what = ("goes on from", "continue from its last frame") if is_extension else ("changes", "retake it")
        raise BadShot(
            f"{service} {verb} clips of {least:g} to {most:g} s, and this one has {order.source.seconds:g} s; /{what} instead.",
            provider=service,
        )
    least, most = wire["extend_seconds"]
    if is_extension and not least <= order.seconds <= most:
        raise BadShot(
            f"{service} goes on from a clip by {least:g} to {most:g} s, not by {order.seconds:g}; ask for another length.",
            provider=service,
        )


def shape_note(order: Order, first: GivenPicture | None) -> tuple[str, ...]:
    """What is said of a first frame of another shape than the story's."""
    across, down = (int(part) for part in order.ratio.split(":"))
    if first is None or abs(first.width / first.height / (across / down) - 1) < 0.03:
        return ()
    return ("The clip takes the shape of its first frame.",)


def request_of(order: Order, first: GivenPicture | None, references: list[GivenPicture], video_url: str) -> Request:
    """The paid request."""
    body: dict[str, Any] = {"model": order.model, "prompt": order.prompt}
    if order.source is not None:
        # .../video/extension and .../video/editing: shape and size are those of the source
        route = "extensions" if order.source.work is Work.EXTEND else "edits"
        body |= {"video": {"url": video_url}} | ({"duration": int(order.seconds)} if route == "extensions" else {})
        return Request(method="POST", path=f"videos/{route}", json=body)
    body |= {"duration": int(order.seconds), "resolution": order.resolution}
    if first is None:
        body["aspect_ratio"] = order.ratio
    else:
        # .../video/generation: it takes the picture's shape, and a given one would stretch the picture
        body["image"] = {"url": first.data_uri}
    if references:
        body["reference_images"] = [{"url": each.data_uri} for each in references]
    if order.is_silent:
        body["generate_audio"] = False
    return Request(method="POST", path="videos/generations", json=body)
