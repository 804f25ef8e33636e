"""What may stand in the `wire` tables of KIE's catalog; what the words mean is said in `requests`."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from engine.providers.wordings import WireTable

_Name = Annotated[str, Field(min_length=1)]


class ServiceWire(WireTable):
    """What holds for all models."""

    upload_url: _Name
    base64_most_bytes: int = Field(gt=0)
    usd_per_credit: Decimal = Field(ge=0, allow_inf_nan=False)


class _Shared(WireTable):
    """What may stand in a row and in each of its forms."""

    route: Literal["jobs", "veo"] = "jobs"
    id: _Name | None = None
    path: _Name | None = None
    seconds: _Name | None = None
    seconds_as: Literal["text"] | None = None
    ratio: _Name | None = None
    resolution: _Name | None = None
    words: Mapping[str, str] = Field(default_factory=dict)
    sound: _Name | None = None
    seed: _Name | None = None
    negative: _Name | None = None
    first: _Name | None = None
    last: _Name | None = None
    fixed: Mapping[str, Any] = Field(default_factory=dict)
    only_seconds: tuple[float, ...] = ()
    most_seconds: float | None = None
    only_resolutions: tuple[str, ...] = ()


class _Form(_Shared):
    """One form of a model: here the words for pictures are names of fields."""

    frames: _Name | None = None
    references: _Name | None = None


class RowWire(_Shared):
    """A model: here they are its forms."""

    text: _Form | None = None
    frames: _Form | None = None
    references: _Form | None = None
    extend: _Form | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        forms = {"text": self.text, "frames": self.frames, "references": self.references, "extend": self.extend}
        for name, form in forms.items():
            if form is not None and (form.id or self.id) is None:
                raise ValueError(f"{name} needs an id")
        if self.extend is not None and (self.extend.path or self.path) is None:
            raise ValueError("extend needs a path")
        return self
