"""getimg.ai: what its answers mean, what it is asked before a render, and what leaves."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import stamina
from PIL import Image

from engine.errors import (
    AuthFailed,
    BadShot,
    Billed,
    Lost,
    Misunderstood,
    ModelRetired,
    OutOfCredit,
    ProviderError,
    RateLimited,
    Refused,
    RenderFailed,
    Stage,
    Unavailable,
)
from engine.providers.answers import Answer
from engine.providers.base import Order, Rendered, Rendering
from engine.providers.getimg import GetimgProvider
from engine.providers.getimg.answers import fault_of, read_progress, read_taken
from engine.providers.getimg.offers import Offer, check_offer, read_offer, usd_of
from tests.fakes.services.base import Shown
from tests.fakes.services.getimg import FakeGetimg


@pytest.fixture(autouse=True)
def _no_waits() -> Iterator[None]:
    """Tries follow each other at once."""
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


@pytest.fixture
async def fake() -> AsyncIterator[FakeGetimg]:
    """The service; what no client may do fails the test."""
    async with FakeGetimg() as started:
        yield started
        assert started.complaints == []


@pytest.fixture
async def provider(fake: FakeGetimg) -> AsyncIterator[GetimgProvider]:
    """The provider, speaking to the fake."""
    made = GetimgProvider(fake.setup())
    yield made
    await made.close()


def order(model: str = "seedance-v1-5-pro", **changes: Any) -> Order:
    usual = {"prompt": "a lamp", "seconds": 5, "ratio": "16:9", "resolution": "720p", "seed": 7, "style": "default"}
    return Order(**{**usual, "model": model, **changes})


def answer(body: Any, status: int = 200) -> Answer:
    return Answer(status=status, headers={}, body=json.dumps(body).encode(), service="getimg.ai")


def frame(path: Path) -> Path:
    Image.new("RGB", (640, 360), (90, 90, 90)).save(path)
    return path


# --- what its answers mean ---


@pytest.mark.parametrize(
    ("status", "message", "at_create", "at_check"),
    [
        (400, "The prompt was flagged by moderation.", Refused, Refused),
        (400, "duration is not supported", BadShot, Misunderstood),
        (400, "Unknown model", ModelRetired, Misunderstood),
        (400, "The model seedance-v9 does not exist", ModelRetired, Misunderstood),
        (400, "Prompt is too long for this model", BadShot, Misunderstood),
        (422, "duration 7 is not supported by the model", BadShot, Misunderstood),
        (422, "The model's duration 7 is not supported", BadShot, Misunderstood),
        (401, "Invalid API key", AuthFailed, AuthFailed),
        (402, "Payment required", OutOfCredit, OutOfCredit),
        (403, "Insufficient balance", OutOfCredit, OutOfCredit),
        (403, "No access", AuthFailed, AuthFailed),
        (404, "No such generation", ModelRetired, Lost),
        (422, "resolution: wrong", BadShot, Misunderstood),
        (422, "The image is sensitive", Refused, Refused),
        (429, "Too many requests", RateLimited, RateLimited),
        (429, "Your balance is too low", OutOfCredit, OutOfCredit),
        (500, "oops", ProviderError, Unavailable),
    ],
)
def test_a_status_has_its_cause(
    status: int, message: str, at_create: type[ProviderError], at_check: type[ProviderError]
) -> None:
    """Every status that its SDK knows; its words decide where one status has several causes."""
    body = {"error": {"code": "x", "message": message}}
    made = [fault_of(answer(body, status), is_create=is_create) for is_create in (True, False)]
    assert isinstance(made[0], at_create)
    assert isinstance(made[1], at_check)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": "content_moderation", "message": "no"}, Refused),
        ({"code": "x", "message": "The output was flagged"}, Refused),
        ({"code": "internal", "message": "It broke."}, RenderFailed),
        ({}, RenderFailed),
        (None, RenderFailed),
    ],
)
def test_a_failure_has_its_cause(error: Any, kind: type[ProviderError]) -> None:
    """Whether it is charged is not documented, so nobody says that it was not."""
    with pytest.raises(kind) as raised:
        read_progress(answer({"id": "x", "status": "failed", "error": error}))
    assert raised.value.billed is Billed.UNKNOWN
    assert "It broke" not in str(raised.value)


@pytest.mark.parametrize(("cost", "billed"), [(None, Billed.UNKNOWN), (0, Billed.NO), (0.25, Billed.YES)])
@pytest.mark.parametrize("data", [None, [], [{}], [{"url": ""}], [{"url": None}], "https://x"])
def test_done_without_a_video_is_never_success(data: Any, cost: float | None, billed: Billed) -> None:
    """A refusal, billed as the usage says."""
    usage = {} if cost is None else {"usage": {"total_cost": cost}}
    with pytest.raises(Refused) as raised:
        read_progress(answer({"status": "completed", "data": data, **usage}))
    assert raised.value.stage is Stage.OUTPUT
    assert raised.value.billed is billed


@pytest.mark.parametrize("body", [{}, {"id": ""}, {"id": "a b"}, {"id": {}}, []])
def test_a_yes_without_a_task_may_have_been_taken(body: Any) -> None:
    """Nobody says that it was not."""
    with pytest.raises(Misunderstood) as raised:
        read_taken(answer(body, 202))
    assert raised.value.billed is Billed.UNKNOWN


def test_waiting_and_rendering_are_one_there() -> None:
    """Without a percent."""
    assert read_progress(answer({"id": "x", "status": "pending"})) == Rendering()


# --- what leaves ---


async def test_frames_go_inside_with_their_roles(provider: GetimgProvider, fake: FakeGetimg, tmp_path: Path) -> None:
    """As data URIs, first and last by name; and nothing that the service has no field for."""
    path = frame(tmp_path / "frame.png")
    prepared = await provider.prepare(order(first_frame=path, last_frame=path, is_silent=True), "1-abc")
    await provider.submit(prepared)
    body = dict(fake.newest.body)
    images = body.pop("images")
    assert [image["role"] for image in images] == ["first_frame", "last_frame"]
    assert all(image["url"].startswith("data:image/png;base64,") for image in images)
    assert body == {
        "model": "seedance-v1-5-pro", "prompt": "a lamp", "aspect_ratio": "16:9", "resolution": "720p",
        "duration": 5, "sound": False,
    }  # fmt: skip


async def test_two_of_the_largest_pictures_fit_into_a_request(provider: GetimgProvider, fake: FakeGetimg) -> None:
    """Which has 25 MiB in all."""
    for can in provider.models.values():
        assert can.picture.max_bytes <= 10 << 20
        assert 2 * (can.picture.max_bytes * 4 // 3 + 100) + 4 * 4096 * 6 < 25 << 20
    assert fake.creates == 0


async def test_a_model_without_sound_is_not_asked_for_it(provider: GetimgProvider, fake: FakeGetimg) -> None:
    """The field is for those that have it."""
    await provider.submit(await provider.prepare(order("seedance-v1-pro"), "1-abc"))
    assert "sound" not in fake.newest.body


# --- what it is asked before ---


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ratio": "21:9"}, "cannot do the ratio 21:9; choose one of: 16:9, 9:16"),
        ({"resolution": "1080p"}, "cannot do the resolution 1080p; choose one of: 720p"),
        ({"seconds": 12}, "cannot do the length 12; choose one of: 5, 10"),
        ({"last_frame": Path("x.png")}, "takes no last frame"),
    ],
)
async def test_what_the_service_says_that_it_cannot_is_not_asked_for(
    provider: GetimgProvider, fake: FakeGetimg, changes: dict[str, Any], words: str
) -> None:
    """Before any money, with what it can do; its word counts more than the catalog."""
    fake.models["seedance-v1-5-pro"] |= {
        "supported_aspect_ratios": ["16:9", "9:16"], "supported_resolutions": ["720p"],
        "supported_durations": [5, 10], "supported_references": {"first_frame": 1},
    }  # fmt: skip
    with pytest.raises(BadShot, match=words):
        await provider.prepare(order(**changes), "1-abc")
    assert fake.creates == 0


async def test_a_model_that_is_gone_is_known_before_the_request(provider: GetimgProvider, fake: FakeGetimg) -> None:
    """Nothing was sent."""
    del fake.models["seedance-v1-5-pro"]
    with pytest.raises(ModelRetired):
        await provider.prepare(order(), "1-abc")
    assert fake.creates == 0


async def test_it_is_asked_once_for_many_renders(provider: GetimgProvider, fake: FakeGetimg) -> None:
    """What a model can do does not change with every shot."""
    for _ in range(3):
        await provider.quote(order())
        await provider.prepare(order(), "1-abc")
    assert fake.seen["GET /v2/models/{model}"] == 1


def test_what_is_not_said_forbids_nothing() -> None:
    """An answer that is not as it should be does not stop a render."""
    odd = {"supported_durations": "4-12", "supported_references": None, "pricing": {"currency": "EUR", "rates": [1]}}
    for body in ({}, odd):
        offer = read_offer(answer(body))
        assert offer == Offer()
        check_offer(order(first_frame=Path("x.png")), offer, "getimg.ai")
        assert usd_of(order(), offer) is None


@pytest.mark.parametrize(
    ("said", "kind"), [(answer({}, 400), BadShot), (answer([]), Unavailable), (answer({}, 500), Unavailable)]
)
def test_a_look_at_a_model_that_fails_costs_nothing(said: Answer, kind: type[ProviderError]) -> None:
    """Nothing was asked for yet; and a length that cannot be is none."""
    with pytest.raises(kind) as raised:
        read_offer(said)
    assert raised.value.billed is Billed.NO
    assert read_offer(answer({"supported_durations": [10**400, 5, "x", -1]})).seconds == (5.0,)


@pytest.mark.parametrize(
    ("changes", "usd"),
    [
        ({}, "0.50"),
        ({"is_silent": True}, "0.25"),
        ({"resolution": "480p"}, "0.15"),
        ({"resolution": "1080p"}, "0.40"),
        ({"resolution": "1080p", "is_silent": True}, "0.40"),
    ],
)
def test_a_price_is_of_the_rate_that_fits_best(changes: dict[str, Any], usd: str) -> None:
    """Its own for sound and resolution, else the one for all; a rate by the picture is none by the second."""
    rates: list[dict[str, Any]] = [
        {"billable_unit": "image", "resolution": "720p", "sound": "sound_on", "unit_price": "9"},
        {"billable_unit": "video_second", "resolution": "720p", "sound": "sound_off", "unit_price": "0.05"},
        {"billable_unit": "video_second", "resolution": "720p", "sound": "sound_on", "unit_price": "0.10"},
        {"billable_unit": "video_second", "resolution": "480p", "sound": "not_applicable", "unit_price": "0.03"},
        {"billable_unit": "video_second", "resolution": None, "sound": "not_applicable", "unit_price": "0.08"},
    ]
    assert usd_of(order(**changes), Offer(rates=rates)) == Decimal(usd)


async def test_the_price_before_is_the_services_own(provider: GetimgProvider, fake: FakeGetimg) -> None:
    """And unknown where it has none or cannot be asked."""
    assert (await provider.quote(order())).usd == Decimal("0.25")
    assert (await provider.quote(order(resolution="1080p"))).usd is None
    stranger = GetimgProvider(fake.setup(key="another"))
    assert (await stranger.quote(order())).usd is None
    await stranger.close()


async def test_the_cost_after_is_of_its_usage(provider: GetimgProvider, fake: FakeGetimg) -> None:
    """In dollars, exactly as told; unknown where it is not."""
    taken = await provider.submit(await provider.prepare(order(), "1-abc"))
    fake.put(Shown.DONE)
    for cost, usd in ((0.25, Decimal("0.25")), (None, None)):
        fake.total_cost = cost
        done = await provider.check(taken.task_id)
        assert isinstance(done, Rendered)
        assert done.usd == usd


async def test_the_balance_is_in_dollars(provider: GetimgProvider) -> None:
    """For `nextshot doctor`."""
    assert await provider.balance_usd() == Decimal("12.34")
