"""How much may be written in a channel, and when: sends and edits share one window, and edits of old messages have a smaller one.

No number is official. About five sends and edits in five seconds pass in a channel (discord/discord-api-docs issues 20 and 4413);
of messages older than an hour three edits in six seconds do, or error 30046 comes (docs.discord.food/reference). Both windows slide
here, so that they hold wherever the server's begin. Pure but for the clock that is handed in.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

CHANNELS_KEPT = 10_000
OLD_AFTER_S = 3600.0
"""From this age on a message may be edited less often (error 30046)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What a server lets a bot write in one channel."""

    most: int = 5
    """Sends and edits in `window_s`."""
    window_s: float = 5.2
    """Five seconds, and a little for what the way to the server squeezes together."""
    old_most: int = 3
    """Edits of messages older than `OLD_AFTER_S` in `old_window_s`."""
    old_window_s: float = 6.2


class Rank(IntEnum):
    """What a message is worth: how many places of a window are kept for what is worth more."""

    RESULT = 0
    WORD = 1
    """An answer, a status message, a last edit."""
    PROGRESS = 2


@dataclass
class _Channel:
    silent_until: float = 0.0
    old_silent_until: float = 0.0
    sent: deque[float] = field(default_factory=deque)
    edited: deque[float] = field(default_factory=deque)
    """Old messages."""


class Budget:
    """What every channel may still be told. A thread is a channel."""

    def __init__(self, now: Callable[[], float], pace: Pace | None = None) -> None:
        """`now`: seconds since anything, never going back."""
        self._now = now
        self._pace = pace or Pace()
        self._channels: OrderedDict[int, _Channel] = OrderedDict()
        self.pauses = 0
        """How often the server said that it was too much."""

    def wait_s(self, channel_id: int, rank: Rank, *, is_old: bool = False) -> float:
        """How long it has to wait; 0: it may be written now. `is_old`: an edit of a message older than `OLD_AFTER_S`."""
        pace, now, channel = self._pace, self._now(), self._channel(channel_id)
        waits = [0.0, channel.silent_until - now, _full_s(channel.sent, pace.most - rank, pace.window_s, now)]
        if is_old:
            waits.append(channel.old_silent_until - now)
            waits.append(_full_s(channel.edited, pace.old_most - rank, pace.old_window_s, now))
        return max(waits)

    def take(self, channel_id: int, *, is_old: bool = False) -> None:
        """Something is written now."""
        pace, now, channel = self._pace, self._now(), self._channel(channel_id)
        _add(channel.sent, now, pace.most)
        if is_old:
            _add(channel.edited, now, pace.old_most)

    def silence(self, channel_id: int, for_s: float, *, is_old: bool = False) -> None:
        """The server said that this channel has had too much; `is_old`: too many edits of old messages (30046)."""
        self.pauses += 1
        channel, until = self._channel(channel_id), self._now() + for_s
        if is_old:
            channel.old_silent_until = max(channel.old_silent_until, until)
        else:
            channel.silent_until = max(channel.silent_until, until)

    def paused(self) -> int:
        """How many channels are silenced by the server just now."""
        now = self._now()
        return sum(max(each.silent_until, each.old_silent_until) > now for each in self._channels.values())

    def left(self) -> float:
        """The share of the window that is left in the channel that has least, 0 to 1; no limit is known for all together."""
        since, most = self._now() - self._pace.window_s, self._pace.most
        used = max((sum(at > since for at in each.sent) for each in self._channels.values()), default=0)
        return max(0.0, 1 - used / most)

    def _channel(self, channel_id: int) -> _Channel:
        channel = self._channels.setdefault(channel_id, _Channel())
        self._channels.move_to_end(channel_id)
        if len(self._channels) > CHANNELS_KEPT:  # the one that was quiet for longest has its whole budget again
            self._channels.popitem(last=False)
        return channel


def _full_s(times: deque[float], room: int, window_s: float, now: float) -> float:
    """How long until fewer than `room` of these lie within the window; nothing or less: they do now."""
    return times[-room] + window_s - now if len(times) >= room else 0.0


def _add(times: deque[float], now: float, most: int) -> None:
    """Older ones than the last `most` say nothing that these do not."""
    times.append(now)
    while len(times) > most:
        times.popleft()
