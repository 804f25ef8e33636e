"""Writing what a place chose, and letting a conversation go on under another name."""

from __future__ import annotations

from sqlalchemy import select, update

from engine.model import ShotOptions
from storage.ledger_writes import LedgerWrites
from storage.rows import option_cells
from storage.tables import JOB, METADATA, OUTBOX, PLACE, POT

_BY_PLACE = [table for table in METADATA.sorted_tables if "place_id" in table.c and table not in (OUTBOX, POT)]


class PlaceWrites(LedgerWrites):
    """The part of `Writer` about where a conversation happens."""

    async def set_place_options(self, place: str, options: ShotOptions) -> None:
        place_id = await self._place_id(place)
        await self._change(update(PLACE).where(PLACE.c.id == place_id).values(options=option_cells(options)))

    async def move_place(self, old: str, new: str) -> None:
        before = await self._one(select(PLACE).where(PLACE.c.key == old))
        if before is None or old == new:
            return
        new_id = await self._place_id(new)
        # A message is where its job is. By the job it is found through an index, and the table only grows.
        jobs = select(JOB.c.id).where(JOB.c.place_id == before["id"])
        await self._change(update(OUTBOX).where(OUTBOX.c.job_id.in_(jobs)).values(place_id=new_id))
        await self._carry_pot("place", before["id"], new_id)
        for table in _BY_PLACE:
            await self._change(update(table).where(table.c.place_id == before["id"]).values(place_id=new_id))
        for pointer in ("current_story_id", "options"):
            unset = update(PLACE).where(PLACE.c.id == new_id, PLACE.c[pointer].is_(None))
            await self._change(unset.values({pointer: before[pointer]}))
        emptied = update(PLACE).where(PLACE.c.id == before["id"])
        await self._change(emptied.values(current_story_id=None, options=None))
