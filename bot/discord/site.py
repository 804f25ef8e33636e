"""Where the server is, who is let in and what the bot asks to be allowed: plain values, without the library."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from bot.access import Access
from bot.discord.budget import Pace

CLOUD_URL = "https://discord.com/api"
AUTHORIZE_URL = "https://discord.com/oauth2/authorize"

PERMISSION_BITS: Mapping[str, int] = {
    "View Channels": 1 << 10,
    "Send Messages": 1 << 11,
    "Attach Files": 1 << 15,
    "Read Message History": 1 << 16,
    "Create Public Threads": 1 << 35,
    "Send Messages in Threads": 1 << 38,
}
"""What the bot asks a guild for, and nothing more: https://docs.discord.com/developers/topics/permissions"""
PERMISSIONS = sum(PERMISSION_BITS.values())
"""The same as the integer that invite links carry."""

_TOKEN = re.compile(r"([\w-]{1,100})\.[\w-]{1,100}\.[\w-]{1,200}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscordSettings:
    """How to reach the server, and who may talk to the bot."""

    token: str = field(repr=False)
    api_url: str = CLOUD_URL
    """Without the version at its end."""
    access: Access = field(default_factory=Access)
    pace: Pace = field(default_factory=Pace)

    @property
    def is_cloud(self) -> bool:
        """Discord's own server."""
        return self.api_url == CLOUD_URL


def application_id_of(token: str) -> int:
    """The application whose bot has this token: what the first of its three parts spells.

    Raises:
        ValueError: this is no token of a bot. The message does not hold it.
    """
    parts = _TOKEN.fullmatch(token)
    digits = b""
    if parts is not None and len(parts[1]) % 4 != 1:  # no bytes are spelled with one letter over
        digits = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
    if not re.fullmatch(rb"[0-9]{1,20}", digits):
        raise ValueError("this is no token of a bot")
    return int(digits)


def invite_url(application_id: int) -> str:
    """Where somebody who manages a server adds the bot to it, with what it needs to be allowed there."""
    return _authorize_url(application_id, scope="bot applications.commands", permissions=PERMISSIONS)


def user_install_url(application_id: int) -> str:
    """Where somebody adds the commands to themself, for use wherever they write."""
    return _authorize_url(application_id, scope="applications.commands", integration_type=1)


def _authorize_url(application_id: int, **more: str | int) -> str:
    return f"{AUTHORIZE_URL}?{urlencode({'client_id': application_id, **more})}"
