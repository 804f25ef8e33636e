"""What an answer of KIE means when it is not the good one. HTTP is 200 mostly; the body's `code` is the status.

https://docs.kie.ai/#status-codes
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import About, Billed, ModelRetired, OutOfCredit, ProviderError, RateLimited, Refused, Stage
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

# Moderation has no code of its own. The sentences are those of https://docs.kie.ai/veo3-api/generate-veo-3-video-callbacks
# and of failed jobs as people report them ("The input or output was flagged as sensitive").
_RULES = re.compile(
    r"flagged|(?<!case[ -])sensitive|moderat|content polic|unsafe|prohibited|nsfw|inappropriate|safety"
    r"|prominent people|minor upload|rejected by flow|violat",
    re.IGNORECASE,
)
_OF_PICTURE = re.compile(r"image|picture|photo|upload|face|people", re.IGNORECASE)
_OF_TEXT = re.compile(r"prompt|\btext", re.IGNORECASE)
_PAUSED = re.compile(r"paused", re.IGNORECASE)
_NO_MODEL = re.compile(r"model[^.]*(not supported|not exist|not found|unavailable|offline)", re.IGNORECASE)
_BAD_VALUE = re.compile(r"is required|not within the range|must be|invalid|exceed|cannot be", re.IGNORECASE)
_NO_RECORD = re.compile(r"record\w* is null|not found|not exist", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Said:
    """The body's own status, sentence and content."""

    code: int
    words: str
    data: Any


def said_of(answer: Answer) -> Said | None:
    """What the body says; None: it is not one of KIE's."""
    try:
        body = json.loads(answer.body)
    except ValueError:
        return None
    code = body.get("code") if isinstance(body, Mapping) else None
    if not isinstance(code, int | str) or not re.fullmatch(r"[0-9]{1,6}", str(code)):
        return None
    return Said(int(code), str(body.get("msg") or body.get("message") or ""), body.get("data"))


def are_rules(words: str) -> bool:
    """Whether a sentence speaks of content rules."""
    return bool(_RULES.search(words))


def has_no_record(answer: Answer) -> bool:
    """It knows no such task: it is gone, or so new that it is not there yet."""
    said = said_of(answer)
    if said is None:
        return False
    return (said.code == 422 and bool(_NO_RECORD.search(said.words))) or (said.code == 200 and said.data is None)


def content_of(answer: Answer, *, is_create: bool) -> Any:
    """The `data` of a good answer. Raises what another one means."""
    said = said_of(answer)
    if said is None:
        raise misunderstood(answer) if answer.is_good else fault_of_status(answer, is_create=is_create)
    if said.code != 200:
        raise fault_of(answer, said, is_create=is_create)
    return said.data


def fault_of(answer: Answer, said: Said, *, is_create: bool) -> ProviderError:
    """What a code other than 200 means. A create's 500 says nothing of whether it was taken, unless its sentence does."""
    if is_create and said.code in {400, 422, 500, 501}:
        if _RULES.search(said.words):
            return refused(answer, said.words, Stage.INPUT, Billed.NO)
        if _PAUSED.search(said.words):
            return _paused(answer)
        if _NO_MODEL.search(said.words):
            return model_retired(answer)
        if said.code < 500 or _BAD_VALUE.search(said.words):
            return bad_shot(answer, said.words)
    match said.code:
        case 401 | 403:
            return auth_failed(answer)
        case 402:
            return out_of_credit(answer)
        case 433:
            return OutOfCredit(
                f"The operator's key at {answer.service} has reached its own limit: raise it there, or choose another provider.",
                provider=answer.service,
                detail=answer.detail,
            )
        case 404:
            return model_retired(answer) if is_create else lost(answer)
        case 429:
            return RateLimited(
                f"{answer.service} is busy with other requests of ours; this one goes on by itself.",
                retry_after_s=retry_after_s(answer.headers),
                provider=answer.service,
                detail=answer.detail,
            )
        case 455:
            return unavailable(answer.service, answer.detail)
        case 505 if is_create:
            return _paused(answer)
        case 408 | 500 | 501 | 502 | 503 | 504:
            return (
                unconfirmed(answer.service, answer.detail) if is_create else unavailable(answer.service, answer.detail)
            )
        case code:
            return misunderstood(answer, str(code))


def _paused(answer: Answer) -> ProviderError:
    return ModelRetired(
        f"{answer.service} has paused this model; choose another one, /models lists them.",
        provider=answer.service,
        detail=answer.detail,
    )


def refused(answer: Answer, words: str, stage: Stage, billed: Billed) -> Refused:
    of_picture, of_text = bool(_OF_PICTURE.search(words)), bool(_OF_TEXT.search(words))
    about = About.PICTURE if of_picture and not of_text else About.TEXT if of_text and not of_picture else About.UNKNOWN
    what = {About.PICTURE: "the picture", About.TEXT: "the prompt"}.get(about, "the prompt or the picture")
    return Refused(
        f"{answer.service} will not render this: the model's content rules forbid it. Change {what}.",
        stage=stage,
        about=about,
        provider=answer.service,
        detail=answer.detail,
        billed=billed,
    )
