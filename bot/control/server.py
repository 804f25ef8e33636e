"""The near end: a studio answers the calls of other processes."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from bot.control.calls import CALLS, pack_error
from bot.desk import Desk
from engine.errors import Defect, EngineError
from storage.backup_rows import Rows

log = logging.getLogger(__name__)

DumpRows = Callable[[Path], Awaitable[Rows]]
"""Writes all rows into a directory, for a backup."""

SOCKET_NAME = "control"
CLOSE_S = 0.5
"""How long a closing house waits for calls under way, in all."""


def bind_socket() -> socket.socket:
    """A listening address in a new directory of this user alone. It is short, because such addresses are limited to ~100 bytes."""
    directory = Path(tempfile.mkdtemp(prefix="nextshot-"))
    if len(str(directory)) > 80:
        directory.rmdir()
        directory = Path(tempfile.mkdtemp(prefix="nextshot-", dir="/tmp"))
    bound = socket.socket(socket.AF_UNIX)
    bound.bind(str(directory / SOCKET_NAME))
    (directory / SOCKET_NAME).chmod(0o600)
    return bound


def drop_socket(address: str) -> None:
    """Remove what `bind_socket` made, also where its process was killed. Anything else at this path is left alone."""
    path = Path(address)
    with contextlib.suppress(OSError):
        if path.name == SOCKET_NAME and path.parent.name.startswith("nextshot-") and path.is_socket():
            path.unlink()
            path.parent.rmdir()


@asynccontextmanager
async def serve_desk(desk: Desk, dump_rows: DumpRows | None = None) -> AsyncIterator[str]:
    """Answer calls while it is open, on a socket whose path it gives. `dump_rows` None: backups are not to be had here."""

    async def answer(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in CALLS:
            return web.json_response(pack_error(Defect(f"there is no call {name}")), status=404)
        call = CALLS[name]
        try:
            result = getattr(desk, name)(*call.arguments.validate_json(await request.read()))
            value = await result if inspect.isawaitable(result) else result
            return web.Response(body=call.answer.dump_json(value), content_type="application/json")
        except EngineError as error:
            return web.json_response(pack_error(error), status=409)
        except ValidationError:
            return web.json_response(pack_error(Defect(f"the call {name} had arguments of another kind")), status=400)
        except Exception:
            log.exception("call failed name=%s", name)
            sentence = "Something went wrong inside the running Nextshot; its log says what."
            return web.json_response(pack_error(Defect(sentence)), status=500)

    async def rows(request: web.Request) -> web.Response:
        if dump_rows is None:
            return web.json_response(pack_error(Defect("there are no rows here")), status=404)
        try:
            found = await dump_rows(Path((await request.read()).decode()))
        except EngineError as error:
            return web.json_response(pack_error(error), status=409)
        except Exception:
            log.exception("backup failed")
            sentence = "Something went wrong inside the running Nextshot; its log says what."
            return web.json_response(pack_error(Defect(sentence)), status=500)
        return web.Response(body=TypeAdapter(Rows).dump_json(found), content_type="application/json")

    async def hello(_: web.Request) -> web.Response:
        return web.json_response({"version": version("nextshot")})

    application = web.Application()
    application.add_routes([web.get("/hello", hello), web.post("/rows", rows), web.post("/call/{name}", answer)])
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=CLOSE_S / 2)  # it waits twice
    await runner.setup()
    bound = await asyncio.to_thread(bind_socket)
    address = str(bound.getsockname())
    try:
        await web.SockSite(runner, bound).start()
        yield address
    finally:
        await runner.cleanup()
        drop_socket(address)
