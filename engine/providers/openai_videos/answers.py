"""What servers of the `/v1/videos` shape answer, as our progress and our errors. Pure.

An error is `{"error": {"code", "message"}}` at OpenAI, `{"detail": …}` at FastAPI servers, `{"code", "message"}` at New API.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import urljoin

from engine.errors import About, Billed, Misunderstood, ModelRetired, ProviderError, RenderFailed, Stage
from engine.providers.answers import (
    Answer,
    bad_shot,
    fault_of_status,
    lost,
    misunderstood,
    model_retired,
    no_source,
    no_video,
    out_of_credit,
    redacted,
    refused,
)
from engine.providers.base import Progress, Queued, Rendered, Rendering
from engine.providers.openai_videos.quirks import Quirks
from engine.providers.reading import percent_of, rows_of, table_of, task_id_of, text_of

MODERATION = frozenset({"content_policy_violation", "moderation_blocked", "content_filter", "sensitive_words_detected"})
"""https://github.com/microsoft/PyRIT (openai_video_target.py); the last one is New API's."""
NO_CREDIT = frozenset(
    {"insufficient_quota", "billing_hard_limit_reached", "insufficient_user_quota", "budget_exceeded"}
)
"""OpenAI's, New API's (types/error.go) and LiteLLM's (proxy/_types.py)."""
NO_MODEL = frozenset({"model_not_found", "model_price_error"})
GONE = frozenset({"task_not_exist"})
"""New API, with HTTP 400 (relay/relay_task.go)."""
_NO_MODEL = re.compile(
    r"model mismatch|no available channel"
    r"|\bmodels?\W+(\S+\W+)?(is |was |does |has been )?(not found|not exist|not supported|deprecated|no longer)"
)
_NO_CREDIT = re.compile(
    r"insufficient (quota|balance|credit|funds)|budget has been exceeded|exceeded your current quota"
)


def is_video(answer: Answer) -> bool:
    """Whether it is a render's own body, whatever its status: vLLM-Omni answers a failed one with the status of its error."""
    try:
        return answer.table().get("object") == "video"
    except Misunderstood:
        return False


def is_refusal(answer: Answer) -> bool:
    """Whether a bad answer to a create says by its code that nothing was taken, whatever its status."""
    if answer.is_good:
        return False
    code, words = error_of(answer)
    known = MODERATION | NO_CREDIT | NO_MODEL
    return code in known or (answer.status == 429 and bool(_NO_CREDIT.search(words.lower())))


def read_taken(answer: Answer, *, has_source: bool = False) -> str:
    """The task id of an accepted request. `has_source`: it worked on a clip of the server's."""
    if not answer.is_good:
        raise fault_of_create(answer, has_source=has_source)
    said = answer.table()
    task_id = task_id_of(said.get("id") or said.get("task_id"))
    if task_id is None:
        raise misunderstood(answer)
    return task_id


def read_progress(answer: Answer, quirks: Quirks, content: str) -> Progress:
    """Where a render stands. `content`: the address of its video."""
    if not answer.is_good and not is_video(answer):
        if error_of(answer)[0] in GONE:
            raise lost(answer)
        raise fault_of_status(answer, is_create=False)
    said = answer.table()
    match said.get("status"):
        case "queued":
            return Queued()
        case "in_progress" | "processing" | "pending" | "running":
            return Rendering(_percent(said.get("progress")))
        case str(word) if word in quirks.waiting_words:  # it passes, or the deadline does
            return Rendering()
        case "completed":
            return _rendered(answer, said, quirks, content)
        case "failed":
            raise _failure(answer, said, quirks)
        case word:
            raise misunderstood(answer, str(word))


def read_content(answer: Answer) -> None:
    """Whether there is a video at its address, by what came of asking for its beginning there. A redirect leads to one.

    Raises:
        Refused: there is none.
        AuthFailed
    """
    kind = answer.headers.get("content-type", "").lower()
    is_words = kind.startswith(("application/json", "application/problem+json", "text/"))
    if 300 <= answer.status < 400 or answer.status == 416 or (answer.is_good and not is_words):
        return
    if answer.status in {401, 403}:
        raise fault_of_status(answer, is_create=False)
    raise no_video(answer)


def read_ends(answer: Answer) -> Mapping[str, date]:
    """The last day of each listed model that has one: `shutdown_date` of https://developers.openai.com/api/docs/deprecations."""
    ends: dict[str, date] = {}
    for row in rows_of(answer.table().get("data") if answer.is_good else None):
        if isinstance(row.get("id"), str) and isinstance(row.get("shutdown_date"), str):
            try:
                ends[row["id"]] = date.fromisoformat(row["shutdown_date"])
            except ValueError:
                continue
    return ends


def fault_of_create(answer: Answer, *, has_source: bool = False) -> ProviderError:
    """What a bad answer to a create means."""
    code, words = error_of(answer)
    low = words.lower()
    if code in MODERATION:
        about = About.PICTURE if re.search(r"image|picture|input_reference", low) else About.UNKNOWN
        return refused(answer, stage=Stage.INPUT, about=about, billed=Billed.NO)
    if code in NO_CREDIT or (answer.status in {402, 403, 429} and _NO_CREDIT.search(low)):
        return out_of_credit(answer)
    if has_source and answer.status in {404, 410}:
        return no_source(answer.service)
    if code in NO_MODEL or (answer.status in {400, 404, 422} and _NO_MODEL.search(low)):
        return model_retired(answer)
    if answer.status in {404, 405} and low in {
        "not found",
        "method not allowed",
    }:  # FastAPI's own words for no such route
        return ModelRetired(
            f"{answer.service} renders no videos at its address; the operator sets another url for it.",
            provider=answer.service,
            detail=answer.detail,
        )
    if answer.status in {400, 413, 415, 422}:
        return bad_shot(answer, words)
    return fault_of_status(answer, is_create=True)


def error_of(answer: Answer) -> tuple[str, str]:
    """Code and words of an error body; both empty where it is none that we know."""
    try:
        said = answer.table()
    except Misunderstood:
        return "", ""
    error = said.get("error")
    if isinstance(error, str):
        return "", error
    if error is None and "detail" in said:
        error = said["detail"]
    if isinstance(error, list):  # FastAPI: what is wrong with each field
        return "", "; ".join(_field_words(each) for each in error)
    if isinstance(error, str):
        return "", error
    inner = error if isinstance(error, Mapping) else said
    inner = inner["error"] if isinstance(inner.get("error"), Mapping) else inner
    code, words = inner.get("code"), inner.get("message")
    kind = inner.get("type")
    if not isinstance(code, str) or code.isdigit():
        code = kind if isinstance(kind, str) else ""
    return code, words if isinstance(words, str) else ""


def _field_words(each: Any) -> str:
    if not isinstance(each, Mapping):
        return str(each)
    where = each.get("loc")
    name = str(where[-1]) if isinstance(where, list) and where else ""
    return f"{name}: {each.get('msg', '')}" if name else str(each.get("msg", ""))


def _percent(said: object) -> float | None:
    """0 says nothing: vLLM-Omni has 0 until it has 100."""
    return percent_of(said) or None


def _rendered(answer: Answer, said: Mapping[str, Any], quirks: Quirks, content: str) -> Rendered:
    if said.get("error"):
        raise _failure(answer, said, quirks)
    if quirks.proof and not any(said.get(name) for name in quirks.proof):
        raise no_video(answer)
    inner = table_of(said.get("metadata")).get("url")
    for way in quirks.result:
        url = {"content": content, "url": said.get("url"), "metadata.url": inner}[way]
        if isinstance(url, str) and url:
            try:
                return Rendered(urljoin(content, text_of(url)))
            except ValueError as error:
                raise misunderstood(answer, "address of the video") from error
    raise no_video(answer)


def _failure(answer: Answer, said: Mapping[str, Any], quirks: Quirks) -> ProviderError:
    """Why a render failed. The code may lack, or be an HTTP status (vLLM-Omni): only known words mean more than a failure."""
    error = said.get("error")
    error = error if isinstance(error, Mapping) else {"message": error}
    code, words = error.get("code"), error.get("message")
    words = words if isinstance(words, str) else ""
    word = text_of(code)
    if word in MODERATION:
        stage = Stage.OUTPUT if word == "content_filter" else Stage.INPUT
        return refused(answer, stage=stage, billed=quirks.failed_is_billed)
    if word in NO_CREDIT:
        return out_of_credit(answer)
    why = ""
    if words and isinstance(code, int) and 400 <= code < 500:
        why = f": {redacted(words, answer.secrets)[:200].rstrip('.')}"
    return RenderFailed(
        f"{answer.service} could not render the shot{why}; try again, or change the prompt or its options.",
        provider=answer.service,
        detail=answer.detail,
        billed=quirks.failed_is_billed,
    )
