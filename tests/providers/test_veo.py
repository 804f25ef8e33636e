"""Veo: what is asked, results in a folder and in the answer, its end, and Google's own client."""

from __future__ import annotations

import asyncio
import base64
import functools
import json
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import stamina
from google import genai
from google.oauth2.credentials import Credentials

from engine.errors import (
    AuthFailed,
    BadShot,
    RateLimited,
    Refused,
)
from engine.providers.base import CancelOutcome, Order, Recovery, Rendered, Rendering, Source, Work
from engine.providers.catalog import read_catalog
from engine.providers.veo import open_provider
from engine.providers.veo.provider import VeoProvider
from tests.fakes.services.base import No, Shown
from tests.fakes.services.google_cloud import TOKEN
from tests.fakes.services.veo import FakeVeo
from tests.providers.google_orders import clip, order_of, picture
from tests.specs import needed_spec

BEST, FAST, LITE = "veo-3.1-generate-001", "veo-3.1-fast-generate-001", "veo-3.1-lite-generate-001"
NAME = f"projects/p/locations/us-central1/publishers/google/models/{BEST}/operations/2f0a1c3e-0000"


@pytest.fixture(autouse=True)
def _no_waits() -> Any:
    """Tries follow each other at once."""
    with stamina.set_testing(True, attempts=4, cap=True):
        yield


@pytest.fixture
async def fake() -> AsyncIterator[FakeVeo]:
    """The service; what no client may do fails the test."""
    async with FakeVeo() as started:
        yield started
        assert started.complaints == []


@pytest.fixture
async def provider(fake: FakeVeo) -> AsyncIterator[VeoProvider]:
    """With a folder for results."""
    made = open_provider(fake.setup())
    yield made
    await made.close()


@pytest.fixture
async def plain(fake: FakeVeo) -> AsyncIterator[VeoProvider]:
    """Without a folder for results."""
    made = open_provider(fake.setup(gcs_uri=""))
    yield made
    await made.close()


async def begun(provider: VeoProvider, order: Order) -> str:
    """The task id of a render that was taken."""
    return (await provider.submit(await provider.prepare(order, "key"))).task_id


# --- what is asked ---


@functools.cache
def contract() -> Mapping[str, Any]:
    """The types of the stored description, as JSON schemas without any field beside their own."""
    document = json.loads(
        needed_spec("vertex-aiplatform-v1-predictlongrunning.discovery.json").read_text(encoding="utf-8")
    )

    def turned(part: Any) -> Any:
        if isinstance(part, list):
            return [turned(each) for each in part]
        if not isinstance(part, dict):
            return part
        if isinstance(part.get("$ref"), str):
            return {"$ref": f"#/$defs/{part['$ref']}"}
        kept = {
            key: turned(value) for key, value in part.items() if key not in {"id", "description", "enumDescriptions"}
        }
        if kept.get("type") == "any":
            del kept["type"]
        return kept

    types = {key: turned(value) for key, value in document["schemas"].items()}
    for each in types.values():
        each.setdefault("additionalProperties", False)
    return types


@functools.cache
def contract_of(name: str) -> Any:
    """One type of it."""
    return jsonschema.Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": contract()})


async def test_everything_asked_is_in_the_contract(provider: VeoProvider, fake: FakeVeo, tmp_path: Path) -> None:
    """Requests and pictures against Google's own description of them."""
    path = picture(tmp_path)
    ways: list[dict[str, Any]] = [{}, {"first_frame": path, "last_frame": path}, {"references": (path,) * 3}]
    for way in ways:
        body = (await provider.prepare(order_of(BEST, **way), "key")).request.json
        contract_of("GoogleCloudAiplatformV1PredictLongRunningRequest").validate(body)
        instance = body["instances"][0]
        images = [instance[name] for name in ("image", "lastFrame") if name in instance]
        for image in [*images, *(each["image"] for each in instance.get("referenceImages", []))]:
            contract_of("CloudAiLargeModelsVisionGenerateVideoRequestImage").validate(image)
    task_id = await begun(provider, order_of(BEST))
    fake.put(Shown.DONE)
    await provider.check(task_id)
    look = {"operationName": task_id}
    contract_of("GoogleCloudAiplatformV1FetchPredictOperationRequest").validate(look)


async def test_all_options_have_their_fields(provider: VeoProvider, tmp_path: Path) -> None:
    """Sound can be left out, a seed fits into 32 bits, results go to the operator's folder."""
    path = picture(tmp_path)
    order = order_of(FAST, first_frame=path, last_frame=path, is_silent=True, negative="people", seed=2**32 + 5)
    body = (await provider.prepare(order, "key")).request.json
    assert body["parameters"] == {
        "sampleCount": 1,
        "resolution": "720p",
        "generateAudio": False,
        "seed": 5,
        "aspectRatio": "16:9",
        "durationSeconds": 8,
        "negativePrompt": "people",
        "storageUri": "gs://films/renders/",
    }
    image = {"bytesBase64Encoded": base64.b64encode(path.read_bytes()).decode(), "mimeType": "image/png"}
    assert body["instances"] == [{"prompt": "a lamp is lit", "image": image, "lastFrame": image}]


async def test_references_are_named_as_such(provider: VeoProvider, tmp_path: Path) -> None:
    """Things and people, not a style."""
    body = (await provider.prepare(order_of(BEST, references=(picture(tmp_path),)), "key")).request.json
    assert [each["referenceType"] for each in body["instances"][0]["referenceImages"]] == ["asset"]


def source(folder: Path, task_id: str | None = None, *, seconds: float = 8, data: bytes = b"a clip of mine") -> Source:
    """A clip that is gone on from."""
    return Source(work=Work.EXTEND, video=clip(folder, data), seconds=seconds, task_id=task_id)


REFUSED_ORDERS: list[tuple[str, dict[str, Any], str]] = [
    (BEST, {"references": True, "seconds": 6}, "8 s"),
    (BEST, {"references": True, "ratio": "9:16"}, "16:9"),
    (BEST, {"source": {}, "resolution": "1080p"}, "720p"),
    (FAST, {"source": {"seconds": 40}}, "last frame"),
    (FAST, {"source": {"data": b"x" * 20_000_001}}, "too large"),
]


@pytest.mark.parametrize("case", REFUSED_ORDERS)
async def test_what_does_not_go_together_is_refused_before_it_is_asked(
    provider: VeoProvider, fake: FakeVeo, tmp_path: Path, case: tuple[str, dict[str, Any], str]
) -> None:
    """With what does."""
    model, changes, words = case
    order = order_of(model, **{key: value for key, value in changes.items() if key not in {"references", "source"}})
    if changes.get("references"):
        order = replace(order, references=(picture(tmp_path),))
    if "source" in changes:
        order = replace(order, source=source(tmp_path, **changes["source"]))
    with pytest.raises(BadShot, match=words):
        await provider.prepare(order, "key")
    assert fake.creates == 0


async def test_an_extension_has_a_price_of_its_own(provider: VeoProvider, tmp_path: Path) -> None:
    """It is always 7 s long; without sound it costs less."""
    assert str(await provider.quote(order_of(FAST, seconds=4, source=source(tmp_path)))) == "about $0.70"
    assert str(await provider.quote(order_of(FAST, seconds=4))) == "about $0.40"
    assert str(await provider.quote(order_of(FAST, seconds=4, is_silent=True))) == "about $0.32"


async def test_a_clip_is_extended_where_it_lies(provider: VeoProvider, fake: FakeVeo, tmp_path: Path) -> None:
    """In the operator's folder; a clip of elsewhere goes along with its bytes."""
    first = await begun(provider, order_of(FAST))
    fake.put(Shown.DONE)
    await begun(provider, order_of(FAST, source=source(tmp_path, first)))
    video = fake.newest.body["instances"][0]["video"]
    assert video == {"gcsUri": "gs://films/renders/000000000001/sample_0.mp4", "mimeType": "video/mp4"}
    assert not {"durationSeconds", "aspectRatio"} & set(fake.newest.body["parameters"])
    unknown = first.replace("operations/2f", "operations/3f")
    for task_id in (None, unknown):
        await begun(provider, order_of(FAST, source=source(tmp_path, task_id)))
        video = fake.newest.body["instances"][0]["video"]
        assert base64.b64decode(video["bytesBase64Encoded"]) == b"a clip of mine"
        contract_of("CloudAiLargeModelsVisionGenerateVideoRequestVideo").validate(video)


@pytest.mark.parametrize(
    ("location", "url"),
    [
        (None, "https://us-central1-aiplatform.googleapis.com"),
        ("europe-west4", "https://europe-west4-aiplatform.googleapis.com"),
        ("global", "https://aiplatform.googleapis.com"),
    ],
)
async def test_a_location_has_its_own_address(fake: FakeVeo, location: str | None, url: str) -> None:
    """And stands in the path."""
    setup = fake.setup()
    settings = {name: value for name, value in setup.settings.items() if name != "url"}
    made = open_provider(replace(setup, settings=settings | ({"location": location} if location else {})))
    assert made.wire.url == url
    path = (await made.prepare(order_of(LITE), "key")).request.path
    assert path == (
        f"v1/projects/film-project/locations/{location or 'us-central1'}/publishers/google/models/{LITE}:predictLongRunning"
    )
    await made.close()


# --- results ---


async def test_a_result_in_the_folder_is_loaded_with_our_login(
    provider: VeoProvider, fake: FakeVeo, tmp_path: Path
) -> None:
    """One token for everything; looking costs nothing."""
    task_id = await begun(provider, order_of(LITE))
    assert [await provider.check(task_id) for _ in range(2)] == [Rendering(), Rendering()]
    shown = await provider.check(task_id)
    assert shown == Rendered("gs://films/renders/000000000001/sample_0.mp4")
    await provider.fetch(task_id, shown.where, tmp_path / "clip.mp4")
    assert (tmp_path / "clip.mp4").read_bytes() == fake.clip()
    assert (fake.creates, fake.tokens.asked) == (1, 1)


async def test_a_result_in_the_answer_is_asked_for_again(
    plain: VeoProvider, fake: FakeVeo, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing of it is remembered or logged."""
    caplog.set_level(logging.DEBUG, logger="engine")
    task_id = await begun(plain, order_of(LITE))
    fake.put(Shown.DONE)
    shown = await plain.check(task_id)
    assert shown == Rendered("inline")
    await plain.fetch(task_id, shown.where, tmp_path / "clip.mp4")
    assert (tmp_path / "clip.mp4").read_bytes() == fake.clip()
    assert base64.b64encode(fake.clip())[:40].decode() not in caplog.text
    assert "storageUri" not in fake.newest.body["parameters"]


async def test_a_render_that_is_refused_meanwhile_is_not_fetched(
    plain: VeoProvider, fake: FakeVeo, tmp_path: Path
) -> None:
    """The answer is read anew, and believed."""
    task_id = await begun(plain, order_of(LITE))
    fake.put(Shown.REFUSED)
    with pytest.raises(Refused):
        await plain.fetch(task_id, "inline", tmp_path / "clip.mp4")


async def test_a_missing_login_is_found_before_anything_is_asked(fake: FakeVeo) -> None:
    """While it is still free."""
    fake.tokens.status = 400
    made = open_provider(fake.setup())
    with pytest.raises(AuthFailed):
        await made.prepare(order_of(LITE), "key")
    assert fake.creates == 0
    await made.close()


async def test_how_long_to_wait_is_told(provider: VeoProvider, fake: FakeVeo) -> None:
    """In the body, as all of Google's services do."""
    fake.retry_after_s = 33
    fake.next_no = [No.RATE]
    with pytest.raises(RateLimited) as raised:
        await begun(provider, order_of(LITE))
    assert raised.value.retry_after_s == 33


async def test_what_veo_cannot_do_is_not_pretended(provider: VeoProvider) -> None:
    """No cancel, no list."""
    assert await provider.cancel(NAME) is CancelOutcome.MAY_STILL_COST
    assert provider.recovery is Recovery.NONE


def test_its_end_is_warned_of() -> None:
    """A day on which it may end is no end: it is offered, with a warning and what to use instead."""
    models = read_catalog("veo").models
    for name in (BEST, FAST):
        can = models[name].abilities
        assert "2026-11-17" in can.note
        assert (can.ends_on, can.closed, can.substitute) == (None, "", "google gemini-omni-1.2-flash")
    assert next(iter(models)) == LITE


# --- the fake is the service ---


async def test_the_fakes_answers_are_as_the_contract_has_them(
    provider: VeoProvider, plain: VeoProvider, fake: FakeVeo
) -> None:
    """Every stage of an operation, and the video in it, in both forms."""
    for made in (provider, plain):
        await begun(made, order_of(LITE))
        for stage in (Shown.RENDERING, Shown.DONE, Shown.FAILED, Shown.REFUSED, Shown.NO_VIDEO):
            said = json.loads(str(fake.shown(fake.newest, stage).text))
            contract_of("GoogleLongrunningOperation").validate(said)
            response = {key: value for key, value in said.get("response", {}).items() if key != "@type"}
            contract_of("CloudAiLargeModelsVisionGenerateVideoResponse").validate(response)


async def test_googles_own_client_works_on_the_fake(fake: FakeVeo, tmp_path: Path) -> None:
    """Create with both frames, look until done: in a folder, and in the answer."""
    frame = picture(tmp_path).read_bytes()
    fake.script = (Shown.RENDERING, Shown.DONE)

    def talk(folder: str | None) -> Any:
        client: Any = genai.Client(
            vertexai=True,
            project="film-project",
            location="us-central1",
            credentials=Credentials(token=TOKEN),  # type: ignore[no-untyped-call]  # the library has no types there
            http_options={"base_url": fake.url, "api_version": "v1"},
        )
        image = genai.types.Image(image_bytes=frame, mime_type="image/png")
        config: dict[str, Any] = {
            "number_of_videos": 1, "duration_seconds": 8, "aspect_ratio": "16:9", "resolution": "720p",
            "generate_audio": True, "seed": 7, "last_frame": image, "output_gcs_uri": folder,
        }  # fmt: skip
        operation = client.models.generate_videos(
            model=LITE, source={"prompt": "a lamp is lit", "image": image}, config=config
        )
        looks = 0
        while not operation.done:
            looks += 1
            operation = client.operations.get(operation)
        client.close()
        assert looks == 2
        return operation.result.generated_videos[0].video

    assert (await asyncio.to_thread(talk, "gs://films/theirs/")).uri == "gs://films/theirs/000000000001/sample_0.mp4"
    assert (await asyncio.to_thread(talk, None)).video_bytes == fake.clip()
    assert fake.creates == 2


async def test_we_ask_as_googles_own_client_does(provider: VeoProvider, fake: FakeVeo, tmp_path: Path) -> None:
    """The very same body for the very same shot."""
    path = picture(tmp_path)
    await begun(provider, order_of(LITE, first_frame=path, last_frame=path, negative="people"))

    def talk() -> None:
        client: Any = genai.Client(
            vertexai=True,
            project="film-project",
            location="us-central1",
            credentials=Credentials(token=TOKEN),  # type: ignore[no-untyped-call]  # the library has no types there
            http_options={"base_url": fake.url, "api_version": "v1"},
        )
        image = genai.types.Image(image_bytes=path.read_bytes(), mime_type="image/png")
        config: dict[str, Any] = {
            "number_of_videos": 1, "duration_seconds": 8, "aspect_ratio": "16:9", "resolution": "720p",
            "generate_audio": True, "seed": 7, "last_frame": image, "output_gcs_uri": "gs://films/renders/",
            "negative_prompt": "people",
        }  # fmt: skip
        client.models.generate_videos(model=LITE, source={"prompt": "a lamp is lit", "image": image}, config=config)
        client.close()

    await asyncio.to_thread(talk)
    ours, theirs = (task.body for task in fake.tasks.values())
    assert ours == theirs
