"""What was said in the web chat stays, in order, through the store's own transactions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from storage import Post, Transcript, opened_store
from tests.databases import HOME, KINDS, empty, shared_database
from tests.fakes.clock import FakeClock


@pytest.fixture(scope="module", params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database of each kind, for all tests of the file."""
    with shared_database(request.param, tmp_path_factory.mktemp("database")) as shared:
        yield shared


@pytest.fixture
async def transcript(url: str, clock: FakeClock) -> AsyncIterator[Transcript]:
    """An empty transcript on it."""
    async with opened_store(url, clock) as store:
        yield Transcript(store)
    empty(url)


async def say(transcript: Transcript, text: str, place: str = HOME) -> Post:
    return await transcript.add(place, author="local:ana", body={"text": text}, nonce=f"nonce of {text}")


async def test_a_message_comes_back_as_it_was_said(transcript: Transcript, clock: FakeClock) -> None:
    """Its body is JSON of any kind; the bot's author is empty."""
    body = {"text": "лампа 🪔", "buttons": [{"verb": "continue", "target": "a1-1"}], "percent": 12.5, "video": None}
    post = await transcript.add(HOME, author="", body=body, nonce="1")
    assert post == Post(
        id=post.id, place=HOME, author="", body=body, revision=1, created_at=clock(), changed_at=clock()
    )
    assert await transcript.post(post.id) == post
    assert await transcript.post(post.id + 1) is None


async def test_the_same_nonce_is_the_same_message(transcript: Transcript) -> None:
    """However often it is sent, also at once."""
    posts = await asyncio.gather(*(say(transcript, "hello") for _ in range(5)))
    again = await transcript.add(HOME, author="x", body={"text": "other"}, nonce="nonce of hello")
    assert {post.id for post in posts} == {again.id}
    assert await transcript.posts(HOME) == [again] == [posts[0]]


async def test_a_change_is_a_new_revision(transcript: Transcript, clock: FakeClock) -> None:
    """The message keeps its place; one that is not there is None."""
    first = await say(transcript, "queued")
    clock.advance(5)
    changed = await transcript.change(first.id, {"text": "ready"})
    assert changed == replace(
        first, body={"text": "ready"}, revision=2, changed_at=first.created_at + timedelta(seconds=5)
    )
    assert await transcript.posts(HOME) == [changed]
    assert await transcript.change(first.id + 1, {}) is None


async def test_messages_are_paged_backwards_and_read_forwards(transcript: Transcript) -> None:
    """The newest page first, each from old to new, and only those of the place."""
    for number in range(5):
        await say(transcript, str(number))
        await say(transcript, f"away {number}", "local:away")
    page = await transcript.posts(HOME, limit=3)
    assert [post.body["text"] for post in page] == ["2", "3", "4"]
    page = await transcript.posts(HOME, before=page[0].id, limit=3)
    assert [post.body["text"] for post in page] == ["0", "1"]
    assert await transcript.posts("local:nowhere") == []
    assert await transcript.places() == ["local:away", HOME]


async def test_what_changed_since_is_told(transcript: Transcript, clock: FakeClock) -> None:
    """New and changed messages, in the order of their changes, that instant included."""
    old, kept = await say(transcript, "old"), await say(transcript, "kept")
    then = clock.advance(1)
    new = await say(transcript, "new")
    clock.advance(1)
    changed = await transcript.change(old.id, {"text": "changed"})
    assert await transcript.changed_since(HOME, then) == [new, changed]
    assert kept.id not in {post.id for post in await transcript.changed_since(HOME, then)}
