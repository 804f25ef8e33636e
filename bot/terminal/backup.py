"""`nextshot backup` and `nextshot restore`: the whole house as one file, also beside a running server, and back."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from bot.control.remote import HouseGone, RemoteStudio
from bot.providers import HERE
from bot.settings import Settings, load_settings
from bot.terminal import options as o
from bot.terminal.ending import run_to_its_end
from bot.terminal.session import TRIES, holder_of
from bot.terminal.voice import Voice, voice_for
from engine.errors import NotPossible

if TYPE_CHECKING:
    from storage.backup import DumpRows
    from storage.backup_archive import Progress

T = TypeVar("T")

TELL_EVERY_S = 0.2
NOT_IN_IT = (
    "Not in it: settings, keys and logs, and what can be made again. Whoever has this file can read every prompt and see every "
    "clip: keep it as you keep the data directory."
)
ONE_ONLY = (
    "If the house that the backup was taken of still runs, stop it before you start this one: two would answer for the same bot "
    "and work on the same jobs."
)
Target = Annotated[
    Path, typer.Argument(metavar="TARGET", help="A new file, or a directory to put one into.", show_default=False)
]
Source = Annotated[Path, typer.Argument(metavar="SOURCE", help="What `nextshot backup` made.", show_default=False)]


def backup(target: Target, as_json: o.AsJson = False) -> None:
    """Copy everything into one file, also beside a running server."""
    _perform(as_json, lambda settings, voice: _back_up(settings, voice, Path.cwd() / target))


def restore(source: Source, as_json: o.AsJson = False) -> None:
    """Put a backup into an empty data directory."""
    _perform(as_json, lambda settings, voice: _restore(settings, voice, Path.cwd() / source))


def _perform(as_json: bool, work: Callable[[Settings, Voice], Awaitable[None]]) -> None:
    voice = voice_for(as_json=as_json)
    opened: list[Settings] = []

    async def perform_it() -> None:
        from bot.logs import secrets_of, set_up_logging  # noqa: PLC0415  # see bot.terminal.perform

        settings = load_settings()
        opened.append(settings)
        set_up_logging(
            settings.log_level,
            settings.data_dir,
            to_stderr=False,
            shape=settings.log_format,
            secrets=secrets_of(settings),
        )
        try:
            await work(settings, voice)
        finally:
            voice.rest()

    raise typer.Exit(run_to_its_end(perform_it, voice, lambda: opened[0].data_dir if opened else None))


async def _back_up(settings: Settings, voice: Voice, target: Path) -> None:
    from engine.open import utc_now  # noqa: PLC0415  # as above
    from storage.backup import back_up  # noqa: PLC0415
    from storage.backup_archive import Progress  # noqa: PLC0415

    if not await asyncio.to_thread(settings.data_dir.is_dir):
        raise NotPossible(f"{settings.data_dir} is not there: there is nothing to back up yet.")
    for tries_left in reversed(range(TRIES)):
        progress = Progress()
        try:
            async with _rows_of(settings) as dump:
                made = await _shown(
                    voice,
                    "backup",
                    progress,
                    back_up(
                        dump,
                        settings.data_dir / "files",
                        target,
                        progress,
                        made_by=f"nextshot {version('nextshot')}",
                        clock=utc_now,
                    ),
                )
        except HouseGone:  # the next one is asked, or its directory is free
            if not tries_left:
                raise
        else:
            break
    manifest = made.manifest
    voice.rest()
    for key in manifest.missing[:5]:
        voice.note(f"{key} is not on the disk though a clip refers to it: it is not in the backup either.")
    for key in manifest.damaged[:5]:
        voice.note(f"{key} is damaged on the disk: it is in the backup as it is.")
    voice.note(NOT_IN_IT)
    voice.result(
        {
            "story": "backup",
            "state": "made",
            "title": f"{manifest.rows} rows, {len(manifest.files)} files, {made.bytes / 1e6:.1f} MB",
            "rows_kept": manifest.rows,
            "files_kept": len(manifest.files),
            "missing": len(manifest.missing),
            "damaged": len(manifest.damaged),
            "bytes": made.bytes,
            "file": str(made.path),
        }
    )


async def _restore(settings: Settings, voice: Voice, source: Path) -> None:
    from bot.house import take_directory  # noqa: PLC0415  # see bot.terminal.perform
    from storage.backup_archive import Progress  # noqa: PLC0415  # as above
    from storage.backup_restore import read_known  # noqa: PLC0415
    from storage.backup_restore import restore as put_back  # noqa: PLC0415

    await asyncio.to_thread(read_known, source)  # before there is a data directory: what is refused changes nothing
    lock, _ = await asyncio.to_thread(take_directory, settings.data_dir)
    try:
        progress = Progress()
        restored = await _shown(
            voice,
            "restore",
            progress,
            put_back(source, settings.data_dir, settings.store_url, progress, free=frozenset({HERE})),
        )
    finally:
        await asyncio.to_thread(lock.release)
    manifest = restored.manifest
    voice.rest()
    if restored.asked:
        voice.note(
            f"{restored.asked} renders may have been sent after the backup was made: nothing is sent again by itself, their "
            "people are asked."
        )
    if restored.unheard:
        voice.note(f"{restored.unheard} messages were not answered yet when the backup was made: they are left so.")
    if manifest.missing:
        voice.note(f"{len(manifest.missing)} files were missing when the backup was made.")
    voice.note(ONE_ONLY)
    voice.result(
        {
            "story": "backup",
            "state": "restored",
            "title": f"{manifest.rows} rows, {len(manifest.files)} files; {restored.live} jobs go on, {restored.asked} ask",
            "rows_kept": manifest.rows,
            "files_kept": len(manifest.files),
            "live": restored.live,
            "asked": restored.asked,
            "unheard": restored.unheard,
            "file": str(settings.data_dir),
        }
    )


async def _shown(voice: Voice, what: str, progress: Progress, work: Awaitable[T]) -> T:
    """Its value; how far it is, is shown until then."""
    running = asyncio.ensure_future(work)
    try:
        while True:
            done, _ = await asyncio.wait({running}, timeout=TELL_EVERY_S)
            if done:
                return await running
            total = progress.total_bytes
            percent = {"percent": min(100, 100 * progress.done_bytes // total)} if total else {}
            voice.progress({"story": what, "state": "copying", **percent})
    except asyncio.CancelledError:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        raise


@asynccontextmanager
async def _rows_of(settings: Settings) -> AsyncIterator[DumpRows]:
    """Whoever reads the rows: the process that has the data directory, else this one, which has it meanwhile.

    Raises:
        StorageUnavailable: it is held by a process that does not answer.
    """
    async with AsyncExitStack() as stack:
        holder = await holder_of(settings, stack, at_work=False)
        if isinstance(holder, RemoteStudio):
            yield holder.dump_rows
        else:
            from storage.backup_rows import dump_rows  # noqa: PLC0415  # see bot.terminal.perform

            yield functools.partial(dump_rows, holder.store.database)
