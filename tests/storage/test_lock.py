"""One process per data directory, whatever happens to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from engine.errors import StorageUnavailable
from storage import DirectoryLock, read_holder

HOLD = """
import sys, time
from pathlib import Path
from storage.lock import DirectoryLock
DirectoryLock(Path(sys.argv[1]), port=8080).acquire()
print("held", flush=True)
time.sleep(60)
"""


def holder_of(directory: Path) -> subprocess.Popen[bytes]:
    """Another process that holds the directory by now."""
    root = Path(__file__).parents[2]
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(directory)], stdout=subprocess.PIPE, cwd=root)
    assert process.stdout
    assert process.stdout.readline() == b"held\n"
    process.stdout.close()
    return process


def test_a_second_process_is_told_who_is_there(tmp_path: Path) -> None:
    """And gets what the first one wrote for it."""
    holder = holder_of(tmp_path)
    try:
        with pytest.raises(StorageUnavailable, match=f"in use by process {holder.pid}"):
            DirectoryLock(tmp_path).acquire()
        assert read_holder(tmp_path) == {"pid": holder.pid, "port": 8080}
    finally:
        holder.kill()
        holder.wait()


def test_kill_9_lets_go(tmp_path: Path) -> None:
    """The kernel releases what its holder no longer can, and what it wrote stays to be read by its successor."""
    holder = holder_of(tmp_path)
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert read_holder(tmp_path) is None
    lock = DirectoryLock(tmp_path)
    assert json.loads(lock.path.read_bytes())["port"] == 8080
    lock.acquire()
    assert read_holder(tmp_path) == {"pid": os.getpid()}
    lock.release()


def test_a_lock_is_let_go_and_taken_again(tmp_path: Path) -> None:
    """Twice in one process it is refused; after its release nobody holds it, and nothing of it can be read."""
    with DirectoryLock(tmp_path, port=1) as lock:
        with pytest.raises(StorageUnavailable, match="in use"):
            DirectoryLock(tmp_path).acquire()
        lock.tell(socket="/run/x")
        assert read_holder(tmp_path) == {"pid": os.getpid(), "socket": "/run/x"}
    assert read_holder(tmp_path) is None
    assert lock.path.read_bytes() == b""
    lock.release()
    lock.tell(socket="/run/y")
    assert lock.path.read_bytes() == b""
    with DirectoryLock(tmp_path):
        pass


def test_looking_never_takes_it_away(tmp_path: Path) -> None:
    """Somebody who only asks who is there does not make a start fail."""
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            read_holder(tmp_path)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        for _ in range(200):
            with DirectoryLock(tmp_path):
                pass
    finally:
        stop.set()
        watcher.join()


def test_an_empty_directory_is_held_by_nobody(tmp_path: Path) -> None:
    """Nor is one that does not exist, and looking makes no file."""
    assert read_holder(tmp_path) is None
    assert read_holder(tmp_path / "none") is None
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_not_there_is_said(tmp_path: Path) -> None:
    """With its path."""
    with pytest.raises(StorageUnavailable, match=r"none/nextshot\.lock cannot be used"):
        DirectoryLock(tmp_path / "none").acquire()
