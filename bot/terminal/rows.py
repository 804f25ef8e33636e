"""What the terminal shows, as flat rows: a JSON line each with `--json`, else the same values as text. Nothing here does I/O."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from pathlib import Path

from engine.errors import Billed
from engine.job_model import Job, JobKind, JobState, Payer
from engine.ledger import Balances, Pot
from engine.model import Clip, Film, Story
from engine.place_options import KEPT, PlaceOptions
from engine.pots import PotView
from engine.views import HistoryItem, ShotView, StoryView

Row = dict[str, object]

_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of the text after them."""

_SLASHED = re.compile(
    r"(?<![\w/])/(create|continue|add|retake|stitch|settings|history|show|story|cancel|again|delete|choose|models|pot)\b"
)


def harmless(text: str) -> str:
    """The text without what would move a terminal's cursor, colour it or turn its direction; a line break is a space."""
    return "".join(" " if unicodedata.category(char) == "Cc" or char in _OVERRIDES else char for char in text)


def for_the_terminal(sentence: str) -> str:
    """A sentence with the commands as they are typed here: `/retake k7-4` → `nextshot retake k7-4`."""
    return _SLASHED.sub(r"nextshot \1", sentence)


def job_row(job: Job, *, ahead: int | None = None) -> Row:
    """Where a job stands."""
    row: Row = {"job": job.id, **_subject(job), "state": str(job.state)}
    if job.state is JobState.ASKING:
        row["usd"] = _usd(job.quoted_usd)
    if job.percent is not None:
        row["percent"] = round(job.percent, 1)
    if job.waits_for is not None:
        row["waits_for"] = job.waits_for
    if ahead:
        row["ahead"] = ahead
    return row


def _subject(job: Job) -> Row:
    return {"story": job.story_code} if job.kind is JobKind.STITCH else {"shot": job.subject}


_CHARGED = {Billed.YES: " The render was charged.", Billed.UNKNOWN: " It may have been charged."}


def failure_sentence(job: Job) -> str:
    """Why there is no clip, and what to do."""
    if job.failure is not None:
        return f"{job.failure.sentence}{_CHARGED.get(job.failure.billed, '')}"
    if job.state is JobState.CANCELLED:
        return " ".join([f"{job.subject} was cancelled.", *job.notes])
    if job.state is JobState.UNCONFIRMED:
        return (
            f"Nobody knows whether {job.provider} took {job.subject}: render it again with `nextshot again {job.subject}` "
            f"(it may cost twice), or leave it with `nextshot cancel {job.subject}`."
        )
    return f"{job.subject} ended as {job.state}."


def clip_row(clip: Clip, file: Path | None) -> Row:
    """A finished file as measured. `file` None: it is not here."""
    row: Row = {} if file is None else {"file": str(file)}
    return row | {
        "seconds": round(clip.seconds, 3),
        "width": clip.width,
        "height": clip.height,
        "fps": round(clip.fps, 3),
        "bytes": clip.bytes,
    }


def shot_row(view: ShotView, file: Path | None) -> Row:
    """A shot, with its clip if it has one."""
    shot = view.shot
    state = "ready" if view.clip else str(view.job.state) if view.job else "empty"
    take = next((take.number for take in view.takes if take.id == shot.chosen_take_id), None)
    row: Row = {
        "shot": shot.code,
        "story": shot.story_code,
        "state": state,
        "person": shot.person.name,
        "prompt": shot.prompt,
        "parent": view.parent_code,
        "on_canon": view.on_canon,
        "is_stale": view.is_stale,
        "take": take,
        "takes": len(view.takes),
        "provider": shot.provider or None,
        "model": shot.model or None,
    }
    return row | (clip_row(view.clip, file) | _seam_cells(view.clip) if view.clip else {})


def _seam_cells(clip: Clip) -> Row:
    """How well it goes on from what it began on, of 100; the how many-th it is in a row that did; what is wrong with its end."""
    seam: Row = {} if clip.seam is None else {"seam": round(clip.seam.score), "in_a_row": clip.seam.depth}
    return seam if clip.ending is None else seam | {"last_frame": clip.ending.fault}


def film_row(film: Film, file: Path | None) -> Row:
    """A film."""
    return {
        "film": film.code,
        "story": film.story_code,
        "state": "ready",
        "person": film.person.name,
        "shots": list(film.shots),
        **clip_row(film.clip, file),
    }


def story_row(story: Story) -> Row:
    """A story, without its shots."""
    return {
        "story": story.code,
        "title": story.title,
        "director": story.director.name,
        "created_at": story.created_at.isoformat(),
    }


def story_rows(view: StoryView) -> list[Row]:
    """A story, its shots by number and its films."""
    head = story_row(view.story) | {"is_current": view.is_current}
    return [head, *(shot_row(shot, None) for shot in view.shots), *(film_row(film, None) for film in view.films)]


def history_row(item: HistoryItem) -> Row:
    """One clip of a history; pass its `id` as `--before` for what is older."""
    return {
        "id": item.id,
        "shot": item.shot_code,
        "take": item.take_number,
        "person": item.person.name,
        "prompt": item.prompt,
        **clip_row(item.clip, None),
        "created_at": item.created_at.isoformat(),
    }


def settings_row(place: PlaceOptions) -> Row:
    """What a new story gets, and which of it was chosen here."""
    used = place.used
    return {
        "seconds": used.seconds,
        "ratio": used.ratio,
        "resolution": used.resolution,
        "style": used.style,
        "provider": used.provider,
        "model": used.model,
        "chosen": [name for name in KEPT if getattr(place.chosen, name) is not None],
    }


def pot_row(pot: Pot) -> Row:
    """A pot: what lies in it and what was set for it, in US dollars."""
    key, found, limits = pot.key, pot.balances, pot.limits
    return {
        "pot": str(key.payer)
        if key.payer is Payer.HOUSE
        else f"person:{key.owner}"
        if key.payer is Payer.PERSON
        else key.owner,
        "is_open": pot.is_open,
        **_balances(found),
        "left": _usd(found.left) if pot.is_open else None,
        "ask": _usd(limits.ask_above_usd),
        "shot_most": _usd(limits.shot_usd),
        "story_most": _usd(limits.story_usd),
        "day_most": _usd(limits.day_usd),
    }


def pot_rows(view: PotView) -> tuple[Row, list[Row], list[Row]]:
    """A place's pot with the limits that hold there, what its people and its stories come to, and what waits for a word."""
    caps = view.caps
    head = pot_row(view.place) | {
        "today": _usd(view.today_usd),
        "ask": _usd(caps.ask_above_usd),
        "shot_most": _usd(caps.shot_usd),
        "story_most": _usd(caps.story_usd),
        "day_most": _usd(caps.place_day_usd),
        "pots_only": view.pots_only,
    }
    spending = [{"of": each.name, **_balances(each.balances)} for each in (*view.by_person, *view.by_story)]
    waiting = [{**job_row(job), "person": job.person.name} for job in view.asking]
    return head, spending, waiting


def unknown_row(job: Job, found: Balances) -> Row:
    """A job of which nobody knows what it cost. `unknown` is null where nobody knew its price before either."""
    return {
        "job": job.id,
        **_subject(job),
        "place": job.place,
        "person": job.person.name,
        "state": str(job.state),
        "provider": job.provider,
        "task_id": job.task_id,
        **_balances(found),
        "unknown": _usd(found.unknown) if found.unknown else None,
        "note": None if found.unknown else "price unknown",
        "created_at": job.created_at.isoformat(),
    }


def _balances(found: Balances) -> Row:
    return {"spent": _usd(found.spent), "held": _usd(found.held), "unknown": _usd(found.unknown)}


def _usd(usd: Decimal | None) -> str | None:
    """`0.84`: without zeros that say nothing."""
    return None if usd is None else f"{usd.normalize():f}"


def text_of(value: object) -> str:
    """A value of a row as a person reads it, on one line."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(map(text_of, value))
    if isinstance(value, float):
        return f"{value:g}"
    return harmless(str(value))
