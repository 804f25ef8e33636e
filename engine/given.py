"""A video that somebody gave, as a shot of a story: its shape, and its rows in a transaction."""

from __future__ import annotations

import math

from engine.beginnings import ending_of
from engine.errors import NotFound
from engine.lookup import find_shot, find_story
from engine.media import Probe
from engine.model import Add, Clip, FileKey, Shot, Story
from engine.new_rows import NewShot
from engine.ports import Reader, Writer
from engine.prompts import clean_prompt, title_of

_RATIOS = {"16:9": 16 / 9, "9:16": 9 / 16, "1:1": 1.0}
_RESOLUTIONS = {"480p": 480, "720p": 720, "1080p": 1080}


async def add_given(tx: Writer, command: Add, clip: Clip, *, title: str = "") -> tuple[Story, Shot]:
    """The given video's shot, in a transaction: the one that the story has of this file, else a new one after the named shot.

    `title`: of a new story; empty: what the video shows.

    Raises:
        NotFound, NotPossible
    """
    asked = command.asked
    prompt = clean_prompt(command.words if command.words.strip() else f"a video by {asked.person.name}")
    after = await find_shot(tx, asked.place, command.after) if command.after and not command.is_beginning else None
    if after is not None:
        story: Story | None = await find_story(tx, asked.place, after.story_code)
    else:
        story = None if command.is_beginning else await tx.current_story(asked.place)
    if story is None:
        story = await tx.add_story(asked.place, asked.person, title_of(title or prompt))
    elif (known := await _shot_of_file(tx, story, command.video)) is not None:
        return story, known
    shot = await tx.add_shot(
        NewShot(
            story_id=story.id,
            parent_id=after.id if after else story.tip_id,
            person=asked.person,
            prompt=prompt,
            seconds=round(clip.seconds, 3),
            ratio=ratio_of(clip.width, clip.height),
            resolution=resolution_of(clip.width, clip.height),
            style="",
            provider="",
            model="",
            first_frame=None,
            last_frame=None,
        )
    )
    take = await tx.add_take(shot.id, 0, None)
    await tx.add_clip(take.id, clip)
    await tx.choose_take(shot.id, take.id)
    if story.tip_id == shot.parent_id:
        await tx.set_tip(story.id, shot.id)
    return await _fresh(tx, shot)


async def _fresh(tx: Reader, shot: Shot) -> tuple[Story, Shot]:
    story, now = await tx.story(shot.story_code), await tx.shot(shot.id)
    assert story is not None  # noqa: S101  # both were just written
    assert now is not None  # noqa: S101
    return story, now


async def added_before(tx: Reader, command: Add) -> Shot:
    """What this very update made when it was handled the first time.

    Raises:
        NotFound: it is gone since.
    """
    for story in await tx.stories(command.asked.place):
        shot = await _shot_of_file(tx, story, command.video)
        if shot is not None:
            return shot
    raise NotFound("That was done already; /story shows what is here.")


async def _shot_of_file(tx: Reader, story: Story, file: FileKey) -> Shot | None:
    """The living shot of the story whose clip is this file; None: none is."""
    living = {shot.chosen_take_id: shot for shot in await tx.shots(story.id) if shot.deleted_at is None}
    takes = await tx.takes([shot.id for shot in living.values()])
    return next((living[take.id] for take in takes if take.id in living and take.clip and take.clip.file == file), None)


def clip_of_file(file: FileKey, measured: Probe) -> Clip:
    """A kept file as measured."""
    return Clip(
        file=file,
        bytes=measured.bytes,
        seconds=measured.seconds,
        width=measured.width,
        height=measured.height,
        fps=measured.fps,
        ending=ending_of(measured),
    )


def ratio_of(width: int, height: int) -> str:
    """The nearest of 16:9, 9:16 and 1:1."""
    return min(_RATIOS, key=lambda name: abs(math.log(width / height / _RATIOS[name])))


def resolution_of(width: int, height: int) -> str:
    """The nearest of 480p, 720p and 1080p by the shorter side."""
    return min(_RESOLUTIONS, key=lambda name: abs(min(width, height) - _RESOLUTIONS[name]))


def suffix_of(head: bytes) -> str:
    """The suffix of the kind of video that begins with these bytes; what its sender calls it is not asked."""
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return ".webm" if b"webm" in head else ".mkv"
    if head.startswith(b"GIF8"):
        return ".gif"
    if head.startswith(b"\x47"):
        return ".ts"
    return ".mp4" if head[4:8] == b"ftyp" and head[8:10] != b"qt" else ".mov"
