"""Any server of the `/v1/videos` shape: vLLM-Omni, SGLang, LiteLLM, New API, gateways, Azure. How they differ is data: `quirks`.

Each server is a provider of its own, a table of `nextshot.toml` with `kind = "openai"`; `catalogs/openai.toml` has whole examples.
OpenAI's own Sora ended on 24 September 2026; its rows say so.
"""

from engine.providers.openai_videos.provider import OpenaiVideos, open_provider

__all__ = ["OpenaiVideos", "open_provider"]
