"""Writes the tables of docs/providers.md from the catalogs: `python -m docs.providers_table`; `--check` says if they are old."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from bot.catalog_words import abilities_of, length_of, price_a_picture, price_a_second
from bot.providers import KINDS, PAINTERS
from bot.services import Known, read_services

PAGE = Path(__file__).with_name("providers.md")
BEGIN, END = "<!-- tables: made from the catalogs by `make docs` -->", "<!-- end of the tables -->"


def tables() -> str:
    """A section for every service: what it needs, and its models; then those that paint first frames."""
    services = read_services((*KINDS, *PAINTERS), {}, {}, {})
    sections = [*map(_section, services.of(KINDS).known), *map(_painter_section, services.of(PAINTERS).known)]
    return "\n".join(line for section in sections for line in section)


def _section(known: Known) -> Iterator[str]:
    yield from _head(known)
    yield "| model | seconds | resolutions | can | price | ends, as of |"
    yield "|---|---|---|---|---|---|"
    for name, model in known.catalog.models.items():
        can = model.abilities
        ends = f"**{can.ends_on}**" if can.ends_on else ""
        ends += f" {can.closed}" if can.closed else ""
        ends += f" → {can.substitute}" if can.substitute else ""
        as_of = f"[{can.as_of}]({can.source})"
        able = ", ".join(abilities_of(can)) or "words only"
        cells = (
            f"`{name}`",
            length_of(can),
            ", ".join(can.resolutions),
            able,
            price_a_second(can),
            f"{ends.strip()} {as_of}".strip(),
        )
        yield f"| {' | '.join(cells)} |"
    yield ""


def _painter_section(known: Known) -> Iterator[str]:
    yield from _head(known)
    yield "| model | sizes | can | price | ends, as of |"
    yield "|---|---|---|---|---|"
    for name, can in known.catalog.painter_abilities.items():
        ends = f"**{can.ends_on}** → {can.substitute} " if can.ends_on else ""
        able = "from words, from a frame" if can.can_edit else "from words"
        as_of = f"[{can.as_of}]({can.source})"
        yield f"| `{name}` | {', '.join(can.sizes)} | {able} | {price_a_picture(can)} | {ends}{as_of} |"
    yield ""


def _head(known: Known) -> Iterator[str]:
    catalog = known.catalog
    needed = [f"`{known.setting(short)}`" for short, need in known.needs.items() if need.is_needed]
    either = [
        f"`{known.setting(need.or_else)}`" for short, need in known.needs.items() if need.is_needed and need.or_else
    ]
    more = [
        f"`{known.setting(short)}` ({need.what})"
        for short, need in catalog.needs.items()
        if not need.is_needed and f"`{known.setting(short)}`" not in either
    ]
    yield f"### {catalog.title} (`{known.name}`)"
    yield ""
    wanted = f"{' and '.join(needed) or 'no key'}{f' or {either[0]}' if either else ''}"
    yield f"Needs {wanted}. {catalog.key_at} [Its documentation]({catalog.docs})."
    if shared := [need.shared for need in catalog.needs.values() if need.shared]:
        yield f"`{shared[0]}` will do, unless that is for a server of your own."
    if more:
        yield f"It may have {', '.join(more)}."
    yield ""


def page_with(text: str, made: str) -> str:
    """The page with its tables replaced."""
    pattern = re.escape(BEGIN) + r".*?" + re.escape(END)
    return re.sub(pattern, lambda _: f"{BEGIN}\n\n{made}\n{END}", text, flags=re.DOTALL)


def main() -> int:
    """Write the page, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit code 1 if the tables are old")
    is_check = parser.parse_args().check
    before = PAGE.read_text(encoding="utf-8")
    after = page_with(before, tables())
    if is_check and before != after:
        sys.stderr.write(f"{PAGE} is older than the catalogs: run `make docs`.\n")
        return 1
    if not is_check:
        PAGE.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
