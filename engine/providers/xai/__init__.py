"""Grok Imagine at xAI: https://docs.x.ai/developers/model-capabilities/video. No list, no cancel, no webhook.

What xAI makes from a clip begins with that clip or is as long as it: an extension's file holds its source and what was added.
"""

from engine.providers.xai.provider import XaiProvider, open_provider

__all__ = ["XaiProvider", "open_provider"]
