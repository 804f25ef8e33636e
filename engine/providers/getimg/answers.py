"""What getimg.ai answers, in the types of https://github.com/getimg-ai/getimg-python. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from engine.errors import Billed, ProviderError, Refused, RenderFailed, Stage
from engine.providers.answers import Answer, bad_shot, fault_of_status, misunderstood, model_retired, out_of_credit
from engine.providers.base import Progress, Rendered, Rendering


def read_taken(answer: Answer) -> str:
    """The task id of an accepted request."""
    if not answer.is_good:
        raise fault_of(answer, is_create=True)
    task_id = answer.table().get("id")
    if not isinstance(task_id, str) or not task_id:
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
            raise misunderstood(answer, str(word))


def fault_of(answer: Answer, *, is_create: bool) -> ProviderError:
    """What an answer that is not good means. Its codes are not documented, so its words are looked at."""
    words = _words_of(answer)
    if answer.status in {400, 403, 422} and _is_moderation(words):
        return _refused(answer, Stage.INPUT, Billed.NO)
    if answer.status in {400, 403, 429} and any(word in words.lower() for word in ("balance", "credit", "funds")):
        return out_of_credit(answer)
    if answer.status in {400, 404, 422} and is_create and "model" in words.lower():
        return model_retired(answer)
    if answer.status in {400, 422} and is_create:
        return bad_shot(answer, words)
    return fault_of_status(answer, is_create=is_create)


def _rendered(answer: Answer, said: Mapping[str, Any]) -> Rendered:
    usage = said.get("usage")
    usd = decimal_of(usage.get("total_cost")) if isinstance(usage, Mapping) else None
    clips = [each for each in list_of(said.get("data")) if isinstance(each, Mapping)]
    url = clips[0].get("url") if clips else None
    if not isinstance(url, str) or not url:
        raise Refused(
            f"{answer.service} finished without a video, which mostly means that its content rules stopped it. "
            "Change the prompt.",
            stage=Stage.OUTPUT,
            provider=answer.service,
            detail=answer.detail,
            billed=Billed.UNKNOWN if usd is None else Billed.YES if usd > 0 else Billed.NO,
        )
    return Rendered(url, usd)


def _failure(answer: Answer, said: Mapping[str, Any]) -> ProviderError:
    """`error` has a code and words, neither documented; nor is whether a failure is charged."""
    if _is_moderation(_error_words(said)):
        return _refused(answer, Stage.UNKNOWN, Billed.UNKNOWN)
    return RenderFailed(
        f"{answer.service} could not render the shot; try again, or change the prompt.",
        provider=answer.service,
        detail=answer.detail,
    )


def _refused(answer: Answer, stage: Stage, billed: Billed) -> Refused:
    return Refused(
        f"{answer.service} will not render this: its content rules forbid it. Change the prompt or the picture.",
        stage=stage,
        provider=answer.service,
        detail=answer.detail,
        billed=billed,
    )


def _words_of(answer: Answer) -> str:
    try:
        return _error_words(answer.table())
    except ProviderError:
        return ""


def _error_words(said: Mapping[str, Any]) -> str:
    error = said.get("error")
    if isinstance(error, Mapping):
        return f"{error.get('message') or ''} ({error.get('code') or 'no code'})"
    return str(error or said.get("message") or "")


def _is_moderation(words: str) -> bool:
    hints = ("moderat", "content policy", "content_policy", "safety", "nsfw", "sensitive", "flagged")
    return any(hint in words.lower() for hint in hints)


def list_of(value: Any) -> list[Any]:
    """A list, empty where it is none."""
    return value if isinstance(value, list) else []


def decimal_of(value: Any) -> Decimal | None:
    """A finite amount, of a number or a text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None
