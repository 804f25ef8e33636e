"""Who is let in, through the real connection: nobody by default; then servers, channels, roles, people, or everybody."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot import texts
from bot.discord import sentences
from tests.discord.asking import acked, asked, endless, handled, jobs_of, public, refused, told, until, whispered
from tests.discord.house import opened_bot
from tests.fakes.discord import Channel, ClientRefuses, FakeDiscord, Interaction, Message, Person


def closed(where: object) -> str:
    return (
        f"This Nextshot is not open to everybody. Its operator lets this chat in with NEXTSHOT_DISCORD_ALLOWED={where}"
    )


def is_cancelled(status: Message) -> bool:
    return "cancelled" in status.text


def creates(discord: FakeDiscord, person: Person, channel: Channel) -> Interaction:
    return discord.slash(person, channel, "create", prompt="a lamp")


async def test_nobody_is_let_in_by_default(discord: FakeDiscord, tmp_path: Path) -> None:
    """Each is told alone how its operator lets the server, or the person, in; nothing is said before all."""
    ana = discord.person("Ana")
    guild = discord.guild("Film club", [ana])
    channel, private = discord.channel(guild, "films"), discord.dm(ana)
    group = discord.foreign_channel("a group", [ana], in_guild=False)
    elsewhere = discord.foreign_channel("elsewhere", [ana])
    async with opened_bot(discord, tmp_path, provider=endless(), discord_allowed="") as house:
        for place, where in (
            (channel, guild.id),
            (discord.thread(channel, "a thread"), guild.id),
            (private, ana.id),
            (group, ana.id),
            (elsewhere, elsewhere.foreign_guild_id),
        ):
            assert await refused(discord, creates(discord, ana, place)) == closed(where)
            assert await refused(discord, discord.slash(ana, place, "help")) == closed(where)
            assert public(discord, place) == []
        sent = discord.says(ana, channel, "hello")
        menu = discord.message_command(ana, channel, sent, "Continue from this video")
        assert await refused(discord, menu) == closed(guild.id)
        assert menu.modal is None
        assert await jobs_of(house, channel) == 0


async def test_servers_channels_roles_and_people_are_let_in(discord: FakeDiscord, tmp_path: Path) -> None:
    """A thread with its channel; a role wherever its people are; a person also in private and where the bot is not."""
    ana, ben, cal, eve = (discord.person(name) for name in ("Ana", "Ben", "Cal", "Eve"))
    club, town = discord.guild("Film club", [ana, eve]), discord.guild("Town", [ana, ben, cal, eve])
    square, hall = discord.channel(town, "square"), discord.channel(town, "hall")
    crew = discord.role(town, "crew", people=[ben])
    allowed = f"guild:{club.id}, channel:{square.id}, role:{crew.id}, user:{cal.id}"
    thread, films = discord.thread(square, "a thread"), discord.channel(club, "films")
    elsewhere = discord.foreign_channel("elsewhere", [cal, eve])
    async with opened_bot(discord, tmp_path, provider=endless(), discord_allowed=allowed):
        for person, place in (
            (eve, films),
            (eve, square),
            (eve, thread),
            (ben, hall),
            (cal, hall),
            (cal, discord.dm(cal)),
            (cal, elsewhere),
        ):
            answer = await creates(discord, person, place).answered()
            assert f"-1 · by {person.name}" in answer.text
        for person, place, where in (
            (eve, hall, town.id),
            (eve, discord.dm(eve), eve.id),
            (ben, discord.dm(ben), ben.id),
            (eve, elsewhere, elsewhere.foreign_guild_id),
        ):
            assert await refused(discord, creates(discord, person, place)) == closed(where)
        shown = discord.bot_messages(elsewhere)[0]
        assert sentences.NO_ACCESS in shown.text
        # what stands there for all to press obeys the same door
        assert await refused(discord, discord.presses(eve, shown, "Cancel")) == closed(elsewhere.foreign_guild_id)
        assert await refused(discord, discord.presses_forged(eve, discord.bot_messages(hall)[-1], "pick:a1:0")) == (
            closed(town.id)
        )


async def test_who_is_blocked_is_left_without_a_word(discord: FakeDiscord, tmp_path: Path) -> None:
    """Whoever else is let in; commands, buttons, menus and fields alike."""
    ana, mallory = discord.person("Ana"), discord.person("Mallory")
    guild = discord.guild("Film club", [ana, mallory])
    channel = discord.channel(guild, "films")
    lists: dict[str, Any] = {"discord_blocked": f"user:{mallory.id}", "discord_admins": f"user:{mallory.id}"}
    async with opened_bot(discord, tmp_path, provider=endless(), **lists) as house:
        status = await creates(discord, ana, channel).answered()
        said = [
            creates(discord, mallory, channel),
            discord.presses(mallory, status, "Cancel"),
            discord.types(mallory, channel, "show", "clip", ""),
            discord.message_command(mallory, channel, status, "Continue from this video"),
            creates(discord, mallory, discord.dm(mallory)),
        ]
        await handled(discord, ana, channel)
        assert [each.ack for each in said] == [None] * len(said)
        assert await jobs_of(house, channel) == 1


async def test_the_operator_s_own_people_are_let_in_and_may_do_all(discord: FakeDiscord, tmp_path: Path) -> None:
    """By person and by role."""
    ana, boss, crew = discord.person("Ana"), discord.person("Boss"), discord.person("Crew")
    guild = discord.guild("Film club", [ana, boss, crew])
    channel = discord.channel(guild, "films")
    role = discord.role(guild, "operators", people=[crew])
    lists: dict[str, Any] = {"discord_allowed": f"user:{ana.id}", "discord_admins": f"user:{boss.id}, role:{role.id}"}
    async with opened_bot(discord, tmp_path, provider=endless(), **lists):
        for person in (boss, crew):
            status = await creates(discord, ana, channel).answered()
            await acked(discord.presses(person, status, "Cancel"))
            await until(discord, partial(is_cancelled, status))


async def test_what_a_server_forbids_does_not_come_and_what_it_lets_pass_is_done(
    discord: FakeDiscord, tmp_path: Path
) -> None:
    """The server's own permissions of commands; /settings is for who manages it unless its admins say otherwise."""
    ana, admin = discord.person("Ana"), discord.person("Admin")
    guild = discord.guild("Film club", [ana, admin])
    discord.allow(admin, guild, "manage_guild")
    channel = discord.channel(guild, "films")
    async with opened_bot(discord, tmp_path, provider=endless()):
        with pytest.raises(ClientRefuses, match="lacks the permissions"):
            discord.slash(ana, channel, "settings", ratio="9:16")
        changed = await asked(discord, admin, channel, "settings", ratio="9:16")
        assert "ratio 9:16" in changed.text
        alone = await asked(discord, ana, discord.dm(ana), "settings", ratio="9:16")
        assert "ratio 9:16" in alone.text
        discord.presses(ana, alone, "16:9")
        await told(discord, discord.dm(ana), "ratio 16:9", after=alone)
        pressed = discord.presses(ana, changed, "16:9")
        assert await whispered(discord, pressed) == texts.ADMINS_ONLY
        # as the server's admins can choose
        next(each for each in discord.commands if each["name"] == "settings")["default_member_permissions"] = None
        changed = await asked(discord, ana, channel, "settings", ratio="16:9")
        assert "ratio 16:9" in changed.text


async def test_what_no_server_let_pass_is_for_who_manages_it(discord: FakeDiscord, tmp_path: Path) -> None:
    """In a server that a person alone brought the bot to, no permissions of commands were asked: /settings needs their own."""
    ana, boss = discord.person("Ana"), discord.person("Boss")
    elsewhere = discord.foreign_channel("elsewhere", [ana, boss])
    async with opened_bot(discord, tmp_path, provider=endless(), discord_admins=f"user:{boss.id}"):
        assert await refused(discord, discord.slash(ana, elsewhere, "settings", ratio="9:16")) == texts.ADMINS_ONLY
        shown = await asked(discord, ana, elsewhere, "settings")
        assert "nothing is chosen here" in shown.text
        changed = await asked(discord, boss, elsewhere, "settings", ratio="9:16")
        assert "ratio 9:16" in changed.text
