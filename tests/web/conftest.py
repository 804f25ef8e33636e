"""A page that is really served, over a real store, real files and the real dispatch."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.web.site import WebSettings
from tests.fakes.clock import FakeClock
from tests.web.page import WebHouse, opened_page


@pytest.fixture
async def web(tmp_path: Path, clock: FakeClock) -> AsyncIterator[WebHouse]:
    """Served on loopback, on a free port, without a password."""
    async with opened_page(tmp_path, clock, WebSettings(port=0)) as opened:
        yield opened
