"""Addresses of single files for who is not on the page: what a chat cannot take is had in a browser.

Such an address is its own key: it names one file, says nothing of others, and cannot be guessed.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path
from urllib.parse import quote

from aiohttp import web

from bot.web.wire import site_of
from engine.errors import NotFound
from engine.model import FileKey

SECRET_FILE = "link-secret"  # noqa: S105  # its name
PREFIX = "/film/"
_FILE = re.compile(r"[0-9a-f]{64}\.[a-z0-9]{1,5}")
_GONE = "That film is not here any more."


class Links:
    """Makes addresses and tells ours from others."""

    def __init__(self, secret: bytes, base_url: str) -> None:
        """`base_url`: where others reach the page, without a slash at its end."""
        self._secret = secret
        self._base_url = base_url

    def link(self, file: FileKey, name: str) -> str:
        """The address of a kept file; `name` is what it is saved as."""
        return f"{self._base_url}{PREFIX}{self._sign(file)}/{file}/{quote(name)}"

    def is_ours(self, sign: str, file: str) -> bool:
        return hmac.compare_digest(sign.encode(), self._sign(file).encode())

    def _sign(self, file: str) -> str:
        return hmac.new(self._secret, file.encode(), hashlib.sha256).hexdigest()[:40]


def read_secret(directory: Path) -> bytes:
    """The secret of this data directory, made when it is first needed; it can be removed to make all addresses void.

    Raises:
        OSError
    """
    path = directory / SECRET_FILE
    if not path.exists():
        fresh = directory / f"{SECRET_FILE}.{secrets.token_hex(4)}"
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(32))
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)
    return path.read_bytes()


async def _film(request: web.Request) -> web.StreamResponse:
    site, file = site_of(request), request.match_info["file"]
    if site.links is None or not _FILE.fullmatch(file) or not site.links.is_ours(request.match_info["sign"], file):
        raise NotFound(_GONE)
    if not await site.files.exists(FileKey(file)):
        raise NotFound(_GONE)
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", request.match_info["name"])
    headers = {"Cache-Control": "private, max-age=86400", "Content-Disposition": f'inline; filename="{safe}"'}
    return web.FileResponse(site.files.path(FileKey(file)), headers=headers)


ROUTES = (web.get(PREFIX + "{sign}/{file}/{name}", _film),)
