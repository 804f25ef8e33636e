"""MiniMax H3 at MiniMax itself: https://platform.minimax.io/docs/guides/video-generation.

A webhook is not asked for: MiniMax sends a challenge to it first, which has to be sent back, and signs nothing.
"""

from __future__ import annotations

from engine.providers.catalog import Setup
from engine.providers.minimax.provider import MinimaxProvider

__all__ = ["MinimaxProvider", "open_provider"]


def open_provider(setup: Setup) -> MinimaxProvider:
    """The provider of this kind."""
    return MinimaxProvider(setup)
