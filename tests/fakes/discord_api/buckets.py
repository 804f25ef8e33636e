"""Rate limits: buckets by route and place, 50 a second over all, and the slow budget of old messages. Times of the server's clock.

Discord publishes no numbers but in headers: five sends or edits in five seconds in a channel is what people see
(https://github.com/discord/discord-api-docs/issues/20); old messages: https://docs.discord.food/resources/message#edit-message.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.fakes.discord_api.refusals import Refusal, too_many

GLOBAL_PER_S = 50
OLD_EDITS, OLD_EDITS_S = 3, 6.0
OLD_AFTER_S = 3600.0
LIMITS = {
    ("POST", "/channels/{channel_id}/messages"): (5, 5.0),
    ("PATCH", "/channels/{channel_id}/messages/{message_id}"): (5, 5.0),
    ("DELETE", "/channels/{channel_id}/messages/{message_id}"): (5, 1.0),
    ("POST", "/channels/{channel_id}/typing"): (5, 5.0),
    ("PATCH", "/channels/{channel_id}"): (5, 15.0),
    ("POST", "/channels/{channel_id}/threads"): (50, 300.0),
    ("POST", "/channels/{channel_id}/messages/{message_id}/threads"): (50, 300.0),
}
WEBHOOK_LIMIT = (5, 2.0)
OTHER_LIMIT = (50, 1.0)
OPEN_LIMIT = (1000, 0.001)


@dataclass
class Bucket:
    """One window; it begins with its first request."""

    limit: int
    window_s: float
    begun_at_s: float
    used: int = 0


@dataclass
class Buckets:
    """Counts what each bucket took. `speed`: the server's seconds in a real one, in which clients are told to wait."""

    clock: Callable[[], float]
    speed: float = 1.0
    is_on: bool = True
    refused: int = 0
    invalid: int = 0
    """Answers with 401, 403 or 429, of which 10,000 in ten minutes ban an address."""
    _buckets: dict[str, Bucket] = field(default_factory=dict)
    _global: deque[float] = field(default_factory=deque)
    _old: dict[int, deque[float]] = field(default_factory=dict)

    def take(self, method: str, pattern: str, major: str, *, with_bot_token: bool) -> dict[str, str]:
        """Count a request; the headers of its answer.

        Raises:
            Refusal: 429; its headers are in `headers_of`.
        """
        now_s = self.clock()
        if self.is_on and with_bot_token:
            self._take_global(now_s)
        bucket = self._bucket(method, pattern, major, now_s)
        if bucket.used >= bucket.limit:
            self.refused += 1
            raise too_many((bucket.begun_at_s + bucket.window_s - now_s) / self.speed)
        bucket.used += 1
        return self.headers_of(method, pattern, major)

    def headers_of(self, method: str, pattern: str, major: str) -> dict[str, str]:
        """The state of a bucket, as every answer tells it."""
        now_s = self.clock()
        bucket = self._bucket(method, pattern, major, now_s)
        left_s = max(0.001, (bucket.begun_at_s + bucket.window_s - now_s) / self.speed)
        name = hashlib.sha1(f"{method} {pattern}".encode(), usedforsecurity=False).hexdigest()[:32]
        return {
            "X-RateLimit-Limit": str(bucket.limit),
            "X-RateLimit-Remaining": str(bucket.limit - bucket.used),
            "X-RateLimit-Reset": f"{time.time() + left_s:.3f}",
            "X-RateLimit-Reset-After": f"{math.ceil(left_s * 1000) / 1000:.3f}",
            "X-RateLimit-Bucket": name,
        }

    def take_old_edit(self, channel_id: int) -> None:
        """One edit of a message older than an hour.

        Raises:
            Refusal: 429 with code 30046.
        """
        now_s = self.clock()
        recent = self._old.setdefault(channel_id, deque())
        while recent and recent[0] <= now_s - OLD_EDITS_S:
            recent.popleft()
        if self.is_on and len(recent) >= OLD_EDITS:
            self.refused += 1
            raise too_many((recent[0] + OLD_EDITS_S - now_s) / self.speed, code=30046)
        recent.append(now_s)

    def _take_global(self, now_s: float) -> None:
        while self._global and self._global[0] <= now_s - 1.0:
            self._global.popleft()
        if len(self._global) >= GLOBAL_PER_S:
            self.refused += 1
            raise too_many((self._global[0] + 1.0 - now_s) / self.speed, is_global=True)
        self._global.append(now_s)

    def _bucket(self, method: str, pattern: str, major: str, now_s: float) -> Bucket:
        key = f"{method} {pattern} {major}"
        found = self._buckets.get(key)
        if found is None or found.begun_at_s + found.window_s <= now_s:
            limit, window_s = self._limit(method, pattern)
            found = self._buckets[key] = Bucket(limit, window_s, now_s)
        return found

    def _limit(self, method: str, pattern: str) -> tuple[int, float]:
        if not self.is_on:
            return OPEN_LIMIT
        if pattern.startswith("/webhooks/"):
            return WEBHOOK_LIMIT
        return LIMITS.get((method, pattern), OTHER_LIMIT)


def headers_of_refusal(refusal: Refusal) -> dict[str, str]:
    """What a 429 says beside its body; without `Via` a client takes it for a ban."""
    headers = {
        "Retry-After": str(max(1, round(refusal.retry_after_s or 0))),
        "Via": "1.1 google",
        "X-RateLimit-Scope": "global" if refusal.is_global else "user",
    }
    if refusal.is_global:
        headers["X-RateLimit-Global"] = "true"
    return headers
