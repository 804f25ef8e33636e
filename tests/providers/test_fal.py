"""fal: every model by data, failures by their documented words, money told, lost requests found, hints believed only if signed.

The file is long as every documented failure is a row of it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import fal_client
import httpx
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fal_client import client as fal_client_module
from jsonschema import Draft202012Validator
from PIL import Image

from engine.abilities import Price, Quote
from engine.errors import (
    AuthFailed,
    BadShot,
    Lost,
    Misunderstood,
    ModelRetired,
    OutOfCredit,
    ProviderError,
    Refused,
    RenderFailed,
    Unavailable,
    Unconfirmed,
)
from engine.providers.answers import Answer
from engine.providers.base import CancelOutcome, Hook, Hooked, Order, Queued, Rendered, Sent
from engine.providers.catalog import CatalogError, Setup, read_catalog
from engine.providers.fal import FalProvider, open_provider
from engine.providers.fal import hooks as hooks_module
from engine.providers.fal import provider as provider_module
from engine.providers.fal.answers import (
    Finished,
    fault_of_create,
    fault_of_result,
    is_result,
    read_result,
    read_status,
    read_taken,
)
from engine.providers.fal.prices import UnitPrice, quote_by
from engine.providers.fal.requests import wordings_of
from tests.fakes.services.base import Shown
from tests.fakes.services.fal import FakeFal
from tests.specs import needed_spec

CATALOG = read_catalog("fal")
TASK = "minimax/h3-max/requests/764cabcf-b745-4b3e-ae38-000000000001"


@pytest.fixture
async def fake() -> AsyncIterator[FakeFal]:
    """The service; what no client may do fails the test."""
    async with FakeFal() as started:
        yield started
        assert started.complaints == []


@pytest.fixture
async def provider(fake: FakeFal) -> AsyncIterator[FalProvider]:
    """The provider, speaking to the fake."""
    made = open_provider(fake.setup())
    yield made
    await made.close()


def picture(path: Path, *, size: tuple[int, int] = (640, 360), noise: bool = False) -> Path:
    """A PNG; of noise it is as large as its pixels."""
    pixels = np.random.default_rng(7).integers(0, 256, (size[1], size[0], 3), np.uint8) if noise else None
    image = Image.fromarray(pixels) if pixels is not None else Image.new("RGB", size, "navy")
    image.save(path, compress_level=1)
    return path


def order_of(model: str = "h3-max", **changes: Any) -> Order:
    """A render with the defaults of a model."""
    can = CATALOG.models[model].abilities
    order = Order(
        prompt="a lamp", seconds=can.default_seconds, ratio=can.ratios[0], resolution=can.resolutions[0],
        seed=7, style="default", model=model,
    )  # fmt: skip
    return replace(order, **changes)


def shots_of(model: str, frame: Path) -> list[Order]:
    """Every kind of shot that the catalog says of a model, at its limits."""
    can = CATALOG.models[model].abilities
    orders = [
        order_of(model, seconds=seconds, resolution=resolution, ratio=can.ratios[-1], is_silent=can.audio_choice,
                 negative="fog" if can.negative else "")
        for seconds in (can.min_seconds, can.max_seconds)
        for resolution in can.resolutions
    ]  # fmt: skip
    kinds: list[Mapping[str, Any]] = [
        *([{}] if can.text else []),
        *([{"first_frame": frame}] if can.first_frame else []),
        *([{"first_frame": frame, "last_frame": frame}] if can.last_frame else []),
        *([{"references": (frame, frame)}] if can.references else []),
    ]
    return [replace(order, **kind) for order in orders for kind in kinds]


@pytest.mark.parametrize("model", CATALOG.models)
async def test_a_row_says_what_the_endpoints_take(
    provider: FalProvider, fake: FakeFal, tmp_path: Path, model: str
) -> None:
    """Every kind of shot of every model, at its limits, against the inputs that the models' pages have."""
    frame = picture(tmp_path / "frame.png")
    orders = shots_of(model, frame)
    for order in orders:
        await provider.submit(await provider.prepare(order, "key"))
    assert fake.creates == len(orders) >= 2
    assert fake.complaints == []


async def test_a_model_is_added_without_code(fake: FakeFal) -> None:
    """A table of nextshot.toml is enough."""
    row = {
        "as_of": "2026-11-21", "source": "https://fal.ai/models", "seconds": [5, 10], "default_seconds": 5,
        "ratios": ["16:9"], "resolutions": ["720p"],
        "wire": {"duration_form": "int", "text": {"endpoint": "fal-ai/pika/v2.2/text-to-video", "ratio": True}},
    }  # fmt: skip
    setup = fake.setup({"models": {"mine": row}})
    provider = open_provider(setup)
    order = order_of(model="pika-2.2")
    await provider.submit(await provider.prepare(replace(order, model="mine"), "key"))
    assert fake.newest.body == {"prompt": "a lamp", "duration": 5, "resolution": "720p", "aspect_ratio": "16:9"}
    with pytest.raises(BadShot):
        await provider.prepare(replace(order, model="mine", first_frame=Path("frame.png")), "key")
    await provider.close()


def test_a_row_that_cannot_be_used_is_named() -> None:
    """Not found out by a request that fal refuses."""
    catalog = read_catalog("fal", {"models": {"wan-3": {"wire": {"duration_from": "int"}}}})
    with pytest.raises(CatalogError, match=r"models\.wan-3\.wire\] .*duration_from"):
        wordings_of(catalog, "fal")


# --- failures ---


def answer(status: int, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, headers or {}, json.dumps(body or {}).encode(), "fal")


def model_error(kind: str, where: str = "prompt") -> Any:
    return {"detail": [{"loc": ["body", where], "msg": "no", "type": kind, "url": "https://docs.fal.ai"}]}


PLATFORM = [
    ("request_timeout", 504), ("startup_timeout", 504), ("runner_scheduling_failure", 503),
    ("runner_connection_timeout", 503), ("runner_disconnected", 503), ("runner_connection_refused", 503),
    ("runner_connection_error", 503), ("runner_incomplete_response", 502), ("runner_server_error", 500), ("internal_error", 500),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "status"), PLATFORM)
@pytest.mark.parametrize("where", ["status", "header", "body"])
def test_the_platform_broke_and_charges_nothing(kind: str, status: int, where: str) -> None:
    """fal: server errors are never charged. The word is in the status, in a header or in the body."""
    said = Finished("it broke", kind) if where == "status" else Finished("it broke")
    body = {"detail": "it broke", **({"error_type": kind} if where == "body" else {})}
    headers = {"x-fal-error-type": kind} if where == "header" else {}
    with pytest.raises(RenderFailed) as raised:
        read_result(answer(status, body, headers), said)
    assert raised.value.billed == "no"
    assert "charge" not in str(raised.value)  # that is told beside it


RESULTS: list[tuple[int, Any, Finished, type[ProviderError], str]] = [
    (422, model_error("content_policy_violation"), Finished(), Refused, "unknown"),
    (
        422,
        model_error("content_policy_violation", "image_url"),
        Finished("Invalid status code: 422"),
        Refused,
        "unknown",
    ),
    (422, model_error("no_media_generated"), Finished(), Refused, "unknown"),
    (422, model_error("image_too_small", "image_url"), Finished(), BadShot, "unknown"),
    (422, model_error("image_too_large", "image_url"), Finished(), BadShot, "unknown"),
    (422, model_error("image_load_error", "image_url"), Finished(), BadShot, "unknown"),
    (422, model_error("file_download_error", "image_url"), Finished(), BadShot, "unknown"),
    (422, model_error("file_too_large", "image_url"), Finished(), BadShot, "unknown"),
    (422, model_error("face_detection_error", "image_url"), Finished(), BadShot, "unknown"),
    (422, model_error("unsupported_image_format", "image_url"), Finished(), BadShot, "unknown"),
    (422, model_error("feature_not_supported"), Finished(), BadShot, "unknown"),
    (422, model_error("sequence_too_long"), Finished(), BadShot, "unknown"),
    (422, model_error("greater_than_equal", "duration"), Finished(), BadShot, "unknown"),
    (422, model_error("one_of", "resolution"), Finished(), BadShot, "unknown"),
    (500, model_error("internal_server_error"), Finished(), RenderFailed, "no"),
    (504, model_error("generation_timeout"), Finished(), RenderFailed, "no"),
    (400, model_error("downstream_service_error"), Finished(), RenderFailed, "unknown"),
    (500, model_error("downstream_service_unavailable"), Finished(), RenderFailed, "no"),
    (400, {"detail": "bad"}, Finished("bad", "bad_request"), BadShot, "unknown"),
    (499, {"detail": "gone"}, Finished("cancelled", "client_cancelled"), RenderFailed, "unknown"),
    (499, {"detail": "gone"}, Finished("gone", "client_disconnected"), RenderFailed, "unknown"),
    (200, {"video": {"url": "https://v3.fal.media/x.mp4"}}, Finished("it broke"), RenderFailed, "unknown"),
    (200, {"video": None}, Finished(), Refused, "unknown"),
    (200, {"video": {"url": "file:///etc/passwd"}}, Finished(), Refused, "unknown"),
    (200, {"images": []}, Finished(), Refused, "unknown"),
    (404, {"detail": "Request not found"}, Finished(), Lost, "unknown"),
    (401, {"detail": "No key"}, Finished(), AuthFailed, "no"),
]


@pytest.mark.parametrize(("status", "body", "said", "error", "billed"), RESULTS)
def test_a_result_without_a_video_has_its_cause(
    status: int, body: Any, said: Finished, error: type[ProviderError], billed: str
) -> None:
    """COMPLETED with an error is a failure, also where a video lies beside it; and a video is never guessed."""
    with pytest.raises(error) as raised:
        read_result(answer(status, body), said)
    assert type(raised.value) is error
    assert raised.value.billed == billed


def test_a_status_with_an_error_type_alone_is_a_failure() -> None:
    """The words may be missing."""
    said = read_status(answer(200, {"status": "COMPLETED", "error": None, "error_type": "runner_disconnected"}))
    assert said == Finished("runner_disconnected", "runner_disconnected")
    assert isinstance(fault_of_result(answer(200, {"video": {"url": "https://a/b"}}), said), RenderFailed)


CREATES: list[tuple[int, Any, type[ProviderError]]] = [
    (401, {"detail": "Cannot access application. Authentication is required."}, AuthFailed),
    (403, {"detail": "User is locked. Reason: Exhausted balance."}, OutOfCredit),
    (403, {"detail": "The key has no scope for this."}, AuthFailed),
    (402, {"detail": "Payment required"}, OutOfCredit),
    (404, {"detail": "Application 'x' not found"}, ModelRetired),
    (400, {"detail": "bad", "error_type": "bad_request"}, BadShot),
    (422, model_error("content_policy_violation"), Refused),
    (422, model_error("literal_error", "duration"), BadShot),
]


@pytest.mark.parametrize(("status", "body", "error"), CREATES)
def test_what_was_not_taken_costs_nothing(status: int, body: Any, error: type[ProviderError]) -> None:
    """By class, and never billed."""
    fault = fault_of_create(answer(status, body))
    assert (type(fault), fault.billed) == (error, "no")


@pytest.mark.parametrize(
    ("position", "counted"), [(0, Queued(1)), (4, Queued(5)), (None, Queued(None)), ("soon", Queued(None))]
)
def test_a_place_in_the_queue_counts_from_one(position: object, counted: Queued) -> None:
    """fal counts from nought."""
    assert read_status(answer(202, {"status": "IN_QUEUE", "queue_position": position})) == counted


async def test_a_storm_over_a_finished_render_is_no_failure(provider: FalProvider, fake: FakeFal) -> None:
    """A gateway's 503 is asked again, a model's own 500 is not."""
    task_id = (await provider.submit(await provider.prepare(order_of(), "key"))).task_id
    fake.put(Shown.DONE)
    fake.storm = 1
    assert isinstance(await provider.check(task_id), Rendered)
    fake.put(Shown.FAILED)
    before = sum(fake.seen.values())
    with pytest.raises(RenderFailed):
        await provider.check(task_id)
    assert sum(fake.seen.values()) - before == 2


@pytest.mark.parametrize(
    ("said", "is_said"),
    [
        (Answer(503, {}, b"<html>nginx</html>"), False),
        (Answer(503, {}, b'{"message": "no upstream"}'), False),
        (answer(503, {"detail": "gone", "error_type": "runner_disconnected"}), True),
        (answer(504, {}, {"x-fal-error-type": "request_timeout"}), True),
        (answer(500, {}, {"x-fal-retryable": "false"}), True),
        (answer(429, {"detail": "Too many requests"}), False),
        (answer(408, {"detail": "Too slow"}), False),
    ],
)
def test_a_bad_status_is_a_result_only_if_the_render_says_so(said: Answer, is_said: bool) -> None:
    """A gateway's is asked again, a wish to be left alone is heeded."""
    assert is_result(said) is is_said


# --- addresses and headers ---


@pytest.mark.parametrize(
    "status_url",
    [
        "https://elsewhere.example/minimax/h3-max/requests/one/status",
        "http://queue.fal.run/minimax/h3-max/requests/one/status",
        "https://queue.fal.run:444/minimax/h3-max/requests/one/status",
        "https://queue.fal.run@elsewhere.example/minimax/h3-max/requests/one/status",
        "https://queue.fal.run/minimax/h3-max/requests/another/status",
        "https://queue.fal.run/../requests/one/status",
        "https://queue.fal.run/storage/one",
        "//elsewhere.example/a/b/requests/one",
        7,
    ],
)
def test_a_foreign_address_is_not_followed(status_url: object) -> None:
    """Nor one of another form: it was taken, and the operator is told."""
    taken = answer(200, {"request_id": "one", "status_url": status_url})
    with pytest.raises(Misunderstood) as raised:
        read_taken(taken, "https://queue.fal.run", "minimax/h3-max")
    assert raised.value.billed == "unknown"


@pytest.mark.parametrize(
    ("queue_url", "status_url", "task_id"),
    [
        ("https://queue.fal.run", "https://queue.fal.run/fal-ai/veo3.1/requests/one/status", "fal-ai/veo3.1/requests/one"),
        ("https://queue.fal.run", "https://queue.fal.run/comfy/me/a/requests/one/status", "comfy/me/a/requests/one"),
        ("https://relay.example/fal", "https://relay.example/fal/a/b/requests/one/status", "a/b/requests/one"),
        ("https://queue.fal.run", None, "minimax/h3-max/requests/one"),
    ],
)  # fmt: skip
def test_a_task_id_is_what_its_addresses_are_made_of(queue_url: str, status_url: str | None, task_id: str) -> None:
    """Without the endpoint's own path, which fal leaves out too."""
    assert (
        read_taken(answer(200, {"request_id": "one", "status_url": status_url}), queue_url, "minimax/h3-max") == task_id
    )


async def test_the_key_goes_nowhere_else(fake: FakeFal) -> None:
    """The service names another host for the status: nothing is asked there, and the request was one."""
    fake.returned_host = "https://elsewhere.example"
    provider = open_provider(fake.setup())
    with pytest.raises(Misunderstood):
        await provider.submit(await provider.prepare(order_of(), "key"))
    assert fake.creates == 1
    await provider.close()


async def test_the_paid_request_says_how_long_things_are_kept(fake: FakeFal) -> None:
    """Results live for days, stored by fal; what has not begun in time does not begin; a hint is asked for where one can come."""
    setup = fake.setup()
    setup = Setup(
        name="fal", catalog=setup.catalog, settings=setup.settings, callback_url="https://bot.example/hooks/fal?a=b"
    )
    provider = open_provider(setup)
    assert isinstance(provider, Hooked)
    task_id = (await provider.submit(await provider.prepare(order_of(), "key"))).task_id
    how = fake.requests[task_id.rpartition("/")[2]]
    assert how["query"] == {"fal_webhook": "https://bot.example/hooks/fal?a=b"}
    assert json.loads(how["headers"]["x-fal-object-lifecycle-preference"]) == {"expiration_duration_seconds": 604_800}
    assert how["headers"]["x-fal-request-timeout"] == "3600"
    assert not {"x-fal-store-io", "x-fal-no-retry"} & set(how["headers"])
    await provider.close()


async def test_large_pictures_are_uploaded_small_ones_are_inside(
    provider: FalProvider, fake: FakeFal, tmp_path: Path
) -> None:
    """Without the key to the storage; repeatable; byte for byte."""
    small = picture(tmp_path / "small.png")
    large = picture(tmp_path / "large.png", size=(1280, 720), noise=True)
    await provider.submit(await provider.prepare(order_of(first_frame=small, last_frame=small), "key"))
    assert fake.newest.body["image_url"].startswith("data:image/png;base64,")
    assert fake.stored == {}
    fake.storm = 1
    await provider.submit(await provider.prepare(order_of(first_frame=large, last_frame=small), "key"))
    names = [fake.newest.body[name].rpartition("/")[2] for name in ("image_url", "end_image_url")]
    assert [fake.stored[name] for name in names] == [large.read_bytes(), small.read_bytes()]


# --- money ---

PRICE = Price(usd_per_second={"480p": Decimal("0.05"), "768p": Decimal("0.08"), "1080p": Decimal("0.16")})


@pytest.mark.parametrize(
    ("unit_price", "unit", "price", "price_at", "usd"),
    [
        ("0.08", "seconds", PRICE, "", "0.40"),  # the catalog is right
        ("0.05", "second", PRICE, "", "0.40"),  # told for another resolution
        ("0.10", "seconds", PRICE, "", "0.50"),  # a fourth dearer
        ("0.10", "seconds", PRICE, "480p", "0.80"),  # twice as dear, as the row says what it is told for
        ("0.90", "seconds", PRICE, "", "0.40"),  # far from all: some other unit
        ("0.0214", "1000 tokens", PRICE, "", "0.40"),
        ("0.0005", "compute seconds", PRICE, "", "0.40"),
        ("0", "seconds", PRICE, "", "0.40"),
        ("0.20", "seconds", None, "", "1.00"),
        ("0.20", "video", None, "", "0.20"),
        ("0.20", "images", None, "", None),
    ],
)
def test_a_price_is_the_catalogs_at_todays_level(
    unit_price: str, unit: str, price: Price | None, price_at: str, usd: str | None
) -> None:
    """fal tells one price for an endpoint; how resolutions stand to each other is the catalog's. Five seconds of 768p."""
    listed = Quote(Decimal("0.40") if price else None)
    quote = quote_by(listed, price, UnitPrice(Decimal(unit_price), unit), 5, price_at)
    assert quote.usd == (Decimal(usd) if usd else None)


async def test_a_quote_is_asked_for_once_and_never_fails(
    provider: FalProvider, fake: FakeFal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cached; from the catalog where fal does not say, or does not answer."""
    assert (await provider.quote(order_of())).usd == Decimal("0.40")
    other = open_provider(fake.setup())
    fake.unit_prices = {"minimax/h3-max/text-to-video": (0.10, "seconds")}
    assert [(await other.quote(order_of())).usd for _ in range(2)] == [Decimal("0.50")] * 2
    assert fake.seen["GET /v1/models/pricing"] == 2
    await other.close()
    lonely = open_provider(fake.setup(platform_url="http://127.0.0.1:9"))
    monkeypatch.setattr(provider_module, "QUOTE_S", 0.2)
    assert (await lonely.quote(order_of())).usd == Decimal("0.40")
    assert (await lonely.quote(replace(order_of(), model="taken out"))).usd is None
    await lonely.close()


# --- lost requests ---


def sent(order: Order, **changes: Any) -> Sent:
    return replace(Sent(key="key", order=order, at=datetime.now(UTC), known=frozenset()), **changes)


async def test_a_lost_request_is_found_by_its_input(provider: FalProvider, fake: FakeFal, tmp_path: Path) -> None:
    """With its pictures at addresses that only fal knows; not another job's, and not one of another input."""
    order = order_of(first_frame=picture(tmp_path / "frame.png"))
    others = [replace(order, prompt="a boat"), replace(order, seed=8), replace(order, seconds=6)]
    for other in others:
        await provider.submit(await provider.prepare(other, "key"))
    fake.lose_answers = 1
    with pytest.raises(Unconfirmed):
        await provider.submit(await provider.prepare(order, "key"))
    task_id = f"minimax/h3-max/requests/{fake.newest.id}"
    assert await provider.find(sent(order)) == task_id
    with pytest.raises(Unavailable):
        await provider.find(sent(order, known=frozenset({task_id})))
    with pytest.raises(Unavailable):
        await provider.find(sent(order, at=datetime.now(UTC) + timedelta(minutes=5)))
    assert fake.seen["GET /v1/models/requests/by-endpoint"] == 5


async def test_two_shots_of_the_same_words_are_told_apart_by_their_pictures(
    provider: FalProvider, fake: FakeFal, tmp_path: Path
) -> None:
    """Two frames continued with the same words at a model without a seed: the clip of one must not become the other's."""
    frames = [picture(tmp_path / "one.png"), picture(tmp_path / "two.png", size=(320, 180))]
    orders = [order_of("seedance-2.5", first_frame=frame) for frame in frames]
    fake.lose_answers = 1
    with pytest.raises(Unconfirmed):
        await provider.submit(await provider.prepare(orders[0], "key"))
    task_id = f"bytedance/seedance-2.5/requests/{fake.newest.id}"
    with pytest.raises(Unavailable):
        await provider.find(sent(orders[1]))
    assert await provider.find(sent(orders[0])) == task_id
    frames[0].unlink()
    with pytest.raises(Unconfirmed):
        await provider.find(sent(orders[0]))


async def test_pictures_at_addresses_leave_it_to_the_person(
    provider: FalProvider, fake: FakeFal, tmp_path: Path
) -> None:
    """Nobody sees what lies there; a seed tells all the same."""
    large = picture(tmp_path / "large.png", size=(1280, 720), noise=True)
    for model, name in (("seedance-2.5", "bytedance/seedance-2.5"), ("h3-max", "minimax/h3-max")):
        fake.lose_answers = 1
        with pytest.raises(Unconfirmed):
            await provider.submit(await provider.prepare(order_of(model, first_frame=large), "key"))
        if model == "h3-max":
            found = await provider.find(sent(order_of(model, first_frame=large)))
            assert found == f"{name}/requests/{fake.newest.id}"
            continue
        with pytest.raises(Unconfirmed):
            await provider.find(sent(order_of(model, first_frame=large)))


async def test_two_like_requests_are_for_the_person_to_tell(provider: FalProvider, fake: FakeFal) -> None:
    """Never guessed; and what is not listed may wait in the queue, so it is never said to be absent."""
    fake.lose_answers = 2
    for _ in range(2):
        with pytest.raises(Unconfirmed):
            await provider.submit(await provider.prepare(order_of(), "key"))
    with pytest.raises(Unconfirmed):
        await provider.find(sent(order_of()))
    fake.hides = 1
    assert await provider.find(sent(order_of())) == f"minimax/h3-max/requests/{next(iter(fake.tasks))}"
    with pytest.raises(Unavailable):
        await provider.find(sent(order_of(prompt="never asked for")))


async def test_a_key_that_may_not_list_leaves_it_to_the_person(provider: FalProvider, fake: FakeFal) -> None:
    """Not tried again and again."""
    stranger = open_provider(fake.setup(key="another"))
    with pytest.raises(Unconfirmed):
        await stranger.find(sent(order_of()))
    await stranger.close()


# --- cancel, forget, hints ---


@pytest.mark.parametrize(
    ("shown", "outcome"),
    [
        (None, CancelOutcome.STOPPED),
        (Shown.RENDERING, CancelOutcome.MAY_STILL_COST),
        (Shown.DONE, CancelOutcome.MAY_STILL_COST),
        (Shown.GONE, CancelOutcome.MAY_STILL_COST),
    ],
)
async def test_only_what_waits_is_surely_stopped(
    provider: FalProvider, fake: FakeFal, shown: Shown | None, outcome: CancelOutcome
) -> None:
    """What has begun is only told."""
    task_id = (await provider.submit(await provider.prepare(order_of(), "key"))).task_id
    fake.put(shown)
    assert await provider.cancel(task_id) is outcome


async def test_what_had_begun_may_cost_though_it_stopped(provider: FalProvider, fake: FakeFal) -> None:
    """fal does not say what a stopped render costs."""
    fake.script, fake.listens = [Shown.RENDERING], True
    task_id = (await provider.submit(await provider.prepare(order_of(), "key"))).task_id
    assert await provider.cancel(task_id) is CancelOutcome.MAY_STILL_COST
    with pytest.raises(RenderFailed) as raised:
        await provider.check(task_id)
    assert raised.value.billed == "unknown"


async def test_payloads_are_dropped_where_the_key_may(fake: FakeFal) -> None:
    """A key that may not is asked once, and nobody is troubled."""
    provider = open_provider(fake.setup())
    for _ in range(2):
        await provider.forget(TASK)
    assert fake.seen["DELETE /v1/models/requests/{id}/payloads"] == 1
    await provider.close()
    fake.is_admin = True
    admin = open_provider(fake.setup())
    await admin.forget(TASK)
    assert fake.deleted == [TASK.rpartition("/")[2]]
    await admin.close()


async def test_a_hint_is_believed_if_fal_signed_it_just_now(provider: FalProvider, fake: FakeFal) -> None:
    """A call is nothing but a hint, and a forged one not even that."""
    task_id = (await provider.submit(await provider.prepare(order_of(), "key"))).task_id
    body = json.dumps({"request_id": fake.newest.id, "gateway_request_id": "x", "status": "OK", "payload": {}}).encode()
    genuine = fake.hook(body)
    assert await provider.heard(genuine) == task_id
    forger = Ed25519PrivateKey.generate().sign(b"anything").hex()
    for wrong in (
        Hook(genuine.headers, body + b" "),
        Hook({**genuine.headers, "x-fal-webhook-user-id": "other"}, body),
        Hook({**genuine.headers, "x-fal-webhook-signature": forger}, body),
        Hook({**genuine.headers, "x-fal-webhook-signature": "not hex"}, body),
        Hook({}, body),
        fake.hook(body, at_s=time.time() - 400),
        fake.hook(body, at_s=time.time() + 400),
        fake.hook(b'{"request_id": "of nobody"}'),
        fake.hook(b"not json"),
        fake.hook(b"[" * 100_000),
        Hook({**genuine.headers, "x-fal-webhook-request-id": "\udcff"}, body),
        fake.hook(b'["a list"]'),
    ):
        assert await provider.heard(wrong) is None
    assert fake.seen["GET /.well-known/jwks.json"] == 1


async def test_new_keys_of_fal_are_fetched_now_and_then(
    provider: FalProvider, fake: FakeFal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not at every call that somebody forged; and what cannot be fetched is no hint."""
    task_id = (await provider.submit(await provider.prepare(order_of(), "key"))).task_id
    body = json.dumps({"request_id": fake.newest.id}).encode()
    assert await provider.heard(fake.hook(body)) == task_id
    fake.signer = Ed25519PrivateKey.generate()
    assert [await provider.heard(fake.hook(body)) for _ in range(2)] == [None, None]
    assert fake.seen["GET /.well-known/jwks.json"] == 1
    monkeypatch.setattr(hooks_module, "KEYS_AGAIN_S", 0.0)
    assert await provider.heard(fake.hook(body)) == task_id
    assert fake.seen["GET /.well-known/jwks.json"] == 2
    stranger = open_provider(fake.setup(key="another"))
    assert await stranger.heard(fake.hook(body)) is None
    await stranger.close()


# --- the contracts of others ---


async def test_the_fake_answers_as_the_platforms_spec_has_it(provider: FalProvider, fake: FakeFal) -> None:
    """Prices, list, deletion: the answers fit fal's OpenAPI document, and our parameters are in it."""
    paths = json.loads(needed_spec("fal-platform-models.openapi.json").read_text())["paths"]
    fake.is_admin = True
    fake.unit_prices = {"minimax/h3-max/text-to-video": (0.08, "seconds")}
    await provider.submit(await provider.prepare(order_of(), "key"))
    wanted = {
        "endpoint_id": "minimax/h3-max/text-to-video",
        "start": "2026-01-01T00:00:00Z",
        "expand": "payloads",
        "limit": "100",
    }
    for path, method, params in (
        ("/models/pricing", "get", {"endpoint_id": "minimax/h3-max/text-to-video"}),
        ("/models/requests/by-endpoint", "get", wanted),
        ("/models/requests/{request_id}/payloads", "delete", {}),
    ):
        operation = paths[path][method]
        assert set(params) <= {each["name"] for each in operation["parameters"]}
        url = f"{fake.url}/v1{path}".replace("{request_id}", fake.newest.id)
        async with httpx.AsyncClient(headers={"authorization": "Key key-of-the-operator"}) as client:
            said = await client.request(method, url, params=params)
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        Draft202012Validator(schema).validate(said.json())


async def test_fals_own_client_speaks_with_the_fake(fake: FakeFal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Submit, status, result, cancel, upload of fal-client 1.0. It knows https addresses only: they are pointed here by hand."""
    monkeypatch.setattr(fal_client_module, "QUEUE_URL_FORMAT", f"{fake.url}/")
    monkeypatch.setattr(fal_client_module, "REST_URL", fake.url)
    monkeypatch.setitem(os.environ, "NO_PROXY", "127.0.0.1")
    client = fal_client.AsyncClient(key="key-of-the-operator")
    address = await client.upload(b"\x89PNG", "image/png", "frame.png", repository="fal")
    assert fake.complaints == ["the key was sent to the storage"]  # fal's client does that; ours does not
    fake.complaints.clear()
    endpoint = "fal-ai/kling-video/v3/pro/image-to-video"
    handle = await client.submit(endpoint, {"prompt": "a lamp", "duration": "5", "start_image_url": address})
    seen = [type(await client.status(endpoint, handle.request_id)) for _ in range(3)]
    assert seen == [fal_client.Queued, fal_client.InProgress, fal_client.Completed]
    assert (await client.result(endpoint, handle.request_id))["video"]["content_type"] == "video/mp4"
    fake.put(Shown.REFUSED)
    with pytest.raises(fal_client.FalClientHTTPError) as refused:
        await client.result(endpoint, handle.request_id)
    assert refused.value.status_code == 422
    fake.put(Shown.FAILED)
    failed = await client.status(endpoint, handle.request_id)
    assert isinstance(failed, fal_client.Completed)
    assert failed.error_type == "runner_server_error"
    other = await client.submit(endpoint, {"prompt": "a lamp", "duration": "5", "start_image_url": address})
    await client.cancel(endpoint, other.request_id)
    assert fake.newest.is_cancelled
    await (await client._client).aclose()
