"""What is said, taken apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands import COMMANDS, Follows, Kind, Option, Parsed, UsageError, hints, parse, print_command
from bot.requests import request_of
from engine.model import Asked, Continue, Create, FileKey, Person, Retake, Stitch

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
        ("/models all", "“all” does not fit there."),
        ("/help --all", "/help has no option --all. Its options: none."),
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
    match option.kind:
        case Kind.NUMBER:
            return st.integers(1, 9_999).map(str)
        case Kind.WHOLE:
            return st.integers(0, 2**31).map(str)
        case Kind.WORD:
            return st.sampled_from(option.choices or ("ink", "noir"))


@given(commands())
def test_a_printed_command_is_understood_as_itself(parsed: Parsed) -> None:
    """`parse(print_command(p)) == p` for every command that can be built."""
    assert parse(print_command(parsed)) == parsed


def test_pictures_become_the_frames_that_are_missing() -> None:
    """With /create the first one begins the shot and the second ends it; a continued shot has its first frame already."""
    one, two = FileKey("1.png"), FileKey("2.png")
    create = request_of(parse("/create a lamp"), ASKED, pictures=(one, two))
    go_on = request_of(parse("/continue a boat"), ASKED, pictures=(one,))
    assert isinstance(create, Create)
    assert isinstance(go_on, Continue)
    assert (create.options.first_frame, create.options.last_frame) == (one, two)
    assert (go_on.options.first_frame, go_on.options.last_frame) == (None, one)


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


def test_the_menu_names_every_public_command_with_its_options() -> None:
    """Completion in a page and the platforms' menus come from the same table."""
    by_name = {hint["name"]: hint for hint in hints()}
    assert set(by_name) == {name for name, command in COMMANDS.items() if command.in_menu}
    assert [option["name"] for option in by_name["create"]["options"]][:2] == ["seconds", "ratio"]  # type: ignore[attr-defined]
