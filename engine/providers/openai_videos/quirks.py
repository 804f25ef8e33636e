"""How one server of the `/v1/videos` shape differs from OpenAI's, as data: a preset, changed key by key, for all models or one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from engine.errors import Billed
from engine.providers.catalog import Catalog, CatalogError, Model, Setup, merged, read_catalog

KIND = "openai"
Route = Literal["list", "delete", "remix", "edits", "extensions", "models"]
Variant = Literal["video", "thumbnail", "spritesheet"]
Size = Annotated[str, StringConstraints(pattern=r"^\d{2,5}x\d{2,5}$")]
_SHORT_SIDES = {"2k": 1440, "4k": 2160}
OF_SERVER = frozenset(
    {
        "path", "query", "key_header", "key_prefix", "variants", "result", "proof", "list_is_whole", "delete_cancels",
        "failed_is_billed", "waiting_words",
    }
)  # fmt: skip
"""What no model can have of its own: all that is needed when nothing but a task id is known."""


class Quirks(BaseModel):
    """What has to be known of a server to speak to it. An empty field name: it is not sent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = ""
    """The word for the model; empty: the name of the row. Of one model only."""
    path: str = "videos"
    """Below the server's address."""
    query: dict[str, str] = Field(default_factory=dict)
    """Sent with every request, as `api-version`."""
    key_header: str = "authorization"
    key_prefix: str = "Bearer "
    create_as: Literal["multipart", "json"] = "multipart"
    """A picture as a file is multipart always."""
    seconds_field: str = "seconds"
    seconds_as: Literal["string", "int"] = "string"
    """In JSON; a form has only digits."""
    size_as: Literal["size", "sides", "none"] = "size"
    """`size` as `1280x720`, or `width` and `height`."""
    sizes: dict[str, dict[str, Size]] = Field(default_factory=dict)
    """By ratio and resolution; what is not named is reckoned."""
    size_step: int = Field(default=16, gt=0)
    """The longer side is reckoned as a multiple of this."""
    ratio_field: str = ""
    resolution_field: str = ""
    image_as: Literal["file", "object", "data_url"] = "file"
    """`object` is `{"image_url": "data:…"}`."""
    image_field: str = "input_reference"
    last_field: str = ""
    """For the last frame alone; empty: it goes as the second one of `many_field`."""
    many_field: str = ""
    """For first and last frame, or references."""
    seed_field: str = ""
    negative_field: str = ""
    sound_field: str = ""
    """Sent as true or false where the model has sound."""
    frames_field: str = ""
    """For the number of frames: seconds times `frames_fps`, and `frames_plus`."""
    frames_fps: float = Field(default=24, gt=0)
    frames_plus: int = 0
    extra: dict[str, Any] = Field(default_factory=dict)
    """Sent as it is with every create."""
    routes: tuple[Route, ...] = ()
    """What is served beside create, check and content."""
    variants: tuple[Variant, ...] = ("video",)
    result: tuple[Literal["content", "url", "metadata.url"], ...] = ("content",)
    """Where the video is: the first of these that an answer has. `content` is the route and always there."""
    proof: tuple[str, ...] = ()
    """A completed render fills one of these fields; without any it has no video. Empty: it cannot be told by the answer."""
    list_is_whole: bool = False
    """What is not in the list was never taken."""
    delete_cancels: bool = False
    """A DELETE of an open render stops it."""
    failed_is_billed: Billed = Billed.UNKNOWN
    waiting_words: tuple[str, ...] = ()
    """Its own for a render that it has not looked at yet, as `unknown`."""

    @property
    def can_look_up(self) -> bool:
        return "list" in self.routes and self.list_is_whole


def size_of(ratio: str, resolution: str, quirks: Quirks) -> tuple[int, int]:
    """Width and height: as the quirks name them, else by the shorter side."""
    named = quirks.sizes.get(ratio, {}).get(resolution)
    if named is not None:
        width, _, height = named.partition("x")
        return int(width), int(height)
    across, down = (float(part) for part in ratio.split(":"))
    short = _SHORT_SIDES.get(resolution) or int(resolution.removesuffix("p"))
    long = round(short * max(across, down) / min(across, down) / quirks.size_step) * quirks.size_step
    return (long, short) if across > down else (short, long) if down > across else (short, short)


def own_setup(setup: Setup) -> Setup:
    """The setup with a preset, and at another address than OpenAI's without its rows and under a name of its own for people.

    Raises:
        CatalogError: no model is left.
    """
    shipped = read_catalog(KIND)
    catalog = setup.catalog
    is_openai = setup.url == shipped.url
    if not catalog.wire.get("preset"):
        catalog = replace(catalog, wire={**catalog.wire, "preset": "openai" if is_openai else "plain"})
    if is_openai:
        return replace(setup, catalog=catalog)
    models = {name: model for name, model in catalog.models.items() if model != shipped.models.get(name)}
    if not models:
        raise CatalogError(
            f"[providers.{setup.name}] in nextshot.toml names no model of its server: "
            f'add a table [providers.{setup.name}.models."…"].'
        )
    title = setup.name if catalog.title == shipped.title else catalog.title
    return replace(setup, catalog=replace(catalog, models=models, title=title))


def read_quirks(catalog: Catalog, name: str) -> tuple[Quirks, Mapping[str, Quirks]]:
    """The server's quirks, and those of each model; `name` is the provider's, for sentences.

    Raises:
        CatalogError: a preset that nobody knows, a key or a value that does not fit, an ability that is not served.
    """
    own = {key: value for key, value in catalog.wire.items() if key not in {"preset", "presets"}}
    presets = catalog.wire.get("presets", {})
    preset = catalog.wire.get("preset", "")
    if preset not in presets:
        raise CatalogError(
            f"[providers.{name}.wire] in nextshot.toml: preset has to be one of {', '.join(sorted(presets))}."
        )
    server = merged(presets[preset], own)
    for model, row in catalog.models.items():
        if of_server := sorted(OF_SERVER & set(row.wire)):
            raise CatalogError(
                f'[providers.{name}.models."{model}".wire] in nextshot.toml: {", ".join(of_server)} can only be said of the whole '
                f"server, as a render is looked at without its model: move it to [providers.{name}.wire]."
            )
    models = {
        model: _quirks(merged(server, row.wire), f'{name}.models."{model}"') for model, row in catalog.models.items()
    }
    for model, row in catalog.models.items():
        if lacking := _lacking(row, models[model]):
            raise CatalogError(f'[providers.{name}.models."{model}"] in nextshot.toml: {lacking}.')
    return _quirks(server, name), models


def _quirks(values: Mapping[str, Any], where: str) -> Quirks:
    try:
        return Quirks.model_validate(values)
    except ValidationError as wrong:
        said = "; ".join(
            f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}"
            for each in wrong.errors(include_url=False, include_input=False)
        )
        raise CatalogError(f"[providers.{where}.wire] in nextshot.toml cannot be used ({said}): mend it.") from wrong


def _lacking(row: Model, quirks: Quirks) -> str:
    """What the row promises and its server is not known to serve; empty: nothing."""
    can = row.abilities
    routes: tuple[tuple[bool, Route], ...] = (
        (can.extend, "extensions"),
        (can.edit, "edits"),
        (can.remix, "remix"),
    )
    for is_promised, route in routes:
        if is_promised and route not in quirks.routes:
            return f"it needs the route {route}, which wire.routes does not name"
    if can.references and not quirks.many_field:
        return "references need wire.many_field"
    if can.last_frame and not (quirks.last_field or quirks.many_field):
        return "a last frame needs wire.last_field or wire.many_field"
    if can.last_frame and not can.last_needs_first and not quirks.last_field:
        return "a last frame without a first one needs wire.last_field"
    if can.seed and not quirks.seed_field:
        return "a seed needs wire.seed_field"
    if can.negative and not quirks.negative_field:
        return "negative words need wire.negative_field"
    if can.audio_choice and not quirks.sound_field:
        return "a choice of sound needs wire.sound_field"
    for ratio in can.ratios:
        for resolution in can.resolutions:
            try:
                size_of(ratio, resolution, quirks)
            except (ValueError, ZeroDivisionError):
                return f"wire.sizes has to name the size of {ratio} at {resolution}, as 1280x720"
    return ""
