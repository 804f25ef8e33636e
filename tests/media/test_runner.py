"""A child that misbehaves hurts nobody: it ends, nothing of it stays, and the caller gets a sentence."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import media
from engine.errors import BadMedia, DiskFull, MediaError, MediaLimit
from engine.media import processes
from engine.media.child import _say_system_error
from engine.media.report import _APART_S, Report
from engine.media.runner import Limits, _done, _Hearing, run
from tests.media.makers import Recipe, make, names

CHILD = "tests.media.misbehaving"
WAYS = [pytest.param(False, id="started"), pytest.param(True, id="forked")] if processes.FORKS else [False]


@pytest.fixture(autouse=True, params=WAYS)
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to have a child, where this system has both."""
    monkeypatch.setattr(processes, "FORKS", request.param)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def _until(holds: Callable[[], object]) -> None:
    """Waits for another process, which tells nobody when it is so far."""

    def wait() -> None:
        give_up = time.monotonic() + 20
        while not holds():
            assert time.monotonic() < give_up
            time.sleep(0.02)

    await asyncio.to_thread(wait)


async def _pid(note: Path) -> int:
    """The child's process id, once it has written it."""
    found: list[str] = []

    def is_there() -> bool:
        found[:] = note.read_text("ascii").split() if note.exists() else []
        return bool(found)

    await _until(is_there)
    return int(found[0])


@pytest.mark.parametrize(
    ("work", "limits", "error", "sentence"),
    [
        ("hang", Limits(wall_s=1.5), MediaLimit, "took too long"),
        ("crash", Limits(), MediaError, "broke off"),
        ("swell", Limits(memory_bytes=2 << 30), MediaLimit, "more memory"),
        ("fill", Limits(file_bytes=4 << 20), MediaLimit, "larger than it may be"),
        ("stumble", Limits(), MediaError, "broke off"),
        ("babble", Limits(), MediaError, "broke off"),
        ("refuse", Limits(), BadMedia, "not one"),
    ],
)
async def test_misbehaviour_ends_in_a_sentence(
    tmp_path: Path, work: str, limits: Limits, error: type[MediaError], sentence: str
) -> None:
    """Its class says what happened; no path and no traceback is in it, and no file is left."""
    target = tmp_path / "out.bin"
    target.write_bytes(b"what was there before")
    with pytest.raises(error, match=sentence) as raised:
        await run(work, {}, target=target, limits=limits, child=CHILD)
    assert type(raised.value) is error
    assert "secret" not in str(raised.value)
    assert names(tmp_path) == ["out.bin"]
    assert target.read_bytes() == b"what was there before"


async def test_the_place_of_a_bad_clip_comes_through() -> None:
    """BadMedia carries it over the process border."""
    with pytest.raises(BadMedia) as raised:
        await run("refuse", {}, child=CHILD)
    assert raised.value.clip == 3


async def test_a_busy_child_is_stopped_by_its_processor_limit() -> None:
    """Also where the clock on the wall would let it go on."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", CHILD, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    assert process.stdin
    job = b'{"work":"spin","arguments":{},"target":null,"scratch":null,"wall_s":0,"memory_bytes":3000000000,"file_bytes":1}\n'
    process.stdin.write(job)
    assert await asyncio.wait_for(process.wait(), 20) == -signal.SIGXCPU
    process.stdin.close()


async def test_a_cancelled_caller_takes_the_child_along(tmp_path: Path) -> None:
    """It is dead and its half-written file is gone when the cancelled call returns."""
    note = tmp_path / "pid"
    call = asyncio.create_task(run("hang", {"note": str(note)}, target=tmp_path / "out.bin", child=CHILD))
    pid = await _pid(note)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert not _lives(pid)
    assert names(tmp_path) == ["pid"]


async def test_a_child_that_has_said_its_word_is_not_waited_for_and_does_not_stay(tmp_path: Path) -> None:
    """Also one that a file took over, and that says it is done and goes on."""
    assert await asyncio.wait_for(run("stay", {"note": str(tmp_path / "pid")}, child=CHILD), 20) == {}
    pid = await _pid(tmp_path / "pid")
    await _until(lambda: not _lives(pid))


async def test_a_child_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    """When the process that started it is gone, it removes what it had written and ends."""
    note = tmp_path / "pid"
    program = (
        "import asyncio, pathlib, sys\n"
        "from engine.media.runner import run\n"
        "note, target, child = sys.argv[1:]\n"
        "asyncio.run(run('hang', {'note': note}, target=pathlib.Path(target), child=child))\n"
    )
    arguments = (str(note), str(tmp_path / "out.bin"), CHILD)
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", program, *arguments)
    pid = await _pid(note)
    parent.kill()
    await parent.wait()
    await _until(lambda: not _lives(pid) and names(tmp_path) == ["pid"])


async def test_a_child_knows_nothing_of_us(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting or key of ours is in its environment; it leads a session of its own, behind everybody else in the queue."""
    monkeypatch.setenv("NEXTSHOT_SECRET", "x")
    told = await run("tell", {}, child=CHILD)
    assert "NEXTSHOT_SECRET" not in told["environment"]
    assert "HOME" not in told["environment"]
    assert told["session"] != os.getsid(0)
    assert told["nice"] >= 10


async def test_a_finished_file_replaces_what_was_there(tmp_path: Path) -> None:
    """In one step, and nothing else stays in the directory."""
    (tmp_path / "out.bin").write_bytes(b"old")
    await run("write", {}, target=tmp_path / "out.bin", child=CHILD)
    assert names(tmp_path) == ["out.bin"]
    assert (tmp_path / "out.bin").read_bytes() == b"whole"


def test_a_full_disk_is_said_to_be_full(capsys: pytest.CaptureFixture[str]) -> None:
    """The child reports it by the name of its class."""
    _say_system_error(OSError(28, "No space left on device"))
    assert f'"error": "{DiskFull.__name__}"' in capsys.readouterr().out


def test_percents_are_said_as_fast_as_somebody_reads_and_the_last_one_always() -> None:
    """Work that says each of a hundred at once would wait for its own voice."""
    said: list[float] = []

    def say(*, percent: float) -> None:
        said.append(percent)

    report = Report(say, 60.0)
    report.expect(1000)
    begun = time.monotonic()
    for _ in range(1000):
        report.advance(1)
    assert said == sorted(set(said))
    assert (said[0], said[-1]) == (0.0, 100.0)
    assert len(said) <= 2 + (time.monotonic() - begun) / _APART_S


async def test_the_event_loop_goes_on_while_media_work_runs(tmp_path: Path) -> None:
    """Short waits pass beside a probe; none of the work is done in this process."""
    recipe = Recipe(frames=96, width=640, height=360, options={"preset": "ultrafast", "crf": "30"})
    clip = await asyncio.to_thread(make, tmp_path / "clip.mp4", recipe)
    call = asyncio.create_task(media.probe(clip))
    turns = 0
    own = time.process_time()
    while not call.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert (await call).frames == 96
    assert turns > 5
    assert time.process_time() - own < 1.0


async def test_the_death_of_the_fork_server_is_not_noticed() -> None:
    """The next piece of work has a new one; where it died of idleness just as it was asked, that one does the work."""
    if not processes.FORKS:
        pytest.skip("children are not forked here")
    assert (await run("tell", {}, child=CHILD))["session"]
    server = processes._servers[CHILD]
    os.kill(server._process.pid, signal.SIGSTOP)  # it takes the job, and never looks at it
    asked = asyncio.create_task(run("tell", {}, child=CHILD))
    await asyncio.sleep(0.1)
    os.kill(server._process.pid, signal.SIGKILL)
    assert (await asked)["session"]
    assert processes._servers[CHILD] is not server


async def test_work_goes_on_where_the_fork_server_was_killed(tmp_path: Path) -> None:
    """A child needs it for nothing any more; only its exit code is not known."""
    if not processes.FORKS:
        pytest.skip("children are not forked here")
    call = asyncio.create_task(run("doze", {"note": str(tmp_path / "pid")}, target=tmp_path / "out.bin", child=CHILD))
    await _pid(tmp_path / "pid")
    os.kill(processes._servers[CHILD]._process.pid, signal.SIGKILL)
    await call
    assert names(tmp_path) == ["out.bin", "pid"]


def _job(work: str, arguments: dict[str, object], target: Path | None = None) -> dict[str, object]:
    scratch = str(target.with_name("scratch")) if target else None
    files = {"target": str(target) if target else None, "scratch": scratch}
    return {"work": work, "arguments": arguments, **files, "wall_s": 60, "memory_bytes": 3 << 30, "file_bytes": 8 << 30}


async def _server_that_hangs(monkeypatch: pytest.MonkeyPatch) -> processes._Server:
    """It lives, takes jobs, and never looks at them."""
    if not processes.FORKS:
        pytest.skip("children are not forked here")
    monkeypatch.setattr(processes, "_WIND_UP_S", 0.3)
    assert (await run("tell", {}, child=CHILD))["session"]
    return processes._servers[CHILD]


async def test_a_fork_server_that_hangs_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the first whose time is over: it and all others who were never begun are asked for again, and no clip is lost."""
    server = await _server_that_hangs(monkeypatch)
    os.kill(server._process.pid, signal.SIGSTOP)
    other = asyncio.create_task(run("tell", {}, child=CHILD))
    said = await _done("tell", _job("tell", {}), Limits(wall_s=0.3), CHILD, hear=_Hearing(), scratch=None)
    assert said == {}
    assert (await other)["session"]
    assert processes._servers[CHILD] is not server
    assert not server.lives


async def test_work_that_is_done_counts_though_the_fork_server_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only its end is not told: a paid clip that is written is not given up."""
    server = await _server_that_hangs(monkeypatch)
    target = tmp_path / "out.bin"
    job = _job("doze", {"note": str(tmp_path / "pid")}, target)
    limits = Limits(wall_s=2.5)
    call = asyncio.create_task(_done("doze", job, limits, CHILD, hear=_Hearing(), scratch=tmp_path / "scratch"))
    await _pid(tmp_path / "pid")
    os.kill(server._process.pid, signal.SIGSTOP)
    try:
        assert await call == {"result": {}}
    finally:
        server.stop()
    assert names(tmp_path) == ["out.bin", "pid"]


async def test_to_kill_a_child_never_holds_up_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where its fork server hangs and has no room for another word."""
    server = await _server_that_hangs(monkeypatch)
    os.kill(server._process.pid, signal.SIGSTOP)
    server._control.settimeout(30)
    began = time.monotonic()
    for number in range(2_000):
        server.kill(10**9 + number)
    assert time.monotonic() - began < 20
    server.stop()


async def test_a_caller_who_is_gone_before_the_child_leaves_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cancelled while the fork server is asked: what it gives is closed."""
    server = await _server_that_hangs(monkeypatch)
    asked, go_on, given = threading.Event(), threading.Event(), []
    ask = processes._ask

    def slow(module: str) -> processes._Asked:
        asked.set()
        assert go_on.wait(60)
        given.append(ask(module))
        return given[0]

    monkeypatch.setattr(processes, "_ask", slow)
    call = asyncio.create_task(run("tell", {}, child=CHILD))
    assert await asyncio.to_thread(asked.wait, 60)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    go_on.set()
    await _until(lambda: given)
    await _until(lambda: given[0].ours.fileno() == -1)
    assert server.lives


def test_a_forked_child_has_no_file_of_another() -> None:
    """However many there are."""
    if not processes.FORKS:
        pytest.skip("children are not forked here")
    script = (
        "import os, resource\n"
        "from engine.media.fork_server import close_files\n"
        "hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))\n"
        "os.dup2(0, 1500)\n"
        "close_files()\n"
        "print(sorted(map(int, os.listdir('/proc/self/fd'))))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert done.stdout == "[0, 1, 2, 3]\n"  # 3 is the directory that is read
