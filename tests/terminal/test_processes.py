"""The terminal as people and scripts use it: real processes, real files, signals and kills."""

from __future__ import annotations

import asyncio
import os
import pty
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import av
import httpx
import pytest
from PIL import Image

from engine.open import utc_now
from storage import Post, Transcript, opened_store
from tests.fakes.provider import write_clip
from tests.terminal.processes import QUICK, Ended, Terminal, ended, read_until

ANY_PORT = {"NEXTSHOT_WEB_PORT": "0"}
NEEDED = {"state", "file", "seconds", "width", "height", "fps"}


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal in an empty directory."""
    return Terminal(tmp_path)


def refused(end: Ended, said: str) -> None:
    """One sentence on stderr that says this, exit code 2, no trace."""
    assert end.code == 2, end
    assert said in end.err
    assert len(end.err.splitlines()) == 1
    assert "Traceback" not in end.out + end.err


def test_a_film_in_three_commands(terminal: Terminal, tmp_path: Path) -> None:
    """create, continue, stitch; what each prints is what the files are; the pictures come out, and nothing is overwritten."""
    picture = tmp_path / "start.png"
    Image.new("RGB", (854, 480), "teal").save(picture)
    first = terminal.run(
        "create", "a lamp", "on a cliff", *QUICK, "--seed", "7", "--first-frame", "start.png", "--json"
    )
    assert first.code == 0, first
    assert first.last["shot"] == "a1-1"
    assert first.last["prompt"] == "a lamp on a cliff"
    assert first.last.keys() >= NEEDED
    assert [line["state"] for line in first.lines][:1] == ["queued"]
    second = terminal.run("continue", "a boat", "--from", "a1-1", "--json")
    assert (second.code, second.last["shot"], second.last["parent"]) == (0, "a1-2", "a1-1")
    assert (second.last["width"], second.last["height"], second.last["fps"]) == (854, 480, 24.0)
    seen = terminal.run("show", "a1-2", "--json").last
    assert (seen["seam"] > 90, seen["in_a_row"]) == (True, 1)

    film = terminal.run("stitch")
    assert film.code == 0, film
    assert film.err == ""
    file = Path(film.out.splitlines()[-1])
    assert file.is_absolute()
    with av.open(str(file)) as container:
        assert container.streams.video[0].frames == 2 * 48 - 1
    shown = terminal.run("show", "a1-f1", "--json").last
    assert (shown["film"], shown["file"], shown["shots"]) == ("a1-f1", str(file), ["a1-1", "a1-2"])

    assert [line["shot"] for line in terminal.run("history", "--json").lines] == ["a1-2", "a1-1"]
    frame = terminal.run("download", "a1-2", "--variant", "last-frame", "--out", "frame.png", "--json")
    assert frame.last["file"] == str(tmp_path / "frame.png")
    with Image.open(tmp_path / "frame.png") as still:
        assert still.size == (854, 480)
    refused(terminal.run("download", "a1-1", "--variant", "last-frame", "--out", "frame.png"), "is there already")
    said = terminal.run("download", "a1-f1", "--variant", "gif").out.splitlines()
    assert (said[0], said[-1]) == ("a1-f1 making the gif", str(tmp_path / "a1-f1.gif"))
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_video_of_one_s_own_and_what_a_place_chooses(terminal: Terminal, tmp_path: Path) -> None:
    """A given file becomes a shot, and stays where it was; what is chosen is told, taken back, or refused in a sentence."""
    write_clip(tmp_path / "mine.mp4", seconds=1, colour=9, size=(128, 72))
    before = (tmp_path / "mine.mp4").read_bytes()
    added = terminal.run("add", "mine.mp4", "a", "fox", "--json").last
    assert (added["shot"], added["prompt"], added["provider"], added["width"]) == ("a1-1", "a fox", None, 128)
    assert Path(added["file"]).read_bytes() == (tmp_path / "mine.mp4").read_bytes() == before
    refused(terminal.run("retake", "a1-1"), "nextshot continue a1-1 goes on from it")
    refused(terminal.run("add", "pyproject.toml"), "pyproject.toml")
    assert terminal.run("settings", "--ratio", "9:16", "--seconds", "3", "--json").last["chosen"] == [
        "seconds",
        "ratio",
    ]
    refused(terminal.run("settings", "--seconds", "long"), "--seconds is a number, such as --seconds 6, or default")
    chosen = terminal.run("settings", "--seconds", "default", "--json").last
    assert (chosen["ratio"], chosen["chosen"]) == ("9:16", ["ratio"])


def test_control_c_then_resume(terminal: Terminal) -> None:
    """The whole process group gets Ctrl-C, as from a keyboard: 130, a word on how to resume, and resuming finishes it once."""
    process = terminal.start("create", "a lamp", "--seconds", "3", "--resolution", "480p", "--json")
    read_until(process, "rendering")
    os.killpg(process.pid, signal.SIGINT)
    stopped = ended(process)
    assert stopped.code == 130
    assert stopped.err == "a1-1 is kept; go on with: nextshot resume a1-1\n"
    assert stopped.last["resume"] == "nextshot resume a1-1"
    out, code = on_a_screen(terminal, "resume")
    assert code == 0
    assert "rendering" in out
    assert "━" in out
    assert "a1-1  ready  3 s  854x480" in out
    assert len(terminal.run("history", "--json").lines) == 1
    assert terminal.run("resume").err == "Nothing is unfinished here.\n"


def on_a_screen(terminal: Terminal, *arguments: str) -> tuple[str, int]:
    """What a command writes to a terminal of 100 columns, and its exit code."""
    ours, theirs = pty.openpty()
    process = terminal.start(*arguments, stdout=theirs, environment={"COLUMNS": "100", "TERM": "xterm"})
    os.close(theirs)
    written = b""
    try:
        while part := os.read(ours, 65536):
            written += part
    except OSError:  # Linux says so when the other end is closed
        pass
    os.close(ours)
    return written.decode(), ended(process).code


def test_beside_a_server(terminal: Terminal) -> None:
    """The terminal and the page share one studio; the server is killed in the middle, and the command finishes the shot itself."""
    with terminal.server() as (server, url):
        assert httpx.get(f"{url}healthz").status_code == 200
        made = terminal.run("create", "a lamp", *QUICK, "--json")
        assert (made.code, made.last["shot"]) == (0, "a1-1")
        assert terminal.run("story", "--json").lines[1]["shot"] == "a1-1"
        refused(terminal.run("show", "k9-9"), "There is no shot k9-9 here; nextshot story")
        refused(terminal.run("run", "--port", "0"), f"its page is {url}")
        process = terminal.start("continue", "a boat", "--seconds", "3", "--json")
        read_until(process, "rendering")
        server.send_signal(signal.SIGKILL)
        finished = ended(process)
        assert (finished.code, finished.last["shot"], finished.last["state"]) == (0, "a1-2", "ready"), finished
    with terminal.server() as (server, _):
        assert len(terminal.run("history", "--json").lines) == 2
        server.send_signal(signal.SIGTERM)
        assert (server.wait(5), ended(server).err) == (0, "")
    assert len([post for post in asyncio.run(posts(terminal)) if post.body.get("video")]) == 2


async def posts(terminal: Terminal) -> Sequence[Post]:
    """What the page shows of the terminal's place."""
    async with opened_store(f"sqlite:///{terminal.data}/nextshot.db", utc_now) as store:
        return await Transcript(store).posts("local:home")


def test_commands_at_once(terminal: Terminal) -> None:
    """All but one work through that one's process, and go on by themselves when it is done; a third one cancels."""
    short = terminal.start("create", "a lamp", *QUICK, "--json")
    long = terminal.start("create", "a boat", "--seconds", "5", "--resolution", "480p", "--json")
    read_until(long, "queued")
    doomed = terminal.start("create", "a rock", "--seconds", "20")
    assert doomed.stdout is not None
    shot = doomed.stdout.readline().split()[0]
    cancelled = terminal.run("cancel", shot)
    assert (cancelled.code, cancelled.out) == (0, f"{shot}  cancelled\n"), cancelled
    end = ended(doomed)
    assert (end.code, end.err) == (1, f"{shot} was cancelled.\n")
    ends = [ended(short), ended(long)]
    assert [end.code for end in ends] == [0, 0], ends
    assert {end.last["shot"] for end in ends} | {shot} == {"a1-1", "b1-1", "c1-1"}
    assert len(terminal.run("history", "--json").lines) == 2


def garbage(data: Path) -> None:
    data.mkdir()
    (data / "nextshot.db").write_bytes(b"no database at all" * 1000)


def newer(data: Path) -> None:
    data.mkdir()
    with sqlite3.connect(data / "nextshot.db") as connection:
        connection.execute("PRAGMA journal_mode=wal")
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
    connection.close()


def anothers(data: Path) -> None:
    data.mkdir()
    with sqlite3.connect(data / "nextshot.db") as connection:
        connection.execute("PRAGMA journal_mode=wal")
        connection.execute("CREATE TABLE shot (x)")
    connection.close()


def a_file(data: Path) -> None:
    data.write_text("a file")


def nothing(data: Path) -> None:
    assert not data.exists()


@pytest.mark.parametrize(
    ("prepare", "arguments", "environment", "said"),
    [
        (nothing, ("creat", "x"), {}, "Did you mean 'create'? See: nextshot --help"),
        (nothing, ("create", "x"), {"NEXTSHOT_DATA_DIR": "/proc"}, "/proc/nextshot.lock cannot be used"),
        (nothing, ("run", "--host", "0.0.0.0"), {}, "NEXTSHOT_WEB_PASSWORD"),  # noqa: S104  # the refused value
        (a_file, ("create", "x"), {}, "cannot be used (File exists)"),
        (garbage, ("create", "x"), {}, "is damaged or not a database"),
        (anothers, ("create", "x"), {}, "belongs to another program"),
        (newer, ("create", "x"), {}, "made by a newer Nextshot"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    terminal: Terminal,
    prepare: Callable[[Path], None],
    arguments: tuple[str, ...],
    environment: dict[str, str],
    said: str,
) -> None:
    """Exit code 2 before anything is begun: what was there is there, byte for byte."""
    prepare(terminal.data)
    before = {path: path.read_bytes() for path in terminal.home.rglob("*.db")}
    refused(terminal.run(*arguments, environment=environment), said)
    assert {path: path.read_bytes() for path in terminal.home.rglob("*.db")} == before
    assert terminal.data.exists() == (prepare is not nothing)


def test_what_the_studio_refuses(terminal: Terminal) -> None:
    """Its sentence, in a pipe and as JSON, and no story was begun by any of it."""
    refused(terminal.run("create", ""), "Say what the shot shows, for example: nextshot create a lighthouse")
    as_json = terminal.run("stitch", "k7-1", "--json")
    assert as_json.last["kind"] == "NotFound"
    refused(as_json, as_json.last["error"])
    empty = terminal.run("stories")
    assert (empty.code, empty.out, empty.err[:28]) == (0, "", "There is no story here yet; ")
    assert "older than 3;" in terminal.run("history", "--before", "3").err
    assert "no clip of yours" in terminal.run("history", "--mine").err


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not installed: root may write everywhere")
@pytest.mark.parametrize(("name", "said"), [("", "may not be written"), ("nextshot.db", "is read-only")])
def test_read_only(terminal: Terminal, name: str, said: str) -> None:
    """A data directory or a database that may only be read: one sentence, and it stays as it was."""
    assert terminal.run("stories").code == 0
    (terminal.data / "nextshot.lock").unlink()
    target = terminal.data / name
    target.chmod(0o500 if target.is_dir() else 0o400)
    before = (terminal.data / "nextshot.db").read_bytes()
    try:
        refused(terminal.run("create", "x", as_anybody=True), said)
        assert (terminal.data / "nextshot.db").read_bytes() == before
    finally:
        target.chmod(0o700)


def test_the_port_is_in_use(terminal: Terminal) -> None:
    """The server says so before it touches the data directory."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused(terminal.run("run", "--port", port), f"Port {port} on 127.0.0.1 is in use")
    assert not terminal.data.exists()


def test_a_holder_that_does_not_answer(terminal: Terminal) -> None:
    """A stopped server keeps the lock and its socket: the command gives up with a sentence."""
    with terminal.server() as (server, _):
        server.send_signal(signal.SIGSTOP)
        refused(terminal.run("history"), "does not answer")


def test_doctor(terminal: Terminal) -> None:
    """It changes nothing, finds this machine fit, and ends with 2 when the database is none."""
    found = terminal.run("doctor", "--json", environment=ANY_PORT)
    assert found.code == 0, found
    assert {line["level"] for line in found.lines} <= {"ok", "warning"}
    assert {line["check"] for line in found.lines} >= {
        "python",
        "settings",
        "data",
        "database",
        "providers",
        "media",
        "port",
        "discord",
    }
    assert list(terminal.home.iterdir()) == []
    garbage(terminal.data)
    broken = terminal.run("doctor", environment=ANY_PORT)
    assert broken.code == 2
    assert "problem\tdatabase\t" in broken.out
    assert "Traceback" not in broken.out + broken.err


def test_a_reader_that_goes_away(terminal: Terminal) -> None:
    """`nextshot … | head -0` ends without a word."""
    process = terminal.start("doctor", environment=ANY_PORT)
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    assert ended(process).err == ""


def test_without_the_extra() -> None:
    """Where typer is not installed, one sentence says what to install."""
    code = "import sys; sys.modules['typer'] = None; from bot.__main__ import main; main()"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == "The command line needs typer: pip install 'nextshot[bot]'\n"
