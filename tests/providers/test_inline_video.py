"""Videos inside answers: taken out without holding them, whatever their writer escapes."""

from __future__ import annotations

import base64
import json
import random
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from engine.errors import Unavailable
from engine.providers import inline_video
from engine.providers.inline_video import lean_answer
from engine.providers.wire import Request, Wire

VIDEO = random.Random(1).randbytes(3_000_001)


class Server:
    """Answers with one body."""

    def __init__(self) -> None:
        self.body = b""
        self.status = 200

    async def answer(self, _: web.Request) -> web.Response:
        return web.Response(body=self.body, status=self.status, content_type="application/json")


@pytest.fixture
async def server() -> AsyncIterator[tuple[Server, Wire]]:
    """A server with one answer, and the wire to it."""
    made = Server()
    app = web.Application()
    app.router.add_get("/answer", made.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    wire = Wire("Somebody", f"http://127.0.0.1:{runner.addresses[0][1]}", auth={})
    yield made, wire
    await wire.close()
    await runner.cleanup()


ASK = Request(method="GET", path="answer")


PLUSES = b"\xfb\xef\xbe" * 400_000
"""Nothing but `+` in base64, so that wherever a piece of it ends, an escape is cut in two."""


@pytest.mark.parametrize(
    ("video", "escape"),
    [
        (VIDEO, None),
        (VIDEO, ("=", "\\u003d")),
        (VIDEO, ("/", "\\/")),
        (VIDEO, ("+", "\\u002b")),
        (PLUSES, ("+", "\\u002b")),
    ],
)
async def test_a_long_video_goes_from_file_to_file(
    server: tuple[Server, Wire], tmp_path: Path, video: bytes, escape: tuple[str, str] | None
) -> None:
    """Byte for byte; what is read as JSON holds a placeholder."""
    made, wire = server
    text = json.dumps({"before": "a \\ lamp", "data": base64.b64encode(video).decode(), "after": [1, 2]})
    made.body = (text if escape is None else text.replace(*escape)).encode()
    async with lean_answer(wire, ASK) as (answer, strings):
        said = answer.table()
        assert len(answer.body) < 200
        assert (said["before"], said["after"]) == ("a \\ lamp", [1, 2])
        await strings.write(said["data"], tmp_path / "clip.mp4", "Somebody")
    assert (tmp_path / "clip.mp4").read_bytes() == video


async def test_a_short_video_stays_in_the_answer(server: tuple[Server, Wire], tmp_path: Path) -> None:
    """And is written all the same."""
    made, wire = server
    made.body = json.dumps({"data": base64.b64encode(b"short").decode()}).encode()
    async with lean_answer(wire, ASK) as (answer, strings):
        await strings.write(answer.table()["data"], tmp_path / "clip.mp4", "Somebody")
    assert (tmp_path / "clip.mp4").read_bytes() == b"short"


@pytest.mark.parametrize("data", ["", "no base64!", "A" * 5_001, "@long-string:0", "@long-string:7"])
async def test_what_is_no_video_is_asked_for_again(server: tuple[Server, Wire], tmp_path: Path, data: str) -> None:
    """It never becomes a clip."""
    made, wire = server
    made.body = json.dumps({"data": data}).encode()
    async with lean_answer(wire, ASK) as (answer, strings):
        with pytest.raises(Unavailable):
            await strings.write(answer.table()["data"], tmp_path / "clip.mp4", "Somebody")


async def test_a_bad_answer_is_read_as_it_is(server: tuple[Server, Wire]) -> None:
    """Its body says why."""
    made, wire = server
    made.status, made.body = 404, b'{"error": {"message": "gone"}}'
    async with lean_answer(wire, ASK) as (answer, _):
        assert (answer.status, answer.table()["error"]["message"]) == (404, "gone")
    made.status, made.body = 200, b""
    async with lean_answer(wire, ASK) as (answer, _):
        assert answer.body == b""


@pytest.mark.parametrize("piece_bytes", [1, 7, 64, 1_000_000])
def test_long_strings_are_found_wherever_a_piece_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece_bytes: int
) -> None:
    """The same as one search through all of it would find."""
    monkeypatch.setattr(inline_video, "_CHUNK_BYTES", piece_bytes)
    monkeypatch.setattr(inline_video, "LONG_BYTES", 20)
    chance = random.Random(7)
    long = ["A" * 19, "A" * 20, "b+/=\\/-_" * 5, "with blanks in it " * 3, "", "short", "\u00fc" * 30]
    for _ in range(20):
        data = json.dumps({f"k{n}": chance.choice(long) for n in range(9)}, ensure_ascii=False).encode()
        (tmp_path / "answer.json").write_bytes(data)
        spans = [found.span(1) for found in re.finditer(rb'"([A-Za-z0-9+/_=\\-]{20,}+)"', data)]
        body, found = inline_video._lean(tmp_path / "answer.json")
        assert found == spans
        assert len(body) == len(data) - sum(b - a for a, b in spans) + sum(
            len(f"@long-string:{number}") for number in range(len(spans))
        )
