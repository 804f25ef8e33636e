"""What was said or pressed → a request → the studio → a reply, or silence: a job's news comes through delivery."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import assert_never

from bot import forget_texts, linking_texts, replies, requests, texts
from bot.catalog_words import catalog_of
from bot.forget_requests import AskForget, Forget
from bot.message import Attachment, Export, Incoming, Press, Reply
from bot.money_texts import read_offered
from bot.parsing import YES, Parsed, UsageError, addressee, is_command, parse
from bot.paying import Agree, ChangePot, Draft, Pot, act_on_money
from bot.requests import Request, WithVideo, pictures_of, request_of
from bot.seam_texts import split_frame
from engine.derive import EXPORTS
from engine.errors import DiskFull, EngineError, NotAllowed, StorageError
from engine.model import Add, Asked, Continue, Create, Edit, FileKey, Film, Retake, Stitch
from engine.studio import Studio

log = logging.getLogger(__name__)


class Dispatch:
    """The one way from a front end into the engine."""

    def __init__(self, studio: Studio, *, names: frozenset[str] = frozenset()) -> None:
        """`names` are the bot's user names, lower-case: a command for anybody else is not answered."""
        self._studio = studio
        self._names = names

    async def said(self, incoming: Incoming) -> Reply | None:
        """The answer, or None: nothing to say now, or the job will speak for itself.

        Raises:
            StorageError: the database is away, and what was asked may be done. With its key it is safe to hand over again.
        """
        if incoming.command is None and not is_command(incoming.text) and incoming.reply_to is None:
            return None  # people talk to each other
        named = addressee(incoming.text)
        if named is not None and named.lower() not in self._names:
            return None
        return await self._answer(lambda: self._understand(incoming), incoming.key)

    async def pressed(self, press: Press) -> Reply | None:
        """The answer to a button, by its verb and id alone: it may have been posted before a restart.

        Raises:
            StorageError: as in `said`.
        """
        return await self._answer(lambda: self._understand_press(press), press.key)

    async def _understand(self, incoming: Incoming) -> Request | None:
        # a message that is no job's own (/show) or whose receipt is not noted yet still says what it is about
        about, from_s = split_frame(incoming.about or "")
        subject = await self._subject(incoming.reply_to) or about or None
        if incoming.command is not None:
            parsed = incoming.command
        elif is_command(incoming.text):
            parsed = parse(incoming.text)
        elif subject is not None:
            # a reply to a clip goes on from it
            parsed = Parsed("continue", (), incoming.text, {} if from_s is None else {"at": from_s})
        else:
            return None
        is_about_oneself = parsed.command == "link"
        person = incoming.person if is_about_oneself else await self._studio.known(incoming.person)
        asked = Asked(incoming.key, incoming.place, person, incoming.receipt)
        frames, references = _pictures(incoming.attachments, parsed)
        videos = [each.path for each in incoming.attachments if each.kind == "video"]
        music, voice = _sounds(incoming.attachments)
        # built with promises first: what cannot be understood is told before anything is kept, and only what is used is
        request = request_of(
            parsed,
            asked,
            shot_of_reply=subject,
            pictures=tuple(FileKey(path.name) if path else None for path in frames),
            references=_promised(references),
            videos=_promised(videos),
            music=FileKey(music.name) if music else None,
            voice=FileKey(voice.name) if voice else None,
        )
        _check_allowed(request, incoming.is_shared, whispers=incoming.whispers)
        if isinstance(request, requests.History):
            # what was made elsewhere is not for all who read here
            return replace(request, here=incoming.is_shared and not incoming.whispers)
        if isinstance(request, ChangePot) and not incoming.is_shared:
            # a place of one's own is one's own to limit
            return replace(request, asked=replace(asked, person=replace(person, is_operator=True)))
        if isinstance(request, Pot):
            return replace(request, is_private=not incoming.is_shared)
        used = pictures_of(request)
        frames = [path if path and FileKey(path.name) in used else None for path in frames]
        references = [path for path in references if FileKey(path.name) in used]
        sounds = [path for path in (music, voice) if path and parsed.command in requests.WITH_SOUND]
        takes_files = isinstance(request, Create | Continue | Add | WithVideo | Stitch)
        if not (any(frames) or references or videos or sounds) or not takes_files:
            return request
        kept: dict[Path | None, FileKey] = {}
        try:
            for path in videos:
                kept[path] = await self._studio.keep_video(path)
            for path in filter(None, (*frames, *references)):
                kept[path] = await self._studio.keep_picture(path)
            for path in sounds:
                kept[path] = await self._studio.keep_sound(path)
        except BaseException:
            self._studio.let_go(*kept.values())
            raise
        return request_of(
            parsed,
            asked,
            shot_of_reply=subject,
            pictures=tuple(kept.get(path) for path in frames),
            references=tuple(kept[path] for path in references),
            videos=tuple(kept[path] for path in videos),
            music=kept.get(music),
            voice=kept.get(voice),
        )

    async def _understand_press(self, press: Press) -> Request:
        request = _request_of_press(replace(press, person=await self._studio.known(press.person)))
        _check_allowed(request, press.is_shared, whispers=press.whispers)
        return request

    async def _subject(self, receipt: str | None) -> str | None:
        job = await self._studio.job_of_receipt(receipt) if receipt else None
        return job.shot_code if job else None

    async def _answer(self, understand: Callable[[], Awaitable[Request | None]], key: str) -> Reply | None:
        try:
            request = await understand()
            return await self.act(request) if request is not None else None
        except (UsageError, EngineError) as error:
            if isinstance(error, StorageError) and not isinstance(error, DiskFull):
                raise  # whoever called has the patience; a full disk waits for its operator
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
            case Edit():
                await studio.edit(request)
            case Stitch():
                await studio.stitch(request)
            case Add():
                return replies.added_reply(await studio.add(request))
            case WithVideo(add, then):
                await (studio.continue_story(then, add) if isinstance(then, Continue) else studio.stitch(then, add))
            case requests.Settings(asked):
                return replies.settings_reply(await studio.settings(asked.place))
            case requests.ChangeSettings(asked, changes, reset):
                return replies.settings_reply(await studio.set_settings(asked, changes, reset))
            case requests.AskNext(asked, shot):
                await studio.show(asked.place, split_frame(shot)[0])  # a shot that is gone is told now
                return replies.question_reply(shot)
            case requests.Cancel(asked, target):
                await studio.cancel(asked, target)
            case requests.Again(asked, target):
                await studio.again(asked, target)
            case Agree() | Draft() | Pot() | ChangePot():
                return await act_on_money(studio, request)
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
                ending = forget_texts.ending(await studio.ending(asked.place))
                return Reply(text=texts.stories(listed, current.story.code if current else None) + ending)
            case requests.Show(asked, code):
                return await self._show(asked, code)
            case requests.Download(asked, code, variant):
                return await self._download(asked, code, variant)
            case requests.History(asked, mine, before, here):
                place = asked.place if here or not mine else None
                page = await studio.history(place, asked.person.key if mine else None, before)
                return Reply(text=texts.history(page, mine=mine, here=here), private=mine)
            case requests.AskLinkCode(asked):
                return Reply(text=linking_texts.link_code(await studio.link_code(asked)), private=True)
            case requests.Link(asked, code):
                return Reply(text=linking_texts.linked(await studio.link(asked, code)), private=True)
            case requests.Unlink(asked):
                return Reply(text=linking_texts.parted(await studio.unlink(asked)), private=True)
            case AskForget(asked):
                return forget_texts.question_reply(await studio.ask_forget(asked))
            case Forget(asked, token):
                return Reply(text=forget_texts.forgotten(await studio.forget_me(asked, token)), private=True)
            case requests.Models(of):
                today = datetime.now(UTC).date()
                return Reply(text=catalog_of(studio.models(), studio.painters(), of, today), private=True)
            case requests.Help():
                return Reply(text=texts.help_reply(), private=True)
            case requests.Start():
                return replies.example_reply()
            case _:
                assert_never(request)
        return None

    async def _show(self, asked: Asked, code: str) -> Reply:
        viewer = asked.person.key
        seen = await self._studio.show(asked.place, code, viewer)
        story = await self._studio.story_of(seen)
        if isinstance(seen, Film):
            path = await self._studio.download(asked.place, code, viewer=viewer)
            reply = replies.film_reply(seen, story, path)
        else:
            reply = Reply(text=texts.shot_view(seen), buttons=replies.view_buttons(seen))
            if seen.clip is not None:
                path = await self._studio.download(asked.place, code, viewer=viewer)
                reply = replace(reply, video=replies.shot_reply(seen.shot, seen.clip, None, path).video)
        if story.place != asked.place:
            return replace(reply, buttons=replies.elsewhere_buttons(code))
        return reply

    async def _download(self, asked: Asked, code: str, variant: str) -> Reply:
        if variant in EXPORTS:
            return await self._export(asked, code, variant)
        path = await self._studio.download(asked.place, code, variant, asked.person.key)
        if variant != "video":
            # as it is: a sheet has more pixels than platforms show, and a frame is to be had without loss
            return Reply(text=f"{code} · {variant}", picture=path, as_file=True)
        return replace(await self._show(asked, code), as_file=True)

    async def _export(self, asked: Asked, code: str, variant: str) -> Reply:
        """It takes a while and depends on the place, so it is made where the reply is fitted to that, and in nobody's way."""
        await self._studio.download(
            asked.place, code, viewer=asked.person.key
        )  # without a clip there is nothing to make
        seen = await self._studio.show(asked.place, code, asked.person.key)
        export = Export(EXPORTS[variant], await self._studio.stills_of(seen))
        return replace(await self._show(asked, code), text=f"{code} · {variant}", as_file=True, export=export)


def _pictures(attachments: Sequence[Attachment], parsed: Parsed) -> tuple[list[Path | None], list[Path]]:
    """The frames in the order in which the command takes them, and the references.

    With /create first frame and last frame, else last frame. `--references` makes references of all that were not said to be
    something else.
    """
    pictures = [each for each in attachments if each.kind == "image"]
    last = [each.path for each in pictures if each.is_last_frame]
    others = [each for each in pictures if not each.is_last_frame]
    guides_all = parsed.options.get("references") == YES
    references = [each.path for each in others if each.is_reference or guides_all]
    first = [each.path for each in others if not (each.is_reference or guides_all)]
    if parsed.command == "create" and last:
        return [first[0] if first else None, last[0]], references
    return [*last, *first], references


def _sounds(attachments: Sequence[Attachment]) -> tuple[Path | None, Path | None]:
    """Music and voice; of several the first."""
    sounds = [each for each in attachments if each.kind == "audio"]
    music = next((each.path for each in sounds if not each.is_voice), None)
    return music, next((each.path for each in sounds if each.is_voice), None)


def _promised(paths: Sequence[Path]) -> tuple[FileKey, ...]:
    """In place of the keys that the files will have."""
    return tuple(FileKey(path.name) for path in paths)


def _check_allowed(request: Request, is_shared: bool, *, whispers: bool) -> None:
    """Raises NotAllowed: what is set where several people talk is its admins' to change, and a secret is not for all of them."""
    if is_shared and not whispers and isinstance(request, requests.AskLinkCode):
        raise NotAllowed(linking_texts.LINK_IN_PRIVATE)
    if is_shared and not whispers and isinstance(request, AskForget):
        raise NotAllowed(forget_texts.FORGET_IN_PRIVATE)
    if is_shared and isinstance(request, requests.ChangeSettings | ChangePot) and not request.asked.person.is_operator:
        raise NotAllowed(texts.ADMINS_ONLY)


def _request_of_press(press: Press) -> Request:
    asked = Asked(press.key, press.place, press.person, press.receipt)
    if press.verb == "create":
        return Create(asked=asked, prompt=press.text or texts.EXAMPLE)
    if press.verb == "textonly":
        return Retake(asked=asked, shot=press.target.lower(), is_text_only=True)
    if press.verb == "with":
        shot, _, provider = press.target.partition(":")
        return Retake(asked=asked, shot=shot.lower(), provider=provider)
    if press.verb == "agree":
        return Agree(asked, *read_offered(press.target.lower()))
    if press.verb == "forget":
        return Forget(asked, press.target)
    if press.verb not in PRESSABLE:
        raise UsageError(texts.ANOTHER_VERSION)
    if press.verb == "settings":
        if not _SETTING.fullmatch(press.target):
            raise UsageError(texts.ANOTHER_VERSION)
        return request_of(parse(f"/settings --{press.target}"), asked)
    if press.verb == "continue" and not press.text.strip():
        return requests.AskNext(asked, press.target.lower())
    if press.verb == "download":
        code, _, what = press.target.lower().partition(":")
        return request_of(Parsed("download", (code,), what), asked)
    code, from_s = split_frame(press.target.lower())
    return request_of(Parsed(press.verb, (code,), press.text, {} if from_s is None else {"at": from_s}), asked)


PRESSABLE = frozenset(
    {
        "continue",
        "retake",
        "stitch",
        "download",
        "delete",
        "cancel",
        "again",
        "draft",
        "choose",
        "show",
        "story",
        "settings",
    }
)
_SETTING = re.compile(r"[a-z]+=[A-Za-z0-9:._-]+", re.ASCII)
