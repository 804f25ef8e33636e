"""Secrets in files: `NEXTSHOT_TELEGRAM_TOKEN_FILE=/run/secrets/telegram` instead of the token itself, for every secret setting.

Who else may read such a file is looked at before it is read. `.env` and `nextshot.toml` are only warned about: a fresh clone or an
editor makes them readable for all, and a first start that refuses helps nobody.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

FILE = "_FILE"
MOUNTED = Path("/run/secrets")
"""Where Docker mounts them, inside a container alone, as 0444: https://docs.docker.com/engine/swarm/secrets/"""
MOST_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class SecretFiles:
    """What was read, by the name of its setting, and every problem as one sentence."""

    values: Mapping[str, str]
    problems: tuple[str, ...]


def read_secret_files(
    names: Iterable[str], environment: Mapping[str, str], dotenv: Mapping[str, str | None]
) -> SecretFiles:
    """The secrets whose files the environment or `.env` names. `names`: of all settings that are secret."""
    given = {key.upper(): value for source in (dotenv, environment) for key, value in source.items() if value}
    values: dict[str, str] = {}
    problems: list[str] = []
    for name in names:
        path = given.get(name + FILE)
        if path is None:
            continue
        if name in given:
            problems.append(f"{name} and {name}{FILE} are both set: leave one of them out.")
            continue
        found, problem = _read(name + FILE, Path(path))
        if problem:
            problems.append(problem)
        else:
            values[name] = found
    return SecretFiles(values, tuple(problems))


def _read(name: str, path: Path) -> tuple[str, str]:
    """The file's text and nothing, or nothing and what is wrong with it."""
    try:
        with path.open("rb") as file:
            problem = _who_may(os.fstat(file.fileno()), path)
            if problem:
                return "", f"{name}: {problem}"
            found = file.read(MOST_BYTES + 1)
        text = found.decode().strip("\r\n")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not UTF-8 text"
        return "", f"{name}: {path} cannot be read ({reason}): mend it, or leave {name} out."
    if not text or len(found) > MOST_BYTES:
        return "", f"{name}: {path} is {'empty' if not text else 'too long to be a secret'}: write the secret into it."
    return text, ""


def _who_may(status: os.stat_result, path: Path) -> str:
    """What is wrong with who owns this file and who else may open it; empty: nothing."""
    if not stat.S_ISREG(status.st_mode):
        return f"{path} is not a file."
    if status.st_uid not in {0, os.geteuid()}:
        return f"{path} belongs to another user (uid {status.st_uid}), who can change it: chown {os.geteuid()} {path}"
    others = 0o022 if path.is_relative_to(MOUNTED) else 0o077
    if status.st_mode & others:
        return f"{path} may be opened by others (mode {stat.S_IMODE(status.st_mode):04o}): chmod 600 {path}"
    return ""


def exposed(files: Mapping[Path, Iterable[str]], names: Iterable[str]) -> list[str]:
    """A sentence for each settings file that holds a secret and may be opened by others. `files`: which settings each holds."""
    secret = {name.upper() for name in names}
    sentences = []
    for path, held in files.items():
        try:
            status = path.stat()
        except OSError:
            continue
        if secret & {name.upper() for name in held} and (problem := _who_may(status, path)):
            sentences.append(f"There are secrets in {path}: {problem}")
    return sentences
