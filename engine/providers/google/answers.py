"""What the Interactions API answers, and what that means. Pure.

Statuses, `steps`, `usage` as in google-genai 3.4 (`types/interactions/interaction.py`); no progress is told. What is charged for a
render that fails or is filtered is documented nowhere, so it is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from engine.errors import BadShot, Billed, ProviderError, Refused, RenderFailed, Stage
from engine.providers.answers import Answer, lost, misunderstood, out_of_credit, refused
from engine.providers.base import Progress, Queued, Rendered, Rendering
from engine.providers.google_errors import fault_of, is_moderation
from engine.providers.inline_video import INLINE
from engine.providers.reading import amount_of, rows_of, table_of, task_id_of, text_of

Prices = Mapping[str, Mapping[str, Any]]
"""US dollars for a million tokens by kind (`video`, `text`, `thought`, `input`), by the name of the model."""
_FILE = re.compile(r"(?:^|/)files/([a-z0-9][a-z0-9-]{0,62})(?:$|[:?#/])")


def read_taken(answer: Answer) -> str:
    """The task id of an accepted request."""
    if not answer.is_good:
        raise fault_of(answer, is_create=True)
    task_id = task_id_of(answer.table().get("id"))
    if task_id is None:
        raise misunderstood(answer)
    return task_id


def read_progress(answer: Answer, prices: Prices) -> Progress:
    """Where a render stands. A `files/…` in `where` may not be ready yet: `read_file` says."""
    if not answer.is_good:
        raise fault_of(answer, is_create=False)
    said = answer.table()
    match said.get("status"):
        case "queued":
            return Queued()
        case "in_progress":
            return Rendering()
        case "completed":
            return _rendered(answer, said, prices)
        case "failed":
            raise _failure(answer, said)
        case "cancelled":
            raise _over(answer, "was told to stop the render")
        case "incomplete" | "requires_continuation":
            # Going on would be a second paid request, which nobody has agreed to.
            raise _over(answer, "stopped half way through the render")
        case "requires_action":
            raise _over(answer, "asked for a tool instead of rendering, which it was given none of")
        case "budget_exceeded":
            error = out_of_credit(answer)
            error.billed = Billed.UNKNOWN
            raise error
        case word:
            raise misunderstood(answer, str(word))


def read_file(answer: Answer) -> bool:
    """Whether a file can be loaded by now: https://ai.google.dev/api/files#State.

    Raises:
        RenderFailed: it will never be.
        Lost: it is gone; files are kept for 48 hours.
    """
    if not answer.is_good:
        if answer.status in {403, 404} and "may not exist" in answer.detail:
            raise lost(answer)  # the API does not tell a missing file from somebody else's
        raise fault_of(answer, is_create=False)
    match answer.table().get("state"):
        case "ACTIVE":
            return True
        case "PROCESSING" | "STATE_UNSPECIFIED" | None:
            return False
        case "FAILED":
            raise _over(answer, "could not write the clip's file")
        case word:
            raise misunderstood(answer, str(word))


def read_uploaded(answer: Answer) -> tuple[str, str]:
    """Name and address of a clip that was uploaded."""
    if not answer.is_good:
        raise fault_of(answer, is_create=False)
    file = answer.table().get("file")
    if not isinstance(file, Mapping) or not isinstance(file.get("uri"), str) or not file["uri"]:
        raise misunderstood(answer)
    name = _FILE.search(str(file.get("name", "")))
    if name is None:
        raise misunderstood(answer)
    return f"files/{name[1]}", file["uri"]


def is_extendable(answer: Answer) -> bool:
    """Whether a later render can build on this one."""
    said = answer.table()
    return said.get("status") == "completed" and video_of(said) is not None


def video_of(said: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The last video of a finished render: in its steps; in some answers beside them."""
    found = [block for block in _blocks(said) if block.get("data") or block.get("uri")]
    beside = said.get("output_video")
    if not found and isinstance(beside, Mapping) and (beside.get("data") or beside.get("uri")):
        return beside
    return found[-1] if found else None


def where_of(answer: Answer, video: Mapping[str, Any]) -> str:
    """What `fetch` needs: `inline`, `files/…`, `gs://…` or a web address."""
    uri = video.get("uri")
    if not uri:
        return INLINE
    if not isinstance(uri, str):
        raise misunderstood(answer)
    if uri.startswith("gs://"):
        return text_of(uri)
    if file := _FILE.search(uri):
        return f"files/{file[1]}"
    if uri.startswith("https://"):
        return text_of(uri)
    raise misunderstood(answer, "address of the video")


def cost_of(usage: Any, prices: Mapping[str, Any]) -> Decimal | None:
    """What a render cost by its tokens; None: it does not tell them, or one of their prices is not known."""
    table = table_of(usage)
    entries = table.get("output_tokens_by_modality")
    if not isinstance(entries, list) or len(rows_of(entries)) < len(entries):
        return None
    told = [("input", table.get("total_input_tokens")), ("thought", table.get("total_thought_tokens"))]
    told += [(text_of(entry.get("modality")).lower(), entry.get("tokens")) for entry in entries]
    usd, has_video = Decimal(0), False
    for kind, said in told:
        tokens, price = amount_of(0 if said is None else said), amount_of(prices.get(kind))
        if tokens is None or (tokens and price is None):
            return None
        usd += tokens * (price or 0) / 1_000_000
        has_video = has_video or (kind == "video" and tokens > 0)
    return usd if has_video else None


def _rendered(answer: Answer, said: Mapping[str, Any], prices: Prices) -> Rendered:
    video = video_of(said)
    if video is None:
        raise _no_video(answer, said)
    return Rendered(where_of(answer, video), cost_of(said.get("usage"), prices.get(str(said.get("model")), {})))


def _outputs(said: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from (step for step in rows_of(said.get("steps")) if step.get("type") == "model_output")


def _blocks(said: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for step in _outputs(said):
        yield from (block for block in rows_of(step.get("content")) if block.get("type") == "video")


def _words_of(said: Mapping[str, Any]) -> str:
    """Codes and messages of everything that went wrong."""
    errors = said.get("errors")
    all_errors = [*(errors if isinstance(errors, list) else ()), *(step.get("error") for step in _outputs(said))]
    return " ".join(
        f"{each.get('code', '')} {each.get('message', '')}" for each in all_errors if isinstance(each, Mapping)
    )


def _failure(answer: Answer, said: Mapping[str, Any]) -> ProviderError:
    words = _words_of(said)
    if is_moderation(words):
        return refused(answer, stage=Stage.OUTPUT, billed=Billed.UNKNOWN)
    if re.search(r"invalid.argument|unsupported", words, re.IGNORECASE):
        return BadShot(
            f"{answer.service} cannot do this shot. Change its options, or choose another model.",
            provider=answer.service,
            detail=answer.detail,
            billed=Billed.UNKNOWN,
        )
    return _over(answer, "could not render the shot")


def _no_video(answer: Answer, said: Mapping[str, Any]) -> ProviderError:
    """A quick `completed` with nothing in it is how a refusal looks, and how an upload from a region without that right does."""
    if is_moderation(_words_of(said)):
        return refused(answer, stage=Stage.OUTPUT, billed=Billed.UNKNOWN)
    return Refused(
        f"{answer.service} finished without a video: its content rules stopped it, or, for a clip that was uploaded, it does "
        "not go on from such clips in this region. Change the prompt, or /continue from the last frame.",
        stage=Stage.OUTPUT,
        provider=answer.service,
        detail=answer.detail,
        billed=Billed.UNKNOWN,
    )


def _over(answer: Answer, what: str) -> RenderFailed:
    return RenderFailed(
        f"{answer.service} {what}; try again, or change the prompt.",
        provider=answer.service,
        detail=answer.detail,
    )
