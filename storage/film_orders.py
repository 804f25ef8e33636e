"""The options of stitches, in a transaction."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import ColumnElement, exists, insert, select

from engine.film_options import StitchOptions, options_from_json
from engine.model import FileKey
from storage.film_tables import FILM_ORDER
from storage.tables import JOB
from storage.transaction import Transaction


class FilmOrderReads(Transaction):
    """The part of `Reader` about what is wanted of a film."""

    async def stitch_options(self, job_id: int) -> StitchOptions:
        cell = await self._value(select(FILM_ORDER.c.options).where(FILM_ORDER.c.job_id == job_id))
        return StitchOptions() if cell is None else options_from_json(cell)


class FilmOrderWrites(Transaction):
    """The part of `Writer` about what is wanted of a film."""

    async def keep_stitch_options(self, job_id: int, options: StitchOptions) -> None:
        there = select(FILM_ORDER.c.id).where(FILM_ORDER.c.job_id == job_id)
        if options == StitchOptions() or await self._value(there) is not None:
            return
        cells = {"options": asdict(options), "music": options.music, "voice": options.voice}
        await self._connection.execute(insert(FILM_ORDER).values(job_id=job_id, **cells))


def sound_is_wanted(file: FileKey) -> ColumnElement[bool]:
    """Whether a film that is not made yet needs this file."""
    wanted = (FILM_ORDER.c.music == file) | (FILM_ORDER.c.voice == file)
    return exists().where(wanted, JOB.c.id == FILM_ORDER.c.job_id, JOB.c.finished_at.is_(None))
