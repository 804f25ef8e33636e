"""An HTTP request → a call: urlencoded, multipart, JSON or a query string, with nested objects as JSON strings."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from aiohttp import BodyPartReader, web

from tests.fakes.bot_api.model import Json
from tests.fakes.bot_api.refusals import Refusal


def names(words: str) -> frozenset[str]:
    """Names that are written with spaces between them."""
    return frozenset(words.split())


INTEGERS = names(
    "chat_id from_chat_id message_id message_thread_id user_id offset limit timeout duration width height start_timestamp "
    "cache_time max_connections icon_color reply_to_message_id receiver_user_id direct_messages_topic_id "
    "video_start_timestamp sender_chat_id until_date max_tip_amount photo_size photo_width photo_height"
)
FLAGS = names(
    "disable_notification protect_content allow_paid_broadcast show_caption_above_media has_spoiler supports_streaming "
    "show_alert drop_pending_updates allow_sending_without_reply disable_web_page_preview disable_content_type_detection "
    "return_bots revoke_messages ok is_flexible need_name need_phone_number need_email need_shipping_address "
    "send_phone_number_to_provider send_email_to_provider"
)
TREES = names(
    "reply_parameters reply_markup link_preview_options entities caption_entities media commands scope allowed_updates "
    "suggested_post_parameters ephemeral_message_parameters rich_message reaction menu_button message_ids "
    "prices suggested_tip_amounts"
)
WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a request."""

    name: str
    mime: str
    data: bytes = field(repr=False)


@dataclass
class Call:
    """One request. `params` are decoded; an uploaded parameter stands there as `attach://name`."""

    method: str
    params: Json
    at_s: float
    """On the server's own clock: monotonic seconds, times its speed."""
    uploads: dict[str, Upload] = field(default_factory=dict, repr=False)
    code: int | None = None
    """The status of the answer; None while there is none."""
    description: str | None = None
    """The words of a refusal."""
    result: Any = field(default=None, repr=False)

    def integer(self, name: str) -> int | None:
        value = self.params.get(name)
        return value if isinstance(value, int) else None

    def string(self, name: str) -> str | None:
        value = self.params.get(name)
        return None if value is None else str(value)

    def flag(self, name: str) -> bool:
        return self.params.get(name) is True

    def tree(self, name: str) -> Json | None:
        value = self.params.get(name)
        return value if isinstance(value, dict) else None

    def rows(self, name: str) -> list[Any] | None:
        value = self.params.get(name)
        return value if isinstance(value, list) else None


@dataclass
class Reading:
    """How bodies are taken in."""

    cap_bytes: int
    bytes_per_s: float | None = None
    local: bool = False
    """Whether `file:///…` names a file on the server's own disk."""


async def read_params(
    request: web.Request, reading: Reading, came: Callable[[int], None]
) -> tuple[Json, dict[str, Upload]]:
    """Parameters and uploads. `came` is told of every piece of a file.

    Raises:
        Refusal: 413 where the files together are larger than the cap; 400 where JSON cannot be read.
    """
    raw: Json = dict(parse_qsl(request.query_string, keep_blank_values=True))
    uploads: dict[str, Upload] = {}
    if request.content_type.startswith("multipart/"):
        await _read_parts(request, reading, came, raw, uploads)
    elif body := await request.read():
        if request.content_type == "application/json":
            raw.update(_json(body))
        else:
            raw.update(parse_qsl(body.decode(), keep_blank_values=True))
    params = {name: _decoded(name, value) for name, value in raw.items()}
    if reading.local:
        uploads.update(await _local_files(params, uploads, reading.cap_bytes))
    return params, uploads


def strings_in(value: object) -> Iterable[str]:
    """Every string in a value, however deep."""
    match value:
        case str():
            yield value
        case dict():
            for inner in value.values():
                yield from strings_in(inner)
        case list():
            for inner in value:
                yield from strings_in(inner)


async def _read_parts(
    request: web.Request, reading: Reading, came: Callable[[int], None], raw: Json, uploads: dict[str, Upload]
) -> None:
    total = 0
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader) or part.name is None:
            continue
        if part.filename is None:
            raw[part.name] = await part.text()
            continue
        kept, total = await _read_file(request, part, reading, came, total)
        mime = part.headers.get("Content-Type", "application/octet-stream")
        uploads[part.name] = Upload(part.filename, mime, kept)
        raw.setdefault(part.name, f"attach://{part.name}")
    if total > reading.cap_bytes:
        raise Refusal(413, "Request Entity Too Large")
    referred = {value.removeprefix("attach://") for value in strings_in(list(_given(raw, uploads)))}
    for name in uploads:
        if name in referred and raw.get(name) == f"attach://{name}":
            del raw[name]


def _given(raw: Json, uploads: dict[str, Upload]) -> Iterable[object]:
    """The parameters that may refer to an upload by its name."""
    for name, value in raw.items():
        if name not in uploads:
            yield _decoded(name, value)


async def _read_file(
    request: web.Request, part: BodyPartReader, reading: Reading, came: Callable[[int], None], total: int
) -> tuple[bytes, int]:
    """One file; what is over the cap is read and dropped, so that the client hears the answer.

    Raises:
        ConnectionResetError: the client went away while the file came in slowly, even if the kernel still had its rest.
    """
    kept = bytearray()
    while chunk := await part.read_chunk(_chunk_bytes(reading.bytes_per_s)):
        total += len(chunk)
        came(len(chunk))
        if total <= reading.cap_bytes:
            kept += chunk
        else:
            kept.clear()
        if reading.bytes_per_s:
            await asyncio.sleep(len(chunk) / reading.bytes_per_s)
            if request.transport is None or request.transport.is_closing():
                raise ConnectionResetError("the client went away")
    return bytes(kept), total


def _chunk_bytes(bytes_per_s: float | None) -> int:
    """At a slow pace about twenty pieces a second."""
    return CHUNK_BYTES if not bytes_per_s else min(CHUNK_BYTES, max(1024, int(bytes_per_s / 20)))


async def _local_files(params: Json, known: dict[str, Upload], cap_bytes: int) -> dict[str, Upload]:
    """The files that a server in local mode reads from its own disk, by the URL that names them."""
    found: dict[str, Upload] = {}
    for url in {text for text in strings_in(params) if text.startswith("file://")} - known.keys():
        path = Path(unquote(urlsplit(url).path))
        if not await asyncio.to_thread(path.is_file):
            continue
        if (await asyncio.to_thread(path.stat)).st_size > cap_bytes:
            raise Refusal(413, "Request Entity Too Large")
        found[url] = Upload(path.name, "application/octet-stream", await asyncio.to_thread(path.read_bytes))
    return found


def _decoded(name: str, value: object) -> object:
    """A parameter as its type; as it came where it does not read as that type."""
    if name in FLAGS and isinstance(value, str | int):
        return WORDS.get(str(value).lower(), value)
    if not isinstance(value, str):
        return value
    if name in INTEGERS:
        return int(value) if value.removeprefix("-").isdecimal() else value
    if name in TREES and value:
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _json(body: bytes) -> Json:
    try:
        decoded = json.loads(body)
    except ValueError:
        decoded = None
    if not isinstance(decoded, dict):
        raise Refusal(400, "Bad Request: can't parse request as JSON object")
    return decoded
