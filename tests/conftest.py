"""What holds for every test: no network, no settings from outside, the same examples in CI, and a word on what is missing."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests import network
from tests.fakes.clock import FakeClock
from tests.specs import spec

KEPT = frozenset({"NEXTSHOT_TEST_POSTGRES", "NEXTSHOT_SPECS", "NEXTSHOT_CHROMIUM"})
"""Names for the test run itself."""

settings.register_profile("nextshot", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)


def pytest_configure() -> None:
    # what is imported stays: to look through it at every 700 objects is a twentieth of the run
    gc.set_threshold(50_000, 10, 10)
    settings.load_profile("ci" if os.environ.get("CI") else "nextshot")
    for name in list(os.environ):
        if (name.startswith("NEXTSHOT_") and name not in KEPT) or name.lower().endswith("_proxy"):
            del os.environ[name]
    network.forbid()


def pytest_report_header() -> list[str]:
    """Which optional things are there: what is missing skips the tests that need it, each with its reason."""
    chromium = os.environ.get("NEXTSHOT_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    postgres = "NEXTSHOT_TEST_POSTGRES" in os.environ  # its value may hold a password
    return [
        f"Chromium: {chromium or 'not found, so the tests of the web page in a browser are skipped'}",
        f"PostgreSQL: {'given' if postgres else 'NEXTSHOT_TEST_POSTGRES is not set, so the tests that need it are skipped'}",
        f"Contracts: {_contracts()}",
    ]


def _contracts() -> str:
    wanted = {
        "Telegram": ("telegram-bot-api-10.3.contract.json",),
        "Discord": ("discord-api-v10.openapi.json", "discord-gateway-v10.schema.json"),
    }
    missing = [platform for platform, names in wanted.items() if any(spec(name) is None for name in names)]
    if not missing:
        return "found"
    return f"not found through NEXTSHOT_SPECS, so nothing is checked against those of {' and '.join(missing)}"


@pytest.fixture(autouse=True)
def _network_is_left_alone() -> Iterator[None]:
    """Fails the test that tried to reach another machine, even where the code took the refusal for an ordinary error."""
    network.tried.clear()
    yield
    assert not network.tried, f"This test tried to {', then '.join(network.tried)}: use a fake on 127.0.0.1."


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands at noon of 1 January 2026 UTC until it is moved."""
    return FakeClock()
