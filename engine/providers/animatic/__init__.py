"""The built-in provider that draws every shot on this machine."""

from engine.providers.animatic.provider import AnimaticProvider

__all__ = ["AnimaticProvider"]
