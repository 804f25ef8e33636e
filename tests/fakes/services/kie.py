"""KIE.ai on loopback, as https://docs.kie.ai has it: HTTP 200 with the status in the body, uploads on a host of their own.

Longer than most, as the service is three hosts and two kinds of routes, and refuses in its own words.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from aiohttp import web

from engine.providers.base import Hook
from engine.providers.catalog import Setup
from tests.fakes.services.base import FakeService, FakeTask, No, Shown

# Each model with the most pictures that its list takes, or 0 where it has fields of their own.
MODELS: Mapping[str, int] = {
    "minimax-h3/text-to-video": 0,
    "minimax-h3/image-to-video": 0,
    "minimax-h3/reference-to-video": 9,
    "bytedance/seedance-2-5": 30,
    "bytedance/seedance-2": 9,
    "bytedance/seedance-2-fast": 9,
    "bytedance/seedance-2-mini": 9,
    "kling-3.0/video": 2,
    "kling/v3-turbo-text-to-video": 0,
    "kling/v3-turbo-image-to-video": 1,
    "wan/3-0-video": 10,
    "wan/3-0-video-prime": 10,
    "wan/2-7-text-to-video": 0,
    "wan/2-7-image-to-video": 0,
    "wan/2-7-r2v": 5,
    "grok-imagine-video-1-5-preview": 7,
    "gemini-omni-video": 7,
    "google/gemini-omni-flash-1-1": 7,
    "veo-3-1": 3,
    "happyhorse-1-1/text-to-video": 0,
    "happyhorse-1-1/image-to-video": 1,
}
_REFUSALS = {
    No.TEXT: (422, "Your prompt was flagged by Website as violating content policies"),
    No.PICTURE: (400, "Public error: unsafe image upload"),
    No.CREDIT: (402, "Credits insufficient: Your current balance isn't enough to run this request."),
    No.RATE: (429, "Your call frequency is too high. Please try again later."),
    No.KEY: (401, "You do not have access permissions"),
    No.SHOT: (422, "duration is not within the range of allowed options"),
    No.RETIRED: (500, "This interface is temporarily paused."),
}
_CREATES = ("/api/v1/jobs/createTask", "/api/v1/veo/generate", "/api/v1/veo/extend")
WEBHOOK_KEY = "the-webhook-key"


class FakeKie(FakeService):
    """The service. Its own host, the host of its uploads, and the host of its results are three."""

    kind = "kie"
    shows: ClassVar[frozenset[Shown]] = frozenset(Shown) - {Shown.WITHHELD, Shown.CANCELLED}

    def __init__(self) -> None:
        super().__init__()
        self.uploads: dict[str, bytes] = {}
        """What was uploaded, by its address."""
        self.names: dict[str, bytes] = {}
        """By file name: a second upload of the same name overwrites the first."""
        self.upload_faults: list[tuple[int, int, str]] = []
        """The answers to the next uploads: HTTP status, code, sentence."""
        self.says_file_url = False
        """An upload's address is named as one page of the documentation has it."""
        self.next_answers: list[tuple[int, str]] = []
        """HTTP status and body of the answers to the next creates that are taken."""
        self.null_records = 0
        """How many of the next looks say that there is no such record."""
        self.gives_links = False
        """It makes direct links for results; for addresses that are not its own it never does."""
        self.links = 0
        self.credits: float | None = 1080.5
        self._uploads_url = ""

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        uploads = web.Application(middlewares=[self._guard], client_max_size=64 << 20)
        uploads.router.add_post("/api/file-base64-upload", self._upload_base64)
        uploads.router.add_post("/api/file-stream-upload", self._upload_stream)
        self._uploads_url = await self._serve(uploads)
        return self

    def setup(self, changes: Mapping[str, Any] | None = None, **settings: str) -> Setup:
        return super().setup(changes, **{"upload_url": self._uploads_url, **settings})

    def add_routes(self, app: web.Application) -> None:
        app.router.add_post("/api/v1/jobs/createTask", self._create_job)
        app.router.add_post("/api/v1/veo/generate", self._create_veo)
        app.router.add_post("/api/v1/veo/extend", self._extend_veo)
        app.router.add_get("/api/v1/jobs/recordInfo", self._look)
        app.router.add_get("/api/v1/veo/record-info", self._look)
        app.router.add_get("/api/v1/chat/credit", self._balance)
        app.router.add_post("/api/v1/common/download-url", self._link)

    def is_paid(self, request: web.Request) -> bool:
        return request.path in _CREATES

    # --- creates ---

    async def _create_job(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if unknown := set(body) - {"model", "input", "callBackUrl"}:
            self.complaints.append(f"unknown fields {sorted(unknown)}")
        model, given = str(body.get("model")), body.get("input")
        if model.startswith("sora-"):
            return self.refusal(No.RETIRED)
        if model not in MODELS:
            return _said(422, "The model name you specified is not supported.")
        if not isinstance(given, dict) or not given.get("prompt"):
            return _said(500, "prompt is required")
        if wrong := self._wrong_pictures(model, given):
            return _said(422, wrong)
        return await self.create(request, body)

    def _wrong_pictures(self, model: str, given: Mapping[str, Any]) -> str:
        """What KIE says of pictures that it cannot have, or of two kinds of them together."""
        frames = [given[name] for name in ("first_frame_url", "last_frame_url") if name in given]
        listed = [
            url for name, value in given.items() if name.startswith(("image_urls", "reference_image")) for url in value
        ]
        if any(url not in self.uploads for url in (*frames, *listed)):
            return "Failed to fetch the image. Please verify any access limits set by you or your service provider."
        if frames and listed:
            return "first_frame_url / last_frame_url and reference_*_urls are mutually exclusive"
        if len(listed) > max(MODELS[model], 0):
            return "image_urls exceed the maximum"
        if "last_frame_url" in given and "first_frame_url" not in given and not model.startswith("minimax"):
            return "last_frame_url cannot be passed alone"
        if "image-to-video" in model and not frames and not listed:
            return "image_urls is required"
        return ""

    async def _create_veo(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        pictures = body.get("imageUrls", [])
        mode = body.get("generationType")
        if body.get("model") not in {"veo3", "veo3_fast", "veo3_lite"}:
            return _said(422, "The model name you specified is not supported.")
        if any(url not in self.uploads for url in pictures):
            return _said(400, "Failed to fetch the image.")
        if mode == "REFERENCE_2_VIDEO" and (body["model"] == "veo3" or body.get("duration") != 8):
            return _said(422, "REFERENCE_2_VIDEO must be 8 seconds of veo3_fast or veo3_lite")
        most = {"TEXT_2_VIDEO": 0, "FIRST_AND_LAST_FRAMES_2_VIDEO": 2, "REFERENCE_2_VIDEO": 3}.get(str(mode), 2)
        if len(pictures) > most:
            return _said(422, "imageUrls exceed the maximum")
        return await self.create(request, {**body, "route": "veo"})

    async def _extend_veo(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if body.get("model") not in {"fast", "quality", "lite"}:
            return _said(422, "model is not within the range of allowed options")
        if body.get("taskId") not in self.tasks:
            return _said(404, "The task does not exist")
        return await self.create(request, {**body, "route": "veo"})

    def refusal(self, no: No) -> web.Response:
        return _said(*_REFUSALS[no])

    def accepted(self, task: FakeTask) -> web.Response:
        if self.next_answers:
            status, text = self.next_answers.pop(0)
            return web.Response(status=status, text=text)
        return _said(200, "success", {"taskId": task.id, "recordId": f"record-{task.id}"})

    # --- looks ---

    async def _look(self, request: web.Request) -> web.Response:
        if self.null_records:
            self.null_records -= 1
            return _said(422, "recordInfo is null")
        task_id = request.query.get("taskId", "")
        is_veo, task = "/veo/" in request.path, self.tasks.get(task_id)
        if task is not None and (task.body.get("route") == "veo") != is_veo:
            return _said(404, "Task not found")
        return self.check(task_id)

    def shown(self, task: FakeTask, stage: Shown) -> web.Response:
        if stage is Shown.GONE:
            return _said(404, "Task not found")
        record = self.veo_record(task, stage) if task.body.get("route") == "veo" else self.record(task, stage)
        return _said(200, "success", record)

    def record(self, task: FakeTask, stage: Shown) -> dict[str, Any]:
        """A job as `recordInfo` shows it and as a call brings it: JSON inside the JSON."""
        state = {
            Shown.QUEUED: "waiting", Shown.RENDERING: "generating", Shown.DONE: "success", Shown.NO_VIDEO: "success",
            Shown.UNKNOWN_WORD: "pondering",
        }.get(stage, "fail")  # fmt: skip
        urls = [self.file_url(task)] if stage is Shown.DONE else []
        code, words = {
            Shown.FAILED: ("500", "internal error, please try again later."),
            Shown.REFUSED: (
                "400",
                "The input or output was flagged as sensitive. Please try again with different inputs.",
            ),
        }.get(stage, ("", ""))
        return {
            "taskId": task.id,
            "model": task.body.get("model"),
            "state": state,
            "param": json.dumps({**task.body, "input": json.dumps(task.body.get("input"))}),
            "resultJson": json.dumps({"resultUrls": urls}) if state == "success" else "",
            "failCode": code,
            "failMsg": words,
            "costTime": 60_000,
            "creditsConsumed": 0 if state == "fail" else 48,
            "progress": None,
        }

    def veo_record(self, task: FakeTask, stage: Shown) -> dict[str, Any]:
        """A render of the Veo routes; it has no word for waiting."""
        flag = {
            Shown.QUEUED: 0, Shown.RENDERING: 0, Shown.DONE: 1, Shown.NO_VIDEO: 1, Shown.FAILED: 3, Shown.UNKNOWN_WORD: 9
        }.get(stage, 2)  # fmt: skip
        words = {2: "Your prompt was flagged by Website as violating content policies", 3: "Internal Error"}.get(
            flag, ""
        )
        urls = [self.file_url(task)] if stage is Shown.DONE else []
        return {
            "taskId": task.id,
            "successFlag": flag,
            "response": {"taskId": task.id, "resultUrls": urls, "resolution": "720p"} if flag == 1 else None,
            "errorCode": {2: 400, 3: 501}.get(flag),
            "errorMessage": words,
        }

    async def _balance(self, _: web.Request) -> web.Response:
        return _said(200, "success", self.credits)

    async def _link(self, request: web.Request) -> web.Response:
        url = (await request.json()).get("url", "")
        if not self.gives_links:
            return _said(422, "The url is not one of ours")
        self.links += 1
        # It has a signature of its own, which is not over with the result's.
        return _said(200, "success", f"{url.partition('&look=')[0]}&direct=1")

    # --- uploads ---

    async def _upload_base64(self, request: web.Request) -> web.Response:
        body = await request.json()
        data = base64.b64decode(str(body.get("base64Data", "")).rpartition(",")[2], validate=True)
        if len(data) > 10_000_000:
            self.complaints.append("more than 10 MB as base64")
        return self._kept(str(body.get("uploadPath", "")), str(body.get("fileName", "")), data)

    async def _upload_stream(self, request: web.Request) -> web.Response:
        form = await request.post()
        file = form.get("file")
        assert isinstance(file, web.FileField)
        return self._kept(str(form.get("uploadPath", "")), str(form.get("fileName", "")), file.file.read())

    def _kept(self, path: str, name: str, data: bytes) -> web.Response:
        if self.upload_faults:
            status, code, words = self.upload_faults.pop(0)
            return _said(code, words, status=status)
        if not path or path.strip("/") != path:
            return _said(400, "uploadPath is required")
        if self.names.setdefault(name, data) != data:
            self.complaints.append(f"{name} was overwritten by another picture")
        url = f"https://tempfile.redpandaai.co/kieai/{path}/{name}"
        self.uploads[url] = data
        key = "fileUrl" if self.says_file_url else "downloadUrl"
        content = {
            "fileName": name,
            "filePath": f"{path}/{name}",
            key: url,
            "fileSize": len(data),
            "mimeType": "image/png",
        }
        return web.json_response({"success": True, "code": 200, "msg": "File uploaded successfully", "data": content})

    # --- calls ---

    def call(
        self, task: FakeTask, stage: Shown = Shown.DONE, *, at_s: float | None = None, key: str = WEBHOOK_KEY
    ) -> Hook:
        """The call that the service makes when a task is over, signed with a key."""
        if task.body.get("route") == "veo":
            data: dict[str, Any] = {
                "taskId": task.id,
                "info": {"resultUrls": [self.file_url(task)]},
                "fallbackFlag": False,
            }
        else:
            data = self.record(task, stage)
        told = str(int(time.time() if at_s is None else at_s))
        signature = base64.b64encode(hmac.new(key.encode(), f"{task.id}.{told}".encode(), hashlib.sha256).digest())
        headers = {"x-webhook-timestamp": told, "x-webhook-signature": signature.decode()}
        return Hook(headers, json.dumps({"code": 200, "msg": "success", "data": data}).encode())


def _said(code: int, words: str, data: object = None, *, status: int = 200) -> web.Response:
    return web.json_response({"code": code, "msg": words, "data": data}, status=status)
