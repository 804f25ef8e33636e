"""The inputs of fal's video endpoints as their pages have them (https://fal.ai/models/<endpoint>/llms.txt), as JSON Schemas.

Written down apart from our catalog, so that the one can be held against the other. Fields that we never send are left out; what
is not here is refused, as a field that nobody needs is mostly a misspelt one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from jsonschema import Draft202012Validator

URL = {"type": "string", "pattern": "^(https?://|data:image/(png|jpeg|webp);base64,)"}
BOOL = {"type": "boolean"}
TEXT = {"type": "string"}
SEED = {"type": "integer", "minimum": 0, "maximum": 2**31 - 1}


def _words(*words: Any) -> Mapping[str, Any]:
    return {"enum": list(words)}


def _whole(first: int, last: int) -> Mapping[str, Any]:
    return {"type": "integer", "minimum": first, "maximum": last}


def _string(first: int, last: int) -> Mapping[str, Any]:
    return _words(*(str(each) for each in range(first, last + 1)))


WIDE_TALL = _words("16:9", "9:16")
THREE = _words("16:9", "9:16", "1:1")
SIX = _words("21:9", "16:9", "4:3", "1:1", "3:4", "9:16")


def _endpoint(needed: Iterable[str] = (), **fields: Any) -> Mapping[str, Any]:
    return {
        "type": "object",
        "properties": {"prompt": TEXT, **fields},
        "required": ["prompt", *needed],
        "additionalProperties": False,
    }


def _frames(first: str, last: str, *, needs_last: bool = False) -> dict[str, Any]:
    return {"needed": [first, last] if needs_last else [first], first: URL, last: URL}


H3 = {"duration": _whole(5, 15), "seed": {"type": "integer"}, "prompt_expansion_mode": TEXT}
H3_WORDS = _words("480P", "768P", "2K", "4K")
H3_MAX_WORDS = _words("480P", "768P", "1080P")
SEEDANCE = {"generate_audio": BOOL}
KLING = {"duration": _string(3, 15), "generate_audio": BOOL, "negative_prompt": TEXT}
WAN = {"duration": _whole(2, 30), "resolution": _words("480p", "720p", "1080p"), "audio": BOOL, "seed": SEED}
VEO = {
    "duration": _words("4s", "6s", "8s"),
    "generate_audio": BOOL,
    "seed": {"type": "integer"},
    "negative_prompt": TEXT,
}
LTX = {
    "duration": _words(6, 8, 10),
    "resolution": _words("720p", "1080p"),
    "generate_audio": BOOL,
    "aspect_ratio": WIDE_TALL,
}
PIKA = {"seed": {"type": "integer"}, "negative_prompt": TEXT, "resolution": _words("720p", "1080p")}
LUMA = {
    "duration": _words("5s", "9s"),
    "resolution": _words("540p", "720p", "1080p"),
    "aspect_ratio": _words("16:9", "9:16", "4:3", "3:4", "21:9", "9:21"),
}
ENDPOINTS: dict[str, Mapping[str, Any]] = {
    "minimax/h3/text-to-video": _endpoint(**H3, resolution=H3_WORDS, aspect_ratio=SIX),
    "minimax/h3/image-to-video": _endpoint(**H3, resolution=H3_WORDS, **_frames("image_url", "end_image_url")),
    "minimax/h3/reference-to-video": _endpoint(
        **H3, resolution=H3_WORDS, aspect_ratio=SIX, reference_image_urls={"type": "array", "items": URL, "maxItems": 9}
    ),
    "minimax/h3-max/text-to-video": _endpoint(**H3, resolution=H3_MAX_WORDS, aspect_ratio=SIX),
    "minimax/h3-max/image-to-video": _endpoint(**H3, resolution=H3_MAX_WORDS, **_frames("image_url", "end_image_url")),
    "minimax/h3-max/reference-to-video": _endpoint(
        **H3, resolution=H3_MAX_WORDS, aspect_ratio=SIX, image_urls={"type": "array", "items": URL, "maxItems": 9}
    ),
    "fal-ai/kling-video/v4/image-to-video": _endpoint(
        duration=_string(3, 30), resolution=_words("720p", "1080p"), **_frames("start_image_url", "end_image_url")
    ),
    "fal-ai/kling-video/v3/4k/image-to-video": _endpoint(**KLING, **_frames("start_image_url", "end_image_url")),
    "alibaba/wan-3.0/text-to-video": _endpoint(
        **WAN, aspect_ratio=_words("adaptive", "16:9", "4:3", "1:1", "3:4", "9:16")
    ),
    "alibaba/wan-3.0/image-to-video": _endpoint(**WAN, **_frames("start_image_url", "end_image_url")),
    "alibaba/wan-3.0/reference-to-video": _endpoint(
        **WAN,
        aspect_ratio=_words("adaptive", "16:9", "4:3", "1:1", "3:4", "9:16"),
        reference_image_urls={"type": "array", "items": URL, "maxItems": 10},
    ),
    "fal-ai/pika/v2.2/text-to-video": _endpoint(**PIKA, duration=_words(5, 10), aspect_ratio=THREE),
    "fal-ai/pika/v2.2/image-to-video": _endpoint(["image_url"], **PIKA, duration=_words(5, 10), image_url=URL),
    "fal-ai/pika/v2.2/pikaframes": _endpoint(
        ["image_urls"],
        **PIKA,
        image_urls={"type": "array", "items": URL, "minItems": 2, "maxItems": 5},
        transitions={
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": {"type": "object", "properties": {"duration": _whole(1, 25)}, "additionalProperties": False},
        },
    ),
    "fal-ai/luma-dream-machine/ray-2": _endpoint(**LUMA),
    "fal-ai/luma-dream-machine/ray-2/image-to-video": _endpoint(**LUMA, **_frames("image_url", "end_image_url")),
}
for _name, _durations, _sizes in (
    ("bytedance/seedance-2.5", _string(4, 30), _words("480p", "720p", "1080p")),
    ("bytedance/seedance-2.0", _string(4, 15), _words("480p", "720p", "1080p", "4k")),
    ("bytedance/seedance-2.0/mini", _string(4, 15), _words("480p", "720p")),
):
    _both = {**SEEDANCE, "duration": _durations, "resolution": _sizes}
    ENDPOINTS |= {
        f"{_name}/text-to-video": _endpoint(**_both, aspect_ratio=SIX),
        f"{_name}/image-to-video": _endpoint(**_both, **_frames("image_url", "end_image_url")),
        f"{_name}/reference-to-video": _endpoint(
            **_both, aspect_ratio=SIX, image_urls={"type": "array", "items": URL, "maxItems": 30}
        ),
    }
for _name in ("standard", "pro"):
    ENDPOINTS |= {
        f"fal-ai/kling-video/v3/{_name}/text-to-video": _endpoint(**KLING, aspect_ratio=THREE),
        f"fal-ai/kling-video/v3/{_name}/image-to-video": _endpoint(
            **KLING, **_frames("start_image_url", "end_image_url")
        ),
    }
for _name, _lines in (("", ("720p", "1080p", "4k")), ("/fast", ("720p", "1080p", "4k")), ("/lite", ("720p", "1080p"))):
    _both = {**VEO, "resolution": _words(*_lines), "aspect_ratio": WIDE_TALL}
    ENDPOINTS |= {
        f"fal-ai/veo3.1{_name}": _endpoint(**_both),
        f"fal-ai/veo3.1{_name}/image-to-video": _endpoint(["image_url"], **_both, image_url=URL),
        f"fal-ai/veo3.1{_name}/first-last-frame-to-video": _endpoint(
            **_both, **_frames("first_frame_url", "last_frame_url", needs_last=True)
        ),
    }
for _name in ("pro", "fast"):
    ENDPOINTS |= {
        f"lightricks/ltx-2.5/text-to-video/{_name}": _endpoint(**LTX),
        f"lightricks/ltx-2.5/image-to-video/{_name}": _endpoint(**LTX, **_frames("image_url", "end_image_url")),
    }


def wrong_input(endpoint: str, body: Mapping[str, Any]) -> list[str]:
    """What the endpoint would not take."""
    validator = Draft202012Validator(dict(ENDPOINTS.get(endpoint, {})))
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(dict(body))]
