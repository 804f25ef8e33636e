"""Gemini Omni on loopback, by key and in a project, as https://ai.google.dev/gemini-api/docs/omni and google-genai 3.4 have it."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from aiohttp import web

from engine.providers.catalog import Setup
from tests.fakes.services.base import FakeService, FakeTask, No, Shown
from tests.fakes.services.google_cloud import TOKEN, FakeTokens, error_body, private_key, write_account

MODELS = frozenset({"gemini-omni-1.2-flash", "gemini-omni-1.1-flash", "gemini-omni-flash-preview"})
CLOUD_MODELS = frozenset({"gemini-omni-1.2-flash", "gemini-omni-1.1-flash-preview"})
_KNOWN = frozenset(
    {
        "model",
        "input",
        "response_format",
        "background",
        "store",
        "generation_config",
        "previous_interaction_id",
        "webhook_config",
    }
)
_TASKS = frozenset({"text_to_video", "image_to_video", "reference_to_video", "edit", "extend"})
_MIME = frozenset({"image/png", "image/jpeg", "image/webp", "video/mp4"})
_VERSION = "/{version:v1|v1beta}"
"""The documentation says v1beta, google-genai 3.4 asks at v1."""
_PROJECT = "/v1beta1/projects/{project}/locations/global"
_QUOTA = "Quota exceeded for metric: generativelanguage.googleapis.com/generate_requests_per_model"
_REFUSALS = {
    No.TEXT: (400, "INVALID_ARGUMENT", "The prompt was blocked: it may violate our Prohibited Use policy."),
    No.PICTURE: (400, "INVALID_ARGUMENT", "The input image was blocked for safety reasons."),
    No.CREDIT: (429, "RESOURCE_EXHAUSTED", f"{_QUOTA}, limit: 0, model: gemini-omni-1.2-flash"),
    No.RATE: (429, "RESOURCE_EXHAUSTED", f"{_QUOTA}, limit: 10, model: gemini-omni-1.2-flash"),
    No.KEY: (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."),
    No.SHOT: (400, "INVALID_ARGUMENT", "Video duration must be between 3 and 15 seconds."),
    No.RETIRED: (404, "NOT_FOUND", "models/gemini-omni-1.2-flash is not found for API version v1beta"),
}


class FakeGoogle(FakeService):
    """The service. A result is a file of its own, which is there a while later; its download leads to another host."""

    kind = "google"
    shows: ClassVar[frozenset[Shown]] = frozenset(Shown) - {Shown.WITHHELD}
    cancels: ClassVar[bool] = True
    forgets: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.tokens = FakeTokens()
        self.file_states: list[str] = []
        """What the next looks at a file say; then it is there."""
        self.files_are_gone = False
        """Two days are over: results are there no more, renders still are."""
        self.inline = False
        """The video lies in the answer, also where an address was asked for."""
        self.uploads: dict[str, bytes] = {}
        self.usage: Mapping[str, Any] = {
            "total_input_tokens": 1_000,
            "total_thought_tokens": 200,
            "total_output_tokens": 57_920,
            "output_tokens_by_modality": [{"modality": "video", "tokens": 57_920}],
        }
        self._folder = tempfile.TemporaryDirectory(prefix="nextshot-")

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self.tokens.url = f"{self.url}/token"
        return self

    async def __aexit__(self, *what: object) -> None:
        await super().__aexit__(*what)
        self._folder.cleanup()

    def cloud_setup(self, changes: Mapping[str, Any] | None = None, **settings: str) -> Setup:
        """What the provider is opened with in a project."""
        account = write_account(Path(self._folder.name) / "account.json", self.tokens.url)
        return self.setup(
            changes,
            key="",
            project="film-project",
            credentials=str(account),
            storage_url=f"{self.url}/storage",
            **settings,
        )

    def add_routes(self, app: web.Application) -> None:
        for base in (_VERSION, _PROJECT):
            app.router.add_post(f"{base}/interactions", self._create)
            app.router.add_get(f"{base}/interactions/{{id}}", self._get)
            app.router.add_post(f"{base}/interactions/{{id}}/cancel", self._cancel)
            app.router.add_delete(f"{base}/interactions/{{id}}", self._delete)
        app.router.add_post(f"/upload{_VERSION}/files", self._upload)
        app.router.add_get(f"{_VERSION}/files/{{id:[^:/]+}}", self._file_state)
        app.router.add_get(f"{_VERSION}/files/{{id:[^:/]+}}:download", self._download)
        app.router.add_get("/storage/{bucket}/{name:.+}", self._file)
        app.router.add_get("/.well-known/jwks.json", self._keys)
        app.router.add_post("/token", self.tokens.answer)

    def is_allowed(self, request: web.Request) -> bool:
        if "key" in request.query:
            self.complaints.append("the key stands in the address")
        if request.path in {"/token", "/.well-known/jwks.json"}:
            return True
        if "upload_id" in request.query:  # it is the permission
            return True
        if self.key_is_withdrawn:
            return False
        if request.path.startswith(("/v1beta1/", "/storage/")):
            return request.headers.get("Authorization") == f"Bearer {TOKEN}"
        return request.headers.get("x-goog-api-key") == self.settings["key"]

    def is_paid(self, request: web.Request) -> bool:
        return request.method == "POST" and request.path.endswith("/interactions")

    def new_id(self) -> str:
        return f"v1_{len(self.tasks) + 1:08}"

    async def _create(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        is_cloud = "project" in request.match_info
        self.complaints += _wrong(body, is_cloud=is_cloud)
        if request.headers.get("Api-Revision") != "2026-05-20":
            self.complaints.append("without the revision whose answers have steps")
        if body.get("model") not in (CLOUD_MODELS if is_cloud else MODELS):
            return self.refusal(No.RETIRED)
        previous = body.get("previous_interaction_id")
        if previous is not None and (previous not in self.tasks or self.tasks[previous].is_deleted):
            return error_body(404, "NOT_FOUND", "Interaction not found.")
        return await self.create(request, body)

    def let_forget(self) -> Mapping[str, str]:
        return {"keep": "no"}

    async def _get(self, request: web.Request) -> web.Response:
        return self.check(request.match_info["id"])

    async def _cancel(self, request: web.Request) -> web.Response:
        task = self.tasks.get(request.match_info["id"])
        if task is None or task.is_deleted:
            return error_body(404, "NOT_FOUND", "Interaction not found.")
        stage = task.shown or self.script[min(task.checks, len(self.script) - 1)]
        if stage in {Shown.QUEUED, Shown.RENDERING}:
            task.is_cancelled, task.shown = True, Shown.CANCELLED
        return self.check(task.id)

    async def _delete(self, request: web.Request) -> web.Response:
        task = self.tasks.get(request.match_info["id"])
        if task is None or task.is_deleted:
            return error_body(404, "NOT_FOUND", "Interaction not found.")
        task.is_deleted = True
        return web.json_response({})

    async def _upload(self, request: web.Request) -> web.Response:
        command = request.headers.get("X-Goog-Upload-Command", "")
        if command == "start":
            body = await request.json()
            if request.headers.get("X-Goog-Upload-Protocol") != "resumable" or "file" not in body:
                self.complaints.append("not the beginning of an upload")
            length = request.headers["X-Goog-Upload-Header-Content-Length"]
            upload_id = f"{length}-{len(self.uploads) + 1}"
            # The true host, which a client that is told another one must not send the clip to.
            named = f"https://generativelanguage.googleapis.com/upload/v1beta/files?upload_id={upload_id}"
            return web.json_response({}, headers={"X-Goog-Upload-URL": named, "X-Goog-Upload-Status": "active"})
        upload_id, data = request.query["upload_id"], await request.read()
        if command != "upload, finalize" or len(data) != int(upload_id.partition("-")[0]):
            self.complaints.append("not the whole file in one piece")
        name = f"clip-{len(self.uploads) + 1}"
        self.uploads[name] = data
        return web.json_response({"file": self.file_body(name)}, headers={"X-Goog-Upload-Status": "final"})

    def file_body(self, file_id: str) -> dict[str, Any]:
        """A file as its own answer shows it."""
        state = self.file_states.pop(0) if self.file_states else "ACTIVE"
        return {
            "name": f"files/{file_id}",
            "mimeType": "video/mp4",
            "uri": f"https://generativelanguage.googleapis.com/v1beta/files/{file_id}",
            "state": state,
        }

    async def _file_state(self, request: web.Request) -> web.Response:
        file_id = request.match_info["id"]
        if self._task_of(file_id) is None and file_id not in self.uploads:
            words = f"You do not have permission to access the File {file_id} or it may not exist."
            return error_body(403, "PERMISSION_DENIED", words)
        return web.json_response(self.file_body(file_id))

    async def _download(self, request: web.Request) -> web.Response:
        task = self._task_of(request.match_info["id"])
        if task is None or request.query.get("alt") != "media":
            return error_body(404, "NOT_FOUND", "File not found.")
        return web.Response(status=302, headers={"Location": self.file_url(task)})

    async def _keys(self, _: web.Request) -> web.Response:
        numbers = private_key().public_key().public_numbers()
        key = {"kty": "RSA", "kid": "hooks-1", "alg": "RS256", "use": "sig"}
        return web.json_response({"keys": [{**key, "n": _url_base64(numbers.n), "e": _url_base64(numbers.e)}]})

    def _task_of(self, file_id: str) -> FakeTask | None:
        if self.files_are_gone:
            return None
        return next((task for task in self.tasks.values() if _file_id(task) == file_id), None)

    def refusal(self, no: No) -> web.Response:
        code, status, message = _REFUSALS[no]
        return error_body(code, status, message, retry_after_s=self.retry_after_s if no is No.RATE else 0)

    def accepted(self, task: FakeTask) -> web.Response:
        return self._interaction(task, "in_progress" if task.body.get("background") else "completed")

    def shown(self, task: FakeTask, stage: Shown) -> web.Response:
        blocked = [{"code": "safety", "message": "The generated video was blocked by our safety filters."}]
        match stage:
            case Shown.QUEUED:
                return self._interaction(task, "queued")
            case Shown.RENDERING:
                return self._interaction(task, "in_progress")
            case Shown.DONE:
                steps = [{"type": "thought"}, {"type": "model_output", "content": [self._video(task)]}]
                return self._interaction(task, "completed", steps=steps, usage=self.usage)
            case Shown.NO_VIDEO:
                text = {"type": "text", "text": "I cannot make this video."}
                usage = {"total_output_tokens": 0, "output_tokens_by_modality": []}
                steps = [{"type": "model_output", "content": [text]}]
                return self._interaction(task, "completed", steps=steps, usage=usage)
            case Shown.FAILED:
                errors = [{"code": "internal", "message": "An internal error has occurred."}]
                return self._interaction(task, "failed", errors=errors)
            case Shown.REFUSED:
                return self._interaction(task, "failed", errors=blocked)
            case Shown.CANCELLED:
                return self._interaction(task, "cancelled")
            case Shown.UNKNOWN_WORD:
                return self._interaction(task, "pondering")
            case _:
                return error_body(404, "NOT_FOUND", "Interaction not found.")

    def _interaction(self, task: FakeTask, status: str, **more: Any) -> web.Response:
        times = {"created": "2026-11-20T10:00:00Z", "updated": "2026-11-20T10:00:01Z"}
        head = {"id": task.id, "object": "interaction", "model": task.body.get("model"), "status": status}
        return web.json_response({**head, **times, **more})

    def _video(self, task: FakeTask) -> dict[str, Any]:
        block = {"type": "video", "mime_type": "video/mp4"}
        asked = task.body.get("response_format", {})
        if self.inline or asked.get("delivery") != "uri":
            return {**block, "data": base64.b64encode(self.clip()).decode()}
        if "gcs_uri" in asked:
            return {**block, "uri": f"{asked['gcs_uri']}/{task.id}/sample 0.mp4"}
        base = "https://generativelanguage.googleapis.com/v1beta"
        return {**block, "uri": f"{base}/files/{_file_id(task)}:download?alt=media"}


def _file_id(task: FakeTask) -> str:
    return f"r{task.id.removeprefix('v1_')}"


def _url_base64(number: int) -> str:
    data = number.to_bytes((number.bit_length() + 7) // 8)
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _wrong(body: Mapping[str, Any], *, is_cloud: bool) -> list[str]:
    """Everything in a request that the service would not take."""
    wrong = [f"unknown fields {sorted(set(body) - _KNOWN)}"] if set(body) - _KNOWN else []
    if body.get("background") and body.get("store") is False:
        wrong.append("a job in the background has to be stored")
    asked = body.get("response_format", {})
    if is_cloud and asked.get("delivery") == "uri" and not str(asked.get("gcs_uri", "")).startswith("gs://"):
        wrong.append("in a project, an address needs a folder")
    if not is_cloud and "gcs_uri" in asked:
        wrong.append("a folder is only for projects")
    if not str(asked.get("duration", "5s")).endswith("s"):
        wrong.append("the duration has no unit")
    task = body.get("generation_config", {}).get("video_config", {}).get("task")
    if task is not None and task not in _TASKS:
        wrong.append(f"no such task {task}")
    blocks = body["input"] if isinstance(body["input"], list) else []
    pictures = [block for block in blocks if block.get("type") == "image"]
    words = " ".join(str(block.get("text", "")) for block in blocks if block.get("type") == "text")
    for block in blocks:
        if block.get("type") != "text" and block.get("mime_type") not in _MIME:
            wrong.append(f"a {block.get('type')} of the kind {block.get('mime_type')}")
        if block.get("type") != "text" and ("data" in block) == ("uri" in block):
            wrong.append("a block needs its bytes or an address, and not both")
    roles = sum(words.count(f"{tag}_FRAME>") for tag in ("<FIRST", "<LAST")) + words.count("<IMAGE_REF_")
    if roles != len(pictures):
        wrong.append(f"{len(pictures)} pictures with {roles} roles")
    return wrong
