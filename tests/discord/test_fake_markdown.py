"""How the fake of Discord reads markdown: what the eye sees, and what was rendered."""

from __future__ import annotations

import pytest

from tests.fakes.discord_api import markdown


@pytest.mark.parametrize(
    ("source", "text", "markup"),
    [
        ("plain, a_b_c and 2*3*4?", "plain, a_b_c and 2*3*4?".replace("*3*", "3"), {"italic"}),
        ("snake_case_name stays", "snake_case_name stays", set()),
        ("**a** *b* _c_ __d__ ~~e~~ ||f||", "a b c d e f", {"bold", "italic", "underline", "strike", "spoiler"}),
        (r"\*\*a\*\* \_b\_ \|\|c\|\| \~\~d\~\~ \`e\`", "**a** _b_ ||c|| ~~d~~ `e`", set()),
        ("`code **no**` and ```py\nx = 1\n```", "code **no** and x = 1", {"code"}),
        ("# Head", "Head", {"heading"}),
        (r"\# Head", "# Head", set()),
        ("> said\n- one\n1. two\n-# small", "said\none\ntwo\nsmall", {"quote", "list", "subtext"}),
        ("\\> said\n\\- one\n1\\. two", "> said\n- one\n1. two", set()),
        ("> # both", "both", {"quote", "heading"}),
        ("a > b - c # d", "a > b - c # d", set()),
        ("<https://x.example/a_b_c>", "https://x.example/a_b_c", {"link"}),
        ("https://x.example/a_b_c.", "https://x.example/a_b_c.", {"link"}),
        ("[free](https://x.example)", "free", {"link"}),
        (r"\[free\](https://x.example)", "[free](https://x.example)", {"link"}),
        ("[shot 3](not a link)", "[shot 3](not a link)", set()),
        ("<@123456> <@&123456> @everyone", "<@123456> <@&123456> @everyone", {"mention"}),
        (r"\<@123456> \@everyone", "<@123456> @everyone", set()),
        (
            "<#123456> <t:1700000000:R> <:lamp:123456> </create:123456>",
            None,
            {"channel", "timestamp", "emoji", "command"},
        ),
        ("**never ends", "**never ends", set()),
        ("", "", set()),
    ],
)
def test_it_reads_what_the_eye_sees(source: str, text: str | None, markup: set[str]) -> None:
    """Escapes are gone, markup is named."""
    read = markdown.read(source)
    assert read.text == (source if text is None else text)
    assert read.markup == markup


def test_no_text_makes_it_hang() -> None:
    """Long runs of marks are read in time."""
    for source in ("*" * 2000, "_a" * 1000, "**a" * 600, "||" * 1000, "[" * 2000, "`" * 2000, "~~\\" * 600):
        markdown.read(source)
