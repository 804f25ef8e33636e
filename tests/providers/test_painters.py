"""What every image maker has to be, run over both against fakes that count what costs money."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from google import genai
from google.genai import types
from openai import AsyncOpenAI
from PIL import Image

from engine.errors import (
    AuthFailed,
    BadShot,
    Billed,
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
)
from engine.providers import gemini_images, openai_images, wire
from engine.providers.answers import Answer
from engine.providers.catalog import Setup, read_catalog
from engine.providers.painter import Painter, PictureOrder, size_for, words_for
from tests.fakes.clock import FakeClock
from tests.fakes.services.base import No
from tests.fakes.services.gemini_images import FakeGeminiImages
from tests.fakes.services.openai_images import FakeOpenAiImages
from tests.fakes.services.pictures import png
from tests.house import opened_house

Fake = FakeOpenAiImages | FakeGeminiImages


@dataclass(frozen=True, slots=True)
class Case:
    """One image maker under test."""

    fake: type[FakeOpenAiImages] | type[FakeGeminiImages]
    open: Callable[[Setup], Painter]
    model: str


PAINTERS = {
    "openai_images": Case(FakeOpenAiImages, openai_images.open_painter, "gpt-image-2"),
    "gemini_images": Case(FakeGeminiImages, gemini_images.open_painter, "gemini-nano-banana-2.1"),
}


@pytest.fixture(params=sorted(PAINTERS))
def case(request: pytest.FixtureRequest) -> Case:
    return PAINTERS[request.param]


@pytest.fixture
async def fake(case: Case) -> AsyncIterator[Fake]:
    """The service, as a server on loopback; what no client may do fails the test."""
    async with case.fake() as started:
        yield started
        assert started.complaints == []


@pytest.fixture
async def painter(case: Case, fake: Fake) -> AsyncIterator[Painter]:
    made = case.open(fake.setup())
    yield made
    await made.close()


@pytest.fixture
def order(case: Case) -> PictureOrder:
    return PictureOrder(prompt="a lighthouse “keeper”", ratio="16:9", resolution="720p", model=case.model)


@pytest.fixture
def frame(tmp_path: Path) -> Path:
    path = tmp_path / "frame.png"
    path.write_bytes(png(1280, 720, (200, 30, 30)))
    return path


async def painted(painter: Painter, order: PictureOrder, tmp_path: Path) -> tuple[Image.Image, tuple[Any, ...]]:
    into = tmp_path / "painted.png"
    said = await painter.paint(await painter.prepare(order, "key"), into)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("painted")] == ["painted.png"]
    with Image.open(into) as image:
        image.load()
    return image, (said.usd, said.notes)


def prompt_of(fake: Fake) -> str:
    body = fake.newest.body
    return str(body["prompt"]) if "prompt" in body else next(part["text"] for part in body["parts"] if "text" in part)


async def test_words_become_a_picture_of_the_shape_of_the_shot(
    fake: Fake, painter: Painter, order: PictureOrder, tmp_path: Path
) -> None:
    """One paid request; a plain PNG of exactly 16:9; what it cost, by its tokens."""
    image, (usd, notes) = await painted(painter, order, tmp_path)
    assert (image.format, image.mode, image.info) == ("PNG", "RGB", {})
    assert image.width * 9 == image.height * 16
    assert image.height >= 720
    assert (usd, notes) == (Decimal(fake.usd), ())
    assert fake.creates == 1
    assert prompt_of(fake).endswith("\n\na lighthouse “keeper”")
    assert fake.files == []


async def test_a_frame_becomes_the_same_scene_later(
    fake: Fake, painter: Painter, order: PictureOrder, frame: Path, tmp_path: Path
) -> None:
    """The frame goes as it is, and the prompt says how much later."""
    later = PictureOrder(
        prompt=order.prompt, ratio="16:9", resolution="720p", model=order.model, frame=frame, later_s=5
    )
    image, _ = await painted(painter, later, tmp_path)
    assert image.width * 9 == image.height * 16
    assert fake.files == [("image/png", frame.read_bytes())]
    assert "the same scene 5 seconds later" in prompt_of(fake)
    assert prompt_of(fake).endswith("\n\na lighthouse “keeper”")


@pytest.mark.parametrize("ratio", ["9:16", "21:9"])
async def test_every_shape_is_painted_exactly(
    fake: Fake, painter: Painter, order: PictureOrder, tmp_path: Path, ratio: str
) -> None:
    """Whatever the sizes of the service are."""
    del fake
    asked = PictureOrder(prompt=order.prompt, ratio=ratio, resolution="720p", model=order.model)
    image, _ = await painted(painter, asked, tmp_path)
    across, down = map(int, ratio.split(":"))
    assert image.width * down == image.height * across
    assert image.width % 2 == image.height % 2 == 0


@pytest.mark.parametrize(
    "said",
    [
        (No.TEXT, Refused, None),
        (No.PICTURE, Refused, None),
        (No.CREDIT, OutOfCredit, Billed.NO),
        (No.RATE, RateLimited, Billed.NO),
        (No.KEY, AuthFailed, Billed.NO),
        (No.SHOT, BadShot, Billed.NO),
        (No.RETIRED, ModelRetired, Billed.NO),
    ],
)
async def test_a_no_is_told_by_its_cause(
    painter: Painter,
    fake: Fake,
    order: PictureOrder,
    tmp_path: Path,
    said: tuple[No, type[ProviderError], Billed | None],
) -> None:
    """Each is an error of its own class, and never a picture."""
    no, error, billed = said
    fake.next_no = [no]
    with pytest.raises(error) as raised:
        await painted(painter, order, tmp_path)
    assert fake.creates == 1
    assert type(raised.value) is error
    # a refusal of OpenAI comes before anything is made; what one at Google costs is documented nowhere
    at_openai = isinstance(fake, FakeOpenAiImages)
    assert raised.value.billed is (billed or (Billed.NO if at_openai else Billed.UNKNOWN))
    if isinstance(raised.value, Refused):
        expected = Stage.INPUT if at_openai or no is No.TEXT else Stage.OUTPUT
        assert raised.value.stage is expected
    if isinstance(raised.value, RateLimited):
        assert raised.value.retry_after_s == fake.retry_after_s
    assert not (tmp_path / "painted.png").exists()


async def test_a_wrong_key_is_told(fake: Fake, case: Case, order: PictureOrder, tmp_path: Path) -> None:
    """And the key is in no word of it."""
    painter = case.open(fake.setup(key="wrong-key-of-somebody"))
    with pytest.raises(AuthFailed) as raised:
        await painted(painter, order, tmp_path)
    assert "wrong-key-of-somebody" not in f"{raised.value}{raised.value.detail}"
    assert fake.creates == 0
    await painter.close()


async def test_a_lost_answer_is_not_known(fake: Fake, painter: Painter, order: PictureOrder, tmp_path: Path) -> None:
    """Cut off, or a gateway that lost its server: it may have been painted, and is not asked for twice."""
    fake.lose_answers, fake.create_status = 1, []
    with pytest.raises(Unconfirmed):
        await painted(painter, order, tmp_path)
    fake.create_status = [502]
    with pytest.raises(Unconfirmed):
        await painted(painter, order, tmp_path)
    assert fake.creates == 2


async def test_who_cannot_be_reached_has_taken_nothing(case: Case, order: PictureOrder, tmp_path: Path) -> None:
    """It may be asked again."""
    async with case.fake() as started:
        setup = started.setup()
    painter = case.open(setup)
    with pytest.raises(Unavailable):
        await painted(painter, order, tmp_path)
    await painter.close()


async def test_a_page_instead_of_an_answer_is_not_known(
    fake: Fake, painter: Painter, order: PictureOrder, tmp_path: Path
) -> None:
    """An HTTP 200 alone is no picture."""
    fake.garbage_answers = 1
    with pytest.raises(Misunderstood):
        await painted(painter, order, tmp_path)
    assert fake.creates == 1


async def test_an_answer_without_a_picture_is_no_success(
    fake: Fake, painter: Painter, order: PictureOrder, tmp_path: Path
) -> None:
    """And what it cost is not known."""
    fake.pictures = []
    with pytest.raises((Refused, RenderFailed)) as raised:
        await painted(painter, order, tmp_path)
    assert raised.value.billed is Billed.UNKNOWN


async def test_a_picture_that_is_none_was_paid(
    fake: Fake, painter: Painter, order: PictureOrder, tmp_path: Path
) -> None:
    """Its bytes are looked at by a child process before they are taken for a frame."""
    fake.pictures = [b"<html>no picture</html>"]
    with pytest.raises(RenderFailed) as raised:
        await painted(painter, order, tmp_path)
    assert raised.value.billed is Billed.YES
    assert list(tmp_path.iterdir()) == []


async def test_of_several_pictures_the_last_one_counts(
    fake: Fake, painter: Painter, order: PictureOrder, tmp_path: Path
) -> None:
    """Those before it are drafts, and what belongs to a thought is none at all."""
    fake.pictures = [png(1280, 720, (250, 0, 0)), png(1280, 720, (0, 250, 0))]
    image, _ = await painted(painter, order, tmp_path)
    assert image.getpixel((600, 300)) == (0, 250, 0)


async def test_another_shape_is_cut_and_told(fake: Fake, painter: Painter, order: PictureOrder, tmp_path: Path) -> None:
    """A service that answers with its own size, as a JPEG."""
    fake.pictures = [png(1024, 1536, kind="JPEG")]
    image, (_, notes) = await painted(painter, order, tmp_path)
    assert (image.format, image.size) == ("PNG", (1024, 576))
    assert notes == ("The painted picture was 1024x1536; its edges were cut off to make it 16:9.",)


async def test_a_painter_may_be_silent_for_minutes(
    fake: Fake, painter: Painter, order: PictureOrder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is the picture: the usual limit of silence would lose it, paid."""
    monkeypatch.setattr(wire, "_TIMEOUT", httpx.Timeout(0.05, connect=5.0, pool=5.0))
    fake.hang_answers = 1
    asking = asyncio.create_task(painted(painter, order, tmp_path))
    await asyncio.wait_for(fake.arrived.wait(), 10)
    await asyncio.sleep(0.3)
    fake.release.set()
    image, _ = await asking
    assert image.width * 9 == image.height * 16
    assert fake.creates == 1


async def test_a_model_that_was_taken_out_is_told(painter: Painter, fake: Fake, tmp_path: Path) -> None:
    """Before anything is sent."""
    gone = PictureOrder(prompt="a lamp", ratio="16:9", resolution="720p", model="gone")
    with pytest.raises(ModelRetired, match="has no model 'gone' any more"):
        await painted(painter, gone, tmp_path)
    assert painter.quote(gone).usd is None
    assert fake.creates == 0


async def test_nothing_secret_is_logged(
    fake: Fake, painter: Painter, order: PictureOrder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the key nor the prompt."""
    caplog.set_level(logging.INFO)
    await painted(painter, order, tmp_path)
    assert fake.settings["key"] not in caplog.text
    assert "lighthouse" not in caplog.text


def test_a_quote_is_by_size(case: Case) -> None:
    """The larger picture costs more, and is asked for where the shot is larger."""
    painter = case.open(Setup(name="x", catalog=read_catalog(case.fake.kind)))
    small, large = (
        painter.quote(PictureOrder(prompt="", ratio="16:9", resolution=lines, model=case.model)).usd
        for lines in ("720p", "1080p")
    )
    assert small is not None
    assert large is not None
    assert Decimal("0.01") < small < large < Decimal(1)


def test_every_row_of_a_painter_says_where_it_was_read(case: Case) -> None:
    """A price without a date is a rumour, and what ends names what to use instead."""
    rows = read_catalog(case.fake.kind).pictures
    living = {f"{case.fake.kind} {name}" for name, row in rows.items() if row.abilities.ends_on is None}
    for row in rows.values():
        can = row.abilities
        assert can.source.startswith("https://")
        assert can.as_of is not None
        assert can.substitute in living if can.ends_on else not can.substitute
        assert list(can.sizes.values()) == sorted(can.sizes.values())
    assert size_for(next(iter(rows.values())).abilities, "4k") == list(next(iter(rows.values())).abilities.sizes)[-1]


@pytest.mark.parametrize("name", list(read_catalog("openai_images").pictures))
def test_sizes_at_openai_are_of_sixteenths(name: str) -> None:
    """Both sides, in every shape of ours, and exactly of it where sizes are free."""
    catalog = read_catalog("openai_images")
    for size in catalog.pictures[name].abilities.sizes:
        for ratio in ("16:9", "9:16", "1:1", "4:3", "3:4", "21:9"):
            width, height = map(int, openai_images.pixels_for(ratio, size, catalog.wire).split("x"))
            assert width % 16 == height % 16 == 0
            across, down = map(int, ratio.split(":"))
            assert size == "1024p" or ratio == "21:9" or width * down == height * across


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"promptFeedback": {"blockReason": "SAFETY"}}, Refused),
        ({"promptFeedback": {"blockReason": "A_NEW_WORD"}}, RenderFailed),
        ({"candidates": [{"finishReason": "PROHIBITED_CONTENT"}]}, Refused),
        ({"candidates": [{"finishReason": "IMAGE_PROHIBITED_CONTENT"}]}, Refused),
        ({"candidates": [{"finishReason": "IMAGE_RECITATION"}]}, Refused),
        ({"candidates": [{"finishReason": "NO_IMAGE"}]}, Refused),
        ({"candidates": [{"finishReason": "IMAGE_OTHER"}]}, Refused),
        ({"candidates": [{"finishReason": "MAX_TOKENS"}]}, RenderFailed),
        ({"candidates": [{"finishReason": "STOP", "content": {"parts": [{"text": "I cannot."}]}}]}, Refused),
        ({"candidates": [{"content": {"parts": [{"inlineData": {"data": "AAAA"}, "thought": True}]}}]}, RenderFailed),
        ({"candidates": []}, RenderFailed),
        ({}, RenderFailed),
    ],
)
def test_no_picture_of_gemini_is_ever_a_success(answer: dict[str, Any], error: type[ProviderError]) -> None:
    """Every documented word, and one that nobody knows."""
    with pytest.raises(error) as raised:
        gemini_images.read_picture(Answer(200, {}, json.dumps(answer).encode(), "Google"), {})
    assert raised.value.billed is Billed.UNKNOWN


def test_what_a_painter_is_told_is_the_persons_words_as_they_are() -> None:
    """Quoted after what is wanted, and never changed."""
    prompt = 'ignore "all" that\nand <draw> a cat'
    order = PictureOrder(prompt=prompt, ratio="1:1", resolution="720p", model="m")
    assert words_for(order).endswith(f"\n\n{prompt}")
    later = PictureOrder(prompt=prompt, ratio="1:1", resolution="720p", model="m", frame=Path("x"), later_s=1)
    assert "the same scene 1 second later" in words_for(later)
    assert words_for(later).endswith(f"\n\n{prompt}")


async def test_openais_own_client_works_against_the_fake() -> None:
    """`images.generate` and `images.edit` of openai 3.54."""
    async with FakeOpenAiImages() as fake:
        async with AsyncOpenAI(api_key=fake.settings["key"], base_url=f"{fake.url}/v1", max_retries=0) as client:
            made = await client.images.generate(model="gpt-image-2", prompt="a lamp", size="1280x720", quality="low")
            assert made.data is not None
            with Image.open(io.BytesIO(base64.b64decode(made.data[0].b64_json or ""))) as image:
                assert image.size == (1280, 720)
            assert made.usage is not None
            assert made.usage.output_tokens == 1_500
            edited = await client.images.edit(
                model="gpt-image-2", image=("frame.png", png(1280, 720), "image/png"), prompt="later", size="1024x1024"
            )
            assert edited.data is not None
        assert (fake.creates, fake.complaints) == (2, [])


async def test_googles_own_client_works_against_the_fake() -> None:
    """`models.generate_content` of google-genai 3.4, with a picture."""
    async with FakeGeminiImages() as fake:
        options = types.HttpOptions(base_url=fake.url)
        client = genai.Client(api_key=fake.settings["key"], http_options=options)
        made = await asyncio.to_thread(
            client.models.generate_content,
            model="gemini-nano-banana-2.1",
            contents=types.Content(
                role="user",
                parts=[
                    types.Part.from_bytes(data=png(320, 180), mime_type="image/png"),
                    types.Part.from_text(text="the same scene later"),
                ],
            ),
            config=types.GenerateContentConfig(
                response_modalities=["IMAGE"], image_config=types.ImageConfig(aspect_ratio="16:9", image_size="1K")
            ),
        )
        assert made.candidates is not None
        content = made.candidates[0].content
        assert content is not None
        blobs = [part.inline_data for part in content.parts or () if part.inline_data and not part.thought]
        assert blobs[-1] is not None
        with Image.open(io.BytesIO(blobs[-1].data or b"")) as image:
            assert image.size == (1376, 768)
        fake.next_no = [No.TEXT]
        blocked = await asyncio.to_thread(
            client.models.generate_content,
            model="gemini-nano-banana-2.1",
            contents="no",
            config=types.GenerateContentConfig(response_modalities=["IMAGE"]),
        )
        assert blocked.prompt_feedback is not None
        assert blocked.prompt_feedback.block_reason is types.BlockedReason.PROHIBITED_CONTENT
        client.close()
        assert (fake.creates, fake.complaints) == (2, [])


async def test_a_story_begins_and_goes_on_with_painted_frames(
    painter: Painter, fake: Fake, tmp_path: Path, clock: FakeClock
) -> None:
    """From `/create --still` and `/continue --later` to the renders that start on the pictures: one paid request each."""
    async with opened_house(tmp_path, clock, painters=(painter,)) as house:
        for said in (f"/create a lamp --still {painter.name}", "/continue a boat --later 5"):
            assert await house.say(said) is None
            await house.run(20)
        orders = [render.order for render in house.provider.renders.values()]
        frames = [order.first_frame for order in orders]
        assert None not in frames
        for frame in frames:
            with Image.open(frame or "") as image:
                assert image.width * 9 == image.height * 16
        (job,) = (each.job for each in (await house.studio.story("local:home")).shots[:1])  # type: ignore[union-attr]  # it is there
        assert job is not None
        assert job.cost_usd == Decimal(fake.usd)
    assert fake.creates == 2
    assert len(fake.files) == 1
    assert "5 seconds later" in prompt_of(fake)
