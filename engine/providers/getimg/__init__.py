"""getimg.ai, version 2: https://docs.getimg.ai."""

from engine.providers.getimg.provider import GetimgProvider, open_provider

__all__ = ["GetimgProvider", "open_provider"]
