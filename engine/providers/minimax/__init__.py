"""MiniMax H3 at MiniMax itself: https://platform.minimax.io/docs/guides/video-generation.

A webhook is not asked for: MiniMax sends a challenge to it first, which has to be sent back, and signs nothing.
"""

from __future__ import annotations

from engine.providers.catalog import Setup
from engine.providers.minimax.provider import MinimaxProvider
from engine.providers.minimax.requests import RowWire, ServiceWire
from engine.providers.wordings import check_wires

__all__ = ["MinimaxProvider", "open_provider"]


def open_provider(setup: Setup) -> MinimaxProvider:
    """The provider of this kind. Raises CatalogError: the operator's table has a word that is none."""
    check_wires(setup.catalog, setup.name, service=ServiceWire, row=RowWire)
    return MinimaxProvider(setup)
