"""What is said and what is answered: every command, through the dispatch and the delivery that all front ends use."""

from __future__ import annotations

import asyncio
import re

import pytest

from engine.model import Person
from tests.house import ANA, BEN, HOME, OPERATOR, House

GROUP = "local:group"


async def talk(house: House, lines: list[tuple[Person | None, str, str | None]]) -> None:
    """Each row: who speaks (None: the bot, by a message of its own), what is said, what is answered at once.

    An answer is a pattern that has to be found; None: silence.
    """
    shown = 0
    for person, text, answer in lines:
        if person is None:
            await house.run(20)
            fresh = "\n---\n".join(house.chat.seen[shown:])
            assert re.search(text, fresh), f"the bot did not say {text!r}; it said:\n{fresh}"
            shown = len(house.chat.seen)
            continue
        reply = await house.say(text, person)
        if answer is None:
            assert reply is None, f"{text!r} was answered: {reply and reply.text!r}"
        else:
            assert reply is not None, f"{text!r} was not answered"
            assert re.search(answer, reply.text, re.DOTALL), f"{text!r} was answered: {reply.text!r}"


DIALOGUES: dict[str, list[tuple[Person | None, str, str | None]]] = {
    "three shots and a film": [
        (ANA, "/create a lighthouse keeper lights the lamp", None),
        (None, r"a1-1 · by Ana\n“a lighthouse keeper lights the lamp”\n1\.0 s · 64x36", None),
        (BEN, "/continue a boat answers from the fog", None),
        (None, r"a1-2 · by Ben\n“a boat answers from the fog”\n1\.0 s", None),
        (ANA, "/continue the keeper opens the door", None),
        (None, r"a1-3 · by Ana", None),
        (BEN, "/stitch", None),
        (None, r"a1-f1 · 3 shots of a1\n“a lighthouse keeper lights the lamp”", None),
        (ANA, "/story", r"a1 · .*● a1-1 Ana.*● a1-2 Ben.*● a1-3 Ana.*a1-f1 · film of 3 shots"),
    ],
    "a branch is told apart and can be chosen": [
        (ANA, "/create a lamp", None),
        (None, "a1-1", None),
        (ANA, "/continue a boat", None),
        (None, "a1-2", None),
        (BEN, "/continue a1-1 a storm", None),
        (None, "a1-3", None),
        (BEN, "/story", r"● a1-1.*● a1-2.*○ a1-3"),
        (BEN, "/choose a1-3", r"^The film follows a1-3 now\.$"),
        (BEN, "/story", r"● a1-1.*○ a1-2.*● a1-3"),
        (BEN, "/continue a calm", None),
        (None, "a1-4", None),
        (BEN, "/show a1-4", r"a1-4 · by Ben\n“a calm”.*continues a1-3"),
    ],
    "a retake adds a take": [
        (ANA, "/create a lamp --seed 5", None),
        (None, "a1-1", None),
        (BEN, "/retake --seed 9", None),
        (None, r"a1-1 · by Ana · take 2", None),
        (ANA, "/show a1-1", r"take 1: seed 5.*take 2 \(chosen\): seed 9"),
        (ANA, "/choose a1-1 1", r"^a1-1 is take 1 now\.$"),
        (ANA, "/choose a1-1 7", r"^a1-1 has no take 7; /show a1-1 lists its takes\.$"),
    ],
    "nothing is there yet": [
        (ANA, "/continue a boat", r"^There is no clip here yet; begin a story with /create"),
        (ANA, "/stitch", r"^There is no clip here yet"),
        (ANA, "/retake", r"^There is no clip here yet"),
        (ANA, "/story", r"^Tell a film together"),
        (ANA, "/stories", r"^No story yet"),
        (ANA, "/history", r"^No clips yet"),
        (ANA, "/cancel", r"^Nothing of yours is running here\.$"),
    ],
    "bad input is one sentence": [
        (ANA, "/create", r"^Say what the shot shows, for example: /create"),
        (
            ANA,
            "/create " + "x" * 5_000,
            r"^The prompt has 5,000 characters and at most 4,000 fit; shorten it by 1,000\.$",
        ),
        (ANA, "/crate a lamp", r"^There is no command /crate \(did you mean /create\?\)"),
        (
            ANA,
            "/create a lamp --seconds 99",
            r"^A shot of 99 s is not possible with scripted one; choose 0\.5 to 10 seconds\. The nearest is 10 s\.$",
        ),
        (
            ANA,
            "/create a lamp --ratio 4:3",
            r"^scripted one cannot do the ratio 4:3; choose one of: 16:9, 9:16\. The nearest is 16:9\.$",
        ),
        (ANA, "/create a lamp --colour red", r"^/create has no option --colour"),
        (ANA, "/show z9-9", r"^There is no shot z9-9 here"),
        (ANA, "/show a1-f9", r"^There is no film a1-f9 here"),
        (ANA, "/story z9", r"^There is no story “z9” here"),
        (ANA, "/delete nonsense", r"^“nonsense” is no story, shot or film\."),
        (ANA, "/download z9-9 video", r"^There is no shot z9-9 here"),
        (ANA, "/again z9-9", r"^Nothing of z9-9 waits for an answer\.$"),
    ],
    "people talk to each other": [
        (ANA, "hello Ben", None),
        (ANA, "/create@other_bot a lamp", None),
        (ANA, "/help@nextshot_bot", r"/create <what the first shot shows>"),
    ],
    "help, start, models": [
        (ANA, "/help", r"/create .*\n/continue .*\n/stitch "),
        (ANA, "/start", r"/create a lighthouse keeper lights the lamp"),
        (ANA, "/models", r"scripted one · 0\.5 to 10 s · free"),
        (ANA, "/models Scripted blind", r"^scripted blind · 1 to 5 s · free"),
        (ANA, "/models nobody", r"There is no provider “nobody” here; choose one of: scripted\."),
        (ANA, "/models scripted two", r"scripted has no model “two”; choose one of: one, blind\."),
    ],
    "two stories in one place": [
        (ANA, "/create a lamp", None),
        (None, "a1-1", None),
        (ANA, "/create a fox", None),
        (None, "b1-1", None),
        (ANA, "/stories", r"b1 · “a fox” · by Ana \(current\)\na1 · “a lamp” · by Ana\n"),
        (ANA, "/story a1", r"^The story is a1 now\."),
        (ANA, "/continue a boat", None),
        (None, "a1-2", None),
        (ANA, "/history", r"^a1-2 .*\nb1-1 .*\na1-1 "),
        (BEN, "/history mine", r"^No clips yet"),
    ],
    "a place chooses what its stories get": [
        (
            ANA,
            "/settings",
            r"^A new story here: 1 s · 16:9 · 480p · plain · scripted one\nnothing is chosen here, .*/settings --ratio 9:16",
        ),
        (
            BEN,
            "/settings --ratio 9:16 --seconds 2",
            r"^A new story here: 2 s · 9:16 · .*\nchosen here: seconds 2, ratio 9:16\n",
        ),
        (ANA, "/create a lamp", None),
        (None, r"a1-1 · by Ana\n“a lamp”\n2\.0 s · 36x64", None),
        (ANA, "/create a fox --ratio 16:9", None),
        (None, r"b1-1 · by Ana\n“a fox”\n2\.0 s · 64x36", None),
        (ANA, "/settings --style oil", r"^scripted one has no style “oil”; choose one of: plain, ink\.$"),
        (ANA, "/settings --seconds 99", r"^A shot of 99 s is not possible with scripted one"),
        (ANA, "/settings --provider nobody", r"^There is no provider “nobody” here; choose one of: scripted\.$"),
        (ANA, "/settings --colour red", r"^/settings has no option --colour"),
        (ANA, "/settings", r"\nchosen here: seconds 2, ratio 9:16\n"),
        (ANA, "/settings --ratio default", r"\nchosen here: seconds 2\n"),
        (ANA, "/settings --seconds default", r"\nnothing is chosen here"),
    ],
    "what is missing is told": [
        (ANA, "/add", r"^There is no video: send one with /add below it, or answer a message that has one"),
        (ANA, "/add a1-1 a fox", r"^There is no video: "),
        (ANA, "/start job_17", r"/create a lighthouse keeper lights the lamp"),
    ],
    "only one's own is deleted": [
        (ANA, "/create a lamp", None),
        (None, "a1-1", None),
        (BEN, "/delete a1-1", r"^a1-1 belongs to Ana; only they can do that\.$"),
        (ANA, "/delete a1-1", r"^a1-1 was deleted\.$"),
        (ANA, "/show a1-1", r"^a1-1 was deleted; /story lists"),
        (ANA, "/continue a1-1 a boat", r"^a1-1 was deleted"),
        (ANA, "/continue a boat", r"^There is no clip here yet"),
        (ANA, "/history", r"^No clips yet"),
    ],
}


@pytest.mark.parametrize("name", list(DIALOGUES))
async def test_dialogue(house: House, name: str) -> None:
    """The table's rows, in order."""
    await talk(house, DIALOGUES[name])


async def test_one_status_message_is_edited_and_the_video_is_a_new_one(house: House) -> None:
    """Two messages for a shot: the one that counted, and the clip with its buttons."""
    await house.say("/create a lamp")
    await house.run(20)
    status, result = house.chat.messages.values()
    assert status.reply.text == "a1-1 · by Ana\n“a lamp”\ndone in 1 s"
    assert status.edits >= 2
    assert status.reply.buttons == ()
    assert result.reply.video is not None
    assert result.reply.video.path.stat().st_size == result.reply.video.bytes
    assert [button.data for button in result.reply.buttons] == [
        "continue:a1-1",
        "retake:a1-1",
        "stitch:a1",
        "download:a1-1",
        "delete:a1-1",
    ]


async def test_a_reply_to_a_clip_goes_on_from_it(house: House) -> None:
    """No command is needed: the message that is answered names the shot."""
    await house.shot("a lamp")
    await house.shot("a fox")
    first_clip = house.chat.videos[0]
    assert await house.say("a boat answers", BEN, reply_to=first_clip.receipt) is None
    await house.run(20)
    assert house.chat.seen[-1].startswith("a1-2 · by Ben\n“a boat answers”")


@pytest.mark.parametrize(
    ("verb", "target", "text", "shown"),
    [
        ("continue", "a1-1", "a boat", "a1-2 · by Ana"),
        ("retake", "a1-1", "", "a1-1 · by Ana · take 2"),
        ("stitch", "a1", "", "a1-f1 · 1 shot of a1"),
        ("create", "example", "", "b1-1 · by Ana\n“a lighthouse keeper lights the lamp”"),
        ("continue", "A1-1", " a boat ", "a1-2 · by Ana\n“a boat”"),
    ],
)
async def test_a_button_does_what_its_command_does(house: House, verb: str, target: str, text: str, shown: str) -> None:
    """A verb and an id are all that a button carries."""
    await house.shot()
    assert await house.press(verb, target, said=text) is None
    await house.run(20)
    assert house.chat.seen[-1].startswith(shown)


async def test_a_button_of_another_version_explains_itself(house: House) -> None:
    """An old message's button never fails silently."""
    reply = await house.press("explode", "a1-1")
    assert reply is not None
    assert reply.text.startswith("This button is from another version of Nextshot")


@pytest.mark.parametrize("said", ["", "  "])
async def test_continue_without_a_text_asks_for_it(house: House, said: str) -> None:
    """The answer to the question is the press of the same button with a text."""
    await house.shot()
    reply = await house.press("continue", "A1-1", said=said)
    assert reply is not None
    assert reply.text == "What happens after a1-1?"
    assert reply.asks is not None
    assert reply.asks.data == "continue:a1-1"
    assert await house.press(reply.asks.verb, reply.asks.target, said="a boat") is None
    gone = await house.press("continue", "a1-9")
    assert gone is not None
    assert (gone.text, gone.asks) == ("There is no shot a1-9 here; /story lists the shots of this place.", None)


async def test_a_download_is_to_be_kept(house: House) -> None:
    """As a file where the platform tells the two apart, also a picture of it."""
    await house.shot()
    shown, kept, button = await house.say("/show a1-1"), await house.say("/download a1-1"), None
    button = await house.press("download", "a1-1")
    for reply, as_file in ((shown, False), (kept, True), (button, True)):
        assert reply is not None
        assert reply.video is not None
        assert reply.as_file is as_file
        assert house.files.path(reply.video.file) == reply.video.path
    for variant in ("thumbnail", "spritesheet", "last-frame"):
        picture = await house.say(f"/download a1-1 {variant}")
        assert picture is not None
        assert (picture.video, picture.as_file) == (None, True)
        assert picture.picture is not None


async def test_what_one_made_elsewhere_is_not_listed_where_others_read(house: House) -> None:
    """There only what was made there, and a word on where all of it is to be had."""
    await house.shot("a secret")
    await house.say("/create a fox", ANA, GROUP)
    await house.say("/create a lamp", BEN, GROUP)
    await house.run(20)
    alone = await house.say("/history mine", ANA)
    assert alone is not None
    assert re.fullmatch(r"b1-1 · Ana · a fox · .*\na1-1 · Ana · a secret · .*", alone.text)
    shared = await house.say("/history mine", ANA, GROUP, is_shared=True)
    assert shared is not None
    listed, ending = shared.text.splitlines()
    assert listed.startswith("b1-1 · Ana · a fox · ")
    assert ending == (
        "Only clips of this place are shown here; /history mine in a private chat with the bot lists all of yours."
    )
    none = await house.say("/history mine", ANA, "local:empty", is_shared=True)
    assert none is not None
    assert none.text == f"No clips yet. Begin: /create a lighthouse keeper lights the lamp\n{ending}"
    everybody = await house.say("/history", ANA, GROUP, is_shared=True)
    assert everybody is not None
    assert len(everybody.text.splitlines()) == 2


async def test_what_is_one_s_own_is_had_from_anywhere(house: House) -> None:
    """By its author and by the story's director, to look at and to keep; a stranger reads that nothing is there."""
    await house.shot()
    await house.say("/continue a boat", BEN)
    await house.run(10)
    await house.say("/stitch", BEN)
    await house.run(10)
    away, stranger = "local:elsewhere", Person("local:eve", "Eve")
    for person, code in ((ANA, "a1-1"), (BEN, "a1-2"), (ANA, "a1-2"), (BEN, "a1-f1"), (ANA, "a1-f1")):
        for verb in ("show", "download"):
            reply = await house.say(f"/{verb} {code}", person, away)
            assert reply is not None
            assert reply.video is not None, reply.text
            assert [button.data for button in reply.buttons] == [f"download:{code}"]
    for person, code in ((stranger, "a1-1"), (BEN, "a1-1"), (stranger, "a1-f1"), (stranger, "a1-9")):
        for said in (f"/show {code}", f"/download {code}", f"/download {code} thumbnail"):
            reply = await house.say(said, person, away)
            assert reply is not None
            kind = "film" if "f" in code else "shot"
            assert reply.text.startswith(f"There is no {kind} {code} here; /story lists the {kind}s of this place.")
    await house.say("/delete a1-2", BEN)
    for person, sentence in ((BEN, "a1-2 was deleted"), (stranger, "There is no shot a1-2 here")):
        reply = await house.say("/show a1-2", person, away)
        assert reply is not None
        assert reply.text.startswith(sentence)


async def test_the_same_cancel_twice_stops_one_job_and_says_nothing_wrong(house: House) -> None:
    """A crash between our commit and the note that the update was handled."""
    house.provider.finishes_at_check = 100
    for said in ("/create a lamp", "/create a fox"):
        await house.say(said)
    await house.run(2)
    assert [await house.say("/cancel", key="update-x") for _ in range(2)] == [None, None]
    assert await house.live() == 1


async def test_the_same_update_twice_is_one_job(house: House) -> None:
    """A platform may hand over an update again."""
    from bot.message import Incoming

    incoming = Incoming(key="update-x", place=HOME, person=ANA, text="/create a lamp")
    answers = await asyncio.gather(house.dispatch.said(incoming), house.dispatch.said(incoming))
    assert not any(answers)
    await house.run(20)
    assert len(house.provider.renders) == 1
    assert len(house.chat.videos) == 1


async def test_another_place_s_story_is_not_there(house: House) -> None:
    """Neither continued, nor stitched, nor deleted from elsewhere, also by its own author."""
    await house.shot()
    for said in (
        "/continue a1-1 a boat",
        "/stitch a1",
        "/stitch a1-1",
        "/delete a1-1",
        "/story a1",
        "/retake a1-1",
    ):
        reply = await house.say(said, ANA, place="local:elsewhere")
        assert reply is not None, said
        assert re.search("There is no (shot|story)", reply.text), reply.text
    assert await house.live() == 0


async def test_a_place_in_line_is_told_and_true(house: House) -> None:
    """Two render, the third and the fourth wait."""
    for _ in range(4):
        await house.say("/create a lamp")
    await house.tick()
    await house.tick()
    assert [text.splitlines()[-1] for text in house.chat.seen] == [
        "rendering · 0:00",
        "rendering · 0:00",
        "starting",
        "waiting, 2nd in line",
    ]
    await house.run(30)
    assert len(house.chat.videos) == 4


async def test_a_shot_waits_for_the_one_that_it_continues(house: House) -> None:
    """Nobody has to wait before typing what happens next."""
    await house.say("/create a lamp")
    await house.say("/continue a boat", BEN)
    await house.tick()
    await house.tick()
    assert house.chat.seen[-1].endswith("waiting for a1-1, which it continues")
    await house.run(30)
    assert [video.reply.text.splitlines()[0] for video in house.chat.videos] == ["a1-1 · by Ana", "a1-2 · by Ben"]


async def test_cancel_stops_the_render_and_says_so_in_place(house: House) -> None:
    """The provider is told, the status message is the last word, nothing follows."""
    house.provider.finishes_at_check = 100
    await house.say("/create a lamp")
    await house.run(3)
    refused = await house.say("/cancel a1-1", BEN)
    assert refused is not None
    assert refused.text == "a1-1 belongs to Ana; only they can do that."
    assert await house.say("/cancel") is None
    await house.run(10)
    assert house.chat.seen == ["a1-1 · by Ana\ncancelled"]
    assert house.provider.renders["task-1"].is_cancelled
    assert (await house.say("/continue a boat") or "").text.startswith("There is no clip here yet")  # type: ignore[union-attr]


async def test_the_operator_may_do_anything(house: House) -> None:
    """At the terminal."""
    await house.shot()
    reply = await house.say("/delete a1-1", OPERATOR)
    assert reply is not None
    assert reply.text == "a1-1 was deleted."
