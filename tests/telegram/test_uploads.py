"""What people send is fetched within the server's limits, and a sentence says when it cannot be."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest
from telegram import Bot

from bot.telegram import uploads as under_test
from bot.telegram.translate import Media
from bot.telegram.uploads import NotFetched, Uploads
from engine.model import FileKey
from engine.studio import Studio
from storage import LocalFiles
from tests.fakes.telegram import FakeTelegram
from tests.telegram.asking import WAIT_S, clip, endless, film_of, quick, told, until
from tests.telegram.house import opened_bot
from tests.telegram.plain_http import jpeg


def _leftovers(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*.part") if path.is_file() or path.is_symlink()]


def _bot(telegram: FakeTelegram) -> Bot:
    return Bot(telegram.token, base_url=telegram.base_url, base_file_url=telegram.base_file_url)


def _sent(telegram: FakeTelegram, *, claims_bytes: int | None = None) -> Media:
    """A picture that somebody sent, as large as the server claims."""
    ana = telegram.person("Ana")
    message = telegram.says(ana, telegram.private(ana), photo=jpeg(), size_bytes=claims_bytes)
    assert message.photo is not None
    return Media(message.photo.file.file_id, "image", claims_bytes)


async def test_a_file_that_cannot_be_had_is_a_sentence(telegram: FakeTelegram, tmp_path: Path) -> None:
    """Too large for the server, not given out, or not to be fetched now; nothing is started and nothing left behind."""
    ana = telegram.person("Ana")
    chat = telegram.private(ana)
    async with opened_bot(telegram, tmp_path, provider=endless()) as house:
        telegram.says(ana, chat, "/add", video=clip(), size_bytes=21 * 1024 * 1024)
        await told(
            telegram, chat, "That video has 22 MB, and Telegram lets bots fetch at most 20 MB here; send a shorter"
        )
        telegram.fail_next("getFile", 400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        telegram.says(ana, chat, "/create a lamp", photo=jpeg())
        await told(telegram, chat, "Telegram does not give out that picture any more; send it again.")
        telegram.fail_next("getFile", 500, "Internal Server Error")
        telegram.says(ana, chat, "/create a lamp", photo=jpeg())
        await told(telegram, chat, "The picture could not be fetched from Telegram; send it again in a moment.")
        telegram.says(ana, chat, "/add", video=b"no video at all")
        await until(telegram, lambda: len(telegram.bot_messages(chat)) == 4)
        telegram.says(ana, chat, "/create a lamp", photo=b"no picture at all")
        await until(telegram, lambda: len(telegram.bot_messages(chat)) == 5)
        assert all("Something broke" not in message.text for message in telegram.bot_messages(chat))
        assert not await house.studio.jobs(f"telegram:{chat.id}")
        await told(telegram, chat, "picture")
    assert _leftovers(tmp_path) == []


async def test_the_cloud_is_not_even_asked_for_a_file_above_its_cap(telegram: FakeTelegram, tmp_path: Path) -> None:
    """The size that a message tells is enough."""
    async with Bot(telegram.token, base_url=telegram.base_url, base_file_url=telegram.base_file_url) as bot:
        uploads = Uploads(bot, LocalFiles(tmp_path), is_cloud=True)
        with pytest.raises(NotFetched, match="That video has 21 MB, and Telegram lets bots fetch at most 20 MB here"):
            await uploads.fetch([Media("x", "video", 21_000_000)])
    assert telegram.calls_of("getFile") == []


async def test_one_bad_file_of_several_leaves_none(telegram: FakeTelegram, tmp_path: Path) -> None:
    """The first was there already when the second failed."""
    ana = telegram.person("Ana")
    good = telegram.says(ana, telegram.private(ana), photo=jpeg())
    assert good.photo is not None
    async with Bot(telegram.token, base_url=telegram.base_url, base_file_url=telegram.base_file_url) as bot:
        uploads = Uploads(bot, LocalFiles(tmp_path), is_cloud=True)
        known = Media(good.photo.file.file_id, "image", None)
        (fetched,) = await uploads.fetch([known])
        assert fetched.path.read_bytes() == good.photo.data
        await uploads.drop([fetched])
        with pytest.raises(NotFetched):
            await uploads.fetch([known, Media("gone", "image", None)])
    assert _leftovers(tmp_path) == []


async def test_a_server_of_ones_own_gives_files_from_its_disk(tmp_path: Path) -> None:
    """With --local paths are absolute, nothing is fetched over HTTP, and more than 20 MB may come; 50 MB may go."""
    async with FakeTelegram(flood=False, local=True) as telegram:
        ana = telegram.person("Ana")
        chat = telegram.private(ana)
        provider = quick()
        async with opened_bot(telegram, tmp_path, provider=provider) as house:
            telegram.says(ana, chat, "/add a pier", video=clip(width=160, height=90), size_bytes=30_000_000)
            added = await told(telegram, chat, "a1-1 · given by Ana")
            assert telegram.server.downloads == []
            assert house.chats["telegram"].limits(f"telegram:{chat.id}").upload_bytes == 2_000_000_000
            telegram.says(ana, chat, "a boat", reply_to=added, photo=jpeg())
            film = await film_of(telegram, chat, "a1-2")
            assert film.video is not None
            (render,) = provider.renders.values()
            assert render.order.last_frame is not None
    assert telegram.complaints == []
    assert _leftovers(tmp_path) == []


async def test_many_files_in_one_album_are_not_all_fetched(telegram: FakeTelegram, tmp_path: Path) -> None:
    """Nothing that can be asked for takes more than a few."""
    ana = telegram.person("Ana")
    chat = telegram.private(ana)
    async with opened_bot(telegram, tmp_path, provider=endless()):
        telegram.says(ana, chat, "/create a lamp", album=[("photo", jpeg())] * 10)
        await told(telegram, chat, "a1-1")
        assert 2 <= len(telegram.calls_of("getFile")) <= 4
        assert len(telegram.bot_messages(chat)) == 1


@pytest.mark.parametrize("is_local", [False, True])
async def test_a_file_that_is_larger_than_was_said_is_not_taken_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_local: bool
) -> None:
    """The bytes that arrive are counted, over HTTP and from a disk."""
    monkeypatch.setattr(under_test, "CLOUD_BYTES", 500)
    monkeypatch.setattr(under_test, "LOCAL_BYTES", 500)
    async with FakeTelegram(flood=False, local=is_local) as telegram, _bot(telegram) as bot:
        uploads = Uploads(bot, LocalFiles(tmp_path), is_cloud=not is_local)
        with pytest.raises(NotFetched, match="That picture is too large: "):
            await uploads.fetch([_sent(telegram, claims_bytes=100)])
    assert _leftovers(tmp_path) == []


async def test_a_full_disk_is_said(
    telegram: FakeTelegram, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is not Telegram's fault, and nothing of the file stays."""
    files = LocalFiles(tmp_path)
    part = files.work(under_test.WORK) / "here.part"
    part.symlink_to("/dev/full")
    monkeypatch.setattr(under_test, "secrets", SimpleNamespace(token_hex=lambda _: "here"))
    async with _bot(telegram) as bot:
        with pytest.raises(NotFetched, match="The disk of this Nextshot is full, so the picture was not taken"):
            await Uploads(bot, files, is_cloud=True).fetch([_sent(telegram)])
    assert _leftovers(tmp_path) == []
    assert "the disk is full" in caplog.text


async def test_a_server_whose_disk_is_not_seen_is_told_to_the_operator(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With --local it gives files on its own disk only; its paths and addresses have the token in them."""
    async with FakeTelegram(flood=False, local=True) as telegram, _bot(telegram) as bot:
        media = _sent(telegram)
        path = (await bot.get_file(media.file_id)).file_path
        assert path is not None
        gate = telegram.gate("getFile", after=True)
        fetching = asyncio.create_task(Uploads(bot, LocalFiles(tmp_path), is_cloud=False).fetch([media]))
        await gate.reached.wait()
        Path(path).unlink()
        gate.release()
        with pytest.raises(NotFetched, match="could not be fetched from Telegram"):
            await fetching
        assert "with --local it gives files only on its own disk" in caplog.text
        assert telegram.token not in caplog.text
    assert _leftovers(tmp_path) == []


async def test_only_some_files_are_fetched_at_a_time(telegram: FakeTelegram, tmp_path: Path) -> None:
    """However many people send some; the others have theirs a little later."""
    media = [_sent(telegram) for _ in range(7)]
    gate = telegram.gate("getFile")
    async with _bot(telegram) as bot:
        uploads = Uploads(bot, LocalFiles(tmp_path), is_cloud=True)
        fetching = [asyncio.create_task(uploads.fetch([each])) for each in media]
        await until(telegram, lambda: gate.waiting >= under_test.AT_ONCE)
        await asyncio.sleep(0.1)
        assert gate.waiting == under_test.AT_ONCE
        gate.release()
        for fetched in await asyncio.gather(*fetching):
            assert fetched[0].path.read_bytes() == jpeg()
            await uploads.drop(fetched)


async def test_nobody_waits_while_somebody_s_video_is_read(
    telegram: FakeTelegram, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long one is measured and copied for a while; the others in the place go on."""
    ana, ben = telegram.person("Ana"), telegram.person("Ben")
    chat = telegram.group("Film", [ana, ben])
    reading, may_go_on, keep_video = asyncio.Event(), asyncio.Event(), Studio.keep_video

    async def slow(studio: Studio, path: Path) -> FileKey:
        reading.set()
        await may_go_on.wait()
        return await keep_video(studio, path)

    monkeypatch.setattr(Studio, "keep_video", slow)
    async with opened_bot(telegram, tmp_path, provider=endless()):
        telegram.says(ana, chat, "/add a pier", video=clip())
        await asyncio.wait_for(reading.wait(), WAIT_S)
        telegram.says(ben, chat, "/stories")
        await told(telegram, chat, "No story yet")
        may_go_on.set()
        await told(telegram, chat, "a1-1 · given by Ana")
