"""The requests to the Interactions API. Pure.

https://ai.google.dev/gemini-api/docs/omni (2026-09-18): roles of pictures are tags in the prompt, a result over 4 MB comes by
address only. https://ai.google.dev/gemini-api/docs/background-execution: a plain request is cut after about a minute.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from engine.errors import BadShot
from engine.providers.base import Order, Work
from engine.providers.catalog import Model, Setup
from engine.providers.given_pictures import GivenPicture
from engine.providers.reading import in_path
from engine.providers.wire import Request

REVISION = {"api-revision": "2026-05-20"}
"""The one whose answers have `steps`; google-genai 3.4 asks for the same one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the API is. `path` is below `url`."""

    url: str
    path: str
    is_cloud: bool
    """In a Google Cloud project, with OAuth; else with a key."""
    gcs_uri: str = ""
    """The folder of Cloud Storage that results are written to; only in a project."""
    storage_url: str = ""
    callback_url: str = ""

    @property
    def interactions(self) -> str:
        return f"{self.path}/interactions"

    def interaction(self, task_id: str) -> str:
        return f"{self.interactions}/{in_path(task_id)}"

    def file(self, name: str) -> str:
        """`name` is `files/…`."""
        return f"{self.path}/{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What goes with the words: pictures, and the clip that is worked on as an earlier render or as a content block."""

    first: GivenPicture | None = None
    last: GivenPicture | None = None
    references: Sequence[GivenPicture] = ()
    previous: str = ""
    video: Mapping[str, Any] | None = None

    @property
    def pictures(self) -> list[GivenPicture]:
        """In the order in which the tags count them."""
        return [each for each in (self.first, self.last, *self.references) if each is not None]


def place_of(setup: Setup) -> Place:
    """With a key the Gemini API, else the project's API, which has Omni in the location `global` only."""
    wire, settings = setup.catalog.wire, setup.settings
    storage_url = (settings.get("storage_url") or str(wire["storage_url"])).rstrip("/")
    if settings.get("key"):
        callback_url = setup.callback_url or ""
        return Place(
            url=setup.url, path=str(wire["version"]), is_cloud=False, storage_url=storage_url, callback_url=callback_url
        )
    url = (settings.get("url") or str(wire["cloud_url"])).rstrip("/")
    path = f"{wire['cloud_version']}/projects/{quote(settings.get('project', ''), safe='')}/locations/global"
    return Place(
        url=url, path=path, is_cloud=True, gcs_uri=settings.get("gcs_uri", "").rstrip("/"), storage_url=storage_url
    )


def create_request(order: Order, model: Model, place: Place, given: Given) -> Request:
    """The paid request: a job in the background whose result is kept until it is fetched."""
    name = model.wire.get("cloud_name") if place.is_cloud else None
    body: dict[str, Any] = {
        "model": name or order.model,
        "input": [
            *({"type": "image", "mime_type": each.mime, "data": each.base64} for each in given.pictures),
            *([dict(given.video)] if given.video else []),
            {"type": "text", "text": prompt_of(order)},
        ],
        "response_format": {**_format_of(order), **_delivery_of(place)},
        "background": True,
        "store": True,
    }
    if task := task_of(order):
        body["generation_config"] = {"video_config": {"task": task}}
    if given.previous:
        body["previous_interaction_id"] = given.previous
    if place.callback_url:
        body["webhook_config"] = {"uris": [place.callback_url]}
    return Request(method="POST", path=place.interactions, json=body, headers=REVISION)


def prompt_of(order: Order) -> str:
    """The words with the roles of the pictures; what must not be seen is said in them, as there is no field for it."""
    words = order.prompt
    if order.negative:
        words = f"{words} Do not show: {order.negative}."
    if order.source is not None and order.source.work is Work.EXTEND:
        words = f"Continue the shot: {words}"
    frames = [tag for tag, path in (("<FIRST_FRAME>", order.first_frame), ("<LAST_FRAME>", order.last_frame)) if path]
    if not order.references:
        return " ".join([*frames, words])
    sources = " ".join(f"{tag}@Image{number}" for number, tag in enumerate(frames, 1))
    references = " ".join(
        f"<IMAGE_REF_{number}>@Image{len(frames) + number + 1}" for number in range(len(order.references))
    )
    heads = [f"[# Sources {sources}]"] * bool(frames) + [f"[# References {references}]"]
    tail = "Use the reference images as references for the video, not as literal frames of it."
    return " ".join([*heads, words, tail])


def task_of(order: Order) -> str:
    """What is asked for, in the service's words; empty: it takes it from the prompt, as no word of its own fits."""
    if order.source is not None:
        is_extension = order.source.work is Work.EXTEND
        return "" if order.references else "extend" if is_extension else "edit"
    has_frames = order.first_frame is not None or order.last_frame is not None
    if order.references:
        return "" if has_frames else "reference_to_video"
    return "image_to_video" if has_frames else "text_to_video"


def check_seconds(order: Order, model: Model, service: str) -> None:
    """Raises BadShot: the length does not go with what is given."""
    most_s = float(model.wire["last_frame_most_s"])
    if order.last_frame is not None and order.source is None and order.seconds > most_s:
        raise BadShot(
            f"{order.model} makes at most {most_s:g} s between a first and a last frame; ask for {most_s:g} s.",
            provider=service,
        )
    least_s, most_s = model.wire["extend_s"]
    if (
        order.source is not None
        and order.source.work is Work.EXTEND
        and not float(least_s) <= order.seconds <= float(most_s)
    ):
        nearest_s = min(max(order.seconds, float(least_s)), float(most_s))
        raise BadShot(
            f"{order.model} goes on from a clip by {least_s:g} to {most_s:g} s; ask for {nearest_s:g} s.",
            provider=service,
        )


def upload_request(place: Place, length_bytes: int) -> Request:
    """Begins an upload: https://ai.google.dev/api/files. The answer's `x-goog-upload-url` takes the bytes."""
    return Request(
        method="POST",
        path=f"upload/{place.path}/files",
        json={"file": {"displayName": "clip.mp4"}},
        headers={
            "x-goog-upload-protocol": "resumable",
            "x-goog-upload-command": "start",
            "x-goog-upload-header-content-length": str(length_bytes),
            "x-goog-upload-header-content-type": "video/mp4",
        },
    )


def bytes_request(path: str, data: bytes) -> Request:
    """The bytes of an upload, all at once."""
    headers = {"x-goog-upload-command": "upload, finalize", "x-goog-upload-offset": "0"}
    return Request(method="POST", path=path, content=data, headers=headers)


def _format_of(order: Order) -> dict[str, Any]:
    """A clip that is worked on keeps its shape; an edit its length too."""
    asked: dict[str, Any] = {"type": "video", "resolution": order.resolution}
    if order.source is None:
        return asked | {"aspect_ratio": order.ratio, "duration": f"{order.seconds:g}s"}
    if order.source.work is Work.EXTEND:
        asked["duration"] = f"{order.seconds:g}s"
    return asked


def _delivery_of(place: Place) -> dict[str, str]:
    """By address wherever that can be had: in a project it needs a folder of the operator's own."""
    if not place.is_cloud:
        return {"delivery": "uri"}
    return {"delivery": "uri", "gcs_uri": place.gcs_uri} if place.gcs_uri else {"delivery": "inline"}
