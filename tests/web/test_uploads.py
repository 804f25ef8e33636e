"""Files that come with a message on the page: a picture, or a video that becomes a shot."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path

import pytest
from aiohttp import FormData
from aiohttp.web import HTTPUnsupportedMediaType

from bot.web import upload
from bot.web.upload import VIDEO_BYTES_MAX, video_suffix
from tests.fakes.provider import write_clip
from tests.web.page import WebHouse

MP4 = b"\0\0\0\x20ftypisom\0\0\2\0"


def form_with(kind: str, content: bytes, text: str = "/add the harbour") -> FormData:
    """What the page sends."""
    form = FormData()
    form.add_field("say", json.dumps({"name": "Ana", "text": text, "key": f"key-of-a-{kind}"}))
    form.add_field(kind, io.BytesIO(content), filename="../../evil.html", content_type="text/html")
    return form


async def test_a_video_becomes_a_shot(web: WebHouse, tmp_path: Path) -> None:
    """It is streamed to a file of ours, kept as a clip, and the copy is dropped."""
    path = tmp_path / "harbour.mp4"
    await asyncio.to_thread(write_clip, path, seconds=1, colour=90)
    async with web.post("/api/room/home/say", data=form_with("video", path.read_bytes())) as answer:
        data = await answer.json()
    assert answer.status == 200, data
    assert (data["post"]["videos"], data["post"]["pictures"]) == (1, 0)
    assert data["answer"]["text"].startswith("a1-1 · given by Ana\n“the harbour”\n1.0 s · 64x36")
    assert list(web.uploads.iterdir()) == []
    (shot,) = (await web.room())["story"]["shots"]
    assert shot["clip"]["bytes"] == path.stat().st_size


@pytest.mark.parametrize(
    ("content", "status", "sentence"),
    [(b"<html>", 415, "not a video; send an MP4, WebM or MOV"), (MP4 + bytes(100), 413, "larger than 0 MB")],
    ids=["page", "oversize"],
)
async def test_what_is_no_video_leaves_nothing_behind(
    web: WebHouse, monkeypatch: pytest.MonkeyPatch, content: bytes, status: int, sentence: str
) -> None:
    """One sentence, no message, no file."""
    small = upload._Kind(said_as="video", most_bytes=100, most_s=5, suffix_of=video_suffix)
    monkeypatch.setitem(upload.KINDS, "video", small)
    async with web.post("/api/room/home/say", data=form_with("video", content)) as answer:
        assert (answer.status, sentence in (await answer.json())["error"]) == (status, True)
    assert list(web.uploads.iterdir()) == []
    assert (await web.room())["posts"] == []


async def test_what_only_begins_like_a_video_is_told_privately(web: WebHouse) -> None:
    """It is measured before it becomes anything."""
    async with web.post("/api/room/home/say", data=form_with("video", MP4 + bytes(1_000))) as answer:
        data = await answer.json()
    assert data["private"]["is_error"]
    assert "send another" in data["private"]["text"]
    assert list(web.uploads.iterdir()) == []


@pytest.mark.parametrize("part", ["music", "voice"])
async def test_a_sound_comes_with_a_stitch(web: WebHouse, part: str) -> None:
    """What begins like none is refused; what only begins like one is told when it is measured."""
    async with web.post("/api/room/home/say", data=form_with(part, b"<html>", "/stitch")) as answer:
        assert (answer.status, "no sound" in (await answer.json())["error"]) == (415, True)
    async with web.post("/api/room/home/say", data=form_with(part, b"ID3" + bytes(1_000), "/stitch")) as answer:
        data = await answer.json()
    assert (answer.status, data["post"]["sounds"]) == (200, 1)
    assert data["private"]["is_error"]
    assert list(web.uploads.iterdir()) == []


async def test_one_file_comes_with_a_message(web: WebHouse) -> None:
    """A second one, or one of another name, is refused with all that came before it."""
    for kind in ("video", "document"):
        form = form_with("video", MP4)
        form.add_field(kind, b"more", filename="b.mp4")
        async with web.post("/api/room/home/say", data=form) as answer:
            assert answer.status == 400
            assert (await answer.json())["error"] == "Send one picture, video or sound with a message."
    assert list(web.uploads.iterdir()) == []


@pytest.mark.parametrize(
    ("head", "suffix"),
    [
        (MP4, ".mp4"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0", ".mov"),
        (b"\0\0\0\x08wide\0\0\0\0mdat", ".mov"),
        (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81", ".webm"),
    ],
)
def test_a_video_is_known_by_its_first_bytes(head: bytes, suffix: str) -> None:
    """Its name and what the browser calls it are ignored."""
    assert video_suffix(head) == suffix


@pytest.mark.parametrize("head", [b"", b"GIF89a", b"\xff\xd8\xff\xe0", b"RIFF\0\0\0\0AVI LIST", b"#EXTM3U\n"])
def test_anything_else_is_no_video(head: bytes) -> None:
    """Above all no playlist, which names other files."""
    with pytest.raises(HTTPUnsupportedMediaType, match="Unsupported"):
        video_suffix(head)


def test_the_limit_is_what_the_page_says() -> None:
    """The composer refuses what the server would refuse, before it is sent."""
    composer = (Path(upload.__file__).parent / "static" / "composer.js").read_text(encoding="utf-8")
    assert f"video: {VIDEO_BYTES_MAX // 1024 // 1024} * MEGABYTE" in composer
    assert f"audio: {upload.SOUND_BYTES_MAX // 1024 // 1024} * MEGABYTE" in composer
    assert f"image: {upload.PICTURE_BYTES_MAX // 1024 // 1024} * MEGABYTE" in composer
