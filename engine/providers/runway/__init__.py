"""Runway, and the models of others that it serves: https://docs.dev.runwayml.com."""

from engine.providers.runway.provider import RunwayProvider, open_provider

__all__ = ["RunwayProvider", "open_provider"]
