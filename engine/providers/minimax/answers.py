"""What MiniMax's answers mean, by its codes. Pure.

https://platform.minimax.io/docs/api-reference/video-generation-v2-query: an error is a status with
{"error": {"type", "message": "… (1004)"}}, whose code is at the end of its words; the older API has {"base_resp": {"status_code"}}.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine.errors import About, Billed, ProviderError, RateLimited, Refused, RenderFailed, Stage
from engine.providers.answers import (
    Answer,
    auth_failed,
    bad_shot,
    fault_of_status,
    lost,
    misunderstood,
    model_retired,
    out_of_credit,
    retry_after_s,
    unavailable,
    unconfirmed,
)
from engine.providers.base import Progress, Queued, Rendered, Rendering, Sent

# https://platform.minimax.io/docs/api-reference/errorcode
BUSY = frozenset({1002, 1039, 1041, 2045})
NO_KEY = frozenset({1004, 2049})
NO_CREDIT = frozenset({1008, 2056})
INPUT_REFUSED, OUTPUT_REFUSED = 1026, 1027
WRONG_VALUE = 2013
BROKE = frozenset({1000, 1001, 1024, 1033})


def read_taken(answer: Answer) -> str:
    """The task id of an accepted request."""
    if not answer.is_good or _legacy_code(answer):
        raise fault_of(answer, is_create=True)
    task_id = answer.table().get("task_id")
    if not isinstance(task_id, str) or not re.fullmatch(r"[\w-]+", task_id):
        raise misunderstood(answer)
    return task_id


def read_progress(answer: Answer) -> Progress:
    """Where a render stands."""
    if not answer.is_good or _legacy_code(answer):
        raise fault_of(answer, is_create=False)
    task = task_of(answer)
    match task.get("status"):
        case "queued":
            return Queued()
        case "running":
            return Rendering()
        case "succeeded":
            content = task.get("content")
            url = content.get("url") if isinstance(content, Mapping) else None
            if not isinstance(url, str) or not url.startswith(("http://", "https://")):
                raise _no_video(answer)
            return Rendered(url)
        case "failed":
            raise _failure(answer, task)
        case "cancelled":  # only from the queue: "processing has not started, no charge"
            raise RenderFailed(
                f"The render was cancelled at {answer.service}; /retake begins it again.",
                provider=answer.service,
                detail=answer.detail,
                billed=Billed.NO,
            )
        case "expired":
            raise lost(answer)
        case word:
            raise misunderstood(answer, str(word))


def read_list(answer: Answer) -> tuple[list[Mapping[str, Any]], int]:
    """A page of tasks, and how many there are in all."""
    if not answer.is_good or _legacy_code(answer):
        raise fault_of(answer, is_create=False)
    said = answer.table()
    items, total = said.get("items"), said.get("total")
    if not isinstance(items, list | None) or not isinstance(total, int):
        raise misunderstood(answer)
    return [each for each in items or [] if isinstance(each, Mapping)], total


def could_be(task: Mapping[str, Any], sent: Sent, since: float) -> bool:
    """Whether a task may be the request, by all that a row of the list says."""
    created_at, duration = task.get("created_at"), task.get("duration")
    if task.get("id") in sent.known or (isinstance(created_at, int) and created_at < since):
        return False
    return not isinstance(duration, int) or duration in {0, round(sent.order.seconds)}


def task_of(answer: Answer) -> Mapping[str, Any]:
    task = answer.table().get("task")
    if not isinstance(task, Mapping):
        raise misunderstood(answer)
    return task


def _no_video(answer: Answer) -> Refused:
    return Refused(
        f"{answer.service} finished without a video, which mostly means that its content rules stopped it. Change the prompt.",
        stage=Stage.OUTPUT,
        provider=answer.service,
        detail=answer.detail,
        billed=Billed.UNKNOWN,
    )


def _failure(answer: Answer, task: Mapping[str, Any]) -> ProviderError:
    """A task that failed, by its code. Whether a failed one is charged is not documented."""
    error = task.get("error")
    said = error if isinstance(error, Mapping) else {}
    code = str(said.get("code", ""))
    match int(code) if code.isdigit() else 0:
        case 1026:
            return _refused(answer, Stage.INPUT, Billed.UNKNOWN)
        case 1027:
            return _refused(answer, Stage.OUTPUT, Billed.UNKNOWN)
        case 2013:
            fault = bad_shot(answer, str(said.get("message", "")))
            fault.billed = Billed.UNKNOWN
            return fault
        case 1008:
            fault_of_credit = out_of_credit(answer)
            fault_of_credit.billed = Billed.UNKNOWN
            return fault_of_credit
    return RenderFailed(
        f"{answer.service} could not render the shot; try again, or change the prompt.",
        provider=answer.service,
        detail=answer.detail,
    )


def fault_of(answer: Answer, *, is_create: bool) -> ProviderError:
    """What an answer that is not good means: by MiniMax's code, which is more exact than the status, else by the status."""
    code, words = error_of(answer)
    if code in BUSY:
        return RateLimited(
            f"{answer.service} is busy with other requests of ours; this one goes on by itself.",
            retry_after_s=retry_after_s(answer.headers),
            provider=answer.service,
            detail=answer.detail,
        )
    if code in NO_KEY and "task" not in words.lower():
        return auth_failed(answer)
    if code in NO_CREDIT:
        return out_of_credit(answer)
    if code == INPUT_REFUSED:
        return _refused(answer, Stage.INPUT, Billed.NO if is_create else Billed.UNKNOWN)
    if code == OUTPUT_REFUSED:
        return _refused(answer, Stage.OUTPUT, Billed.NO if is_create else Billed.UNKNOWN)
    if not is_create and "task" in words.lower():  # "invalid task_id": unknown, or older than seven days
        return lost(answer)
    if code == WRONG_VALUE and is_create:
        is_gone = re.search(
            r"model.{0,40}(not (exist|found|support)|unknown|offline)|(unknown|invalid) model", words.lower()
        )
        return model_retired(answer) if is_gone else bad_shot(answer, words)
    if code in BROKE:
        return (unconfirmed if is_create else unavailable)(answer.service, answer.detail)
    return misunderstood(answer) if answer.is_good else fault_of_status(answer, is_create=is_create)


def error_of(answer: Answer) -> tuple[int, str]:
    """Code and words: {"error": {"message": "… (1004)"}}, or the older API's {"base_resp": {"status_code", "status_msg"}}."""
    if code := _legacy_code(answer):
        return code, str(_said(answer)["base_resp"].get("status_msg", ""))
    error = _said(answer).get("error")
    words = str(error.get("message", "")) if isinstance(error, Mapping) else ""
    found = re.search(r"\((\d{4,6})\)\s*$", words)
    return (int(found[1]), words[: found.start()].strip()) if found else (0, words)


def _legacy_code(answer: Answer) -> int:
    base = _said(answer).get("base_resp")
    code = base.get("status_code") if isinstance(base, Mapping) else None
    return code if isinstance(code, int) else 0


def _said(answer: Answer) -> Mapping[str, Any]:
    try:
        return answer.table()
    except ProviderError:
        return {}


def _refused(answer: Answer, stage: Stage, billed: Billed) -> Refused:
    return Refused(
        f"{answer.service} will not render this: its content rules forbid it. Change the prompt or the picture.",
        stage=stage,
        about=About.VIDEO if stage is Stage.OUTPUT else About.UNKNOWN,
        provider=answer.service,
        detail=answer.detail,
        billed=billed,
    )
