"""What fal serves, by data: https://fal.ai/docs/documentation/model-apis/inference/queue."""

from __future__ import annotations

from engine.providers.catalog import Setup
from engine.providers.fal.provider import FalProvider

__all__ = ["FalProvider", "open_provider"]


def open_provider(setup: Setup) -> FalProvider:
    """The provider of this kind.

    Raises:
        CatalogError: a model's `wire` cannot be used.
    """
    return FalProvider(setup)
