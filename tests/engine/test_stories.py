"""Stories, their files, and what a person may ask of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import BadMedia, DiskFull, NotFound, NothingToContinue
from engine.job_model import Job, JobState
from engine.model import Clip, Continue, Create, FileKey, Film, ShotOptions, Stitch
from engine.tree import line_to
from engine.views import ShotView
from tests.house import ANA, BEN, HOME, OPERATOR, House


async def view_of(house: House, code: str) -> ShotView:
    seen = await house.studio.show(HOME, code)
    assert isinstance(seen, ShotView)
    return seen


async def clip_of(house: House, code: str) -> Clip:
    clip = (await view_of(house, code)).clip
    assert clip is not None
    return clip


async def go_on(house: House, shot: str | None = None, seed: int | None = None) -> Job:
    command = Continue(asked=house.asked(BEN), prompt="a boat", shot=shot, options=ShotOptions(seed=seed))
    job = await house.studio.continue_story(command)
    await house.run(20)
    return await house.job(job.id)


async def test_the_next_shot_starts_on_the_last_frame_of_the_one_before(house: House) -> None:
    """Of the chosen take, and the take remembers whose frame it was."""
    await house.shot()
    await go_on(house)
    order = house.provider.renders["task-2"].order
    assert order.first_frame == house.files.derived((await clip_of(house, "a1-1")).file, "last-frame.png")
    (parent_take,) = (await view_of(house, "a1-1")).takes
    (take,) = (await view_of(house, "a1-2")).takes
    assert take.parent_take_id == parent_take.id


async def test_a_shot_is_stale_when_the_one_before_was_retaken(house: House) -> None:
    """Its first frame belongs to an older clip; a retake of it makes the cut fit again."""
    await house.shot()
    await go_on(house)
    await house.say("/retake a1-1 --seed 77")
    await house.run(20)
    assert (await view_of(house, "a1-2")).is_stale
    await house.say("/retake a1-2")
    await house.run(20)
    assert not (await view_of(house, "a1-2")).is_stale


async def test_options_are_inherited_along_the_story(house: House) -> None:
    """A story keeps its shape without anybody repeating it."""
    options = ShotOptions(ratio="9:16", style="ink", seconds=0.5, resolution="720p")
    await house.studio.create(Create(asked=house.asked(), prompt="a lamp", options=options))
    await house.run(20)
    await go_on(house)
    shot = (await view_of(house, "a1-2")).shot
    assert (shot.ratio, shot.style, shot.seconds, shot.resolution) == ("9:16", "ink", 0.5, "720p")


async def test_a_picture_that_was_given_wins_over_the_last_frame(house: House, tmp_path: Path) -> None:
    """Kept as a clean PNG."""
    from PIL import Image

    Image.new("RGB", (128, 72), "red").save(tmp_path / "red.jpg")
    await house.shot()
    key = await house.studio.keep_picture(tmp_path / "red.jpg")
    options = ShotOptions(first_frame=key, last_frame=key)
    await house.studio.continue_story(Continue(asked=house.asked(), prompt="red", options=options))
    await house.run(20)
    order = house.provider.renders["task-2"].order
    assert (order.first_frame, order.last_frame) == (house.files.path(key), house.files.path(key))


async def test_a_picture_that_is_gone_is_told(house: House) -> None:
    """And nothing was made."""
    key = FileKey("0" * 64 + ".png")
    with pytest.raises(NotFound, match="send it again"):
        await house.studio.create(Create(asked=house.asked(), prompt="a", options=ShotOptions(first_frame=key)))
    assert await house.studio.stories(HOME) == ()


@pytest.mark.parametrize("harm", ["cut", "emptied", "gone", "replaced"])
async def test_a_damaged_clip_is_told_before_anything_is_begun(house: House, harm: str) -> None:
    """Continue and stitch name the shot and the way out, and change nothing."""
    await house.shot()
    path = house.files.path((await clip_of(house, "a1-1")).file)
    size = path.stat().st_size
    match harm:
        case "cut":
            path.write_bytes(path.read_bytes()[: size // 2])
        case "emptied":
            path.write_bytes(b"")
        case "gone":
            path.unlink()
        case _:
            path.write_bytes(b"\1" * size)
    with pytest.raises(BadMedia, match="a1-1.*/retake a1-1"):
        await house.studio.continue_story(Continue(asked=house.asked(), prompt="a boat"))
    if harm != "replaced":  # a stitch reads it only when it joins
        with pytest.raises(BadMedia, match="a1-1.*/retake a1-1"):
            await house.studio.stitch(Stitch(asked=house.asked()))
        assert await house.studio.jobs(HOME) == ()


async def test_a_clip_that_cannot_be_read_fails_the_stitch_and_leaves_no_film(house: House) -> None:
    """Never a broken film with success."""
    await house.shot()
    path = house.files.path((await clip_of(house, "a1-1")).file)
    path.write_bytes(b"\1" * path.stat().st_size)
    job = await house.studio.stitch(Stitch(asked=house.asked()))
    await house.run(20)
    done = await house.job(job.id)
    assert done.state is JobState.FAILED
    view = await house.studio.story(HOME)
    assert view is not None
    assert view.films == ()


async def test_a_film_is_as_long_as_its_shots_and_the_sources_stay(house: House) -> None:
    """Within one frame a seam; the clips' files are what they were."""
    await house.shot()
    await go_on(house)
    before = {path: path.read_bytes() for path in Path(house.files.work("x")).parents[1].glob("files/??/*.mp4")}
    job = await house.studio.stitch(Stitch(asked=house.asked()))
    await house.run(20)
    film = await house.studio.film((await house.job(job.id)).film_id or 0)
    assert film is not None
    assert film.shots == ("a1-1", "a1-2")
    assert abs(film.clip.seconds - 2.0) <= 1 / 24 + 0.001
    assert {path: path.read_bytes() for path in before} == before


async def test_shots_are_joined_in_the_order_they_are_named(house: House) -> None:
    """And as often as they are."""
    await house.shot()
    await go_on(house)
    job = await house.studio.stitch(Stitch(asked=house.asked(), shots=("a1-2", "a1-1", "a1-2")))
    await house.run(20)
    film = await house.studio.film((await house.job(job.id)).film_id or 0)
    assert film is not None
    assert film.shots == ("a1-2", "a1-1", "a1-2")


async def test_delete_removes_the_file_that_nothing_else_refers_to(house: House) -> None:
    """With what was derived from it."""
    await house.shot()
    clip = await clip_of(house, "a1-1")
    thumbnail = await house.studio.download(HOME, "a1-1", "thumbnail")
    assert thumbnail.exists()
    await house.studio.delete(house.asked(ANA), "a1-1")
    assert not house.files.path(clip.file).exists()
    assert not thumbnail.exists()


async def test_delete_keeps_a_file_that_another_shot_shares(house: House) -> None:
    """The same bytes are one file; it goes with the last one who refers to it."""
    for _ in range(2):
        await house.studio.create(Create(asked=house.asked(), prompt="a lamp", options=ShotOptions(seed=5)))
    await house.run(20)
    first, second = await clip_of(house, "a1-1"), await clip_of(house, "b1-1")
    assert first.file == second.file
    await house.studio.delete(house.asked(ANA), "a1-1")
    assert house.files.path(second.file).exists()
    await house.studio.delete(house.asked(ANA), "b1-1")
    assert not house.files.path(second.file).exists()


async def test_a_film_outlives_its_shots(house: House) -> None:
    """And is deleted by itself."""
    await house.shot()
    await house.say("/stitch")
    await house.run(20)
    await house.studio.delete(house.asked(ANA), "a1-1")
    film = await house.studio.show(HOME, "a1-f1")
    assert isinstance(film, Film)
    path = await house.studio.download(HOME, "a1-f1")
    assert path.exists()
    await house.studio.delete(house.asked(OPERATOR), "a1-f1")
    assert not path.exists()


async def test_the_canon_steps_back_when_its_tip_is_deleted(house: House) -> None:
    """To the nearest shot before it that has a clip; a deleted one in the middle is left out of the film."""
    await house.shot()
    await go_on(house)
    await go_on(house)
    await house.studio.delete(house.asked(OPERATOR), "a1-2")
    job = await house.studio.stitch(Stitch(asked=house.asked()))
    assert len(job.plan) == 2
    await house.run(20)
    await house.studio.delete(house.asked(OPERATOR), "a1-3")
    view = await house.studio.story(HOME)
    assert view is not None
    assert [each.shot.code for each in view.shots if each.on_canon] == ["a1-1"]


async def test_a_failed_shot_that_is_retaken_is_on_the_canon_again(house: House) -> None:
    """As if it had never failed."""
    await house.shot()
    house.provider.fetched_bytes = b"junk"
    await go_on(house)
    with pytest.raises(NothingToContinue):
        await house.studio.continue_story(Continue(asked=house.asked(), prompt="on", shot="a1-2"))
    house.provider.fetched_bytes = None
    await house.say("/retake a1-2")
    await house.run(20)
    view = await house.studio.story(HOME)
    assert view is not None
    assert [shot.code for shot in line_to(view.story.tip_id, {each.shot.id: each.shot for each in view.shots})] == [
        "a1-1",
        "a1-2",
    ]


async def test_a_disk_that_is_nearly_full_starts_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence, and no row."""

    async def little() -> int:
        return 5_000_000

    monkeypatch.setattr(house.files, "free_bytes", little)
    with pytest.raises(DiskFull, match="5 MB left"):
        await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    assert await house.studio.stories(HOME) == ()


async def test_history_comes_in_pages_newest_first(house: House) -> None:
    """Of a place or of a person."""
    await house.shot()
    for _ in range(3):
        await go_on(house)
    page = await house.studio.history(HOME, None, limit=3)
    assert [item.shot_code for item in page.items] == ["a1-4", "a1-3", "a1-2"]
    rest = await house.studio.history(HOME, None, before=page.next_before, limit=3)
    assert ([item.shot_code for item in rest.items], rest.next_before) == (["a1-1"], None)
    mine = await house.studio.history(None, BEN.key)
    assert [item.shot_code for item in mine.items] == ["a1-4", "a1-3", "a1-2"]


@pytest.mark.parametrize("before", [10**30, 2**63])
async def test_a_page_before_any_number_is_the_newest_one(house: House, before: int) -> None:
    """However large it is, and nothing is before a number below every id."""
    await house.shot()
    page = await house.studio.history(HOME, None, before=before)
    assert [item.shot_code for item in page.items] == ["a1-1"]
    assert (await house.studio.history(HOME, None, before=-before)).items == ()


@pytest.mark.parametrize(("code", "cure"), [("a1-1", "/retake a1-1"), ("a1-f1", "/stitch makes")])
async def test_a_damaged_clip_is_never_handed_out(house: House, code: str, cure: str) -> None:
    """A cut or empty file is told with the way out, not given as if it were the clip."""
    await house.shot()
    await house.studio.stitch(Stitch(asked=house.asked()))
    await house.run(20)
    path = await house.studio.download(HOME, code)
    for rest in (path.read_bytes()[:100], b""):
        path.write_bytes(rest)
        with pytest.raises(BadMedia, match=f"{code} is damaged .*; {cure}"):
            await house.studio.download(HOME, code)


@pytest.mark.parametrize(
    ("variant", "starts"),
    [("video", b"\0\0\0"), ("thumbnail", b"\xff\xd8"), ("spritesheet", b"\xff\xd8"), ("last-frame", b"\x89PNG")],
)
async def test_every_variant_can_be_downloaded(house: House, variant: str, starts: bytes) -> None:
    """And is a file of its kind."""
    await house.shot()
    path = await house.studio.download(HOME, "a1-1", variant)
    assert path.read_bytes().startswith(starts)


async def test_finished_waits_for_the_end_of_a_job(house: House) -> None:
    """However it ends."""
    import asyncio

    job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    waiting = asyncio.create_task(house.studio.finished(job.id))
    await house.run(20)
    assert (await asyncio.wait_for(waiting, 5)).state in {JobState.READY, JobState.DELIVERED}
    with pytest.raises(NotFound):
        await house.studio.finished(999)


async def test_a_picture_that_two_ask_for_at_once_is_made_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one waits for the first."""
    import asyncio

    from engine import derive, media

    made = []

    async def thumbnail(clip: Path, jpg: Path) -> None:
        made.append(jpg)
        await media.thumbnail(clip, jpg)

    await house.shot()
    monkeypatch.setitem(derive._MAKERS, "thumbnail", ("another.jpg", thumbnail))
    await asyncio.gather(*(house.studio.download(HOME, "a1-1", "thumbnail") for _ in range(5)))
    assert len(made) == 1
