"""What an answer of KIE means when it is not the good one. HTTP is 200 mostly; the body's `code` is the status.

https://docs.kie.ai/#status-codes
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import About, Billed, ModelRetired, OutOfCredit, ProviderError, Refused, Stage
from engine.providers.answers import (
    Answer,
    auth_failed,
    bad_shot,
    busy,
    fault_of_status,
    lost,
    misunderstood,
    model_retired,
    out_of_credit,
    refused,
    unavailable,
    unconfirmed,
)
from engine.providers.reading import json_of, text_of

# Moderation has no code of its own. The sentences are those of https://docs.kie.ai/veo3-api/generate-veo-3-video-callbacks
# and of failed jobs as people report them ("The input or output was flagged as sensitive").
_RULES = re.compile(
    r"flagged|(?<!case[ -])sensitive|moderat|content polic|unsafe|prohibited|nsfw|inappropriate|safety"
    r"|prominent people|minor upload|rejected by flow|violat",
    re.IGNORECASE,
)
_OF_PICTURE = re.compile(r"image|picture|photo|upload|face|people", re.IGNORECASE)
_OF_TEXT = re.compile(r"prompt|\btext", re.IGNORECASE)
_NO_MODEL = re.compile(
    r"\bmodel( name)?( you specified)?( [\w./:-]+)? (is |does |was )?(not supported|not exist|not found|unavailable|offline)",
    re.IGNORECASE,
)
# A 5xx of a create is believed only where the whole sentence is one of these: "exceeded" or "invalid" may as well be said of a
# render that began. The first is of https://docs.kie.ai/market (a model that KIE paused), the others of its check of a request.
_PAUSED = re.compile(r"this (interface|model|feature) is (temporarily|currently) paused\W*", re.IGNORECASE)
_BAD_VALUE = re.compile(
    r"[\w.\[\]]+ (is required|is not within the range of allowed options)\W*", re.IGNORECASE | re.ASCII
)
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
        body = json_of(answer.body)
    except ValueError:
        return None
    code = body.get("code") if isinstance(body, Mapping) else None
    if not isinstance(code, int | str) or not re.fullmatch(r"[0-9]{1,6}", str(code)):
        return None
    return Said(int(code), text_of(body.get("msg") or body.get("message")), body.get("data"))


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
    if is_create and said.code in {400, 422, 500}:
        if _PAUSED.fullmatch(said.words.strip()):
            return _paused(answer)
        if _BAD_VALUE.fullmatch(said.words.strip()):
            return bad_shot(answer, said.words)
    if is_create and said.code in {400, 422}:
        if _RULES.search(said.words):
            return refusal(answer, said.words, Stage.INPUT, Billed.NO)
        return model_retired(answer) if _NO_MODEL.search(said.words) else bad_shot(answer, said.words)
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
            return busy(answer)
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


def refusal(answer: Answer, words: str, stage: Stage, billed: Billed) -> Refused:
    """What content rules forbid; what it was about is told by the sentence alone."""
    of_picture, of_text = bool(_OF_PICTURE.search(words)), bool(_OF_TEXT.search(words))
    about = About.PICTURE if of_picture and not of_text else About.TEXT if of_text and not of_picture else About.UNKNOWN
    return refused(answer, stage=stage, about=about, billed=billed)
