"""What Runway answers: a task taken, where it stands, why it failed, what it cost. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from engine.errors import (
    About,
    BadShot,
    Billed,
    ProviderError,
    RateLimited,
    Refused,
    RenderFailed,
    Stage,
)
from engine.providers.answers import (
    Answer,
    bad_shot,
    fault_of_status,
    misunderstood,
    model_retired,
    no_video,
    out_of_credit,
    refused,
    unavailable,
    upload_fault,
)
from engine.providers.base import Progress, Queued, Rendered, Rendering, Taken
from engine.providers.reading import amount_of, rows_of, table_of, task_id_of, text_of

USD_PER_CREDIT = Decimal("0.01")
"""https://docs.dev.runwayml.com/guides/pricing/."""
DAILY_CAP_AGAIN_S = 900.0
"""A 429 is the cap of a rolling day: there is room when the oldest render is a day old. https://docs.dev.runwayml.com/usage/tiers/."""
WAITING = frozenset({"PENDING", "THROTTLED"})
# "You do not have enough credits to run this task.": https://github.com/runwayml/sdk-node/issues/28
_NO_CREDIT = re.compile(
    r"\b(not enough|not have enough|insufficient|no|out of|too few)( \w+)? credits?\b", re.IGNORECASE
)
_INPUTS = {"TEXT": About.TEXT, "IMAGE": About.PICTURE, "VIDEO": About.VIDEO}


def read_taken(answer: Answer) -> Taken:
    """The task of an accepted request, and what it may cost at most."""
    if not answer.is_good:
        raise fault_of(answer, is_create=True)
    said = answer.table()
    task_id = task_id_of(said.get("id"))
    if task_id is None:
        raise misunderstood(answer)
    return Taken(task_id, usd_of(said, "estimatedCost"))


def read_progress(answer: Answer) -> Progress:
    """Where a task stands: https://docs.dev.runwayml.com/api/#tag/Task-management."""
    if not answer.is_good:
        raise fault_of(answer, is_create=False)
    said = answer.table()
    match said.get("status"):
        case "PENDING" | "THROTTLED":
            return Queued()
        case "RUNNING":
            return Rendering(_percent(said.get("progress")))
        case "SUCCEEDED":
            return _rendered(answer, said)
        case "FAILED":
            raise _failure(answer, said)
        case "CANCELLED":
            raise RenderFailed(
                f"The render was cancelled at {answer.service}; /retake begins it again.",
                provider=answer.service,
                detail=answer.detail,
                billed=billed_of(said, Billed.UNKNOWN),
            )
        case word:
            raise misunderstood(answer, text_of(word))


def read_status(answer: Answer) -> tuple[str, Decimal | None]:
    """The status word of a task and what it cost; empty: Runway does not know the task."""
    if answer.status == 404:
        return "", None
    if not answer.is_good:
        raise fault_of(answer, is_create=False)
    said = answer.table()
    return text_of(said.get("status")), usd_of(said, "cost")


def read_upload(answer: Answer) -> tuple[str, Mapping[str, str], str]:
    """Where to send a file, the fields to send first, and the address that Runway knows it by."""
    if not answer.is_good:
        raise upload_fault(answer)
    said = answer.said
    url, fields, uri = said.get("uploadUrl"), said.get("fields"), text_of(said.get("runwayUri"))
    if not isinstance(url, str) or not isinstance(fields, Mapping) or not uri.startswith("runway://"):
        # An upload is free, so whatever this was may be asked for again.
        raise unavailable(answer.service, answer.detail)
    return text_of(url), {text_of(name): text_of(value) for name, value in fields.items()}, uri


def read_balance(answer: Answer) -> Decimal | None:
    """The account's balance in US dollars; None: the answer does not say."""
    if not answer.is_good:
        raise fault_of(answer, is_create=False)
    balance = amount_of(answer.table().get("creditBalance"))
    return None if balance is None else balance * USD_PER_CREDIT


def usd_of(said: Mapping[str, Any], name: str) -> Decimal | None:
    """US dollars of `estimatedCost` or `cost`; None: it does not say."""
    credit = amount_of(table_of(said.get(name)).get("credits"))
    return None if credit is None else credit * USD_PER_CREDIT


def billed_of(said: Mapping[str, Any], otherwise: Billed) -> Billed:
    """By the final cost: 0 where all was refunded. `otherwise`: where there is none."""
    usd = usd_of(said, "cost")
    if usd is None:
        return otherwise
    return Billed.YES if usd > 0 else Billed.NO


def fault_of(answer: Answer, *, is_create: bool) -> ProviderError:
    """What an answer that is not good means: https://docs.dev.runwayml.com/errors/errors."""
    words, paths = _error_of(answer) if answer.status in {400, 429} else ("", [])
    if _NO_CREDIT.search(words):
        return out_of_credit(answer)
    if answer.status == 429 and is_create and "retry-after" not in answer.headers:
        return RateLimited(
            f"{answer.service} renders no more with this model for the operator's account today; this one begins by itself later.",
            retry_after_s=DAILY_CAP_AGAIN_S,
            provider=answer.service,
            detail=answer.detail,
        )
    if answer.status != 400:
        return fault_of_status(answer, is_create=is_create)
    if "model" in paths:
        return model_retired(answer)
    return bad_shot(answer, words) if is_create else fault_of_status(answer, is_create=False)


def _error_of(answer: Answer) -> tuple[str, list[str]]:
    """Words, and the fields that they are about."""
    said = answer.said
    issues = rows_of(said.get("issues"))
    paths = [_path_of(each.get("path")) for each in issues]
    told = [f"{path}: {text_of(each.get('message'))}" for path, each in zip(paths, issues, strict=True)]
    return "; ".join([text_of(said.get("error")), *told[:1]]).strip("; "), paths


def _path_of(value: Any) -> str:
    return ".".join(text_of(part) for part in value) if isinstance(value, list) else text_of(value)


def _rendered(answer: Answer, said: Mapping[str, Any]) -> Rendered:
    output = said.get("output")
    urls = [text_of(url) for url in output if isinstance(url, str) and url] if isinstance(output, list) else []
    if not urls:
        raise no_video(answer, billed_of(said, Billed.UNKNOWN))
    return Rendered(urls[0], usd_of(said, "cost"))


def _failure(answer: Answer, said: Mapping[str, Any]) -> ProviderError:
    """By the code: https://docs.dev.runwayml.com/errors/task-failures/."""
    code = text_of(said.get("failureCode"))
    parts = code.split(".")
    if "SAFETY" in parts[:2]:
        return _refused(answer, said, parts)
    service, detail, billed = answer.service, answer.detail, billed_of(said, Billed.UNKNOWN)
    if code.startswith("ASSET.INVALID"):
        return BadShot(
            f"{service} cannot use the picture or clip that it was given; use another one.",
            provider=service,
            detail=detail,
            billed=billed,
        )
    if code.startswith("THIRD_PARTY."):
        sentence = (
            f"The maker of this model could not render the shot for {service}; try again later, or use another model."
        )
    elif code.startswith("INTERNAL.BAD_OUTPUT"):
        sentence = (
            f"{service} threw its render away as not good enough; try again. "
            "Text and logos in the first frame are a common cause."
        )
    else:
        sentence = f"{service} could not render the shot; try again, or change the prompt."
    return RenderFailed(sentence, provider=service, detail=detail, billed=billed)


def _refused(answer: Answer, said: Mapping[str, Any], parts: list[str]) -> Refused:
    """Of what was given or of what came out. What it was about is Runway's best guess."""
    if parts[0] != "SAFETY":  # INPUT_PREPROCESSING.SAFETY.*
        stage, otherwise = Stage.INPUT, Billed.UNKNOWN
    elif parts[1:2] == ["INPUT"]:
        stage, otherwise = Stage.INPUT, Billed.YES  # documented as never refunded
    else:
        stage, otherwise = Stage.OUTPUT if parts[1:2] == ["OUTPUT"] else Stage.UNKNOWN, Billed.UNKNOWN
    about = _INPUTS.get(parts[-1], About.UNKNOWN) if stage is Stage.INPUT else About.UNKNOWN
    return refused(answer, stage=stage, about=about, billed=billed_of(said, otherwise))


def _percent(progress: Any) -> float | None:
    share = amount_of(progress)
    return float(share * 100) if share is not None and share <= 1 else None
