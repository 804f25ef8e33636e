"""What the operator is shown, as flat rows. Nothing here does I/O."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from bot.terminal.rows import Row, for_the_terminal
from engine.job_model import SayState
from engine.oversight_ports import JobLine, JobSheet, Message

SHOWN_JOBS = ("job", "subject", "state", "provider", "age", "due", "tries", "usd", "place", "error")
SHOWN_MESSAGES = ("message", "job", "subject", "kind", "state", "age", "due", "tries", "place", "error")
SHOWN_LINES = ("what", "at", "says")


def line_row(line: JobLine, now: datetime) -> Row:
    """A job of any place."""
    job = line.job
    return {
        "job": job.id,
        "subject": job.subject,
        "kind": str(job.kind),
        "state": str(job.state),
        "provider": job.provider or None,
        "model": job.model or None,
        "age": words_of(now - job.created_at),
        "in_state": words_of(now - line.since),
        "due": None if job.due_at is None else words_until(job.due_at, now),
        "tries": job.tries,
        "usd": None if job.cost_usd is None else str(job.cost_usd),
        "quoted_usd": None if job.quoted_usd is None else str(job.quoted_usd),
        "place": job.place,
        "person": job.person.name,
        "person_key": job.person.key,
        "trouble": job.trouble,
        "error": None if line.last_error is None else for_the_terminal(line.last_error),
        "task_id": job.task_id,
        "created_at": job.created_at.isoformat(),
    }


def message_row(message: Message, now: datetime) -> Row:
    """A message that is owed, or was."""
    say = message.say
    state = "given up" if message.is_given_up else "waiting" if say.state is SayState.NEW else str(say.state)
    return {
        "message": say.id,
        "job": say.job_id,
        "subject": message.subject,
        "kind": str(say.kind),
        "state": state,
        "was": str(say.state),
        "age": words_of(now - message.created_at),
        "due": None if message.due_at is None else words_until(message.due_at, now),
        "tries": say.tries,
        "sent_again": say.again,
        "place": say.place,
        "receipt": say.receipt,
        "error": say.error,
    }


def sheet_rows(sheet: JobSheet, now: datetime) -> Iterator[Row]:
    """All that is known of one job, one thing a row: whose it is comes first."""
    person = sheet.line.job.person
    yield {"what": "person", "at": None, "says": f"{person.key} ({person.name})"}
    for event in sheet.events:
        is_move = event.from_state != event.to_state
        moved = f"{event.from_state} to {event.to_state}" if is_move else f"stays {event.to_state}"
        says = f"{moved}: {event.detail}" if event.detail else moved
        yield {"what": "event", "at": event.at.isoformat(), "says": says}
    for attempt in sheet.attempts:
        parts = [f"attempt {attempt.number} for a {attempt.what}: {attempt.outcome}"]
        parts += [f"task {attempt.task_id}"] if attempt.task_id else []
        parts += [f"quoted ${attempt.quoted_usd}"] if attempt.quoted_usd is not None else []
        parts += [f"cost ${attempt.usd}"] if attempt.usd is not None else []
        parts += [f"settled by hand at ${attempt.settled_usd}"] if attempt.settled_usd is not None else []
        yield {"what": "attempt", "at": attempt.intent_at.isoformat(), "says": ", ".join(parts)}
    for message in sheet.messages:
        row = message_row(message, now)
        reason = f": {row['error']}" if row["error"] else ""
        again = f", sent again {message.say.again}" if message.say.again else ""
        says = f"message {row['message']}, {row['kind']}, {row['state']}, tries {row['tries']}{again}{reason}"
        yield {"what": "message", "at": message.created_at.isoformat(), "says": says}
    for entry in sheet.entries:
        whose = entry.pot.owner or "the house"
        yield {
            "what": "money",
            "at": None,
            "says": f"{entry.why}: {entry.usd:+f} in {entry.bucket} of {entry.pot.payer} {whose} {entry.note}".strip(),
        }


def words_of(span: timedelta) -> str:
    """`12 s`, `4 min`, `3 h`, `2 d`."""
    seconds = max(0, int(span.total_seconds()))
    for size, word in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {word}"
    return f"{seconds} s"


def words_until(at: datetime, now: datetime) -> str:
    """`now`, or `in 12 s`."""
    # what was made due just now may be a moment ahead: the engine's clock never goes back
    return "now" if at - now < timedelta(seconds=1) else f"in {words_of(at - now)}"
