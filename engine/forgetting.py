"""The use cases of being forgotten: what would go is told first, and a question that expires is answered by its person alone."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from engine.erasing import finish_soon
from engine.errors import EngineError, NotAllowed, NotFound, RequestError
from engine.forget_ports import Belongings
from engine.job_model import Payer
from engine.ledger import PotKey
from engine.linking import NOT_ONESELF, Linking
from engine.model import Asked
from engine.ports import Reader, Writer

log = logging.getLogger(__name__)

QUESTION_LASTS_S = 600.0
NEAR = timedelta(days=14)
"""So long before its words and clips go a story is listed with its day."""
STALE = "That question was answered already or has expired; /forget asks it again."
NOTHING = Belongings(shots=0, clips=0, stories=0, places=0, films=0, others_films=0, others_shots=0, jobs=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetQuestion:
    """What would go. `token` names the question for `ForgetMe.forget_me`."""

    token: str
    belongings: Belongings
    left_usd: Decimal
    """What lies in the person's own pot, in US dollars."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What goes. `is_done` False: a job is still being stopped, or there is much; the rest follows, also over a restart."""

    belongings: Belongings
    is_done: bool


class ForgetMe(Linking):
    """What can be done about being known."""

    async def ask_forget(self, asked: Asked) -> ForgetQuestion:
        """What would go and what stays, and a question that this person may answer for ten minutes.

        Raises:
            RequestError: somebody speaks in the name of a group.
        """
        key = asked.person.key
        if key.partition(":")[2].startswith("-"):
            raise RequestError(NOT_ONESELF)
        token = secrets.token_hex(8)
        expires_at = self._world.clock() + timedelta(seconds=QUESTION_LASTS_S)

        async def work(tx: Writer) -> ForgetQuestion:
            await tx.put_forget_question(token, key, expires_at)
            left_usd = (await tx.pot(PotKey(Payer.PERSON, key))).balances.left
            return ForgetQuestion(token=token, belongings=await tx.belongings(key) or NOTHING, left_usd=left_usd)

        return await self._store.write(work)

    async def forget_me(self, asked: Asked, token: str) -> Forgotten:
        """Forget the person who answers its own question.

        Raises:
            NotFound: there is no such question any more.
            NotAllowed: it was asked by somebody else.
        """

        async def work(tx: Writer) -> Belongings:
            found = await tx.forget_question(token)
            if found is None or found[1] <= self._world.clock():
                raise NotFound(STALE)
            if found[0] != asked.person.key:
                raise NotAllowed("Only who asked to be forgotten can press that.")
            await tx.know(asked.place, asked.person)  # who only talked so far has no row to begin with
            return await _begin(tx, asked.person.key)

        return await self._finish(await self._store.write(work))

    async def ending(self, place: str) -> dict[str, date]:
        """By code: until when those of the place's newest stories are kept whose words and clips go within `NEAR`."""
        keep = self._world.keep
        if keep is None:
            return {}

        async def look(tx: Reader) -> dict[str, date]:
            stories = await tx.stories(place)
            touched = await tx.touched([story.id for story in stories])
            ends = {story.code: touched[story.id] + keep for story in stories if story.id in touched}
            return {code: at.date() for code, at in ends.items() if at - self._world.clock() <= NEAR}

        return await self._store.read(look)

    async def belongings(self, key: str) -> Belongings:
        """What there is of a person, by an identity of it.

        Raises:
            NotFound
        """
        return await self._store.read(lambda tx: _found(tx, key))

    async def forget_person(self, asked: Asked, key: str) -> Forgotten:
        """Forget whom the operator names, without a question.

        Raises:
            NotFound, NotAllowed
        """
        if not asked.person.is_operator:
            raise NotAllowed("Only the operator can have somebody else forgotten.")
        return await self._finish(await self._store.write(lambda tx: _begin(tx, key)))

    async def _finish(self, belongings: Belongings) -> Forgotten:
        """Do now what can be done now; the housekeeping does the rest."""
        self._wake()
        try:
            is_done = await finish_soon(self._world)
        except EngineError as error:
            log.warning("forgetting goes on later: %s", error)
            is_done = False
        return Forgotten(belongings=belongings, is_done=is_done)


async def _found(tx: Reader, key: str) -> Belongings:
    belongings = await tx.belongings(key)
    if belongings is None:
        raise NotFound(f"Nobody is known as {key[:80]}; a person is called like telegram:123456789.")
    return belongings


async def _begin(tx: Writer, key: str) -> Belongings:
    """Raises NotFound."""
    belongings = await _found(tx, key)
    forgetting = await tx.begin_forgetting(key)
    if forgetting is not None:
        await tx.stop_jobs([job.id for job in await tx.jobs_in_the_way(forgetting)])
    return belongings
