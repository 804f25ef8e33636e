"""What the suite promises of itself: no network, no settings from outside, and no silent skip."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests import conftest, network
from tests.fakes.clock import FakeClock

OUTSIDE = "192.0.2.1"  # set apart for documentation: nobody is there


def _connect() -> None:
    with socket.socket() as peer:
        peer.connect((OUTSIDE, 80))


def _connect_ex() -> None:
    with socket.socket() as peer:
        peer.connect_ex((OUTSIDE, 80))


def _send_datagram() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as peer:
        peer.sendto(b"?", (OUTSIDE, 53))


def _connect_v6() -> None:
    with socket.socket(socket.AF_INET6) as peer:
        peer.connect(("2001:db8::1", 80, 0, 0))


@pytest.mark.parametrize(
    "reach",
    [_connect, _connect_ex, _send_datagram, _connect_v6, lambda: socket.getaddrinfo("example.com", 80)],
)
def test_another_machine_is_out_of_reach(reach: Callable[[], object]) -> None:
    """Every way out is stopped with a sentence that says what was tried."""
    with pytest.raises(network.NetworkForbidden, match="nothing beyond this machine"):
        reach()
    assert network.tried
    network.tried.clear()


async def test_the_event_loop_cannot_leave_either() -> None:
    """asyncio's own look-up, in a thread, is stopped too."""
    with pytest.raises(network.NetworkForbidden):
        await asyncio.get_running_loop().getaddrinfo("example.com", 443)
    network.tried.clear()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.8.8.8"])
async def test_loopback_is_in_reach(host: str) -> None:
    """A server on this machine can be talked to, by any of its names."""

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"here")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "0.0.0.0", 0) as server:  # noqa: S104  # closed again at once
        reader, writer = await asyncio.open_connection(host, server.sockets[0].getsockname()[1])
        assert await reader.read() == b"here"
        writer.close()
        await writer.wait_closed()


def test_a_swallowed_refusal_still_fails_its_test(tmp_path: Path) -> None:
    """Code that takes the refusal for a lost connection does not make its test pass; settings from outside are gone."""
    for name in ("__init__.py", "conftest.py", "network.py", "specs.py", "fakes/__init__.py", "fakes/clock.py"):
        copied = tmp_path / "tests" / name
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path(conftest.__file__).parent / name, copied)
    (tmp_path / "tests" / "test_sample.py").write_text(
        "import os, socket\n"
        "def test_swallows():\n"
        "    try:\n"
        f"        socket.create_connection(('{OUTSIDE}', 80), timeout=0.1)\n"
        "    except OSError:\n"
        "        return\n"
        "def test_settings():\n"
        "    assert 'NEXTSHOT_PROVIDER' not in os.environ\n",
        encoding="utf-8",
    )
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests"],
        cwd=tmp_path,
        env={**os.environ, "NEXTSHOT_PROVIDER": "elsewhere", "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert f"This test tried to connect {OUTSIDE} port 80" in run.stdout
    assert "2 passed, 1 error" in run.stdout


def test_the_header_names_every_optional_thing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader of the log sees what was missing before any test was skipped for it, and never a password."""
    monkeypatch.setenv("NEXTSHOT_TEST_POSTGRES", "postgresql://me:hush@127.0.0.1/x")
    monkeypatch.delenv("NEXTSHOT_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("NEXTSHOT_SPECS", "/nowhere")
    assert conftest.pytest_report_header() == [
        "Chromium: not found, so the tests of the web page in a browser are skipped",
        "PostgreSQL: given",
        "Contracts: not found through NEXTSHOT_SPECS, so nothing is checked against those of Telegram and Discord",
    ]


def test_the_clock_stands_until_it_is_moved(clock: FakeClock) -> None:
    """The fixture gives an aware UTC time that only `advance` changes."""
    assert clock() == clock() == datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
    assert clock.advance(1.5) == clock() == datetime(2026, 1, 1, 12, 0, 1, 500_000, tzinfo=UTC)
