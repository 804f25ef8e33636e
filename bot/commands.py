"""The one table of commands: name, what follows it, options, help. /help, menus and completion come from it.

What is said becomes a `Parsed` (pure text work), and that a value to act on (`requests`). `parse(print_command(p)) == p`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from engine.codes import is_story_code, parse_film_code, parse_shot_code


class UsageError(Exception):
    """What was said cannot be understood; the message says how to say it."""


class Follows(StrEnum):
    """What may come after a command's name."""

    NOTHING = "nothing"
    IGNORED = "ignored"
    """Whatever a link put there."""
    PROMPT = "prompt"
    SHOT_AND_PROMPT = "shot and prompt"
    """A shot's code, if the first word is one, then the prompt."""
    CODES = "codes"
    CODE_AND_WORD = "code and word"
    """One code, then at most one other word."""
    ANY_CODE = "any code"


class Kind(StrEnum):
    """What an option's value is."""

    NUMBER = "number"
    WHOLE = "whole number"
    WORD = "word"


@dataclass(frozen=True, slots=True)
class Option:
    """`--name value`. `choices` names what a value may be, for menus; the engine checks it. `resets`: `default` is one too."""

    name: str
    kind: Kind
    help: str
    choices: tuple[str, ...] = ()
    resets: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """One row of the table."""

    name: str
    usage: str
    """What follows the name, for people: `<what happens next>`."""
    help: str
    follows: Follows
    options: tuple[Option, ...] = ()
    in_menu: bool = True


@dataclass(frozen=True, slots=True)
class Parsed:
    """What was said, taken apart. `codes` are lower-case."""

    command: str
    codes: tuple[str, ...] = ()
    words: str = ""
    """The prompt, or the one other word."""
    options: Mapping[str, str] = field(default_factory=dict)


DEFAULT = "default"
"""The value of a setting that is not to be set any more."""

_SECONDS = Option("seconds", Kind.NUMBER, "how long the shot is")
_SEED = Option("seed", Kind.WHOLE, "the same seed and prompt draw the same picture")
_SHOT_OPTIONS = (
    _SECONDS,
    Option("ratio", Kind.WORD, "the shape of the picture", ("16:9", "9:16", "1:1")),
    Option("resolution", Kind.WORD, "the shorter side in lines", ("480p", "720p", "1080p")),
    Option("style", Kind.WORD, "the look; /models lists them"),
    _SEED,
    Option("provider", Kind.WORD, "who renders it; /models lists them"),
    Option("model", Kind.WORD, "which model of the provider"),
)
_SETTINGS = tuple(replace(option, resets=True) for option in _SHOT_OPTIONS if option is not _SEED)

COMMANDS: Mapping[str, Command] = {
    command.name: command
    for command in (
        Command("create", "<what the first shot shows>", "begin a new story", Follows.PROMPT, _SHOT_OPTIONS),
        Command(
            "continue",
            "[shot] <what happens next>",
            "add a shot that starts on the last frame of the one before",
            Follows.SHOT_AND_PROMPT,
            _SHOT_OPTIONS,
        ),
        Command(
            "add",
            "[shot] [what it shows]",
            "make a video of yours a shot: send it with this, or answer its message with this",
            Follows.SHOT_AND_PROMPT,
        ),
        Command("stitch", "[story or shots]", "join the shots into one film", Follows.CODES),
        Command("retake", "[shot]", "render a shot again, differently", Follows.ANY_CODE, (_SEED,)),
        Command("story", "[story]", "see the shots of this story, or go to another one", Follows.ANY_CODE),
        Command("stories", "", "list the stories of this place", Follows.NOTHING),
        Command("show", "<shot or film>", "see one shot or film again, with its buttons", Follows.ANY_CODE),
        Command(
            "history",
            "[mine]",
            "the newest clips of this place, or only yours",
            Follows.CODE_AND_WORD,
            (Option("before", Kind.WHOLE, "the page after this number"),),
        ),
        Command(
            "choose", "<shot> [take]", "let the film follow this shot, or use another take of it", Follows.CODE_AND_WORD
        ),
        Command(
            "download",
            "<shot or film> [video|thumbnail|spritesheet|last-frame]",
            "get the file of a clip, or a picture of it",
            Follows.CODE_AND_WORD,
        ),
        Command("cancel", "[shot]", "stop what is being rendered", Follows.ANY_CODE),
        Command("delete", "<shot or film>", "delete a clip or a film of yours", Follows.ANY_CODE),
        Command(
            "again",
            "<shot>",
            "send a render again whose answer was lost; it may cost twice",
            Follows.ANY_CODE,
            in_menu=False,
        ),
        Command(
            "settings",
            "[--ratio 9:16 and so on]",
            "what new stories get here when nothing else is said; default resets one",
            Follows.NOTHING,
            _SETTINGS,
        ),
        Command("models", "", "what can render here, and what it can do", Follows.NOTHING),
        Command("help", "", "this list", Follows.NOTHING),
        Command("start", "", "how it begins", Follows.IGNORED, in_menu=False),
    )
}

_COMMAND = re.compile(r"^/([A-Za-z_]+)(?:@(\w+))?(?=\s|$)", re.ASCII)
_OPTION = re.compile(r"^(--|\u2014|\u2013)([A-Za-z][\w-]*)(?:=(.*))?$", re.ASCII | re.DOTALL)


def is_command(text: str) -> bool:
    """Whether it begins with `/word`."""
    return _COMMAND.match(text.strip()) is not None


def addressee(text: str) -> str | None:
    """`our_bot` of `/create@our_bot …`; None if nobody is named."""
    found = _COMMAND.match(text.strip())
    return found[2] if found else None


def parse(text: str) -> Parsed:
    """Take apart what begins with `/word`.

    Raises:
        UsageError: no such command or option, a value that is none, or the wrong things after the command.
    """
    text = text.strip()
    found = _COMMAND.match(text)
    if found is None:
        raise UsageError("A command begins with a slash; /help lists them.")
    name = found[1].lower()
    if name not in COMMANDS:
        raise UsageError(f"There is no command /{name}{_nearest(name, list(COMMANDS), '/')}; /help lists them.")
    command = COMMANDS[name]
    if command.follows is Follows.IGNORED:
        return Parsed(name)
    words, options = _split_options(command, text[found.end() :])
    return _arrange(command, words, options)


def print_command(parsed: Parsed) -> str:
    """The text that `parse` takes apart into this."""
    options = [f"--{name}={value}" for name, value in parsed.options.items()]
    return " ".join(["/" + parsed.command, *options, *parsed.codes, *([parsed.words] if parsed.words else [])])


def help_text() -> str:
    """All commands, one a line."""
    lines = [f"/{c.name} {c.usage}".rstrip() + f" — {c.help}" for c in COMMANDS.values() if c.in_menu]
    return "\n".join(lines)


def usage_of(command: Command) -> str:
    """One line: how it is said."""
    return f"Say it like this: /{command.name} {command.usage}".rstrip()


def hints() -> list[dict[str, object]]:
    """The table as plain data, for completion in a page: name, usage, help, options with their choices."""
    return [
        {
            "name": command.name,
            "usage": command.usage,
            "help": command.help,
            "follows": command.follows.value,
            "options": [
                {"name": o.name, "kind": o.kind.value, "help": o.help, "choices": list(o.choices)}
                for o in command.options
            ],
        }
        for command in COMMANDS.values()
        if command.in_menu
    ]


def is_code(word: str) -> bool:
    """A story's, a shot's or a film's code."""
    return is_story_code(word) or parse_shot_code(word) is not None or parse_film_code(word) is not None


def _split_options(command: Command, text: str) -> tuple[list[str], dict[str, str]]:
    """The words that are no options, and the options, checked by kind. `--` alone ends them."""
    known = {option.name: option for option in command.options}
    words: list[str] = []
    options: dict[str, str] = {}
    rest = text.split()
    while rest:
        word = rest.pop(0)
        if word == "--":
            return words + rest, options
        found = _OPTION.match(word)
        if found is None:
            words.append(word)
            continue
        name, value = found[2].lower(), found[3]
        if name not in known and found[1] != "--":
            words.append(word)  # phones turn -- into a dash, but a dash before any other word is a prompt's own
            continue
        if name not in known:
            listed = ", ".join(f"--{each}" for each in known) or "none"
            raise UsageError(
                f"/{command.name} has no option --{name}{_nearest(name, list(known), '--')}. Its options: {listed}."
            )
        if value is None:
            if not rest:
                raise UsageError(f"--{name} needs a value after it ({known[name].help}).")
            value = rest.pop(0)
        options[name] = _value(known[name], value)
    return words, options


def _value(option: Option, text: str) -> str:
    text = text.strip().lower()
    if option.resets and text == DEFAULT:
        return text
    match option.kind:
        case Kind.NUMBER:
            if not re.fullmatch(r"\d{1,6}(\.\d{1,6})?s?", text, re.ASCII):
                raise UsageError(f"--{option.name} is a number, such as --{option.name} 6; “{text[:40]}” is none.")
            return text.removesuffix("s")
        case Kind.WHOLE:
            if not re.fullmatch(r"\d{1,18}", text, re.ASCII):
                raise UsageError(
                    f"--{option.name} is a whole number, such as --{option.name} 7; “{text[:40]}” is none."
                )
            return text
        case Kind.WORD:
            if not text:
                raise UsageError(f"--{option.name} needs a value ({option.help}).")
            return f"{text}p" if option.name == "resolution" and text.isdecimal() else text


def _arrange(command: Command, words: list[str], options: dict[str, str]) -> Parsed:
    match command.follows:
        case Follows.NOTHING | Follows.IGNORED:
            _most(command, words, 0)
            return Parsed(command.name, options=options)
        case Follows.PROMPT:
            return Parsed(command.name, (), " ".join(words), options)
        case Follows.SHOT_AND_PROMPT:
            named = 1 if words and parse_shot_code(words[0]) else 0
            return Parsed(command.name, _codes(words[:named]), " ".join(words[named:]), options)
        case Follows.CODES:
            return Parsed(
                command.name,
                _all_codes(command, [word for each in words for word in each.split(",") if word]),
                "",
                options,
            )
        case Follows.ANY_CODE:
            _most(command, words, 1)
            return Parsed(command.name, _all_codes(command, words), "", options)
        case Follows.CODE_AND_WORD:
            named = 1 if words and is_code(words[0]) else 0
            _most(command, words, named + 1)
            return Parsed(command.name, _codes(words[:named]), " ".join(words[named:]).lower(), options)


def _all_codes(command: Command, words: Sequence[str]) -> tuple[str, ...]:
    wrong = next((word for word in words if not is_code(word)), None)
    if wrong is not None:
        raise UsageError(f"“{wrong[:40]}” is no story, shot or film. {usage_of(command)}")
    return _codes(words)


def _codes(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(word.lower() for word in words)


def _most(command: Command, words: Sequence[str], most: int) -> None:
    if len(words) > most:
        raise UsageError(f"“{' '.join(words[most:])[:40]}” does not fit there. {usage_of(command)}")


def _nearest(name: str, known: list[str], mark: str) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {mark}{near[0]}?)" if near else ""
