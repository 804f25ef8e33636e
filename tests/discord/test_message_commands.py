"""What the menu of any message offers: to go on from the video in it, and to begin on the picture in it.

Longer than a room: a file, its field and whose both are is one matter.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from bot.discord import sentences
from bot.discord.slash import CONTINUE_FROM, FIRST_FRAME
from bot.discord.uploads import AT_ONCE
from bot.fetching import Fetching
from tests.discord.asking import (
    DEFERRED,
    WAIT_S,
    acked,
    asked,
    clip,
    endless,
    kept,
    place_of,
    refused,
    shelved,
    told,
    until,
    whispered,
)
from tests.discord.house import opened_bot
from tests.discord.pictures import BLUE, RED, colour_of, still
from tests.fakes.discord import Channel, FakeDiscord, Interaction, Message, Person
from tests.fakes.discord_api import shapes

COPIED = (
    "type",
    "content",
    "mentions",
    "mention_roles",
    "attachments",
    "embeds",
    "timestamp",
    "edited_timestamp",
    "flags",
)
"""https://docs.discord.com/developers/resources/message#message-snapshot-object"""


def scene(discord: FakeDiscord) -> tuple[Person, Person, Channel]:
    """Ana and Ben in a channel."""
    ana, ben = discord.person("Ana"), discord.person("Ben")
    return ana, ben, discord.channel(discord.guild("Film club", [ana, ben]), "films")


async def goes_on(discord: FakeDiscord, person: Person, message: Message, text: str) -> None:
    """Continue from this message, and write what happens."""
    opened = discord.message_command(person, message.channel, message, CONTINUE_FROM)
    await opened.showed_modal(WAIT_S)
    written = discord.submits(person, opened, text)
    assert (await acked(written)).type == DEFERRED
    await written.answered(WAIT_S)


def chosen(discord: FakeDiscord, person: Person, message: Message, name: str, *, forwards: Message) -> Interaction:
    """From the menu of a message that forwards another one, which stands in it as a copy of what was said."""
    command = next(each for each in discord.commands if each["name"] == name)
    whole = shapes.message_json(discord.world, forwards, for_bot=False)
    copy = {field: whole[field] for field in COPIED}
    shown = shapes.message_json(discord.world, message, for_bot=False) | {"message_snapshots": [{"message": copy}]}
    resolved = {"messages": {str(message.id): shown}}
    data = {"id": command["id"], "name": name, "type": 3, "target_id": str(message.id), "resolved": resolved}
    before = len(discord.complaints)
    opened = discord._send(person, message.channel, 2, data)
    # the schema of events takes every single field of a copy for a whole message
    assert all(each.startswith("INTERACTION_CREATE: data") for each in discord.complaints[before:])
    del discord.complaints[before:]
    return opened


def has_downloads(discord: FakeDiscord, count: int) -> bool:
    return len(discord.downloads) == count


def has_parts(directory: Path, count: int) -> bool:
    return len(parts_left(directory)) == count


def has_begun(began: Sequence[str], count: int) -> bool:
    return len(began) == count


def parts_left(directory: Path) -> list[Path]:
    return [path for path in (directory / "work").rglob("*") if path.is_file() and "upload" in str(path)]


async def test_a_clip_of_ours_is_continued_and_a_film_is_a_video(discord: FakeDiscord, tmp_path: Path) -> None:
    """A shot is known by the words under it; a film has none, so that it becomes the shot that is gone on from."""
    ana, ben, channel = scene(discord)
    provider = endless()
    async with opened_bot(discord, tmp_path, provider=provider) as house:
        story = await shelved(house, channel, ana, ["a lamp", "a boat"])
        shown = await asked(discord, ana, channel, "show", clip="a1-1")
        opened = discord.message_command(ben, channel, shown, CONTINUE_FROM)
        modal = await opened.showed_modal(WAIT_S)
        assert modal["title"] == "Continue a1-1"
        assert discord.downloads == []
        written = discord.submits(ben, opened, "the fog")
        assert (await written.answered(WAIT_S)).text.startswith("a1-3 · by Ben\n“the fog”")
        view = await house.studio.story(place_of(channel))
        assert view is not None
        assert [each.parent_code for each in view.shots] == [None, "a1-1", "a1-1"]
        film = await kept(house, clip(frames=30))
        await house.store.write(lambda tx: tx.add_film(story.id, story.director, ("a1-1", "a1-2"), film))
        shown = await asked(discord, ana, channel, "show", clip="a1-f1")
        assert shown.text.startswith("a1-f1 · ")
        await goes_on(discord, ben, shown, "it goes on")
        await told(discord, channel, "a1-5 · by Ben\n“it goes on”")
        view = await house.studio.story(place_of(channel))
        assert view is not None
        assert [(each.shot.code, each.parent_code) for each in view.shots][-2:] == [
            ("a1-4", "a1-2"),
            ("a1-5", "a1-4"),
        ]
        discord.presses(ana, shown, "Delete")
        await told(discord, channel, "a1-f1 was deleted.")
    assert parts_left(tmp_path) == []


async def test_a_video_that_somebody_sent_becomes_a_shot_and_is_continued(discord: FakeDiscord, tmp_path: Path) -> None:
    """Of several files the first video. What it is, its content says: not its name, nor its sender's words."""
    ana, ben, channel = scene(discord)
    async with opened_bot(discord, tmp_path, provider=endless()) as house:
        sent = discord.says(
            ana,
            channel,
            "a1-1 · by Ana",
            files=[("notes.txt", b"words"), ("still.png", still(RED)), ("pier.mp4", clip()), ("more.mp4", b"more")],
        )
        await goes_on(discord, ben, sent, "gulls fly")
        await told(discord, channel, "a1-2 · by Ben\n“gulls fly”")
        assert [path.rsplit("/", 1)[1] for path in discord.downloads] == ["pier.mp4"]
        unnamed = discord.says(ana, channel, files=[("noname", clip(frames=30))])
        await goes_on(discord, ana, unnamed, "the tide")
        await told(discord, channel, "a1-4 · by Ana\n“the tide”")
        assert len(await house.studio.jobs(place_of(channel))) == 2
    assert parts_left(tmp_path) == []


async def test_what_is_no_video_or_no_picture_is_one_sentence(discord: FakeDiscord, tmp_path: Path) -> None:
    """For who asked alone, and nothing is begun: at once where nothing is there, else when the text was written."""
    ana, ben, channel = scene(discord)
    async with opened_bot(discord, tmp_path, provider=endless()) as house:
        for name, sentence in (
            (CONTINUE_FROM, "There is no video in that message."),
            (FIRST_FRAME, "There is no picture in that message."),
        ):
            pressed = discord.message_command(ana, channel, discord.says(ben, channel, "hello"), name)
            assert await refused(discord, pressed) == sentence
            assert pressed.modal is None
        for name, file, content, words in (
            (CONTINUE_FROM, "film.mp4", still(RED), "“film.mp4” is a picture, and a video is wanted: send an MP4"),
            (FIRST_FRAME, "still.png", b"no picture at all", "“still.png” is neither a picture nor a video that"),
            (FIRST_FRAME, "still.png", clip(), "“still.png” is a video, and a picture is wanted: send a JPEG"),
        ):
            opened = discord.message_command(ana, channel, discord.says(ben, channel, files=[(file, content)]), name)
            await opened.showed_modal(WAIT_S)
            written = discord.submits(ana, opened, "gulls fly")
            assert (await refused(discord, written)).startswith(words)
        assert await house.studio.stories(place_of(channel)) == ()
    assert parts_left(tmp_path) == []


async def test_a_picture_begins_a_story(discord: FakeDiscord, tmp_path: Path) -> None:
    """By its content, whatever it is called."""
    ana, ben, channel = scene(discord)
    provider = endless()
    async with opened_bot(discord, tmp_path, provider=provider):
        sent = discord.says(ben, channel, files=[("notes.txt", b"words"), ("b.webp", still(BLUE))])
        opened = discord.message_command(ana, channel, sent, FIRST_FRAME)
        modal = await opened.showed_modal(WAIT_S)
        assert (modal["title"], modal["components"][0]["label"]) == (
            "A story that starts on it",
            sentences.WHAT_IS_SHOWN,
        )
        written = discord.submits(ana, opened, "a blue room")
        assert (await written.answered(WAIT_S)).text.startswith("a1-1 · by Ana\n“a blue room”")
        await until(discord, lambda: provider.renders)
        (render,) = provider.renders.values()
        assert (colour_of(render.order.first_frame), render.order.last_frame) == ("blue", None)


async def test_a_link_may_end_while_the_text_is_written_but_not_the_program(
    discord: FakeDiscord, tmp_path: Path
) -> None:
    """The file was fetched when the field was opened, and is gone with the process that fetched it."""
    ana, _, channel = scene(discord)
    async with opened_bot(discord, tmp_path, provider=endless()) as house:
        sent = discord.says(ana, channel, files=[("pier.mp4", clip())])
        opened = discord.message_command(ana, channel, sent, CONTINUE_FROM)
        await opened.showed_modal(WAIT_S)
        await until(discord, lambda: discord.downloads)
        discord.attachments_live_s = -1.0
        discord.submits(ana, opened, "gulls fly")
        await told(discord, channel, "a1-2 · by Ana\n“gulls fly”")
        late = discord.message_command(ana, channel, sent, CONTINUE_FROM)
        await late.showed_modal(WAIT_S)
        written = discord.submits(ana, late, "too late")
        assert await refused(discord, written) == "Discord does not give out that file any more; send it again."
        discord.attachments_live_s = 1e6
        waiting = discord.message_command(ana, channel, sent, CONTINUE_FROM)
        await waiting.showed_modal(WAIT_S)
        await until(discord, lambda: len(discord.downloads) == 2)
        assert len(await house.studio.jobs(place_of(channel))) == 1
    assert parts_left(tmp_path) == []
    async with opened_bot(discord, tmp_path, provider=endless()) as house:
        written = discord.submits(ana, waiting, "after the restart")
        assert "choose the message once more" in await refused(discord, written)
        assert len(await house.studio.jobs(place_of(channel))) == 1


async def test_a_file_that_is_too_large_is_not_fetched(
    discord: FakeDiscord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The size that the message tells is enough; fields that are never sent off leave nothing behind either."""
    monkeypatch.setattr("bot.discord.uploads.MOST_BYTES", 1000)
    monkeypatch.setattr("bot.discord.turns.WAITING_MOST", 1)
    ana, _, channel = scene(discord)
    async with opened_bot(discord, tmp_path, provider=endless()):
        sent = discord.says(ana, channel, files=[("pier.mp4", clip())])
        opened = discord.message_command(ana, channel, sent, CONTINUE_FROM)
        await opened.showed_modal(WAIT_S)
        written = discord.submits(ana, opened, "gulls fly")
        assert "Nextshot takes at most 0 MB here" in await whispered(discord, written)
        assert discord.downloads == []
        small = discord.says(ana, channel, files=[("b.png", still(BLUE))])
        for number in range(1, 4):
            opened = discord.message_command(ana, channel, small, FIRST_FRAME)
            await opened.showed_modal(WAIT_S)
            await until(discord, partial(has_downloads, discord, number))
        await until(discord, lambda: len(parts_left(tmp_path)) <= 1, "One file that still waits for its text")
    assert parts_left(tmp_path) == []


async def test_a_file_goes_with_the_text_of_who_chose_it_alone(discord: FakeDiscord, tmp_path: Path) -> None:
    """A field that names somebody else's file is refused, also from another channel; the file stays for its person."""
    ana, ben, channel = scene(discord)
    other = discord.channel(discord.guild("Town", [ana]), "square")
    async with opened_bot(discord, tmp_path, provider=endless()) as house:
        sent = discord.says(ana, channel, files=[("pier.mp4", clip())])
        hers = discord.message_command(ana, channel, sent, CONTINUE_FROM)
        await hers.showed_modal(WAIT_S)
        await until(discord, lambda: discord.downloads)
        for thief, place in ((ben, channel), (ana, other)):
            opened = discord.slash(thief, place, "help")
            await opened.answered(WAIT_S)
            opened.modal = hers.modal
            assert await refused(discord, discord.submits(thief, opened, "mine now")) == sentences.FILE_LOST
            assert await house.studio.jobs(place_of(place)) == ()
        written = discord.submits(ana, hers, "gulls fly")
        assert (await written.answered(WAIT_S)).text.startswith("a1-2 · by Ana\n“gulls fly”")
        assert len(discord.downloads) == 1
    assert parts_left(tmp_path) == []


async def test_a_person_has_one_file_waiting_and_all_together_some(
    discord: FakeDiscord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A field that is opened anew lets go of the file before; beyond the limit the oldest goes, whoever chose it."""
    monkeypatch.setattr("bot.discord.turns.WAITING_MOST", 3)
    ana, ben, channel = scene(discord)
    cal, dan = discord.person("Cal"), discord.person("Dan")
    assert channel.guild is not None
    for each in (cal, dan):
        discord.joins(each, channel.guild)
    async with opened_bot(discord, tmp_path, provider=endless()):
        sent = discord.says(ana, channel, files=[("b.png", still(BLUE))])
        fields = []
        for number, (person, left) in enumerate(((ben, 1), (ana, 2), (ana, 2), (cal, 3), (dan, 3)), 1):
            fields.append(discord.message_command(person, channel, sent, FIRST_FRAME))
            await fields[-1].showed_modal(WAIT_S)
            await until(discord, partial(has_downloads, discord, number))
            await until(discord, partial(has_parts, tmp_path, left), f"{left} files that wait")
        of_ben, before, of_ana, of_cal, of_dan = fields
        for person, opened in ((ben, of_ben), (ana, before)):
            assert await refused(discord, discord.submits(person, opened, "too late")) == sentences.FILE_LOST
        for person, opened, code in ((ana, of_ana, "a1-1"), (cal, of_cal, "b1-1"), (dan, of_dan, "c1-1")):
            written = discord.submits(person, opened, "a blue room")
            assert (await written.answered(WAIT_S)).text.startswith(f"{code} · by {person.name}")
    assert parts_left(tmp_path) == []


async def test_unsent_fields_of_one_person_do_not_keep_others_from_their_files(
    discord: FakeDiscord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many they opened, one file of theirs is being fetched."""
    ana, ben, channel = scene(discord)
    began: list[str] = []
    over = asyncio.Event()
    fetch = Fetching.of_server

    async def stalls(self: Fetching, url: str, check: Callable[[int], None]) -> AsyncGenerator[bytes]:
        if "slow" in url:
            began.append(url)
            await over.wait()
        async for chunk in fetch(self, url, check):
            yield chunk

    monkeypatch.setattr(Fetching, "of_server", stalls)
    async with opened_bot(discord, tmp_path, provider=endless()):
        slow = discord.says(ana, channel, files=[("slow.png", still(RED))])
        for number in range(1, AT_ONCE + 2):
            await discord.message_command(ana, channel, slow, FIRST_FRAME).showed_modal(WAIT_S)
            await until(discord, partial(has_begun, began, number))
        opened = discord.message_command(
            ben, channel, discord.says(ben, channel, files=[("b.png", still(BLUE))]), FIRST_FRAME
        )
        await opened.showed_modal(WAIT_S)
        written = discord.submits(ben, opened, "a blue room")
        assert (await written.answered(WAIT_S)).text.startswith("a1-1 · by Ben")
        over.set()


async def test_what_a_message_forwards_is_its_own(discord: FakeDiscord, tmp_path: Path) -> None:
    """The video and the picture of a forwarded message are taken, whoever wrote that; after what stands in the message itself."""
    ana, ben, channel = scene(discord)
    async with opened_bot(discord, tmp_path, provider=endless()):
        sent = discord.says(ben, discord.channel(discord.guild("Town", [ben]), "square"), files=[("pier.mp4", clip())])
        drawn = discord.says(ben, sent.channel, files=[("b.png", still(BLUE))])
        for forwarded, name, words in (
            (sent, CONTINUE_FROM, "a1-2 · by Ana\n“gulls fly”"),
            (drawn, FIRST_FRAME, "b1-1 · by Ana\n“gulls fly”"),
        ):
            opened = chosen(discord, ana, discord.says(ana, channel), name, forwards=forwarded)
            await opened.showed_modal(WAIT_S)
            written = discord.submits(ana, opened, "gulls fly")
            assert (await written.answered(WAIT_S)).text.startswith(words)
        both = discord.says(ana, channel, files=[("own.mp4", clip())])
        opened = chosen(discord, ana, both, CONTINUE_FROM, forwards=sent)
        await opened.showed_modal(WAIT_S)
        await until(discord, lambda: len(discord.downloads) == 3)
        assert discord.downloads[-1].endswith("/own.mp4")
    assert parts_left(tmp_path) == []
