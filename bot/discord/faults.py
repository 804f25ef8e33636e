"""What the server's refusals mean for a message: not sent, for ever or for now, or unknown.

Codes: https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
"""

from __future__ import annotations

from enum import IntEnum

import aiohttp
import discord

from bot.message import NotSent, SendUnknown

AGAIN_S = 10.0
TOKEN_AGAIN_S = 60.0
NO_CODE = 0
"""Of a page in place of an answer: what stands before the server refuses everybody for a while."""
UNAUTHORIZED = 401
TOO_MANY = 429
TOO_LARGE = 413


class Code(IntEnum):
    """Refusals that somebody can do something about."""

    UNKNOWN_CHANNEL = 10003
    UNKNOWN_GUILD = 10004
    UNKNOWN_MESSAGE = 10008
    UNKNOWN_WEBHOOK = 10015
    UNKNOWN_INTERACTION = 10062
    FILE_TOO_LARGE = 40005
    ACKED_ALREADY = 40060
    NO_MORE_FOLLOWUPS = 40094
    NO_ACCESS = 50001
    NO_PERMISSION = 50013
    TOKEN_OVER = 50027
    ARCHIVED = 50083
    NO_HISTORY = 160002
    HAS_THREAD = 160004


SHUT_OUT = frozenset({Code.UNKNOWN_CHANNEL, Code.UNKNOWN_GUILD, Code.NO_ACCESS, Code.NO_PERMISSION})
"""The bot cannot speak there (any more): kicked, no permission, the channel is gone."""
LOCKED = frozenset({160005, Code.ARCHIVED, 50024})
"""A locked thread, also while it is archived; a channel of a kind in which nothing can be said."""
OVER = frozenset(
    {
        Code.UNKNOWN_MESSAGE,
        Code.UNKNOWN_WEBHOOK,
        Code.UNKNOWN_INTERACTION,
        Code.TOKEN_OVER,
        Code.NO_MORE_FOLLOWUPS,
    }
)
"""What an interaction could be answered with is gone, or its token is, or nothing more may follow it."""

ERRORS = (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError)
"""All that a request can end in."""


def code_of(error: BaseException) -> int:
    """The server's own; 0: it gave none."""
    return error.code if isinstance(error, discord.HTTPException) else NO_CODE


def is_shut_out(error: BaseException) -> bool:
    """Whether the bot itself cannot speak there, so that another way is to be tried."""
    code = code_of(error)
    is_other = code not in {NO_CODE, Code.NO_HISTORY}
    return code in SHUT_OUT or code in LOCKED or (isinstance(error, discord.Forbidden) and is_other)


def is_over(error: BaseException) -> bool:
    """Whether an interaction cannot be answered any more. A bot's own token that is refused is something else."""
    return code_of(error) in OVER


def is_too_large(error: BaseException) -> bool:
    """Whether a file is larger than the server takes there."""
    return isinstance(error, discord.HTTPException) and (error.status == TOO_LARGE or error.code == Code.FILE_TOO_LARGE)


def is_for_all(error: BaseException) -> bool:
    """Whether everybody at this address is to be silent, as what stands before Discord's servers says so, and not they.

    Their own refusals carry `Via`: https://docs.discord.com/developers/topics/rate-limits#exceeding-a-rate-limit
    """
    return isinstance(error, discord.HTTPException) and error.status == TOO_MANY and "Via" not in error.response.headers


def is_for_channel(error: BaseException) -> bool:
    """Whether a channel is to be left alone for a while."""
    is_refused = isinstance(error, discord.HTTPException) and error.status == TOO_MANY
    return isinstance(error, discord.RateLimited) or (is_refused and not is_for_all(error))


def pause_s(error: discord.HTTPException) -> float:
    """How long a 429 wants nothing said; a second at least."""
    try:
        return max(1.0, float(error.response.headers.get("Retry-After", AGAIN_S)))
    except ValueError:  # a date
        return AGAIN_S


def outcome_of(error: BaseException) -> NotSent | SendUnknown:
    """What became of a message that ended in this error."""
    match error:
        case discord.RateLimited():
            return NotSent("Discord wants a pause", retry_after_s=error.retry_after)
        case discord.HTTPException() if error.status == TOO_MANY:
            return NotSent("Discord wants a pause", retry_after_s=pause_s(error))
        case discord.HTTPException() if error.status == UNAUTHORIZED:
            return NotSent("the token is refused", retry_after_s=TOKEN_AGAIN_S)
        case discord.Forbidden() if error.code == NO_CODE:
            return NotSent("something before the server refuses us", retry_after_s=TOKEN_AGAIN_S)
        case discord.DiscordServerError():
            return SendUnknown(f"the server broke ({error.status})")
        case discord.HTTPException():
            return NotSent(f"{error.status} {error.code}: {error.text[:200]}", retry_after_s=None)
        case aiohttp.ClientConnectorError():
            return NotSent(f"the server cannot be reached ({type(error).__name__})", retry_after_s=AGAIN_S)
        case _:
            return SendUnknown(f"the answer was lost ({type(error).__name__})")
