"""What is sent to servers of the `/v1/videos` shape, by the stored contract and their tables; the fakes by OpenAI's own client."""

from __future__ import annotations

import json
import tomllib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import openai
import pytest
from PIL import Image

from engine.providers.base import Order, Recovery, Source, Work
from engine.providers.catalog import CatalogError, Setup, read_catalog
from engine.providers.openai_videos import open_provider
from engine.providers.openai_videos.quirks import Quirks, size_of
from engine.providers.openai_videos.requests import task_path
from tests.fakes.services.base import Shown
from tests.fakes.services.openai import FakeOpenai, row
from tests.fakes.services.openai_servers import FakeNewApi, FakeSglang, FakeVllmOmni
from tests.specs import ROOT, needed_spec

ORDER = Order(prompt="a lamp", seconds=4, ratio="16:9", resolution="720p", seed=7, style="default", model="sora-2")
OWN: dict[str, Any] = {"wire": {"preset": "vllm-omni"}, "models": {"one": row()}}


def opened(changes: dict[str, Any], url: str = "http://127.0.0.1:9/v1") -> Any:
    """A provider of an operator's table."""
    return open_provider(
        Setup(name="mine", catalog=read_catalog("openai", changes, name="mine"), settings={"url": url})
    )


def schema(name: str) -> dict[str, Any]:
    """One schema of the stored contract with all that it refers to."""
    found = json.loads(needed_spec("openai-videos.openapi.json").read_text())
    return {"$ref": f"#/components/schemas/{name}", "components": found["components"]}


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A frame."""
    path = tmp_path / "frame.png"
    Image.effect_noise((128, 72), 60).convert("RGB").save(path)
    return path


@pytest.fixture
async def fake() -> AsyncIterator[FakeOpenai]:
    """OpenAI's own as it was; what no client may do fails the test."""
    async with FakeOpenai() as started:
        yield started
        assert started.complaints == []


@pytest.mark.parametrize("create_as", ["multipart", "json"])
async def test_creates_are_as_the_contract_has_them(fake: FakeOpenai, picture: Path, create_as: str) -> None:
    """With and without a picture, as a form or as JSON."""
    wire = {"preset": "openai", "create_as": create_as, "image_as": "file" if create_as == "multipart" else "object"}
    provider = open_provider(fake.setup({"wire": wire}))
    body = schema("CreateVideoMultipartBody" if create_as == "multipart" else "CreateVideoJsonBody")
    for order in (ORDER, replace(ORDER, first_frame=picture, seconds=8, ratio="9:16")):
        await provider.submit(await provider.prepare(order, "key"))
        sent = dict(fake.newest.body)
        if create_as == "multipart" and order.first_frame:
            assert sent["input_reference"] == [
                {"file": "frame.png", "type": "image/png", "bytes": picture.stat().st_size}
            ]
            sent["input_reference"] = "bytes"
        jsonschema.validate(sent, body)
    assert sent["size"] == "720x1280"
    await provider.close()


@pytest.mark.parametrize(
    ("work", "name"),
    [
        (Work.REMIX, "CreateVideoRemixBody"),
        (Work.EDIT, "CreateVideoEditJsonBody"),
        (Work.EXTEND, "CreateVideoExtendJsonBody"),
    ],
)
async def test_works_on_a_clip_are_as_the_contract_has_them(
    fake: FakeOpenai, work: Work, name: str, tmp_path: Path
) -> None:
    """By the id that the server has for it."""
    provider = open_provider(fake.setup())
    first = (await provider.submit(await provider.prepare(ORDER, "key"))).task_id
    source = Source(work=work, video=tmp_path / "unused", seconds=4, task_id=first)
    prepared = await provider.prepare(replace(ORDER, source=source), "key")
    jsonschema.validate(prepared.request.json, schema(name))
    await provider.submit(prepared)
    assert fake.newest.body["from"] == first
    await provider.close()


async def test_the_fake_answers_as_the_contract_has_it(fake: FakeOpenai) -> None:
    """A render at every stage, the list, and what was deleted."""
    provider = open_provider(fake.setup())
    await provider.submit(await provider.prepare(ORDER, "key"))
    for shown in (Shown.QUEUED, Shown.RENDERING, Shown.DONE, Shown.FAILED, Shown.REFUSED):
        jsonschema.validate(fake.video(fake.newest, shown), schema("VideoResource"))
    rows = [fake.video(fake.newest, Shown.DONE)]
    jsonschema.validate(fake.page(rows, has_more=False), schema("VideoListResource"))
    fake.put(Shown.DONE)
    jsonschema.validate(json.loads(fake.deleted(fake.newest).body), schema("DeletedVideoResource"))  # type: ignore[arg-type]
    await provider.close()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the client says of each of these calls that it has ended
async def test_openais_own_client_works_with_the_fake(fake: FakeOpenai, picture: Path) -> None:
    """All its calls on videos."""
    async with openai.AsyncOpenAI(api_key=fake.settings["key"], base_url=f"{fake.url}/v1", max_retries=0) as client:
        made = await client.videos.create(
            prompt="a lamp", model="sora-2", seconds="4", size="1280x720", input_reference=picture
        )
        assert (made.status, made.prompt, made.seconds) == ("queued", "a lamp", "4")
        stages = [(await client.videos.retrieve(made.id)).status for _ in range(3)]
        assert stages == ["queued", "in_progress", "completed"]
        thumbnail = await client.videos.download_content(made.id, variant="thumbnail")
        assert (await thumbnail.aread()).endswith(b"thumbnail")
        remixed = await client.videos.remix(made.id, prompt="at night")
        assert remixed.remixed_from_video_id == made.id
        await client.videos.edit(prompt="at night", video=picture)  # it cannot send an id, though its types have it
        await client.videos.extend(prompt="and on", seconds="4", video=picture)
        assert fake.newest.body["video"][0]["file"] == "frame.png"
        listed = [each.id async for each in await client.videos.list(limit=2)]
        assert listed == list(reversed(fake.tasks))
        assert (await client.videos.delete(made.id)).deleted
        with pytest.raises(openai.NotFoundError):
            await client.videos.retrieve(made.id)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("kind", [FakeVllmOmni, FakeNewApi])
async def test_openais_own_client_works_with_the_fakes_of_others(
    kind: type[FakeOpenai], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As their users use them: create, look, load."""
    async with kind() as fake, openai.AsyncOpenAI(api_key="x", base_url=f"{fake.url}/v1", max_retries=0) as client:
        monkeypatch.setattr(fake, "is_allowed", lambda _: True)  # the client sends a key always
        made = await client.videos.create(prompt="a lamp", model=fake.model, seconds="5", size="832x480")  # type: ignore[arg-type]
        fake.put(Shown.DONE)
        assert (await client.videos.retrieve(made.id)).status == "completed"
        assert await (await client.videos.download_content(made.id)).aread() == fake.clip()


async def test_all_that_a_server_takes_is_sent_in_its_form(picture: Path) -> None:
    """Seed, negative words, sound and the number of frames; two frames in the field for many."""
    wire = {"frames_field": "num_frames", "frames_fps": 16, "frames_plus": 1, "extra": {"num_inference_steps": 30}}
    able = row(last_frame=True, seed=True, negative=True, audio=True, audio_choice=True, wire=wire)
    provider = opened({**OWN, "models": {"one": able}})
    order = replace(ORDER, model="one", negative="rain", is_silent=True, first_frame=picture, last_frame=picture)
    request = (await provider.prepare(order, "key")).request
    assert request.form == {
        "model": "one", "prompt": "a lamp", "size": "1280x720", "seconds": "4", "seed": "7", "num_frames": "65",
        "negative_prompt": "rain", "generate_sound": "false", "num_inference_steps": "30",
    }  # fmt: skip
    assert [file[0] for file in request.files] == ["input_references"] * 2
    await provider.close()


async def test_json_has_numbers_and_the_picture_as_the_server_reads_it(picture: Path) -> None:
    """SGLang's `reference_url` is an address, a data URI too."""
    wire = {"preset": "sglang", "create_as": "json", "image_as": "data_url", "image_field": "reference_url"}
    provider = opened({"wire": {**wire, "size_as": "sides", "ratio_field": "aspect_ratio"}, "models": {"one": row()}})
    request = (await provider.prepare(replace(ORDER, model="one", first_frame=picture), "key")).request
    assert str(request.json.pop("reference_url")).startswith("data:image/png;base64,")
    assert request.json == {
        "model": "one", "prompt": "a lamp", "width": 1280, "height": 720, "seconds": 4, "aspect_ratio": "16:9", "seed": 7,
    }  # fmt: skip
    await provider.close()


async def test_json_to_a_server_that_reads_forms_only_is_told() -> None:
    """As vLLM-Omni refuses it; nothing was rendered."""
    async with FakeVllmOmni() as fake:
        provider = open_provider(fake.setup({"wire": {"preset": "vllm-omni", "create_as": "json"}}))
        prepared = await provider.prepare(replace(ORDER, model="wan"), "key")
        with pytest.raises(Exception, match="cannot do this shot: prompt: Field required"):
            await provider.submit(prepared)
        assert not fake.tasks
        await provider.close()
    async with FakeSglang() as fake:
        provider = open_provider(fake.setup({"wire": {"preset": "sglang", "create_as": "json"}}))
        await provider.submit(await provider.prepare(replace(ORDER, model=fake.model), "key"))
        assert fake.newest.body["seconds"] == 4
        await provider.close()


@pytest.mark.parametrize(
    ("ratio", "resolution", "size"),
    [
        ("16:9", "720p", (1280, 720)), ("9:16", "720p", (720, 1280)), ("16:9", "1080p", (1920, 1080)),
        ("1:1", "480p", (480, 480)), ("16:9", "480p", (832, 480)), ("9:16", "480p", (480, 848)),
        ("21:9", "720p", (1680, 720)), ("16:9", "4k", (3840, 2160)), ("3:4", "768p", (768, 1024)),
    ],
)  # fmt: skip
def test_a_size_is_as_named_else_by_the_shorter_side(ratio: str, resolution: str, size: tuple[int, int]) -> None:
    """The longer side is a multiple of 16."""
    assert size_of(ratio, resolution, Quirks(sizes={"16:9": {"480p": "832x480"}})) == size


def test_an_id_is_never_a_path() -> None:
    """They are whatever a server makes, and come back from our database."""
    assert task_path("a/../b?c=d", Quirks(), "/content") == "videos/a%2F..%2Fb%3Fc%3Dd/content"


@pytest.mark.parametrize(
    ("wire", "more", "sentence"),
    [
        ({"preset": "vllm"}, {}, "one of azure, litellm, new-api, openai, plain, sglang, vllm-omni"),
        ({"preset": "sglang", "create_as": "xml"}, {}, "create_as"),
        ({"preset": "sglang", "colour": 1}, {}, "colour"),
        ({"preset": "sglang", "sizes": {"16:9": {"480p": "big"}}}, {}, "sizes"),
        ({"preset": "sglang"}, {"extend": True}, "needs the route extensions"),
        ({"preset": "sglang"}, {"references": 2}, "many_field"),
        ({"preset": "sglang"}, {"last_frame": True}, "last_field"),
        ({"preset": "vllm-omni"}, {"last_frame": True, "last_needs_first": False}, "without a first one"),
        ({"preset": "openai"}, {"seed": True}, "seed_field"),
        ({"preset": "openai"}, {"negative": True}, "negative_field"),
        ({"preset": "openai"}, {"audio_choice": True}, "sound_field"),
        ({"preset": "openai"}, {"resolutions": ["fine"]}, "wire.sizes"),
    ],
)
def test_a_table_that_cannot_work_is_told_when_it_is_read(wire: dict[str, Any], more: Any, sentence: str) -> None:
    """By its place, before any request."""
    with pytest.raises(CatalogError, match="providers.mine") as raised:
        opened({"wire": wire, "models": {"one": row(**more)}})
    assert sentence in str(raised.value)


def test_openais_rows_hold_at_openais_address_only() -> None:
    """Ended, with what to use instead; another server has its own models, and a name for people of its own."""
    own = open_provider(Setup(name="openai", catalog=read_catalog("openai"), settings={"key": "x"}))
    assert {name: (can.ends_on, can.substitute) for name, can in own.models.items()} == dict.fromkeys(
        ("sora-2", "sora-2-pro"), (date(2026, 9, 24), "google gemini-omni-1.2-flash")
    )
    assert all(can.closed for can in own.models.values())
    assert own.recovery is Recovery.LOOKUP
    assert opened({"models": {"one": row()}}).quirks == Quirks()
    other = opened(OWN)
    assert list(other.models) == ["one"]
    assert other.wire.service == "mine"
    with pytest.raises(CatalogError, match="names no model"):
        opened({"wire": {"preset": "sglang"}})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("path", "render"), ("proof", ["url"]), ("result", ["url"]), ("query", {"a": "b"}), ("failed_is_billed", "no"),
        ("key_header", "x-key"), ("list_is_whole", True), ("waiting_words", ["unknown"]),
    ],
)  # fmt: skip
def test_what_holds_for_a_whole_server_is_not_said_of_one_model(key: str, value: object) -> None:
    """A render is looked at by its id alone: it would be asked for in one place and looked for in another."""
    with pytest.raises(CatalogError, match=rf"one.*{key} can only be said of the whole server"):
        opened({"models": {"one": row(wire={key: value})}})


def test_the_examples_of_the_catalog_work() -> None:
    """As they stand, without the signs of a comment."""
    text = (
        (ROOT / "engine" / "providers" / "catalogs" / "openai.toml").read_text().partition("# End of the examples")[0]
    )
    tables: dict[str, Any] = {}
    for example in text.split("# Example: ")[1:]:
        lines = [line.removeprefix("# ").removeprefix("#") for line in example.splitlines()[1:]]
        tables |= tomllib.loads("\n".join(lines))["providers"]
    assert set(tables) == {"studio", "sglang", "proxy", "azure"}
    for name, table in tables.items():
        url = table.pop("url")
        catalog = read_catalog(table.pop("kind"), table, name=name)
        made = open_provider(Setup(name=name, catalog=catalog, settings={"url": url}))
        assert len(made.models) == 1
