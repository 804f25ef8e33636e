"""The use cases that make something: create, continue, retake, stitch. Checks before money, one transaction each.

A job row is written before anything is started, and the same update seen twice gives the first one's job.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from engine import media
from engine.checks import SEED_MAX, check_seed, clean_prompt, settle_options
from engine.derive import LAST_FRAME, derived
from engine.errors import BadMedia, DiskFull, NotFound, NothingToContinue, RequestError
from engine.jobs import LIVE
from engine.lookup import NO_STORY, find_parent, find_pieces, find_shot, live_job
from engine.model import (
    Asked,
    Clip,
    Continue,
    Create,
    FileKey,
    Job,
    JobKind,
    Retake,
    SayKind,
    Shot,
    ShotOptions,
    Stitch,
    Story,
)
from engine.news import News
from engine.outcome import World
from engine.ports import NewJob, NewShot, Writer
from engine.steering import Steering

DISK_LEAST_BYTES = 200_000_000
TITLE_CHARS = 60
LOOK_EVERY_S = 2.0


class Studio(Steering):
    """Everything that a front end can ask for."""

    def __init__(self, world: World, news: News, *, default_provider: str, wake: Callable[[], None]) -> None:
        super().__init__(world, wake=wake)
        self._news = news
        self._default_provider = default_provider

    async def create(self, command: Create) -> Job:
        """Begin a story with its first shot.

        Raises:
            NotPossible, NotFound, StorageError
        """
        with self._holding(command.options):
            return await self._create(command)

    async def _create(self, command: Create) -> Job:
        asked, prompt = command.asked, clean_prompt(command.prompt)
        await self._check_room(command.options)

        async def work(tx: Writer) -> Job:
            story = await tx.add_story(asked.place, asked.person, title_of(prompt))
            return await self._add_shot(tx, asked, story=story, parent=None, prompt=prompt, options=command.options)

        return await self._begin(asked, work)

    async def continue_story(self, command: Continue) -> Job:
        """Add a shot after the named one, else after the canon's tip. After an inner shot it is a branch.

        A parent that is still rendering is waited for.

        Raises:
            NothingToContinue, NotFound, NotPossible, BadMedia, StorageError
        """
        with self._holding(command.options):
            return await self._continue(command)

    async def _continue(self, command: Continue) -> Job:
        asked, prompt = command.asked, clean_prompt(command.prompt)
        await self._check_room(command.options)
        seen = await self._store.read(lambda tx: find_parent(tx, asked.place, command.shot))
        if seen[2] is not None:  # a damaged clip is told now, not after a wait in line
            await self._check_clip(seen[1].code, seen[2])
            await self._check_readable(seen[1].code, seen[2])

        async def work(tx: Writer) -> Job:
            story, parent, _ = await find_parent(tx, asked.place, command.shot)
            return await self._add_shot(tx, asked, story=story, parent=parent, prompt=prompt, options=command.options)

        return await self._begin(asked, work)

    async def retake(self, command: Retake) -> Job:
        """Render a shot again, with another seed. Its clip stays until the new one is ready.

        Raises:
            NotFound, NothingToContinue, RequestError, StorageError
        """
        asked = command.asked
        check_seed(command.seed)
        await self._check_room(ShotOptions())

        async def work(tx: Writer) -> Job:
            if command.shot:
                shot = await find_shot(tx, asked.place, command.shot)
            else:
                newest = await tx.newest_shot(asked.place)
                if newest is None:
                    raise NothingToContinue(NO_STORY)
                shot = newest
            job = await live_job(tx, shot)
            if job is not None:
                raise RequestError(f"{shot.code} is being rendered already; wait for it, or /cancel {shot.code} first.")
            return await self._add_render(tx, asked, shot, command.seed)

        return await self._begin(asked, work)

    async def stitch(self, command: Stitch) -> Job:
        """Join clips into a film.

        Raises:
            NotFound, NothingToContinue, RequestError, BadMedia, StorageError
        """
        asked = command.asked
        await self._check_room(ShotOptions())
        _, pieces = await self._store.read(lambda tx: find_pieces(tx, command))
        for shot, clip in pieces:
            await self._check_clip(shot.code, clip)

        async def work(tx: Writer) -> Job:
            story, pieces = await find_pieces(tx, command)
            plan = tuple(shot.chosen_take_id for shot, _ in pieces if shot.chosen_take_id)
            return await self._add_job(
                tx,
                NewJob(
                    kind=JobKind.STITCH,
                    request_key=asked.key,
                    place=asked.place,
                    person=asked.person,
                    story_id=story.id,
                    plan=plan,
                ),
            )

        return await self._begin(asked, work)

    async def keep_picture(self, path: Path) -> FileKey:
        """Check a picture that somebody gave, and keep it as a clean PNG for `first_frame` or `last_frame`.

        Raises:
            BadMedia: it is none, or one that would harm.
        """
        clean = self._files.work("pictures") / f"{secrets.token_hex(8)}.png"
        await media.picture(path, clean)
        return await self._files.adopt(clean)

    async def finished(self, job_id: int) -> Job:
        """The job once the engine's work on it is over: READY, FAILED, CANCELLED, UNCONFIRMED or DELIVERED.

        Raises:
            NotFound
        """
        with self._news.changes_of(job_id) as changed:
            while True:
                job = await self.job(job_id)
                if job is None:
                    raise NotFound(f"There is no job {job_id}.")
                if job.state not in LIVE:
                    return job
                changed.clear()
                try:
                    async with asyncio.timeout(LOOK_EVERY_S):  # another process may be the one that finishes it
                        await changed.wait()
                except TimeoutError:
                    continue

    @contextmanager
    def _holding(self, options: ShotOptions) -> Iterator[None]:
        """From the end on the given pictures are held no more: the rows refer to them now, or never will."""
        try:
            yield
        finally:
            for key in (options.first_frame, options.last_frame):
                if key is not None:
                    self._files.release(key)

    async def _begin(self, asked: Asked, work: Callable[[Writer], Awaitable[Job]]) -> Job:
        async def once(tx: Writer) -> Job:
            known = await tx.job_by_request(asked.key)
            if known is not None:
                return known
            await tx.know(asked.place, asked.person)
            return await work(tx)

        job = await self._store.write(once)
        await self._told(job)
        return job

    async def _add_shot(
        self, tx: Writer, asked: Asked, *, story: Story, parent: Shot | None, prompt: str, options: ShotOptions
    ) -> Job:
        settled = settle_options(options, parent=parent, models=self.models(), default_provider=self._default_provider)
        shot = await tx.add_shot(
            NewShot(
                story_id=story.id,
                parent_id=parent.id if parent else None,
                person=asked.person,
                prompt=prompt,
                seconds=settled.seconds,
                ratio=settled.ratio,
                resolution=settled.resolution,
                style=settled.style,
                provider=settled.provider,
                model=settled.model,
                first_frame=options.first_frame,
                last_frame=options.last_frame,
            )
        )
        if story.tip_id == shot.parent_id:
            await tx.set_tip(story.id, shot.id)
        return await self._add_render(tx, asked, shot, options.seed)

    async def _add_render(self, tx: Writer, asked: Asked, shot: Shot, seed: int | None) -> Job:
        take = await tx.add_take(shot.id, secrets.randbelow(SEED_MAX) if seed is None else seed, None)
        return await self._add_job(
            tx,
            NewJob(
                kind=JobKind.RENDER,
                request_key=asked.key,
                place=asked.place,
                person=asked.person,
                story_id=shot.story_id,
                shot_id=shot.id,
                take_id=take.id,
                provider=shot.provider,
                model=shot.model,
            ),
        )

    async def _add_job(self, tx: Writer, new: NewJob) -> Job:
        job = await tx.add_job(new)
        await tx.owe(job.id, SayKind.STATUS)
        return job

    async def _check_readable(self, code: str, clip: Clip) -> None:
        """Raises BadMedia: its last frame cannot be had. What was decoded for this is kept for the render."""
        try:
            await derived(self._files, clip.file, LAST_FRAME)
        except BadMedia as error:
            raise BadMedia(f"The clip file of {code} cannot be read; /retake {code} renders it again.") from error

    async def _check_room(self, options: ShotOptions) -> None:
        """Raises DiskFull or NotFound before anything is begun."""
        free = await self._files.free_bytes()
        if free < DISK_LEAST_BYTES:
            raise DiskFull(
                f"The disk is nearly full ({free / 1e6:.0f} MB left, {DISK_LEAST_BYTES / 1e6:.0f} MB are needed); "
                "nothing was started. Make room and try again."
            )
        for key in (options.first_frame, options.last_frame):
            if key is not None and not await self._files.exists(key):
                raise NotFound("The picture for the frame is not here any more; send it again.")


def title_of(prompt: str) -> str:
    """A story's title: its first prompt, cut at a word within 60 characters."""
    if len(prompt) <= TITLE_CHARS:
        return prompt
    return prompt[:TITLE_CHARS].rsplit(" ", 1)[0] + "…"
