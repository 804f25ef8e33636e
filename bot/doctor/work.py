"""What waits for the operator: messages that were given up, jobs and money of which nobody knows, providers that do not work."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import URL, make_url

from bot.control.remote import reach, served_at
from bot.doctor.finding import Finding, ok, warning
from bot.settings import Settings
from engine.errors import EngineError
from engine.oversight_ports import Troubles
from storage import read_holder
from storage.faults import telling
from storage.oversight import troubles_at, troubles_of
from storage.rows import to_ms
from storage.tables import SCHEMA

CONNECT_S = 5


def check_work(settings: Settings) -> Iterator[Finding]:
    """Asks the running Nextshot, else reads the database. Nothing is changed."""
    found = _found(settings)
    if found is None:
        return
    if found.given_up:
        yield warning(
            f"Messages that were given up: {found.given_up}. `nextshot outbox --failed` says why, and "
            "`nextshot outbox send` sends one again."
        )
    if found.unconfirmed:
        yield warning(
            f"Renders that nobody has confirmed for more than ten minutes: {found.unconfirmed}. "
            "`nextshot jobs --state unconfirmed` lists them; whoever asked for one decides, or you do with `nextshot again` or "
            "`nextshot cancel`."
        )
    if found.unknown_usd:
        yield warning(
            f"Nobody knows whether ${found.unknown_usd:,.2f} were charged: `nextshot pot` lists it and settles it."
        )
    for name in found.closed_providers:
        yield warning(f"{name} does not answer just now; its jobs wait and go on by themselves as soon as it does.")
    if not (found.given_up or found.unconfirmed or found.unknown_usd or found.closed_providers):
        yield ok("No message was given up, and no render or dollar is in doubt.")


def _found(settings: Settings) -> Troubles | None:
    """None: there is nothing to look at, or it is not to be read now, which other checks tell."""
    if read_holder(settings.data_dir) is not None:
        address = served_at(settings.data_dir)
        try:
            return None if address is None else asyncio.run(_asked(address))
        except EngineError:
            return None
    return _read(settings)


async def _asked(address: str) -> Troubles:
    async with reach(address) as desk:
        return await desk.troubles()


def _read(settings: Settings) -> Troubles | None:
    url, arguments = make_url(settings.store_url), dict[str, object]()
    where = url.render_as_string(hide_password=True)
    if url.get_backend_name() == "sqlite":
        readable = _readable(url)
        if readable is None:
            return None
        url = readable
    else:
        url = url.set(drivername="postgresql+psycopg")
        arguments["connect_timeout"] = CONNECT_S
    with telling(where):
        engine = create_engine(url, connect_args=arguments)
        try:
            with engine.connect() as connection:
                if not inspect(connection).has_table("alembic_version"):
                    return None
                if connection.execute(text("SELECT version_num FROM alembic_version")).scalar() != SCHEMA:
                    return None
                row = connection.execute(troubles_at(to_ms(datetime.now(UTC)))).mappings().one()
                return troubles_of(row)
        finally:
            engine.dispose()


def _readable(url: URL) -> URL | None:
    path = Path(str(url.database))
    if url.database in {None, "", ":memory:"} or not path.exists():
        return None
    return url.set(drivername="sqlite", database=f"file:{quote(str(path))}", query={"mode": "ro", "uri": "true"})
