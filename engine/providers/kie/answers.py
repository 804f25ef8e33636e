"""What KIE answers, as pure functions; what is not good is read by `faults`."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from engine.errors import Billed, Lost, Misunderstood, ProviderError, RenderFailed, Stage
from engine.providers.answers import Answer, bad_shot, misunderstood, no_video, redacted, unavailable, upload_fault
from engine.providers.base import Hook, Progress, Queued, Rendered, Rendering
from engine.providers.kie.faults import are_rules, content_of, fault_of, refusal, said_of
from engine.providers.kie.requests import VEO
from engine.providers.reading import amount_of, json_of, table_of, task_id_of, text_of

HOOK_AGE_S = 300.0
"""A call older than that is taken for a replay: https://docs.kie.ai/common-api/webhook-verification.md names no limit."""


def read_taken(answer: Answer, *, is_veo: bool) -> str:
    """The task id of an accepted request."""
    task_id = task_id_of(table_of(content_of(answer, is_create=True)).get("taskId"))
    if task_id is None:
        raise misunderstood(answer)
    return VEO + task_id if is_veo else task_id


def read_progress(answer: Answer, *, is_veo: bool, usd_per_credit: Decimal) -> Progress:
    """Where a task stands. A percent is never told."""
    data = content_of(answer, is_create=False)
    if not isinstance(data, Mapping):
        raise misunderstood(answer)
    # As texts: JSON's true would be as good as 1.
    match text_of(data.get("successFlag") if is_veo else data.get("state")):
        case "waiting" | "queuing" if not is_veo:
            return Queued()
        case "generating" if not is_veo:
            return Rendering()
        case "0" if is_veo:
            return Rendering()
        case "success" if not is_veo:
            return _rendered(answer, data, usd_per_credit, data.get("resultJson"))
        case "1" if is_veo:
            return _rendered(answer, data, usd_per_credit, data.get("response"))
        case "fail" if not is_veo:
            raise _failure(answer, data, text_of(data.get("failCode")), text_of(data.get("failMsg")))
        case "2" | "3" if is_veo:
            raise _failure(answer, data, text_of(data.get("errorCode")), text_of(data.get("errorMessage")))
        case word:
            raise misunderstood(answer, word)


def _rendered(answer: Answer, data: Mapping[str, Any], usd_per_credit: Decimal, result: Any) -> Rendered:
    urls = _urls(answer, result)
    if not urls:
        raise no_video(answer, _billed(data))
    credit = amount_of(data.get("creditsConsumed"))
    return Rendered(urls[0], None if credit is None else credit * usd_per_credit)


def _urls(answer: Answer, result: Any) -> list[str]:
    """The addresses in a result, which is JSON inside the JSON, or the same unpacked."""
    for _ in range(2):
        if isinstance(result, str) and result.strip():
            try:
                result = json_of(result)
            except ValueError as error:
                raise misunderstood(answer, text_of(result)) from error
        if isinstance(result, Mapping):
            result = result.get("resultUrls")
    found = result if isinstance(result, list) else []
    return [text_of(url) for url in found if isinstance(url, str) and url.startswith(("http://", "https://"))]


def _billed(data: Mapping[str, Any]) -> Billed:
    """Only a told nought is sure: the field shows what is set aside while a task goes on."""
    return Billed.NO if amount_of(data.get("creditsConsumed")) == 0 else Billed.UNKNOWN


def _failure(answer: Answer, data: Mapping[str, Any], code: str, words: str) -> ProviderError:
    if are_rules(words) or are_rules(code.replace("_", " ")):
        return refusal(answer, words, _stage(words), _billed(data))
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
    if said is None and not answer.is_good:
        raise upload_fault(answer)
    if said is not None and said.code in {400, 413, 415, 422}:
        raise bad_shot(answer, said.words)
    if said is not None and said.code != 200:
        fault = fault_of(answer, said, is_create=False)
        # Nothing was asked for yet: neither can be lost or charged.
        raise upload_fault(replace(answer, status=said.code)) if isinstance(fault, Lost | Misunderstood) else fault
    data = table_of(said.data if said is not None else None)
    for url in (data.get("downloadUrl"), data.get("fileUrl")):
        if isinstance(url, str) and url.startswith(("https://", "http://")):
            return text_of(url)
    # An upload is free, so whatever this was may be asked for again.
    raise unavailable(answer.service, answer.detail)


def read_credits(answer: Answer) -> Decimal | None:
    """The credits that are left; None: it says no number."""
    return amount_of(content_of(answer, is_create=False))


def read_link(answer: Answer) -> str | None:
    """A direct link to a result; None: it gives none."""
    said = said_of(answer)
    link = said.data if said is not None and said.code == 200 else None
    return text_of(link) if isinstance(link, str) and link.startswith(("https://", "http://")) else None


def read_hook(hook: Hook, key: str, now_s: float) -> str | None:
    """The task id of a call that KIE signed not long ago: base64 of HMAC-SHA256(key, taskId.timestamp).

    https://docs.kie.ai/common-api/webhook-verification.md
    """
    told, signature = hook.headers.get("x-webhook-timestamp", ""), hook.headers.get("x-webhook-signature", "")
    if not key or not re.fullmatch(r"\d{1,12}", told, re.ASCII) or abs(now_s - int(told)) > HOOK_AGE_S:
        return None
    try:
        data = table_of(table_of(json_of(hook.body)).get("data"))
    except ValueError:
        return None
    task_id = task_id_of(data.get("taskId") or data.get("task_id"))
    if task_id is None:
        return None
    signed = hmac.new(key.encode(), f"{task_id}.{told}".encode(), hashlib.sha256).digest()
    if not hmac.compare_digest(base64.b64encode(signed), signature.encode("utf-8", "replace")):
        return None
    # A job's call has the shape of its record; Veo's has no `state`.
    return task_id if "state" in data else VEO + task_id
