"""What fal's answers mean: a taken request, where a render stands, and every failure by its documented word. Pure.

https://fal.ai/docs/documentation/model-apis/inference/queue, .../errors (a model's), .../request-errors (the platform's).
There is no FAILED: a failure is COMPLETED with an error, and the result's address then answers with its status.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from engine.errors import About, BadShot, Billed, ProviderError, Refused, RenderFailed, Stage
from engine.providers.answers import (
    Answer,
    bad_shot,
    fault_of_status,
    lost,
    misunderstood,
    no_video,
    out_of_credit,
    refused,
)
from engine.providers.base import Queued, Rendered, Rendering
from engine.providers.hosts import origin_of
from engine.providers.reading import TASK_ID_CHARS, amount_of, rows_of, table_of, text_of

BROKE = frozenset(
    {
        "request_timeout",
        "startup_timeout",
        "runner_scheduling_failure",
        "runner_connection_timeout",
        "runner_disconnected",
        "runner_connection_refused",
        "runner_connection_error",
        "runner_incomplete_response",
        "runner_server_error",
        "internal_error",
    }
)
"""The platform's own failures, all of 5xx; https://fal.ai/docs/documentation/model-apis/faq: "Server errors are never charged"."""
ENDED = frozenset({"client_cancelled", "client_disconnected"})
MODEL_BROKE = frozenset(
    {"internal_server_error", "generation_timeout", "downstream_service_error", "downstream_service_unavailable"}
)
"""A model's own failures; charged or not by the status, as a 4xx may be."""
_PICTURES = ("image", "frame", "file", "face")
_REQUEST = re.compile(r"[\w-]{1,200}", re.ASCII)
_TASK = re.compile(r"[\w.-]+(?:/[\w.-]+)+/requests/[\w-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Finished:
    """fal is through with it; whether there is a video, its result tells. `error`: its words, empty where all went well."""

    error: str = ""
    error_type: str = ""


def read_taken(answer: Answer, queue_url: str, app: str) -> str:
    """The task id of an accepted request: `<owner>/<app>/requests/<id>`, below the queue's address.

    The addresses that fal returns are not followed: the id is read from them if they are of the queue's own origin.

    Raises:
        Misunderstood: they are of another, or there is no id. It was taken.
    """
    if not answer.is_good:
        raise fault_of_create(answer)
    said = answer.table()
    request_id = request_id_of(said)
    if not request_id:
        raise misunderstood(answer)
    status_url = said.get("status_url")
    if status_url is None:
        return f"{app}/requests/{request_id}"
    if not isinstance(status_url, str) or not _is_of(status_url, queue_url):
        raise misunderstood(answer, "an address of another host")
    below = urlsplit(queue_url).path.rstrip("/")
    task_id = urlsplit(status_url).path.removeprefix(below).strip("/").removesuffix("/status")
    is_whole = bool(_TASK.fullmatch(task_id)) and len(task_id) <= TASK_ID_CHARS and ".." not in task_id
    if not is_whole or not task_id.endswith(f"/{request_id}"):
        raise misunderstood(answer, "an address of another form")
    return task_id


def request_id_of(said: Mapping[str, Any]) -> str:
    """The id of a request, which becomes part of an address; empty: it has none that could."""
    request_id = said.get("request_id")
    return request_id if isinstance(request_id, str) and _REQUEST.fullmatch(request_id) else ""


def _is_of(url: str, queue_url: str) -> bool:
    try:
        return origin_of(url) == origin_of(queue_url)
    except ValueError:
        return False


def read_status(answer: Answer) -> Queued | Rendering | Finished:
    """Where a render stands. Raises Lost: fal does not know it."""
    if not answer.is_good:
        raise fault_of_status(answer, is_create=False)
    said = answer.table()
    match said.get("status"):
        case "IN_QUEUE":
            position = amount_of(said.get("queue_position"))
            return Queued(None if position is None else int(position) + 1)
        case "IN_PROGRESS":
            return Rendering()
        case "COMPLETED":
            error, error_type = said.get("error"), said.get("error_type")
            words = text_of(error) if isinstance(error, str) else "failed" if error else ""
            kind = text_of(error_type)
            return Finished(words or kind, kind)
        case word:
            raise misunderstood(answer, str(word))


def read_result(answer: Answer, finished: Finished) -> Rendered:
    """The video of a render that fal is through with.

    Raises:
        Refused, RenderFailed, BadShot: there is none.
        Lost: fal has dropped the result.
        Misunderstood, RateLimited, AuthFailed: as ever.
    """
    if answer.is_good and not finished.error:
        url = text_of(table_of(answer.table().get("video")).get("url"))
        if url.startswith(("http://", "https://")):
            return Rendered(url)
        raise no_video(answer)
    raise fault_of_result(answer, finished)


def is_result(answer: Answer) -> bool:
    """Whether a bad status is the model's own answer, to be read; else it is a gateway's, and asked for again."""
    if answer.status in {408, 429}:
        return False
    if "x-fal-error-type" in answer.headers or "x-fal-retryable" in answer.headers:
        return True
    return bool(answer.said.get("detail"))


def fault_of_create(answer: Answer) -> ProviderError:
    """What it means that a request was not taken."""
    types, words = _types_of(answer), _words_of(answer)
    if answer.status in {402, 403} and re.search(r"balance|locked|credit|top up", words, re.IGNORECASE):
        return out_of_credit(answer)
    if _is_refusal(types, words):
        return _refused(answer, Stage.INPUT, Billed.NO)
    if answer.status in {400, 422}:
        return bad_shot(answer, words)
    return fault_of_status(answer, is_create=True)


def fault_of_result(answer: Answer, finished: Finished) -> ProviderError:
    """What it means that a render came to nothing: by the error type first, by the status only where there is none."""
    types = _types_of(answer) or ([finished.error_type] if finished.error_type else [])
    words = _words_of(answer) or finished.error
    kind = types[0] if types else ""
    if _is_refusal(types, words):
        return _refused(answer, Stage.UNKNOWN, Billed.UNKNOWN)  # a 422 can be charged
    if "no_media_generated" in types:
        return no_video(answer)
    if kind in BROKE:
        return _broke(answer, Billed.NO, finished)
    if kind in ENDED:
        return RenderFailed(
            f"The render was stopped at {answer.service}; /retake begins it again.",
            provider=answer.service,
            detail=_detail(answer, finished),
        )
    if kind in MODEL_BROKE:
        return _broke(answer, Billed.NO if answer.status >= 500 else Billed.UNKNOWN, finished)
    if answer.status in {404, 410}:
        return lost(answer)
    if answer.status in {400, 422}:
        return _late_bad_shot(answer, words)
    if answer.status >= 500:
        return _broke(answer, Billed.NO, finished)
    if answer.is_good or answer.status == 499:
        return _broke(answer, Billed.UNKNOWN, finished)
    return fault_of_status(answer, is_create=False)


def _broke(answer: Answer, billed: Billed, finished: Finished) -> RenderFailed:
    return RenderFailed(
        f"{answer.service} could not render the shot; try again, or change the prompt.",
        provider=answer.service,
        detail=_detail(answer, finished),
        billed=billed,
    )


def _late_bad_shot(answer: Answer, words: str) -> BadShot:
    fault = bad_shot(answer, words)
    fault.billed = Billed.UNKNOWN
    return fault


def _refused(answer: Answer, stage: Stage, billed: Billed) -> Refused:
    places = [place for each in _details(answer) for place in _list(each.get("loc")) if isinstance(place, str)]
    about = About.UNKNOWN
    if any(word in place for place in places for word in _PICTURES):
        about = About.PICTURE
    elif "prompt" in places:
        about = About.TEXT
    return refused(answer, stage=stage, about=about, billed=billed)


def _is_refusal(types: Sequence[str], words: str) -> bool:
    if types:
        return "content_policy_violation" in types
    return bool(re.search(r"content.?polic|nsfw|moderat|safety", words, re.IGNORECASE))


def _details(answer: Answer) -> list[Mapping[str, Any]]:
    """A model's errors: {"detail": [{"loc", "msg", "type"}]}."""
    return rows_of(answer.said.get("detail"))


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else []


def _types_of(answer: Answer) -> list[str]:
    """A model's error types, else the platform's one, in the body or the header."""
    types = [each["type"] for each in _details(answer) if isinstance(each.get("type"), str)]
    one = answer.said.get("error_type") or answer.headers.get("x-fal-error-type")
    return types or ([one] if isinstance(one, str) and one and not answer.is_good else [])


def _words_of(answer: Answer) -> str:
    if answer.is_good:
        return ""
    words = [each["msg"] for each in _details(answer) if isinstance(each.get("msg"), str)]
    plain = answer.said.get("detail")
    return "; ".join(words) or (plain if isinstance(plain, str) else "")


def _detail(answer: Answer, finished: Finished) -> str:
    return f"{finished.error_type or finished.error} {answer.detail}".strip()
