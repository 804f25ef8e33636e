"""A real `nextshot run` that dies at the worst moments, and what people in the channel see after the next start."""

from __future__ import annotations

import asyncio
import io
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bot import making
from tests.discord.process import QUICK, BotProcess
from tests.fakes.discord import Channel, FakeDiscord, Gate, Interaction, Message, Person
from tests.fakes.discord_api.model import LOADING

CLIP_S = 60.0
SLOW_BYTES_PER_S = 20_000.0
ENDS_S = 5.0
"""What is promised."""
CALLBACK = "/interactions/*/*/callback"
ANSWER = "/webhooks/*/*/messages/*"
POSTS = "/channels/*/messages"
STATES = "SELECT state FROM job"
"""aiohttp's own reader of multipart bodies says so of itself where a piece comes in small."""


@dataclass
class Clock:
    """The server's seconds, which a test moves on; the bot's own clock stays."""

    ahead_s: float = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead_s


@dataclass
class Stage:
    """Ana in a channel, and a bot that is not started yet."""

    discord: FakeDiscord
    bot: BotProcess
    clock: Clock
    ana: Person
    channel: Channel
    excused: list[int] = field(default_factory=list)
    """Codes that the server is to refuse something with in this test."""

    def creates(self, **more: Any) -> Interaction:
        return self.discord.slash(self.ana, self.channel, "create", prompt="a lamp", **QUICK, **more)

    def said(self) -> list[Message]:
        """What the bot shows to everybody."""
        return [message for message in self.discord.bot_messages(self.channel) if not message.ephemeral_to]

    def clips(self) -> list[Message]:
        return [message for message in self.said() if any(each.name.endswith(".mp4") for each in message.attachments)]

    async def dies_at(self, gate: Gate) -> None:
        """Killed while the server holds a request of it; what was held goes on without it."""
        await asyncio.wait_for(gate.reached.wait(), CLIP_S)
        await self.bot.kill()
        gate.release()
        await self.discord.wait_until(lambda: all(call.status is not None for call in self.discord.calls))

    async def ends_with_one_clip(self, asked: Interaction) -> Message:
        """One status message that says that it is done, and one clip below it."""
        await self.discord.wait_until(self.clips, CLIP_S, "The clip")
        await self.bot.rests(CLIP_S)
        status, clip = self.said()
        assert status is asked.original
        assert "done in" in status.content
        assert clip.reference == status.id
        assert clip.pings == {self.ana.id}
        assert await self.bot.rows(STATES) == [("delivered",)]
        return clip

    def refusals(self) -> list[int]:
        """Codes of what was refused and is not to be in this test."""
        codes = [call.code for call in self.discord.calls if call.code]
        for code in self.excused:
            codes.remove(code)
        return codes


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """In the end the server has refused nothing, and knows of nothing that the real one would not."""
    async with started(tmp_path, None) as found:
        yield found


@asynccontextmanager
async def started(directory: Path, starts_at: datetime | None) -> AsyncIterator[Stage]:
    """A stage, and what is looked at in its end."""
    clock = Clock()
    async with FakeDiscord(flood=False, clock=clock, starts_at=starts_at) as discord:
        ana = discord.person("Ana")
        channel = discord.channel(discord.guild("Film club", [ana]), "films")
        async with BotProcess(discord, directory) as bot:
            stage = Stage(discord, bot, clock, ana, channel)
            yield stage
    assert stage.refusals() == []
    assert discord.complaints == []
    assert "Traceback" not in bot.log.read_text()


@pytest.mark.parametrize("is_after", [False, True], ids=["before the server took it", "before its answer came"])
async def test_a_command_that_was_taken_as_the_bot_died_is_carried_out(stage: Stage, *, is_after: bool) -> None:
    """Kept and on its way to be acknowledged, or acknowledged and not a job yet: one job, in the message that thinks, and no
    second one where the server hands it over once more.
    """
    await stage.bot.start()
    gate = stage.discord.gate("POST", CALLBACK, after=is_after)
    asked = stage.creates()
    await stage.dies_at(gate)
    assert asked.ack is not None
    assert await stage.bot.rows(STATES) == []

    await stage.bot.start()
    clip = await stage.ends_with_one_clip(asked)
    assert stage.channel.guild is not None
    stage.discord.world.emit("INTERACTION_CREATE", asked.payload, stage.channel.guild.id)
    await stage.discord.slash(stage.ana, stage.channel, "stories").answered(CLIP_S)
    assert stage.clips() == [clip]
    assert await stage.bot.rows(STATES) == [("delivered",)]


async def test_a_command_whose_person_was_told_that_it_failed_is_left(stage: Stage) -> None:
    """It was kept, and never acknowledged: the client says "did not respond", and nothing happens behind their back."""
    await stage.bot.start()
    stage.excused += [10062, 10015]  # of the dead bot's acknowledgement, and of the look-up whether it was one
    gate = stage.discord.gate("POST", CALLBACK)
    asked = stage.creates()
    await asyncio.wait_for(gate.reached.wait(), CLIP_S)
    stage.discord.world.ack_within_s = 0.0
    await stage.dies_at(gate)
    stage.discord.world.ack_within_s = 3.0
    assert await stage.bot.rows("SELECT done_at IS NULL FROM inbox") == [(1,)]

    await stage.bot.start()
    await stage.bot.rests(CLIP_S)
    later = stage.discord.slash(stage.ana, stage.channel, "stories")
    assert "No story yet" in (await later.answered(CLIP_S)).text
    assert asked.ack is None
    assert asked.messages == []
    assert await stage.bot.rows(STATES) == []


async def test_what_was_deferred_is_answered_after_a_restart(stage: Stage) -> None:
    """To all, to who asked alone, and to both with the right words: the answers were on their way and did not come. Where it stood
    how far a file was, that was no answer.
    """
    await stage.bot.start()
    stage.discord.fail_next("PATCH", ANSWER, 503, times=2)
    gate = stage.discord.gate("PATCH", ANSWER)
    public = stage.discord.slash(stage.ana, stage.channel, "stories")
    private = stage.discord.slash(stage.ana, stage.channel, "help")
    await stage.discord.wait_until(lambda: gate.waiting == 2, CLIP_S, "Two answers on their way")
    await stage.dies_at(gate)
    assert [each.original is not None and each.original.loading for each in (public, private)] == [True, True]
    assert private.original is not None
    private.original.content, private.original.flags = making.making(None, 40), private.original.flags & ~LOADING

    await stage.bot.start()
    assert "No story yet" in (await public.answered(CLIP_S)).text
    await stage.bot.rests(CLIP_S)
    assert "/create" in private.original.text
    assert private.original.ephemeral_to is stage.ana
    assert stage.said() == [public.original]
    assert len(private.messages) == len(public.messages) == 1


async def test_a_whisper_that_did_not_come_is_said_after_a_restart(stage: Stage) -> None:
    """What thought in front of all says nothing any more: who asked still reads why nothing came of it, alone."""
    await stage.bot.start()
    stage.discord.fail_next("POST", "/webhooks/*/*", 503)
    gate = stage.discord.gate("POST", "/webhooks/*/*")
    asked = stage.discord.slash(stage.ana, stage.channel, "show", clip="z9-9")
    await stage.dies_at(gate)
    assert asked.original is not None
    assert (asked.original.content, asked.original.deleted) == ("…", False)

    await stage.bot.start()
    answer = await asked.answered(CLIP_S)
    await stage.bot.rests(CLIP_S)
    assert answer.ephemeral_to is stage.ana
    assert "z9-9" in answer.text
    assert stage.said() == []
    assert len([message for message in asked.messages if not message.deleted]) == 1


async def test_a_file_that_was_not_fetched_yet_is_asked_for_again(stage: Stage) -> None:
    """Its link is not stored: who asked is told so, alone, and there is no job without the picture."""
    await stage.bot.start()
    gate = stage.discord.gate("POST", CALLBACK, after=True)
    asked = stage.creates(first_frame=("lamp.png", a_picture()))
    await stage.dies_at(gate)

    await stage.bot.start()
    answer = await asked.answered(CLIP_S)
    await stage.bot.rests(CLIP_S)
    assert answer.ephemeral_to is stage.ana
    assert answer.text
    sys.stdout.write(f"told: {answer.text}\n")
    assert stage.said() == []
    assert await stage.bot.rows(STATES) == []


async def test_a_status_message_whose_answer_was_lost_is_still_one(stage: Stage) -> None:
    """Carried out, and not known of: it is said again into the same message."""
    await stage.bot.start()
    gate = stage.discord.gate("PATCH", ANSWER, after=True)
    asked = stage.creates()
    await stage.dies_at(gate)
    assert asked.original is not None
    assert not asked.original.loading

    await stage.bot.start()
    await stage.ends_with_one_clip(asked)


async def test_a_render_goes_on_after_a_kill(stage: Stage) -> None:
    """Its status message is edited by the bot itself from then on."""
    await stage.bot.start()
    asked = stage.creates()
    await stage.discord.wait_for_message(stage.channel, lambda message: "rendering" in message.content, CLIP_S)
    await stage.bot.kill()
    assert stage.clips() == []

    await stage.bot.start()
    await stage.ends_with_one_clip(asked)


@pytest.mark.parametrize("ahead_s", [0.0, 600.0], ids=["the nonce is known", "the nonce is forgotten"])
async def test_a_clip_that_the_server_took_before_the_kill_is_one_message(stage: Stage, ahead_s: float) -> None:
    """The answer was held back, so we do not know: the same nonce gives the same message, and later it is found in the
    channel, below what others have said since.
    """
    await stage.bot.start()
    gate = stage.discord.gate("POST", POSTS, after=True)
    asked = stage.creates()
    await stage.dies_at(gate)
    (sent,) = stage.clips()
    stage.clock.ahead_s = ahead_s
    for number in range(3):
        stage.discord.says(stage.ana, stage.channel, f"is it there {number}?")

    await stage.bot.start()
    clip = await stage.ends_with_one_clip(asked)
    assert clip is sent
    assert clip.edits == 0


async def test_a_kill_in_the_middle_of_an_upload_shows_the_clip_once(stage: Stage) -> None:
    """Half a video came."""
    await stage.bot.start()
    stage.discord.slow_upload_bytes_per_s = SLOW_BYTES_PER_S
    asked = stage.creates()
    await uploading(stage)
    await stage.bot.kill()
    await stage.discord.wait_until(lambda: stage.discord.cut_off == 1, CLIP_S, "The cut upload")
    stage.discord.slow_upload_bytes_per_s = None
    assert stage.clips() == []

    await stage.bot.start()
    await stage.ends_with_one_clip(asked)


@pytest.mark.parametrize("nonce", ["known", "forgotten"])
async def test_a_word_on_a_press_that_came_before_the_kill_is_one_message(tmp_path: Path, nonce: str) -> None:
    """A message of the bot's own, below the button's: what was done is done once, and said once; also ten minutes later."""
    starts_at = datetime.now(UTC) - timedelta(minutes=10) if nonce == "forgotten" else None
    async with started(tmp_path, starts_at) as stage:
        await stage.bot.start()
        clip = await stage.ends_with_one_clip(stage.creates())
        gate = stage.discord.gate("POST", POSTS, after=True)
        pressed = stage.discord.presses(stage.ana, clip, "Delete")
        await stage.dies_at(gate)
        if nonce == "forgotten":
            stage.discord.world.nonces.clear()

        await stage.bot.start()
        await stage.bot.rests(CLIP_S)
        assert pressed.ack is not None
        assert ["was deleted" in message.content for message in stage.said()] == [False, False, True]


@pytest.mark.parametrize("is_told_by", ["the server", "its age"])
async def test_a_command_whose_token_is_over_is_left(tmp_path: Path, is_told_by: str) -> None:
    """The bot was down for a quarter of an hour: nobody can be answered any more, so nothing is done either."""
    starts_at = datetime.now(UTC) - timedelta(minutes=20) if is_told_by == "its age" else None
    async with started(tmp_path, starts_at) as stage:
        await stage.bot.start()
        gate = stage.discord.gate("POST", CALLBACK, after=True)
        asked = stage.creates()
        await stage.dies_at(gate)
        stage.clock.ahead_s = 16 * 60.0
        stage.excused.append(50027)

        await stage.bot.start()
        await stage.bot.rests(CLIP_S)
        assert asked.original is not None
        assert asked.original.loading
        assert len(stage.discord.calls_of("*", "/webhooks/**")) == 1
        assert await stage.bot.rows(STATES) == []


async def test_a_polite_end_is_quick_and_loses_nothing(stage: Stage) -> None:
    """SIGTERM in the middle of the login, without anything to do, while a clip renders, while it is uploaded, and while the
    server is away: exit code 0 each time, and one clip in the end.
    """
    gate = stage.discord.gate("GET", "/users/@me")
    await stage.bot.start(listens=False)
    await asyncio.wait_for(gate.reached.wait(), CLIP_S)
    ends = [await stage.bot.terminate()]
    gate.release()

    await stage.bot.start()
    ends.append(await stage.bot.terminate())

    await stage.bot.start()
    asked = stage.creates()
    await stage.discord.wait_for_message(stage.channel, lambda message: "rendering" in message.content, CLIP_S)
    ends.append(await stage.bot.terminate())
    assert stage.clips() == []

    stage.discord.slow_upload_bytes_per_s = SLOW_BYTES_PER_S
    await stage.bot.start()
    await uploading(stage)
    ends.append(await stage.bot.terminate())
    stage.discord.slow_upload_bytes_per_s = None

    await stage.bot.start()
    await stage.ends_with_one_clip(asked)
    async with stage.discord.outage():
        await stage.discord.wait_until(lambda: "connection lost" in stage.bot.log.read_text(), CLIP_S, "Reconnecting")
        ends.append(await stage.bot.terminate())
    sys.stdout.write(f"ended in {', '.join(f'{seconds:.2f}' for _, seconds in ends)} s\n")
    assert [code for code, _ in ends] == [0, 0, 0, 0, 0]
    assert max(seconds for _, seconds in ends) < ENDS_S, ends
    assert len(stage.clips()) == 1


async def uploading(stage: Stage) -> None:
    """Wait until a part of the clip has come."""
    path = f"POST /channels/{stage.channel.id}/messages"
    await stage.discord.wait_until(
        lambda: path in stage.discord.arriving and stage.discord.arrived_bytes > 0, CLIP_S, "An upload"
    )


def a_picture() -> bytes:
    """A PNG."""
    file = io.BytesIO()
    Image.new("RGB", (854, 480), "teal").save(file, "PNG")
    return file.getvalue()
