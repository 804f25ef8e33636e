"""Makes a video ready for the place where it is shown: small enough, with sound where silence is taken for an animation."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bot import texts
from bot.message import Export, Limits, Reply, Video
from engine.derive import POSTER, SMALL, OnPercent, Playable, exported, playable, still
from engine.errors import BadMedia, MediaError, MediaLimit, NotPossible
from engine.model import FileKey
from engine.ports import Files

log = logging.getLogger(__name__)

FIT_S = 1_800.0
"""The longest film at its slowest; a child that takes longer has its own limits."""

LinkOf = Callable[[FileKey, str], str | None]
"""Where the whole file can be had in a browser, given its key and its name for people; None: nowhere."""


class Fitting:
    """Fits replies to places. What was made is kept beside the clip, so a second time costs nothing."""

    def __init__(self, files: Files, link_of: LinkOf = lambda _key, _name: None) -> None:
        self._files = files
        self._link_of = link_of

    async def fit(self, reply: Reply, limits: Limits, on_progress: OnPercent | None = None) -> Reply:
        """The same reply with a video that passes there, in parts if need be, or with a sentence where none would.

        What is wanted as another kind of file is made into that. `on_progress` is told 0 to 100 while something is made.

        Raises:
            BadMedia: the clip's file is missing or damaged.
            MediaLimit: there was no time or memory for it now.
        """
        video = reply.video
        if video is None:
            return reply
        if reply.export is not None:
            return await self._export(reply, video, reply.export, limits, on_progress)
        posters = asyncio.create_task(self._posters(video, limits), name=f"posters of {video.name}")
        try:
            if reply.as_file and video.bytes <= limits.upload_bytes:
                return replace(reply, video=_with(video, await posters))
            async with asyncio.timeout(FIT_S):
                shown = await playable(
                    self._files,
                    video.file,
                    limit_bytes=limits.upload_bytes,
                    needs_sound=limits.wants_sound,
                    on_progress=on_progress,
                )
            return self._shown(reply, _with(video, await posters), shown, limits)
        except BadMedia:
            raise
        except (MediaError, TimeoutError) as error:
            if video.bytes > limits.upload_bytes:
                raise MediaLimit("The film could not be made small enough in time; it is tried again.") from error
            log.warning("video is shown as it is file=%s: %s", video.file, error)
            return reply
        except NotPossible as error:
            log.warning("video does not fit file=%s limit_bytes=%d: %s", video.file, limits.upload_bytes, error)
            link = self._link_of(video.file, video.name)
            note = texts.does_not_fit(limit_bytes=limits.upload_bytes, whole_bytes=video.bytes, link=link)
            return replace(reply, text=f"{reply.text}\n{note}", video=None, as_file=False)
        finally:
            posters.cancel()
            await asyncio.gather(posters, return_exceptions=True)

    async def _export(
        self, reply: Reply, video: Video, export: Export, limits: Limits, on_progress: OnPercent | None
    ) -> Reply:
        """The reply with the file. Where there can be none: of a new film the film itself, with a word on why; else that alone."""
        try:
            async with asyncio.timeout(FIT_S):
                made = await exported(
                    self._files,
                    video.file,
                    export.kind,
                    shots=export.shots,
                    limit_bytes=limits.upload_bytes,
                    on_progress=on_progress,
                )
        except BadMedia:
            raise
        except (MediaError, TimeoutError, NotPossible) as error:
            log.warning("not exported file=%s kind=%s: %s", video.file, export.kind, error)
            why = str(error) or texts.EXPORT_LATE
            if not reply.as_file:
                return await self.fit(replace(reply, text=f"{reply.text}\n{why}", export=None), limits, on_progress)
            if not isinstance(error, NotPossible):
                raise MediaLimit(why) from error
            said = texts.no_export(why, self._link_of(video.file, video.name))
            return replace(reply, text=f"{reply.text}\n{said}", video=None, as_file=False, export=None)
        file = replace(
            video,
            path=made.path,
            name=f"{Path(video.name).stem}{made.path.suffix}",
            seconds=made.seconds,
            width=made.width,
            height=made.height,
            bytes=made.bytes,
        )
        file = _with(file, await self._posters(video, limits))
        return replace(reply, text=f"{reply.text}\n{made.sentence}", video=file, as_file=True)

    def _shown(self, reply: Reply, video: Video, shown: Playable, limits: Limits) -> Reply:
        """The reply with the pieces that pass there, and a word on what was done to them."""
        count = len(shown.pieces)
        pieces = [
            replace(
                video,
                path=piece.path,
                name=video.name if count == 1 else _part_name(video.name, number, count),
                seconds=piece.seconds,
                width=piece.width,
                height=piece.height,
                bytes=piece.bytes,
            )
            for number, piece in enumerate(shown.pieces, 1)
        ]
        reply = replace(reply, video=pieces[0], more_videos=tuple(pieces[1:]))
        if shown.lines is None:
            return reply
        note = texts.made_smaller(
            limit_bytes=limits.upload_bytes,
            lines=shown.lines,
            parts=count,
            link=self._link_of(video.file, video.name),
            whole_bytes=video.bytes,
        )
        return replace(reply, text=f"{reply.text}\n{note}", as_file=False)

    async def _posters(self, video: Video, limits: Limits) -> tuple[Path, Path] | None:
        """Its thumbnail and its cover; it is shown without them rather than not at all."""
        if not limits.wants_posters:
            return None
        try:
            small, poster = await asyncio.gather(
                still(self._files, video.file, SMALL), still(self._files, video.file, POSTER)
            )
        except MediaError as error:
            log.warning("no poster file=%s: %s", video.file, error)
            return None
        return small, poster


def _with(video: Video, posters: tuple[Path, Path] | None) -> Video:
    return video if posters is None else replace(video, thumbnail=posters[0], cover=posters[1])


def _part_name(name: str, number: int, count: int) -> str:
    """`k7-f1-2of3.mp4`"""
    path = Path(name)
    return f"{path.stem}-{number}of{count}{path.suffix}"
