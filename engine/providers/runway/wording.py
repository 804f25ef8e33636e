"""What may stand in the `wire` tables of Runway's catalog; what the words mean is said at its beginning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from engine.providers.catalog import Catalog, CatalogError
from engine.providers.wordings import WireTable, check_wires

_Name = Annotated[str, Field(min_length=1)]


class ServiceWire(WireTable):
    """What holds for all models."""

    version: _Name
    inline_chars: int = Field(gt=0)
    upload_bytes: int = Field(gt=0)
    ratios: Mapping[str, Mapping[str, str | Mapping[str, str]]]


class _Way(WireTable):
    """One way to begin, or what holds for all of them."""

    ratio: _Name | None = None
    resolution: bool = False
    duration: bool = True
    audio: bool = False
    seed: bool = False
    negative: bool = False
    references: bool = False
    video: _Name | None = None
    most_seconds: float | None = None
    fixed: Mapping[str, Any] = Field(default_factory=dict)


class RowWire(_Way):
    """A model."""

    text: _Way | None = None
    image: _Way | None = None
    edit: _Way | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.edit is not None and (self.edit.video or self.video) is None:
            raise ValueError("edit needs the name of its video field")
        return self

    @property
    def tables(self) -> frozenset[str]:
        """The tables of ratios that it names."""
        ways = (self, self.text, self.image, self.edit)
        return frozenset(way.ratio for way in ways if way is not None and way.ratio is not None)


def check_wording(catalog: Catalog, name: str) -> None:
    """Raises CatalogError: a `wire` table cannot be used; the sentence says which."""
    check_wires(catalog, name, service=ServiceWire, row=RowWire)
    for model, row in catalog.models.items():
        if row.abilities.closed:
            continue
        if unknown := sorted(RowWire.model_validate(row.wire).tables - set(catalog.wire["ratios"])):
            raise CatalogError(
                f"[providers.{name}.models.{model}.wire] in nextshot.toml cannot be used "
                f"(ratio: there is no table wire.ratios.{unknown[0]}): mend it or remove it."
            )
