"""Secrets: read from files with checked permissions, and written nowhere, whatever goes wrong."""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import httpx
import pytest
from sqlalchemy.engine import make_url
from typer.main import get_command

from bot.cli import app
from bot.setting_sources import exposed_secrets
from bot.settings import SettingsError, load_services, load_settings
from engine.errors import StorageUnavailable
from engine.open import utc_now
from storage import open_store
from tests.bot_process import RunProcess
from tests.fakes.discord import FakeDiscord
from tests.fakes.services.xai import FakeXai
from tests.fakes.telegram import FakeTelegram

WAIT_S = 100.0
PLANTED: dict[str, str] = {
    "telegram_token": "7654321:PlantedTelegramSecret-0123456789abcdefg",
    "discord_token": "MTA0NTY3ODkwMTIzNDU2Nzg5.Plante.DiscordSecret-0123456789abcdefghijklmn",
    "xai_key": "xai-PlantedProviderSecret0123456789",
    "web_password": "PlantedWebPassword0123456789",
    "database_password": "PlantedDatabasePassword0123456789",
}
"""One for each kind of secret; found wherever its middle stands."""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current directory and an environment without our names."""
    for name in list(os.environ):
        if name.startswith("NEXTSHOT_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def secret_file(directory: Path, name: str, text: str, mode: int = 0o600) -> str:
    path = directory / name
    path.write_text(text)
    path.chmod(mode)
    return str(path)


# --- in files ------------------------------------------------------------------------------------------------------------


def test_every_secret_may_stand_in_a_file_of_its_own(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Named by the environment or by .env; the line break at its end is the editor's."""
    for name in ("telegram_token", "discord_token", "web_password"):
        monkeypatch.setenv(f"NEXTSHOT_{name.upper()}_FILE", secret_file(here, name, PLANTED[name] + "\n"))
    monkeypatch.setenv("NEXTSHOT_DATABASE_URL_FILE", secret_file(here, "url", "postgresql://a:b@host/c\n"))
    key = secret_file(here, "xai", f"{PLANTED['xai_key']}\r\n", 0o400)
    (here / ".env").write_text(f"NEXTSHOT_XAI_KEY_FILE={key}\n")
    settings = load_settings()
    for name in ("telegram_token", "discord_token", "web_password"):
        assert getattr(settings, name).get_secret_value() == PLANTED[name]
    assert make_url(settings.store_url).password == "b"
    (service,) = settings.services
    assert dict(service.settings) == {"key": PLANTED["xai_key"]}
    assert [each.name for each in load_services().ready] == ["xai"]
    assert not [planted for planted in PLANTED.values() if planted in repr(settings)]


@pytest.mark.parametrize(
    ("mode", "said"),
    [(0o644, "chmod 600"), (0o640, "chmod 600"), (0o602, "chmod 600"), (0o600, ""), (0o400, "")],
)
def test_a_secret_file_that_others_may_open_is_refused(
    here: Path, monkeypatch: pytest.MonkeyPatch, mode: int, said: str
) -> None:
    """With what to run, and without a word of what is in it."""
    path = secret_file(here, "token", PLANTED["telegram_token"], mode)
    monkeypatch.setenv("NEXTSHOT_TELEGRAM_TOKEN_FILE", path)
    if not said:
        load_settings()
        return
    with pytest.raises(SettingsError) as caught:
        load_settings()
    (problem,) = caught.value.problems
    assert problem.endswith(f"{said} {path}")
    assert "Planted" not in problem


def test_a_secret_file_that_cannot_be_is_said(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing, a directory, empty, too long, not text, somebody else's, and one that is set twice: all at once."""
    binary = here / "binary"
    binary.write_bytes(b"\xff\xfe")
    binary.chmod(0o600)
    monkeypatch.setenv("NEXTSHOT_TELEGRAM_TOKEN_FILE", str(here / "none"))
    monkeypatch.setenv("NEXTSHOT_DISCORD_TOKEN_FILE", str(here))
    monkeypatch.setenv("NEXTSHOT_WEB_PASSWORD_FILE", secret_file(here, "empty", "\n"))
    monkeypatch.setenv("NEXTSHOT_XAI_KEY_FILE", secret_file(here, "long", "x" * 70_000))
    monkeypatch.setenv("NEXTSHOT_FAL_KEY_FILE", str(binary))
    monkeypatch.setenv("NEXTSHOT_DATABASE_URL", "sqlite:///x.db")
    monkeypatch.setenv("NEXTSHOT_DATABASE_URL_FILE", secret_file(here, "url", "sqlite:///y.db"))
    with pytest.raises(SettingsError) as caught:
        load_settings()
    problems = " ".join(caught.value.problems)
    assert len(caught.value.problems) == 6
    for words in ("No such file", "Is a directory", "is empty", "too long", "not UTF-8", "are both set"):
        assert words in problems


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a file away")
def test_a_secret_file_of_somebody_else_is_refused(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its owner could change it."""
    path = secret_file(here, "token", PLANTED["telegram_token"])
    os.chown(path, 12345, 12345)
    monkeypatch.setenv("NEXTSHOT_TELEGRAM_TOKEN_FILE", path)
    with pytest.raises(SettingsError, match="belongs to another user"):
        load_settings()


def test_only_secrets_have_files(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that does nothing is a mistake, and said."""
    monkeypatch.setenv("NEXTSHOT_WEB_PORT_FILE", "x")
    with pytest.raises(SettingsError, match="NEXTSHOT_WEB_PORT_FILE in the environment is no setting"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".env", "NEXTSHOT_XAI_KEY=abc\n"),
        ("nextshot.toml", 'telegram_token = "1"\n'),
        ("nextshot.toml", '[providers.xai]\nkey = "abc"\n'),
    ],
)
def test_settings_with_secrets_that_others_may_open_are_warned_of(here: Path, name: str, text: str) -> None:
    """Not refused: a first start would fail for whoever has just written the file."""
    secret_file(here, name, text, 0o644)
    (said,) = exposed_secrets()
    assert said.endswith(f"chmod 600 {name}")
    (here / name).chmod(0o600)
    assert exposed_secrets() == []
    secret_file(here, name, 'NEXTSHOT_WEB_PORT="1"\n' if name == ".env" else "web_port = 1\n", 0o644)
    assert exposed_secrets() == []


# --- nowhere else --------------------------------------------------------------------------------------------------------


def test_no_option_takes_a_secret() -> None:
    """What is typed stands in the history of a shell and in every list of processes."""
    command = get_command(app)
    assert isinstance(command, object)
    names = {
        option.lower()
        for each in [command, *command.commands.values()]  # type: ignore[attr-defined]  # a group has them
        for parameter in each.params
        for option in parameter.opts
    }
    assert "--provider" in names
    assert not [name for name in names if any(word in name for word in ("key", "token", "password", "secret", "url"))]


async def test_a_database_that_cannot_be_had_does_not_tell_its_password() -> None:
    """Not in the sentence, and not in the whole trace that goes into a log."""
    url = f"postgresql://nextshot:{PLANTED['database_password']}@127.0.0.1:1/none"
    with pytest.raises(StorageUnavailable, match="cannot be reached") as caught:
        await open_store(url, utc_now)
    assert "Planted" not in "".join(traceback.format_exception(caught.value))


class Xai(FakeXai):
    settings: ClassVar[Mapping[str, str]] = {"key": PLANTED["xai_key"]}


async def test_secrets_are_written_nowhere(tmp_path: Path) -> None:
    """A story at debug level with refusals, lost answers and a wrong key: no secret in files, streams, messages or arguments."""
    heard: dict[str, bytes] = {}
    async with (
        FakeTelegram(flood=False, token=PLANTED["telegram_token"]) as telegram,
        FakeDiscord(flood=False, token=PLANTED["discord_token"]) as discord,
        Xai() as xai,
    ):
        ana = telegram.person("Ana")
        chat = telegram.private(ana)
        dee = discord.person("Dee")
        channel = discord.channel(discord.guild("Film club", [dee]), "films")
        settings = {
            "TELEGRAM_TOKEN": PLANTED["telegram_token"],
            "TELEGRAM_API_URL": telegram.url,
            "TELEGRAM_ALLOWED": "*",
            "DISCORD_TOKEN": PLANTED["discord_token"],
            "DISCORD_API_URL": discord.api_url,
            "DISCORD_ALLOWED": "*",
            "XAI_KEY": PLANTED["xai_key"],
            "XAI_URL": xai.url + xai.base_path,
            "XAI_RESULTS_FROM": xai._files_url,
            "WEB_PASSWORD": PLANTED["web_password"],
            "LOG_LEVEL": "debug",
            "ASK_ABOVE_USD": "never",
        }
        named = {f"NEXTSHOT_{name}": value for name, value in settings.items()}
        async with RunProcess(tmp_path / "home", named) as server:
            await server.open()
            assert server.process is not None
            heard["arguments"] = Path(f"/proc/{server.process.pid}/cmdline").read_bytes()
            telegram.fail_next("sendMessage", 500, "Internal Server Error", times=2)
            telegram.lose_answer("sendMessage")
            xai.lose_answers = 1
            telegram.says(ana, chat, "/create a boat --provider xai --seconds 2")
            await telegram.wait_for_message(chat, lambda message: "not known" in message.text, WAIT_S, "A question")
            xai.key_is_withdrawn = True
            telegram.says(ana, chat, "/create a key --provider xai --seconds 2")
            await telegram.wait_for_message(chat, lambda message: "key" in message.text.lower(), WAIT_S, "A refusal")
            await discord.wait_until(lambda: discord.connected and discord.commands, WAIT_S, "A connection")
            await discord.slash(dee, channel, "help").answered(WAIT_S)
            async with httpx.AsyncClient(base_url=server.url) as page:
                for password in ("wrong", PLANTED["web_password"]):
                    answer = await page.post("login", data={"password": password})
                    heard[f"page {password[:5]}"] = answer.content + repr(answer.headers).encode()
            assert (await server.terminate())[0] == 0
        heard["telegram"] = json.dumps([call.params for call in telegram.calls], default=str).encode()
        heard["discord"] = json.dumps([call.body for call in discord.calls], default=str).encode()
        heard["xai"] = json.dumps([task.body for task in xai.tasks.values()], default=str).encode()
    files = {str(path): path.read_bytes() for path in (tmp_path / "home").rglob("*") if path.is_file()}
    assert len(files) > 3
    assert b"level=debug" in heard.get("log", b"") + b"".join(files.values()) or b'"debug"' in b"".join(files.values())
    found = [
        (where, name)
        for where, content in (heard | files).items()
        for name, secret in PLANTED.items()
        if secret[10:-4].encode() in content
    ]
    assert found == []
