"""Every service as a server on loopback, and its provider."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import stamina

from engine.providers.base import Provider
from tests.contract.services import SERVICES
from tests.fakes.services.base import FakeService


@pytest.fixture(autouse=True)
def _no_waits() -> Iterator[None]:
    """Tries follow each other at once."""
    with stamina.set_testing(True, attempts=4, cap=True):
        yield


@pytest.fixture(params=sorted(SERVICES))
async def fake(request: pytest.FixtureRequest) -> AsyncIterator[FakeService]:
    """The service, as a server on loopback; what no client may do fails the test."""
    async with SERVICES[request.param].fake() as started:
        started.case = request.param
        yield started
        assert started.complaints == []
        assert started.inside_hits == 0


@pytest.fixture
async def provider(fake: FakeService) -> AsyncIterator[Provider]:
    """The provider, speaking to the fake."""
    made = SERVICES[fake.case].open(fake.setup())
    yield made
    await made.close()
