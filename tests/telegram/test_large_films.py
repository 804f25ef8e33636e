"""Films that are too large for the server: made smaller, sent in parts, or linked, and never lost to a 413."""

from __future__ import annotations

import socket
from pathlib import Path

import aiohttp
import numpy as np
import pytest
from telegram import Bot
from telegram.error import NetworkError

from bot.fitting import Fitting
from bot.message import Limits, Reply, Video
from bot.telegram.films import Films
from bot.telegram.mouth import CLOUD_BYTES, LEAST_BYTES, LOCAL_BYTES, lowered
from engine.model import FileKey
from engine.open import utc_now
from storage import LocalFiles, SentFiles, opened_store
from tests.fakes.provider import ScriptedProvider
from tests.fakes.telegram import FakeTelegram
from tests.media.makers import Recipe, make
from tests.telegram.asking import QUICK, WAIT_S, clip, film_of
from tests.telegram.house import opened_bot


@pytest.mark.parametrize(
    ("cap_bytes", "refused_bytes", "then"),
    [
        (LOCAL_BYTES, 900_000_000, CLOUD_BYTES),
        (CLOUD_BYTES, 48_000_000, 36_000_000),
        (LOCAL_BYTES, 4_000_000, 3_000_000),
        (3_000_000, 4_000_000, 2_250_000),
        (LEAST_BYTES, 900_000, LEAST_BYTES),
    ],
)
def test_a_refusal_lowers_the_cap_below_what_was_refused(cap_bytes: int, refused_bytes: int, then: int) -> None:
    """To that of the cloud first; never so low that nothing is worth looking at."""
    assert lowered(cap_bytes, refused_bytes) == then


def _noise(directory: Path) -> bytes:
    """About 2 MB in a second."""
    rng = np.random.default_rng(7)
    recipe = Recipe(width=320, height=180, frames=24, audio_s=1.0, options={"crf": "12", "preset": "ultrafast"})
    return make(directory / "noise.mp4", recipe, lambda _: rng.integers(0, 255, (180, 320, 3), np.uint8)).read_bytes()


async def test_a_clip_that_is_refused_as_too_large_comes_smaller_with_a_link_to_the_whole(
    telegram: FakeTelegram, tmp_path: Path
) -> None:
    """Nothing is known of this server's cap but its 413; the link gives the very file, to anybody who has it."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = int(listener.getsockname()[1])
    ana = telegram.person("Ana")
    chat = telegram.private(ana)
    whole = _noise(tmp_path)
    telegram.cap_bytes = 1_300_000
    assert len(whole) > telegram.cap_bytes
    provider = ScriptedProvider(pace=QUICK, fetched_bytes=whole)
    web = {"web_port": port, "web_url": f"http://127.0.0.1:{port}", "web_password": "something-long"}
    async with opened_bot(telegram, tmp_path / "data", provider=provider, **web) as house:  # type: ignore[arg-type]  # settings by name
        await house.web.open()
        telegram.says(ana, chat, "/create a storm")
        film = await telegram.wait_for_message(chat, lambda message: message.video is not None, 3 * WAIT_S)
        assert film.video is not None
        assert len(film.video.data) <= telegram.cap_bytes
        assert "made smaller to pass here" in film.text
        assert len(telegram.bot_messages(chat)) == 2
        link = film.text.split()[-1]
        async with aiohttp.ClientSession() as session:
            async with session.get(link) as answer:
                assert answer.status == 200
                assert await answer.read() == whole
            async with session.get(link.replace("/film/", "/film/0")) as answer:
                assert answer.status == 404
        refused = [call for call in telegram.calls if call.code == 413]
        assert refused == []  # they are refused before they are calls
        telegram.says(ana, chat, "/download a1-1")
        again = await film_of(telegram, chat, "a1-1", after=film)
        assert link in again.text


def _part(directory: Path, number: int) -> Video:
    path = directory / f"{number}.mp4"
    path.write_bytes(clip(frames=24 + number))
    return Video(
        path=path,
        name=f"a1-f1-{number}of3.mp4",
        seconds=1.0,
        width=64,
        height=36,
        bytes=path.stat().st_size,
        file=FileKey("f" * 64 + ".mp4"),
    )


async def test_the_parts_of_a_film_come_one_by_one_and_each_once(telegram: FakeTelegram, tmp_path: Path) -> None:
    """Together they are larger than a request may be; where one is refused, the next try goes on with it."""
    ana = telegram.person("Ana")
    chat = telegram.private(ana)
    parts = [_part(tmp_path, number) for number in (1, 2, 3)]
    telegram.cap_bytes = max(part.bytes for part in parts) + 10
    reply = Reply(text="a1-f1 · 3 shots of a1", video=parts[0], more_videos=tuple(parts[1:]))
    async with (
        Bot(telegram.token, base_url=telegram.base_url) as bot,
        opened_store("sqlite://", utc_now) as store,
    ):
        films = Films(bot, SentFiles(store))
        telegram.fail_next("sendVideo", 502, "Bad Gateway")
        with pytest.raises(NetworkError):
            await films.send(chat.id, None, reply, None)
        first = await films.send(chat.id, None, reply, None)
    sent = telegram.bot_messages(chat)
    assert [message.text for message in sent] == ["a1-f1 · 3 shots of a1", "a1-f1-2of3.mp4", "a1-f1-3of3.mp4"]
    assert [message.video.data for message in sent if message.video] == [part.path.read_bytes() for part in parts]
    assert first.message_id == sent[0].id


async def test_what_cannot_be_made_to_pass_is_a_sentence_with_a_link(tmp_path: Path) -> None:
    """Not even in ten parts: the words come without the video."""
    files = LocalFiles(tmp_path)
    source = files.work("test") / "clip.mp4"
    source.write_bytes(clip())
    key = await files.adopt(source)
    video = Video(path=files.path(key), name="a1-1.mp4", seconds=1.0, width=64, height=36, bytes=len(clip()), file=key)
    fitting = Fitting(files, link_of=lambda file, name: f"https://films.example.org/{file[:4]}/{name}")
    limits = Limits(upload_bytes=1_000, text_chars=4096, edit_every_s=5.0, wants_sound=True)
    fitted = await fitting.fit(Reply(text="a1-1 · by Ana", video=video), limits)
    assert fitted.video is None
    assert fitted.text.startswith(
        "a1-1 · by Ana\nIt has 0 MB, of which only 0 MB pass here: https://films.example.org/"
    )
