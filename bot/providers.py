"""The services, and this machine, that can render here: one line for each kind, and the ones that this run has the settings for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module

from bot.services import Service
from engine.ports import Files
from engine.providers.base import Provider
from engine.providers.catalog import Setup

Maker = Callable[[Files], Provider]

HERE = "animatic"
"""Draws on this machine, and needs nothing."""

KINDS: Mapping[str, str] = {
    "xai": "engine.providers.xai",
}
"""The module of each kind of service; its `open_provider` makes the provider, its catalog says what has to be set."""


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
