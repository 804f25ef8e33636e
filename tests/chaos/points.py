"""The crash points as data: where a process dies, what the next start finds and does, what people see.

`python -m tests.chaos.points` prints the table of docs/design.md. A point whose `at` is set is walked by `test_chaos.py`, and drawn
by the long run; the others are walked where `walked_by` says.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class At(StrEnum):
    """Who can hold a job there."""

    INSIDE = "inside"
    """The process itself, at a function of the product (`INSIDE`)."""
    SERVICE = "service"
    """The fake video service, in the middle of a request."""
    CHAT = "chat"
    """The fake chat server, in the middle of a call."""


@dataclass(frozen=True, slots=True)
class Inside:
    """A function of the product, before or after which a job is held or the process dies."""

    module: str
    function: str
    """With its class: `Delivery._send`."""
    is_after: bool = False
    only: str = ""
    """The state of the job or the kind of the message for which it counts; empty: any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One line of the table."""

    number: str
    name: str
    """For settings and log lines; empty where nothing holds a job there."""
    dies: str
    row: str
    recovery: str
    seen: str
    at: At | None = None
    walked_by: str = "tests/chaos/test_chaos.py"


INSIDE: Mapping[str, Inside] = {
    "heard": Inside("bot.dispatch", "Dispatch.said"),
    "claimed": Inside("engine.advance", "_advance", only="queued"),
    "intent": Inside("engine.submit", "is_fresh"),
    "answered": Inside("engine.submit", "_accepted"),
    "noted": Inside("engine.submit", "_accepted", is_after=True),
    "kept": Inside("engine.advance", "_ready", is_after=True),
    "ready": Inside("bot.delivery", "Delivery._send", only="result"),
}
"""By the name of the point."""

_PAID = "tests/engine/test_paid_requests.py"

POINTS: tuple[Point, ...] = (
    Point(
        number="0",
        name="update",
        at=At.CHAT,
        dies="the platform handed an update over, before it is kept",
        row="nothing",
        recovery="the platform hands it over again, or the person does; one key, one job",
        seen="one job",
    ),
    Point(
        number="0a",
        name="heard",
        at=At.INSIDE,
        dies="an update is kept, before it is acted on or answered",
        row="a row in `inbox`",
        recovery="handled again: a job knows its update, a cancel counts once; another answer may be said twice",
        seen="one job",
    ),
    Point(
        number="0b",
        name="",
        dies="an interaction is acknowledged, before it is answered",
        row="a row in `inbox`",
        recovery="handled if the server says that it was acknowledged and its token lives; else left",
        seen="one answer",
        walked_by="tests/discord/test_kills.py",
    ),
    Point(
        number="1",
        name="status",
        at=At.CHAT,
        dies="the insert, before the status message",
        row="QUEUED, STATUS owed or SENDING",
        recovery="the outbox sends it; where it may have arrived it is left, and the clip is said without it",
        seen="a short delay",
    ),
    Point(
        number="1a",
        name="status-sent",
        at=At.CHAT,
        dies="the status message arrived, before its receipt is saved",
        row="STATUS in SENDING",
        recovery="not sent again where the platform knows no nonce",
        seen="a status message that stands still, and the clip",
    ),
    Point(
        number="1b",
        name="",
        dies="its price was asked for",
        row="ASKING",
        recovery="the question is shown again, a second time where it may have arrived: a press of either counts, and counts once",
        seen="the question, perhaps twice",
        walked_by="tests/chaos/test_chaos.py",
    ),
    Point(
        number="2",
        name="claimed",
        at=At.INSIDE,
        dies="the claim",
        row="QUEUED, leased",
        recovery="leases, and jobs in SUBMITTING, are due at once at the start (one process), with a new fence",
        seen="a short delay",
    ),
    Point(
        number="3",
        name="intent",
        at=At.INSIDE,
        dies="the intent is committed, nothing sent",
        row="SUBMITTING, attempt INTENDED",
        recovery="as 4: from outside they look the same",
        seen="",
    ),
    Point(
        number="3a",
        name="arrives",
        at=At.SERVICE,
        dies="the request is on its way, and not taken",
        row="SUBMITTING, attempt INTENDED",
        recovery="as 4. The money in the ledger is UNKNOWN only while nobody can tell",
        seen="",
    ),
    Point(
        number="4",
        name="accepted",
        at=At.SERVICE,
        dies="sent and taken, answer lost or not saved",
        row="SUBMITTING",
        recovery=(
            "`SAME_KEY`: sent again under the same key, which costs nothing. `LOOKUP`: found → RENDERING; not found is believed "
            "only after `ABSENT_AFTER_S` → QUEUED. `NONE`: UNCONFIRMED, the person decides"
        ),
        seen="an honest question",
    ),
    Point(
        number="4a",
        name="answered",
        at=At.INSIDE,
        dies="the answer came, nothing of it is written",
        row="SUBMITTING",
        recovery="as 4. Its task id is in the log",
        seen="an honest question",
    ),
    Point(
        number="4b",
        name="noted",
        at=At.INSIDE,
        dies="the answer's id is written in the attempt, not yet in the job",
        row="SUBMITTING, attempt with a task id",
        recovery="RENDERING with that id. A full disk right then is waited for",
        seen="",
    ),
    Point(
        number="4c",
        name="",
        dies="the look-up itself stays down",
        row="SUBMITTING",
        recovery='tried again with growing waits; given up as UNCONFIRMED, never as "not charged"',
        seen="an honest question",
        walked_by=_PAID,
    ),
    Point(
        number="4d",
        name="",
        dies="a first frame is being painted",
        row="SUBMITTING, attempt for a picture",
        recovery="a picture that is whole on the disk is taken, with its price; else UNCONFIRMED",
        seen="an honest question",
        walked_by="tests/engine/test_painting.py",
    ),
    Point(
        number="5",
        name="check",
        at=At.SERVICE,
        dies="a check",
        row="RENDERING",
        recovery="checked again; checks are free",
        seen="",
    ),
    Point(
        number="6",
        name="download",
        at=At.SERVICE,
        dies="half a download",
        row="SAVING",
        recovery="the work file is overwritten; a fresh place to fetch from is asked for",
        seen="",
    ),
    Point(
        number="7",
        name="kept",
        at=At.INSIDE,
        dies="the file is kept, the row is not",
        row="SAVING",
        recovery="the same bytes get the same name; nothing doubles",
        seen="",
    ),
    Point(
        number="8",
        name="ready",
        at=At.INSIDE,
        dies="READY and settled, before the upload",
        row="READY, RESULT owed",
        recovery="the outbox sends it",
        seen="one clip",
    ),
    Point(
        number="9",
        name="upload",
        at=At.CHAT,
        dies="the upload is on its way, and not taken",
        row="RESULT in SENDING",
        recovery="as 9a",
        seen="one clip, in the status message",
    ),
    Point(
        number="9a",
        name="uploaded",
        at=At.CHAT,
        dies="the upload, before its receipt is saved",
        row="RESULT in SENDING",
        recovery=(
            "the page knows our nonce and gives the first receipt. Discord knows it for minutes, and its channel can be read. "
            "Telegram does neither: UNKNOWN, and the clip is shown in the status message, or where that is gone in a text that is "
            "sent for it: edited twice it is there once. A film in parts is sent once more, marked, then only for a press"
        ),
        seen="one clip, or a second one, marked",
    ),
    Point(
        number="9b",
        name="",
        dies="the result, before the last edit of the status message",
        row="LAST owed",
        recovery="edited; to edit twice is to edit once",
        seen="a moment in which it still counts",
        walked_by="tests/chat/test_delivery.py",
    ),
    Point(
        number="10",
        name="",
        dies="the process is frozen and wakes up late, perhaps beside the one that took its place",
        row="another fence",
        recovery="its writes raise `StaleFence`; right before a paid request leaves, fence and age are read again",
        seen="",
        walked_by="tests/chaos (long run), tests/chaos/pair.py, tests/simulation",
    ),
)

WALKED = {point.name: point for point in POINTS if point.at is not None}
"""The points at which a job can be held, by name."""

BEGIN = "<!-- crash points: made by python -m tests.chaos.points -->"
END = "<!-- end of crash points -->"


def table() -> str:
    """The lines of docs/design.md between `BEGIN` and `END`."""
    lines = ["| # | dies after | the row says | the next start | seen | walked by |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {each.number} | {each.dies} | {each.row} | {each.recovery} | {each.seen} | {_walk(each)} |"
        for each in POINTS
    ]
    return "\n".join(lines)


def _walk(point: Point) -> str:
    return f"`{point.name}`" if point.at is not None else point.walked_by


if __name__ == "__main__":
    sys.stdout.write(f"{table()}\n")
