"""Every video service: how it is opened, and its fake. A new one is one line here, and the suite runs over it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engine.providers import comfyui, fal, getimg, google, kie, minimax, openai_videos, runway, veo, xai
from engine.providers.base import Provider
from engine.providers.catalog import Setup
from tests.fakes.services.base import FakeService
from tests.fakes.services.comfyui import FakeComfy
from tests.fakes.services.fal import FakeFal
from tests.fakes.services.getimg import FakeGetimg
from tests.fakes.services.google import FakeGoogle
from tests.fakes.services.kie import FakeKie
from tests.fakes.services.minimax import FakeMinimax
from tests.fakes.services.openai import FakeOpenai
from tests.fakes.services.openai_servers import FakeLitellm, FakeNewApi, FakeSglang, FakeVllmOmni
from tests.fakes.services.runway import FakeRunway
from tests.fakes.services.veo import FakeVeo
from tests.fakes.services.xai import FakeXai


@dataclass(frozen=True, slots=True)
class Case:
    """One service under test."""

    fake: type[FakeService]
    open: Callable[[Setup], Provider]


SERVICES: Mapping[str, Case] = {
    "comfyui": Case(FakeComfy, comfyui.open_provider),
    "fal": Case(FakeFal, fal.open_provider),
    "getimg": Case(FakeGetimg, getimg.open_provider),
    "google": Case(FakeGoogle, google.open_provider),
    "kie": Case(FakeKie, kie.open_provider),
    "minimax": Case(FakeMinimax, minimax.open_provider),
    "openai (LiteLLM)": Case(FakeLitellm, openai_videos.open_provider),
    "openai (New API)": Case(FakeNewApi, openai_videos.open_provider),
    "openai (SGLang)": Case(FakeSglang, openai_videos.open_provider),
    "openai (vLLM-Omni)": Case(FakeVllmOmni, openai_videos.open_provider),
    "openai": Case(FakeOpenai, openai_videos.open_provider),
    "runway": Case(FakeRunway, runway.open_provider),
    "veo": Case(FakeVeo, veo.open_provider),
    "xai": Case(FakeXai, xai.open_provider),
}
