"""Servers of the `/v1/videos` shape against their fakes: look-ups, cancels, previews, ends, hosts, works on a clip."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import stamina

from engine.errors import (
    BadShot,
    Billed,
    ModelRetired,
    OutOfCredit,
    ProviderError,
    Refused,
    RenderFailed,
    Unavailable,
    Unconfirmed,
)
from engine.providers import answers
from engine.providers.base import CancelOutcome, Order, Queued, Recovery, Rendered, Rendering, Sent, Source, Work
from engine.providers.openai_videos import OpenaiVideos, open_provider
from tests.fakes.clock import datetime_ahead
from tests.fakes.services.base import No, Shown
from tests.fakes.services.openai import FakeAzure, FakeOpenai
from tests.fakes.services.openai_servers import FakeLitellm, FakeNewApi, FakeSglang, FakeVllmOmni

KEY = "1-abcdef0123456789"


@pytest.fixture(autouse=True)
def _no_waits() -> Iterator[None]:
    """Tries follow each other at once."""
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


@asynccontextmanager
async def served(
    kind: type[FakeOpenai], changes: Mapping[str, Any] | None = None
) -> AsyncIterator[tuple[FakeOpenai, OpenaiVideos]]:
    """A server and the provider that speaks to it; what no client may do fails the test."""
    async with kind() as fake:
        provider = open_provider(fake.setup(changes))
        try:
            yield fake, provider
        finally:
            await provider.close()
        assert fake.complaints == []


def order_of(provider: OpenaiVideos, **changes: Any) -> Order:
    name = next(iter(provider.models))
    order = Order(prompt="a lamp", seconds=4, ratio="16:9", resolution="720p", seed=7, style="default", model=name)
    return replace(order, **changes)


async def begun(provider: OpenaiVideos, **changes: Any) -> str:
    return (await provider.submit(await provider.prepare(order_of(provider, **changes), KEY))).task_id


@pytest.mark.parametrize("kind", [FakeOpenai, FakeVllmOmni])
async def test_a_lost_request_is_found_in_the_list(kind: type[FakeOpenai]) -> None:
    """The one of the same words, model and length that is not known and not older."""
    async with served(kind) as (fake, provider):
        assert provider.recovery is Recovery.LOOKUP
        sent_at = datetime.now(UTC)
        known = await begun(provider)
        old = await begun(provider)
        fake.tasks[old].extra["created_at"] -= 20 * 3_600
        await begun(provider, prompt="a boat")
        sent = Sent(key=KEY, order=order_of(provider), at=sent_at, known=frozenset({known}))
        assert await provider.find(sent) is None
        fake.lose_answers = 1
        with pytest.raises(Unconfirmed):
            await begun(provider)
        assert await provider.find(sent) == fake.newest.id
        await begun(provider)
        with pytest.raises(Unconfirmed):
            await provider.find(sent)


async def test_what_is_like_it_but_for_its_length_is_not_taken_for_it() -> None:
    """Nor can anybody swear that it is not: the person decides."""
    async with served(FakeVllmOmni) as (_, provider):
        sent = Sent(key=KEY, order=order_of(provider), at=datetime.now(UTC), known=frozenset())
        await begun(provider, seconds=8)
        with pytest.raises(Unconfirmed):
            await provider.find(sent)


@pytest.mark.parametrize(
    "change",
    [{"created_at": -1_200}, {"prompt": " A LAMP"}, {"prompt": "a la…"}, {"prompt": "a la"}, {"seconds": "5"}],
)
async def test_what_may_be_it_is_never_said_to_be_absent(change: Mapping[str, Any]) -> None:
    """A clock that is wrong, words that were trimmed or cut, a length that was rounded: a second render would be paid."""
    async with served(FakeVllmOmni) as (fake, provider):
        sent = Sent(key=KEY, order=order_of(provider), at=datetime.now(UTC), known=frozenset())
        await begun(provider)
        task = fake.newest
        fake.tasks[task.id] = replace(
            task, body={**task.body, **{k: v for k, v in change.items() if k != "created_at"}}
        )
        fake.newest.extra["created_at"] = int(sent.at.timestamp()) + change.get("created_at", 0)
        with pytest.raises(Unconfirmed):
            await provider.find(sent)


async def test_the_list_is_looked_through_page_by_page() -> None:
    """As far as it is not older than the request, and no further."""
    async with served(FakeVllmOmni) as (fake, provider):
        sent_at = datetime.now(UTC)
        wanted = await begun(provider)
        for number in range(250):
            task = replace(fake.tasks[wanted], id=f"other-{number}", body={**fake.tasks[wanted].body, "prompt": "x"})
            task.extra = {"created_at": int(sent_at.timestamp()) + number // 100}
            fake.tasks[task.id] = task
        sent = Sent(key=KEY, order=order_of(provider), at=sent_at, known=frozenset())
        assert await provider.find(sent) == wanted
        assert fake.seen["GET /v1/videos"] == 3
        for task in fake.tasks.values():
            task.extra["created_at"] -= 20 * 3_600
        assert await provider.find(sent) is None
        assert fake.seen["GET /v1/videos"] == 4


async def test_no_page_is_left_out_where_the_clock_may_have_been_ahead() -> None:
    """Noted when it was ten hours ahead, and looked up when it was right again: the request seems older than it is."""
    async with served(FakeVllmOmni) as (fake, provider):
        wanted = await begun(provider)
        for number in range(150):
            task = replace(fake.tasks[wanted], id=f"other-{number}", body={**fake.tasks[wanted].body, "prompt": "x"})
            task.extra = {"created_at": fake.tasks[wanted].extra["created_at"] - 9 * 3_600}
            fake.tasks[task.id] = task
        fake.tasks[wanted].extra["created_at"] -= 10 * 3_600
        with pytest.raises(Unconfirmed):
            await provider.find(Sent(key=KEY, order=order_of(provider), at=datetime.now(UTC), known=frozenset()))
        assert fake.seen["GET /v1/videos"] == 2


@pytest.mark.parametrize("ahead", [timedelta(hours=2), timedelta(days=2)])
@pytest.mark.parametrize("is_set_back", [False, True])
async def test_a_clock_that_is_ahead_hides_no_request(
    ahead: timedelta, *, is_set_back: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By our clock what was taken is older than the request. The server says what time it is; where that does not help, nothing is
    too old.
    """
    async with served(FakeVllmOmni) as (fake, provider):
        sent = Sent(key=KEY, order=order_of(provider), at=datetime.now(UTC) + ahead, known=frozenset())
        wanted = await begun(provider)
        if is_set_back:
            with pytest.raises(Unconfirmed):
                await provider.find(sent)
        else:
            monkeypatch.setattr(answers, "datetime", datetime_ahead(lambda: ahead))
            assert await provider.find(sent) == wanted
        assert len(fake.tasks) == 1


async def test_a_list_without_prompts_shows_only_that_nothing_was_taken() -> None:
    """SGLang's: what came since then may be it, and the person decides."""
    async with served(FakeSglang) as (_, provider):
        known = await begun(provider)
        sent = Sent(key=KEY, order=order_of(provider), at=datetime.now(UTC), known=frozenset({known}))
        assert await provider.find(sent) is None
        await begun(provider)
        with pytest.raises(Unconfirmed):
            await provider.find(sent)


@pytest.mark.parametrize("kind", [FakeLitellm, FakeNewApi])
def test_a_list_that_does_not_tell_is_not_believed(kind: type[FakeOpenai]) -> None:
    """One upstream's only, or none at all: the person decides."""
    assert open_provider(kind().setup(url="http://127.0.0.1:9")).recovery is Recovery.NONE


async def test_a_list_that_cannot_be_read_decides_nothing() -> None:
    """A 404 of the list is not the absence of a render."""
    async with served(FakeNewApi, {"wire": {"preset": "openai"}}) as (fake, provider):
        with pytest.raises(Unconfirmed):
            await provider.find(Sent(key=KEY, order=order_of(provider), at=datetime.now(UTC), known=frozenset()))
        fake.complaints.clear()  # it has no such route


async def test_a_delete_stops_a_render_only_where_it_does() -> None:
    """At vLLM-Omni; a finished one is left alone. OpenAI deletes what is over only."""
    async with served(FakeVllmOmni) as (fake, provider):
        task_id = await begun(provider)
        assert [await provider.cancel(task_id) for _ in range(2)] == [CancelOutcome.STOPPED] * 2
        assert fake.newest.is_cancelled
        done = await begun(provider)
        fake.put(Shown.DONE)
        assert await provider.cancel(done) is CancelOutcome.MAY_STILL_COST
        assert not fake.newest.is_deleted
        await provider.forget(done)
        assert fake.newest.is_deleted
    async with served(FakeOpenai) as (fake, provider):
        assert await provider.cancel(await begun(provider)) is CancelOutcome.MAY_STILL_COST
        assert not fake.seen["DELETE /v1/videos/{id}"]


async def test_a_clip_that_can_be_gone_on_from_is_kept_there() -> None:
    """Else nothing could be remixed or extended later; where nothing can, it is deleted."""
    async with served(FakeOpenai) as (fake, provider):
        task_id = await begun(provider)
        fake.put(Shown.DONE)
        await provider.forget(task_id)
        assert not fake.newest.is_deleted
    no_works = {"sora-2": {"closed": "", "extend": False, "edit": False, "remix": False}}
    async with served(FakeOpenai, {"models": no_works}) as (fake, provider):
        task_id = await begun(provider)
        fake.put(Shown.DONE)
        await provider.forget(task_id)
        assert fake.newest.is_deleted


async def test_previews_are_had_where_they_are_served(tmp_path: Path) -> None:
    """A thumbnail and a sheet at OpenAI; vLLM-Omni would give the whole video for either."""
    async with served(FakeOpenai) as (fake, provider):
        task_id = await begun(provider)
        fake.put(Shown.DONE)
        await provider.fetch_variant(task_id, "thumbnail", tmp_path / "a.webp")
        assert (tmp_path / "a.webp").read_bytes().endswith(b"thumbnail")
        await provider.fetch_variant(task_id, "spritesheet", tmp_path / "a.webp")
        assert (tmp_path / "a.webp").read_bytes().endswith(b"spritesheet")
        await provider.fetch_variant(task_id, "video", tmp_path / "a.mp4")
        assert (tmp_path / "a.mp4").read_bytes() == fake.clip()
        fake.put(Shown.RENDERING)
        with pytest.raises(Unavailable):
            await provider.fetch_variant(task_id, "thumbnail", tmp_path / "b.webp")
    async with served(FakeVllmOmni) as (_, provider):
        with pytest.raises(BadShot):
            await provider.fetch_variant("x", "thumbnail", tmp_path / "b.webp")


async def test_the_end_of_a_model_is_read_where_it_is_told() -> None:
    """From the list of models; a server without one has none that ends."""
    async with served(FakeOpenai) as (_, provider):
        assert await provider.ending() == {"sora-2": date(2026, 9, 24)}
    async with served(FakeOpenai) as (fake, provider):
        fake.storm = 10
        assert await provider.ending() == {}
    async with served(FakeAzure, FakeAzure.changes) as (_, provider):
        assert await provider.ending() == {}


async def test_a_video_at_a_foreign_host_is_loaded_without_the_key(tmp_path: Path) -> None:
    """`metadata.url` of New API, and `unknown` before it has asked its upstream."""
    async with served(FakeNewApi, {"wire": {"preset": "new-api", "result": ["metadata.url"]}}) as (fake, provider):
        task_id = await begun(provider)
        seen = [await provider.check(task_id) for _ in range(2)]
        assert [type(each) for each in seen] == [Queued, Rendering]
        done = await provider.check(task_id)
        assert isinstance(done, Rendered)
        assert done.where == fake.file_url(fake.newest)
        await provider.fetch(task_id, done.where, tmp_path / "clip.mp4")
        assert (tmp_path / "clip.mp4").read_bytes() == fake.clip()


@pytest.mark.parametrize(("no", "cause"), [(No.RETIRED, ModelRetired), (No.CREDIT, OutOfCredit)])
async def test_a_refusal_is_known_by_its_code_whatever_its_status(no: No, cause: type[ProviderError]) -> None:
    """503 for a model at New API, 429 for an empty account at OpenAI: neither is a lost answer or a busy server."""
    async with served(FakeNewApi if no is No.RETIRED else FakeOpenai) as (fake, provider):
        fake.next_no = [no]
        with pytest.raises(cause):
            await begun(provider)


@pytest.mark.parametrize("kind", [FakeOpenai, FakeLitellm, FakeNewApi])
async def test_done_without_a_video_is_looked_at_some_times_and_then_told(kind: type[FakeOpenai]) -> None:
    """The answer is the same as with one, so that only the video's own address knows; what passes is waited for."""
    async with served(kind) as (fake, provider):
        task_id = await begun(provider)
        fake.put(Shown.NO_VIDEO)
        with pytest.raises(Refused) as raised:
            await provider.check(task_id)
        assert raised.value.billed is Billed.UNKNOWN
        assert fake.seen["GET /v1/videos/{id}/content"] == 2
        fake.put(Shown.DONE)
        assert [type(await provider.check(task_id)) for _ in range(2)] == [Rendered] * 2
        assert fake.seen["GET /v1/videos/{id}/content"] == 3


async def test_a_server_that_gives_no_parts_is_believed(tmp_path: Path) -> None:
    """It would give all of the video at the look: the download decides."""

    class Whole(FakeLitellm):
        ranges = False

    async with served(Whole) as (fake, provider):
        fake._clip = bytes(300_000)
        task_id = await begun(provider)
        fake.put(Shown.DONE)
        assert isinstance(await provider.check(task_id), Rendered)


async def test_azure_is_asked_with_its_own_header_path_and_query(tmp_path: Path) -> None:
    """In every request, the download too."""
    async with served(FakeAzure, FakeAzure.changes) as (fake, provider):
        task_id = await begun(provider)
        fake.put(Shown.DONE)
        done = await provider.check(task_id)
        assert isinstance(done, Rendered)
        await provider.fetch(task_id, done.where, tmp_path / "clip.mp4")
        again = await begun(provider, source=Source(work=Work.REMIX, video=tmp_path, seconds=4, task_id=task_id))
        assert fake.tasks[again].body == {"prompt": "a lamp", "from": task_id}


async def test_an_own_server_that_failed_charged_nothing() -> None:
    """And costs nothing, by its table."""
    async with served(FakeVllmOmni) as (fake, provider):
        assert str(await provider.quote(order_of(provider))) == "free"
        task_id = await begun(provider)
        for status in (500, 503, 422):
            fake.put(Shown.FAILED).extra["status"] = status
            with pytest.raises(RenderFailed) as raised:
                await provider.check(task_id)
            assert raised.value.billed is Billed.NO


async def test_a_work_on_a_clip_that_is_gone_says_so(tmp_path: Path) -> None:
    """It is not the model that is missing; a clip of ours is sent where the server takes one."""
    (tmp_path / "clip.mp4").write_bytes(b"a clip")
    async with served(FakeOpenai) as (fake, provider):
        source = Source(work=Work.EXTEND, video=tmp_path / "clip.mp4", seconds=4, task_id="of-last-year")
        with pytest.raises(Refused, match="has the clip no longer"):
            await begun(provider, source=source)
        await begun(provider, source=replace(source, task_id=None))
        assert fake.newest.body["video"] == [{"file": "clip.mp4", "type": "video/mp4", "bytes": 6}]
        with pytest.raises(Refused):
            await begun(provider, source=replace(source, task_id=None, work=Work.REMIX))
        assert fake.creates == 1
