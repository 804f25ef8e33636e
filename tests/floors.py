"""Reads the imports of the three storeys from their source, typing-only and late ones too, and says what stands wrong."""

from __future__ import annotations

import ast
import graphlib
import importlib.util
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

MAY_USE: Mapping[str, frozenset[str]] = {
    "bot": frozenset({"bot", "storage", "engine"}),
    "storage": frozenset({"storage", "engine"}),
    "engine": frozenset({"engine"}),
}
"""Which storey may look at which."""

ENGINE_LIBRARIES: Mapping[str, tuple[str, ...]] = {
    "apscheduler": ("engine.driver",),
    "httpx": ("engine.providers",),
    "av": ("engine.media", "engine.providers.animatic"),
    "numpy": ("engine.media", "engine.providers.animatic"),
    "PIL": ("engine.media", "engine.providers.animatic"),
    "stamina": ("engine.providers",),
    "aiolimiter": ("engine.providers",),
    "websockets": ("engine.providers",),
    "google": ("engine.providers",),
    "cryptography": ("engine.providers",),
    "pydantic": ("engine.providers",),
}
"""The libraries that the engine may use beside the standard one, and the rooms in which it may."""

DRAWERS = frozenset({"utils", "util", "helpers", "helper", "common", "misc"})
"""File names that say nothing of what is in them."""

LONGEST = 400
"""Lines in one file of the product."""

TEXTS = frozenset({".py", ".js", ".css", ".html"})


@dataclass(frozen=True, slots=True)
class Arrow:
    """`source` imports `target` in this line. `target` is a module of ours by its full name, or a name from elsewhere."""

    source: str
    target: str
    line: int


def problems(root: Path) -> list[str]:
    """Every breach below `root`, one sentence each, sorted."""
    modules = find_modules(root)
    arrows = [arrow for name, path in modules.items() for arrow in read_arrows(name, path, modules)]
    return sorted(
        {
            *_wrong_storeys(arrows),
            *_wrong_rooms(arrows, modules),
            *_wrong_libraries(arrows),
            *_circles(arrows),
            *_wrong_files(root),
        }
    )


def find_modules(root: Path) -> dict[str, Path]:
    """Every module of the three storeys by its dotted name; a package is its `__init__.py`."""
    found = {}
    for storey in MAY_USE:
        for path in sorted((root / storey).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def read_arrows(name: str, path: Path, modules: Mapping[str, Path]) -> Iterator[Arrow]:
    """Every import in one module, wherever it stands, and `import_module("…")` with a written-out name."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        match node:
            case ast.Import(names=names):
                yield from (Arrow(name, alias.name, node.lineno) for alias in names)
            case ast.ImportFrom(module=written, names=names, level=level):
                source = importlib.util.resolve_name("." * level + (written or ""), package)
                for alias in names:
                    inner = f"{source}.{alias.name}"
                    yield Arrow(name, inner if inner in modules else source, node.lineno)
            case ast.Call(
                func=ast.Attribute(attr="import_module") | ast.Name(id="import_module" | "__import__"),
                args=[ast.Constant(value=str(target)), *_],
            ):
                yield Arrow(name, target, node.lineno)


def _wrong_storeys(arrows: list[Arrow]) -> Iterator[str]:
    for arrow in arrows:
        storey, target = _storey(arrow.source), _storey(arrow.target)
        if target in MAY_USE and target not in MAY_USE[storey]:
            yield f"{_where(arrow)} imports {arrow.target}: {storey}/ may not look at {target}/."
        if target in {"tests", "bench"}:
            yield f"{_where(arrow)} imports {arrow.target}: the product may not look at {target}/."


def _wrong_rooms(arrows: list[Arrow], modules: Iterable[str]) -> Iterator[str]:
    """A platform's room is a folder of bot/ with an adapter in it."""
    rooms = {name.split(".")[1] for name in modules if re.fullmatch(r"bot\.\w+\.adapter", name)}
    for arrow in arrows:
        source, target = _platform(arrow.source, rooms), _platform(arrow.target, rooms)
        if source and target and source != target:
            yield f"{_where(arrow)} imports {arrow.target}: bot/{source}/ may not look at another platform's room, bot/{target}/."


def _wrong_libraries(arrows: list[Arrow]) -> Iterator[str]:
    for arrow in arrows:
        library = _storey(arrow.target)
        if _storey(arrow.source) != "engine" or library in sys.stdlib_module_names or library in MAY_USE:
            continue
        rooms = ENGINE_LIBRARIES.get(library)
        if rooms is None:
            yield f"{_where(arrow)} imports {library}: engine/ may use the standard library and {', '.join(ENGINE_LIBRARIES)} only."
        elif not any(arrow.source == room or arrow.source.startswith(f"{room}.") for room in rooms):
            yield f"{_where(arrow)} imports {library}: in engine/ only {' and '.join(rooms)} may."


def _circles(arrows: list[Arrow]) -> Iterator[str]:
    """One circle, if there is any: mending it shows the next."""
    graph: dict[str, set[str]] = {}
    for arrow in arrows:
        if _storey(arrow.target) in MAY_USE and arrow.target != arrow.source:
            graph.setdefault(arrow.source, set()).add(arrow.target)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as circle:
        yield f"These modules import each other in a circle: {' -> '.join(reversed(circle.args[1]))}."


def _wrong_files(root: Path) -> Iterator[str]:
    for storey in (*MAY_USE, "tests", "bench"):
        for path in sorted((root / storey).rglob("*")):
            name = path.relative_to(root).as_posix()
            if "node_modules" in path.parts:  # other people's, brought by npm
                continue
            if path.stem in DRAWERS:
                yield f"{name} says nothing of what is in it: name it for its one purpose."
            if storey in MAY_USE and path.suffix in TEXTS and (lines := len(path.read_bytes().splitlines())) > LONGEST:
                yield f"{name} has {lines} lines, and a file of the product has at most {LONGEST}: split it by purpose."


def _storey(module: str) -> str:
    return module.partition(".")[0]


def _platform(module: str, rooms: set[str]) -> str | None:
    """`bot.web.adapter` → `web`; None outside of a platform's room."""
    parts = module.split(".")
    return parts[1] if len(parts) >= 2 and parts[0] == "bot" and parts[1] in rooms else None


def _where(arrow: Arrow) -> str:
    return f"{arrow.source} (line {arrow.line})"
