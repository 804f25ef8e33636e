"""What is said and what is answered: every command, through the dispatch and the delivery that all front ends use."""

from __future__ import annotations

import asyncio
import re

import pytest

from engine.model import Person
from tests.house import ANA, BEN, HOME, OPERATOR, House


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
            r"^A shot of 99 s is not possible with scripted one; choose 0\.5 to 10 seconds\.$",
        ),
        (ANA, "/create a lamp --ratio 4:3", r"^scripted one cannot do the ratio 4:3; choose one of: 16:9, 9:16\.$"),
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
    """Neither seen, nor continued, nor stitched, nor deleted from elsewhere."""
    await house.shot()
    for said in (
        "/continue a1-1 a boat",
        "/show a1-1",
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
