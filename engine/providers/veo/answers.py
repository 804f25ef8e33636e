"""What Veo answers, and what that means. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine.errors import About, BadShot, Billed, ProviderError, Refused, RenderFailed, Stage
from engine.providers.answers import Answer, misunderstood, no_video
from engine.providers.base import Progress, Rendered, Rendering
from engine.providers.google_errors import fault_of, is_moderation
from engine.providers.inline_video import INLINE
from engine.providers.reading import TASK_ID_CHARS, rows_of, table_of, text_of

_OPERATION = re.compile(
    r"projects/\w[\w.:-]*/locations/[\w-]+/publishers/google/models/\w[\w.-]*/operations/[\w-]+", re.ASCII
)
_INVALID, _CANCELLED = 3, 1
"""https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto"""


def read_taken(answer: Answer) -> str:
    """The task id of an accepted request. It becomes part of an address, so it has to look like one."""
    if not answer.is_good:
        raise fault_of(answer, is_create=True)
    name = answer.table().get("name")
    if not isinstance(name, str) or len(name) > TASK_ID_CHARS or not _OPERATION.fullmatch(name):
        raise misunderstood(answer)
    return name


def read_progress(answer: Answer) -> Progress:
    """Where a render stands. An operation is done or not; nothing else is told."""
    if not answer.is_good:
        raise fault_of(answer, is_create=False)
    said = answer.table()
    done, error = said.get("done", False), said.get("error")
    if not isinstance(done, bool) or not isinstance(said.get("name"), str):
        raise misunderstood(answer, f"done: {done}")
    if not done:
        return Rendering()
    if isinstance(error, Mapping) and error:
        raise _failure(answer, error)
    video = video_of(said)
    if video is None:
        raise _no_video(answer, said)
    where = video.get("gcsUri")
    if where is None:
        return Rendered(INLINE)
    if not isinstance(where, str) or not re.fullmatch(r"gs://[^/]+/.+", where):
        raise misunderstood(answer, "address of the video")
    return Rendered(text_of(where))


def video_of(said: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The one video of a finished operation; None: there is none."""
    for video in rows_of(table_of(said.get("response")).get("videos")):
        if video.get("gcsUri") or video.get("bytesBase64Encoded"):
            return video
    return None


def _failure(answer: Answer, error: Mapping[str, Any]) -> ProviderError:
    """https://docs.cloud.google.com/vertex-ai/generative-ai/docs/video/responsible-ai-and-usage-guidelines: words and codes."""
    words, code = text_of(error.get("message")), error.get("code")
    billed = _billed(words)
    if is_moderation(words):
        about = (
            About.PICTURE if "image" in words.lower() else About.TEXT if "prompt" in words.lower() else About.UNKNOWN
        )
        stage = Stage.INPUT if re.search(r"\b(input|prompt)\b", words, re.IGNORECASE) else Stage.OUTPUT
        return _refused(answer, stage, about, billed)
    if code == _INVALID:
        return BadShot(
            f"{answer.service} cannot do this shot. Change its options, or choose another model.",
            provider=answer.service,
            detail=answer.detail,
            billed=billed,
        )
    what = "was told to stop the render" if code == _CANCELLED else "could not render the shot"
    return RenderFailed(
        f"{answer.service} {what}; try again, or change the prompt.",
        provider=answer.service,
        detail=answer.detail,
        billed=billed,
    )


def _no_video(answer: Answer, said: Mapping[str, Any]) -> Refused:
    """Filtered attempts are told as "not charged" (https://github.com/googleapis/js-genai/issues/1272); others may not be."""
    found = table_of(said.get("response")).get("raiMediaFilteredReasons")
    reasons = " ".join(text_of(each) for each in found) if isinstance(found, list) else ""
    if not reasons:
        return no_video(answer)
    about = About.TEXT if "prompt" in reasons.lower() else About.VIDEO
    return _refused(answer, Stage.OUTPUT, about, _billed(reasons))


def _billed(words: str) -> Billed:
    """Nothing, where Google says so."""
    return Billed.NO if re.search(r"not (be |been )?charged", words, re.IGNORECASE) else Billed.UNKNOWN


def _refused(answer: Answer, stage: Stage, about: About, billed: Billed) -> Refused:
    what = "rendered the shot and keeps it back" if about is About.VIDEO else "will not render this"
    return Refused(
        f"{answer.service} {what} for its content rules. Trying again often helps; else change the prompt or the picture.",
        stage=stage,
        about=about,
        provider=answer.service,
        detail=answer.detail,
        billed=billed,
    )
