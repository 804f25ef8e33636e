"""The registration of commands with the fake of Discord, and what a client makes of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import discord
import pytest

from tests.discord.plain_client import PlainClient, connected, logged_in, refusal
from tests.fakes.discord import ClientRefuses, FakeDiscord

Json = dict[str, Any]


@pytest.fixture
async def server() -> AsyncIterator[FakeDiscord]:
    """Nobody complains at the end."""
    async with FakeDiscord(flood=False, ack_within_s=30) as discord_:
        yield discord_
    assert discord_.complaints == []


@pytest.fixture
async def client(server: FakeDiscord) -> AsyncIterator[PlainClient]:
    async with logged_in(server) as plain:
        yield plain


CHOICES = [{"name": f"{number}" + "n" * 90, "value": f"{number}" + "v" * 90} for number in range(25)]
"""A third of what a command may hold, and more."""


def command(name: str = "film", **more: Any) -> Json:
    return {"name": name, "description": "Makes a film.", "type": 1, **more}


def option(name: str = "prompt", kind: int = 3, **more: Any) -> Json:
    return {"name": name, "description": "What it shows.", "type": kind, **more}


async def put(client: PlainClient, commands: list[Json]) -> list[Any]:
    assert client.application_id is not None
    return await client.http.bulk_upsert_global_commands(client.application_id, commands)


async def test_all_are_overwritten_at_once(server: FakeDiscord, client: PlainClient) -> None:
    """One that stays keeps its id; the times are counted."""
    first = await put(client, [command("film"), command("old")])
    second = await put(client, [command("film", options=[option(required=True)]), command("new")])
    assert [known["name"] for known in server.commands] == ["film", "new"]
    assert (first[0]["id"], server.command_puts) == (second[0]["id"], 2)
    assert await client.http.get_global_commands(client.application_id or 0) == second


async def test_a_guild_has_commands_of_its_own(server: FakeDiscord, client: PlainClient) -> None:
    """They are offered beside the global ones; where the bot is not, none can be given."""
    ana = server.person("Ana")
    guild = server.guild("Film club", [ana])
    channel = server.channel(guild, "films")
    await client.http.upsert_guild_command(client.application_id or 0, guild.id, command("local"))
    assert server.slash(ana, channel, "local").data["guild_id"] == str(guild.id)
    server.kicks_bot(guild)
    said = client.http.upsert_guild_command(client.application_id or 0, guild.id, command("x"))
    assert await refusal(said) == (403, 50001)


@pytest.mark.parametrize(
    "wrong",
    [
        command("Film"),
        command("two words"),
        command("x" * 33),
        command(description=""),
        command(description="x" * 101),
        command(options=[option(), option("second", required=True)]),
        command(options=[option(), option()]),
        command(options=[option(f"o{number}") for number in range(26)]),
        command(options=[option(choices=[{"name": f"{number}", "value": f"{number}"} for number in range(26)])]),
        command(options=[option(choices=[{"name": "a", "value": "a"}], autocomplete=True)]),
        command(options=[option(kind=11, autocomplete=True)]),
        command(options=[option("Frame")]),
        command(options=[option(max_length=6001)]),
        command(options=[option(kind=1), option("second")]),
        command(options=[option(f"o{number}", choices=CHOICES) for number in range(3)]),
        command("Menu", type=3, description="no description"),
    ],
)
async def test_what_a_command_may_not_be(client: PlainClient, wrong: Json) -> None:
    """Refused as a whole, with the field that is wrong."""
    assert await refusal(put(client, [command("fine"), wrong])) == (400, 50035)


async def test_there_are_only_so_many(server: FakeDiscord, client: PlainClient) -> None:
    """A hundred slash commands, fifteen of each menu, no name twice, two hundred creates in a day."""
    menus = [{"name": f"Menu {number}", "type": 3} for number in range(16)]
    assert await refusal(put(client, menus)) == (400, 30032)
    assert await refusal(put(client, [command(), command()])) == (400, 50035)
    assert await refusal(put(client, [command(f"c{number}") for number in range(101)])) == (400, 30032)
    await put(client, [*(command(f"c{number}") for number in range(100)), *menus[:15]])
    assert await refusal(put(client, [command(f"d{number}") for number in range(100)])) == (400, 30034)


async def test_a_client_shows_a_command_only_where_it_is_for(server: FakeDiscord, client: PlainClient) -> None:
    """By its contexts, its installs, the permissions that it wants and an admin's switch."""
    ana, boss = server.person("Ana"), server.person("Boss")
    guild = server.guild("Film club", [ana, boss])
    channel = server.channel(guild, "films")
    server.allow(boss, guild, "manage_guild")
    await put(
        client,
        [
            command("here", contexts=[0], integration_types=[0]),
            command("anywhere", contexts=[0, 1, 2], integration_types=[0, 1]),
            command("bosses", default_member_permissions=1 << 5),
        ],
    )
    elsewhere = server.foreign_channel("elsewhere", [ana])
    server.slash(ana, channel, "here")
    for place in (channel, server.dm(ana), elsewhere, server.private_chat(ana, boss)):
        server.slash(ana, place, "anywhere")
    for place in (server.dm(ana), elsewhere):
        with pytest.raises(ClientRefuses, match="not offered"):
            server.slash(ana, place, "here")
    server.slash(boss, channel, "bosses")
    with pytest.raises(ClientRefuses, match="lacks the permissions"):
        server.slash(ana, channel, "bosses")
    server.forbid_command(guild, "here", where=channel)
    with pytest.raises(ClientRefuses, match="switched off"):
        server.slash(ana, channel, "here")
    with pytest.raises(ClientRefuses, match="does not see films"):
        server.slash(server.person("Guest"), channel, "anywhere")


async def test_sub_commands_are_named_with_a_space(server: FakeDiscord, client: PlainClient) -> None:
    """And nothing goes without the last word."""
    ana = server.person("Ana")
    channel = server.channel(server.guild("Film club", [ana]), "films")
    await put(client, [command("story", options=[option("new", 1, options=[option("title", required=True)])])])
    sent = server.slash(ana, channel, "story new", title="k7")
    title = {"name": "title", "type": 3, "value": "k7"}
    assert sent.data["options"] == [{"name": "new", "type": 1, "options": [title]}]
    with pytest.raises(ClientRefuses, match="wants a sub-command"):
        server.slash(ana, channel, "story")
    with pytest.raises(ClientRefuses, match="no sub-command 'old'"):
        server.slash(ana, channel, "story old")
    with pytest.raises(ClientRefuses, match="title is required"):
        server.slash(ana, channel, "story new")


async def test_every_kind_of_option_arrives_as_what_it_is(server: FakeDiscord) -> None:
    """People, roles and channels with their data; numbers as numbers; in a server and alone with the bot."""

    async def use(
        interaction: discord.Interaction[Any],
        person: discord.User,
        place: discord.TextChannel | None = None,
        role: discord.Role | None = None,
        share: float | None = None,
    ) -> None:
        given = [person.id, place and place.id, role and role.id, share]
        await interaction.response.send_message(" ".join(str(value) for value in given))

    ana, ben = server.person("Ana"), server.person("Ben")
    guild = server.guild("Film club", [ana, ben])
    films, crew = server.channel(guild, "films"), server.role(guild, "crew")
    async with connected(server, use):
        sent = server.slash(ana, films, "use", person=ben, place=films, role=crew, share=0.5)
        assert (await sent.answered()).text == f"{ben.id} {films.id} {crew.id} 0.5"
        alone = server.slash(ana, server.dm(ana), "use", person=ben)
        assert (await alone.answered()).text == f"{ben.id} None None None"
        for wrong in ({"person": "Ben"}, {"person": ben, "share": "half"}, {"person": ben, "role": ben}):
            with pytest.raises(ClientRefuses, match="does not take"):
                server.slash(ana, films, "use", **wrong)
