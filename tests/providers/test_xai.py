"""xAI's Grok Imagine: what each of its answers means, what is sent, what goes on from a clip of its own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from engine.errors import (
    About,
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
    Unconfirmed,
    Withheld,
)
from engine.providers.answers import Answer
from engine.providers.base import Order, Prepared, Queued, Rendered, Rendering, Source, Work
from engine.providers.catalog import read_catalog
from engine.providers.xai import XaiProvider, open_provider
from engine.providers.xai.answers import fault_of, read_progress, read_taken
from tests.fakes.services.base import No, Shown
from tests.fakes.services.xai import MODELS, FakeXai

CATALOG = read_catalog("xai")
KEY = "1-abcdef0123456789"


@pytest.fixture
async def fake() -> AsyncIterator[FakeXai]:
    """The service, as a server on loopback; what no client may do fails the test."""
    async with FakeXai() as started:
        yield started
        assert started.complaints == []


@pytest.fixture
async def provider(fake: FakeXai) -> AsyncIterator[XaiProvider]:
    """The provider, speaking to the fake."""
    made = open_provider(fake.setup())
    yield made
    await made.close()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A picture of 16:9."""
    path = tmp_path / "frame.png"
    Image.new("RGB", (640, 360), "grey").save(path)
    return path


def order_of(name: str = "grok-imagine-video-1.5", **changes: Any) -> Order:
    """A render with the defaults of a row."""
    can = CATALOG.models[name].abilities
    usual = Order(
        prompt="a lamp is lit", seconds=can.default_seconds, ratio=can.ratios[0], resolution=can.resolutions[0], seed=7,
        style="default", model=name,
    )  # fmt: skip
    return replace(usual, **changes)


def answer(body: object, status: int = 200) -> Answer:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status=status, headers={}, body=data, service="xAI Grok Imagine")


# --- what its answers mean ---

USED_UP = "Your team 1 has either used all available credits or reached its monthly spending limit."


@pytest.mark.parametrize(
    ("status", "words", "raises", "billed"),
    [
        (400, "Your prompt was rejected by content moderation.", Refused, "unknown"),
        (403, "The image was rejected by content moderation.", Refused, "unknown"),
        (400, "Your request violates our usage guidelines.", Refused, "unknown"),
        (400, "duration must be between 1 and 15", BadShot, "no"),
        (400, "The image is too large for this model", BadShot, "no"),
        (422, "Failed to deserialize the JSON body", BadShot, "no"),
        (400, "Failed to download the video", Refused, "no"),
        (400, "Incorrect API key provided: xa***cd.", AuthFailed, "no"),
        (401, "Invalid or missing API key", AuthFailed, "no"),
        (403, "The API key is disabled", AuthFailed, "no"),
        (402, "Out of credits", OutOfCredit, "no"),
        (403, USED_UP, OutOfCredit, "no"),
        (429, USED_UP, OutOfCredit, "no"),
        (429, "Too many requests", RateLimited, "no"),
        (404, "The model grok-9 does not exist or your team has no access to it.", ModelRetired, "no"),
        (400, "Model grok-imagine-video is deprecated.", ModelRetired, "no"),
        (404, "Not found", ModelRetired, "no"),
        (408, "Timeout", Unconfirmed, "unknown"),
        (500, "Internal error", Unconfirmed, "unknown"),
        (503, "The service is currently at capacity; safety first", Unconfirmed, "unknown"),
        (418, "?", Misunderstood, "unknown"),
    ],
)
@pytest.mark.parametrize("is_nested", [False, True])
def test_a_bad_answer_to_a_create_has_its_cause(
    is_nested: bool, status: int, words: str, raises: type[ProviderError], billed: str
) -> None:
    """In either of the two shapes of its errors; what an empty account is called by is no matter of waiting."""
    body = {"error": {"code": "x", "message": words}} if is_nested else {"code": "x", "error": words}
    fault = fault_of(answer(body, status), is_create=True)
    assert type(fault) is raises
    assert fault.billed == billed


def test_a_page_of_a_gateway_leaves_a_create_in_doubt() -> None:
    """It says nothing of whether the request was taken."""
    assert type(fault_of(answer(b"<html>", 502), is_create=True)) is Unconfirmed
    assert type(fault_of(answer(b"<html>", 502), is_create=False)) is Unavailable


async def test_an_empty_account_is_not_waited_for(fake: FakeXai, provider: XaiProvider) -> None:
    """It answers 429 as for too many requests; the words make the difference."""
    fake.next_no = [No.CREDIT]
    with pytest.raises(OutOfCredit):
        await provider.submit(await provider.prepare(order_of(), KEY))


@pytest.mark.parametrize(
    "body", [{}, {"request_id": ""}, {"request_id": "a b"}, {"request_id": "\ud800"}, [], b"ok", b"[" * 100_000]
)
def test_a_create_without_an_id_is_misunderstood(body: object) -> None:
    """It may have been taken."""
    with pytest.raises(Misunderstood):
        read_taken(answer(body))


VIDEO = {"url": "https://vidgen.x.ai/a.mp4", "duration": 6, "respect_moderation": True}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"status": "pending"}, Queued()),
        ({"status": "pending", "progress": 0}, Queued()),
        ({"status": "pending", "progress": True}, Queued()),
        ({"status": "pending", "progress": 40}, Rendering(40.0)),
        ({"status": "pending", "progress": 250}, Queued()),
        ({"status": "pending", "progress": float("inf")}, Queued()),
        ({"status": "done", "video": VIDEO}, Rendered(VIDEO["url"], None)),  # type: ignore[arg-type]  # a mixed table
        ({"video": VIDEO}, Rendered(VIDEO["url"], None)),  # type: ignore[arg-type]  # a mixed table
    ],
)
def test_a_render_stands_where_it_says(body: object, expected: object) -> None:
    """A percent only where one was given."""
    assert read_progress(answer(body)) == expected


def test_an_open_request_without_a_body_is_queued() -> None:
    """As was seen."""
    assert read_progress(answer(b"", 202)) == Queued()


@pytest.mark.parametrize(
    ("ticks", "usd"),
    [
        (8_400_000_000, Decimal("0.84")),
        (0, Decimal(0)),
        (1, Decimal("1E-10")),
        (None, None),
        (True, None),
        (-5, None),
        (10**400, None),
        (float("nan"), None),
        (float("inf"), None),
    ],
)
def test_the_actual_cost_is_told_in_ticks(ticks: object, usd: Decimal | None) -> None:
    """Ten thousand million to the dollar, exactly."""
    said = {"status": "done", "video": VIDEO, "usage": {"cost_in_usd_ticks": ticks}}
    assert read_progress(answer(said)) == Rendered(str(VIDEO["url"]), usd)


def test_a_withheld_result_is_billed_and_told_so() -> None:
    """With or without an address, which is not loaded."""
    for url in ("", VIDEO["url"]):
        with pytest.raises(Withheld, match="rendered the shot and withholds it") as raised:
            read_progress(answer({"status": "done", "video": {"url": url, "respect_moderation": False}}))
        assert raised.value.billed is Billed.YES


@pytest.mark.parametrize(
    ("error", "ticks", "raises", "billed"),
    [
        ({"code": "internal", "message": "it broke"}, None, RenderFailed, Billed.UNKNOWN),
        ({"code": "internal", "message": "it broke"}, 0, RenderFailed, Billed.NO),
        ({"code": "internal", "message": "it broke"}, 5, RenderFailed, Billed.YES),
        (None, None, RenderFailed, Billed.UNKNOWN),
        ({"code": "moderation", "message": "no"}, None, Refused, Billed.YES),
        ({"code": "x", "message": "Generated video was rejected by content moderation."}, None, Refused, Billed.YES),
        ({"code": "moderation", "message": "no"}, 0, Refused, Billed.NO),
    ],
)
def test_a_failed_render_has_its_cause(
    error: object, ticks: int | None, raises: type[ProviderError], billed: Billed
) -> None:
    """What breaks its rules is charged, says xAI, unless the answer says that it cost nothing."""
    usage = {} if ticks is None else {"usage": {"cost_in_usd_ticks": ticks}}
    with pytest.raises(raises) as raised:
        read_progress(answer({"status": "failed", "error": error, **usage}))
    assert type(raised.value) is raises
    assert raised.value.billed == billed


@pytest.mark.parametrize(
    ("body", "status", "raises"),
    [
        ({"status": "expired"}, 200, Lost),
        ({"code": "not-found", "error": "No such request."}, 404, Lost),
        ({"code": "unauthenticated", "error": "Invalid key"}, 401, AuthFailed),
        ({"status": "pondering"}, 200, Misunderstood),
        ({"status": None}, 200, Misunderstood),
        ({"status": "done", "video": None}, 200, Refused),
        ({"status": "done", "video": {"url": None}}, 200, Refused),
        ([], 200, Misunderstood),
    ],
)
def test_an_end_without_a_video_has_its_cause(body: object, status: int, raises: type[ProviderError]) -> None:
    """Never done, never waited for for ever."""
    with pytest.raises(raises) as raised:
        read_progress(answer(body, status))
    assert type(raised.value) is raises


def test_a_refusal_says_what_it_was_about() -> None:
    """The person changes that one."""
    for words, about in (
        ("The image was rejected by moderation", About.PICTURE),
        ("Your prompt: moderation", About.TEXT),
    ):
        fault = fault_of(answer({"error": words}, 400), is_create=True)
        assert isinstance(fault, Refused)
        assert (fault.about, fault.stage) == (about, Stage.INPUT)


# --- what is sent ---


async def sent(provider: XaiProvider, order: Order) -> dict[str, Any]:
    prepared = await provider.prepare(order, KEY)
    await provider.submit(prepared)
    return {"path": prepared.request.path, **prepared.request.json}


async def test_words_alone_are_sent_with_every_option(provider: XaiProvider) -> None:
    """Nothing more, nothing less."""
    assert await sent(provider, order_of(seconds=5, ratio="9:16", resolution="1080p", is_silent=True)) == {
        "path": "videos/generations", "model": "grok-imagine-video-1.5", "prompt": "a lamp is lit", "duration": 5,
        "aspect_ratio": "9:16", "resolution": "1080p", "generate_audio": False,
    }  # fmt: skip


async def test_a_first_frame_gives_the_clip_its_shape(provider: XaiProvider, picture: Path) -> None:
    """A ratio beside it would stretch the picture; another shape than the story's is said."""
    body = await sent(provider, order_of(first_frame=picture))
    assert body["image"]["url"].startswith("data:image/png;base64,")
    assert "aspect_ratio" not in body
    assert (await provider.prepare(order_of(first_frame=picture), KEY)).notes == ()
    other = await provider.prepare(order_of(first_frame=picture, ratio="9:16"), KEY)
    assert other.notes == ("The clip takes the shape of its first frame.",)


async def test_references_are_sent_beside_a_ratio(provider: XaiProvider, picture: Path) -> None:
    """As data, in their order."""
    body = await sent(provider, order_of(references=(picture, picture)))
    assert [each["url"][:22] for each in body["reference_images"]] == ["data:image/png;base64,"] * 2
    assert body["aspect_ratio"] == "16:9"


@pytest.mark.parametrize(
    ("name", "changes"),
    [("grok-imagine-video-1.5", {"resolution": "1080p"}), ("grok-imagine-video", {"seconds": 11})],
)
async def test_what_references_cannot_have_is_refused_before_money(
    fake: FakeXai, provider: XaiProvider, picture: Path, name: str, changes: dict[str, Any]
) -> None:
    """The row's abilities cannot say it: less than 1080p, and 10 s with the first model."""
    with pytest.raises(BadShot):
        await provider.prepare(order_of(name, references=(picture,), **changes), KEY)
    assert not fake.seen


def test_the_catalog_has_what_the_fake_serves() -> None:
    """Models, resolutions and how many references."""
    assert {
        name: (frozenset(model.abilities.resolutions), model.abilities.references)
        for name, model in CATALOG.models.items()
    } == MODELS


# --- from a clip of its own ---


async def begun(fake: FakeXai, provider: XaiProvider, work: Work, *, seconds: float = 6, asked: int = 6) -> Prepared:
    """An order of `asked` seconds that works on a finished render of `seconds`."""
    task_id = (await provider.submit(await provider.prepare(order_of(), KEY))).task_id
    fake.put(Shown.DONE)
    source = Source(work=work, video=Path("clip.mp4"), seconds=seconds, task_id=task_id)
    return await provider.prepare(order_of("grok-imagine-video", source=source, seconds=asked), KEY)


@pytest.mark.parametrize("asked", [2, 6, 10])
async def test_an_extension_has_words_a_length_and_its_clip(fake: FakeXai, provider: XaiProvider, asked: int) -> None:
    """Shape and size are the clip's; its address is the one that xAI says now."""
    prepared = await begun(fake, provider, Work.EXTEND, asked=asked)
    assert prepared.request.path == "videos/extensions"
    assert prepared.request.json == {
        "model": "grok-imagine-video", "prompt": "a lamp is lit", "duration": asked,
        "video": {"url": fake.file_url(fake.newest)},
    }  # fmt: skip
    await provider.submit(prepared)


@pytest.mark.parametrize("asked", [1, 11, 15])
async def test_an_extension_is_two_to_ten_seconds_long(fake: FakeXai, provider: XaiProvider, asked: int) -> None:
    """The person chooses: another length than was asked for would be nobody's."""
    with pytest.raises(BadShot, match=rf"by 2 to 10 s, not by {asked}"):
        await begun(fake, provider, Work.EXTEND, asked=asked)
    assert fake.creates == 1


async def test_an_edit_has_nothing_but_words_and_its_clip(fake: FakeXai, provider: XaiProvider) -> None:
    """Length, shape and size are the clip's."""
    prepared = await begun(fake, provider, Work.EDIT)
    assert prepared.request.path == "videos/edits"
    assert set(prepared.request.json) == {"model", "prompt", "video"}
    await provider.submit(prepared)


@pytest.mark.parametrize(
    ("work", "usd"),
    [(Work.EDIT, "0.64"), (Work.EXTEND, "0.43")],  # 8 s of 0.07 and 0.01; 5 s of 0.07, and 8 s of 0.01
)
async def test_a_work_on_a_clip_is_priced_by_what_comes_of_it(provider: XaiProvider, work: Work, usd: str) -> None:
    """What is changed stays as long as it is, whatever the shot's length; each second of the source is paid beside it."""
    source = Source(work=work, video=Path("clip.mp4"), seconds=8, task_id="t")
    quote = await provider.quote(order_of("grok-imagine-video", seconds=5, source=source))
    assert quote.usd == Decimal(usd)


@pytest.mark.parametrize(("work", "seconds"), [(Work.EXTEND, 1.5), (Work.EXTEND, 15.5), (Work.EDIT, 9)])
async def test_a_clip_of_another_length_is_refused_before_money(
    fake: FakeXai, provider: XaiProvider, work: Work, seconds: float
) -> None:
    """With what to do instead."""
    with pytest.raises(BadShot, match="instead"):
        await begun(fake, provider, work, seconds=seconds)
    assert fake.creates == 1


@pytest.mark.parametrize(
    "shown", [Shown.GONE, Shown.QUEUED, Shown.FAILED, Shown.REFUSED, Shown.WITHHELD, Shown.NO_VIDEO, Shown.UNKNOWN_WORD]
)
async def test_a_source_that_xai_has_no_longer_is_told_as_that(
    fake: FakeXai, provider: XaiProvider, shown: Shown
) -> None:
    """Whatever became of it there: one sentence, with what to do; nothing is paid."""
    prepared = await begun(fake, provider, Work.EXTEND)
    fake.put(shown)
    with pytest.raises(Refused, match=r"has the clip no longer, .* /continue from its last frame") as raised:
        await provider.prepare(prepared.order, KEY)
    assert (raised.value.about, raised.value.billed, fake.creates) == (About.VIDEO, Billed.NO, 1)


async def test_a_source_of_another_service_is_told_as_that(fake: FakeXai, provider: XaiProvider) -> None:
    """Without asking."""
    source = Source(work=Work.EXTEND, video=Path("clip.mp4"), seconds=6)
    with pytest.raises(Refused, match="has the clip no longer"):
        await provider.prepare(order_of("grok-imagine-video", source=source), KEY)
    assert not fake.seen


async def test_a_service_that_is_away_is_not_a_clip_that_is_gone(fake: FakeXai, provider: XaiProvider) -> None:
    """It is asked again later."""
    prepared = await begun(fake, provider, Work.EXTEND)
    made = open_provider(fake.setup(key="of-somebody-else"))
    with pytest.raises(AuthFailed):
        await made.prepare(prepared.order, KEY)
    await made.close()


async def test_a_task_id_cannot_lead_elsewhere(fake: FakeXai, provider: XaiProvider) -> None:
    """It is one part of a path, whatever is in it."""
    with pytest.raises(Lost):
        await provider.check("../models?x=")
    assert fake.seen == {"GET /v1/videos/{id}": 1}
