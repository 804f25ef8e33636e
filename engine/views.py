"""What is shown of a story: values for a person's eye, put together from those of `engine.model`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from engine.job_model import Job
from engine.model import Clip, Film, Person, Shot, Story, Take


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotView:
    """A shot as a person sees it."""

    shot: Shot
    takes: tuple[Take, ...]
    parent_code: str | None
    on_canon: bool
    is_stale: bool
    """Its parent was retaken after its own clip was made, so its first frame is an older one."""
    job: Job | None
    """Its newest job."""
    notes: tuple[str, ...] = ()
    """Sentences about what was just done with it; of a shot that is only looked at there are none."""

    @property
    def clip(self) -> Clip | None:
        """The clip of the chosen take; None while there is none."""
        return next((take.clip for take in self.takes if take.id == self.shot.chosen_take_id), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryView:
    """A story as a person sees it: living shots by number, films by number."""

    story: Story
    shots: tuple[ShotView, ...]
    films: tuple[Film, ...]
    is_current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryItem:
    """One clip in somebody's history."""

    id: int
    """The place in the history: pass the last one as `before` for the next page."""
    shot_code: str
    take_number: int
    person: Person
    prompt: str
    clip: Clip
    created_at: datetime


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Newest first. `next_before` is None on the last page."""

    items: tuple[HistoryItem, ...]
    next_before: int | None
