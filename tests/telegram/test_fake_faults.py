"""The pace, the faults and the clean end of the fake of Telegram, asked for by plain HTTP."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.fakes.telegram import FakeTelegram, Person
from tests.telegram.plain_http import Caller, calling, jpeg


@pytest.fixture
async def call() -> AsyncIterator[Caller]:
    """A server without flood control, about which nobody complains at the end."""
    async with calling(FakeTelegram(flood=False)) as caller:
        yield caller
    assert caller.server.complaints == []


@pytest.fixture
def server(call: Caller) -> FakeTelegram:
    return call.server


@pytest.fixture
def ana(server: FakeTelegram) -> Person:
    return server.person("Ana")


# --- pace


async def test_a_group_takes_twenty_in_any_minute() -> None:
    """Edits share the budget; other methods are free; other chats have their own; the log knows the most in any minute."""
    now_s = 0.0
    async with calling(FakeTelegram(clock=lambda: now_s)) as call:
        server, client = call.server, call.client
        ana = server.person("Ana")
        group, private = server.group("Film", [ana]), server.private(ana)
        sent = await call("sendMessage", chat_id=group.id, text="0")
        where = {"chat_id": group.id, "message_id": sent["result"]["message_id"]}
        for number in range(1, 20):
            now_s += 2.0
            assert (await call("editMessageText", **where, text=f"{number}"))["ok"]
        answer = await client.post(call.address("sendMessage"), json={"chat_id": group.id, "text": "too many"})
        assert answer.status_code == 429
        assert answer.headers["Retry-After"] == "22"
        assert answer.json() == {
            "ok": False,
            "error_code": 429,
            "description": "Too Many Requests: retry after 22",
            "parameters": {"retry_after": 22},
        }
        assert (await call("sendChatAction", chat_id=group.id, action="typing"))["ok"]
        assert (await call("getChatMember", chat_id=group.id, user_id=ana.id))["ok"]
        assert (await call("sendMessage", chat_id=private.id, text="elsewhere"))["ok"]
        now_s += 22.0
        assert (await call("sendMessage", chat_id=group.id, text="in time"))["ok"]
        assert server.most_sends(group) == 20
        assert server.flood.refused == 1


async def test_a_private_chat_takes_one_a_second_after_a_burst() -> None:
    """An album counts as what it is."""
    now_s = 0.0
    async with calling(FakeTelegram(clock=lambda: now_s, burst=2)) as call:
        server, client = call.server, call.client
        chat = server.private(server.person("Ana"))
        assert [(await call.words("sendMessage", chat_id=chat.id, text="x")) for _ in range(3)] == [
            "ok",
            "ok",
            "Too Many Requests: retry after 1",
        ]
        now_s += 1.0
        file = await client.post(call.address("sendPhoto"), data={"chat_id": chat.id}, files={"photo": jpeg()})
        photo = {"type": "photo", "media": file.json()["result"]["photo"][0]["file_id"]}
        assert (
            await call.words("sendMediaGroup", chat_id=chat.id, media=[photo] * 4) == "Too Many Requests: retry after 2"
        )
        now_s += 2.0
        assert (await call("sendMediaGroup", chat_id=chat.id, media=[photo] * 4))["ok"]
        assert await call.words("sendMessage", chat_id=chat.id, text="x") == "Too Many Requests: retry after 3"


async def test_a_fast_server_has_shorter_seconds() -> None:
    """At a thousand of its seconds in one of ours a minute is over soon."""
    async with calling(FakeTelegram(speed=1000.0)) as call:
        server = call.server
        chat = server.group("Film", [server.person("Ana")])
        server.flood.group_per_minute = 1
        assert (await call("sendMessage", chat_id=chat.id, text="x"))["ok"]
        wait_s = (await call("sendMessage", chat_id=chat.id, text="x"))["parameters"]["retry_after"]
        assert 1 <= wait_s <= 60
        await asyncio.sleep(wait_s / 1000 + 0.01)
        assert (await call("sendMessage", chat_id=chat.id, text="x"))["ok"]


# --- faults


async def test_a_call_fails_as_told_and_only_as_often(server: FakeTelegram, call: Caller, ana: Person) -> None:
    """With the words and the wait that were asked for, and without being carried out."""
    chat = server.private(ana)
    server.fail_next("sendMessage", 429, "Too Many Requests: retry after 7", retry_after=7)
    server.fail_next("sendMessage", 500, "Internal Server Error")
    answers = [await call("sendMessage", chat_id=chat.id, text="x") for _ in range(3)]
    assert [answer.get("error_code") for answer in answers] == [429, 500, None]
    assert answers[0]["parameters"] == {"retry_after": 7}
    assert [made.code for made in server.calls_of("sendMessage")] == [429, 500, 200]
    assert len(server.bot_messages(chat)) == 1


async def test_a_lost_answer_was_carried_out(server: FakeTelegram, call: Caller, ana: Person) -> None:
    """The connection is cut; the message is there."""
    chat = server.private(ana)
    server.lose_answer("sendMessage")
    with pytest.raises(httpx.TransportError):
        await call("sendMessage", chat_id=chat.id, text="x")
    assert len(server.bot_messages(chat)) == 1
    assert (await call("sendMessage", chat_id=chat.id, text="y"))["ok"]


@pytest.mark.parametrize("after", [False, True])
async def test_a_gate_holds_a_call_before_or_after_it_is_carried_out(
    server: FakeTelegram, call: Caller, ana: Person, after: bool
) -> None:
    """Until it is released."""
    chat = server.private(ana)
    gate = server.gate("sendMessage", after=after)
    sending = asyncio.create_task(call("sendMessage", chat_id=chat.id, text="x"), name="send")
    await asyncio.wait_for(gate.reached.wait(), 5)
    assert len(server.bot_messages(chat)) == int(after)
    assert not sending.done()
    gate.release()
    assert (await sending)["ok"]
    assert len(server.bot_messages(chat)) == 1


async def test_an_upload_that_is_cut_off_leaves_nothing(server: FakeTelegram, call: Caller, ana: Person) -> None:
    """A slow server is still reading when its client goes away."""
    chat = server.private(ana)
    server.slow_upload_bytes_per_s = 10_000
    files = {"video": ("a.mp4", b"x" * 100_000)}
    sending = asyncio.create_task(
        call.client.post(call.address("sendVideo"), data={"chat_id": chat.id}, files=files), name="upload"
    )
    await server.wait_until(lambda: server.arriving == ["sendVideo"] and server.arrived_bytes > 0)
    sending.cancel()
    await server.wait_until(lambda: server.cut_off == 1)
    assert server.calls_of("sendVideo") == []
    assert server.bot_messages(chat) == []


async def test_an_outage_ends_with_everything_still_there(server: FakeTelegram, call: Caller, ana: Person) -> None:
    """On the same port."""
    chat = server.private(ana)
    async with server.outage():
        with pytest.raises(httpx.ConnectError):
            await call("getMe")
        server.says(ana, chat, "meanwhile")
    assert (await call("getUpdates"))["result"][0]["message"]["text"] == "meanwhile"


async def test_a_wait_in_vain_tells_what_there_is(server: FakeTelegram, call: Caller, ana: Person) -> None:
    """The sentence of the failure holds the chat and the last calls."""
    chat = server.private(ana)
    await call("sendMessage", chat_id=chat.id, text="rendering")
    with pytest.raises(AssertionError, match=r"(?s)A message in Ana did not happen.*'rendering'.*sendMessage -> 200"):
        await server.wait_for_message(chat, lambda message: message.text == "done", timeout_s=0.05)


async def test_a_stop_leaves_nothing_behind() -> None:
    """With a poll, a gate, a hanging call and a slow upload under way, no task and no socket stays."""
    before = asyncio.all_tasks()
    async with calling(FakeTelegram()) as call:
        server, client = call.server, call.client
        ana = server.person("Ana")
        server.gate("getMe")
        server.hang_next("getChat", 30)
        server.slow_upload_bytes_per_s = 10_000
        files = {"video": ("a.mp4", b"x" * 1_000_000)}
        waiting = [
            asyncio.create_task(call("getUpdates", timeout=50)),
            asyncio.create_task(call("getMe")),
            asyncio.create_task(call("getChat", chat_id=server.private(ana).id)),
            asyncio.create_task(
                client.post(call.address("sendVideo"), data={"chat_id": ana.id}, files=files, timeout=60)
            ),
        ]
        await server.wait_until(lambda: len(server.calls) == 3 and server.arrived_bytes > 0)
        await server.server.stop()
        assert asyncio.all_tasks() - before <= set(waiting)
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert isinstance(results[3], httpx.TransportError)
    del results, waiting
    gc.collect()
    assert asyncio.all_tasks() == before


async def test_a_stop_ends_a_webhook_that_nobody_answers() -> None:
    """What was not taken stays pending, and the posting ends with the server."""
    before = asyncio.all_tasks()
    async with calling(FakeTelegram()) as call:
        ana = call.server.person("Ana")
        call.server.says(ana, call.server.private(ana), "hello")
        await call("setWebhook", url="http://127.0.0.1:9/nobody")
        await call.server.wait_until(lambda: call.server.webhook.posts > 1)
        info = (await call("getWebhookInfo"))["result"]
        assert info["last_error_message"].startswith("Connection failed")
        assert info["pending_update_count"] == 1
    assert asyncio.all_tasks() == before
