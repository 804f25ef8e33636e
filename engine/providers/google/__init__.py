"""Gemini Omni at Google, with a key or in a Google Cloud project: https://ai.google.dev/gemini-api/docs/omni."""

from __future__ import annotations

from engine.providers.google.provider import open_provider

__all__ = ["open_provider"]
