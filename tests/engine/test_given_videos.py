"""Videos that people bring: what is kept, what becomes a shot, and what can be done with it."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import adding
from engine.errors import BadMedia, DiskFull, NotFound, NotPossible
from engine.given import ratio_of, resolution_of, suffix_of
from engine.job_model import JobState
from engine.model import Add, Continue, Create, Person, Retake, ShotOptions, Stitch
from engine.views import ShotView
from tests.fakes.provider import NO_FRAMES, write_clip
from tests.house import ANA, BEN, HOME, House


def video(tmp_path: Path, name: str = "given.mp4", *, seconds: float = 1.0, colour: int = 7) -> Path:
    path = tmp_path / name
    write_clip(path, seconds=seconds, colour=colour, size=(128, 72))
    return path


async def give(house: House, path: Path, person: Person = ANA, **said: object) -> ShotView:
    key = await house.studio.keep_video(path)
    return await house.studio.add(Add(asked=house.asked(person), video=key, **said))  # type: ignore[arg-type]  # a test's shorthand


async def test_a_given_video_is_a_shot_with_itself_as_its_clip(house: House, tmp_path: Path) -> None:
    """Measured, its author the one who gave it, its file a copy; a story begins with it where there is none."""
    path = video(tmp_path)
    view = await give(house, path, words="a fox\nruns")
    shot, clip = view.shot, view.clip
    assert clip is not None
    assert (shot.code, shot.prompt, shot.person, shot.provider, shot.model) == ("a1-1", "a fox runs", ANA, "", "")
    assert (shot.ratio, shot.resolution, shot.seconds) == ("16:9", "480p", 1.0)
    assert (clip.width, clip.height, clip.bytes) == (128, 72, path.stat().st_size)
    assert house.files.path(clip.file).read_bytes() == path.read_bytes()
    assert view.on_canon
    story = await house.studio.story(HOME)
    assert story is not None
    assert (story.story.title, story.story.director) == ("a fox runs", ANA)
    assert await house.studio.jobs(HOME) == ()


async def test_without_words_it_is_called_after_who_gave_it(house: House, tmp_path: Path) -> None:
    """Every shot has a prompt."""
    assert (await give(house, video(tmp_path), BEN)).shot.prompt == "a video by Ben"


async def test_it_follows_the_tip_or_the_named_shot(house: House, tmp_path: Path) -> None:
    """After the tip it becomes the tip; after an inner shot it is a branch, as a rendered one would be."""
    await house.shot()
    second = await give(house, video(tmp_path, colour=1))
    branch = await give(house, video(tmp_path, colour=2), after="a1-1")
    third = await give(house, video(tmp_path, colour=3))
    assert [(view.shot.code, view.parent_code, view.on_canon) for view in (second, branch, third)] == [
        ("a1-2", "a1-1", True),
        ("a1-3", "a1-1", False),
        ("a1-4", "a1-2", True),
    ]
    beginning = await give(house, video(tmp_path, colour=4), is_beginning=True)
    assert (beginning.shot.code, beginning.parent_code) == ("b1-1", None)


async def test_the_same_file_twice_in_a_story_is_one_shot(house: House, tmp_path: Path) -> None:
    """Whoever sends it again, and wherever it is said to belong; in another story it is another shot."""
    first = await give(house, video(tmp_path))
    await house.studio.continue_story(Continue(asked=house.asked(), prompt="a boat"))
    await house.run(10)
    assert (await give(house, video(tmp_path), BEN, words="again")).shot == first.shot
    assert (await give(house, video(tmp_path), is_beginning=True)).shot.code == "b1-1"


async def test_the_same_update_twice_begins_one_story(house: House, tmp_path: Path) -> None:
    """A crash between our commit and the note that it was handled."""
    key = await house.studio.keep_video(video(tmp_path))
    command = Add(asked=house.asked(), video=key, is_beginning=True)
    first = await house.studio.add(command)
    await house.studio.keep_video(video(tmp_path))
    assert (await house.studio.add(command)).shot == first.shot
    assert len(await house.studio.stories(HOME)) == 1


async def test_it_is_continued_on_its_last_frame(house: House, tmp_path: Path) -> None:
    """By the default provider and for the model's own time, in the shape of the video."""
    clip = (await give(house, video(tmp_path, seconds=3))).clip
    assert clip is not None
    job = await house.studio.continue_story(Continue(asked=house.asked(BEN), prompt="a boat"))
    await house.run(10)
    assert (await house.job(job.id)).state is JobState.DELIVERED
    order = house.provider.renders["task-1"].order
    assert order.first_frame == house.files.derived(clip.file, "last-frame.png")
    assert (order.seconds, order.ratio, order.style, order.model) == (1, "16:9", "plain", "one")


async def test_a_shape_that_the_provider_cannot_do_gives_way(house: House, tmp_path: Path) -> None:
    """A square video is continued in the provider's own shape: nobody asked for a square."""
    path = tmp_path / "square.mp4"
    write_clip(path, seconds=1, colour=3, size=(64, 64))
    assert (await give(house, path)).shot.ratio == "1:1"
    await house.studio.continue_story(Continue(asked=house.asked(), prompt="a boat"))
    await house.run(10)
    assert house.provider.renders["task-1"].order.ratio == "16:9"


async def test_a_continuation_of_it_is_inherited_from_as_ever(house: House, tmp_path: Path) -> None:
    """The place's choice is for the shot after the video; what follows that one takes after it."""
    await house.studio.set_settings(house.asked(), ShotOptions(style="ink", seconds=2))
    await give(house, video(tmp_path))
    await house.studio.continue_story(Continue(asked=house.asked(), prompt="a boat"))
    await house.studio.set_settings(house.asked(), ShotOptions(style="plain", seconds=3))
    await house.run(10)
    await house.studio.continue_story(Continue(asked=house.asked(), prompt="a fox"))
    await house.run(20)
    orders = [render.order for render in house.provider.renders.values()]
    assert [(order.style, order.seconds) for order in orders] == [("ink", 2), ("ink", 2)]


async def test_it_is_joined_chosen_downloaded_listed_and_deleted(house: House, tmp_path: Path) -> None:
    """Whatever can be done with a clip can be done with it."""
    await house.shot()
    path = video(tmp_path)
    view = await give(house, path, BEN, after="a1-1")
    job = await house.studio.stitch(Stitch(asked=house.asked()))
    await house.run(20)
    film = await house.studio.film((await house.job(job.id)).film_id or 0)
    assert film is not None
    assert film.shots == ("a1-1", "a1-2")
    assert film.clip.seconds == pytest.approx(2, abs=0.1)
    assert (await house.studio.download(HOME, "a1-2")).read_bytes() == path.read_bytes()
    assert [item.shot_code for item in (await house.studio.history(HOME, None)).items] == ["a1-2", "a1-1"]
    assert [item.shot_code for item in (await house.studio.history(None, BEN.key)).items] == ["a1-2"]
    assert (await house.studio.choose(house.asked(), "a1-1")).on_canon
    assert (await house.studio.choose(house.asked(), "a1-2", 1)).shot.chosen_take_id == view.shot.chosen_take_id
    assert view.clip is not None
    assert await house.studio.delete(house.asked(BEN), "a1-2") == "a1-2"
    assert not await house.files.exists(view.clip.file)
    assert path.exists()


async def test_it_is_not_rendered_again(house: House, tmp_path: Path) -> None:
    """By name or as the newest shot: one sentence, and nothing is made."""
    await give(house, video(tmp_path))
    for shot in ("a1-1", None):
        with pytest.raises(NotPossible, match=r"^a1-1 is a video that Ana gave, .* /continue a1-1 goes on from it\.$"):
            await house.studio.retake(Retake(asked=house.asked(), shot=shot))
    assert await house.studio.jobs(HOME) == ()


@pytest.mark.parametrize("what", ["continue", "stitch", "download"])
async def test_a_lost_file_is_told_with_a_cure_that_helps(house: House, tmp_path: Path, what: str) -> None:
    """A given video cannot be rendered again, so nobody is sent to /retake."""
    view = await give(house, video(tmp_path))
    assert view.clip is not None
    house.files.path(view.clip.file).unlink()
    match what:
        case "continue":
            doing: Awaitable[object] = house.studio.continue_story(Continue(asked=house.asked(), prompt="a boat"))
        case "stitch":
            doing = house.studio.stitch(Stitch(asked=house.asked()))
        case _:
            doing = house.studio.download(HOME, "a1-1")
    with pytest.raises(BadMedia, match="/delete a1-1 and /add the video again") as caught:
        await doing
    assert "/retake" not in str(caught.value)


async def test_a_video_and_what_follows_it_are_one_piece(house: House, tmp_path: Path) -> None:
    """Where the shot after it is not possible, the video is not there either; the file is free to be removed."""
    key = await house.studio.keep_video(video(tmp_path))
    asked = house.asked()
    add = Add(asked=asked, video=key, is_beginning=True)
    with pytest.raises(NotPossible, match="99 s is not possible"):
        await house.studio.continue_story(Continue(asked=asked, prompt="a boat", options=ShotOptions(seconds=99)), add)
    assert await house.studio.stories(HOME) == ()
    assert await house.files.delete(key)


async def test_a_video_and_what_follows_it_twice_are_one_job(house: House, tmp_path: Path) -> None:
    """The same update again, also with the video kept anew."""
    asked = house.asked()
    jobs = []
    for _ in range(2):
        add = Add(asked=asked, video=await house.studio.keep_video(video(tmp_path)), is_beginning=True)
        jobs.append(await house.studio.continue_story(Continue(asked=asked, prompt="a boat"), add))
    assert jobs[0].id == jobs[1].id
    assert [story.title for story in await house.studio.stories(HOME)] == ["a boat"]


async def test_a_story_of_one_video_can_be_stitched_with_it(house: House, tmp_path: Path) -> None:
    """The video that comes with /stitch may be the first thing that is there."""
    asked = house.asked()
    add = Add(asked=asked, video=await house.studio.keep_video(video(tmp_path)))
    job = await house.studio.stitch(Stitch(asked=asked), add)
    await house.run(20)
    film = await house.studio.film((await house.job(job.id)).film_id or 0)
    assert film is not None
    assert film.shots == ("a1-1",)


async def test_a_model_that_starts_on_no_picture_continues_no_video(house: House, tmp_path: Path) -> None:
    """The same sentence as for any other shot."""
    assert not NO_FRAMES.first_frame
    await give(house, video(tmp_path))
    with pytest.raises(NotPossible, match="cannot start on a picture"):
        await house.studio.continue_story(
            Continue(asked=house.asked(), prompt="a boat", options=ShotOptions(model="blind"))
        )


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ("none", "is not here any more; send it again"),
        ("empty", r"^The video's file is empty; send another one\.$"),
        ("text", r"^The file is not a video that can be read, or it is cut off; send another one\.$"),
        ("cut", r"^The file has no video in it; send another one\.$"),
        ("short", r"^That video is 0\.1 s long; send one of 0\.2 s to 10 minutes\.$"),
        ("large", r"^That video has 0\.0 GB and at most 1e-06 GB fit; send a smaller one\.$"),
    ],
)
async def test_what_is_no_video_is_one_sentence(
    house: House, tmp_path: Path, bad: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing is kept."""
    path = tmp_path / "bad.mp4"
    match bad:
        case "empty":
            path.write_bytes(b"")
        case "text":
            path.write_text("#EXTM3U\nfile:///etc/passwd\n")
        case "short":
            video(tmp_path, "bad.mp4", seconds=0.125)
        case "cut" | "large":
            video(tmp_path, "bad.mp4")
            if bad == "cut":
                path.write_bytes(path.read_bytes()[:1500])
            monkeypatch.setattr(adding, "GIVEN_MOST_BYTES", 2_000_000_000 if bad == "cut" else 1_000)
        case _:
            pass
    with pytest.raises(BadMedia, match=sentence):
        await house.studio.keep_video(path)
    assert list((tmp_path / "files" / "files").glob("??/*")) == []


async def test_a_video_that_is_too_long_is_told(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With both ends of what fits."""
    monkeypatch.setattr(adding, "GIVEN_MOST_S", 0.5)
    with pytest.raises(BadMedia, match=r"^That video is 1\.0 s long; send one of 0\.2 s to "):
        await house.studio.keep_video(video(tmp_path))


async def test_a_full_disk_is_told_before_the_copy(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The video itself counts."""
    usage = shutil.disk_usage(tmp_path)
    path = video(tmp_path)
    free = adding.DISK_LEAST_BYTES + path.stat().st_size - 1
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=free))
    with pytest.raises(DiskFull, match="nothing was started"):
        await house.studio.keep_video(path)


async def test_a_kept_video_is_held_until_it_is_used_or_let_go(house: House, tmp_path: Path) -> None:
    """A deletion elsewhere cannot take it away in between; what is not used is swept."""
    key = await house.studio.keep_video(video(tmp_path))
    assert not await house.files.delete(key)
    house.studio.let_go(key)
    assert await house.files.delete(key)
    with pytest.raises(NotFound, match="The video is not here any more; send it again"):
        await house.studio.add(Add(asked=house.asked(), video=key))


async def test_a_shot_that_is_not_here_is_not_followed(house: House, tmp_path: Path) -> None:
    """Neither one of another place nor one that never was."""
    await house.studio.create(Create(asked=house.asked(place="local:elsewhere"), prompt="a lamp"))
    for code in ("a1-1", "z9-9"):
        with pytest.raises(NotFound, match=f"There is no shot {code} here"):
            await give(house, video(tmp_path), after=code)
    assert await house.studio.stories(HOME) == ()


SIDES = st.integers(1, 4096)


@given(SIDES, SIDES)
def test_any_size_has_a_shape(width: int, height: int) -> None:
    """Turned on its side the shape turns too, and the lines stay."""
    turned = {"16:9": "9:16", "9:16": "16:9", "1:1": "1:1"}
    assert ratio_of(height, width) == turned[ratio_of(width, height)]
    assert resolution_of(height, width) == resolution_of(width, height)


@pytest.mark.parametrize(
    ("width", "height", "ratio", "resolution"),
    [
        (1920, 1080, "16:9", "1080p"),
        (1080, 1920, "9:16", "1080p"),
        (640, 480, "1:1", "480p"),
        (720, 540, "1:1", "480p"),
        (1280, 720, "16:9", "720p"),
        (3840, 2160, "16:9", "1080p"),
        (720, 720, "1:1", "720p"),
    ],
)
def test_the_nearest_shape_is_taken(width: int, height: int, ratio: str, resolution: str) -> None:
    """By the proportion of the sides, and by the shorter side."""
    assert (ratio_of(width, height), resolution_of(width, height)) == (ratio, resolution)


@pytest.mark.parametrize(
    ("head", "suffix"),
    [
        (b"\0\0\0\x20ftypisom", ".mp4"),
        (b"\0\0\0\x14ftypqt  ", ".mov"),
        (b"\0\0\0\x08wide\0\0\0\0mdat", ".mov"),
        (b"\x1a\x45\xdf\xa3....webm", ".webm"),
        (b"\x1a\x45\xdf\xa3....matroska", ".mkv"),
        (b"GIF89a", ".gif"),
        (b"\x47\x40\0\x10", ".ts"),
    ],
)
def test_a_file_is_named_by_what_it_is(head: bytes, suffix: str) -> None:
    """Not by what its sender calls it."""
    assert suffix_of(head) == suffix
