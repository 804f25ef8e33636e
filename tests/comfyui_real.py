"""The ComfyUI provider against a real server, which may be one on a CPU without any model files.

    NEXTSHOT_TEST_COMFYUI=http://127.0.0.1:8188 python -m tests.comfyui_real

Further settings: NEXTSHOT_TEST_COMFYUI_KEY, the token of a proxy; NEXTSHOT_TEST_COMFYUI_RENDER=1, to render with every shipped
model whose files are there as well. A server for it: `main.py --cpu --disable-api-nodes`. Run by hand, since CI has no such server:
what of ComfyUI is only copied into the fake is asked of ComfyUI itself here. Without the conftest, which forbids the network.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image
from websockets.asyncio.client import connect

from engine.errors import BadShot, Lost, ModelRetired, RenderFailed
from engine.providers.base import CancelOutcome, Order, Queued, Rendered, Rendering, Sent
from engine.providers.catalog import Setup, read_catalog
from engine.providers.comfyui import ComfyProvider, open_provider
from engine.providers.comfyui.installed import read_info
from engine.providers.comfyui.progress import read_message
from engine.providers.comfyui.requests import info_request, prompt_id_of
from engine.providers.comfyui.workflows import Workflow, plan_of

URL = os.environ.get("NEXTSHOT_TEST_COMFYUI", "").rstrip("/")
RENDER = os.environ.get("NEXTSHOT_TEST_COMFYUI_RENDER", "") == "1"
RENDER_S = 60.0
MODEL_RENDER_S = 3600.0
pytestmark = [
    pytest.mark.skipif(not URL, reason="NEXTSHOT_TEST_COMFYUI names no server"),
    pytest.mark.timeout(MODEL_RENDER_S if RENDER else 300),
]
SHIPPED = {
    (name, start): workflow
    for name, model in read_catalog("comfyui").models.items()
    for start, workflow in plan_of("comfyui", name, model).workflows.items()
}
NEWER = {"format.codec", "codec"}
"""Inputs that are given for servers of both ages."""


def still_graph(node: str = "RepeatImageBatch") -> dict[str, Any]:
    """A picture held for a while: it needs no model."""
    save = {"video": ["3", 0], "filename_prefix": "x", "format": "auto", "codec": "auto", "format.codec": "auto"}
    return {
        "1": {"class_type": "LoadImage", "inputs": {"image": "example.png"}},
        "2": {"class_type": node, "inputs": {"image": ["1", 0], "amount": 24}},
        "3": {"class_type": "CreateVideo", "inputs": {"images": ["2", 0], "fps": 24}},
        "4": {"class_type": "SaveVideo", "inputs": save},
    }


def setup_of(folder: Path, node: str = "RepeatImageBatch") -> Setup:
    """The shipped models, and one of the operator's own."""
    path = folder / "still.json"
    path.write_text(json.dumps(still_graph(node)))
    places = {"prompt": [], "first_frame": "1.image", "frames": "2.amount", "name": "4.filename_prefix"}
    row = {
        "as_of": "2026-11-21", "source": "https://docs.comfy.org", "seconds": [1, 1000], "default_seconds": 2,
        "ratios": ["16:9"], "resolutions": ["480p"], "text": False, "first_frame": True,
        "wire": {"workflow": str(path), "fps": 24, "inputs": places},
    }  # fmt: skip
    key = os.environ.get("NEXTSHOT_TEST_COMFYUI_KEY", "")
    settings = {"url": URL, **({"key": key} if key else {})}
    return Setup(name="comfyui", catalog=read_catalog("comfyui", {"models": {"still": row}}), settings=settings)


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[ComfyProvider]:
    """The provider, speaking to the real server."""
    made = open_provider(setup_of(tmp_path))
    yield made
    await made.close()


@pytest.fixture
def order(tmp_path: Path) -> Order:
    """Two seconds of one picture; another picture each time, so that nothing comes from a cache."""
    path = tmp_path / "frame.png"
    Image.effect_noise((320, 180), 60).convert("RGB").save(path)
    return Order(
        prompt="a lamp", seconds=2, ratio="16:9", resolution="480p", seed=7, style="default", model="still", first_frame=path
    )  # fmt: skip


def new_key() -> str:
    """As the engine makes them."""
    return f"1-{uuid.uuid4().hex[:16]}"


async def until_over(provider: ComfyProvider, task_id: str, limit_s: float = RENDER_S) -> Rendered:
    """The end of a render."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        progress = await provider.check(task_id)
        if isinstance(progress, Rendered):
            return progress
        assert isinstance(progress, Queued | Rendering)
        await asyncio.sleep(0.2)
    raise AssertionError(f"not over after {limit_s:g} s")


def looked_at(path: Path) -> tuple[int, int, int]:
    """Frames, width and height of a clip."""
    with av.open(str(path)) as clip:
        stream = clip.streams.video[0]
        return sum(1 for _ in clip.decode(stream)), stream.width, stream.height


async def test_a_workflow_of_ones_own_renders_a_clip(provider: ComfyProvider, order: Order, tmp_path: Path) -> None:
    """Uploaded, taken, watched, fetched, and forgotten."""
    taken = await provider.submit(await provider.prepare(order, new_key()))
    done = await until_over(provider, taken.task_id)
    await provider.fetch(taken.task_id, done.where, tmp_path / "clip.mp4")
    assert looked_at(tmp_path / "clip.mp4") == (48, 320, 180)
    await provider.forget(taken.task_id)
    with pytest.raises(Lost):
        await provider.check(taken.task_id)


async def test_a_request_is_found_by_its_key(provider: ComfyProvider, order: Order) -> None:
    """While it waits or runs, and when it is over; another key is not."""
    key = new_key()
    sent = Sent(key=key, order=order, at=datetime.now(UTC), known=frozenset())
    assert await provider.find(sent) is None
    taken = await provider.submit(await provider.prepare(order, key))
    assert await provider.find(sent) == taken.task_id
    await until_over(provider, taken.task_id)
    assert await provider.find(sent) == taken.task_id


async def test_a_job_that_waits_is_cancelled(provider: ComfyProvider, order: Order, tmp_path: Path) -> None:
    """Behind a longer one, which renders on."""
    path = tmp_path / "large.png"
    Image.effect_noise((1280, 720), 60).convert("RGB").save(path)
    long = Order(**{**_fields(order), "seconds": 20, "first_frame": path})
    first = await provider.submit(await provider.prepare(long, new_key()))
    second = await provider.submit(await provider.prepare(order, new_key()))
    assert await provider.cancel(second.task_id) is CancelOutcome.STOPPED
    with pytest.raises((Lost, RenderFailed)):
        await until_over(provider, second.task_id)
    await until_over(provider, first.task_id)


async def test_a_running_job_is_cancelled(provider: ComfyProvider, order: Order) -> None:
    """At the end of the node that runs, or it was done before that."""
    long = Order(**{**_fields(order), "seconds": 60})
    taken = await provider.submit(await provider.prepare(long, new_key()))
    outcome = await provider.cancel(taken.task_id)
    assert outcome in {CancelOutcome.STOPPED, CancelOutcome.MAY_STILL_COST}
    try:
        await until_over(provider, taken.task_id)
    except (Lost, RenderFailed):
        assert outcome is CancelOutcome.STOPPED


async def test_a_value_out_of_range_is_refused_in_words(provider: ComfyProvider, order: Order) -> None:
    """More frames than the node takes."""
    huge = Order(**{**_fields(order), "seconds": 1000})
    prepared = await provider.prepare(huge, new_key())
    with pytest.raises(BadShot, match="RepeatImageBatch"):
        await provider.submit(prepared)


async def test_a_missing_node_is_named_before_it_is_queued(order: Order, tmp_path: Path) -> None:
    """By its class."""
    provider = open_provider(setup_of(tmp_path, node="NextshotHasNoSuchNode"))
    with pytest.raises(BadShot, match="NextshotHasNoSuchNode"):
        await provider.prepare(order, new_key())
    await provider.close()


async def test_the_socket_speaks_of_our_jobs(provider: ComfyProvider, order: Order) -> None:
    """In the form that the listener reads."""
    client_id, key = uuid.uuid4().hex, new_key()
    prepared = await provider.prepare(order, key)
    prepared.request.json["client_id"] = client_id
    headers = dict(await provider.wire.auth_headers())
    url = URL.replace("http", "ws", 1) + f"/ws?clientId={client_id}"
    heard: set[str] = set()
    async with connect(url, additional_headers=headers, proxy=None, max_size=None) as socket:
        taken = await provider.submit(prepared)
        async with asyncio.timeout(RENDER_S):
            async for message in socket:
                if isinstance(message, bytes):
                    continue
                news = read_message(message)
                if news is not None and news[0] == taken.task_id:
                    heard |= set(news[1])
                said = json.loads(message)
                if said["type"] == "executing" and said["data"].get("node") is None:
                    break
    assert heard <= {"1", "2", "3", "4"}
    assert heard


@pytest.mark.parametrize("shipped", SHIPPED, ids=lambda pair: f"{pair[0]} {pair[1]}")
async def test_a_shipped_workflow_fits_the_nodes(provider: ComfyProvider, shipped: tuple[str, str]) -> None:
    """Every class, every needed input, no input that the class does not have."""
    workflow: Workflow = SHIPPED[shipped]  # type: ignore[index]  # its own keys
    wrong = []
    for node, each in workflow.graph.items():
        kind, given = each["class_type"], set(each["inputs"])
        info = read_info((await provider.wire.ask(info_request(kind))).table(), kind)
        if info is None:
            pytest.skip(f"this server is too old for {workflow.name}: it has no {kind}")
        needed, known = _inputs(info)
        wrong += [f"{node} {kind}: without {name}" for name in sorted(needed - given)]
        wrong += [f"{node} {kind}: has no {name}" for name in sorted(given - known - NEWER)]
    assert not wrong


@pytest.mark.parametrize("shipped", SHIPPED, ids=lambda pair: f"{pair[0]} {pair[1]}")
async def test_a_shipped_model_renders_or_names_what_is_missing(
    provider: ComfyProvider, order: Order, shipped: tuple[str, str], tmp_path: Path
) -> None:
    """Before anything is queued. Rendered only where that was asked for: it takes minutes."""
    name, start = shipped
    first = None if start == "text" else order.first_frame
    can = provider.models[name]
    wanted = {**_fields(order), "model": name, "seconds": can.min_seconds, "resolution": can.resolutions[0]}
    wanted |= {"first_frame": first, "last_frame": first if start == "first_last" else None}
    key = new_key()
    try:
        prepared = await provider.prepare(Order(**wanted), key)
    except (ModelRetired, BadShot) as missing:
        said = str(missing)
        if ".safetensors" not in said and "has no node" not in said:
            pytest.fail(said)
        sent = Sent(key=key, order=order, at=datetime.now(UTC), known=frozenset())
        assert await provider.find(sent) is None
        return
    if not RENDER:
        pytest.skip("its files are there; NEXTSHOT_TEST_COMFYUI_RENDER=1 renders with them")
    taken = await provider.submit(prepared)
    assert taken.task_id == prompt_id_of(key)
    done = await until_over(provider, taken.task_id, MODEL_RENDER_S)
    await provider.fetch(taken.task_id, done.where, tmp_path / "clip.mp4")
    assert looked_at(tmp_path / "clip.mp4")[0] > 1


def _fields(order: Order) -> dict[str, Any]:
    return {name: getattr(order, name) for name in Order.__dataclass_fields__}


def _inputs(info: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    """What a class needs, and what it knows."""
    needed = set(info["input"].get("required", {}))
    return needed, needed | set(info["input"].get("optional", {}))


def main() -> int:
    """Run this file by itself."""
    if not URL:
        print(__doc__)
        return 2
    return pytest.main([__file__, "--noconftest", "-v", "-p", "no:cacheprovider", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
