"""What is sent to KIE, as pure functions: the paid request as its row's `wire` says it, and the upload of a picture.

A row's `wire` names the fields of KIE's models. What is asked for decides its form: `text`, `frames` (a first or last frame),
`references` or `extend`, each a table that is laid over the row's own fields, as KIE has a model for each:

    route        "jobs" (the default) or "veo"
    id           KIE's name of the model; with `extend` also its `path`
    seconds, ratio, resolution, sound, seed, negative, first, last, frames, references: field names
    seconds_as   "text": the length is written as a string
    words        KIE's words for resolutions
    fixed        further fields as they are
    only_seconds, most_seconds, only_resolutions: what this form can do less than its row
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import About, BadShot, Refused
from engine.providers.base import Order
from engine.providers.catalog import Model
from engine.providers.given_pictures import GivenPicture
from engine.providers.wire import Request

VEO = "veo:"
"""Before the id of a task that was made, and is asked for, by the Veo routes."""
UPLOAD_PATH = "nextshot"
_FORMS = ("text", "frames", "references", "extend")
_MEANS = {
    "text": "words alone",
    "frames": "a first or last frame",
    "references": "references",
    "extend": "a clip to go on from",
}
_ROUTES = {"jobs": "api/v1/jobs/createTask", "veo": "api/v1/veo/generate"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """Where KIE finds the order's pictures."""

    first: str = ""
    last: str = ""
    references: tuple[str, ...] = ()


def form_of(model: Model, order: Order, service: str) -> Mapping[str, Any]:
    """How the model is asked for what is ordered.

    Raises:
        BadShot: it cannot do that, as KIE's documentation has it.
        Refused: the clip to go on from is not one of these models.
    """
    if order.source is not None:
        name = order.source.work.value
        if name == "extend" and not (order.source.task_id or "").startswith(VEO):
            raise Refused(
                f"{service} can only go on from a Veo clip of its own; /continue from the last frame instead.",
                about=About.VIDEO,
                provider=service,
            )
    elif order.references:
        name = "references"
    else:
        name = "frames" if order.first_frame or order.last_frame else "text"
    if name not in model.wire:
        raise _cannot(service, f"{order.model} does not take {_MEANS.get(name, 'a clip to change')}")
    form = {key: value for key, value in model.wire.items() if key not in _FORMS} | dict(model.wire[name])
    seconds, whose = order.seconds, "from references" if name == "references" else "like this"
    if (only := form.get("only_seconds")) and seconds not in only:
        raise _cannot(service, f"{order.model} makes shots {whose} only of {_list(only)} s")
    if seconds > form.get("most_seconds", seconds):
        raise _cannot(service, f"{order.model} makes shots {whose} of at most {form['most_seconds']} s")
    if (only := form.get("only_resolutions")) and order.resolution not in only:
        raise _cannot(service, f"{order.model} makes shots {whose} only in {_list(only)}")
    return form


def request_of(form: Mapping[str, Any], order: Order, pictures: Pictures, callback_url: str | None) -> Request:
    """The paid request."""
    callback = {"callBackUrl": callback_url} if callback_url else {}
    if order.source is not None:
        # https://docs.kie.ai/veo3-api/extend-video.md
        task_id = (order.source.task_id or "").removeprefix(VEO)
        body = {"taskId": task_id, "prompt": order.prompt, "model": form["id"], **callback}
        return Request(method="POST", path=form["path"], json=body)
    route = form.get("route", "jobs")
    fields = _fields(form, order, pictures)
    inside = {"model": form["id"], **fields} if route == "veo" else {"model": form["id"], "input": fields}
    return Request(method="POST", path=_ROUTES[route], json={**inside, **callback})


def _fields(form: Mapping[str, Any], order: Order, pictures: Pictures) -> dict[str, Any]:
    seconds = int(order.seconds)
    frames = [url for url in (pictures.first, pictures.last) if url]
    values: dict[str, Any] = {
        "seconds": str(seconds) if form.get("seconds_as") == "text" else seconds,
        "ratio": order.ratio,
        "resolution": form.get("words", {}).get(order.resolution, order.resolution),
        "sound": not order.is_silent,
        "seed": order.seed,
        "negative": order.negative,
        "first": pictures.first,
        "last": pictures.last,
        "frames": frames,
        "references": list(pictures.references),
    }
    fields = {form[name]: value for name, value in values.items() if name in form and value not in ("", [])}
    return {"prompt": order.prompt, **fields, **form.get("fixed", {})}


def upload_of(upload_url: str, key: str, picture: GivenPicture, base64_most_bytes: int) -> Request:
    """The upload of a picture: https://docs.kie.ai/file-upload-api. It lives there for 24 hours.

    Its name is of the order and of what it shows: the same name would overwrite another upload.
    """
    mark = hashlib.sha256(key.encode() + b"\0" + picture.data).hexdigest()[:32]
    name = f"{mark}.{picture.file_name.rpartition('.')[2]}"
    if len(picture.data) > base64_most_bytes:
        return Request(
            method="POST",
            path=f"{upload_url}/api/file-stream-upload",
            form={"uploadPath": UPLOAD_PATH, "fileName": name},
            files=(("file", name, picture.data, picture.mime),),
        )
    body = {"base64Data": picture.data_uri, "uploadPath": UPLOAD_PATH, "fileName": name}
    return Request(method="POST", path=f"{upload_url}/api/file-base64-upload", json=body)


def look_of(task_id: str) -> Request:
    """The free request for where a task stands, by the route that it belongs to."""
    route = "veo/record-info" if task_id.startswith(VEO) else "jobs/recordInfo"
    return Request(method="GET", path=f"api/v1/{route}", params={"taskId": task_id.removeprefix(VEO)})


CREDITS = Request(method="GET", path="api/v1/chat/credit")
"""https://docs.kie.ai/common-api/get-account-credits.md"""


def link_of(url: str) -> Request:
    """The free request for a direct link to a result: https://docs.kie.ai/common-api/download-url.md, good for 20 minutes."""
    return Request(method="POST", path="api/v1/common/download-url", json={"url": url})


def _cannot(service: str, what: str) -> BadShot:
    return BadShot(f"At {service}, {what}. Change the shot's options, or choose another model.", provider=service)


def _list(values: list[Any]) -> str:
    return " or ".join(str(value) for value in values)
