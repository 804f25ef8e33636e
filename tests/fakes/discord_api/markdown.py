"""Discord's markdown → what the eye reads, and which markup was rendered. Pure.

The rules are those of the client's own parser, a simple-markdown: https://github.com/discord/SimpleAST and
https://support.discord.com/hc/en-us/articles/210298617.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Read:
    """What is seen, and the names of the markup that made it look so."""

    text: str
    markup: frozenset[str]


DEEPEST = 20
"""Spans within spans; what is deeper stays as it is written."""
_INNER = r"((?:\\[\s\S]|[^\\])+?)"
_BLOCK = re.compile(r"```(?:[a-z0-9_+\-.#]+?\n)?\n*([^\n][\s\S]*?)\n*```", re.IGNORECASE)
_CODE = re.compile(r"(`+)([\s\S]*?[^`])\1(?!`)")
_ESCAPE = re.compile(r"\\([^0-9A-Za-z\s])")
_SPANS = (
    ("bold", re.compile(rf"\*\*{_INNER}\*\*(?!\*)")),
    ("underline", re.compile(rf"__{_INNER}__(?!_)")),
    ("strike", re.compile(rf"~~{_INNER}~~(?!_)")),
    ("spoiler", re.compile(rf"\|\|{_INNER}\|\|")),
    ("italic", re.compile(r"\b_((?:__|\\[\s\S]|[^\\_])+?)_\b")),
    ("italic", re.compile(r"\*(?=\S)((?:\*\*|\\[\s\S]|\s+(?:\\[\s\S]|[^\s*\\]|\*\*)|[^\s*\\])+?)\*(?!\*)")),
)
_MASKED = re.compile(r"\[((?:\\[\s\S]|[^\[\]\\])+)\]\(\s*<?https?://[^\s<>()]+>?(?:\s+['\"][^'\"]*['\"])?\s*\)")
_POINTED = re.compile(r"<((?:https?|discord)://[^\s>]+)>")
_URL = re.compile(r"https?://[^\s<]+[^<.,:;\"')\]\s]")
_THINGS = (
    ("mention", re.compile(r"<@[!&]?\d{5,20}>|@everyone|@here")),
    ("channel", re.compile(r"<#\d{5,20}>|<id:(?:customize|browse|guide|linked-roles)>")),
    ("timestamp", re.compile(r"<t:-?\d{1,17}(?::[tTdDfFRsS])?>")),
    ("emoji", re.compile(r"<a?:\w{2,32}:\d{5,20}>")),
    ("command", re.compile(r"</[-_\w ]{1,100}:\d{5,20}>")),
)
_LINES = (
    ("quote", re.compile(r">>> |> ")),
    ("heading", re.compile(r"#{1,3} +(?=\S)")),
    ("subtext", re.compile(r"-# +(?=\S)")),
    ("list", re.compile(r"[ \t]*(?:[-*]|\d{1,10}\.) +(?=\S)")),
)


@lru_cache(maxsize=1024)
def read(source: str) -> Read:
    """Read a message."""
    markup: set[str] = set()
    return Read(_inline(source, markup, 0), frozenset(markup))


def without_code(source: str) -> str:
    """Without code, in which nobody is mentioned."""
    return _CODE.sub(" ", _BLOCK.sub(" ", source))


def _inline(source: str, markup: set[str], depth: int) -> str:
    out: list[str] = []
    at, line_start = 0, depth == 0
    while at < len(source):
        if line_start and (begun := _line_begin(source, at)):
            name, at = begun
            markup.add(name)
            line_start = name == "quote"
            continue
        step = _step(source, at, markup, depth)
        if step is not None:
            at, shown = step
            out.append(shown)
            line_start = False
            continue
        out.append(source[at])
        line_start = source[at] == "\n"
        at += 1
    return "".join(out)


def _line_begin(source: str, at: int) -> tuple[str, int] | None:
    """What a line begins with, and where that ends."""
    for name, pattern in _LINES:
        if found := pattern.match(source, at):
            return name, found.end()
    return None


def _step(source: str, at: int, markup: set[str], depth: int) -> tuple[int, str] | None:
    """What begins here, if anything does: where it ends, and how it is seen."""
    if found := _ESCAPE.match(source, at):
        return found.end(), found[1]
    if found := _BLOCK.match(source, at):
        markup.add("code")
        return found.end(), found[1]
    if found := _CODE.match(source, at):
        markup.add("code")
        return found.end(), found[2].strip()
    if found := _POINTED.match(source, at):
        markup.add("link")
        return found.end(), found[1]
    for name, pattern in _THINGS:
        if found := pattern.match(source, at):
            markup.add(name)
            return found.end(), found[0]
    if found := _MASKED.match(source, at):
        markup.add("link")
        return found.end(), _inline(found[1], markup, depth + 1)
    if (at == 0 or not source[at - 1].isalnum()) and (found := _URL.match(source, at)):
        markup.add("link")
        return found.end(), found[0]
    for name, pattern in _SPANS if depth < DEEPEST else ():
        if found := pattern.match(source, at):
            markup.add(name)
            return found.end(), _inline(found[1], markup, depth + 1)
    return None
