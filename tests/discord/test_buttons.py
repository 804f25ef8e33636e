"""Buttons are answered at once, obey who may press them, and work or explain themselves for ever."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bot import making, texts
from bot.discord import sentences
from engine.errors import Refused, Unconfirmed
from engine.jobs import LIVE
from tests.discord.asking import (
    DEFERRED,
    DEFERRED_UPDATE,
    MODAL,
    WAIT_S,
    acked,
    asked,
    endless,
    jobs_of,
    place_of,
    public,
    quick,
    refused,
    shelved,
    stalled_reads,
    told,
    until,
    whispered,
)
from tests.discord.house import opened_bot
from tests.fakes.discord import FakeDiscord, Message

OTHERS = "a1-1 belongs to Ana; only they can do that."


async def test_every_button_of_a_clip_works_after_a_restart(discord: FakeDiscord, tmp_path: Path) -> None:
    """What it does stands in it. Continue asks for a text; Download is for who pressed; the others are seen by all."""
    ana, ben = discord.person("Ana"), discord.person("Ben")
    channel = discord.channel(discord.guild("Film club", [ana, ben]), "films")
    provider = quick()
    async with opened_bot(discord, tmp_path, provider=provider) as house:
        await shelved(house, channel, ana, ["a lamp"])
        shown = await asked(discord, ana, channel, "show", clip="a1-1")
        opened = discord.presses(ben, shown, "Continue")
        await opened.showed_modal(WAIT_S)
    assert shown.buttons == ["Continue", "Retake", "Stitch", "Download", "Delete"]
    async with opened_bot(discord, tmp_path, provider=provider) as house:
        written = discord.submits(ben, opened, "a boat answers")
        assert (await acked(written)).type == DEFERRED
        again = discord.presses(ana, shown, "Continue")
        modal = await again.showed_modal(WAIT_S)
        assert (modal["title"], (await acked(again)).type) == ("Continue a1-1", MODAL)
        await until(
            discord, lambda: any("a1-2 · by Ben" in text and "1.0 s" in text for text in public(discord, channel))
        )
        downloaded = discord.presses(ben, shown, "Download")
        assert (await acked(downloaded)).ephemeral
        file = await downloaded.answered(WAIT_S)
        assert file.ephemeral_to == ben
        assert [each.name for each in file.attachments] == ["a1-1.mp4"]
        for label, words in (("Stitch", "a1-f1 · "), ("Retake", "take 2")):
            pressed = discord.presses(ana, shown, label)
            assert (await acked(pressed)).type == DEFERRED
            await told(discord, channel, words)
        deleted = discord.presses(ana, shown, "Delete")
        assert (await acked(deleted)).type == DEFERRED_UPDATE
        await told(discord, channel, "a1-1 was deleted.")
        assert discord.calls_of("GET", "/webhooks/*/*/messages/@original") == []
        assert await refused(discord, discord.presses(ana, shown, "Retake")) == (
            "a1-1 was deleted; /story lists the shots that are left."
        )
        gone = discord.presses(ana, shown, "Continue")
        assert await refused(discord, gone) == "a1-1 was deleted; /story lists the shots that are left."
        assert gone.modal is None
        view = await house.studio.story(place_of(channel))
        assert view is not None
        assert [each.shot.code for each in view.shots] == ["a1-2"]


async def test_the_other_buttons_work_after_a_restart(discord: FakeDiscord, tmp_path: Path) -> None:
    """Cancel, Use in film, Try again, Send again, Leave it, a ratio of the settings, Try it."""
    ana = discord.person("Ana")
    guild = discord.guild("Film club", [ana], owner=ana)
    channel, second = discord.channel(guild, "films"), discord.channel(guild, "more")
    provider = endless()
    provider.pace = replace(provider.pace, in_flight=9)
    async with opened_bot(discord, tmp_path, provider=provider) as house:
        story = await shelved(house, channel, ana, ["a lamp", "the fog"])
        view = await house.studio.story(place_of(channel))
        assert view is not None
        first = view.shots[0].shot.id
        await house.store.write(lambda tx: tx.set_tip(story.id, first))
        branch = await asked(discord, ana, channel, "show", clip="a1-2")
        lost = [Unconfirmed("The answer was lost.", provider="scripted") for _ in range(2)]
        provider.lose_answers += lost
        doubts: list[Message] = []
        for _ in lost:
            await discord.slash(ana, second, "create", prompt="a storm").answered(WAIT_S)
            doubts.append(await told(discord, second, "It is not known whether", after=doubts[-1] if doubts else None))
        running = await asked(discord, ana, channel, "continue", prompt="a boat", shot="a1-1")
        await until(discord, lambda: "rendering 0 %" in running.text)
        provider.submit_errors.append(Refused("It will not.", provider="scripted"))
        await asked(discord, ana, channel, "create", prompt="a whale")
        failed = await told(discord, channel, "It will not.")
        settings = await asked(discord, ana, channel, "settings")
        hello = await asked(discord, ana, channel, "start")
    async with opened_bot(discord, tmp_path, provider=provider) as house:
        cancelled = discord.presses(ana, running, "Cancel")
        assert (await acked(cancelled)).type == DEFERRED_UPDATE
        await told(discord, channel, "cancelled")
        discord.presses(ana, branch, "Use in film")
        await told(discord, channel, "The film follows a1-2 now.")
        renders = len(provider.renders)
        assert (await acked(discord.presses(ana, failed, "Try again"))).type == DEFERRED
        await until(discord, lambda: len(provider.renders) == renders + 1, "Another try")
        discord.presses(ana, settings, "9:16")
        await until(discord, lambda: any("ratio 9:16" in text for text in public(discord, channel)))
        discord.presses(ana, hello, "Try it")
        await told(discord, channel, texts.EXAMPLE, after=hello)
        discord.presses(ana, doubts[0], "Leave it")
        discord.presses(ana, doubts[1], "Send again (may cost twice)")
        await until(discord, lambda: len(provider.renders) == renders + 3, "The second paid request")
        assert [render.order.prompt for render in provider.renders.values()].count("a storm") == len(lost) + 1
        (doubt,) = await house.studio.jobs(place_of(second))
        assert doubt.subject == doubts[1].text.split()[1]


async def test_who_may_cancel_and_delete(discord: FakeDiscord, tmp_path: Path) -> None:
    """The author, the director, who may manage messages or the server, the operator; a refusal is seen by one alone."""
    names = ("Ana", "Ben", "Eve", "Mod", "Admin", "Boss")
    ana, ben, eve, mod, admin, boss = (discord.person(name) for name in names)
    guild = discord.guild("Film club", [ana, ben, eve, mod, admin, boss])
    discord.allow(mod, guild, "manage_messages")
    discord.allow(admin, guild, "manage_guild")
    channel = discord.channel(guild, "films")
    provider = endless()
    async with opened_bot(discord, tmp_path, provider=provider, discord_admins=f"user:{boss.id}") as house:
        await shelved(house, channel, ana, ["a lamp"])
        shown = await asked(discord, ana, channel, "show", clip="a1-1")
        for number, presser in enumerate([ben, ana, mod, admin, boss], 2):
            status = await asked(discord, ben, channel, "continue", prompt=f"boat {number}", shot="a1-1")
            assert await refused(discord, discord.presses(eve, status, "Cancel")) == (
                f"a1-{number} belongs to Ben or Ana; only they can do that."
            )
            discord.presses(presser, status, "Cancel")
            await until(discord, lambda: "cancelled" in public(discord, channel)[-1], presser.name)
        assert await refused(discord, discord.presses(ben, shown, "Delete")) == OTHERS
        assert await refused(discord, discord.slash(mod, channel, "choose", shot="a1-1", take=2)) != ""
        discord.presses(mod, shown, "Delete")
        await told(discord, channel, "a1-1 was deleted.")
        assert await jobs_of(house, channel) == 0


async def test_settings_are_changed_by_who_manages_the_server(discord: FakeDiscord, tmp_path: Path) -> None:
    """Whoever the server lets say /settings may; its buttons stand there for everybody, and obey who manages the server."""
    ana, mod, admin = discord.person("Ana"), discord.person("Mod"), discord.person("Admin")
    guild = discord.guild("Film club", [ana, mod, admin])
    discord.allow(mod, guild, "manage_messages")
    discord.allow(admin, guild, "manage_guild")
    channel = discord.channel(guild, "films")
    async with opened_bot(discord, tmp_path, provider=endless()) as house:
        shown = await asked(discord, admin, channel, "settings")
        assert shown.buttons == ["16:9", "9:16"]
        for person in (ana, mod):
            assert await refused(discord, discord.presses(person, shown, "9:16")) == texts.ADMINS_ONLY
        discord.presses(admin, shown, "9:16")
        await told(discord, channel, "ratio 9:16", after=shown)
        next(each for each in discord.commands if each["name"] == "settings")["default_member_permissions"] = None
        changed = await asked(discord, ana, channel, "settings", ratio="16:9")
        assert "ratio 16:9" in changed.text
        place = await house.studio.settings(place_of(channel))
        assert place.chosen.ratio == "16:9"


async def test_forged_and_stale_ids_are_explained(discord: FakeDiscord, tmp_path: Path) -> None:
    """Whatever a client of somebody's own sends: one sentence for that person, and nothing happens."""
    ana, eve = discord.person("Ana"), discord.person("Eve")
    channel = discord.channel(discord.guild("Film club", [ana]), "films")
    other = discord.channel(discord.guild("Thieves", [eve]), "den")
    async with opened_bot(discord, tmp_path, provider=endless()) as house:
        await shelved(house, channel, ana, ["a lamp"])
        status = await asked(discord, ana, channel, "continue", prompt="a boat")
        elsewhere = await asked(discord, eve, other, "start")
        before = len(public(discord, channel)), len(public(discord, other))
        forged = [
            *((ana, status, each) for each in ("x", "delete:", "delete:b7-9", "continue:a1-99", "settings:admins=5")),
            *((ana, status, each) for each in ("pick:film:a1:0", "pick:undo:a1:0", "pick:page:a1:7")),
            *((ana, status, each) for each in ("nothing:a1-1", "again:a1-1", "start:x", "show:../../x", "🏮" * 50)),
            *(
                (ana, status, each)
                for each in (f"show:{'9' * 94}", "pick:", "pick:film:a1", "pick:undo:x:0", "a:" * 50)
            ),
            *((eve, elsewhere, each) for each in ("cancel:a1-2", "delete:a1-1", "continue:a1-1", "stitch:a1")),
            *((eve, elsewhere, each) for each in ("retake:a1-1", "download:a1-1", "choose:a1-1", "pick:film:a1:0")),
            *((eve, elsewhere, each) for each in ("pick:undo:a1:0", "story:a1", "show:a1-1")),
        ]
        for person, message, custom_id in forged:
            pressed = discord.presses_forged(person, message, custom_id)
            sentence = await whispered(discord, pressed)
            assert sentence, custom_id
            assert "Something broke" not in sentence, custom_id
            assert pressed.modal is None
        await until(discord, lambda: (len(public(discord, channel)), len(public(discord, other))) == before)
        (job,) = await house.studio.jobs(place_of(channel))
        assert job.state in LIVE
        assert "a boat" in status.text
        assert not await house.studio.jobs(place_of(other))


async def test_a_button_asks_for_its_text_though_the_database_stands_still(
    discord: FakeDiscord, tmp_path: Path
) -> None:
    """In time; that the shot is there is seen again when the text comes. A list cannot be shown, and that is said."""
    ana = discord.person("Ana")
    channel = discord.channel(discord.guild("Film club", [ana]), "films")
    async with opened_bot(discord, tmp_path, provider=endless()) as house:
        await shelved(house, channel, ana, ["a lamp"])
        shown = await asked(discord, ana, channel, "show", clip="a1-1")
        async with stalled_reads(house):
            opened, listed = discord.presses(ana, shown, "Continue"), discord.slash(ana, channel, "stitch", pick=True)
            assert (await acked(opened)).type == MODAL
            assert await refused(discord, listed) == sentences.BUSY
        discord.submits(ana, opened, "a boat")
        await told(discord, channel, "a1-2 · by Ana\n“a boat”")


async def test_two_presses_at_once_are_one_after_the_other(discord: FakeDiscord, tmp_path: Path) -> None:
    """Both are acknowledged; the second one to delete hears that it is gone, and two who continue get a shot each."""
    ana, ben = discord.person("Ana"), discord.person("Ben")
    channel = discord.channel(discord.guild("Film club", [ana, ben]), "films")
    async with opened_bot(discord, tmp_path, provider=endless()) as house:
        await shelved(house, channel, ana, ["a lamp", "a boat"])
        shown = await asked(discord, ana, channel, "show", clip="a1-1")
        opened = [discord.presses(person, shown, "Continue") for person in (ana, ben)]
        await asyncio.gather(*(each.showed_modal(WAIT_S) for each in opened))
        written = [discord.submits(each.person, each, f"by {each.person.name}") for each in opened]
        heard = await asyncio.gather(*(each.answered(WAIT_S) for each in written))
        assert sorted(message.text.split()[0] for message in heard) == ["a1-3", "a1-4"]
        last = await asked(discord, ana, channel, "show", clip="a1-2")
        first, second = discord.presses(ana, last, "Delete"), discord.presses(ana, last, "Delete")
        await told(discord, channel, "a1-2 was deleted.")
        await until(
            discord, lambda: [each for pressed in (first, second) for each in pressed.messages if each.ephemeral_to]
        )
        answers = [each for pressed in (first, second) for each in pressed.messages]
        assert sorted(message.text for message in answers if message.ephemeral_to) == [
            "a1-2 was deleted; /story lists the shots that are left."
        ]
        assert public(discord, channel).count("a1-2 was deleted.") == 1


async def test_a_whisper_is_said_though_the_first_try_failed(
    discord: FakeDiscord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stood there for all was taken away by then, and that is no reason to say nothing."""
    monkeypatch.setattr("bot.discord.faults.AGAIN_S", 0.05)
    ana = discord.person("Ana")
    channel = discord.channel(discord.guild("Film club", [ana]), "films")
    async with opened_bot(discord, tmp_path, provider=endless()):
        discord.fail_next("POST", "/webhooks/*/*", 429, retry_after_s=0.01, times=5)
        retake = discord.slash(ana, channel, "retake", shot="a1-7")
        assert "a1-7" in await refused(discord, retake)


async def test_a_file_that_takes_a_while_is_counted_where_it_will_be(
    discord: FakeDiscord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For who asked alone."""
    monkeypatch.setattr(making, "AFTER_S", 0.0)
    ana = discord.person("Ana")
    channel = discord.channel(discord.guild("Film club", [ana]), "films")
    async with opened_bot(discord, tmp_path, provider=quick()) as house:
        await shelved(house, channel, ana, ["a lamp"])
        pressed = discord.slash(ana, channel, "download", clip="a1-1", what="gif")
        await until(discord, lambda: any(each.attachments for each in pressed.messages))
    (file,) = pressed.messages
    assert file.ephemeral_to == ana
    assert [each.name for each in file.attachments] == ["a1-1.gif"]
    assert "a1-1 · gif\nGIF without sound" in file.text
    counted = [words for words in file.history if words.startswith(making.MAKING)]
    assert counted
    assert all(words.startswith("making the GIF ") for words in counted)
