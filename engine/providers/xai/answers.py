"""What xAI answers, as pure functions: https://docs.x.ai/developers/model-capabilities/video/generation"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from engine.errors import About, Billed, ProviderError, RenderFailed, Stage, Withheld
from engine.providers.answers import (
    Answer,
    auth_failed,
    bad_shot,
    fault_of_status,
    lost,
    misunderstood,
    model_retired,
    no_source,
    no_video,
    out_of_credit,
    refused,
)
from engine.providers.base import Progress, Queued, Rendered, Rendering
from engine.providers.reading import amount_of, percent_of, table_of, task_id_of, text_of

TICKS_PER_USD = Decimal(10_000_000_000)
"""https://docs.x.ai/docs/key-information/usage: `cost_in_usd_ticks`."""
_TICKS_MOST = 10**15
"""More than any render costs."""
_RULES = re.compile(r"moderat|content.policy|safety|usage.guideline", re.IGNORECASE)
_NO_MODEL = re.compile(
    r"model\b.*(not exist|not found|no access|deprecated|retired|no longer|not available)", re.IGNORECASE
)
_NO_CREDIT = re.compile(r"credit|spending limit|billing", re.IGNORECASE)
_NO_VIDEO = re.compile(
    r"(fetch|download|access|load)\w*\b.*\bvideo|video\b.*(expired|not found|inaccessible)", re.IGNORECASE
)


def read_taken(answer: Answer) -> str:
    """The task id of an accepted request."""
    if not answer.is_good:
        raise fault_of(answer, is_create=True)
    task_id = task_id_of(answer.table().get("request_id"))
    if task_id is None:
        raise misunderstood(answer)
    return task_id


def read_progress(answer: Answer) -> Progress:
    """Where a render stands."""
    if answer.status == 202 and not answer.body.strip():
        return Queued()  # seen: an open request without any body
    if not answer.is_good:
        raise fault_of(answer, is_create=False)
    said = answer.table()
    match said.get("status"):
        case "pending" | "queued":
            percent = percent_of(said.get("progress"))
            return Rendering(percent) if percent else Queued()
        case "done":
            return _rendered(answer, said)
        case None if _url(said):  # the vendor's own client for JavaScript takes this for done, too
            return _rendered(answer, said)
        case "failed":
            raise _failure(answer, said)
        case "expired":
            raise lost(answer)
        case word:
            raise misunderstood(answer, str(word))


def _rendered(answer: Answer, said: Mapping[str, Any]) -> Rendered:
    if table_of(said.get("video")).get("respect_moderation") is False:
        raise Withheld(
            f"{answer.service} rendered the shot and withholds it for its content rules. Change the prompt.",
            provider=answer.service,
            detail=answer.detail,
        )
    url = _url(said)
    if not url:
        raise no_video(answer, _billed(said, Billed.UNKNOWN))
    return Rendered(url, _usd(said))


def _url(said: Mapping[str, Any]) -> str:
    url = table_of(said.get("video")).get("url")
    return text_of(url) if isinstance(url, str) else ""


def _usd(said: Mapping[str, Any]) -> Decimal | None:
    ticks = amount_of(table_of(said.get("usage")).get("cost_in_usd_ticks"), below=_TICKS_MOST)
    return None if ticks is None else ticks / TICKS_PER_USD


def _billed(said: Mapping[str, Any], untold: Billed) -> Billed:
    usd = _usd(said)
    return untold if usd is None else Billed.YES if usd else Billed.NO


def _failure(answer: Answer, said: Mapping[str, Any]) -> ProviderError:
    code, words = _error_of(said)
    if _RULES.search(f"{code} {words}"):
        # https://docs.x.ai/developers/models#usage-guidelines-violation-fee: "we will still charge for the generation"
        return refused(answer, stage=Stage.OUTPUT, about=_about(words), billed=_billed(said, Billed.YES))
    return RenderFailed(
        f"{answer.service} could not render the shot; try again, or change the prompt.",
        provider=answer.service,
        detail=answer.detail,
        billed=_billed(said, Billed.UNKNOWN),
    )


def fault_of(answer: Answer, *, is_create: bool) -> ProviderError:
    """What an answer that is not good means."""
    try:
        code, words = _error_of(answer.table())
    except ProviderError:
        return fault_of_status(answer, is_create=is_create)
    if is_create and answer.status < 500 and _RULES.search(f"{code} {words}"):
        # What it refuses before the render has a fee too, of which the page does not say when it is taken.
        return refused(answer, stage=Stage.INPUT, about=_about(words), billed=Billed.UNKNOWN)
    if answer.status in {402, 403, 429} and _NO_CREDIT.search(words):
        return out_of_credit(
            answer
        )  # seen as 403 and as 429: "used all available credits or reached its … spending limit"
    if answer.status == 400 and "api key" in words.lower():
        return auth_failed(answer)
    if is_create and answer.status in {400, 403, 404} and _NO_MODEL.search(words):
        return model_retired(answer)
    if is_create and answer.status in {400, 422}:
        return no_source(answer.service) if _NO_VIDEO.search(words) else bad_shot(answer, words)
    return fault_of_status(answer, is_create=is_create)


def _error_of(said: Mapping[str, Any]) -> tuple[str, str]:
    """Code and words of an error: {"code", "error"} or {"error": {"code", "message"}}."""
    error = said.get("error")
    if isinstance(error, Mapping):
        return text_of(error.get("code")), text_of(error.get("message"))
    return text_of(said.get("code")), text_of(error)


def _about(words: str) -> About:
    if re.search(r"image|picture|photo", words, re.IGNORECASE):
        return About.PICTURE
    return About.TEXT if "prompt" in words.lower() else About.UNKNOWN
