"""The status message of a job: edited as the job goes on, at the pace that its place allows, until its last words.

All of this may be lost: the newest state wins, and an edit that fails is forgotten. Only the last words are owed (`SayKind.LAST`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from weakref import WeakValueDictionary

from bot import replies, texts
from bot.message import Adapter, Button, NotSent, Reply, SendUnknown
from engine.errors import EngineError, StorageError
from engine.job_model import Job, JobState, SayKind
from engine.jobs import LIVE, WITH_CLIP
from engine.ports import Clock, Store, Writer
from engine.studio import Studio

log = logging.getLogger(__name__)

EDIT_S = 60.0
"""The longest that an edit may take: the video waits for the edits of its status message."""
CLOSED_KEPT = 10_000

_LATE = timedelta(seconds=10)
"""An edit that took so long may have come after somebody else's: this process, or its machine, was asleep."""
QUESTION_AGAIN_S = 5.0
"""The pause before a question is shown again whose edit failed: it is not progress, which may be lost."""
QUESTIONS_MOST = 1_000
"""How many questions are shown again at a start, the newest."""

_STAGES: Mapping[JobState, JobState] = {
    JobState.ASKING: JobState.ASKING,
    JobState.QUEUED: JobState.QUEUED,
    JobState.SUBMITTING: JobState.QUEUED,
    JobState.RENDERING: JobState.RENDERING,
    JobState.SAVING: JobState.SAVING,
}
"""What a person would call a change: handing a shot over looks like waiting."""


class Progress:
    """Counts the jobs' progress in their status messages."""

    def __init__(self, store: Store, studio: Studio, adapters: Mapping[str, Adapter], clock: Clock) -> None:
        """`adapters` by platform."""
        self._store = store
        self._studio = studio
        self._adapters = adapters
        self._clock = clock
        self._newest: dict[str, dict[int, Job]] = {}
        """By place and job: the state that is still to be shown."""
        self._tellers: dict[str, asyncio.Task[None]] = {}
        self._hurry: dict[str, asyncio.Event] = {}
        """By place: a job is in another state than the one that is shown, which is worth an edit before its time."""
        self._shown: dict[int, JobState | None] = {}
        """By job: the stage that its status message tells of."""
        self._said: dict[int, Reply] = {}
        """By job: what its status message says, so that nothing is edited to the same."""
        self._line: dict[int, Job] = {}
        """The jobs that wait in line: each move of the line is theirs to tell, too."""
        self._asking: dict[int, Job] = {}
        """The jobs that wait for somebody to agree: each tells how many wait in its story."""
        self._closed: OrderedDict[int, JobState] = OrderedDict()
        """Jobs whose status message has had its last edit, and as what they ended."""
        self._lost: OrderedDict[int, None] = OrderedDict()
        """Jobs whose status message cannot be edited any more."""
        self._editing: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        """By job: its status message is edited once at a time, so that the last word stays the last."""
        self._stopped = False

    async def job_changed(self, job: Job) -> None:
        """Show this state when the place's pace allows, unless a newer one comes before."""
        if job.state is JobState.QUEUED:
            self._line[job.id] = job
        elif self._line.pop(job.id, None) is not None:  # the line moves when somebody leaves it, and once for each
            for other in list(self._line.values()):
                if other.provider == job.provider:
                    self._show_soon(other)
        was_asking = self._asking.pop(job.id, None) is not None
        if job.state is JobState.ASKING:
            self._asking[job.id] = job
        if was_asking is not (job.state is JobState.ASKING):
            for other in list(self._asking.values()):
                if other.id != job.id and (other.place, other.story_code) == (job.place, job.story_code):
                    self._show_soon(other)
        if job.state in LIVE:
            self._show_soon(job)

    async def resume(self) -> None:
        """Show again what was asked before this process began: a question that nobody saw would wait for nobody.

        Raises:
            StorageError
        """
        asking = frozenset({JobState.ASKING})
        for line in await self._store.read(lambda tx: tx.all_jobs(asking, QUESTIONS_MOST)):
            await self.job_changed(line.job)

    def _show_soon(self, job: Job) -> None:
        if self._stopped or self.adapter_of(job.place) is None:
            return
        self._newest.setdefault(job.place, {})[job.id] = job
        if self._shown.get(job.id) is not _STAGES.get(job.state):
            self._hurry.setdefault(job.place, asyncio.Event()).set()
        if job.place not in self._tellers:
            self._tellers[job.place] = asyncio.create_task(self._tell(job.place), name=f"progress of {job.place}")

    async def stop(self) -> None:
        """No more progress."""
        self._stopped = True
        tellers = list(self._tellers.values())
        for task in tellers:
            task.cancel()
        await asyncio.gather(*tellers, return_exceptions=True)

    async def _tell(self, place: str) -> None:
        adapter = self.adapter_of(place)
        waiting = self._newest.setdefault(place, {})
        try:
            while waiting and adapter is not None:
                await self._tell_next(place, waiting, adapter)
        finally:  # at once: who comes a moment later has to find nobody here
            self._newest.pop(place, None)
            self._hurry.pop(place, None)
            self._tellers.pop(place, None)

    async def _tell_next(self, place: str, waiting: dict[int, Job], adapter: Adapter) -> None:
        """One edit, then as long a wait as the place wants, unless there is something worth an edit before."""
        hurry = self._hurry.setdefault(place, asyncio.Event())
        job = waiting.pop(next(iter(waiting)))
        try:
            await self._tell_one(job, adapter)
        except NotSent as error:
            log.info("progress waits job=%d state=%s: %s", job.id, job.state, error)
            if error.retry_after_s is None:
                self._gone(job)
            else:
                waiting.setdefault(job.id, job)  # unless a newer state came meanwhile
                await asyncio.sleep(error.retry_after_s)
                return
        except (SendUnknown, EngineError, TimeoutError) as error:
            log.info("progress dropped job=%d state=%s: %s", job.id, job.state, error)
            if job.state is JobState.ASKING:
                waiting.setdefault(job.id, job)
                await asyncio.sleep(QUESTION_AGAIN_S)
                return
        hurry.clear()
        if any(self._shown.get(other.id) is not _STAGES.get(other.state) for other in waiting.values()):
            hurry.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(adapter.limits(place).edit_every_s):
                await hurry.wait()

    async def _tell_one(self, job: Job, adapter: Adapter) -> None:
        """One edit of a status message: how the job stands."""
        began_at = self._clock()
        try:
            async with self.edits(job), asyncio.timeout(EDIT_S):
                await self._edit(job, adapter)
        finally:  # also where its time was over by then, and whatever became of it
            if self._clock() - began_at > _LATE:
                await self.came_late(job.id)

    async def _edit(self, job: Job, adapter: Adapter) -> None:
        fresh = await self._studio.job(job.id)
        if fresh is None or fresh.receipt is None or fresh.place != job.place or job.id in self._lost:
            return
        if job.state is JobState.ASKING and fresh.state is not JobState.ASKING:
            return  # it is answered, and its news is on the way
        if fresh.state in LIVE:
            status = await self.status(job)
            self._shown[job.id] = _STAGES.get(job.state)
            if status != self._said.get(job.id) or status.picture is not None:
                await adapter.edit(fresh.receipt, status, is_progress=job.state is not JobState.ASKING)
                self._said[job.id] = status

    async def came_late(self, job_id: int) -> None:
        """Words of this process came late, and may stand where another one has said the last: those are owed once more."""

        async def work(tx: Writer) -> None:
            job = await tx.job(job_id)
            if job is not None and job.state not in LIVE and job.receipt is not None:
                await tx.retract(job_id, SayKind.LAST)
                await tx.owe(job_id, SayKind.LAST)

        with contextlib.suppress(StorageError):
            await self._store.write(work)

    def reopened(self, job: Job) -> None:
        """Its status message may say something else by now than its last words."""
        self._closed.pop(job.id, None)

    def shown(self, job: Job, status: Reply) -> None:
        """Its status message was sent and says this."""
        self._shown[job.id] = _STAGES.get(job.state)
        self._said[job.id] = status

    async def say_kept(self, job: Job, adapter: Adapter, code: str, *, may_stand: bool) -> None:
        """The result will not be shown in its place by itself, or `may_stand` there: say where it is. Best effort."""
        if job.receipt is None:
            return
        try:
            async with self.edits(job), asyncio.timeout(EDIT_S):
                text = texts.kept(await self.last_words(job), code, may_stand=may_stand)
                await adapter.edit(job.receipt, Reply(text=text, buttons=(Button("show", "Show it", code),)))
            self.reopened(job)  # should it be shown after all, these were not the last words
        except (NotSent, SendUnknown, TimeoutError) as error:
            log.info("kept clip not told job=%d: %s", job.id, error)

    async def close(self, job: Job, adapter: Adapter) -> bool:
        """The last edit of the status message: after progress that is under way, and later progress sees that the job is over.

        False: it could not be said now. The result does not wait for it; it is owed then.
        """
        self._newest.get(job.place, {}).pop(job.id, None)
        if job.receipt is None or self.is_closed(job):
            return True
        if job.id in self._lost:
            return False
        try:
            async with self.edits(job), asyncio.timeout(EDIT_S):
                await adapter.edit(job.receipt, Reply(text=await self.last_words(job)))
        except NotSent as error:
            log.info("last edit waits job=%d: %s", job.id, error)
            if error.retry_after_s is None:
                self._gone(job)
            return False
        except (SendUnknown, TimeoutError) as error:
            log.info("last edit dropped job=%d: %s", job.id, error)
            return False
        self.closed(job)
        return True

    def _gone(self, job: Job) -> None:
        """Its status message is not there any more, or not ours to edit."""
        self._shown.pop(job.id, None)
        self._said.pop(job.id, None)
        self._lost[job.id] = None
        while len(self._lost) > CLOSED_KEPT:
            self._lost.popitem(last=False)

    def closed(self, job: Job) -> None:
        """Its status message says something else from now on."""
        self._shown.pop(job.id, None)
        self._said.pop(job.id, None)
        self._closed[job.id] = job.state
        while len(self._closed) > CLOSED_KEPT:
            self._closed.popitem(last=False)

    def is_gone(self, job: Job) -> bool:
        """Whether its status message cannot be edited any more."""
        return job.id in self._lost

    def is_closed(self, job: Job) -> bool:
        """Whether it has had its last edit. UNCONFIRMED is no end: once its person has answered, it goes on to other words."""
        ended = self._closed.get(job.id)
        return ended is not None and (ended is not JobState.UNCONFIRMED or job.state is JobState.UNCONFIRMED)

    def edits(self, job: Job) -> asyncio.Lock:
        """Held around every edit of its status message."""
        return self._editing.setdefault(job.id, asyncio.Lock())

    def adapter_of(self, place: str) -> Adapter | None:
        """Who speaks there; None: nobody in this process."""
        return self._adapters.get(place.split(":", 1)[0])

    async def last_words(self, job: Job) -> str:
        """What its status message says in the end."""
        if job.state in WITH_CLIP:
            return texts.done(job, prompt=await self._prompt(job))
        if job.state is JobState.CANCELLED:
            return texts.failure(job)
        return f"{texts.headline(job)}\n{job.state.value}"

    async def status(self, job: Job) -> Reply:
        """How it stands, or what is asked of its price."""
        if job.state is JobState.ASKING and not job.is_unwanted:
            return await self._price_question(job)
        line = await self._studio.place_in_line(job)
        usual_s = await self._studio.usual_s(job) if job.state is JobState.RENDERING and job.percent is None else None
        text = texts.status(job, prompt=await self._prompt(job), place_in_line=line, now=self._clock(), usual_s=usual_s)
        is_stoppable = job.state in LIVE and not job.is_unwanted
        buttons = (Button("cancel", "Cancel", job.subject),) if is_stoppable else ()
        picture = Path(job.preview) if job.preview else None
        return Reply(text=text, buttons=buttons, percent=job.percent if job.state in LIVE else None, picture=picture)

    async def _price_question(self, job: Job) -> Reply:
        take = await self._store.read(lambda tx: tx.take(job.take_id or 0)) if job.take_id else None
        is_edit = take is not None and bool(take.edit)
        return replies.price_question(
            job,
            await self._studio.question(job),
            prompt=await self._prompt(job),
            drafted_by=None if is_edit else replies.free_provider(self._studio.models()),
        )

    async def _prompt(self, job: Job) -> str:
        shot = await self._store.read(lambda tx: tx.shot(job.shot_id or 0)) if job.shot_id else None
        return shot.prompt if shot else ""
