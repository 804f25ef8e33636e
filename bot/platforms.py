"""The chat platforms that this run serves, from its settings. Each one's library is loaded only where it is served."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from aiohttp import web

from bot.access import Access
from bot.discord import access as discord_access
from bot.discord.budget import Pace as DiscordPace
from bot.discord.site import DiscordSettings
from bot.dispatch import Dispatch
from bot.fitting import Fitting
from bot.message import Adapter
from bot.ports import SendBudget
from bot.settings import Settings
from bot.telegram import access as telegram_access
from bot.telegram.budget import Pace as TelegramPace
from bot.telegram.site import TelegramSettings
from engine.ports import Files
from engine.studio import Studio
from storage import Inbox, SentFiles, SqlStore


class Platform(Adapter, Protocol):
    """A chat platform: `connect` before `run`; `opened` around all that may speak."""

    @property
    def budget(self) -> SendBudget:
        """What may still be said."""
        ...

    def connect(self, dispatch: Dispatch, /) -> None:
        """Who answers what is said."""
        ...

    def opened(self) -> AbstractAsyncContextManager[None]:
        """The connections: open while anything may speak, also after `run` has ended."""
        ...


Hook = Callable[[web.Request], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True)
class Platforms:
    """Those that have a token."""

    by_name: Mapping[str, Platform]
    hooks: Mapping[str, Hook]
    """By path: what the page's own server takes for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paces:
    """How fast each platform may be told things; as they come, as the platforms let bots."""

    telegram: TelegramPace = field(default_factory=TelegramPace)
    discord: DiscordPace = field(default_factory=DiscordPace)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What they are made from."""

    store: SqlStore
    studio: Studio
    files: Files
    fitting: Fitting


def platforms_of(settings: Settings, parts: Parts, paces: Paces) -> Platforms:
    """All that the settings have a token for."""
    by_name: dict[str, Platform] = {}
    hooks: dict[str, Hook] = {}
    inbox, sent = Inbox(parts.store), SentFiles(parts.store)
    if settings.telegram_token is not None:
        # each library takes a third of a second to load, which a house without it need not wait for
        from bot.telegram.adapter import TelegramAdapter  # noqa: PLC0415

        telegram = TelegramAdapter(
            telegram_settings(settings, paces.telegram),
            inbox=inbox,
            sent=sent,
            studio=parts.studio,
            files=parts.files,
            fitting=parts.fitting,
        )
        by_name[telegram.platform] = telegram
        if settings.telegram_webhook_url is not None:
            hooks[urlsplit(settings.telegram_webhook_url).path] = telegram.hear_hook
    if settings.discord_token is not None:
        from bot.discord.adapter import DiscordAdapter  # noqa: PLC0415

        discord = DiscordAdapter(
            discord_settings(settings, paces.discord),
            inbox=inbox,
            known=sent,
            studio=parts.studio,
            files=parts.files,
            fitting=parts.fitting,
        )
        by_name[discord.platform] = discord
    return Platforms(by_name, hooks)


def telegram_settings(settings: Settings, pace: TelegramPace) -> TelegramSettings:
    """Which bot speaks through which server, and who is let in. Only where there is a token."""
    if settings.telegram_token is None:
        raise ValueError("there is no token")
    read = telegram_access.read_list
    return TelegramSettings(
        token=settings.telegram_token.get_secret_value(),
        api_url=settings.telegram_api_url,
        webhook_url=settings.telegram_webhook_url,
        access=Access(
            allowed=read(settings.telegram_allowed),
            blocked=read(settings.telegram_blocked),
            admins=read(settings.telegram_admins),
        ),
        stars_usd=settings.telegram_stars_usd,
        pace=pace,
    )


def discord_settings(settings: Settings, pace: DiscordPace) -> DiscordSettings:
    """The same for Discord."""
    if settings.discord_token is None:
        raise ValueError("there is no token")
    return DiscordSettings(
        token=settings.discord_token.get_secret_value(),
        api_url=settings.discord_api_url,
        access=Access(
            allowed=discord_access.read_list(settings.discord_allowed),
            blocked=discord_access.read_list(settings.discord_blocked),
            admins=discord_access.read_admins(settings.discord_admins),
        ),
        pace=pace,
    )
