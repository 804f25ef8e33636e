"""What a person means, found in a transaction: stories, shots and films by code, the shot to continue, the clips to join.

What is in another place is not there: the sentence does not tell one from the other.
"""

from __future__ import annotations

from itertools import dropwhile

from engine.codes import is_story_code, parse_film_code, parse_shot_code, parse_shot_range
from engine.errors import NotFound, NothingToContinue, RequestError
from engine.job_model import Job
from engine.jobs import LIVE
from engine.model import Clip, Film, Person, Shot, Stitch, Story
from engine.ports import Reader
from engine.tree import line_to

STITCH_MOST = 500
NO_STORY = "There is no clip here yet; begin a story with /create a lighthouse keeper lights the lamp"


async def find_story(tx: Reader, place: str, code: str) -> Story:
    """Raises NotFound: no such story in this place."""
    story = await tx.story(code.lower()) if is_story_code(code) else None
    if story is None or story.place != place:
        raise NotFound(f"There is no story “{code}” here; /story lists the stories of this place.")
    return story


async def find_shot(tx: Reader, place: str, code: str, viewer: str | None = None) -> Shot:
    """A shot of this place, or of anywhere if this person (by key) is its author or its story's director.

    Raises:
        NotFound: no such shot here, or it was deleted.
    """
    parsed = parse_shot_code(code)
    if parsed is None:
        raise NotFound(f"“{code}” is no shot; shots are called like k7-4, and /story lists them.")
    story = await tx.story(parsed[0])
    shot = await tx.shot_by_code(*parsed) if story is not None else None
    if shot is None or story is None or not _is_seen(story, shot.person, place, viewer):
        raise NotFound(f"There is no shot {code.lower()} here; /story lists the shots of this place.")
    if shot.deleted_at is not None:
        raise NotFound(f"{shot.code} was deleted; /story lists the shots that are left.")
    return shot


async def find_film(tx: Reader, place: str, code: str, viewer: str | None = None) -> Film:
    """A film of this place, or of anywhere if this person (by key) asked for it or is its story's director.

    Raises:
        NotFound: no such film here.
    """
    parsed = parse_film_code(code)
    story = await tx.story(parsed[0]) if parsed else None
    film = await tx.film_by_code(*parsed) if parsed and story is not None else None
    if film is None or story is None or not _is_seen(story, film.person, place, viewer):
        raise NotFound(f"There is no film {code.lower()} here; /story lists the films of this place.")
    return film


def cure_of(shot: Shot) -> str:
    """What to do about a shot whose clip's file is lost or broken."""
    if shot.provider:
        return f"/retake {shot.code} renders it again"
    return f"/delete {shot.code} and /add the video again"


async def find_parent(tx: Reader, place: str, code: str | None) -> tuple[Story, Shot, Clip | None]:
    """The shot to continue, and its clip; the clip is None while it is rendering."""
    if code:
        shot = await find_shot(tx, place, code)
        story = await find_story(tx, place, shot.story_code)
    else:
        current = await tx.current_story(place)
        tip = await tx.shot(current.tip_id) if current and current.tip_id else None
        if current is None or tip is None:
            raise NothingToContinue(NO_STORY)
        story, shot = current, tip
    clip = await clip_of(tx, shot)
    if clip is None and await live_job(tx, shot) is None:
        raise NothingToContinue(f"{shot.code} has no clip to continue from; /retake {shot.code} renders it again.")
    return story, shot, clip


async def find_pieces(tx: Reader, command: Stitch) -> tuple[Story, list[tuple[Shot, Clip]]]:
    """The shots to join and their clips, in order."""
    place = command.asked.place
    if command.shots:
        shots = [shot for code in command.shots for shot in await _find_shots(tx, place, code)]
        story = await find_story(tx, place, shots[0].story_code)
    else:
        found = await find_story(tx, place, command.story) if command.story else await tx.current_story(place)
        if found is None:
            raise NothingToContinue(NO_STORY)
        story = found
        shots = list(line_to(story.tip_id, {shot.id: shot for shot in await tx.shots(story.id)}))
    if not shots:
        raise NothingToContinue(f"The story {story.code} has no clip yet; /create begins a new one.")
    if len(shots) > STITCH_MOST:
        raise RequestError(f"A film joins at most {STITCH_MOST} shots, and these are {len(shots)}; name fewer.")
    pieces = []
    for shot in shots:
        clip = await clip_of(tx, shot)
        if clip is None:
            waits = await live_job(tx, shot) is not None
            advice = "wait until it is ready" if waits else f"/retake {shot.code} or leave it out"
            raise NothingToContinue(f"{shot.code} has no clip yet; {advice}, then /stitch again.")
        pieces.append((shot, clip))
    return story, pieces


async def _find_shots(tx: Reader, place: str, code: str) -> list[Shot]:
    """One shot, or those on the way from one to another."""
    ends = parse_shot_range(code)
    if ends is None:
        return [await find_shot(tx, place, code)]
    first, last = [await find_shot(tx, place, end) for end in ends]
    line = line_to(last.id, {shot.id: shot for shot in await tx.shots(last.story_id)})
    between = list(dropwhile(lambda shot: shot.id != first.id, line))
    if not between:
        raise RequestError(f"{last.code} does not follow {first.code}; name the shots in the order of the film.")
    return between


async def clip_of(tx: Reader, shot: Shot) -> Clip | None:
    """The clip of its chosen take."""
    take = await tx.take(shot.chosen_take_id) if shot.chosen_take_id else None
    return take.clip if take else None


def _is_seen(story: Story, author: Person, place: str, viewer: str | None) -> bool:
    return story.place == place or viewer in {author.key, story.director.key}


async def live_job(tx: Reader, shot: Shot) -> Job | None:
    """The job that is rendering this shot; None: none is."""
    jobs = await tx.jobs_of_shots([shot.id])
    return next((job for job in jobs if job.state in LIVE), None)
