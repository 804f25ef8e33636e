"""A server whose contract is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.fakes.telegram import FakeTelegram


@pytest.fixture
async def telegram() -> AsyncIterator[FakeTelegram]:
    """Without flood control; at the end nothing was asked of it that the real one does not know."""
    async with FakeTelegram(flood=False) as server:
        yield server
    assert server.complaints == []
