"""`/forget`: what is told before and after, by whom it is confirmed, and where."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.message import Incoming, Press, Reply
from engine.model import Person
from tests.house import ANA, BEN, HOME, House


async def said(house: House, person: Person, *, is_shared: bool = False, whispers: bool = False) -> Reply:
    incoming = Incoming(
        key=f"update-{next(house.keys)}",
        place=HOME,
        person=person,
        text="/forget",
        is_shared=is_shared,
        whispers=whispers,
    )
    reply = await house.dispatch.said(incoming)
    assert reply is not None
    return reply


async def pressed(house: House, reply: Reply, person: Person) -> Reply:
    (button,) = reply.buttons
    assert (button.verb, len(button.data) <= 64) == ("forget", True)
    press = Press(
        key=f"update-{next(house.keys)}", place=HOME, person=person, verb=button.verb, target=button.target
    )  # fmt: skip
    answer = await house.dispatch.pressed(press)
    assert answer is not None
    return answer


async def test_it_is_told_what_would_go_and_what_stays(house: House) -> None:
    """Privately, with a button; nothing is gone yet."""
    await house.shot("a lamp")
    reply = await said(house, ANA)
    assert (reply.private, [button.label for button in reply.buttons]) == (True, ["Forget me"])
    assert reply.text.startswith(
        "What would go: name and accounts; 1 shot with their prompts and pictures, and 1 clip in 1 place; "
        "the titles of 1 story; 0 films"
    )
    for word in ("backups", "sums of money", "settings", "log", "cannot be undone", "10 minutes"):
        assert word in reply.text
    assert (await house.studio.show(HOME, "a1-1")) is not None


async def test_the_button_is_its_person_s(house: House) -> None:
    """Somebody else is refused, and it works afterwards, once."""
    await house.shot("a lamp")
    question = await said(house, ANA)
    refused = await pressed(house, question, BEN)
    assert (refused.text, refused.is_error) == ("Only who asked to be forgotten can press that.", True)
    done = await pressed(house, question, ANA)
    assert done.text.startswith("You are forgotten: 1 shot, 1 clip and 0 films are gone. What stays: ")
    assert (done.private, done.is_error) == (True, False)
    again = await pressed(house, question, ANA)
    assert again.text == "That question was answered already or has expired; /forget asks it again."
    story = await house.say("/story")
    assert story is not None
    assert "lamp" not in story.text


async def test_where_others_read_it_is_not_answered(house: House) -> None:
    """Unless the answer is seen by who asked alone."""
    refused = await said(house, ANA, is_shared=True)
    assert refused.text.startswith("Several people read here: say /forget to me in a private chat")
    assert (await said(house, ANA, is_shared=True, whispers=True)).buttons


async def test_who_is_not_known_is_told_so_much(house: House) -> None:
    """Nothing goes, and it can be confirmed all the same."""
    question = await said(house, BEN)
    assert "0 shots" in question.text
    assert (await pressed(house, question, BEN)).text.startswith("You are forgotten: 0 shots")


async def test_what_is_still_stopped_is_told(house: House) -> None:
    """The name is gone at once."""
    house.provider.finishes_at_check = 1_000
    await house.say("/create a lamp")
    await house.run(2)
    done = await pressed(house, await said(house, ANA), ANA)
    assert done.text.startswith("You are forgotten as soon as what is being rendered is stopped")


async def test_stories_are_listed_with_the_day_on_which_they_end(house: House) -> None:
    """Once that is near, where there is such a day at all."""
    await house.shot("a lamp")
    story = await house.say("/stories")
    assert story is not None
    assert "is kept until" not in story.text
    house.studio._world = replace(house.studio._world, keep=timedelta(days=30))
    house.clock.advance(15 * 86_400)
    near = await house.say("/stories")
    assert near is not None
    assert "is kept until" not in near.text
    house.clock.advance(2 * 86_400)
    near = await house.say("/stories")
    assert near is not None
    assert near.text.endswith(
        "\na1 is kept until 31 January 2026: nobody has touched it for long. /continue it, or download it."
    )
