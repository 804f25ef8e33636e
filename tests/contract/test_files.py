"""Kept files: named by content, whole or not there, and never removed while somebody is about to refer to them."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import BadMedia, Defect, DiskFull, StorageUnavailable
from engine.model import FileKey
from storage import LocalFiles
from storage.faults import disk_error

KEY = FileKey("a" * 64 + ".mp4")


@pytest.fixture
def files(tmp_path: Path) -> LocalFiles:
    return LocalFiles(tmp_path / "data")


def finished(files: LocalFiles, content: bytes, name: str = "clip.mp4") -> Path:
    """A finished file in a work directory."""
    path = files.work("job-1") / name
    path.write_bytes(content)
    return path


async def pieces(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def everything(root: Path) -> list[Path]:
    return sorted(root.rglob("*"))


def other_disk(files: LocalFiles) -> Path:
    """A directory on another file system; skips the test where there is none."""
    elsewhere = Path("/dev/shm")  # noqa: S108  # a name of our own is used in it
    if not elsewhere.is_dir() or elsewhere.stat().st_dev == files.work("x").stat().st_dev:
        pytest.skip("there is no second file system to move a file from")
    return elsewhere


def kept(root: Path) -> list[str]:
    """The names of all files below, but for directories."""
    return sorted(path.name for path in (root / "data" / "files").rglob("*") if path.is_file())


async def test_an_adopted_file_is_named_by_its_content(files: LocalFiles) -> None:
    """It moves to its name, keeps its suffix, and can be read there."""
    source = finished(files, b"frames", "Clip.MP4")
    key = await files.adopt(source)
    assert key == hashlib.sha256(b"frames").hexdigest() + ".mp4"
    assert files.path(key).read_bytes() == b"frames"
    assert await files.exists(key)
    assert not source.exists()


async def test_the_same_bytes_are_one_file(files: LocalFiles, tmp_path: Path) -> None:
    """From a path or from a stream, one after another or at once."""
    keys = [await files.adopt(finished(files, b"frames"))]
    keys += await asyncio.gather(
        files.adopt(finished(files, b"frames", "other.mp4")),
        files.adopt_stream(pieces(b"fra", b"mes"), ".mp4", limit_bytes=6),
        files.adopt_stream(pieces(b"frames"), ".mp4", limit_bytes=100),
    )
    assert len(set(keys)) == 1
    assert kept(tmp_path) == [keys[0]]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chunks=st.lists(st.binary(max_size=3000), max_size=8))
async def test_a_stream_is_kept_byte_by_byte(files: LocalFiles, chunks: list[bytes]) -> None:
    """However it is cut, empty pieces and no pieces too."""
    whole = b"".join(chunks)
    key = await files.adopt_stream(pieces(*chunks), ".png", limit_bytes=len(whole))
    assert key == hashlib.sha256(whole).hexdigest() + ".png"
    assert files.path(key).read_bytes() == whole


async def test_a_large_stream_is_kept_in_pieces(files: LocalFiles) -> None:
    """More than one write to the disk."""
    chunk = os.urandom(700_000)
    key = await files.adopt_stream(pieces(*[chunk] * 5), ".mp4", limit_bytes=10_000_000)
    assert files.path(key).stat().st_size == 3_500_000
    assert key.startswith(hashlib.sha256(chunk * 5).hexdigest())


async def test_a_stream_that_is_too_long_leaves_nothing(files: LocalFiles, tmp_path: Path) -> None:
    """One byte over the limit is refused with a sentence."""
    with pytest.raises(BadMedia, match="larger than"):
        await files.adopt_stream(pieces(b"12345", b"6"), ".mp4", limit_bytes=5)
    assert kept(tmp_path) == []


async def test_a_stream_that_breaks_leaves_nothing(files: LocalFiles, tmp_path: Path) -> None:
    """Neither when the source fails nor when the caller is cancelled; the source's error is passed on."""

    async def breaks() -> AsyncIterator[bytes]:
        yield b"x" * 2_000_000
        raise LookupError("the line went dead")

    async def hangs() -> AsyncIterator[bytes]:
        yield b"x" * 2_000_000
        half_way.set()
        await asyncio.Event().wait()

    half_way = asyncio.Event()
    with pytest.raises(LookupError):
        await files.adopt_stream(breaks(), ".mp4", limit_bytes=10_000_000)
    adopting = asyncio.create_task(files.adopt_stream(hangs(), ".mp4", limit_bytes=10_000_000))
    await half_way.wait()
    assert len(kept(tmp_path)) == 1
    adopting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await adopting
    assert kept(tmp_path) == []


async def test_a_held_file_is_not_deleted(files: LocalFiles) -> None:
    """Held once for each adoption, until each of them was released."""
    key = await files.adopt(finished(files, b"frames"))
    assert await files.adopt(finished(files, b"frames")) == key
    assert not await files.delete(key)
    files.release(key)
    assert not await files.delete(key)
    files.release(key)
    assert await files.delete(key)
    assert not await files.exists(key)
    assert not await files.delete(key)


async def test_what_was_derived_goes_with_its_file(files: LocalFiles) -> None:
    """And is made anew where it is missing."""
    key = await files.adopt(finished(files, b"frames"))
    files.release(key)
    still = files.derived(key, "last-frame.png")
    still.write_bytes(b"png")
    assert files.derived(key, "last-frame.png") == still
    await files.delete(key)
    assert not still.parent.exists()
    assert files.derived(key, "last-frame.png").parent.is_dir()


async def test_work_is_kept_over_a_restart(files: LocalFiles, tmp_path: Path) -> None:
    """Until it is dropped; dropping it twice is fine."""
    (files.work("job-7") / "part").write_bytes(b"half")
    again = LocalFiles(tmp_path / "data")
    assert (again.work("job-7") / "part").read_bytes() == b"half"
    await again.drop_work("job-7")
    await again.drop_work("job-7")
    assert list(again.work("job-7").iterdir()) == []


async def test_the_same_file_is_there_after_a_restart(files: LocalFiles, tmp_path: Path) -> None:
    """The disk alone knows what is kept; nothing is held by a process that is gone."""
    key = await files.adopt(finished(files, b"frames"))
    again = await LocalFiles.open(tmp_path / "data")
    assert again.path(key).read_bytes() == b"frames"
    assert await again.delete(key)


async def test_a_sweep_removes_what_nothing_refers_to(files: LocalFiles, tmp_path: Path) -> None:
    """Old files that are unused and not held, halves of files, and what was derived from files that are gone."""
    used, unused, held, young = [await files.adopt(finished(files, name)) for name in (b"1", b"2", b"3", b"4")]
    for key in (used, unused, young):
        files.release(key)
    files.derived(unused, "thumbnail.jpg").write_bytes(b"jpg")
    orphan = files.derived(FileKey("d" * 64 + ".mp4"), "thumbnail.jpg")
    orphan.write_bytes(b"jpg")
    half = tmp_path / "data" / "files" / "tmp" / "half.mp4"
    half.write_bytes(b"half")
    for path in (files.path(used), files.path(unused), files.path(held), half, orphan.parent):
        os.utime(path, (0, 0))

    async def is_used(key: FileKey) -> bool:
        return key == used

    assert await files.sweep(is_used, older_than_s=3600) == 3
    assert kept(tmp_path) == sorted([used, held, young])
    assert not orphan.parent.exists()
    assert await files.sweep(is_used, older_than_s=3600) == 0


async def test_a_file_that_is_adopted_during_a_sweep_stays(files: LocalFiles) -> None:
    """The same bytes arrive while the sweep asks whether the old ones are used."""
    key = await files.adopt(finished(files, b"frames"))
    files.release(key)
    os.utime(files.path(key), (0, 0))

    async def is_used(_: FileKey) -> bool:
        files.release(await files.adopt(finished(files, b"frames")))
        return False

    assert await files.sweep(is_used, older_than_s=3600) == 0
    assert await files.exists(key)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../up", "a/b", "/etc/passwd", ".hidden", "a\0b", "a\nb", "a b", "ä", "-rf", "x" * 200]
)
async def test_names_that_lead_elsewhere_are_refused(files: LocalFiles, name: str, tmp_path: Path) -> None:
    """Before anything touches the disk."""
    before = everything(tmp_path)
    with pytest.raises(Defect):
        files.work(name)
    with pytest.raises(Defect):
        files.derived(KEY, name)
    with pytest.raises(Defect):
        await files.drop_work(name)
    assert everything(tmp_path) == before


@given(text=st.text(max_size=80) | st.from_regex(r"(\.\./)*[0-9a-f]{60,66}(\.[a-z/.]{0,9})?"))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_key_is_a_key_or_a_defect(files: LocalFiles, text: str) -> None:
    """No text whatever leads outside of the kept files."""
    try:
        path = files.path(FileKey(text))
    except Defect:
        return
    assert path.parent.parent.name == "files"
    assert path.name == text
    assert len(text.partition(".")[0]) == 64


@pytest.mark.parametrize("suffix", ["", ".", "mp4", "./x", ".a/b", ".waytoolong", ".m p"])
async def test_a_suffix_is_a_suffix(files: LocalFiles, suffix: str) -> None:
    """Letters and digits after a dot, or nothing is written."""
    with pytest.raises(Defect):
        await files.adopt_stream(pieces(b"x"), suffix, limit_bytes=1)


async def test_a_file_on_another_disk_is_copied(files: LocalFiles) -> None:
    """Where a rename cannot reach, the file arrives whole and its source goes."""
    source = other_disk(files) / f"nextshot-test-{os.getpid()}.mp4"
    source.write_bytes(b"from afar")
    try:
        key = await files.adopt(source)
        assert files.path(key).read_bytes() == b"from afar"
        assert not source.exists()
    finally:
        source.unlink(missing_ok=True)


async def test_a_missing_source_is_said(files: LocalFiles, tmp_path: Path) -> None:
    """A file that is not there is no traceback but a sentence."""
    with pytest.raises(StorageUnavailable, match=r"gone\.mp4 cannot be used"):
        await files.adopt(tmp_path / "gone.mp4")


@pytest.mark.parametrize(
    ("number", "kind", "word"),
    [
        (errno.ENOSPC, DiskFull, "full"),
        (errno.EDQUOT, DiskFull, "full"),
        (errno.EACCES, StorageUnavailable, "may not be written"),
        (errno.EROFS, StorageUnavailable, "read-only"),
        (errno.EIO, StorageUnavailable, "check the disk"),
    ],
)
def test_what_the_system_says_becomes_a_sentence(number: int, kind: type[Exception], word: str) -> None:
    """What is wrong, where, and what to do."""
    error = disk_error(OSError(number, os.strerror(number)), "/data")
    assert type(error) is kind
    assert word in str(error)
    assert "/data" in str(error)
    assert str(error).endswith(".")


async def test_a_root_that_is_a_file_is_said(tmp_path: Path) -> None:
    """Also as root, whom no permission stops."""
    (tmp_path / "data").write_bytes(b"")
    with pytest.raises(StorageUnavailable, match="check that this path is right"):
        LocalFiles(tmp_path / "data")


async def test_free_room_is_told(files: LocalFiles, tmp_path: Path) -> None:
    """In bytes, of the disk that the files are on."""
    free = shutil.disk_usage(tmp_path).free
    assert abs(await files.free_bytes() - free) < 2**30
