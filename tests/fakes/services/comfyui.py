"""A ComfyUI server on loopback: it checks graphs, renames uploads, forgets on restart, and tells a socket how far it is.

As https://github.com/Comfy-Org/ComfyUI/blob/master/server.py has it. `is_old`: without `/api/jobs`, and it chooses the ids itself.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any, ClassVar

from aiohttp import WSMsgType, web

from tests.fakes.services.base import FakeService, FakeTask, No, Shown
from tests.fakes.services.comfyui_nodes import MODEL_FILES, definitions, fault_of

HISTORY_MESSAGES = {
    Shown.FAILED: [
        ["execution_start", {"prompt_id": "x"}],
        [
            "execution_error",
            {
                "node_id": "14",
                "node_type": "KSampler",
                "exception_type": "RuntimeError",
                "exception_message": "mat1 and mat2 shapes cannot be multiplied",
                "traceback": ["File somewhere"],
            },
        ],
    ],
    Shown.CANCELLED: [["execution_start", {}], ["execution_interrupted", {"node_id": "14", "executed": []}]],
}


class FakeComfy(FakeService):
    """The server. It asks for no key; a proxy before it may."""

    kind = "comfyui"
    shows: ClassVar[frozenset[Shown]] = frozenset(Shown) - {Shown.REFUSED, Shown.WITHHELD}
    refuses: ClassVar[frozenset[No]] = frozenset({No.KEY, No.RATE, No.SHOT, No.RETIRED})
    cancels: ClassVar[bool] = True
    stops_from: ClassVar[frozenset[Shown]] = frozenset({Shown.QUEUED, Shown.RENDERING})
    forgets: ClassVar[bool] = True
    settings: ClassVar[dict[str, str]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.is_old = False
        self.has_socket = True
        self.token = ""
        """What a proxy asks for; empty: nothing."""
        self.files = {folder: list(names) for folder, names in MODEL_FILES.items()}
        self.extra_nodes: dict[str, dict[str, Any]] = {}
        self.pictures: dict[str, bytes] = {"example.png": b""}
        self.interrupts: list[str] = []
        self.others: list[list[Any]] = []
        """Jobs of other people that wait: [number, id, graph, extra data, outputs]."""
        self.sockets: dict[str, web.WebSocketResponse] = {}
        self.socket_here = asyncio.Event()
        self.finishes_meanwhile = False
        """The newest job is done just before the queue is next looked at."""

    def add_routes(self, app: web.Application) -> None:
        router = app.router
        router.add_get("/ws", self._socket)
        router.add_get("/object_info/{kind}", self._info)
        router.add_post("/upload/image", self._upload)
        router.add_post("/prompt", self._prompt)
        router.add_get("/history", self._last_jobs)
        router.add_get("/history/{id}", self._history)
        router.add_post("/history", self._forget)
        router.add_get("/queue", self._queue)
        router.add_post("/queue", self._unqueue)
        router.add_post("/interrupt", self._interrupt)
        router.add_get("/view", self._file)
        router.add_post("/api/jobs/{id}/cancel", self._cancel)

    def is_allowed(self, request: web.Request) -> bool:
        return not self.token or request.headers.get("Authorization") == f"Bearer {self.token}"

    def is_paid(self, request: web.Request) -> bool:
        return request.path == "/prompt"

    def unauthorized(self) -> web.Response:
        return web.Response(status=401, text="<html>sign in</html>", content_type="text/html")

    def refusal(self, no: No) -> web.Response:
        match no:
            case No.RATE:
                return web.Response(status=429, text="slow down", headers={"Retry-After": f"{self.retry_after_s:g}"})
            case No.SHOT:
                about = {"input_name": "steps", "received_value": 99999}
                return _refused(
                    "14", "KSampler", "value_bigger_than_max", "Value 99999 bigger than max of 10000", about
                )
            case No.RETIRED:
                about = {"input_name": "unet_name", "received_value": "gone.safetensors"}
                return _refused("1", "UNETLoader", "value_not_in_list", "Value not in list", about)
            case _:
                return self.unauthorized()

    def accepted(self, task: FakeTask) -> web.Response:
        return web.json_response({"prompt_id": task.id, "number": len(self.tasks), "node_errors": {}})

    def new_id(self) -> str:
        return str(uuid.uuid4())

    def restart(self) -> None:
        """The server is started anew: what it knew of jobs is gone."""
        self.tasks.clear()

    async def hang_up(self) -> None:
        """End every socket."""
        self.socket_here.clear()
        for socket in list(self.sockets.values()):
            await socket.close()

    async def tell(self, kind: str, data: dict[str, Any], *, preview: bytes = b"") -> None:
        """Send a message to every socket, after a preview picture."""
        for socket in list(self.sockets.values()):
            if preview:
                await socket.send_bytes(preview)
            await socket.send_str(json.dumps({"type": kind, "data": data}))

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if not self.has_socket:
            return web.Response(status=404)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        client_id = request.query.get("clientId", "")
        self.sockets[client_id] = socket
        self.socket_here.set()
        await socket.send_str(json.dumps({"type": "status", "data": {"status": {}, "sid": client_id}}))
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
        self.sockets.pop(client_id, None)
        return socket

    def _known(self) -> dict[str, dict[str, Any]]:
        return {**definitions(self.files), **self.extra_nodes}

    async def _info(self, request: web.Request) -> web.Response:
        kind = request.match_info["kind"]
        known = self._known()
        return web.json_response({kind: known[kind]} if kind in known else {})

    async def _upload(self, request: web.Request) -> web.Response:
        post = await request.post()
        image = post.get("image")
        if not isinstance(image, web.FileField) or not image.filename:
            return web.Response(status=400)
        folder, data = str(post.get("subfolder", "")), image.file.read()
        name, stem, ending = image.filename, *image.filename.rsplit(".", 1)
        number = 1
        while (at := f"{folder}/{name}" if folder else name) in self.pictures:
            name = f"{stem} ({number}).{ending}"
            number += 1
        self.pictures[at] = data
        return web.json_response({"name": name, "subfolder": folder, "type": "input"})

    async def _prompt(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        task_id = str(body.get("prompt_id") or self.new_id())
        if str(uuid.UUID(task_id)) != task_id:
            self.complaints.append(f"the id {task_id} is not in canonical form")
        if task_id in self.tasks:
            self.complaints.append(f"the id {task_id} was given to another job before")
        if not self.next_no and (fault := fault_of(body["prompt"], self._known(), set(self.pictures))):
            self.creates += 1
            return web.json_response({"error": fault[0], "node_errors": fault[1]}, status=400)
        return await self.create(request, body, task_id=self.new_id() if self.is_old else task_id)

    def _stage(self, task: FakeTask) -> Shown:
        """Where it stands now, without going on with the script."""
        if task.is_deleted:
            return Shown.GONE
        if task.is_cancelled and task.shown is None:
            return Shown.CANCELLED
        return task.shown or self.script[min(max(task.checks - 1, 0), len(self.script) - 1)]

    async def _history(self, request: web.Request) -> web.Response:
        task_id = request.match_info["id"]
        if task_id not in self.tasks or self.tasks[task_id].is_deleted:
            return web.json_response({})
        return self.check(task_id)

    async def _last_jobs(self, request: web.Request) -> web.Response:
        del request
        said: dict[str, Any] = {}
        for task in self.tasks.values():
            if self._stage(task) not in {Shown.QUEUED, Shown.RENDERING, Shown.GONE}:
                said |= self._entry(task, self._stage(task))
        return web.json_response(said)

    def shown(self, task: FakeTask, stage: Shown) -> web.Response:
        if stage in {Shown.QUEUED, Shown.RENDERING, Shown.GONE}:
            return web.json_response({})
        return web.json_response(self._entry(task, stage))

    def _entry(self, task: FakeTask, stage: Shown) -> dict[str, Any]:
        saved = {"filename": "clip_00001_.mp4", "subfolder": "nextshot", "type": "output"}
        outputs: dict[str, Any] = {"18": {"images": [saved], "animated": [True]}}
        word = "success"
        if stage in HISTORY_MESSAGES:
            word, outputs = "error", {}
        elif stage is Shown.NO_VIDEO:
            outputs = {"18": {"images": [{**saved, "filename": "still_00001_.png"}]}}
        elif stage is Shown.UNKNOWN_WORD:
            word = "pondering"
        messages = task.extra.get("messages") or HISTORY_MESSAGES.get(stage, [["execution_success", {}]])
        status = {"status_str": word, "completed": word == "success", "messages": messages}
        return {
            task.id: {
                "prompt": self._tuple(task, 0),
                "outputs": task.extra.get("outputs", outputs),
                "status": status,
                "meta": {},
            }
        }

    def _tuple(self, task: FakeTask, number: int) -> list[Any]:
        extra = {**task.body.get("extra_data", {}), "client_id": task.body.get("client_id")}
        return [number, task.id, task.body["prompt"], extra, ["18"]]

    async def _queue(self, request: web.Request) -> web.Response:
        del request
        if self.finishes_meanwhile:
            self.newest.shown = Shown.DONE
        tasks = list(enumerate(self.tasks.values(), start=1))
        waiting = [self._tuple(task, number) for number, task in tasks if self._stage(task) is Shown.QUEUED]
        running = [self._tuple(task, number) for number, task in tasks if self._stage(task) is Shown.RENDERING]
        return web.json_response({"queue_running": running, "queue_pending": [*reversed(waiting), *self.others]})

    async def _unqueue(self, request: web.Request) -> web.Response:
        for task_id in (await request.json()).get("delete", []):
            task = self.tasks.get(task_id)
            if task is not None and self._stage(task) is Shown.QUEUED:
                task.is_deleted = True
        return web.Response()

    async def _interrupt(self, request: web.Request) -> web.Response:
        task_id = (await request.json()).get("prompt_id", "")
        self.interrupts.append(task_id)
        for task in self.tasks.values():
            if self._stage(task) is Shown.RENDERING and (self.is_old or task.id == task_id):
                task.is_cancelled, task.shown = True, None
        return web.Response()

    async def _cancel(self, request: web.Request) -> web.Response:
        if self.is_old:
            return web.Response(status=405)
        task = self.tasks.get(request.match_info["id"])
        stage = self._stage(task) if task else Shown.GONE
        if task is not None and stage is Shown.QUEUED:
            task.is_deleted = task.is_cancelled = True
        elif task is not None and stage is Shown.RENDERING:
            task.is_cancelled, task.shown = True, None
        return web.json_response({"cancelled": stage in {Shown.QUEUED, Shown.RENDERING}})

    async def _forget(self, request: web.Request) -> web.Response:
        for task_id in (await request.json()).get("delete", []):
            if task_id in self.tasks:
                self.tasks[task_id].is_deleted = True
        return web.Response()


def _refused(node: str, kind: str, word: str, message: str, extra: dict[str, Any]) -> web.Response:
    one = {"type": word, "message": message, "details": extra.get("input_name", ""), "extra_info": extra}
    error: dict[str, Any] = {"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation"}
    errors = {node: {"errors": [one], "dependent_outputs": ["18"], "class_type": kind}}
    return web.json_response({"error": {**error, "details": "", "extra_info": {}}, "node_errors": errors}, status=400)
