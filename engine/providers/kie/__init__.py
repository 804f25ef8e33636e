"""KIE.ai: many makers' models behind one key. https://docs.kie.ai: jobs and Veo routes, uploads, callbacks."""

from engine.providers.kie.provider import KieProvider, open_provider

__all__ = ["KieProvider", "open_provider"]
