"""The use cases of the operator: what goes on in all places, what became of one job, which messages did not arrive."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace

from engine.circuits import CircuitState
from engine.errors import NotFound, NotPossible
from engine.job_model import JobState, SayState
from engine.oversight_ports import JobLine, JobSheet, Message, Troubles
from engine.ports import Reader, Writer
from engine.steering import Steering
from engine.tally import Tally

LISTED_MOST = 1_000
_ENTRIES_MOST = 1_000


class Oversight(Steering):
    """What the operator may see and do, whose place it is not."""

    async def all_jobs(self, states: frozenset[JobState] | None = None, limit: int = 100) -> tuple[JobLine, ...]:
        """Jobs of every place in these states (None: in any), newest first."""
        return tuple(await self._store.read(lambda tx: tx.all_jobs(states, min(limit, LISTED_MOST))))

    async def job_sheet(self, job_id: int) -> JobSheet:
        """All that is known of one job.

        Raises:
            NotFound
        """

        async def look(tx: Reader) -> JobSheet:
            line = await tx.job_line(job_id)
            if line is None:
                raise NotFound(f"There is no job {job_id}; nextshot jobs --all lists them.")
            return JobSheet(
                line=line,
                events=tuple(await tx.events(job_id)),
                attempts=tuple(await tx.attempts(job_id)),
                messages=tuple(await tx.messages_of(job_id)),
                entries=tuple(reversed(await tx.entries(job_id=job_id, limit=_ENTRIES_MOST))),
                balances=await tx.job_balances(job_id),
            )

        return await self._store.read(look)

    async def outbox(self, states: frozenset[SayState], limit: int = 100) -> tuple[Message, ...]:
        """The messages of every place in these states, newest first."""
        return tuple(await self._store.read(lambda tx: tx.messages(states, min(limit, LISTED_MOST))))

    async def send_again(self, say_id: int, even_if_sent: bool = False) -> Message:
        """Send a message again that was given up, or let one that waits be tried now; as it stands afterwards.

        What is sent again keeps its nonce, so that a platform which knows it shows it once; what was SENT gets a new one. Either
        is marked in the chat.

        Raises:
            NotFound
            NotPossible: it was sent (and not `even_if_sent`), or is being sent just now.
        """

        async def work(tx: Writer) -> Message:
            found = await tx.message(say_id)
            if found is None:
                raise NotFound(f"There is no message {say_id}; nextshot outbox lists them.")
            state = found.say.state
            if found.is_held or state is SayState.SENDING:
                raise NotPossible(
                    f"Message {say_id} of {found.subject} is being sent just now: look again in a moment."
                )
            if state is SayState.SENT and not even_if_sent:
                raise NotPossible(
                    f"Message {say_id} of {found.subject} was sent: nextshot outbox send {say_id} --again sends it a second time."
                )
            if state is not SayState.SENT and not found.is_given_up:
                await tx.hasten_message(say_id)
            else:
                # Discord takes at most 25 characters
                await tx.send_again(say_id, secrets.token_hex(12) if state is SayState.SENT else None)
            after = await tx.message(say_id)
            return after or found

        message = await self._store.write(work)
        self._wake()
        return message

    async def troubles(self) -> Troubles:
        """What waits for the operator."""
        found = await self._store.read(lambda tx: tx.troubles())
        closed = [name for name, state in self.circuits().items() if state is not CircuitState.CLOSED]
        return replace(found, closed_providers=tuple(sorted(closed)))

    @property
    def tally(self) -> Tally:
        """What went wrong since this process started."""
        return self._world.tally

    def circuits(self) -> Mapping[str, CircuitState]:
        """By provider: whether it is asked just now."""
        return self._world.circuits.states(self._world.providers)
