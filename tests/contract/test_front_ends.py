"""The same dialogues over every front end, each through its real wire: only the provider is told what to do.

Longer than other files, so that all that every front end has to do can be read in one place.
"""

from __future__ import annotations

import asyncio
import io
import re
import shutil
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image

from bot.fitting import Fitting
from bot.house import open_house
from bot.message import Limits, Reply, Video
from bot.settings import Settings
from engine.abilities import Pace
from engine.derive import LAST_FRAME, still
from engine.errors import Misunderstood, Refused, Unconfirmed
from engine.providers.base import Order
from tests.contract.chat import ADA, ANA, BEN, CAL, Answer, Chat, Message, wait_for
from tests.contract.front_ends import FRONT_ENDS, WITH_OTHERS
from tests.fakes.provider import ScriptedProvider
from tests.media.makers import Recipe, make

FIVE = ("Continue", "Retake", "Stitch", "Download", "Delete")
FOUR = ("Continue", "Stitch", "Download", "Delete")
LAMP = "“a lamp”"
RED, BLUE = (220, 20, 20), (20, 20, 220)
LARGE = Limits(upload_bytes=2_000_000_000, text_chars=4096, edit_every_s=1, wants_sound=True, wants_posters=True)


# --- what is the same for all ----------------------------------------------------------------------------------------


def clip_of(directory: Path, start: int) -> bytes:
    """A second of a scene with sound."""
    path = directory / f"from-{start}.mp4"
    return make(path, Recipe(width=64, height=36, start=start, audio_s=1.0)).read_bytes()


@pytest.fixture
async def seed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with tables and with one clip that is measured and has its pictures; made once."""
    directory = tmp_path_factory.getbasetemp() / "front-ends"
    if directory.exists():
        return directory
    half = directory.with_name("front-ends-half")
    settings = Settings.model_validate({"data_dir": half})
    async with open_house(settings, at_work=False, makers={"scripted": lambda _: ScriptedProvider()}) as house:
        raw = half / "work" / "clip.mp4"
        await asyncio.to_thread(raw.write_bytes, clip_of(half, 0))
        key = await house.files.adopt(raw)
        path = house.files.path(key)
        video = Video(path=path, name="a.mp4", seconds=1.0, width=64, height=36, bytes=path.stat().st_size, file=key)
        await Fitting(house.files).fit(Reply(text="", video=video), LARGE)
        await still(house.files, key, LAST_FRAME)
    return half.rename(directory)


@pytest.fixture
def provider(seed: Path) -> ScriptedProvider:
    """Its renders are done at the first look, and all give the clip of the seed."""
    (clip,) = (seed / "files").glob("??/*.mp4")
    pace = Pace(first_s=0.02, every_s=0.02, give_up_s=60, in_flight=4)
    return ScriptedProvider(pace=pace, finishes_at_check=1, fetched_bytes=clip.read_bytes())


@pytest.fixture(params=FRONT_ENDS)
async def chat(
    request: pytest.FixtureRequest, tmp_path: Path, seed: Path, provider: ScriptedProvider
) -> AsyncIterator[Chat]:
    """A place where the bot listens. At the end no job has told its result twice."""
    directory = tmp_path / "data"
    await asyncio.to_thread(shutil.copytree, seed, directory)
    async with FRONT_ENDS[request.param](directory, provider) as opened:
        yield opened
    results = Counter(each.text for each in opened.messages() if each.has_video and "seed " not in each.text)
    assert set(results.values()) <= {1}, results


async def clip(chat: Chat, headline: str) -> Message:
    """The result that begins with this line."""
    return await wait_for(
        chat,
        lambda each: each.has_video and each.text.partition("\n")[0] == headline and "seed " not in each.text,
        f"clip {headline!r}",
    )


async def said(chat: Chat, pattern: str) -> Message:
    """The first message that matches."""
    return await wait_for(chat, lambda each: re.search(pattern, each.text, re.DOTALL) is not None, f"word {pattern!r}")


async def ask(chat: Chat, text: str, pattern: str, person: str = ANA) -> Message:
    """Say it, and find the pattern in the answer."""
    answer = await chat.answer(await chat.say(person, text))
    assert re.search(pattern, answer.text, re.DOTALL), f"{text!r} was answered: {answer.text!r}"
    return answer


def orders(provider: ScriptedProvider) -> list[Order]:
    """What it was asked for, oldest first."""
    return [render.order for render in provider.renders.values()]


def still_of(colour: tuple[int, int, int]) -> bytes:
    """A JPEG of one colour."""
    written = io.BytesIO()
    Image.new("RGB", (128, 72), colour).save(written, "JPEG", quality=95)
    return written.getvalue()


def colour_of(picture: Path | None) -> str:
    """`red` or `blue`, by what is the most in its middle."""
    assert picture is not None
    with Image.open(picture) as opened:
        red, _, blue = opened.convert("RGB").resize((1, 1)).getpixel((0, 0))  # type: ignore[misc]  # RGB gives three
    return "red" if red > blue else "blue"


# --- making ----------------------------------------------------------------------------------------------------------


async def test_a_film_is_told_shot_by_shot(chat: Chat, provider: ScriptedProvider) -> None:
    """Created, continued in three ways, branched, retaken, chosen, stitched; each once as a status and once as a video."""
    ana, ben = chat.name(ANA), chat.name(BEN)
    provider.gate = asyncio.Event()
    await chat.say(ANA, "/create a lamp")
    status = await said(chat, rf"^a1-1 · by {ana}\n{LAMP}\nstarting$")
    assert status.buttons == ("Cancel",)
    provider.gate.set()
    first = await clip(chat, f"a1-1 · by {ana}")
    assert first.buttons == FIVE
    assert re.fullmatch(rf"a1-1 · by {ana}\n{LAMP}\n1\.0 s · 64x36 · 0\.\d MB", first.text)
    ended = await wait_for(chat, lambda each: each.id == status.id and "\ndone in " in each.text, "last word")
    assert (ended.buttons, ended.has_video) == ((), False)

    await chat.say(BEN, "/continue a boat answers")
    await said(chat, rf"^a1-2 · by {ben}\n")
    assert await chat.press(BEN, first, "Continue", "the keeper sleeps") == Answer(None)
    second = await clip(chat, f"a1-2 · by {ben}")
    branch = await clip(chat, f"a1-3 · by {ben}")
    await chat.press(BEN, branch, "Retake")
    await chat.say(ANA, "a storm comes", reply_to=second)
    await clip(chat, f"a1-4 · by {ana}")
    await clip(chat, f"a1-3 · by {ben} · take 2")
    told = [(order.prompt, order.first_frame is not None) for order in orders(provider)]
    assert sorted(told) == [
        ("a boat answers", True),
        ("a lamp", False),
        ("a storm comes", True),
        ("the keeper sleeps", True),
        ("the keeper sleeps", True),
    ]
    await ask(chat, "/story", r"^a1 · .*● a1-1.*● a1-2.*● a1-4.*○ a1-3")

    shown = await ask(chat, "/show a1-3", r"^a1-3 · .*continues a1-1\n.*a branch.*take 2 \(chosen\)")
    assert (shown.has_video, shown.buttons) == (True, ("Use in film", *FIVE))
    await chat.press(ANA, shown, "Use in film")
    await said(chat, r"^The film follows a1-3 now\.$")
    await chat.say(BEN, "/stitch")
    film = await clip(chat, "a1-f1 · 2 shots of a1")
    assert film.buttons == ("Download", "GIF", "WebM", "Delete")
    for label, name, begins in (("Download", "a1-f1.mp4", b"ftyp"), ("GIF", "a1-f1.gif", b"GIF89a")):
        given, content = await chat.download(ANA, film, label)
        assert (given, begins in content[:8]) == (name, True)
    await ask(chat, "/history", r"^a1-\d .*\na1-\d .*\na1-\d .*\na1-1 ")
    await ask(chat, "/story", r"● a1-1.*● a1-3.*a1-f1 · film of 2 shots")
    assert len(provider.renders) == 5


BEFORE_ANYTHING = (
    ("/continue a boat", r"^There is no clip here yet; begin a story with /create"),
    ("/stitch", r"^There is no clip here yet"),
    ("/retake", r"^There is no clip here yet"),
    ("/story", r"^Tell a film together"),
    ("/stories", r"^No story yet"),
    ("/history", r"^No clips yet"),
    ("/cancel", r"^Nothing of yours is running here\.$"),
    ("/models", r"^scripted one · 0\.5 to 10 s · free"),
    ("/help", r"/create .*\n/continue .*\n/add .*\n/stitch "),
)
BAD_INPUT = (
    ("/create", r"^Say what the shot shows, for example: /create"),
    (
        "/create a lamp --seconds 99",
        r"^A shot of 99 s is not possible with scripted one; choose 0\.5 to 10 seconds\. The nearest is 10 s\.$",
    ),
    (
        "/create a lamp --ratio 4:3",
        r"^scripted one cannot do the ratio 4:3; choose one of: 16:9, 9:16\. The nearest is 16:9\.$",
    ),
    ("/create a lamp --colour red", r"^/create has no option --colour"),
    ("/add", r"^There is no video: send one with /add below it"),
    ("/show z9-9", r"^There is no shot z9-9 here"),
    ("/story z9", r"^There is no story “z9” here"),
    ("/delete nonsense", r"^“nonsense” is no story, shot or film\."),
    ("/choose a1-1 7", r"^There is no shot a1-1 here"),
)


async def test_everything_is_answered_before_there_is_a_story(chat: Chat, provider: ScriptedProvider) -> None:
    """What can be looked at, what cannot be done yet, and what is wrong: a sentence each, and nothing is rendered."""
    for text, pattern in (*BEFORE_ANYTHING, *BAD_INPUT):
        if chat.takes(text):
            await ask(chat, text, pattern)
    assert provider.submits == 0


async def test_the_example_renders_as_the_place_wants_it(chat: Chat, provider: ScriptedProvider) -> None:
    """/settings is changed by a button, and the button of /start makes a story with it; then there is something to look at."""
    settings = await ask(chat, "/settings", r"^A new story here: 1 s · 16:9 .*nothing is chosen here", ADA)
    assert settings.buttons == ("16:9", "9:16")
    assert await chat.press(ADA, settings, "9:16") == Answer(None)
    await said(chat, r"^A new story here: 1 s · 9:16 .*chosen here: ratio 9:16")
    start = await ask(chat, "/start", r"^Tell a film together.*/create a lighthouse keeper lights the lamp")
    assert await chat.press(ANA, start, "Try it") == Answer(None)
    await clip(chat, f"a1-1 · by {chat.name(ANA)}")
    (order,) = orders(provider)
    assert (order.prompt, order.ratio) == ("a lighthouse keeper lights the lamp", "9:16")
    for text, pattern in (
        ("/stories", r"^a1 · “a lighthouse keeper lights the lamp” · by Ana \(current\)"),
        ("/history mine", r"^a1-1 · Ana · a lighthouse keeper"),
        ("/choose a1-1 7", r"^a1-1 has no take 7; /show a1-1 lists its takes\.$"),
        ("/choose a1-1 1", r"^a1-1 is take 1 now\.$"),
        ("/story a1", r"^The story is a1 now\."),
        ("/settings --ratio default", r"^A new story here: 1 s · 16:9 .*nothing is chosen here"),
    ):
        await ask(chat, text, pattern, ADA if text.startswith("/settings") else ANA)
    assert (await chat.answer_elsewhere("/story a1")).startswith("There is no story “a1” here")


async def test_pictures_begin_and_end_a_shot(chat: Chat, provider: ScriptedProvider) -> None:
    """With /create a picture is the first frame; under a clip it is the last one, and the clip gives the first."""
    await chat.say(ANA, "/create a red room", picture=still_of(RED))
    room = await clip(chat, f"a1-1 · by {chat.name(ANA)}")
    await chat.say(BEN, "it turns blue", reply_to=room, picture=still_of(BLUE))
    await clip(chat, f"a1-2 · by {chat.name(BEN)}")
    first, second = orders(provider)
    assert (colour_of(first.first_frame), first.last_frame) == ("red", None)
    assert (second.prompt, colour_of(second.last_frame)) == ("it turns blue", "blue")
    assert second.first_frame is not None


async def test_videos_become_shots(chat: Chat, provider: ScriptedProvider, tmp_path: Path) -> None:
    """One is added, one is continued at once, and the film has all three."""
    ana = chat.name(ANA)
    harbour = await chat.say(ANA, "/add the harbour", video=clip_of(tmp_path, 30))
    added = await chat.answer(harbour)
    assert re.match(rf"a1-1 · given by {ana}\n“the harbour”\n1\.0 s · 64x36 .*\nbegins the story\n", added.text)
    assert added.buttons == FOUR
    await chat.say(BEN, "/continue gulls fly", video=clip_of(tmp_path, 60))
    await clip(chat, f"a1-3 · by {chat.name(BEN)}")
    await ask(chat, "/story", rf"● a1-1 {ana}: the harbour.*● a1-2 .*: a video by .*● a1-3 .*: gulls fly")
    await chat.say(ANA, "/stitch")
    film = await clip(chat, "a1-f1 · 3 shots of a1")
    assert re.search(r"\n[23]\.\d s · 64x36", film.text)
    assert [order.prompt for order in orders(provider)] == ["gulls fly"]


async def test_a_prompt_of_any_script_and_markup_arrives_whole(chat: Chat, provider: ScriptedProvider) -> None:
    """4,000 characters reach the provider as they were written; what is shown is their beginning, as plain text."""
    piece = (
        "<b>bold</b> *star* _under_ `code` [link](tg://user?id=1) &amp; @everyone \\n מגדלור منارة 灯塔 маяк 👩‍👩‍👧 é "
    )
    prompt = (piece * 50)[:4_000]
    assert prompt == prompt.strip()
    await chat.say(ANA, f"/create {prompt}")
    shown = await clip(chat, f"a1-1 · by {chat.name(ANA)}")
    assert [order.prompt for order in orders(provider)] == [prompt]
    assert shown.text.split("\n")[1] == f"“{prompt[:279].rstrip()}…”"
    assert shown.markup == ()
    if chat.takes(f"/create {(prompt * 2)[:4_010]}"):
        await ask(chat, f"/create {(prompt * 2)[:4_010]}", r"^The prompt has 4,010 characters and at most 4,000 fit")


# --- steering --------------------------------------------------------------------------------------------------------


async def test_a_render_is_cancelled_and_a_clip_deleted(chat: Chat, provider: ScriptedProvider) -> None:
    """By the button of the status message while it renders; by the button of the clip when it is there."""
    ana = chat.name(ANA)
    provider.finishes_at_check = 10_000
    await chat.say(ANA, "/create a lamp")
    status = await said(chat, rf"^a1-1 · by {ana}\n{LAMP}\nrendering")
    assert await chat.press(ANA, status, "Cancel") == Answer(None)
    ended = await said(chat, rf"^a1-1 · by {ana}\ncancelled$")
    assert (ended.id, ended.buttons) == (status.id, ())
    assert provider.renders["task-1"].is_cancelled

    provider.finishes_at_check = 1
    await chat.say(ANA, "/create a fox")
    fox = await clip(chat, f"b1-1 · by {ana}")
    assert await chat.press(ANA, fox, "Delete") == Answer(None)
    await said(chat, r"^b1-1 was deleted\.$")
    await ask(chat, "/show b1-1", r"^b1-1 was deleted; /story lists")
    refused = await chat.press(ANA, fox, "Continue", "a boat")
    heard = refused.alert or chat.messages()[-1].text
    assert heard.startswith("b1-1 was deleted")
    assert len(provider.renders) == 2


@pytest.mark.parametrize("chat", WITH_OTHERS, indirect=True)
async def test_what_others_made_is_theirs_and_the_directors(chat: Chat, provider: ScriptedProvider) -> None:
    """A stranger is refused, and alone hears why; the story's director may delete what somebody added to it."""
    await chat.say(ANA, "/create a lamp")
    await clip(chat, "a1-1 · by Ana")
    provider.finishes_at_check = 10_000
    await chat.say(BEN, "/continue a boat")
    status = await said(chat, r"^a1-2 · by Ben\n“a boat”\nrendering")
    refusal = Answer("a1-2 belongs to Ben or Ana; only they can do that.")
    assert await chat.press(CAL, status, "Cancel") == refusal
    provider.finishes_at_check = 1
    boat = await clip(chat, "a1-2 · by Ben")
    assert await chat.press(CAL, boat, "Delete") == refusal
    await ask(chat, "/show a1-2", "^a1-2 · by Ben")
    assert await chat.press(ANA, boat, "Delete") == Answer(None)
    await said(chat, r"^a1-2 was deleted\.$")


# --- when it goes wrong ----------------------------------------------------------------------------------------------


async def test_a_failure_says_what_it_cost_and_is_tried_again(chat: Chat, provider: ScriptedProvider) -> None:
    """Refused before it was taken: nothing was charged. Broken while it rendered: nobody may believe that."""
    ana = chat.name(ANA)
    provider.submit_errors.append(Refused("The service does not draw lamps.", provider="scripted"))
    await chat.say(ANA, "/create a lamp")
    refused = await said(chat, rf"^a1-1 · by {ana}\nThe service does not draw lamps\. Nothing was charged\.$")
    assert refused.buttons == ("Try again",)
    provider.check_answers.append(Misunderstood("The service said something else.", provider="scripted"))
    assert await chat.press(ANA, refused, "Try again") == Answer(None)
    broken = await said(chat, rf"^a1-1 · by {ana}.*\nThe service said something else\. It may have been charged\.$")
    assert await chat.press(ANA, broken, "Try again") == Answer(None)
    await wait_for(chat, lambda each: each.has_video, "clip after all")
    assert provider.submits == 3


async def test_a_render_whose_answer_was_lost_is_asked_about(chat: Chat, provider: ScriptedProvider) -> None:
    """It is never sent again by itself: one button does that, the other one leaves it."""
    ana = chat.name(ANA)
    buttons = ("Send again (may cost twice)", "Leave it")
    provider.lose_answers += [Unconfirmed("The answer was lost."), Unconfirmed("The answer was lost.")]
    await chat.say(ANA, "/create a lamp")
    lamp = await said(
        chat, rf"^a1-1 · by {ana}\nIt is not known whether scripted took the request .*may have been charged"
    )
    assert lamp.buttons == buttons
    assert await chat.press(ANA, lamp, "Leave it") == Answer(None)
    await said(chat, rf"^a1-1 · by {ana}\ncancelled$")

    await chat.say(ANA, "/create a fox")
    fox = await said(chat, rf"^b1-1 · by {ana}\nIt is not known whether")
    assert fox.buttons == buttons
    assert provider.submits == 2
    assert await chat.press(ANA, fox, "Send again (may cost twice)") == Answer(None)
    await clip(chat, f"b1-1 · by {ana}")
    ended = await said(chat, rf"^b1-1 · by {ana}\n“a fox”\ndone in ")
    assert ended.buttons == ()
    assert provider.submits == 3


async def test_an_update_counts_once_and_its_buttons_outlive_a_restart(chat: Chat, provider: ScriptedProvider) -> None:
    """The same message twice is one job; a clip of before the restart is continued and retaken after it, and each has one video."""
    ana = chat.name(ANA)
    await chat.say_twice(ANA, "/create a lamp")
    lamp = await clip(chat, f"a1-1 · by {ana}")
    assert len(provider.renders) == 1
    await chat.restart()
    assert await chat.press(BEN, lamp, "Continue", "a boat answers") == Answer(None)
    boat = await clip(chat, f"a1-2 · by {chat.name(BEN)}")
    assert (await chat.download(BEN, boat))[1] == provider.fetched_bytes
    assert await chat.press(ANA, lamp, "Retake") == Answer(None)
    await clip(chat, f"a1-1 · by {ana} · take 2")
    assert [order.prompt for order in orders(provider)] == ["a lamp", "a boat answers", "a lamp"]
    assert len([each for each in chat.messages() if each.has_video]) == 3
