"""What was said or pressed as a value to act on: pure. Making and steering are the engine's own words; looking is here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.commands import COMMANDS, Parsed, UsageError, usage_of
from engine.codes import is_story_code
from engine.model import Asked, Continue, Create, FileKey, Retake, ShotOptions, Stitch


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
    asked: Asked
    mine: bool
    before: int | None


@dataclass(frozen=True, slots=True)
class Models:
    pass


@dataclass(frozen=True, slots=True)
class Help:
    pass


@dataclass(frozen=True, slots=True)
class Start:
    pass


Making = Create | Continue | Retake | Stitch
Looking = Stories | Show | Download | History | Models | Help | Start
Steering = Cancel | Again | Delete | Choose | OpenStory
Request = Making | Looking | Steering


def request_of(
    parsed: Parsed,
    asked: Asked,
    *,
    shot_of_reply: str | None = None,
    pictures: tuple[FileKey, ...] = (),
) -> Request:
    """The value to act on. `shot_of_reply` is the shot of the message that was answered; `pictures` came with the message.

    With /create the first picture is the first frame and the second one the last frame; with /continue a picture is the last
    frame, since the first one is given.

    Raises:
        UsageError: something is missing.
    """
    return _BUILDERS[parsed.command](_Said(parsed, asked, shot_of_reply, pictures))


@dataclass(frozen=True, slots=True)
class _Said:
    parsed: Parsed
    asked: Asked
    shot_of_reply: str | None
    pictures: tuple[FileKey, ...]

    @property
    def code(self) -> str | None:
        return self.parsed.codes[0] if self.parsed.codes else self.shot_of_reply

    def needed_code(self) -> str:
        if self.code is None:
            raise UsageError(usage_of(COMMANDS[self.parsed.command]))
        return self.code

    def options(self, first: FileKey | None, last: FileKey | None) -> ShotOptions:
        said = self.parsed.options
        return ShotOptions(
            seconds=float(said["seconds"]) if "seconds" in said else None,
            ratio=said.get("ratio"),
            resolution=said.get("resolution"),
            seed=int(said["seed"]) if "seed" in said else None,
            style=said.get("style"),
            provider=said.get("provider"),
            model=said.get("model"),
            first_frame=first,
            last_frame=last,
        )


def _create(said: _Said) -> Request:
    first, last = (*said.pictures, None, None)[:2]
    return Create(asked=said.asked, prompt=said.parsed.words, options=said.options(first, last))


def _continue(said: _Said) -> Request:
    last = said.pictures[0] if said.pictures else None
    return Continue(asked=said.asked, prompt=said.parsed.words, shot=said.code, options=said.options(None, last))


def _stitch(said: _Said) -> Request:
    codes = said.parsed.codes
    stories = [code for code in codes if is_story_code(code)]
    if stories and len(codes) > 1:
        raise UsageError("Name one story, or shots in the order of the film, not both.")
    return Stitch(asked=said.asked, shots=() if stories else codes, story=stories[0] if stories else None)


def _retake(said: _Said) -> Request:
    seed = said.parsed.options.get("seed")
    return Retake(asked=said.asked, shot=said.code, seed=int(seed) if seed else None)


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


_BUILDERS: Mapping[str, Callable[[_Said], Request]] = {
    "create": _create,
    "continue": _continue,
    "stitch": _stitch,
    "retake": _retake,
    "story": lambda said: OpenStory(said.asked, said.parsed.codes[0] if said.parsed.codes else None),
    "stories": lambda said: Stories(said.asked),
    "show": lambda said: Show(said.asked, said.needed_code()),
    "history": _history,
    "choose": _choose,
    "download": lambda said: Download(said.asked, said.needed_code(), said.parsed.words or "video"),
    "cancel": lambda said: Cancel(said.asked, said.code),
    "delete": lambda said: Delete(said.asked, said.needed_code()),
    "again": lambda said: Again(said.asked, said.needed_code()),
    "models": lambda _: Models(),
    "help": lambda _: Help(),
    "start": lambda _: Start(),
}
assert set(_BUILDERS) == set(COMMANDS), "every command has a builder"  # noqa: S101  # a table that must match a table
