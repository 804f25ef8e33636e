"""A frame in the form that a model wants: within its limits, as bytes, base64 or a data URI; what was lost is said."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from engine import media
from engine.abilities import PictureLimits
from engine.errors import BadMedia

LARGE_BYTES = 256 << 10
"""Beyond it, writing a picture as text would hold up the loop."""
PIECE_BYTES = 3 << 18
"""Of three bytes each, as base64 goes."""
MIME = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenPicture:
    """A picture ready to be sent."""

    data: bytes
    format: str
    width: int
    height: int
    note: str = ""
    """What was lost on the way, one sentence for the person; empty: nothing."""
    made_uri: str = field(default="", repr=False, compare=False)
    """The data URI of a large one, made beforehand in a thread; empty: it is made when asked for."""

    @property
    def mime(self) -> str:
        return MIME[self.format]

    @property
    def base64(self) -> str:
        return self.data_uri.partition(",")[2]

    @property
    def data_uri(self) -> str:
        return self.made_uri or _data_uri(self.data, self.mime)

    @property
    def file_name(self) -> str:
        """Plain, by its kind."""
        return f"frame.{'jpg' if self.format == 'jpeg' else self.format}"


async def given_picture(path: Path, limits: PictureLimits, what: str = "The picture") -> GivenPicture:
    """The PNG at `path` within the limits: as it is where it fits, else smaller or as a JPEG, and no more than is needed.

    `what` names it in the note, as `The first frame`.

    Raises:
        BadMedia: it is no PNG, or of a shape that the limits exclude.
        MediaLimit, MediaError, DiskFull
    """
    data = await asyncio.to_thread(_read, path)
    width, height = _png_size(data)
    if not limits.min_ratio <= width / height <= limits.max_ratio:
        raise BadMedia(f"{what} is {width}x{height}, a shape that this model does not take; use another one.")
    sides_fit = limits.min_side <= min(width, height) and max(width, height) <= limits.max_side
    if "png" in limits.formats and len(data) <= limits.max_bytes and sides_fit:
        return GivenPicture(
            data=data, format="png", width=width, height=height, made_uri=await _uri_of_large(data, "png")
        )
    with TemporaryDirectory(prefix="nextshot-") as folder:
        target = Path(folder) / "picture"
        made = await media.sendable(
            path,
            target,
            formats=limits.formats,
            max_bytes=limits.max_bytes,
            min_side=limits.min_side,
            max_side=limits.max_side,
        )
        changed = [f"{made.width}x{made.height} instead of {width}x{height}"] * (
            (made.width, made.height) != (width, height)
        )
        losses = [*changed, *([made.loss] if made.loss else [])]
        data = await asyncio.to_thread(_read, target)
        return GivenPicture(
            data=data,
            format=made.format,
            width=made.width,
            height=made.height,
            note=f"{what} was sent as {' and as a '.join(losses)}, as the model takes no more." if losses else "",
            made_uri=await _uri_of_large(data, made.format),
        )


async def _uri_of_large(data: bytes, kind: str) -> str:
    return await asyncio.to_thread(_data_uri, data, MIME[kind]) if len(data) > LARGE_BYTES else ""


def _data_uri(data: bytes, mime: str) -> str:
    """Some of it at a time, so that other threads run in between."""
    starts = range(0, len(data), PIECE_BYTES)
    coded = (base64.b64encode(data[start : start + PIECE_BYTES]).decode("ascii") for start in starts)
    return "".join((f"data:{mime};base64,", *coded))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadMedia("The picture's file is missing; send it again.") from error


def _png_size(data: bytes) -> tuple[int, int]:
    """Width and height from the header, which is always the first chunk."""
    if not data.startswith(b"\x89PNG\r\n\x1a\n") or len(data) < 33:
        raise BadMedia("The picture's file is damaged; send it again.")
    return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])


def notes_of(pictures: Sequence[GivenPicture | None]) -> tuple[str, ...]:
    """What was lost of any of them."""
    return tuple(dict.fromkeys(picture.note for picture in pictures if picture is not None and picture.note))
