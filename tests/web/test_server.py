"""What the page's server promises: messages are kept and told, and media come in ranges."""

from __future__ import annotations

import asyncio
import io
import os
import time
from pathlib import Path

import pytest
from aiohttp import ClientPayloadError, FormData

from bot.message import Button, NotSent, Reply
from bot.web.adapter import WebAdapter
from bot.web.site import CannotListen, PasswordNeeded, PortInUse, WebSettings
from bot.web.upload import PICTURE_BYTES_MAX
from tests.fakes.clock import FakeClock
from tests.web.page import HOME, WebHouse, opened_page

PNG = b"\x89PNG\r\n\x1a\n"
LARGE_BYTES = 64 * 1024 * 1024
"""More than the sockets between two programs hold."""


# --- saying and reading ----------------------------------------------------------------------------------------------


async def test_what_is_said_is_kept_and_answered(web: WebHouse) -> None:
    """A command becomes a message of its person; its public answer becomes one of the bot."""
    said = await web.say("/story")
    assert (said["post"]["name"], said["post"]["author"], said["post"]["text"]) == ("Ana", "local:ana", "/story")
    assert said["private"] is None
    assert [post["kind"] for post in (await web.room())["posts"]] == ["said", "reply"]


async def test_a_private_answer_reaches_only_its_tab(web: WebHouse) -> None:
    """It is in the answer to the POST and is kept nowhere."""
    said = await web.say("/crate x")
    assert "did you mean /create" in said["private"]["text"]
    assert said["private"]["is_error"]
    assert [post["text"] for post in (await web.room())["posts"]] == ["/crate x"]


async def test_the_same_message_twice_counts_once(web: WebHouse) -> None:
    """A page that did not hear the answer sends again with the same key."""
    message = web.message("/create a lamp")
    for _ in range(2):
        async with web.post("/api/room/home/say", json=message) as answer:
            assert answer.status == 200
    room = await web.room()
    assert [post["text"] for post in room["posts"]] == ["/create a lamp"]
    assert len(room["story"]["shots"]) == 1


async def test_a_setting_is_chosen_by_its_button(web: WebHouse) -> None:
    """What a button carries comes back as it was sent."""
    said = await web.say("/settings")
    button = said["answer"]["buttons"][1]
    pressed = {**button, "name": "Ana", "key": "press-settings"}
    async with web.post("/api/room/home/press", json=pressed) as answer:
        assert answer.status == 200
        assert "chosen here: ratio 9:16" in (await answer.json())["answer"]["text"]


async def test_rooms_know_nothing_of_each_other(web: WebHouse) -> None:
    """Messages, stories and files of one room are not found in another."""
    await web.say("/create a lamp", room="attic")
    number = await web.show(await web.clip())
    room = await web.room()
    assert [post["text"] for post in room["posts"]] == ["here"]
    assert room["story"] is None
    for path in (f"/media/attic/posts/{number}/video", "/api/room/attic/story/zz", "/api/room/home/story/a1"):
        async with web.get(path) as answer:
            assert answer.status == 404, path
            assert "error" in await answer.json()


async def test_the_strip_shows_the_tree(web: WebHouse) -> None:
    """Shots come with parent, canon and the job that works on them."""
    await web.say("/create a lamp")
    await web.say("/continue a boat", name="Ben")
    story = (await web.room())["story"]
    first, second = story["shots"]
    assert (first["parent"], second["parent"], second["author"]) == (None, first["code"], "Ben")
    assert first["on_canon"]
    assert (first["clip"], first["job"]["state"]) == (None, "queued")


async def test_older_messages_are_read_page_by_page(web: WebHouse) -> None:
    """A long room gives its newest hundred, and the ones before on request, each once."""
    for number in range(105):
        await web.adapter.send(HOME, Reply(text=f"{number}"), nonce=f"n{number}")
    newest = await web.room()
    assert newest["has_more"]
    async with web.get(f"/api/room/home/posts?before={newest['posts'][0]['id']}") as answer:
        older = await answer.json()
    assert [int(post["text"]) for post in older["posts"] + newest["posts"]] == list(range(105))
    assert not older["has_more"]


async def test_a_message_that_answers_another_names_it(web: WebHouse) -> None:
    """Only a message of the same room can be answered."""
    number = (await web.say("hello"))["post"]["id"]
    assert (await web.say("hello yourself", reply_to=number))["post"]["reply_to"] == number
    async with web.post("/api/room/attic/say", json=web.message("hi", reply_to=number)) as answer:
        assert answer.status == 400
        assert "not in this room" in (await answer.json())["error"]


# --- the adapter -----------------------------------------------------------------------------------------------------


async def test_a_nonce_gives_its_first_receipt(web: WebHouse) -> None:
    """Sent again after a crash, a message stands there once."""
    receipts = {await web.adapter.send(HOME, Reply(text="done"), nonce="one") for _ in range(3)}
    assert len(receipts) == 1
    assert len((await web.room())["posts"]) == 1


async def test_an_edit_replaces_the_message_in_place(web: WebHouse) -> None:
    """The number stays, the revision grows, the buttons are those of the new wording."""
    receipt = await web.adapter.send(
        HOME, Reply(text="queued", buttons=(Button("cancel", "Cancel", "a1-1"),)), nonce="n"
    )
    await web.adapter.edit(receipt, Reply(text="rendering", percent=40))
    (post,) = (await web.room())["posts"]
    assert (post["text"], post["percent"], post["buttons"], post["revision"]) == ("rendering", 40, [], 2)


@pytest.mark.parametrize("receipt", ["local:999", "telegram:1", "local:", "local:1e3", "local:-1"])
async def test_an_edit_of_nothing_is_refused_for_good(web: WebHouse, receipt: str) -> None:
    """A receipt that is none of ours is never tried again."""
    with pytest.raises(NotSent) as refused:
        await web.adapter.edit(receipt, Reply(text="x"))
    assert refused.value.retry_after_s is None


async def test_a_persons_message_cannot_be_edited_by_its_number(web: WebHouse) -> None:
    """Only what the bot said may be replaced."""
    number = (await web.say("mine"))["post"]["id"]
    with pytest.raises(NotSent):
        await web.adapter.edit(f"local:{number}", Reply(text="not mine"))


# --- the stream ------------------------------------------------------------------------------------------------------


async def test_two_listeners_hear_the_same(web: WebHouse) -> None:
    """What one person says, every open page shows."""
    async with web.events() as first, web.events() as second:
        await web.say("hello")
        for stream in (first, second):
            assert (await stream.next("post")).data["text"] == "hello"


async def test_a_broken_line_goes_on_where_it_ended(web: WebHouse) -> None:
    """`Last-Event-ID` and the page's own cursor both bring exactly what was missed."""
    cursor = (await web.room())["cursor"]
    async with web.events(after=cursor) as stream:
        await web.say("one")
        last = (await stream.next("post")).id
    await web.say("two")
    await web.say("three")
    for given in ({"Last-Event-ID": last}, {}):
        async with web.events(after=None if given else last, **given) as stream:
            assert [(await stream.next("post")).data["text"] for _ in range(2)] == ["two", "three"]


@pytest.mark.parametrize("cursor", ["0123abcd-0", "0123abcd-5", "nonsense", "-", "00000000-99999999999999999999"])
async def test_a_cursor_of_another_run_loads_the_room_anew(web: WebHouse, cursor: str) -> None:
    """After a restart of the server nobody knows what was missed, so the page is told to look."""
    await web.say("hello")
    async with web.events(after=cursor) as stream:
        await stream.next("resync")


async def test_the_story_is_told_when_it_changes(web: WebHouse) -> None:
    """A new shot shows in the strip of every open page, without a message of the bot."""
    async with web.events() as stream:
        await web.say("/create a lamp")
        assert len((await stream.next("story")).data["story"]["shots"]) == 1


async def test_a_slow_reader_gets_the_newest_state_only(web: WebHouse) -> None:
    """Of a message that changed a thousand times while nobody read, the last wording comes, and memory stays small."""
    receipt = await web.adapter.send(HOME, Reply(text="0"), nonce="n")
    hub = web.adapter._rooms.hub
    listener = hub.join(HOME, hub.cursor())
    for number in range(1, 1_000):
        await web.adapter.edit(receipt, Reply(text=f"{number}"))
    taken = await listener.take(1)
    assert [news.data["text"] for news in taken or [] if news.name == "post"] == ["999"]


async def test_a_reader_far_behind_is_told_to_load_anew(web: WebHouse) -> None:
    """Beyond a bound of different messages there is one word instead of all of them."""
    hub = web.adapter._rooms.hub
    listener = hub.join(HOME, hub.cursor())
    for number in range(200):
        await web.adapter.send(HOME, Reply(text=f"{number}"), nonce=f"n{number}")
    assert [news.name for news in await listener.take(1) or []] == ["resync"]


async def test_the_server_stops_while_pages_listen(tmp_path: Path, clock: FakeClock) -> None:
    """Open streams end at once, so that a stop takes less than five seconds."""
    async with opened_page(tmp_path, clock, WebSettings(port=0)) as web, web.events() as one, web.events() as other:
        began = time.monotonic()
        await web.adapter.close()
        await one.ends(5)
        await other.ends(5)
        assert time.monotonic() - began < 5


async def test_a_reader_that_paused_a_download_does_not_hold_up_the_stop(tmp_path: Path, clock: FakeClock) -> None:
    """It has its second, and then the file ends in the middle."""
    async with opened_page(tmp_path, clock, WebSettings(port=0)) as web:
        number = await web.show(key := await web.clip())
        path = web.house.files.path(key)
        path.chmod(0o600)
        os.truncate(path, LARGE_BYTES)
        async with web.get(f"/media/home/posts/{number}/video") as paused:
            assert (paused.status, paused.content_length) == (200, LARGE_BYTES)
            began = time.monotonic()
            await web.adapter.close()
            assert time.monotonic() - began < 3
            with pytest.raises(ClientPayloadError):
                await paused.read()


# --- media -----------------------------------------------------------------------------------------------------------


async def test_a_clip_comes_in_ranges(web: WebHouse) -> None:
    """A player asks for parts; what it gets together is the file."""
    key = await web.clip()
    number = await web.show(key)
    content = web.house.files.path(key).read_bytes()
    url = f"/media/home/posts/{number}/video"
    async with web.get(url) as whole:
        assert (whole.status, whole.content_type, await whole.read()) == (200, "video/mp4", content)
        assert "immutable" in whole.headers["Cache-Control"]
    async with web.get(url, headers={"Range": "bytes=100-199"}) as part:
        assert (part.status, await part.read()) == (206, content[100:200])
        assert part.headers["Content-Range"] == f"bytes 100-199/{len(content)}"
    async with web.get(url, headers={"Range": f"bytes={len(content)}-"}) as beyond:
        assert beyond.status == 416


async def test_a_download_has_a_name_of_ours(web: WebHouse) -> None:
    """The browser saves it under the shot's code, whatever else is in the post."""
    number = await web.show(await web.clip(), name='k7-1".html;\n.mp4')
    async with web.get(f"/media/home/posts/{number}/video?download=1") as answer:
        disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith("attachment; filename=")
    assert not set(disposition.partition("=")[2].strip('"')) & set('";\n/\\<>')


async def test_another_kind_of_file_is_made_when_it_is_looked_at(web: WebHouse) -> None:
    """Shown or kept under the shot's code and as what it is; a page that reads one byte learns that it is there, or why not."""
    await web.house.shot()
    for kind, suffix, content_type in (("gif", "gif", "image/gif"), ("frames", "zip", "application/zip")):
        post = (await web.say(f"/download a1-1 {kind}"))["answer"]
        assert (post["video"], post["text"]) == (None, f"a1-1 · {kind}")
        assert post["file"] == {
            "name": f"a1-1.{suffix}",
            "kind": kind,
            "src": f"/media/home/posts/{post['id']}/{kind}",
        }
        async with web.get(post["file"]["src"], headers={"Range": "bytes=0-0"}) as part:
            assert (part.status, part.content_type) == (206, content_type)
        for src in (f"{post['file']['src']}?download=1", f"/media/home/a1-1/{kind}?download=1"):
            async with web.get(src) as whole:
                assert whole.status == 200
                assert whole.headers["Content-Disposition"] == f'attachment; filename="a1-1.{suffix}"'
    async with web.get(f"/media/home/posts/{post['id']}/gif") as other:
        assert other.status == 404
    await web.say("/delete a1-1")
    async with web.get(post["file"]["src"]) as gone:
        assert gone.status == 404
        assert (await gone.json())["error"]


async def test_a_deleted_clip_is_gone_with_a_sentence(web: WebHouse) -> None:
    """The message stays, its file does not."""
    key = await web.clip()
    number = await web.show(key)
    web.house.files.release(key)
    assert await web.house.files.delete(key)
    async with web.get(f"/media/home/posts/{number}/video") as answer:
        assert answer.status == 404
        assert (await answer.json())["error"].endswith(".")


async def test_a_preview_may_vanish_at_any_time(web: WebHouse) -> None:
    """While it is there it is shown, afterwards there is none; what is no picture is never shown."""
    picture = web.house.files.work("test") / "preview.jpg"
    receipt = await web.adapter.send(HOME, Reply(text="rendering", picture=picture), nonce="n")
    url = f"/media/home/posts/{receipt.partition(':')[2]}/picture"
    for content, status in ((b"\xff\xd8\xff picture", 200), (b"<script>", 404), (None, 404)):
        if content is None:
            picture.unlink()
        else:
            picture.write_bytes(content)
        async with web.get(url) as answer:
            assert answer.status == status


# --- pictures that come in -------------------------------------------------------------------------------------------


async def test_a_picture_is_streamed_and_dropped_afterwards(web: WebHouse) -> None:
    """It reaches the dispatch as a file of ours; what was not kept is removed."""
    form = FormData()
    form.add_field("say", '{"name": "Ana", "text": "look", "key": "key-picture-1"}')
    form.add_field("picture", PNG + b"x" * 300_000, filename="../../evil.png", content_type="text/html")
    async with web.post("/api/room/home/say", data=form) as answer:
        assert (answer.status, (await answer.json())["post"]["pictures"]) == (200, 1)
    assert list(web.uploads.iterdir()) == []


@pytest.mark.parametrize(
    ("head", "zeros", "status", "sentence"),
    [
        (b"<html>", 0, 415, "not a picture"),
        (b"", 0, 415, "not a picture"),
        (PNG, PICTURE_BYTES_MAX, 413, "larger than 32 MB"),
    ],
    ids=["page", "empty", "oversize"],
)
async def test_what_is_no_picture_leaves_nothing_behind(
    web: WebHouse, head: bytes, zeros: int, status: int, sentence: str
) -> None:
    """One sentence, no message, no file."""
    form = FormData()
    form.add_field("say", '{"name": "Ana", "text": "look", "key": "key-picture-2"}')
    form.add_field("picture", io.BytesIO(head + bytes(zeros)), filename="a.png")
    async with web.post("/api/room/home/say", data=form) as answer:
        assert answer.status == status
        assert sentence in (await answer.json())["error"]
    assert list(web.uploads.iterdir()) == []
    assert (await web.room())["posts"] == []


# --- the socket ------------------------------------------------------------------------------------------------------


async def test_a_taken_port_is_one_sentence(web: WebHouse) -> None:
    """It names the port and says what to do."""
    port = int(web.url.rstrip("/").rpartition(":")[2])
    second = WebAdapter(
        WebSettings(port=port), transcript=web.transcript, studio=web.house.studio, files=web.house.files
    )
    second.connect(dispatch=web.house.dispatch, hints=list)
    with pytest.raises(PortInUse, match=f"Port {port} .*--port"):
        await second.open()


async def test_nobody_serves_others_without_a_password(web: WebHouse) -> None:
    """Beyond loopback there has to be one."""
    open_to_all = WebSettings(host="0.0.0.0", port=0)  # noqa: S104  # refused
    adapter = WebAdapter(open_to_all, transcript=web.transcript, studio=web.house.studio, files=web.house.files)
    adapter.connect(dispatch=web.house.dispatch, hints=list)
    with pytest.raises(PasswordNeeded, match="NEXTSHOT_WEB_PASSWORD"):
        await adapter.open()
    assert issubclass(PasswordNeeded, CannotListen)


async def test_run_serves_until_it_is_cancelled(tmp_path: Path, clock: FakeClock) -> None:
    """Afterwards the port is free again."""
    async with opened_page(tmp_path, clock, WebSettings(port=0)) as web:
        running = asyncio.create_task(web.adapter.run())
        async with web.get("/healthz") as answer:
            assert await answer.json() == {"ok": True}
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        with pytest.raises(OSError, match="connect"):
            await web.get("/healthz")
