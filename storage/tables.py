"""The tables: every row that Nextshot keeps. Times are epoch milliseconds, ids are 64-bit, lists are JSON, money is text.

The order of the classes is the order of the foreign keys, so the tables can be copied to another database one after another, each
by its ids. The pointers that may lead to a later row (`person.joined_id`, `place.current_story_id`, `story.tip_id`,
`shot.chosen_take_id`, `take.parent_take_id`, `take.edited_take_id`) carry no constraint for that reason. One file, however long: it
is read as one picture.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index, Table, UniqueConstraint, text

from storage.columns import Row
from storage.columns import id_column as _id
from storage.columns import json_column as _json
from storage.columns import number_column as _number
from storage.columns import pointer_to as _to
from storage.columns import real_column as _real
from storage.columns import text_column as _text
from storage.columns import where_set as _where_set
from storage.film_tables import FILM_ORDER
from storage.ledger_tables import ENTRY, POT

# made where they are read; named here, so that whoever sees these tables sees all
__all__ = ["ENTRY", "FILM_ORDER", "POT"]

SCHEMA = "0006"
"""The newest migration: the shape of a database that this program works on."""

_NOT_DONE = text("done_at IS NULL")
_NOT_SENT = text("state <> 'sent'")
_HAS_REFERENCES = text("reference_keys IS NOT NULL")


class PersonRow(Row, table=True):
    """An identity, and the name that it has now. `joined_id` is the person that it was joined to, NULL where it is one itself."""

    __tablename__ = "person"
    __table_args__ = (UniqueConstraint("key"), _where_set("ix_person_joined_id", "joined_id"))
    id: int = _id()
    key: str = _text()
    name: str = _text()
    created_at: int = _number()
    joined_id: int | None = _number(nullable=True)


class PlaceRow(Row, table=True):
    """Where a conversation happens, the story that is current there, and what was chosen for new stories (NULL: nothing)."""

    __tablename__ = "place"
    __table_args__ = (UniqueConstraint("key"),)
    id: int = _id()
    key: str = _text()
    current_story_id: int | None = _number(nullable=True)
    created_at: int = _number()
    options: dict[str, Any] | None = _json(nullable=True)


class StoryRow(Row, table=True):
    """A tree of shots. `shot_count` and `film_count` are the last numbers given, so that none is given twice."""

    __tablename__ = "story"
    __table_args__ = (UniqueConstraint("code"), Index(None, "place_id", "id"), Index(None, "person_id"))
    id: int = _id()
    code: str = _text()
    place_id: int = _to("place")
    person_id: int = _to("person")
    title: str = _text()
    tip_id: int | None = _number(nullable=True)
    shot_count: int = _number(start=0)
    film_count: int = _number(start=0)
    created_at: int = _number()


class ShotRow(Row, table=True):
    """A node of the tree. `take_count` is the last take number given."""

    __tablename__ = "shot"
    __table_args__ = (
        UniqueConstraint("story_id", "number"),
        Index(None, "person_id"),
        _where_set("ix_shot_first_frame", "first_frame"),
        _where_set("ix_shot_last_frame", "last_frame"),
        Index("ix_shot_reference_keys", "id", sqlite_where=_HAS_REFERENCES, postgresql_where=_HAS_REFERENCES),
    )
    id: int = _id()
    story_id: int = _to("story")
    number: int = _number()
    parent_id: int | None = _to("shot", nullable=True)
    person_id: int = _to("person")
    prompt: str = _text()
    seconds: float = _real()
    ratio: str = _text()
    resolution: str = _text()
    style: str = _text()
    provider: str = _text()
    model: str = _text()
    first_frame: str | None = _text(nullable=True)
    last_frame: str | None = _text(nullable=True)
    chosen_take_id: int | None = _number(nullable=True)
    take_count: int = _number(start=0)
    created_at: int = _number()
    deleted_at: int | None = _number(nullable=True)
    reference_keys: list[str] | None = _json(nullable=True)
    negative: str = _text(start="")
    is_silent: int = _number(start=0)
    work: str = _text(start="")
    is_unseeded: int = _number(start=0)
    still: str = _text(start="")
    later_s: float | None = _real(nullable=True)
    from_s: float | None = _real(nullable=True)


class TakeRow(Row, table=True):
    """One render of a shot."""

    __tablename__ = "take"
    __table_args__ = (UniqueConstraint("shot_id", "number"), _where_set("ix_take_first_frame", "first_frame"))
    id: int = _id()
    shot_id: int = _to("shot")
    number: int = _number()
    seed: int = _number()
    parent_take_id: int | None = _number(nullable=True)
    created_at: int = _number()
    edit: str = _text(start="")
    edited_take_id: int | None = _number(nullable=True)
    first_frame: str | None = _text(nullable=True)


class ClipRow(Row, table=True):
    """The file of a take. The rows of this table are the histories: a deleted clip has no row."""

    __tablename__ = "clip"
    __table_args__ = (
        UniqueConstraint("take_id"),
        Index(None, "place_id", "id"),
        Index(None, "person_id", "id"),
        Index(None, "place_id", "person_id", "id"),
        Index(None, "file"),
    )
    id: int = _id()
    take_id: int = _to("take")
    shot_id: int = _to("shot")
    place_id: int = _to("place")
    person_id: int = _to("person")
    file: str = _text()
    bytes: int = _number()
    seconds: float = _real()
    width: int = _number()
    height: int = _number()
    fps: float = _real()
    created_at: int = _number()
    is_cut: int = _number(start=0)
    seam: dict[str, Any] | None = _json(nullable=True)
    ending: dict[str, Any] | None = _json(nullable=True)


class FilmRow(Row, table=True):
    """The file of a stitch."""

    __tablename__ = "film"
    __table_args__ = (UniqueConstraint("story_id", "number"), Index(None, "file"), Index(None, "person_id"))
    id: int = _id()
    story_id: int = _to("story")
    number: int = _number()
    person_id: int = _to("person")
    shots: list[str] = _json()
    file: str = _text()
    bytes: int = _number()
    seconds: float = _real()
    width: int = _number()
    height: int = _number()
    fps: float = _real()
    created_at: int = _number()
    deleted_at: int | None = _number(nullable=True)


class JobRow(Row, table=True):
    """One piece of work.

    `due_at` is when to look next, NULL when there is nothing to do. While it is claimed, `due_at` and `lease_until` are both the
    end of the lease, so that a lease which ran out is simply a job that is due; `was_due_at` is when the claimed one was due,
    0 once it is to be claimed again right after.
    """

    __tablename__ = "job"
    __table_args__ = (
        UniqueConstraint("request_key"),
        _where_set("ix_job_due_at", "due_at"),
        _where_set("ix_job_waits_for", "waits_for"),
        _where_set("uq_job_provider_task_id", "provider", "task_id", unique=True),
        Index(None, "provider", "state", "id"),
        Index(None, "place_id", "state", "id"),
        Index(None, "shot_id", "id"),
        Index(None, "person_id"),
        _where_set("ix_job_started_at", "person_id", "provider", "started_at"),
        _where_set("ix_job_rendered_at", "provider", "model", "rendered_at"),
    )
    id: int = _id()
    kind: str = _text()
    state: str = _text()
    request_key: str = _text()
    place_id: int = _to("place")
    person_id: int = _to("person")
    story_id: int = _to("story")
    shot_id: int | None = _to("shot", nullable=True)
    take_id: int | None = _to("take", nullable=True)
    film_id: int | None = _to("film", nullable=True)
    plan: list[int] = _json()
    provider: str = _text()
    model: str = _text()
    task_id: str | None = _text(nullable=True)
    percent: float | None = _real(nullable=True)
    preview: str | None = _text(nullable=True)
    waits_for: str | None = _text(nullable=True)
    tries: int = _number(start=0)
    failure_kind: str | None = _text(nullable=True)
    failure_sentence: str | None = _text(nullable=True)
    failure_billed: str | None = _text(nullable=True)
    receipt: str | None = _text(nullable=True)
    due_at: int | None = _number(nullable=True)
    was_due_at: int | None = _number(nullable=True)
    lease_until: int | None = _number(nullable=True)
    fence: int = _number(start=0)
    created_at: int = _number()
    started_at: int | None = _number(nullable=True)
    finished_at: int | None = _number(nullable=True)
    asked_receipt: str | None = _text(nullable=True)
    quoted_usd: str | None = _text(nullable=True)
    cost_usd: str | None = _text(nullable=True)
    notes: list[str] | None = _json(nullable=True)
    agreed_usd: str | None = _text(nullable=True)
    payer: str | None = _text(nullable=True)
    is_unwanted: int = _number(start=0)
    trouble: str | None = _text(nullable=True)
    rendered_at: int | None = _number(nullable=True)


class AttemptRow(Row, table=True):
    """The intent of one request that may cost money, and what became of it."""

    __tablename__ = "attempt"
    __table_args__ = (UniqueConstraint("key"), UniqueConstraint("job_id", "number"))
    id: int = _id()
    job_id: int = _to("job")
    number: int = _number()
    key: str = _text()
    outcome: str = _text()
    task_id: str | None = _text(nullable=True)
    intent_at: int = _number()
    closed_at: int | None = _number(nullable=True)
    what: str = _text(start="render")
    usd: str | None = _text(nullable=True)
    quoted_usd: str | None = _text(nullable=True)
    settled_usd: str | None = _text(nullable=True)


class OutboxRow(Row, table=True):
    """One visible message that is owed. Its lease works as a job's."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("job_id", "kind"),
        UniqueConstraint("nonce"),
        _where_set("ix_outbox_due_at", "due_at"),
        _where_set("ix_outbox_receipt", "receipt"),
        Index("ix_outbox_not_sent", "state", "id", sqlite_where=_NOT_SENT, postgresql_where=_NOT_SENT),
    )
    id: int = _id()
    job_id: int = _to("job")
    kind: str = _text()
    place_id: int = _to("place")
    nonce: str = _text()
    state: str = _text()
    receipt: str | None = _text(nullable=True)
    error: str | None = _text(nullable=True)
    tries: int = _number(start=0)
    due_at: int | None = _number(nullable=True)
    was_due_at: int | None = _number(nullable=True)
    lease_until: int | None = _number(nullable=True)
    fence: int = _number(start=0)
    created_at: int = _number()
    again: int = _number(start=0)


class EventRow(Row, table=True):
    """A change of a job's state. Only ever added to; polls that change no state leave nothing here."""

    __tablename__ = "event"
    __table_args__ = (Index(None, "job_id", "id"),)
    id: int = _id()
    job_id: int = _to("job")
    at: int = _number()
    fence: int = _number()
    from_state: str = _text()
    to_state: str = _text()
    detail: str = _text()


class PostRow(Row, table=True):
    """A message of the web chat, which is a platform of ours. `author` is empty where the bot speaks."""

    __tablename__ = "post"
    __table_args__ = (UniqueConstraint("nonce"), Index(None, "place_id", "id"), Index(None, "place_id", "changed_at"))
    id: int = _id()
    place_id: int = _to("place")
    author: str = _text()
    nonce: str = _text()
    body: dict[str, Any] = _json()
    revision: int = _number(start=1)
    created_at: int = _number()
    changed_at: int = _number()


class RequestRow(Row, table=True):
    """An update that was acted on. Swept after a while: no platform hands one over that late."""

    __tablename__ = "request"
    __table_args__ = (UniqueConstraint("key"), Index(None, "created_at"))
    id: int = _id()
    key: str = _text()
    created_at: int = _number()


class InboxRow(Row, table=True):
    """An update as a platform handed it over. `body` is JSON in ASCII, empty once it is done. Notes of ours have no platform."""

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("key"),
        Index("ix_inbox_not_done", "platform", "id", sqlite_where=_NOT_DONE, postgresql_where=_NOT_DONE),
        _where_set("ix_inbox_done_at", "done_at"),
    )
    id: int = _id()
    platform: str = _text()
    key: str = _text()
    body: str = _text()
    created_at: int = _number()
    done_at: int | None = _number(nullable=True)


class SentFileRow(Row, table=True):
    """What a platform calls a file of ours that it has already. `account` is the one that sent it, `kind` what it was sent as."""

    __tablename__ = "sent_file"
    __table_args__ = (UniqueConstraint("account", "file", "kind"),)
    id: int = _id()
    account: str = _text()
    file: str = _text()
    kind: str = _text()
    remote_id: str = _text()
    created_at: int = _number()


class LinkCodeRow(Row, table=True):
    """The one-time code that an identity was given, as its hash: one at a time, gone when it was used."""

    __tablename__ = "link_code"
    __table_args__ = (UniqueConstraint("person_id"), UniqueConstraint("hash"), Index(None, "expires_at"))
    id: int = _id()
    person_id: int = _to("person")
    hash: str = _text()
    expires_at: int = _number()
    created_at: int = _number()


class LinkMissRow(Row, table=True):
    """A code that an identity said and that is none: how often tells who guesses."""

    __tablename__ = "link_miss"
    __table_args__ = (Index(None, "person_id", "created_at"), Index(None, "created_at"))
    id: int = _id()
    person_id: int = _to("person")
    created_at: int = _number()


METADATA = Row.metadata
"""Of all tables, those of `storage.ledger_tables` and `storage.film_tables` too."""
PERSON: Table = METADATA.tables["person"]
PLACE: Table = METADATA.tables["place"]
STORY: Table = METADATA.tables["story"]
SHOT: Table = METADATA.tables["shot"]
TAKE: Table = METADATA.tables["take"]
CLIP: Table = METADATA.tables["clip"]
FILM: Table = METADATA.tables["film"]
JOB: Table = METADATA.tables["job"]
ATTEMPT: Table = METADATA.tables["attempt"]
OUTBOX: Table = METADATA.tables["outbox"]
EVENT: Table = METADATA.tables["event"]
POST: Table = METADATA.tables["post"]
REQUEST: Table = METADATA.tables["request"]
INBOX: Table = METADATA.tables["inbox"]
SENT_FILE: Table = METADATA.tables["sent_file"]
LINK_CODE: Table = METADATA.tables["link_code"]
LINK_MISS: Table = METADATA.tables["link_miss"]
