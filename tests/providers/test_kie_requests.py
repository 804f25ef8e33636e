"""KIE.ai: what is sent for each row of the catalog, checked against its pages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from engine.errors import BadShot
from engine.providers.base import Source, Work
from engine.providers.catalog import Model
from engine.providers.kie.requests import Pictures, form_of, request_of
from tests.fakes.services.kie import MODELS
from tests.providers.kie_orders import CATALOG, OPEN_ROWS, order_of
from tests.specs import needed_spec

FORMS: Mapping[str, Mapping[str, Any]] = {
    "text": {},
    "first": {"first_frame": Path("first.png")},
    "first and last": {"first_frame": Path("first.png"), "last_frame": Path("last.png")},
    "references": {"references": (Path("a.png"), Path("b.png"))},
    "extend": {"source": Source(work=Work.EXTEND, video=Path("clip.mp4"), seconds=8, task_id="veo:task")},
}
PICTURES = {
    "text": Pictures(),
    "first": Pictures(first="https://x.example/first.png"),
    "first and last": Pictures(first="https://x.example/first.png", last="https://x.example/last.png"),
    "references": Pictures(references=("https://x.example/a.png", "https://x.example/b.png")),
    "extend": Pictures(),
}
LESS = {(name, "references") for name in ("grok-imagine-1.5", "wan-2.7", "veo3-fast", "veo3-lite", "veo-3.1-fast")}
"""What their forms can do less than their rows."""
NOT_IN_SPEC = {
    "wan/3-0-video": "newer than the stored pages",
    "wan/3-0-video-prime": "newer than the stored pages",
    "google/gemini-omni-flash-1-1": "newer than the stored pages",
    "veo-3-1": "newer than the stored pages",
}


def _can(model: Model, form: str) -> bool:
    can = model.abilities
    return {
        "text": can.text, "first": can.first_frame, "first and last": can.last_frame, "references": can.references > 1,
        "extend": can.extend,
    }[form]  # fmt: skip


def sent(name: str, form: str, **changes: Any) -> dict[str, Any]:
    """The body for a row in one of its forms."""
    model, order = CATALOG.models[name], order_of(name, **{**FORMS[form], **changes})
    request = request_of(form_of(model, order, "KIE.ai"), order, PICTURES[form], None)
    return {"path": "/" + request.path, **request.json}


CASES = [(name, form) for name in OPEN_ROWS for form in FORMS if _can(CATALOG.models[name], form)]


@pytest.mark.parametrize(("name", "form"), CASES)
def test_each_rows_requests_fit_its_page(name: str, form: str) -> None:
    """Field by field, each resolution, shortest and longest; rows that the stored pages do not have are named with their reason."""
    can = CATALOG.models[name].abilities
    bodies = []
    for resolution, seconds in product(can.resolutions, (can.min_seconds, can.max_seconds)):
        changes = {"resolution": resolution, "seconds": seconds}
        try:
            bodies.append(sent(name, form, is_silent=can.audio_choice, negative="rain" * can.negative, **changes))
        except BadShot:
            assert (name, form) in LESS
    assert bodies
    for body in bodies:
        path = body.pop("path")
        schema = _schema_of(path, body["model"])
        if schema is None:
            assert body["model"] in NOT_IN_SPEC
            continue
        jsonschema.Draft7Validator(schema).validate(body)
        given, known = (body, schema) if "veo" in path else (body["input"], schema["properties"]["input"])
        assert set(given) <= set(known["properties"])


@cache
def _pages() -> list[dict[str, Any]]:
    pages: list[dict[str, Any]] = json.loads(needed_spec("kie-video.endpoints.json").read_text())["endpoints"]
    return pages


def _schema_of(path: str, model: str) -> dict[str, Any] | None:
    for page in _pages():
        if page["path"] == path and page["method"] == "POST":
            schema: dict[str, Any] = page["request"]["application/json"]["schema"]
            if model in schema["properties"]["model"].get("enum", ()):
                # The collector lost what these hold: an object that has to be a string.
                for broken in ("anyOf", "allOf"):
                    schema["properties"].get("input", {}).pop(broken, None)
                return schema
    return None


def test_the_fake_knows_every_model_that_is_asked_for() -> None:
    """Else a row would be tried against nothing."""
    asked = {body["model"] for body in (sent(*case) for case in CASES) if "/jobs/" in body["path"]}
    assert asked == set(MODELS)


def test_a_length_is_written_as_each_model_wants_it() -> None:
    """Kling wants text, Seedance a number, and both as whole seconds."""
    assert sent("kling-3.0", "text", seconds=5.0)["input"]["duration"] == "5"
    assert sent("seedance-2", "text", seconds=5.0)["input"]["duration"] == 5


def test_a_resolution_is_said_in_each_models_words() -> None:
    """Kling's mode, the capital letters of H3 and Wan 3."""
    assert sent("kling-3.0", "text", resolution="4k")["input"]["mode"] == "4K"
    assert sent("minimax-h3", "text", resolution="2k")["input"]["resolution"] == "2K"
    assert sent("wan-3.0", "text", resolution="720p")["input"]["resolution"] == "720P"


def test_frames_go_into_the_field_that_each_model_has_for_them() -> None:
    """Two fields, or one list in the order first, last; and the model that takes them."""
    h3, kling = (sent(name, "first and last") for name in ("minimax-h3", "kling-3.0"))
    first, last = "https://x.example/first.png", "https://x.example/last.png"
    assert h3["model"] == "minimax-h3/image-to-video"
    assert (h3["input"]["first_frame_url"], h3["input"]["last_frame_url"]) == (first, last)
    assert kling["input"]["image_urls"] == [first, last]
    assert sent("veo3-fast", "first and last")["imageUrls"] == [first, last]


def test_silence_is_asked_for_only_where_it_can_be_had() -> None:
    """`is_silent` turns the sound field off; a model without one is sent nothing."""
    assert sent("seedance-2.5", "text")["input"]["generate_audio"] is True
    assert sent("kling-3.0", "text", is_silent=True)["input"]["sound"] is False
    assert not {"sound", "audio", "generate_audio"} & set(sent("wan-2.7", "text", is_silent=True)["input"])
