"""`/link`: what is said on two platforms, and that it is one person's afterwards, through the dispatch of all front ends."""

from __future__ import annotations

import re

import pytest

from bot.message import Incoming, Reply
from bot.parsing import parsed_of
from engine.linking import MISSES_MOST
from engine.model import Person
from tests.house import ANA, House

TEA, DEE = Person("telegram:1", "Tea"), Person("discord:2", "Dee")
EVE = Person("discord:9", "Eve")
CHAT, GUILD = "telegram:1", "discord:5/6"
GIVEN = re.compile(r"/link ([0-9A-Z]{4}-[0-9A-Z]{4})\n")


async def said(house: House, person: Person, text: str, *, is_shared: bool = False, whispers: bool = False) -> Reply:
    """The answer to what a person says where it is at home."""
    incoming = Incoming(
        key=f"update-{next(house.keys)}",
        place=CHAT if person is TEA else GUILD,
        person=person,
        text=text,
        is_shared=is_shared,
        whispers=whispers,
    )
    reply = await house.dispatch.said(incoming)
    assert reply is not None, f"{text!r} was not answered"
    return reply


async def code_of(house: House, person: Person) -> str:
    found = GIVEN.search((await said(house, person, "/link")).text)
    assert found is not None
    return found[1]


async def linked(house: House) -> None:
    reply = await said(house, DEE, f"/link {await code_of(house, TEA)}")
    assert not reply.is_error, reply.text


async def test_a_code_is_given_for_one_s_own_eyes(house: House) -> None:
    """What to say, where, and for how long."""
    reply = await said(house, TEA, "/link")
    assert (reply.private, reply.is_error) == (True, False)
    assert re.fullmatch(
        r"Say this to the bot on the other platform within 10 minutes:\n/link [0-9A-Z]{4}-[0-9A-Z]{4}\n"
        r"Show it to nobody: whoever says it becomes one person with you\.",
        reply.text,
    )


async def test_history_is_one(house: House) -> None:
    """Of a Telegram and a Discord account, in the places of both; and so is what may be done."""
    for person, prompt in ((TEA, "a lamp"), (DEE, "a boat"), (EVE, "a whale")):
        place = CHAT if person is TEA else GUILD
        assert await house.say(f"/create {prompt}", person, place) is None
        await house.run(10)
    reply = await said(house, DEE, f"/link {(await code_of(house, TEA)).lower()}")
    assert (reply.text, reply.private) == (
        "You are one person on Telegram and Discord now: what you made on one is yours on the other too.",
        True,
    )
    await house.say("/continue a fox", DEE, GUILD)
    await house.run(10)
    histories = [(await said(house, person, "/history mine")).text for person in (TEA, DEE)]
    assert histories[0] == histories[1]
    assert re.fullmatch(r"c1-2 · Dee · a fox .*\nb1-1 · Dee · a boat .*\na1-1 · Dee · a lamp .*", histories[0])
    assert (await said(house, DEE, "/story")).text.startswith("c1 · “a whale” · by Eve\n● c1-1 Eve: ")
    assert (await said(house, DEE, "/show a1-1")).text.startswith("a1-1 · by Dee")
    assert (await said(house, TEA, "/download b1-1")).as_file
    assert (await said(house, EVE, "/delete b1-1")).text == "b1-1 belongs to Dee; only they can do that."


async def test_what_one_began_the_other_may_end(house: House) -> None:
    """By a command and by a button; the director of a story is one whoever speaks."""
    group = "telegram:-7"
    await linked(house)
    assert await house.say("/create a lamp", TEA, group) is None
    await house.run(10)
    assert await house.say("/continue a boat", EVE, group) is None
    await house.run(10)
    refused = await house.say("/delete a1-1", EVE, group)
    assert refused is not None
    assert refused.text == "a1-1 belongs to Tea; only they can do that."
    deleted = await house.say("/delete a1-2", DEE, group)
    assert deleted is not None
    assert deleted.text == "a1-2 was deleted."
    for maker, other in ((TEA, DEE), (DEE, TEA)):
        assert await house.say("/create a fox", maker) is None
        assert await house.press("cancel", "b1" if maker is TEA else "c1", other) is None
    assert await house.live() == 0


async def test_the_name_is_that_of_who_speaks_now(house: House) -> None:
    """The one person is called as where it spoke last."""
    await linked(house)
    assert await house.say("/create a lamp", DEE, GUILD) is None
    await house.run(10)
    assert (await said(house, DEE, "/show a1-1")).text.startswith("a1-1 · by Dee")
    assert await house.say("/create a fox", TEA, CHAT) is None
    assert (await said(house, DEE, "/show a1-1")).text.startswith("a1-1 · by Tea")


async def test_rights_are_those_of_who_speaks(house: House) -> None:
    """Who is an admin on one platform is none on the other."""
    admin = Person(DEE.key, DEE.name, is_operator=True)
    await linked(house)
    for person, sentence in ((TEA, "Only an admin of this group"), (admin, "chosen here: ratio 9:16")):
        reply = await house.say("/settings --ratio 9:16", person, GUILD, is_shared=True)
        assert reply is not None
        assert sentence in reply.text


async def test_where_others_read_no_code_is_given(house: House) -> None:
    """Unless the answer is seen by who asked alone; a code may be said anywhere."""
    refused = await said(house, TEA, "/link", is_shared=True)
    assert (refused.text, refused.is_error) == (
        "Several people read here: say /link to me in a private chat, and only you see the code.",
        True,
    )
    whispered = await said(house, DEE, "/link", is_shared=True, whispers=True)
    found = GIVEN.search(whispered.text)
    assert found is not None
    assert (await said(house, TEA, f"/link {found[1]}", is_shared=True)).text.startswith(
        "You are one person on Discord"
    )


async def test_a_code_in_a_field_of_its_own(house: House) -> None:
    """As a slash command hands it over."""
    incoming = Incoming(
        key="slash",
        place=GUILD,
        person=DEE,
        text="",
        command=parsed_of("link", {"code": await code_of(house, TEA)}),
        is_shared=True,
        whispers=True,
    )
    reply = await house.dispatch.said(incoming)
    assert reply is not None
    assert reply.text.startswith("You are one person on Telegram and Discord now")
    off = await house.dispatch.said(
        Incoming(key="off", place=GUILD, person=DEE, text="", command=parsed_of("link", {"code": "Off"}))
    )
    assert off is not None
    assert off.text == (
        "You are somebody else again on Discord. "
        "What was made so far stays with you on Telegram; /link joins them again."
    )


async def test_a_link_that_is_there_is_told_kindly(house: House) -> None:
    """Nothing is an error about it, and nothing changes."""
    await linked(house)
    reply = await said(house, TEA, f"/link {await code_of(house, DEE)}")
    assert (reply.text, reply.is_error) == ("You are one person on Telegram and Discord already.", False)


async def test_it_can_be_undone(house: House) -> None:
    """History stays with the one, and the other begins anew."""
    assert await house.say("/create a lamp", DEE, GUILD) is None
    await house.run(10)
    await linked(house)
    assert (await said(house, TEA, "/link off")).text.startswith("You are somebody else again on Discord.")
    assert (await said(house, DEE, "/history mine")).text.startswith("No clips yet.")
    assert (await said(house, TEA, "/history mine")).text.startswith("a1-1 · ")
    again = await said(house, DEE, "/link OFF")
    assert (again.text, again.is_error) == ("Your accounts are not linked; /link begins it.", True)


async def test_the_same_update_is_answered_alike(house: House) -> None:
    """It acts once."""
    incoming = Incoming(key="twice", place=GUILD, person=DEE, text=f"/link {await code_of(house, TEA)}")
    first, second = [await house.dispatch.said(incoming) for _ in range(2)]
    assert first is not None
    assert first == second
    assert not first.is_error


@pytest.mark.parametrize(
    ("person", "text", "sentence"),
    [
        (DEE, "/link ZZZZ-ZZZZ", "That code is unknown, was used or has expired; say /link on the other platform for a new one."),
        (DEE, "/link me with Tea", "“me with Tea” is no code; one looks like K7QM-2XPD, and /link gives you one."),
        (DEE, "/link --off", "/link has no option --off. Its options: none."),
        (DEE, "/link a1-1", "“a1-1” is no code; one looks like K7QM-2XPD, and /link gives you one."),
        (DEE, "/link off", "Your accounts are not linked; /link begins it."),
        (TEA, "/link CODE", "That code is your own; say it to the bot on the other platform."),
        (Person("telegram:8", "Tom"), "/link CODE", "That code was given on this platform too; say it on the other platform."),
        (ANA, "/link CODE", "Only accounts can be linked, and there are none here; say /link to the bot on Telegram or Discord."),
        (ANA, "/link", "Only accounts can be linked, and there are none here; say /link to the bot on Telegram or Discord."),
        (Person("telegram:-8", "The group"), "/link CODE", "Say it as yourself: a group or a channel cannot be linked."),
    ],
)  # fmt: skip
async def test_a_refusal_is_one_sentence(house: House, person: Person, text: str, sentence: str) -> None:
    """For the one who asked alone; the code still works afterwards."""
    code = await code_of(house, TEA)
    reply = await said(house, person, text.replace("CODE", code))
    assert (reply.text, reply.private, reply.is_error) == (sentence, True, True)
    assert not (await said(house, DEE, f"/link {code}")).is_error


async def test_a_second_account_of_a_platform_is_refused(house: House) -> None:
    """With the way out."""
    await linked(house)
    reply = await said(house, EVE, f"/link {await code_of(house, TEA)}")
    assert (reply.text, reply.is_error) == (
        "You would have two accounts on Discord, and one can be linked; /link off ends a link.",
        True,
    )


async def test_who_guesses_is_told_to_wait(house: House) -> None:
    """After ten wrong codes."""
    code = await code_of(house, TEA)
    for _ in range(MISSES_MOST):
        await said(house, EVE, "/link ZZZZ-ZZZZ")
    assert (await said(house, EVE, f"/link {code}")).text == "Too many wrong codes; wait 10 minutes and try again."
