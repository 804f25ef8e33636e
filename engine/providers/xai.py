"""Grok Imagine at xAI: https://docs.x.ai/docs/guides/video-generations. No list, no cancel, no webhook."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from engine.errors import About, Billed, ProviderError, Refused, RenderFailed, Stage, Withheld
from engine.providers.answers import (
    Answer,
    bad_shot,
    fault_of_status,
    lost,
    misunderstood,
    model_retired,
    out_of_credit,
)
from engine.providers.base import Order, Prepared, Progress, Queued, Rendered, Rendering, Taken, Work
from engine.providers.catalog import Setup
from engine.providers.given_pictures import GivenPicture, given_picture, notes_of
from engine.providers.service import Service, bearer
from engine.providers.wire import Request

TICKS_PER_USD = Decimal(10_000_000_000)
"""https://docs.x.ai/docs/key-information/usage: `cost_in_usd_ticks`."""


def open_provider(setup: Setup) -> XaiProvider:
    """The provider of this kind."""
    return XaiProvider(setup)


class XaiProvider(Service):
    """Renders with Grok Imagine. A task id is the request's."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup, bearer(setup))

    async def prepare(self, order: Order, key: str) -> Prepared:
        """The request, with its pictures inside."""
        limits = self.model(order).abilities.picture
        first = await given_picture(order.first_frame, limits, "The first frame") if order.first_frame else None
        references = [await given_picture(path, limits, "A reference") for path in order.references]
        video = await self._video_url(order)
        return Prepared(order, key, request_of(order, first, references, video), notes_of([first, *references]))

    async def submit(self, prepared: Prepared) -> Taken:
        """One POST."""
        return Taken(read_taken(await self.wire.create(prepared.request)))

    async def check(self, task_id: str) -> Progress:
        """One GET."""
        return read_progress(await self.wire.ask(Request(method="GET", path=f"videos/{task_id}")))

    async def _video_url(self, order: Order) -> str:
        """Where xAI has the clip that is gone on from or changed; its address there is short-lived, so it is asked for anew."""
        if order.source is None:
            return ""
        if order.source.task_id is None:
            raise _no_source(self.catalog.title)
        progress = await self.check(order.source.task_id)
        if not isinstance(progress, Rendered):
            raise _no_source(self.catalog.title)
        return progress.where


def request_of(order: Order, first: GivenPicture | None, references: list[GivenPicture], video_url: str) -> Request:
    """The paid request."""
    if order.source is not None:
        # https://docs.x.ai/docs/guides/video-generations: an edit has its source's length, an extension 2 to 10 s
        extra: dict[str, Any] = {"video": {"url": video_url}}
        if order.source.work is Work.EXTEND:
            extra["duration"] = int(min(max(order.seconds, 2), 10))
        route = "extensions" if order.source.work is Work.EXTEND else "edits"
        return Request(
            method="POST", path=f"videos/{route}", json={"model": order.model, "prompt": order.prompt, **extra}
        )
    body: dict[str, Any] = {
        "model": order.model,
        "prompt": order.prompt,
        "duration": int(order.seconds),
        "aspect_ratio": order.ratio,
        "resolution": order.resolution,
    }
    if first is not None:
        body["image"] = {"url": first.data_uri}
    if references:
        body["reference_images"] = [{"url": each.data_uri} for each in references]
    if order.is_silent:
        body["generate_audio"] = False
    return Request(method="POST", path="videos/generations", json=body)


def read_taken(answer: Answer) -> str:
    """The task id of an accepted request."""
    if not answer.is_good:
        raise fault_of(answer, is_create=True)
    task_id = answer.table().get("request_id")
    if not isinstance(task_id, str) or not task_id:
        raise misunderstood(answer)
    return task_id


def read_progress(answer: Answer) -> Progress:
    """Where a render stands."""
    if answer.status == 202 and not answer.body.strip():
        return Queued()  # seen: an open request without any body
    if not answer.is_good:
        raise fault_of(answer, is_create=False)
    said = answer.table()
    match said.get("status"):
        case "pending" | "queued":
            progress = said.get("progress")
            return Rendering(float(progress)) if isinstance(progress, int | float) and progress else Queued()
        case "done":
            return _rendered(answer, said)
        case "failed":
            raise _failure(answer, said)
        case "expired":
            raise lost(answer)
        case word:
            raise misunderstood(answer, str(word))


def _rendered(answer: Answer, said: Mapping[str, Any]) -> Rendered:
    video = said.get("video")
    usage = said.get("usage")
    ticks = usage.get("cost_in_usd_ticks") if isinstance(usage, Mapping) else None
    usd = Decimal(ticks) / TICKS_PER_USD if isinstance(ticks, int) else None
    if isinstance(video, Mapping) and video.get("respect_moderation") is False:
        raise Withheld(
            f"{answer.service} rendered the shot, charged it, and withholds it for its content rules. Change the prompt.",
            provider=answer.service,
            detail=answer.detail,
        )
    if not isinstance(video, Mapping) or not isinstance(video.get("url"), str) or not video["url"]:
        raise _no_video(answer)
    return Rendered(video["url"], usd)


def _no_video(answer: Answer) -> ProviderError:
    return Refused(
        f"{answer.service} finished without a video, which mostly means that its content rules stopped it. Change the prompt.",
        stage=Stage.OUTPUT,
        provider=answer.service,
        detail=answer.detail,
        billed=Billed.UNKNOWN,
    )


def _no_source(service: str) -> ProviderError:
    return Refused(
        f"{service} has the clip no longer, so it cannot go on from it or change it; /continue from its last frame instead.",
        about=About.VIDEO,
        provider=service,
    )


def _failure(answer: Answer, said: Mapping[str, Any]) -> ProviderError:
    error = said.get("error")
    code = str(error.get("code", "")) if isinstance(error, Mapping) else ""
    if _is_moderation(code):
        return _refused(answer, Stage.OUTPUT, Billed.UNKNOWN)
    return RenderFailed(
        f"{answer.service} could not render the shot; try again, or change the prompt.",
        provider=answer.service,
        detail=answer.detail,
    )


def fault_of(answer: Answer, *, is_create: bool) -> ProviderError:
    """What an answer that is not good means."""
    code, words = _error_of(answer)
    if _is_moderation(code) or _is_moderation(words):
        return _refused(answer, Stage.INPUT, Billed.NO)
    if "credit" in words.lower() and answer.status in {402, 403, 429}:
        return out_of_credit(answer)
    if "model" in words.lower() and answer.status in {400, 404} and is_create:
        return model_retired(answer)
    if answer.status in {400, 422} and is_create:
        return bad_shot(answer, words)
    return fault_of_status(answer, is_create=is_create)


def _error_of(answer: Answer) -> tuple[str, str]:
    """Code and words of an error body: {"code", "error"} or {"error": {"code", "message"}}."""
    try:
        said = answer.table()
    except ProviderError:
        return "", ""
    error = said.get("error")
    if isinstance(error, Mapping):
        return str(error.get("code", "")), str(error.get("message", ""))
    return str(said.get("code", "")), str(error or "")


def _is_moderation(words: str) -> bool:
    return any(word in words.lower() for word in ("moderat", "content policy", "content_policy", "safety"))


def _refused(answer: Answer, stage: Stage, billed: Billed) -> Refused:
    return Refused(
        f"{answer.service} will not render this: its content rules forbid it. Change the prompt or the picture.",
        stage=stage,
        provider=answer.service,
        detail=answer.detail,
        billed=billed,
    )
