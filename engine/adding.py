"""The use cases about files that people bring: pictures to begin or to end a shot on, and videos that become shots."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import replace
from pathlib import Path

from engine import media
from engine.derive import LAST_FRAME, derived
from engine.errors import BadMedia, DiskFull, NotFound
from engine.given import add_given, added_before, clip_of_file, suffix_of
from engine.media import Probe
from engine.model import Add, Clip, FileKey, Shot
from engine.outcome import World
from engine.place_options import Places
from engine.ports import Writer
from engine.views import ShotView

DISK_LEAST_BYTES = 200_000_000
GIVEN_LEAST_S = 0.2
GIVEN_MOST_S = 600.0
GIVEN_MOST_BYTES = 2_000_000_000
SOUND_MOST_BYTES = 200_000_000
SOUND_SUFFIX = ".sound"
"""Of every kind of sound file: it is read by what is in it, and nobody downloads it."""
_CHUNK_BYTES = 1 << 20
_TONED = "It is HDR ({}): it is continued and joined in ordinary (SDR) colours."


class Adding(Places):
    """What can be done with files that people bring."""

    def __init__(self, world: World, *, default_provider: str, wake: Callable[[], None]) -> None:
        super().__init__(world, default_provider=default_provider, wake=wake)
        self._measured: dict[FileKey, Probe] = {}
        """Of the videos that are held: reading a long one takes a while."""

    async def keep_picture(self, path: Path) -> FileKey:
        """Check a picture that somebody gave, and keep it as a clean PNG for `first_frame` or `last_frame`.

        Raises:
            BadMedia: it is none, or one that would harm.
        """
        clean = self._files.work("pictures") / f"{secrets.token_hex(8)}.png"
        await media.picture(path, clean)
        return await self._files.adopt(clean)

    async def keep_video(self, path: Path) -> FileKey:
        """Check a video that somebody gave, and keep a copy of it for `Add`. It is held until that use case ends, or `let_go`.

        Raises:
            BadMedia: it is none, damaged, too short, too long or too large.
            MediaLimit, DiskFull, StorageUnavailable
        """
        size, head = await asyncio.to_thread(_begins, path)
        if size > GIVEN_MOST_BYTES:
            raise BadMedia(
                f"That video has {size / 1e9:.1f} GB and at most {GIVEN_MOST_BYTES / 1e9:g} GB fit; send a smaller one."
            )
        await self._check_disk(size)
        try:
            measured = await media.probe(path)
        except BadMedia as error:  # its advice is to render it again
            raise BadMedia(f"{str(error).partition(';')[0]}; send another one.") from error
        if not GIVEN_LEAST_S <= measured.seconds <= GIVEN_MOST_S:
            raise BadMedia(
                f"That video is {measured.seconds:.1f} s long; "
                f"send one of {GIVEN_LEAST_S:g} s to {GIVEN_MOST_S / 60:g} minutes."
            )
        async with aclosing(_chunks(path)) as chunks:  # copied: the file may be somebody's own
            key = await self._files.adopt_stream(chunks, suffix_of(head), limit_bytes=GIVEN_MOST_BYTES)
        self._measured[key] = measured
        return key

    async def keep_sound(self, path: Path) -> FileKey:
        """Check a sound file that somebody gave, and keep a copy of it for `StitchOptions`. It is held like a video.

        Raises:
            BadMedia: it is none, damaged, too long or too large.
            MediaLimit, DiskFull, StorageUnavailable
        """
        size, _ = await asyncio.to_thread(_begins, path)
        if size > SOUND_MOST_BYTES:
            raise BadMedia(
                f"That sound has {size / 1e6:.0f} MB and at most {SOUND_MOST_BYTES / 1e6:g} MB fit; send a smaller one."
            )
        await self._check_disk(size)
        await media.check_sound(path)
        async with aclosing(_chunks(path)) as chunks:  # copied: the file may be somebody's own
            return await self._files.adopt_stream(chunks, SOUND_SUFFIX, limit_bytes=SOUND_MOST_BYTES)

    def let_go(self, *keys: FileKey | None) -> None:
        """What was kept is not used after all: it is swept later."""
        for key in keys:
            if key is not None:
                self._measured.pop(key, None)
                self._files.release(key)

    async def add(self, command: Add) -> ShotView:
        """Make a video that somebody gave a shot, with itself as its clip. The same file twice in a story is one shot.

        Raises:
            NotFound, NotPossible, BadMedia, StorageError
        """
        with self._holding(command.video):
            measured = await self._measure_to_add(command)
            clip = clip_of_file(command.video, measured)

            async def work(tx: Writer) -> Shot:
                if not await tx.first_time(command.asked.key):
                    return await added_before(tx, command)
                await tx.know(command.asked.place, command.asked.person)
                _, shot = await add_given(tx, command, clip)
                return shot

            shot = await self._store.write(work)
        view = await self.show(command.asked.place, shot.code)
        assert isinstance(view, ShotView)  # noqa: S101  # it is a shot's code
        return replace(view, notes=(_TONED.format(measured.hdr),) if measured.hdr else ())

    async def _clip_to_add(self, command: Add) -> Clip:
        """The given video as measured, with a last frame that can be had.

        Raises:
            NotFound, BadMedia
        """
        return clip_of_file(command.video, await self._measure_to_add(command))

    async def _measure_to_add(self, command: Add) -> Probe:
        """Of the given video, whose last frame can be had.

        Raises:
            NotFound: its file is not here any more.
            BadMedia
        """
        await self._check_disk()
        if not await self._files.exists(command.video):
            raise NotFound("The video is not here any more; send it again.")
        path = self._files.path(command.video)
        try:
            measured = self._measured.get(command.video) or await media.probe(path)
            await derived(self._files, command.video, LAST_FRAME)
        except BadMedia as error:
            raise BadMedia("That video cannot be read to its end; send another one.") from error
        return measured

    @contextmanager
    def _holding(self, *keys: FileKey | None) -> Iterator[None]:
        """From the end on the given files are held no more: the rows refer to them now, or never will."""
        try:
            yield
        finally:
            self.let_go(*keys)

    async def _check_disk(self, more_bytes: int = 0) -> None:
        """Raises DiskFull: less than what is needed would be left beside `more_bytes`."""
        free = await self._files.free_bytes()
        if free < DISK_LEAST_BYTES + more_bytes:
            raise DiskFull(
                f"The disk is nearly full ({free / 1e6:.0f} MB left, {(DISK_LEAST_BYTES + more_bytes) / 1e6:.0f} MB are "
                "needed); nothing was started. Make room and try again."
            )


def _begins(path: Path) -> tuple[int, bytes]:
    """Size and first bytes. Raises BadMedia: it cannot be read."""
    try:
        with path.open("rb") as file:
            return path.stat().st_size, file.read(64)
    except OSError as error:
        raise BadMedia("The file is not here any more; send it again.") from error


async def _chunks(path: Path) -> AsyncGenerator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK_BYTES):
            yield chunk
