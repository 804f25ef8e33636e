"""The catalog of a kind of provider: its models, limits, prices and end dates as data, with the operator's changes on top.

Each kind has one file in `catalogs/`. A table in `nextshot.toml` under `[providers.<name>]` has the same shape and is laid over it:
tables are merged, everything else is replaced, a model set to `false` is taken out.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from engine.abilities import Abilities, Limit, Pace, PictureLimits, Price
from engine.errors import EngineError, Fault
from engine.providers.painter import PainterAbilities, PictureModel

Money = Annotated[Decimal, Field(ge=0, max_digits=12)]


class CatalogError(EngineError):
    """A catalog cannot be used as it is. The sentence names the place and what it has to be."""

    fault = Fault.PERSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A setting of a provider: `NEXTSHOT_<NAME>_<SETTING>`."""

    what: str
    """What it is, as `the API key of …`."""
    is_secret: bool = False
    is_needed: bool = False
    """Without it the provider is not there."""
    or_else: str = ""
    """Another setting of the provider that will do as well."""
    shared: str = ""
    """The setting of another provider that is the same, as `NEXTSHOT_OPENAI_KEY`: it need not be set twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """At most `count` paid requests in any `per_s` seconds."""

    count: int
    per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model: what it can do, and what its provider has to know to ask for it."""

    abilities: Abilities
    wire: Mapping[str, Any] = field(default_factory=dict)
    """The provider's own: field names, routes, words for ratios."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """All that is known of a provider before it is asked anything."""

    kind: str
    title: str
    """As people call it."""
    docs: str
    key_at: str
    """How one gets a key: a paragraph."""
    url: str
    pace: Pace
    rate: Rate | None
    needs: Mapping[str, Need]
    wire: Mapping[str, Any]
    """The provider's own, for all models."""
    models: Mapping[str, Model]
    pictures: Mapping[str, PictureModel] = field(default_factory=dict)
    """The models of a painter."""

    @property
    def abilities(self) -> Mapping[str, Abilities]:
        """By model name, the default first."""
        return {name: model.abilities for name, model in self.models.items()}

    @property
    def painter_abilities(self) -> Mapping[str, PainterAbilities]:
        """Those of a painter's models, the default first."""
        return {name: model.abilities for name, model in self.pictures.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a provider is opened with. `settings` are by their short name: `key`, `url`; only those that are set."""

    name: str
    """As in `--provider`; usually the kind's name."""
    catalog: Catalog
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    callback_url: str | None = None
    """Where the service may tell us to look; None: nothing of ours can be reached from outside."""

    @property
    def url(self) -> str:
        """The service's address without a slash at its end."""
        return (self.settings.get("url") or self.catalog.url).rstrip("/")


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _PriceRow(_Row):
    per_second: dict[str, Money] | Money = Field(default_factory=dict)
    silent_per_second: dict[str, Money] | Money = Field(default_factory=dict)
    per_render: Money = Decimal(0)
    per_picture: Money = Decimal(0)
    free_pictures: int = Field(default=0, ge=0)
    per_source_second: Money = Decimal(0)

    def price(self) -> Price:
        return Price(
            usd_per_second=_by_resolution(self.per_second),
            silent_usd_per_second=_by_resolution(self.silent_per_second),
            usd_per_render=self.per_render,
            usd_per_picture=self.per_picture,
            free_pictures=self.free_pictures,
            usd_per_source_second=self.per_source_second,
        )


def _by_resolution(given: dict[str, Decimal] | Decimal) -> Mapping[str, Decimal]:
    return given if isinstance(given, dict) else {"": given}


class _PictureRow(_Row):
    formats: tuple[str, ...] = ("png", "jpeg", "webp")
    max_bytes: int = Field(default=8_000_000, gt=0)
    min_side: int = 64
    max_side: int = 4096
    min_ratio: float = 0.25
    max_ratio: float = 4.0


class _LimitRow(_Row):
    min_seconds: float | None = None
    max_seconds: float | None = None
    only_seconds: tuple[float, ...] = ()
    resolutions: tuple[str, ...] = ()
    ratios: tuple[str, ...] = ()


Way = Literal["text", "first", "last", "references", "extend", "edit"]


class _ModelRow(_Row):
    as_of: date
    source: str
    seconds: tuple[float, ...] = Field(min_length=2)
    """Lowest and highest, or with `only` all that there are."""
    only: bool = False
    default_seconds: float
    whole_seconds: bool = True
    ratios: tuple[str, ...] = Field(min_length=1)
    resolutions: tuple[str, ...] = Field(min_length=1)
    text: bool = True
    first_frame: bool = False
    last_frame: bool = False
    last_needs_first: bool = True
    references: int = Field(default=0, ge=0)
    references_or_frames: bool = True
    extend: bool = False
    extend_gives: Literal["whole", "new", "unknown"] = "unknown"
    edit: bool = False
    remix: bool = False
    audio: bool = False
    audio_choice: bool = False
    seed: bool = False
    negative: bool = False
    prompt_chars: int = Field(default=4_000, gt=0)
    ends_on: date | None = None
    substitute: str = ""
    closed: str = ""
    note: str = ""
    limits: dict[Way, _LimitRow] = Field(default_factory=dict)
    picture: _PictureRow = _PictureRow()
    price: _PriceRow | None = None
    wire: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _agrees(self) -> _ModelRow:
        if not self.only and len(self.seconds) != 2:
            raise ValueError("seconds must be [lowest, highest], or a list of all lengths with only = true")
        if not min(self.seconds) <= self.default_seconds <= max(self.seconds):
            raise ValueError("default_seconds must be one of the possible lengths")
        for way, limit in self.limits.items():
            if not (set(limit.resolutions) <= set(self.resolutions) and set(limit.ratios) <= set(self.ratios)):
                raise ValueError(f"limits.{way} must be among the model's own resolutions and ratios")
        return self

    def model(self) -> Model:
        plain = self.model_dump(exclude={"seconds", "only", "limits", "picture", "price", "wire"})
        abilities = Abilities(
            min_seconds=min(self.seconds),
            max_seconds=max(self.seconds),
            steps=tuple(sorted(self.seconds)) if self.only else (),
            limits={way: Limit(**limit.model_dump()) for way, limit in self.limits.items()},
            picture=PictureLimits(**self.picture.model_dump()),
            price=self.price.price() if self.price else None,
            **plain,
        )
        return Model(abilities=abilities, wire=self.wire)


class _PaintingRow(_Row):
    as_of: date
    source: str
    sizes: dict[str, int] = Field(min_length=1)
    ratios: tuple[str, ...] = Field(min_length=1)
    can_edit: bool = True
    per_picture: dict[str, Money] | Money | None = None
    prompt_chars: int = Field(default=32_000, gt=0)
    ends_on: date | None = None
    substitute: str = ""
    closed: str = ""
    note: str = ""
    picture: _PictureRow = _PictureRow()
    wire: dict[str, Any] = Field(default_factory=dict)

    def model(self) -> PictureModel:
        plain = self.model_dump(exclude={"per_picture", "picture", "wire"})
        abilities = PainterAbilities(
            usd_per_picture=None if self.per_picture is None else _by_resolution(self.per_picture),
            picture=PictureLimits(**self.picture.model_dump()),
            **plain,
        )
        return PictureModel(abilities=abilities, wire=self.wire)


class _PaceRow(_Row):
    first_s: float = Field(gt=0)
    every_s: float = Field(gt=0)
    give_up_s: float = Field(gt=0)
    in_flight: int = Field(gt=0)
    checks_per_s: float = Field(default=5.0, gt=0)


class _RateRow(_Row):
    count: int = Field(gt=0)
    per_s: float = Field(gt=0)


class _NeedRow(_Row):
    what: str
    is_secret: bool = False
    is_needed: bool = False
    or_else: str = ""
    shared: str = ""


class _CatalogRow(_Row):
    kind: str
    title: str
    docs: str
    key_at: str = ""
    url: str
    pace: _PaceRow
    rate: _RateRow | None = None
    needs: dict[str, _NeedRow] = Field(default_factory=dict)
    wire: dict[str, Any] = Field(default_factory=dict)
    models: dict[str, _ModelRow] = Field(default_factory=dict)
    pictures: dict[str, _PaintingRow] = Field(default_factory=dict)

    def catalog(self) -> Catalog:
        return Catalog(
            kind=self.kind,
            title=self.title,
            docs=self.docs,
            key_at=self.key_at,
            url=self.url,
            pace=Pace(**self.pace.model_dump()),
            rate=Rate(**self.rate.model_dump()) if self.rate else None,
            needs={name: Need(**row.model_dump()) for name, row in self.needs.items()},
            wire=self.wire,
            models={name: row.model() for name, row in self.models.items()},
            pictures={name: row.model() for name, row in self.pictures.items()},
        )


def read_catalog(kind: str, changes: Mapping[str, Any] | None = None, *, name: str = "") -> Catalog:
    """The catalog of a kind with the operator's `changes` (a table of `nextshot.toml`); `name` is the table's, for sentences.

    Raises:
        CatalogError: the changes do not fit; the sentence says where.
    """
    return _made(_shipped_rows(kind), changes, name or kind) if changes else _shipped(kind)


@cache  # every command reads them all, and some twice
def _shipped(kind: str) -> Catalog:
    return _made(_shipped_rows(kind), {}, kind)


def _shipped_rows(kind: str) -> Mapping[str, Any]:
    text = resources.files("engine.providers").joinpath("catalogs", f"{kind}.toml").read_text(encoding="utf-8")
    return {"kind": kind, **tomllib.loads(text)}


def _made(shipped: Mapping[str, Any], changes: Mapping[str, Any], name: str) -> Catalog:
    rows = merged(shipped, changes)
    for table in ("models", "pictures"):
        rows[table] = {model: row for model, row in rows.get(table, {}).items() if row is not False}
    try:
        return _CatalogRow.model_validate(rows).catalog()
    except ValidationError as wrong:
        raise CatalogError(_sentence(name, wrong.errors(include_url=False))) from wrong


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`under` with `over` laid on it: tables are merged, everything else is replaced. A new model comes last."""
    result = dict(under)
    for name, value in over.items():
        below = result.get(name)
        is_table = isinstance(below, Mapping) and isinstance(value, Mapping)
        result[name] = merged(below, value) if is_table else value  # type: ignore[arg-type]  # both are, as just asked
    return result


def _sentence(name: str, errors: Sequence[Any]) -> str:
    """All that is wrong with a table, for whoever wrote it; values are left out, as one may be a key in the wrong place."""
    wrong = "; ".join(
        f"{'.'.join(str(part) for part in each['loc']) or 'the table'}: {each['msg'].removeprefix('Value error, ')}"
        for each in errors
    )
    return f"[providers.{name}] in nextshot.toml cannot be used ({wrong}): mend it or remove it."
