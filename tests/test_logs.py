"""Log lines: fields for a machine, words for a person, secrets for nobody."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer

from bot import logs
from bot.logs import FILE_NAME, named, secrets_of, set_up_logging
from bot.settings import load_settings
from bot.terminal import backup

SECRET = 'pass"wörd\\1'


class Screen(io.StringIO):
    """A stderr that is a terminal."""

    def isatty(self) -> bool:
        return True


@dataclass
class Written:
    """What went to stderr, which is no terminal."""

    capsys: pytest.CaptureFixture[str]

    def getvalue(self) -> str:
        return self.capsys.readouterr().err


@pytest.fixture
def stderr(capsys: pytest.CaptureFixture[str]) -> Iterator[Written]:
    """Logging is as it was afterwards."""
    root, raised = logging.getLogger(), logging.raiseExceptions
    handlers, level = root.handlers[:], root.level
    root.handlers = []
    yield Written(capsys)
    for handler in root.handlers:
        handler.close()
    root.handlers = handlers
    root.setLevel(level)
    logging.raiseExceptions = raised
    logging.captureWarnings(capture=False)
    logs._secrets.clear()


def lines(stderr: Written) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stderr.getvalue().splitlines()]


log = logging.getLogger("engine.somewhere")


def test_a_line_of_ours_becomes_fields(tmp_path: Path, stderr: Written) -> None:
    """The words are the event, each `key=` is a field with its type, and what follows a colon is the reason."""
    set_up_logging("info", tmp_path, to_stderr=True)
    log.info("job moved job=%d provider=%s state=%s from=%s", 5, "fal", "ready", "saving")
    log.warning("step dropped job=%d: %s", 5, ValueError("no"))
    log.warning("interaction left id=%d: its person was told", 8)
    moved, dropped, left = lines(stderr)
    assert {
        "event": "job moved",
        "job": 5,
        "provider": "fal",
        "state": "ready",
        "from": "saving",
    }.items() <= moved.items()
    assert (moved["level"], moved["logger"], moved["time"][-1]) == ("info", "engine.somewhere", "Z")
    assert (dropped["event"], dropped["job"], dropped["error"], dropped["reason"]) == (
        "step dropped",
        5,
        "ValueError",
        "no",
    )
    assert (left["event"], left["id"]) == ("interaction left: its person was told", 8)


def test_what_somebody_typed_is_no_field(tmp_path: Path, stderr: Written) -> None:
    """Fields come from our own words, so that a name like `job=7 level=error` stays a name."""
    set_up_logging("info", tmp_path, to_stderr=True)
    log.info("answer not said place=%s: %s", "local:x job=7", "job=8\nlevel=error")
    log.info("it is said of %s", "job=9")
    answer, said = lines(stderr)
    assert (answer["place"], answer["reason"], answer.get("job")) == ("local:x job=7", "job=8\nlevel=error", None)
    assert (said["event"], said.get("job")) == ("it is said of job=9", None)


async def test_what_is_logged_in_a_step_carries_its_job(tmp_path: Path, stderr: Written) -> None:
    """Lines of libraries and of tasks that it begins, too; what a line says itself is stronger, and nothing stays after it."""
    set_up_logging("info", tmp_path, to_stderr=True)

    async def deeper() -> None:
        logging.getLogger("some.library").info("connected to %s", "there")

    with named(job=7, provider="fal"):
        await asyncio.create_task(deeper())
        log.info("moved job=%d", 9)
    log.info("later")
    library, own, later = lines(stderr)
    assert (library["event"], library["job"], library["provider"]) == ("connected to there", 7, "fal")
    assert (own["job"], own["provider"]) == (9, "fal")
    assert "job" not in later


def say_secrets() -> None:
    log.warning("refused key=%s: %s", SECRET, "https://api.telegram.org/bot123456:AAE-secret_1/getMe")
    log.warning("asked with Basic dXNlcjpwYXNzd29yZA== and X-API-Key: k3y-in-a-head and {'x-key': 'k3y-in-b'}")
    log.warning("opened postgresql://me:p@ssw0rd@host/films")
    log.warning("asked %s with Authorization: Bearer abcdefghijklmnop", f"https://u:{SECRET}@h/x?a=1&token=tok-123")
    try:
        int(f"the server does not like {SECRET}")
    except ValueError:
        log.exception("crashed")


def test_text_that_is_made_to_be_slow_is_not() -> None:
    """A prompt of a hundred thousand signs is looked through in a moment, whatever they are."""
    for text in ("a+" * 50_000, "a" * 100_000, "http://" + "a:" * 50_000, "x-" * 50_000, "key :" * 20_000):
        began = time.process_time()
        assert logs.redacted(text) == text
        assert time.process_time() - began < 1.0


def test_a_backup_logs_without_secrets(tmp_path: Path, stderr: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its commands have a start of their own, and the same secrets and shape as the others."""
    monkeypatch.setenv("NEXTSHOT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("NEXTSHOT_WEB_PASSWORD", SECRET)
    monkeypatch.setenv("NEXTSHOT_LOG_FORMAT", "json")

    async def say(*_: object) -> None:
        say_secrets()

    with pytest.raises(typer.Exit):
        backup._perform(as_json=True, work=say)
    written = (tmp_path / FILE_NAME).read_text()
    assert "like …" in written
    assert written.startswith("{")
    assert "rd\\\\1" not in written


@pytest.mark.parametrize("shape", ["json", "text"])
def test_no_secret_is_written(tmp_path: Path, stderr: Written, shape: Any) -> None:
    """Not as a field, not in an address, not in a trace; neither to stderr nor to the file, in both shapes."""
    set_up_logging("info", tmp_path, to_stderr=True, shape=shape, secrets=[SECRET])
    say_secrets()
    for written in (stderr.getvalue(), (tmp_path / FILE_NAME).read_text()):
        assert "like …" in written
        assert "/bot…/getMe" in written
        for part in ("wörd", "w\\u00f6rd", "AAE-secret", "abcdefghijklmnop", "tok-123", "dXNlcj", "k3y-in", "ssw0rd"):
            assert part not in written


def test_the_secrets_are_those_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens, passwords and keys of services; no address and no name is one."""
    monkeypatch.setenv("NEXTSHOT_WEB_PASSWORD", "something-long")
    monkeypatch.setenv("NEXTSHOT_XAI_KEY", "xai-key-1234")
    monkeypatch.setenv("NEXTSHOT_XAI_URL", "http://127.0.0.1:9")
    assert set(secrets_of(load_settings())) == {"something-long", "xai-key-1234"}


def test_a_person_reads_text_and_a_machine_reads_json(
    tmp_path: Path, stderr: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A terminal gets words, a pipe gets JSON; the file is opened by a person. What was asked for is stronger."""
    shown: dict[tuple[bool, str | None], tuple[bool, bool]] = {}
    for shape in (None, "text", "json"):
        for screen in (io.StringIO(), Screen()):
            monkeypatch.setattr(sys, "stderr", screen)
            file = tmp_path / f"{shape}-{screen.isatty()}"
            file.mkdir()
            set_up_logging("info", file, to_stderr=True, shape=shape)
            log.warning("job moved job=%d", 5)
            kept = (file / FILE_NAME).read_text()
            shown[screen.isatty(), shape] = screen.getvalue().startswith("{"), kept.startswith("{")
    assert shown == {
        (False, None): (True, False),
        (True, None): (False, False),
        (False, "text"): (False, False),
        (True, "text"): (False, False),
        (False, "json"): (True, True),
        (True, "json"): (True, True),
    }


def test_a_text_line_is_as_it_was(tmp_path: Path, stderr: Written) -> None:
    """Time, level, logger, words; and the job where the line does not name it."""
    set_up_logging("info", tmp_path, to_stderr=True, shape="text")
    with named(job=7):
        log.info("render started task=%s", "t")
        log.info("moved job=%d", 7)
    started, moved = stderr.getvalue().splitlines()
    assert started.partition("Z ")[2] == "level=info logger=engine.somewhere render started task=t job=7"
    assert moved.endswith("moved job=7")


def test_a_trace_is_one_json_line(tmp_path: Path, stderr: Written) -> None:
    """And a message that does not fit its values breaks nobody's log."""
    set_up_logging("info", tmp_path, to_stderr=True)
    try:
        int("boo")
    except ValueError:
        log.exception("step crashed job=%d", 5)
    (line,) = lines(stderr)
    assert line["event"] == "step crashed"
    assert line["exception"].endswith("invalid literal for int() with base 10: 'boo'")
