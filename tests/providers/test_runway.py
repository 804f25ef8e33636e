"""Runway: the life of a task, how media get there, what a cancel does; and its own SDK against our fake."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
import stamina
from PIL import Image
from runwayml import AsyncRunwayML

from engine.errors import AuthFailed, BadShot, RateLimited, Unavailable
from engine.providers.base import CancelOutcome, Order, Queued, Rendered, Source, Work
from engine.providers.catalog import CatalogError, Setup, read_catalog
from engine.providers.runway import RunwayProvider, open_provider
from engine.providers.runway.answers import DAILY_CAP_AGAIN_S
from tests.fakes.services.base import FakeTask, No, Shown
from tests.fakes.services.runway import INLINE_CHARS, FakeRunway
from tests.specs import needed_spec


@pytest.fixture(autouse=True)
def _no_waits() -> Iterator[None]:
    """Tries follow each other at once."""
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


@pytest.fixture
async def fake() -> AsyncIterator[FakeRunway]:
    """The service; what no client may do fails the test."""
    async with FakeRunway() as started:
        yield started
        assert started.complaints == []


@pytest.fixture
async def provider(fake: FakeRunway) -> AsyncIterator[RunwayProvider]:
    """The provider, speaking to the fake."""
    made = RunwayProvider(fake.setup())
    yield made
    await made.close()


def order(model: str = "gen4.5", **changes: Any) -> Order:
    usual = {"prompt": "a lamp", "seconds": 5, "ratio": "16:9", "resolution": "720p", "seed": 7, "style": "default"}
    return Order(**{**usual, "model": model, **changes})


async def begun(provider: RunwayProvider, model: str = "gen4.5", **changes: Any) -> str:
    return (await provider.submit(await provider.prepare(order(model, **changes), "1-abc"))).task_id


# --- the life of a task ---


async def test_what_waits_for_a_free_place_is_queued(provider: RunwayProvider, fake: FakeRunway) -> None:
    """THROTTLED is no error: https://docs.dev.runwayml.com/usage/tiers/."""
    fake.waiting_word = "THROTTLED"
    assert await provider.check(await begun(provider)) == Queued()


async def test_the_price_is_told_twice(provider: RunwayProvider, fake: FakeRunway) -> None:
    """At most when it is taken, exactly when it is done; at a cent a credit."""
    fake.cost_credits = 37
    taken = await provider.submit(await provider.prepare(order(), "1-abc"))
    assert taken.usd == Decimal("0.37")
    fake.cost_credits = 35
    fake.put(Shown.DONE)
    done = await provider.check(taken.task_id)
    assert isinstance(done, Rendered)
    assert done.usd == Decimal("0.35")


async def test_the_cap_of_a_day_is_waited_for(provider: RunwayProvider, fake: FakeRunway) -> None:
    """As long as Runway says; where it does not, long enough not to knock every few seconds for a day."""
    for says_when, wait_s in ((False, DAILY_CAP_AGAIN_S), (True, 7.0)):
        fake.says_when, fake.retry_after_s = says_when, 7.0
        fake.next_no = [No.RATE]
        with pytest.raises(RateLimited) as raised:
            await begun(provider)
        assert raised.value.retry_after_s == wait_s


async def test_the_balance_is_in_dollars(provider: RunwayProvider, fake: FakeRunway) -> None:
    """For `nextshot doctor`; a wrong key says so."""
    assert await provider.balance_usd() == Decimal("12.34")
    stranger = RunwayProvider(fake.setup(key="another"))
    with pytest.raises(AuthFailed):
        await stranger.balance_usd()
    await stranger.close()


# --- media ---


def frame(path: Path, size_bytes: int = 0) -> Path:
    """A PNG; padded behind its end to an exact size."""
    Image.new("RGB", (1280, 720), (90, 90, 90)).save(path)
    data = path.read_bytes()
    path.write_bytes(data + b"\0" * max(0, size_bytes - len(data)))
    return path


def largest_inline() -> int:
    """The bytes of the largest PNG whose data URI is within the limit."""
    return (INLINE_CHARS - len("data:image/png;base64,")) // 4 * 3


async def test_a_picture_goes_inside_as_long_as_it_fits(
    provider: RunwayProvider, fake: FakeRunway, tmp_path: Path
) -> None:
    """The limit is that of the whole data URI: one byte more is uploaded."""
    fits = frame(tmp_path / "fits.png", largest_inline())
    over = frame(tmp_path / "over.png", largest_inline() + 1)
    await begun(provider, "veo3.1", seconds=8, first_frame=fits, last_frame=over)
    first, last = fake.newest.body["promptImage"]
    assert first["uri"].startswith("data:image/png;base64,")
    assert INLINE_CHARS - 4 < len(first["uri"]) <= INLINE_CHARS
    assert last == {"uri": "runway://upload-1", "position": "last"}
    assert fake.uploads["runway://upload-1"] == over.read_bytes()  # not a byte lost


async def test_a_large_frame_is_uploaded_without_loss(
    provider: RunwayProvider, fake: FakeRunway, tmp_path: Path
) -> None:
    """So nothing has to be said of it."""
    path = tmp_path / "large.png"
    Image.frombytes("RGB", (1600, 900), random.Random(7).randbytes(1600 * 900 * 3)).save(path, compress_level=0)
    prepared = await provider.prepare(order(first_frame=path), "1-abc")
    assert prepared.notes == ()
    assert prepared.request.json["promptImage"] == [{"uri": "runway://upload-1", "position": "first"}]
    assert fake.creates == 0


async def test_an_edit_uploads_its_clip(provider: RunwayProvider, fake: FakeRunway, tmp_path: Path) -> None:
    """The whole file, to the route for videos."""
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(fake.clip())
    await begun(provider, "aleph2", source=Source(work=Work.EDIT, video=clip, seconds=1))
    assert fake.newest.body == {
        "model": "aleph2", "promptText": "a lamp", "seed": 7, "outputFormat": "mp4", "videoUri": "runway://upload-1",
    }  # fmt: skip
    assert fake.uploads["runway://upload-1"] == fake.clip()
    assert fake.seen["POST /v1/video_to_video"] == 1


async def test_a_clip_that_is_too_large_is_not_sent(provider: RunwayProvider, fake: FakeRunway, tmp_path: Path) -> None:
    """Said before anything leaves."""
    clip = tmp_path / "clip.mp4"
    with clip.open("wb") as file:
        file.truncate(200_000_001)
    with pytest.raises(BadShot, match="200 MB"):
        await provider.prepare(order("aleph2", source=Source(work=Work.EDIT, video=clip, seconds=1)), "1-abc")
    assert fake.seen["POST /v1/uploads"] == 0


async def test_a_storage_that_stumbles_is_asked_again(
    provider: RunwayProvider, fake: FakeRunway, tmp_path: Path
) -> None:
    """An upload costs nothing."""
    fake.upload_status = [503, 500]
    await begun(provider, first_frame=frame(tmp_path / "large.png", 6_000_000))
    assert fake.creates == 1


async def test_what_the_storage_says_is_not_about_our_key(
    provider: RunwayProvider, fake: FakeRunway, tmp_path: Path
) -> None:
    """A 403 of it is an upload to be tried again later, not a wrong key."""
    fake.upload_status = [403]
    with pytest.raises(Unavailable):
        await begun(provider, first_frame=frame(tmp_path / "large.png", 6_000_000))
    assert fake.creates == 0


async def test_a_picture_is_sent_to_no_address_inside_our_network(fake: FakeRunway, tmp_path: Path) -> None:
    """Where the service names one, nothing goes there."""
    provider = RunwayProvider(fake.setup(results_from=""))
    with pytest.raises(Unavailable):
        await begun(provider, first_frame=frame(tmp_path / "large.png", 6_000_000))
    await provider.close()
    assert list(fake.uploads.values()) == [b""] * len(fake.uploads)
    assert fake.creates == 0


# --- what the operator writes ---


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"models": {"gen4.5": {"wire": {"sed": True}}}}, r"providers\.runway\.models\.gen4\.5\.wire\].*\(sed: "),
        ({"models": {"gen4.5": {"wire": {"text": {"rato": "gen4"}}}}}, r"gen4\.5\.wire\].*\(text\.rato: "),
        ({"models": {"gen4.5": {"wire": {"text": {"ratio": "gen9"}}}}}, r"gen4\.5\.wire\].*wire\.ratios\.gen9"),
        ({"models": {"gen4.5": {"wire": {"edit": {"duration": False}}}}}, r"edit needs the name of its video field"),
        ({"wire": {"inline_char": 5}}, r"providers\.runway\.wire\].*\(inline_char: "),
    ],
)
def test_a_word_that_is_none_is_told_before_money(changes: dict[str, Any], place: str) -> None:
    """A misspelt field would silently not be sent in a paid request."""
    setup = Setup(name="runway", catalog=read_catalog("runway", changes), settings={"key": "k"})
    with pytest.raises(CatalogError, match=place):
        open_provider(setup)


# --- cancelling and forgetting ---


@pytest.mark.parametrize(
    ("shown", "outcome", "is_deleted"),
    [
        (Shown.QUEUED, CancelOutcome.STOPPED, True),
        (Shown.RENDERING, CancelOutcome.MAY_STILL_COST, True),
        (Shown.DONE, CancelOutcome.MAY_STILL_COST, False),
        (Shown.FAILED, CancelOutcome.STOPPED, False),
        (Shown.GONE, CancelOutcome.MAY_STILL_COST, False),
        (Shown.UNKNOWN_WORD, CancelOutcome.MAY_STILL_COST, False),
    ],
)
async def test_a_cancel_stops_what_is_open(
    provider: RunwayProvider, fake: FakeRunway, shown: Shown, outcome: CancelOutcome, is_deleted: bool
) -> None:
    """What waits costs nothing then, what runs may; a finished one keeps its result, which was paid."""
    fake.waiting_word = "THROTTLED"
    task_id = await begun(provider)
    fake.put(shown)
    assert await provider.cancel(task_id) is outcome
    assert fake.newest.is_deleted is is_deleted


@pytest.mark.parametrize(("refund", "outcome"), [(0, CancelOutcome.STOPPED), (9, CancelOutcome.MAY_STILL_COST)])
@pytest.mark.parametrize("shown", [Shown.QUEUED, Shown.RENDERING])
async def test_what_runway_says_after_a_cancel_counts_more(
    provider: RunwayProvider, fake: FakeRunway, shown: Shown, refund: int, outcome: CancelOutcome
) -> None:
    """A task may begin between the look and the stop."""
    fake.shows_cancelled, fake.refund_credits = True, refund
    task_id = await begun(provider)
    fake.put(shown)
    assert await provider.cancel(task_id) is outcome


async def test_a_second_cancel_does_no_harm(provider: RunwayProvider, fake: FakeRunway) -> None:
    """The task is gone then, and nobody knows any more how it ended."""
    task_id = await begun(provider)
    assert await provider.cancel(task_id) is CancelOutcome.STOPPED
    assert await provider.cancel(task_id) is CancelOutcome.MAY_STILL_COST


@pytest.mark.parametrize(
    ("shown", "is_deleted"),
    [
        (Shown.DONE, True),
        (Shown.FAILED, True),
        (Shown.QUEUED, False),
        (Shown.RENDERING, False),
        (Shown.UNKNOWN_WORD, False),
    ],
)
async def test_only_what_is_finished_is_forgotten(
    provider: RunwayProvider, fake: FakeRunway, shown: Shown, is_deleted: bool
) -> None:
    """A task that we gave up and that still renders is not thrown away: it was paid. Twice is as once."""
    task_id = await begun(provider)
    fake.put(shown)
    await provider.forget(task_id)
    await provider.forget(task_id)
    assert fake.newest.is_deleted is is_deleted


# --- the fake is as the service ---


async def test_the_sdk_of_runway_takes_the_fake_for_runway(fake: FakeRunway) -> None:
    """Create, look, upload, balance, delete: its ordinary calls, its own types."""
    async with AsyncRunwayML(api_key=fake.settings["key"], base_url=fake.url, max_retries=0) as client:
        upload = await client.uploads.create_ephemeral(file=("frame.png", b"\x89PNG-and-more", "image/png"))
        assert upload.uri == "runway://upload-1"
        assert fake.uploads[upload.uri] == b"\x89PNG-and-more"
        made = await client.image_to_video.create(
            model="gen4.5", prompt_text="a lamp", duration=5, ratio="1280:720",
            prompt_image=[{"uri": upload.uri, "position": "first"}],
        )  # fmt: skip
        looks = [await client.tasks.retrieve(made.id) for _ in range(3)]
        assert [type(each).__name__.removeprefix("AsyncAwaitable") for each in looks] == [
            "Pending", "Running", "Succeeded",
        ]  # fmt: skip
        organization = await client.organization.retrieve()
        assert organization.credit_balance == 1_234
        words = await client.text_to_video.create(
            model="veo3.1_fast", prompt_text="a lamp", duration=8, ratio="1280:720"
        )
        assert words.model_dump()["estimated_cost"] == {"credits": 60}
        await client.tasks.delete(words.id)
        assert fake.tasks[words.id].is_cancelled


@pytest.mark.parametrize("shown", sorted(FakeRunway.shows - {Shown.UNKNOWN_WORD}))
async def test_an_answer_of_the_fake_is_as_described(fake: FakeRunway, shown: Shown) -> None:
    """By the stored description of Runway's API."""
    described = json.loads(needed_spec("runway-video.openapi.json").read_text())["paths"]
    given = fake.shown(FakeTask(fake.new_id(), {}), shown)
    schema = described["/v1/tasks/{id}"]["get"]["responses"].get(str(given.status), {})
    if given.status == 200:
        body = json.loads(given.text or "")
        jsonschema.Draft202012Validator(schema["content"]["application/json"]["schema"]).validate(body)
    else:
        assert given.status == 404
        assert shown is Shown.GONE


async def test_what_the_fake_says_of_uploads_creates_and_the_account_is_as_described(fake: FakeRunway) -> None:
    """By the stored description too."""
    described = json.loads(needed_spec("runway-video.openapi.json").read_text())["paths"]
    headers = {"Authorization": f"Bearer {fake.settings['key']}", "X-Runway-Version": "2024-11-06"}
    body = {"model": "gen4.5", "promptText": "a lamp", "ratio": "1280:720", "duration": 5}
    asked = [
        ("POST", "/v1/uploads", {"filename": "a.png", "type": "ephemeral"}),
        ("POST", "/v1/text_to_video", body),
        ("GET", "/v1/organization", None),
    ]
    async with httpx.AsyncClient(base_url=fake.url, headers=headers) as client:
        for method, path, sent in asked:
            given = await client.request(method, path, json=sent)
            schema = described[path][method.lower()]["responses"]["200"]["content"]["application/json"]["schema"]
            jsonschema.Draft202012Validator(schema).validate(given.json())
