"""Whatever a service answers, its readers give a value that can be kept or raise an error of ours, never anything else.

Each service has answers of the right shape here; hypothesis puts something odd into them, cuts them, or sends something else.
Longer than most, as it is a table of all services and of what they say.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from engine.errors import ProviderError
from engine.providers.answers import Answer
from engine.providers.base import Hook, Order, Rendered, Rendering, Sent, Taken
from engine.providers.comfyui import answers as comfyui
from engine.providers.comfyui import progress as comfyui_progress
from engine.providers.fal import answers as fal
from engine.providers.fal import hooks as fal_hooks
from engine.providers.fal import prices as fal_prices
from engine.providers.getimg import answers as getimg
from engine.providers.getimg import offers
from engine.providers.google import answers as google
from engine.providers.kie import answers as kie
from engine.providers.minimax import answers as minimax
from engine.providers.openai_videos import answers as openai
from engine.providers.openai_videos import lookup
from engine.providers.openai_videos.quirks import Quirks
from engine.providers.runway import answers as runway
from engine.providers.veo import answers as veo
from engine.providers.xai import answers as xai

ODD: Sequence[Any] = [
    None, True, False, 0, 1, -1, 2.5, 250, float("nan"), float("inf"), 10**400, "", "x", "5", "²", "NaN", "-5", "\ud800",
    "http://[", "http://x/y", "a/../b", "x://y", "a b", "9" * 5_000, [], {}, [1], [[]], [None], ["x"], {"a": 1}, {"url": 5},
]  # fmt: skip
STATUSES = [200, 200, 200, 200, 200, 202, 302, 400, 401, 402, 403, 404, 408, 410, 422, 429, 499, 500, 503]
HEADERS: Sequence[Mapping[str, str]] = [
    {}, {"retry-after": "²"}, {"retry-after": "1e999"}, {"retry-after": "nan"}, {"retry-after": "-5"}, {"date": "x"},
    {"x-fal-error-type": "internal_error"}, {"x-fal-error-type": "é"},
]  # fmt: skip
ORDER = Order(prompt="p", seconds=5, ratio="16:9", resolution="720p", seed=1, style="default", model="m")
SENT = Sent(key="k", order=ORDER, at=datetime.now(UTC), known=frozenset({"z"}))
USD = Decimal("0.005")


def _lookup(answer: Answer) -> None:
    page = lookup.read_page(answer)
    lookup.is_past(page, SENT)
    lookup.candidates(page, SENT, Quirks(), lookup.Candidates())


def _list(answer: Answer) -> None:
    tasks, _ = minimax.read_list(answer)
    for task in tasks:
        minimax.could_be(task, SENT, minimax.since_of(answer, SENT))


def _offer(answer: Answer) -> Decimal | None:
    offer = offers.read_offer(answer)
    offers.check_offer(ORDER, offer, "S")
    return offers.usd_of(ORDER, offer)


def _kie_hook(answer: Answer) -> str | None:
    headers = {"x-webhook-timestamp": "1000", "x-webhook-signature": "x"}
    return kie.read_hook(Hook(headers, answer.body), "key", 1000.0)


@dataclass(frozen=True)
class Service:
    """What reads a service's answers, and answers as it gives them."""

    readers: Sequence[Callable[[Answer], object]]
    answers: Sequence[Any]


_KIE_JOB = {
    "taskId": "a",
    "resultJson": '{"resultUrls":["https://h/a"]}',
    "creditsConsumed": 3,
    "failCode": "1",
    "failMsg": "m",
}
_VEO_NAME = "projects/p/locations/l/publishers/google/models/m/operations/o"
SERVICES: Mapping[str, Service] = {
    "comfyui": Service(
        [
            partial(comfyui.read_taken, model="m", files={}), comfyui.read_queue, comfyui.read_jobs,
            lambda answer: comfyui.read_history(answer, "a", "http://c"),
            lambda answer: comfyui_progress.read_message(answer.body.decode("utf-8", "replace")),
        ],
        [
            {"prompt_id": "a"},
            {"queue_running": [[0, "a", {}, {"nextshot": {"key": "k"}}, []]], "queue_pending": [[0, "a", {}, {}, []]]},
            {"a": {"prompt": [0, "a", {}, {"nextshot": {"key": "k", "output": ""}}, []],
                   "outputs": {"9": {"images": [{"filename": "a.mp4", "subfolder": "", "type": "output"}]}},
                   "status": {"status_str": "success", "messages": [["execution_error", {"node_id": "1"}]]}}},
            {"a": {"outputs": {}, "status": {"status_str": "error", "messages": [["execution_error", {"node_id": "1"}]]}}},
            {"error": {"type": "invalid_prompt", "message": "m"}, "node_errors": {"1": {"class_type": "K", "errors": [
                {"type": "value_not_in_list", "message": "m", "details": "d",
                 "extra_info": {"received_value": "a.safetensors", "input_name": "unet_name"}}]}}},
            {"type": "progress", "data": {"value": 5, "max": 10, "prompt_id": "a", "node": "3"}},
            {"type": "progress_state", "data": {"prompt_id": "a", "nodes": {"3": {"value": 5, "max": 10}}}},
        ],
    ),
    "fal": Service(
        [
            lambda answer: fal.read_taken(answer, "https://queue.fal.run", "o/a"), fal.read_status, fal.is_result,
            lambda answer: fal.read_result(answer, fal.Finished()),
            lambda answer: fal.read_result(answer, fal.Finished("x", "y")),
            lambda answer: fal_prices.read_unit_price(answer.table(), "e"),
            lambda answer: fal_hooks.request_of_hook(Hook({}, answer.body)),
        ],
        [
            {"request_id": "a", "status_url": "https://queue.fal.run/o/a/requests/a/status"},
            {"status": "IN_QUEUE", "queue_position": 1}, {"status": "COMPLETED", "error": "x", "error_type": "internal_error"},
            {"video": {"url": "https://h/a"}}, {"detail": "x", "error_type": "y"},
            {"detail": [{"loc": ["body", "prompt"], "msg": "m", "type": "content_policy_violation"}]},
            {"prices": [{"endpoint_id": "e", "currency": "USD", "unit_price": "0.1", "unit": "second"}]},
        ],
    ),
    "getimg": Service(
        [getimg.read_taken, getimg.read_progress, _offer],
        [
            {"id": "a", "status": "completed", "data": [{"url": "https://h/a"}], "usage": {"total_cost": "0.5"}},
            {"status": "failed", "error": {"message": "m", "code": "c"}}, {"error": {"message": "no such model"}},
            {"supported_aspect_ratios": ["16:9"], "supported_resolutions": ["720p"], "supported_durations": [5],
             "supported_references": {"first_frame": 1},
             "pricing": {"currency": "USD", "rates": [{"billable_unit": "video_second", "sound": "sound_on",
                                                      "resolution": "720p", "unit_price": "0.1"}]}},
        ],
    ),
    "google": Service(
        [
            google.read_taken, lambda answer: google.read_progress(answer, {"m": {"video": 0.1, "input": 1, "text": 1}}),
            google.read_file, google.read_uploaded, google.is_extendable,
        ],
        [
            {"id": "a", "status": "completed", "model": "m", "steps": [{"type": "model_output", "content": [
                {"type": "video", "uri": "https://g/v1beta/files/abc:download?alt=media"}]}],
             "usage": {"output_tokens_by_modality": [{"modality": "video", "tokens": 5}], "total_input_tokens": 5,
                       "total_thought_tokens": 3}},
            {"status": "failed", "errors": [{"code": "x", "message": "m"}]}, {"state": "ACTIVE"},
            {"file": {"name": "files/abc", "uri": "https://h"}},
            {"error": {"code": 400, "message": "m", "status": "INVALID_ARGUMENT", "details": [{"retryDelay": "5s"}]}},
        ],
    ),
    "kie": Service(
        [
            partial(kie.read_taken, is_veo=False), partial(kie.read_progress, is_veo=False, usd_per_credit=USD),
            partial(kie.read_progress, is_veo=True, usd_per_credit=USD), kie.read_upload, kie.read_credits, kie.read_link,
            _kie_hook,
        ],
        [
            {"code": 200, "msg": "ok", "data": {**_KIE_JOB, "state": "success"}},
            {"code": 200, "msg": "ok", "data": {**_KIE_JOB, "state": "fail"}},
            {"code": 200, "data": {"successFlag": 1, "response": {"resultUrls": ["https://h/a"]}, "creditsConsumed": 2}},
            {"code": 200, "data": {"successFlag": 2, "errorCode": 1, "errorMessage": "m"}}, {"code": 200, "data": 5},
            {"code": 422, "msg": "x", "data": None}, {"code": 200, "data": {"downloadUrl": "https://h/a"}},
            {"code": 200, "data": "https://h/a"},
        ],
    ),
    "minimax": Service(
        [minimax.read_taken, minimax.read_progress, _list, minimax.task_of],
        [
            {"task_id": "a"}, {"error": {"type": "x", "message": "m (1004)"}},
            {"task": {"id": "a", "status": "succeeded", "content": {"url": "https://h/x"}}},
            {"task": {"id": "a", "status": "failed", "error": {"code": "1026", "message": "m"}}},
            {"base_resp": {"status_code": 1004, "status_msg": "x"}},
            {"items": [{"id": "a", "created_at": 1, "duration": 5}], "total": 1},
        ],
    ),
    "openai": Service(
        [
            openai.read_taken, openai.is_refusal, openai.is_video, openai.read_ends, _lookup,
            lambda answer: openai.read_progress(answer, Quirks(), "https://s/v1/videos/a/content"),
            lambda answer: openai.read_progress(
                answer, Quirks(result=("url", "metadata.url", "content"), proof=("url",)), "https://s/v1/videos/a/content"
            ),
        ],
        [
            {"id": "a", "object": "video", "status": "completed", "progress": 5, "error": {"code": "x", "message": "m"},
             "metadata": {"url": "https://h"}, "url": "https://h"},
            {"id": "a", "object": "video", "status": "failed", "error": {"code": "moderation_blocked", "message": "m"}},
            {"object": "list", "has_more": False, "last_id": "a", "data": [
                {"id": "a", "prompt": "p", "created_at": 1, "seconds": "4", "model": "m", "shutdown_date": "2026-01-01"}]},
            {"error": {"message": "m", "type": "invalid_request_error", "code": "x", "param": "seconds"}},
        ],
    ),
    "runway": Service(
        [
            runway.read_taken, runway.read_progress, runway.read_status, runway.read_upload, runway.read_balance,
        ],
        [
            {"id": "a", "status": "SUCCEEDED", "output": ["https://h/a"], "cost": {"credits": 5}, "estimatedCost": {"credits": 5}},
            {"status": "FAILED", "failureCode": "SAFETY.INPUT.TEXT", "failure": "x", "cost": {"credits": 0}},
            {"status": "RUNNING", "progress": 0.5}, {"error": "x", "issues": [{"path": ["model"], "message": "m"}]},
            {"creditBalance": 5}, {"uploadUrl": "https://h/u", "fields": {"a": "b"}, "runwayUri": "runway://x"},
        ],
    ),
    "veo": Service(
        [veo.read_taken, veo.read_progress],
        [
            {"name": _VEO_NAME}, {"name": _VEO_NAME, "done": True, "error": {"code": 3, "message": "m"}},
            {"name": _VEO_NAME, "done": True, "response": {"videos": [{"gcsUri": "gs://b/o"}], "raiMediaFilteredCount": 1,
                                                            "raiMediaFilteredReasons": ["x"]}},
            {"error": {"code": 400, "message": "m", "status": "INVALID_ARGUMENT", "details": [{"retryDelay": "5s"}]}},
        ],
    ),
    "xai": Service(
        [xai.read_taken, xai.read_progress],
        [
            {"request_id": "a"}, {"code": "x", "error": "y"}, {"status": "failed", "error": {"code": "x", "message": "y"}},
            {"status": "done", "video": {"url": "https://h/v.mp4", "respect_moderation": True}, "progress": 50,
             "usage": {"cost_in_usd_ticks": 5}},
        ],
    ),
}  # fmt: skip


def _places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to each value inside a value."""
    inside = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    return [way for key, each in inside for way in [(*at, key), *_places(each, (*at, key))]]


@st.composite
def _bodies(draw: st.DrawFn, service: Service) -> bytes:
    body = copy.deepcopy(draw(st.sampled_from(ODD if draw(st.integers(0, 19)) == 19 else service.answers)))
    for _ in range(draw(st.integers(1, 3))):
        places = _places(body)
        if not places:
            break
        *way, last = draw(st.sampled_from(places))
        holder = body
        for key in way:
            holder = holder[key]
        if isinstance(holder, dict) and draw(st.integers(0, 9)) == 9:
            del holder[last]
        else:
            holder[last] = copy.deepcopy(draw(st.sampled_from(ODD)))
    said = json.dumps(body).encode()
    return said[: draw(st.integers(0, len(said)))] if draw(st.integers(0, 19)) == 19 else said


def _check(read: Callable[[Answer], object], answer: Answer) -> None:
    """One reader on one answer: what it says can be kept in a database and shown."""
    try:
        found = read(answer)
    except ProviderError as error:
        found = f"{error} {error.detail}"
    usd = found.usd if isinstance(found, Taken | Rendered) else found if isinstance(found, Decimal) else None
    assert usd is None or (usd.is_finite() and usd >= 0)
    if isinstance(found, Rendering) and found.percent is not None:
        assert 0 <= found.percent <= 100
    for text in (found, getattr(found, "task_id", None), getattr(found, "where", None)):
        if isinstance(text, str):
            text.encode()


@pytest.mark.parametrize("name", SERVICES)
def test_one_odd_value_anywhere_raises_nothing_but_an_error_of_ours(name: str) -> None:
    """Each value of each answer, by each of the odd ones."""
    service = SERVICES[name]
    for whole in service.answers:
        status = 400 if "error" in whole and "status" not in whole else 200
        for *way, last in _places(whole):
            body = copy.deepcopy(whole)
            holder = body
            for key in way:
                holder = holder[key]
            for odd in ODD:
                holder[last] = odd
                answer = Answer(status=status, headers={}, body=json.dumps(body).encode(), service="S", secrets=("k",))
                for read in service.readers:
                    _check(read, answer)


@pytest.mark.parametrize("name", SERVICES)
def test_an_odd_answer_raises_nothing_but_an_error_of_ours(name: str) -> None:
    """Neither a wrong type, nor half a character, nor a number beyond all bounds leaves a reader."""
    service = SERVICES[name]

    @settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(body=_bodies(service), status=st.sampled_from(STATUSES), headers=st.sampled_from(HEADERS))
    @example(body=b"[" * 100_000, status=200, headers={})
    @example(body=b'{"status":' * 20_000, status=400, headers={})
    @example(body=b"1" * 6_000, status=200, headers={})
    @example(body=b"\xff\xfe", status=200, headers={})
    def each(body: bytes, status: int, headers: Mapping[str, str]) -> None:
        answer = Answer(status=status, headers=headers, body=body, service="S", secrets=("k",))
        for read in service.readers:
            _check(read, answer)

    each()
