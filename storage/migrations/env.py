"""Run by Alembic: migrates the connection that it is handed, inside the transaction that is open there."""

from __future__ import annotations

from alembic import context

from storage.tables import METADATA

# The caller has begun the transaction (BEGIN IMMEDIATE on SQLite), so a crash on the way leaves no half-made table behind.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
    compare_type=True,
)
context.run_migrations()
