"""A story's tree of shots: which line is the canon, and where its tip goes when shots come and go. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.job_model import Job
from engine.model import Shot, Take
from engine.views import ShotView


def line_to(tip_id: int | None, shots: Mapping[int, Shot]) -> tuple[Shot, ...]:
    """The shots from the root to this one, deleted ones left out; empty for None."""
    line: list[Shot] = []
    at = tip_id
    while at is not None:
        shot = shots[at]
        if shot.deleted_at is None:
            line.append(shot)
        at = shot.parent_id
    return tuple(reversed(line))


def nearest_living_ancestor(shot: Shot, shots: Mapping[int, Shot], usable: frozenset[int]) -> int | None:
    """The id of the nearest ancestor that is not deleted and is one of `usable`; None if there is none."""
    at = shot.parent_id
    while at is not None:
        ancestor = shots[at]
        if ancestor.deleted_at is None and ancestor.id in usable:
            return ancestor.id
        at = ancestor.parent_id
    return None


def view_shots(
    shots: Sequence[Shot], takes: Sequence[Take], jobs: Sequence[Job], tip_id: int | None
) -> tuple[ShotView, ...]:
    """The living shots of one story by number, each with its takes, its newest job and its place in the tree."""
    by_id = {shot.id: shot for shot in shots}
    canon = {shot.id for shot in line_to(tip_id, by_id)}
    newest_job = {job.shot_id: job for job in jobs}
    chosen = {take.id: take for take in takes}
    views = []
    for shot in shots:
        if shot.deleted_at is not None:
            continue
        own = tuple(take for take in takes if take.shot_id == shot.id)
        take = chosen.get(shot.chosen_take_id) if shot.chosen_take_id else None
        parent = by_id[shot.parent_id] if shot.parent_id else None
        views.append(
            ShotView(
                shot=shot,
                takes=own,
                parent_code=parent.code if parent else None,
                on_canon=shot.id in canon,
                is_stale=bool(
                    take and parent and take.parent_take_id and parent.chosen_take_id not in {None, take.parent_take_id}
                ),
                job=newest_job.get(shot.id),
            )
        )
    return tuple(views)
