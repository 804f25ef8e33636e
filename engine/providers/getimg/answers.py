"""What getimg.ai answers, in the types of https://github.com/getimg-ai/getimg-python. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine.errors import Billed, ProviderError, RenderFailed, Stage
from engine.providers.answers import (
    Answer,
    bad_shot,
    fault_of_status,
    misunderstood,
    model_retired,
    no_video,
    out_of_credit,
    refused,
)
from engine.providers.base import Progress, Rendered, Rendering
from engine.providers.reading import amount_of, rows_of, table_of, task_id_of, text_of

# Its words are not documented: only such a sentence says that there is no such model; "too long for this model" does not.
_NO_MODEL = re.compile(
    r"(unknown|invalid|no such|unsupported) model\b|model_not_found|(unknown|invalid)_model"
    r"|\bmodel( [\"'`]?[\w./:-]+[\"'`]?)? (is |was |does |has been )?"
    r"(not (exist|found|available|supported)|unavailable|unknown|deprecated|retired|offline|disabled)",
    re.IGNORECASE,
)


def read_taken(answer: Answer) -> str:
    """The task id of an accepted request."""
    if not answer.is_good:
        raise fault_of(answer, is_create=True)
    task_id = task_id_of(answer.table().get("id"))
    if task_id is None:
        raise misunderstood(answer)
    return task_id


def read_progress(answer: Answer) -> Progress:
    """Where a render stands; the service does not tell waiting from rendering."""
    if not answer.is_good:
        raise fault_of(answer, is_create=False)
    said = answer.table()
    match said.get("status"):
        case "pending":
            return Rendering()
        case "completed":
            return _rendered(answer, said)
        case "failed":
            raise _failure(answer, said)
        case word:
            raise misunderstood(answer, text_of(word))


def fault_of(answer: Answer, *, is_create: bool) -> ProviderError:
    """What an answer that is not good means. Its codes are not documented, so its words are looked at."""
    words = _words_of(answer)
    if answer.status in {400, 403, 422} and _is_moderation(words):
        return refused(answer, stage=Stage.INPUT, billed=Billed.NO)
    if answer.status in {400, 403, 429} and any(word in words.lower() for word in ("balance", "credit", "funds")):
        return out_of_credit(answer)
    if answer.status in {400, 404, 422} and is_create and _NO_MODEL.search(words):
        return model_retired(answer)
    if answer.status in {400, 422} and is_create:
        return bad_shot(answer, words)
    return fault_of_status(answer, is_create=is_create)


def _rendered(answer: Answer, said: Mapping[str, Any]) -> Rendered:
    usd = amount_of(table_of(said.get("usage")).get("total_cost"))
    url = next((each.get("url") for each in rows_of(said.get("data"))), None)
    if not isinstance(url, str) or not url:
        raise no_video(answer, Billed.UNKNOWN if usd is None else Billed.YES if usd > 0 else Billed.NO)
    return Rendered(text_of(url), usd)


def _failure(answer: Answer, said: Mapping[str, Any]) -> ProviderError:
    """`error` has a code and words, neither documented; nor is whether a failure is charged."""
    if _is_moderation(_error_words(said)):
        return refused(answer, billed=Billed.UNKNOWN)
    return RenderFailed(
        f"{answer.service} could not render the shot; try again, or change the prompt.",
        provider=answer.service,
        detail=answer.detail,
    )


def _words_of(answer: Answer) -> str:
    return _error_words(answer.said)


def _error_words(said: Mapping[str, Any]) -> str:
    error = said.get("error")
    if isinstance(error, Mapping):
        return f"{text_of(error.get('message'))} ({text_of(error.get('code')) or 'no code'})"
    return text_of(error or said.get("message"))


def _is_moderation(words: str) -> bool:
    hints = ("moderat", "content policy", "content_policy", "safety", "nsfw", "sensitive", "flagged")
    return any(hint in words.lower() for hint in hints)
