"""An HTTP answer as a value, and what its status says when the service's own words say nothing. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from engine.errors import (
    About,
    AuthFailed,
    BadShot,
    Billed,
    Lost,
    Misunderstood,
    ModelRetired,
    OutOfCredit,
    ProviderError,
    RateLimited,
    Refused,
    Stage,
    Unavailable,
    Unconfirmed,
)
from engine.providers.reading import json_of, table_of, text_of

RETRY_AFTER_S = 15.0
"""Where a service says "too many" and not for how long."""
RETRY_AFTER_MOST_S = 3_600.0
CLOCK_OFF_S = 15 * 3_600.0
"""How far ahead the clock may have been when a request was noted, and be right since: who takes local time for UTC is 14 hours."""
DETAIL_CHARS = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `headers` have lower-case names; `service` is its name for people."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    service: str = ""
    secrets: tuple[str, ...] = ()
    """Never shown, also where the service repeats them."""

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            Misunderstood: it is none.
        """
        try:
            return json_of(self.body)
        except ValueError as error:
            raise misunderstood(self) from error

    def table(self) -> Mapping[str, Any]:
        """The body as a JSON object. Raises Misunderstood: it is none."""
        found = self.json()
        if not isinstance(found, Mapping):
            raise misunderstood(self)
        return found

    @property
    def said(self) -> Mapping[str, Any]:
        """The body as a JSON object; empty where it is something else."""
        try:
            return table_of(json_of(self.body))
        except ValueError:
            return {}

    @property
    def detail(self) -> str:
        """Status and body for the log: short, without what is secret, without long data."""
        text = self.body[: 16 * DETAIL_CHARS].decode("utf-8", "replace")
        if len(self.body) > 16 * DETAIL_CHARS and self.secrets:  # one may have been cut in two
            text = text[: -max(len(secret.encode()) for secret in self.secrets)]
        return f"HTTP {self.status}: {redacted(text, self.secrets)}"


# As they stand in JSON: slashes may be escaped.
_QUERY = re.compile(r"""(https?:\\?/\\?/[^\s"'?]+)\?[^\s"']*""")
_SIGNATURE = re.compile(
    r"""([?&][\w.-]{0,60}(?:sig|token|key|secret|credential|policy|expires|auth)[\w.-]{0,60}=)[^&\s"']+""",
    re.IGNORECASE,
)
_DATA = re.compile(r"[A-Za-z0-9+/\\=_-]{200,}")


def redacted(text: str, secrets: tuple[str, ...] = ()) -> str:
    """The text on one line, short, without secrets, signatures in addresses, and inline data."""
    text = text_of(text)  # half a surrogate pair can be neither kept nor shown
    for secret in sorted(secrets, key=len, reverse=True):  # one may be a part of another
        text = text.replace(secret, "***") if secret else text
    text = _QUERY.sub(r"\1?…", text[: 16 * DETAIL_CHARS])
    text = _SIGNATURE.sub(r"\1…", text)
    text = _DATA.sub("…", text)
    return " ".join(text.split())[:DETAIL_CHARS]


def misunderstood(answer: Answer, what: str = "") -> Misunderstood:
    """An answer outside the contract, as an error. `what`: the word that nobody here knows."""
    word = f" ({redacted(what, answer.secrets)[:60]})" if what else ""
    return Misunderstood(
        f"{answer.service} answered something that Nextshot does not know{word}; the operator finds it in the log.",
        provider=answer.service,
        detail=answer.detail,
    )


def retry_after_s(headers: Mapping[str, str], now: datetime | None = None) -> float:
    """How long the service wants to be left alone: its `Retry-After` in seconds or as a date, else `RETRY_AFTER_S`."""
    for name, per_s in (("retry-after-ms", 1_000), ("retry-after", 1)):
        try:
            seconds = float(headers.get(name, "")) / per_s
        except ValueError:
            continue
        if not math.isnan(seconds):
            return min(max(seconds, 0.0), RETRY_AFTER_MOST_S)
    try:
        at = parsedate_to_datetime(headers.get("retry-after", ""))
    except (TypeError, ValueError, OverflowError):
        return RETRY_AFTER_S
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max((at - (now or datetime.now(UTC))).total_seconds(), 0.0), RETRY_AFTER_MOST_S)


def left_at_s(answer: Answer, noted_at: datetime, now: datetime | None = None) -> float | None:
    """From when on a request can have left that was noted at `noted_at`, by the clock of the service that answers; Unix seconds.

    Its answer's `Date` says how far ours is off. None: nobody can tell, since it does not say, or the request was noted in what is
    the future by now. Then nothing in a list is too old to be the request.
    """
    now = now or datetime.now(UTC)
    try:
        said = parsedate_to_datetime(answer.headers.get("date", ""))
    except (TypeError, ValueError, OverflowError):
        return None
    ago_s = (now - noted_at).total_seconds()
    said = said if said.tzinfo else said.replace(tzinfo=UTC)
    return min(said.timestamp(), now.timestamp()) - ago_s if ago_s >= 0 else None


def fault_of_status(answer: Answer, *, is_create: bool) -> ProviderError:
    """What an answer that is not good means by its status alone. A service's own words are asked first.

    `is_create`: it answers a request that may cost money; then a 5xx says nothing about whether it was taken.
    """
    service, detail = answer.service, answer.detail
    match answer.status:
        case 401 | 403:
            return auth_failed(answer)
        case 402:
            return out_of_credit(answer)
        case 404 | 410 if is_create:
            return model_retired(answer)
        case 404 | 410:
            return lost(answer)
        case 429:
            return busy(answer)
        case 400 | 405 | 406 | 409 | 411 | 412 | 413 | 414 | 415 | 422 if is_create:
            return bad_shot(answer)
        case status if status >= 500 or status in {408, 425}:
            return unconfirmed(service, detail) if is_create else unavailable(service, detail)
        case _:
            return misunderstood(answer)


def auth_failed(answer: Answer) -> AuthFailed:
    return AuthFailed(
        f"{answer.service} does not accept the operator's key for this; `nextshot doctor` says what to set.",
        provider=answer.service,
        detail=answer.detail,
    )


def out_of_credit(answer: Answer) -> OutOfCredit:
    return OutOfCredit(
        f"The operator's account at {answer.service} is empty: top it up, or choose another provider with --provider.",
        provider=answer.service,
        detail=answer.detail,
    )


def model_retired(answer: Answer) -> ModelRetired:
    return ModelRetired(
        f"{answer.service} does not serve this model any more; choose another one, /models lists them.",
        provider=answer.service,
        detail=answer.detail,
    )


def bad_shot(answer: Answer, why: str = "") -> BadShot:
    """`why`: the service's own words, for the person."""
    words = f": {redacted(why, answer.secrets)[:200].rstrip('.')}" if why else ""
    return BadShot(
        f"{answer.service} cannot do this shot{words}. Change its options, or choose another model.",
        provider=answer.service,
        detail=answer.detail,
    )


def lost(answer: Answer) -> Lost:
    return Lost(f"{answer.service} does not know this render any more.", provider=answer.service, detail=answer.detail)


def unavailable(service: str, detail: str) -> Unavailable:
    return Unavailable(f"{service} cannot be reached now; it goes on by itself.", provider=service, detail=detail)


def unconfirmed(service: str, detail: str) -> Unconfirmed:
    return Unconfirmed(f"It is not known whether {service} took the request.", provider=service, detail=detail)


def busy(answer: Answer, wait_s: float | None = None) -> RateLimited:
    """`wait_s`: how long, where the body says it; None: as the headers say."""
    return RateLimited(
        f"{answer.service} is busy with other requests of ours; this one goes on by itself.",
        retry_after_s=retry_after_s(answer.headers) if wait_s is None else wait_s,
        provider=answer.service,
        detail=answer.detail,
    )


def refused(
    answer: Answer, *, stage: Stage = Stage.UNKNOWN, about: About = About.UNKNOWN, billed: Billed | None = None
) -> Refused:
    """Its content rules forbid it."""
    change = {About.TEXT: "the prompt", About.PICTURE: "the picture", About.VIDEO: "the clip"}.get(about)
    return Refused(
        f"{answer.service} will not render this: its content rules forbid it. Change {change or 'the prompt or the picture'}.",
        stage=stage,
        about=about,
        provider=answer.service,
        detail=answer.detail,
        billed=billed,
    )


def no_video(answer: Answer, billed: Billed = Billed.UNKNOWN) -> Refused:
    """It says that it is done, and there is no video: mostly its content rules stopped it."""
    return Refused(
        f"{answer.service} finished without a video, which mostly means that its content rules stopped it. Change the prompt.",
        stage=Stage.OUTPUT,
        provider=answer.service,
        detail=answer.detail,
        billed=billed,
    )


def no_source(service: str) -> Refused:
    """It has the clip no longer that it should go on from or change."""
    return Refused(
        f"{service} has the clip no longer, so it cannot go on from it or change it; /continue from its last frame instead.",
        about=About.VIDEO,
        provider=service,
        billed=Billed.NO,
    )


def upload_fault(answer: Answer) -> ProviderError:
    """What a refused upload means: nothing was asked for yet, so nothing can be lost or charged."""
    fault = fault_of_status(answer, is_create=True)
    if isinstance(fault, Unconfirmed):
        return unavailable(answer.service, answer.detail)
    return bad_shot(answer) if isinstance(fault, ModelRetired | Misunderstood) else fault
