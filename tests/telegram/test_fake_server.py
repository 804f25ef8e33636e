"""The fake of Telegram, proven by two client libraries that know nothing of it: python-telegram-bot and aiogram.

Longer than a room of the product: what one library hides, the other finds, so most of it is said twice.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import aiogram
import aiogram.exceptions as aio
import pytest
import telegram
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import BufferedInputFile
from aiohttp import web
from telegram import error as ptb
from telegram.ext import Application, ApplicationBuilder, CommandHandler, ContextTypes
from telegram.request import HTTPXRequest

from tests.fakes.telegram import FakeTelegram, Person
from tests.telegram.plain_http import NO_CERTIFICATES, jpeg

CLIP_BYTES = 3 * 1024 * 1024


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeTelegram]:
    """A server about which nobody complains at the end."""
    monkeypatch.setenv("PTB_TIMEDELTA", "true")
    async with FakeTelegram() as fake:
        yield fake
    assert fake.complaints == []


@asynccontextmanager
async def ptb_bot(
    server: FakeTelegram, token: str | None = None, *, local_mode: bool = False
) -> AsyncIterator[telegram.Bot]:
    """A bot of python-telegram-bot."""
    bot = telegram.Bot(
        token or server.token,
        base_url=server.base_url,
        base_file_url=server.base_file_url,
        local_mode=local_mode,
        request=HTTPXRequest(httpx_kwargs={"verify": NO_CERTIFICATES}),
        get_updates_request=HTTPXRequest(httpx_kwargs={"verify": NO_CERTIFICATES}),
    )
    async with bot:
        yield bot


@asynccontextmanager
async def aio_bot(server: FakeTelegram, token: str | None = None) -> AsyncIterator[aiogram.Bot]:
    """A bot of aiogram."""
    session = AiohttpSession(api=TelegramAPIServer.from_base(server.url))
    async with aiogram.Bot(token or server.token, session=session) as bot:
        yield bot


@pytest.fixture
def ana(server: FakeTelegram) -> Person:
    return server.person("Ana")


# --- a command and its answer


async def test_ptb_hears_a_command_and_answers_it(server: FakeTelegram, ana: Person) -> None:
    """The application polls, its handler answers, and its stop confirms what it heard."""

    async def create(update: telegram.Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.effective_message is not None
        await update.effective_message.reply_text("queued", do_quote=True)

    app: Application = (  # type: ignore[type-arg]  # its six type parameters say nothing here
        ApplicationBuilder().token(server.token).base_url(server.base_url).base_file_url(server.base_file_url).build()
    )
    app.add_handler(CommandHandler("create", create))
    chat = server.private(ana)
    async with app:
        await app.start()
        assert app.updater is not None
        await app.updater.start_polling(allowed_updates=telegram.Update.ALL_TYPES)
        said = server.says(ana, chat, "/create a lamp")
        answer = await server.wait_for_message(chat, lambda message: message.text == "queued")
        await app.updater.stop()
        await app.stop()
    assert answer.reply_to == said.id
    assert server.world.updates.pending == {}


async def test_aiogram_hears_a_command_and_answers_it(server: FakeTelegram, ana: Person) -> None:
    """The dispatcher polls and its handler answers."""
    dispatcher = aiogram.Dispatcher()

    @dispatcher.message()
    async def heard(message: aiogram.types.Message) -> None:
        await message.reply(f"heard {message.text}")

    chat = server.private(ana)
    async with aio_bot(server) as bot:
        polling = asyncio.create_task(
            dispatcher.start_polling(bot, handle_signals=False, close_bot_session=False), name="polling"
        )
        said = server.says(ana, chat, "/create a lamp")
        answer = await server.wait_for_message(chat, lambda message: message.text == "heard /create a lamp")
        await dispatcher.stop_polling()
        await polling
    assert answer.reply_to == said.id


async def test_a_long_poll_ends_early_with_the_update(server: FakeTelegram, ana: Person) -> None:
    """The poll waits although nothing is there, and what nobody confirmed comes again."""
    async with ptb_bot(server) as bot:
        polling = asyncio.create_task(bot.get_updates(timeout=50), name="polling")
        await server.wait_until(lambda: server.world.updates.is_polled)
        server.says(ana, server.private(ana), "hello")
        (update,) = await asyncio.wait_for(polling, 5)
        (again,) = await bot.get_updates(timeout=0)
        assert again.update_id == update.update_id
        assert await bot.get_updates(offset=update.update_id + 1, timeout=0) == ()


async def test_the_same_update_comes_twice_when_told(server: FakeTelegram, ana: Person) -> None:
    """Under one number, although it was confirmed; then never again."""
    server.says(ana, server.private(ana), "one")
    server.says(ana, server.private(ana), "two")
    async with ptb_bot(server) as bot:
        one, two = await bot.get_updates()
        assert await bot.get_updates(offset=two.update_id + 1) == ()
        server.resend_last_update()
        (again,) = await bot.get_updates(offset=two.update_id + 1)
        assert again.update_id == two.update_id
        assert await bot.get_updates(offset=two.update_id + 1) == ()
        server.forget_offset()
        both = await bot.get_updates(offset=two.update_id + 1)
        assert [update.update_id for update in both] == [one.update_id, two.update_id]


async def test_the_poll_that_waits_gets_the_conflict(server: FakeTelegram) -> None:
    """Of two pollers the older one is told that there are two."""
    async with ptb_bot(server) as first, aio_bot(server) as second:
        waiting = asyncio.create_task(first.get_updates(timeout=50), name="first poll")
        await server.wait_until(lambda: server.world.updates.is_polled)
        assert await second.get_updates(timeout=0) == []
        with pytest.raises(ptb.Conflict, match="terminated by other getUpdates request; make sure that only one bot"):
            await waiting


# --- messages and edits


async def test_a_message_is_edited_and_an_equal_edit_is_refused(server: FakeTelegram, ana: Person) -> None:
    """Both libraries read the words; an edit without a keyboard takes it away."""
    chat = server.private(ana)
    keyboard = telegram.InlineKeyboardMarkup.from_button(telegram.InlineKeyboardButton("Cancel", callback_data="c:1"))
    async with ptb_bot(server) as bot, aio_bot(server) as other:
        sent = await bot.send_message(chat.id, "<b>queued</b> &lt;1&gt;", parse_mode="HTML", reply_markup=keyboard)
        (seen,) = server.bot_messages(chat)
        assert (seen.text, seen.buttons) == ("queued <1>", [("Cancel", "c:1")])
        with pytest.raises(ptb.BadRequest, match="Message is not modified: specified new message content"):
            await sent.edit_text("<b>queued</b> &lt;1&gt;", parse_mode="HTML", reply_markup=keyboard)
        edited = await other.edit_message_text("rendering", chat_id=chat.id, message_id=sent.message_id)
        assert isinstance(edited, aiogram.types.Message)
        server.flood.is_on = False
        with pytest.raises(aio.TelegramBadRequest, match="message is not modified"):
            await other.edit_message_text("rendering", chat_id=chat.id, message_id=sent.message_id)
    (seen,) = server.bot_messages(chat)
    assert (seen.text, seen.buttons, seen.edits) == ("rendering", [], 1)


async def test_both_libraries_read_how_long_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a burst of three the fourth is refused with whole seconds."""
    monkeypatch.setenv("PTB_TIMEDELTA", "true")
    async with FakeTelegram(clock=lambda: 0.0) as server, ptb_bot(server) as bot, aio_bot(server) as other:
        chat = server.private(server.person("Ana"))
        for number in range(3):
            await bot.send_message(chat.id, f"{number}")
        with pytest.raises(ptb.RetryAfter) as refused:
            await bot.send_message(chat.id, "four")
        assert refused.value.retry_after == timedelta(seconds=1)
        with pytest.raises(aio.TelegramRetryAfter) as again:
            await other.send_message(chat.id, "four")
        assert again.value.retry_after == 1
        assert len(server.bot_messages(chat)) == 3
    assert server.complaints == []


async def test_a_clip_arrives_with_all_that_was_said_of_it(server: FakeTelegram, ana: Person) -> None:
    """3 MB with thumbnail, cover and sizes; by its id it comes again without an upload; what was sent can be fetched."""
    chat, clip = server.private(ana), os.urandom(CLIP_BYTES)
    async with ptb_bot(server) as bot, aio_bot(server) as other:
        sent = await bot.send_video(
            chat.id,
            clip,
            width=854,
            height=480,
            duration=4,
            supports_streaming=True,
            thumbnail=jpeg(),
            cover=jpeg(854, 480),
            caption="k7-1",
            filename="k7-1.mp4",
        )
        (seen,) = server.bot_messages(chat)
        assert seen.video is not None
        assert (seen.text, seen.video.data, seen.video.supports_streaming) == ("k7-1", clip, True)
        assert (seen.video.width, seen.video.height, seen.video.duration_s) == (854, 480, 4)
        assert (seen.video.thumbnail, seen.video.cover) == (jpeg(), jpeg(854, 480))
        assert sent.video is not None
        uploads = server.uploads
        assert server.uploaded_bytes == len(clip) + len(jpeg(854, 480))
        again = await other.send_video(chat.id, sent.video.file_id)
        assert again.video is not None
        assert (again.video.file_unique_id, server.uploads) == (sent.video.file_unique_id, uploads)
        file = await bot.get_file(sent.video.file_id)
        assert bytes(await file.download_as_bytearray()) == clip
        downloaded = await other.download(sent.video.file_id)
        assert downloaded is not None
        assert downloaded.read() == clip


async def test_aiogram_uploads_and_turns_a_text_into_a_video(server: FakeTelegram, ana: Person) -> None:
    """The upload travels inside `media`, by reference."""
    chat = server.private(ana)
    async with aio_bot(server) as bot:
        sent = await bot.send_message(chat.id, "rendering")
        await bot.edit_message_media(
            aiogram.types.InputMediaVideo(
                media=BufferedInputFile(b"clip", "a.mp4"), caption="done", width=64, height=36
            ),
            chat_id=chat.id,
            message_id=sent.message_id,
        )
    (seen,) = server.bot_messages(chat)
    assert seen.video is not None
    assert (seen.text, seen.video.data, seen.video.width, seen.edits) == ("done", b"clip", 64, 1)


async def test_an_album_is_as_many_messages(server: FakeTelegram, ana: Person) -> None:
    """Each of them counts in the chat's budget."""
    chat = server.private(ana)
    async with ptb_bot(server) as bot:
        photo, video = telegram.InputMediaPhoto(jpeg()), telegram.InputMediaVideo(b"clip", caption="two")
        assert len(await bot.send_media_group(chat.id, [photo, video])) == 2
    first, second = server.bot_messages(chat)
    assert first.album == second.album is not None
    assert server.most_sends(chat) == 2


async def test_too_large_a_file_is_a_413(server: FakeTelegram, ana: Person) -> None:
    """Both libraries hear the answer, although they were still sending."""
    chat = server.private(ana)
    server.cap_bytes = 1024 * 1024
    async with ptb_bot(server) as bot, aio_bot(server) as other:
        with pytest.raises(ptb.NetworkError, match="Request Entity Too Large"):
            await bot.send_video(chat.id, os.urandom(CLIP_BYTES))
        with pytest.raises(aio.TelegramEntityTooLarge):
            await other.send_video(chat.id, BufferedInputFile(os.urandom(CLIP_BYTES), "a.mp4"))
    assert server.bot_messages(chat) == []


async def test_a_server_of_ones_own_reads_its_own_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In local mode no bytes are sent, paths are absolute, and 20 MB are no limit."""
    monkeypatch.setenv("PTB_TIMEDELTA", "true")
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"x" * 100)
    async with FakeTelegram(local=True) as server, ptb_bot(server, local_mode=True) as bot:
        ana = server.person("Ana")
        chat = server.private(ana)
        await bot.send_video(chat.id, clip)
        assert server.arrived_bytes == 0
        (seen,) = server.bot_messages(chat)
        assert seen.video is not None
        assert seen.video.data == b"x" * 100
        large = server.says(ana, chat, "take this", video=b"large", size_bytes=30 * 1024 * 1024)
        assert large.video is not None
        file = await bot.get_file(large.video.file.file_id)
        assert file.file_path is not None
        assert Path(file.file_path).read_bytes() == b"large"
    assert server.complaints == []


# --- buttons


async def test_a_pressed_button_is_answered_once_and_in_time(server: FakeTelegram, ana: Person) -> None:
    """The second answer and the late one are refused with the same words."""
    chat = server.private(ana)
    keyboard = telegram.InlineKeyboardMarkup.from_row(
        [telegram.InlineKeyboardButton(verb, callback_data=f"{verb.lower()}:k7-1") for verb in ("Retake", "Stitch")]
    )
    async with ptb_bot(server) as bot, aio_bot(server) as other:
        await bot.send_message(chat.id, "done", reply_markup=keyboard)
        (seen,) = server.bot_messages(chat)
        query = server.presses(ana, seen, "Retake")
        (update,) = await bot.get_updates(timeout=5)
        assert update.callback_query is not None
        assert update.callback_query.data == "retake:k7-1"
        await update.callback_query.answer("not yours", show_alert=True)
        answer = await query.answered()
        assert (answer.text, answer.show_alert) == ("not yours", True)
        with pytest.raises(ptb.BadRequest, match="Query is too old and response timeout expired or query id"):
            await update.callback_query.answer()
        server.query_expiry_s = 0
        late = server.presses(ana, seen, "stitch:k7-1")
        await asyncio.sleep(0.01)
        with pytest.raises(aio.TelegramBadRequest, match="query is too old and response timeout expired or query ID"):
            await other.answer_callback_query(late.id)
        assert late.answer is None


# --- places


async def test_a_topic_is_a_place_of_its_own(server: FakeTelegram, ana: Person) -> None:
    """An answer without a topic lands in the one of the message it answers; General has no id; a deleted topic takes nothing."""
    chat = server.group("Film", [ana], forum=True, bot="administrator")
    topic = server.topic(chat, "Lighthouse", ana)
    said = server.says(ana, chat, "/create a lamp", topic=topic)
    async with ptb_bot(server) as bot:
        *_, update = await bot.get_updates(timeout=5)
        heard = update.effective_message
        assert heard is not None
        assert (heard.message_thread_id, heard.is_topic_message) == (topic, True)
        assert heard.reply_to_message is not None
        assert (
            heard.reply_to_message.forum_topic_created is not None
        )  # as the real one: it answers what opened the topic
        sent = await bot.send_message(chat.id, "queued", reply_parameters=telegram.ReplyParameters(said.id))
        assert sent.message_thread_id == topic
        general = await bot.send_message(chat.id, "in General")
        assert general.message_thread_id is None
        with pytest.raises(ptb.BadRequest, match="Message thread not found"):
            await bot.send_message(chat.id, "in General", message_thread_id=1)
        made = await bot.create_forum_topic(chat.id, "Boat")
        server.flood.is_on = False
        await bot.send_message(chat.id, "in the boat", message_thread_id=made.message_thread_id)
        server.deletes_topic(chat, topic)
        with pytest.raises(ptb.BadRequest, match="Message thread not found"):
            await bot.send_message(chat.id, "gone", message_thread_id=topic)
    assert [(message.text, message.thread) for message in server.bot_messages(chat)] == [
        ("in General", None),
        ("in the boat", made.message_thread_id),
    ]


async def test_a_group_moves_to_a_new_id(server: FakeTelegram, ana: Person) -> None:
    """Both service messages come, and the old id names the new one."""
    old = server.group("Film", [ana], basic=True)
    new = server.migrates(old)
    async with ptb_bot(server) as bot, aio_bot(server) as other:
        there, here = await bot.get_updates()
        assert there.message is not None
        assert there.message.migrate_to_chat_id == new.id
        assert here.message is not None
        assert here.message.migrate_from_chat_id == old.id
        with pytest.raises(ptb.ChatMigrated) as moved:
            await bot.send_message(old.id, "hello")
        assert moved.value.new_chat_id == new.id
        with pytest.raises(aio.TelegramMigrateToChat) as again:
            await other.send_message(old.id, "hello")
        assert again.value.migrate_to_chat_id == new.id
        await other.send_message(new.id, "hello")
    assert [message.text for message in server.bot_messages(new)] == ["hello"]


# --- webhooks


async def test_a_webhook_gets_every_update_with_its_secret(server: FakeTelegram, ana: Person) -> None:
    """Again and again until it takes it, and the same one twice when told; polling is a conflict meanwhile."""
    seen: list[tuple[int, str | None]] = []

    async def hook(request: web.Request) -> web.Response:
        update = await request.json()
        seen.append((update["update_id"], request.headers.get("X-Telegram-Bot-Api-Secret-Token")))
        return web.Response(status=500 if len(seen) == 1 else 200)

    app = web.Application()
    app.router.add_post("/hook", hook)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with ptb_bot(server) as bot:
            server.says(ana, server.private(ana), "before")
            await bot.set_webhook(f"http://127.0.0.1:{runner.addresses[0][1]}/hook", secret_token="hush")
            await server.wait_until(lambda: len(seen) == 2)
            assert seen[0] == seen[1]
            assert seen[0][1] == "hush"
            await server.wait_until(lambda: not server.world.updates.pending)
            server.resend_last_update()
            await server.wait_until(lambda: len(seen) == 3)
            assert seen[2] == seen[0]
            info = await bot.get_webhook_info()
            assert info.last_error_message == "Wrong response from the webhook: 500 Internal Server Error"
            with pytest.raises(ptb.Conflict, match="can't use getUpdates method while webhook is active"):
                await bot.get_updates()
            await bot.delete_webhook()
            assert await bot.get_updates(offset=seen[0][0] + 1) == ()
    finally:
        await runner.cleanup()


# --- the contract


async def test_what_the_contract_does_not_know_is_complained_of(server: FakeTelegram, ana: Person) -> None:
    """A parameter that only we believe in is refused, and the test that used it fails."""
    if server.contract is None:
        pytest.skip("the contract of the Bot API is not there: NEXTSHOT_SPECS names its folder")
    chat = server.private(ana)
    async with ptb_bot(server) as bot:
        with pytest.raises(ptb.BadRequest, match="has the unknown parameter 'bogus'"):
            await bot.send_message(chat.id, "x", api_kwargs={"bogus": 1})
    assert server.complaints == ["sendMessage has the unknown parameter 'bogus'"]
    assert server.bot_messages(chat) == []
    server.complaints.clear()


@pytest.mark.parametrize("token", ["7654321098:AAWrong", "1:x"])
async def test_a_wrong_token_is_unauthorized(server: FakeTelegram, token: str) -> None:
    """Both libraries have an error of their own for it."""
    with pytest.raises(ptb.InvalidToken):
        async with ptb_bot(server, token):
            pass
    async with aio_bot(server, token) as bot:
        with pytest.raises(aio.TelegramUnauthorizedError):
            await bot.get_me()
