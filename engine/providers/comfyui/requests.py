"""What is asked of a ComfyUI server, as values. Routes: https://docs.comfy.org/development/comfyui-server/comms_routes. Pure."""

from __future__ import annotations

import copy
import hashlib
import uuid
from collections.abc import Mapping
from typing import Any

from engine.providers.base import Order
from engine.providers.comfyui.workflows import Plan, Word, Workflow
from engine.providers.given_pictures import GivenPicture
from engine.providers.reading import in_path
from engine.providers.wire import Request

MARK = "nextshot"
"""Under which a job carries our key in its `extra_data`: servers that choose the id themselves give it back so."""
FOLDER = "nextshot"
"""Of our pictures and clips at the server."""
LAST_JOBS = 100
"""How far back the history is looked through for a job whose id is not ours."""
_SPACE = uuid.UUID("6f0e6f2e-6c2c-5d2f-9a53-0f8f4d9b7d11")
_SEEDS = 1 << 63


def prompt_id_of(key: str) -> str:
    """The id of a job: of our key, so that a lost request can be looked up.

    Canonical and in lower case, as https://github.com/Comfy-Org/ComfyUI/blob/master/comfy_execution/jobs.py validates it.
    """
    return str(uuid.uuid5(_SPACE, key))


def frames_of(seconds: float, fps: float, step: int) -> int:
    """How many frames come nearest to the length: a multiple of `step`, plus 1; with a step of 1 any number."""
    if step == 1:
        return max(1, round(seconds * fps))
    return max(1, round(seconds * fps / step)) * step + 1


def size_of(plan: Plan, ratio: str, resolution: str) -> tuple[int, int]:
    """Width and height: as the row names them, else nearest to the ratio with sides that the model takes."""
    named = plan.sizes.get(ratio, {}).get(resolution)
    if named is not None:
        return named
    across, _, down = ratio.partition(":")
    shape = float(across) / float(down)
    short = {"4k": 2160, "2k": 1440}.get(resolution) or int(resolution.removesuffix("p"))
    wide, high = (short * shape, float(short)) if shape >= 1 else (float(short), short / shape)
    return _side(wide, plan.multiple), _side(high, plan.multiple)


def _side(pixels: float, multiple: int) -> int:
    return max(1, round(pixels / multiple)) * multiple


def values_of(order: Order, plan: Plan, key: str, *, first: str = "", last: str = "") -> Mapping[Word, Any]:
    """What goes into the graph, by the words of the mapping. `first`, `last`: the names that the uploads were given."""
    width, height = size_of(plan, order.ratio, order.resolution)
    values: dict[Word, Any] = {
        "prompt": order.prompt,
        "frames": frames_of(order.seconds, plan.fps, plan.step),
        "seconds": order.seconds,
        "fps": plan.fps,
        "width": width,
        "height": height,
        "seed": order.seed % _SEEDS,
        "name": f"{FOLDER}/{prompt_id_of(key)}",
    }
    if order.negative:
        values["negative"] = order.negative
    if first:
        values["first_frame"] = first
    if last:
        values["last_frame"] = last
    return values


def filled(workflow: Workflow, values: Mapping[Word, Any]) -> dict[str, Any]:
    """The graph with the values in their places; what is not among them stays as the workflow has it."""
    graph = copy.deepcopy(dict(workflow.graph))
    for word, value in values.items():
        for slot in workflow.slots.get(word, ()):
            graph[slot.node]["inputs"][slot.input] = value
    return graph


def prompt_request(graph: Mapping[str, Any], key: str, client_id: str, output: str) -> Request:
    """The request for the render."""
    return Request(
        method="POST",
        path="prompt",
        json={
            "prompt": graph,
            "prompt_id": prompt_id_of(key),
            "client_id": client_id,
            "extra_data": {MARK: {"key": key, "output": output}},
        },
    )


def upload_request(picture: GivenPicture) -> Request:
    """Put a picture among the server's inputs.

    Named by its content: the same one again is found to be there already, or gets another name, and nothing that a waiting job
    will read is ever written over.
    """
    name = f"{hashlib.sha256(picture.data).hexdigest()[:24]}.{picture.file_name.rpartition('.')[2]}"
    return Request(
        method="POST",
        path="upload/image",
        form={"type": "input", "subfolder": FOLDER},
        files=(("image", name, picture.data, picture.mime),),
    )


def info_request(kind: str) -> Request:
    """What the server knows of a class of nodes."""
    return Request(method="GET", path=f"object_info/{in_path(kind)}")


def history_request(task_id: str) -> Request:
    """What came of a job."""
    return Request(method="GET", path=f"history/{in_path(task_id)}")


def last_jobs_request() -> Request:
    """What came of the last jobs."""
    return Request(method="GET", path="history", params={"max_items": str(LAST_JOBS)})


def queue_request() -> Request:
    """What runs and waits."""
    return Request(method="GET", path="queue")


def cancel_request(task_id: str) -> Request:
    """Stop a job, whether it waits or runs; only newer servers know it."""
    return Request(method="POST", path=f"api/jobs/{in_path(task_id)}/cancel", json={})


def unqueue_request(task_id: str) -> Request:
    """Take a waiting job out."""
    return Request(method="POST", path="queue", json={"delete": [task_id]})


def interrupt_request(task_id: str) -> Request:
    """Stop the running job. Old servers stop whichever runs, so it is only asked for when ours does."""
    return Request(method="POST", path="interrupt", json={"prompt_id": task_id})


def forget_request(task_id: str) -> Request:
    """Drop a job from the history; its file stays."""
    return Request(method="POST", path="history", json={"delete": [task_id]})
