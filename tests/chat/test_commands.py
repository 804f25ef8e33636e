"""What is said, taken apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands import COMMANDS, Argument, Follows, Is, Kind, Option, hints
from bot.parsing import Parsed, UsageError, parse, parsed_of, print_command
from bot.requests import ChangeSettings, Settings, WithVideo, request_of
from bot.texts import asked_of, question
from engine.codes import story_code
from engine.model import Add, Asked, Continue, Create, Edit, FileKey, Person, Retake, ShotOptions, Stitch

ASKED = Asked("update-1", "local:home", Person("local:ana", "Ana"))


@pytest.mark.parametrize(
    ("said", "parsed"),
    [
        ("/create a lamp burns", Parsed("create", (), "a lamp burns")),
        ("/CREATE a lamp", Parsed("create", (), "a lamp")),
        ("  /create   a   lamp  ", Parsed("create", (), "a lamp")),
        ("/create@our_bot a lamp", Parsed("create", (), "a lamp")),
        ("/create a lamp --seconds 6 burns", Parsed("create", (), "a lamp burns", {"seconds": "6"})),
        ("/create --seconds=6s a lamp", Parsed("create", (), "a lamp", {"seconds": "6"})),
        ("/create a lamp —seconds 6", Parsed("create", (), "a lamp", {"seconds": "6"})),  # a phone's dash
        ("/create the keeper —old and tired— waits", Parsed("create", (), "the keeper —old and tired— waits")),
        ("/create a lamp --silent", Parsed("create", (), "a lamp", {"silent": "yes"})),
        ("/create --silent a lamp", Parsed("create", (), "a lamp", {"silent": "yes"})),
        ("/create a lamp --silent=off", Parsed("create", (), "a lamp", {"silent": "no"})),
        ("/continue k7-1 a boat --text-only", Parsed("continue", ("k7-1",), "a boat", {"text-only": "yes"})),
        ("/create a lamp --negative Fog, a hand", Parsed("create", (), "a lamp", {"negative": "Fog, a hand"})),
        (
            "/create a lamp —negative fog —seconds 6",
            Parsed("create", (), "a lamp", {"negative": "fog", "seconds": "6"}),
        ),
        ('/create --negative "fog, a hand" a lamp', Parsed("create", (), "a lamp", {"negative": "fog, a hand"})),
        ("/create --negative=“fog a hand” a lamp", Parsed("create", (), "a lamp", {"negative": "fog a hand"})),
        ("/create --negative=fog a lamp", Parsed("create", (), "a lamp", {"negative": "fog"})),
        ('/create a lamp --negative "fog', Parsed("create", (), "a lamp", {"negative": "fog"})),
        ("/edit K7-4 more fog", Parsed("edit", ("k7-4",), "more fog")),
        ("/edit more fog", Parsed("edit", (), "more fog")),
        ("/retake k7-2 --text-only", Parsed("retake", ("k7-2",), "", {"text-only": "yes"})),
        ("/create a lamp --resolution 720", Parsed("create", (), "a lamp", {"resolution": "720p"})),
        ("/create a lamp -- --seconds", Parsed("create", (), "a lamp --seconds")),
        ("/create", Parsed("create")),
        ("/continue a boat answers", Parsed("continue", (), "a boat answers")),
        ("/continue K7-4 a boat answers", Parsed("continue", ("k7-4",), "a boat answers")),
        ("/continue a k7-4 robot", Parsed("continue", (), "a k7-4 robot")),
        ("/stitch", Parsed("stitch")),
        ("/stitch k7", Parsed("stitch", ("k7",))),
        ("/stitch k7-1, k7-3 k7-2", Parsed("stitch", ("k7-1", "k7-3", "k7-2"))),
        ("/retake", Parsed("retake")),
        ("/retake k7-2 --seed 9", Parsed("retake", ("k7-2",), "", {"seed": "9"})),
        ("/choose k7-2 3", Parsed("choose", ("k7-2",), "3")),
        ("/download k7-f1 thumbnail", Parsed("download", ("k7-f1",), "thumbnail")),
        ("/history mine", Parsed("history", (), "mine")),
        ("/help", Parsed("help")),
        ("/add", Parsed("add")),
        ("/add K7-4 a fox runs", Parsed("add", ("k7-4",), "a fox runs")),
        ("/settings", Parsed("settings")),
        ("/settings --seconds 6s --ratio 9:16", Parsed("settings", (), "", {"seconds": "6", "ratio": "9:16"})),
        ("/settings --resolution 720", Parsed("settings", (), "", {"resolution": "720p"})),
        ("/settings --seconds Default", Parsed("settings", (), "", {"seconds": "default"})),
        ("/start", Parsed("start")),
        ("/start job_17", Parsed("start")),
        ("/start --x=1 k7-4", Parsed("start")),
    ],
)
def test_a_command_is_understood(said: str, parsed: Parsed) -> None:
    """Names in any case, options anywhere, codes lower-case, the prompt as it was."""
    assert parse(said) == parsed


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("/crate a lamp", "There is no command /crate (did you mean /create?); /help lists them."),
        ("/xyzzy", "There is no command /xyzzy; /help lists them."),
        ("hello", "A command begins with a slash"),
        (
            "/create a lamp --secnds 6",
            "/create has no option --secnds (did you mean --seconds?). Its options: --seconds,",
        ),
        ("/create a lamp --seconds", "--seconds needs a value after it"),
        ("/create a lamp --seconds six", "--seconds is a number, such as --seconds 6; “six” is none."),
        ("/create a lamp --seed 1.5", "--seed is a whole number"),
        ("/stitch the end", "“the” is no story, shot or film. Say it like this: /stitch [story or shots]"),
        ("/retake k7-1 k7-2", "“k7-2” does not fit there."),
        ("/help --all", "/help has no option --all. Its options: none."),
        ("/settings --seed 5", "/settings has no option --seed. Its options: --seconds, --ratio,"),
        ("/settings 9:16", "“9:16” does not fit there. Say it like this: /settings"),
        ("/settings --seconds long", "--seconds is a number, such as --seconds 6; “long” is none."),
        ("/create a lamp --seconds default", "--seconds is a number, such as --seconds 6; “default” is none."),
        ("/create a lamp --silent=perhaps", "--silent stands alone"),
        ("/create a lamp --negative", "--negative needs a value after it"),
        ('/create a lamp --negative ""', "--negative needs words after it"),
        ("/settings --negative fog", "/settings has no option --negative."),
        ("/create a lamp --extend", "/create has no option --extend"),
        ("/add a fox --seconds 6", "/add has no option --seconds. Its options: none."),
    ],
)
def test_what_cannot_be_understood_is_told_how_to_be_said(said: str, sentence: str) -> None:
    """One sentence: what is wrong, what to do."""
    with pytest.raises(UsageError) as caught:
        parse(said)
    assert sentence in str(caught.value)


@given(st.text(max_size=100))
def test_any_text_is_understood_or_refused_in_a_sentence(text: str) -> None:
    """No text of a chat breaks the parser."""
    for said in (text, f"/create {text}", f"/continue {text}", f"/stitch {text}"):
        try:
            parsed = parse(said)
        except UsageError:
            continue
        assert parsed.command in COMMANDS


CODES = st.builds(
    lambda letter, number, shot: f"{letter}{number}-{shot}",
    st.sampled_from("abcdk"),
    st.integers(1, 999),
    st.integers(1, 99),
)
WORDS = st.lists(st.from_regex(r"[a-zжя灯🗼'.!]{1,8}", fullmatch=True), min_size=1, max_size=6).map(" ".join)


@st.composite
def commands(draw: st.DrawFn) -> Parsed:
    command = COMMANDS[
        draw(st.sampled_from([name for name, row in COMMANDS.items() if row.follows is not Follows.CODE_AND_WORD]))
    ]
    codes: tuple[str, ...] = ()
    words = ""
    match command.follows:
        case Follows.PROMPT:
            words = draw(WORDS)
        case Follows.SHOT_AND_PROMPT:
            codes, words = tuple(draw(st.lists(CODES, max_size=1))), draw(WORDS)
        case Follows.CODES:
            codes = tuple(draw(st.lists(CODES, max_size=4)))
        case Follows.ANY_CODE:
            codes = tuple(draw(st.lists(CODES, max_size=1)))
        case _:
            pass
    chosen = draw(st.lists(st.sampled_from(command.options), unique=True)) if command.options else []
    return Parsed(command.name, codes, words, {option.name: draw(values(option)) for option in chosen})


def values(option: Option) -> st.SearchStrategy[str]:
    return st.just("default") | _set(option) if option.resets else _set(option)


def _set(option: Option) -> st.SearchStrategy[str]:
    match option.kind:
        case Kind.NUMBER:
            return st.integers(1, 9_999).map(str)
        case Kind.WHOLE:
            return st.integers(0, 2**31).map(str)
        case Kind.USD:
            return st.decimals(0, 999_999, places=2).map(str)
        case Kind.WORD:
            return st.sampled_from(option.choices or ("ink", "noir"))
        case Kind.WORDS:
            return WORDS
        case Kind.FLAG:
            return st.sampled_from(("yes", "no"))


@given(commands())
def test_a_printed_command_is_understood_as_itself(parsed: Parsed) -> None:
    """`parse(print_command(p)) == p` for every command that can be built."""
    assert parse(print_command(parsed)) == parsed


Fields = dict[str, str | float | bool]


@st.composite
def filled_in(draw: st.DrawFn) -> tuple[str, Fields]:
    """A command whose fields were filled in one by one: needed ones, and any of the others."""
    command = COMMANDS[draw(st.sampled_from(sorted(COMMANDS)))]
    fields: Fields = {}
    for argument in command.arguments:
        if argument.is_needed or draw(st.booleans()):
            fields[argument.name] = draw(_argued(argument))
    for option in command.options:
        if draw(st.booleans()):
            fields[option.name] = draw(_opted(option))
    return command.name, fields


def _argued(argument: Argument) -> st.SearchStrategy[str | float | bool]:
    match argument.kind:
        case Is.PROMPT:
            return WORDS
        case Is.SHOT | Is.CLIP:
            return CODES
        case Is.STORY:
            return CODES.map(lambda code: code.split("-")[0])
        case Is.SHOTS:
            return st.lists(CODES, min_size=1, max_size=4).map(" ".join)
        case Is.WORD:
            return st.sampled_from(argument.choices or ("off", "abcd"))
        case Is.WHOLE:
            return st.integers(1, 99)
        case Is.FLAG:
            return st.booleans()


def _opted(option: Option) -> st.SearchStrategy[str | float | bool]:
    match option.kind:
        case Kind.NUMBER if not option.resets:
            return st.integers(1, 999_999) | st.integers(1, 999).map(lambda tenths: tenths / 10)
        case Kind.WHOLE:
            return st.integers(0, 2**31)
        case Kind.FLAG:
            return st.booleans()
        case _:
            return values(option).map(str)


@given(filled_in())
def test_fields_that_are_filled_in_say_what_the_typed_command_says(filled: tuple[str, Fields]) -> None:
    """`parse(print_command(parsed_of(…))) == parsed_of(…)` for every command, whichever fields are filled in."""
    parsed = parsed_of(*filled)
    assert parse(print_command(parsed)) == parsed


@pytest.mark.parametrize(
    ("name", "fields", "parsed"),
    [
        ("create", {"prompt": "a lamp", "seconds": 6.0}, Parsed("create", (), "a lamp", {"seconds": "6"})),
        ("create", {"prompt": "a lamp", "seconds": 6.5}, Parsed("create", (), "a lamp", {"seconds": "6.5"})),
        ("create", {"prompt": "a lamp", "seed": 0}, Parsed("create", (), "a lamp", {"seed": "0"})),
        ("create", {"prompt": " k7-4\n--seconds 6 "}, Parsed("create", (), "k7-4\n--seconds 6")),
        ("create", {}, Parsed("create")),
        ("create", {"prompt": "a lamp", "unheard": "of"}, Parsed("create", (), "a lamp")),
        ("continue", {"prompt": "k7-1 burns", "shot": "K7-4 "}, Parsed("continue", ("k7-4",), "k7-1 burns")),
        ("stitch", {"story": "k7"}, Parsed("stitch", ("k7",))),
        ("stitch", {"shots": "k7-1, K7-3,k7-2"}, Parsed("stitch", ("k7-1", "k7-3", "k7-2"))),
        ("history", {"mine": True}, Parsed("history", (), "mine")),
        ("history", {"mine": False, "before": 12}, Parsed("history", (), "", {"before": "12"})),
        ("choose", {"shot": "k7-2", "take": 3}, Parsed("choose", ("k7-2",), "3")),
        ("download", {"clip": "k7-f1", "what": "thumbnail"}, Parsed("download", ("k7-f1",), "thumbnail")),
        ("settings", {"seconds": "Default"}, Parsed("settings", (), "", {"seconds": "default"})),
        ("start", {}, Parsed("start")),
    ],
)
def test_fields_are_taken_as_they_were_filled_in(name: str, fields: Fields, parsed: Parsed) -> None:
    """A prompt is a prompt whatever it looks like; what was left open is left out."""
    assert parsed_of(name, fields) == parsed


@pytest.mark.parametrize(
    ("name", "fields", "sentence"),
    [
        ("show", {}, "Say it like this: /show"),
        ("show", {"clip": "  "}, "Say it like this: /show"),
        ("show", {"clip": "the lamp"}, "“the lamp” is no story, shot or film"),
        ("stitch", {"shots": "k7-1 and k7-2"}, "“and” is no story, shot or film"),
        ("create", {"prompt": "a lamp", "seconds": "six"}, "--seconds is a number"),
        ("retake", {"seed": -1}, "--seed is a whole number"),
    ],
)
def test_a_field_that_cannot_be_understood_is_told_how_to_be_filled_in(
    name: str, fields: Fields, sentence: str
) -> None:
    """In the same words as the typed command."""
    with pytest.raises(UsageError) as caught:
        parsed_of(name, fields)
    assert sentence in str(caught.value)


def test_pictures_become_the_frames_that_are_missing() -> None:
    """With /create the first one begins the shot and the second ends it; a continued shot has its first frame already."""
    one, two = FileKey("1.png"), FileKey("2.png")
    create = request_of(parse("/create a lamp"), ASKED, pictures=(one, two))
    go_on = request_of(parse("/continue a boat"), ASKED, pictures=(one,))
    assert isinstance(create, Create)
    assert isinstance(go_on, Continue)
    assert (create.options.first_frame, create.options.last_frame) == (one, two)
    assert (go_on.options.first_frame, go_on.options.last_frame) == (None, one)


def test_what_is_said_of_one_shot_is_its_own() -> None:
    """Words for what must not be seen, sound, pictures that guide it, and what it begins with."""
    said = "/continue k7-1 a boat --silent --text-only --extend=no --still Flux --later 60 --negative Fog"
    go_on = request_of(parse(said), ASKED, references=(FileKey("1.png"), FileKey("2.png")))
    assert isinstance(go_on, Continue)
    assert go_on.options == ShotOptions(
        negative="Fog",
        is_silent=True,
        is_unseeded=True,
        extend=False,
        still="flux",
        later_s=60,
        references=(FileKey("1.png"), FileKey("2.png")),
    )


def test_a_retake_may_go_elsewhere_or_without_pictures() -> None:
    """As its buttons do."""
    retake = request_of(parse("/retake k7-1 --provider other --text-only"), ASKED)
    assert retake == Retake(asked=ASKED, shot="k7-1", provider="other", is_text_only=True)


def test_an_edit_names_a_shot_or_answers_one() -> None:
    """What changes is the rest."""
    edit = request_of(parse("/edit more fog"), ASKED, shot_of_reply="k7-2")
    assert edit == Edit(asked=ASKED, shot="k7-2", words="more fog")


def test_the_message_that_is_answered_names_the_shot() -> None:
    """A reply is context; a code in the text wins over it."""
    answered = request_of(parse("/continue a boat"), ASKED, shot_of_reply="k7-2")
    named = request_of(parse("/retake k7-1"), ASKED, shot_of_reply="k7-2")
    assert isinstance(answered, Continue)
    assert isinstance(named, Retake)
    assert (answered.shot, named.shot) == ("k7-2", "k7-1")


def test_a_stitch_takes_a_story_or_shots_and_not_both() -> None:
    """One of the two ways to say what is joined."""
    story, shots = request_of(parse("/stitch k7"), ASKED), request_of(parse("/stitch k7-2 k7-1"), ASKED)
    assert isinstance(story, Stitch)
    assert isinstance(shots, Stitch)
    assert (story.story, story.shots, shots.story, shots.shots) == ("k7", (), None, ("k7-2", "k7-1"))
    with pytest.raises(UsageError, match="not both"):
        request_of(parse("/stitch k7 k7-1"), ASKED)


@pytest.mark.parametrize("said", ["/show", "/delete", "/download", "/choose", "/again"])
def test_a_command_that_needs_a_code_says_so(said: str) -> None:
    """Without one it is told how it is said."""
    with pytest.raises(UsageError, match="Say it like this"):
        request_of(parse(said), ASKED)


VIDEO = FileKey("v.mp4")


@pytest.mark.parametrize(
    ("said", "shot_of_reply", "add", "then"),
    [
        ("/add", None, {}, None),
        ("/add k7-2 a fox", "k7-1", {"after": "k7-2", "words": "a fox"}, None),
        ("/add a fox", "k7-1", {"after": "k7-1", "words": "a fox"}, None),
        ("/create", "k7-1", {"is_beginning": True}, None),
        ("/create a boat", "k7-1", {"is_beginning": True}, "a boat"),
        ("/create --seconds 6", None, {"is_beginning": True}, ""),  # and is told to say what it shows
        ("/continue a boat", None, {}, "a boat"),
        ("/continue k7-2 a boat", None, {"after": "k7-2"}, "a boat"),
    ],
)
def test_a_video_becomes_a_shot_and_what_is_said_goes_on_from_it(
    said: str, shot_of_reply: str | None, add: dict[str, object], then: str | None
) -> None:
    """Where it belongs is what the command says of a shot; with /create it is a story's first."""
    request = request_of(parse(said), ASKED, shot_of_reply=shot_of_reply, videos=(VIDEO,))
    expected = Add(asked=ASKED, video=VIDEO, **add)  # type: ignore[arg-type]  # the row's fields
    if then is None:
        assert request == expected
        return
    assert isinstance(request, WithVideo)
    assert request.add == expected
    assert isinstance(request.then, Continue)
    assert request.then.prompt == then


def test_a_stitch_with_a_video_joins_the_whole_story() -> None:
    """Which shots would stand before it could not be said."""
    request = request_of(parse("/stitch"), ASKED, videos=(VIDEO,))
    assert request == WithVideo(Add(asked=ASKED, video=VIDEO), Stitch(asked=ASKED))
    with pytest.raises(UsageError, match="leave the codes out"):
        request_of(parse("/stitch k7"), ASKED, videos=(VIDEO,))


@pytest.mark.parametrize("said", ["/add", "/create a lamp", "/continue a boat", "/stitch"])
def test_one_video_at_a_time(said: str) -> None:
    """The others can follow."""
    with pytest.raises(UsageError, match=r"^Send one video at a time with /\w+; the others can follow with /add\.$"):
        request_of(parse(said), ASKED, videos=(VIDEO, VIDEO))


@pytest.mark.parametrize("said", ["/help", "/retake k7-1", "/settings"])
def test_other_commands_leave_a_video_alone(said: str) -> None:
    """However many."""
    assert request_of(parse(said), ASKED, videos=(VIDEO, VIDEO)) == request_of(parse(said), ASKED)


def test_a_setting_is_looked_at_changed_or_taken_back() -> None:
    """By what is said after it."""
    assert request_of(parse("/settings"), ASKED) == Settings(ASKED)
    request = request_of(parse("/settings --seconds 6 --style default"), ASKED)
    assert request == ChangeSettings(ASKED, ShotOptions(seconds=6), frozenset({"style"}))


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.text(max_size=40))
def test_a_question_names_its_shot(story: int, number: int, before: str) -> None:
    """Also where it ends a longer text; the answer to it is recognised by the question alone."""
    code = f"{story_code(story)}-{number}"
    assert asked_of(question(code)) == code
    assert asked_of(f"{before}\n{question(code)}") == code


@pytest.mark.parametrize(
    "text",
    [
        "",
        "What happens after k7?",
        "What happens after k7-4? And then?",
        "What happens after k7-4?\n6.0 s",
        "“What happens after k7-4?”",
        "so: What happens after k7-4?",
        "What happens after k7-f1?",
        "What happens after k7-٤?",
    ],
)
def test_what_is_no_question_asks_nothing(text: str) -> None:
    """A caption that quotes such a prompt is no question of ours."""
    assert asked_of(text) is None


def test_the_menu_names_every_public_command_with_its_options() -> None:
    """Completion in a page and the platforms' menus come from the same table."""
    by_name = {hint["name"]: hint for hint in hints()}
    assert set(by_name) == {name for name, command in COMMANDS.items() if command.in_menu}
    assert [option["name"] for option in by_name["create"]["options"]][:2] == ["seconds", "ratio"]  # type: ignore[attr-defined]
