"""A server whose contract is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot import making
from tests.fakes.telegram import Chat, FakeTelegram
from tests.fakes.telegram import Person as Member


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer is the file and no percentage, however busy the machine is; who tests those sets another time."""
    monkeypatch.setattr(making, "AFTER_S", 3_600.0)


@pytest.fixture
async def telegram() -> AsyncIterator[FakeTelegram]:
    """Without flood control; at the end nothing was asked of it that the real one does not know."""
    async with FakeTelegram(flood=False) as server:
        yield server
    assert server.complaints == []


@pytest.fixture
def boss(telegram: FakeTelegram) -> Member:
    """Runs the bot, and has begun a chat with it."""
    person = telegram.person("Bo")
    telegram.private(person)
    return person


@pytest.fixture
def chat(telegram: FakeTelegram, ana: Member) -> Chat:
    """Between the bot and the Ana of the test."""
    return telegram.private(ana)
