"""The server is gone for a while, forgets who we are, or breaks: one line in the log, and everything arrives afterwards, once."""

from __future__ import annotations

import asyncio
import logging
import re
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot import delivery
from bot.discord import adapter, faults, gateway, wire
from bot.house import House
from engine.job_model import JobState
from engine.jobs import WITH_CLIP
from tests.discord.house import opened_bot
from tests.discord.process import BotProcess, rows_of
from tests.fakes.discord import Channel, FakeDiscord, Message, Person
from tests.telegram.asking import endless

WAIT_S = 60.0
ENDS_S = 5.0
"""What is promised."""
LATER_S = 20.0
POSTS = "/channels/*/messages"
ANSWER = "/webhooks/*/*/messages/*"
"""aiohttp's own reader of multipart bodies says so of itself where a piece comes in small."""
WRONG = "MTA0NTY3ODkwMTIzNDU2Nzg5.Wrong-T.oken-that-the-server-does-not-know-00"


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries again soon."""
    monkeypatch.setattr(adapter, "AGAIN_S", (0.2,))
    monkeypatch.setattr(faults, "AGAIN_S", 0.5)
    monkeypatch.setattr(wire, "NOT_THERE_S", 0.5)
    monkeypatch.setattr(delivery, "SEND_AGAIN_S", 0.5)


@pytest.fixture
def ana(discord: FakeDiscord) -> Person:
    return discord.person("Ana")


@pytest.fixture
def channel(discord: FakeDiscord, ana: Person) -> Channel:
    return discord.channel(discord.guild("Film club", [ana]), "films")


def lines(caplog: pytest.LogCaptureFixture, name: str, level: int = logging.WARNING) -> list[str]:
    """What one part of the house said."""
    return [record.getMessage() for record in caplog.records if record.name == name and record.levelno >= level]


def clips(discord: FakeDiscord, channel: Channel) -> list[Message]:
    return [each for each in discord.bot_messages(channel) if each.attachments]


async def becomes(house: House, states: frozenset[JobState]) -> None:
    """Wait until the first job is there."""
    async with asyncio.timeout(WAIT_S):
        while (job := await house.studio.job(1)) is None or job.state not in states:  # noqa: ASYNC110  # the table wakes nobody
            await asyncio.sleep(0.05)


async def rendering(discord: FakeDiscord, ana: Person, channel: Channel) -> Message:
    """A clip is on its way; its status message."""
    asked = discord.slash(ana, channel, "create", prompt="a lamp")
    await discord.wait_for_message(channel, lambda message: "rendering" in message.content, WAIT_S)
    return await asked.answered(WAIT_S)


# --- tokens


async def test_a_bad_token_is_one_sentence_and_the_page_lives_on(discord: FakeDiscord, tmp_path: Path) -> None:
    """No second try, no trace in the log, and SIGTERM ends it."""
    async with BotProcess(discord, tmp_path, token=WRONG) as bot:
        await bot.start(listens=False)
        await discord.wait_until(lambda: "Discord is not served" in bot.log.read_text(), WAIT_S, "A word in the log")
        async with aiohttp.ClientSession() as session, session.get(f"{bot.url}healthz") as page:
            assert page.status == 200
        code, seconds = await bot.terminate()
        log = bot.log.read_text()
    assert (code, seconds < ENDS_S) == (0, True)
    assert [call.status for call in discord.calls] == [401]
    assert len(log.splitlines()) == 1, log
    assert "NEXTSHOT_DISCORD_TOKEN" in log
    assert "oken-that" not in log


async def test_a_token_that_is_taken_back_ends_this_front_end_alone(
    discord: FakeDiscord, ana: Person, channel: Channel, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """4004 from the gateway while a clip renders: the page lives on, and the clip is kept until the token is mended."""
    provider = endless()
    async with opened_bot(discord, tmp_path, provider=provider) as house:
        await rendering(discord, ana, channel)
        await discord.drop_gateway(4004)
        await discord.wait_until(lambda: lines(caplog, "bot.discord.adapter", logging.ERROR), WAIT_S, "The line")
        provider.finishes_at_check = 1
        await becomes(house, WITH_CLIP)
        async with aiohttp.ClientSession() as session, session.get(await house.web.open()) as page:
            assert page.status == 200
        assert clips(discord, channel) == []
    (line,) = lines(caplog, "bot.discord.adapter", logging.ERROR)
    assert line.startswith(f"Discord is not served: {discord.api_url} refuses NEXTSHOT_DISCORD_TOKEN")
    assert not [each for each in caplog.records if each.name.startswith(("bot.", "engine.")) and each.exc_info]
    async with opened_bot(discord, tmp_path, provider=provider) as house:
        await becomes(house, frozenset({JobState.DELIVERED}))
    assert len(clips(discord, channel)) == 1


# --- the server is away


async def test_it_waits_for_a_server_that_is_not_there_yet(
    discord: FakeDiscord, ana: Person, channel: Channel, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """At its start too, in one line."""
    async with AsyncExitStack() as stack:
        async with discord.outage():
            await stack.enter_async_context(opened_bot(discord, tmp_path, listens=False))
            await discord.wait_until(lambda: lines(caplog, "bot.discord.adapter"), WAIT_S, "The line of the outage")
            await asyncio.sleep(0.5)
        await discord.wait_until(lambda: discord.connected and discord.commands, WAIT_S, "A connection")
        answer = await discord.slash(ana, channel, "stories").answered(WAIT_S)
        assert "No story yet" in answer.text
    (line,) = lines(caplog, "bot.discord.adapter")
    assert line.startswith(f"Discord does not work at {discord.api_url}, trying again")


async def test_events_that_do_not_come_at_the_start_are_one_line(
    discord: FakeDiscord, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests are answered, and the gateway is not: the operator reads it, and SIGTERM or a cancel still ends it."""
    monkeypatch.setattr(gateway, "SILENT_S", 0.2)
    api_url = discord.api_url
    discord.world.url = "http://127.0.0.1:9"  # where the gateway is said to be
    async with opened_bot(discord, tmp_path, discord_api_url=api_url, listens=False):
        await discord.wait_until(lambda: lines(caplog, "bot.discord.gateway"), WAIT_S, "The line")
        await discord.wait_until(lambda: discord.commands, WAIT_S, "The commands")
    assert lines(caplog, "bot.discord.gateway") == ["discord sends no events yet; connecting again"]


async def test_a_clip_that_is_ready_in_an_outage_comes_afterwards(
    discord: FakeDiscord, ana: Person, channel: Channel, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Once, below the status message; the outage is one line, and so is its end."""
    provider = endless()
    caplog.set_level(logging.INFO)
    async with opened_bot(discord, tmp_path, provider=provider) as house:
        status = await rendering(discord, ana, channel)
        async with discord.outage():
            provider.finishes_at_check = 1
            await becomes(house, WITH_CLIP)
            await discord.wait_until(lambda: lines(caplog, "bot.discord.gateway"), WAIT_S, "The line of the outage")
            await asyncio.sleep(1.0)
        await becomes(house, frozenset({JobState.DELIVERED}))
        await discord.wait_until(lambda: "done in" in status.content, WAIT_S, "The last words")
        await discord.wait_until(lambda: discord.connected, WAIT_S, "A connection")
        await discord.slash(ana, channel, "stories").answered(WAIT_S)
    (clip,) = clips(discord, channel)
    assert clip.reference == status.id
    lost, back = lines(caplog, "bot.discord.gateway", logging.INFO)
    assert lost == "discord connection lost; connecting again"
    assert back.startswith("discord connection works again")


async def test_a_server_that_breaks_takes_a_clip_afterwards(
    discord: FakeDiscord, ana: Person, channel: Channel, tmp_path: Path
) -> None:
    """503 to every request while the connection that events come by stands: delivered once it works."""
    provider = endless()
    async with opened_bot(discord, tmp_path, provider=provider) as house:
        await rendering(discord, ana, channel)
        discord.fail_next("*", "**", 503, times=10**6)
        broken = discord.server.faults.given[-1]
        provider.finishes_at_check = 1
        await becomes(house, WITH_CLIP)
        await discord.wait_until(
            lambda: any(call.status == 503 for call in discord.calls_of("POST", POSTS)), WAIT_S, "A try"
        )
        assert clips(discord, channel) == []
        broken.times = 0
        await becomes(house, frozenset({JobState.DELIVERED}))
        assert discord.resumes == 0
    assert len(clips(discord, channel)) == 1


@pytest.mark.parametrize("fault", ["refused", "lost"])
async def test_a_clip_whose_sending_broke_is_one_message(
    discord: FakeDiscord, ana: Person, channel: Channel, tmp_path: Path, fault: str
) -> None:
    """502, which the library tries again with the same nonce; or carried out and its answer lost, which we do."""
    if fault == "refused":
        discord.fail_next("POST", POSTS, 502)
    else:
        discord.lose_answer("POST", POSTS)
    async with opened_bot(discord, tmp_path) as house:
        discord.slash(ana, channel, "create", prompt="a lamp")
        await becomes(house, frozenset({JobState.DELIVERED}))
    (clip,) = clips(discord, channel)
    nonces = {call.body["nonce"] for call in discord.calls_of("POST", POSTS)}
    kept = rows_of(tmp_path, "SELECT nonce FROM outbox WHERE kind = 'result'")
    assert [(nonce,) for nonce in nonces] == [(clip.nonce,)] == kept
    assert len(discord.calls_of("POST", POSTS)) == (2 if fault == "refused" else 1)
    assert all(call.body["enforce_nonce"] for call in discord.calls_of("POST", POSTS))


@pytest.mark.parametrize("is_restarted", [False, True], ids=["in the same process", "after a restart"])
async def test_last_words_that_could_not_be_said_are_said_later(
    discord: FakeDiscord, ana: Person, channel: Channel, tmp_path: Path, is_restarted: bool
) -> None:
    """The clip came and its status message could not be edited: it does not say "rendering", with a button to cancel, for ever."""
    provider = endless()
    async with opened_bot(discord, tmp_path, provider=provider) as house:
        status = await rendering(discord, ana, channel)
        discord.fail_next("PATCH", "/channels/*/messages/*", 503, times=10**6)
        broken = discord.server.faults.given[-1]
        provider.finishes_at_check = 1
        await becomes(house, frozenset({JobState.DELIVERED}))
        broken.times = 0
        if not is_restarted:
            await discord.wait_until(lambda: "done in" in status.content, LATER_S, "The last words")
    if is_restarted:
        async with opened_bot(discord, tmp_path, provider=provider):
            await discord.wait_until(lambda: "done in" in status.content, LATER_S, "The last words")


# --- the connection that events come by


@pytest.mark.parametrize("how", ["closed", "cut", "asked to come back"])
async def test_a_gateway_that_drops_in_the_middle_of_commands_loses_and_doubles_nothing(  # noqa: PLR0917  # fixtures
    discord: FakeDiscord,
    ana: Person,
    channel: Channel,
    tmp_path: Path,
    how: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One is being answered, one is asked while nobody is connected, and is handed over twice: three answers, one job."""
    caplog.set_level(logging.INFO)
    async with opened_bot(discord, tmp_path) as house:
        gate = discord.gate("PATCH", ANSWER)
        first = discord.slash(ana, channel, "stories")
        await asyncio.wait_for(gate.reached.wait(), WAIT_S)
        match how:
            case "closed":
                await discord.drop_gateway(4000)
            case "cut":
                discord.cut_gateway()
            case _:
                discord.ask_to_reconnect()
        second = discord.slash(ana, channel, "create", prompt="a lamp")
        third = discord.slash(ana, channel, "help")
        await discord.wait_until(lambda: discord.resumes == 1, WAIT_S, "A resume")
        acks = [await each.acked(WAIT_S) for each in (second, third)]
        discord.resend_last_interaction()
        gate.release()
        for each in (first, second, third):
            await each.answered(WAIT_S)
        await becomes(house, frozenset({JobState.DELIVERED}))
        assert await house.studio.job(2) is None
    assert max(ack.ack_s for ack in acks) < 3.0
    assert [len(each.messages) for each in (first, second, third)] == [1, 1, 1]
    assert len(clips(discord, channel)) == 1
    assert len(discord.identifies) == 1
    # the copy may come before our note that the first one was acknowledged: then the server says so, and that is all
    assert [call.code for call in discord.calls if call.code] in ([], [40060])
    assert lines(caplog, "bot.discord.gateway", logging.INFO) == [
        "discord connection lost; connecting again",
        "discord connection works again (resumed)",
    ]


async def test_a_session_that_is_forgotten_is_begun_anew(
    discord: FakeDiscord, ana: Person, channel: Channel, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """INVALID SESSION: a render goes on meanwhile, what is said afterwards is answered, and commands are not told again."""
    caplog.set_level(logging.INFO)
    provider = endless()
    async with opened_bot(discord, tmp_path, provider=provider) as house:
        await rendering(discord, ana, channel)
        discord.invalidate_sessions()
        provider.finishes_at_check = 1
        await becomes(house, frozenset({JobState.DELIVERED}))
        await discord.wait_until(lambda: len(discord.identifies) == 2 and discord.connected, WAIT_S, "A new session")
        answer = await discord.slash(ana, channel, "stories").answered(WAIT_S)
        assert "a lamp" in answer.text
    assert len(clips(discord, channel)) == 1
    assert discord.command_puts == 1
    assert lines(caplog, "bot.discord.gateway", logging.INFO) == [
        "discord connection lost; connecting again",
        "discord connection works again (begun anew)",
    ]


async def test_a_connection_whose_heartbeats_are_not_answered_is_left(
    discord: FakeDiscord, ana: Person, channel: Channel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is dead although nobody closed it: what was asked meanwhile is handed over when the session is resumed."""
    begin = gateway.Client.__init__

    def impatient(self: gateway.Client, *given: Any) -> None:
        begin(self, *given)
        self._connection.heartbeat_timeout = 1.0  # the library's own is a minute

    monkeypatch.setattr(gateway.Client, "__init__", impatient)
    discord.heartbeat_s = 0.3
    async with opened_bot(discord, tmp_path):
        discord.acks_heartbeats = False
        await discord.wait_until(lambda: discord.resumes, WAIT_S, "A resume")
        discord.acks_heartbeats = True
        answer = await discord.slash(ana, channel, "stories").answered(WAIT_S)
        assert "No story yet" in answer.text
    assert len(discord.identifies) == 1


async def test_the_log_of_an_outage_is_two_lines(
    discord: FakeDiscord, ana: Person, channel: Channel, tmp_path: Path
) -> None:
    """Of all that is logged, the library's own words too, and without a trace: it is away, it is back."""
    async with BotProcess(discord, tmp_path, log_level="info") as bot:
        await bot.start()
        await discord.slash(ana, channel, "stories").answered(WAIT_S)
        before = len(bot.log.read_text().splitlines())
        async with discord.outage():
            await discord.wait_until(lambda: "connection lost" in bot.log.read_text(), WAIT_S, "A word in the log")
            await asyncio.sleep(1.5)
        await discord.wait_until(lambda: "works again" in bot.log.read_text(), WAIT_S, "A word on its end")
        await discord.slash(ana, channel, "stories").answered(WAIT_S)
        said = bot.log.read_text().splitlines()[before:]
        await bot.terminate()
        log = bot.log.read_text()
    lost, back = [re.sub(r"^\S+ level=", "", line) for line in said]
    assert lost == "warning logger=bot.discord.gateway discord connection lost; connecting again"
    assert back.startswith("info logger=bot.discord.gateway discord connection works again")
    assert "Traceback" not in log
