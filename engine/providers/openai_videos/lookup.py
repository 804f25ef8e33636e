"""Whether a request whose answer was lost is in the server's list. Pure.

A wrong "no" would pay twice and a wrong "yes" would show somebody else's clip, so that what is neither is left to the person.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.providers.answers import CLOCK_OFF_S, Answer, left_at_s, misunderstood
from engine.providers.base import Sent
from engine.providers.openai_videos.quirks import Quirks
from engine.providers.reading import amount_of, rows_of, task_id_of, text_of

NEAR_S = 60.0
"""How close a clock has to be for a row to be the request without any doubt."""
PAGE_ROWS = 100
"""https://github.com/openai/openai-openapi: `limit` is at most this."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of the list. `next_after` asks for the next one; empty: there is none."""

    rows: tuple[Mapping[str, Any], ...]
    next_after: str
    answer: Answer


@dataclass
class Candidates:
    """The task ids of what is like the request, and of what may be it as nothing speaks against."""

    certain: list[str] = field(default_factory=list)
    possible: list[str] = field(default_factory=list)


def read_page(answer: Answer) -> Page:
    """One page of the list. Raises Misunderstood: it is none."""
    said = answer.table() if answer.is_good else {}
    listed = said.get("data")
    rows = rows_of(listed)
    if not isinstance(listed, list) or len(rows) < len(listed) or not all(task_id_of(row.get("id")) for row in rows):
        raise misunderstood(answer)
    goes_on = bool(said.get("has_more", len(rows) >= PAGE_ROWS)) and bool(rows)
    last = said.get("last_id")
    return Page(tuple(rows), (task_id_of(last) or text_of(rows[-1]["id"])) if goes_on else "", answer)


def is_past(page: Page, sent: Sent) -> bool:
    """Whether everything behind this page is older than the request: it is sorted as asked, and ends before it."""
    times = [_created_at(row) for row in page.rows]
    known = [at for at in times if at is not None]
    is_sorted = len(known) == len(times) and known == sorted(known, reverse=True)
    left_at = left_at_s(page.answer, sent.at)
    return bool(known) and is_sorted and left_at is not None and known[-1] < left_at - CLOCK_OFF_S


def candidates(page: Page, sent: Sent, quirks: Quirks, found: Candidates) -> None:
    """Add what of the page can be the request: what is older is none of ours, as far as the clocks tell."""
    left_at = left_at_s(page.answer, sent.at)
    for row in page.rows:
        at = _created_at(row)
        prompt = row.get("prompt")
        task_id = text_of(row["id"])
        is_old = at is not None and left_at is not None and at < left_at - CLOCK_OFF_S
        if task_id in sent.known or is_old:
            continue
        if isinstance(prompt, str) and prompt and not _may_be(prompt, sent.order.prompt):
            continue
        is_near = at is not None and left_at is not None and at >= left_at - NEAR_S
        is_like = prompt == sent.order.prompt and is_near and _is_same_shot(row, sent, quirks)
        (found.certain if is_like else found.possible).append(task_id)


def _may_be(listed: str, ours: str) -> bool:
    """Whether the words may be ours: a server may trim them, cut them, or write their signs in another form."""
    first, second = (" ".join(unicodedata.normalize("NFKC", each).casefold().split()) for each in (listed, ours))
    first = first.rstrip(".… ")
    return second.startswith(first)


def _is_same_shot(row: Mapping[str, Any], sent: Sent, quirks: Quirks) -> bool:
    """A work on a clip has no model of ours in its request, and an extension tells the length of the whole."""
    if sent.order.source is not None:
        return True
    return (
        row.get("model") == (quirks.model or sent.order.model) and str(row.get("seconds")) == f"{sent.order.seconds:g}"
    )


def _created_at(row: Mapping[str, Any]) -> float | None:
    at = amount_of(row.get("created_at"), below=10**14)
    if at is None or not at:
        return None
    return float(at / 1000 if at > 10**11 else at)  # some tell milliseconds
