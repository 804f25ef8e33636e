"""Flood control as people meet it: about one message a second in a chat after a small burst, 20 in any minute in a group.

No exact number is official; sends and edits share the budget. Source: https://core.telegram.org/bots/faq (limits) and the words of
TDLib's author, https://github.com/tdlib/telegram-bot-api/issues/318.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Accepted:
    """Messages that a chat took at once: `count` is 1, or the length of an album. `at_s` is the server's own time."""

    chat_id: int
    method: str
    at_s: float
    count: int = 1


@dataclass
class Flood:
    """Counts what each chat took. Times are seconds of `clock`."""

    clock: Callable[[], float]
    is_on: bool = True
    burst: int = 3
    per_second: float = 1.0
    group_per_minute: int = 20
    accepted: list[Accepted] = field(default_factory=list)
    refused: int = 0
    _credit: dict[int, tuple[float, float]] = field(default_factory=dict)
    """By chat: how much was left, and when."""
    _minute: dict[int, list[Accepted]] = field(default_factory=dict)

    def charge(self, chat_id: int, method: str, count: int = 1, *, is_group: bool) -> int | None:
        """Take it into account and give None, or refuse it and give the whole seconds to wait."""
        now_s = self.clock()
        credit = self._credit_at(chat_id, now_s)
        recent = [send for send in self._minute.get(chat_id, []) if send.at_s > now_s - MINUTE_S]
        if self.is_on:
            needed = float(min(count, self.burst))
            wait_s = max(0.0, (needed - credit) / self.per_second)
            if is_group:
                wait_s = max(wait_s, self._until_room(recent, count, now_s))
            if wait_s > 1e-9:
                self.refused += 1
                return max(1, math.ceil(wait_s - 1e-9))
        send = Accepted(chat_id, method, now_s, count)
        self._credit[chat_id] = (max(credit - count, -float(self.group_per_minute)), now_s)
        self._minute[chat_id] = [*recent, send]
        self.accepted.append(send)
        return None

    def most_in_any(self, window_s: float, chat_id: int) -> int:
        """The largest number of messages that this chat took within any `window_s` seconds."""
        return most_in_any(window_s, [send for send in self.accepted if send.chat_id == chat_id])

    def _credit_at(self, chat_id: int, now_s: float) -> float:
        left, at_s = self._credit.get(chat_id, (float(self.burst), now_s))
        return min(float(self.burst), left + (now_s - at_s) * self.per_second)

    def _until_room(self, recent: Sequence[Accepted], count: int, now_s: float) -> float:
        """Seconds until the oldest of the last minute are old enough."""
        taken = sum(send.count for send in recent)
        room_at_s = now_s
        for send in recent:
            if taken + count <= self.group_per_minute:
                break
            taken -= send.count
            room_at_s = send.at_s + MINUTE_S
        return room_at_s - now_s


def most_in_any(window_s: float, sends: Sequence[Accepted]) -> int:
    """The largest sum of counts within any half-open window; `sends` in the order of their times."""
    most, total, first = 0, 0, 0
    for send in sends:
        total += send.count
        while sends[first].at_s <= send.at_s - window_s:
            total -= sends[first].count
            first += 1
        most = max(most, total)
    return most
