"""Between the page's JSON and the shared words of the front ends, both ways, without I/O."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.message import Button, Export, Reply, Video
from engine.codes import parse_film_code, parse_shot_code
from engine.film_options import FilmFormat
from engine.model import FileKey, Person

PLATFORM = "local"
BOT = ""
"""The author of what the bot says."""
NAME_CHARS = 40
TEXT_CHARS = 8_000

_ROOM = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_KEY = re.compile(r"[A-Za-z0-9-]{8,64}")
_WORD = re.compile(r"[a-z][a-z-]{0,19}")
_TARGET = re.compile(r"[A-Za-z0-9:=._-]{0,40}")


class BadRequest(Exception):
    """What the page sent cannot be understood; one sentence says why."""


def place_of(room: str) -> str | None:
    """`home` → `local:home`; None: no name of a room (small letters, digits and hyphens, at most 40)."""
    return f"{PLATFORM}:{room}" if _ROOM.fullmatch(room) else None


def room_of(place: str) -> str:
    """`local:home` → `home`"""
    return place.partition(":")[2]


def receipt_of(post_id: int) -> str:
    return f"{PLATFORM}:{post_id}"


def post_id_of(receipt: str) -> int | None:
    """The post that a receipt names; None: it is none of ours."""
    platform, _, number = receipt.partition(":")
    return int(number) if platform == PLATFORM and number.isdecimal() and len(number) < 19 else None


def person_of(name: str) -> Person:
    """Who speaks under this name. Names that differ only in case, accents' encoding or punctuation are one person.

    Raises:
        BadRequest: empty, longer than NAME_CHARS, or without anything visible.
    """
    shown = " ".join("".join(c for c in name if unicodedata.category(c)[0] != "C" or c == "\u200d").split())
    if not shown or len(shown) > NAME_CHARS:
        raise BadRequest(f"Choose a name of 1 to {NAME_CHARS} characters.")
    folded = unicodedata.normalize("NFKC", shown).casefold()
    # Marks belong to their letters: without them different names of some scripts would be one.
    slug = "-".join("".join(c if unicodedata.category(c)[0] in "LNM" else " " for c in folded).split())
    if not any(unicodedata.category(c)[0] in "LN" for c in slug):  # only signs or emoji: still one person for one name
        slug = "x" + hashlib.sha256(folded.encode()).hexdigest()[:12]
    return Person(key=f"{PLATFORM}:{slug}", name=shown)


# --- what comes in ---------------------------------------------------------------------------------------------------


def read_text(data: Mapping[str, Any], field: str, limit: int) -> str:
    """A text of the request, at most `limit` characters; missing reads as empty.

    Raises:
        BadRequest
    """
    value = data.get(field, "")
    if not isinstance(value, str) or "\0" in value:
        raise BadRequest(f"The field {field} must be a text.")
    if len(value) > limit:
        raise BadRequest(f"That is {len(value):,} characters long; write at most {limit:,}.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadRequest("That text has half a character in it; write it again.") from None
    return value


def read_key(data: Mapping[str, Any], place: str) -> str:
    """The update key, from the one that the page made.

    Raises:
        BadRequest
    """
    key = data.get("key")
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise BadRequest("The message has no key of 8 to 64 letters and digits; reload the page.")
    return f"{place}:{key}"


def read_reply_to(data: Mapping[str, Any]) -> int | None:
    value = data.get("reply_to")
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**63:
        raise BadRequest("The message that this one answers is unknown; reload the page.")
    return value


def read_button(data: Mapping[str, Any]) -> tuple[str, str]:
    """Verb and target of a pressed button.

    Raises:
        BadRequest
    """
    verb, target = data.get("verb"), data.get("target")
    if (
        not isinstance(verb, str)
        or not _WORD.fullmatch(verb)
        or not isinstance(target, str)
        or not _TARGET.fullmatch(target)
    ):
        raise BadRequest("That button is unknown; reload the page.")
    return verb, target


def is_code(text: str) -> bool:
    """Whether it is the code of a shot or of a film."""
    return parse_shot_code(text) is not None or parse_film_code(text) is not None


# --- what is kept ----------------------------------------------------------------------------------------------------


def said_body(person: Person, text: str, *, reply_to: int | None, kinds: Sequence[str] = ()) -> dict[str, Any]:
    """What is kept of a person's message; `kinds` are those of its attachments."""
    return {
        "kind": "said",
        "name": person.name,
        "text": text,
        "reply_to": reply_to,
        "pictures": kinds.count("image"),
        "videos": kinds.count("video"),
        "sounds": kinds.count("audio"),
    }


def reply_body(reply: Reply, *, reply_to: int | None = None) -> dict[str, Any]:
    """What is kept of the bot's message. Files are named, never copied."""
    return {
        "kind": "reply",
        "text": reply.text,
        "reply_to": reply_to,
        "buttons": [button_body(button) for button in reply.buttons],
        "video": None if reply.video is None else _video_body(reply.video),
        "export": None if reply.export is None else _export_body(reply.export),
        "picture": None if reply.picture is None else str(reply.picture),
        "percent": reply.percent,
        "is_error": reply.is_error,
    }


def button_body(button: Button) -> dict[str, Any]:
    """A button as it is kept and shown."""
    return {"verb": button.verb, "label": button.label, "target": button.target, "asks": button.asks}


def _export_body(export: Export) -> dict[str, Any]:
    return {"kind": export.kind.value, "shots": [list(shot) for shot in export.shots]}


def _video_body(video: Video) -> dict[str, Any]:
    return {
        "file": str(video.file),
        "name": video.name,
        "seconds": video.seconds,
        "width": video.width,
        "height": video.height,
        "bytes": video.bytes,
    }


def video_file(body: Mapping[str, Any]) -> str | None:
    """The key of the file that a kept message shows."""
    video = body.get("video")
    return str(video["file"]) if video else None


def export_of(body: Mapping[str, Any]) -> Export | None:
    """The kind of file that a kept message shows its video as; None: as it is."""
    export = body.get("export")
    if not export:
        return None
    return Export(FilmFormat(export["kind"]), tuple((code, FileKey(key)) for code, key in export["shots"]))


def picture_path(body: Mapping[str, Any]) -> Path | None:
    picture = body.get("picture")
    return Path(picture) if picture else None
