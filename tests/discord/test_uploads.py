"""What people attach is fetched within limits, from Discord alone, and is what its content says; a sentence says when it is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import pytest_asyncio
from aiohttp import web

from bot.discord import uploads as under_test
from bot.discord.site import DiscordSettings
from bot.discord.slash import Given
from bot.discord.uploads import Uploads, gives_files, kind_of
from bot.fetching import NotFetched
from bot.message import Attachment
from storage import LocalFiles

JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 60
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 60
WEBP = b"RIFF\x40\0\0\0WEBPVP8 " + b"\0" * 60
GIF = b"GIF89a" + b"\0" * 60
MP4 = b"\0\0\0\x20ftypisom\0\0\2\0" + b"\0" * 60
MOV = b"\0\0\0\x14ftypqt  " + b"\0" * 60
OGG = b"OggS" + bytes(60)
WEBM = b"\x1a\x45\xdf\xa3" + b"\0" * 60
HEIC = b"\0\0\0\x24ftypheic" + b"\0" * 60

Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Cdn:
    """A server that gives out files, and knows what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.api_url = ""
        self._answers: dict[str, Answer] = {}

    def gives(self, name: str, data: bytes = b"", *, status: int = 200, **headers: str) -> Given:
        """A file that is attached, as Discord tells of it."""

        async def answer(_: web.BaseRequest) -> web.StreamResponse:
            return web.Response(status=status, body=data, headers=headers)

        return self.answers(name, answer, len(data))

    def answers(self, name: str, answer: Answer, size_bytes: int) -> Given:
        path = f"/attachments/{len(self._answers)}"
        self._answers[path] = answer
        url = f"{self.api_url.removesuffix('/api')}{path}?ex=6&is=5&hm=4"
        return Given(id=1, url=url, name=name, bytes=size_bytes, content_type="image/png", kind="")

    async def hear(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append(request.path)
        return await self._answers[request.path](request)


@pytest_asyncio.fixture
async def cdn() -> AsyncIterator[Cdn]:
    made = Cdn()
    runner = web.ServerRunner(web.Server(made.hear))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    _, port = runner.addresses[0]
    made.api_url = f"http://127.0.0.1:{port}/api"
    yield made
    await runner.cleanup()


def _uploads(cdn: Cdn, directory: Path) -> Uploads:
    return Uploads(DiscordSettings(token="t", api_url=cdn.api_url), LocalFiles(directory))


def _as(given: Given, kind: str, *, is_last_frame: bool = False, is_voice: bool = False) -> Given:
    return Given(
        id=given.id,
        url=given.url,
        name=given.name,
        bytes=given.bytes,
        content_type=given.content_type,
        kind=kind,
        is_last_frame=is_last_frame,
        is_voice=is_voice,
    )


def _leftovers(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*.part") if path.is_file() or path.is_symlink()]


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (JPEG, "image"),
        (PNG, "image"),
        (WEBP, "image"),
        (GIF, "image"),
        (MP4, "video"),
        (MOV, "video"),
        (b"\0\0\0\x08wide\0\0\0\0mdat", "video"),
        (WEBM, "video"),
        (HEIC, ""),
        (b"RIFF\x40\0\0\0AVI LIST", ""),
        (b"<svg xmlns=", ""),
        (b"#EXTM3U\n", ""),
        (b"\xff\xd8", ""),
        (b"", ""),
    ],
)
def test_the_first_bytes_say_what_a_file_is(head: bytes, kind: str) -> None:
    """A picture of a phone in a video's boxes is no video."""
    assert kind_of(head) == kind


@pytest.mark.parametrize(
    ("url", "given_out"),
    [
        ("https://cdn.discordapp.com/attachments/1/2/a.png?ex=1", True),
        ("https://MEDIA.discordapp.net:443/attachments/1/2/a.png", True),
        ("http://cdn.discordapp.com/attachments/1/2/a.png", False),
        ("https://cdn.discordapp.com:8443/attachments/1/2/a.png", False),
        ("https://cdn.discordapp.com.example.org/a.png", False),
        ("https://cdn.discordapp.com@example.org/a.png", False),
        ("https://cdn.discordapp.com\\@example.org/a.png", False),
        ("https://xcdn.discordapp.com/a.png", False),
        ("https://discord.com/api/a.png", False),
        ("http://127.0.0.1:3000/a.png", False),
        ("file:///etc/passwd", False),
        ("https://[::1", False),
        ("", False),
    ],
)
def test_the_cloud_s_files_come_from_its_own_hosts_alone(url: str, given_out: bool) -> None:
    """With https, on its own port."""
    assert gives_files(url, DiscordSettings(token="t")) is given_out


def test_another_server_gives_files_beside_the_cloud_s() -> None:
    """It alone, with its scheme and its port."""
    settings = DiscordSettings(token="t", api_url="http://127.0.0.1:3000/api")
    assert gives_files("http://127.0.0.1:3000/attachments/1/a.png", settings)
    assert gives_files("https://cdn.discordapp.com/attachments/1/2/a.png", settings)
    assert not gives_files("http://127.0.0.1:3001/attachments/1/a.png", settings)
    assert not gives_files("https://127.0.0.1:3000/attachments/1/a.png", settings)


async def test_files_arrive_as_what_they_are(cdn: Cdn, tmp_path: Path) -> None:
    """Whatever they are called; under names of ours, until they are dropped."""
    uploads = _uploads(cdn, tmp_path)
    last = _as(cdn.gives("../../x.mp4", PNG), "image", is_last_frame=True)
    voice = _as(cdn.gives("b.txt", OGG), "audio", is_voice=True)
    given = [_as(cdn.gives("a.png", MP4), "video"), last, voice, cdn.gives("c.jpg", WEBM)]
    fetched = await uploads.fetch(given)
    assert [each.kind for each in fetched] == ["video", "image", "audio", "video"]
    assert [each.is_last_frame for each in fetched] == [False, True, False, False]
    assert [each.is_voice for each in fetched] == [False, False, True, False]
    assert [each.path.read_bytes() for each in fetched] == [MP4, PNG, OGG, WEBM]
    assert all(each.path.parent == LocalFiles(tmp_path).work(under_test.WORK) for each in fetched)
    await uploads.drop(fetched)
    assert _leftovers(tmp_path) == []


@pytest.mark.parametrize(
    ("data", "kind", "sentence"),
    [
        (MP4, "image", "“lamp.png” is a video, and a picture is wanted: send a JPEG, PNG, WebP or GIF."),
        (JPEG, "video", "“lamp.png” is a picture, and a video is wanted: send an MP4, MOV or WebM."),
        (OGG, "image", "“lamp.png” is a sound file, and a picture is wanted: send a JPEG, PNG, WebP or GIF."),
        (HEIC, "audio", "“lamp.png” is no sound that is taken here, and a sound file is wanted: send an MP3, M4A,"),
        (
            HEIC,
            "image",
            "“lamp.png” is neither a picture nor a video that is taken here, and a picture is wanted: send a",
        ),
        (b"", "", "“lamp.png” is neither a picture nor a video that is taken here, and one of these is wanted: send a"),
    ],
)
async def test_a_file_that_is_something_else_is_one_sentence(
    cdn: Cdn, tmp_path: Path, data: bytes, kind: str, sentence: str
) -> None:
    """Its name and what Discord says of it are not asked."""
    with pytest.raises(NotFetched) as refused:
        await _uploads(cdn, tmp_path).fetch([_as(cdn.gives("lamp.png", data), kind)])
    assert str(refused.value).startswith(sentence)
    assert _leftovers(tmp_path) == []


async def test_a_file_that_is_something_else_is_not_taken_to_its_end(cdn: Cdn, tmp_path: Path) -> None:
    """Its first bytes are enough."""
    goes_on, is_left = asyncio.Event(), asyncio.Event()

    async def endless(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            await response.write(MP4 + bytes(1 << 21))
            await goes_on.wait()
        finally:
            is_left.set()
        return response

    given = _as(cdn.answers("long.mp4", endless, 190_000_000), "image")
    try:
        with pytest.raises(NotFetched, match="“long.mp4” is a video, and a picture is wanted"):
            await asyncio.wait_for(_uploads(cdn, tmp_path).fetch([given]), 10)
    finally:
        goes_on.set()
        await asyncio.wait_for(is_left.wait(), 10)


async def test_a_name_of_somebody_else_s_making_stays_on_its_line(cdn: Cdn, tmp_path: Path) -> None:
    """Whatever is in it, and however long it is."""
    with pytest.raises(NotFetched) as refused:
        await _uploads(cdn, tmp_path).fetch([cdn.gives(f"a\n\u202eb\0{'c' * 300}", b"text")])
    assert str(refused.value).startswith(f"“a b {'c' * 55}…” is neither a picture")


@pytest.mark.parametrize("status", [403, 404, 410])
async def test_a_link_that_is_over_is_said(cdn: Cdn, tmp_path: Path, status: int) -> None:
    """Discord's links die after a while."""
    with pytest.raises(NotFetched, match=r"^Discord does not give out that file any more; send it again\.$"):
        await _uploads(cdn, tmp_path).fetch([_as(cdn.gives("a.png", PNG, status=status), "image")])
    assert _leftovers(tmp_path) == []


async def test_a_server_that_fails_or_leads_elsewhere_is_not_followed(
    cdn: Cdn, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It may work the next time; the address, which is signed, is not logged."""
    elsewhere = cdn.gives("b.png", PNG)
    for given in (
        cdn.gives("a.png", PNG, status=500),
        cdn.gives("a.png", status=302, Location=elsewhere.url),
    ):
        with pytest.raises(NotFetched, match=r"^The picture could not be fetched from Discord; send it again in a mom"):
            await _uploads(cdn, tmp_path).fetch([_as(given, "image")])
    assert len(cdn.asked) == 2
    assert "302 from the server" in caplog.text
    assert "hm=4" not in "".join(record.getMessage() for record in caplog.records if record.name.startswith("bot."))
    assert _leftovers(tmp_path) == []


async def test_an_address_that_is_not_discord_s_is_not_asked(
    cdn: Cdn, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With the cloud, nothing else gives out files."""
    with pytest.raises(NotFetched, match="The video could not be fetched from Discord"):
        await Uploads(DiscordSettings(token="t"), LocalFiles(tmp_path)).fetch([_as(cdn.gives("a.mp4", MP4), "video")])
    assert cdn.asked == []
    assert "its address is none of Discord's" in caplog.text


async def test_a_file_above_the_limit_is_refused_by_what_is_said_and_by_what_arrives(
    cdn: Cdn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one without asking for it."""
    given = _as(cdn.answers("a.mp4", _never, 201_000_000), "video")
    with pytest.raises(NotFetched, match=r"^That video has 201 MB, and Nextshot takes at most 200 MB here; send a sho"):
        await _uploads(cdn, tmp_path).fetch([given])
    assert cdn.asked == []
    monkeypatch.setattr(under_test, "MOST_BYTES", 100)
    claims_little = cdn.gives("a.mp4", MP4 + bytes(200))
    object.__setattr__(claims_little, "bytes", 50)
    with pytest.raises(NotFetched, match="^That video is too large: "):
        await _uploads(cdn, tmp_path).fetch([_as(claims_little, "video")])
    assert _leftovers(tmp_path) == []


async def _never(_: web.BaseRequest) -> web.StreamResponse:
    raise AssertionError("nobody asks for this one")


async def test_one_bad_file_of_several_leaves_none_and_not_all_are_fetched(cdn: Cdn, tmp_path: Path) -> None:
    """The first was there already when the second failed; nothing takes more than four."""
    uploads = _uploads(cdn, tmp_path)
    with pytest.raises(NotFetched):
        await uploads.fetch([cdn.gives("a.png", PNG), cdn.gives("b.png", b"text")])
    assert _leftovers(tmp_path) == []
    fetched = await uploads.fetch([cdn.gives("a.png", PNG) for _ in range(6)])
    assert len(fetched) == 4
    await uploads.drop(fetched)


async def test_a_full_disk_is_said(
    cdn: Cdn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is not Discord's fault, and nothing of the file stays."""
    (LocalFiles(tmp_path).work(under_test.WORK) / "here.part").symlink_to("/dev/full")
    monkeypatch.setattr(under_test, "secrets", SimpleNamespace(token_hex=lambda _: "here"))
    with pytest.raises(
        NotFetched, match="The disk of this Nextshot is full, so the picture was not taken; tell its op"
    ):
        await _uploads(cdn, tmp_path).fetch([_as(cdn.gives("a.png", PNG), "image")])
    assert _leftovers(tmp_path) == []
    assert "the disk is full" in caplog.text


async def test_only_some_files_are_fetched_at_a_time(cdn: Cdn, tmp_path: Path) -> None:
    """However many people send some; the others have theirs a little later."""
    may_go_on, are_waiting, waiting = asyncio.Event(), asyncio.Event(), 0

    async def slow(_: web.BaseRequest) -> web.StreamResponse:
        nonlocal waiting
        waiting += 1
        if waiting == under_test.AT_ONCE:
            are_waiting.set()
        await may_go_on.wait()
        return web.Response(body=PNG)

    uploads = _uploads(cdn, tmp_path)
    fetching = [asyncio.create_task(uploads.fetch([cdn.answers("a.png", slow, 68)])) for _ in range(7)]
    try:
        await asyncio.wait_for(are_waiting.wait(), 10)
        await asyncio.sleep(0.1)
        assert waiting == under_test.AT_ONCE
    finally:
        may_go_on.set()
    fetched: list[tuple[Attachment, ...]] = await asyncio.gather(*fetching)
    assert [len(each) for each in fetched] == [1] * 7
