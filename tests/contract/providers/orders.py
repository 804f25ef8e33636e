"""What the suite asks of every provider."""

from __future__ import annotations

import secrets

from engine.providers.base import Order, Provider


def order_of(provider: Provider, **changes: object) -> Order:
    """A render with the defaults of the provider's first model."""
    name, can = next(iter(provider.models.items()))
    values = {
        "prompt": "a lamp", "seconds": can.default_seconds, "ratio": can.ratios[0], "resolution": can.resolutions[0],
        "seed": 7, "style": can.styles[0], "model": name,
    }  # fmt: skip
    return Order(**{**values, **changes})  # type: ignore[arg-type]  # as the caller names them


def key() -> str:
    """One of ours, as the engine writes them: never the same twice."""
    return f"1-{secrets.token_hex(8)}"


async def begun(provider: Provider, **changes: object) -> str:
    """The task id of a render that was taken."""
    return (await provider.submit(await provider.prepare(order_of(provider, **changes), key()))).task_id
