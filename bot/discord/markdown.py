r"""Plain text as Discord markdown that is shown exactly as it was written, cut to what a message takes, and back: pure.

Every character that could mean something gets a backslash, which all of Discord's parsers take before anything that is neither a
letter, a digit nor white space (the `escape` rule of github.com/discord/SimpleAST); what means something only where a line begins
gets it there. The server looks for mentions in the raw text, so there a mention is broken too, whatever a message allows.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

MESSAGE_CHARS = 2000
"""https://discord.com/developers/docs/resources/message#create-message"""

_ELLIPSIS = "…"
_JOINER = "\u200d"
_BREAK = "\u2060"
"""Shown as nothing; between an @ and the word after it."""
_CALLS = "(?:everyone|here)"
_PATH = r"[\w/?#%&=~.,:;+$!'()*-]*+"
_URL = (
    r"https?://[^\W_](?:[\w.-]*[^\W_])?+(?::\d{1,5})?+"
    rf"(?:[/?#]{_PATH}(?:@(?!{_CALLS}){_PATH})*+)?+"
    r"(?!:?[^\s/?#]*@)"
)
"""Taken whole or not at all: of what hides another host behind an @, nothing is a link. Every client reads small letters."""
_TOKEN = re.compile(
    rf"""
      (?P<url>{_URL})
    | (?P<call>@(?={_CALLS}))
    | (?P<line>(?m:^)[^\S\n]*(?:[#+-]|\d+[.)](?!\S)))
    | (?P<invite>(?i:discord(?:app)?\.(?:gg|com|new|media)/))
    | (?P<mark>[\\*_~`|<>\[\]:@]|(?<=\])\()
    """,
    re.VERBOSE,
)
_URL_END = ".,:;!?'"
_MENTION = re.compile(r"<@!?\d+> ?")
_SHOWN = re.compile(rf"<(https?://[^\s<>]+)>|\\([^0-9A-Za-z\s])|{_BREAK}")


def cleaned(text: str) -> str:
    """Without what is not shown or turns the text around it: control and format characters, halves of surrogate pairs.

    Newlines and the joiners of emoji stay; every other line end is a newline, a tab is a space.
    """
    text = re.sub(r"\r\n?|[\v\f\x85\u2028\u2029]", "\n", text).replace("\t", " ")
    return "".join(c for c in text if c in {"\n", _JOINER} or unicodedata.category(c) not in {"Cc", "Cf", "Cs"})


def units(text: str) -> int:
    """Its length in UTF-16 units, never less than as Discord counts it.

    The server counts code points (https://github.com/discord/discord-api-docs/issues/1315), its clients UTF-16 units.
    """
    return len(text) + sum(c > "\uffff" for c in text)


def escaped(text: str) -> str:
    """Shown as the text, whatever it is: no markup, no mention, no emoji by name, no preview. URLs can be clicked."""
    return "".join(shown for _, shown in _tokens(cleaned(text)))


def fitted(text: str, most: int = MESSAGE_CHARS, head: str = "") -> str:
    """`head`, which is markdown already, and the escaped text, together at most `most` UTF-16 units; cut text ends in “…”.

    A URL is whole or it is none. A head that leaves no room for anything is left out.
    """
    if units(head) >= most:
        head = ""
    room = most - units(head)
    whole = escaped(text)
    if units(whole) <= room:
        return head + whole
    return head + _cut(cleaned(text), room)


def plain(markdown: str) -> str:
    """The text that `escaped` or `fitted` made this of, without the mention that it begins with."""
    text = _MENTION.sub("", markdown, count=1) if _MENTION.match(markdown) else markdown
    return _SHOWN.sub(lambda found: found[1] or found[2] or "", text)


def in_line(text: str, most: int) -> str:
    """For where no markup is read: one line of at most `most` UTF-16 units; cut text ends in “…”."""
    line = " ".join(cleaned(text).split())
    if units(line) <= most:
        return line
    return _within(line, most - 1) + _ELLIPSIS if most > 0 else ""


def _cut(text: str, room: int) -> str:
    """As much of it as leaves room for the ellipsis."""
    room -= units(_ELLIPSIS)
    if room < 0:
        return ""
    kept: list[str] = []
    for piece, shown in _tokens(text):
        if units(shown) <= room:
            kept.append(shown)
            room -= units(shown)
            continue
        for shown_char in map(_inert, piece):  # half a URL would lead elsewhere, so it is no link any more
            if units(shown_char) > room:
                break
            kept.append(shown_char)
            room -= units(shown_char)
        break
    return "".join(kept).rstrip(_JOINER) + _ELLIPSIS


def _within(text: str, most: int) -> str:
    """The longest beginning of at most this many units, no emoji left half joined."""
    end = 0
    for c in text:
        most -= units(c)
        if most < 0:
            break
        end += 1
    return text[:end].rstrip(_JOINER + " ")


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """The text in pieces, each with what shows it; one that is longer than a character is a URL or begins a line."""
    at = 0
    while (found := _TOKEN.search(text, at)) is not None:
        yield from ((c, c) for c in text[at : found.start()])
        piece, shown = _shown(found)
        yield piece, shown
        at = found.start() + len(piece)
    yield from ((c, c) for c in text[at:])


def _shown(found: re.Match[str]) -> tuple[str, str]:
    piece = found[0]
    match found.lastgroup:
        case "url":
            url = _url(piece)
            return url, f"<{url}>" if _ends(url, found) else "".join(map(_inert, url))
        case "call":
            return piece, "\\@" + _BREAK
        case "line" | "invite":
            return piece, f"{piece[:-1]}\\{piece[-1]}"
        case _:
            return piece, "\\" + piece


def _url(found: str) -> str:
    """Without what more likely belongs to the sentence around it."""
    url = found.rstrip(_URL_END)
    while url.endswith(")") and url.count(")") > url.count("("):
        url = url[:-1].rstrip(_URL_END)
    return url


def _ends(url: str, found: re.Match[str]) -> bool:
    """Whether it is all of the URL: no accent that belongs to its last letter follows."""
    after = found.string[found.start() + len(url) :][:1]
    return not after or unicodedata.category(after)[0] != "M"


def _inert(c: str) -> str:
    """A character that cannot be part of any markup, wherever it stands."""
    return c if c.isalnum() or c.isspace() or ord(c) > 0x7F else "\\" + c
