"""A job's news → one status message that is edited, then the video.

Two ways out, by what may be lost. Progress is droppable: the newest state wins, at the pace that a place allows, and a failed edit
is forgotten. What must be said (the status message, the result, the end without one) is an outbox row that was written together
with the state that caused it; it is sent, and sent again after a crash, until the platform took it or will never take it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from weakref import WeakValueDictionary

from bot import replies, texts
from bot.message import Adapter, Button, NotSent, Reply, SendUnknown
from engine.errors import EngineError, StaleFence
from engine.jobs import LIVE, WITH_CLIP, move
from engine.model import Job, JobKind, JobState, Say, SayKind, SayState, Shot, Take
from engine.ports import Clock, Reader, Store, Writer
from engine.studio import Studio

log = logging.getLogger(__name__)

LEASE_S = 600.0
"""Longer than the longest upload."""
EDIT_S = 30.0
"""The longest that an edit may take: the video waits for the edits of its status message."""
NO_ADAPTER_S = 30.0
SEND_AGAIN_S = 5.0
TRIES_MOST = 50


class Delivery:
    """Speaks for the jobs. A stepper of the driver for what must be said; `job_changed` is told of every change."""

    name = "say"

    def __init__(
        self, store: Store, studio: Studio, adapters: Mapping[str, Adapter], clock: Clock, *, slots: int = 16
    ) -> None:
        """`adapters` by platform."""
        self.slots = slots
        self._store = store
        self._studio = studio
        self._adapters = adapters
        self._clock = clock
        self._newest: dict[str, dict[int, Job]] = {}
        self._tellers: dict[str, asyncio.Task[None]] = {}
        self._editing: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        """By job: its status message is edited once at a time, so that the last word stays the last."""
        self._stopped = False

    # --- what may be lost

    async def job_changed(self, job: Job) -> None:
        """Show this state when the place's pace allows, unless a newer one comes before."""
        if self._stopped or job.state not in LIVE or self._adapter(job.place) is None:
            return
        self._newest.setdefault(job.place, {})[job.id] = job
        if job.place not in self._tellers:
            task = asyncio.create_task(self._tell(job.place), name=f"progress of {job.place}")
            self._tellers[job.place] = task
            task.add_done_callback(lambda _: self._tellers.pop(job.place, None))

    async def stop(self) -> None:
        """No more progress."""
        self._stopped = True
        tellers = list(self._tellers.values())
        for task in tellers:
            task.cancel()
        await asyncio.gather(*tellers, return_exceptions=True)

    async def _tell(self, place: str) -> None:
        adapter = self._adapter(place)
        waiting = self._newest.setdefault(place, {})
        while waiting and adapter is not None:
            job = waiting.pop(next(iter(waiting)))
            try:
                async with self._edits(job), asyncio.timeout(EDIT_S):
                    fresh = await self._studio.job(job.id)
                    if fresh is None or fresh.receipt is None or fresh.state not in LIVE:
                        continue
                    await adapter.edit(fresh.receipt, await self._status(job))
            except (NotSent, SendUnknown, EngineError, TimeoutError) as error:
                log.info("progress dropped job=%d state=%s: %s", job.id, job.state, error)
            await asyncio.sleep(adapter.limits(place).edit_every_s)
        self._newest.pop(place, None)

    # --- what must be said

    async def claim(self, limit: int) -> Sequence[Say]:
        """Messages that are owed and due."""
        return await self._store.claim_says(limit, LEASE_S)

    async def step(self, say: Say) -> None:
        """Send one, and note what became of it."""
        adapter = self._adapter(say.place)
        try:
            if adapter is None:
                await self._note(say, SayState.NEW, again_in_s=NO_ADAPTER_S)
                return
            if say.state is SayState.SENDING and not adapter.dedupes:
                # cut off between the platform's answer and our note: it may be there, so it is not sent again by itself
                await self._note(say, SayState.UNKNOWN, error="cut off while sending")
                return
            await self._say(say, adapter)
        except StaleFence as stale:
            log.warning("message dropped job=%d kind=%s: %s", say.job_id, say.kind, stale)
        except EngineError as error:
            log.warning("message waits job=%d kind=%s: %s", say.job_id, say.kind, error)
            await self._later(say, str(error), SEND_AGAIN_S)

    async def _say(self, say: Say, adapter: Adapter) -> None:
        job = await self._studio.job(say.job_id)
        if job is None:
            await self._note(say, SayState.FAILED, error="its job is gone")
            return
        reply = await self._reply(say, job)
        if say.kind is not SayKind.STATUS:
            await self._close_status(job, adapter)
            if reply is None:
                await self._note(say, SayState.SENT, receipt=job.receipt)
                return
        if reply is None:
            await self._note(say, SayState.FAILED, error="there is nothing to say any more")
            return
        await self._store.write(lambda tx: tx.save_say(say, SayState.SENDING, again_in_s=LEASE_S))
        try:
            receipt = await adapter.send(say.place, reply, nonce=say.nonce)
        except NotSent as error:
            await self._later(say, str(error), error.retry_after_s)
        except SendUnknown as error:
            if adapter.dedupes:
                await self._later(say, str(error), SEND_AGAIN_S)
            else:
                await self._note(say, SayState.UNKNOWN, error=str(error))
        else:
            await self._note(say, SayState.SENT, receipt=receipt)
            if say.kind is SayKind.STATUS:
                await self._catch_up(job, reply)

    async def _catch_up(self, before: Job, shown: Reply) -> None:
        """What happened while the status message was being sent had no receipt to be shown at."""
        job = await self._studio.job(before.id)
        if job is not None and job.state in LIVE and await self._status(job) != shown:
            await self.job_changed(job)

    async def _reply(self, say: Say, job: Job) -> Reply | None:
        """What to say; None: the edit of the status message says it all."""
        match say.kind:
            case SayKind.STATUS:
                return await self._status(job)
            case SayKind.FAILURE:
                cancelled_in_place = job.state is JobState.CANCELLED and job.receipt is not None
                return None if cancelled_in_place else replies.failure_reply(job)
            case SayKind.RESULT:
                return await self._result(job)

    async def _result(self, job: Job) -> Reply | None:
        if job.kind is JobKind.STITCH:
            film = await self._studio.film(job.film_id or 0)
            if film is None:
                return Reply(text=f"{texts.headline(job)}\nthe film was deleted")
            story = await self._store.read(lambda tx: tx.story(job.story_code))
            return replies.film_reply(film, story, await self._studio.download(job.place, film.code))
        take, shot = await self._store.read(lambda tx: _take_and_shot(tx, job))
        if shot is None or take is None or take.clip is None:
            return Reply(text=f"{texts.headline(job)}\nthe clip was deleted")
        return replies.shot_reply(shot, take.clip, take, await self._studio.path_of(take.clip))

    async def _close_status(self, job: Job, adapter: Adapter) -> None:
        """The last edit of the status message: after progress that is under way, and later progress sees that the job is over."""
        self._newest.get(job.place, {}).pop(job.id, None)
        if job.receipt is None:
            return
        try:
            async with self._edits(job), asyncio.timeout(EDIT_S):
                await adapter.edit(job.receipt, Reply(text=await self._last_words(job)))
        except (NotSent, SendUnknown, TimeoutError) as error:
            log.info("last edit dropped job=%d: %s", job.id, error)

    def _edits(self, job: Job) -> asyncio.Lock:
        return self._editing.setdefault(job.id, asyncio.Lock())

    async def _last_words(self, job: Job) -> str:
        if job.state in WITH_CLIP:
            return texts.done(job, prompt=await self._prompt(job))
        if job.state is JobState.CANCELLED:
            return texts.failure(job)
        return f"{texts.headline(job)}\n{job.state.value}"

    async def _status(self, job: Job) -> Reply:
        line = await self._studio.place_in_line(job)
        text = texts.status(job, prompt=await self._prompt(job), place_in_line=line, now=self._clock())
        buttons = (Button("cancel", "Cancel", job.subject),) if job.state in LIVE else ()
        picture = Path(job.preview) if job.preview else None
        return Reply(text=text, buttons=buttons, percent=job.percent if job.state in LIVE else None, picture=picture)

    async def _prompt(self, job: Job) -> str:
        shot = await self._store.read(lambda tx: tx.shot(job.shot_id or 0)) if job.shot_id else None
        return shot.prompt if shot else ""

    async def _later(self, say: Say, error: str, again_in_s: float | None) -> None:
        if again_in_s is None or say.tries >= TRIES_MOST:
            await self._note(say, SayState.FAILED, error=error)
        else:
            await self._note(say, SayState.NEW, error=error, again_in_s=again_in_s)

    async def _note(
        self,
        say: Say,
        state: SayState,
        *,
        receipt: str | None = None,
        error: str | None = None,
        again_in_s: float | None = None,
    ) -> None:
        async def work(tx: Writer) -> None:
            await tx.save_say(say, state, receipt=receipt, error=error, again_in_s=again_in_s)
            if say.kind is SayKind.RESULT and state is SayState.SENT:
                job = await tx.job(say.job_id)
                if job is not None and job.state is JobState.READY:
                    await tx.save_job(move(job, JobState.DELIVERED))

        await self._store.write(work)
        if state in {SayState.FAILED, SayState.UNKNOWN}:
            log.warning("message not delivered job=%d kind=%s state=%s: %s", say.job_id, say.kind, state, error)

    def _adapter(self, place: str) -> Adapter | None:
        return self._adapters.get(place.split(":", 1)[0])


async def _take_and_shot(tx: Reader, job: Job) -> tuple[Take | None, Shot | None]:
    return await tx.take(job.take_id or 0), await tx.shot(job.shot_id or 0)
