"""How much may be said in a chat, and when: one budget for sends and edits, with room kept for results.

No exact number is official. The Bot FAQ names 1 message a second in a chat, 20 a minute in a group and 30 a second in all
(https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this); edits count as sends.
Pure but for the clock that is handed in.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

CHATS_KEPT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What a server lets a bot say."""

    per_s: float = 1.0
    """In one chat."""
    burst: int = 2
    """At once, after silence: a status message's last edit and the video after it go out together."""
    group_most: int = 20
    """In one group in `window_s`."""
    window_s: float = 61.0
    """A minute, and a second for what the way to the server squeezes together."""
    all_per_s: float = 25.0
    """Over all chats; 30 is the limit."""


class Rank(IntEnum):
    """What a message is worth: how many of a group's window are kept for what is worth more."""

    RESULT = 0
    STATUS = 4
    """A job's own message. In a group that asks more than can be answered it would else wait behind all the answers."""
    WORD = 7
    """An answer, a last edit."""
    PROGRESS = 11


@dataclass
class _Chat:
    tokens: float
    refilled_at: float = 0.0
    silent_until: float = 0.0
    sent: deque[float] = field(default_factory=deque)


class Budget:
    """What every chat may still be told. Group ids are negative."""

    def __init__(self, now: Callable[[], float], pace: Pace) -> None:
        """`now`: seconds since anything, never going back."""
        self._now = now
        self._pace = pace
        self._chats: OrderedDict[int, _Chat] = OrderedDict()
        self._all = _Chat(tokens=pace.all_per_s)
        self.pauses = 0
        """How often the server said that a chat has had too much."""

    def wait_s(self, chat_id: int, rank: Rank, messages: int = 1) -> float:
        """How long it has to wait; 0: it may be sent now. An album is as many messages as it has videos."""
        pace, now, chat = self._pace, self._now(), self._refilled(chat_id)
        at_once = min(messages, pace.burst)
        waits = [
            0.0,
            chat.silent_until - now,
            (at_once - chat.tokens) / pace.per_s,
            (1 - self._all.tokens) / pace.all_per_s,
        ]
        room = max(1, pace.group_most - rank - (messages - 1))
        if chat_id < 0 and len(chat.sent) >= room:
            waits.append(chat.sent[len(chat.sent) - room] + pace.window_s - now)
        return max(waits)

    def take(self, chat_id: int, messages: int = 1) -> None:
        """Something is sent now."""
        now, chat = self._now(), self._refilled(chat_id)
        chat.tokens -= messages
        self._all.tokens -= messages
        chat.sent.extend([now] * messages)

    def silence(self, chat_id: int, for_s: float) -> None:
        """The server said that this chat has had too much."""
        self.pauses += 1
        chat = self._refilled(chat_id)
        chat.silent_until = max(chat.silent_until, self._now() + for_s)

    def paused(self) -> int:
        """How many chats are silenced by the server just now."""
        now = self._now()
        return sum(chat.silent_until > now for chat in self._chats.values())

    def left(self) -> float:
        """The share of what all chats together may be told just now that is left, 0 to 1."""
        most = self._pace.all_per_s
        tokens = self._all.tokens + max(0.0, self._now() - self._all.refilled_at) * most
        return min(1.0, max(0.0, tokens / most))

    def _refilled(self, chat_id: int) -> _Chat:
        """The chat's account as of now; that of all chats too."""
        pace, now = self._pace, self._now()
        chat = self._chats.setdefault(chat_id, _Chat(tokens=pace.burst))
        self._chats.move_to_end(chat_id)
        if len(self._chats) > CHATS_KEPT:  # the one that was quiet for longest has its whole budget again
            self._chats.popitem(last=False)
        for account, per_s, most in ((chat, pace.per_s, pace.burst), (self._all, pace.all_per_s, pace.all_per_s)):
            account.tokens = min(most, account.tokens + max(0.0, now - account.refilled_at) * per_s)
            account.refilled_at = now
        while chat.sent and chat.sent[0] <= now - pace.window_s:
            chat.sent.popleft()
        return chat
