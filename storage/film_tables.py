"""What was wanted of a film, beside the shots that it joins."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table, UniqueConstraint

from storage.columns import Row, where_set
from storage.columns import id_column as _id
from storage.columns import json_column as _json
from storage.columns import pointer_to as _to
from storage.columns import text_column as _text


class FilmOrderRow(Row, table=True):
    """The options of a stitch that is not as films are by themselves. `music` and `voice` are keys of kept files."""

    __tablename__ = "film_order"
    __table_args__ = (
        UniqueConstraint("job_id"),
        where_set("ix_film_order_music", "music"),
        where_set("ix_film_order_voice", "voice"),
    )
    id: int = _id()
    job_id: int = _to("job")
    options: dict[str, Any] = _json()
    music: str | None = _text(nullable=True)
    voice: str | None = _text(nullable=True)


FILM_ORDER: Table = Row.metadata.tables["film_order"]
