"""The page's own files: read once at the start, served from memory by their exact names, so no path is ever taken from outside."""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

_STATIC = Path(__file__).parent / "static"
_HTML = "text/html"
_FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class _Asset:
    content: bytes
    content_type: str


class Pages:
    """HTML is checked on every visit; all else lies under a path that holds the hash of everything, and is kept for ever."""

    def __init__(self, assets: dict[str, _Asset], version: str) -> None:
        self._assets = assets
        self.version = version

    @classmethod
    def read(cls) -> Pages:
        """Read the files from the package. Blocks for a moment: for the start of the program."""
        paths = sorted(path for path in _STATIC.rglob("*") if path.is_file())
        content = {path.relative_to(_STATIC).as_posix(): path.read_bytes() for path in paths}
        whole = hashlib.sha256()
        for name, data in content.items():
            whole.update(f"{name}\0{len(data)}\0".encode() + data)
        version = whole.hexdigest()[:12]
        assets = {}
        for name, data in content.items():
            kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
            filled = data.replace(b"{{static}}", f"/static/{version}".encode()) if kind == _HTML else data
            assets[name] = _Asset(filled, kind)
        return cls(assets, version)

    def html(self, name: str, *, status: int = 200, fill: dict[str, str] | None = None) -> web.Response:
        """A page; `fill` replaces `{{name}}` and must be safe as HTML."""
        text = self._assets[name].content.decode()
        for key, value in (fill or {}).items():
            text = text.replace("{{" + key + "}}", value)
        headers = {"Cache-Control": "no-cache"}
        return web.Response(text=text, content_type=_HTML, charset="utf-8", status=status, headers=headers)

    def asset(self, version: str, name: str) -> web.Response:
        """A style, a module or a picture of the page. An old version's name gives today's file, not kept."""
        asset = self._assets.get(name)
        if asset is None or asset.content_type == _HTML:
            raise web.HTTPNotFound
        is_text = asset.content_type.startswith("text/") or asset.content_type.endswith(("javascript", "svg+xml"))
        return web.Response(
            body=asset.content,
            content_type=asset.content_type,
            charset="utf-8" if is_text else None,
            headers={"Cache-Control": _FOREVER if version == self.version else "no-cache"},
        )
