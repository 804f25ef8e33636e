"""A server whose contract is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.fakes.discord import FakeDiscord


@pytest.fixture
async def discord() -> AsyncIterator[FakeDiscord]:
    """Without flood control; at the end nothing was asked of it that the real one does not know."""
    async with FakeDiscord(flood=False) as server:
        yield server
    assert server.complaints == []
