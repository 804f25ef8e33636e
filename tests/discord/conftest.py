"""A server whose contract is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot import making
from tests.fakes.discord import FakeDiscord


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer is the file and no percentage, however busy the machine is; who tests those sets another time."""
    monkeypatch.setattr(making, "AFTER_S", 3_600.0)


@pytest.fixture
async def discord() -> AsyncIterator[FakeDiscord]:
    """Without flood control; at the end nothing was asked of it that the real one does not know."""
    async with FakeDiscord(flood=False) as server:
        yield server
    assert server.complaints == []
