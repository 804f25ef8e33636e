"""Brings what people attach to this machine. What a file is, its first bytes say: not its name, nor what Discord says of it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path

import httpx

from bot.discord.site import DiscordSettings
from bot.discord.slash import Given
from bot.fetching import Fetching, NotFetched, NotGiven, drop, fetched_all, write
from bot.message import Attachment
from bot.sounds import TAKEN, is_sound
from engine.ports import Files

WORK = "discord-uploads"
MOST_BYTES = 200_000_000
"""Of one file."""
AT_ONCE = 4
"""Files that are fetched at the same time, of all places."""
CDN_HOSTS = frozenset({"cdn.discordapp.com", "media.discordapp.net"})
"""Which give out attachments: https://docs.discord.com/developers/reference#image-formatting"""

_CDN = frozenset(("https", host, None) for host in CDN_HOSTS)
_NAME_SHOWN = 60
_GONE = frozenset({httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND, httpx.codes.GONE})
"""Links are signed and die after a day or so."""
_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
"""What an MP4 begins with, and what QuickTime's older files begin with."""
_STILL_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis"})
"""Pictures in the boxes of a video, as phones make them; they are not taken."""
_NAMES = {"image": "picture", "video": "video", "audio": "sound file"}
_TAKEN = {
    "image": "a JPEG, PNG, WebP or GIF",
    "video": "an MP4, MOV or WebM",
    "audio": TAKEN,
    "": "a JPEG, PNG, WebP, GIF, MP4, MOV or WebM",
}


class Uploads:
    """Fetches attachments."""

    def __init__(self, settings: DiscordSettings, files: Files) -> None:
        self._files = files
        self._settings = settings
        self._fetching = Fetching("Discord", at_once=AT_ONCE)

    async def fetch(self, given: Sequence[Given]) -> tuple[Attachment, ...]:
        """All of them as files that the caller drops.

        Raises:
            NotFetched: nothing of them stays.
        """
        return await fetched_all(given, self._fetch)

    async def drop(self, fetched: Sequence[Attachment]) -> None:
        """Remove what is still there; what was wanted has been moved away."""
        await drop(fetched)

    async def _fetch(self, given: Given) -> Attachment:
        what = _NAMES.get(given.kind, "file")
        if given.bytes > MOST_BYTES:
            raise _too_large(what, given.bytes)
        async with self._fetching.filling(self._path, partial(self._refusal, what=what)) as path:
            if not gives_files(given.url, self._settings):
                raise NotGiven("its address is none of Discord's")
            async with aclosing(self._fetching.of_server(given.url, _check_status)) as chunks:
                head = await anext(chunks, b"")
                kind = _kind_wanted(head, given)
                await write(_with_head(head, chunks), path, MOST_BYTES, partial(_too_large, what, None))
        return Attachment(path, kind, given.is_last_frame, given.is_reference, given.is_voice)

    def _refusal(self, error: BaseException, what: str) -> NotFetched | None:
        if isinstance(error, _Gone):
            return self._fetching.gone("file")
        return self._fetching.refusal(error, what)

    def _path(self) -> Path:
        return self._files.work(WORK) / f"{secrets.token_hex(16)}.part"


class _Gone(Exception):
    """The link is not valid any more."""


def kind_of(head: bytes) -> str:
    """`image`, `video` or `audio`, from at least the first 12 bytes; "" for anything else."""
    if is_sound(head):
        return "audio"
    if head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")):
        return "image"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image"
    if head[4:8] in _BOXES and not (head[4:8] == b"ftyp" and head[8:12] in _STILL_BRANDS):
        return "video"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "video"
    return ""


def _kind_wanted(head: bytes, given: Given) -> str:
    """What begins with these bytes, where that is what was asked for.

    Raises:
        NotFetched: it is something else.
    """
    kind = kind_of(head)
    if kind and given.kind in {kind, ""}:
        return kind
    name = f"“{shown}”" if (shown := _shown(given.name)) else "That file"
    nothing = "no sound" if given.kind == "audio" else "neither a picture nor a video"
    what = f"a {_NAMES[kind]}" if kind else f"{nothing} that is taken here"
    wanted = f"a {_NAMES[given.kind]} is wanted" if given.kind else "one of these is wanted"
    raise NotFetched(f"{name} is {what}, and {wanted}: send {_TAKEN[given.kind]}.")


def _shown(name: str) -> str:
    """A name of somebody else's making, in one line and not too long of it."""
    clean = " ".join("".join(each if each.isprintable() else " " for each in name).split())
    return clean if len(clean) <= _NAME_SHOWN else f"{clean[: _NAME_SHOWN - 1]}…"


def gives_files(url: str, settings: DiscordSettings) -> bool:
    """Whether this is an address of Discord's files, or of the server that was configured in Discord's place."""
    try:
        address = _address_of(url)
    except httpx.InvalidURL:
        return False
    return address in _CDN or (not settings.is_cloud and address == _address_of(settings.api_url))


def _address_of(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port as they will be asked, since another reader of the same text might see another host."""
    address = httpx.URL(url)
    return address.scheme, address.host, address.port


def _check_status(status: int) -> None:
    if status in _GONE:
        raise _Gone


def _too_large(what: str, size_bytes: int | None) -> NotFetched:
    has = f" has {size_bytes / 1e6:.0f} MB, and" if size_bytes is not None else " is too large:"
    return NotFetched(
        f"That {what}{has} Nextshot takes at most {MOST_BYTES / 1e6:.0f} MB here; send a shorter or smaller one."
    )


async def _with_head(head: bytes, rest: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    yield head
    async for chunk in rest:
        yield chunk
