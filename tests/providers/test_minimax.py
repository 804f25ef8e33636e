"""MiniMax: failures by their codes, old and new; what a request may hold; cancel from the queue; a list that proves absence."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from PIL import Image

from engine.errors import (
    AuthFailed,
    BadShot,
    Lost,
    Misunderstood,
    ModelRetired,
    OutOfCredit,
    ProviderError,
    RateLimited,
    Refused,
    RenderFailed,
    Unavailable,
    Unconfirmed,
)
from engine.providers.answers import CLOCK_OFF_S, Answer
from engine.providers.base import CancelOutcome, Order, Sent
from engine.providers.catalog import read_catalog
from engine.providers.minimax import MinimaxProvider, open_provider
from engine.providers.minimax.answers import could_be, fault_of, read_list, read_progress, read_taken, since_of
from tests.fakes.services.base import FakeTask, Shown
from tests.fakes.services.minimax import FakeMinimax

CATALOG = read_catalog("minimax")


@pytest.fixture
async def fake() -> AsyncIterator[FakeMinimax]:
    """The service; what no client may do fails the test."""
    async with FakeMinimax() as started:
        yield started
        assert started.complaints == []


@pytest.fixture
async def provider(fake: FakeMinimax) -> AsyncIterator[MinimaxProvider]:
    """The provider, speaking to the fake."""
    made = open_provider(fake.setup())
    yield made
    await made.close()


def order_of(model: str = "MiniMax-H3", **changes: Any) -> Order:
    """A render with the defaults of a model."""
    can = CATALOG.models[model].abilities
    order = Order(
        prompt="a lamp", seconds=can.default_seconds, ratio=can.ratios[0], resolution=can.resolutions[0],
        seed=7, style="default", model=model,
    )  # fmt: skip
    return replace(order, **changes)


def picture(path: Path, *, size: tuple[int, int] = (640, 360)) -> Path:
    """A PNG of one colour."""
    Image.new("RGB", size, "navy").save(path)
    return path


def answer(status: int, body: Any) -> Answer:
    return Answer(status, {}, json.dumps(body).encode(), "MiniMax")


def error(status: int, words: str) -> Answer:
    return answer(status, {"type": "error", "error": {"type": "x", "message": words, "http_code": str(status)}})


def legacy(code: int, words: str = "no") -> Answer:
    return answer(200, {"base_resp": {"status_code": code, "status_msg": words}})


# --- requests ---


@pytest.mark.parametrize("model", CATALOG.models)
async def test_a_row_says_what_the_service_takes(
    provider: MinimaxProvider, fake: FakeMinimax, tmp_path: Path, model: str
) -> None:
    """Every length and size, from words, from a first, a last, both frames, and by references."""
    can = CATALOG.models[model].abilities
    frame = picture(tmp_path / "frame.png")
    kinds: list[dict[str, Any]] = [
        {}, {"first_frame": frame}, {"last_frame": frame}, {"first_frame": frame, "last_frame": frame},
        {"references": (frame,) * can.references},
    ]  # fmt: skip
    for kind in kinds:
        for resolution in can.resolutions:
            for seconds in (can.min_seconds, can.max_seconds):
                order = order_of(model, resolution=resolution, seconds=seconds, ratio=can.ratios[-1], **kind)
                await provider.submit(await provider.prepare(order, "key"))
    assert fake.creates == len(kinds) * 2 * len(can.resolutions)


async def test_a_frame_says_the_ratio_itself(provider: MinimaxProvider, fake: FakeMinimax, tmp_path: Path) -> None:
    """MiniMax would ignore another one; words and references have one of ours."""
    frame = picture(tmp_path / "frame.png")
    for kind, ratio in (({}, "9:16"), ({"first_frame": frame}, None), ({"references": (frame,)}, "9:16")):
        await provider.submit(await provider.prepare(order_of(ratio="9:16", **kind), "key"))
        assert fake.newest.body.get("ratio") == ratio
    assert [item.get("role") for item in fake.newest.body["content"]] == [None, "reference_image"]


async def test_pictures_share_what_a_request_may_hold(
    fake: FakeMinimax, provider: MinimaxProvider, tmp_path: Path
) -> None:
    """Two frames as they are; where they would be too much together, both are smaller, and that is said."""
    path = tmp_path / "noise.png"
    Image.fromarray(np.random.default_rng(7).integers(0, 256, (360, 640, 3), np.uint8)).save(path, compress_level=1)
    order = order_of(first_frame=path, last_frame=path)
    whole = await provider.prepare(order, "key")
    assert whole.notes == ()
    tight = open_provider(fake.setup({"wire": {"pictures_most_bytes": path.stat().st_size}}))
    shared = await tight.prepare(order, "key")
    assert len(json.dumps(shared.request.json)) < len(json.dumps(whole.request.json)) / 2
    assert shared.notes
    await tight.close()


# --- failures ---

CREATES: list[tuple[Answer, type[ProviderError], str]] = [
    (error(400, "invalid params, duration must be between 5 and 15 (2013)"), BadShot, "no"),
    (error(400, "invalid params, MiniMax-H3-Max: this model has no resolution 2K (2013)"), BadShot, "no"),
    (error(400, "invalid params, unknown model (2013)"), ModelRetired, "no"),
    (error(401, "login fail: Please carry the API secret key (1004)"), AuthFailed, "no"),
    (error(401, "invalid api key (2049)"), AuthFailed, "no"),
    (error(402, "insufficient balance (1008)"), OutOfCredit, "no"),
    (error(422, "video description contains sensitive content (1026)"), Refused, "no"),
    (error(422, "output contains sensitive content (1027)"), Refused, "no"),
    (error(422, "no code"), BadShot, "no"),
    (error(429, "rate limit, please retry later (1002)"), RateLimited, "no"),
    (error(404, "page not found"), ModelRetired, "no"),
    (legacy(1000), Unconfirmed, "unknown"), (legacy(1001), Unconfirmed, "unknown"),
    (legacy(1002), RateLimited, "no"), (legacy(1004), AuthFailed, "no"), (legacy(1008), OutOfCredit, "no"),
    (legacy(1024), Unconfirmed, "unknown"), (legacy(1026), Refused, "no"), (legacy(1027), Refused, "no"),
    (legacy(1033), Unconfirmed, "unknown"), (legacy(1039), RateLimited, "no"), (legacy(1041), RateLimited, "no"),
    (legacy(2013, "invalid params"), BadShot, "no"), (legacy(2045), RateLimited, "no"), (legacy(2049), AuthFailed, "no"),
    (legacy(2056), OutOfCredit, "no"), (legacy(9999), Misunderstood, "unknown"),
    (answer(200, {"task_id": ""}), Misunderstood, "unknown"), (answer(200, {"task_id": "a b"}), Misunderstood, "unknown"),
    (error(400, "invalid params, this model does not support 2K (2013)"), BadShot, "no"),
    (answer(200, ["a list"]), Misunderstood, "unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "expected", "billed"), CREATES)
def test_a_no_has_its_cause(said: Answer, expected: type[ProviderError], billed: str) -> None:
    """By the code at the end of the words, and by the older API's."""
    with pytest.raises(expected) as raised:
        read_taken(said)
    assert (type(raised.value), raised.value.billed) == (expected, billed)
    assert "(1" not in str(raised.value)


def task(status: str, **more: Any) -> Answer:
    return answer(200, {"task": {"id": "1", "status": status, **more}})


def failed(code: str) -> Answer:
    return task("failed", error={"code": code, "message": "no"})


CHECKS: list[tuple[Answer, type[ProviderError], str]] = [
    (failed("1026"), Refused, "unknown"), (failed("1027"), Refused, "unknown"), (failed("2013"), BadShot, "unknown"),
    (failed("²"), RenderFailed, "unknown"), (failed("9" * 5000), RenderFailed, "unknown"),
    (failed("1000"), RenderFailed, "unknown"), (failed("1008"), OutOfCredit, "unknown"), (failed(""), RenderFailed, "unknown"),
    (task("failed"), RenderFailed, "unknown"), (task("cancelled"), RenderFailed, "no"), (task("expired"), Lost, "unknown"),
    (task("succeeded"), Refused, "unknown"), (task("succeeded", content={"url": ""}), Refused, "unknown"),
    (task("succeeded", content={"url": "file:///etc/passwd"}), Refused, "unknown"),
    (task("Success"), Misunderstood, "unknown"), (task(""), Misunderstood, "unknown"),
    (answer(200, {"id": "1"}), Misunderstood, "unknown"),
    (error(400, "invalid params, invalid task_id (2013)"), Lost, "unknown"), (error(404, "not found"), Lost, "unknown"),
    (error(401, "login fail (1004)"), AuthFailed, "no"), (legacy(1000), Unavailable, "no"), (legacy(1002), RateLimited, "no"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "expected", "billed"), CHECKS)
def test_a_render_that_comes_to_nothing_has_its_cause(said: Answer, expected: type[ProviderError], billed: str) -> None:
    """What is not documented to be free is not said to be."""
    with pytest.raises(expected) as raised:
        read_progress(said)
    assert (type(raised.value), raised.value.billed) == (expected, billed)


def test_a_wait_is_as_long_as_they_say() -> None:
    """Their header, else our own."""
    said = Answer(429, {"retry-after": "7"}, b'{"error": {"message": "rate limit (1002)"}}', "MiniMax")
    fault = fault_of(said, is_create=False)
    assert isinstance(fault, RateLimited)
    assert fault.retry_after_s == 7


# --- cancel and forget ---


@pytest.mark.parametrize(
    ("shown", "outcome", "deletes"),
    [
        (None, CancelOutcome.STOPPED, 1),
        (Shown.CANCELLED, CancelOutcome.STOPPED, 0),
        (Shown.FAILED, CancelOutcome.MAY_STILL_COST, 0),  # whether that is charged is not documented
        (Shown.RENDERING, CancelOutcome.MAY_STILL_COST, 0),
        (Shown.DONE, CancelOutcome.MAY_STILL_COST, 0),
        (Shown.GONE, CancelOutcome.MAY_STILL_COST, 0),
    ],
)
async def test_only_what_waits_is_taken_back(
    provider: MinimaxProvider, fake: FakeMinimax, shown: Shown | None, outcome: CancelOutcome, deletes: int
) -> None:
    """The same request deletes what is done: a paid clip is not lost by a late cancel."""
    task_id = (await provider.submit(await provider.prepare(order_of(), "key"))).task_id
    fake.put(shown)
    assert await provider.cancel(task_id) is outcome
    assert fake.seen["DELETE /v2/video_generation/{id}"] == deletes
    assert not fake.newest.is_deleted


class Meanwhile(FakeMinimax):
    """What waited when it was looked at begins right then."""

    def shown(self, task: FakeTask, stage: Shown) -> web.Response:
        said = super().shown(task, stage)
        task.shown = Shown.RENDERING
        return said


async def test_what_begins_between_two_looks_is_not_said_to_have_stopped() -> None:
    """It waited when we looked, and ran when we cancelled."""
    async with Meanwhile() as fake:
        provider = open_provider(fake.setup())
        task_id = (await provider.submit(await provider.prepare(order_of(), "key"))).task_id
        assert await provider.cancel(task_id) is CancelOutcome.MAY_STILL_COST
        assert fake.seen["DELETE /v2/video_generation/{id}"] == 1
        await provider.close()


async def test_the_record_of_a_saved_clip_goes(provider: MinimaxProvider, fake: FakeMinimax) -> None:
    """Twice in peace; what runs is left alone."""
    task_id = (await provider.submit(await provider.prepare(order_of(), "key"))).task_id
    fake.put(Shown.RENDERING)
    await provider.forget(task_id)
    assert not fake.newest.is_deleted
    fake.put(Shown.DONE)
    await provider.forget(task_id)
    await provider.forget(task_id)
    assert fake.newest.is_deleted
    with pytest.raises(Lost):
        await provider.check(task_id)


# --- lost requests ---


def sent(**changes: Any) -> Sent:
    return replace(Sent(key="key", order=order_of(), at=datetime.now(UTC), known=frozenset()), **changes)


async def test_what_is_not_listed_was_not_taken(provider: MinimaxProvider, fake: FakeMinimax) -> None:
    """Through all pages; other jobs' tasks, much older ones and other models are none."""
    assert await provider.find(sent()) is None
    fake.page_most = 2
    for order in (order_of(seconds=6), order_of("MiniMax-H3-Max"), *[order_of()] * 5):
        await provider.submit(await provider.prepare(order, "key"))
    known = frozenset(fake.tasks)
    assert await provider.find(sent(known=known)) is None
    assert fake.seen["GET /v2/query/video_generation"] == 1 + 3
    for task in fake.tasks.values():
        task.extra["created_at"] = int(datetime.now(UTC).timestamp()) - 20 * 3_600
    assert await provider.find(sent()) is None


async def test_what_is_only_unlike_is_not_proved_absent(provider: MinimaxProvider, fake: FakeMinimax) -> None:
    """Another length, or a request that was noted when our clock was far ahead: a wrong no would be paid for twice."""
    await provider.submit(await provider.prepare(order_of(seconds=6), "key"))
    for lost in (sent(order=order_of(seconds=9)), sent(at=datetime.now(UTC) + timedelta(days=2))):
        with pytest.raises(Unconfirmed):
            await provider.find(lost)


@pytest.mark.parametrize(
    ("date", "behind_s"),
    [
        ("Sat, 21 Nov 2026 10:00:00 GMT", 7_200), ("Sat, 21 Nov 2026 13:00:00 GMT", 0),
        ("Sat, 21 Nov 2026 10:00:00 -0000", 7_200),
    ],
)  # fmt: skip
def test_their_clock_is_read_where_it_is_behind_ours(date: str, behind_s: float) -> None:
    """On top of the hours that a task may seem too old in any case."""
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    since = since_of(Answer(200, {"date": date}, b""), sent(at=now), now)
    assert now.timestamp() - since == CLOCK_OFF_S + behind_s


@pytest.mark.parametrize(
    ("date", "noted_s"),
    [("", 0), ("x", 0), ("Sat, 21 Nov 2026 12:00:00 GMT", 1)],
)
def test_where_no_clock_tells_nothing_is_too_old(date: str, noted_s: float) -> None:
    """They do not say what time it is, or the request was noted in what is the future by now."""
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    lost = sent(at=now + timedelta(seconds=noted_s))
    assert since_of(Answer(200, {"date": date}, b""), lost, now) == 0


def test_a_row_without_a_usable_id_or_time_is_possible() -> None:
    """Nothing speaks against it."""
    rows: list[dict[str, Any]] = [
        {"id": []}, {"id": "1", "created_at": 0}, {"id": "1", "created_at": "x"}, {"created_at": True}
    ]  # fmt: skip
    for row in rows:
        assert could_be(row, sent(), 1e9)
    assert not could_be({"id": "1", "created_at": 5}, sent(), 1e9)
    assert not could_be({"id": "1"}, sent(known=frozenset({"1"})), 1e9)


async def test_what_is_listed_may_be_somebody_elses(provider: MinimaxProvider, fake: FakeMinimax) -> None:
    """A row does not say its prompt: the person decides, and a clip of other words is never delivered."""
    fake.lose_answers = 1
    with pytest.raises(Unconfirmed):
        await provider.submit(await provider.prepare(order_of(), "key"))
    with pytest.raises(Unconfirmed):
        await provider.find(sent())
    fake.put(Shown.DONE)
    with pytest.raises(Unconfirmed):
        await provider.find(sent())


async def test_a_list_that_ends_too_early_proves_nothing(provider: MinimaxProvider, fake: FakeMinimax) -> None:
    """More are said to be there than are shown."""
    await provider.submit(await provider.prepare(order_of(seconds=9), "key"))
    fake.page_most = 0
    with pytest.raises(Misunderstood):
        await provider.find(sent())
    with pytest.raises(Misunderstood):
        read_list(answer(200, {"items": []}))
