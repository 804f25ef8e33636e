"""The identities of a person, joined and parted, and the codes that join them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, select, update

from engine.model import Person
from storage.ledger_writes import LedgerWrites
from storage.rows import from_ms, to_ms
from storage.tables import LINK_CODE, LINK_MISS, METADATA, PERSON, POT
from storage.transaction import Transaction

_ONE = PERSON.alias("one")
_KNOWN = select(_ONE.c.id, _ONE.c.key).join(PERSON, _ONE.c.id == func.coalesce(PERSON.c.joined_id, PERSON.c.id))
"""The person behind the identity that `PERSON` stands for."""
_BY_HAND = (LINK_CODE, LINK_MISS, POT)
"""The first two are an identity's own; of pots a person has only one."""
_OF_PERSONS = [table for table in METADATA.sorted_tables if "person_id" in table.c and table not in _BY_HAND]


class IdentityReads(Transaction):
    """The part of `Reader` about who is whom."""

    async def known_as(self, key: str) -> str:
        found = await self._one(_KNOWN.where(PERSON.c.key == key))
        return key if found is None else str(found["key"])

    async def identities(self, key: str) -> Sequence[str]:
        one = await self._one(_KNOWN.where(PERSON.c.key == key))
        if one is None:
            return [key]
        joined = select(PERSON.c.key).where(PERSON.c.joined_id == one["id"]).order_by(PERSON.c.id)
        return [one["key"], *(row["key"] for row in await self._all(joined))]

    async def link_code(self, code_hash: str) -> tuple[str, datetime] | None:
        found = await self._one(
            select(PERSON.c.key, LINK_CODE.c.expires_at)
            .join(PERSON, PERSON.c.id == LINK_CODE.c.person_id)
            .where(LINK_CODE.c.hash == code_hash)
        )
        return None if found is None else (found["key"], from_ms(found["expires_at"]))

    async def link_misses(self, key: str, since: datetime) -> int:
        missed = (
            select(func.count(LINK_MISS.c.id))
            .join(PERSON, PERSON.c.id == LINK_MISS.c.person_id)
            .where(PERSON.c.key == key, LINK_MISS.c.created_at > to_ms(since))
        )
        return int(await self._value(missed))


class IdentityWrites(LedgerWrites):
    """The part of `Writer` about who is whom."""

    async def put_link_code(self, person: Person, code_hash: str, expires_at: datetime) -> bool:
        person_id = await self._identity_id(person)
        await self._change(delete(LINK_CODE).where(LINK_CODE.c.person_id == person_id))
        cells = {"hash": code_hash, "expires_at": to_ms(expires_at), "created_at": self._now()}
        return await self._add_once(LINK_CODE, ("hash",), person_id=person_id, **cells) is not None

    async def drop_link_codes(self, keys: Sequence[str]) -> None:
        whose = select(PERSON.c.id).where(PERSON.c.key.in_(keys))
        await self._change(delete(LINK_CODE).where(LINK_CODE.c.person_id.in_(whose)))

    async def miss_link_code(self, person: Person) -> None:
        await self._add(LINK_MISS, person_id=await self._identity_id(person), created_at=self._now())

    async def join_persons(self, one: Person, other: Person) -> None:
        one_id, other_id = await self._person_id(one), await self._person_id(other)
        if one_id == other_id:
            return
        await self._carry_pot("person", other_id, one_id)
        for table in _OF_PERSONS:
            await self._change(update(table).where(table.c.person_id == other_id).values(person_id=one_id))
        for own in (PERSON.c.joined_id == other_id, PERSON.c.id == other_id):
            await self._change(update(PERSON).where(own).values(joined_id=one_id))

    async def part_identities(self, keys: Sequence[str]) -> None:
        await self._change(update(PERSON).where(PERSON.c.key.in_(keys)).values(joined_id=None))
