"""An order as the requests of the `/v1/videos` shape. Pure.

https://github.com/openai/openai-openapi (openapi.yaml, /videos); what differs at other servers is in the quirks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from engine.providers.base import Order, Source, Work
from engine.providers.given_pictures import GivenPicture
from engine.providers.openai_videos.quirks import Quirks, size_of
from engine.providers.reading import in_path
from engine.providers.wire import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The files of an order, read and made to fit."""

    first: GivenPicture | None = None
    last: GivenPicture | None = None
    references: Sequence[GivenPicture] = ()
    video: bytes | None = None
    """The clip that is worked on, where the server does not have it."""


def request_of(order: Order, quirks: Quirks, given: Given, *, has_sound: bool = False) -> Request:
    """The paid request. `has_sound`: the model's clips have any."""
    if order.source is not None:
        return _work(order, order.source, quirks, given.video)
    fields = _fields(order, quirks, has_sound=has_sound)
    pictures = _pictures(given, quirks)
    if quirks.image_as == "file" and pictures:
        files = tuple((name, each.file_name, each.data, each.mime) for name, each in pictures)
        return Request(method="POST", path=quirks.path, form=_form(fields), files=files, params=quirks.query)
    fields |= _inline(pictures, quirks)
    if quirks.create_as == "json":
        return Request(method="POST", path=quirks.path, json=fields, params=quirks.query)
    return Request(method="POST", path=quirks.path, form=_form(fields), params=quirks.query)


def task_path(task_id: str, quirks: Quirks, more: str = "") -> str:
    """The path of one render; ids are whatever the server made."""
    return f"{quirks.path}/{in_path(task_id)}{more}"


def content_url(base: str, task_id: str, quirks: Quirks) -> str:
    """The whole address of a render's video."""
    query = f"?{urlencode(quirks.query)}" if quirks.query else ""
    return f"{base}/{task_path(task_id, quirks, '/content')}{query}"


def _work(order: Order, source: Source, quirks: Quirks, video: bytes | None) -> Request:
    if source.work is Work.REMIX:
        path = task_path(source.task_id or "", quirks, "/remix")
        return Request(method="POST", path=path, json={"prompt": order.prompt}, params=quirks.query)
    fields: dict[str, Any] = {"prompt": order.prompt}
    if source.work is Work.EXTEND:
        fields["seconds"] = f"{order.seconds:g}"
    path = f"{quirks.path}/{'extensions' if source.work is Work.EXTEND else 'edits'}"
    if video is None:
        fields["video"] = {"id": source.task_id}
        return Request(method="POST", path=path, json=fields, params=quirks.query)
    files = (("video", "clip.mp4", video, "video/mp4"),)
    return Request(method="POST", path=path, form=_form(fields), files=files, params=quirks.query)


def _fields(order: Order, quirks: Quirks, *, has_sound: bool) -> dict[str, Any]:
    width, height = size_of(order.ratio, order.resolution, quirks)
    seconds: Any = f"{order.seconds:g}" if quirks.seconds_as == "string" else int(order.seconds)
    fields: dict[str, Any] = {"model": quirks.model or order.model, "prompt": order.prompt}
    if quirks.size_as == "size":
        fields["size"] = f"{width}x{height}"
    elif quirks.size_as == "sides":
        fields |= {"width": width, "height": height}
    wanted = {
        quirks.seconds_field: seconds,
        quirks.ratio_field: order.ratio,
        quirks.resolution_field: order.resolution,
        quirks.seed_field: order.seed,
        quirks.frames_field: round(order.seconds * quirks.frames_fps) + quirks.frames_plus,
    }
    if order.negative:
        wanted[quirks.negative_field] = order.negative
    if has_sound:
        wanted[quirks.sound_field] = not order.is_silent
    wanted.pop("", None)
    return {**fields, **wanted, **quirks.extra}


def _pictures(given: Given, quirks: Quirks) -> list[tuple[str, GivenPicture]]:
    """Each picture with the field that it goes into."""
    frames = [each for each in (given.first, given.last) if each is not None]
    if given.references:
        return [(quirks.many_field, each) for each in (*frames, *given.references)]
    if given.last is not None and quirks.last_field:
        first = [(quirks.image_field, given.first)] if given.first is not None else []
        return [*first, (quirks.last_field, given.last)]
    return [(quirks.image_field if len(frames) == 1 else quirks.many_field, each) for each in frames]


def _inline(pictures: Sequence[tuple[str, GivenPicture]], quirks: Quirks) -> dict[str, Any]:
    """The pictures as values of fields; a field that takes many has a list."""
    fields: dict[str, Any] = {}
    for name, each in pictures:
        value = {"image_url": each.data_uri} if quirks.image_as == "object" else each.data_uri
        if name == quirks.many_field:
            fields.setdefault(name, []).append(value)
        else:
            fields[name] = value
    return fields


def _form(fields: Mapping[str, Any]) -> dict[str, str]:
    """The fields as text: what is no text goes as JSON, as such servers read it."""
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in fields.items()}
