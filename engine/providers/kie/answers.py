"""What KIE answers, as pure functions; what is not good is read by `faults`."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from engine.errors import Billed, ProviderError, Refused, RenderFailed, Stage
from engine.providers.answers import Answer, bad_shot, misunderstood, redacted, unavailable
from engine.providers.base import Hook, Progress, Queued, Rendered, Rendering
from engine.providers.kie.faults import are_rules, content_of, refused, said_of
from engine.providers.kie.requests import VEO

HOOK_AGE_S = 300.0
"""A call older than that is taken for a replay: https://docs.kie.ai/common-api/webhook-verification.md names no limit."""


def read_taken(answer: Answer, *, is_veo: bool) -> str:
    """The task id of an accepted request."""
    data = content_of(answer, is_create=True)
    task_id = data.get("taskId") if isinstance(data, Mapping) else None
    if not isinstance(task_id, str) or not task_id:
        raise misunderstood(answer)
    return VEO + task_id if is_veo else task_id


def read_progress(answer: Answer, *, is_veo: bool, usd_per_credit: Decimal) -> Progress:
    """Where a task stands. A percent is never told."""
    data = content_of(answer, is_create=False)
    if not isinstance(data, Mapping):
        raise misunderstood(answer)
    word = data.get("successFlag") if is_veo else data.get("state")
    match word:
        case "waiting" | "queuing":
            return Queued()
        case "generating" | 0:
            return Rendering()
        case "success" | 1:
            return _rendered(answer, data, usd_per_credit, data.get("response") if is_veo else data.get("resultJson"))
        case "fail":
            raise _failure(answer, data, str(data.get("failCode") or ""), str(data.get("failMsg") or ""))
        case 2 | 3 if is_veo:
            raise _failure(answer, data, str(data.get("errorCode") or ""), str(data.get("errorMessage") or ""))
        case _:
            raise misunderstood(answer, str(word))


def _rendered(answer: Answer, data: Mapping[str, Any], usd_per_credit: Decimal, result: Any) -> Rendered:
    urls = _urls(answer, result)
    if not urls:
        raise Refused(
            f"{answer.service} finished without a video, which mostly means that content rules stopped it. Change the prompt.",
            stage=Stage.OUTPUT,
            provider=answer.service,
            detail=answer.detail,
            billed=_billed(data),
        )
    credit = _credits(data)
    return Rendered(urls[0], None if credit is None else credit * usd_per_credit)


def _urls(answer: Answer, result: Any) -> list[str]:
    """The addresses in a result, which is JSON inside the JSON, or the same unpacked."""
    for _ in range(2):
        if isinstance(result, str) and result.strip():
            try:
                result = json.loads(result)
            except ValueError as error:
                raise misunderstood(answer, result) from error
        if isinstance(result, Mapping):
            result = result.get("resultUrls")
    found = result if isinstance(result, list) else []
    return [url for url in found if isinstance(url, str) and url.startswith(("http://", "https://"))]


def _credits(data: Mapping[str, Any]) -> Decimal | None:
    told = data.get("creditsConsumed")
    return Decimal(str(told)) if isinstance(told, int | float) and not isinstance(told, bool) else None


def _billed(data: Mapping[str, Any]) -> Billed:
    """Only a told nought is sure: the field shows what is set aside while a task goes on."""
    return Billed.NO if _credits(data) == 0 else Billed.UNKNOWN


def _failure(answer: Answer, data: Mapping[str, Any], code: str, words: str) -> ProviderError:
    if are_rules(words) or are_rules(code.replace("_", " ")):
        return refused(answer, words, _stage(words), _billed(data))
    # 400 and 422 are about what was given: the person may mend that
    why = f": {redacted(words, answer.secrets)[:200].rstrip('.')}" if code in {"400", "422"} and words else ""
    return RenderFailed(
        f"{answer.service} could not render the shot{why}. Try again, or change it.",
        provider=answer.service,
        detail=answer.detail,
        billed=_billed(data),
    )


def _stage(words: str) -> Stage:
    says_in, says_out = (
        bool(re.search(word, words, re.IGNORECASE)) for word in ("input|prompt|upload", "output|result")
    )
    if says_in == says_out:
        return Stage.UNKNOWN
    return Stage.INPUT if says_in else Stage.OUTPUT


def read_upload(answer: Answer) -> str:
    """The address of an uploaded picture: its pages name it `downloadUrl`, its quickstart `fileUrl`."""
    said = said_of(answer)
    if said is not None and said.code in {400, 413, 415, 422}:
        raise bad_shot(answer, said.words)
    data = content_of(answer, is_create=False)
    urls = [data.get(name) for name in ("downloadUrl", "fileUrl")] if isinstance(data, Mapping) else []
    for url in urls:
        if isinstance(url, str) and url.startswith(("https://", "http://")):
            return url
    # An upload is free, so whatever this was may be asked for again.
    raise unavailable(answer.service, answer.detail)


def read_credits(answer: Answer) -> Decimal | None:
    """The credits that are left; None: it says no number."""
    data = content_of(answer, is_create=False)
    return Decimal(str(data)) if isinstance(data, int | float) and not isinstance(data, bool) else None


def read_link(answer: Answer) -> str | None:
    """A direct link to a result; None: it gives none."""
    said = said_of(answer)
    link = said.data if said is not None and said.code == 200 else None
    return link if isinstance(link, str) and link.startswith(("https://", "http://")) else None


def read_hook(hook: Hook, key: str, now_s: float) -> str | None:
    """The task id of a call that KIE signed not long ago: base64 of HMAC-SHA256(key, taskId.timestamp).

    https://docs.kie.ai/common-api/webhook-verification.md
    """
    told, signature = hook.headers.get("x-webhook-timestamp", ""), hook.headers.get("x-webhook-signature", "")
    if not key or not re.fullmatch(r"\d{1,12}", told, re.ASCII) or abs(now_s - int(told)) > HOOK_AGE_S:
        return None
    try:
        data = json.loads(hook.body)["data"]
        task_id = data.get("taskId") or data.get("task_id")
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    if not isinstance(task_id, str) or not task_id:
        return None
    signed = hmac.new(key.encode(), f"{task_id}.{told}".encode(), hashlib.sha256).digest()
    if not hmac.compare_digest(base64.b64encode(signed), signature.encode("utf-8", "replace")):
        return None
    # A job's call has the shape of its record; Veo's has no `state`.
    return task_id if "state" in data else VEO + task_id
