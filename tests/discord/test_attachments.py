"""Files that come with a command: taken for what they are, by their content; their links expire and are kept nowhere."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.discord.asking import WAIT_S, asked, clip, endless, place_of, refused, told, until
from tests.discord.house import opened_bot
from tests.discord.pictures import BLUE, RED, colour_of, still
from tests.fakes.discord import FakeDiscord
from tests.fakes.provider import ScriptedProvider

Frames = tuple[str | None, str | None]


def frames(provider: ScriptedProvider) -> list[Frames]:
    """The colours of the first and the last frame of every render, oldest first."""
    orders = [render.order for render in provider.renders.values()]
    return [(colour_of(order.first_frame), colour_of(order.last_frame)) for order in orders]


def has_renders(provider: ScriptedProvider, count: int) -> bool:
    return len(provider.renders) == count


def kept_words(database: Path) -> str:
    """All that stands in all the tables."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return "\n".join(str(row) for table in tables for row in connection.execute(f'SELECT * FROM "{table}"'))  # noqa: S608


async def test_pictures_begin_and_end_a_shot(discord: FakeDiscord, tmp_path: Path) -> None:
    """Each in its field, whatever it is called: the first, the last, both; with /continue the last one alone."""
    ana = discord.person("Ana")
    channel = discord.dm(ana)
    provider = endless()
    provider.pace = replace(provider.pace, in_flight=9)
    red, blue = ("red.mp4", still(RED)), ("blue", still(BLUE, "JPEG"))
    given: tuple[tuple[dict[str, tuple[str, bytes]], Frames], ...] = (
        ({"first_frame": red}, ("red", None)),
        ({"last_frame": blue}, (None, "blue")),
        ({"first_frame": red, "last_frame": blue}, ("red", "blue")),
        ({"first_frame": blue, "last_frame": red}, ("blue", "red")),
    )
    async with opened_bot(discord, tmp_path, provider=provider):
        for number, (files, wanted) in enumerate(given, 1):
            answer = await asked(discord, ana, channel, "create", prompt="a room", **files)
            assert answer.text.startswith(f"{'abcd'[number - 1]}1-1 · by Ana")
            await until(discord, partial(has_renders, provider, number))
            assert frames(provider)[-1] == wanted
    assert len(discord.downloads) == 6


async def test_videos_become_shots(discord: FakeDiscord, tmp_path: Path) -> None:
    """With /create, /continue and /add."""
    ana = discord.person("Ana")
    channel = discord.channel(discord.guild("Film club", [ana]), "films")
    async with opened_bot(discord, tmp_path, provider=endless()) as house:
        added = await asked(discord, ana, channel, "add", prompt="a pier", video=("pier.txt", clip()))
        assert added.text.startswith("a1-1 · given by Ana\n“a pier”")
        await asked(discord, ana, channel, "continue", prompt="gulls", video=("more.bin", clip(frames=30)))
        await told(discord, channel, "a1-3 · by Ana\n“gulls”")
        await asked(discord, ana, channel, "create", prompt="the tide", video=("tide.mp4", clip(frames=36)))
        await told(discord, channel, "b1-2 · by Ana\n“the tide”")
        assert [story.code for story in await house.studio.stories(place_of(channel))] == ["b1", "a1"]


async def test_a_file_of_another_kind_is_one_sentence_and_nothing_is_rendered(
    discord: FakeDiscord, tmp_path: Path
) -> None:
    """Seen by who asked alone, also where only one of two files is wrong; nothing stays on the disk."""
    ana = discord.person("Ana")
    channel = discord.channel(discord.guild("Film club", [ana]), "films")
    provider = endless()
    async with opened_bot(discord, tmp_path, provider=provider) as house:
        for name, files, words in (
            ("create", {"first_frame": ("a.png", clip())}, "“a.png” is a video, and a picture is wanted"),
            ("create", {"first_frame": ("a.png", b"words")}, "“a.png” is neither a picture nor a video"),
            (
                "create",
                {"first_frame": ("a.png", still(RED)), "last_frame": ("b.png", b"x")},
                "“b.png” is neither a picture nor a video",
            ),
            ("create", {"video": ("a.mp4", still(RED))}, "“a.mp4” is a picture, and a video is wanted"),
            ("add", {"video": ("a.mp4", b"\0\0\0\x18ftypmp42" + b"x" * 500)}, ""),
            ("create", {"first_frame": ("a.png", still(RED)[:100])}, ""),
        ):
            prompt = {"prompt": "a room"} if name == "create" else {}
            sentence = await refused(discord, discord.slash(ana, channel, name, **prompt, **files))
            assert sentence.startswith(words)
            assert "Something broke" not in sentence
        assert await house.studio.stories(place_of(channel)) == ()
    assert provider.submits == 0
    assert [path for path in tmp_path.rglob("*.part") if path.is_file()] == []


async def test_a_link_is_kept_nowhere(discord: FakeDiscord, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Neither while the interaction waits on the disk nor afterwards, and no line of the log tells it."""
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.WARNING, "httpx")  # as the house has it
    ana = discord.person("Ana")
    channel = discord.channel(discord.guild("Film club", [ana]), "films")
    ack = discord.gate("POST", "/interactions/*/*/callback", after=True)
    async with opened_bot(discord, tmp_path, provider=endless()):
        created = discord.slash(ana, channel, "create", prompt="a room", first_frame=("red.png", still(RED)))
        await created.acked(WAIT_S)
        while_kept = kept_words(tmp_path / "nextshot.db")
        assert created.token in while_kept, "The interaction is on the disk"
        assert "red.png" in while_kept
        ack.release()
        await told(discord, channel, "a1-1 · by Ana")
        sent = discord.says(ana, channel, files=[("pier.mp4", clip())])
        opened = discord.message_command(ana, channel, sent, "Continue from this video")
        await opened.showed_modal(WAIT_S)
        discord.submits(ana, opened, "gulls fly")
        await told(discord, channel, "“gulls fly”")
        discord.attachments_live_s = -1.0
        gone = discord.slash(ana, channel, "create", prompt="a room", first_frame=("gone.png", still(RED)))
        assert await refused(discord, gone) == "Discord does not give out that file any more; send it again."
        afterwards = kept_words(tmp_path / "nextshot.db")
    for words in (while_kept, afterwards, caplog.text):
        for piece in ("/attachments/", "hm=", discord.url):
            lines = [line for line in words.splitlines() if piece in line and "trying again" not in line]
            assert lines == []
