"""KIE.ai against its fake: what is refused before money, where pictures go, Veo's own routes, whose calls are believed."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from engine.errors import (
    AuthFailed,
    BadShot,
    Lost,
    ModelRetired,
    OutOfCredit,
    ProviderError,
    RateLimited,
    Refused,
    Unavailable,
    Unconfirmed,
)
from engine.providers.base import Hook, Hooked, Queued, Recovery, Rendered, Rendering, Source, Work
from engine.providers.catalog import CatalogError, Setup, read_catalog
from engine.providers.kie import KieProvider, open_provider
from engine.providers.kie.answers import read_hook
from tests.fakes.services.base import FileFault, Shown
from tests.fakes.services.kie import WEBHOOK_KEY, FakeKie
from tests.providers.kie_orders import CATALOG, OPEN_ROWS, order_of

KEY = "1-abcdef0123456789"


@pytest.fixture
async def fake() -> AsyncIterator[FakeKie]:
    """The service, as servers on loopback; what no client may do fails the test."""
    async with FakeKie() as started:
        yield started
        assert started.complaints == []


@pytest.fixture
async def provider(fake: FakeKie) -> AsyncIterator[KieProvider]:
    """The provider, speaking to the fake."""
    made = open_provider(fake.setup(webhook_key=WEBHOOK_KEY))
    yield made
    await made.close()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A picture within every row's limits."""
    return _picture(tmp_path / "one.png", 90)


def _picture(path: Path, grey: int) -> Path:
    Image.new("RGB", (640, 360), (grey, grey, grey)).save(path)
    return path


@pytest.mark.parametrize(
    ("status", "body", "raises"),
    [
        (500, '{"code": 500, "msg": "This interface is temporarily paused."}', ModelRetired),
        (422, '{"code": 422, "msg": "duration must be one of 5, 10"}', BadShot),
        (500, '{"code": 500, "msg": "Server exception"}', Unconfirmed),
        (502, "<html>", Unconfirmed),
    ],
)
async def test_a_bad_http_status_with_kies_own_body_is_read(
    fake: FakeKie, provider: KieProvider, status: int, body: str, raises: type[ProviderError]
) -> None:
    """Its own sentence says more than the status; a gateway's page leaves the request in doubt."""
    fake.next_answers = [(status, body)]
    with pytest.raises(raises):
        await provider.submit(await provider.prepare(order_of(), KEY))
    assert fake.creates == 1


async def test_a_record_that_is_not_there_yet_is_not_lost(
    fake: FakeKie, provider: KieProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Right after the create the record may be null; later that is the end. A process that did not send it cannot know."""
    task_id = (await provider.submit(await provider.prepare(order_of(), KEY))).task_id
    fake.null_records = 3
    assert await provider.check(task_id) == Queued()
    later = open_provider(fake.setup())
    with pytest.raises(Unavailable):
        await later.check(task_id)
    await later.close()
    monkeypatch.setattr("engine.providers.kie.provider.NEW_S", 0.0)
    with pytest.raises(Lost):
        await provider.check(task_id)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"models": {"minimax-h3": {"wire": {"sed": "seed"}}}}, r"providers\.kie\.models\.minimax-h3\.wire\].*\(sed: "),
        ({"models": {"wan-3.0": {"wire": {"text": {"fixd": {}}}}}}, r"wan-3\.0\.wire\].*\(text\.fixd: "),
        ({"models": {"wan-3.0": {"wire": {"sound": True}}}}, r"wan-3\.0\.wire\].*\(sound: "),
        ({"models": {"wan-3.0": {"wire": {"extend": {"id": "x"}}}}}, r"extend needs a path"),
        ({"wire": {"usd_per_credits": 1}}, r"providers\.kie\.wire\].*\(usd_per_credits: "),
        ({"wire": {"usd_per_credit": float("nan")}}, r"providers\.kie\.wire\].*\(usd_per_credit: "),
    ],
)
def test_a_word_that_is_none_is_told_before_money(changes: dict[str, Any], place: str) -> None:
    """A misspelt field would silently not be sent in a paid request."""
    setup = Setup(name="kie", catalog=read_catalog("kie", changes), settings={"key": "k"})
    with pytest.raises(CatalogError, match=place):
        open_provider(setup)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("grok-imagine-1.5", {"references": 2, "resolution": "1080p"}),
        ("wan-2.7", {"references": 2, "seconds": 12}),
        ("veo3-fast", {"references": 1, "seconds": 4}),
        ("kling-3.0", {"references": 1}),
        ("gemini-omni", {"first_frame": 1}),
    ],
)
async def test_what_a_form_cannot_do_is_refused_before_any_request(
    fake: FakeKie, provider: KieProvider, picture: Path, name: str, changes: dict[str, Any]
) -> None:
    """A limit of one form that the row's abilities cannot say: nothing is uploaded, nothing paid."""
    given = {
        "references": (picture,) * changes.get("references", 0),
        "first_frame": picture if "first_frame" in changes else None,
    }
    with pytest.raises(BadShot):
        await provider.prepare(order_of(name, **{**changes, **given}), KEY)
    assert not fake.seen


@pytest.mark.parametrize("name", [name for name in CATALOG.models if name not in OPEN_ROWS])
async def test_a_closed_row_says_why_and_what_instead(fake: FakeKie, provider: KieProvider, name: str) -> None:
    """Without any request; the substitute lives."""
    with pytest.raises(ModelRetired, match=r"paused Sora 2 .* Use kie [a-z0-9.-]+ instead\."):
        await provider.prepare(order_of(name), KEY)
    assert not fake.seen
    assert CATALOG.models[name].abilities.substitute.split()[1] in OPEN_ROWS


async def test_kie_is_told_where_to_call_only_where_it_can(fake: FakeKie) -> None:
    """With an address of ours, in each route's own place."""
    setup = fake.setup()
    for name in ("minimax-h3", "veo3-fast"):
        for url in (None, "https://bot.example/hooks/kie"):
            made = open_provider(Setup(name="kie", catalog=setup.catalog, settings=setup.settings, callback_url=url))
            assert (await made.prepare(order_of(name), KEY)).request.json.get("callBackUrl") == url
            await made.close()


# --- pictures ---


async def test_a_picture_is_uploaded_and_its_address_is_sent(
    fake: FakeKie, provider: KieProvider, tmp_path: Path, picture: Path
) -> None:
    """Both frames, byte for byte, on the upload host; the paid request has only addresses."""
    other = _picture(tmp_path / "two.png", 200)
    prepared = await provider.prepare(order_of(first_frame=picture, last_frame=other), KEY)
    given = prepared.request.json["input"]
    assert fake.uploads[given["first_frame_url"]] == picture.read_bytes()
    assert fake.uploads[given["last_frame_url"]] == other.read_bytes()
    assert prepared.notes == ()
    await provider.submit(prepared)
    assert fake.creates == 1


async def test_a_large_picture_goes_as_a_stream(fake: FakeKie, picture: Path) -> None:
    """Base64 is for small ones; the same bytes arrive."""
    made = open_provider(fake.setup({"wire": {"base64_most_bytes": 100}}))
    prepared = await made.prepare(order_of(first_frame=picture), KEY)
    assert fake.seen["POST /api/file-stream-upload"] == 1
    assert fake.uploads[prepared.request.json["input"]["first_frame_url"]] == picture.read_bytes()
    await made.close()


async def test_either_name_of_an_uploads_address_will_do(fake: FakeKie, provider: KieProvider, picture: Path) -> None:
    """Its pages differ."""
    fake.says_file_url = True
    prepared = await provider.prepare(order_of(first_frame=picture), KEY)
    assert prepared.request.json["input"]["first_frame_url"] in fake.uploads


async def test_preparing_again_overwrites_nobodys_picture(
    fake: FakeKie, provider: KieProvider, tmp_path: Path, picture: Path
) -> None:
    """The same order has the same name, another picture or another order another one."""
    other = _picture(tmp_path / "two.png", 200)
    for order, key in ((picture, KEY), (picture, KEY), (other, KEY), (picture, "2-of-another-job")):
        await provider.prepare(order_of(first_frame=order), key)
    assert len(fake.names) == 3
    assert not any(KEY in name for name in fake.names)


@pytest.mark.parametrize(
    ("fault", "raises"),
    [
        ((200, 400, "Invalid base64 data"), BadShot),
        ((200, 401, "Unauthorized"), AuthFailed),
        ((200, 402, "Credits insufficient"), OutOfCredit),
        ((200, 429, "Too many"), RateLimited),
        ((200, 404, "Not found"), BadShot),
        ((200, 500, "Internal server error"), Unavailable),
        ((200, 505, "disabled"), Unavailable),
        ((200, 200, "no address"), Unavailable),
    ],
)
async def test_a_failed_upload_has_its_cause(
    fake: FakeKie, provider: KieProvider, picture: Path, fault: tuple[int, int, str], raises: type[ProviderError]
) -> None:
    """And costs nothing, so what may pass is asked for again by whoever prepares again."""
    fake.upload_faults = [fault]
    with pytest.raises(raises) as raised:
        await provider.prepare(order_of(first_frame=picture), KEY)
    assert raised.value.billed == "no"
    await provider.prepare(order_of(first_frame=picture), KEY)
    assert fake.creates == 0


# --- the Veo routes ---


async def test_a_veo_task_remembers_its_route(
    fake: FakeKie, provider: KieProvider, picture: Path, tmp_path: Path
) -> None:
    """Its id says it, also to a provider that was opened later."""
    prepared = await provider.prepare(order_of("veo3-fast", first_frame=picture), KEY)
    assert prepared.request.json["generationType"] == "FIRST_AND_LAST_FRAMES_2_VIDEO"
    task_id = (await provider.submit(prepared)).task_id
    assert task_id.startswith("veo:")
    later = open_provider(fake.setup())
    assert await later.check(task_id) == Rendering()
    fake.put(Shown.DONE)
    done = await later.check(task_id)
    assert isinstance(done, Rendered)
    await later.fetch(task_id, done.where, tmp_path / "clip.mp4")
    assert (tmp_path / "clip.mp4").read_bytes() == fake.clip()
    await later.close()


async def test_veo_goes_on_from_a_clip_of_its_own(fake: FakeKie, provider: KieProvider) -> None:
    """By its task; a clip of another model is refused with what to do, before any request."""
    task_id = (await provider.submit(await provider.prepare(order_of("veo3-fast"), KEY))).task_id
    source = Source(work=Work.EXTEND, video=Path("clip.mp4"), seconds=8, task_id=task_id)
    prepared = await provider.prepare(order_of("veo3-fast", source=source), KEY)
    wanted = {"taskId": task_id.removeprefix("veo:"), "prompt": "a lamp is lit", "model": "fast"}
    assert prepared.request.json == wanted
    assert (await provider.submit(prepared)).task_id.startswith("veo:")
    for foreign in (None, "task-of-a-job"):
        with pytest.raises(Refused, match="/continue from the last frame"):
            await provider.prepare(order_of("veo3-fast", source=replace(source, task_id=foreign)), KEY)
    with pytest.raises(BadShot, match="does not take a clip to change"):
        await provider.prepare(order_of("veo3-fast", source=replace(source, work=Work.EDIT)), KEY)


# --- results ---


async def test_a_result_that_cannot_be_had_is_asked_for_by_a_direct_link(
    fake: FakeKie, provider: KieProvider, tmp_path: Path
) -> None:
    """Once; where KIE gives none, it is asked for again later."""
    task_id = (await provider.submit(await provider.prepare(order_of(), KEY))).task_id
    fake.put(Shown.DONE)
    done = await provider.check(task_id)
    assert isinstance(done, Rendered)
    fake.file_faults = [FileFault.EXPIRED]
    with pytest.raises(Unavailable):
        await provider.fetch(task_id, done.where, tmp_path / "clip.mp4")
    fake.gives_links = True  # the address of that look is over for good
    await provider.fetch(task_id, done.where, tmp_path / "clip.mp4")
    assert (tmp_path / "clip.mp4").read_bytes() == fake.clip()
    assert fake.links == 1


async def test_what_it_cost_is_told(fake: FakeKie, provider: KieProvider) -> None:
    """48 credits at half a cent."""
    task_id = (await provider.submit(await provider.prepare(order_of(), KEY))).task_id
    fake.put(Shown.DONE)
    done = await provider.check(task_id)
    assert isinstance(done, Rendered)
    assert done.usd == Decimal("0.24")


async def test_a_lost_answer_cannot_be_looked_up(provider: KieProvider) -> None:
    """KIE lists nothing and takes no id of ours."""
    assert provider.recovery is Recovery.NONE


@pytest.mark.parametrize(("told", "left"), [(1080.5, Decimal("1080.5")), (0, Decimal(0)), (None, None)])
async def test_the_balance_is_read_for_the_doctor(
    fake: FakeKie, provider: KieProvider, told: float | None, left: Decimal | None
) -> None:
    """Half a cent a credit; None where it is not said."""
    fake.credits = told
    assert await provider.balance_usd() == (None if left is None else left * Decimal("0.005"))


async def test_a_wrong_key_is_told_by_the_balance(fake: FakeKie) -> None:
    """Which makes it the doctor's question."""
    made = open_provider(fake.setup(key="of-somebody-else"))
    with pytest.raises(AuthFailed):
        await made.balance_usd()
    await made.close()


# --- calls ---


async def test_a_signed_call_names_its_task(fake: FakeKie, provider: KieProvider) -> None:
    """A job's as it is, a Veo render's with its route."""
    assert isinstance(provider, Hooked)
    for name, prefix in (("minimax-h3", ""), ("veo3-fast", "veo:")):
        task_id = (await provider.submit(await provider.prepare(order_of(name), KEY))).task_id
        assert task_id == prefix + fake.newest.id
        assert await provider.heard(fake.call(fake.newest)) == task_id


async def test_a_call_is_believed_only_as_kie_signs_it(fake: FakeKie, provider: KieProvider) -> None:
    """Another key, another task under the same signature, an old one, one of the future, none: not a word."""
    await provider.submit(await provider.prepare(order_of(), KEY))
    good = fake.call(fake.newest)
    assert await provider.heard(fake.call(fake.newest, key="another")) is None
    assert await provider.heard(Hook(good.headers, good.body.replace(b"task-1", b"task-2"))) is None
    for away_s in (-301, 301):
        assert await provider.heard(fake.call(fake.newest, at_s=time.time() + away_s)) is None
    assert await provider.heard(Hook({}, good.body)) is None
    unkeyed = open_provider(fake.setup())
    assert await unkeyed.heard(good) is None
    await unkeyed.close()


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b'"x"', b'{"data": null}', b'{"data": {"taskId": 7}}', b"\xff", b"[" * 200_000,
        b'{"data": {"taskId": "\\ud800"}}',
    ],
)  # fmt: skip
def test_a_call_of_another_shape_is_nothing(body: bytes) -> None:
    """Whatever comes to an open address, it raises nothing."""
    headers = {"x-webhook-timestamp": "1000", "x-webhook-signature": "é"}
    assert read_hook(Hook(headers, body), WEBHOOK_KEY, 1000.0) is None


def test_a_call_with_a_strange_time_is_nothing() -> None:
    """A digit of another script is no time."""
    for told in ("", "-5", "1e3", "٣٤", "9" * 40):
        assert read_hook(Hook({"x-webhook-timestamp": told}, b'{"data": {"taskId": "t"}}'), WEBHOOK_KEY, 5.0) is None
