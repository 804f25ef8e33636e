"""Gemini Omni's fake is the service: the stored contract, and Google's own client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from google import genai
from google.oauth2.credentials import Credentials

from tests.fakes.services.base import Shown
from tests.fakes.services.google import FakeGoogle
from tests.fakes.services.google_cloud import TOKEN
from tests.providers.google_orders import clip
from tests.specs import needed_spec

NEW = "gemini-omni-1.2-flash"


@pytest.fixture
async def fake() -> AsyncIterator[FakeGoogle]:
    """The service; what no client may do fails the test."""
    async with FakeGoogle() as started:
        yield started
        assert started.complaints == []


async def test_the_fakes_files_are_as_the_contract_has_them(fake: FakeGoogle) -> None:
    """The stored description of the Files API, ours of an upload too."""
    document = json.loads(needed_spec("gemini-video-lro.openapi.json").read_text(encoding="utf-8"))
    schema = {"$ref": "#/components/schemas/File", "components": document["components"]}
    jsonschema.validate(fake.file_body("abc-1"), schema)
    upload = {"$ref": "#/components/schemas/CreateFileRequest", "components": document["components"]}
    jsonschema.validate({"file": {"displayName": "clip.mp4"}}, upload)


async def test_googles_own_client_works_on_the_fake(fake: FakeGoogle, tmp_path: Path) -> None:
    """Create, look, stop, delete, upload and download, as its documentation has them."""
    path = clip(tmp_path)
    fake.script = (Shown.RENDERING, Shown.DONE)

    def talk() -> bytes:
        client: Any = genai.Client(api_key=fake.settings["key"], http_options={"base_url": fake.url})
        begun = client.interactions.create(
            model=NEW,
            input="a lamp",
            response_format={"type": "video", "delivery": "uri", "duration": "8s"},
            background=True,
        )
        assert client.interactions.get(begun.id).status == "in_progress"
        done = client.interactions.get(begun.id)
        assert (done.status, done.usage.output_tokens_by_modality[0].tokens) == ("completed", 57_920)
        name = done.output_video.uri.split("/")[-1].partition(":")[0]
        assert str(client.files.get(name=f"files/{name}").state.value) == "ACTIVE"
        uploaded = client.files.upload(file=str(path), config={"http_options": {"base_url": fake.url}})
        assert uploaded.uri.endswith("clip-1")
        other = client.interactions.create(model=NEW, input="a lamp", background=True, previous_interaction_id=begun.id)
        assert client.interactions.cancel(other.id).status == "cancelled"
        client.interactions.delete(other.id)
        found: bytes = client.files.download(file=done.output_video.uri)
        client.close()
        return found

    assert await asyncio.to_thread(talk) == fake.clip()
    assert fake.uploads == {"clip-1": path.read_bytes()}
    fake.complaints.clear()


async def test_googles_own_client_works_on_the_fake_in_a_project(fake: FakeGoogle) -> None:
    """With a token, at the project's path."""
    fake.script = (Shown.DONE,)

    def talk() -> str:
        client: Any = genai.Client(
            vertexai=True,
            project="film-project",
            location="global",
            credentials=Credentials(token=TOKEN),  # type: ignore[no-untyped-call]  # the library has no types there
            http_options={"base_url": fake.url},
        )
        begun = client.interactions.create(
            model=NEW,
            input="a lamp",
            response_format={"type": "video", "delivery": "uri", "gcs_uri": "gs://films/renders"},
            background=True,
        )
        uri = client.interactions.get(begun.id).output_video.uri
        client.close()
        return str(uri)

    assert await asyncio.to_thread(talk) == "gs://films/renders/v1_00000001/sample 0.mp4"
    fake.complaints.clear()
