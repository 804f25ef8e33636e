"""Videos and pictures that come with a message, or with the message that it answers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from bot.message import Reply
from bot.texts import code_of
from engine.model import FileKey
from engine.views import ShotView
from tests.fakes.provider import write_clip
from tests.house import ANA, BEN, HOME, House
from tests.media.makers import Recipe, make


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "given.mp4"
    write_clip(path, seconds=1, colour=9, size=(128, 72))
    return path


@pytest.fixture
def pictures(tmp_path: Path) -> tuple[Path, Path]:
    paths = tmp_path / "red.jpg", tmp_path / "blue.jpg"
    for path, colour in zip(paths, ("red", "blue"), strict=True):
        Image.new("RGB", (128, 72), colour).save(path)
    return paths


def text_of(reply: Reply | None) -> str:
    assert reply is not None
    return reply.text


async def canon(house: House) -> list[str]:
    """`a1-1 given` or `a1-2 a boat`, along the film."""
    view = await house.studio.story(HOME)
    shots = view.shots if view else ()
    return [
        f"{each.shot.code} {each.shot.prompt if each.shot.provider else 'given'}" for each in shots if each.on_canon
    ]


async def test_an_hdr_video_is_added_with_a_word_on_its_colours(house: House, tmp_path: Path) -> None:
    """Said once, when it comes; whoever looks at the shot later reads of the shot."""
    path = make(
        tmp_path / "hdr.mp4",
        Recipe(
            codec="libx265",
            frames=6,
            width=64,
            height=64,
            pixels="yuv420p10le",
            matrix=9,
            transfer=18,
            options={"preset": "ultrafast", "x265-params": "log-level=none"},
        ),
    )
    told = text_of(await house.say("/add", videos=(path,)))
    assert "\nIt is HDR (HLG): it is continued and joined in ordinary (SDR) colours.\nWhat happens" in told
    assert "HDR" not in text_of(await house.say("/show a1-1"))


async def test_a_video_is_added_and_the_answer_to_its_message_goes_on(house: House, video: Path) -> None:
    """With the words that came with it; the answer asks what happens next."""
    await house.shot()
    reply = await house.say("/add a fox runs", BEN, videos=(video,))
    assert reply is not None
    assert re.fullmatch(
        r"a1-2 · given by Ben\n“a fox runs”\n1\.0 s · 128x72 · 0\.0 MB\ncontinues a1-1\nWhat happens after a1-2\?",
        reply.text,
    )
    assert [button.verb for button in reply.buttons] == ["continue", "stitch", "download", "delete"]
    assert await canon(house) == ["a1-1 a lamp", "a1-2 given"]


async def test_a_video_after_an_inner_shot_is_a_branch(house: House, video: Path) -> None:
    """And can be taken into the film."""
    await house.shot()
    await house.say("/continue a boat")
    await house.run(10)
    reply = await house.say("/add a1-1", videos=(video,))
    assert reply is not None
    assert "continues a1-1, a branch: /choose a1-3 lets the film follow it" in reply.text
    assert reply.buttons[0].data == "choose:a1-3"
    await house.press("choose", "a1-3")
    assert await canon(house) == ["a1-1 a lamp", "a1-3 given"]


async def test_the_same_video_again_is_the_same_shot(house: House, video: Path) -> None:
    """By another person and in another message."""
    first = await house.say("/add", videos=(video,))
    assert text_of(first).startswith("a1-1 · given by Ana\n“a video by Ana”")
    assert text_of(await house.say("/add another one", BEN, videos=(video,))) == text_of(first)


async def test_create_with_a_video_begins_a_story_with_it(house: House, video: Path) -> None:
    """What is said is the shot that continues from it; nothing said begins the story alone."""
    await house.shot()
    assert await house.say("/create a boat --style ink", BEN, videos=(video,)) is None
    await house.run(10)
    assert await canon(house) == ["b1-1 given", "b1-2 a boat"]
    assert house.chat.seen[-1].startswith("b1-2 · by Ben\n“a boat”")
    order = house.provider.renders["task-2"].order
    assert order.style == "ink"
    assert order.first_frame is not None
    assert text_of(await house.say("/create", videos=(video,))).startswith("c1-1 · given by Ana")


async def test_continue_with_a_video_goes_on_from_it(house: House, video: Path) -> None:
    """Added after the tip, or found where it is already."""
    await house.shot()
    assert await house.say("/continue a boat", videos=(video,)) is None
    await house.run(10)
    assert await canon(house) == ["a1-1 a lamp", "a1-2 given", "a1-3 a boat"]
    assert await house.say("/continue a storm", BEN, videos=(video,)) is None
    await house.run(10)
    seen = await house.studio.show(HOME, "a1-4")
    assert isinstance(seen, ShotView)
    assert (seen.parent_code, seen.on_canon) == ("a1-2", False)


async def test_a_video_in_answer_to_a_clip_of_ours_follows_that_clip(house: House, video: Path) -> None:
    """The message that is answered names the shot, with and without a command."""
    await house.shot()
    await house.shot("a fox")
    first = house.chat.videos[0].receipt
    assert await house.say("a boat", BEN, reply_to=first, videos=(video,)) is None
    await house.run(10)
    seen = await house.studio.show(HOME, "a1-3")
    assert isinstance(seen, ShotView)
    assert (seen.parent_code, seen.shot.prompt) == ("a1-2", "a boat")


async def test_stitch_with_a_video_joins_it_too(house: House, video: Path) -> None:
    """At the end of the canon."""
    await house.shot()
    assert await house.say("/stitch", videos=(video,)) is None
    await house.run(20)
    assert house.chat.seen[-1].startswith("a1-f1 · 2 shots of a1")
    assert text_of(await house.say("/stitch a1-1", videos=(video,))).startswith(
        "With a video /stitch joins the whole story"
    )


async def test_only_commands_take_somebody_s_video(house: House, video: Path) -> None:
    """People answer each other's videos without us; with a command it is ours to take."""
    for said in ("what a nice one", "", "a boat answers"):
        assert await house.say(said, reply_to="local:999", videos=(video,)) is None
    assert await house.say("look at this", videos=(video,)) is None
    assert await house.studio.stories(HOME) == ()
    assert text_of(await house.say("/add", BEN, reply_to="local:999", videos=(video,))).startswith(
        "a1-1 · given by Ben"
    )


async def test_two_videos_are_one_too_many(house: House, video: Path, tmp_path: Path) -> None:
    """Told before anything is kept."""
    assert text_of(await house.say("/add", videos=(video, video))) == (
        "Send one video at a time with /add; the others can follow with /add."
    )
    assert list((tmp_path / "files" / "files").glob("??/*")) == []


async def test_what_we_say_of_a_shot_begins_with_it(house: House, video: Path) -> None:
    """So that an answer to it is understood also where no job is noted for it; a list of clips is about none of them."""
    await house.say("/create a lamp", BEN)
    await house.run(10)
    for said in house.chat.seen:
        assert code_of(said) == "a1-1"
    for said in ("/show a1-1", "/download a1-1", "/download a1-1 thumbnail"):
        assert code_of(text_of(await house.say(said))) == "a1-1"
    assert code_of(text_of(await house.say("/add", videos=(video,)))) == "a1-2"
    for said in ("/history", "/story", "/stories", "/help", "/delete a1-1"):
        assert code_of(text_of(await house.say(said, BEN))) is None


@pytest.mark.parametrize("said", ["/add", "/create a lamp", "/continue a boat", "/stitch"])
async def test_a_file_that_is_no_video_is_one_sentence(house: House, tmp_path: Path, said: str) -> None:
    """Whatever it calls itself."""
    path = tmp_path / "bad.mp4"
    path.write_bytes(b"no video at all")
    reply = await house.say(said, videos=(path,))
    assert text_of(reply) == "The file is not a video that can be read, or it is cut off; send another one."
    assert await house.studio.stories(HOME) == ()


async def test_a_bad_picture_beside_a_video_keeps_nothing(house: House, tmp_path: Path, video: Path) -> None:
    """The video is let go, and can be swept."""
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture")
    assert (await house.say("/continue a boat", videos=(video,), pictures=(bad,))) is not None
    (kept,) = (tmp_path / "files" / "files").glob("??/*")
    assert await house.files.delete(kept.name)  # type: ignore[arg-type]  # a key by its name


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("/continue", "Say what the shot shows"),
        ("/create --seconds 2", "Say what the shot shows"),
        ("/create a lamp --seconds 99", "A shot of 99 s is not possible"),
        ("/continue z9-9 a boat", "There is no shot z9-9 here"),
        ("/add z9-9", "There is no shot z9-9 here"),
        ("/add " + "x" * 4_001, "The prompt has 4,001 characters"),
    ],
)
async def test_a_refused_command_adds_no_video(house: House, video: Path, said: str, sentence: str) -> None:
    """The whole message is done, or nothing of it."""
    assert text_of(await house.say(said, videos=(video,))).startswith(sentence)
    assert await house.studio.stories(HOME) == ()


async def test_a_given_shot_says_who_gave_it_and_has_no_retake(house: House, video: Path) -> None:
    """No provider, no model, no seed."""
    await house.say("/add a fox", videos=(video,))
    shown = await house.say("/show a1-1")
    assert text_of(shown) == "a1-1 · given by Ana\n“a fox”\nbegins the story\n1.0 s · 128x72 · 0.0 MB"
    assert shown is not None
    assert shown.video is not None
    assert "retake" not in [button.verb for button in shown.buttons]
    assert text_of(await house.say("/retake a1-1")).startswith("a1-1 is a video that Ana gave")
    assert "● a1-1 Ana: a fox (1.0 s)" in text_of(await house.say("/story"))
    assert text_of(await house.say("/history")).startswith("a1-1 · Ana · a fox · 1.0 s")


async def test_pictures_with_create_begin_and_end_the_shot(house: House, pictures: tuple[Path, Path]) -> None:
    """One is its first frame, two are its first and its last."""
    await house.say("/create a lamp", pictures=pictures[:1])
    await house.say("/create a fox", pictures=pictures)
    await house.run(10)
    orders = {render.order.prompt: render.order for render in house.provider.renders.values()}
    assert _colour(orders["a lamp"].first_frame) == "red"
    assert orders["a lamp"].last_frame is None
    assert (_colour(orders["a fox"].first_frame), _colour(orders["a fox"].last_frame)) == ("red", "blue")


async def test_a_picture_in_answer_to_a_clip_is_the_last_frame(house: House, pictures: tuple[Path, Path]) -> None:
    """The first one is the clip's own last frame."""
    await house.shot()
    assert await house.say("a boat", BEN, reply_to=house.chat.videos[0].receipt, pictures=pictures[:1]) is None
    await house.run(10)
    order = house.provider.renders["task-2"].order
    assert _colour(order.last_frame) == "red"
    assert order.first_frame is not None
    assert order.first_frame.name == "last-frame.png"
    said = await house.say("", ANA, reply_to=house.chat.videos[0].receipt, pictures=pictures[:1])
    assert text_of(said).startswith("Say what the shot shows")


@pytest.mark.parametrize(
    ("said", "with_video", "kept_pictures"),
    [
        ("/create a lamp", False, 2),
        ("/create a boat", True, 1),
        ("/continue a boat", False, 1),
        ("/continue a boat", True, 1),
        ("/continue z9-9 a boat", False, 1),
        ("/add a pier", True, 0),
        ("/stitch", True, 0),
    ],
)
async def test_pictures_that_are_not_used_are_not_kept(
    *,
    house: House,
    tmp_path: Path,
    video: Path,
    pictures: tuple[Path, Path],
    said: str,
    with_video: bool,
    kept_pictures: int,
) -> None:
    """Nor is anything held when the command is done with."""
    await house.shot()
    await house.say(said, pictures=pictures, videos=(video,) if with_video else ())
    kept = [path.name for path in (tmp_path / "files" / "files").glob("??/*")]
    assert len([name for name in kept if name.endswith(".png")]) == kept_pictures
    for name in kept:
        assert await house.files.delete(FileKey(name)), name


def _colour(path: Path | None) -> str:
    assert path is not None
    with Image.open(path) as picture:
        red, _, blue = picture.convert("RGB").getpixel((5, 5))  # type: ignore[misc]  # three of them
    return "red" if red > blue else "blue"
