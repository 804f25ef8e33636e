"""A file that a platform has already is found by its id there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from engine.model import FileKey
from storage import SentFiles, opened_store
from tests.databases import KINDS, empty, shared_database
from tests.fakes.clock import FakeClock

CLIP, OTHER = FileKey("a" * 64 + ".mp4"), FileKey("b" * 64 + ".mp4")
BOT = "telegram:42"


@pytest.fixture(scope="module", params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database of each kind, for all tests of the file."""
    with shared_database(request.param, tmp_path_factory.mktemp("database")) as shared:
        yield shared


@pytest.fixture
async def sent(url: str, clock: FakeClock) -> AsyncIterator[SentFiles]:
    """Nothing was sent yet."""
    async with opened_store(url, clock) as store:
        yield SentFiles(store)
    empty(url)


async def test_a_file_is_found_by_who_sent_it_and_as_what(sent: SentFiles) -> None:
    """Another account cannot use the id, and a document is no video."""
    assert await sent.find(BOT, CLIP, "video") is None
    await sent.keep(BOT, CLIP, "video", "AgAD")
    await sent.keep(BOT, CLIP, "document", "BQAD")
    await sent.keep("telegram:43", CLIP, "video", "other")
    assert await sent.find(BOT, CLIP, "video") == "AgAD"
    assert await sent.find(BOT, CLIP, "document") == "BQAD"
    assert await sent.find("telegram:43", CLIP, "video") == "other"
    assert await sent.find(BOT, OTHER, "video") is None


async def test_the_newest_id_counts(sent: SentFiles) -> None:
    """The same file may be sent by several at once."""
    await asyncio.gather(*(sent.keep(BOT, CLIP, "video", "AgAD") for _ in range(5)))
    await sent.keep(BOT, CLIP, "video", "CgAD")
    assert await sent.find(BOT, CLIP, "video") == "CgAD"


async def test_an_id_that_is_no_good_is_forgotten(sent: SentFiles) -> None:
    """That one alone, and once more is fine."""
    await sent.keep(BOT, CLIP, "video", "AgAD")
    await sent.keep(BOT, OTHER, "video", "CgAD")
    for _ in range(2):
        await sent.forget(BOT, CLIP, "video")
    assert await sent.find(BOT, CLIP, "video") is None
    assert await sent.find(BOT, OTHER, "video") == "CgAD"
