"""What the terminal writes: rows, lines, JSON, sentences and exit codes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import cli
from bot.doctor.chats import check_discord
from bot.doctor.data import check_database
from bot.doctor.examine import guarded
from bot.doctor.finding import Finding, Level, ok
from bot.house import DirectoryHeld
from bot.settings import Settings, SettingsError, load_settings
from bot.terminal.ending import run_to_its_end
from bot.terminal.rows import failure_sentence, for_the_terminal, harmless, job_row, text_of
from bot.terminal.turn import JobFailed
from bot.terminal.voice import BarVoice, JsonVoice, PlainVoice
from engine.errors import (
    BadMedia,
    Billed,
    Defect,
    DiskFull,
    NotPossible,
    OutOfCredit,
)
from engine.job_model import Failure, Job, JobKind, JobState
from engine.model import Person

ANA = Person("cli:ana", "Ana")
DISCORD_TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.Gabcde.nobody-knows-this_token-at-all"


def job(state: JobState = JobState.QUEUED, **changes: object) -> Job:
    values: dict[str, object] = {
        "id": 3,
        "kind": JobKind.RENDER,
        "request_key": "k",
        "place": "local:home",
        "person": ANA,
        "story_code": "k7",
        "shot_code": "k7-2",
        "provider": "animatic",
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return Job(state=state, **{**values, **changes})  # type: ignore[arg-type]  # a test's own values


@given(text=st.text())
def test_nothing_that_others_wrote_moves_the_terminal(text: str) -> None:
    """No control character and no change of direction is left of a prompt or a name, and its length stays."""
    shown = harmless(text)
    assert len(shown) == len(text)
    assert not any(unicodedata.category(each) == "Cc" or each in "\u202e\u2066" for each in shown)
    assert "\n" not in text_of(text)


def test_an_emoji_family_stays_one() -> None:
    """What joins signs into one is not taken out."""
    assert harmless("👨‍👩‍👧 مرحبا 灯台") == "👨‍👩‍👧 مرحبا 灯台"


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (True, "yes"), (False, "no"), (2.0, "2"), (1.5, "1.5"), (["a", 1], "a 1"), (7, "7")],
)
def test_a_value_as_text(value: object, text: str) -> None:
    """Short and without Python's own spelling."""
    assert text_of(value) == text


@pytest.mark.parametrize(
    ("asked", "row"),
    [
        (job(), {"job": 3, "shot": "k7-2", "state": "queued"}),
        (job(JobState.RENDERING, percent=12.345), {"job": 3, "shot": "k7-2", "state": "rendering", "percent": 12.3}),
        (job(waits_for="k7-1"), {"job": 3, "shot": "k7-2", "state": "queued", "waits_for": "k7-1"}),
        (job(kind=JobKind.STITCH, shot_code=None), {"job": 3, "story": "k7", "state": "queued"}),
    ],
)
def test_a_job_as_a_row(asked: Job, row: dict[str, object]) -> None:
    """What is not known is not in it."""
    assert job_row(asked) == row


@pytest.mark.parametrize(
    ("ended", "said"),
    [
        (job(JobState.FAILED, failure=Failure("Refused", "It said no.", Billed.NO)), "It said no."),
        (job(JobState.CANCELLED), "k7-2 was cancelled."),
        (job(JobState.UNCONFIRMED), "nextshot again k7-2"),
    ],
)
def test_every_end_without_a_clip_is_a_sentence(ended: Job, said: str) -> None:
    """Why, and what to do."""
    assert said in failure_sentence(ended)


def test_json_says_what_is_new_only(capsys: pytest.CaptureFixture[str]) -> None:
    """The same state twice is one line, and every line is an object."""
    voice = JsonVoice()
    for percent in (1.0, 1.0, 2.0):
        voice.progress(job_row(job(JobState.RENDERING, percent=percent)))
    voice.wrong("It broke; /retake it.", "Defect", job_row(job(JobState.FAILED)))
    out, err = capsys.readouterr()
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line.get("percent") for line in lines] == [1.0, 2.0, None]
    assert lines[-1] == {
        "job": 3,
        "shot": "k7-2",
        "state": "failed",
        "error": "It broke; nextshot retake it.",
        "kind": "Defect",
    }
    assert err == "It broke; nextshot retake it.\n"


def test_a_pipe_gets_a_line_per_stage(capsys: pytest.CaptureFixture[str]) -> None:
    """Percents are for screens; the file is alone on the last line."""
    voice = PlainVoice()
    for percent in (1.0, 50.0):
        voice.progress(job_row(job(JobState.RENDERING, percent=percent)))
    voice.progress(job_row(job(waits_for="k7-1")))
    voice.progress(job_row(job(), ahead=2))
    voice.result(
        {"shot": "k7-2", "state": "ready", "seconds": 2.0, "width": 4, "height": 3, "fps": 24.0, "file": "/x y"}
    )
    voice.rows([{"a": 1, "b_usd": "two\twords"}, {"a": 2}], ("a", "b_usd"))
    voice.rows([], ("a", "b_usd"))
    assert capsys.readouterr().out.splitlines() == [
        "k7-2 rendering",
        "k7-2 queued, waits for k7-1",
        "k7-2 queued, 2 before it",
        "k7-2  ready  2 s  4x3  24 fps",
        "/x y",
        "a\tb_usd",
        "1\ttwo words",
        "2\t-",
    ]


@pytest.mark.parametrize("voice", [PlainVoice, BarVoice])
def test_how_a_clip_goes_on_is_told_above_its_file(
    voice: type[PlainVoice | BarVoice], capsys: pytest.CaptureFixture[str]
) -> None:
    """Its seam, how long the line of shots is, and a last frame that is a bad one to go on from."""
    shot = {"shot": "k7-4", "state": "ready", "prompt": "a boat", "file": "/a/b.mp4"}
    voice().result({**shot, "seam": 96, "in_a_row": 1})
    voice().result({**shot, "seam": 41, "in_a_row": 4, "last_frame": "blurred"})
    assert capsys.readouterr().out.splitlines() == [
        *("k7-4  ready", "  a boat", "  seam 96 of 100", "/a/b.mp4"),
        *(
            "k7-4  ready",
            "  a boat",
            "  seam 41 of 100, shot 4 in a row from a last frame",
            "  its last frame is blurred",
        ),
        "/a/b.mp4",
    ]


def test_markup_in_a_prompt_is_only_text(capsys: pytest.CaptureFixture[str]) -> None:
    """rich would read [red] and :smile: in a table or beside a bar."""
    voice = BarVoice()
    prompt = "[red]a[/red] [link=file:///etc/passwd]b[/link] :smile:"
    voice.progress({"shot": "[bold]k7-2[/bold]", "state": "rendering", "percent": 3.0})
    voice.result({"shot": "k7-2", "state": "ready", "prompt": prompt})
    voice.rows([{"prompt": prompt}], ("prompt",))
    out = capsys.readouterr().out
    assert "[link=file:///etc/passwd]" in out
    assert ":smile:" in out
    assert "[bold]k7-2[/bold]" in out or "rendering" not in out


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("wait, or /cancel k7-2 first.", "wait, or nextshot cancel k7-2 first."),
        ("choose one, /models lists them.", "choose one, nextshot models lists them."),
        ("/data/show/history is full", "/data/show/history is full"),
        ("/showcase", "/showcase"),
    ],
)
def test_commands_are_named_as_they_are_typed_here(sentence: str, said: str) -> None:
    """A path that looks like a command stays a path."""
    assert for_the_terminal(sentence) == said


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (NotPossible("No, /retake it."), 2, "No, nextshot retake it.\n"),
        (BadMedia("Damaged."), 2, "Damaged.\n"),
        (DiskFull("Full."), 2, "Full.\n"),
        (DirectoryHeld(Path("/d"), {"pid": 7}), 2, "/d is in use by process 7"),
        (SettingsError(["One.", "Two."]), 2, "One.\nTwo.\n"),
        (OutOfCredit("Empty."), 1, "Empty.\n"),
        (Defect("Ours."), 1, "Ours.\n"),
        (JobFailed(), 1, ""),
        (ZeroDivisionError("secret detail"), 1, "Something broke inside Nextshot; "),
    ],
)
def test_every_end_has_its_code_and_no_trace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], raised: Exception, code: int, said: str
) -> None:
    """Whatever is raised: one sentence on stderr, an exit code that a script can use, nothing on stdout."""

    async def work() -> None:
        raise raised

    assert run_to_its_end(work, PlainVoice(), lambda: tmp_path) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(said)
    assert "Traceback" not in err
    assert "secret detail" not in err
    log = tmp_path / "nextshot.log"
    assert log.exists() == isinstance(raised, ZeroDivisionError)
    assert "secret detail" in log.read_text() if log.exists() else True


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_lets_the_work_close_what_it_opened(number: signal.Signals, code: int) -> None:
    """Cancelled, cleaned up, and the shell's own code for it."""
    closed = []

    async def work() -> None:
        asyncio.get_running_loop().call_later(0.05, os.kill, os.getpid(), number)
        try:
            await asyncio.sleep(10)
        finally:
            await asyncio.sleep(0)
            closed.append(True)

    assert run_to_its_end(work, PlainVoice(), lambda: None) == code
    assert closed == [True]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["create", "x", "--secnds", "4"], "No such option: --secnds"),
        (["create", "x", "--seconds", "many"], "Invalid value for '--seconds'"),
        (["create", "x", "--first-frame", "none.png"], "none.png"),
        (["create"], "Missing argument"),
        (["download", "k7-1", "--variant", "avi"], "'avi' is not one of"),
        (["history", "--limit", "0"], "--limit"),
        (["create", "x"], "NEXTSHOT_WEB_PORT is 'x' in the environment"),
    ],
)
def test_what_was_typed_is_refused_in_one_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    """Exit code 2, one line on stderr, a JSON object where that was asked for, and no data directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NEXTSHOT_WEB_PORT", "x")
    for more in ([], ["--json"]):
        monkeypatch.setattr("sys.argv", ["nextshot", *arguments, *more])
        assert cli.main() == 2
        out, err = capsys.readouterr()
        assert said in err
        assert len(err.splitlines()) == 1
        assert [json.loads(line).keys() for line in out.splitlines()] == [{"error", "kind"}] * len(more)
    assert list(tmp_path.iterdir()) == []


def test_the_doctor_tells_a_database_of_another_program(tmp_path: Path) -> None:
    """What a start would refuse is not called fine."""
    with sqlite3.connect(tmp_path / "nextshot.db") as connection:
        connection.execute("CREATE TABLE shot (x)")
    connection.close()
    (found,) = check_database(load_settings(data_dir=tmp_path))
    assert (found.level, "belongs to another program" in found.says) == (Level.PROBLEM, True)


def test_the_doctor_tells_a_read_only_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a check that breaks does not hide the others."""
    settings = load_settings(data_dir=tmp_path)
    (tmp_path / "nextshot.db").touch()
    monkeypatch.setattr("os.access", lambda *_: False)
    (found,) = check_database(settings)
    assert (found.level, "is read-only" in found.says) == (Level.PROBLEM, True)

    def broken(_: Settings) -> Iterator[Finding]:
        yield ok("one")
        raise ZeroDivisionError("oh")

    assert "ZeroDivisionError" in guarded(broken, settings)[-1].says


def _of_discord(directory: Path, **given_values: str) -> list[Finding]:
    return list(check_discord(load_settings(data_dir=directory, **given_values)))


def test_the_doctor_says_how_to_have_the_bot_in_a_server(tmp_path: Path) -> None:
    """With the application's id from the token, of which the rest is not shown."""
    (none,) = _of_discord(tmp_path)
    assert (none.level, none.says) == (Level.OK, "Discord is not served: there is no NEXTSHOT_DISCORD_TOKEN.")
    token, invite, alone, let_in = _of_discord(tmp_path, discord_token=DISCORD_TOKEN, discord_allowed="*")
    assert token.says == "Discord is served with the token of application 123456789012345678."
    assert invite.says.startswith(
        "https://discord.com/oauth2/authorize?client_id=123456789012345678&scope=bot+applications.commands"
        "&permissions=309237746688 adds the bot to a server"
    )
    assert alone.says.startswith(
        "https://discord.com/oauth2/authorize?client_id=123456789012345678&scope=applications.commands"
        "&integration_type=1 adds the commands to one person"
    )
    assert let_in.says == "Everybody is let in."
    proxied = _of_discord(tmp_path, discord_token=DISCORD_TOKEN, discord_api_url="http://127.0.0.1:3000/api/")
    assert proxied[0].says.endswith("of application 123456789012345678, through http://127.0.0.1:3000/api.")


def test_the_doctor_says_whom_discord_s_lists_let_in(tmp_path: Path) -> None:
    """Nobody is worth a warning; of a long list the first entries are enough."""
    nobody = _of_discord(tmp_path, discord_token=DISCORD_TOKEN, discord_blocked="1" * 18)[-1]
    assert (nobody.level, "set NEXTSHOT_DISCORD_ALLOWED" in nobody.says) == (Level.WARNING, True)
    lists = {"discord_allowed": f"guild:{'2' * 18}", "discord_admins": f"user:{'3' * 18}", "discord_blocked": "4" * 18}
    some = _of_discord(tmp_path, discord_token=DISCORD_TOKEN, **lists)[-1]
    assert some.says == f"Let in are guild:{'2' * 18}, user:{'3' * 18}, but not {'4' * 18}."
    many = ",".join(str(10**17 + number) for number in range(15))
    assert _of_discord(tmp_path, discord_token=DISCORD_TOKEN, discord_allowed=many)[-1].says.endswith("011 and 3 more.")
