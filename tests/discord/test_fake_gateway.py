"""The gateway of the fake of Discord: sessions, resumes, shards, heartbeats and what is closed, through the real discord.py."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import discord
import pytest

from tests.discord.plain_client import PlainClient, connected, logged_in
from tests.fakes.discord import FakeDiscord
from tests.fakes.discord_api.sessions import Session
from tests.specs import needed_spec

IDENTIFY: dict[str, Any] = {"intents": 1, "properties": {"os": "linux", "browser": "x", "device": "x"}}


async def film(interaction: discord.Interaction[PlainClient]) -> None:
    await interaction.response.send_message("done")


def _by_shard(server: FakeDiscord) -> list[Session]:
    return sorted(server.gateway.sessions, key=lambda session: session.shard)


def test_the_contracts_are_there() -> None:
    """Without them every check of a request, an answer and an event is left out, and this test says so."""
    needed_spec("discord-api-v10.openapi.json")
    needed_spec("discord-gateway-v10.schema.json")
    assert FakeDiscord().contract is not None


async def test_a_client_comes_up_with_all_it_should_know() -> None:
    """READY, then each guild with its channels, roles and threads; compressed, with no privileged intent."""
    async with FakeDiscord(flood=False, ack_within_s=30) as server:
        guild = server.guild("Film club", boost_level=2)
        channel = server.channel(guild, "films")
        hidden = server.channel(guild, "hidden")
        server.deny(hidden, "view_channel")
        thread, role = server.thread(channel, "story k7"), server.role(guild, "crew")
        async with connected(server, film) as client:
            assert client.events[:2] == ["READY", "GUILD_CREATE"]
            known = client.get_guild(guild.id)
            assert known is not None
            assert known.filesize_limit == 50 * 1024 * 1024
            assert known.get_channel(channel.id) is not None
            assert known.get_channel(hidden.id) is None
            assert known.get_thread(thread.id) is not None
            assert known.get_role(role.id) is not None
            assert known.me.id == server.bot.id
            assert server.connected == 1
            assert server.gateway.compressions == ["zlib-stream"]
            assert server.identifies[0]["intents"] == 1
        assert server.complaints == []


async def test_what_a_dropped_client_missed_is_replayed() -> None:
    """A command given while nobody was connected is answered after the resume."""
    async with FakeDiscord(flood=False, ack_within_s=30) as server:
        ana = server.person("Ana")
        channel = server.channel(server.guild("Film club", [ana]), "films")
        async with connected(server, film) as client:
            assert await server.drop_gateway(4000) == 1
            interaction = server.slash(ana, channel, "film")
            assert (await interaction.answered()).text == "done"
            assert server.resumes == 1
            assert "RESUMED" in client.events
            server.cut_gateway()
            assert (await server.slash(ana, channel, "film").answered()).text == "done"
            server.ask_to_reconnect()
            await server.wait_until(lambda: server.resumes == 3)
            assert (await server.slash(ana, channel, "film").answered()).text == "done"
            assert len(server.identifies) == 1
        assert server.complaints == []


async def test_an_invalid_session_begins_anew() -> None:
    """What happened meanwhile is lost: the command fails."""
    async with FakeDiscord(flood=False, ack_within_s=0.2) as server:
        ana = server.person("Ana")
        channel = server.channel(server.guild("Film club", [ana]), "films")
        async with connected(server, film):
            server.invalidate_sessions()
            lost = server.slash(ana, channel, "film")
            await server.wait_until(lambda: len(server.identifies) == 2 and server.connected == 1, 10)
            server.world.ack_within_s = 5.0
            assert (await server.slash(ana, channel, "film").answered()).text == "done"
            assert lost.ack is None
        assert server.complaints == []


async def test_an_outage_is_survived() -> None:
    """Nobody listens; discord.py then begins anew, with what the server knew."""
    async with FakeDiscord(flood=False, ack_within_s=30) as server:
        ana = server.person("Ana")
        channel = server.channel(server.guild("Film club", [ana]), "films")
        async with connected(server, film):
            async with server.outage():
                assert server.connected == 0
            await server.wait_until(lambda: server.connected == 1, 20)
            assert (await server.slash(ana, channel, "film").answered()).text == "done"
        assert server.complaints == []


async def test_each_shard_hears_of_its_own_guilds() -> None:
    """Direct messages come to the first."""
    async with FakeDiscord(flood=False, shards=2, ack_within_s=30) as server:
        ana = server.person("Ana")
        guilds = [server.guild(f"Club {number}", [ana], shard=(number, 2)) for number in range(2)]
        channels = [server.channel(guild, "films") for guild in guilds]
        async with connected(server, film) as client:
            assert server.connected == 2
            assert sorted(identify["shard"] for identify in server.identifies) == [[0, 2], [1, 2]]
            for place in (*channels, server.dm(ana)):
                assert (await server.slash(ana, place, "film").answered()).text == "done"
            shards = {heard.channel_id: heard.guild.shard_id if heard.guild else None for heard in client.heard}
            assert shards == {channels[0].id: 0, channels[1].id: 1, server.dm(ana).id: None}
            assert len(client.heard) == 3
            told = [
                [event for _, event, _ in session.events].count("INTERACTION_CREATE") for session in _by_shard(server)
            ]
            assert told == [2, 1]
        assert server.complaints == []


async def test_guilds_come_and_go() -> None:
    """Unavailable, back, invited, thrown out; channels and threads too."""
    async with FakeDiscord(flood=False, ack_within_s=30) as server:
        guild = server.guild("Film club")
        away = server.guild("Away", available=False)
        async with connected(server, film) as client:
            known = client.get_guild(away.id)
            assert known is not None
            assert known.unavailable
            server.set_guild_available(away, available=True)
            await server.wait_until(lambda: not known.unavailable)
            server.set_guild_available(guild, available=False)
            await server.wait_until(lambda: client.events[-1] == "GUILD_DELETE")
            server.set_guild_available(guild, available=True)
            late = server.guild("Late")
            await server.wait_until(lambda: client.get_guild(late.id) is not None)
            channel = server.channel(late, "films")
            thread = server.thread(channel, "story")
            server.archives(thread)
            server.deny(channel, "view_channel")
            server.permit(channel, "view_channel")
            server.deletes_channel(channel)
            server.kicks_bot(late)
            await server.wait_until(lambda: client.get_guild(late.id) is None)
            expected = (
                "CHANNEL_CREATE THREAD_CREATE THREAD_UPDATE CHANNEL_DELETE CHANNEL_CREATE CHANNEL_DELETE GUILD_DELETE"
            )
            assert client.events[-7:] == expected.split()
        assert server.complaints == []


async def test_slash_only_intents_hear_no_messages() -> None:
    """With the intent for messages they come, without what stands in them."""
    async with FakeDiscord(flood=False, ack_within_s=30) as server:
        ana = server.person("Ana")
        channel = server.channel(server.guild("Film club", [ana]), "films")
        async with connected(server, film) as client:
            server.says(ana, channel, "secret")
            await server.slash(ana, channel, "film").answered()
            assert "MESSAGE_CREATE" not in client.events
        intents = discord.Intents(guilds=True, guild_messages=True)
        seen: list[str] = []
        async with connected(server, intents=intents) as client:

            async def on_message(message: discord.Message) -> None:
                seen.append(message.content)

            client.event(on_message)
            server.says(ana, channel, "secret")
            server.says(ana, channel, f"<@{server.bot.id}> hello")
            await server.wait_until(lambda: len(seen) == 2)
            assert seen == ["", f"<@{server.bot.id}> hello"]
        assert server.complaints == []


async def test_a_wrong_token_is_told_at_login() -> None:
    """401 by REST, before the gateway is asked."""
    async with FakeDiscord(flood=False, ack_within_s=30) as server:
        with pytest.raises(discord.LoginFailure):
            async with logged_in(server, "wrong"):
                pass
        assert (server.calls[0].status, server.gateway.closes) == (401, [])


async def test_privileged_intents_have_to_be_granted() -> None:
    """4014, which ends the client."""
    async with FakeDiscord(flood=False, ack_within_s=30) as server:
        server.guild("Film club")
        async with logged_in(server, intents=discord.Intents(guilds=True, message_content=True)) as client:
            with pytest.raises(discord.PrivilegedIntentsRequired):
                await asyncio.wait_for(client.connect(), 10)
        assert server.gateway.closes[0] == 4014


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"op": 2, "d": {**IDENTIFY, "token": "wrong"}}, 4004),
        ({"op": 2, "d": {**IDENTIFY, "shard": [2, 2]}}, 4010),
        ({"op": 2, "d": {**IDENTIFY, "intents": 1 << 30}}, 4013),
        ({"op": 2, "d": {**IDENTIFY, "intents": 1 << 15}}, 4014),
        ({"op": 8, "d": {"guild_id": "1"}}, 4003),
        ({"op": 99, "d": None}, 4001),
        ("no json", 4002),
        ("x" * 5000, 4002),
    ],
)
async def test_what_closes_a_socket(payload: Any, code: int) -> None:
    """Each fault has its code."""
    async with (
        FakeDiscord(flood=False, ack_within_s=30) as server,
        aiohttp.ClientSession() as http,
        http.ws_connect(f"{server.url}/gateway?v=10&encoding=json") as ws,
    ):
        assert (await ws.receive_json())["op"] == 10
        if isinstance(payload, dict) and payload["op"] == 2:
            payload = {**payload, "d": {"token": server.token, **payload["d"]}}
        await ws.send_str(payload if isinstance(payload, str) else json.dumps(payload))
        await ws.receive()
        assert ws.close_code == code


async def test_a_resume_needs_its_session() -> None:
    """An unknown one is invalid, a sequence from the future closes, too many payloads too."""
    async with FakeDiscord(flood=False, ack_within_s=30) as server, aiohttp.ClientSession() as http:
        async with http.ws_connect(f"{server.url}/gateway?v=10&encoding=json") as ws:
            await ws.receive_json()
            await ws.send_json({"op": 6, "d": {"token": server.token, "session_id": "unknown", "seq": 1}})
            assert (await ws.receive_json())["op"] == 9
            await ws.send_json({"op": 2, "d": {**IDENTIFY, "token": server.token}})
            ready = await ws.receive_json()
            assert ready["t"] == "READY"
            await ws.send_json({"op": 2, "d": {**IDENTIFY, "token": server.token}})
            await ws.receive()
            assert ws.close_code == 4005
        async with http.ws_connect(f"{server.url}/gateway?v=10&encoding=json") as ws:
            await ws.receive_json()
            resume = {"token": server.token, "session_id": ready["d"]["session_id"], "seq": 99}
            await ws.send_json({"op": 6, "d": resume})
            await ws.receive()
            assert ws.close_code == 4007
        async with http.ws_connect(f"{server.url}/gateway?v=10&encoding=json") as ws:
            await ws.receive_json()
            for _ in range(121):
                await ws.send_json({"op": 1, "d": None})
            async for _ in ws:
                pass
            assert ws.close_code == 4008


async def test_a_heartbeat_without_an_answer_is_a_dead_line() -> None:
    """The client closes and resumes."""
    async with FakeDiscord(flood=False, ack_within_s=30) as server:
        server.guild("Film club")
        server.heartbeat_s = 0.1
        async with connected(server, film, heartbeat_timeout=0.3):
            await server.wait_until(lambda: server.gateway.heartbeats >= 3)
            server.acks_heartbeats = False
            await server.wait_until(lambda: server.resumes >= 1, 10)
            server.acks_heartbeats = True
        assert server.complaints == []


async def test_the_last_identify_of_a_day_is_counted() -> None:
    """GET /gateway/bot tells how many are left."""
    async with FakeDiscord(flood=False, ack_within_s=30) as server:
        server.guild("Film club")
        async with connected(server, film) as client:
            limits = (await client.http.get_bot_gateway())[2]
            assert (limits["remaining"], limits["max_concurrency"]) == (999, 1)
        assert server.complaints == []


async def test_an_identify_that_comes_too_early_is_invalid() -> None:
    """Five seconds apart at Discord; used up for the day the token is gone."""
    async with FakeDiscord(flood=False, ack_within_s=30) as server, aiohttp.ClientSession() as http:
        server.identify_every_s = 60
        payload = {"op": 2, "d": {**IDENTIFY, "token": server.token}}
        for expected in (0, 9):
            async with http.ws_connect(f"{server.url}/gateway?v=10&encoding=json") as ws:
                await ws.receive_json()
                await ws.send_json(payload)
                assert (await ws.receive_json())["op"] == expected
        assert server.complaints == []
        server.identifies_left = 0
        async with http.ws_connect(f"{server.url}/gateway?v=10&encoding=json") as ws:
            await ws.receive_json()
            await ws.send_json(payload)
            await ws.receive()
            assert ws.close_code == 4004
        assert len(server.complaints) == 1
