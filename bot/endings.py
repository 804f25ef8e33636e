"""What is said of a job that has ended: its video, or why there is none."""

from __future__ import annotations

from dataclasses import replace

from bot import replies, texts
from bot.message import Export, Reply
from engine.film_options import FilmFormat
from engine.job_model import Job, JobKind
from engine.model import Shot, Take
from engine.ports import Reader, Store
from engine.studio import Studio


class Endings:
    """Looks up what a job came to."""

    def __init__(self, store: Store, studio: Studio) -> None:
        self._store = store
        self._studio = studio

    async def result(self, job: Job) -> Reply:
        """The finished video, or that it is gone.

        Raises:
            EngineError
        """
        if job.kind is JobKind.STITCH:
            film = await self._studio.film(job.film_id or 0)
            if film is None:
                return Reply(text=f"{texts.headline(job)}\nthe film was deleted")
            story = await self._store.read(lambda tx: tx.story(job.story_code))
            reply = replies.film_reply(film, story, await self._studio.download(job.place, film.code))
            options = await self._store.read(lambda tx: tx.stitch_options(job.id))
            if options.format is FilmFormat.MP4:
                return reply
            return replace(reply, export=Export(options.format, await self._studio.stills_of(film)))
        take, shot = await self._store.read(lambda tx: _take_and_shot(tx, job))
        if shot is None or take is None or take.clip is None:
            return Reply(text=f"{texts.headline(job)}\nthe clip was deleted")
        return replies.shot_reply(shot, take.clip, take, await self._studio.path_of(take.clip), job)

    async def failure(self, job: Job) -> Reply:
        """How it ended without one, and the ways out.

        Raises:
            EngineError
        """
        take = await self._store.read(lambda tx: tx.take(job.take_id or 0)) if job.take_id else None
        is_edit = take is not None and bool(take.edit)
        return replies.failure_reply(job, await self._studio.ways_out(job), is_edit=is_edit)


async def _take_and_shot(tx: Reader, job: Job) -> tuple[Take | None, Shot | None]:
    return await tx.take(job.take_id or 0), await tx.shot(job.shot_id or 0)
