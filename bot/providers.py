"""The services, and this machine, that can render here: one line for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.ports import Files
from engine.providers.base import Provider


def _animatic(files: Files) -> Provider:
    # Imported when it is opened: the drawing libraries are not needed to say `nextshot --version`.
    from engine.providers.animatic import AnimaticProvider  # noqa: PLC0415

    return AnimaticProvider(files.work)


Maker = Callable[[Files], Provider]

PROVIDERS: Mapping[str, Maker] = {
    "animatic": _animatic,
}
"""How each provider is opened, by its name in settings and in `--provider`."""
