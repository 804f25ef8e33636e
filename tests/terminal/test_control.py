"""The studio in this process and the studio behind a socket answer alike."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydantic import TypeAdapter

from bot.control import remote as far
from bot.control.calls import CALLS, pack_error, unpack_error
from bot.control.remote import HouseGone, RemoteStudio, reach, served_at
from bot.control.server import bind_socket, drop_socket, serve_desk
from bot.desk import Desk
from engine import errors
from engine.errors import (
    BadMedia,
    Billed,
    Defect,
    EngineError,
    NotAllowed,
    NotFound,
    NothingToContinue,
    NotPossible,
    RateLimited,
    StorageUnavailable,
)
from engine.job_model import Failure, JobState
from engine.model import Add, Asked, Continue, Create, Film, Person, Retake, ShotOptions, Stitch
from engine.open import open_studio, utc_now
from engine.studio import Studio
from engine.views import ShotView
from storage import DirectoryLock, LocalFiles, opened_store
from tests.fakes.provider import ScriptedProvider, write_clip

ANA = Person("local:ana", "Ana", is_operator=True)
BEN = Person("local:ben", "Ben")
PLACE = "local:home"


@dataclass(frozen=True)
class Opened:
    """A desk, and the studio that is behind it."""

    desk: Desk
    studio: Studio
    provider: ScriptedProvider


def asked(key: str = "one", person: Person = ANA) -> Asked:
    return Asked(key, PLACE, person)


@pytest.fixture(params=["here", "behind a socket"])
async def opened(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Opened]:
    """The same studio, asked directly or from outside."""
    provider = ScriptedProvider()
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(opened_store("sqlite://", utc_now))
        studio = await stack.enter_async_context(open_studio(store, LocalFiles(tmp_path), [provider]))
        desk: Desk = studio
        if request.param != "here":
            address = await stack.enter_async_context(serve_desk(studio))
            desk = await stack.enter_async_context(reach(address))
        yield Opened(desk, studio, provider)


async def finished(opened: Opened, job_id: int) -> JobState:
    async with asyncio.timeout(20):
        return (await opened.studio.finished(job_id)).state


async def test_a_film_is_made(opened: Opened, tmp_path: Path) -> None:
    """Every use case, once, in the order of a film."""
    desk = opened.desk
    picture = tmp_path / "given.png"
    Image.new("RGB", (128, 72), "teal").save(picture)
    first_frame = await desk.keep_picture(picture)
    options = ShotOptions(seconds=0.5, seed=7, first_frame=first_frame)
    job = await desk.create(Create(asked=asked("1"), prompt="Ein Leuchtturm · 灯台", options=options))
    assert await desk.place_in_line(job) >= 0
    assert (job.id, job.person.key, job.shot_code) == (
        (await opened.studio.create(_again(options))).id,
        ANA.key,
        "a1-1",
    )
    second = await desk.continue_story(Continue(asked=asked("2"), prompt="a boat", shot="a1-1"))
    assert [each.id for each in await desk.jobs(PLACE)] == [second.id, job.id]
    assert await finished(opened, second.id) is JobState.READY
    retaken = await desk.retake(Retake(asked=asked("3"), shot="a1-2", seed=9))
    assert await finished(opened, retaken.id) is JobState.READY
    stitched = await desk.stitch(Stitch(asked=asked("4"), shots=("a1-1", "a1-2")))
    assert await finished(opened, stitched.id) is JobState.READY

    seen = await desk.job(stitched.id)
    assert seen == await opened.studio.job(stitched.id)
    assert seen is not None
    assert seen.film_id is not None
    assert await desk.film(seen.film_id) == await opened.studio.film(seen.film_id)
    assert await desk.job(99) is None
    shot, film = await desk.show(PLACE, "a1-2"), await desk.show(PLACE, "a1-f1")
    assert isinstance(shot, ShotView)
    assert isinstance(film, Film)
    assert (shot, film) == (await opened.studio.show(PLACE, "a1-2"), await opened.studio.show(PLACE, "a1-f1"))
    assert await desk.choose(asked("5"), "a1-2", 1) == await opened.studio.show(PLACE, "a1-2")
    assert await desk.story(PLACE) == await opened.studio.story(PLACE) == await desk.open_story(asked("6"), "a1")
    assert await desk.story("local:elsewhere") is None
    assert await desk.stories(PLACE) == await opened.studio.stories(PLACE)
    page = await desk.history(PLACE, None, None, 1)
    assert page == await opened.studio.history(PLACE, None, limit=1)
    assert page.next_before is not None
    assert (await desk.history(PLACE, ANA.key, before=page.next_before)).items
    path = await desk.download(PLACE, "a1-1", "thumbnail")
    assert await asyncio.to_thread(path.read_bytes)
    assert await desk.delete(asked("7"), "A1-F1") == "a1-f1"
    assert desk.models() == opened.studio.models()


def _again(options: ShotOptions) -> Create:
    """The same update, told to the other end: it has its job already."""
    return Create(asked=asked("1"), prompt="anything", options=options)


async def test_a_video_is_given_and_a_place_chooses(opened: Opened, tmp_path: Path) -> None:
    """What was given is a shot, alone or together with what follows it; what was chosen is what a story gets."""
    desk, video = opened.desk, tmp_path / "given.mp4"
    write_clip(video, seconds=0.5, colour=40)
    view = await desk.add(Add(asked=asked("1"), video=await desk.keep_video(video), words="a fox"))
    assert view == await opened.studio.show(PLACE, "a1-1")
    given = Add(asked=asked("2"), video=await desk.keep_video(video), is_beginning=True)
    job = await desk.continue_story(Continue(asked=asked("2"), prompt="a boat"), given)
    assert job.shot_code == "b1-2"
    assert await finished(opened, job.id) is JobState.READY
    given = Add(asked=asked("3"), video=await desk.keep_video(video))
    stitched = await desk.stitch(Stitch(asked=asked("3")), given)
    assert await finished(opened, stitched.id) is JobState.READY
    changed = await desk.set_settings(asked("4"), ShotOptions(style="ink", seconds=2.5), frozenset({"ratio"}))
    assert changed == await desk.settings(PLACE) == await opened.studio.settings(PLACE)
    assert changed.chosen == ShotOptions(style="ink", seconds=2.5)
    assert isinstance(await desk.show("local:elsewhere", "a1-1", ANA.key), ShotView)
    assert await desk.download("local:elsewhere", "a1-1", "video", ANA.key) == await desk.download(
        PLACE, "a1-1", "video"
    )


async def test_a_job_is_cancelled_and_sent_again(opened: Opened) -> None:
    """Steering reaches the job; what cannot be steered is refused."""
    opened.provider.check_answers = []
    opened.provider.finishes_at_check = 1_000
    job = await opened.desk.create(Create(asked=asked(), prompt="a lamp"))
    with pytest.raises(NotFound):
        await opened.desk.again(asked("2"), job.subject)
    cancelled = await opened.desk.cancel(asked("3"), None)
    assert (cancelled.id, cancelled.state) == (job.id, JobState.CANCELLED)


@pytest.mark.parametrize(
    ("ask", "kind", "said"),
    [
        (lambda desk: desk.create(Create(asked=asked(), prompt=" ")), NotPossible, "Say what the shot shows"),
        (lambda desk: desk.create(Create(asked=asked(), prompt="x" * 5000)), NotPossible, "shorten it by 1,000"),
        (lambda desk: desk.continue_story(Continue(asked=asked(), prompt="x")), NothingToContinue, "no clip here yet"),
        (lambda desk: desk.show(PLACE, "k7-4"), NotFound, "no shot k7-4"),
        (lambda desk: desk.download(PLACE, "nonsense", "video"), NotFound, "“nonsense” is no shot"),
        (lambda desk: desk.keep_picture(Path(__file__)), BadMedia, "picture"),
    ],
)
async def test_an_error_arrives_as_it_was_raised(
    opened: Opened, ask: object, kind: type[EngineError], said: str
) -> None:
    """Its class and its sentence are the same on both sides of the socket."""
    assert callable(ask)
    with pytest.raises(kind, match=said) as caught:
        await ask(opened.desk)
    assert type(caught.value) is kind


async def test_what_belongs_to_somebody_else_is_refused(opened: Opened) -> None:
    """Who asks crosses the socket too."""
    job = await opened.desk.create(Create(asked=asked(), prompt="a lamp", options=ShotOptions(seconds=0.5)))
    await finished(opened, job.id)
    with pytest.raises(NotAllowed, match="belongs to Ana"):
        await opened.desk.delete(asked("2", BEN), job.subject)


# --- the wire itself -------------------------------------------------------------------------------------------------

_CLASSES = sorted(
    (each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, EngineError)),
    key=lambda each: each.__name__,
)


@given(kind=st.sampled_from(_CLASSES), sentence=st.text(), wait_s=st.floats(0, 1e6))
def test_every_error_of_the_tree_crosses(kind: type[EngineError], sentence: str, wait_s: float) -> None:
    """Packed as JSON and unpacked it is of the same class, with the same sentence and fields."""
    fields = {"retry_after_s": wait_s, "provider": "p"} if kind is RateLimited else {}
    error = kind(sentence, **fields)
    back = unpack_error(json.loads(json.dumps(pack_error(error))))
    assert (type(back), str(back), vars(back)) == (kind, sentence, vars(error))


def test_an_error_of_our_own_crosses_as_the_nearest_of_the_tree() -> None:
    """A subclass that only one end knows becomes its parent; an unknown name becomes a defect."""
    back = unpack_error(pack_error(HouseGone("gone")))
    assert type(back) is StorageUnavailable
    assert type(unpack_error({"kind": "Path", "sentence": "?", "fields": {}})) is Defect


def test_the_far_end_has_every_call() -> None:
    """No use case of a desk is missing behind the socket, and each takes the same arguments, which can be written."""
    for name, call in CALLS.items():
        if name != "models":
            taken = inspect.signature(getattr(RemoteStudio, name))
            assert [*taken.parameters][1:] == [*call.signature.parameters]
        made = call.arguments, call.answer
        assert made == (call.arguments, call.answer), "Made when it is asked for, and once."


@given(
    failure=st.builds(Failure, kind=st.text(), sentence=st.text(), billed=st.sampled_from(Billed)),
    seconds=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    seed=st.none() | st.integers(0, 2**31 - 1),
    prompt=st.text(),
)
def test_values_cross_unchanged(failure: Failure, seconds: float | None, seed: int | None, prompt: str) -> None:
    """Any text, any number, any choice reads back equal."""
    command = Create(asked=asked(), prompt=prompt, options=ShotOptions(seconds=seconds, seed=seed))
    call = CALLS["create"].arguments
    assert call.validate_json(call.dump_json((command,))) == (command,)
    adapter = TypeAdapter(Failure)
    assert adapter.validate_json(adapter.dump_json(failure)) == failure


def test_the_socket_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its directory and itself are this user's alone, and its path is short even where temporary files lie deep."""
    deep = tmp_path / ("d" * 90)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    bound = bind_socket()
    address = Path(bound.getsockname())
    assert len(str(address)) < 100
    assert stat.S_IMODE(address.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(address.stat().st_mode) == 0o600
    bound.close()
    drop_socket(str(address))
    assert not address.parent.exists()


def test_only_our_own_socket_is_removed(tmp_path: Path) -> None:
    """A lock file that was tampered with deletes nothing else."""
    victim = tmp_path / "nextshot-x" / "control"
    victim.parent.mkdir()
    victim.write_text("a file")
    stranger = socket.socket(socket.AF_UNIX)
    stranger.bind(str(tmp_path / "control"))
    for path in (victim, tmp_path / "control", tmp_path / "missing" / "control"):
        drop_socket(str(path))
    assert victim.exists()
    assert (tmp_path / "control").exists()
    stranger.close()


def test_the_lock_file_is_the_storeys_own(tmp_path: Path) -> None:
    """What is read here is what the lock writes; anything else in that file is nobody's socket."""
    with DirectoryLock(tmp_path, socket="/run/x") as lock:
        assert served_at(tmp_path) == "/run/x"
        assert lock.path.name == far.LOCK_NAME
    assert served_at(tmp_path) is None
    for text in ("[]", "{", '{"socket": 3}', "\xff"):
        (tmp_path / far.LOCK_NAME).write_text(text)
        assert served_at(tmp_path) is None


async def test_nobody_behind_the_socket(tmp_path: Path) -> None:
    """No file, and a file that nobody listens on: the house is gone, in one sentence."""
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(tmp_path / "dead"))
    dead.close()
    for name in ("missing", "dead"):
        with pytest.raises(HouseGone, match="try again"):
            async with reach(str(tmp_path / name)):
                pass


async def test_a_house_that_dies_in_the_middle(tmp_path: Path) -> None:
    """The connection breaks while an answer is awaited: the house is gone."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_unix_server(hang_up, tmp_path / "s")
    async with server:
        with pytest.raises(HouseGone):
            async with reach(str(tmp_path / "s")):
                pass


async def test_a_house_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stopped process keeps its socket open: after the time-out one sentence says so."""
    monkeypatch.setattr(far, "MEET_S", 0.2)
    silent = socket.socket(socket.AF_UNIX)
    silent.bind(str(tmp_path / "s"))
    silent.listen()
    with pytest.raises(StorageUnavailable, match="does not answer"):
        async with reach(str(tmp_path / "s")):
            pass
    silent.close()


async def test_another_version_is_not_talked_to(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the calls look like belongs to a version, so a server that is older than its files says so."""
    async with serve_desk(opened.studio) as address:
        monkeypatch.setattr(far, "version", lambda _: f"0.0.{os.getpid()}")
        served = RemoteStudio(address)
        monkeypatch.setattr(served, "ask", lambda _: asyncio.sleep(0, b'{"version": "9.9.9"}'))
        with pytest.raises(StorageUnavailable, match=r"version 9\.9\.9 and this one is"):
            await served.meet()
        await served.close()


async def test_a_bug_behind_the_socket_is_one_sentence(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The trace goes to the log of the process that has the bug; a wrong call is refused, not crashed on."""
    monkeypatch.setattr(opened.studio, "stories", lambda _: 1 / 0)
    async with serve_desk(opened.studio) as address, reach(address) as remote:
        with pytest.raises(Defect, match="its log says what"):
            await remote.stories(PLACE)
        for path in ("/call/nothing", "/call/job"):
            response = await remote._client.post(path, content=b"[[]]")
            assert response.status_code in {httpx.codes.NOT_FOUND, httpx.codes.BAD_REQUEST}
    assert "call failed name=stories" in caplog.text
