"""A backup on the disk: one tar file, readable by any `tar`. Every function here blocks, and belongs in a thread.

about.json          format, version of the tables, who made it and when: first, so that it is known before all is read
files/<key>         kept files, named by their sha256
rows/<table>.jsonl  rows as JSON lines
manifest.json       size and sha256 of each: last, so that a file that was cut off has none
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import tarfile
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from engine.errors import BadMedia, NotPossible
from storage import disk
from storage.backup_rows import TableRows

FORMAT = 1
ABOUT, MANIFEST = "about.json", "manifest.json"
_FILE = re.compile(r"files/([0-9a-f]{64}\.[a-z0-9]{1,8})")
_ROWS = re.compile(r"rows/([a-z_]{1,40})\.jsonl")
_TEXT_MOST_BYTES = 1 << 30


class Stopped(Exception):
    """The work was told to stop."""


@dataclass(slots=True)
class Progress:
    """How far it is, read by another thread; it may also stop it."""

    total_bytes: int = 0
    done_bytes: int = 0
    stop: threading.Event = field(default_factory=threading.Event)

    def count(self, more_bytes: int) -> None:
        """Raises Stopped."""
        self.done_bytes += more_bytes
        if self.stop.is_set():
            raise Stopped


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a backup is, before its content."""

    schema: str
    made_by: str
    id: str
    """Random: tells one backup from another."""
    format: int = FORMAT


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What is in it."""

    about: About
    made_at_ms: int
    """When its rows were read, in epoch milliseconds; never later than that."""
    tables: tuple[TableRows, ...]
    files: Mapping[str, tuple[int, str]]
    """Size in bytes and sha256, by key."""
    missing: tuple[str, ...]
    """Files that rows refer to and that were not there."""

    @property
    def damaged(self) -> tuple[str, ...]:
        """Files that are not what their names say; they were so before."""
        return tuple(key for key, (_, sha256) in self.files.items() if not key.startswith(sha256))

    @property
    def rows(self) -> int:
        return sum(each.rows for each in self.tables)


class _Counted:
    """A file that is read once: its sha256 as it goes by."""

    def __init__(self, file: IO[bytes], progress: Progress) -> None:
        self._file, self._progress = file, progress
        self.digest = hashlib.sha256()
        self.bytes = 0

    def read(self, most: int = -1) -> bytes:
        piece = self._file.read(most)
        self.digest.update(piece)
        self.bytes += len(piece)
        self._progress.count(len(piece))
        return piece


class ArchiveWriter:
    """Writes one backup, in this order: files, then rows and the manifest with `finish`."""

    def __init__(self, file: IO[bytes], about: About, progress: Progress) -> None:
        self._file, self._about, self._progress = file, about, progress
        self._tar = tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115  # closed by `finish`
        self.files: dict[str, tuple[int, str]] = {}
        self._add_text(ABOUT, asdict(about))

    def add_files(self, paths: Iterable[Path]) -> None:
        """Copy kept files, by their names; one that is not there (any more) is passed over."""
        for path in paths:
            try:
                source = path.open("rb")
            except FileNotFoundError:
                continue
            with source:
                self.files[path.name] = self._add(f"files/{path.name}", source)

    def finish(
        self, directory: Path, tables: tuple[TableRows, ...], wanted: Iterable[str], made_at_ms: int
    ) -> Manifest:
        """Add the rows and the manifest; what was copied and is not `wanted` any more is left out of it."""
        for each in tables:
            with (directory / f"{each.name}.jsonl").open("rb") as source:
                self._add(f"rows/{each.name}.jsonl", source)
        keys = sorted(wanted)
        manifest = Manifest(
            about=self._about,
            made_at_ms=made_at_ms,
            tables=tables,
            files={key: self.files[key] for key in keys if key in self.files},
            missing=tuple(key for key in keys if key not in self.files),
        )
        self._add_text(MANIFEST, asdict(manifest))
        self._tar.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        return manifest

    def _add(self, name: str, source: IO[bytes]) -> tuple[int, str]:
        info = self._info(name, os.fstat(source.fileno()).st_size)
        counted: Any = _Counted(source, self._progress)
        self._tar.addfile(info, counted)
        return counted.bytes, counted.digest.hexdigest()

    def _add_text(self, name: str, value: object) -> None:
        text = json.dumps(value, indent=1).encode()
        self._tar.addfile(self._info(name, len(text)), io.BytesIO(text))

    def _info(self, name: str, size: int) -> tarfile.TarInfo:
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, 0o600
        return info


def read_about(source: Path) -> About:
    """What this backup is.

    Raises:
        NotPossible: it is none, or of a newer program.
    """
    try:
        with tarfile.open(source, "r:") as tar:
            first = tar.next()
            found = json.loads(_text(tar, first)) if first is not None and first.name == ABOUT else {}
        about = About(**found)
        version = int(about.format)
    except (OSError, tarfile.TarError, ValueError, TypeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it does not begin like one"
        raise NotPossible(f"{source} is no backup of Nextshot's ({reason}); nothing was changed.") from error
    if version > FORMAT:
        raise NotPossible(
            f"{source} was made by a newer Nextshot ({about.made_by}); install that one to put it back. Nothing was changed."
        )
    return about


def unpack(source: Path, staging: Path, progress: Progress) -> Manifest:
    """Write everything below `staging`, a new directory, and compare it with the manifest.

    Raises:
        BadMedia: it is damaged or was cut off.
        Stopped, OSError
    """
    seen: dict[str, tuple[int, str]] = {}
    manifest: Manifest | None = None
    try:
        with tarfile.open(source, "r:") as tar:
            for member in tar:
                if manifest is not None or not member.isreg():
                    raise BadMedia(f"{source} is damaged: {member.name!r} does not belong there.")
                if member.name == MANIFEST:
                    manifest = _manifest(json.loads(_text(tar, member)))
                elif member.name != ABOUT:
                    seen[member.name] = _copy(tar, member, staging, progress)
    except (tarfile.TarError, ValueError, KeyError, TypeError, EOFError) as error:
        raise BadMedia(f"{source} is damaged or was cut off; nothing was changed.") from error
    if manifest is None:
        raise BadMedia(f"{source} was cut off: its end is not there. Nothing was changed.")
    told = {f"files/{key}": tuple(value) for key, value in manifest.files.items()}
    told |= {f"rows/{each.name}.jsonl": (each.bytes, each.sha256) for each in manifest.tables}
    wrong = sorted(name for name, value in told.items() if seen.get(name) != value)
    if wrong:
        raise BadMedia(f"{source} is damaged: {wrong[0]} is not what its manifest says. Nothing was changed.")
    for name in seen.keys() - told.keys():  # deleted by somebody while the backup was made
        (staging / name).unlink()
    return manifest


def _copy(tar: tarfile.TarFile, member: tarfile.TarInfo, staging: Path, progress: Progress) -> tuple[int, str]:
    if not (_FILE.fullmatch(member.name) or _ROWS.fullmatch(member.name)):
        raise ValueError(member.name)
    target = staging / member.name
    target.parent.mkdir(exist_ok=True)
    inside = tar.extractfile(member)
    if inside is None:
        raise ValueError(member.name)
    counted = _Counted(inside, progress)
    with target.open("xb") as file:
        while piece := counted.read(disk.AT_ONCE_BYTES):
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return counted.bytes, counted.digest.hexdigest()


def _text(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    inside = tar.extractfile(member) if member.size <= _TEXT_MOST_BYTES else None
    if inside is None:
        raise ValueError(member.name)
    return inside.read()


def _manifest(found: Mapping[str, Any]) -> Manifest:
    return Manifest(
        about=About(**found["about"]),
        made_at_ms=int(found["made_at_ms"]),
        tables=tuple(TableRows(**each) for each in found["tables"]),
        files={str(key): (int(size), str(sha256)) for key, (size, sha256) in found["files"].items()},
        missing=tuple(map(str, found["missing"])),
    )
