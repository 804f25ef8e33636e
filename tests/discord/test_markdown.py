"""Any text is shown in Discord as it was written: checked by a small reader of Discord's markdown that shares no code with it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.discord.markdown import cleaned, escaped, fitted, in_line, plain, units

AT_LINE_START = {
    "quote": r" *>(?:>>)? ",
    "heading": r" *#{1,3}\s",
    "subtext": r" *-#\s",
    "list": r" *(?:[*+-]|\d+[.)])(?:\s|$)",
}
ANYWHERE = {
    "code": r"(`+)[\s\S]+?\1",
    "escape": r"\\(?P<char>[^0-9A-Za-z\s])",
    "mention": r"<@[!&]?\d+>|<#\d+>|@everyone|@here|<id:\w+>",
    "emoji": r"<a?:\w+:\d+>|:[^\s:]+:",
    "time": r"<t:-?\d+(?::\w)?>",
    "command": r"</[^>]+:\d+>",
    "autolink": r"<(?P<url>[^: >]+:/[^ >]+)>",
    "email": r"<[^\s>]+@[^\s>]+>",
    "link": r"\[[^\]]*\]\([^)]*\)",
    "url": r"(?i:https?|steam|discord)://\S",
    "invite": r"(?i:discord(?:app)?\.(?:gg|com|new|media))/",
    "spoiler": r"\|\|[\s\S]+?\|\|",
    "strike": r"~~[\s\S]+?~~",
    "strong": r"\*\*[\s\S]+?\*\*",
    "underline": r"__[\s\S]+?__",
    "emphasis": r"\*\S[\s\S]*?\*|_[\s\S]+?_",
}
"""The rules of Discord's clients, in their order; github.com/discord/SimpleAST and its relatives."""
RULES = [(name, re.compile(rule), name in AT_LINE_START) for name, rule in (AT_LINE_START | ANYWHERE).items()]
CALLS = re.compile(r"<@[!&]?\d+>|@everyone|@here")
"""What the server looks for, whatever stands before it."""
INVISIBLE = "\u2060"


@dataclass
class Seen:
    """What somebody sees: the words, and what else there is."""

    text: str
    links: list[str]
    markup: list[str]


def read(markdown: str) -> Seen:
    seen, at = Seen("", [], []), 0
    while at < len(markdown):
        is_start = at == 0 or markdown[at - 1] == "\n"
        for name, rule, only_at_start in RULES:
            found = rule.match(markdown, at) if is_start or not only_at_start else None
            if found is None:
                continue
            if name == "escape":
                seen.text += found["char"]
            elif name == "autolink":
                seen.text += found["url"]
                seen.links.append(found["url"])
            else:
                seen.markup.append(f"{name}: {found[0]}")
            at = found.end()
            break
        else:
            seen.text += markdown[at]
            at += 1
    seen.text = seen.text.replace(INVISIBLE, "")
    return seen


FRAGMENTS = (
    *(
        "*",
        "**",
        "_",
        "__",
        "~~",
        "||",
        "`",
        "```",
        "```py\n",
        "\\",
        "\\\\",
        "[",
        "](",
        ")",
        "<",
        ">",
        ":",
        "@",
        "#",
        "-",
        "+",
    ),
    *(
        "> ",
        ">>> ",
        "# ",
        "## ",
        "-# ",
        "- ",
        "* ",
        "1. ",
        "12) ",
        " ",
        "  ",
        "\n",
        "\r\n",
        "\u2028",
        "\t",
        "\u202e",
        "\u200d",
    ),
    *(
        "<@1>",
        "<@!22>",
        "<@&3>",
        "<#4>",
        "<:wave:5>",
        "<a:wave:6>",
        "<t:7:R>",
        "</create:8>",
        "<id:home>",
        "@everyone",
        "@here",
    ),
    *(
        "everyone",
        "here",
        ":smile:",
        "[x](https://evil.example)",
        "https://a.example/b_c*d",
        "http://x",
        "HTTPS://Y.example",
    ),
    *(
        "http://a@b",
        "http://u:p@b/",
        "https://m.example/@ben",
        "https://m.example/@everyone",
        "steam://x/y",
        "https://",
    ),
    *(
        "discord.gg/abc",
        "https://discord.gg/abc",
        "¯\\_(ツ)_/¯",
        "k7-1",
        "6.0 s",
        "🗼",
        "e\u0301",
        "\ud800",
        "a",
        "1",
        ".",
        "(",
        "'",
    ),
)
TEXTS = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=4), max_size=14).map("".join)


@given(TEXTS)
def test_any_text_is_shown_as_it_was_written(text: str) -> None:
    """No markup, no mention, nothing lost; what is a link is a URL that was written."""
    seen = read(escaped(text))
    assert seen.markup == []
    assert seen.text == cleaned(text)
    assert all(url in cleaned(text) for url in seen.links)


@given(TEXTS)
def test_no_text_calls_anybody(text: str) -> None:
    """The server reads the raw text, so a backslash before a mention would not be enough."""
    assert CALLS.search(escaped(text)) is None
    assert CALLS.search(fitted(text, 20)) is None


@given(TEXTS)
def test_what_was_escaped_can_be_read_back(text: str) -> None:
    """Also behind a head that calls somebody."""
    assert plain(escaped(text)) == cleaned(text)
    assert plain(fitted(text, 10_000, "<@17> ")) == cleaned(text)


@given(TEXTS, st.integers(0, 60), st.sampled_from(["", "<@17> ", "<@" + "1" * 70 + "> "]))
def test_a_cut_text_fits_and_ends_in_no_half_thing(text: str, most: int, head: str) -> None:
    """Its beginning is shown as written, a link is whole or none, and the head is there if there is room for more than it."""
    shown = fitted(text, most, head)
    assert units(shown) <= most
    if head and len(head) < most:
        assert shown.startswith(head)
        shown = shown.removeprefix(head)
    seen = read(shown)
    assert seen.markup == []
    assert all(url in read(escaped(text)).links for url in seen.links)
    if seen.text != cleaned(text):
        assert cleaned(text).startswith(seen.text.removesuffix("…"))
        assert seen.text.endswith("…") or seen.text == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("*a* _b_ ~c~ `d` ||e||", r"\*a\* \_b\_ \~c\~ \`d\` \|\|e\|\|"),
        ("# a\n- b\n  1. c\n-# d\n> e", "\\# a\n\\- b\n  1\\. c\n\\-# d\n\\> e"),
        ("a # b - c 1. d", "a # b - c 1. d"),
        ("k7-4 · 6.0 s · 16:9", r"k7-4 · 6.0 s · 16\:9"),
        ("[free](https://evil.example/a_b)", r"\[free\]\(<https://evil.example/a_b>)"),
        ("see https://a.example/x_(y), or not.", "see <https://a.example/x_(y)>, or not."),
        ("<https://a.example>", r"\<<https://a.example>\>"),
        ("https://a.example/b>c d", r"<https://a.example/b>\>c d"),
        ("https://good.example@evil.example", r"https\://good.example\@evil.example"),
        ("Https://a.example", r"Https\://a.example"),
        ("https://a.example/@everyone", "https\\://a.example/\\@\u2060everyone"),
        ("@everyone @hereafter @ben", "\\@\u2060everyone \\@\u2060hereafter \\@ben"),
        ("<@1> <#2> <:a:3> <t:4>", r"\<\@1\> \<#2\> \<\:a\:3\> \<t\:4\>"),
        ("join discord.gg/abc", r"join discord.gg\/abc"),
        ("mailto:a@b.example javascript:x steam://y", r"mailto\:a\@b.example javascript\:x steam\://y"),
        ("a\r\nb\u2028c\td", "a\nb\nc d"),
        ("a\u202eb\u200bc\u2066d\x00e\ud800f", "abcdef"),
        ("👩\u200d🚀 ❤\ufe0f", "👩\u200d🚀 ❤\ufe0f"),
    ],
)
def test_how_it_is_escaped(text: str, shown: str) -> None:
    """What means something gets a backslash where it means it, URLs get brackets, tricks vanish."""
    assert escaped(text) == shown


def test_a_long_text_is_cut_before_what_does_not_fit() -> None:
    """Not inside an escape, an emoji or a URL."""
    assert fitted("a*b", 4) == "a\\*b"
    assert fitted("a*bc", 4) == "a\\*…"
    assert fitted("a*bc", 3) == "a…"
    assert fitted("aa🗼🗼", 5) == "aa🗼…"
    assert fitted("👩\u200d🚀 lands", 4) == "👩…"
    assert fitted("https://a.example/long", 20) == r"https\:\/\/a\.examp…"
    assert fitted("x" * 5000, head="<@1> ") == "<@1> " + "x" * 1994 + "…"


def test_what_is_shown_without_markup_is_one_clean_line() -> None:
    """For names in lists and titles: nothing is escaped there."""
    assert in_line("a *b*\n\u202ec", 100) == "a *b* c"
    assert in_line("🗼🗼🗼", 5) == "🗼🗼…"
    assert in_line("🗼🗼", 4) == "🗼🗼"
    assert in_line("abc", 0) == ""


@given(TEXTS, st.integers(0, 30))
def test_a_line_fits(text: str, most: int) -> None:
    """In the stricter way to count."""
    line = in_line(text, most)
    assert units(line) <= most
    assert "\n" not in line
