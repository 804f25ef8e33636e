"""Who is let in, and who may do what admins do: from the operator's lists and from what the server says of the member. Pure."""

from __future__ import annotations

from dataclasses import replace

from discord import Permissions

from bot.access import Access
from bot.discord.access import names_of
from bot.discord.heard import Asker, Heard, Pressed, Said
from engine.model import Person

_ADMINS = Permissions(administrator=True, manage_guild=True)
_MODERATORS = _ADMINS | Permissions(manage_messages=True)
ADMINS_MAY = {
    "settings": _ADMINS,
    "pot": _ADMINS,
    "cancel": _MODERATORS,
    "delete": _MODERATORS,
    "agree": _MODERATORS,
    "draft": _MODERATORS,
}
"""What members with one of these permissions may do to what others made there."""


class Door:
    """Knows the operator's lists."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def admits(self, asker: Asker) -> bool:
        """Whether who asks may."""
        return self._access.admits(_names(asker))

    def blocks(self, asker: Asker) -> bool:
        """Whether who asks, or the place, is to be left without a word."""
        return self._access.blocks(_names(asker))

    def with_rights(self, what: Heard) -> Person:
        """The person, as an operator where the operator's lists or, for what admins may do, the server says so."""
        asker = what.asker
        if self._access.is_admin(_names(asker)):
            return replace(asker.person, is_operator=True)
        verb = _verb(what)
        if asker.guild_id is None or verb not in ADMINS_MAY:
            return asker.person
        # who may say /settings is set in the server's own command permissions, which let it pass: but not where a person
        # alone has brought the bot along
        is_let = verb == "settings" and what.is_command and asker.is_member
        return replace(asker.person, is_operator=is_let or bool(asker.rights & ADMINS_MAY[verb].value))


def _names(asker: Asker) -> frozenset[str]:
    channels = [asker.channel_id] if asker.parent_id is None else [asker.channel_id, asker.parent_id]
    return names_of(user_id=asker.user_id, guild_id=asker.guild_id, channel_ids=channels, role_ids=asker.role_ids)


def _verb(what: Heard) -> str:
    match what.act:
        case Said(parsed):
            return parsed.command
        case Pressed(verb):
            return verb
        case _:
            return ""
