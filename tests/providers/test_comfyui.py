"""ComfyUI: one's own workflows, what is missing is said before, a lost request is found, and nothing depends on the socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import stamina
from PIL import Image

from engine.errors import AuthFailed, BadShot, Billed, Lost, ModelRetired, ProviderError, RenderFailed, Unavailable
from engine.providers.answers import Answer
from engine.providers.base import CancelOutcome, Order, Queued, Recovery, Rendered, Rendering, Sent
from engine.providers.catalog import CatalogError, Setup, read_catalog
from engine.providers.comfyui import ComfyProvider, open_provider, progress
from engine.providers.comfyui.answers import fault_of_refusal, read_history
from engine.providers.comfyui.progress import Watched, read_message
from engine.providers.comfyui.requests import frames_of, prompt_id_of, size_of
from engine.providers.comfyui.workflows import plan_of, samplers_of
from tests.fakes.services.base import Shown
from tests.fakes.services.comfyui import FakeComfy

KEY = "1-abcdef0123456789"
MODELS = read_catalog("comfyui").models


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Tries follow each other at once."""
    monkeypatch.setattr(progress, "FIRST_WAIT_S", 0.01)
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


@pytest.fixture
async def fake() -> AsyncIterator[FakeComfy]:
    """The server; what no client may do fails the test."""
    async with FakeComfy() as started:
        yield started
        assert started.complaints == []


@pytest.fixture
async def provider(fake: FakeComfy) -> AsyncIterator[ComfyProvider]:
    """The provider, speaking to the fake."""
    made = open_provider(fake.setup())
    yield made
    await made.close()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A PNG."""
    path = tmp_path / "frame.png"
    Image.new("RGB", (832, 480), (40, 90, 60)).save(path)
    return path


def order(model: str = "wan-2.2", **changes: Any) -> Order:
    """A render of one second."""
    usual = {
        "prompt": "a lamp", "seconds": 1.0, "ratio": "16:9", "resolution": "480p", "seed": 7, "style": "default",
    }  # fmt: skip
    return Order(**{**usual, "model": model, **changes})


async def begun(provider: ComfyProvider, key: str = KEY, **changes: Any) -> str:
    """The task id of a render that was taken."""
    return (await provider.submit(await provider.prepare(order(**changes), key))).task_id


def sent(key: str = KEY) -> Sent:
    """A request whose answer was lost."""
    return Sent(key=key, order=order(), at=datetime(2026, 11, 21, tzinfo=UTC), known=frozenset())


async def soon(is_so: Callable[[], bool]) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(5):
        while not is_so():  # noqa: ASYNC110  # what is waited for has no event
            await asyncio.sleep(0.005)


# --- what is asked for ---


async def test_an_order_is_put_into_its_places(provider: ComfyProvider, fake: FakeComfy, picture: Path) -> None:
    """Words, both frames by the names that the server gave, length, size, seed and a file name of its own."""
    await begun(provider, first_frame=picture, last_frame=picture, seconds=5.0)
    graph = fake.newest.body["prompt"]
    assert graph["9"]["inputs"]["text"] == "a lamp"
    names = [graph[node]["inputs"]["image"] for node in ("11", "12")]
    assert set(names) <= set(fake.pictures)
    assert names[0] != names[1]
    assert fake.pictures[names[0]] == picture.read_bytes()
    size = {name: graph["13"]["inputs"][name] for name in ("width", "height", "length")}
    assert size == {"width": 832, "height": 480, "length": 81}
    assert graph["14"]["inputs"]["noise_seed"] == 7
    assert prompt_id_of(KEY) in graph["18"]["inputs"]["filename_prefix"]


async def test_the_name_that_an_upload_was_given_is_used(
    provider: ComfyProvider, fake: FakeComfy, picture: Path
) -> None:
    """The same picture again is renamed by the server, and nothing is written over."""
    await begun(provider, first_frame=picture)
    first = fake.newest.body["prompt"]["11"]["inputs"]["image"]
    await begun(provider, key="2-abcdef0123456789", first_frame=picture)
    second = fake.newest.body["prompt"]["11"]["inputs"]["image"]
    assert second == first.replace(".png", " (1).png")


async def test_the_graph_follows_from_the_pictures(provider: ComfyProvider, fake: FakeComfy, picture: Path) -> None:
    """Words alone, a first frame, both; a last one alone is refused before anything is sent."""
    kinds = []
    for number, frames in enumerate([{}, {"first_frame": picture}, {"first_frame": picture, "last_frame": picture}]):
        await begun(provider, key=f"{number}-abcdef0123456789", model="ltx-2.5", **frames)
        kinds.append({each["class_type"] for each in fake.newest.body["prompt"].values()})
    assert ["LTXVImgToVideoInplace" in each for each in kinds] == [False, True, False]
    assert ["LTXVAddGuide" in each for each in kinds] == [False, False, True]
    with pytest.raises(BadShot):
        await provider.prepare(order(last_frame=picture), KEY)


@pytest.mark.parametrize(
    ("seconds", "fps", "step", "frames"),
    [(5, 16, 4, 81), (1, 16, 4, 17), (5, 24, 8, 121), (10, 24, 8, 241), (0.1, 16, 4, 5), (2, 24, 1, 48)],
)
def test_a_length_is_a_number_of_frames_that_the_model_makes(
    seconds: float, fps: float, step: int, frames: int
) -> None:
    """4n+1 of Wan, 8n+1 of LTX, any number elsewhere."""
    assert frames_of(seconds, fps, step) == frames


@pytest.mark.parametrize("name", MODELS)
def test_every_size_is_one_that_the_nodes_take(name: str) -> None:
    """Sides are multiples, and the shape is near the ratio."""
    plan = plan_of("comfyui", name, MODELS[name])
    can = MODELS[name].abilities
    for ratio in can.ratios:
        across, down = map(int, ratio.split(":"))
        for resolution in can.resolutions:
            width, height = size_of(plan, ratio, resolution)
            assert width % plan.multiple == height % plan.multiple == 0, (ratio, resolution)
            assert abs(width / height / (across / down) - 1) < 0.04, (ratio, resolution, width, height)


def test_every_file_that_ships_is_used_and_has_a_source() -> None:
    """No workflow is left over, and whoever lacks a model file is told where it is."""
    folder = resources.files("engine.providers.comfyui").joinpath("workflows")
    shipped = {each.name.removesuffix(".json") for each in folder.iterdir()}
    used: set[str] = set()
    for name, model in MODELS.items():
        plan = plan_of("comfyui", name, model)
        for workflow in plan.workflows.values():
            used.add(workflow.name)
            values = [value for each in workflow.graph.values() for value in each["inputs"].values()]
            assert {value for value in values if str(value).endswith(".safetensors")} <= set(plan.files)
    assert used == shipped


def test_only_what_takes_the_time_is_counted() -> None:
    """A node that samples, not one that chooses a sampler or makes a latent larger."""
    kinds = ["KSampler", "KSamplerSelect", "SamplerCustomAdvanced", "LTXVLatentUpsampler", "WanVideoSampler"]
    graph = {str(number): {"class_type": kind, "inputs": {}} for number, kind in enumerate(kinds)}
    assert samplers_of(graph) == {"0", "2", "4"}


# --- what is missing is said before ---


async def test_a_missing_model_file_is_named_before_anything_is_queued(
    provider: ComfyProvider, fake: FakeComfy
) -> None:
    """All of them, with their folder and where they can be loaded."""
    fake.files["vae"].remove("wan_2.1_vae.safetensors")
    fake.files["loras"].clear()
    with pytest.raises(ModelRetired) as raised:
        await provider.prepare(order(), KEY)
    said = str(raised.value)
    assert "wan_2.1_vae.safetensors from https://huggingface.co/" in said
    assert "(into models/vae)" in said
    assert said.count("(into models/loras)") == 2
    assert fake.creates == 0


async def test_a_missing_extension_is_named_before_anything_is_queued(
    fake: FakeComfy, tmp_path: Path, picture: Path
) -> None:
    """By the class of its nodes."""
    graph = still_graph()
    graph["2"]["class_type"] = "SomebodysStretcher"
    provider = open_provider(fake.setup(own_model(tmp_path, graph)))
    with pytest.raises(BadShot, match="no node SomebodysStretcher"):
        await provider.prepare(order("still", first_frame=picture), KEY)
    assert fake.creates == 0
    await provider.close()


async def test_a_word_that_the_server_does_not_know_is_named(fake: FakeComfy) -> None:
    """A value of a list that is no file: the workflow or the server is of another age."""
    provider = open_provider(fake.setup({"models": {"wan-2.2": {"wire": {"set": {"14.sampler_name": "galloping"}}}}}))
    with pytest.raises(BadShot, match="'galloping' for sampler_name of node 14"):
        await provider.prepare(order(), KEY)
    await provider.close()


async def test_a_server_is_asked_once_a_minute_what_it_has(provider: ComfyProvider, fake: FakeComfy) -> None:
    """Each class of nodes once, over several renders."""
    await provider.prepare(order(), KEY)
    asked = fake.seen["GET /object_info/{kind}"]
    await provider.prepare(order(), KEY)
    assert fake.seen["GET /object_info/{kind}"] == asked > 10


async def test_a_model_file_of_another_name_is_set(fake: FakeComfy) -> None:
    """In nextshot.toml, over the one of the workflow."""
    fake.files["vae"] = ["mine.safetensors"]
    provider = open_provider(fake.setup({"models": {"wan-2.2": {"wire": {"set": {"4.vae_name": "mine.safetensors"}}}}}))
    await begun(provider)
    assert fake.newest.body["prompt"]["4"]["inputs"]["vae_name"] == "mine.safetensors"
    await provider.close()


# --- refusals and failures ---


def refusal(error: Mapping[str, Any], errors: Mapping[str, Any] | None = None, status: int = 400) -> Answer:
    """An answer to a graph that was not taken."""
    body = json.dumps({"error": error, "node_errors": errors or {}}).encode()
    return Answer(status, {}, body, "ComfyUI")


def of_node(kind: str, word: str, **about: Any) -> dict[str, Any]:
    """The errors of one node."""
    return {"3": {"class_type": kind, "errors": [{"type": word, "message": word, "details": "x", "extra_info": about}]}}


FAILED_CHECK = {"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation"}
REFUSALS: Mapping[str, tuple[Answer, type[ProviderError], str]] = {
    "new server, unknown node": (
        refusal({"type": "missing_node_type", "message": "?", "extra_info": {"class_type": "RIFE"}}), BadShot, "RIFE",
    ),
    "old server, unknown node": (
        refusal({"type": "invalid_prompt", "message": "Cannot execute because node RIFE does not exist."}), BadShot, "RIFE",
    ),
    "model file": (
        refusal(FAILED_CHECK, of_node(
            "VAELoader", "value_not_in_list", input_name="vae_name", received_value="a.safetensors"
        )), ModelRetired, "a.safetensors (into models/vae)",
    ),
    "word of a list": (
        refusal(FAILED_CHECK, of_node(
            "KSampler", "value_not_in_list", input_name="scheduler", received_value="odd"
        )), BadShot, "KSampler",
    ),
    "picture gone": (refusal(FAILED_CHECK, of_node("LoadImage", "custom_validation_failed")), BadShot, "LoadImage"),
    "links": (refusal(FAILED_CHECK, of_node("VAEDecode", "return_type_mismatch")), BadShot, "VAEDecode"),
    "no outputs": (refusal({"type": "prompt_no_outputs", "message": "Prompt has no outputs"}), BadShot, "no outputs"),
    "no graph": (refusal({"type": "no_prompt", "message": "No prompt provided"}), BadShot, "No prompt"),
    "our id": (refusal({"type": "invalid_prompt_id", "message": "prompt_id must be a valid UUID"}), BadShot, "UUID"),
    "too large": (refusal({}, status=413), BadShot, "ComfyUI"),
    "a proxy's sign-in": (refusal({}, status=401), AuthFailed, "key"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refused_graph_has_its_cause(case: str) -> None:
    """By class, in words that name what is wrong; nothing was charged."""
    answer, kind, words = REFUSALS[case]
    fault = fault_of_refusal(answer, model="mine", files={})
    assert type(fault) is kind
    assert words in str(fault)
    assert fault.billed is Billed.NO


@pytest.mark.parametrize("error", [{"type": {}}, {"type": ["x"], "message": {}}, 5, {"type": "invalid_prompt"}])
def test_an_error_of_any_shape_is_a_bad_shot(error: object) -> None:
    """Nothing that a server writes there ends the step."""
    body = json.dumps({"error": error, "node_errors": {"1": {"errors": [{"extra_info": 5}], "class_type": []}}})
    fault = fault_of_refusal(Answer(400, {}, body.encode(), "ComfyUI"), model="mine", files={})
    assert type(fault) is BadShot


def test_messages_of_any_shape_are_a_failure() -> None:
    """And half a surrogate pair in a name is no crash."""
    odd: tuple[Any, ...] = (5, {"a": 1}, [5], [["execution_error", 5]], [[{}, {}]])
    for messages in odd:
        said = {"t": {"status": {"status_str": "error", "messages": messages}}}
        with pytest.raises(RenderFailed):
            read_history(Answer(200, {}, json.dumps(said).encode(), "ComfyUI"), "t", "http://here")
    listed = {"t": {"outputs": {"9": {"images": [{"filename": "\ud800.mp4"}]}}, "status": {"status_str": "success"}}}
    done = read_history(Answer(200, {}, json.dumps(listed).encode(), "ComfyUI"), "t", "http://here")
    assert done is not None
    assert "filename=%3F.mp4" in done.where


@pytest.mark.parametrize("value", ["9" * 400, "1e999", "NaN", "-1", '"x"', "[]", "true", "null"])
def test_a_number_that_cannot_be_is_no_news(value: str) -> None:
    """And does not end the listener."""
    text = '{"type": "progress", "data": {"prompt_id": "t", "node": "1", "max": 3, "value": ' + value + "}}"
    assert read_message(text) == ("t", {"1": 0.0})
    assert read_message("[" * 100_000) is None


FAILURES: Mapping[str, tuple[list[Any], str]] = {
    "memory, torch": (
        [["execution_error", {"node_id": "14", "node_type": "KSampler",
          "exception_type": "torch.OutOfMemoryError", "exception_message": "Allocation on device 0"}]],
        "out of memory",
    ),
    "memory, CUDA": (
        [["execution_error", {"node_type": "VAEDecode", "exception_type": "RuntimeError",
          "exception_message": "CUDA error: out of memory"}]], "out of memory",
    ),
    "a node": (
        [["execution_start", {}], ["execution_error", {"node_id": "14", "node_type": "KSampler",
          "exception_type": "ValueError", "exception_message": "shapes " + "x" * 999}]], "KSampler (node 14)",
    ),
    "interrupted": ([["execution_start", {}], ["execution_interrupted", {"node_id": "14"}]], "stopped"),
    "nothing said": ([], "could not render"),
}  # fmt: skip


@pytest.mark.parametrize("case", FAILURES)
def test_a_failed_render_says_why_and_cost_nothing(case: str) -> None:
    """Sentence for the person, the node's own words shortened for the log."""
    messages, words = FAILURES[case]
    said = {"t": {"prompt": [], "outputs": {}, "status": {"status_str": "error", "messages": messages}}}
    with pytest.raises(RenderFailed, match=words.replace("(", r"\(").replace(")", r"\)")) as raised:
        read_history(Answer(200, {}, json.dumps(said).encode(), "ComfyUI"), "t", "http://here")
    assert raised.value.billed is Billed.NO
    assert len(raised.value.detail) <= 500
    assert "xxx" not in str(raised.value)


CLIP = {"filename": "a b_00001_.mp4", "subfolder": "nextshot", "type": "output"}
OUTPUTS: Mapping[str, tuple[dict[str, Any], str, str | None]] = {
    "SaveVideo": ({"9": {"images": [CLIP], "animated": [True]}}, "", "a+b_00001_.mp4"),
    "VideoHelperSuite": ({"9": {"gifs": [{**CLIP, "filename": "b.webm", "format": "video/webm"}]}}, "", "b.webm"),
    "videos": ({"9": {"videos": [{**CLIP, "filename": "c.mov"}]}}, "", "c.mov"),
    "a preview too": (
        {"8": {"gifs": [CLIP]}, "9": {"images": [{**CLIP, "filename": "preview.mp4", "type": "temp"}]}}, "", "a+b_",
    ),
    "a preview before": (
        {"8": {"images": [{**CLIP, "filename": "preview.mp4", "type": "temp"}]}, "9": {"images": [CLIP]}}, "", "a+b_",
    ),
    "two, one named": ({"8": {"images": [CLIP]}, "9": {"images": [{**CLIP, "filename": "other.mp4"}]}}, "8", "a+b_"),
    "a still": ({"9": {"images": [{**CLIP, "filename": "a.png"}]}}, "", None),
    "an animated picture": ({"9": {"images": [{**CLIP, "filename": "a.gif"}], "animated": [True]}}, "", None),
    "words": ({"9": {"text": ["a.mp4"]}}, "", None),
    "nothing": ({}, "", None),
}  # fmt: skip


@pytest.mark.parametrize("case", OUTPUTS)
def test_the_clip_is_found_among_the_outputs(case: str) -> None:
    """By its ending, wherever a node lists it; without one the render has failed."""
    outputs, node, name = OUTPUTS[case]
    prompt = [1, "t", {}, {"nextshot": {"key": KEY, "output": node}}, []]
    said = {"t": {"prompt": prompt, "outputs": outputs, "status": {"status_str": "success", "messages": []}}}
    answer = Answer(200, {}, json.dumps(said).encode(), "ComfyUI")
    if name is None:
        with pytest.raises(RenderFailed, match="SaveVideo"):
            read_history(answer, "t", "http://here")
    else:
        done = read_history(answer, "t", "http://here")
        assert isinstance(done, Rendered)
        assert done.where.startswith(f"http://here/view?filename={name}")
        assert "type=output" in done.where


# --- watched ---


async def test_a_place_in_the_queue_counts_the_jobs_of_others(provider: ComfyProvider, fake: FakeComfy) -> None:
    """In the order of their numbers, whatever the order of the list."""
    task_id = await begun(provider)
    fake.others = [[0.5, "theirs", {}, {}, []], [99, "later", {}, {}, []]]
    assert await provider.check(task_id) == Queued(2)


async def test_a_job_that_is_done_between_two_looks_is_not_lost(provider: ComfyProvider, fake: FakeComfy) -> None:
    """Not in the history yet, not in the queue any more: the history is asked once again."""
    task_id = await begun(provider)
    fake.finishes_meanwhile = True
    assert isinstance(await provider.check(task_id), Rendered)


async def test_a_server_that_was_started_anew_has_lost_the_render_at_no_cost(
    provider: ComfyProvider, fake: FakeComfy
) -> None:
    """Neither in the history nor in the queue."""
    task_id = await begun(provider)
    fake.restart()
    with pytest.raises(Lost) as raised:
        await provider.check(task_id)
    assert raised.value.billed is Billed.NO


async def test_the_percent_comes_from_the_socket(provider: ComfyProvider, fake: FakeComfy) -> None:
    """Of the steps of both samplers; pictures between the messages and jobs of others are passed over; it never goes back."""
    task_id = await begun(provider)
    fake.put(Shown.RENDERING)
    await asyncio.wait_for(fake.socket_here.wait(), 5)
    assert await provider.check(task_id) == Rendering(None)
    nodes = {"1": {"value": 1, "max": 1, "state": "finished"}, "14": {"value": 1, "max": 2, "state": "running"}}
    await fake.tell("progress_state", {"prompt_id": "theirs", "nodes": {"14": {"value": 2, "max": 2}}})
    await fake.tell("progress_state", {"prompt_id": task_id, "nodes": nodes}, preview=b"\x00\x00\x00\x01JPEG")
    await soon(lambda: provider.progress.percent(task_id) is not None)
    assert await provider.check(task_id) == Rendering(23.75)
    await fake.tell("progress", {"prompt_id": task_id, "node": "14", "value": 0, "max": 2})
    await fake.tell("progress", {"prompt_id": task_id, "node": "15", "value": 1, "max": 2})
    await soon(lambda: provider.progress.percent(task_id) != 23.75)
    assert await provider.check(task_id) == Rendering(47.5)


async def test_a_broken_socket_is_opened_anew(provider: ComfyProvider, fake: FakeComfy) -> None:
    """And goes on with the same render."""
    task_id = await begun(provider)
    fake.put(Shown.RENDERING)
    await asyncio.wait_for(fake.socket_here.wait(), 5)
    await fake.hang_up()
    await asyncio.wait_for(fake.socket_here.wait(), 5)
    await fake.tell("progress", {"prompt_id": task_id, "node": "14", "value": 2, "max": 2})
    await soon(lambda: provider.progress.percent(task_id) == 47.5)


async def test_without_a_socket_polling_is_enough(provider: ComfyProvider, fake: FakeComfy, tmp_path: Path) -> None:
    """Refused, and the render is watched to its end all the same."""
    fake.has_socket = False
    task_id = await begun(provider)
    await soon(lambda: fake.seen["GET /ws"] > 1)
    seen = [await provider.check(task_id) for _ in range(3)]
    assert [type(each) for each in seen] == [Queued, Rendering, Rendered]
    assert isinstance(seen[2], Rendered)
    await provider.fetch(task_id, seen[2].where, tmp_path / "clip.mp4")
    assert (tmp_path / "clip.mp4").read_bytes() == fake.clip()


async def test_the_listener_ends_with_the_provider(provider: ComfyProvider, fake: FakeComfy) -> None:
    """It is one task, named, for all renders."""
    for number in range(3):
        await begun(provider, key=f"{number}-abcdef0123456789")
    await asyncio.wait_for(fake.socket_here.wait(), 5)
    named = [task for task in asyncio.all_tasks() if task.get_name() == "progress of comfyui"]
    assert len(named) == 1
    await provider.close()
    assert named[0].done()


@pytest.mark.parametrize(
    "text",
    [
        "not json", "[]", '{"type": "status", "data": {"status": {}}}', '{"type": "executing", "data": {"prompt_id": "t"}}',
        '{"type": "progress_state", "data": {"prompt_id": "t", "nodes": []}}',
    ],
)  # fmt: skip
def test_a_message_that_says_nothing_of_progress_is_passed_over(text: str) -> None:
    """Also one of a form that nobody here knows."""
    assert read_message(text) is None


def test_a_percent_is_never_over_and_never_back() -> None:
    """Whatever is said; cached nodes count as done, and what is no sampler counts for nothing."""
    watched = Watched(frozenset({"14", "15"}))
    watched.hear({"1": 1.0})
    assert watched.percent is None
    watched.hear({"14": 7.0, "15": -2.0})
    assert watched.percent == 47.5
    watched.hear({"14": 0.1, "15": 0.0})
    assert watched.percent == 47.5
    assert read_message('{"type": "execution_cached", "data": {"prompt_id": "t", "nodes": ["15"]}}') == (
        "t",
        {"15": 1.0},
    )


# --- a lost answer ---


@pytest.mark.parametrize("is_old", [False, True], ids=["own id", "the server's id"])
@pytest.mark.parametrize("shown", [Shown.QUEUED, Shown.RENDERING, Shown.DONE, Shown.FAILED])
async def test_a_lost_request_is_found(provider: ComfyProvider, fake: FakeComfy, shown: Shown, is_old: bool) -> None:
    """Waiting, running or over; by our id, or on an old server by the key that the job carries."""
    assert provider.recovery is Recovery.LOOKUP
    fake.is_old = is_old
    task_id = await begun(provider)
    assert (task_id == prompt_id_of(KEY)) is not is_old
    fake.put(shown)
    assert await provider.find(sent()) == task_id
    assert await provider.find(sent("9-another")) is None


async def test_a_server_that_does_not_answer_says_nothing_of_a_lost_request(fake: FakeComfy) -> None:
    """Neither is it there nor is it not."""
    provider = open_provider(fake.setup())
    await begun(provider)
    fake.storm = 9
    with pytest.raises(Unavailable):
        await provider.find(sent())
    fake.storm, fake.token = 0, "changed"
    with pytest.raises(AuthFailed):
        await provider.find(sent())
    await provider.close()


def test_an_id_is_canonical_and_always_the_same() -> None:
    """In lower case with hyphens, as newer servers demand it."""
    assert prompt_id_of("1-abc") == prompt_id_of("1-abc") != prompt_id_of("1-abd")
    assert prompt_id_of("1-abc") == prompt_id_of("1-abc").lower()


# --- cancelled, forgotten ---


@pytest.mark.parametrize("is_old", [False, True], ids=["new", "old"])
@pytest.mark.parametrize("shown", [Shown.QUEUED, Shown.RENDERING])
async def test_a_cancel_stops_a_job_that_waits_or_runs(
    provider: ComfyProvider, fake: FakeComfy, shown: Shown, is_old: bool
) -> None:
    """By the newer route, or by the queue and the interrupt."""
    fake.is_old = is_old
    task_id = await begun(provider)
    fake.put(shown)
    assert await provider.cancel(task_id) is CancelOutcome.STOPPED
    assert fake.newest.is_deleted or fake.newest.is_cancelled
    assert bool(fake.interrupts) is (is_old and shown is Shown.RENDERING)


async def test_the_running_job_of_somebody_else_is_not_interrupted(provider: ComfyProvider, fake: FakeComfy) -> None:
    """An old server would stop whichever runs."""
    fake.is_old = True
    ours = await begun(provider)
    theirs = await begun(provider, key="2-abcdef0123456789")
    fake.put(Shown.QUEUED, ours)
    fake.put(Shown.RENDERING, theirs)
    await provider.cancel(ours)
    assert not fake.interrupts
    assert not fake.tasks[theirs].is_cancelled


async def test_a_done_render_cannot_be_stopped(provider: ComfyProvider, fake: FakeComfy) -> None:
    """And is not said to be."""
    task_id = await begun(provider)
    fake.put(Shown.DONE)
    assert await provider.cancel(task_id) is CancelOutcome.MAY_STILL_COST


async def test_a_render_that_is_over_is_taken_out_of_the_history(provider: ComfyProvider, fake: FakeComfy) -> None:
    """Any number of times."""
    task_id = await begun(provider)
    fake.put(Shown.DONE)
    await provider.forget(task_id)
    await provider.forget(task_id)
    assert fake.newest.is_deleted


# --- a proxy ---


async def test_the_key_goes_to_the_proxy_and_with_the_socket(fake: FakeComfy) -> None:
    """As a bearer token; without it nothing is taken."""
    fake.token = "of-the-proxy"
    stranger, known = open_provider(fake.setup()), open_provider(fake.setup(key="of-the-proxy"))
    with pytest.raises(AuthFailed):
        await stranger.prepare(order(), KEY)
    await begun(known)
    await asyncio.wait_for(fake.socket_here.wait(), 5)
    await stranger.close()
    await known.close()


# --- one's own workflow ---


def still_graph() -> dict[str, Any]:
    """A picture held for a while: it runs without any model."""
    return {
        "1": {"class_type": "LoadImage", "inputs": {"image": "example.png"}},
        "2": {"class_type": "RepeatImageBatch", "inputs": {"image": ["1", 0], "amount": 24}},
        "3": {"class_type": "CreateVideo", "inputs": {"images": ["2", 0], "fps": 24}},
        "4": {"class_type": "SaveVideo", "inputs": {
            "video": ["3", 0], "filename_prefix": "x", "format": "auto", "codec": "auto", "format.codec": "auto",
        }},
    }  # fmt: skip


def own_model(folder: Path, graph: Any, **changes: Any) -> dict[str, Any]:
    """The operator's changes: one model, of a file of their own."""
    path = folder / "still.json"
    path.write_text(graph if isinstance(graph, str) else json.dumps(graph))
    wire = {
        "workflow": str(path), "fps": 24,
        "inputs": {"prompt": [], "first_frame": "1.image", "frames": "2.amount", "name": "4.filename_prefix"},
        **changes.pop("wire", {}),
    }  # fmt: skip
    row = {
        "as_of": "2026-11-21", "source": "https://example.org", "seconds": [1, 5], "default_seconds": 2,
        "ratios": ["16:9"], "resolutions": ["480p"], "text": False, "first_frame": True, "wire": wire, **changes,
    }  # fmt: skip
    return {"models": {"wan-2.2": False, "wan-2.2-5b": False, "ltx-2.5": False, "still": row}}


async def test_a_workflow_of_ones_own_renders(fake: FakeComfy, tmp_path: Path, picture: Path) -> None:
    """From a file, with its own places; a percent is not made up where no node samples."""
    provider = open_provider(fake.setup(own_model(tmp_path, still_graph())))
    assert list(provider.models) == ["still"]
    task_id = await begun(provider, model="still", seconds=2.0, first_frame=picture)
    graph = fake.newest.body["prompt"]
    assert graph["2"]["inputs"]["amount"] == 48
    assert graph["1"]["inputs"]["image"] in fake.pictures
    fake.put(Shown.RENDERING)
    assert await provider.check(task_id) == Rendering(None)
    await provider.close()


def changed(**nodes: Any) -> dict[str, Any]:
    """The still graph with other nodes."""
    return {**still_graph(), **nodes}


def inputs(**words: Any) -> dict[str, Any]:
    """Another mapping, on top of the usual one."""
    return {"inputs": {"prompt": [], "first_frame": "1.image", "frames": "2.amount", **words}}


WRONG: Mapping[str, tuple[Any, dict[str, Any], str]] = {
    "no such node": (still_graph(), {"wire": inputs(prompt="77.text")}, "has no node 77"),
    "no such input": (still_graph(), {"wire": inputs(prompt="3.text")}, r"node 3 \(CreateVideo\) of .* has no input text"),
    "an input that is fed": (still_graph(), {"wire": inputs(frames="3.images")}, "is fed by node 2"),
    "no input named": (still_graph(), {"wire": inputs(prompt="3")}, 'as "6.text"'),
    "no words": (still_graph(), {"wire": {"inputs": {"first_frame": "1.image", "frames": "2.amount"}}}, "no prompt"),
    "no length": (still_graph(), {"wire": {"inputs": {"prompt": [], "first_frame": "1.image"}}}, "neither frames"),
    "a seed that is not there": (still_graph(), {"seed": True}, "no seed"),
    "a promise": (still_graph(), {"last_frame": True}, "no first_last"),
    "references": (still_graph(), {"references": 2}, "references is not possible"),
    "as the editor saves it": ({"nodes": [], "links": []}, {}, "Export \\(API\\)"),
    "not a graph": ([1, 2], {}, "not in API form"),
    "no JSON": ("{", {}, "is not JSON"),
    "a cut graph": (changed(**{"2": {"class_type": "X", "inputs": {"image": ["9", 0]}}}), {}, "node 9, which is not"),
    "no class": (changed(**{"2": {"inputs": {}}}), {}, "node 2 has no class_type"),
    "no such file": (still_graph(), {"wire": {"workflow": "nowhere.json"}}, "cannot be read"),
    "no such shipped one": (still_graph(), {"wire": {"workflow": "wan99"}}, "cannot be read"),
    "a word of nobody": (still_graph(), {"wire": {"framerate": 3}}, "framerate"),
    "set nowhere": (still_graph(), {"wire": {"set": {"8.x": 1}}}, "no graph has the input 8.x"),
    "an output nowhere": (still_graph(), {"wire": {"output": "8"}}, "no node 8"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_mapping_that_does_not_fit_is_said_at_the_start(tmp_path: Path, case: str) -> None:
    """One sentence that names the place and what is wrong there."""
    graph, changes, words = WRONG[case]
    catalog = read_catalog("comfyui", own_model(tmp_path, graph, **json.loads(json.dumps(changes))))
    with pytest.raises(CatalogError, match=words) as raised:
        open_provider(Setup(name="comfyui", catalog=catalog))
    assert '[providers.comfyui.models."still".wire]' in str(raised.value)


@pytest.mark.parametrize("url", ["127.0.0.1:8188", "ftp://here", "http://me:secret@here"])
def test_an_address_that_is_none_is_said_at_the_start(url: str) -> None:
    """Without repeating it: it may hold a password."""
    setup = Setup(name="comfyui", catalog=read_catalog("comfyui"), settings={"url": url})
    with pytest.raises(CatalogError, match="NEXTSHOT_COMFYUI_URL") as raised:
        open_provider(setup)
    assert "secret" not in str(raised.value)


def test_a_graph_of_a_model_may_have_other_nodes(tmp_path: Path) -> None:
    """Its own mapping lies over the model's."""
    other = {f"10{node}": each for node, each in still_graph().items()}
    for each in other.values():
        each["inputs"] = {
            name: [f"10{value[0]}", value[1]] if isinstance(value, list) else value
            for name, value in each["inputs"].items()
        }
    other |= {"105": {"class_type": "LoadImage", "inputs": {"image": "last.png"}}}
    (tmp_path / "both.json").write_text(json.dumps(other))
    own = {"first_frame": "101.image", "last_frame": "105.image", "frames": "102.amount", "name": "104.filename_prefix"}
    graphs = {
        "first": str(tmp_path / "still.json"),
        "first_last": {"workflow": str(tmp_path / "both.json"), "inputs": own},
    }
    changes = own_model(tmp_path, still_graph(), last_frame=True, wire={"workflow": "", "graphs": graphs})
    model = read_catalog("comfyui", changes).models["still"]
    plan = plan_of("comfyui", "still", model)
    assert str(plan.workflows["first_last"].slots["last_frame"][0]) == "105.image"
    assert str(plan.workflows["first"].slots["frames"][0]) == "2.amount"
    wrong = replace(model, wire={**model.wire, "graphs": {**graphs, "first_last": str(tmp_path / "both.json")}})
    with pytest.raises(CatalogError, match="no node 1"):
        plan_of("comfyui", "still", wrong)
