"""The `wire` tables of a catalog against the shape that their provider reads: a misspelt word would silently not be sent. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from engine.providers.catalog import Catalog, CatalogError


class WireTable(BaseModel):
    """A table in which no other word may stand."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def check_wires(catalog: Catalog, name: str, *, service: type[WireTable] | None, row: type[WireTable]) -> None:
    """Compare the provider's own table and those of its models. `name` is the provider's in nextshot.toml.

    Raises:
        CatalogError: a word is unknown, missing or of the wrong type; the sentence says where.
    """
    if service is not None:
        _check(service, catalog.wire, f"providers.{name}.wire")
    for model, each in catalog.models.items():
        if not each.abilities.closed:
            _check(row, each.wire, f"providers.{name}.models.{model}.wire")


def _check(shape: type[WireTable], table: Mapping[str, Any], place: str) -> None:
    try:
        shape.model_validate(table)
    except ValidationError as wrong:
        places = "; ".join(
            f"{'.'.join(str(part) for part in each['loc']) or 'the table'}: {each['msg'].removeprefix('Value error, ')}"
            for each in wrong.errors(include_url=False, include_input=False)
        )
        raise CatalogError(f"[{place}] in nextshot.toml cannot be used ({places}): mend it or remove it.") from wrong
