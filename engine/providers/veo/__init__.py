"""Veo in a project of Google Cloud: https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/veo/3-1-generate."""

from __future__ import annotations

from engine.providers.veo.provider import open_provider

__all__ = ["open_provider"]
