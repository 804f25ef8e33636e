"""The use cases that only look: stories, shots, films, history, downloads.

Everything is seen from its place; what is a person's own, or of a story that the person began, from anywhere.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path

from engine.admission import line_of
from engine.checks import ModelsByProvider
from engine.circuits import CircuitState
from engine.codes import parse_film_code
from engine.derive import EXPORTS, VIDEO, derived, frame
from engine.errors import BadMedia, NotFound, NothingToContinue, NotPossible
from engine.job_model import Job, JobState
from engine.jobs import LIVE
from engine.line import LineMark, places
from engine.lookup import cure_of, find_film, find_shot, find_story
from engine.model import Clip, FileKey, Film, Story
from engine.outcome import World
from engine.ports import Reader
from engine.tree import view_shots
from engine.views import HistoryPage, ShotView, StoryView

HISTORY_MOST = 50
_SECONDS = re.compile(r"\d{1,6}(\.\d{1,6})?s?", re.ASCII)
_ID_MAX = 2**63 - 1
"""The largest id that a database takes."""


class Gallery:
    """What there is to see."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._store = world.store
        self._files = world.files
        self._providers = world.providers
        self._places: dict[str, tuple[LineMark, dict[int, int]]] = {}
        """By provider: the places that were told last, and of which line."""

    def models(self) -> ModelsByProvider:
        """What every provider's models can do."""
        return {name: provider.models for name, provider in self._providers.items()}

    async def story(self, place: str, code: str | None = None) -> StoryView | None:
        """The story with this code, or the place's current one (None: there is none yet).

        Raises:
            NotFound: no such story here.
        """

        async def look(tx: Reader) -> StoryView | None:
            current = await tx.current_story(place)
            story = await find_story(tx, place, code) if code else current
            if story is None:
                return None
            shots = await tx.shots(story.id)
            ids = [shot.id for shot in shots]
            takes, jobs = await tx.takes(ids), await tx.jobs_of_shots(ids)
            return StoryView(
                story=story,
                shots=view_shots(shots, takes, jobs, story.tip_id),
                films=tuple(await tx.films(story.id)),
                is_current=current is not None and current.id == story.id,
            )

        return await self._store.read(look)

    async def stories(self, place: str) -> tuple[Story, ...]:
        """The place's stories, newest first."""
        return tuple(await self._store.read(lambda tx: tx.stories(place)))

    async def show(self, place: str, code: str, viewer: str | None = None) -> ShotView | Film:
        """One shot or film, of this place or of the viewer (a person's key).

        Raises:
            NotFound: no such thing here, or it was deleted.
        """

        async def look(tx: Reader) -> ShotView | Film:
            if parse_film_code(code):
                return await find_film(tx, place, code, viewer)
            shot = await find_shot(tx, place, code, viewer)
            story = await tx.story(shot.story_code)
            shots = await tx.shots(shot.story_id)
            takes, jobs = await tx.takes([each.id for each in shots]), await tx.jobs_of_shots([shot.id])
            views = view_shots(shots, takes, jobs, story.tip_id if story else None)
            return next(view for view in views if view.shot.id == shot.id)

        return await self._store.read(look)

    async def story_of(self, seen: ShotView | Film) -> Story:
        """The story of a shot or film, and so the place where it is told.

        Raises:
            NotFound
        """
        code = seen.story_code if isinstance(seen, Film) else seen.shot.story_code
        story = await self._store.read(lambda tx: tx.story(code))
        if story is None:
            raise NotFound(f"There is no story “{code}” any more.")
        return story

    async def history(
        self, place: str | None, person: str | None, before: int | None = None, limit: int = 10
    ) -> HistoryPage:
        """Clips of a place, of a person (by key), or of both, newest first. `before` is the last page's `next_before`."""
        most = max(1, min(limit, HISTORY_MOST))
        before = None if before is None else max(0, min(before, _ID_MAX))
        return await self._store.read(lambda tx: tx.history(place=place, person=person, before=before, limit=most))

    async def download(self, place: str, code: str, variant: str = "video", viewer: str | None = None) -> Path:
        """The file of a shot's clip or of a film: one of VARIANTS, or as `7.2` its frame at that second. `viewer` as in `show`.

        Raises:
            NotFound, NothingToContinue, NotPossible, BadMedia
        """
        seen = await self.show(place, code, viewer)
        code, clip, cure = _clip_of(seen)
        if variant == VIDEO:
            await self._check_clip(code, clip, cure)
        if variant in EXPORTS:
            return await derived(self._files, clip.file, variant, await self.stills_of(seen))
        if _SECONDS.fullmatch(variant):
            at_s = float(variant.removesuffix("s"))
            if at_s >= clip.seconds:
                raise NotPossible(f"{code} has {clip.seconds:.1f} s, so there is no frame at {at_s:g} s.")
            return await frame(self._files, clip.file, at_s)
        return await derived(self._files, clip.file, variant)

    async def stills_of(self, seen: ShotView | Film) -> tuple[tuple[str, FileKey], ...]:
        """The shot, or those of the film, by code, each with its clip. Nothing: one of them is gone, or was retaken since."""
        if not isinstance(seen, Film):
            return () if seen.clip is None else ((seen.shot.code, seen.clip.file),)

        async def look(tx: Reader) -> tuple[tuple[str, FileKey], ...]:
            shots = await tx.shots(seen.story_id)
            takes = {take.id: take for take in await tx.takes([shot.id for shot in shots])}
            chosen = {shot.code: takes.get(shot.chosen_take_id or 0) for shot in shots}
            used = [(code, chosen.get(code)) for code in seen.shots]
            return tuple(
                (code, take.clip.file)
                for code, take in used
                if take is not None and take.clip is not None and take.created_at <= seen.created_at
            )

        found = await self._store.read(look)
        return found if len(found) == len(seen.shots) else ()

    async def path_of(self, clip: Clip) -> Path:
        """Where a clip's file is.

        Raises:
            BadMedia: it is missing.
        """
        return await derived(self._files, clip.file, VIDEO)

    async def job(self, job_id: int) -> Job | None:
        """A job as it stands."""
        return await self._store.read(lambda tx: tx.job(job_id))

    async def job_of_receipt(self, receipt: str) -> Job | None:
        """The job that a message of ours was about; None: it was about none."""
        return await self._store.read(lambda tx: tx.job_by_receipt(receipt))

    async def job_of_request(self, key: str) -> Job | None:
        """The job that this update made; None: it made none."""
        return await self._store.read(lambda tx: tx.job_by_request(key))

    async def film(self, film_id: int) -> Film | None:
        """A film by id."""
        return await self._store.read(lambda tx: tx.film(film_id))

    async def jobs(self, place: str) -> tuple[Job, ...]:
        """The place's jobs that are not over, newest first."""
        return tuple(await self._store.read(lambda tx: tx.jobs_of_place(place, LIVE | {JobState.UNCONFIRMED})))

    async def place_in_line(self, job: Job) -> int:
        """1: next to be rendered. 0: it does not wait in line."""
        if job.state is not JobState.QUEUED or not job.provider or job.waits_for:
            return 0
        provider = self._providers.get(job.provider)
        if provider is None:
            return 0
        mark = await self._store.read(lambda tx: tx.line_mark(job.provider))
        told = self._places.get(job.provider)
        if told is None or told[0] != mark or job.id not in told[1]:
            limits, names = self._world.limits, tuple(self._providers)
            line = await self._store.read(lambda tx: line_of(tx, job.provider, limits, names))
            told = mark, places(line, provider.pace.in_flight - mark.flying, limits, job.provider)
            self._places[job.provider] = told
        return told[1].get(job.id, 1)

    async def usual_s(self, job: Job) -> float | None:
        """How long a render like this one usually takes. None: too few are known, or it is none."""
        if job.shot_id is None:
            return None
        last = self._world.looks.last(job.id)
        if last is not None:
            return self._world.usual.usual_s(job.provider, job.model, last.seconds)
        shot = await self._store.read(lambda tx: tx.shot(job.shot_id or 0))
        return None if shot is None else self._world.usual.usual_s(job.provider, job.model, shot.seconds)

    def circuits(self) -> Mapping[str, CircuitState]:
        """By provider: whether it is asked at all just now."""
        return self._world.circuits.states(self._providers)

    async def _check_clip(self, code: str, clip: Clip, cure: str) -> None:
        """Raises BadMedia: its file is missing or has another size than when it was kept."""
        path = self._files.path(clip.file)
        try:
            size = (await asyncio.to_thread(path.stat)).st_size
        except OSError:
            size = -1
        if size != clip.bytes:
            what = "is missing" if size < 0 else f"is damaged ({size:,} of {clip.bytes:,} bytes)"
            raise BadMedia(f"The clip file of {code} {what}; {cure}.")


def _clip_of(seen: ShotView | Film) -> tuple[str, Clip, str]:
    """Code, clip, and what to do if its file is broken."""
    if isinstance(seen, Film):
        return seen.code, seen.clip, "/stitch makes the film again"
    if seen.clip is None:
        raise NothingToContinue(f"{seen.shot.code} has no clip yet; /show {seen.shot.code} tells how it stands.")
    return seen.shot.code, seen.clip, cure_of(seen.shot)
