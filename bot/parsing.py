"""What is said becomes a `Parsed`: pure text work. `parse(print_command(p)) == p`. A value to act on it becomes in `requests`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.amounts import read_usd
from bot.commands import COMMANDS, DEFAULT, Command, Follows, Is, Kind, Option, usage_of
from bot.seam_texts import split_frame
from engine.codes import is_story_code, parse_film_code, parse_shot_code, parse_shot_range


class UsageError(Exception):
    """What was said cannot be understood; the message says how to say it."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What was said, taken apart. `codes` are lower-case."""

    command: str
    codes: tuple[str, ...] = ()
    words: str = ""
    """The prompt, or the one other word."""
    options: Mapping[str, str] = field(default_factory=dict)


_COMMAND = re.compile(r"^/([A-Za-z_]+)(?:@(\w+))?(?=\s|$)", re.ASCII)
_OPTION = re.compile(r"^(--|\u2014|\u2013)([A-Za-z][\w-]*)(?:=(.*))?$", re.ASCII | re.DOTALL)

YES, NO = "yes", "no"
_FLAGS: Mapping[str, str] = {**dict.fromkeys((YES, "true", "on"), YES), **dict.fromkeys((NO, "false", "off"), NO)}
_QUOTES = frozenset('"“”„«»')


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
    options = [f'--{name}="{value}"' if " " in value else f"--{name}={value}" for name, value in parsed.options.items()]
    return " ".join(["/" + parsed.command, *options, *parsed.codes, *([parsed.words] if parsed.words else [])])


def parsed_of(name: str, given: Mapping[str, str | float | bool]) -> Parsed:
    """The same from fields that were filled in one by one: arguments and options by their names. A prompt stays as it is written.

    Raises:
        UsageError: a value that is none, or a needed one that is missing.
    """
    command = COMMANDS[name]
    codes: list[str] = []
    words: list[str] = []
    for argument in command.arguments:
        value = given.get(argument.name)
        if value is None or value is False or not str(value).strip():
            if argument.is_needed and argument.kind is not Is.PROMPT:
                raise UsageError(usage_of(command))
            continue
        text = str(value).strip()
        match argument.kind:
            case Is.SHOT | Is.STORY | Is.CLIP:
                codes += _all_codes(command, [text])
            case Is.SHOTS:
                codes += _all_codes(command, re.split(r"[\s,]+", text))
            case Is.FLAG:
                words.append(argument.name)
            case Is.PROMPT | Is.WORD | Is.WHOLE:
                words.append(text)
    options = {
        option.name: _value(option, f"{value:g}" if isinstance(value, float) else str(value))
        for option in command.options
        if (value := given.get(option.name)) is not None
    }
    return Parsed(name, tuple(codes), " ".join(words), options)


def is_code(word: str) -> bool:
    """A story's, a shot's or a film's code, or a range of shots."""
    return is_story_code(word) or any(read(word) for read in (parse_shot_code, parse_shot_range, parse_film_code))


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
        kind = known[name].kind if name in known else None
        if name not in known and found[1] != "--":
            words.append(word)  # phones turn -- into a dash, but a dash before any other word is a prompt's own
            continue
        if name not in known:
            listed = ", ".join(f"--{each}" for each in known) or "none"
            raise UsageError(
                f"/{command.name} has no option --{name}{_nearest(name, list(known), '--')}. Its options: {listed}."
            )
        if kind is Kind.WORDS:
            value, rest = _words(value, rest)
        if value is None and kind is Kind.FLAG:
            value = YES
        if value is None:
            if not rest:
                raise UsageError(f"--{name} needs a value after it ({known[name].help}).")
            value = rest.pop(0)
        options[name] = _value(known[name], value)
    return words, options


def _words(begun: str | None, rest: list[str]) -> tuple[str | None, list[str]]:
    """What an option of several words takes, and what is left: up to a closing quote, else up to the next option.

    After a `=` it is one word, unless a quote opens there. None: nothing stands there.
    """
    words = [*([begun] if begun else []), *rest]
    if not words:
        return None, []
    if words[0][0] in _QUOTES:
        for number, word in enumerate(words):
            if word[-1] in _QUOTES and (number > 0 or len(word) > 1):
                return " ".join(words[: number + 1]), words[number + 1 :]
    if begun:
        return begun, rest
    end = next((number for number, word in enumerate(words) if word == "--" or _OPTION.match(word)), len(words))
    return " ".join(words[:end]) or None, words[end:]


def _value(option: Option, text: str) -> str:
    if option.kind is Kind.WORDS:  # in the case in which it is written, without quotes: printed, it stands in some
        text = " ".join("".join(" " if each in _QUOTES else each for each in text).split())
        if not text:
            raise UsageError(f"--{option.name} needs words after it ({option.help}).")
        return text
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
        case Kind.USD:
            try:
                return f"{read_usd(text):f}"
            except ValueError:
                raise UsageError(
                    f"--{option.name} is an amount in US dollars, such as --{option.name} 2.50; “{text[:40]}” is none."
                ) from None
        case Kind.FLAG:
            if text not in _FLAGS:
                raise UsageError(f"--{option.name} stands alone ({option.help}); “{text[:40]}” does not fit there.")
            return _FLAGS[text]
        case Kind.WORDS | Kind.WORD:
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
            code, at = split_frame(words[0]) if words else ("", None)
            if at is not None and any(option.name == "at" for option in command.options):
                words, options = [code, *words[1:]], {"at": at, **options}
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
