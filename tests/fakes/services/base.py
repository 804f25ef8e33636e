"""What every fake of a video service has: a server that counts what costs money, a host for its files, things that go wrong.

    async with FakeXai() as fake:
        provider = open_provider(fake.setup())
        taken = await provider.submit(await provider.prepare(order, "key"))
        fake.put(Shown.DONE)
        assert fake.complaints == []

A task goes through `fake.script` (one stage a check, the last one stays) unless `put` says where it stands. The files are on
another port, as a service's are on another host; whoever sends the key there is complained about.
"""

from __future__ import annotations

import asyncio
import functools
import re
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Self

from aiohttp import web

from engine.providers.catalog import Catalog, Setup, read_catalog
from tests.fakes.provider import write_clip


class Shown(StrEnum):
    """Where a render stands at the service, as its answer to a check shows it."""

    QUEUED = "queued"
    RENDERING = "rendering"
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    """Its rules stopped the render or its result."""
    WITHHELD = "withheld"
    """Rendered, charged, and kept back."""
    NO_VIDEO = "no video"
    """It says that it is done, and there is no video."""
    UNKNOWN_WORD = "unknown word"
    GONE = "gone"
    """It does not know the render any more."""
    CANCELLED = "cancelled"


class No(StrEnum):
    """How a create is refused."""

    TEXT = "text"
    PICTURE = "picture"
    CREDIT = "credit"
    RATE = "rate"
    KEY = "key"
    SHOT = "shot"
    RETIRED = "retired"


class FileFault(StrEnum):
    """What is wrong with the next download."""

    SLOW = "slow"
    CUT = "cut"
    """It breaks off at half its length."""
    PAGE = "page"
    """A web page instead of a video."""
    EXPIRED = "expired"
    EMPTY = "empty"
    HOME = "home"
    """A redirect to another port of this machine."""
    LOOP = "loop"


@dataclass
class FakeTask:
    """One render that was taken, and counted as paid."""

    id: str
    body: Mapping[str, Any]
    shown: Shown | None = None
    """None: as the script says."""
    checks: int = 0
    is_cancelled: bool = False
    is_deleted: bool = False
    extra: dict[str, Any] = field(default_factory=dict)


class FakeService:
    """One service. A subclass names its `kind`, adds its routes and writes its answers."""

    kind: ClassVar[str]
    shows: ClassVar[frozenset[Shown]] = frozenset(Shown) - {Shown.WITHHELD, Shown.CANCELLED}
    """What its answers can say."""
    refuses: ClassVar[frozenset[No]] = frozenset(No)
    cancels: ClassVar[bool] = False
    """It can be told to stop, and stops what had not begun."""
    stops_from: ClassVar[frozenset[Shown]] = frozenset()
    """Where a render may stand to be stopped at no further cost, as the service documents it. Elsewhere nobody says so."""
    forgets: ClassVar[bool] = False
    """It deletes a finished render when it is told to."""
    fines: ClassVar[frozenset[No]] = frozenset()
    """What it may take a fee for though it refuses it."""
    tells_apart: ClassVar[bool] = True
    """Its list, where it has one, shows enough of a request to know it again; else a list only shows that nothing was taken."""
    settings: ClassVar[Mapping[str, str]] = {"key": "key-of-the-operator"}

    def __init__(self) -> None:
        self.case = self.kind
        """Under which the suite knows it: a kind may have several."""
        self.tasks: dict[str, FakeTask] = {}
        self.script: Sequence[Shown] = (Shown.QUEUED, Shown.RENDERING, Shown.DONE)
        self.creates = 0
        """Paid requests that arrived, taken or not."""
        self.seen: Counter[str] = Counter()
        """Requests by method and path pattern."""
        self.complaints: list[str] = []
        """What no client of the real service may do."""
        self.next_no: list[No] = []
        """How the next creates are refused."""
        self.lose_answers = 0
        """How many of the next creates are taken and then not answered: the connection is cut."""
        self.hang_answers = 0
        """How many of the next creates are taken and not answered until `release` is set."""
        self.release = asyncio.Event()
        self.arrived = asyncio.Event()
        """Set when a create arrives."""
        self.create_status: list[int] = []
        """The next creates are taken and then answered with this bare status, as a gateway does that lost its server."""
        self.garbage_answers = 0
        """How many of the next creates are taken and answered with 200 and a web page."""
        self.key_is_withdrawn = False
        """No key is good any more."""
        self.storm = 0
        """How many of the next other requests are answered with 503."""
        self.retry_after_s = 1.0
        self.file_faults: list[FileFault] = []
        """What is wrong with the next downloads, one each."""
        self._expired: dict[str, int] = {}
        """By path: the newest look whose address is over."""
        self.downloads = 0
        self.inside_hits = 0
        """Requests that were led to an address inside our own network."""
        self.clip_seconds = 1.0
        self.clip_size = (64, 36)
        self.clip_grey = 90
        self._clip = b""
        """What is served instead of a real video."""
        self._runners: list[web.AppRunner] = []
        self._url = self._files_url = self._inside_url = ""

    # --- what a subclass writes ---

    def add_routes(self, app: web.Application) -> None:
        """Its own routes. Paid ones go through `self.create(request, body)`, the others through `self.safe`."""
        raise NotImplementedError

    def is_allowed(self, request: web.Request) -> bool:
        """Whether the request carries the key."""
        return request.headers.get("Authorization") == f"Bearer {self.settings['key']}"

    def refusal(self, no: No) -> web.Response:
        """The answer to a create that is refused."""
        raise NotImplementedError

    def unauthorized(self) -> web.Response:
        """The answer to a request without the key."""
        return self.refusal(No.KEY)

    def accepted(self, task: FakeTask) -> web.Response:
        """The answer to a create that was taken."""
        raise NotImplementedError

    def shown(self, task: FakeTask, stage: Shown) -> web.Response:
        """The answer to a check of a task that stands at this stage."""
        raise NotImplementedError

    def let_forget(self) -> Mapping[str, str]:
        """Let finished renders be deleted here, where that is the operator's choice: what has to be set for it."""
        return {}

    # --- what they share ---

    async def create(self, request: web.Request, body: Mapping[str, Any], *, task_id: str = "") -> web.StreamResponse:
        """Take a paid request, or refuse it as the test says."""
        self.creates += 1
        self.arrived.set()
        if self.next_no:
            return self.refusal(self.next_no.pop(0))
        task = FakeTask(task_id or self.new_id(), body)
        self.tasks[task.id] = task
        if self.create_status:
            return web.Response(status=self.create_status.pop(0), text="<html>gateway</html>", content_type="text/html")
        if self.garbage_answers:
            self.garbage_answers -= 1
            return web.Response(text="<html>welcome</html>", content_type="text/html")
        if self.lose_answers:
            self.lose_answers -= 1
            if request.transport is not None:
                request.transport.abort()
        if self.hang_answers:
            self.hang_answers -= 1
            await self.release.wait()
        return self.accepted(task)

    def new_id(self) -> str:
        """A new task id, as the service writes them."""
        return f"task-{len(self.tasks) + 1}"

    def check(self, task_id: str) -> web.Response:
        """The answer to a check."""
        task = self.tasks.get(task_id)
        if task is None or task.is_deleted:
            return self.shown(FakeTask(task_id, {}), Shown.GONE)
        stage = task.shown or self.script[min(task.checks, len(self.script) - 1)]
        task.checks += 1
        if task.is_cancelled and task.shown is None:
            stage = Shown.CANCELLED
        return self.shown(task, stage)

    def put(self, shown: Shown | None, task_id: str | None = None) -> FakeTask:
        """Let the newest task, or the named one, stand there; None: go on with the script."""
        task = self.tasks[task_id or list(self.tasks)[-1]]
        task.shown = shown
        return task

    @property
    def newest(self) -> FakeTask:
        return self.tasks[list(self.tasks)[-1]]

    def file_url(self, task: FakeTask) -> str:
        """Where the task's video can be loaded from, with a signature as such addresses have: another one at each look."""
        return f"{self._files_url}/{task.id}/clip.mp4?signature=not-to-be-logged&look={task.checks}"

    def clip(self) -> bytes:
        """A real video of `clip_seconds`."""
        return self._clip or _made_clip(self.clip_seconds, self.clip_grey, self.clip_size)

    @property
    def url(self) -> str:
        return self._url

    def setup(self, changes: Mapping[str, Any] | None = None, **settings: str) -> Setup:
        """What the real provider is opened with to speak to this server."""
        catalog = read_catalog(self.kind, changes) if changes else _own_catalog(self.kind)
        own = {"url": self.url + self.base_path, "results_from": self._files_url}
        return Setup(name=self.kind, catalog=catalog, settings={**self.settings, **own, **settings})

    base_path: ClassVar[str] = ""
    """What the service's address ends in, as `/v1`."""

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._guard], client_max_size=64 << 20)
        self.add_routes(app)
        self._url = await self._serve(app)
        files = web.Application()
        files.router.add_get("/{tail:.*}", self._file)
        self._files_url = await self._serve(files)
        inside = web.Application()
        inside.router.add_get("/{tail:.*}", self._inside)
        self._inside_url = await self._serve(inside)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.release.set()
        for runner in self._runners:
            await runner.cleanup()

    async def _serve(self, app: web.Application) -> str:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self._runners.append(runner)
        host, port = runner.addresses[0][:2]
        return f"http://{host}:{port}"

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        resource = request.match_info.route.resource
        pattern = resource.canonical if resource else request.path
        self.seen[f"{request.method} {pattern}"] += 1
        if resource is None:
            self.complaints.append(f"no such route: {request.method} {request.path}")
            return web.json_response({"error": "no such route"}, status=404)
        if self.key_is_withdrawn or not self.is_allowed(request):
            return self.unauthorized()
        if self.storm and not self.is_paid(request):
            self.storm -= 1
            return web.Response(status=503, text="busy", headers={"Retry-After": "0"})
        answer: web.StreamResponse = await handler(request)
        return answer

    def is_paid(self, request: web.Request) -> bool:
        """Whether the request costs money: storms of 503 are for the others. A POST, unless the service uses it otherwise."""
        return request.method == "POST"

    async def _file(self, request: web.Request) -> web.StreamResponse:
        self.downloads += 1
        for name, value in request.headers.items():
            is_own = str(request.url).startswith(self._url)
            if not is_own and any(secret and secret in value for secret in self.settings.values()):
                self.complaints.append(f"the key was sent to the file host in {name}")
        data = self.clip()
        look = int(request.query.get("look", "0"))
        fault = self.file_faults.pop(0) if self.file_faults else None
        if look and look <= self._expired.get(request.path, 0):
            fault = FileFault.EXPIRED
        match fault:
            case FileFault.PAGE:
                return web.Response(text="<html>sign in</html>", content_type="text/html")
            case FileFault.EXPIRED:
                self._expired[request.path] = look
                return web.Response(status=403, text="expired")
            case FileFault.EMPTY:
                return web.Response(body=b"", content_type="video/mp4")
            case FileFault.HOME:
                return web.Response(status=302, headers={"Location": f"{self._inside_url}/secret"})
            case FileFault.LOOP:
                self.file_faults.insert(0, FileFault.LOOP)
                return web.Response(status=302, headers={"Location": str(request.url)})
            case FileFault.CUT:
                answer = web.StreamResponse(headers=_file_headers(len(data)))
                await answer.prepare(request)
                await answer.write(data[: len(data) // 2])
                if request.transport is not None:
                    request.transport.close()
                return answer
            case FileFault.SLOW:
                answer = web.StreamResponse(headers=_file_headers(len(data)))
                await answer.prepare(request)
                for start in range(0, len(data), max(1, len(data) // 8)):
                    await answer.write(data[start : start + max(1, len(data) // 8)])
                    await asyncio.sleep(0.02)
                return answer
        wanted = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        if wanted and request.headers.get("If-Range") == ETAG and int(wanted[1]) < len(data):
            first = int(wanted[1])
            headers = {
                **_file_headers(len(data) - first),
                "Content-Range": f"bytes {first}-{len(data) - 1}/{len(data)}",
            }
            return web.Response(status=206, body=data[first:], headers=headers)
        return web.Response(body=data, headers=_file_headers(len(data)))

    async def _inside(self, request: web.Request) -> web.Response:
        self.inside_hits += 1
        return web.Response(body=self.clip(), content_type="video/mp4")


@functools.cache
def _own_catalog(kind: str) -> Catalog:
    """Read once for all tests."""
    return read_catalog(kind)


@functools.cache
def _made_clip(seconds: float, grey: int, size: tuple[int, int]) -> bytes:
    """Made once for all tests."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        write_clip(path, seconds=seconds, colour=grey, size=size)
        return path.read_bytes()


ETAG = '"the-clip"'


def _file_headers(length: int) -> dict[str, str]:
    return {"Content-Type": "video/mp4", "Content-Length": str(length), "ETag": ETAG, "Accept-Ranges": "bytes"}
