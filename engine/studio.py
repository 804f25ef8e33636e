"""The use cases that make something: create, continue, retake, stitch. Checks before money, one transaction each.

A job row is written before anything is started, and the same update seen twice gives the first one's job.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from engine.beginnings import check_beginning, warning_of
from engine.checks import settle_options
from engine.derive import LAST_FRAME, derived, sharpest_s
from engine.errors import BadMedia, NotFound
from engine.films import check_film
from engine.given import add_given
from engine.job_model import Job, JobKind
from engine.jobs import LIVE
from engine.lookup import cure_of, find_parent, find_pieces
from engine.model import Add, Asked, Clip, Continue, Create, FileKey, Shot, ShotOptions, Stitch, Story
from engine.new_rows import NewJob, NewShot
from engine.news import News
from engine.outcome import World
from engine.ports import Reader, Writer
from engine.prompts import clean_prompt, title_of
from engine.purse import Purse
from engine.stills import settle_still
from engine.takes import seed_of

LOOK_EVERY_S = 2.0


class Studio(Purse):
    """Everything that a front end can ask for."""

    def __init__(self, world: World, news: News, *, default_provider: str, wake: Callable[[], None]) -> None:
        super().__init__(world, default_provider=default_provider, wake=wake)
        self._news = news

    async def create(self, command: Create) -> Job:
        """Begin a story with its first shot.

        Raises:
            NotPossible, NotFound, StorageError
        """
        with self._holding(*command.options.pictures):
            return await self._create(command)

    async def _create(self, command: Create) -> Job:
        asked, prompt = command.asked, clean_prompt(command.prompt)
        await self._check_room(command.options)

        async def work(tx: Writer) -> Job:
            story = await tx.add_story(asked.place, asked.person, title_of(prompt))
            return await self._add_shot(tx, asked, story=story, parent=None, prompt=prompt, options=command.options)

        return await self._begin(asked, work)

    async def continue_story(self, command: Continue, given: Add | None = None) -> Job:
        """Add a shot after the named one, else after the canon's tip. After an inner shot it is a branch.

        A parent that is still rendering is waited for. A `given` video becomes a shot first, and is what is continued.

        Raises:
            NothingToContinue, NotFound, NotPossible, BadMedia, StorageError
        """
        with self._holding(*command.options.pictures, given.video if given else None):
            return await (self._continue(command) if given is None else self._continue_given(command, given))

    async def _continue_given(self, command: Continue, given: Add) -> Job:
        asked, prompt = command.asked, clean_prompt(command.prompt)
        await self._check_room(command.options)
        clip = await self._clip_to_add(given)
        options = await self._with_frame(command.options, clip)

        async def work(tx: Writer) -> Job:
            story, parent = await add_given(tx, given, clip, title=prompt)
            check_beginning(options, parent, clip)
            return await self._add_shot(tx, asked, story=story, parent=parent, prompt=prompt, options=options)

        return await self._begin(asked, work)

    async def _continue(self, command: Continue) -> Job:
        asked, prompt = command.asked, clean_prompt(command.prompt)
        await self._check_room(command.options)
        seen = await self._store.read(lambda tx: find_parent(tx, asked.place, command.shot))
        check_beginning(command.options, seen[1], seen[2])
        if seen[2] is not None and _uses_parent(
            command.options
        ):  # a damaged clip is told now, not after a wait in line
            await self._check_clip(seen[1].code, seen[2], cure_of(seen[1]))
            await self._check_readable(seen[1], seen[2])
        options = await self._with_frame(command.options, seen[2])
        # a time is one of the clip that was looked at, also where the canon's tip moved meanwhile
        code = command.shot if options.from_s is None else seen[1].code

        async def work(tx: Writer) -> Job:
            story, parent, _ = await find_parent(tx, asked.place, code)
            return await self._add_shot(tx, asked, story=story, parent=parent, prompt=prompt, options=options)

        return await self._begin(asked, work)

    async def stitch(self, command: Stitch, given: Add | None = None) -> Job:
        """Join clips into a film. A `given` video becomes a shot first.

        Raises:
            NotFound, NothingToContinue, RequestError, BadMedia, StorageError
        """
        sounds = (FileKey(key) for key in (command.options.music, command.options.voice) if key)
        with self._holding(given.video if given else None, *sounds):
            return await self._stitch(command, given)

    async def _stitch(self, command: Stitch, given: Add | None) -> Job:
        asked = command.asked
        await self._check_room(ShotOptions())
        given_clip = await self._clip_to_add(given) if given is not None else None
        for shot, clip in await self._store.read(lambda tx: _pieces_there(tx, command, is_given=given is not None)):
            await self._check_clip(shot.code, clip, cure_of(shot))

        async def work(tx: Writer) -> Job:
            if given is not None and given_clip is not None:
                await add_given(tx, given, given_clip)
            story, pieces = await find_pieces(tx, command)
            check_film(command.options, len(pieces))
            plan = tuple(shot.chosen_take_id for shot, _ in pieces if shot.chosen_take_id)
            job = await self._add_job(
                tx,
                NewJob(
                    kind=JobKind.STITCH,
                    request_key=asked.key,
                    place=asked.place,
                    person=asked.person,
                    story_id=story.id,
                    plan=plan,
                    asked_receipt=asked.receipt,
                ),
            )
            await tx.keep_stitch_options(job.id, command.options)
            return job

        return await self._begin(asked, work)

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

    async def _add_shot(
        self, tx: Writer, asked: Asked, *, story: Story, parent: Shot | None, prompt: str, options: ShotOptions
    ) -> Job:
        today = self._today()
        still = settle_still(options, has_parent=parent is not None, painters=self.painters(), today=today)
        settled = settle_options(
            options,
            parent=parent,
            models=self.models(),
            default_provider=self._default_provider,
            chosen=await tx.place_options(asked.place),
            prompt=prompt,
            today=today,
        )
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
                references=options.references,
                negative=settled.negative,
                is_silent=settled.is_silent,
                work=settled.work,
                is_unseeded=settled.is_unseeded,
                still=still,
                later_s=options.later_s,
                from_s=options.from_s,
            )
        )
        if story.tip_id == shot.parent_id:
            await tx.set_tip(story.id, shot.id)
        take = await tx.add_take(shot.id, seed_of(options.seed), None)
        warning = await warning_of(tx, shot)
        notes = (*settled.notes, warning) if warning else settled.notes
        return await self._add_render(tx, asked, shot, take, notes)

    async def _with_frame(self, options: ShotOptions, clip: Clip | None) -> ShotOptions:
        """The sharpest frame of the clip before as a time in it: the same one, whenever it is rendered."""
        if not options.from_sharpest or options.from_s is not None or clip is None:
            return options
        return replace(options, from_s=await sharpest_s(self._files, clip.file), from_sharpest=None)

    async def _check_readable(self, shot: Shot, clip: Clip) -> None:
        """Raises BadMedia: its last frame cannot be had. What was decoded for this is kept for the render."""
        try:
            await derived(self._files, clip.file, LAST_FRAME)
        except BadMedia as error:
            raise BadMedia(f"The clip file of {shot.code} cannot be read; {cure_of(shot)}.") from error


def _uses_parent(options: ShotOptions) -> bool:
    """Whether a shot that is asked for so needs the clip before it."""
    is_painted_from_words = bool(options.still) and options.later_s is None
    return not (options.first_frame or options.is_unseeded or is_painted_from_words)


async def _pieces_there(tx: Reader, command: Stitch, *, is_given: bool) -> list[tuple[Shot, Clip]]:
    """What is there to join now; where a video comes with the command it may be the story's first."""
    if is_given:
        story = await tx.current_story(command.asked.place)
        if story is None or story.tip_id is None:
            return []
    return (await find_pieces(tx, command))[1]
