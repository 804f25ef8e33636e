"""A claim that is kept while its step runs."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from engine.leases import Leases
from engine.model import Create
from tests.house import House

LEASE_S = 0.03


async def test_who_works_on_keeps_the_claim_however_long_it_takes(house: House) -> None:
    """The lease is over, and is renewed; nobody else gets the message, until the work is done."""
    await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    (say,) = await house.store.claim_says(9, LEASE_S)
    async with Leases(house.store, LEASE_S).kept(say):
        for _ in range(3):
            house.clock.advance(1)
            async with asyncio.timeout(20):
                while await _lease_until(house) < house.store.now_ms():  # noqa: ASYNC110  # rows ring no bell
                    await asyncio.sleep(LEASE_S / 3)
            assert await house.store.claim_says(9, LEASE_S) == []
    house.clock.advance(1)
    assert [each.id for each in await house.store.claim_says(9, LEASE_S)] == [say.id]


async def test_who_lost_the_claim_does_not_get_it_back(house: House) -> None:
    """Its lease is not renewed any more: another one has it."""
    await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    (say,) = await house.store.claim_says(9, LEASE_S)
    house.clock.advance(1)
    (other,) = await house.store.claim_says(9, 3_600)
    until = await _lease_until(house)
    async with Leases(house.store, LEASE_S).kept(say):
        await asyncio.sleep(LEASE_S)
    assert await _lease_until(house) == until
    assert other.fence > say.fence


async def test_a_block_that_lasts_too_long_is_ended(house: House) -> None:
    """With a TimeoutError, while its lease is being renewed; and nothing of its limit is left behind."""
    await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    (say,) = await house.store.claim_says(9, LEASE_S)
    with pytest.raises(TimeoutError):
        async with Leases(house.store, LEASE_S).kept(say, 2 * LEASE_S):
            await asyncio.sleep(60)
    await asyncio.sleep(2 * LEASE_S)


async def _lease_until(house: House) -> int:
    query = text("SELECT lease_until FROM outbox")
    rows = await house.store.database.read(lambda connection: connection.execute(query))
    return int(rows.scalar_one())
