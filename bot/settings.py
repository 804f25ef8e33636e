"""Every setting, from the environment, `.env` and `nextshot.toml`, in this order of strength; all problems are said at once.

Longer than a room: what a setting is, what it may be and what is said when it is not belong side by side.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from bot.access import EVERYBODY
from bot.addresses import is_hook_path, is_loopback, is_near
from bot.discord import access as discord_access
from bot.discord.site import CLOUD_URL as DISCORD_URL
from bot.discord.site import application_id_of
from bot.money_settings import MoneySettings
from bot.providers import HERE, KINDS, PAINTERS
from bot.services import PREFIX, TABLE, Service, Services
from bot.setting_sources import (
    DOTENV,
    OWN_SECRETS,
    SECRETS,
    TOML,
    file_names,
    read_dotenv,
    read_toml,
    services_and_files,
)
from bot.telegram import access as telegram_access
from bot.telegram.site import CLOUD_URL as TELEGRAM_URL
from bot.wanted import WANTED

_FOREIGN = re.compile(r"^NEXTSHOT_(TEST_.*|SPECS|CHROMIUM)$")
"""Names for the test run, not for the program."""

_LISTS: Mapping[str, Callable[[str], frozenset[str]]] = {
    "telegram_allowed": telegram_access.read_list,
    "telegram_blocked": telegram_access.read_list,
    "telegram_admins": telegram_access.read_list,
    "discord_allowed": discord_access.read_list,
    "discord_blocked": discord_access.read_list,
    "discord_admins": discord_access.read_admins,
}
"""The settings that are lists, and what reads each."""


_SERVICES = "the services of this run"
_PAINTERS = "the image makers of this run"
"""Under which these are given to `Settings`: no variable of an environment is called so."""


def _or_any(value: object) -> object:
    return None if str(value).strip().lower() == "any" else value


class SettingsError(Exception):
    """One or more settings are wrong; nothing was started. `problems` holds one sentence for each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(" ".join(self.problems))


class Settings(MoneySettings):
    """The settings of one run, checked. Secrets show as asterisks."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="ignore", env_ignore_empty=True, frozen=True, hide_input_in_errors=True
    )

    data_dir: Path = Field(default=Path("data"), validate_default=True)
    """Where the database, the clips and the work in progress are; absolute."""
    database_url: SecretStr | None = None
    """None: an SQLite file in `data_dir`. Secret because it may hold a password."""
    services: tuple[Service, ...] = Field(default=(), validation_alias=_SERVICES, repr=False)
    """The video services that have all that they need."""
    painters: tuple[Service, ...] = Field(default=(), validation_alias=_PAINTERS, repr=False)
    """The image makers that have all that they need."""
    provider: str = HERE
    """Renders the shots that name no other."""
    web_host: str = "127.0.0.1"
    web_port: int = Field(default=8420, ge=0, le=65535)
    web_password: SecretStr | None = Field(default=None, validate_default=True)
    """Asked of everyone who opens the web page; needed where `web_host` is not loopback."""
    web_url: str | None = None
    """Where others reach the page, through a proxy: films that are too large for a chat are linked there."""
    telegram_token: SecretStr | None = None
    """None: Telegram is not served."""
    telegram_api_url: str = TELEGRAM_URL
    telegram_webhook_url: str | None = None
    """None: long polling. Its path is served by the page's own server."""
    telegram_allowed: str = ""
    """Who may talk to the bot; `*`: everybody."""
    telegram_blocked: str = ""
    telegram_admins: str = ""
    """May talk everywhere and do anything."""
    telegram_stars_usd: Decimal | None = Field(default=None, gt=0, le=1, max_digits=7, decimal_places=6)
    """What a pot gets for one Telegram Star, in US dollars. None: no Stars are taken."""
    discord_token: SecretStr | None = None
    """None: Discord is not served."""
    discord_api_url: str = DISCORD_URL
    discord_allowed: str = ""
    """Who may talk to the bot; `*`: everybody."""
    discord_blocked: str = ""
    discord_admins: str = ""
    """Roles and people that may talk everywhere and do anything."""
    in_flight_per_person: int | None = Field(default=None, ge=1)
    """Jobs of one person that are handed over or render at a time, everywhere. None: as many as there is room for."""
    in_flight_per_place: int | None = Field(default=None, ge=1)
    waiting_per_person: Annotated[int | None, BeforeValidator(_or_any)] = Field(default=20, ge=0)
    """Jobs of one person that wait, everywhere; 0: nothing new is begun. None: as many as they like."""
    keep_days: int | None = Field(default=None, ge=1, le=36_500)
    """So many days after the last thing was made in a story its words and clips go. None: never."""
    place: str = "local:home"
    """The place for which the terminal speaks."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] | None = None
    """None: text at a terminal, JSON elsewhere."""
    metrics_port: int | None = Field(default=None, ge=1, le=65535)
    """None: no metrics are served."""
    metrics_host: str = "127.0.0.1"
    """Whoever reaches it reads the metrics: no password is asked."""

    @property
    def store_url(self) -> str:
        """The database's URL, with its password."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.data_dir / 'nextshot.db'}"

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        if "\0" in str(value):
            raise ValueError
        try:
            return Path.cwd() / value.expanduser()
        except RuntimeError as unknown_home:
            raise ValueError from unknown_home

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.match(r"^(sqlite|postgresql)(\+\w+)?:", value.get_secret_value()):
            raise ValueError
        return value

    @field_validator("provider")
    @classmethod
    def _known_provider(cls, value: str, info: Any) -> str:
        if value == HERE or value in {service.name for service in info.data.get("services", ())}:
            return value
        if value in KINDS:
            sentence = f"{PREFIX}PROVIDER is {value}, which is not set up; `nextshot models --all` says what it needs."
            raise PydanticCustomError("sentence", "{sentence}", {"sentence": sentence})
        raise ValueError

    @field_validator("web_host", "metrics_host")
    @classmethod
    def _address(cls, value: str) -> str:
        if value != "localhost":
            ipaddress.ip_address(value)
        return value

    @field_validator("web_password")
    @classmethod
    def _guarded(cls, value: SecretStr | None, info: Any) -> SecretStr | None:
        host = info.data.get("web_host")
        if value is None and host is not None and not is_loopback(host):
            sentence = (
                f"{PREFIX}WEB_HOST is {host}, which others can reach, but there is no password: "
                f"set {PREFIX}WEB_PASSWORD, or leave {PREFIX}WEB_HOST at 127.0.0.1."
            )
            raise PydanticCustomError("sentence", "{sentence}", {"sentence": sentence})
        if value is not None and len(value.get_secret_value()) < 8:
            raise ValueError
        return value

    @field_validator("web_url", "telegram_api_url", "telegram_webhook_url", "discord_api_url")
    @classmethod
    def _url(cls, value: str | None, info: Any) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError
        if info.field_name == "telegram_webhook_url":
            if (parts.scheme != "https" and not is_loopback(parts.hostname)) or not is_hook_path(parts.path):
                raise ValueError
            return value
        if parts.scheme != "https" and not is_near(parts.hostname):  # a token or a password would travel in clear
            raise ValueError
        if info.field_name == "web_url" and info.data.get("web_password") is None:
            sentence = (
                f"{PREFIX}WEB_URL makes the page public, but there is no password: set {PREFIX}WEB_PASSWORD, or leave "
                f"{PREFIX}WEB_URL out."
            )
            raise PydanticCustomError("sentence", "{sentence}", {"sentence": sentence})
        return value.rstrip("/")

    @field_validator("telegram_token")
    @classmethod
    def _token(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(r"\d{1,20}:[\w-]{20,100}", value.get_secret_value(), re.ASCII):
            raise ValueError
        return value

    @field_validator("discord_token")
    @classmethod
    def _discord_token(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            application_id_of(value.get_secret_value())
        return value

    @field_validator(*_LISTS, mode="before")
    @classmethod
    def _list(cls, value: object, info: Any) -> object:
        entries = _LISTS[info.field_name](str(value))  # a lone id in a file may come as a number
        if EVERYBODY in entries and not info.field_name.endswith("_allowed"):
            raise ValueError
        return str(value)

    @field_validator("telegram_api_url", "telegram_webhook_url", "telegram_stars_usd", "discord_api_url", *_LISTS)
    @classmethod
    def _of_use(cls, value: object, info: Any) -> object:
        is_given = value != cls.model_fields[info.field_name].default
        token = f"{info.field_name.partition('_')[0]}_token"
        if is_given and token in info.data and info.data[token] is None:
            name = f"{PREFIX}{info.field_name.upper()}"
            sentence = f"{name} does nothing without {PREFIX}{token.upper()}: set the token too, or leave {name} out."
            raise PydanticCustomError("sentence", "{sentence}", {"sentence": sentence})
        return value

    @field_validator("telegram_stars_usd")
    @classmethod
    def _answered_for(cls, value: Decimal | None, info: Any) -> Decimal | None:
        if value is not None and info.data.get("telegram_admins") == "":
            sentence = (
                f"{PREFIX}TELEGRAM_STARS_USD takes payments, and nobody could pay one back: set {PREFIX}TELEGRAM_ADMINS "
                f"to your user id in Telegram too, or leave {PREFIX}TELEGRAM_STARS_USD out."
            )
            raise PydanticCustomError("sentence", "{sentence}", {"sentence": sentence})
        return value

    @field_validator("place")
    @classmethod
    def _place(cls, value: str) -> str:
        if not re.fullmatch(r"[a-z]+:[^\s\x00-\x1f]{1,200}", value):
            raise ValueError
        return value

    @field_validator("log_level", "log_format", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # read more forgivingly below
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # not a source of ours
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The sources, the strongest first: a hook of pydantic-settings. A file that cannot be read is left out here."""
        readable = DOTENV if not read_dotenv()[1] else None
        return (
            init_settings,
            env_settings,
            DotEnvSettingsSource(settings_cls, env_file=readable),
            InitSettingsSource(settings_cls, init_kwargs=read_toml()[0]),
        )


def load_settings(**given: object) -> Settings:
    """The settings of this run; `given` (from the command line) is stronger than every other source, None is not given.

    Raises:
        SettingsError: with every problem at once.
    """
    dotenv, dotenv_problems = read_dotenv()
    toml, toml_problems = read_toml()
    services, files = services_and_files(dotenv, toml)
    plain_toml = {PREFIX + key.upper(): value for key, value in toml.items() if key != TABLE}
    problems = [
        *dotenv_problems,
        *toml_problems,
        *files.problems,
        *services.problems,
        *_unknown_names(os.environ, "the environment", services.setting_names | file_names(services)),
        *_unknown_names(dotenv, str(DOTENV), services.setting_names | file_names(services)),
        *_unknown_names(plain_toml, str(TOML), frozenset()),
    ]
    chosen: dict[str, Any] = {field: files.values[name] for field, name in OWN_SECRETS.items() if name in files.values}
    chosen |= {key: value for key, value in given.items() if value is not None}
    try:
        ready = {_SERVICES: services.of(KINDS).ready, _PAINTERS: services.of(PAINTERS).ready}
        settings = Settings(**{**ready, **chosen})
    except ValidationError as wrong:
        problems += [_sentence(dict(error), given, dotenv, toml) for error in wrong.errors(include_url=False)]
    if problems:
        raise SettingsError(problems)
    return settings


def load_services() -> Services:
    """Every video service that could be set up, and what of it is, without a look at the other settings."""
    return _all_services().of(KINDS)


def load_painters() -> Services:
    """The same for every image maker."""
    return _all_services().of(PAINTERS)


def _all_services() -> Services:
    return services_and_files(read_dotenv()[0], read_toml()[0])[0]


def _unknown_names(names: Mapping[str, object], where: str, of_services: frozenset[str]) -> list[str]:
    own = [PREFIX + field.upper() for field in Settings.model_fields if field not in {"services", "painters"}]
    known = [*own, *sorted(of_services)]
    problems = []
    for name in names:
        upper = name.upper()
        if upper.startswith(PREFIX) and upper not in known and not _FOREIGN.match(upper):
            # compared without the prefix, which would make everything look alike
            near = difflib.get_close_matches(upper[len(PREFIX) :], [one[len(PREFIX) :] for one in known], n=1)
            mend = (
                f"did you mean {PREFIX}{near[0]}?"
                if near
                else f"remove it; the settings are {', '.join(own)}, those of services aside."
            )
            problems.append(f"{name} in {where} is no setting: {mend}")
    return problems


def _sentence(error: Mapping[str, Any], *sources: Mapping[str, Any]) -> str:
    """One problem that pydantic found, for a person; a secret's value is not in it."""
    if error["type"] == "sentence":
        return str(error["msg"])
    field = str(error["loc"][0])
    given, dotenv, toml = sources
    name = PREFIX + field.upper()
    environment = {key.upper(): value for key, value in os.environ.items() if value}
    file_values = {key.upper(): value for key, value in dotenv.items() if value}
    if given.get(field) is not None:
        value, where = given[field], "on the command line"
    elif name in environment:
        value, where = environment[name], "in the environment"
    elif name in file_values:
        value, where = file_values[name], f"in {DOTENV}"
    else:
        value, where = toml.get(field), f"in {TOML}"
    wanted, example = WANTED[field]
    shown = "" if field in SECRETS else f"is {str(value)[:80]!r} {where}; it "
    return f"{name} {shown}must be {wanted}: set it as {name}={example}."
