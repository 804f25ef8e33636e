"""What MiniMax's answers mean, by its codes. Pure.

https://platform.minimax.io/docs/api-reference/video-generation-v2-query: an error is a status with
{"error": {"type", "message": "… (1004)"}}, whose code is at the end of its words; the older API has {"base_resp": {"status_code"}}.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from engine.errors import Billed, ProviderError, RenderFailed, Stage
from engine.providers.answers import (
    CLOCK_OFF_S,
    Answer,
    auth_failed,
    bad_shot,
    busy,
    fault_of_status,
    left_at_s,
    lost,
    misunderstood,
    model_retired,
    no_video,
    out_of_credit,
    refused,
    unavailable,
    unconfirmed,
)
from engine.providers.base import Progress, Queued, Rendered, Rendering, Sent
from engine.providers.reading import rows_of, table_of, task_id_of, text_of

# https://platform.minimax.io/docs/api-reference/errorcode
BUSY = frozenset({1002, 1039, 1041, 2045})
NO_KEY = frozenset({1004, 2049})
NO_CREDIT = frozenset({1008, 2056})
INPUT_REFUSED, OUTPUT_REFUSED = 1026, 1027
WRONG_VALUE = 2013
BROKE = frozenset({1000, 1001, 1024, 1033})
_NO_MODEL = re.compile(
    r"(unknown|invalid|no such) model|\bmodel( [\w./:-]+)? (is |does |was )?(not exist|not found|not supported|unknown|offline)",
    re.IGNORECASE,
)


def read_taken(answer: Answer) -> str:
    """The task id of an accepted request."""
    if not answer.is_good or _legacy_code(answer):
        raise fault_of(answer, is_create=True)
    task_id = task_id_of(answer.table().get("task_id"))
    if task_id is None:
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
            url = text_of(table_of(task.get("content")).get("url"))
            if not url.startswith(("http://", "https://")):
                raise no_video(answer)
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
            raise misunderstood(answer, text_of(word))


def read_list(answer: Answer) -> tuple[list[Mapping[str, Any]], int]:
    """A page of tasks, and how many there are in all."""
    if not answer.is_good or _legacy_code(answer):
        raise fault_of(answer, is_create=False)
    said = answer.table()
    items, total = said.get("items"), said.get("total")
    if not isinstance(items, list | None) or not isinstance(total, int) or isinstance(total, bool):
        raise misunderstood(answer)
    return rows_of(items), total


def since_of(answer: Answer, sent: Sent, now: datetime | None = None) -> float:
    """From when on a task may be the request, by MiniMax's clock; Unix seconds.

    It may seem older: a wrong "no" would pay twice, a wrong "maybe" only asks the person.
    """
    left_at = left_at_s(answer, sent.at, now)
    return 0.0 if left_at is None else left_at - CLOCK_OFF_S


def could_be(task: Mapping[str, Any], sent: Sent, since: float) -> bool:
    """Whether a task may be the request: one of ours and one of long before is not. Another length proves nothing."""
    created_at = task.get("created_at")
    is_old = isinstance(created_at, int) and not isinstance(created_at, bool) and 0 < created_at < since
    return not is_old and text_of(task.get("id")) not in sent.known


def task_of(answer: Answer) -> Mapping[str, Any]:
    task = answer.table().get("task")
    if not isinstance(task, Mapping):
        raise misunderstood(answer)
    return task


def _failure(answer: Answer, task: Mapping[str, Any]) -> ProviderError:
    """A task that failed, by its code. Whether a failed one is charged is not documented."""
    said = table_of(task.get("error"))
    match text_of(said.get("code")):
        case "1026":
            return refused(answer, stage=Stage.INPUT, billed=Billed.UNKNOWN)
        case "1027":
            return refused(answer, stage=Stage.OUTPUT, billed=Billed.UNKNOWN)
        case "2013":
            fault = bad_shot(answer, text_of(said.get("message")))
            fault.billed = Billed.UNKNOWN
            return fault
        case "1008":
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
        return busy(answer)
    if code in NO_KEY and "task" not in words.lower():
        return auth_failed(answer)
    if code in NO_CREDIT:
        return out_of_credit(answer)
    if code == INPUT_REFUSED:
        return refused(answer, stage=Stage.INPUT, billed=Billed.NO if is_create else Billed.UNKNOWN)
    if code == OUTPUT_REFUSED:
        return refused(answer, stage=Stage.OUTPUT, billed=Billed.NO if is_create else Billed.UNKNOWN)
    if not is_create and "task" in words.lower():  # "invalid task_id": unknown, or older than seven days
        return lost(answer)
    if code == WRONG_VALUE and is_create:
        return model_retired(answer) if _NO_MODEL.search(words) else bad_shot(answer, words)
    if code in BROKE:
        return (unconfirmed if is_create else unavailable)(answer.service, answer.detail)
    return misunderstood(answer) if answer.is_good else fault_of_status(answer, is_create=is_create)


def error_of(answer: Answer) -> tuple[int, str]:
    """Code and words: {"error": {"message": "… (1004)"}}, or the older API's {"base_resp": {"status_code", "status_msg"}}."""
    if code := _legacy_code(answer):
        return code, text_of(answer.said["base_resp"].get("status_msg"))
    words = text_of(table_of(answer.said.get("error")).get("message"))
    found = re.search(r"\(([0-9]{4,6})\)\s*$", words)
    return (int(found[1]), words[: found.start()].strip()) if found else (0, words)


def _legacy_code(answer: Answer) -> int:
    code = table_of(answer.said.get("base_resp")).get("status_code")
    return code if isinstance(code, int) and not isinstance(code, bool) else 0
