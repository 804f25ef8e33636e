"""Gemini Omni: what is asked, files and folders, extensions and edits, what is stopped and forgotten."""

from __future__ import annotations

import base64
import logging
from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import stamina
from google.genai.interactions import CreateModelInteraction

from engine.errors import (
    AuthFailed,
    BadShot,
    Billed,
    Lost,
    Misunderstood,
    OutOfCredit,
    ProviderError,
    RateLimited,
    RenderFailed,
    Unavailable,
)
from engine.providers.base import CancelOutcome, Order, Queued, Rendered, Rendering, Source, Work
from engine.providers.google import open_provider
from engine.providers.google.provider import GoogleProvider
from tests.fakes.services.base import No, Shown
from tests.fakes.services.google import FakeGoogle
from tests.providers.google_orders import clip, order_of, picture

NEW, OLD = "gemini-omni-1.2-flash", "gemini-omni-1.1-flash"
FAST = {"wire": {"file_look_s": 0.001, "file_looks": 3}}


@pytest.fixture(autouse=True)
def _no_waits() -> Any:
    """Tries follow each other at once."""
    with stamina.set_testing(True, attempts=4, cap=True):
        yield


@pytest.fixture
async def fake() -> AsyncIterator[FakeGoogle]:
    """The service; what no client may do fails the test."""
    async with FakeGoogle() as started:
        yield started
        assert started.complaints == []


@pytest.fixture
async def provider(fake: FakeGoogle) -> AsyncIterator[GoogleProvider]:
    """With a key."""
    made = open_provider(fake.setup(FAST))
    yield made
    await made.close()


@pytest.fixture
async def cloud(fake: FakeGoogle) -> AsyncIterator[GoogleProvider]:
    """In a project that has a folder for results."""
    made = open_provider(fake.cloud_setup(FAST, gcs_uri="gs://films/renders", keep="no"))
    yield made
    await made.close()


async def begun(provider: GoogleProvider, order: Order) -> str:
    """The task id of a render that was taken."""
    return (await provider.submit(await provider.prepare(order, "key"))).task_id


def source(folder: Path, task_id: str | None, work: Work = Work.EXTEND, seconds: float = 8) -> Source:
    """A clip that is worked on."""
    return Source(work=work, video=clip(folder), seconds=seconds, task_id=task_id)


def words_of(body: Mapping[str, Any]) -> str:
    """The prompt as it was sent."""
    return str(body["input"][-1]["text"])


# --- what is asked ---

REFS = "Use the reference images as references for the video, not as literal frames of it."
WAYS: list[tuple[tuple[str, ...], str | None, str]] = [
    ((), "text_to_video", "a lamp is lit"),
    (("first_frame",), "image_to_video", "<FIRST_FRAME> a lamp is lit"),
    (("first_frame", "last_frame"), "image_to_video", "<FIRST_FRAME> <LAST_FRAME> a lamp is lit"),
    (
        ("references",),
        "reference_to_video",
        f"[# References <IMAGE_REF_0>@Image1 <IMAGE_REF_1>@Image2] a lamp is lit {REFS}",
    ),
    (
        ("first_frame", "references"),
        None,
        f"[# Sources <FIRST_FRAME>@Image1] [# References <IMAGE_REF_0>@Image2 <IMAGE_REF_1>@Image3] a lamp is lit {REFS}",
    ),
]


@pytest.mark.parametrize(("given", "task", "words"), WAYS)
async def test_pictures_have_their_roles_in_the_prompt(
    provider: GoogleProvider, tmp_path: Path, given: tuple[str, ...], task: str | None, words: str
) -> None:
    """In the order in which they are sent, with the task that fits; the request is one that Google's own client would write."""
    path = picture(tmp_path)
    changes: dict[str, Any] = {name: (path, path) if name == "references" else path for name in given}
    body = (await provider.prepare(order_of(NEW, **changes), "key")).request.json
    assert words_of(body) == words
    assert body.get("generation_config", {}).get("video_config", {}).get("task") == task
    assert [block["type"] for block in body["input"][:-1]] == ["image"] * sum(
        2 if name == "references" else 1 for name in given
    )
    assert (body["background"], body["store"]) == (True, True)
    asked = {"type": "video", "aspect_ratio": "16:9", "duration": "8s", "resolution": "720p", "delivery": "uri"}
    assert body["response_format"] == asked
    assert CreateModelInteraction.model_validate(body).model_dump(mode="json", exclude_none=True) == body


@pytest.mark.parametrize(("seconds", "nearest"), [(15, "10 s"), (2, "3 s")])
async def test_an_extension_of_another_length_is_not_made_silently(
    provider: GoogleProvider, fake: FakeGoogle, tmp_path: Path, seconds: float, nearest: str
) -> None:
    """It was quoted for what was asked; the nearest length is named."""
    with pytest.raises(BadShot, match=f"ask for {nearest}"):
        await provider.prepare(order_of(NEW, seconds=seconds, source=source(tmp_path, "v1_x")), "key")
    assert fake.creates == 0


async def test_what_must_not_be_seen_is_said_in_words(provider: GoogleProvider) -> None:
    """There is no field for it."""
    prepared = await provider.prepare(order_of(NEW, negative="people", seconds=4.5), "key")
    assert words_of(prepared.request.json) == "a lamp is lit Do not show: people."
    assert prepared.request.json["response_format"]["duration"] == "4.5s"


async def test_too_long_between_two_frames_is_refused_before_it_is_asked(
    provider: GoogleProvider, fake: FakeGoogle, tmp_path: Path
) -> None:
    """With the nearest length that works."""
    path = picture(tmp_path)
    with pytest.raises(BadShot, match="ask for 10 s"):
        await provider.prepare(order_of(NEW, seconds=15, first_frame=path, last_frame=path), "key")
    assert not fake.seen


# --- files ---


async def test_a_limit_is_waited_for_and_an_empty_account_is_not(provider: GoogleProvider, fake: FakeGoogle) -> None:
    """Both are a 429; one request each."""
    fake.retry_after_s = 12
    fake.next_no = [No.RATE, No.CREDIT]
    with pytest.raises(RateLimited) as raised:
        await begun(provider, order_of(NEW))
    assert raised.value.retry_after_s == 12
    with pytest.raises(OutOfCredit):
        await begun(provider, order_of(NEW))
    assert (fake.creates, len(fake.tasks)) == (2, 0)


async def test_a_file_that_is_not_ready_is_waited_for(
    provider: GoogleProvider, fake: FakeGoogle, tmp_path: Path
) -> None:
    """The render is done and its file is not; then the cost is told and the file is Google's, byte for byte."""
    task_id = await begun(provider, order_of(NEW))
    fake.put(Shown.DONE)
    fake.file_states = ["PROCESSING", "PROCESSING"]
    assert [await provider.check(task_id) for _ in range(2)] == [Rendering(), Rendering()]
    done = await provider.check(task_id)
    assert isinstance(done, Rendered)
    assert done.usd == Decimal("0.69834")
    await provider.fetch(task_id, done.where, tmp_path / "clip.mp4")
    assert (tmp_path / "clip.mp4").read_bytes() == fake.clip()


@pytest.mark.parametrize(("state", "error"), [("FAILED", RenderFailed), ("MELTED", Misunderstood)])
async def test_a_file_that_never_comes_is_a_failed_render(
    provider: GoogleProvider, fake: FakeGoogle, state: str, error: type[ProviderError]
) -> None:
    """Not a success."""
    task_id = await begun(provider, order_of(NEW))
    fake.put(Shown.DONE)
    fake.file_states = [state]
    with pytest.raises(error):
        await provider.check(task_id)


async def test_a_file_that_is_gone_is_lost(provider: GoogleProvider, fake: FakeGoogle) -> None:
    """Google says 403 for it, which is no wrong key."""
    task_id = await begun(provider, order_of(NEW))
    fake.put(Shown.DONE)
    fake.files_are_gone = True
    with pytest.raises(Lost):
        await provider.check(task_id)


async def test_a_video_in_the_answer_is_fetched_by_asking_again(
    provider: GoogleProvider, fake: FakeGoogle, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What is remembered of it is one word, and nothing of it is logged."""
    caplog.set_level(logging.DEBUG, logger="engine")
    fake.inline = True
    task_id = await begun(provider, order_of(NEW))
    fake.put(Shown.DONE)
    done = await provider.check(task_id)
    assert isinstance(done, Rendered)
    assert done.where == "inline"
    await provider.fetch(task_id, done.where, tmp_path / "clip.mp4")
    assert (tmp_path / "clip.mp4").read_bytes() == fake.clip()
    assert base64.b64encode(fake.clip())[:40].decode() not in caplog.text


# --- in a project ---


async def test_a_project_renders_into_its_own_folder(cloud: GoogleProvider, fake: FakeGoogle, tmp_path: Path) -> None:
    """By a token of its account, at its own path, by the name that models have there."""
    prepared = await cloud.prepare(order_of(OLD), "key")
    body = prepared.request.json
    assert body["model"] == "gemini-omni-1.1-flash-preview"
    assert body["response_format"]["gcs_uri"] == "gs://films/renders"
    assert "webhook_config" not in body
    task_id = (await cloud.submit(prepared)).task_id
    fake.put(Shown.DONE)
    done = await cloud.check(task_id)
    assert done == Rendered("gs://films/renders/v1_00000001/sample 0.mp4")
    await cloud.fetch(task_id, done.where, tmp_path / "clip.mp4")
    assert (tmp_path / "clip.mp4").read_bytes() == fake.clip()
    await cloud.forget(task_id)
    assert fake.tasks[task_id].is_deleted
    assert fake.tokens.asked == 1


async def test_a_project_without_a_folder_gets_its_video_in_the_answer(fake: FakeGoogle, tmp_path: Path) -> None:
    """An address would need one."""
    cloud = open_provider(fake.cloud_setup())
    task_id = await begun(cloud, order_of(NEW))
    fake.put(Shown.DONE)
    done = await cloud.check(task_id)
    assert isinstance(done, Rendered)
    await cloud.fetch(task_id, done.where, tmp_path / "clip.mp4")
    assert (done.where, (tmp_path / "clip.mp4").read_bytes()) == ("inline", fake.clip())
    assert fake.newest.body["response_format"]["delivery"] == "inline"
    await cloud.close()


async def test_a_project_extends_a_clip_by_its_bytes(cloud: GoogleProvider, fake: FakeGoogle, tmp_path: Path) -> None:
    """It has no Files API."""
    await begun(cloud, order_of(NEW, source=source(tmp_path, None)))
    assert base64.b64decode(fake.newest.body["input"][0]["data"]) == b"a clip of mine"
    assert fake.uploads == {}


async def test_a_missing_login_is_found_before_anything_is_asked(fake: FakeGoogle) -> None:
    """While it is still free."""
    fake.tokens.status = 400
    cloud = open_provider(fake.cloud_setup())
    with pytest.raises(AuthFailed):
        await cloud.prepare(order_of(NEW), "key")
    assert fake.creates == 0
    await cloud.close()


# --- extensions and edits ---


async def test_a_render_of_ours_is_extended_where_it_is(
    provider: GoogleProvider, fake: FakeGoogle, tmp_path: Path
) -> None:
    """Without an upload; an extension is 3 to 10 s long and keeps the clip's shape."""
    first = await begun(provider, order_of(NEW))
    fake.put(Shown.DONE)
    await begun(provider, order_of(NEW, seconds=10, source=source(tmp_path, first)))
    body = fake.newest.body
    assert body["previous_interaction_id"] == first
    assert words_of(body) == "Continue the shot: a lamp is lit"
    assert body["generation_config"]["video_config"]["task"] == "extend"
    assert body["response_format"] == {"type": "video", "resolution": "720p", "duration": "10s", "delivery": "uri"}
    assert fake.uploads == {}


@pytest.mark.parametrize("why", ["forgotten", "of elsewhere", "still under way"])
async def test_a_clip_that_google_has_not_is_uploaded(
    provider: GoogleProvider, fake: FakeGoogle, tmp_path: Path, why: str
) -> None:
    """As a file, which is waited for; to the host that we know, whatever host Google names."""
    first: str | None = None
    if why != "of elsewhere":
        first = await begun(provider, order_of(NEW))
        fake.put(Shown.DONE if why == "forgotten" else Shown.RENDERING)
    if why == "forgotten" and first is not None:
        fake.tasks[first].is_deleted = True
    fake.file_states = ["PROCESSING", "PROCESSING"]
    await begun(provider, order_of(NEW, source=source(tmp_path, first)))
    assert list(fake.uploads.values()) == [b"a clip of mine"]
    assert fake.newest.body["input"][0]["uri"].endswith("/v1beta/files/clip-1")
    assert "previous_interaction_id" not in fake.newest.body


async def test_a_render_whose_file_is_gone_is_extended_all_the_same(
    provider: GoogleProvider, fake: FakeGoogle, tmp_path: Path
) -> None:
    """Files are kept for two days, renders for 55."""
    first = await begun(provider, order_of(NEW))
    fake.put(Shown.DONE)
    fake.files_are_gone = True
    await begun(provider, order_of(NEW, source=source(tmp_path, first)))
    assert fake.newest.body["previous_interaction_id"] == first


async def test_an_edit_keeps_the_clips_length(provider: GoogleProvider, fake: FakeGoogle, tmp_path: Path) -> None:
    """It is told what to change, and nothing else."""
    await begun(provider, order_of(NEW, prompt="make it snow", source=source(tmp_path, None, Work.EDIT)))
    assert words_of(fake.newest.body) == "make it snow"
    assert fake.newest.body["generation_config"]["video_config"]["task"] == "edit"
    assert fake.newest.body["response_format"] == {"type": "video", "resolution": "720p", "delivery": "uri"}


@pytest.mark.parametrize(("state", "error"), [("FAILED", BadShot), ("PROCESSING", Unavailable), ("MELTED", BadShot)])
async def test_an_upload_that_is_not_taken_costs_nothing(
    provider: GoogleProvider, fake: FakeGoogle, tmp_path: Path, state: str, error: type[ProviderError]
) -> None:
    """Nothing was asked for yet."""
    fake.file_states = [state] * 9
    with pytest.raises(error) as raised:
        await begun(provider, order_of(NEW, source=source(tmp_path, None)))
    assert raised.value.billed is Billed.NO
    assert fake.creates == 0


async def test_a_clip_that_is_too_long_to_upload_is_refused(
    provider: GoogleProvider, fake: FakeGoogle, tmp_path: Path
) -> None:
    """With what to do instead; a render of ours may be longer."""
    with pytest.raises(BadShot, match="last frame"):
        await provider.prepare(order_of(NEW, source=source(tmp_path, None, seconds=14)), "key")
    first = await begun(provider, order_of(NEW))
    fake.put(Shown.DONE)
    await begun(provider, order_of(NEW, source=source(tmp_path, first, seconds=20)))
    assert fake.creates == 2


# --- cancel, forget, calls ---


async def test_a_render_is_stopped_while_it_runs(provider: GoogleProvider, fake: FakeGoogle) -> None:
    """What it had cost by then nobody says."""
    task_id = await begun(provider, order_of(NEW))
    assert await provider.check(task_id) == Queued()
    assert await provider.cancel(task_id) is CancelOutcome.MAY_STILL_COST
    assert fake.newest.is_cancelled
    fake.put(Shown.DONE)
    assert await provider.cancel(task_id) is CancelOutcome.MAY_STILL_COST
    assert await provider.cancel("v1_unknown") is CancelOutcome.MAY_STILL_COST


@pytest.mark.parametrize(
    ("keep", "shown", "is_deleted"),
    [
        ("", Shown.DONE, False),
        ("", Shown.NO_VIDEO, True),
        ("", Shown.FAILED, True),
        ("", Shown.CANCELLED, True),
        ("no", Shown.DONE, True),
        ("no", Shown.FAILED, True),
    ],
)
async def test_what_is_over_is_deleted_unless_it_can_be_extended(
    fake: FakeGoogle, keep: str, shown: Shown, is_deleted: bool
) -> None:
    """And a finished one too, where the operator wants it."""
    made = open_provider(fake.setup(keep=keep))
    task_id = await begun(made, order_of(NEW))
    fake.put(shown)
    await made.forget(task_id)
    assert fake.newest.is_deleted is is_deleted
    await made.forget(task_id)
    await made.close()
