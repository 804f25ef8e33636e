"""Files that were made to harm: each is refused with a sentence, in time, and whoever asked is unharmed."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition
from PIL import Image

from engine import media
from engine.errors import BadMedia, MediaError, MediaLimit
from engine.media.runner import Limits, run
from tests.media.makers import Recipe, add_sound, decoded, digest, make, names, remux, tone

SMALL = Recipe(frames=8, width=64, height=64, options={"preset": "ultrafast"})
IN_TIME_S = 45.0


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("good") / "good.mp4", SMALL)


@pytest.fixture
def host() -> Iterator[tuple[str, list[object]]]:
    """A web server's address, and who came."""
    came: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        closing = threading.Event()

        def listen() -> None:
            while not closing.is_set():
                try:
                    visitor, address = server.accept()
                except TimeoutError:
                    continue
                visitor.close()
                came.append(address)

        listener = threading.Thread(target=listen)
        listener.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", came
        closing.set()
        listener.join()


async def _refused(path: Path, reason: str, error: type[MediaError] = BadMedia) -> None:
    """By all three that meet a stranger's file, with a sentence and nothing left."""
    before = names(path.parent)
    began = time.monotonic()
    with pytest.raises(error, match=reason) as raised:
        await media.probe(path)
    assert str(raised.value).endswith(".")
    for doing in (
        media.last_frame(path, path.with_name("last.png")),
        media.stitch(media.Script(clips=(path,)), path.with_name("film.mp4")),
    ):
        with pytest.raises(error, match=reason):
            await doing
    assert time.monotonic() - began < 3 * IN_TIME_S
    assert names(path.parent) == before


def _number(data: bytearray, box: bytes, offset: int, value: int, *, wide: int = 4) -> None:
    at = data.index(box) + offset
    data[at : at + wide] = value.to_bytes(wide, "big")


PLAYLISTS: dict[str, str] = {
    "HLS": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}\n#EXT-X-ENDLIST\n",
    "HLS with a key": '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="{url}"\n#EXTINF:1,\n{url}\n#EXT-X-ENDLIST\n',
    "concat script": "ffconcat version 1.0\nfile '{url}'\n",
    "SDP": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    "DASH": (
        '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT1S">'
        '<Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>{url}</BaseURL>'
        "</Representation></AdaptationSet></Period></MPD>\n"
    ),
    "an image sequence": "clip%03d.png\n",
}


@pytest.mark.parametrize("kind", PLAYLISTS)
@pytest.mark.parametrize("to_host", [False, True], ids=["file", "host"])
async def test_a_playlist_is_not_followed(
    tmp_path: Path, good: Path, host: tuple[str, list[object]], kind: str, to_host: bool
) -> None:
    """Neither to another file of this machine nor to a host, whatever it calls itself."""
    address, came = host
    path = tmp_path / "clip.mp4"
    path.write_text(PLAYLISTS[kind].format(url=f"{address}/clip.mp4" if to_host else good.as_uri()), encoding="ascii")
    with pytest.raises(BadMedia, match="not a video"):
        await media.probe(path)
    assert not came


@pytest.mark.parametrize(
    "protocol", ["subfile,,start,0,end,0,,:{}", "concat:{}|{}", "file:{}", "crypto:{}", "async:{}"]
)
async def test_a_name_is_never_an_address(good: Path, protocol: str) -> None:
    """What looks like a protocol is the name of a file that is not there."""
    with pytest.raises(BadMedia, match="missing"):
        await media.probe(Path(protocol.format(good, good)))


def _elsewhere(clip: Path, other: Path, target: Path) -> None:
    """The same MP4, whose header says that its pictures are in another file; its own are overwritten with zeros."""
    data = bytearray(clip.read_bytes())
    name = os.fsencode(other)
    entry = b"alis" + bytes(4) + bytes(10) + b"\x01v" + bytes(26) + bytes(12) + b"\x01n" + bytes(62) + bytes(16)
    entry += bytes(4) + bytes(16) + b"\x00\x02" + len(name).to_bytes(2, "big") + name + bytes(len(name) % 2)
    entry += b"\xff\xff" + bytes(2)
    entry = (len(entry) + 4).to_bytes(4, "big") + entry
    at = data.index(b"dref") + 12
    assert data[at + 4 : at + 8] == b"url "
    grown = len(entry) - 12
    data[at : at + 12] = entry
    for box in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        place = data.index(box) - 4
        data[place : place + 4] = (int.from_bytes(data[place : place + 4], "big") + grown).to_bytes(4, "big")
    begin = data.index(b"mdat") + 4
    size = int.from_bytes(data[begin - 8 : begin - 4], "big") - 8
    data[begin : begin + size] = bytes(size)
    target.write_bytes(data)


async def test_an_mp4_cannot_have_its_pictures_in_another_file(tmp_path: Path, good: Path) -> None:
    """The library would read them if it were told to, and is not."""
    path = tmp_path / "clip.mp4"
    _elsewhere(good, good, path)
    told = {"enable_drefs": "1", "use_absolute_path": "1"}
    with av.open(str(path), options=told) as followed:
        assert [digest(frame) for frame in followed.decode(video=0)] == [shown for _, shown in decoded(good)]
    await _refused(path, "not a video|damaged|cut off|No picture")


def _picture_as_video(path: Path) -> None:
    Image.new("RGB", (64, 64)).save(path, "PNG")


def _archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("film.mp4", bytes(1 << 20), zipfile.ZIP_DEFLATED)


def _wide(path: Path) -> None:
    """100,000 x 1 pixels, without loss, in Matroska."""
    with av.open(str(path), "w", format="matroska") as film:
        video = film.add_stream("ffv1", rate=24)
        assert isinstance(video, av.VideoStream)
        video.width, video.height, video.pix_fmt = 100_000, 1, "gray"
        frame = av.VideoFrame.from_ndarray(np.zeros((1, 100_000), np.uint8), format="gray")
        frame.pts, frame.time_base = 0, Fraction(1, 24)
        film.mux([*video.encode(frame), *video.encode(None)])


def _cover_only(path: Path) -> None:
    """Sound with a cover picture."""
    with av.open(str(path), "w", format="mp4") as film:
        sound = film.add_stream("aac", rate=48_000, layout="stereo")
        cover = film.add_stream("png", rate=1)
        assert isinstance(cover, av.VideoStream)
        cover.width = cover.height = 64
        cover.pix_fmt = "rgb24"
        cover.disposition = Disposition.attached_pic
        frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        frame.pts, frame.time_base = 0, Fraction(1)
        film.mux([*cover.encode(frame), *cover.encode(None)])
        add_sound(film, sound, tone(0.5))


def _box(name: bytes, inside: bytes = b"") -> bytes:
    return (8 + len(inside)).to_bytes(4, "big") + name + inside


_TYPE = _box(b"ftyp", b"isom\0\0\2\0isomiso2avc1mp41")


def _nested(path: Path) -> None:
    """Boxes in boxes, thirty thousand deep."""
    inside = b"".join(
        (8 * (30_000 - depth)).to_bytes(4, "big") + (b"moov" if depth == 0 else b"trak") for depth in range(30_000)
    )
    path.write_bytes(_TYPE + inside)


WRONG: dict[str, tuple[Callable[[Path], object], str]] = {
    "100,000 x 1 pixels": (_wide, "100000x1, larger than|cannot be read"),
    "a picture": (_picture_as_video, "not a video"),
    "an archive": (_archive, "not a video"),
    "a page": (lambda path: path.write_text("<!doctype html><video src=x>" * 50), "not a video"),
    "a program": (lambda path: path.write_bytes(b"\x7fELF\2\1\1" + bytes(5000)), "not a video"),
    "a device": (lambda path: path.symlink_to("/dev/zero"), "missing"),
    "a pipe that never ends": (os.mkfifo, "missing"),
    "only a type": (lambda path: path.write_bytes(_TYPE), "not a video"),
    "an empty index": (lambda path: path.write_bytes(_TYPE + _box(b"moov")), "not a video|no video"),
    "boxes in boxes": (_nested, "not a video|no video"),
    "a box without end": (lambda path: path.write_bytes(_TYPE + b"\0\0\0\0moov" + bytes(99)), "not a video|no video"),
    "a box of 2^63 bytes": (
        lambda path: path.write_bytes(_TYPE + b"\0\0\0\1moov\x7f" + b"\xff" * 90),
        "not a video|no video",
    ),
    "a cover picture only": (_cover_only, "no video in it"),
}


@pytest.mark.parametrize("kind", WRONG)
async def test_what_only_looks_like_a_video_is_refused(tmp_path: Path, kind: str) -> None:
    """Its name says MP4 and its contents something else, or nothing."""
    path = tmp_path / "clip.mp4"
    spoil, reason = WRONG[kind]
    spoil(path)
    await _refused(path, reason)


HEADERS: dict[str, Callable[[bytearray], None]] = {
    "four thousand million samples": lambda data: _number(data, b"stsz", 12, 0xFFFFFFFF),
    "samples of two gigabytes": lambda data: _number(data, b"stsz", 16, 0x7FFFFFFF),
    "all samples of one huge size": lambda data: _number(data, b"stsz", 8, 0x7FFFFFF0),
    "a time table without end": lambda data: _number(data, b"stts", 8, 0xFFFFFFFF),
    "chunks before the file": lambda data: _number(data, b"stco", 12, 0xFFFFFFF0),
    "chunks of no samples": lambda data: _number(data, b"stsc", 16, 0),
    "a clock that stands": lambda data: _number(data, b"mdhd", 16, 0),
    "a track of a negative size": lambda data: _number(data, b"trak", -4, 0xFFFFFFFF),
    "an entry larger than its box": lambda data: _number(data, b"avc1", -4, 0x7FFFFFFF),
}


@pytest.mark.parametrize("kind", HEADERS)
async def test_a_header_that_lies_is_refused_or_seen_through(tmp_path: Path, good: Path, kind: str) -> None:
    """In a gigabyte of address space, and in time; never more is measured than can be decoded."""
    data = bytearray(good.read_bytes())
    HEADERS[kind](data)
    path = tmp_path / "clip.mp4"
    path.write_bytes(data)
    began = time.monotonic()
    said, frames = "", 0
    try:
        frames = (await run("probe", {"path": str(path), "decode": True}, limits=Limits(memory_bytes=1 << 30)))[
            "frames"
        ]
    except MediaError as error:
        said = str(error)
    assert "broke off" not in said
    assert frames <= SMALL.frames
    assert time.monotonic() - began < IN_TIME_S


async def test_a_picture_that_is_shown_days_after_the_others_is_refused(tmp_path: Path) -> None:
    """Its header declares a second; by its pictures' times a film with it would have two million pictures."""
    path = make(tmp_path / "clip.mp4", Recipe(frames=8, width=64, height=64, options={"preset": "veryfast"}))
    data = bytearray(path.read_bytes())
    _number(data, b"ctts", 16 + 3 * 8, 0x7F000000)  # of the fourth entry
    path.write_bytes(data.replace(b"edts", b"free"))  # an edit list would hide the picture
    for doing in (media.probe(path), media.stitch(media.Script(clips=(path,)), tmp_path / "film.mp4")):
        with pytest.raises(BadMedia, match="minutes long"):
            await doing


async def test_thirty_thousand_black_pictures_in_a_small_file_are_only_counted(tmp_path: Path) -> None:
    """The first ten thousand are decoded, one at a time."""
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as film:
        video = film.add_stream(
            "libx264", rate=100, options={"preset": "ultrafast", "x264-params": "keyint=9:bframes=0"}
        )
        assert isinstance(video, av.VideoStream)
        video.width = video.height = 32
        video.pix_fmt = "yuv420p"
        for place in range(2):
            frame = av.VideoFrame.from_ndarray(np.full((48, 32), 16, np.uint8), format="yuv420p")
            frame.pts, frame.time_base = place, Fraction(1, 100)
            film.mux(packets := video.encode(frame))
        film.mux(packets := [*video.encode(None)] or packets)
        step = packets[-1]
        data, ticks = bytes(step), round(Fraction(1, 100) / step.time_base)
        for place in range(2, 30_000):
            packet = av.Packet(data)
            packet.pts = packet.dts = place * ticks
            packet.stream, packet.time_base = video, step.time_base
            film.mux(packet)
    assert path.stat().st_size < 4 << 18
    measured = await media.probe(path)
    assert measured.frames == 30_000
    assert measured.seconds == pytest.approx(300, abs=0.1)


async def test_a_stream_that_grows_large_in_the_middle_is_refused(tmp_path: Path, good: Path) -> None:
    """Its header was modest."""
    large = make(tmp_path / "large.mp4", Recipe(frames=2, width=4128, height=64, options={"preset": "ultrafast"}))
    path = tmp_path / "clip.ts"
    path.write_bytes(b"".join(remux(clip, tmp_path / "piece.ts").read_bytes() for clip in (good, large)))
    with pytest.raises(BadMedia, match="4128x64, larger than|damaged"):
        await media.probe(path)


async def test_a_file_that_never_stops_growing_is_given_up(tmp_path: Path, good: Path) -> None:
    """Or measured as it was at some moment; the one who asked goes on."""
    piece = remux(good, tmp_path / "piece.ts").read_bytes() * 20
    path = tmp_path / "clip.ts"
    path.write_bytes(piece)
    closing = threading.Event()

    def grow() -> None:
        with path.open("ab") as file:
            while not closing.wait(0.002):
                file.write(piece)
                file.flush()

    writer = threading.Thread(target=grow)
    writer.start()
    began = time.monotonic()
    said = "It was measured."
    try:
        await asyncio.wait_for(run("probe", {"path": str(path), "decode": True}, limits=Limits(wall_s=0.6)), 60)
    except (BadMedia, MediaLimit) as error:
        said = str(error)
    finally:
        closing.set()
        writer.join()
    assert said.endswith(".")
    assert time.monotonic() - began < IN_TIME_S
