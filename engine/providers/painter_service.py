"""What painters that are web services have in common: a catalog, a wire, a price, one paid call, and the picture that is kept."""

from __future__ import annotations

import asyncio
import base64
import binascii
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from engine import media
from engine.abilities import Quote
from engine.errors import BadMedia, Billed, ModelRetired, ProviderError, RenderFailed
from engine.providers.answers import Answer
from engine.providers.catalog import Setup
from engine.providers.given_pictures import GivenPicture, given_picture
from engine.providers.painter import (
    Painted,
    PainterAbilities,
    PictureModel,
    PictureOrder,
    PreparedPicture,
    size_for,
    words_for,
)
from engine.providers.wire import Auth, Request, Wire

ANSWER_MOST_BYTES = 64 << 20
"""A picture comes inside its answer."""
TOLD_LOSS = 0.1
"""A picture that loses more than this to its shape is told."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What an answer holds."""

    data: bytes
    usd: Decimal | None = None


class PainterService(ABC):
    """A painter that is a web service. A subclass has the request and reads the answer; both are pure."""

    def __init__(self, setup: Setup, auth: Auth | Mapping[str, str]) -> None:
        self.setup = setup
        self.catalog = setup.catalog
        secrets = [value for name, value in setup.settings.items() if name == "key"]
        self.wire = Wire(setup.catalog.title, setup.url, auth=auth, secrets=secrets, rate=setup.catalog.rate)

    @abstractmethod
    def request(self, order: PictureOrder, model: PictureModel, size: str, frame: GivenPicture | None) -> Request:
        """The paid request; the order's prompt is what the painter is to be told."""

    @abstractmethod
    def read(self, answer: Answer, model: PictureModel) -> Picture:
        """The picture of an answer, and what it cost.

        Raises:
            ProviderError: there is none.
        """

    @property
    def name(self) -> str:
        return self.setup.name

    @property
    def models(self) -> Mapping[str, PainterAbilities]:
        return self.catalog.painter_abilities

    def model(self, order: PictureOrder) -> PictureModel:
        """The catalog's row for what is ordered.

        Raises:
            ModelRetired: it was taken out since the shot was made.
        """
        found = self.catalog.pictures.get(order.model)
        if found is None:
            raise ModelRetired(
                f"{self.name} has no model {order.model!r} any more; choose another one, /models lists them.",
                provider=self.catalog.title,
            )
        return replace(found, wire={**self.catalog.wire, **found.wire})

    def quote(self, order: PictureOrder) -> Quote:
        """By the catalog."""
        model = self.catalog.pictures.get(order.model)
        prices = model.abilities.usd_per_picture if model else None
        if model is None or prices is None:
            return Quote(None)
        return Quote(prices.get(size_for(model.abilities, order.resolution), prices.get("")))

    async def prepare(self, order: PictureOrder, key: str) -> PreparedPicture:
        """The request, with the frame inside."""
        model = self.model(order)
        frame = await given_picture(order.frame, model.abilities.picture, "The frame") if order.frame else None
        told = replace(order, prompt=words_for(order)[: model.abilities.prompt_chars])
        request = self.request(told, model, size_for(model.abilities, order.resolution), frame)
        return PreparedPicture(order, key, request, (frame.note,) if frame is not None and frame.note else ())

    async def paint(self, prepared: PreparedPicture, into: Path) -> Painted:
        """One POST; then the picture is cut to the order's shape."""
        model = self.model(prepared.order)
        answer = await self.wire.create(
            prepared.request, limit_s=self.catalog.pace.give_up_s, limit_bytes=ANSWER_MOST_BYTES, reads_429=True
        )
        picture = await asyncio.to_thread(self.read, answer, model)  # some megabytes of base64
        raw = into.with_name(f"{into.name}.raw")
        await asyncio.to_thread(_write, raw, picture.data)
        try:
            made = await media.crop(raw, into, prepared.order.ratio)
        except BadMedia as error:
            raise no_picture(answer, Billed.YES) from error
        finally:
            await asyncio.to_thread(raw.unlink, missing_ok=True)
        return Painted(picture.usd, _told(made, prepared.order.ratio))

    async def close(self) -> None:
        await self.wire.close()


def no_picture(answer: Answer, billed: Billed = Billed.UNKNOWN) -> ProviderError:
    """It answered, and what it answered is no picture."""
    return RenderFailed(
        f"{answer.service} answered without a picture that can be used; try again, or change the prompt.",
        provider=answer.service,
        detail=answer.detail,
        billed=billed,
    )


def decoded(answer: Answer, text: object) -> bytes:
    """The bytes of a picture in base64. Raises RenderFailed: it is none."""
    if not isinstance(text, str) or not text:
        raise no_picture(answer)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise no_picture(answer) from error


def usd_of(tokens: Mapping[str, Any], prices: Mapping[str, Any]) -> Decimal | None:
    """What these tokens cost, by the price of a million of each kind. None: a number or a price is missing."""
    usd = Decimal(0)
    for kind, count in tokens.items():
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            return None
        if count and kind not in prices:
            return None
        if count:
            usd += Decimal(count) * Decimal(str(prices[kind])) / 1_000_000
    return usd


def _told(made: media.Cropped, ratio: str) -> tuple[str, ...]:
    was_shape, shape = made.was_width / made.was_height, made.width / made.height
    if min(shape / was_shape, was_shape / shape) > 1 - TOLD_LOSS:
        return ()
    return (f"The painted picture was {made.was_width}x{made.was_height}; its edges were cut off to make it {ratio}.",)


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
