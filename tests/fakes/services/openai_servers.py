"""Other servers of the `/v1/videos` shape on loopback, each with what it does otherwise than OpenAI.

The sources of the differences are in `catalogs/openai.toml`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aiohttp import web

from tests.fakes.services.base import FakeTask, No, Shown
from tests.fakes.services.openai import PROMPT, FakeOpenai, row


class FakeVllmOmni(FakeOpenai):
    """A form only, no key, FastAPI's errors; a failed render is answered with its status; a DELETE stops what is open."""

    preset = "vllm-omni"
    model = "Wan-AI/Wan2.2-TI2V-5B-Diffusers"
    settings: ClassVar[Mapping[str, str]] = {}
    shows: ClassVar[frozenset[Shown]] = FakeOpenai.shows - {Shown.REFUSED}
    refuses: ClassVar[frozenset[No]] = frozenset({No.SHOT, No.RETIRED})
    cancels = True
    stops_from = frozenset({Shown.QUEUED, Shown.RENDERING})
    forgets = True
    takes = frozenset({"multipart"})
    works = ()
    seconds = r"[1-9]\d*"
    sizes = r"\d+x\d+"
    fields = FakeOpenai.fields | {
        "input_references", "image_reference", "seed", "negative_prompt", "generate_sound", "fps", "num_frames",
        "num_inference_steps",
    }  # fmt: skip
    rows: ClassVar[Mapping[str, Any]] = {
        "wan": row(last_frame=True, seed=True, negative=True, price={"per_second": 0}, wire={"model": model})
    }

    def is_allowed(self, request: web.Request) -> bool:
        if "Authorization" in request.headers:
            self.complaints.append("a key where there is none")
        return True

    def error(self, status: int, code: str, words: str) -> web.Response:
        return web.json_response({"detail": words}, status=status)

    def invalid(self, field: str, words: str) -> web.Response:
        detail = [{"type": "missing", "loc": ["body", field], "msg": words, "input": None}]
        return web.json_response({"detail": detail}, status=422)

    def refusal(self, no: No) -> web.Response:
        if no is No.RETIRED:
            return self.error(400, "", f"Model mismatch: request specifies 'x' but server is running '{self.model}'.")
        return self.invalid("size", "String should match pattern '^\\d+x\\d+$'")

    def shown(self, task: FakeTask, stage: Shown) -> web.Response:
        answer = super().shown(task, stage)
        if stage is Shown.FAILED:
            answer.set_status(int(self.video(task, stage)["error"]["code"]))
        return answer

    def video(self, task: FakeTask, stage: Shown) -> dict[str, Any]:
        said = super().video(task, stage)
        error = {"code": task.extra.get("status", 500), "message": "CUDA out of memory"}
        return {
            **said,
            "model": self.model,
            "progress": 100 if stage is Shown.DONE else 0,
            "error": error if stage is Shown.FAILED else None,
            "file_name": f"{task.id}.mp4" if stage is Shown.DONE else None,
            "media_type": "video/mp4",
        }

    async def content(self, request: web.Request, task: FakeTask) -> web.StreamResponse:
        return await self._file(request)  # its own bytes, whatever the variant

    def deleted(self, task: FakeTask) -> web.Response:
        task.is_cancelled = self.stage(task) in {Shown.QUEUED, Shown.RENDERING}
        task.is_deleted = True
        return web.json_response({"id": task.id, "deleted": True, "object": "video.deleted"})


class FakeSglang(FakeVllmOmni):
    """A form or JSON; its videos are in a cloud, so that /content answers 400; its list has no prompts."""

    preset = "sglang"
    tells_apart = False
    model = "Wan-AI/Wan2.1-T2V-1.3B-Diffusers"
    refuses: ClassVar[frozenset[No]] = frozenset({No.SHOT})
    cancels = False
    stops_from = frozenset()
    takes = frozenset({"multipart", "json"})
    fields = FakeOpenai.fields | {"seed", "negative_prompt", "fps", "num_frames", "reference_url"}
    rows: ClassVar[Mapping[str, Any]] = {model: row(seed=True, negative=True, price={"per_second": 0})}

    def shown(self, task: FakeTask, stage: Shown) -> web.Response:
        return FakeOpenai.shown(self, task, stage)

    def video(self, task: FakeTask, stage: Shown) -> dict[str, Any]:
        said = FakeOpenai.video(self, task, stage)
        del said[PROMPT]
        url = self.file_url(task) if stage is Shown.DONE else None
        return {
            **said,
            "error": {"message": "it broke"} if stage is Shown.FAILED else None,
            "url": url,
            "urls": None,
            "file_path": None if stage in {Shown.DONE, Shown.NO_VIDEO} else f"/outputs/{task.id}.mp4",
        }

    async def content(self, request: web.Request, task: FakeTask) -> web.StreamResponse:
        return self.error(
            400, "", f"Video has been uploaded to cloud storage. Use the cloud URL: {self.file_url(task)}"
        )

    def deleted(self, task: FakeTask) -> web.Response:
        task.is_deleted = True
        return web.json_response({**self.video(task, self.stage(task)), "status": "deleted"})


class FakeLitellm(FakeOpenai):
    """No DELETE, no progress, a word of its own; long ids that name the upstream; rows without prompts."""

    preset = "litellm"
    model = "veo-3.1"
    deletes = False
    seconds = r"\d+"
    rows: ClassVar[Mapping[str, Any]] = {
        "veo-3.1": row(audio=True, extend=True, edit=True, remix=True, resolutions=["720p"])
    }

    def new_id(self) -> str:
        return f"video_bGl0ZWxsbTpjdXN0b21fbGxtX3Byb3ZpZGVyOnZlcnRleF9haTttb2RlbF9pZDp4{len(self.tasks)}=="

    def video(self, task: FakeTask, stage: Shown) -> dict[str, Any]:
        said = super().video(task, stage)
        said |= {"progress": None, "status": "processing" if stage is Shown.RENDERING else said["status"]}
        del said[PROMPT]
        return said

    async def content(self, request: web.Request, task: FakeTask) -> web.StreamResponse:
        return await self._file(request)  # through the server itself


class FakeNewApi(FakeLitellm):
    """Neither list nor DELETE; errors without a frame; `unknown` before it has asked its upstream; `metadata.url`."""

    preset = "new-api"
    model = "wan2.6-i2v"
    lists = False
    works = ("remix",)
    rows: ClassVar[Mapping[str, Any]] = {"wan2.6-i2v": row(remix=True)}
    sizes = r"\d+x\d+"

    def new_id(self) -> str:
        return f"task_{len(self.tasks) + 1}"

    def error(self, status: int, code: str, words: str) -> web.Response:
        headers = {"Retry-After": f"{self.retry_after_s:g}"} if status == 429 else {}
        return web.json_response({"code": code, "message": words, "data": None}, status=status, headers=headers)

    def refusal(self, no: No) -> web.Response:
        if no is No.CREDIT:
            return self.error(403, "insufficient_user_quota", "the balance is not enough")
        if no is No.RETIRED:
            return self.error(503, "model_not_found", "No available channel for model wan2.6-i2v under group default")
        return super().refusal(no)

    def shown(self, task: FakeTask, stage: Shown) -> web.Response:
        if stage in {Shown.GONE, Shown.CANCELLED}:
            return self.error(400, "task_not_exist", "task_not_exist")
        return super().shown(task, stage)

    def video(self, task: FakeTask, stage: Shown) -> dict[str, Any]:
        said = FakeOpenai.video(self, task, stage)
        for name in (PROMPT, "completed_at", "expires_at", "remixed_from_video_id"):
            del said[name]
        if said["error"] is None:
            del said["error"]
        metadata = {"metadata": {"url": self.file_url(task)}} if stage is Shown.DONE else {}
        word = "unknown" if stage is Shown.RENDERING and task.checks < 2 else said["status"]
        return {**said, "task_id": task.id, "status": word, **metadata}
