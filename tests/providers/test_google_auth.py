"""Logging in at Google Cloud: by a file, by this machine's default login, by `gcloud`; and what is said where none works."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from engine.errors import AuthFailed, Unavailable
from engine.providers import google_auth
from engine.providers.google_auth import GoogleLogin
from tests.fakes.services.google_cloud import TOKEN, FakeTokens, write_account

BEARER = {"authorization": f"Bearer {TOKEN}"}


@pytest.fixture
async def tokens() -> AsyncIterator[FakeTokens]:
    """The token endpoint of Google, on loopback."""
    fake = FakeTokens()
    app = web.Application()
    app.router.add_post("/token", fake.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}/token"
    yield fake
    await runner.cleanup()


@pytest.fixture
def account(tokens: FakeTokens, tmp_path: Path) -> Path:
    """The file of a service account."""
    return write_account(tmp_path / "account.json", tokens.url)


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody is logged in on this machine, and it is none of Google's."""
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.delenv("GOOGLE_CLOUD_QUOTA_PROJECT", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud-config"))
    monkeypatch.setenv("NO_GCE_CHECK", "true")


def program(path: Path, lines: str) -> str:
    """A program that stands for `gcloud`."""
    path.write_text(f"#!/bin/sh\n{lines}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


async def test_a_file_gives_a_token_that_is_kept(tokens: FakeTokens, account: Path) -> None:
    """Asked for once, also by many at once."""
    login = GoogleLogin("Veo", str(account))
    found = await asyncio.gather(*(login.headers() for _ in range(5)))
    assert found == [BEARER] * 5
    assert await login.headers() == BEARER
    assert tokens.asked == 1


async def test_a_token_is_replaced_before_it_ends(tokens: FakeTokens, account: Path) -> None:
    """A minute is too short for what it is needed for."""
    tokens.lasts_s = 60
    login = GoogleLogin("Veo", str(account))
    await login.headers()
    await login.headers()
    assert tokens.asked == 2


async def test_a_refused_account_is_the_operators_to_mend(tokens: FakeTokens, account: Path) -> None:
    """And once mended it works, without a restart."""
    tokens.status = 400
    login = GoogleLogin("Veo", str(account))
    with pytest.raises(AuthFailed, match="credentials file"):
        await login.headers()
    tokens.status = 200
    assert await login.headers() == BEARER


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"type": "something"}',
        '{"type": "service_account", "private_key": "no key"}',
        '{"type": "authorized_user", "client_id": "no key"}',
        '{"type": "external_account", "audience": "no key"}',
    ],
)
async def test_a_file_that_is_none_is_said(tmp_path: Path, text: str) -> None:
    """In a sentence, without anything of what is in it; nobody else's login is taken instead."""
    path = tmp_path / "account.json"
    path.write_text(text, encoding="utf-8")
    gcloud = program(tmp_path / "gcloud", "echo ya29.other")
    with pytest.raises(AuthFailed, match="credentials file") as raised:
        await GoogleLogin("Veo", str(path), gcloud=gcloud).headers()
    assert "no key" not in f"{raised.value} {raised.value.detail}"


async def test_a_missing_file_is_said(tmp_path: Path) -> None:
    """As one that is damaged."""
    with pytest.raises(AuthFailed, match="missing"):
        await GoogleLogin("Veo", str(tmp_path / "nothing.json")).headers()


async def test_a_login_that_cannot_be_reached_is_no_wrong_login(tmp_path: Path) -> None:
    """It is tried again later."""
    account = write_account(tmp_path / "account.json", "http://127.0.0.1:9/token")
    with pytest.raises(Unavailable):
        await GoogleLogin("Veo", str(account)).headers()


async def test_the_default_login_is_found(account: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here the one that the environment names."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(account))
    assert await GoogleLogin("Veo", gcloud="/nothing/gcloud").headers() == BEARER


async def test_who_pays_for_a_persons_requests_is_told(account: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the login names a project for it."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(account))
    monkeypatch.setenv("GOOGLE_CLOUD_QUOTA_PROJECT", "payer")
    assert await GoogleLogin("Veo").headers() == {**BEARER, "x-goog-user-project": "payer"}


async def test_gcloud_is_asked_where_there_is_no_default_login(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Once for several minutes; its token is never logged."""
    caplog.set_level(logging.DEBUG, logger="engine")
    asked = tmp_path / "asked"
    gcloud = program(tmp_path / "gcloud", f'echo "$@" >> {asked}; echo ya29.by-gcloud')
    login = GoogleLogin("Veo", gcloud=gcloud)
    assert await login.headers() == {"authorization": "Bearer ya29.by-gcloud"}
    await login.headers()
    assert asked.read_text(encoding="utf-8").splitlines() == ["auth print-access-token --quiet"]
    assert "ya29" not in caplog.text


@pytest.mark.parametrize("lines", ["exit 1", "echo", "echo You are not logged in", "echo token; exit 3"])
async def test_a_gcloud_without_a_login_gives_none(tmp_path: Path, lines: str) -> None:
    """The sentence says what to do."""
    gcloud = program(tmp_path / "gcloud", lines)
    with pytest.raises(AuthFailed, match="gcloud auth application-default login"):
        await GoogleLogin("Veo", gcloud=gcloud).headers()


async def test_a_gcloud_that_hangs_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not hold up the render."""
    monkeypatch.setattr(google_auth, "GCLOUD_S", 0.1)
    mine = tmp_path / "pid"
    gcloud = program(tmp_path / "gcloud", f"echo $$ > {mine}; exec sleep 60")
    async with asyncio.timeout(30):
        with pytest.raises(AuthFailed):
            await GoogleLogin("Veo", gcloud=gcloud).headers()
    pid = mine.read_text(encoding="utf-8").strip() if mine.exists() else ""
    assert not pid or not Path(f"/proc/{pid}").exists()
