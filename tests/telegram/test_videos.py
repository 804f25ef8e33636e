"""How a clip arrives: as a video with all that players want to know, uploaded once, and below it words that call nobody."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from bot import making
from bot.replies import shot_reply
from bot.telegram.places import chat_place, receipt_of
from engine.views import ShotView
from tests.fakes.provider import ScriptedProvider
from tests.fakes.telegram import FakeTelegram
from tests.telegram.asking import QUICK, WAIT_S, delivered, film_of, quick, told
from tests.telegram.house import opened_bot


def _size(picture: bytes | None) -> tuple[int, int]:
    assert picture is not None
    with Image.open(io.BytesIO(picture)) as opened:
        assert opened.format == "JPEG"
        return opened.size


async def test_a_silent_clip_arrives_as_a_video_and_is_uploaded_once(telegram: FakeTelegram, tmp_path: Path) -> None:
    """With its measures and pictures; shown again by its file id, and anew where the server lost that."""
    ana = telegram.person("Ana")
    chat = telegram.private(ana)
    async with opened_bot(telegram, tmp_path, provider=ScriptedProvider(pace=QUICK)) as house:
        asked = telegram.says(ana, chat, "/create a lamp --seconds 2 --ratio 9:16")
        film = await telegram.wait_for_message(chat, lambda message: message.media is not None, WAIT_S)
        assert film.video is not None, "An MP4 without sound is taken for an animation"
        assert film.reply_to == asked.id
        assert (film.video.width, film.video.height, film.video.duration_s) == (36, 64, 2)
        assert film.video.supports_streaming
        assert film.video.file.name == "a1-1.mp4"
        thumbnail = film.video.thumbnail
        assert max(_size(thumbnail)) <= 320
        assert len(thumbnail or b"") < 200_000
        assert _size(film.video.cover) == (36, 64)
        assert [(where.id, action) for where, action, _ in telegram.actions] == [(chat.id, "upload_video")]

        await delivered(house)  # so that its file id is kept
        uploads = telegram.uploads
        telegram.says(ana, chat, "/show a1-1")
        shown = await film_of(telegram, chat, "a1-1", after=film)
        assert shown.video is not None
        assert shown.video.file.file_id == film.video.file.file_id
        assert _size(shown.video.cover) == (36, 64)
        assert telegram.uploads == uploads

        del telegram.world.files.by_id[film.video.file.file_id]
        telegram.says(ana, chat, "/show a1-1")
        anew = await film_of(telegram, chat, "a1-1", after=shown)
        assert anew.video is not None
        assert anew.video.file.data == film.video.file.data
        uploads = telegram.uploads
        assert uploads > 2

        for _ in range(2):
            last = telegram.bot_messages(chat)[-1]
            await telegram.presses(ana, film, "Download").answered(WAIT_S)
            file = await film_of(telegram, chat, "a1-1", after=last)
            assert file.document is not None
            assert file.document.file.name == "a1-1.mp4"
            assert file.document.data[4:8] == b"ftyp"
        assert telegram.uploads == uploads + 1
        view = await house.studio.show(place := chat_place(chat.id), "a1-1")
        assert isinstance(view, ShotView)
        assert view.clip is not None
        path = await house.studio.download(place, "a1-1")
        kept = replace(shot_reply(view.shot, view.clip, None, path), as_file=True)
        for _ in range(2):  # a result whose answer was lost is shown in a message that is there
            await house.chats["telegram"].edit(receipt_of(chat.id, film.id), kept)
        (again,) = [message for message in telegram.bot_messages(chat) if message.id == film.id]
        assert again.document is not None, "It would be played where it is to be kept"
        assert (again.document.file.name, again.text) == ("a1-1.mp4", kept.text)
        assert telegram.uploads == uploads + 1


async def test_prompts_of_any_kind_arrive_whole_and_call_nobody(telegram: FakeTelegram, tmp_path: Path) -> None:
    """4,000 characters, markup of all kinds, right-to-left script, emoji, names and links: plain text, never an entity."""
    ana = telegram.person("Ana", username="ana")
    chat = telegram.group("Film", [ana])
    markup = "<b>b</b> &amp; <a href='tg://user?id=1'>you</a> *x* _y_ `z` [a](tg://user?id=1) ||s||"
    script = (
        "مصباح \u202e reversed \u0301\u0301 👩‍👩‍👧‍👦 @ana and @everybody see https://example.org/x t.me/x_bot?start=1"
    )
    prompts = ["🏮" * 4_000, f"{markup} {script}"]
    provider = quick()
    async with opened_bot(telegram, tmp_path, provider=provider):
        for number, prompt in enumerate(prompts, 1):
            telegram.says(ana, chat, f"/create {prompt}")
            code = f"{'ab'[number - 1]}1-1"
            film = await film_of(telegram, chat, code)
            status = await told(telegram, chat, f"{code} · by Ana\n")
            shown = " ".join(prompt.split())[:279].replace("@", "@\u2060").rstrip()
            for message in (film, status):
                assert shown[:270] in message.text
                assert [entity["type"] for entity in message.entities if entity["type"] != "bot_command"] == []
            assert len(film.text) <= 1024
        asked = telegram.says(ana, chat, "/download a1-1 last-frame")
        answer = await telegram.wait_for_message(chat, lambda message: message.reply_to == asked.id, WAIT_S)
        assert answer.document is not None, "as it is: a photo would be compressed again"
        assert answer.text == "a1-1 · last-frame"
        orders = {render.order.prompt for render in provider.renders.values()}
        assert orders == {" ".join(prompt.split()) for prompt in prompts}
    for call in telegram.calls_of("sendMessage", "editMessageText", "sendVideo", "editMessageCaption"):
        assert "parse_mode" not in call.params
        if call.method in {"sendMessage", "editMessageText"}:
            assert call.params["link_preview_options"] == {"is_disabled": True}


async def test_a_file_that_takes_a_while_is_counted_and_comes_in_a_message_of_its_own(
    telegram: FakeTelegram, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Below the question; once it is there, what counted says so. It is kept then, and comes without."""
    monkeypatch.setattr(making, "AFTER_S", 0.0)
    ana = telegram.person("Ana")
    chat = telegram.private(ana)
    async with opened_bot(telegram, tmp_path, provider=quick()):
        telegram.says(ana, chat, "/create a lamp")
        await film_of(telegram, chat, "a1-1")
        for count in (1, 2):
            telegram.says(ana, chat, "/download a1-1 gif")

            def is_there(count: int = count) -> bool:
                return sum(message.document is not None for message in telegram.bot_messages(chat)) == count

            await telegram.wait_until(is_there, WAIT_S, "the GIF")
    files = [message for message in telegram.bot_messages(chat) if message.document is not None]
    assert all(message.text.startswith("a1-1 · gif\nGIF without sound") for message in files)
    said = [call.params["text"] for call in telegram.calls_of("sendMessage") if "making" in call.params["text"]]
    assert len(said) == 1
    assert said[0].startswith("making the GIF ")
    last = telegram.calls_of("editMessageText")[-1]
    assert last.params["text"] == "It is made."
