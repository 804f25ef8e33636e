"""A ComfyUI server of one's own: the operator's workflow in API form, and where an order goes in it."""

from engine.providers.comfyui.provider import ComfyProvider, open_provider

__all__ = ["ComfyProvider", "open_provider"]
