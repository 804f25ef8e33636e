"""Videos on the wire: uploaded once with all that players want to know beforehand, and by their file id from then on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from telegram import (
    Animation,
    Bot,
    Document,
    InputFile,
    InputMediaDocument,
    InputMediaPhoto,
    InputMediaVideo,
    Message,
    ReplyParameters,
)
from telegram import Video as VideoFile
from telegram.error import BadRequest

from bot.message import NotSent, Reply, Video
from bot.ports import SentFiles
from bot.telegram.faults import Fault, fault_of
from bot.telegram.translate import CAPTION_CHARS, keyboard_of, text_of
from engine.errors import StorageError

log = logging.getLogger(__name__)

Content = str | InputFile
"""A file id, or bytes to upload."""

_STALE = frozenset({Fault.BAD_FILE_ID, Fault.BAD_REMOTE_FILE, Fault.FILE_REFERENCE})


class Films:
    """Sends videos, each of them once as bytes."""

    def __init__(self, bot: Bot, sent: SentFiles) -> None:
        self._bot = bot
        self._sent = sent
        self._begun: dict[tuple[int, int | None, Path, int | None], list[Message]] = {}
        """By chat, topic, file and answered message: the parts that arrived of a film that is not whole there yet."""

    @property
    def _account(self) -> str:
        return f"telegram:{self._bot.id}"

    async def send(self, chat_id: int, thread_id: int | None, reply: Reply, under: ReplyParameters | None) -> Message:
        """A new message with the video, as a video or as a file; the first of several where it comes in parts."""
        video = _video(reply)
        if reply.more_videos:
            return await self._send_parts(chat_id, thread_id, reply, under)
        kind = "document" if reply.as_file else "video"

        async def send(content: Content, files: ExitStack) -> Message:
            if reply.as_file:
                return await self._bot.send_document(
                    chat_id,
                    content,
                    caption=text_of(reply, CAPTION_CHARS),
                    filename=video.name,
                    thumbnail=await _thumbnail(video, content, files),
                    message_thread_id=thread_id,
                    reply_parameters=under,
                    reply_markup=keyboard_of(reply),
                    disable_content_type_detection=True,
                )
            return await self._bot.send_video(
                chat_id,
                content,
                caption=text_of(reply, CAPTION_CHARS),
                filename=video.name,
                duration=round(video.seconds),
                width=video.width,
                height=video.height,
                thumbnail=await _thumbnail(video, content, files),
                cover=await self._cover(video, files),
                supports_streaming=True,
                message_thread_id=thread_id,
                reply_parameters=under,
                reply_markup=keyboard_of(reply),
            )

        return await self._once_as_bytes(video, kind, send)

    async def show_in(self, chat_id: int, message_id: int, reply: Reply) -> None:
        """The video, or the file that it is, in place of what a message of ours shows."""
        video = _video(reply)

        async def show(content: Content, files: ExitStack) -> Message:
            covers: dict[str, InputFile] = {}
            caption = text_of(reply, CAPTION_CHARS)
            shown = await self._bot.edit_message_media(
                InputMediaDocument(content, caption=caption, disable_content_type_detection=True)
                if reply.as_file
                else await self._media(video, content, files, caption, covers),
                chat_id,
                message_id,
                reply_markup=keyboard_of(reply),
                api_kwargs=covers,
            )
            assert isinstance(shown, Message)  # noqa: S101  # True only for inline messages
            return shown

        await self._once_as_bytes(video, "document" if reply.as_file else "video", show, attach=True)

    async def show_picture_in(self, chat_id: int, message_id: int, reply: Reply, picture: bytes) -> None:
        """A picture in place of what a message of ours shows."""
        media = InputMediaPhoto(picture, caption=text_of(reply, CAPTION_CHARS))
        await self._bot.edit_message_media(media, chat_id, message_id, reply_markup=keyboard_of(reply))

    async def _send_parts(
        self, chat_id: int, thread_id: int | None, reply: Reply, under: ReplyParameters | None
    ) -> Message:
        """A message for each part: the cap is on a whole request, so an album of them would not pass either.

        Where a part is refused for now, the next try goes on with it.
        """
        key = (chat_id, thread_id, _video(reply).path, under.message_id if under is not None else None)
        sent = self._begun.setdefault(key, [])
        parts = (replace(reply, more_videos=()), *(Reply(text=part.name, video=part) for part in reply.more_videos))
        for part in parts[len(sent) :]:
            sent.append(await self.send(chat_id, thread_id, part, under))
        del self._begun[key]
        return sent[0]

    async def _media(
        self, video: Video, content: Content, files: ExitStack, caption: str | None, covers: dict[str, InputFile]
    ) -> InputMediaVideo:
        """`covers` gets its cover, to be sent beside it by name.

        The library (22.8) uploads no cover of an InputMedia, and no thumbnail of one that goes by its file id: it fails to
        write them as JSON. A file that the server has keeps its thumbnail anyhow.
        """
        cover = await self._cover(video, files, attach=False)
        if isinstance(cover, InputFile):
            name = f"cover{len(covers)}"
            covers[name] = cover
            cover = f"attach://{name}"
        return InputMediaVideo(
            content,
            caption=caption,
            duration=round(video.seconds),
            width=video.width,
            height=video.height,
            supports_streaming=True,
            thumbnail=await _thumbnail(video, content, files),
            cover=cover,
        )

    async def _cover(self, video: Video, files: ExitStack, *, attach: bool = True) -> Content | None:
        """Its first picture: unlike the thumbnail it belongs to the message and not to the file, so each message names it."""
        if video.cover is None:
            return None
        known = await self._found(self._account, _cover_name(video), "cover")
        return known or await _file(video.cover, video.cover.name, files, attach=attach)

    async def _once_as_bytes(
        self,
        video: Video,
        kind: str,
        send: Callable[[Content, ExitStack], Awaitable[Message]],
        *,
        attach: bool = False,
    ) -> Message:
        """Send by file id where the server has the file already, else as bytes, and remember the id."""
        account, name = self._account, f"{video.file}/{video.path.name}"
        known = await self._found(account, name, kind)
        try:
            with ExitStack() as files:
                message = await send(known or await _file(video.path, video.name, files, attach=attach), files)
        except BadRequest as error:  # of the video or of its cover: both are sent as bytes again
            if fault_of(error) not in _STALE:
                raise
            log.info("file id is stale file=%s: %s", name, error.message)
            await self._sent.forget(account, name, kind)
            if video.cover is not None:
                await self._sent.forget(account, _cover_name(video), "cover")
            with ExitStack() as files:
                message = await send(await _file(video.path, video.name, files, attach=attach), files)
        given = message.effective_attachment
        # a video without sound comes back as an animation, a document that looks like one as a video
        if isinstance(given, VideoFile | Document | Animation):
            await self._remember(account, name, kind, given.file_id)
        if isinstance(given, VideoFile) and given.cover and video.cover is not None:
            await self._remember(account, _cover_name(video), "cover", given.cover[-1].file_id)
        return message

    async def _found(self, account: str, name: str, kind: str) -> str | None:
        try:
            return await self._sent.find(account, name, kind)
        except StorageError as error:
            log.warning("file id not found file=%s: %s", name, error)
            return None

    async def _remember(self, account: str, name: str, kind: str, file_id: str) -> None:
        """Best effort: the message is sent, and that is what counts."""
        try:
            await self._sent.keep(account, name, kind, file_id)
        except StorageError as error:
            log.warning("file id not kept file=%s: %s", name, error)


def _video(reply: Reply) -> Video:
    assert reply.video is not None  # noqa: S101  # callers look
    return reply.video


async def _file(path: Path, name: str, files: ExitStack, *, attach: bool) -> InputFile:
    """A file to upload in pieces: it is never read into memory whole.

    Raises:
        NotSent: it is gone.
    """
    try:
        file = files.enter_context(await asyncio.to_thread(path.open, "rb"))
    except OSError as error:
        raise NotSent(f"{name} cannot be read ({error.strerror})", retry_after_s=None) from error
    return InputFile(file, filename=name, attach=attach, read_file_handle=False)


async def _thumbnail(video: Video, content: Content, files: ExitStack) -> InputFile | None:
    """None for a file that the server has: it has its thumbnail too."""
    if video.thumbnail is None or isinstance(content, str):
        return None
    return await _file(video.thumbnail, video.thumbnail.name, files, attach=True)


def _cover_name(video: Video) -> str:
    assert video.cover is not None  # noqa: S101  # callers look
    return f"{video.file}/{video.cover.name}"
