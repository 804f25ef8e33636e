"""What other people wrote: it is shown as they wrote it, calls nobody, forges nothing, and fits."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.discord.buttons import LABEL_CHARS, ROW, ROWS, view_of
from bot.discord.letters import letter_of
from bot.discord.markdown import MESSAGE_CHARS, units
from bot.message import Button, Reply
from engine.errors import Refused
from tests.discord.asking import shelved
from tests.discord.speaking import WAIT_S, Club, club, delivered, endless, quick, words_of
from tests.fakes.discord import Interaction, Message
from tests.fakes.discord_api.model import parts

SUPPRESS_EMBEDS = 1 << 2
HOSTILE = (
    "@everyone @here <@1> <@&2> <#3> **bold** __under__ ~~gone~~ ||hidden|| `code` [a link](https://evil.example) "
    "<t:0:R> </create:1> :smile: <:x:1> https://evil.example/preview discord.gg/invite"
)
FORGED = "lamp\n# A headline\n> a quote\n- a list\n-# small\n```\nblock\n```\n1. one"
TURNED = "\u202egnp.tpircs\u202c zero\u200bwidth \u2066iso\u2069"


def _calls_only(message: Message, *people: int) -> bool:
    return message.pings <= set(people)


async def _shot(film_club: Club, prompt: str) -> tuple[Message, Message]:
    """The status message and the film of a new shot."""
    before = len(film_club.said())
    film_club.provider.finishes_at_check = 10**9
    status = await film_club.create(prompt).answered(WAIT_S)
    await film_club.says(status, "rendering")
    film_club.finish()
    await film_club.until(lambda: len(film_club.said()) == before + 2, "A film")
    return status, film_club.said()[-1]


@pytest.mark.parametrize("prompt", [HOSTILE, FORGED, TURNED], ids=["mentions and markup", "lines", "direction"])
async def test_a_prompt_is_shown_as_it_is_and_calls_nobody(tmp_path: Path, prompt: str) -> None:
    """In the status message, below the clip, in lists, in the outline and as a title; everything that means something is inert."""
    async with club(tmp_path, endless()) as film_club:
        film_club.discord.allow(film_club.discord.bot, film_club.guild, "mention_everyone")
        role = film_club.discord.role(film_club.guild, "crew", mentionable=True, people=[film_club.ben])
        prompt = prompt.replace("<@1>", f"<@{film_club.ben.id}>").replace("<@&2>", f"<@&{role.id}>")
        status, film = await _shot(film_club, prompt)
        asked: list[Interaction] = [
            film_club.discord.slash(film_club.ben, film_club.channel, name, **options)
            for name, options in (
                ("history", {}),
                ("show", {"clip": "a1-1"}),
                ("story", {}),
                ("stories", {}),
                ("create", {"prompt": "a boat", "style": "@everyone"}),
            )
        ]
        answers = [await each.answered(WAIT_S) for each in asked]
        assert _calls_only(film, film_club.ana.id)
        assert film.markup <= {"mention", "link"}
        for message in (status, *answers):
            assert message.pings == frozenset(), message
            assert message.markup <= {"link"}, message
        for message in (status, film, *answers):
            assert "https://evil.example/preview" not in message.content.replace("<https://evil.example/preview>", "")
        if prompt == TURNED:
            assert not set(TURNED) & {"\u202e", "\u202c"} & set(film.content)
            assert "zerowidth" in film.text
        else:
            assert prompt.split("\n")[-1].split(" ")[-1] in status.text.replace("@\u2060", "@")


async def test_a_title_and_a_film_call_nobody(tmp_path: Path) -> None:
    """The first prompt is the story's title, which stands below its film."""
    async with club(tmp_path, quick()) as film_club:
        film_club.discord.allow(film_club.discord.bot, film_club.guild, "mention_everyone")
        film_club.create("@everyone **look**")
        await delivered(film_club.house)
        film_club.discord.slash(film_club.ben, film_club.channel, "stitch")
        film = await film_club.told("a1-f1 · ")
        await delivered(film_club.house, 2)
        assert _calls_only(film, film_club.ben.id)
        assert "“@\u2060everyone **look**”" in film.text
        assert film.markup <= {"mention"}


async def test_a_name_calls_nobody_and_keeps_its_place(tmp_path: Path) -> None:
    """Markup, mentions and turned text in the name of who asked."""
    async with club(tmp_path, endless()) as film_club:
        film_club.discord.allow(film_club.discord.bot, film_club.guild, "mention_everyone")
        film_club.ana.name = "@everyone \u202e**Ana**\n# boss"
        status, film = await _shot(film_club, "a lamp")
        for message in (status, film):
            head = words_of(message).split("\n")[0]
            assert head.startswith("a1-1 · by ")
            assert "\u202e" not in message.content
            assert _calls_only(message, film_club.ana.id)
            assert message.markup <= {"mention"}


async def test_a_sentence_of_a_provider_calls_nobody(tmp_path: Path) -> None:
    """Why a render was refused is somebody else's text, too."""
    provider = endless()
    provider.submit_errors = [Refused("@everyone **no**. See https://evil.example/why")]
    async with club(tmp_path, provider) as film_club:
        film_club.discord.allow(film_club.discord.bot, film_club.guild, "mention_everyone")
        film_club.create()
        failed = await film_club.told("Nothing was charged.")
        assert _calls_only(failed, film_club.ana.id)
        assert failed.markup <= {"mention", "link"}
        assert "**no**" in failed.text


async def test_new_messages_show_no_preview_of_a_link(tmp_path: Path) -> None:
    """Neither by the flag of the message nor by the way in which the address is written."""
    async with club(tmp_path, endless()) as film_club:
        status, film = await _shot(film_club, "see https://evil.example/preview")
        assert film.flags & SUPPRESS_EMBEDS
        for message in (status, film):
            assert "<https://evil.example/preview>" in message.content


@pytest.mark.parametrize("letter", ["a", "*", "\N{CLAPPER BOARD}"], ids=["letters", "markup", "emoji"])
async def test_the_longest_prompt_fits_everywhere(tmp_path: Path, letter: str) -> None:
    """Four thousand characters, each of which may take two; what is cut says so, and the buttons are there."""
    prompt = letter * 4000
    async with club(tmp_path, endless()) as film_club:
        status, film = await _shot(film_club, prompt)
        shown = await film_club.discord.slash(film_club.ana, film_club.channel, "show", clip="a1-1").answered(WAIT_S)
        listed = await film_club.discord.slash(film_club.ana, film_club.channel, "history").answered(WAIT_S)
        for message in (status, film, shown, listed):
            assert units(message.content) <= MESSAGE_CHARS
            assert letter * 20 in message.text
            assert "…" in message.text
        assert film.buttons == shown.buttons == ["Continue", "Retake", "Stitch", "Download", "Delete"]


async def test_many_clips_are_listed_within_one_message(tmp_path: Path) -> None:
    """Names and prompts that are all markup double when they are escaped."""
    async with club(tmp_path, quick()) as film_club:
        film_club.ana.name = "*" * 32
        await shelved(film_club.house, film_club.channel, film_club.ana, ["*" * 200] * 12)
        listed = await film_club.discord.slash(film_club.ana, film_club.channel, "history").answered(WAIT_S)
        assert units(listed.content) <= MESSAGE_CHARS
        assert listed.markup == frozenset()


async def test_a_head_that_calls_leaves_room_for_the_words() -> None:
    """The mention is never cut, and what is said is."""
    letter = await letter_of(Reply(text="*" * 5000), calls=123456789012345678)
    assert letter.content.startswith("<@123456789012345678> \\*")
    assert letter.content.endswith("…")
    assert units(letter.content) <= MESSAGE_CHARS


async def test_a_message_without_words_is_still_a_message() -> None:
    """The server takes no empty ones."""
    assert (await letter_of(Reply(text=""))).content == "…"
    assert (await letter_of(Reply(text="\u200b\u202e"))).content == "…"


async def test_buttons_keep_to_the_limits_of_a_message() -> None:
    """Five rows of five at most, labels of 80 characters, custom ids of 100; each reads as what it was made of."""
    buttons = tuple(Button("choose", f"{number} " + "x" * 200, "a" * 60) for number in range(40))
    view = view_of(buttons)
    assert view is not None
    rows = view.to_components()
    assert [len(row["components"]) for row in rows] == [ROW] * ROWS
    shown = [part for part in parts(list(rows)) if part["type"] == 2]
    assert all(len(part["label"]) <= LABEL_CHARS for part in shown)
    assert all(1 <= len(part["custom_id"]) <= 100 for part in shown)
    assert view_of(()) is None


async def test_every_button_that_is_said_has_a_custom_id_that_fits(tmp_path: Path) -> None:
    """Those of a shot, and of settings with all ratios."""
    async with club(tmp_path, endless()) as film_club:
        _, film = await _shot(film_club, "a lamp")
        film_club.discord.allow(film_club.ana, film_club.guild, "manage_guild")
        settings = await film_club.discord.slash(film_club.ana, film_club.channel, "settings").answered(WAIT_S)
        shown = await film_club.discord.slash(film_club.ana, film_club.channel, "show", clip="a1-1").answered(WAIT_S)
        for message in (film, settings, shown):
            assert message.buttons
            for part in parts(message.components):
                if part["type"] == 2:
                    assert ":" in part["custom_id"]
                    assert len(part["custom_id"].encode()) <= 100
