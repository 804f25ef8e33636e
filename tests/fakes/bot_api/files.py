"""The files that the server holds: each upload gets an id once, and sending by that id costs no upload.

Words of the errors: https://github.com/tdlib/td, FileManager.cpp.
"""

from __future__ import annotations

import io
import itertools
import mimetypes
from dataclasses import dataclass, field, replace
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from tests.fakes.bot_api.model import Media, StoredFile
from tests.fakes.bot_api.refusals import bad_request
from tests.fakes.bot_api.wire import Call

PHOTO_BYTES = 10 * 1024 * 1024
DOWNLOAD_BYTES = 20 * 1024 * 1024
THUMBNAIL_BYTES = 200 * 1000
THUMBNAIL_SIDE = 320
FOLDERS = {"video": "videos", "photo": "photos", "document": "documents", "animation": "animations"}
MIMES = {"video": "video/mp4", "photo": "image/jpeg", "animation": "video/mp4"}


@dataclass
class Files:
    """By id and by path."""

    by_id: dict[str, StoredFile] = field(default_factory=dict)
    uploads: int = 0
    """How many files the bot uploaded."""
    uploaded_bytes: int = 0
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def keep(
        self, kind: str, data: bytes, name: str, *, mime: str | None = None, size_bytes: int | None = None
    ) -> StoredFile:
        """Take a file in. `size_bytes` claims another size than it has."""
        number = next(self._numbers)
        width, height = _size(data) if kind == "photo" else (0, 0)
        file = StoredFile(
            file_id=f"BAACAgIAAxkBAAI{number:08d}{kind}",
            unique_id=f"AgADuniq{number:08d}",
            kind=kind,
            data=data,
            name=name,
            mime=mime or MIMES.get(kind) or mimetypes.guess_type(name)[0] or "application/octet-stream",
            size_bytes=len(data) if size_bytes is None else size_bytes,
            path=f"{FOLDERS[kind]}/file_{number}{Path(name).suffix or mimetypes.guess_extension(MIMES.get(kind, '')) or ''}",
            width=width,
            height=height,
        )
        self.by_id[file.file_id] = file
        return file

    def sent(self, call: Call, kind: str, value: str | None) -> StoredFile:
        """The file that a call sends: an upload, one of the server's own disk, or one known by its id.

        Raises:
            Refusal: there is none, it is empty, it is of another kind, or the photo is too large or no picture.
        """
        if not value:
            raise bad_request(f"there is no {kind} in the request")
        upload = call.uploads.get(value.removeprefix("attach://"))
        if upload is None:
            return self._known(kind, value)
        if not upload.data:
            raise bad_request("file must be non-empty")
        if kind == "photo" and len(upload.data) > PHOTO_BYTES:
            raise bad_request(
                f"file of size {len(upload.data)} bytes is too big for a photo; the maximum size is {PHOTO_BYTES} bytes"
            )
        if kind == "photo" and _size(upload.data) == (0, 0):
            raise bad_request("IMAGE_PROCESS_FAILED")
        self.uploads += 1
        self.uploaded_bytes += len(upload.data)
        return self.keep(kind, upload.data, upload.name)

    def thumbnail(self, call: Call, value: str | None) -> StoredFile | None:
        """Its own picture for a video: a JPEG below 200 kB and within 320 px; another one is ignored without a word."""
        upload = call.uploads.get((value or "").removeprefix("attach://"))
        if upload is None or not upload.data.startswith(b"\xff\xd8") or len(upload.data) >= THUMBNAIL_BYTES:
            return None
        if not 0 < max(_size(upload.data)) <= THUMBNAIL_SIDE:
            return None
        return self.keep("photo", upload.data, upload.name)

    def cover(self, call: Call, value: str | None) -> StoredFile | None:
        """The cover of a video: a photo like any other."""
        return self.sent(call, "photo", value) if value else None

    def find(self, path: str) -> StoredFile | None:
        """By the path that getFile gave."""
        return next((file for file in self.by_id.values() if file.path == path), None)

    def _known(self, kind: str, value: str) -> StoredFile:
        if value.startswith(("http://", "https://")):
            raise bad_request("failed to get HTTP URL content")
        file = self.by_id.get(value)
        if file is None:
            raise bad_request("wrong file identifier/HTTP URL specified")
        if file.kind != kind and {file.kind, kind} != {"video", "animation"}:
            raise bad_request(f"can't use file of type {file.kind.capitalize()} as {kind.capitalize()}")
        return file


def settled(media: Media) -> Media:
    """An MP4 that has no sound becomes an animation, whatever it was sent as (`video` only)."""
    data = media.file.data
    if media.kind != "video" or data[4:8] != b"ftyp" or b"soun" in data:
        return media
    return replace(media, kind="animation", cover_file=None)


def _size(data: bytes) -> tuple[int, int]:
    """Pixels of a picture by its header; (0, 0) for anything else."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            return picture.size
    except (UnidentifiedImageError, OSError):
        return (0, 0)
