"""Google's error bodies, the same in all of its APIs: https://cloud.google.com/apis/design/errors. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import About, Billed, ProviderError, Stage
from engine.providers.answers import (
    RETRY_AFTER_MOST_S,
    Answer,
    auth_failed,
    bad_shot,
    busy,
    fault_of_status,
    model_retired,
    out_of_credit,
    refused,
)
from engine.providers.reading import rows_of, text_of

_MODERATION = re.compile(
    r"safety|prohibited|usage guidelines|responsible ai|\brai\b|moderat|violat\w* \S*\s?\S*\s?polic|content polic|"
    r"sensitive|(prompt|image|video|content|request) (was|is|has been) blocked|blocked_reason",
    re.IGNORECASE,
)
_NO_KEY = re.compile(
    r"api.key|location is not supported|consumer.*suspended|has not been used in project", re.IGNORECASE
)
_NO_MONEY = re.compile(
    r"limit: 0\b|credits? (is|are) depleted|spend\w* (cap|limit)|enable billing|billing.*(disabled|closed)",
    re.IGNORECASE,
)
_NO_MODEL = re.compile(
    r"models?/\S+ (is|was) not found|no longer available|model .*not found|model .*deprecat|model .*retired",
    re.IGNORECASE,
)
_PICTURE = re.compile(r"\b(image|photo|picture|frame)s?\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Said:
    """An error body. `code` is a word such as `RESOURCE_EXHAUSTED`, or a URI."""

    code: str
    words: str
    retry_s: float | None
    """How long to wait, where it tells."""


def said_of(answer: Answer) -> Said:
    """What an error body says: `{"error": {…}}`, also in a list of one."""
    try:
        body = answer.json()
    except ProviderError:
        return Said("", "", None)
    if isinstance(body, list) and body:
        body = body[0]
    error = body.get("error") if isinstance(body, Mapping) else None
    if not isinstance(error, Mapping):
        return Said("", "", None)
    code = error.get("status") or error.get("code") or ""
    return Said(text_of(code), text_of(error.get("message") or ""), _retry_s(error))


def _retry_s(error: Mapping[str, Any]) -> float | None:
    for detail in rows_of(error.get("details")):
        found = re.fullmatch(r"(\d+(?:\.\d+)?)s", str(detail.get("retryDelay", "")))
        if found:
            return min(float(found[1]), RETRY_AFTER_MOST_S)
    return None


def is_moderation(words: str) -> bool:
    """Whether an error's words speak of content rules."""
    return bool(_MODERATION.search(words))


def fault_of(answer: Answer, *, is_create: bool) -> ProviderError:
    """What an answer that is not good means. A 429 may be a limit of some seconds, or an account without money."""
    said = said_of(answer)
    words = said.words
    match answer.status:
        case 429 if _NO_MONEY.search(words):
            return out_of_credit(answer)
        case 429:
            return busy(answer, said.retry_s)
        case 400 | 403 if _NO_MONEY.search(words):
            return out_of_credit(answer)
        case 400 if _NO_KEY.search(words):
            return auth_failed(answer)
        case 400 if is_create and is_moderation(words):
            about = About.PICTURE if _PICTURE.search(words) else About.TEXT
            return refused(answer, stage=Stage.INPUT, about=about, billed=Billed.NO)
        case 400 | 404 if is_create and _NO_MODEL.search(words):
            return model_retired(answer)
        case 400 | 409 | 413 | 422 if is_create:
            return bad_shot(answer, words)
        case _:
            return fault_of_status(answer, is_create=is_create)
