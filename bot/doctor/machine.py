"""Python, the providers, the libraries that draw and encode, and the port."""

from __future__ import annotations

import asyncio
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bot.catalog_words import ending_soon
from bot.doctor.finding import Finding, ok, problem, warning
from bot.providers import Maker, makers_of
from bot.settings import Settings
from engine.abilities import Abilities, is_open
from engine.errors import AuthFailed, EngineError
from engine.providers.base import Account, Ending
from storage import LocalFiles, read_holder

ASK_S = 15.0
LOW_USD = 1
"""Less than a clip or two."""

SCRIPTS = {"Latin": "A", "Cyrillic": "Ж", "Arabic": "ع", "Chinese": "灯", "Japanese": "あ", "Korean": "한"}
"""A letter of each script that a caption should show."""


def check_python() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < (3, 11):  # noqa: UP036  # somebody may have forced the installation
        yield problem(f"Python {version} is too old: install Python 3.11 or newer.")
    else:
        yield ok(f"Python {version}.")


def check_providers(settings: Settings) -> Iterator[Finding]:
    """Whether each can be opened here."""
    today = datetime.now(UTC).date()
    for name, maker in makers_of(settings.services).items():
        default = ", the default" if name == settings.provider else ""
        models, account = asyncio.run(_opened(maker))
        living = [each for each, can in models.items() if is_open(can, today)]
        if living:
            yield ok(f"{name}{default}: {', '.join(living)}.")
        else:
            yield warning(
                f"{name}{default} has no model that still renders; `nextshot models` says what to use instead."
            )
        yield from account
        yield from (warning(sentence) for sentence in ending_soon({name: models}, today))


async def _opened(maker: Maker) -> tuple[Mapping[str, Abilities], list[Finding]]:
    """Its models, and what its service says of the operator's account, where it says anything."""
    with tempfile.TemporaryDirectory(prefix="nextshot-doctor-") as directory:
        provider = maker(LocalFiles(Path(directory)))
        try:
            models = await _with_ends(provider.models, provider) if isinstance(provider, Ending) else provider.models
            return models, await _account(provider) if isinstance(provider, Account) else []
        finally:
            await provider.close()


async def _with_ends(models: Mapping[str, Abilities], service: Ending) -> Mapping[str, Abilities]:
    """The models with the last days that the service itself tells, which knows better than any catalog."""
    try:
        async with asyncio.timeout(ASK_S):
            ends = await service.ending()
    except TimeoutError:
        return models
    return {name: replace(can, ends_on=ends.get(name, can.ends_on)) for name, can in models.items()}


async def _account(account: Account) -> list[Finding]:
    try:
        async with asyncio.timeout(ASK_S):
            usd = await account.balance_usd()
    except AuthFailed as refused:
        return [problem(f"{refused.provider} does not accept the key: make a new one, or take its setting out.")]
    except (EngineError, TimeoutError) as error:
        return [warning(f"The account cannot be asked now ({error or 'no answer'}); try again later.")]
    if usd is None:
        return []
    said = f"The account holds ${usd:,.2f}."
    return [ok(said) if usd > LOW_USD else warning(f"{said} Top it up, or renders will be refused.")]


def check_media(_: Settings) -> Iterator[Finding]:
    """The library that reads and writes video."""
    import av  # noqa: PLC0415  # slow to load, and a broken one is a finding

    yield ok(
        f"PyAV {av.__version__} with {', '.join(f'{k} {v[0]}.{v[1]}' for k, v in sorted(av.library_versions.items()))}."
    )
    for kind, codec in (("H.264", "libx264"), ("AAC", "aac")):
        try:
            av.codec.Codec(codec, "w")
        except av.codec.codec.UnknownCodecError:
            yield problem(
                f"There is no {kind} encoder ({codec}) in PyAV: install it again with pip install --force-reinstall av."
            )
        else:
            yield ok(f"{kind} can be written ({codec}).")


def check_fonts(_: Settings) -> Iterator[Finding]:
    """Whose letters can be drawn in the captions of drafts."""
    from PIL import features  # noqa: PLC0415  # as above

    from engine.media.lettering import runs_of  # noqa: PLC0415

    if not features.check("freetype2"):
        yield problem(
            "Pillow draws no letters (no FreeType): install it again with pip install --force-reinstall pillow."
        )
        return
    if not features.check("raqm"):
        yield warning(
            "Pillow joins no letters (no Raqm), so Arabic and Indic captions look broken: install libfribidi."
        )
    missing = [script for script, letter in SCRIPTS.items() if not runs_of(letter, 32)]
    if missing:
        yield warning(
            f"No font here has letters for {', '.join(missing)}: captions leave them out until one is installed, such as "
            "fonts-noto-cjk."
        )
    else:
        yield ok(f"Letters are there for {', '.join(SCRIPTS)}.")


def check_port(settings: Settings) -> Iterator[Finding]:
    """Whether the web page could be served where the settings say."""
    where = f"{settings.web_host}:{settings.web_port}"
    held = read_holder(settings.data_dir) is not None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.web_host, settings.web_port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except OSError as error:
        if held:
            yield ok(f"{where} is in use, as the running Nextshot may do.")
        else:
            yield problem(f"{where} cannot be served ({error.strerror}): choose another one with NEXTSHOT_WEB_PORT.")
    else:
        yield ok(f"{where} is free.")
