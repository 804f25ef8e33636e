"""The far end: a desk whose studio is in the process that holds the data directory."""

from __future__ import annotations

import functools
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import httpx
from pydantic import TypeAdapter

from bot.control.calls import CALLS, unpack_error
from bot.desk import Desk
from engine.abilities import Abilities
from engine.errors import StorageUnavailable

if TYPE_CHECKING:
    from storage.backup_rows import Rows

P = ParamSpec("P")
T = TypeVar("T")

LOCK_NAME = "nextshot.lock"
"""As `storage.lock` has it; that storey is slow to load, and not needed for somebody else's house."""
SOCKET_KEY = "socket"
"""Under which the lock file says where its holder serves its studio."""
CONNECT_S = 5.0
MEET_S = 5.0
CALL_S = 120.0
"""A spritesheet of a long film is the slowest thing that is asked, but for DOWNLOAD."""
DOWNLOAD, DOWNLOAD_S = "download", 1_800.0
"""It may have to make a film into another kind of file first."""
ROWS_S = 3_600.0
"""All rows of a house with millions of them."""


class HouseGone(StorageUnavailable):
    """The process that held the data directory ended before it answered."""


def served_at(directory: Path) -> str | None:
    """The socket that the lock file of a data directory names; None: none. Its process may be gone."""
    try:
        found = json.loads((directory / LOCK_NAME).read_bytes()).get(SOCKET_KEY)
    except (OSError, ValueError, AttributeError):
        return None
    return found if isinstance(found, str) else None


def _passed_on(
    method: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[RemoteStudio, P], Coroutine[Any, Any, T]]:
    call, name = CALLS[method.__name__], method.__name__

    @functools.wraps(method)
    async def passed_on(self: RemoteStudio, /, *args: P.args, **kwargs: P.kwargs) -> T:
        bound = call.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        asked = call.arguments.dump_json(tuple(bound.arguments.values()))
        body = await self.ask(f"/call/{name}", asked, within_s=DOWNLOAD_S if name == DOWNLOAD else None)
        answer: T = call.answer.validate_json(body)
        return answer

    return passed_on


class RemoteStudio:
    """The studio of the process that holds the data directory.

    Every method raises, besides the studio's own errors:
        HouseGone: that process ended; whether it did what was asked is unknown.
        StorageUnavailable: it does not answer.
    """

    def __init__(self, address: str) -> None:
        self._client = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=address),
            base_url="http://nextshot",
            timeout=httpx.Timeout(MEET_S, connect=CONNECT_S),
        )
        self._models: Mapping[str, Mapping[str, Abilities]] = {}

    create = _passed_on(Desk.create)
    continue_story = _passed_on(Desk.continue_story)
    retake = _passed_on(Desk.retake)
    edit = _passed_on(Desk.edit)
    stitch = _passed_on(Desk.stitch)
    add = _passed_on(Desk.add)
    settings = _passed_on(Desk.settings)
    set_settings = _passed_on(Desk.set_settings)
    cancel = _passed_on(Desk.cancel)
    again = _passed_on(Desk.again)
    agree = _passed_on(Desk.agree)
    draft = _passed_on(Desk.draft)
    question = _passed_on(Desk.question)
    pot = _passed_on(Desk.pot)
    pots = _passed_on(Desk.pots)
    set_limits = _passed_on(Desk.set_limits)
    top_up = _passed_on(Desk.top_up)
    unknowns = _passed_on(Desk.unknowns)
    resolve = _passed_on(Desk.resolve)
    delete = _passed_on(Desk.delete)
    choose = _passed_on(Desk.choose)
    open_story = _passed_on(Desk.open_story)
    belongings = _passed_on(Desk.belongings)
    forget_person = _passed_on(Desk.forget_person)
    show = _passed_on(Desk.show)
    story = _passed_on(Desk.story)
    stories = _passed_on(Desk.stories)
    history = _passed_on(Desk.history)
    download = _passed_on(Desk.download)
    keep_picture = _passed_on(Desk.keep_picture)
    keep_video = _passed_on(Desk.keep_video)
    keep_sound = _passed_on(Desk.keep_sound)
    job = _passed_on(Desk.job)
    film = _passed_on(Desk.film)
    jobs = _passed_on(Desk.jobs)
    place_in_line = _passed_on(Desk.place_in_line)
    all_jobs = _passed_on(Desk.all_jobs)
    job_sheet = _passed_on(Desk.job_sheet)
    outbox = _passed_on(Desk.outbox)
    send_again = _passed_on(Desk.send_again)
    troubles = _passed_on(Desk.troubles)

    def models(self) -> Mapping[str, Mapping[str, Abilities]]:
        """As they were when it was reached."""
        return self._models

    async def meet(self) -> None:
        """Reach the other process.

        Raises:
            HouseGone: nobody is there.
            StorageUnavailable: it is of another version, or does not answer.
        """
        theirs, ours = json.loads(await self.ask("/hello"))["version"], version("nextshot")
        if theirs != ours:
            raise StorageUnavailable(
                f"The running Nextshot is version {theirs} and this one is {ours}: stop that one and start it again."
            )
        self._models = CALLS["models"].answer.validate_json(await self.ask("/call/models", b"[]"))
        self._client.timeout = httpx.Timeout(CALL_S, connect=CONNECT_S)

    async def dump_rows(self, directory: Path) -> Rows:
        """All rows of that house, written into this directory: as `storage.backup_rows.dump_rows` has it."""
        from storage.backup_rows import Rows  # noqa: PLC0415  # as LOCK_NAME

        self._client.timeout = httpx.Timeout(ROWS_S, connect=CONNECT_S)
        return TypeAdapter(Rows).validate_json(await self.ask("/rows", str(directory).encode()))

    async def close(self) -> None:
        """Let the connection go."""
        await self._client.aclose()

    async def ask(self, path: str, body: bytes | None = None, *, within_s: float | None = None) -> bytes:
        """The answer's body. GET without a body, else POST. `within_s` None: in the usual time."""
        timeout = httpx.USE_CLIENT_DEFAULT if within_s is None else httpx.Timeout(within_s, connect=CONNECT_S)
        method = "GET" if body is None else "POST"
        try:
            response = await self._client.request(method, path, content=body, timeout=timeout)
        except httpx.TimeoutException as error:
            raise StorageUnavailable(
                "The running Nextshot does not answer: wait a moment and try again, or stop it."
            ) from error
        except httpx.TransportError as error:
            raise HouseGone("The running Nextshot ended before it answered: try again.") from error
        if response.status_code != 200:
            raise unpack_error(response.json())
        return response.content


@asynccontextmanager
async def reach(address: str) -> AsyncIterator[RemoteStudio]:
    """The studio behind this socket's path, met."""
    remote = RemoteStudio(address)
    try:
        await remote.meet()
        yield remote
    finally:
        await remote.close()
