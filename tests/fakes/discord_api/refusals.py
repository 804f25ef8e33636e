"""What the API says no with: status, code and words.

Source: https://discord.com/developers/docs/topics/opcodes-and-status-codes (JSON error codes).
"""

from __future__ import annotations

import math
from typing import Any

Json = dict[str, Any]

WORDS = {
    0: "401: Unauthorized",
    10003: "Unknown Channel",
    10004: "Unknown Guild",
    10008: "Unknown Message",
    10013: "Unknown User",
    10015: "Unknown Webhook",
    10062: "Unknown interaction",
    10063: "Unknown application command",
    20012: "You are not authorized to perform this action on this application",
    30034: "Max number of daily application command creates has been reached (200)",
    30046: "Maximum number of edits to messages older than 1 hour reached. Try again later",
    40005: "Request entity too large",
    40060: "Interaction has already been acknowledged.",
    40067: "A tag is required to create a forum post in this channel",
    40094: "This interaction has reached the maximum number of follow up messages",
    50001: "Missing Access",
    50005: "Cannot edit a message authored by another user",
    50006: "Cannot send an empty message",
    50007: "Cannot send messages to this user",
    50008: "Cannot send messages in a non-text channel",
    50013: "Missing Permissions",
    50024: "Cannot execute action on this channel type",
    50027: "Invalid Webhook Token",
    50035: "Invalid Form Body",
    50083: "Thread is archived",
    50109: "The request body contains invalid JSON.",
    160002: "Cannot reply without permission to read message history",
    160004: "A thread has already been created for this message",
    160005: "Thread is locked",
}


class Refusal(Exception):
    """An answer that is an error. `status` is HTTP's, `code` Discord's own; `errors` the tree of a 50035."""

    def __init__(self, status: int, code: int, message: str | None = None, errors: Json | None = None) -> None:
        self.status = status
        self.code = code
        self.message = WORDS[code] if message is None else message
        self.errors = errors
        self.retry_after_s: float | None = None
        self.is_global = False
        super().__init__(self.message)

    def body(self) -> Json:
        """What the client reads."""
        body: Json = {"message": self.message, "code": self.code}
        if self.errors is not None:
            body["errors"] = self.errors
        if self.retry_after_s is not None:
            body |= {"retry_after": self.retry_after_s, "global": self.is_global}
        return body


def too_many(retry_after_s: float, *, is_global: bool = False, code: int = 0) -> Refusal:
    """429; `retry_after_s` in real seconds."""
    refusal = Refusal(429, code, "You are being rate limited." if code == 0 else None)
    refusal.retry_after_s = math.ceil(max(retry_after_s, 0.001) * 1000) / 1000
    refusal.is_global = is_global
    return refusal


def unknown(code: int) -> Refusal:
    """404."""
    return Refusal(404, code)


def forbidden(code: int) -> Refusal:
    """403."""
    return Refusal(403, code)


def invalid_form(where: str, code: str, message: str) -> Refusal:
    """400/50035 about one field: `where` is its path with dots."""
    tree: Json = {"_errors": [{"code": code, "message": message}]}
    for step in reversed(where.split(".")) if where else ():
        tree = {step: tree}
    return Refusal(400, 50035, errors=tree)


class Form:
    """Collects what is wrong with a body; says it all at once."""

    def __init__(self) -> None:
        self.errors: Json = {}

    def wrong(self, where: str, code: str, message: str) -> None:
        """One field is wrong; `where` is its path with dots."""
        node = self.errors
        for step in where.split("."):
            node = node.setdefault(step, {})
        node.setdefault("_errors", []).append({"code": code, "message": message})

    def length(self, where: str, value: object, low: int, high: int) -> None:
        """A text of so many code points."""
        if not isinstance(value, str):
            self.wrong(where, "STRING_TYPE_CONVERT", "Could not interpret as string.")
        elif not low <= len(value) <= high:
            self.wrong(where, "BASE_TYPE_BAD_LENGTH", f"Must be between {low} and {high} in length.")

    def count(self, where: str, value: list[Any], low: int, high: int) -> None:
        """A list of so many."""
        if not low <= len(value) <= high:
            self.wrong(where, "BASE_TYPE_BAD_LENGTH", f"Must be between {low} and {high} in length.")

    def check(self) -> None:
        """Raises: Refusal: something was wrong."""
        if self.errors:
            raise Refusal(400, 50035, errors=self.errors)
