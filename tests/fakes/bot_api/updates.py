"""Updates on their way to the bot: numbered, kept until confirmed, handed to one long poll at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from tests.fakes.bot_api.model import Json
from tests.fakes.bot_api.refusals import BY_WEBHOOK, OTHER_POLL, conflict

TIMEOUT_MOST_S = 50
NOT_BY_DEFAULT = frozenset({"chat_member", "message_reaction", "message_reaction_count"})


class Updates:
    """The queue. `listener` is told of each new update while a webhook takes them."""

    def __init__(self, first_id: int = 700_000_001) -> None:
        self.history: list[Json] = []
        """Every update that the bot was to see, oldest first."""
        self.pending: dict[int, Json] = {}
        self.allowed: frozenset[str] | None = None
        """None: all but those that have to be asked for."""
        self.listener: Callable[[Json], None] | None = None
        self.checks: Callable[[Json], list[str]] | None = None
        """Says what is wrong with an update, for `complaints`."""
        self.complaints: list[str] = []
        self._next_id = first_id
        self._again: set[int] = set()
        self._waiter: asyncio.Future[str] | None = None
        self._is_closed = False

    @property
    def is_polled(self) -> bool:
        """Whether a long poll waits right now."""
        return self._waiter is not None and not self._waiter.done()

    def push(self, kind: str, payload: Json) -> Json | None:
        """A new update; None where the bot did not ask for this kind."""
        if (kind in NOT_BY_DEFAULT) if self.allowed is None else (kind not in self.allowed):
            return None
        update: Json = {"update_id": self._next_id, kind: payload}
        self._next_id += 1
        self.history.append(update)
        if self.checks is not None:
            self.complaints += self.checks(update)
        self._offer(update)
        return update

    def allow(self, kinds: Iterable[str]) -> None:
        """Only these from now on; an empty list means all but those that have to be asked for."""
        self.allowed = frozenset(kinds) or None

    def resend(self) -> None:
        """Deliver the last update once more, under its old number."""
        self._again.add(self.history[-1]["update_id"])
        self._offer(self.history[-1])

    def forget_offset(self) -> None:
        """As if nothing had ever been confirmed."""
        for update in self.history:
            self._again.add(update["update_id"])
            self._offer(update)

    def delivered(self, update_id: int) -> None:
        """The webhook took it."""
        self.pending.pop(update_id, None)
        self._again.discard(update_id)

    def drop_pending(self) -> None:
        self.pending.clear()
        self._again.clear()

    async def poll(self, offset: int, limit: int, timeout_s: int) -> list[Json]:
        """Confirm what is older than `offset`, and wait for the first update there is.

        Raises:
            Refusal: 409 where another poll or a webhook came in between.
        """
        self.interrupt(OTHER_POLL)
        self._confirm(offset)
        if not self.pending and timeout_s > 0 and not self._is_closed:
            waiter = self._waiter = asyncio.get_running_loop().create_future()
            done, _ = await asyncio.wait({waiter}, timeout=min(timeout_s, TIMEOUT_MOST_S))
            if self._waiter is waiter:
                self._waiter = None
            if done and waiter.result():
                raise conflict(waiter.result())
        batch = [self.pending[update_id] for update_id in sorted(self.pending)][: min(max(limit, 1), 100)]
        self._again.difference_update(update["update_id"] for update in batch)
        return batch

    def interrupt(self, why: str = BY_WEBHOOK) -> None:
        """End the poll that waits, with a 409."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(why)

    def close(self) -> None:
        """End the poll that waits, without an update."""
        self._is_closed = True
        self._wake()

    def _offer(self, update: Json) -> None:
        self.pending[update["update_id"]] = update
        self._wake()
        if self.listener is not None:
            self.listener(update)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result("")

    def _confirm(self, offset: int) -> None:
        if offset < 0:
            keep = sorted(self.pending)[offset:]
            self.pending = {update_id: self.pending[update_id] for update_id in keep}
        elif offset:
            kept = {n: update for n, update in self.pending.items() if n >= offset or n in self._again}
            self.pending = kept
