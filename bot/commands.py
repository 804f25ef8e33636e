"""The one table of commands: name, what follows it, options, help. /help, menus, slash commands and completion come from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from engine.derive import VARIANTS


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


class Is(StrEnum):
    """What one of the things after a command's name is, where a front end asks for each of them in a field of its own."""

    PROMPT = "prompt"
    SHOT = "shot"
    STORY = "story"
    CLIP = "shot or film"
    SHOTS = "shots"
    WORD = "word"
    WHOLE = "whole number"
    FLAG = "flag"
    """Its own name, said or not: `mine`."""


class Kind(StrEnum):
    """What an option's value is."""

    NUMBER = "number"
    WHOLE = "whole number"
    USD = "amount in US dollars"
    WORD = "word"
    WORDS = "words"
    """All that follows up to the next option, or what stands in quotes."""
    FLAG = "flag"
    """Said or not: its value is `yes` where none follows with `=`."""


@dataclass(frozen=True, slots=True)
class Option:
    """`--name value`. `choices` names what a value may be, for menus; the engine checks it. `resets`: `default` is one too."""

    name: str
    kind: Kind
    help: str
    choices: tuple[str, ...] = ()
    resets: bool = False


@dataclass(frozen=True, slots=True)
class Argument:
    """One of the things after a command's name."""

    name: str
    kind: Is
    help: str
    is_needed: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that can come with a command. `kind` is `image`, `video` or `audio`."""

    name: str
    kind: str
    help: str
    is_needed: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """One row of the table."""

    name: str
    usage: str
    """What follows the name, for people: `<what happens next>`."""
    help: str
    follows: Follows
    options: tuple[Option, ...] = ()
    arguments: tuple[Argument, ...] = ()
    """What follows, one by one."""
    uploads: tuple[Upload, ...] = ()
    in_menu: bool = True


DEFAULT = "default"
"""The value of a setting that is not to be set any more."""

_SECONDS = Option("seconds", Kind.NUMBER, "how long the shot is")
_SEED = Option("seed", Kind.WHOLE, "the same seed and prompt draw the same picture")
_PROVIDER = Option("provider", Kind.WORD, "who renders it; /models lists them")
_FROM = (
    Option("at", Kind.NUMBER, "start on the frame at so many seconds of the shot before; the film cuts there"),
    Option("sharp", Kind.FLAG, "start on the sharpest frame of its last half second"),
)
_EXTEND = Option("extend", Kind.FLAG, "let the service itself go on from its render, where it can")
_SHOT_OPTIONS = (
    _SECONDS,
    Option("ratio", Kind.WORD, "the shape of the picture", ("16:9", "9:16", "1:1")),
    Option("resolution", Kind.WORD, "the shorter side in lines", ("480p", "720p", "1080p")),
    Option("style", Kind.WORD, "the look; /models lists them"),
    _SEED,
    _PROVIDER,
    Option("model", Kind.WORD, "which model of the provider"),
)
_SETTINGS = tuple(replace(option, resets=True) for option in _SHOT_OPTIONS if option is not _SEED)
_LIMITS = (
    Option("ask", Kind.USD, "a render that costs more dollars than this is asked about first", resets=True),
    Option("day", Kind.USD, "the most dollars for one day", resets=True),
    Option("story", Kind.USD, "the most dollars for one story", resets=True),
    Option("shot", Kind.USD, "the most dollars for all takes of one shot", resets=True),
)
_TEXT_ONLY = Option("text-only", Kind.FLAG, "begin without the last frame of the shot before, or any other picture")
_OWN_OPTIONS = (
    Option("negative", Kind.WORDS, "what must not be seen; at the end, or in quotes"),
    Option("silent", Kind.FLAG, "without sound, where the model can leave it out"),
    Option("references", Kind.FLAG, "the pictures that come with it guide the shot and are no frames of it"),
    Option("still", Kind.WORD, "who paints the first frame; /models lists them"),
    Option("later", Kind.NUMBER, "start on the same scene so many seconds later, painted: a cut"),
)
"""Of one shot alone: no place keeps them."""

_FILM_OPTIONS = (
    Option("transition", Kind.WORD, "how one shot gives way to the next", ("cut", "fade", "dissolve", "wipe")),
    Option("over", Kind.NUMBER, "how many seconds a transition takes"),
    Option("seams", Kind.WORDS, "another transition at some seams, such as 2 wipe 5 cut"),
    Option("card", Kind.WORDS, "words of a title card; default is the story's title", resets=True),
    Option("credits", Kind.FLAG, "everyone's name at the end"),
    Option(
        "captions",
        Kind.WORD,
        "the words of the shots in the picture, as subtitles, or both",
        ("burned", "track", "both"),
    ),
    Option("texts", Kind.WORDS, "other words for the captions, one a shot with | between"),
    Option("ratio", Kind.WORD, "the shape of the film", ("16:9", "9:16", "1:1")),
    Option("fill", Kind.WORD, "how a shot of another shape fills it", ("blur", "crop", "pad")),
    Option("volume", Kind.NUMBER, "how loud the shots are: 1 as they are, 0 silent"),
    Option("music", Kind.NUMBER, "how loud the music is that comes with it: 0.5 where nothing is said"),
    Option("levels", Kind.FLAG, "even out steps of colour and loudness at the seams; --levels=no leaves them"),
    Option("format", Kind.WORD, "the file that you get; frames is a ZIP of pictures", ("mp4", "webm", "gif", "frames")),
    Option("fit", Kind.NUMBER, "at most so many MB"),
    Option("preview", Kind.FLAG, "small and quick, to see the order"),
)

_PROMPT = Argument("prompt", Is.PROMPT, "what it shows", is_needed=True)
_SHOT = Argument("shot", Is.SHOT, "which shot; without it the newest one that fits")
_CLIP = Argument("clip", Is.CLIP, "which shot or film", is_needed=True)
_STORY = Argument("story", Is.STORY, "which story; without it the current one")
_VIDEO = Upload("video", "video", "a video of yours to go on from")
_LAST_FRAME = Upload("last_frame", "image", "a picture on which the shot ends")
_REFERENCES = tuple(
    Upload(name, "image", "a picture that guides the shot and is no frame of it")
    for name in ("reference", "reference_2", "reference_3")
)

COMMANDS: Mapping[str, Command] = {
    command.name: command
    for command in (
        Command(
            "create",
            "<what the first shot shows>",
            "begin a new story",
            Follows.PROMPT,
            (*_SHOT_OPTIONS, *_OWN_OPTIONS),
            (_PROMPT,),
            (Upload("first_frame", "image", "a picture on which the shot starts"), _LAST_FRAME, *_REFERENCES, _VIDEO),
        ),
        Command(
            "continue",
            "[shot] <what happens next>",
            "add a shot that starts on the last frame of the one before",
            Follows.SHOT_AND_PROMPT,
            (*_SHOT_OPTIONS, *_OWN_OPTIONS, *_FROM, _EXTEND, _TEXT_ONLY),
            (_PROMPT, _SHOT),
            (_LAST_FRAME, *_REFERENCES, _VIDEO),
        ),
        Command(
            "add",
            "[shot] [what it shows]",
            "make a video of yours a shot: send it with this, or answer its message with this",
            Follows.SHOT_AND_PROMPT,
            arguments=(replace(_PROMPT, is_needed=False), replace(_SHOT, help="the shot that it follows")),
            uploads=(Upload("video", "video", "the video", is_needed=True),),
        ),
        Command(
            "stitch",
            "[story or shots]",
            "join the shots into one film",
            Follows.CODES,
            _FILM_OPTIONS,
            arguments=(_STORY, Argument("shots", Is.SHOTS, "shots in the order of the film, such as k7-1 k7-3..5")),
            uploads=(
                replace(_VIDEO, help="a video of yours to end the film with"),
                Upload("music_file", "audio", "music under the film"),
                Upload("voice_file", "audio", "a voice over the film"),
            ),
        ),
        Command(
            "retake",
            "[shot]",
            "render a shot again, differently",
            Follows.ANY_CODE,
            (_SEED, _PROVIDER, _TEXT_ONLY),
            (_SHOT,),
        ),
        Command(
            "edit",
            "[shot] <what changes>",
            "change the clip of a shot by words, as a new take of it",
            Follows.SHOT_AND_PROMPT,
            arguments=(
                replace(_PROMPT, help="what changes"),
                replace(_SHOT, help="which shot; without it the newest one"),
            ),
        ),
        Command(
            "story",
            "[story]",
            "see the shots of this story, or go to another one",
            Follows.ANY_CODE,
            arguments=(_STORY,),
        ),
        Command("stories", "", "list the stories of this place", Follows.NOTHING),
        Command(
            "show",
            "<shot or film>",
            "see one shot or film again, with its buttons",
            Follows.ANY_CODE,
            arguments=(_CLIP,),
        ),
        Command(
            "history",
            "[mine]",
            "the newest clips of this place, or only yours",
            Follows.CODE_AND_WORD,
            (Option("before", Kind.WHOLE, "the page after this number"),),
            (Argument("mine", Is.FLAG, "only yours"),),
        ),
        Command(
            "choose",
            "<shot> [take]",
            "let the film follow this shot, or use another take of it",
            Follows.CODE_AND_WORD,
            arguments=(
                replace(_SHOT, help="which shot", is_needed=True),
                Argument("take", Is.WHOLE, "which take of it"),
            ),
        ),
        Command(
            "download",
            "<shot or film> [video|webm|gif|frames|thumbnail|spritesheet|last-frame|first-frame|sharp-frame|7.2]",
            "get the file of a clip, also of another kind, or a picture of it: 7.2 is the frame at 7.2 seconds",
            Follows.CODE_AND_WORD,
            arguments=(
                _CLIP,
                Argument(
                    "what",
                    Is.WORD,
                    "the file or a picture",
                    choices=VARIANTS,
                ),
            ),
        ),
        Command("cancel", "[shot]", "stop what is being rendered", Follows.ANY_CODE, arguments=(_SHOT,)),
        Command("delete", "<shot or film>", "delete a clip or a film of yours", Follows.ANY_CODE, arguments=(_CLIP,)),
        Command(
            "again",
            "<shot>",
            "send a render again whose answer was lost; it may cost twice",
            Follows.ANY_CODE,
            arguments=(replace(_SHOT, help="which shot", is_needed=True),),
            in_menu=False,
        ),
        Command(
            "agree",
            "<shot or story>",
            "see the price of what waits for somebody's word, and agree by its button; of a story, all of it",
            Follows.ANY_CODE,
            arguments=(replace(_SHOT, help="which shot", is_needed=True),),
            in_menu=False,
        ),
        Command(
            "draft",
            "<shot or story>",
            "draw what waits for somebody to agree to its price as an animatic instead, free",
            Follows.ANY_CODE,
            arguments=(replace(_SHOT, help="which shot", is_needed=True),),
            in_menu=False,
        ),
        Command(
            "settings",
            "[--ratio 9:16 and so on]",
            "what new stories get here when nothing else is said; default resets one",
            Follows.NOTHING,
            _SETTINGS,
        ),
        Command(
            "pot",
            "[--day 5 and so on]",
            "what was spent here, what is left and what waits for an answer; options limit it",
            Follows.NOTHING,
            _LIMITS,
        ),
        Command(
            "link",
            "[code]",
            "be one person on Telegram and Discord",
            Follows.PROMPT,
            arguments=(Argument("code", Is.WORD, "the code from the other platform, or off; without it you get one"),),
        ),
        Command("forget", "", "have me forget you; I say what would go, and ask first", Follows.NOTHING),
        Command(
            "models",
            "[provider [model]]",
            "what can render here, and what it can do",
            Follows.PROMPT,
            arguments=(Argument("provider", Is.WORD, "more about this one, or about a model of it"),),
        ),
        Command(
            "topup",
            "[Stars]",
            "fill the pot with Telegram Stars, in Telegram",
            Follows.PROMPT,
            arguments=(Argument("stars", Is.WHOLE, "how many"),),
            in_menu=False,
        ),
        Command(
            "paysupport",
            "[what happened]",
            "ask about a payment with Telegram Stars, in Telegram",
            Follows.PROMPT,
            arguments=(Argument("words", Is.PROMPT, "what happened"),),
            in_menu=False,
        ),
        Command(
            "refund",
            "<transaction id>",
            "pay Telegram Stars back, in Telegram, by its operator",
            Follows.PROMPT,
            (Option("force", Kind.FLAG, "also where the pot does not hold them any more"),),
            (Argument("id", Is.WORD, "which payment", is_needed=True),),
            in_menu=False,
        ),
        Command("help", "", "this list", Follows.NOTHING),
        Command("start", "", "how it begins", Follows.IGNORED, in_menu=False),
    )
}


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
