"""Clips, films and pictures. A path is only ever made from a code, a number or a kept message, never from the address."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from aiohttp import web

from bot.web.ports import Post
from bot.web.translate import export_of, is_code, picture_path, video_file
from bot.web.wire import place_in, site_of
from engine.derive import EXPORTS, VARIANTS, derived
from engine.errors import NotFound
from engine.model import FileKey

MAKE_S = 60.0
"""How long making a thumbnail or a sprite sheet may take."""
EXPORT_S = 1_800.0
"""How long another kind of file of a film may take. Who goes away meanwhile finds it made."""
PICTURE_BYTES_MAX = 32 * 1024 * 1024

_FILE = re.compile(r"[0-9a-f]{64}\.[a-z0-9]{1,5}")
_PICTURES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n": "image/png"}
_KEPT = "private, max-age=31536000, immutable"
_FRESH = "private, no-cache"
_GONE = "That file is not here any more."


async def _by_code(request: web.Request) -> web.StreamResponse:
    """`/media/home/k7-2/video`: what a shot or a film is now. `?v=` names its version, so it may be kept."""
    code, variant = request.match_info["code"].lower(), request.match_info["variant"]
    if not is_code(code) or variant not in VARIANTS:
        raise web.HTTPNotFound
    async with asyncio.timeout(EXPORT_S if variant in EXPORTS else MAKE_S):
        path = await site_of(request).rooms.studio.download(place_in(request), code, variant)
    is_whole = variant == "video" or variant in EXPORTS
    name = f"{code}{path.suffix}" if is_whole else f"{code}-{variant}{path.suffix}"
    return await _file(request, path, name, is_kept="v" in request.query)


async def _of_post(request: web.Request) -> web.StreamResponse:
    """`/media/home/posts/12/video`: exactly the file that this message showed, also after a retake."""
    post, part = await _post(request), request.match_info["part"]
    if part == "picture":
        picture = picture_path(post.body)
        if picture is None:
            raise NotFound(_GONE)
        return await _picture(picture)
    file = video_file(post.body)
    if file is None or not _FILE.fullmatch(file):
        raise NotFound(_GONE)
    export = export_of(post.body) if part in EXPORTS else None
    if part in EXPORTS and (export is None or export.kind.value != part):
        raise NotFound(_GONE)
    async with asyncio.timeout(EXPORT_S if export else MAKE_S):
        path = await derived(site_of(request).files, FileKey(file), part, export.shots if export else ())
    name = Path(str(post.body["video"]["name"]))
    return await _file(request, path, f"{name.stem}{path.suffix}", is_kept=True)


async def _preview(request: web.Request) -> web.StreamResponse:
    """The render of a job so far."""
    number = request.match_info["job"]
    job = await site_of(request).rooms.studio.job(int(number)) if number.isdecimal() and len(number) < 19 else None
    if job is None or job.place != place_in(request) or job.preview is None:
        raise NotFound(_GONE)
    return await _picture(Path(job.preview))


async def _post(request: web.Request) -> Post:
    number = request.match_info["post"]
    site = site_of(request)
    post = await site.rooms.transcript.post(int(number)) if number.isdecimal() and len(number) < 19 else None
    if post is None or post.place != place_in(request):
        raise NotFound(_GONE)
    return post


async def _file(request: web.Request, path: Path, name: str, *, is_kept: bool) -> web.StreamResponse:
    """A file, in ranges where the player asks for them."""
    if not await asyncio.to_thread(path.is_file):
        raise NotFound(_GONE)
    way = "attachment" if "download" in request.query else "inline"
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    headers = {"Cache-Control": _KEPT if is_kept else _FRESH, "Content-Disposition": f'{way}; filename="{safe}"'}
    return web.FileResponse(path, headers=headers)


async def _picture(path: Path) -> web.StreamResponse:
    """A picture that may be replaced or vanish at any time: read whole, so that it is never cut in two."""
    content = await asyncio.to_thread(_read, path)
    kind = (
        None if content is None else next((kind for head, kind in _PICTURES.items() if content.startswith(head)), None)
    )
    if kind is None:
        raise NotFound(_GONE)
    return web.Response(body=content, content_type=kind, headers={"Cache-Control": _FRESH})


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            content = file.read(PICTURE_BYTES_MAX + 1)
    except OSError:
        return None
    return content if len(content) <= PICTURE_BYTES_MAX else None


ROUTES = (
    web.get("/media/{room}/posts/{post}/{part:video|thumbnail|picture|webm|gif|frames}", _of_post),
    web.get("/media/{room}/jobs/{job}/preview", _preview),
    web.get("/media/{room}/{code}/{variant}", _by_code),
)
