"""What the tests of KIE have in common: orders by its catalog, and its answers as values."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

from engine.providers.answers import Answer
from engine.providers.base import Order
from engine.providers.catalog import read_catalog

CATALOG = read_catalog("kie")
OPEN_ROWS = [name for name, model in CATALOG.models.items() if not model.abilities.closed]
CREDIT_USD = Decimal("0.005")


def order_of(name: str = "minimax-h3", **changes: Any) -> Order:
    """A render with the defaults of a row."""
    can = CATALOG.models[name].abilities
    return replace(
        Order(
            prompt="a lamp is lit", seconds=can.default_seconds, ratio=can.ratios[0], resolution=can.resolutions[0],
            seed=7, style="default", model=name,
        ),
        **changes,
    )  # fmt: skip


def answer(body: object, status: int = 200) -> Answer:
    """An answer of the service; bytes as they are."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status=status, headers={}, body=data, service="KIE.ai", secrets=("key-of-the-operator",))
