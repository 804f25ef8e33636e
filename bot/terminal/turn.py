"""One command at the terminal: who asks, what they see, and how a job is watched to its end."""

from __future__ import annotations

import asyncio
import getpass
import os
import uuid
from dataclasses import dataclass, replace
from pathlib import Path

from bot import money_texts
from bot.desk import Desk
from bot.terminal.agreeing import answer_to, can_ask
from bot.terminal.rows import Row, failure_sentence, film_row, job_row, shot_row
from bot.terminal.voice import Voice
from engine.derive import EXPORTS
from engine.errors import NotFound, RequestError
from engine.film_options import FilmFormat
from engine.job_model import Job, JobKind, JobState
from engine.jobs import LIVE, WITH_CLIP
from engine.model import Asked, Film, Person, ShotOptions
from engine.purse import Offer

LOOK_EVERY_S = 0.2
DELIVERY_S = 5.0
"""How long a finished job may take to be told in its place before the command ends without it."""


class JobFailed(Exception):
    """A job that was watched ended without a clip; its person has been told."""


@dataclass(frozen=True, slots=True)
class ShotChoices:
    """What the command line says of a shot, before its pictures are kept."""

    options: ShotOptions
    first_frame: Path | None = None
    last_frame: Path | None = None
    references: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """What a command works with. `delivers` is whether this process tells the place what becomes of a job."""

    desk: Desk
    voice: Voice
    asked: Asked
    delivers: bool
    is_remote: bool

    @property
    def place(self) -> str:
        return self.asked.place

    async def settle(self, choices: ShotChoices) -> ShotOptions:
        """The options, with the given pictures kept in the house."""
        first, last = choices.first_frame, choices.last_frame
        kept_first = await self.desk.keep_picture(Path.cwd() / first) if first else None
        kept_last = await self.desk.keep_picture(Path.cwd() / last) if last else None
        references = tuple([await self.desk.keep_picture(Path.cwd() / each) for each in choices.references])
        return replace(choices.options, first_frame=kept_first, last_frame=kept_last, references=references)

    async def watch(
        self,
        job: Job,
        *,
        agrees: bool = False,
        is_ours: bool = True,
        film_format: FilmFormat = FilmFormat.MP4,
    ) -> None:
        """Show how the job goes until it is over, then its clip.

        `agrees`: to its price, without a question. `is_ours`: this command made it, so that it ends with it where nobody agrees.

        Raises:
            JobFailed
        """
        try:
            while job.state in LIVE:
                if job.state is JobState.ASKING and not job.is_unwanted:
                    job = await self._agreed_to(job, agrees=agrees, is_ours=is_ours)
                    continue
                ahead = await self.desk.place_in_line(job) if job.state is JobState.QUEUED else 0
                self.voice.progress(job_row(job, ahead=max(0, ahead - 1)))
                await asyncio.sleep(LOOK_EVERY_S)
                job = await self._again(job)
            job = await self._until_told(job)
        except asyncio.CancelledError:
            self._say_how_to_resume(job)
            raise
        finally:
            self.voice.rest()
        if job.state in WITH_CLIP:
            await self._show_result(job, film_format)
            return
        self.voice.wrong(failure_sentence(job), job.failure.kind if job.failure else str(job.state), job_row(job))
        raise JobFailed

    async def _agreed_to(self, job: Job, *, agrees: bool, is_ours: bool) -> Job:
        """The job after its question was answered, here or elsewhere.

        Raises:
            JobFailed: nobody agreed.
        """
        answer: bool | None = agrees
        if not agrees and can_ask():
            self.voice.rest()
            asks = money_texts.question_of(job, await self.desk.question(job))
            answer = await answer_to(
                f"{job.subject}: {asks}", look_every_s=LOOK_EVERY_S, is_open=lambda: self._asks(job)
            )
        if answer:
            await self._agree(job, None if agrees else Offer(job.quoted_usd), is_ours=is_ours)
        elif answer is False:
            await self._leave(job, is_ours=is_ours)
        return await self._again(job)

    async def _asks(self, job: Job) -> bool:
        """Whether the same is asked still: another price is another question."""
        fresh = await self._again(job)
        return fresh.state is JobState.ASKING and fresh.quoted_usd == job.quoted_usd

    async def _agree(self, job: Job, shown: Offer | None, *, is_ours: bool) -> None:
        """Raises RequestError: it may not be spent; what this command made ends with it."""
        asked = replace(self.asked, key=f"{self.asked.key} agrees {job.quoted_usd}")
        try:
            await self.desk.agree(asked, job.subject, shown)
        except NotFound:
            if await self._asks(job):
                raise  # else somebody was quicker
        except RequestError:
            if shown is not None and not await self._asks(job):
                return  # it is asked anew, at another price
            if is_ours:
                await self._cancel(job)
            raise

    async def _leave(self, job: Job, *, is_ours: bool) -> None:
        """Nobody agrees: what this command made ends with it, and what waited before waits on.

        Raises:
            JobFailed
        """
        about = money_texts.price_of(job)
        if is_ours:
            await self._cancel(job)
            job = await self._again(job)
            sentence = f"Nobody agreed to the price of {job.subject} ({about}), so nothing was rendered"
            how = f"`nextshot retake {job.subject} --yes` agrees and renders it"
        else:
            sentence = f"{job.subject} waits for somebody to agree to its price ({about})"
            how = f"`nextshot resume {job.subject} --yes` agrees"
        self.voice.wrong(f"{sentence}: {how}.", str(job.state), job_row(job))
        raise JobFailed

    async def _cancel(self, job: Job) -> None:
        await self.desk.cancel(replace(self.asked, key=f"{self.asked.key} cancels"), job.subject)

    async def find_job(self, target: str) -> Job:
        """The live job of this shot or story, or the newest one of a shot that is over.

        Raises:
            NotFound
        """
        jobs = await self.desk.jobs(self.place)
        found = next((job for job in jobs if target.lower() in {job.subject, job.story_code}), None)
        if found is not None:
            return found
        seen = await self.desk.show(self.place, target)
        if isinstance(seen, Film) or seen.job is None:
            raise NotFound(f"Nothing of {target} is under way; /show {target} shows it.")
        return seen.job

    async def file_of(self, thing: Row, code: str, variant: str) -> Path:
        """The file of one of VARIANTS, in the house. Before one is made that may take minutes, that is said of `thing`.

        Raises:
            RequestError, MediaError
        """
        if variant in EXPORTS:
            self.voice.progress({**thing, "state": "making", "variant": variant})
        return await self.desk.download(self.place, code, variant, self.asked.person.key)

    async def _until_told(self, job: Job) -> Job:
        """Where this process is the one who tells the place, it stays until that is done, or the place does not answer."""
        for _ in range(round(DELIVERY_S / LOOK_EVERY_S)):
            if not self.delivers or job.state is not JobState.READY:
                break
            await asyncio.sleep(LOOK_EVERY_S)
            job = await self._again(job)
        return job

    async def _again(self, job: Job) -> Job:
        fresh = await self.desk.job(job.id)
        if fresh is None:
            raise NotFound(f"Job {job.id} of {job.subject} is not there any more; /story shows what is.")
        return fresh

    async def _show_result(self, job: Job, film_format: FilmFormat) -> None:
        if job.kind is JobKind.STITCH:
            film = await self.desk.film(job.film_id) if job.film_id else None
            if film is None:
                raise NotFound(f"The film of {job.story_code} was deleted meanwhile; /stitch makes it again.")
            file = await self.desk.download(self.place, film.code, "video")
            self.voice.result({"job": job.id, **film_row(film, file)})
            if film_format is not FilmFormat.MP4:
                export = await self.file_of({"film": film.code}, film.code, film_format.value)
                self.voice.result(
                    {"film": film.code, "state": "ready", "variant": film_format.value, "file": str(export)}
                )
            return
        file = await self.desk.download(self.place, job.subject, "video")
        view = await self.desk.show(self.place, job.subject)
        row = film_row(view, file) if isinstance(view, Film) else shot_row(view, file)
        self.voice.result({"job": job.id, **row})

    def _say_how_to_resume(self, job: Job) -> None:
        where = (
            f"{job.subject} goes on in the running Nextshot; watch it"
            if self.is_remote
            else f"{job.subject} is kept; go on"
        )
        self.voice.rest()
        self.voice.progress({**job_row(job), "resume": f"nextshot resume {job.subject}"})
        self.voice.note(f"{where} with: nextshot resume {job.subject}")


def ask_as(place: str) -> Asked:
    """Who sits at this terminal, as an operator, with a key that no other command has."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container may run as a number without a name
        user = f"uid-{os.getuid()}"
    return Asked(uuid.uuid4().hex, place, Person(f"cli:{user}", user, is_operator=True))
