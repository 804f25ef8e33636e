"""An order as the input of one of fal's endpoints, by the catalog's row: what differs between models is data. Pure.

https://fal.ai/docs/documentation/model-apis/inference/queue: the body of a request is the model's own input.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.errors import BadShot
from engine.providers.base import Order
from engine.providers.catalog import Catalog, CatalogError

KINDS = ("text", "image", "frames", "references")


class Route(BaseModel):
    """One endpoint of a model, and what is called what there. Fields may be paths, as `image_urls.0`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: str = Field(pattern=r"^[\w.-]+(/[\w.-]+)+$")
    first: str = ""
    last: str = ""
    references: str = ""
    """A list of addresses."""
    duration: str = "duration"
    ratio: bool = False
    """It takes one; else the picture's own is kept."""


class Wording(BaseModel):
    """How a model is asked: its `wire` in the catalog."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: Route | None = None
    image: Route | None = None
    frames: Route | None = None
    """From first to last, where that is an endpoint of its own."""
    references: Route | None = None
    duration_form: Literal["string", "int", "seconds"] = "string"
    resolution: str = "resolution"
    """Its field; empty: there is no choice."""
    resolutions: Mapping[str, str] = Field(default_factory=dict)
    """The model's own words, where they are not ours."""
    ratio: str = "aspect_ratio"
    audio: str = ""
    seed: str = ""
    negative: str = ""
    fixed: Mapping[str, Any] = Field(default_factory=dict)
    """Always sent as it is."""
    price_at: str = ""
    """The resolution for which fal tells the unit price; empty: not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """Where fal finds the pictures of an order: addresses or data URIs."""

    first: str = ""
    last: str = ""
    references: tuple[str, ...] = ()


def wordings_of(catalog: Catalog, name: str) -> Mapping[str, Wording]:
    """How each model of the catalog is asked.

    Raises:
        CatalogError: a row cannot be used; the sentence says which.
    """
    found = {}
    for model, row in catalog.models.items():
        try:
            found[model] = Wording.model_validate(row.wire)
        except ValidationError as wrong:
            places = ", ".join(".".join(str(part) for part in each["loc"]) for each in wrong.errors(include_url=False))
            raise CatalogError(
                f"[providers.{name}.models.{model}.wire] in nextshot.toml cannot be used ({places}): mend it or remove it."
            ) from wrong
    return found


def route_of(order: Order, wording: Wording) -> Route:
    """The endpoint for what the order has.

    Raises:
        BadShot: the row has none for it.
    """
    route = _route(order, wording)
    if route is None:
        raise BadShot(f"fal cannot make such a shot with {order.model}: change its pictures, or choose another model.")
    return route


def _route(order: Order, wording: Wording) -> Route | None:
    if order.references:
        return wording.references
    if order.first_frame and order.last_frame:
        return wording.frames or (wording.image if wording.image and wording.image.last else None)
    if order.first_frame:
        return wording.image
    return wording.text if order.last_frame is None else None


def body_of(order: Order, wording: Wording, route: Route, pictures: Pictures) -> dict[str, Any]:
    """The model's input."""
    body: dict[str, Any] = {"prompt": order.prompt, **wording.fixed}
    _place(body, route.duration, _duration(order.seconds, wording.duration_form))
    if wording.resolution:
        body[wording.resolution] = wording.resolutions.get(order.resolution, order.resolution)
    if route.ratio:
        body[wording.ratio] = order.ratio
    if wording.audio:
        body[wording.audio] = not order.is_silent
    if wording.seed:
        body[wording.seed] = order.seed
    if wording.negative and order.negative:
        body[wording.negative] = order.negative
    for path, value in ((route.first, pictures.first), (route.last, pictures.last)):
        if path and value:
            _place(body, path, value)
    if route.references and pictures.references:
        body[route.references] = list(pictures.references)
    return body


def picture_fields(route: Route) -> frozenset[str]:
    """The names of the fields that hold pictures, as they stand in a body."""
    return frozenset(path.partition(".")[0] for path in (route.first, route.last, route.references) if path)


def app_of(endpoint: str) -> str:
    """The part of an endpoint under which its requests are: owner and app, after a namespace if there is one.

    As `AppId.from_endpoint_id` of fal-client 1.0 has it.
    """
    parts = endpoint.split("/")
    return "/".join(parts[: 3 if parts[0] in {"workflows", "comfy"} else 2])


def _duration(seconds: float, form: str) -> str | int:
    whole = round(seconds)
    return whole if form == "int" else f"{whole}s" if form == "seconds" else str(whole)


def _place(body: dict[str, Any], path: str, value: Any) -> None:
    """Put a value where a path leads; a number is a place in a list, which is filled from its beginning."""
    names: Sequence[str] = path.split(".")
    at: Any = body
    for name, after in zip(names, [*names[1:], None], strict=True):
        empty: Any = value if after is None else [] if after.isdigit() else {}
        if name.isdigit():
            if int(name) >= len(at):
                at.append(empty)
            at = at[int(name)]
        else:
            at = at.setdefault(name, empty)
