"""A child that misbehaves hurts nobody: it ends, nothing of it stays, and the caller gets a sentence."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import media
from engine.errors import BadMedia, DiskFull, MediaError, MediaLimit
from engine.media import processes
from engine.media.child import _say_system_error
from engine.media.runner import Limits, run
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


async def test_the_event_loop_goes_on_while_media_work_runs(tmp_path: Path) -> None:
    """Thousands of short waits pass beside a probe; none of the work is done in this process."""
    clip = await asyncio.to_thread(make, tmp_path / "clip.mp4", Recipe(frames=240, width=640, height=360))
    call = asyncio.create_task(media.probe(clip))
    turns = 0
    own = time.process_time()
    while not call.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert (await call).frames == 240
    assert turns > 50
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
