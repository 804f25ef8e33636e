"""Orders as requests to Runway: which route, which fields, which words. What differs between models is in the catalog. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.errors import BadShot, ProviderError
from engine.providers.base import Order, Work
from engine.providers.catalog import Catalog, Model
from engine.providers.wire import Request

ROUTES = {"text": "v1/text_to_video", "image": "v1/image_to_video", "edit": "v1/video_to_video"}
"""By how a render begins: https://docs.dev.runwayml.com/api/."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """Where Runway finds what was given: data URIs and addresses of uploads, `runway://…`. Empty: not given."""

    first: str = ""
    last: str = ""
    references: tuple[str, ...] = ()
    video: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """An order without its media: known to be possible."""

    begins: str
    """A name of `ROUTES`."""
    body: Mapping[str, Any] = field(default_factory=dict)
    video_field: str = ""


def plan_of(order: Order, model: Model, catalog: Catalog) -> Plan:
    """The request as far as it does not need its media.

    Raises:
        BadShot: the model cannot do it; the sentence says what it can do.
    """
    begins = _beginning(order)
    route = _route(order, model, begins, catalog)
    _check_prompt(order, model, catalog)
    body: dict[str, Any] = {"model": order.model, "promptText": order.prompt}
    if word := _ratio(order, begins, route, catalog):
        body["ratio"] = word
    if route.get("resolution"):
        body["resolution"] = order.resolution
    if route.get("duration", True):
        body["duration"] = int(order.seconds)
    if route.get("seed"):
        body["seed"] = order.seed
    if route.get("audio"):
        body["audio"] = not order.is_silent
    if route.get("negative") and order.negative:
        body["negativePrompt"] = order.negative
    return Plan(begins=begins, body={**body, **route.get("fixed", {})}, video_field=str(route.get("video", "")))


def request_of(plan: Plan, media: Media) -> Request:
    """The paid request."""
    body = dict(plan.body)
    frames = [{"uri": uri, "position": place} for place, uri in (("first", media.first), ("last", media.last)) if uri]
    if frames:
        body["promptImage"] = frames
    if media.references:
        body["references"] = [{"uri": uri} for uri in media.references]
    if plan.video_field:
        body[plan.video_field] = media.video
    return Request(method="POST", path=ROUTES[plan.begins], json=body)


def _beginning(order: Order) -> str:
    if order.source is not None:
        return "edit" if order.source.work is Work.EDIT else order.source.work.value
    return "image" if order.first_frame is not None or order.last_frame is not None else "text"


def _route(order: Order, model: Model, begins: str, catalog: Catalog) -> Mapping[str, Any]:
    """What the catalog says of this way to begin."""
    if begins not in ROUTES or begins not in model.wire:
        raise _cannot(catalog, f"{order.model} {_ways(model)}; choose another model, /models lists them.")
    shared = {name: value for name, value in model.wire.items() if name not in ROUTES}
    route = {**shared, **model.wire[begins]}
    if order.references and not route.get("references"):
        raise _cannot(catalog, f"{order.model} takes no pictures as a guide for this; leave them out.")
    if order.source is not None and order.source.seconds > route.get("most_seconds", order.source.seconds):
        most = route["most_seconds"]
        raise _cannot(
            catalog,
            f"The clip has {order.source.seconds:.3g} s and {order.model} changes clips of up to {most:g} s; "
            "choose a shorter one or another model.",
        )
    return route


def _ways(model: Model) -> str:
    words_of = {"text": "begins on words", "image": "begins on a first frame", "edit": "changes a clip by words"}
    can = [words for name, words in words_of.items() if name in model.wire]
    return f"only {' or '.join(can)}" if can else "does nothing any more"


def _ratio(order: Order, begins: str, route: Mapping[str, Any], catalog: Catalog) -> str:
    """Runway's word for shape and size; empty: it takes none here, and keeps the shape of what it is given."""
    if "ratio" not in route:
        return ""
    table = catalog.wire.get("ratios", {}).get(route["ratio"], {})
    words = table.get(order.resolution, table.get(""))
    if isinstance(words, str):
        return words
    if not words:
        raise _cannot(catalog, f"{order.model} cannot do {order.resolution} here; choose one of: {', '.join(table)}.")
    if order.ratio not in words:
        begun = " without a first frame" if begins == "text" and "image" in catalog.models[order.model].wire else ""
        raise _cannot(
            catalog, f"{order.model} cannot do the ratio {order.ratio}{begun}; choose one of: {', '.join(words)}."
        )
    return str(words[order.ratio])


def _check_prompt(order: Order, model: Model, catalog: Catalog) -> None:
    """Runway counts as JavaScript does: a character outside the basic plane, as most emoji, counts twice."""
    units = len(order.prompt.encode("utf-16-le")) // 2
    over = units - model.abilities.prompt_chars
    if over > 0:
        raise _cannot(
            catalog,
            f"The prompt has {units:,} characters as {catalog.title} counts them, and {order.model} takes "
            f"{model.abilities.prompt_chars:,}; shorten it by {over:,}.",
        )


def _cannot(catalog: Catalog, sentence: str) -> ProviderError:
    return BadShot(sentence, provider=catalog.title)
