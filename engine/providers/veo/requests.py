"""The requests to Veo. Pure.

https://docs.cloud.google.com/vertex-ai/generative-ai/docs/model-reference/veo-video-generation; names of fields as google-genai 3.4
writes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.errors import BadShot
from engine.providers.base import Order
from engine.providers.catalog import Model
from engine.providers.given_pictures import GivenPicture
from engine.providers.wire import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What goes with the words."""

    first: GivenPicture | None = None
    last: GivenPicture | None = None
    references: Sequence[GivenPicture] = ()
    video: Mapping[str, str] | None = None
    """Of the clip that is gone on from."""


def check_order(order: Order, model: Model, service: str) -> None:
    """Raises BadShot: the model does each of these, and not together."""
    wire = model.wire
    wrong = ""
    if order.references and order.seconds not in wire["reference_s"]:
        wrong = f"makes {_some(wire['reference_s'])} s from references; ask for that"
    elif order.references and order.ratio not in wire["reference_ratios"]:
        wrong = f"makes {_some(wire['reference_ratios'])} from references; ask for that"
    elif order.source is not None and order.resolution not in wire["extend_resolutions"]:
        wrong = f"extends clips in {_some(wire['extend_resolutions'])}; ask for that"
    elif order.source is not None and order.source.seconds > float(wire["extend_most_s"]) + 0.1:
        wrong = f"extends clips of at most {wire['extend_most_s']:g} s; /continue from the last frame instead"
    if wrong:
        raise BadShot(f"{order.model} {wrong}.", provider=service)


def _some(values: Sequence[Any]) -> str:
    return " or ".join(str(value) for value in values)


def body_of(order: Order, given: Given, gcs_uri: str) -> Mapping[str, Any]:
    """The paid request's body: one instance, one video."""
    instance: dict[str, Any] = {"prompt": order.prompt}
    if given.video is not None:
        instance["video"] = dict(given.video)
    if given.first is not None:
        instance["image"] = _image_of(given.first)
    if given.last is not None:
        instance["lastFrame"] = _image_of(given.last)
    if given.references:
        instance["referenceImages"] = [
            {"image": _image_of(each), "referenceType": "asset"} for each in given.references
        ]
    parameters: dict[str, Any] = {
        "sampleCount": 1,
        "resolution": order.resolution,
        "generateAudio": not order.is_silent,
        "seed": order.seed % 2**32,
    }
    if given.video is None:  # an extension has the clip's shape and a length of its own, 7 s
        parameters |= {"aspectRatio": order.ratio, "durationSeconds": int(order.seconds)}
    if order.negative:
        parameters["negativePrompt"] = order.negative
    if gcs_uri:
        parameters["storageUri"] = f"{gcs_uri.rstrip('/')}/"
    return {"instances": [instance], "parameters": parameters}


def _image_of(picture: GivenPicture) -> dict[str, str]:
    return {"bytesBase64Encoded": picture.base64, "mimeType": picture.mime}


def look_request(task_id: str) -> Request:
    """The request that reads an operation. The plain route for operations does not know these."""
    model_path = task_id.partition("/operations/")[0]
    return Request(method="POST", path=f"v1/{model_path}:fetchPredictOperation", json={"operationName": task_id})
