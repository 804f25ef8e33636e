"""What leaves for Runway, for every row of its catalog: held to the types of its own SDK, and to its stored description.

The description is of 2026-08-08 and older than the SDK; what it lacks is listed here, each with its reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import chain, combinations
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import jsonschema
import pytest
import typing_extensions
from runwayml.types import image_to_video_create_params as image_types
from runwayml.types import text_to_video_create_params as text_types
from runwayml.types import video_to_video_create_params as video_types

from engine.errors import BadShot
from engine.providers.base import Order, Source, Work
from engine.providers.catalog import Model, read_catalog
from engine.providers.runway.requests import Media, plan_of, request_of
from tests.specs import needed_spec

CATALOG = read_catalog("runway")
MODELS = [name for name, model in CATALOG.models.items() if not model.abilities.closed]
PNG = "data:image/png;base64,iVBORw0KGgo="
CLIP = "runway://upload-1"
MEDIA = Media(first=PNG, last=PNG, references=(PNG,), video=CLIP)
NOWHERE = Path("not-read-here.png")
MEDIA_FIELDS = ("first_frame", "last_frame", "references", "source")

NOT_IN_THE_SPEC = {
    **dict.fromkeys(
        (
            "kling2.5_turbo_pro", "kling3.0_standard", "kling3.0_pro", "kling3.0_4k",
            "klingO3_standard", "klingO3_pro", "klingO3_4k",
        ),
        "named in its list of models, without a description of their bodies",
    ),
    **dict.fromkeys(("wan3", "wan3_prime"), "began on 2026-08-24"),
    **dict.fromkeys(("kling_4", "gemini_omni_flash_1.1", "h3_max"), "began after it"),
    **dict.fromkeys(("grok_imagine_1_5", "grok_imagine_1_5_lite"), "not described in it"),
}  # fmt: skip
NEWER_FIELDS = {
    **dict.fromkeys(("seedance2", "seedance2_fast", "seedance2_mini", "seedance2_5"), "seed"),
    **dict.fromkeys(("hailuo3", "happyhorse_1_0"), "resolution"),
}
"""A field that came later (`seed`), or whose words were capitals then (`768P`)."""
NEWER_RATIOS = {"seedance2_5": {"1920:1080", "1080:1920", "1440:1440", "1664:1248", "1248:1664", "2206:946"}}
"""1080p came later."""


def ways_of(model: Model) -> list[dict[str, Any]]:
    """Every way to begin that its abilities promise."""
    can = model.abilities
    clip = Source(work=Work.EDIT, video=NOWHERE, seconds=5)
    return [
        *([{}] if can.text else []),
        *([{"first_frame": NOWHERE}] if can.first_frame else []),
        *([{"first_frame": NOWHERE, "last_frame": NOWHERE}] if can.last_frame else []),
        *([{"references": (NOWHERE,)}] if can.references else []),
        *(
            [{"references": (NOWHERE,), "first_frame": NOWHERE}]
            if can.references and not can.references_or_frames
            else []
        ),
        *([{"source": clip}] if can.edit else []),
    ]


def bodies_of(name: str) -> Iterator[tuple[str, dict[str, Any], Order]]:
    """Path and body of each way, ratio, resolution and switch of a model; its own BadShot is passed by."""
    model = CATALOG.models[name]
    can = model.abilities
    switches = [{"is_silent": True}] * can.audio_choice + [{"negative": "rain"}] * can.negative
    all_switches = list(chain.from_iterable(combinations(switches, n) for n in range(len(switches) + 1)))
    for way in ways_of(model):
        for resolution in can.resolutions:
            for ratio in can.ratios:
                for chosen in all_switches:
                    values = {key: value for each in chosen for key, value in each.items()}
                    order = order_of(name, ratio=ratio, resolution=resolution, **way, **values)
                    try:
                        plan = plan_of(order, model, CATALOG)
                    except BadShot:
                        continue
                    request = request_of(plan, media_of(order))
                    yield request.path, json.loads(json.dumps(request.json)), order


def given_to(way: Mapping[str, Any]) -> frozenset[str]:
    """Which media a way to begin has."""
    return frozenset(name for name in MEDIA_FIELDS if way.get(name))


def media_of(order: Order) -> Media:
    return Media(
        first=PNG if order.first_frame else "",
        last=PNG if order.last_frame else "",
        references=tuple(PNG for _ in order.references),
        video=CLIP if order.source else "",
    )


def order_of(name: str, **changes: Any) -> Order:
    can = CATALOG.models[name].abilities
    usual = {
        "prompt": "a lamp", "seconds": can.default_seconds, "ratio": can.ratios[0], "resolution": can.resolutions[0],
        "seed": 7, "style": "default", "model": name,
    }  # fmt: skip
    return Order(**{**usual, **changes})


# --- the SDK's types ---

UNIONS = {
    "v1/text_to_video": text_types.TextToVideoCreateParams,
    "v1/image_to_video": image_types.ImageToVideoCreateParams,
    "v1/video_to_video": video_types.VideoToVideoCreateParams,
}


@cache
def sdk_type(path: str, model: str) -> Any:
    """The SDK's type of a model's body; None: this route does not serve the model."""
    for each in get_args(UNIONS[path]):
        if model in get_args(_bare(hints_of(each)["model"])):
            return each
    return None


@cache
def hints_of(shape: Any) -> Mapping[str, Any]:
    """Its fields under the names that go over the wire."""
    found = typing_extensions.get_type_hints(shape, include_extras=True)
    return {_alias(hint) or name: hint for name, hint in found.items()}


def _alias(hint: Any) -> str:
    if get_origin(hint) is Annotated:
        return next((each.alias for each in get_args(hint)[1:] if getattr(each, "alias", None)), "")
    if get_origin(hint) is typing_extensions.Required:
        return _alias(get_args(hint)[0])
    return ""


def _bare(hint: Any) -> Any:
    while get_origin(hint) in {Annotated, typing_extensions.Required}:
        hint = get_args(hint)[0]
    return hint


def complaints(value: Any, hint: Any, where: str = "body") -> list[str]:
    """What of a value is not as a type of the SDK says."""
    hint = _bare(hint)
    origin = get_origin(hint)
    if hint is object:
        return []
    if origin is Union:
        found = [complaints(value, each, where) for each in get_args(hint)]
        return [] if [] in found else found[-1]
    if origin is Literal:
        return [] if value in get_args(hint) else [f"{where}: {value!r} is none of its words"]
    if typing_extensions.is_typeddict(hint):
        if not isinstance(value, dict):
            return [f"{where}: no object"]
        fields = hints_of(hint)
        needed = {name for name, each in fields.items() if get_origin(each) is typing_extensions.Required}
        return [
            *(f"{where}.{name}: unknown" for name in value.keys() - fields.keys()),
            *(f"{where}.{name}: missing" for name in needed - value.keys()),
            *chain.from_iterable(
                complaints(value[name], fields[name], f"{where}.{name}") for name in value.keys() & fields.keys()
            ),
        ]
    if origin is not None:  # Iterable[…]
        if not isinstance(value, list):
            return [f"{where}: no list"]
        return list(chain.from_iterable(complaints(each, get_args(hint)[0], f"{where}[]") for each in value))
    return [] if type(value) is hint else [f"{where}: {value!r} is no {hint.__name__}"]


@pytest.mark.parametrize("name", MODELS)
def test_a_body_is_one_of_the_sdk(name: str) -> None:
    """Each way, ratio, resolution and switch that the row promises, field by field."""
    begun = set()
    for path, body, order in bodies_of(name):
        shape = sdk_type(path, name)
        assert shape is not None, (path, name)
        assert complaints(body, shape) == [], body
        begun.add(given_to({each: getattr(order, each) for each in MEDIA_FIELDS}))
    assert begun == {given_to(way) for way in ways_of(CATALOG.models[name])}  # no way is passed by altogether


def test_the_check_itself_finds_what_is_wrong() -> None:
    """A wrong word, a missing field, an unknown one, a wrong kind."""
    good = next(body for path, body, _ in bodies_of("gen4.5") if path.endswith("image_to_video"))
    shape = sdk_type("v1/image_to_video", "gen4.5")
    assert complaints({**good, "ratio": "9:9"}, shape)
    assert complaints({**good, "audio": True}, shape)
    assert complaints({**good, "duration": "5"}, shape)
    assert complaints({key: value for key, value in good.items() if key != "duration"}, shape)
    assert complaints({**good, "promptImage": [{"uri": PNG, "position": "last"}]}, shape)


def test_only_gen45_has_ratios_that_need_a_picture() -> None:
    """Every other row does what it promises in every shape."""
    refused = []
    for name in MODELS:
        model = CATALOG.models[name]
        for way in ways_of(model):
            for resolution in model.abilities.resolutions:
                for ratio in model.abilities.ratios:
                    try:
                        plan_of(order_of(name, ratio=ratio, resolution=resolution, **way), model, CATALOG)
                    except BadShot:
                        refused.append((name, ratio, bool(way)))
    assert refused == [("gen4.5", ratio, False) for ratio in ("1:1", "4:3", "3:4", "21:9")]


# --- the stored description ---


@cache
def spec_schemas(path: str) -> Mapping[str, Any]:
    """The schemas of a route by model."""
    described = json.loads(needed_spec("runway-video.openapi.json").read_text())
    schema = described["paths"][f"/{path}"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    return {each["properties"]["model"]["const"]: each for each in schema["oneOf"]}


@pytest.mark.parametrize("name", [name for name in MODELS if name not in NOT_IN_THE_SPEC])
def test_a_body_is_as_described(name: str) -> None:
    """Of every model that the stored description knows."""
    checked = 0
    for path, body, _ in bodies_of(name):
        if body.get("ratio") in NEWER_RATIOS.get(name, ()):
            continue
        body.pop(NEWER_FIELDS.get(name, ""), None)
        jsonschema.Draft202012Validator(spec_schemas(path)[name]).validate(body)
        checked += 1
    assert checked


def test_the_list_of_what_is_not_described_is_true() -> None:
    """A newer description that has them makes it shorter."""
    described = {model for path in UNIONS for model in spec_schemas(path)}
    assert set(NOT_IN_THE_SPEC) == set(MODELS) - described


# --- what is asked for is what is sent ---


def test_frames_stand_at_their_places() -> None:
    """First and last, by name."""
    order = order_of("veo3.1", first_frame=NOWHERE, last_frame=NOWHERE)
    body = request_of(plan_of(order, CATALOG.models["veo3.1"], CATALOG), Media(first="a", last="b")).json
    assert body["promptImage"] == [{"uri": "a", "position": "first"}, {"uri": "b", "position": "last"}]


def test_silence_seed_and_what_must_not_be_seen_are_sent_where_there_is_a_field() -> None:
    """And left out where there is none: an unknown field is refused."""
    order = order_of("veo3.1", is_silent=True, negative="rain")
    body = request_of(plan_of(order, CATALOG.models["veo3.1"], CATALOG), MEDIA).json
    assert (body["audio"], body["seed"], body["negativePrompt"]) == (False, 7, "rain")
    order = order_of("grok_imagine_1_5", is_silent=True, negative="rain")
    body = request_of(plan_of(order, CATALOG.models["grok_imagine_1_5"], CATALOG), MEDIA).json
    assert {"audio", "seed", "negativePrompt"}.isdisjoint(body)


@pytest.mark.parametrize(
    ("name", "changes", "word"),
    [
        ("gen4_turbo", {}, "only begins on a first frame"),
        ("aleph2", {}, "only changes a clip by words"),
        ("gen4.5", {"ratio": "1:1"}, "without a first frame; choose one of: 16:9, 9:16"),
        ("gen4.5", {"resolution": "4k"}, "choose one of: 720p"),
        ("gen4.5", {"references": (NOWHERE,)}, "takes no pictures as a guide"),
        ("gen4.5", {"source": Source(work=Work.EXTEND, video=NOWHERE, seconds=5)}, "only begins on words or begins"),
        ("gen4.5", {"source": Source(work=Work.EDIT, video=NOWHERE, seconds=5)}, "only begins on words or begins"),
        ("aleph2", {"source": Source(work=Work.EDIT, video=NOWHERE, seconds=31)}, "up to 30 s"),
        ("gen4.5", {"prompt": "x" * 1001}, "shorten it by 1"),
        ("gen3a_turbo", {"first_frame": NOWHERE}, "does nothing any more"),
    ],
)
def test_what_a_model_cannot_do_is_said_before_anything_leaves(name: str, changes: dict[str, Any], word: str) -> None:
    """With what it can do instead, and without cost."""
    with pytest.raises(BadShot, match=word) as raised:
        plan_of(order_of(name, **changes), CATALOG.models[name], CATALOG)
    assert raised.value.billed == "no"


def test_a_prompt_is_counted_as_runway_counts() -> None:
    """An emoji is two of its characters: 500 fit into 1,000, and 501 do not."""
    model = CATALOG.models["gen4.5"]
    plan_of(order_of("gen4.5", prompt="🪔" * 500), model, CATALOG)
    with pytest.raises(BadShot, match="1,002"):
        plan_of(order_of("gen4.5", prompt="🪔" * 501), model, CATALOG)
