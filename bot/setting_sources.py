"""Where settings are read from, and which of them are secrets: the environment, `.env`, `nextshot.toml`, and secrets in files."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from bot.providers import KINDS, PAINTERS
from bot.secrets import FILE, SecretFiles, exposed, read_secret_files
from bot.services import PREFIX, TABLE, Services, read_services

DOTENV = Path(".env")
TOML = Path("nextshot.toml")

SECRETS = frozenset({"web_password", "database_url", "telegram_token", "discord_token"})
"""Never shown."""
OWN_SECRETS: Mapping[str, str] = {field: PREFIX + field.upper() for field in sorted(SECRETS)}
"""The names of these settings, by field."""


def read_dotenv() -> tuple[dict[str, str | None], list[str]]:
    """What `.env` says, and what is wrong with it."""
    try:
        return dict(dotenv_values(DOTENV)) if DOTENV.is_file() else {}, []
    except (OSError, UnicodeDecodeError) as error:
        return {}, [f"{DOTENV} cannot be read ({_reason(error)}): mend it or remove it."]


def read_toml() -> tuple[dict[str, Any], list[str]]:
    """The same of `nextshot.toml`."""
    try:
        return tomllib.loads(TOML.read_text(encoding="utf-8")) if TOML.is_file() else {}, []
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return {}, [f"{TOML} cannot be read ({_reason(error)}): mend it or remove it."]


def _reason(error: Exception) -> str:
    """Why a file cannot be read, without anything that is in it."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    return str(error)


def services_and_files(dotenv: Mapping[str, str | None], toml: Mapping[str, Any]) -> tuple[Services, SecretFiles]:
    """Every service, with those secrets too that stand in files of their own; and all that stands in such files."""
    kinds = (*KINDS, *PAINTERS)
    services = read_services(kinds, os.environ, dotenv, toml)
    files = read_secret_files(_secret_names(services), os.environ, dotenv)
    if files.values:
        services = read_services(kinds, {**os.environ, **files.values}, dotenv, toml)
    return services, files


def _secret_names(services: Services) -> list[str]:
    """Of all settings that are secrets."""
    keys = [each.setting(short) for each in services.known for short, need in each.needs.items() if need.is_secret]
    return list(dict.fromkeys([*OWN_SECRETS.values(), *keys]))


def file_names(services: Services) -> frozenset[str]:
    """What settings that name a secret's file are called."""
    return frozenset(name + FILE for name in _secret_names(services))


def exposed_secrets() -> list[str]:
    """A sentence for each settings file with secrets in it that others may open."""
    dotenv, toml = read_dotenv()[0], read_toml()[0]
    services = services_and_files(dotenv, toml)[0]
    tables = toml.get(TABLE, {})
    in_tables = [
        f"{PREFIX}{name}_{short}"
        for name, table in (tables.items() if isinstance(tables, Mapping) else ())
        for short in (table if isinstance(table, Mapping) else ())
    ]
    held = {
        DOTENV: [name for name, value in dotenv.items() if value],
        TOML: [*(PREFIX + key for key in toml), *in_tables],
    }
    return exposed(held, _secret_names(services))
