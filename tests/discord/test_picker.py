"""/stitch with `pick`: a list that one person alone sees, from which a film is put together in the order of picking."""

from __future__ import annotations

from pathlib import Path

from bot.discord import sentences
from bot.house import House
from engine.model import Film
from tests.discord.asking import (
    UPDATE,
    WAIT_S,
    asked,
    endless,
    place_of,
    public,
    refused,
    shelved,
    told,
    until,
    whispered,
)
from tests.discord.house import opened_bot
from tests.fakes.discord import Channel, FakeDiscord, Interaction, Message, Person


async def opened_list(discord: FakeDiscord, person: Person, channel: Channel, **more: str) -> Message:
    shown = await asked(discord, person, channel, "stitch", pick=True, **more)
    assert shown.ephemeral_to == person
    return shown


async def picks(discord: FakeDiscord, person: Person, shown: Message, code: str) -> None:
    changed = await discord.selects(person, shown, [code]).acked(WAIT_S)
    assert changed.type == UPDATE


async def presses(discord: FakeDiscord, person: Person, shown: Message, label: str) -> None:
    await discord.presses(person, shown, label).acked(WAIT_S)


async def film_of(house: House, channel: Channel, code: str) -> tuple[str, ...]:
    film = await house.studio.show(place_of(channel), code)
    assert isinstance(film, Film)
    return film.shots


async def test_the_order_of_picking_is_the_order_of_the_film(discord: FakeDiscord, tmp_path: Path) -> None:
    """Undo takes the last one back; the film is made once, also when the press is handed over again; others see it."""
    ana, ben = discord.person("Ana"), discord.person("Ben")
    channel = discord.channel(discord.guild("Film club", [ana, ben]), "films")
    async with opened_bot(discord, tmp_path, provider=endless()) as house:
        await shelved(house, channel, ana, ["a lamp", "a boat", "the *fog*\n" + "🏮" * 80])
        shown = await opened_list(discord, ben, channel)
        assert shown.content == "Pick the clips in the order of the film."
        assert [label.split(" · ")[0] for label in shown.select] == ["a1-1", "a1-2", "a1-3"]
        assert shown.select[2].startswith("a1-3 · the *fog* 🏮")
        assert len(shown.select[2].encode("utf-16-le")) <= 2 * 100
        assert [button["disabled"] for button in buttons(shown)] == [True, True]
        for code in ("a1-3", "a1-1", "a1-2"):
            await picks(discord, ben, shown, code)
        assert shown.text == "The film: a1-3 a1-1 a1-2"
        await presses(discord, ben, shown, "Undo")
        assert (shown.text, shown.buttons) == ("The film: a1-3 a1-1", ["Stitch 2", "Undo"])
        assert public(discord, channel) == []
        # each change is one answer: nothing was heard twice
        assert len(discord.calls_of("POST", "/interactions/*/*/callback")) == 5
        discord.presses(ben, shown, "Stitch 2")
        discord.resend_last_interaction()
        await told(discord, channel, "a1-f1 · 2 shots of a1")
        assert await film_of(house, channel, "a1-f1") == ("a1-3", "a1-1")
        view = await house.studio.story(place_of(channel))
        assert view is not None
        assert len(view.films) == 1


def buttons(shown: Message) -> list[dict[str, object]]:
    return [part for row in shown.components for part in row["components"] if part["type"] == 2]


async def test_many_clips_are_turned_over_in_pages(discord: FakeDiscord, tmp_path: Path) -> None:
    """Of 25; what was picked on one page stays on the next; a restart in between changes nothing."""
    ana = discord.person("Ana")
    channel = discord.channel(discord.guild("Film club", [ana]), "films")
    async with opened_bot(discord, tmp_path, provider=endless()) as house:
        await shelved(house, channel, ana, [f"shot {number}" for number in range(1, 61)])
        shown = await opened_list(discord, ana, channel)
        assert len(shown.select) == 25
        assert [button["disabled"] for button in buttons(shown)] == [True, True, True, False]
        await picks(discord, ana, shown, "a1-25")
        await presses(discord, ana, shown, "Later")
        await picks(discord, ana, shown, "a1-26")
    async with opened_bot(discord, tmp_path, provider=endless()) as house:
        await presses(discord, ana, shown, "Later")
        assert [label.split(" · ")[0] for label in shown.select] == [f"a1-{number}" for number in range(51, 61)]
        assert [button["disabled"] for button in buttons(shown)] == [False, False, False, True]
        await picks(discord, ana, shown, "a1-60")
        await presses(discord, ana, shown, "Earlier")
        await presses(discord, ana, shown, "Earlier")
        await picks(discord, ana, shown, "a1-1")
        assert shown.text == "The film: a1-25 a1-26 a1-60 a1-1"
        discord.presses(ana, shown, "Stitch 4")
        await told(discord, channel, "a1-f1 · 4 shots of a1")
        assert await film_of(house, channel, "a1-f1") == ("a1-25", "a1-26", "a1-60", "a1-1")


async def test_a_clip_that_is_gone_is_told(discord: FakeDiscord, tmp_path: Path) -> None:
    """It leaves the list at its next change, and a film with it is refused, to one alone; so is a list of nothing."""
    ana = discord.person("Ana")
    channel = discord.channel(discord.guild("Film club", [ana]), "films")
    async with opened_bot(discord, tmp_path, provider=endless()) as house:
        empty = discord.slash(ana, channel, "stitch", pick=True)
        assert await refused(discord, empty) == sentences.NOTHING_TO_PICK
        await shelved(house, channel, ana, ["a lamp", "a boat", "the fog"])
        shown = await opened_list(discord, ana, channel)
        await picks(discord, ana, shown, "a1-3")
        await asked(discord, ana, channel, "delete", clip="a1-3")
        await picks(discord, ana, shown, "a1-1")
        assert [label.split(" · ")[0] for label in shown.select] == ["a1-1", "a1-2"]
        pressed = discord.presses(ana, shown, "Stitch 2")
        assert await refused(discord, pressed) == "a1-3 was deleted; /story lists the shots that are left."
        for code in ("a1-1", "a1-2"):
            await asked(discord, ana, channel, "delete", clip=code)
        last: Interaction = discord.selects(ana, shown, ["a1-1"])
        assert await whispered(discord, last) == sentences.NOTHING_TO_PICK
        view = await house.studio.story(place_of(channel))
        assert view is not None
        assert view.films == ()


async def test_a_story_of_another_place_is_not_shown(discord: FakeDiscord, tmp_path: Path) -> None:
    """Neither by its code nor by a list that was moved there; a story of this place that is not the current one is.

    Of that those shots that have a clip.
    """
    ana, eve = discord.person("Ana"), discord.person("Eve")
    channel = discord.channel(discord.guild("Film club", [ana]), "films")
    other = discord.channel(discord.guild("Thieves", [eve]), "den")
    async with opened_bot(discord, tmp_path, provider=endless()) as house:
        await shelved(house, channel, ana, ["a secret"])
        await shelved(house, channel, ana, ["a boat"])
        await shelved(house, other, eve, ["the fog"])
        asks = discord.slash(eve, other, "stitch", pick=True, story="Sea!")
        assert (
            await refused(discord, asks) == "“sea!” is no story; stories are called like k7, and /stories lists them."
        )
        asks = discord.slash(eve, other, "stitch", pick=True, story="A1 ")
        assert await refused(discord, asks) == "There is no story “a1” here; /story lists the stories of this place."
        mine = await opened_list(discord, eve, other)
        forged = discord.presses_forged(eve, mine, "pick:page:a1:0")
        assert await whispered(discord, forged) == (
            "There is no story “a1” here; /story lists the stories of this place."
        )
        await asked(discord, ana, channel, "continue", prompt="no clip yet", shot="a1-1")
        old = await opened_list(discord, ana, channel, story="a1")
        assert [label.split(" · ")[0] for label in old.select] == ["a1-1"]
        await until(discord, lambda: not public(discord, other))
        # a film of nothing is none, though the button for it is forged
        nothing = discord.presses_forged(ana, old, "pick:film:b1:0")
        assert (await nothing.acked(WAIT_S)).type == UPDATE
        assert [label.split(" · ")[0] for label in old.select] == ["b1-1"]
