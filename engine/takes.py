"""The use cases that add a take to a shot that is there: render it again, otherwise, or change its clip by words."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date

from engine.abilities import narrowed
from engine.adding import Adding
from engine.admission import check_may_wait
from engine.booking import book
from engine.budget import Spender, verdict_on
from engine.checks import SEED_MAX, check_seed, gone, settle_again
from engine.errors import NotFound, NothingToContinue, NotPossible, RequestError
from engine.estimate import estimate
from engine.job_model import Job, JobKind, JobState, SayKind
from engine.ledger import ZERO
from engine.lookup import NO_STORY, find_shot, live_job
from engine.model import EXTEND, Asked, Edit, Retake, Shot, ShotOptions, Take
from engine.money_rules import Bill
from engine.new_rows import NewJob
from engine.ports import Reader, Writer
from engine.possible import check_open, who_can
from engine.prompts import clean_prompt
from engine.rights import check_allowed
from engine.spread import known_spread
from engine.ways_out import ABOUT_SHOT, WaysOut, ways_out


class Takes(Adding):
    """What can be asked of a shot that is there, and what every new render goes through."""

    async def retake(self, command: Retake) -> Job:
        """Render a shot again, with another seed. Its clip stays until the new one is ready.

        With a `provider`, or without pictures, the shot is another one from then on: its row is changed in the same transaction
        that adds the take, so that later retakes and continuations go the way that worked.

        A picture that was painted for the last take, which came to nothing, is handed on: it is paid.

        Raises:
            NotFound, NothingToContinue, RequestError, StorageError
            NotAllowed: to change somebody else's shot. Anybody may have it rendered again as it is.
            NotPossible: its video was given, or it cannot be rendered so.
        """
        asked = command.asked
        check_seed(command.seed)
        await self._check_room(ShotOptions())

        async def work(tx: Writer) -> Job:
            shot = await self._idle_shot(tx, asked, command.shot)
            if command.provider or command.is_text_only:
                story = await tx.story(shot.story_code)
                check_allowed(asked.person, (shot.person, story.director if story else None), shot.code)
            again = settle_again(
                shot,
                provider=command.provider,
                is_unseeded=command.is_text_only,
                seed=command.seed,
                models=self.models(),
                today=self._today(),
            )
            changed = again.shot
            if changed != shot:
                await tx.change_shot(changed)
            before = await _painted_before(tx, shot, changed)
            take = await tx.add_take(shot.id, seed_of(command.seed), before.parent_take_id if before else None)
            if before is not None and before.first_frame is not None:
                await tx.paint_take(take.id, before.first_frame)
                take = replace(take, first_frame=before.first_frame)
            return await self._add_render(tx, asked, changed, take, again.notes)

        return await self._begin(asked, work)

    async def edit(self, command: Edit) -> Job:
        """Change a shot's clip by words, as a new take of it by its own model. The old take stays, and can be chosen again.

        Raises:
            NotFound, NothingToContinue, RequestError, StorageError
            NotPossible: its model cannot change a clip; the sentence names those here that can.
        """
        asked, words = command.asked, clean_prompt(command.words)
        await self._check_room(ShotOptions())

        async def work(tx: Writer) -> Job:
            shot = await self._idle_shot(tx, asked, command.shot)
            self._check_editable(shot, words)
            chosen = await tx.take(shot.chosen_take_id) if shot.chosen_take_id else None
            if chosen is None or chosen.clip is None:
                raise NothingToContinue(f"{shot.code} has no clip to change; /retake {shot.code} renders it.")
            take = await tx.add_take(
                shot.id, secrets.randbelow(SEED_MAX), chosen.parent_take_id, edit=words, edited_take_id=chosen.id
            )
            return await self._add_render(tx, asked, shot, take)

        return await self._begin(asked, work)

    async def ways_out(self, job: Job) -> WaysOut:
        """What else can be done where this job ended without a clip; nothing where it has one, or changed one by words."""
        if job.failure is None or job.state is not JobState.FAILED or job.kind is not JobKind.RENDER:
            return WaysOut()
        shot, take = await self._store.read(lambda tx: _shot_and_take(tx, job))
        if shot is None or take is None or take.edit:
            return WaysOut()
        return ways_out(shot, job.failure, self.models(), self._today())

    def _check_editable(self, shot: Shot, words: str) -> None:
        """Raises NotPossible: the shot's model cannot change a clip by these words."""
        can = self.models().get(shot.provider, {}).get(shot.model)
        name = f"{shot.provider} {shot.model}"
        if can is None:
            raise NotPossible(gone(name, f"/retake {shot.code}", self.models(), self._today()))
        if not (can.edit or can.remix):
            able = who_can(self.models(), lambda other: other.edit or other.remix, self._today())
            others = f"these can, for shots of their own: {', '.join(able[:5])}" if able else "no model here can"
            raise NotPossible(
                f"{name} cannot change a clip by words; {others}. /retake {shot.code} renders it differently."
            )
        check_open(name, can, self._today())
        if len(words) > can.prompt_chars:
            raise NotPossible(
                f"{name} takes at most {can.prompt_chars:,} characters; shorten it by {len(words) - can.prompt_chars:,}."
            )
        left = narrowed(can, ("edit",))
        if shot.resolution not in left.resolutions or shot.ratio not in left.ratios:
            shapes = f"{', '.join(left.resolutions)} and {', '.join(left.ratios)}"
            raise NotPossible(f"{name} changes clips only in {shapes}; /retake {shot.code} renders it differently.")

    def _today(self) -> date:
        return self._world.clock().date()

    async def _idle_shot(self, tx: Reader, asked: Asked, code: str | None) -> Shot:
        """The named shot, else the place's newest one, which no job renders just now.

        Raises:
            NotFound, NothingToContinue, RequestError
            NotPossible: its video was given.
        """
        if code:
            shot = await find_shot(tx, asked.place, code)
        else:
            newest = await tx.newest_shot(asked.place)
            if newest is None:
                raise NothingToContinue(NO_STORY)
            shot = newest
        if not shot.provider:
            raise NotPossible(
                f"{shot.code} is a video that {shot.person.name} gave, so nothing renders it again; "
                f"/continue {shot.code} goes on from it."
            )
        if await live_job(tx, shot) is not None:
            raise RequestError(f"{shot.code} is being rendered already; wait for it, or /cancel {shot.code} first.")
        return shot

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

    async def _add_render(self, tx: Writer, asked: Asked, shot: Shot, take: Take, notes: tuple[str, ...] = ()) -> Job:
        """The job of this take: its price is held, or has to be agreed to first.

        Raises:
            RequestError: too many of this person's wait.
            OverBudget: it may not be spent.
        """
        world = self._world
        await check_may_wait(tx, asked.person, world)
        usd = estimate(
            shot,
            take,
            models=self.models(),
            painters=world.painters,
            source_s=await _source_s(tx, shot, take),
            spread=await known_spread(tx, shot.provider, shot.model),
        )
        spender = Spender(place=asked.place, person=asked.person.key, story_id=shot.story_id, shot_id=shot.id)
        bill = Bill(usd=usd, more_usd=usd or ZERO)
        verdict = await verdict_on(tx, world.rules, spender, bill, world.clock())
        job = await self._add_job(
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
                asked_receipt=asked.receipt,
                notes=notes,
                state=JobState.ASKING if verdict.is_asked else JobState.QUEUED,
                due_in_s=world.rules.ask_lasts_s if verdict.is_asked else 0.0,
                quoted_usd=usd,
                payer=verdict.payer,
            ),
        )
        await book(tx, job)
        return job

    async def _add_job(self, tx: Writer, new: NewJob) -> Job:
        job = await tx.add_job(new)
        await tx.owe(job.id, SayKind.STATUS)
        return job

    async def _check_room(self, options: ShotOptions) -> None:
        """Raises DiskFull or NotFound before anything is begun."""
        await self._check_disk()
        for key in options.pictures:
            if not await self._files.exists(key):
                raise NotFound("The picture is not here any more; send it again.")


async def _painted_before(tx: Reader, shot: Shot, changed: Shot) -> Take | None:
    """The newest take, where a picture was painted for it that the next one can begin on just as well.

    Not where it has its clip: then another picture is wanted. Nor where the picture was refused twice: it may be to blame.
    """
    takes = [each for each in await tx.takes([shot.id]) if each.edited_take_id is None]
    newest = takes[-1] if takes else None
    if newest is None or newest.first_frame is None or newest.clip is not None or not changed.still:
        return None
    if _picture_of(changed) != _picture_of(shot):
        return None
    parent = await tx.shot(shot.parent_id) if shot.parent_id and shot.later_s is not None else None
    if parent is not None and parent.chosen_take_id != newest.parent_take_id:
        return None
    tried = [each for each in takes if each.first_frame == newest.first_frame]
    job = await tx.job_of_take(newest)
    is_refused = job is not None and job.failure is not None and job.failure.kind in ABOUT_SHOT
    return None if is_refused and len(tried) > 1 and changed.provider == shot.provider else newest


async def _source_s(tx: Reader, shot: Shot, take: Take) -> float | None:
    """The length of the clip that this take works on; None: on none, or on one that is not there yet."""
    source_id = take.edited_take_id
    if source_id is None and shot.work == EXTEND and shot.parent_id is not None:
        parent = await tx.shot(shot.parent_id)
        source_id = parent.chosen_take_id if parent else None
    source = await tx.take(source_id) if source_id else None
    return source.clip.seconds if source and source.clip else None


def _picture_of(shot: Shot) -> tuple[object, ...]:
    """What a painted picture follows from, beside the clip before it."""
    return shot.still, shot.later_s, shot.ratio, shot.work, shot.prompt


async def _shot_and_take(tx: Reader, job: Job) -> tuple[Shot | None, Take | None]:
    return await tx.shot(job.shot_id or 0), await tx.take(job.take_id or 0)


def seed_of(seed: int | None) -> int:
    """The one that was asked for, else a new one."""
    return secrets.randbelow(SEED_MAX) if seed is None else seed
