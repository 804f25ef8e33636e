"""The chats that are served, as far as this machine can tell without asking them."""

from __future__ import annotations

from collections.abc import Iterator

from bot.access import EVERYBODY
from bot.discord.access import read_admins, read_list
from bot.discord.site import CLOUD_URL, application_id_of, invite_url, user_install_url
from bot.doctor.finding import Finding, ok, warning
from bot.settings import Settings

SHOWN = 12
"""Entries of one list."""


def check_discord(settings: Settings) -> Iterator[Finding]:
    """Whether there is a token, how to have the bot in a server, and who is let in."""
    if settings.discord_token is None:
        yield ok("Discord is not served: there is no NEXTSHOT_DISCORD_TOKEN.")
        return
    application_id = application_id_of(settings.discord_token.get_secret_value())
    where = "" if settings.discord_api_url == CLOUD_URL else f", through {settings.discord_api_url}"
    yield ok(f"Discord is served with the token of application {application_id}{where}.")
    yield ok(f"{invite_url(application_id)} adds the bot to a server, with the permissions that it needs there.")
    yield ok(f"{user_install_url(application_id)} adds the commands to one person, for use in any place.")
    allowed, admins = read_list(settings.discord_allowed), read_admins(settings.discord_admins)
    blocked = read_list(settings.discord_blocked)
    but = f", but not {_listed(blocked)}" if blocked else ""
    if EVERYBODY in allowed:
        yield ok(f"Everybody is let in{but}.")
    elif allowed or admins:
        yield ok(f"Let in are {_listed(allowed | admins)}{but}.")
    else:
        yield warning(
            "Nobody is let in: set NEXTSHOT_DISCORD_ALLOWED to ids of servers, channels, roles or people, or to * for everybody."
        )


def _listed(entries: frozenset[str]) -> str:
    """Them, or the first of them and how many more there are."""
    shown = sorted(entries)[:SHOWN]
    more = f" and {len(entries) - SHOWN} more" if len(entries) > SHOWN else ""
    return ", ".join(shown) + more
