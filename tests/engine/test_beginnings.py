"""On which frame of the clip before a shot begins, how well it goes on from it, and when a line of such shots is too long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.beginnings import DEEP, DRIFTED, check_beginning, known_score, leaves_at, warning
from engine.errors import NotPossible
from engine.job_model import Job
from engine.media.colour import to_rgb
from engine.media.frames import picture_at
from engine.model import Clip, Continue, FileKey, SeamMeasure, Shot, ShotOptions, Stitch, Take
from engine.views import ShotView
from tests.house import ANA, HOME, House
from tests.media.makers import Recipe, Rgb, make, scene

CLIP = Clip(file=FileKey("a" * 64 + ".mp4"), bytes=1, seconds=6.0, width=640, height=360, fps=24.0)


async def view_of(house: House, code: str) -> ShotView:
    seen = await house.studio.show(HOME, code)
    assert isinstance(seen, ShotView)
    return seen


async def go_on(house: House, options: ShotOptions = ShotOptions(), shot: str | None = None) -> Job:  # noqa: B008  # frozen
    job = await house.studio.continue_story(Continue(asked=house.asked(), prompt="a boat", shot=shot, options=options))
    await house.run(20)
    return await house.job(job.id)


async def test_how_well_a_clip_begins_is_kept_with_it(house: House) -> None:
    """Against the frame that it was given, with its place in the line of shots that went on from one another; `/show` tells it.

    A hard cut has no seam.
    """
    await house.shot()
    await go_on(house)
    await go_on(house)
    await go_on(house, ShotOptions(is_unseeded=True))
    clips = [(await view_of(house, f"a1-{number}")).clip for number in (1, 2, 3, 4)]
    seams = [clip.seam for clip in clips if clip]
    assert [seam and seam.depth for seam in seams] == [None, 1, 2, None]
    assert all(0 <= seam.score <= 100 for seam in seams if seam)
    shown = await house.say("/show a1-3")
    assert shown is not None
    seam = next(line for line in shown.text.splitlines() if line.startswith("seam"))
    assert "seam with a1-2's frame: " in seam
    assert " of 100 (" in seam
    assert "shot 2 in a row from a last frame" in seam


async def test_a_seam_that_cannot_be_measured_does_not_lose_the_clip(house: House) -> None:
    """The clip before is gone when this one comes: it is paid, and kept without a score."""
    await house.shot()
    before = (await view_of(house, "a1-1")).clip
    assert before is not None
    house.provider.finishes_at_check = 3
    job = await house.studio.continue_story(Continue(asked=house.asked(), prompt="a boat"))
    for _ in range(2):
        await house.tick()
    house.files.path(before.file).unlink()
    house.files.derived(before.file, "last-frame.png").unlink()
    await house.run(20)
    clip = (await view_of(house, "a1-2")).clip
    assert clip is not None
    assert clip.seam is None
    assert (await house.job(job.id)).failure is None


async def test_a_shot_begins_on_the_frame_that_was_chosen(house: House) -> None:
    """What the clip before shows at that time; a retake begins there again."""
    await house.shot()
    await go_on(house, ShotOptions(from_s=0.5))
    before = (await view_of(house, "a1-1")).clip
    assert before is not None
    first = house.provider.renders["task-2"].order.first_frame
    assert first == house.files.derived(before.file, "frame-500ms.png")
    await house.say("/retake a1-2")
    await house.run(20)
    assert house.provider.renders["task-3"].order.first_frame == first
    seen = await view_of(house, "a1-2")
    assert seen.shot.from_s == 0.5
    parent, takes = await view_of(house, "a1-1"), seen.takes
    assert leaves_at(parent.shot, parent.takes[0], seen.shot, takes[-1]) == 0.5


def _dipping(place: int) -> Rgb:
    """The picture goes out of focus in its last three pictures."""
    image = Image.fromarray(scene(place))
    return np.asarray(image if place < 21 else image.resize((32, 18)).resize(image.size))


def _fading(place: int) -> Rgb:
    return (scene(place) * max(0.0, min(1.0, (23 - place) / 8))).astype(np.uint8)


@pytest.mark.parametrize(
    ("picture", "fault", "most_s"),
    [(_dipping, "blurred", 0.86), (_fading, "black", 0.67)],
    ids=["blurred", "faded"],
)
async def test_a_better_frame_is_offered_and_taken(
    house: House, tmp_path: Path, picture: Callable[[int], Rgb], fault: str, most_s: float
) -> None:
    """Beside the clip, with a button; what is answered there goes on from that frame, and so does `--sharp`."""
    video = make(tmp_path / "given.mp4", Recipe(options={"crf": "18"}), picture)
    await house.say("/add", videos=(video,))
    shown = await house.say("/show a1-1")
    assert shown is not None
    assert f"its last frame is {fault}" in shown.text
    button = next(each for each in shown.buttons if "@" in each.target)
    shot, _, at_s = button.target.partition("@")
    assert (button.verb, shot, button.label) == ("continue", "a1-1", f"Continue from {float(at_s):.1f} s")
    assert 0.45 <= float(at_s) <= most_s
    asked = await house.press("continue", button.target)
    assert asked is not None
    assert asked.asks is not None
    await house.press("continue", asked.asks.target, said="a boat")
    await house.say("/continue a1-1 --sharp a boat")
    pressed, said = await view_of(house, "a1-2"), await view_of(house, "a1-3")
    assert pressed.shot.from_s == said.shot.from_s == float(at_s)
    shown = await house.say("/show a1-2")
    assert shown is not None
    assert f"continues a1-1 from {float(at_s):.1f} s on" in shown.text


async def test_a_frame_by_its_time_can_be_had(house: House, tmp_path: Path) -> None:
    """Exactly what is shown then; after the end there is none."""
    video = make(tmp_path / "given.mp4", Recipe(options={"crf": "18"}))
    await house.say("/add", videos=(video,))
    answer = await house.say("/download a1-1 0.5")
    assert answer is not None
    assert answer.picture is not None
    await house.say("/continue --at 0.5 a boat")
    assert (await view_of(house, "a1-2")).shot.from_s == 0.5
    late = await house.say("/download a1-1 7s")
    assert late is not None
    assert late.text == "a1-1 has 1.0 s, so there is no frame at 7 s."
    with Image.open(answer.picture) as image:
        assert np.array_equal(np.asarray(image), to_rgb(picture_at(video, 0.5)))


async def test_the_fourth_shot_in_a_row_is_warned_about_once(house: House) -> None:
    """In its own status message, also while the others wait for each other; the fifth is not told the same again."""
    await house.say("/create a lamp")
    notes = []
    for _ in range(DEEP + 1):
        job = await house.studio.continue_story(Continue(asked=house.asked(), prompt="a boat"))
        notes.append(job.notes)
    assert [bool(each) for each in notes] == [False, False, False, True, False]
    assert notes[DEEP - 1] == (
        "Fourth shot in a row from a last frame: a hard cut (--text-only) with a reference would look better.",
    )


def test_a_line_that_drifts_is_warned_about_when_it_has() -> None:
    """By the step that made it too much; before and after it nothing is said."""
    step = SeamMeasure(score=80, lightness=0.04, colour=0.0, depth=2, line_lightness=0.04, line_colour=0.0)
    assert warning(2, step) == ""
    too_much = replace(step, line_lightness=0.08)
    assert warning(3, too_much) == (
        "The picture has become lighter over the last 2 shots: "
        "a hard cut (--text-only) with a reference would look better."
    )
    assert warning(5, replace(too_much, line_lightness=0.08 + DRIFTED)) == ""
    assert warning(3, None) == ""


def _shot(**how: object) -> Shot:
    cells = {
        "id": 2,
        "story_id": 1,
        "story_code": "k7",
        "number": 2,
        "parent_id": 1,
        "person": ANA,
        "prompt": "a boat",
        "seconds": 6.0,
        "ratio": "16:9",
        "resolution": "720p",
        "style": "default",
        "provider": "scripted",
        "model": "one",
        "first_frame": None,
        "last_frame": None,
        "chosen_take_id": 2,
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
        "deleted_at": None,
    }
    return Shot(**(cells | how))  # type: ignore[arg-type]  # as the rows have them


@pytest.mark.parametrize(
    ("options", "clip", "sentence"),
    [
        (ShotOptions(from_s=6.0), CLIP, "k7-2 has 6.0 s"),
        (ShotOptions(from_s=-1.0), None, "outside"),
        (ShotOptions(from_s=float("nan")), CLIP, "outside"),
        (ShotOptions(from_s=1.0, from_sharpest=True), CLIP, "leave one of them out"),
        (ShotOptions(from_s=1.0, extend=True), CLIP, "leave it out, or --at"),
        (ShotOptions(from_sharpest=True, is_unseeded=True), CLIP, "leave --sharp out"),
        (ShotOptions(from_s=1.0, still="brush"), CLIP, "leave --still out, or --at"),
        (ShotOptions(from_sharpest=True), None, "wait for it"),
    ],
)
def test_a_frame_that_cannot_be_begun_on_is_refused(options: ShotOptions, clip: Clip | None, sentence: str) -> None:
    """With what is wrong, before anything is begun."""
    with pytest.raises(NotPossible, match=sentence):
        check_beginning(options, _shot(), clip)


@pytest.mark.parametrize("options", [ShotOptions(), ShotOptions(from_s=0.0), ShotOptions(from_sharpest=True)])
def test_a_frame_that_is_there_can_be_begun_on(options: ShotOptions) -> None:
    """The first one too."""
    check_beginning(options, _shot(), CLIP)


def test_a_film_leaves_a_clip_early_only_for_the_shot_that_begins_there() -> None:
    """Not for another one, nor for a take that began on another take's frame, nor for a painted one."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    take = Take(id=1, shot_id=1, number=1, seed=1, parent_take_id=None, clip=CLIP, created_at=at)
    next_take = replace(take, id=2, shot_id=2, parent_take_id=1)
    shot, after = _shot(id=1, number=1, parent_id=None), _shot(from_s=4.5)
    assert leaves_at(shot, take, after, next_take) == 4.5
    assert leaves_at(shot, take, replace(after, from_s=None), next_take) is None
    assert leaves_at(shot, take, replace(after, parent_id=7), next_take) is None
    assert leaves_at(shot, take, after, replace(next_take, parent_take_id=9)) is None
    assert leaves_at(shot, take, after, replace(next_take, first_frame=CLIP.file)) is None


def test_a_seam_is_known_only_between_the_takes_that_were_measured() -> None:
    """Not beside another take, nor for one that began elsewhere than on the last frame."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    seen = replace(CLIP, seam=SeamMeasure(score=99.0, lightness=0.0, colour=0.0))
    take = Take(id=1, shot_id=1, number=1, seed=1, parent_take_id=None, clip=CLIP, created_at=at)
    next_take = replace(take, id=2, shot_id=2, parent_take_id=1, clip=seen)
    shot, after = _shot(id=1, number=1, parent_id=None), _shot()
    assert known_score(shot, take, after, next_take) == 99.0
    assert known_score(shot, take, after, replace(next_take, clip=CLIP)) is None
    assert known_score(shot, take, replace(after, parent_id=7), next_take) is None
    assert known_score(shot, take, replace(after, from_s=2.0), next_take) is None
    assert known_score(shot, take, after, replace(next_take, parent_take_id=9)) is None
    assert known_score(shot, take, after, replace(next_take, first_frame=CLIP.file)) is None


async def test_a_film_leaves_a_clip_where_the_next_shot_begins(house: House) -> None:
    """What comes after the chosen frame is not in the film, nor is the frame twice."""
    await house.shot()
    await go_on(house, ShotOptions(from_s=0.5))
    job = await house.studio.stitch(Stitch(asked=house.asked()))
    await house.run(20)
    film = await house.studio.film((await house.job(job.id)).film_id or 0)
    assert film is not None
    assert film.clip.seconds == pytest.approx(0.5 + 1.0, abs=1.5 / 24)
