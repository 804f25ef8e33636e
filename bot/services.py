"""The video services that are set up: their settings from the same sources as all others, their catalogs with our operator's words.

A service named `xai` is set by `NEXTSHOT_XAI_KEY` and so on, or by a table of `nextshot.toml`, which can also change its catalog or
add a further service of a kind:

    [providers.studio]
    kind = "openai"
    url = "http://gpu.local:8000/v1"
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from bot.addresses import is_near
from engine.providers.catalog import Catalog, CatalogError, Need, read_catalog

PREFIX = "NEXTSHOT_"
TABLE = "providers"
"""The table of `nextshot.toml`."""

EVERY: Mapping[str, Need] = {
    "url": Need(what="the address of the service, with https:// (http:// in a private network only)"),
    "results_from": Need(what="addresses of your own, with spaces between, from which finished clips may be loaded"),
}
"""What can be set of every service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service with all that it needs."""

    name: str
    kind: str
    catalog: Catalog
    settings: Mapping[str, str] = field(repr=False)
    """By their short names; secrets among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A service that could be set up, whether it is or not."""

    name: str
    kind: str
    catalog: Catalog
    needs: Mapping[str, Need]
    settings: Mapping[str, str] = field(repr=False)
    is_chosen: bool
    """Something of it was set: without that, also what needs nothing is not there."""

    @property
    def missing(self) -> tuple[str, ...]:
        """The short names of what it needs and has not."""
        return tuple(
            name
            for name, need in self.needs.items()
            if need.is_needed and name not in self.settings and need.or_else not in self.settings
        )

    def setting(self, short: str) -> str:
        """How a setting is called: `NEXTSHOT_XAI_KEY`."""
        return f"{PREFIX}{self.name.upper()}_{short.upper()}"


@dataclass(frozen=True, slots=True)
class Services:
    """What could be set up, what is, and every problem as one sentence."""

    known: tuple[Known, ...]
    problems: tuple[str, ...]

    @property
    def ready(self) -> tuple[Service, ...]:
        """Those that have all that they need."""
        return tuple(
            Service(name=each.name, kind=each.kind, catalog=each.catalog, settings=each.settings)
            for each in self.known
            if each.is_chosen and not each.missing
        )

    @property
    def setting_names(self) -> frozenset[str]:
        """Every name that may stand in the environment."""
        needs = [(each.setting(short), need.shared) for each in self.known for short, need in each.needs.items()]
        return frozenset(name for names in needs for name in names if name)

    def of(self, kinds: Container[str]) -> Services:
        """Those of these kinds; every problem."""
        return Services(tuple(each for each in self.known if each.kind in kinds), self.problems)


def read_services(
    kinds: Iterable[str], environment: Mapping[str, str], dotenv: Mapping[str, str | None], toml: Mapping[str, Any]
) -> Services:
    """Every service of these kinds and of the operator's tables. The environment is strongest, `nextshot.toml` weakest."""
    kinds = tuple(kinds)
    tables, problems = _tables(kinds, toml)
    values = {key.upper(): value for source in (dotenv, environment) for key, value in source.items() if value}
    known = []
    for name in dict.fromkeys((*kinds, *tables)):
        table = tables.get(name, {})
        try:
            one = _known(name, str(table.get("kind", name)), tables, values)
        except CatalogError as error:
            problems.append(str(error))
            continue
        known.append(one)
        problems += _wrong(one)
    return Services(tuple(known), tuple(problems))


def _known(name: str, kind: str, tables: Mapping[str, Mapping[str, Any]], values: Mapping[str, str]) -> Known:
    table = tables.get(name, {})
    needs = {**read_catalog(kind).needs, **EVERY}
    settings = {short: str(table[short]) for short in needs if table.get(short) not in (None, "")}
    settings |= {
        short: values[full] for short in needs if (full := f"{PREFIX}{name.upper()}_{short.upper()}") in values
    }
    if "url" not in settings:
        shared = {short: _shared(need.shared, tables, values) for short, need in needs.items() if need.shared}
        settings = {**{short: value for short, value in shared.items() if value}, **settings}
    changes = {key: value for key, value in table.items() if key not in needs and key != "kind"}
    catalog = read_catalog(kind, changes, name=name)
    return Known(
        name=name, kind=kind, catalog=catalog, needs=needs, settings=settings, is_chosen=bool(settings or table)
    )


def _shared(setting: str, tables: Mapping[str, Mapping[str, Any]], values: Mapping[str, str]) -> str:
    """What another service has under this name; empty: nothing, or its key is for a server of the operator's own."""
    service, _, short = setting.removeprefix(PREFIX).lower().rpartition("_")
    table = tables.get(service, {})
    if values.get(f"{PREFIX}{service.upper()}_URL") or table.get("url"):
        return ""
    return values.get(setting) or str(table.get(short) or "")


def _tables(kinds: tuple[str, ...], toml: Mapping[str, Any]) -> tuple[dict[str, Mapping[str, Any]], list[str]]:
    """The operator's tables that can be read, and what is wrong with the others."""
    found = toml.get(TABLE, {})
    if not isinstance(found, Mapping):
        return {}, [f"{TABLE} in nextshot.toml has to be tables, as [{TABLE}.{kinds[0]}]: mend it or remove it."]
    tables: dict[str, Mapping[str, Any]] = {}
    problems = []
    for name, table in found.items():
        kind = table.get("kind", name) if isinstance(table, Mapping) else None
        if not isinstance(table, Mapping):
            problems.append(f"[{TABLE}.{name}] in nextshot.toml has to be a table: mend it or remove it.")
        elif not re.fullmatch(r"[a-z][a-z0-9_]{0,30}", name):
            problems.append(
                f"[{TABLE}.{name}] in nextshot.toml: a name has small letters, digits and _ only; rename it."
            )
        elif kind not in kinds:
            near = difflib.get_close_matches(str(kind), kinds, n=1)
            mend = f"did you mean {near[0]}?" if near else f"say kind = one of {', '.join(kinds)}."
            problems.append(f"[{TABLE}.{name}] in nextshot.toml is of no kind that is known here: {mend}")
        else:
            tables[name] = table
    return tables, problems


def _wrong(known: Known) -> list[str]:
    """What is set and cannot be used."""
    problems = []
    for short, value in known.settings.items():
        urls = [value] if short.endswith("url") else value.split() if short == "results_from" else []
        problems += [
            f"{known.setting(short)} is {_shown(url)!r}; it must be {known.needs[short].what}."
            for url in urls
            if not _is_address(url)
        ]
        if not urls and any(ord(c) < 32 or ord(c) == 127 for c in value):
            problems.append(
                f"{known.setting(short)} has a line break or another control character in it: set it again."
            )
    if known.missing and any(known.needs[short].is_secret or short == "url" for short in known.settings):
        names = ", ".join(known.setting(short) for short in known.missing)
        problems.append(f"{known.catalog.title} needs {names} too: set it, or leave its other settings out.")
    return problems


def _shown(url: str) -> str:
    """An address for people: without a name and password, and without what is asked of it, which may be a key."""
    bare = re.sub(r"^([a-z]+://)?.*@", r"\1…@", url, flags=re.IGNORECASE | re.DOTALL)
    return re.sub(r"[?#].*", "?…", bare, flags=re.DOTALL)[:80]


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return False
    is_plain = not parts.query and not parts.fragment and parts.username is None
    return bool(host) and is_plain and (parts.scheme == "https" or (parts.scheme == "http" and is_near(host)))
