"""Whether a request whose answer was lost is in the server's list. Pure.

A wrong "no" would pay twice and a wrong "yes" would show somebody else's clip, so that what is neither is left to the person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.providers.answers import Answer, misunderstood
from engine.providers.base import Sent
from engine.providers.openai_videos.quirks import Quirks

SKEW_S = 60.0
"""By how much the server's clock may be behind ours."""
PAGE_ROWS = 100
"""https://github.com/openai/openai-openapi: `limit` is at most this."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of the list. `next_after` asks for the next one; empty: there is none."""

    rows: tuple[Mapping[str, Any], ...]
    next_after: str


@dataclass
class Candidates:
    """The task ids of what is like the request, and of what may be it as nothing speaks against."""

    certain: list[str] = field(default_factory=list)
    possible: list[str] = field(default_factory=list)


def read_page(answer: Answer) -> Page:
    """One page of the list. Raises Misunderstood: it is none."""
    said = answer.table() if answer.is_good else {}
    rows = said.get("data")
    if not isinstance(rows, list) or not all(
        isinstance(row, Mapping) and isinstance(row.get("id"), str) for row in rows
    ):
        raise misunderstood(answer)
    goes_on = bool(said.get("has_more", len(rows) >= PAGE_ROWS)) and bool(rows)
    last = said.get("last_id")
    return Page(tuple(rows), (last if isinstance(last, str) and last else rows[-1]["id"]) if goes_on else "")


def is_past(page: Page, sent: Sent) -> bool:
    """Whether everything behind this page is older than the request: it is sorted as asked, and ends before it."""
    times = [_created_at(row) for row in page.rows]
    known = [at for at in times if at is not None]
    is_sorted = len(known) == len(times) and known == sorted(known, reverse=True)
    return bool(known) and is_sorted and known[-1] < sent.at.timestamp() - SKEW_S


def candidates(page: Page, sent: Sent, quirks: Quirks, found: Candidates) -> None:
    """Add what of the page can be the request."""
    for row in page.rows:
        at = _created_at(row)
        prompt = row.get("prompt")
        if row["id"] in sent.known or (at is not None and at < sent.at.timestamp() - SKEW_S):
            continue
        if isinstance(prompt, str) and prompt and prompt != sent.order.prompt:
            continue
        is_like = prompt == sent.order.prompt and at is not None and _is_same_shot(row, sent, quirks)
        (found.certain if is_like else found.possible).append(row["id"])


def _is_same_shot(row: Mapping[str, Any], sent: Sent, quirks: Quirks) -> bool:
    """A work on a clip has no model of ours in its request, and an extension tells the length of the whole."""
    if sent.order.source is not None:
        return True
    return (
        row.get("model") == (quirks.model or sent.order.model) and str(row.get("seconds")) == f"{sent.order.seconds:g}"
    )


def _created_at(row: Mapping[str, Any]) -> float | None:
    at = row.get("created_at")
    return float(at) if isinstance(at, int | float) and not isinstance(at, bool) else None
