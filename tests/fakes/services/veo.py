"""Veo on loopback, as the discovery document of Vertex and google-genai 3.4 have it."""

from __future__ import annotations

import base64
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from aiohttp import web

from engine.providers.catalog import Setup
from tests.fakes.services.base import FakeService, FakeTask, No, Shown
from tests.fakes.services.google_cloud import TOKEN, FakeTokens, error_body, write_account

MODELS = frozenset({"veo-3.1-generate-001", "veo-3.1-fast-generate-001", "veo-3.1-lite-generate-001"})
_INSTANCE = frozenset({"prompt", "image", "lastFrame", "referenceImages", "video"})
_PARAMETERS = frozenset(
    {
        "sampleCount",
        "durationSeconds",
        "aspectRatio",
        "resolution",
        "generateAudio",
        "negativePrompt",
        "seed",
        "storageUri",
    }
)
_MODEL = "/v1/projects/{project}/locations/{location}/publishers/google/models/{model:[^:/]+}"
_REFUSALS = {
    No.TEXT: (400, "INVALID_ARGUMENT", "The prompt could not be submitted. It might violate our policies."),
    No.PICTURE: (
        400,
        "INVALID_ARGUMENT",
        "Veo could not generate videos because the input image violates Vertex AI's usage guidelines. Support codes: 15236754",
    ),
    No.CREDIT: (403, "PERMISSION_DENIED", "This API method requires billing to be enabled. Please enable billing."),
    No.RATE: (429, "RESOURCE_EXHAUSTED", "Quota exceeded for online_prediction_requests_per_base_model."),
    No.KEY: (401, "UNAUTHENTICATED", "Request had invalid authentication credentials."),
    No.SHOT: (400, "INVALID_ARGUMENT", "Unsupported output video duration 5 seconds, supported durations are [8,4,6]."),
    No.RETIRED: (404, "NOT_FOUND", "Publisher Model `veo-3.1-generate-001` was not found."),
}
FILTERED = (
    "Veo generated videos that were filtered for safety. You will not be charged for this. Support codes: 63429089"
)


class FakeVeo(FakeService):
    """The service. An operation is done or not; it says no more."""

    kind = "veo"
    shows: ClassVar[frozenset[Shown]] = frozenset(Shown) - {Shown.WITHHELD, Shown.CANCELLED, Shown.QUEUED}
    settings: ClassVar[Mapping[str, str]] = {"project": "film-project"}

    def __init__(self) -> None:
        super().__init__()
        self.tokens = FakeTokens()
        self.error: Mapping[str, Any] = {"code": 13, "message": "Internal error encountered."}
        """Of an operation that failed."""
        self._folder = tempfile.TemporaryDirectory(prefix="nextshot-")

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self.tokens.url = f"{self.url}/token"
        write_account(self._account, self.tokens.url)
        return self

    async def __aexit__(self, *what: object) -> None:
        await super().__aexit__(*what)
        self._folder.cleanup()

    @property
    def _account(self) -> Path:
        return Path(self._folder.name) / "account.json"

    def setup(self, changes: Mapping[str, Any] | None = None, **settings: str) -> Setup:
        """With a folder for results unless told otherwise."""
        own = {
            "credentials": str(self._account),
            "storage_url": f"{self.url}/storage",
            "gcs_uri": "gs://films/renders",
        }
        return super().setup(changes, **{**own, **settings})

    def add_routes(self, app: web.Application) -> None:
        app.router.add_post(f"{_MODEL}:predictLongRunning", self._create)
        app.router.add_post(f"{_MODEL}:fetchPredictOperation", self._look)
        app.router.add_get("/storage/{bucket}/{name:.+}", self._file)
        app.router.add_post("/token", self.tokens.answer)

    def is_allowed(self, request: web.Request) -> bool:
        if request.path == "/token":
            return True
        return not self.key_is_withdrawn and request.headers.get("Authorization") == f"Bearer {TOKEN}"

    def is_paid(self, request: web.Request) -> bool:
        return request.path.endswith(":predictLongRunning")

    async def _create(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.complaints += _wrong(body)
        found = request.match_info
        if found["model"] not in MODELS:
            return self.refusal(No.RETIRED)
        if body["parameters"].get("durationSeconds", 8) not in {4, 6, 8}:
            return self.refusal(No.SHOT)
        model = f"projects/{found['project']}/locations/{found['location']}/publishers/google/models/{found['model']}"
        number = f"{len(self.tasks) + 1:012}"
        return await self.create(request, body, task_id=f"{model}/operations/2f0a1c3e-0000-4000-8000-{number}")

    async def _look(self, request: web.Request) -> web.Response:
        body = await request.json()
        name = str(body.get("operationName"))
        if set(body) != {"operationName"} or not name.startswith(f"projects/{request.match_info['project']}/"):
            self.complaints.append(f"not a look at an operation: {body}")
        return self.check(name)

    def refusal(self, no: No) -> web.Response:
        code, status, message = _REFUSALS[no]
        return error_body(code, status, message, retry_after_s=self.retry_after_s if no is No.RATE else 0)

    def accepted(self, task: FakeTask) -> web.Response:
        return web.json_response({"name": task.id})

    def shown(self, task: FakeTask, stage: Shown) -> web.Response:
        match stage:
            case Shown.QUEUED | Shown.RENDERING:
                return web.json_response({"name": task.id})
            case Shown.DONE:
                return _done(task, {"videos": [self._video(task)]})
            case Shown.FAILED:
                return web.json_response({"name": task.id, "done": True, "error": dict(self.error)})
            case Shown.REFUSED:
                return _done(task, {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": [FILTERED]})
            case Shown.NO_VIDEO:
                return _done(task, {})
            case Shown.UNKNOWN_WORD:
                return web.json_response({"name": task.id, "done": "nearly"})
            case _:
                return error_body(404, "NOT_FOUND", "The operation was not found.")

    def _video(self, task: FakeTask) -> dict[str, str]:
        storage = task.body["parameters"].get("storageUri")
        if storage is not None:
            return {"gcsUri": f"{storage}{task.id.rpartition('-')[2]}/sample_0.mp4", "mimeType": "video/mp4"}
        return {"bytesBase64Encoded": base64.b64encode(self.clip()).decode(), "mimeType": "video/mp4"}


def _done(task: FakeTask, response: Mapping[str, Any]) -> web.Response:
    kind = "type.googleapis.com/cloud.ai.large_models.vision.GenerateVideoResponse"
    return web.json_response({"name": task.id, "done": True, "response": {"@type": kind, **response}})


def _wrong(body: Mapping[str, Any]) -> list[str]:
    """Everything in a request that the service would not take."""
    instances, parameters = body["instances"], body["parameters"]
    instance = instances[0]
    wrong = []
    if set(body) != {"instances", "parameters"} or len(instances) != 1:
        wrong.append("not one instance with its parameters")
    if unknown := (set(instance) - _INSTANCE) | (set(parameters) - _PARAMETERS):
        wrong.append(f"unknown fields {sorted(unknown)}")
    if "lastFrame" in instance and "image" not in instance:
        wrong.append("a last frame without a first one")
    if "referenceImages" in instance and {"image", "lastFrame", "video"} & set(instance):
        wrong.append("references beside a frame or a clip")
    if "video" in instance and "image" in instance:
        wrong.append("a clip beside a frame")
    pictures = [instance[name] for name in ("image", "lastFrame") if name in instance]
    pictures += [each["image"] for each in instance.get("referenceImages", [])]
    if any(each.get("mimeType") not in {"image/png", "image/jpeg"} for each in pictures):
        wrong.append("a picture of a kind that it does not take")
    if not re.fullmatch(r"gs://[^/]+/.*/", parameters.get("storageUri", "gs://a/b/")):
        wrong.append("not a folder of Cloud Storage")
    if not 0 <= parameters.get("seed", 0) < 2**32:
        wrong.append("the seed is too large")
    return wrong
