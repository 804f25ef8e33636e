"""What was said or pressed as a value to act on: pure. Making and steering are the engine's own words; looking is here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from bot.commands import COMMANDS, DEFAULT, usage_of
from bot.film_wishes import stitch_options
from bot.forget_requests import AskForget, Forget
from bot.parsing import YES, Parsed, UsageError
from bot.paying import Agree, Draft, Paying, pot_request
from engine.codes import is_story_code
from engine.film_options import StitchOptions
from engine.model import Add, Asked, Continue, Create, Edit, FileKey, Retake, ShotOptions, Stitch


@dataclass(frozen=True, slots=True)
class WithVideo:
    """A video becomes a shot first; then what follows is done with it."""

    add: Add
    then: Continue | Stitch


@dataclass(frozen=True, slots=True)
class Settings:
    asked: Asked


@dataclass(frozen=True, slots=True)
class ChangeSettings:
    """`reset` are the names of those that nobody chooses any more."""

    asked: Asked
    changes: ShotOptions
    reset: frozenset[str]


@dataclass(frozen=True, slots=True)
class AskNext:
    """The shot is to be continued, and what it shows is not said yet."""

    asked: Asked
    shot: str


@dataclass(frozen=True, slots=True)
class Cancel:
    asked: Asked
    target: str | None


@dataclass(frozen=True, slots=True)
class Again:
    asked: Asked
    target: str


@dataclass(frozen=True, slots=True)
class Delete:
    asked: Asked
    code: str


@dataclass(frozen=True, slots=True)
class Choose:
    asked: Asked
    shot: str
    take: int | None


@dataclass(frozen=True, slots=True)
class OpenStory:
    asked: Asked
    code: str | None


@dataclass(frozen=True, slots=True)
class Stories:
    asked: Asked


@dataclass(frozen=True, slots=True)
class Show:
    asked: Asked
    code: str


@dataclass(frozen=True, slots=True)
class Download:
    asked: Asked
    code: str
    variant: str


@dataclass(frozen=True, slots=True)
class History:
    """Clips of the place; `mine`: those of the person, of all places unless `here`."""

    asked: Asked
    mine: bool
    before: int | None
    here: bool = False


@dataclass(frozen=True, slots=True)
class AskLinkCode:
    """As whom it is asked is not looked up for these three: they are about the identity."""

    asked: Asked


@dataclass(frozen=True, slots=True)
class Link:
    asked: Asked
    code: str


@dataclass(frozen=True, slots=True)
class Unlink:
    asked: Asked


@dataclass(frozen=True, slots=True)
class Models:
    of: str = ""
    """A provider, or one and a model of it, for more of what is known; empty: all."""


@dataclass(frozen=True, slots=True)
class Help:
    pass


@dataclass(frozen=True, slots=True)
class Start:
    pass


Making = Create | Continue | Retake | Edit | Stitch | Add | WithVideo
Looking = Stories | Show | Download | History | Models | Help | Start | Settings | AskNext
Steering = Cancel | Again | Delete | Choose | OpenStory | ChangeSettings
Linking = AskLinkCode | Link | Unlink
Forgetting = AskForget | Forget
Request = Making | Looking | Steering | Linking | Forgetting | Paying


def request_of(
    parsed: Parsed,
    asked: Asked,
    *,
    shot_of_reply: str | None = None,
    pictures: tuple[FileKey | None, ...] = (),
    references: tuple[FileKey, ...] = (),
    videos: tuple[FileKey, ...] = (),
    music: FileKey | None = None,
    voice: FileKey | None = None,
) -> Request:
    """The value to act on. `shot_of_reply` is the shot of the message that was answered; the files came with the message.

    With /create the first picture is the first frame and the second one the last frame (None: that one is not given); with
    /continue a picture is the last frame, since the first one is given. `references` are no frames. A video becomes a shot, and
    what is said goes on from it.

    Raises:
        UsageError: something is missing.
    """
    if len(videos) > 1 and parsed.command in WITH_VIDEO:
        raise UsageError(f"Send one video at a time with /{parsed.command}; the others can follow with /add.")
    return _BUILDERS[parsed.command](
        _Said(parsed, asked, shot_of_reply, pictures, references, next(iter(videos), None), music, voice)
    )


def pictures_of(request: Request) -> frozenset[FileKey]:
    """Those of the pictures that came with a message which its request uses."""
    match request:
        case Create(options=options) | Continue(options=options) | WithVideo(then=Continue(options=options)):
            return frozenset(options.pictures)
        case _:
            return frozenset()


@dataclass(frozen=True, slots=True)
class _Said:
    parsed: Parsed
    asked: Asked
    shot_of_reply: str | None
    pictures: tuple[FileKey | None, ...]
    references: tuple[FileKey, ...]
    video: FileKey | None
    music: FileKey | None = None
    voice: FileKey | None = None

    @property
    def film(self) -> StitchOptions:
        return stitch_options(self.parsed.options, music=self.music, voice=self.voice)

    @property
    def code(self) -> str | None:
        return self.parsed.codes[0] if self.parsed.codes else self.shot_of_reply

    def needed_code(self) -> str:
        if self.code is None:
            raise UsageError(usage_of(COMMANDS[self.parsed.command]))
        return self.code

    def options(self, first: FileKey | None, last: FileKey | None) -> ShotOptions:
        said = _options_of(self.parsed.options)
        return replace(said, first_frame=first, last_frame=last, references=self.references)

    def added(self, video: FileKey, *, words: str = "", is_beginning: bool = False) -> Add:
        """The video as a shot after the named one."""
        after = None if is_beginning else self.code
        return Add(asked=self.asked, video=video, words=words, after=after, is_beginning=is_beginning)


def _options_of(said: Mapping[str, str]) -> ShotOptions:
    return ShotOptions(
        seconds=float(said["seconds"]) if "seconds" in said else None,
        ratio=said.get("ratio"),
        resolution=said.get("resolution"),
        seed=int(said["seed"]) if "seed" in said else None,
        style=said.get("style"),
        provider=said.get("provider"),
        model=said.get("model"),
        negative=said.get("negative"),
        is_silent=_flag(said, "silent"),
        extend=_flag(said, "extend"),
        is_unseeded=_flag(said, "text-only"),
        still=said.get("still"),
        later_s=float(said["later"]) if "later" in said else None,
        from_s=float(said["at"]) if "at" in said else None,
        from_sharpest=_flag(said, "sharp"),
    )


def _flag(said: Mapping[str, str], name: str) -> bool | None:
    """None: it was not said."""
    return said[name] == YES if name in said else None


def _add(said: _Said) -> Request:
    if said.video is None:
        raise UsageError(
            "There is no video: send one with /add below it, or answer a message that has one with /add [shot] [what it shows]."
        )
    return said.added(said.video, words=said.parsed.words)


def _create(said: _Said) -> Request:
    if said.video is not None:
        add = said.added(said.video, is_beginning=True)
        if not said.parsed.words and not said.parsed.options and not said.pictures:
            return add  # nothing is to follow it yet
        return WithVideo(add, _continue(said))
    first, last = (*said.pictures, None, None)[:2]
    return Create(asked=said.asked, prompt=said.parsed.words, options=said.options(first, last))


def _continue(said: _Said) -> Continue:
    last = said.pictures[0] if said.pictures else None
    return Continue(asked=said.asked, prompt=said.parsed.words, shot=said.code, options=said.options(None, last))


def _continue_maybe_given(said: _Said) -> Request:
    go_on = _continue(said)
    return go_on if said.video is None else WithVideo(said.added(said.video), go_on)


def _stitch(said: _Said) -> Request:
    codes = said.parsed.codes
    if said.video is not None:
        if codes:
            raise UsageError(
                "With a video /stitch joins the whole story: leave the codes out, or /add the video first."
            )
        return WithVideo(Add(asked=said.asked, video=said.video), Stitch(asked=said.asked, options=said.film))
    stories = [code for code in codes if is_story_code(code)]
    if stories and len(codes) > 1:
        raise UsageError("Name one story, or shots in the order of the film, not both.")
    story = stories[0] if stories else None
    return Stitch(asked=said.asked, shots=() if stories else codes, story=story, options=said.film)


def _retake(said: _Said) -> Request:
    options = _options_of(said.parsed.options)
    return Retake(
        asked=said.asked,
        shot=said.code,
        seed=options.seed,
        provider=options.provider,
        is_text_only=bool(options.is_unseeded),
    )


def _choose(said: _Said) -> Request:
    take = said.parsed.words.removeprefix("take")
    if take and not take.isdecimal():
        raise UsageError(usage_of(COMMANDS["choose"]))
    return Choose(said.asked, said.needed_code(), int(take) if take else None)


def _history(said: _Said) -> Request:
    word = said.parsed.words
    if word not in {"", "mine", "me"} or said.parsed.codes:
        raise UsageError(usage_of(COMMANDS["history"]))
    before = said.parsed.options.get("before")
    return History(said.asked, mine=bool(word), before=int(before) if before else None)


def _link(said: _Said) -> Request:
    word = said.parsed.words
    if not word:
        return AskLinkCode(said.asked)
    return Unlink(said.asked) if word.lower() == "off" else Link(said.asked, word)


def _settings(said: _Said) -> Request:
    options = said.parsed.options
    if not options:
        return Settings(said.asked)
    reset = frozenset(name for name, value in options.items() if value == DEFAULT)
    kept = {name: value for name, value in options.items() if name not in reset}
    return ChangeSettings(said.asked, _options_of(kept), reset)


def _in_telegram(said: _Said) -> Request:
    """What Telegram's own front end does, asked for elsewhere."""
    raise UsageError(f"/{said.parsed.command} works in Telegram only: it is about payments with Telegram Stars.")


WITH_SOUND = frozenset({"stitch"})
"""The commands that do something with a sound."""
WITH_VIDEO = frozenset({"add", "create", "continue", "stitch"})
"""The commands that do something with a video."""

_BUILDERS: Mapping[str, Callable[[_Said], Request]] = {
    "create": _create,
    "continue": _continue_maybe_given,
    "add": _add,
    "stitch": _stitch,
    "retake": _retake,
    "edit": lambda said: Edit(asked=said.asked, shot=said.code, words=said.parsed.words),
    "story": lambda said: OpenStory(said.asked, said.parsed.codes[0] if said.parsed.codes else None),
    "stories": lambda said: Stories(said.asked),
    "show": lambda said: Show(said.asked, said.needed_code()),
    "history": _history,
    "choose": _choose,
    "download": lambda said: Download(said.asked, said.needed_code(), said.parsed.words or "video"),
    "cancel": lambda said: Cancel(said.asked, said.code),
    "delete": lambda said: Delete(said.asked, said.needed_code()),
    "again": lambda said: Again(said.asked, said.needed_code()),
    "agree": lambda said: Agree(said.asked, said.needed_code()),
    "draft": lambda said: Draft(said.asked, said.needed_code()),
    "settings": _settings,
    "pot": lambda said: pot_request(said.asked, said.parsed.options),
    "link": _link,
    "forget": lambda said: AskForget(said.asked),
    "models": lambda said: Models(said.parsed.words.strip().lower()),
    **dict.fromkeys(("topup", "paysupport", "refund"), _in_telegram),
    "help": lambda _: Help(),
    "start": lambda _: Start(),
}
assert set(_BUILDERS) == set(COMMANDS), "every command has a builder"  # noqa: S101  # a table that must match a table
