"""A job's news → one status message that is edited, then the video.

Two ways out, by what may be lost. Progress is droppable (`progress`). What must be said (the status message, the result, the end
without one) is an outbox row that was written together with the state that caused it; it is sent, and sent again after a crash,
until the platform took it or will never take it. What may have arrived is not sent again where that could double it: it is shown
in the status message, since to edit twice is to edit once, or where that is gone, in a text that is sent in its place.

Longer than other rooms: every way in which a message can fail to arrive is weighed in one place.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot import texts
from bot.endings import Endings
from bot.fitting import Fitting
from bot.making import made_ready
from bot.message import Adapter, NotSent, Reply, SendUnknown
from bot.progress import Progress
from engine.errors import EngineError, StaleFence, StorageError
from engine.job_model import Job, JobKind, JobState, Say, SayKind, SayState
from engine.jobs import LIVE, WITH_CLIP, move
from engine.leases import Leases
from engine.ports import Clock, Store, Writer
from engine.studio import Studio

log = logging.getLogger(__name__)

LEASE_S = 120.0
"""Kept up while a message is fitted and sent: where several processes share a database, so long nobody says what a dead one was
saying.
"""
NO_ADAPTER_S = 30.0
STOP_S = 0.5
"""How long edits that are cut off may take to end."""
SEND_AGAIN_S = 5.0
AWAY_MOST_S = 60.0
"""The longest pause between two tries at a platform that does not answer."""
BUSY_MOST_S = 30.0
STATUS_BUSY_MOST_S = 5.0
"""How long a message waits before it looks again whether its place has room; a result may overtake a status message meanwhile."""
MEND_AFTER_S = 10.0
TRIES_MOST = 50
"""How often what fails here (the disk, the database) is tried again; a platform that cannot be reached is waited for."""
LAST_WORDS_MOST = 30
"""How often, with growing pauses, a status message that cannot be edited is tried again: for about half an hour."""
_ENDS = frozenset({SayKind.RESULT, SayKind.FAILURE})
_IN_DOUBT = frozenset({SayState.FAILED, SayState.UNKNOWN})
AGAIN = "(sent again)"
"""Under what was sent once more, by the operator or by ourselves."""
STAND_INS_MOST = 8
"""At so many tries no further text is sent to show a result in."""


class Delivery:
    """Speaks for the jobs. A stepper of the driver for what must be said; `job_changed` is told of every change."""

    name = "say"

    def __init__(
        self,
        store: Store,
        studio: Studio,
        adapters: Mapping[str, Adapter],
        clock: Clock,
        fitting: Fitting,
        *,
        slots: int = 64,
    ) -> None:
        """`adapters` by platform."""
        self.slots = slots
        self.stale = 0
        """How many notes were void, since somebody else had taken the message over."""
        self._is_resumed = False
        self._store = store
        self._leases = Leases(store, LEASE_S)
        self._studio = studio
        self._fitting = fitting
        self._endings = Endings(store, studio)
        self.progress = Progress(store, studio, adapters, clock)

    async def job_changed(self, job: Job) -> None:
        """A listener of the engine's news."""
        await self.progress.job_changed(job)

    async def stop(self) -> None:
        """No more progress."""
        stopping = asyncio.create_task(self.progress.stop(), name="progress stop")
        _, late = await asyncio.wait({stopping}, timeout=STOP_S)
        if late:
            log.warning("progress does not end")

    async def claim(self, limit: int) -> Sequence[Say]:
        """Messages that are owed and due."""
        if not self._is_resumed:
            await self.progress.resume()
            self._is_resumed = True
        return await self._store.claim_says(limit, LEASE_S)

    async def step(self, say: Say) -> None:
        """Send one, and note what became of it."""
        async with self._leases.kept(say):
            await self._step(say)

    async def _step(self, say: Say) -> None:
        adapter = self.progress.adapter_of(say.place)
        try:
            if adapter is None:
                # what was being sent when we were cut off may have arrived, also while nobody here speaks for its platform
                state = SayState.NEW if say.state is SayState.NEW else SayState.UNKNOWN
                await self._note(say, state, error=say.error, again_in_s=NO_ADAPTER_S, is_try=False)
                return
            if say.state is SayState.SENDING and not adapter.dedupes:
                # cut off between the platform's answer and our note: it may be there
                # (and is no try: half an upload is the likelier, and however often we are killed, it is not to be lost)
                await self._note(say, SayState.UNKNOWN, error="cut off while sending", again_in_s=0, is_try=False)
                return
            is_in_doubt = say.kind is SayKind.STATUS and say.state is SayState.UNKNOWN and not adapter.dedupes
            if is_in_doubt and not await self._is_question(say):
                await self._note(say, SayState.UNKNOWN, error=say.error)  # what follows is said without it
                return
            busy_s = adapter.busy_s(say.place, is_result=say.kind is not SayKind.STATUS)
            if busy_s > 0 and not await self._is_overtaken(say):
                most_s = STATUS_BUSY_MOST_S if say.kind is SayKind.STATUS else BUSY_MOST_S
                await self._note(say, say.state, error=say.error, again_in_s=min(busy_s, most_s), is_try=False)
                return
            await self._say(say, adapter)
        except StaleFence as stale:
            self._dropped(say, stale)
            if say.kind in _ENDS:
                await self.progress.came_late(say.job_id)
        except EngineError as error:
            log.warning("message waits job=%d kind=%s: %s", say.job_id, say.kind, error)
            await self._again(say, str(error))
        except Exception as error:
            # a defect of ours: left alone it would keep its lease, and with it all that is still to be said of the job
            log.exception("message crashed job=%d kind=%s", say.job_id, say.kind)
            await self._again(say, f"{type(error).__name__}: {error}")

    async def _is_overtaken(self, say: Say) -> bool:
        """Whether this is the status message of a job that is over: it is not said, and the result must not wait for it."""
        if say.kind is not SayKind.STATUS:
            return False
        job = await self._studio.job(say.job_id)
        return job is None or job.state not in LIVE

    async def _is_question(self, say: Say) -> bool:
        """Whether it asks for a price, so that nothing follows where nobody sees it. To be asked twice costs nothing."""
        job = await self._studio.job(say.job_id)
        return job is not None and job.state is JobState.ASKING

    async def _say(self, say: Say, adapter: Adapter) -> None:
        job = await self._studio.job(say.job_id)
        if job is None:
            await self._note(say, SayState.FAILED, error="its job is gone")
            return
        if say.kind is SayKind.STATUS and job.state not in LIVE:
            await self._note(say, SayState.SENT)  # overtaken: what came of it is said next
            return
        if say.kind is SayKind.LAST:
            await self._say_last_words(say, job, adapter)
            return
        reply = await self._reply(say, job)
        if reply is not None:
            reply = await made_ready(self._fitting, reply, say.place, job, progress=self.progress, adapter=adapter)
        if say.state is SayState.UNKNOWN and reply is not None and not adapter.dedupes:
            await self._show_by_edit(say, job, reply, adapter)
            return
        if say.kind is not SayKind.STATUS:
            is_closed = await self.progress.close(job, adapter)
            if reply is None and is_closed:
                await self._note(say, SayState.SENT, receipt=job.receipt)
                return
            reply = reply or await self._endings.failure(job)
        if reply is None:
            await self._note(say, SayState.FAILED, error="there is nothing to say any more")
            return
        await self._send(say, job, replace(reply, text=f"{reply.text}\n{AGAIN}") if say.again else reply, adapter)

    async def _say_last_words(self, say: Say, job: Job, adapter: Adapter) -> None:
        """The status message still tells of a job that is over, or late words stand over what it showed."""
        self.progress.reopened(job)
        says = await self._store.read(lambda tx: tx.says(job.id))
        shown = [one for one in says if one.kind in _ENDS and (one.state, one.receipt) == (SayState.SENT, job.receipt)]
        if shown and await self._reply(shown[-1], job) is not None:
            # the clip or the question is in it, and is shown once more: to edit twice is to edit once
            await self._note(shown[-1], SayState.UNKNOWN, error="other words came late", again_in_s=0, is_try=False)
            await self._note(say, SayState.SENT)
        elif await self.progress.close(job, adapter) or self.progress.is_gone(job):
            await self._note(say, SayState.SENT)
        else:
            again_in_s = SEND_AGAIN_S * (say.tries + 1) if say.tries < LAST_WORDS_MOST else None
            state = SayState.FAILED if again_in_s is None else SayState.NEW
            await self._note(say, state, error="the status message cannot be edited now", again_in_s=again_in_s)

    async def _send(self, say: Say, job: Job, reply: Reply, adapter: Adapter) -> None:
        await self._store.write(lambda tx: tx.save_say(say, SayState.SENDING, again_in_s=LEASE_S))
        try:
            receipt = await adapter.send(
                say.place,
                reply,
                nonce=say.nonce,
                reply_to=job.asked_receipt,
                status=job.receipt,
                is_again=say.state is not SayState.NEW or say.tries > 0 or say.again > 0,
            )
        except NotSent as error:
            await self._wait(say, error)
        except SendUnknown as error:
            if adapter.dedupes:
                await self._wait_for_platform(say, str(error))
            else:
                await self._doubt(say, str(error))
        except EngineError:
            raise
        except Exception as error:  # a defect, after which nobody knows whether it left
            log.exception("sending crashed job=%d kind=%s", say.job_id, say.kind)
            await self._doubt(say, type(error).__name__)
        else:
            try:
                await self._note(say, SayState.SENT, receipt=receipt)
            except StorageError as error:  # it is shown: whoever says it next has to know that
                await self._doubt(say, str(error))
                return
            if say.kind is SayKind.STATUS:
                await self._catch_up(job, reply)

    async def _doubt(self, say: Say, error: str) -> None:
        """It may have arrived. Where not even that can be written, its row says SENDING until the lease ends: the same."""
        try:
            await self._note(say, SayState.UNKNOWN, error=error, again_in_s=MEND_AFTER_S)
        except StorageError as away:
            log.warning("message in doubt job=%d kind=%s: %s", say.job_id, say.kind, away)

    async def _show_by_edit(self, say: Say, job: Job, reply: Reply, adapter: Adapter) -> None:
        """Show in a message of ours what may or may not have arrived as one of its own.

        To edit twice is to edit once, so this is safe to repeat where a further message would be a further clip: in the status
        message, or in what stands in for it (`say.receipt`).
        """
        is_status = say.receipt in {None, job.receipt}  # its own, where it was shown there and nobody heard of it
        where = job.receipt if is_status else say.receipt
        if reply.more_videos:  # one message holds one part only
            await self._send_once_more(say)
            return
        if where is None:
            await self._send_stand_in(say, job, adapter)
            return
        marked = texts.said_again if is_status else texts.sent_again
        try:
            async with self.progress.edits(job):
                await adapter.edit(where, replace(reply, text=marked(reply.text)))
        except NotSent as error:
            if error.retry_after_s is not None:
                await self._wait(say, error)
            elif is_status:
                await self._send_stand_in(say, job, adapter)
            else:
                await self._send_once_more(say)
        except SendUnknown as error:
            await self._wait_for_platform(say, str(error))
        else:
            if is_status:
                self.progress.closed(job)
            await self._note(say, SayState.SENT, receipt=where)

    async def _send_stand_in(self, say: Say, job: Job, adapter: Adapter) -> None:
        """A text to show it in, where the status message is gone: killed here we send another text, and no further clip.

        What it says is true also where it stays alone.
        """
        if say.tries >= STAND_INS_MOST:
            await self._send_once_more(say)
            return
        text = Reply(text=await self.progress.last_words(job))
        try:
            receipt = await adapter.send(say.place, text, nonce=say.nonce, reply_to=job.asked_receipt, is_again=True)
        except NotSent as error:
            await self._wait(say, error)
        except SendUnknown as error:
            await self._note(say, SayState.UNKNOWN, error=str(error), again_in_s=MEND_AFTER_S * (say.tries + 1))
        else:
            await self._note(say, SayState.UNKNOWN, receipt=receipt, error=say.error, again_in_s=0, is_try=False)

    async def _send_once_more(self, say: Say) -> None:
        """A second message, marked, where nothing can be edited. That it is begun is written first: there is no third one, but
        for somebody who presses for it.
        """
        if say.again:
            await self._note(say, SayState.UNKNOWN, error=say.error)
            await self._tell_kept(say, may_stand=True)
            return

        async def work(tx: Writer) -> None:
            await tx.save_say(say, SayState.UNKNOWN, error=say.error, is_try=False)  # only by who holds it
            await tx.send_again(say.id, None)

        await self._store.write(work)

    async def _catch_up(self, before: Job, shown: Reply) -> None:
        """What happened while the status message was being sent had no receipt to be shown at."""
        self.progress.shown(before, shown)
        job = await self._studio.job(before.id)
        if job is not None and job.state in LIVE and await self.progress.status(job) != shown:
            await self.job_changed(job)

    async def _reply(self, say: Say, job: Job) -> Reply | None:
        """What to say; None: the edit of the status message says it all."""
        match say.kind:
            case SayKind.STATUS:
                return await self.progress.status(job)
            case SayKind.FAILURE:
                cancelled_in_place = job.state is JobState.CANCELLED and job.receipt is not None
                return None if cancelled_in_place else await self._endings.failure(job)
            case SayKind.RESULT:
                return await self._endings.result(job)
            case SayKind.LAST:
                return None

    async def _wait(self, say: Say, why: NotSent) -> None:
        """Certainly not shown: sent when the place takes it, however long that is; never, if it never will."""
        if why.retry_after_s is None:
            await self._note(say, SayState.FAILED, error=str(why))
        else:
            again_in_s = max(1.0, why.retry_after_s)
            await self._note(say, _waiting(say), error=str(why), again_in_s=again_in_s, is_try=False)

    async def _wait_for_platform(self, say: Say, error: str) -> None:
        """It may be shown, and the platform can tell: asked again with growing pauses, however long it is away.

        The tries are counted only as far as the pause grows: they are there for what fails here.
        """
        most_s = STATUS_BUSY_MOST_S if say.kind is SayKind.STATUS else AWAY_MOST_S  # the result comes after its status
        again_in_s = min(SEND_AGAIN_S * 2**say.tries, most_s)
        await self._note(say, SayState.UNKNOWN, error=error, again_in_s=again_in_s, is_try=again_in_s < most_s)

    async def _again(self, say: Say, error: str) -> None:
        """Something of ours is broken: tried again some times."""
        again_in_s = SEND_AGAIN_S if say.tries < TRIES_MOST else None
        state = SayState.FAILED if again_in_s is None else _waiting(say)
        try:
            await self._note(say, state, error=error, again_in_s=again_in_s)
        except StaleFence as stale:  # meanwhile somebody else took it over, or it is owed no more
            self._dropped(say, stale)

    def _dropped(self, say: Say, stale: StaleFence) -> None:
        self.stale += 1
        log.warning("message dropped job=%d kind=%s: %s", say.job_id, say.kind, stale)

    async def _note(
        self,
        say: Say,
        state: SayState,
        *,
        receipt: str | None = None,
        error: str | None = None,
        again_in_s: float | None = None,
        is_try: bool = True,
    ) -> None:
        if state in _IN_DOUBT and not error:
            error = "no reason was given"  # whoever looks into the outbox reads why, also where a platform said nothing

        async def work(tx: Writer) -> None:
            await tx.save_say(say, state, receipt=receipt, error=error, again_in_s=again_in_s, is_try=is_try)
            job = await tx.job(say.job_id) if state is SayState.SENT and say.kind in _ENDS else None
            if job is None:
                return
            if say.kind is SayKind.RESULT and job.state is JobState.READY:
                await tx.save_job(move(job, JobState.DELIVERED))
            if job.receipt is not None and not self.progress.is_closed(job):
                await tx.owe(job.id, SayKind.LAST)

        await self._store.write(work)
        if state in _IN_DOUBT and is_try:
            log.warning("message not delivered job=%d kind=%s state=%s: %s", say.job_id, say.kind, state, error)
        if state is SayState.FAILED and say.kind is SayKind.RESULT:
            await self._tell_kept(say)

    async def _tell_kept(self, say: Say, *, may_stand: bool = False) -> None:
        """Best effort: the say is over, and what fails here must not begin it anew."""
        adapter = self.progress.adapter_of(say.place)
        try:
            job = await self._studio.job(say.job_id)
            if job is not None and job.state in WITH_CLIP and adapter is not None:
                film = await self._studio.film(job.film_id or 0) if job.kind is JobKind.STITCH else None
                code = film.code if film else job.subject
                await self.progress.say_kept(job, adapter, code, may_stand=may_stand)
        except EngineError as error:
            log.info("kept clip not told job=%d: %s", say.job_id, error)


def _waiting(say: Say) -> SayState:
    """What may have arrived stays so: sent as a new message it would be a second clip without a word on why."""
    return SayState.NEW if say.state is SayState.NEW else SayState.UNKNOWN
