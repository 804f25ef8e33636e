"""What the server's refusals mean for a message: not sent, for ever or for now, or unknown."""

from __future__ import annotations

import os
from datetime import timedelta
from enum import StrEnum

import httpx
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from bot.message import NotSent, SendUnknown

os.environ.setdefault("PTB_TIMEDELTA", "1")
"""The library (22.8) reads it with every RetryAfter: without it each 429 is a deprecation warning too."""

AGAIN_S = 10.0
TOKEN_AGAIN_S = 60.0
_NOT_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.WriteTimeout, httpx.UnsupportedProtocol)
"""The request did not reach the server whole, so it did nothing."""


class Fault(StrEnum):
    """Refusals that somebody can do something about, by the words of the server's own source."""

    NOT_MODIFIED = "message is not modified"
    NO_TEXT = "there is no text in the message to edit"
    NO_CAPTION = "there is no caption in the message to edit"
    BAD_FILE_ID = "wrong file identifier"
    BAD_REMOTE_FILE = "wrong remote file identifier"
    FILE_REFERENCE = "file reference"
    TOO_LARGE = "too large"
    TOO_BIG = "file is too big"


def fault_of(error: TelegramError) -> Fault | None:
    """Which of them it is. The words are compared without case: the library changes the first letter."""
    said = error.message.lower()
    return next((fault for fault in Fault if fault.value in said), None)


def outcome_of(error: TelegramError) -> NotSent | SendUnknown:
    """What became of a message that ended in this error."""
    cause = error.__cause__
    match error:
        case RetryAfter():
            return NotSent(error.message, retry_after_s=retry_s(error))
        case ChatMigrated():
            return NotSent("the group moved", retry_after_s=1.0)
        case Forbidden() | BadRequest():
            return NotSent(error.message, retry_after_s=None)
        case InvalidToken():
            return NotSent("the token is refused", retry_after_s=TOKEN_AGAIN_S)
        case TimedOut() | NetworkError() if isinstance(cause, _NOT_LEFT):
            return NotSent(f"the server cannot be reached ({type(cause).__name__})", retry_after_s=AGAIN_S)
        case NetworkError() if fault_of(error) is Fault.TOO_LARGE:
            return NotSent("too large for this server", retry_after_s=1.0)
        case _:
            return SendUnknown(error.message)


def retry_s(error: RetryAfter) -> float:
    """Seconds; the library gives a timedelta or, where told to, a number."""
    after = error.retry_after
    return after.total_seconds() if isinstance(after, timedelta) else float(after)
