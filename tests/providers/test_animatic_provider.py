"""The animatic provider: renders in processes of their own that outlive it, are adopted, begun again, cancelled."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from engine.abilities import FREE
from engine.errors import EngineError, Refused, RenderFailed
from engine.providers.animatic import AnimaticProvider
from engine.providers.animatic import spec as files
from engine.providers.animatic.provider import MAX_STARTS
from engine.providers.base import CancelOutcome, Order, Provider, Recovery, Rendered, Rendering
from tests.providers.watching import order, taken

WAIT_S = 40.0
LONG = order(seconds=20, resolution="720p")
"""Long enough to be caught in the middle."""


def quick(prompt: str = "a calm sea", **changes: Any) -> Order:
    """Drawn in half the time that an order of 16:9 takes."""
    return order(prompt, **{"ratio": "1:1"} | changes)


def work_in(root: Path) -> Callable[[str], Path]:
    def work(name: str) -> Path:
        (root / name).mkdir(parents=True, exist_ok=True)
        return root / name

    return work


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[AnimaticProvider]:
    made = AnimaticProvider(work_in(tmp_path))
    yield made
    await made.close()


def room(root: Path, task_id: str) -> Path:
    return root / "animatic" / task_id


def is_alive(process_id: int) -> bool:
    """Whether the process runs; one that has ended and waits to be collected does not."""
    try:
        return Path(f"/proc/{process_id}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def until(condition: Callable[[], bool], what: str) -> None:
    give_up_at = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < give_up_at, what
        await asyncio.sleep(0.03)


async def finish(provider: AnimaticProvider, task_id: str) -> tuple[str, list[Rendering]]:
    """Look at the render until it is done: where it is, and what was seen on the way."""
    seen: list[Rendering] = []
    give_up_at = time.monotonic() + WAIT_S
    while time.monotonic() < give_up_at:
        match await provider.check(task_id):
            case Rendered(where):
                return where, seen
            case Rendering() as progress:
                seen.append(progress)
        await asyncio.sleep(0.1)
    raise AssertionError("the render did not end")


async def tenant(root: Path, task_id: str) -> int:
    """The process id of the renderer, once it lives."""
    lock = room(root, task_id) / files.LOCK
    await until(
        lambda: lock.exists() and lock.read_text(encoding="ascii").strip().isdigit(), "no renderer came to life"
    )
    return int(lock.read_text(encoding="ascii"))


async def test_it_is_a_provider(provider: AnimaticProvider) -> None:
    """It keeps the contract, and its first model can do what the studio asks by default."""
    kept: Provider = provider
    assert kept.name == "animatic"
    assert kept.recovery is Recovery.SAME_KEY
    abilities = kept.models["parallax-1"]
    assert (abilities.ratios[0], abilities.resolutions[0], abilities.styles[0]) == ("16:9", "720p", "painting")
    assert (abilities.min_seconds, abilities.max_seconds, abilities.price) == (2, 20, FREE)
    assert abilities.first_frame
    assert abilities.last_frame
    assert abilities.audio
    assert kept.pace.in_flight >= 1


async def test_a_render_is_drawn_and_fetched(provider: AnimaticProvider, tmp_path: Path) -> None:
    """Submitted, watched to the end with a rising percentage, fetched twice, forgotten."""
    task_id = await taken(provider, quick(seconds=3), "key-1")
    where, seen = await finish(provider, task_id)
    told = [progress.percent for progress in seen if progress.percent is not None]
    assert told == sorted(told)
    assert all(0 <= percent < 100 for percent in told)
    assert not seen or told, "no percentage was told"
    for name in ("a.mp4", "b.mp4"):
        await provider.fetch(task_id, where, tmp_path / name)
        assert (tmp_path / name).stat().st_size > 20_000
    await provider.forget(task_id)
    await provider.forget(task_id)
    assert not room(tmp_path, task_id).exists()
    assert (tmp_path / "a.mp4").stat().st_size > 20_000, "the fetched film went with it"


async def test_one_key_is_one_render(provider: AnimaticProvider, tmp_path: Path) -> None:
    """Sent twice, at once and later, it is one directory and one process."""
    first, second = await asyncio.gather(taken(provider, LONG, "key-1"), taken(provider, LONG, "key-1"))
    process_id = await tenant(tmp_path, first)
    third = await taken(provider, LONG, "key-1")
    assert first == second == third
    assert await tenant(tmp_path, third) == process_id
    assert (room(tmp_path, first) / files.STARTS).read_text(encoding="ascii") == "1"
    assert await taken(provider, LONG, "key-2") != first
    assert len(list((tmp_path / "animatic").iterdir())) == 2


async def test_the_preview_is_a_picture_of_the_render_so_far(provider: AnimaticProvider) -> None:
    """While it draws, a small JPEG can be shown."""
    from PIL import Image

    task_id = await taken(provider, LONG, "key-1")
    give_up_at = time.monotonic() + WAIT_S
    preview = None
    while preview is None and time.monotonic() < give_up_at:
        progress = await provider.check(task_id)
        assert isinstance(progress, Rendering)
        preview = progress.preview
        await asyncio.sleep(0.05)
    assert preview is not None
    with Image.open(preview) as picture:
        assert (picture.format, picture.width) == ("JPEG", 480)


async def test_cancel_kills_the_renderer(provider: AnimaticProvider, tmp_path: Path) -> None:
    """The process is gone, so is its directory; a second time changes nothing, and nothing is known of it afterwards."""
    task_id = await taken(provider, LONG, "key-1")
    process_id = await tenant(tmp_path, task_id)
    assert await provider.cancel(task_id) is CancelOutcome.STOPPED
    assert not is_alive(process_id)
    assert not room(tmp_path, task_id).exists()
    assert await provider.cancel(task_id) is CancelOutcome.STOPPED
    with pytest.raises(RenderFailed, match="not known here any more; ask for a retake"):
        await provider.check(task_id)


PARENT = """
import asyncio, sys
from pathlib import Path
from engine.providers.animatic import AnimaticProvider
from tests.providers.watching import order, taken

async def main():
    def work(name):
        Path(sys.argv[1], name).mkdir(parents=True, exist_ok=True)
        return Path(sys.argv[1], name)
    print(await taken(AnimaticProvider(work), order("a calm sea", ratio="1:1", seconds=7), "key-1"), flush=True)
    await asyncio.sleep(100)

asyncio.run(main())
"""


async def test_a_renderer_outlives_its_program_and_is_adopted(tmp_path: Path) -> None:
    """The program is killed with -9; the next one finds the same process at work, starts no second one, and gets the film."""
    with subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        task_id = (await asyncio.to_thread(parent.stdout.readline)).strip()
        process_id = await tenant(tmp_path, task_id)
        parent.send_signal(signal.SIGKILL)
    assert is_alive(process_id)
    assert os.getpgid(process_id) == process_id
    provider = AnimaticProvider(work_in(tmp_path))
    assert isinstance(await provider.check(task_id), Rendering)
    await provider.close()
    assert is_alive(process_id), "closing stopped a process that it did not start"
    where, _ = await finish(provider, task_id)
    assert (room(tmp_path, task_id) / files.STARTS).read_text(encoding="ascii") == "1"
    assert Path(where).stat().st_size > 20_000


async def test_an_adopted_renderer_can_be_cancelled(tmp_path: Path) -> None:
    """The process id comes from the lock that it holds."""
    first, second = AnimaticProvider(work_in(tmp_path)), AnimaticProvider(work_in(tmp_path))
    task_id = await taken(first, LONG, "key-1")
    await tenant(tmp_path, task_id)
    await second.cancel(task_id)
    assert await asyncio.wait_for(first._children[task_id].wait(), WAIT_S) == -signal.SIGKILL
    await first.close()


async def test_a_renderer_that_died_is_begun_again(provider: AnimaticProvider, tmp_path: Path) -> None:
    """Killed once, the render starts anew and gives the same film as without."""
    task_id = await taken(provider, quick(), "key-1")
    os.kill(await tenant(tmp_path, task_id), signal.SIGKILL)
    where, _ = await finish(provider, task_id)
    other = await taken(provider, quick(), "key-2")
    same, _ = await finish(provider, other)
    assert Path(where).read_bytes() == Path(same).read_bytes()
    assert (room(tmp_path, task_id) / files.STARTS).read_text(encoding="ascii") == "2"


async def test_a_render_that_always_dies_is_given_up_with_a_sentence(
    provider: AnimaticProvider, tmp_path: Path
) -> None:
    """Three starts, then an end; what it said last is kept for the log and not shown."""
    task_id = await taken(provider, LONG, "key-1")
    folder = room(tmp_path, task_id)
    os.kill(await tenant(tmp_path, task_id), signal.SIGKILL)
    (folder / files.SPEC).write_text("{}", encoding="ascii")
    with pytest.raises(RenderFailed, match="failed several times; ask for a retake") as caught:
        await finish(provider, task_id)
    assert int((folder / files.STARTS).read_text(encoding="ascii")) == MAX_STARTS
    assert "TypeError" in caught.value.detail
    assert "TypeError" not in str(caught.value)


async def test_closing_stops_and_a_later_look_goes_on(tmp_path: Path) -> None:
    """A program that ends in order leaves no process behind, and its renders are begun again without counting as failures."""
    provider = AnimaticProvider(work_in(tmp_path))
    task_id = await taken(provider, quick(seconds=3), "key-1")
    process_id = await tenant(tmp_path, task_id)
    await provider.close()
    assert not is_alive(process_id)
    later = AnimaticProvider(work_in(tmp_path))
    await finish(later, task_id)
    assert (room(tmp_path, task_id) / files.STARTS).read_text(encoding="ascii") == "1"
    await later.close()


async def test_a_bad_first_frame_is_refused_with_a_sentence(provider: AnimaticProvider, tmp_path: Path) -> None:
    """Found by the renderer, told at the next look, and not tried again."""
    (tmp_path / "bad.png").write_bytes(b"no picture")
    task_id = await taken(provider, quick(first_frame=tmp_path / "bad.png"), "key-1")
    with pytest.raises(Refused, match="cannot be read as a picture"):
        await finish(provider, task_id)
    assert (room(tmp_path, task_id) / files.STARTS).read_text(encoding="ascii") == "1"


async def test_the_first_frame_may_vanish_after_it_was_taken(provider: AnimaticProvider, tmp_path: Path) -> None:
    """The picture is copied with the order; one that is gone before is refused."""
    from PIL import Image

    picture = tmp_path / "first.png"
    Image.new("RGB", (64, 64), (200, 40, 40)).save(picture)
    task_id = await taken(provider, quick("she smiles", first_frame=picture), "key-1")
    picture.unlink()
    await finish(provider, task_id)
    with pytest.raises(Refused, match="is gone; choose it again"):
        await taken(provider, order(first_frame=picture), "key-2")


@pytest.mark.parametrize(
    "wrong",
    [
        {"ratio": "4:3"},
        {"resolution": "4k"},
        {"style": "oil"},
        {"seconds": 1.9},
        {"seconds": 21.0},
        {"seconds": float("nan")},
        {"model": "veo"},
    ],
)
async def test_what_cannot_be_drawn_is_refused_before_anything_is_written(
    wrong: dict[str, Any], provider: AnimaticProvider, tmp_path: Path
) -> None:
    """One sentence that names what can be."""
    impossible: Order = order(**wrong)
    with pytest.raises(Refused, match=r"^The animatic provider .*\.$"):
        await taken(provider, impossible, "key-1")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("task_id", ["unknown", "", "../../etc", "a/../../x", "a" * 5000, "a\0b"])
async def test_a_foreign_task_id_leads_nowhere(task_id: str, provider: AnimaticProvider, tmp_path: Path) -> None:
    """Nothing is known of it, and no path leads out of the directory."""
    (tmp_path / "animatic").mkdir()
    (tmp_path / "keep.txt").write_text("kept", encoding="ascii")
    with pytest.raises(RenderFailed, match="not known here"):
        await provider.check(task_id)
    await provider.cancel(task_id)
    await provider.forget(task_id)
    assert (tmp_path / "keep.txt").exists()
    assert (tmp_path / "animatic").exists()


async def test_a_full_disk_is_said_and_goes_on_later(provider: AnimaticProvider, tmp_path: Path) -> None:
    """The renderer found no room: the look says so as something that passes, and the next one begins again."""
    task_id = await taken(provider, quick(), "key-1")
    await provider.close()
    (room(tmp_path, task_id) / files.OUT).unlink(missing_ok=True)
    (room(tmp_path, task_id) / files.PROBLEM).write_text(
        json.dumps({"kind": "disk", "text": "ENOSPC"}), encoding="ascii"
    )
    with pytest.raises(EngineError, match="no room") as caught:
        await provider.check(task_id)
    assert caught.value.retryable
    await finish(provider, task_id)


async def test_the_loop_stays_free_while_it_draws(provider: AnimaticProvider) -> None:
    """Two renders run and are looked at; no turn of the loop is long. (A bound for a shared machine; bench/ has the figures.)"""
    worst = 0.0
    tasks = [await taken(provider, quick(seed=seed), f"key-{seed}") for seed in (1, 2)]
    watching = asyncio.gather(*(finish(provider, task_id) for task_id in tasks))
    while not watching.done():
        before = time.monotonic()
        await asyncio.sleep(0.005)
        worst = max(worst, time.monotonic() - before)
    await watching
    assert worst < 1.0
