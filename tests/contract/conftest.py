"""The store of a contract test, once for every database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from storage import SqlStore, opened_store
from tests.databases import KINDS, empty, shared_database
from tests.fakes.clock import FakeClock


@pytest.fixture(scope="module", params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database of each kind, for all tests of a file."""
    with shared_database(request.param, tmp_path_factory.mktemp("database")) as shared:
        yield shared


@pytest.fixture
async def store(url: str, clock: FakeClock) -> AsyncIterator[SqlStore]:
    """An empty store on it."""
    async with opened_store(url, clock) as opened:
        yield opened
    empty(url)
