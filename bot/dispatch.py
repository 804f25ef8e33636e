"""What was said or pressed → a request → the studio → a reply, or silence: a job's news comes through delivery."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import assert_never

from bot import replies, requests, texts
from bot.commands import Parsed, UsageError, addressee, is_command, parse
from bot.message import Incoming, Press, Reply
from bot.requests import Request, request_of
from engine.errors import EngineError
from engine.model import Asked, Continue, Create, FileKey, Film, Retake, Stitch
from engine.studio import Studio

log = logging.getLogger(__name__)


class Dispatch:
    """The one way from a front end into the engine."""

    def __init__(self, studio: Studio, *, names: frozenset[str] = frozenset()) -> None:
        """`names` are the bot's user names, lower-case: a command for anybody else is not answered."""
        self._studio = studio
        self._names = names

    async def said(self, incoming: Incoming) -> Reply | None:
        """The answer, or None: nothing to say now, or the job will speak for itself."""
        if not is_command(incoming.text) and incoming.reply_to is None:
            return None  # people talk to each other
        named = addressee(incoming.text)
        if named is not None and named.lower() not in self._names:
            return None
        return await self._answer(lambda: self._understand(incoming), incoming.key)

    async def pressed(self, press: Press) -> Reply | None:
        """The answer to a button, by its verb and id alone: it may have been posted before a restart."""
        return await self._answer(lambda: _request_of_press(press), press.key)

    async def _understand(self, incoming: Incoming) -> Request | None:
        asked = Asked(incoming.key, incoming.place, incoming.person)
        subject = await self._subject(incoming.reply_to)
        if is_command(incoming.text):
            parsed = parse(incoming.text)
        elif subject is not None:
            parsed = Parsed("continue", (), incoming.text)  # a reply to a clip goes on from it
        else:
            return None
        request = request_of(parsed, asked, shot_of_reply=subject)
        pictures = [each.path for each in incoming.attachments if each.kind == "image"][:2]
        if not pictures or not isinstance(request, Create | Continue):
            return request
        keys: list[FileKey] = [await self._studio.keep_picture(path) for path in pictures]
        return request_of(parsed, asked, shot_of_reply=subject, pictures=tuple(keys))

    async def _subject(self, receipt: str | None) -> str | None:
        job = await self._studio.job_of_receipt(receipt) if receipt else None
        return job.shot_code if job else None

    async def _answer(self, understand: Callable[[], Awaitable[Request | None]], key: str) -> Reply | None:
        try:
            request = await understand()
            return await self.act(request) if request is not None else None
        except (UsageError, EngineError) as error:
            return Reply(text=str(error), private=True, is_error=True)
        except Exception:
            reference = secrets.token_hex(3)
            log.exception("command crashed key=%s reference=%s", key, reference)
            return Reply(text=texts.broken(reference), private=True, is_error=True)

    async def act(self, request: Request) -> Reply | None:
        """Do it.

        Raises:
            EngineError
        """
        studio = self._studio
        match request:
            case Create():
                await studio.create(request)
            case Continue():
                await studio.continue_story(request)
            case Retake():
                await studio.retake(request)
            case Stitch():
                await studio.stitch(request)
            case requests.Cancel(asked, target):
                await studio.cancel(asked, target)
            case requests.Again(asked, target):
                await studio.again(asked, target)
            case requests.Delete(asked, code):
                return Reply(text=texts.deleted(await studio.delete(asked, code)))
            case requests.Choose(asked, shot, take):
                return Reply(text=texts.chosen(await studio.choose(asked, shot, take), take))
            case requests.OpenStory(asked, code):
                if code is not None:
                    return Reply(text=texts.opened(await studio.open_story(asked, code)))
                view = await studio.story(asked.place)
                return Reply(text=texts.story_view(view)) if view else replies.example_reply()
            case requests.Stories(asked):
                current = await studio.story(asked.place)
                listed = await studio.stories(asked.place)
                return Reply(text=texts.stories(listed, current.story.code if current else None))
            case requests.Show(asked, code):
                return await self._show(asked, code)
            case requests.Download(asked, code, variant):
                return await self._download(asked, code, variant)
            case requests.History(asked, mine, before):
                page = await studio.history(None if mine else asked.place, asked.person.key if mine else None, before)
                return Reply(text=texts.history(page, mine=mine), private=mine)
            case requests.Models():
                return Reply(text=texts.models(studio.models()), private=True)
            case requests.Help():
                return Reply(text=texts.help_reply(), private=True)
            case requests.Start():
                return replies.example_reply()
            case _:
                assert_never(request)
        return None

    async def _show(self, asked: Asked, code: str) -> Reply:
        seen = await self._studio.show(asked.place, code)
        if isinstance(seen, Film):
            view = await self._studio.story(asked.place, seen.story_code)
            path = await self._studio.download(asked.place, code)
            return replies.film_reply(seen, view.story if view else None, path)
        reply = Reply(text=texts.shot_view(seen), buttons=replies.view_buttons(seen))
        if seen.clip is None:
            return reply
        path = await self._studio.download(asked.place, code)
        video = replies.shot_reply(seen.shot, seen.clip, None, path).video
        return Reply(text=reply.text, buttons=reply.buttons, video=video)

    async def _download(self, asked: Asked, code: str, variant: str) -> Reply:
        path = await self._studio.download(asked.place, code, variant)
        if variant != "video":
            return Reply(text=f"{code} · {variant}", picture=path)
        return await self._show(asked, code)


async def _request_of_press(press: Press) -> Request:
    asked = Asked(press.key, press.place, press.person)
    if press.verb == "create":
        return Create(asked=asked, prompt=press.text or texts.EXAMPLE)
    if press.verb not in PRESSABLE:
        raise UsageError("This button is from another version of Nextshot; /help lists what can be done.")
    return request_of(Parsed(press.verb, (press.target.lower(),), press.text), asked)


PRESSABLE = frozenset(
    {"continue", "retake", "stitch", "download", "delete", "cancel", "again", "choose", "show", "story"}
)
