"""A disk that really is full: a file system of one megabyte, in a namespace of its own, so that it is gone with its process."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import asyncio, json, os, sys
from datetime import UTC, datetime
from pathlib import Path
from engine.errors import StorageError
from engine.model import Person
from storage import LocalFiles, opened_store

ANA = Person("local:ana", "Ana")
root = Path(sys.argv[1])
heard = {}

async def chunks():
    for _ in range(40):
        yield os.urandom(100_000)

async def main():
    now = lambda: datetime.now(UTC)
    async with opened_store(f"sqlite:///{root / 'nextshot.db'}", now) as store:
        files = LocalFiles(root)
        try:
            await files.adopt_stream(chunks(), ".mp4", limit_bytes=10**9)
        except StorageError as error:
            heard["file"] = [type(error).__name__, str(error)]
        heard["left"] = sorted(path.name for path in (root / "files").rglob("*") if path.is_file())

        acknowledged = 0
        try:
            while True:
                await store.write(lambda tx: tx.add_story("local:home", ANA, "x" * 20_000))
                acknowledged += 1
        except StorageError as error:
            heard["row"] = [type(error).__name__, str(error)]
        found = len(await store.read(lambda tx: tx.stories("local:home", 10_000)))
        heard["rows"] = [acknowledged, found]
    print(json.dumps(heard))

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[object]]:
    """What was said when files and rows were written until nothing fitted any more."""
    unshare = shutil.which("unshare")
    disk = tmp_path_factory.mktemp("disk")
    mount = f"mount -t tmpfs -o size=1500k none '{disk}'"
    if (
        unshare is None
        or subprocess.run([unshare, "-rm", "sh", "-c", mount], capture_output=True, check=False).returncode
    ):
        pytest.skip("no small disk can be mounted here: it needs unshare and user namespaces")
    command = f"{mount} && exec '{sys.executable}' -c \"$0\" '{disk}'"
    done = subprocess.run(
        [unshare, "-rm", "sh", "-c", command, SCRIPT],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=_root(),
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, list[object]] = json.loads(done.stdout)
    return said


def _root() -> Path:
    return Path(__file__).parents[2]


def test_a_file_that_does_not_fit_is_said_and_leaves_nothing(heard: dict[str, list[object]]) -> None:
    """No half of it stays to fill the disk."""
    kind, sentence = heard["file"]
    assert kind == "DiskFull"
    assert "make room" in str(sentence)
    assert heard["left"] == []


def test_a_row_that_does_not_fit_is_said_and_the_others_are_there(heard: dict[str, list[object]]) -> None:
    """Every write that was acknowledged is read afterwards, and none besides."""
    kind, sentence = heard["row"]
    assert kind == "DiskFull"
    assert "make room" in str(sentence)
    acknowledged, found = heard["rows"]
    assert acknowledged == found
    assert int(str(found)) > 5
