"""Text as the server takes it: HTML → text and entities, lengths in code points, the entities it finds by itself. Pure.

Words of the errors: https://github.com/tdlib/td, MessageEntity.cpp.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

from tests.fakes.bot_api.model import Json
from tests.fakes.bot_api.refusals import bad_request

TEXT_CHARS = 4096
CAPTION_CHARS = 1024
KINDS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "tg-spoiler": "spoiler",
    "a": "text_link",
    "span": "spoiler",
    "tg-emoji": "custom_emoji",
    "tg-time": "date_time",
}
_TAG = re.compile(r"<(/?)([^\s>/]*)([^>]*)>")
_HREF = re.compile(r"""href\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_REFERENCE = re.compile(r"&(?:(?:lt|gt|amp|quot);|#[0-9]{1,7};|#x[0-9a-fA-F]{1,6};)")
_COMMAND = re.compile(r"(?<![\w/@<>])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/])")


@dataclass(frozen=True, slots=True)
class Words:
    """Text without markup, and its entities with offsets in UTF-16 units."""

    text: str
    entities: tuple[Json, ...] = ()


def units(text: str) -> int:
    """Length in UTF-16 units, in which entities are counted."""
    return len(text.encode("utf-16-le")) // 2


def read_words(text: str, parse_mode: str | None, entities: Sequence[Json] | None) -> Words:
    """What is shown.

    Raises:
        Refusal: markup that the real server does not take either; Markdown, which this fake cannot read.
    """
    if not parse_mode:
        return _trimmed(text, list(entities or ()))
    if parse_mode.lower() != "html":
        raise bad_request("unsupported parse_mode")
    return _trimmed(*_parse_html(text))


def read_text(text: str, parse_mode: str | None, entities: Sequence[Json] | None) -> Words:
    """The text of a message.

    Raises:
        Refusal: empty, longer than 4096 code points after parsing, or wrong markup.
    """
    words = read_words(text, parse_mode, entities)
    if not words.text:
        raise bad_request("message text is empty")
    if len(words.text) > TEXT_CHARS:
        raise bad_request("message is too long")
    return words


def read_caption(text: str, parse_mode: str | None, entities: Sequence[Json] | None) -> Words:
    """A caption, which may be empty.

    Raises:
        Refusal: longer than 1024 code points after parsing, or wrong markup.
    """
    words = read_words(text, parse_mode, entities)
    if len(words.text) > CAPTION_CHARS:
        raise bad_request("message caption is too long")
    return words


def command_entities(text: str) -> tuple[Json, ...]:
    """A `bot_command` for each `/word` and `/word@name`, wherever it stands."""
    return tuple(
        {"type": "bot_command", "offset": units(text[: found.start()]), "length": units(found[0])}
        for found in _COMMAND.finditer(text)
    )


def _trimmed(text: str, entities: list[Json]) -> Words:
    """Without white space around it; in front only as far as no entity begins."""
    first = min((entity["offset"] for entity in entities), default=len(text))
    cut = min(len(text) - len(text.lstrip()), first)
    kept = text[cut:].rstrip()
    length = units(kept)
    moved = []
    for entity in entities:
        offset = entity["offset"] - cut
        size = min(entity["length"], length - offset)
        if size > 0:
            moved.append({**entity, "offset": offset, "length": size})
    known = {(entity["offset"], entity["length"]) for entity in moved}
    found = [entity for entity in command_entities(kept) if (entity["offset"], entity["length"]) not in known]
    return Words(kept, tuple(sorted([*moved, *found][:100], key=lambda entity: int(entity["offset"]))))


def _parse_html(source: str) -> tuple[str, list[Json]]:
    text, entities = "", list[Json]()
    stack: list[tuple[str, int, str]] = []
    at = 0
    for tag in _TAG.finditer(source):
        text += _plain(source[at : tag.start()], source, at)
        at = tag.end()
        name, here = tag[2].lower(), _byte(source, tag.start())
        if not tag[1]:
            if name not in KINDS or (name == "span" and "tg-spoiler" not in tag[3]):
                raise _wrong(f'Unsupported start tag "{name}" at byte offset {here}')
            stack.append((name, units(text), tag[3]))
            continue
        if not stack:
            raise _wrong(f"Unexpected end tag at byte offset {here}")
        opened, offset, attributes = stack.pop()
        if name and name != opened:
            raise _wrong(f'Unmatched end tag at byte offset {here}, expected "</{opened}>", found "</{name}>"')
        entity: Json = {"type": KINDS[opened], "offset": offset, "length": units(text) - offset}
        link = _HREF.search(attributes) if opened == "a" else None
        if link is not None:
            entity["url"] = html.unescape(link[1] or link[2] or "")
        if entity["length"] > 0 and (opened != "a" or link is not None):
            entities.append(entity)
    text += _plain(source[at:], source, at)
    if stack:
        name = stack[-1][0]
        raise _wrong(f'Can\'t find end tag corresponding to start tag "{name}"')
    return text, sorted(entities, key=lambda entity: int(entity["offset"]))


def _plain(piece: str, source: str, at: int) -> str:
    if (open_at := piece.find("<")) >= 0:
        raise _wrong(f"Unclosed start tag at byte offset {_byte(source, at + open_at)}")
    return _REFERENCE.sub(lambda found: html.unescape(found[0]), piece)


def _byte(source: str, index: int) -> int:
    return len(source[:index].encode())


def _wrong(words: str) -> Exception:
    return bad_request(f"can't parse entities: {words}")
