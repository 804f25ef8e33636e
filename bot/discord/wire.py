"""The way to the server: who is connected, what a channel takes and how much of it, and what an error means."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import discord
from discord import Webhook

from bot.discord.budget import Budget, Pace, Rank
from bot.discord.faults import ERRORS, is_for_all, is_for_channel, is_over, is_shut_out, is_too_large, outcome_of
from bot.discord.letters import Letter, letter_of
from bot.discord.places import place_of, read_place
from bot.message import NotSent, Reply

log = logging.getLogger(__name__)

T = TypeVar("T")

DEFAULT_BYTES = 10 * 1024 * 1024
"""What an application may upload where nothing else is told, and in messages to one person.

https://support.discord.com/hc/en-us/articles/25444343291031
"""
LEAST_BYTES = 1_000_000
"""No cap is below this: what the server calls too large then is for another reason."""
TEXT_S = 60.0
UPLOAD_S = 540.0
NOT_THERE_S = 2.0
CAPS_KEPT = 10_000
LEARNED_S = 3_600.0
"""How long a cap that was learned from a refusal is believed: a server may be boosted meanwhile."""
LIBRARY_WAITS_S = 30.0
"""How long the library may wait for a rate limit by itself (its least); longer ones are ours to plan."""


class TooLarge(NotSent):
    """A file is larger than a channel takes. By now it is known how much that is, so a smaller one can be made."""


class ShutOut(Exception):
    """The bot itself cannot speak there."""


class Over(Exception):
    """The interaction cannot be answered any more."""


class Wire:
    """One bot's connection."""

    def __init__(
        self,
        line: Callable[[], discord.Client | None],
        pace: Pace,
        *,
        clock_s: Callable[[], float] = time.time,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`line` gives the client while it is logged in; `clock_s` is Unix time."""
        self._line = line
        self.clock_s = clock_s
        self.now = now
        self._budget = Budget(now, pace)
        self._silent_until = 0.0
        """Everywhere: this address asked for too much."""
        self._told_bytes: OrderedDict[int, int] = OrderedDict()
        """By channel: what an interaction said may be uploaded there."""
        self._learned_bytes: OrderedDict[int, tuple[int, float]] = OrderedDict()
        """By channel: what the server did not refuse, and until when that is believed."""

    @property
    def budget(self) -> Budget:
        """What may still be written."""
        return self._budget

    def learn(self, channel_id: int, upload_bytes: int) -> None:
        """An interaction said how much may be uploaded there."""
        _remember(self._told_bytes, channel_id, upload_bytes)

    def upload_bytes(self, place: str) -> int:
        """The largest file that may be posted there: what its server has, else what the last interaction said."""
        channel_id = read_place(place)
        guild = self._guild(channel_id)
        told = self._told_bytes.get(channel_id, DEFAULT_BYTES) if guild is None else guild.filesize_limit
        learned, until = self._learned_bytes.get(channel_id, (told, 0.0))
        return min(told, learned) if until > self.now() else told

    def wait_s(self, place: str) -> float:
        """How long there is nobody who could take a message there."""
        if self._line() is None:
            return NOT_THERE_S
        guild = self._guild(read_place(place))
        return NOT_THERE_S if guild is not None and guild.unavailable else 0.0

    def _guild(self, channel_id: int) -> discord.Guild | None:
        client = self._line()
        channel = client.get_channel(channel_id) if client is not None else None
        return channel.guild if isinstance(channel, discord.abc.GuildChannel | discord.Thread) else None

    def keep_under(self, channel_id: int, upload_bytes: int) -> None:
        """From now on files are made to pass under this there."""
        _remember(self._learned_bytes, channel_id, (upload_bytes, self.now() + LEARNED_S))

    def client(self) -> discord.Client:
        client = self._line()
        if client is None:
            raise NotSent("Discord is not connected", retry_after_s=NOT_THERE_S)
        return client

    async def pause(self, channel_id: int) -> None:
        """Until the channel has room for a message that must not be parted from the one before."""
        while (wait_s := self._budget.wait_s(channel_id, Rank.RESULT)) > 0:  # noqa: ASYNC110  # nobody tells when
            await asyncio.sleep(wait_s)

    @asynccontextmanager
    async def sending(
        self,
        channel_id: int,
        reply: Reply,
        *,
        spends: bool = False,
        rank: Rank = Rank.RESULT,
        is_old: bool = False,
    ) -> AsyncIterator[None]:
        """Spends from the channel's budget, bounds the time, and turns the server's errors into ours.

        Raises:
            ShutOut, Over: another way is to be tried.
            NotSent, SendUnknown
        """
        if (silent_s := self._silent_until - self.now()) > 0:
            raise NotSent("Discord wants a pause", retry_after_s=silent_s)
        if spends:
            wait_s = self._budget.wait_s(channel_id, rank, is_old=is_old)
            if wait_s > 0:
                raise NotSent("the channel has been told enough for now", retry_after_s=wait_s)
            self._budget.take(channel_id, is_old=is_old)
        has_file = reply.video is not None or reply.picture is not None
        try:
            async with asyncio.timeout(UPLOAD_S if has_file else TEXT_S):
                yield
        except ERRORS as error:
            if is_too_large(error):
                raise self._too_large(channel_id, reply) from error
            if is_shut_out(error):
                raise ShutOut(str(error)) from error
            if is_over(error):
                raise Over(str(error)) from error
            outcome = outcome_of(error)
            if isinstance(outcome, NotSent) and outcome.retry_after_s is not None:
                self._heed(error, channel_id, outcome.retry_after_s, is_old=is_old)
            if isinstance(error, TimeoutError):
                self._let_others_speak()
            raise outcome from error
        except RuntimeError as error:  # of the library, whose client was closed a moment ago
            if self._line() is not None:
                raise
            raise NotSent("Discord is not connected", retry_after_s=NOT_THERE_S) from error

    def _heed(self, error: BaseException, channel_id: int, for_s: float, *, is_old: bool) -> None:
        """What is refused for having asked too much is not asked again before its time, by nobody."""
        if is_for_all(error):
            self._silent_until = max(self._silent_until, self.now() + for_s)
            self._budget.pauses += 1
            log.warning("Discord wants a pause of %.0f s from this address", for_s)
        elif is_for_channel(error):
            self._budget.silence(channel_id, for_s, is_old=is_old)

    def _let_others_speak(self) -> None:
        """The library's lock for a limit on everything stays closed for ever when who waits for it is interrupted."""
        client = self._line()
        if client is not None and not (gate := client.http._global_over).is_set():  # noqa: SLF001
            # the limit itself may still hold: the library waits no longer than this for one
            asyncio.get_running_loop().call_later(LIBRARY_WAITS_S, gate.set)

    def _too_large(self, channel_id: int, reply: Reply) -> TooLarge:
        """What the server does not take is made smaller; what cannot be made smaller it will never take."""
        if reply.video is None:
            return TooLarge("too large for this channel", retry_after_s=None)
        before = self.upload_bytes(place_of(channel_id))
        refused = max(part.bytes for part in (reply.video, *reply.more_videos))
        lowered = DEFAULT_BYTES if refused > DEFAULT_BYTES < before else max(LEAST_BYTES, min(before, refused) * 3 // 4)
        self.keep_under(channel_id, lowered)
        log.warning("channel takes no such files channel=%d; films are kept under %d bytes there", channel_id, lowered)
        return TooLarge("too large for this channel", retry_after_s=1.0 if lowered < before else None)


def hook_of(client: discord.Client, token: str) -> Webhook:
    """The way to answer an interaction."""
    # as the library makes its own for an interaction: only this kind may whisper
    data: Any = {"id": client.application_id, "type": discord.WebhookType.application.value, "token": token}
    return Webhook.from_state(data, state=client._connection)  # noqa: SLF001


@asynccontextmanager
async def letter_to_send(reply: Reply, *, calls: int | None = None, note: str = "") -> AsyncIterator[Letter]:
    """A reply as a message, whose files are let go afterwards."""
    made = await letter_of(reply, calls=calls, note=note)
    try:
        yield made
    finally:
        made.close()


def _remember(table: OrderedDict[int, T], key: int, value: T) -> None:
    table[key] = value
    table.move_to_end(key)
    while len(table) > CAPS_KEPT:
        table.popitem(last=False)
