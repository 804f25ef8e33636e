"""Who may do what in the fake of Discord: roles, permissions, and what a client would not let a person do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from tests.discord.plain_client import connected
from tests.fakes.discord import ClientRefuses, FakeDiscord
from tests.fakes.discord_api import permissions


@pytest.fixture
async def server() -> AsyncIterator[FakeDiscord]:
    """Nobody complains at the end."""
    async with FakeDiscord(flood=False, ack_within_s=30) as discord:
        yield discord
    assert discord.complaints == []


async def test_roles_give_and_channels_take(server: FakeDiscord) -> None:
    """The owner may everything; an overwrite for a person goes before one for a role; a thread asks its channel."""
    ana, ben = server.person("Ana"), server.person("Ben")
    guild = server.guild("Film club", [ana, ben], owner=ana)
    films = server.channel(guild, "films")
    thread = server.thread(films, "story k7")
    crew = server.role(guild, "crew", may=["manage_messages"], people=[ben])
    assert permissions.may(films, ana, "manage_guild")
    assert permissions.may(thread, ben, "manage_messages", "send_messages")
    server.deny(films, "manage_messages", person=crew)
    assert not permissions.may(thread, ben, "manage_messages")
    server.permit(films, "manage_messages", person=ben)
    assert permissions.may(films, ben, "manage_messages")
    server.take_role(ben, crew, guild)
    server.deny(films, "view_channel", person=guild.everyone)
    assert not permissions.may(films, ben, "view_channel")
    assert not permissions.may(films, server.person("Guest"), "view_channel")


async def test_nobody_acts_where_they_are_not(server: FakeDiscord) -> None:
    """Not in a place of others, not in one that is gone, not where the bot was thrown out."""
    ana, guest = server.person("Ana"), server.person("Guest")
    guild = server.guild("Film club", [ana])
    films, other = server.channel(guild, "films"), server.channel(guild, "other")
    server.says(ana, films, "hello")
    for place in (films, server.dm(ana), server.foreign_channel("elsewhere", [ana])):
        with pytest.raises(ClientRefuses):
            server.says(guest, place, "hello")
    server.joins(guest, guild)
    server.says(guest, films, "hello")
    server.deletes_channel(films)
    with pytest.raises(ClientRefuses, match="deleted"):
        server.says(ana, films, "hello")
    server.kicks_bot(guild)
    with pytest.raises(ClientRefuses, match="bot is not in"):
        server.slash(ana, other, "film")


async def test_a_forged_press_reaches_the_bot(server: FakeDiscord) -> None:
    """Whatever its custom id says, and whoever's message it is on."""
    ana = server.person("Ana")
    films = server.channel(server.guild("Film club", [ana]), "films")
    said = server.says(ana, films, "no button here")
    async with connected(server) as client:
        with pytest.raises(ClientRefuses, match="no button"):
            server.presses(ana, said, "delete")
        server.presses_forged(ana, said, "delete:k7-1")
        await server.wait_until(lambda: client.heard)
        assert client.heard[0].data is not None
        assert client.heard[0].data.get("custom_id") == "delete:k7-1"


async def test_the_server_has_a_date_of_its_own() -> None:
    """It begins when it is told, and goes with its clock."""
    seconds = 0.0
    begins_at = datetime(2026, 1, 1, 12, tzinfo=UTC)
    async with FakeDiscord(clock=lambda: seconds, starts_at=begins_at) as server:
        first = server.person("Ana").id
        seconds = 90.0
        assert (server.world.now() - begins_at).total_seconds() == 90.0
        assert (server.person("Ben").id >> 22) - (first >> 22) == 90_000
