"""The pace and the faults of the fake of Discord: buckets, lost answers, gates, slow uploads, as discord.py meets them."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator

import aiohttp
import discord
import httpx
import pytest

from tests.discord.plain_client import PlainClient, logged_in, refusal
from tests.fakes.discord import TOKEN, Channel, FakeDiscord
from tests.telegram.plain_http import NO_CERTIFICATES


@pytest.fixture
async def server() -> AsyncIterator[FakeDiscord]:
    """Twenty of its seconds are one of ours; nobody complains at the end."""
    async with FakeDiscord(speed=20) as discord_:
        yield discord_
    assert discord_.complaints == []


@pytest.fixture
async def client(server: FakeDiscord) -> AsyncIterator[PlainClient]:
    async with logged_in(server) as plain:
        yield plain


@pytest.fixture
def films(server: FakeDiscord) -> Channel:
    return server.channel(server.guild("Film club"), "films")


async def test_discord_py_keeps_to_the_buckets(server: FakeDiscord, client: PlainClient, films: Channel) -> None:
    """Five sends in five seconds of a channel: it waits by itself and is never refused."""
    place = client.place(films.id)
    for number in range(12):
        await place.send(f"{number}")
    times = [call.at_s for call in server.sends(films)]
    assert len(times) == 12
    assert times[-1] - times[0] >= 10.0 - 0.1
    assert server.buckets.refused == 0


async def test_whoever_does_not_wait_is_refused() -> None:
    """With the headers by which a client knows that it is no ban, and how long to wait."""
    headers = {"Authorization": f"Bot {TOKEN}"}
    async with (
        FakeDiscord(clock=lambda: 0.0) as still,
        httpx.AsyncClient(verify=NO_CERTIFICATES, headers=headers) as http,
    ):
        films = still.channel(still.guild("Film club"), "films")
        url = f"{still.api_url}/v10/channels/{films.id}/messages"
        answers = [await http.post(url, json={"content": f"{number}"}) for number in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["4", "3", "2", "1", "0", "0"]
    refused = answers[-1]
    assert refused.headers["Via"]
    assert refused.headers["Retry-After"] == "5"
    assert refused.json() == {"message": "You are being rate limited.", "code": 0, "retry_after": 5.0, "global": False}
    assert (still.buckets.refused, still.buckets.invalid) == (1, 1)


async def test_fifty_a_second_are_the_most_for_a_token() -> None:
    """Interactions and their webhooks do not count."""
    async with FakeDiscord(clock=lambda: 0.0) as still, httpx.AsyncClient(verify=NO_CERTIFICATES) as http:
        headers = {"Authorization": f"Bot {still.token}"}
        channels = [still.channel(still.guild(f"Club {number}"), "films") for number in range(51)]
        answers = [await http.get(f"{still.api_url}/v10/channels/{place.id}", headers=headers) for place in channels]
        assert [answer.status_code for answer in answers] == [200] * 50 + [429]
        assert answers[-1].json()["global"] is True
        assert answers[-1].headers["X-RateLimit-Global"] == "true"
        late = await http.post(f"{still.api_url}/v10/interactions/1/x/callback", json={"type": 5})
        assert late.json()["code"] == 10062


async def test_discord_py_waits_for_a_429_that_has_a_via(
    server: FakeDiscord, client: PlainClient, films: Channel
) -> None:
    """And tries again."""
    server.fail_next("POST", "/channels/*/messages", 429, retry_after_s=0.05)
    await client.place(films.id).send("x")
    assert [call.status for call in server.calls_of("POST", "/channels/{channel}/messages")] == [429, 200]


async def test_a_refusal_on_request(server: FakeDiscord, client: PlainClient, films: Channel) -> None:
    """Not carried out; other paths are left alone."""
    server.fail_next("POST", "/channels/*/messages", 403, 50013)
    await client.place(films.id).typing()
    assert await refusal(client.place(films.id).send("x")) == (403, 50013)
    assert server.bot_messages(films) == []
    await client.place(films.id).send("x")


async def test_a_lost_answer_was_carried_out(server: FakeDiscord, client: PlainClient, films: Channel) -> None:
    """The client hears nothing; the same nonce brings the message to light."""
    server.lose_answer("POST", "/channels/*/messages")
    with pytest.raises(aiohttp.ClientError):
        await client.place(films.id).send("x", nonce=1)
    again = await client.place(films.id).send("x", nonce=1)
    assert [message.id for message in server.bot_messages(films)] == [again.id]


async def test_a_gate_holds_a_call(server: FakeDiscord, client: PlainClient, films: Channel) -> None:
    """Before it is carried out, or after."""
    before = server.gate("POST", "/channels/*/messages")
    sending = asyncio.create_task(client.place(films.id).send("x"))
    await asyncio.wait_for(before.reached.wait(), 5)
    assert server.bot_messages(films) == []
    after = server.gate("POST", "/channels/*/messages", after=True)
    before.release()
    await asyncio.wait_for(after.reached.wait(), 5)
    assert len(server.bot_messages(films)) == 1
    assert not sending.done()
    after.release()
    await sending


async def test_a_slow_call_is_waited_for(server: FakeDiscord, client: PlainClient, films: Channel) -> None:
    """A client with less patience goes away."""
    server.hang_next("POST", "/channels/*/messages", 0.5)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.place(films.id).send("x"), 0.1)


async def test_a_slow_line_takes_files_in_slowly(server: FakeDiscord, client: PlainClient, films: Channel) -> None:
    """What arrived is counted, also of a request that is cut off."""
    server.slow_upload_bytes_per_s = 400_000
    clip = discord.File(io.BytesIO(b"x" * 4_000_000), "a.mp4")
    sending = asyncio.create_task(client.place(films.id).send(file=clip))
    await server.wait_until(lambda: server.arrived_bytes > 20_000)
    assert server.arriving == [f"POST /channels/{films.id}/messages"]
    sending.cancel()
    await server.wait_until(lambda: server.cut_off == 1)
    server.slow_upload_bytes_per_s = None
    await client.place(films.id).send(file=discord.File(io.BytesIO(b"x" * 1000), "a.mp4"))
    assert len(server.sends(films)) == 1


async def test_an_unknown_path_is_a_complaint(server: FakeDiscord, client: PlainClient) -> None:
    """The fake says what it cannot do, and what the contract does not know."""
    async with httpx.AsyncClient(verify=NO_CERTIFICATES, headers={"Authorization": f"Bot {server.token}"}) as http:
        assert (await http.get(f"{server.api_url}/v10/voice/regions")).status_code == 404
        guild = server.guild("Film club")
        url = f"{server.api_url}/v10/channels/{server.channel(guild, 'films').id}/messages"
        await http.post(url, json={"content": "x", "tts": "yes"})
    assert "no such route" in server.complaints[0]
    if server.contract is not None:
        assert "tts" in server.complaints[1]
    server.complaints.clear()


async def test_a_report_tells_what_there_is(server: FakeDiscord, client: PlainClient, films: Channel) -> None:
    """It is the sentence of a wait that failed."""
    await client.place(films.id).send("a lamp")
    with pytest.raises(AssertionError, match="a lamp"):
        await server.wait_until(lambda: False, 0.01, "Nothing")
