"""Discord's channels, messages and members as the opaque words of the house, and back. A thread is a channel of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

PLATFORM = "discord"
TOKEN_LASTS_S = 14 * 60.0
"""An interaction's token works for 15 minutes; the last one is left alone, as what begins in it may end after it.

https://discord.com/developers/docs/interactions/receiving-and-responding#followup-messages
"""
_EPOCH_MS = 1_420_070_400_000

_PLACE = re.compile(r"discord:(\d{1,20})")
_RECEIPT = re.compile(r"discord:(\d{1,20})/(\d{1,20})(?:\?(\d{1,20})\.([yn])\.(\S+))?")


@dataclass(frozen=True, slots=True)
class Asking:
    """The message that an interaction is answered with, and what else is known of who asked."""

    channel_id: int
    message_id: int
    user_id: int
    has_access: bool
    """The bot itself may speak in the channel, so that the token is of no more use once this message is there."""
    token: str = field(repr=False)

    def is_open(self, now_s: float) -> bool:
        """Whether the token still works; the message came right after it. `now_s` is Unix time."""
        return now_s - sent_at_s(self.message_id) < TOKEN_LASTS_S


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a message stands. `asking`: how it is reached where the bot itself has no access."""

    channel_id: int
    message_id: int
    asking: Asking | None = None


def place_of(channel_id: int) -> str:
    return f"{PLATFORM}:{channel_id}"


def read_place(place: str) -> int:
    """The channel's id.

    Raises:
        ValueError: no place of ours.
    """
    found = _PLACE.fullmatch(place)
    if found is None:
        raise ValueError(f"{place} is no place in Discord")
    return int(found[1])


def receipt_of(channel_id: int, message_id: int) -> str:
    """Where a message stands."""
    return f"{PLATFORM}:{channel_id}/{message_id}"


def asking_receipt(asking: Asking) -> str:
    """Where the message stands that an interaction is answered with, with all that is needed to write into it."""
    access = "y" if asking.has_access else "n"
    return f"{receipt_of(asking.channel_id, asking.message_id)}?{asking.user_id}.{access}.{asking.token}"


def read_receipt(receipt: str | None) -> Spot | None:
    """Where it stands; None: it is no receipt of ours."""
    found = _RECEIPT.fullmatch(receipt or "")
    if found is None:
        return None
    channel_id, message_id = int(found[1]), int(found[2])
    if found[3] is None:
        return Spot(channel_id, message_id)
    asking = Asking(channel_id, message_id, int(found[3]), found[4] == "y", found[5])
    return Spot(channel_id, message_id, asking)


def sent_at_s(snowflake: int) -> float:
    """When a thing was made, in Unix time, from its id."""
    return ((snowflake >> 22) + _EPOCH_MS) / 1000
