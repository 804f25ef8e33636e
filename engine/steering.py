"""The use cases that steer what was made: cancel, send again, delete, choose, open. Who may do what is decided here."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from engine.booking import book
from engine.budget import verdict_on_job
from engine.codes import parse_film_code
from engine.errors import NotFound, NothingToContinue, RequestError
from engine.gallery import Gallery
from engine.hints import heard
from engine.housekeeping import tidy
from engine.job_model import WAS_CHARGED, Job, JobState, SayKind
from engine.jobs import LIVE, finish, move
from engine.lookup import find_film, find_shot, find_story, live_job
from engine.model import Asked, FileKey
from engine.outcome import World, painted_usd
from engine.ports import Reader, Writer
from engine.providers.base import Hook
from engine.providers.painter import PaintersByName
from engine.rights import check_allowed, check_own_pot
from engine.settle import after_work, retreat_tip
from engine.stopping import TOLD_AFTER_S, cost_note, stop_cancelled
from engine.views import ShotView, StoryView

log = logging.getLogger(__name__)

DONE_ALREADY = "That was done already; /story shows what is here."


class Steering(Gallery):
    """What can be done to stories, shots, films and jobs that are there."""

    def __init__(self, world: World, *, wake: Callable[[], None]) -> None:
        super().__init__(world)
        self._wake = wake

    def painters(self) -> PaintersByName:
        """What the models of every painter can do."""
        return {name: painter.models for name, painter in self._world.painters.items()}

    async def heard(self, provider: str, hook: Hook) -> bool:
        """Whether a call to our webhook was this provider's service; then its render is looked at now. See `engine.hints`."""
        is_its = await heard(self._world, provider, hook)
        if is_its:
            self._wake()
        return is_its

    async def cancel(self, asked: Asked, target: str | None) -> Job:
        """Stop the named shot's or story's job, else the newest one that this person has here.

        One that is being handed over this moment is noted as unwanted, and is stopped right after.

        The same update again gives what it stopped, and stops nothing else.

        Raises:
            NotFound: nothing to stop.
            NotAllowed: somebody else's.
        """
        stoppable = LIVE | {JobState.UNCONFIRMED}

        async def work(tx: Writer) -> Job:
            if not await tx.first_time(asked.key):
                return await _stopped_before(tx, asked, target)
            jobs = [job for job in await tx.jobs_of_place(asked.place, stoppable) if _is_target(job, asked, target)]
            if not jobs:
                raise NotFound(f"Nothing of {target} is running." if target else "Nothing of yours is running here.")
            story = await tx.story(jobs[0].story_code)
            check_allowed(asked.person, (jobs[0].person, story.director if story else None), jobs[0].subject)
            if jobs[0].state is JobState.SUBMITTING:
                # its step is the only one that will know what became of the request: it is left alone, and told
                await tx.want_stopped(jobs[0].id)
                return replace(jobs[0], is_unwanted=True)
            job = await tx.take_over(jobs[0].id)
            if job is None or job.state not in stoppable:
                raise NotFound(f"{jobs[0].subject} is finished already.")
            attempts = await tx.attempts(job.id)
            if job.state is JobState.UNCONFIRMED:
                await _take_back(tx, job)  # the question is answered
            note = cost_note(job)
            if note != WAS_CHARGED:
                job = replace(job, cost_usd=painted_usd(attempts))
            notes = (*job.notes, note) if note else job.notes
            job = finish(job, JobState.CANCELLED, self._world.clock(), preview=None, notes=notes)
            await tx.save_job(job, detail=f"by {asked.person.key}")
            await book(tx, job)
            # told when its service has answered, or by itself where this process dies before
            await tx.owe(job.id, SayKind.FAILURE, in_s=TOLD_AFTER_S if job.task_id is not None else 0.0)
            await after_work(tx, job)
            return job

        job = await self._store.write(work)
        if job.state in LIVE:  # it is stopped when it is handed over
            await self._told(job)
            return job
        if job.task_id is not None:
            job = await stop_cancelled(job, job.task_id, self._world)
        await tidy(job, self._world)
        await self._told(job)
        return job

    async def again(self, asked: Asked, target: str) -> Job:
        """Send an UNCONFIRMED render once more: the person knows that it may cost twice. The same update again sends nothing.

        Raises:
            NotFound, NotAllowed
            RequestError: the shot was begun anew since.
            OverBudget: there is no money for it now.
        """

        async def work(tx: Writer) -> Job:
            if not await tx.first_time(asked.key):
                return await _newest_job(tx, asked, target)
            unconfirmed = await tx.jobs_of_place(asked.place, frozenset({JobState.UNCONFIRMED}))
            found = next((job for job in unconfirmed if _is_target(job, asked, target)), None)
            if found is None:
                raise NotFound(f"Nothing of {target} waits for an answer.")
            check_allowed(asked.person, (found.person,), found.subject)
            await find_shot(tx, asked.place, found.subject)
            newest = await tx.jobs_of_shots([found.shot_id or 0])
            if any(other.id != found.id for other in newest):
                raise RequestError(f"{found.subject} was begun anew since, so this render stays as it is.")
            job = await tx.take_over(found.id)
            if job is None or job.state is not JobState.UNCONFIRMED:
                raise NotFound(f"Nothing of {target} waits for an answer.")
            await _take_back(tx, job)  # it was the question; how it ends is still to be said
            now = self._world.clock()
            verdict = await verdict_on_job(tx, self._world.rules, job, job.quoted_usd, now)
            # whoever sends it again knows its price, and that it may cost twice: nobody is asked once more
            payer = verdict.payer or job.payer  # what is free by now may have cost before
            check_own_pot(asked.person, job, verdict.payer)
            job = move(job, JobState.QUEUED, due_at=now, failure=None, finished_at=None, payer=payer)
            await tx.want_stopped(job.id, is_unwanted=False)
            await tx.save_job(job, detail=f"again, by {asked.person.key}")
            await book(tx, job)
            return job

        job = await self._store.write(work)
        await self._told(job)
        return job

    async def delete(self, asked: Asked, code: str) -> str:
        """Delete a shot's clips or a film, with their files unless something else refers to them. Gives the code.

        Raises:
            NotFound, NotAllowed, RequestError
        """

        async def drop(tx: Writer) -> tuple[str, tuple[FileKey, ...]]:
            if not await tx.first_time(asked.key):
                return code.lower(), ()  # what was noted was done; files that it left behind are swept
            if parse_film_code(code):
                film = await find_film(tx, asked.place, code)
                story = await tx.story(film.story_code)
                check_allowed(asked.person, (film.person, story.director if story else None), film.code)
                return film.code, tuple(await tx.delete_film(film.id))
            shot = await find_shot(tx, asked.place, code)
            story = await tx.story(shot.story_code)
            check_allowed(asked.person, (shot.person, story.director if story else None), shot.code)
            if await live_job(tx, shot) is not None:
                raise RequestError(f"{shot.code} is being rendered; /cancel {shot.code} first.")
            keys = await tx.delete_shot(shot.id)
            if story is not None:
                await retreat_tip(tx, story, shot)
            return shot.code, tuple(keys)

        deleted, keys = await self._store.write(drop)

        async def remove(tx: Writer) -> None:
            # inside a transaction, so that nobody can begin to refer to a file between the look and the removal
            for key in keys:
                if not await tx.file_is_used(key):
                    await self._files.delete(key)

        await self._store.write(remove)
        return deleted

    async def choose(self, asked: Asked, shot: str, take: int | None = None) -> ShotView:
        """Put the canon on the line that ends with this shot, or (with `take`) make that take the shot's clip.

        Raises:
            NotFound, NothingToContinue
        """

        async def work(tx: Writer) -> str:
            found = await find_shot(tx, asked.place, shot)
            if found.chosen_take_id is None:
                raise NothingToContinue(f"{found.code} has no clip yet.")
            if not await tx.first_time(asked.key):
                return found.code  # somebody may have chosen otherwise since
            if take is None:
                await tx.set_tip(found.story_id, found.id)
                return found.code
            chosen = next((each for each in await tx.takes([found.id]) if each.number == take and each.clip), None)
            if chosen is None:
                raise NotFound(f"{found.code} has no take {take}; /show {found.code} lists its takes.")
            await tx.choose_take(found.id, chosen.id)
            return found.code

        view = await self.show(asked.place, await self._store.write(work))
        assert isinstance(view, ShotView)  # noqa: S101  # find_shot found a shot
        return view

    async def open_story(self, asked: Asked, code: str) -> StoryView:
        """Make another story of the place its current one.

        Raises:
            NotFound
        """

        async def work(tx: Writer) -> str:
            story = await find_story(tx, asked.place, code)
            if await tx.first_time(asked.key):
                await tx.set_current(asked.place, story.id)
            return story.code

        view = await self.story(asked.place, await self._store.write(work))
        assert view is not None  # noqa: S101  # find_story found it
        return view

    async def _told(self, job: Job) -> None:
        self._wake()
        await self._world.announce(job)


def _is_target(job: Job, asked: Asked, target: str | None) -> bool:
    if target is None:
        return job.person.key == asked.person.key
    return target.lower() in {job.subject, job.story_code}


async def _take_back(tx: Writer, job: Job) -> None:
    """What was said of its end was not the end."""
    await tx.retract(job.id, SayKind.FAILURE)
    await tx.retract(job.id, SayKind.LAST)


async def _stopped_before(tx: Reader, asked: Asked, target: str | None) -> Job:
    """The job that this very update stopped when it was handled the first time.

    Raises:
        NotFound: it is not there any more.
    """
    cancelled = await tx.jobs_of_place(asked.place, frozenset({JobState.CANCELLED}))
    jobs = [job for job in cancelled if _is_target(job, asked, target)]
    if not jobs:
        raise NotFound(DONE_ALREADY)
    return max(jobs, key=lambda job: (job.finished_at or job.created_at, job.id))


async def _newest_job(tx: Reader, asked: Asked, target: str) -> Job:
    """The newest job of this shot or story, whatever became of it.

    Raises:
        NotFound
    """
    jobs = await tx.jobs_of_place(asked.place, frozenset(JobState))
    found = next((job for job in jobs if _is_target(job, asked, target)), None)
    if found is None:
        raise NotFound(DONE_ALREADY)
    return found
