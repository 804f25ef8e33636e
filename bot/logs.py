"""Where log lines go, and how they look: `time level=… logger=… event key=value …` for a person, one JSON object a line for a
machine.

Every line is written through the standard library, ours as `log.info("job moved job=%d state=%s", …)`. The words before the first
`key=` are the event and each `key=%…` is a field, read from the template and not from the finished text, so that nothing which
somebody typed can pass for a field. `named` adds fields to all that is logged inside of it.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal
from urllib.parse import quote

import stamina.instrumentation
from pydantic import SecretStr

from bot.settings import Settings

FILE_NAME = "nextshot.log"
FILE_BYTES = 2_000_000
TEMPLATES_KEPT = 2_000
SECRET_CHARS = 6
"""A shorter one would be found in every second word."""
_LOUD = {
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    "aiohttp.access": logging.WARNING,
    "alembic": logging.WARNING,
    "apscheduler": logging.WARNING,
    "telegram": logging.WARNING,
    "discord": logging.ERROR,
    "discord.client": logging.CRITICAL,
    "discord.gateway": logging.CRITICAL,
    "discord.shard": logging.CRITICAL,
}
"""Libraries whose lines say nothing that ours do not, or name addresses that may carry a key."""

Format = Literal["text", "json"]

_HIDDEN = "…"
_KEYS = re.compile(
    r"(?P<bot>/bot)\d+:[\w-]+"  # Telegram has the token in every address, and addresses get into the texts of errors
    r"|(?P<head>\b(?:Basic|Bearer|Bot|Key)\s+)[\w.~+/=-]{12,}"
    r"|(?P<header>\b(?i:(?:x-(?:api-)?|api-)key)[\"']?\s*[:=]\s*[\"']?)[^\s\"',]+"
    r"|(?P<named>[?&](?:key|api_key|apikey|token|access_token|signature|sig)=)[^&\s\"'>]+"
    r"|(?P<url>\b[a-z][a-z0-9+]{0,20}://[^/\s:@]*:)[^/\s]+(?=@)"
)
"""What may carry a key wherever it is: the address of a bot, a header, a query, a password in an address."""

_SPECIFIER = re.compile(r"(?:(?P<name>\w+)=)?%[-#0 +]*(?:\*|\d+)?(?:\.(?:\*|\d+))?(?P<kind>[a-zA-Z%])")
_OWN_FIELDS = frozenset({"event", "level", "logger", "time", "exception"})

_names: ContextVar[Mapping[str, object]] = ContextVar("nextshot_log_names", default=MappingProxyType({}))
_secrets: list[str] = []
"""What is never written, longest first."""


@contextmanager
def named(**names: object) -> Iterator[None]:
    """All that is logged inside, also by libraries and by tasks that are begun there, carries these fields."""
    mark = _names.set({**_names.get(), **names})
    try:
        yield
    finally:
        _names.reset(mark)


def redacted(text: str) -> str:
    """Without the secrets of this run, and without what looks like one."""
    for secret in _secrets:
        if secret in text:
            text = text.replace(secret, _HIDDEN)
    return _KEYS.sub(lambda found: f"{found[found.lastgroup or 0]}{_HIDDEN}", text)


class _Line(logging.Formatter):
    """For a person."""

    converter = time.gmtime  # type: ignore[assignment]  # typeshed has it without its default

    def __init__(self) -> None:
        super().__init__(
            "%(asctime)s.%(msecs)03dZ level=%(levelname)s logger=%(name)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%S"
        )

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # as the standard library calls it
        line = super().formatMessage(record)
        line = line.replace(f"level={record.levelname} ", f"level={record.levelname.lower()} ", 1)
        said = _template(str(record.msg)).names
        more = [f" {name}={value}" for name, value in _names.get().items() if name not in said]
        return line + "".join(more)

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


class _Template:
    """What the text of a log call names: `event` None where it is not words, then fields."""

    def __init__(self, text: str) -> None:
        found = [each for each in _SPECIFIER.finditer(text) if each["kind"] != "%"]
        self.names = tuple(each["name"] for each in found)
        ends_in_reason = bool(found) and text.endswith(": %s") and found[-1]["name"] is None
        unnamed = [each for each in found if each["name"] is None][: -1 if ends_in_reason else None]
        bare = _SPECIFIER.sub(lambda each: "%" if each["kind"] == "%" else "", text.removesuffix(": %s"))
        words = re.sub(r"\s+([:;,.]|$)", r"\1", re.sub(r"\s{2,}", " ", bare)).strip(" :")
        self.event = words if words and found and not unnamed else None
        self.has_reason = ends_in_reason

    def fields(self, values: tuple[object, ...]) -> dict[str, object]:
        """By name; the last one without a name is the reason."""
        fields = {name: value for name, value in zip(self.names, values, strict=False) if name}
        if self.has_reason and len(values) == len(self.names):
            reason = values[-1]
            if isinstance(reason, BaseException):
                fields["error"] = type(reason).__name__
            fields["reason"] = str(reason)
        return fields


@cache
def _kept_template(text: str) -> _Template:
    return _Template(text)


def _template(text: str) -> _Template:
    """A library may make its templates up as it goes, so not all of them are kept."""
    known = _kept_template.cache_info().currsize < TEMPLATES_KEPT
    return _kept_template(text) if known else _Template(text)


def _read_fields(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A processor: the event and the fields of a line of the standard library."""
    record: logging.LogRecord = event["_record"]
    template, values = _template(str(record.msg)), event.pop("positional_args", None)
    said = template.fields(values) if isinstance(values, tuple) else {}
    if template.event is not None and isinstance(values, tuple) and values:
        event["event"] = template.event
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    head = {"time": f"{at}.{int(record.msecs):03d}Z", "level": record.levelname.lower(), "logger": record.name}
    fields = {
        f"{name}_" if name in _OWN_FIELDS else name: _plain(value) for name, value in {**_names.get(), **said}.items()
    }
    return {**head, "event": event.pop("event"), **fields, **event}


def _ways_to_write(secret: str) -> Iterator[str]:
    """As it is, as Python and JSON quote it, and as an address has it."""
    yield from (secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], quote(secret), quote(secret, safe=""))


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)


def _redact(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A processor: before anything is escaped for JSON, since a secret in other letters is found no more."""
    return {name: redacted(value) if isinstance(value, str) else value for name, value in event.items()}


def _json_lines() -> logging.Formatter:
    """For a machine."""
    import structlog  # noqa: PLC0415  # a tenth of a second, which a command with text lines need not wait for

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[_read_fields],
        pass_foreign_args=True,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,  # as text: a trace with its variables would show keys
            _redact,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )


def secrets_of(settings: Settings) -> Iterator[str]:
    """Every value that must not be seen: tokens, passwords, keys of services."""
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            yield value.get_secret_value()
    for service in (*settings.services, *settings.painters):
        needs = service.catalog.needs
        yield from (value for short, value in service.settings.items() if short in needs and needs[short].is_secret)


def set_up_logging(
    level: str, directory: Path, *, to_stderr: bool, shape: Format | None = None, secrets: Iterable[str] = ()
) -> None:
    """Lines from `level` to stderr, where asked; warnings, errors and their traces to `nextshot.log` in the data directory.

    `shape` None: JSON to a stderr that is no terminal, text to one that is, and text to the file, which a person opens.
    `secrets` are never written, whatever has them in its text.
    """
    written = {way for each in secrets if len(each) >= SECRET_CHARS for way in _ways_to_write(each)}
    _secrets[:] = sorted(written, key=len, reverse=True)
    # where structlog is installed, it would write its own lines to stdout, past all of this
    stamina.instrumentation.set_on_retry_hooks([stamina.instrumentation.LoggingOnRetryHook])
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
        old.close()
    root.setLevel(level.upper())
    for name, least in _LOUD.items():
        logging.getLogger(name).setLevel(max(least, root.level))
    logging.captureWarnings(capture=True)
    logging.raiseExceptions = False  # a full disk must not write a trace over somebody's terminal
    # opened at its first line: a command that has nothing to say leaves no file
    file = RotatingFileHandler(directory / FILE_NAME, maxBytes=FILE_BYTES, backupCount=1, encoding="utf-8", delay=True)
    file.setLevel(logging.WARNING)
    file.setFormatter(_json_lines() if shape == "json" else _Line())
    root.addHandler(file)
    if to_stderr:
        errors = logging.StreamHandler(sys.stderr)
        is_text = shape == "text" or (shape is None and sys.stderr.isatty())
        errors.setFormatter(_Line() if is_text else _json_lines())
        root.addHandler(errors)


def keep_trace(error: BaseException, directory: Path | None) -> Path:
    """Write what went wrong in full, and give the file: in the data directory, else where temporary files are."""
    for place in (directory, Path(tempfile.gettempdir())):
        if place is None or not place.is_dir():
            continue
        path = place / FILE_NAME
        try:
            with path.open("a", encoding="utf-8") as file:
                handler = logging.StreamHandler(file)
                handler.setFormatter(_Line())
                trace = (type(error), error, error.__traceback__)
                handler.emit(logging.LogRecord("nextshot", logging.ERROR, __file__, 0, "unexpected error", None, trace))
        except OSError:
            continue
        return path
    return Path("/dev/null")
