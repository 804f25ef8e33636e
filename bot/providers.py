"""The services, and this machine, that can render here: one line for each kind, and the ones that this run has the settings for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module

from bot.services import Service
from engine.ports import Files
from engine.providers.base import Provider
from engine.providers.catalog import Setup
from engine.providers.painter import Painter

Maker = Callable[[Files], Provider]

HERE = "animatic"
"""Draws on this machine, and needs nothing."""

KINDS: Mapping[str, str] = {
    "google": "engine.providers.google",
    "veo": "engine.providers.veo",
    "openai": "engine.providers.openai_videos",
    "runway": "engine.providers.runway",
    "fal": "engine.providers.fal",
    "kie": "engine.providers.kie",
    "getimg": "engine.providers.getimg",
    "minimax": "engine.providers.minimax",
    "xai": "engine.providers.xai",
    "comfyui": "engine.providers.comfyui",
}
"""The module of each kind of video service; its `open_provider` makes the provider, its catalog says what has to be set."""

PAINTERS: Mapping[str, str] = {
    "openai_images": "engine.providers.openai_images",
    "gemini_images": "engine.providers.gemini_images",
}
"""The module of each kind of image maker; its `open_painter` makes the painter. The first that is set up is the default."""


def painters_of(services: Iterable[Service]) -> Sequence[Painter]:
    """The painters of this run, opened: none of them does anything before it is asked for a picture."""
    return [
        import_module(PAINTERS[service.kind]).open_painter(
            Setup(name=service.name, catalog=service.catalog, settings=service.settings)
        )
        for service in services
    ]


def makers_of(services: Iterable[Service], callback_url: str | None = None) -> Mapping[str, Maker]:
    """How each provider of this run is opened, by its name in settings and in `--provider`.

    `callback_url`: where services may tell us to look, without the name at its end; None: nowhere.
    """
    makers: dict[str, Maker] = {HERE: _animatic}
    for service in services:
        url = f"{callback_url}/{service.name}" if callback_url else None
        makers[service.name] = _maker(
            service.kind,
            Setup(name=service.name, catalog=service.catalog, settings=service.settings, callback_url=url),
        )
    return makers


def open_service(kind: str, setup: Setup) -> Provider:
    """The provider. Its module is imported now: what it needs is not loaded to say `nextshot --version`."""
    made: Provider = import_module(KINDS[kind]).open_provider(setup)
    return made


def _maker(kind: str, setup: Setup) -> Maker:
    return lambda _: open_service(kind, setup)


def _animatic(files: Files) -> Provider:
    from engine.providers.animatic import AnimaticProvider  # noqa: PLC0415  # as above: the drawing libraries

    return AnimaticProvider(files.work)
