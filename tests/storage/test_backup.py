"""A backup holds everything, and what is put back is all of it, pays for nothing twice, and is never mistaken for whole by half."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import typer
from sqlalchemy import MetaData, create_engine, insert, select, text

from engine.errors import BadMedia, DiskFull, NotPossible, StorageUnavailable
from engine.model import FileKey, ShotOptions
from storage import LocalFiles, SqlStore, opened_store
from storage.backup import Backup, back_up
from storage.backup_archive import About, ArchiveWriter, Progress
from storage.backup_restore import MARK, Restored, refuse_unfinished, restore
from storage.backup_rows import Rows, TableRows, dump_rows
from storage.tables import METADATA, SCHEMA
from tests.databases import ANA, BEN, HOME, ON_DISK, fresh_database, new_clip, new_shot
from tests.fakes.clock import FakeClock
from tests.storage.test_upgrade import ROWS

FREE = frozenset({"animatic"})


@dataclass
class Placed:
    """A data directory with its store, and what was put into it."""

    store: SqlStore
    files: LocalFiles
    root: Path
    clock: FakeClock

    async def back_up(self, target: Path, dump: Any = None) -> Backup:
        own = lambda directory: dump_rows(self.store.database, directory)  # noqa: E731
        files = self.root / "files"
        return await back_up(dump or own, files, target, Progress(), made_by="nextshot 9", clock=self.clock)

    async def file(self, content: str, suffix: str = ".mp4") -> FileKey:
        path = self.root / f"given{suffix}"
        path.write_text(content)
        key = await self.files.adopt(path)
        self.files.release(key)
        return key

    async def clip(self, content: str) -> tuple[FileKey, str]:
        """A kept clip of a new shot; its key and the code."""
        key = await self.file(content)

        async def work(tx: Any) -> str:
            story = await tx.current_story(HOME) or await tx.add_story(HOME, ANA, "Лампа 🪔")
            await tx.set_current(HOME, story.id)
            shot = await tx.add_shot(new_shot(story, first_frame=None))
            take = await tx.add_take(shot.id, 7, None)
            await tx.add_clip(take.id, replace(new_clip(), file=key, seconds=0.1, fps=23.976))
            await tx.choose_take(shot.id, take.id)
            return str(shot.code)

        return key, await self.store.write(work)


@asynccontextmanager
async def placed(kind: str, root: Path, clock: FakeClock) -> AsyncIterator[Placed]:
    root.mkdir()
    with fresh_database(kind, root) as url:
        async with opened_store(url, clock) as store:
            yield Placed(store, LocalFiles(root), root, clock)


async def everything(store: SqlStore) -> dict[str, list[dict[str, Any]]]:
    async def work(connection: Any) -> dict[str, list[dict[str, Any]]]:
        # read through JSON, a NULL and a JSON null look the same; an index tells them apart
        nulls = text("SELECT count(*) AS id FROM shot WHERE reference_keys IS NULL")
        absent = [dict(row) for row in (await connection.execute(nulls)).mappings()]
        return {"shots without references": absent} | {
            table.name: [dict(row) for row in (await connection.execute(select(table).order_by(table.c.id))).mappings()]
            for table in METADATA.sorted_tables
        }

    return await store.database.read(work)


def left_in(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())


async def put(source: Path, root: Path, url: str) -> Restored:
    root.mkdir(exist_ok=True)
    return await restore(source, root, url, Progress(), free=FREE)


async def fill(house: Placed) -> set[FileKey]:
    """Rows in every table, and files of every kind."""
    clip, _ = await house.clip("a clip")
    first, last, reference, painted, film = [await house.file(name, ".png") for name in "flrpv"]
    music = await house.file("m", ".sound")

    async def work(tx: Any) -> None:
        story = await tx.current_story(HOME)
        shot = await tx.add_shot(new_shot(story, first_frame=first, last_frame=last, references=(reference,)))
        take = await tx.add_take(shot.id, 2**31 - 1, None)
        await tx.paint_take(take.id, painted)
        await tx.add_film(story.id, BEN, (shot.code,), replace(new_clip(), file=film))
        gone = await tx.add_shot(new_shot(story, first_frame=await_not_needed))
        await tx.delete_shot(gone.id)
        await tx.set_place_options(HOME, ShotOptions(ratio="1:1"))
        await tx.first_time("telegram:1")
        await tx.know("local:away", BEN)

    await_not_needed = await house.file("of a deleted shot", ".png")
    await house.store.write(work)
    have = await everything(house.store)

    async def rest(connection: Any) -> None:
        """What no use case of a store's alone writes."""
        for table in METADATA.sorted_tables:
            for row in (
                () if have[table.name] else ROWS.get(table.name, ())
            ):  # whose ids are 1 and 2, and counted on below
                moved = {"file": clip} if "file" in table.c else {}
                await connection.execute(insert(table).values({**row, **moved}))
            if table.name in ("pot", "entry", "sent_file", "film_order"):
                values = {
                    "film_order": {"job_id": 1, "options": {}, "music": music, "voice": None},
                    "pot": {"key": "place 1", "place_id": 1, "day_most": 5_000_000, "created_at": 1},
                    "entry": {
                        "pot_id": 1,
                        "job_id": 1,
                        "bucket": "held",
                        "micros": 1,
                        "why": "hold",
                        "day": 1,
                        "at": 1,
                    },
                    "sent_file": {"account": "1", "file": clip, "kind": "video", "remote_id": "x", "created_at": 1},
                }[table.name]
                await connection.execute(insert(table).values(values))

    await house.store.database.write(rest)
    return {clip, first, last, reference, painted, film, music}


KINDS = [(one, other) for one in ON_DISK for other in ON_DISK]


@pytest.mark.parametrize(("before", "after"), KINDS)
async def test_every_row_and_every_file_comes_back(before: str, after: str, tmp_path: Path, clock: FakeClock) -> None:
    """Also from one kind of database into the other, where it goes on: new rows get new ids."""
    async with placed(before, tmp_path / "old", clock) as house:
        keys = await fill(house)
        rows = await everything(house.store)
        assert {name for name, found in rows.items() if not found} <= {"inbox", "link_code", "link_miss"}
        made = await house.back_up(tmp_path / "b.tar")
        kept = {key: house.files.path(key).read_bytes() for key in keys}
    assert made.path.stat().st_mode & 0o077 == 0
    assert {*made.manifest.files} == keys  # nothing of a deleted shot
    assert not made.manifest.missing + made.manifest.damaged
    with fresh_database(after, tmp_path / "new") as url:
        found = await restore_as_it_is(tmp_path / "b.tar", tmp_path / "new", url)
        assert found.manifest == made.manifest
        assert {key: LocalFiles(tmp_path / "new").path(key).read_bytes() for key in keys} == kept
        assert {path.name for path in (tmp_path / "new").iterdir()} <= {"files", "derived", "work", "nextshot.db"}
        async with opened_store(url, clock) as store:
            assert await everything(store) == rows
            story = await store.write(lambda tx: tx.add_story(HOME, ANA, "the next one"))
            assert story.id > max(row["id"] for row in rows["story"])


async def restore_as_it_is(source: Path, root: Path, url: str) -> Restored:
    """Where no job is of a provider that is free, renders under way stay as they are."""
    root.mkdir(exist_ok=True)
    return await restore(source, root, url, Progress(), free=frozenset())


async def test_a_backup_of_the_first_tables_becomes_one_of_todays(tmp_path: Path, clock: FakeClock) -> None:
    """Its rows are put into tables of their own version, which are then brought up to date."""
    rows = tmp_path / "rows"
    rows.mkdir()
    tables = []
    order = ["person", "place", "story", "shot", "take", "clip", "film", "job", "attempt", "outbox", "event", "post"]
    for name in order:
        columns = dict.fromkeys(column for row in ROWS[name] for column in row) | (
            {"fence": 0} if name == "job" else {}
        )
        (rows / f"{name}.jsonl").write_text("".join(f"{json.dumps({**columns, **row})}\n" for row in ROWS[name]))
        data = (rows / f"{name}.jsonl").read_bytes()
        tables.append(TableRows(name, len(ROWS[name]), len(data), _sha256(data)))
    with (tmp_path / "b.tar").open("wb") as file:
        writer = ArchiveWriter(file, About(schema="0001", made_by="nextshot 0", id="x"), Progress())
        writer.finish(rows, tuple(tables), [], 1_000)
    url = f"sqlite:///{tmp_path / 'new' / 'nextshot.db'}"
    await restore_as_it_is(tmp_path / "b.tar", tmp_path / "new", url)
    async with opened_store(url, clock) as store:
        found = await everything(store)
    for name in order:
        assert [{key: row[key] for key in old} for old, row in zip(ROWS[name], found[name], strict=True)] == ROWS[name]


def _sha256(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()


# --- what happens meanwhile --------------------------------------------------------------------------------------------


async def test_what_changes_during_a_backup_breaks_nothing(tmp_path: Path, clock: FakeClock) -> None:
    """What is made meanwhile is in it, what is deleted meanwhile is not put back, and both agree with the rows."""
    async with placed("sqlite", tmp_path / "old", clock) as house:
        kept, _ = await house.clip("stays")
        deleted, code = await house.clip("goes")
        dumps = 0

        async def dump(directory: Path) -> Rows:
            nonlocal dumps
            dumps += 1
            found = await dump_rows(house.store.database, directory)
            if dumps == 1:  # while files are copied
                await delete(house, code, deleted)
                house.new, house.new_code = await house.clip("new")  # type: ignore[attr-defined]
            if dumps == 2:  # in the moment between the rows and the last files
                await delete(house, house.new_code, house.new)  # type: ignore[attr-defined]
            return found

        made = await house.back_up(tmp_path / "b.tar", dump)
        assert dumps == 3
        url = f"sqlite:///{tmp_path / 'new' / 'nextshot.db'}"
        await put(tmp_path / "b.tar", tmp_path / "new", url)
        assert left_in(tmp_path / "new" / "files") == [f"{kept[:2]}/{kept}"]
        assert {*made.manifest.files} == {kept}
        assert made.manifest.missing == ()
        async with opened_store(url, clock) as store:
            assert [row["file"] for row in (await everything(store))["clip"]] == [kept]


async def delete(house: Placed, code: str, key: FileKey) -> None:
    story, _, number = code.rpartition("-")

    async def work(tx: Any) -> None:
        shot = await tx.shot_by_code(story, int(number))
        await tx.delete_shot(shot.id)

    await house.store.write(work)
    assert await house.files.delete(key)


async def test_a_file_that_is_lost_or_damaged_is_said_and_the_rest_is_kept(tmp_path: Path, clock: FakeClock) -> None:
    """A house that is ill already can be backed up all the same."""
    async with placed("sqlite", tmp_path / "old", clock) as house:
        lost, _ = await house.clip("lost")
        damaged, _ = await house.clip("damaged")
        whole, _ = await house.clip("whole")
        house.files.path(lost).unlink()
        house.files.path(damaged).write_text("damageD")
        made = await house.back_up(tmp_path / "b.tar")
    assert (made.manifest.missing, made.manifest.damaged) == ((lost,), (damaged,))
    await put(tmp_path / "b.tar", tmp_path / "new", f"sqlite:///{tmp_path / 'new' / 'nextshot.db'}")
    assert LocalFiles(tmp_path / "new").path(whole).read_text() == "whole"
    assert LocalFiles(tmp_path / "new").path(damaged).read_text() == "damageD"


async def test_a_backup_never_overwrites_and_never_leaves_half_of_one(tmp_path: Path, clock: FakeClock) -> None:
    """A name that is taken, a directory that is not there, a cancel, a server that fails: nothing new stays."""
    async with placed("sqlite", tmp_path / "old", clock) as house:
        await house.clip("a clip")
        (tmp_path / "to").mkdir()
        (tmp_path / "to" / "b.tar").write_text("an older one")
        with pytest.raises(NotPossible, match="is there already"):
            await house.back_up(tmp_path / "to" / "b.tar")
        with pytest.raises(StorageUnavailable):
            await house.back_up(tmp_path / "nowhere" / "b.tar")
        began = asyncio.Event()

        async def hang(_: Path) -> Rows:
            began.set()
            await asyncio.sleep(3600)
            raise AssertionError

        running = asyncio.create_task(house.back_up(tmp_path / "to" / "c.tar", hang))
        await asyncio.wait_for(began.wait(), 60)
        with pytest.raises(NotPossible, match="Another backup"):
            await house.back_up(tmp_path / "to" / "c.tar")
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert left_in(tmp_path / "to") == ["b.tar"]
        made = await house.back_up(tmp_path / "to")
        assert left_in(tmp_path / "to") == ["b.tar", made.path.name]


async def test_a_name_that_somebody_else_takes_meanwhile_is_left_alone(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By another program while files are copied, or by a backup that ends between our opening its file and locking it."""
    async with placed("sqlite", tmp_path / "old", clock) as house:
        await house.clip("a clip")
        (tmp_path / "to").mkdir()
        target = tmp_path / "to" / "b.tar"

        async def taken(directory: Path) -> Rows:
            target.write_text("somebody else's")
            return await dump_rows(house.store.database, directory)

        with pytest.raises(NotPossible, match="is there already"):
            await house.back_up(target, taken)
        assert (target.read_text(), left_in(tmp_path / "to")) == ("somebody else's", ["b.tar"])

        part, lock = tmp_path / "to" / ".c.tar.part", fcntl.flock
        part.write_text("whole")

        def ended(file: Any, how: int) -> None:
            if part.exists():
                part.rename(tmp_path / "to" / "c.tar")
            lock(file, how)

        monkeypatch.setattr(fcntl, "flock", ended)
        with pytest.raises(NotPossible, match="is there already"):
            await house.back_up(tmp_path / "to" / "c.tar")
        assert (tmp_path / "to" / "c.tar").read_text() == "whole"
        assert left_in(tmp_path / "to") == ["b.tar", "c.tar"]

        given_up = iter([tmp_path / "to" / ".d.tar.part"])

        def left(file: Any, how: int) -> None:
            for path in given_up:
                path.unlink()
            lock(file, how)

        monkeypatch.setattr(fcntl, "flock", left)
        await house.back_up(tmp_path / "to" / "d.tar")
        assert left_in(tmp_path / "to") == ["b.tar", "c.tar", "d.tar"]


async def test_a_backup_is_made_where_no_file_has_two_names(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a stick."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    async with placed("sqlite", tmp_path / "old", clock) as house:
        monkeypatch.setattr(os, "link", refuse)
        (tmp_path / "to").mkdir()
        await house.back_up(tmp_path / "to" / "b.tar")
    assert left_in(tmp_path / "to") == ["b.tar"]


def test_a_refused_restore_makes_no_data_directory(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """ "Nothing was changed" is true: what is no backup, or a newer one, is seen before anything is made."""
    from bot.terminal.backup import restore as command

    monkeypatch.setenv("NEXTSHOT_DATA_DIR", str(tmp_path / "made"))
    (tmp_path / "text").write_text("hello " * 1000)
    with (tmp_path / "newer.tar").open("wb") as file:
        about = About(schema="9999", made_by="nextshot 99", id="y")
        ArchiveWriter(file, about, Progress()).finish(tmp_path, (), [], 1)
    for source in ("text", "newer.tar", "none"):
        with pytest.raises(typer.Exit) as ended:
            command(tmp_path / source, as_json=True)
        assert ended.value.exit_code != 0
        assert "othing was changed" in capsys.readouterr().err
        assert not (tmp_path / "made").exists()


async def test_a_backup_that_does_not_fit_is_refused_before_anything_is_written(
    tmp_path: Path, clock: FakeClock
) -> None:
    """Sizes are known before the first byte."""
    async with placed("sqlite", tmp_path / "old", clock) as house:
        key, _ = await house.clip("a clip")
        os.truncate(house.files.path(key), 10**13)  # a hole: it takes no room here, and would there
        (tmp_path / "to").mkdir()
        with pytest.raises(DiskFull, match="make room"):
            await house.back_up(tmp_path / "to" / "b.tar")
        assert left_in(tmp_path / "to") == []


# --- what is not put back ------------------------------------------------------------------------------------------------


@pytest.fixture
async def archive(tmp_path: Path, clock: FakeClock) -> Path:
    async with placed("sqlite", tmp_path / "old", clock) as house:
        await house.clip("a clip")
        await house.clip("a second one")
        return (await house.back_up(tmp_path / "b.tar")).path


async def test_a_damaged_backup_is_refused_and_changes_nothing(archive: Path, tmp_path: Path) -> None:
    """Wherever a byte is wrong or the file ends: the new house is as empty as before, and a good one can be put back."""
    whole = archive.read_bytes()
    members, sizes = {}, {}
    with tarfile.open(archive) as tar:
        for member in tar:
            members[member.name], sizes[member.name] = member.offset_data, member.size
    broken = tmp_path / "broken.tar"
    root = tmp_path / "new"
    url = f"sqlite:///{root / 'nextshot.db'}"
    for name, offset in members.items():
        if name == "about.json":
            continue
        if name != "manifest.json":
            broken.write_bytes(whole[:offset] + b"X" + whole[offset + 1 :])
            if sizes[name]:
                with pytest.raises(BadMedia):
                    await put(broken, root, url)
        broken.write_bytes(whole[: offset + 1])
        with pytest.raises(BadMedia):
            await put(broken, root, url)
        assert left_in(root) == []
    await put(archive, root, url)


async def test_what_is_no_backup_or_a_newer_one_is_refused(archive: Path, tmp_path: Path) -> None:
    """In one sentence, and nothing is changed."""
    root = tmp_path / "new"
    url = f"sqlite:///{root / 'nextshot.db'}"
    (tmp_path / "text").write_text("hello " * 1000)
    for source, what in (
        (tmp_path / "text", "is no backup"),
        (tmp_path / "none", "is no backup"),
        (tmp_path, "no backup"),
    ):
        with pytest.raises(NotPossible, match=what):
            await put(source, root, url)
    for changes, what in (({"schema": "9999"}, "tables of version 9999"), ({"format": 2}, "newer Nextshot")):
        with (tmp_path / "newer.tar").open("wb") as file:
            about = replace(About(schema=SCHEMA, made_by="nextshot 99", id="y"), **changes)
            ArchiveWriter(file, about, Progress()).finish(tmp_path, (), [], 1)
        with pytest.raises(NotPossible, match=what):
            await put(tmp_path / "newer.tar", root, url)
    assert left_in(root) == []
    (root / "work" / "empty").mkdir(parents=True)
    (root / "nextshot.log").write_text("")
    await put(archive, root, url)
    with pytest.raises(NotPossible, match="is not empty"):
        await put(archive, root, url)


@pytest.mark.skipif("postgresql" not in ON_DISK, reason="no PostgreSQL server to test on")
async def test_a_postgresql_that_is_in_use_is_left_alone(archive: Path, tmp_path: Path, clock: FakeClock) -> None:
    """Also where the data directory is empty."""
    with fresh_database("postgresql", tmp_path) as url:
        async with opened_store(url, clock):
            pass
        with pytest.raises(NotPossible, match="has tables already"):
            await put(archive, tmp_path / "new", url)


async def test_a_backup_cannot_write_outside_of_its_house(archive: Path, tmp_path: Path) -> None:
    """Names from a tar file are somebody else's words."""
    for name in ("files/../../evil", "/evil", "rows/../evil.jsonl", "files/" + "a" * 64):
        with tarfile.open(archive) as old, tarfile.open(tmp_path / "evil.tar", "w") as tar:
            for member in old:
                if member.name == "manifest.json":
                    info = tarfile.TarInfo(name)
                    tar.addfile(info)
                tar.addfile(member, old.extractfile(member))
        with pytest.raises(BadMedia):
            await put(tmp_path / "evil.tar", tmp_path / "new", f"sqlite:///{tmp_path / 'new' / 'nextshot.db'}")
        assert left_in(tmp_path / "new") == []


# --- a restore that is killed --------------------------------------------------------------------------------------------

SCRIPT = """
import asyncio, os, sys
from pathlib import Path
from storage.backup_archive import Progress
from storage.backup_restore import restore, refuse_unfinished, MARK
from engine.errors import StorageUnavailable

source, where = Path(sys.argv[1]), Path(sys.argv[2])
renames = 0

def once(root, dies_at):
    def look(event, arguments):
        global renames
        if event == "os.rename":
            renames += 1
            if renames == dies_at:
                os._exit(9)
    if dies_at:
        sys.addaudithook(look)
    root.mkdir(exist_ok=True)
    asyncio.run(restore(source, root, f"sqlite:///{root / 'nextshot.db'}", Progress(), free=frozenset()))

def in_a_child(root, dies_at):
    child = os.fork()
    if child == 0:
        try:
            once(root, dies_at)
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

for dies_at in (1, 3, 4):
    root = where / str(dies_at)
    code = in_a_child(root, dies_at)
    assert code == 9, code
    try:
        refuse_unfinished(root)
        said = ""
    except StorageUnavailable as error:
        said = str(error)
    print(dies_at, (root / MARK).exists(), "nextshot restore" in said, in_a_child(root, 0))
"""


def test_a_killed_restore_says_so_and_can_be_repeated(archive: Path, tmp_path: Path) -> None:
    """Killed at the mark, between the files and at the database: nothing is opened by half, and put back again it is whole."""
    (tmp_path / "killed").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(archive), str(tmp_path / "killed")],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    # the renames are: the mark, two files, the database. Dying at the first there is no mark yet, and nothing else either
    assert lines == [["1", "False", "False", "0"], ["3", "True", "True", "0"], ["4", "True", "True", "0"]], done.stdout
    dumps = []
    for root in sorted((tmp_path / "killed").iterdir()):
        assert not (root / MARK).exists()
        engine = create_engine(f"sqlite:///{root / 'nextshot.db'}")
        tables = MetaData()
        tables.reflect(engine)
        with engine.connect() as connection:
            rows = {name: connection.execute(table.select()).all() for name, table in tables.tables.items()}
        engine.dispose()
        dumps.append((left_in(root / "files"), {name: found for name, found in rows.items() if name != "event"}))
    assert len(dumps) == 3
    assert all(each == dumps[0] for each in dumps)
    assert (len(dumps[0][0]), len(dumps[0][1]["clip"])) == (2, 2)


async def test_nothing_is_opened_where_a_backup_is_by_half(tmp_path: Path, archive: Path) -> None:
    """Another backup may be put there, as long as no rows of the first are."""
    root = tmp_path / "new"
    root.mkdir()
    refuse_unfinished(root)
    (root / MARK).write_text(json.dumps({"source": "/b.tar", "backup": "another"}))
    with pytest.raises(StorageUnavailable, match="/b.tar was put back into .* by half"):
        refuse_unfinished(root)
    url = f"sqlite:///{root / 'nextshot.db'}"
    await put(archive, root, url)
    refuse_unfinished(root)
    (root / MARK).write_text(json.dumps({"source": "/b.tar", "backup": "another"}))
    with pytest.raises(NotPossible, match="is not empty"):
        await put(archive, root, url)
