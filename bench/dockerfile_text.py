"""What a Dockerfile and its .dockerignore say, read without running anything."""

from __future__ import annotations

import functools
import json
import re
import shlex
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction on one logical line. `line` is where it begins, from 1."""

    keyword: str
    value: str
    line: int


def read_steps(text: str) -> list[Step]:
    """Every instruction in order, without comments, continued lines joined by one space."""
    steps: list[Step] = []
    parts: list[str] = []
    began = 0
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if not parts:
            began = number
        parts.append(line.removesuffix("\\").strip())
        if not line.endswith("\\"):
            keyword, _, value = " ".join(parts).partition(" ")
            steps.append(Step(keyword.upper(), value.strip(), began))
            parts = []
    return steps


def words_of(value: str) -> list[str]:
    """The words of an instruction, written as JSON or as a shell writes them."""
    return [str(word) for word in json.loads(value)] if value.startswith("[") else shlex.split(value)


def options_of(value: str) -> tuple[dict[str, str], list[str]]:
    """`--from=build /a /b` → ({`from`: `build`}, [`/a`, `/b`])"""
    words = words_of(value)
    options = dict(word.removeprefix("--").partition("=")[::2] for word in words if word.startswith("--"))
    return options, [word for word in words if not word.startswith("--")]


def pairs_of(value: str) -> dict[str, str]:
    """`A=1 B="two words"` → {`A`: `1`, `B`: `two words`}"""
    return dict(word.partition("=")[::2] for word in words_of(value))


@functools.cache
def context_files(root: Path) -> list[str]:
    """What a build from this checkout can copy: the files that git has or would take, less what .dockerignore holds back."""
    listed = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=root, capture_output=True, text=True, check=True).stdout.split("\0")
    patterns = (root / ".dockerignore").read_text(encoding="utf-8").splitlines()
    return sorted({name for name in names if name and (root / name).is_file() and is_sent(name, patterns)})


def is_sent(name: str, patterns: Iterable[str]) -> bool:
    """Whether .dockerignore lets this path through: the last pattern that matches it or a folder above it decides.

    https://docs.docker.com/build/concepts/context/#dockerignore-files
    """
    parts = name.split("/")
    above = ["/".join(parts[: count + 1]) for count in range(len(parts))]
    sent = True
    for raw in patterns:
        pattern = raw.strip()
        if not pattern or pattern.startswith("#"):
            continue
        shape = re.escape(pattern.removeprefix("!").strip("/"))
        shape = (
            shape.replace(r"\*\*/", "(?:.*/)?").replace(r"\*\*", ".*").replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
        )
        if any(re.fullmatch(shape, path) for path in above):
            sent = pattern.startswith("!")
    return sent
