"""Where the server is and who is let in: plain values, without the library."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from bot.access import Access
from bot.telegram.budget import Pace

CLOUD_URL = "https://api.telegram.org"


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegramSettings:
    """How to reach the server, and who may talk to the bot."""

    token: str = field(repr=False)
    api_url: str = CLOUD_URL
    webhook_url: str | None = None
    """None: long polling."""
    access: Access = field(default_factory=Access)
    stars_usd: Decimal | None = None
    """What a pot gets for one Star, in US dollars. None: none are taken."""
    pace: Pace = field(default_factory=Pace)

    @property
    def is_cloud(self) -> bool:
        """Telegram's own server, with its limits."""
        return self.api_url == CLOUD_URL
