"""What servers of the `/v1/videos` shape answer: failures by their cause, the words for a render under way, where the video is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.errors import (
    AuthFailed,
    BadShot,
    Billed,
    Lost,
    Misunderstood,
    ModelRetired,
    OutOfCredit,
    ProviderError,
    RateLimited,
    Refused,
    RenderFailed,
    Stage,
    Unavailable,
)
from engine.providers.answers import Answer
from engine.providers.base import Rendered, Rendering
from engine.providers.openai_videos.answers import read_content, read_progress, read_taken
from engine.providers.openai_videos.quirks import Quirks

CONTENT = "https://gpu.example/v1/videos/v1/content"


def answer(status: int, body: Any) -> Answer:
    return Answer(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode(), "the studio")


def error(code: Any, message: str = "no", kind: str = "invalid_request_error") -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


REFUSED_CREATES: list[tuple[int, Any, type[ProviderError]]] = [
    (400, error("content_policy_violation"), Refused),
    (400, error("moderation_blocked"), Refused),
    (400, error("content_filter"), Refused),
    (500, {"code": "sensitive_words_detected", "message": "no", "data": None}, Refused),
    (429, error("insufficient_quota", kind="insufficient_quota"), OutOfCredit),
    (429, error(None, "You exceeded your current quota", "insufficient_quota"), OutOfCredit),
    (400, error("billing_hard_limit_reached"), OutOfCredit),
    (403, {"code": "insufficient_user_quota", "message": "no", "data": None}, OutOfCredit),
    (400, error("400", "Budget has been exceeded! Current cost: 3", "budget_exceeded"), OutOfCredit),
    (402, b"", OutOfCredit),
    (401, error("invalid_api_key"), AuthFailed),
    (403, error("unsupported_country_region_territory"), AuthFailed),
    (404, error("model_not_found"), ModelRetired),
    (400, {"detail": "Model mismatch: request specifies 'a' but server is running 'b'."}, ModelRetired),
    (503, {"code": "model_not_found", "message": "No available channel for model x"}, ModelRetired),
    (404, {"detail": "Not Found"}, ModelRetired),
    (400, error(None, "The model `sora-9` does not exist"), ModelRetired),
    (400, error(None, "For this model a duration of 5 is not supported"), BadShot),
    (400, {"detail": "prompt is required"}, BadShot),
    (422, {"detail": [{"loc": ["body", "size"], "msg": "String should match pattern"}]}, BadShot),
    (400, error("invalid_value", "Supported values are: '4', '8', and '12'."), BadShot),
    (413, b"<html>too large</html>", BadShot),
    (200, {"object": "video", "status": "queued"}, Misunderstood),
    (200, {"object": "video", "id": "a b"}, Misunderstood),
    (200, {"object": "video", "id": ["a"]}, Misunderstood),
    (200, {"object": "video", "id": "\ud800é"}, Misunderstood),
    (200, b"[" * 100_000, Misunderstood),
    (200, b"<html>welcome</html>", Misunderstood),
]


@pytest.mark.parametrize(("status", "body", "cause"), REFUSED_CREATES)
def test_a_refused_create_has_its_cause(status: int, body: Any, cause: type[ProviderError]) -> None:
    """By the server's words first, then by the status; a refusal costs nothing."""
    with pytest.raises(cause) as raised:
        read_taken(answer(status, body))
    assert type(raised.value) is cause
    assert raised.value.billed is (Billed.UNKNOWN if cause is Misunderstood else Billed.NO)


def video(status: Any, **more: Any) -> dict[str, Any]:
    return {"id": "v1", "object": "video", "status": status, **more}


FAILURES: list[tuple[int, Any, type[ProviderError], Billed]] = [
    (200, video("failed", error={"code": "moderation_blocked", "message": "no"}), Refused, Billed.UNKNOWN),
    (200, video("failed", error={"code": "content_filter", "message": "no"}), Refused, Billed.UNKNOWN),
    (200, video("failed", error={"code": "internal_error", "message": "no"}), RenderFailed, Billed.UNKNOWN),
    (200, video("failed", error={"message": "no code"}), RenderFailed, Billed.UNKNOWN),
    (200, video("failed", error=None), RenderFailed, Billed.UNKNOWN),
    (200, video("failed"), RenderFailed, Billed.UNKNOWN),
    (200, video("failed", error="just words"), RenderFailed, Billed.UNKNOWN),
    (200, video("failed", error={"code": "insufficient_quota", "message": "no"}), OutOfCredit, Billed.NO),
    (500, video("failed", error={"code": 500, "message": "CUDA"}), RenderFailed, Billed.UNKNOWN),
    (422, video("failed", error={"code": 422, "message": "num_frames must be 4n+1"}), RenderFailed, Billed.UNKNOWN),
    (404, video("failed", error={"code": 404, "message": "no weights"}), RenderFailed, Billed.UNKNOWN),
    (200, video("completed", error={"code": "rai", "message": "filtered"}), RenderFailed, Billed.UNKNOWN),
    (200, video("cancelled"), Misunderstood, Billed.UNKNOWN),
    (200, video("deleted"), Misunderstood, Billed.UNKNOWN),
    (200, video(None), Misunderstood, Billed.UNKNOWN),
    (200, [], Misunderstood, Billed.UNKNOWN),
    (404, {"detail": "Video not found"}, Lost, Billed.UNKNOWN),
    (404, error("video_not_found"), Lost, Billed.UNKNOWN),
    (400, {"code": "task_not_exist", "message": "task_not_exist"}, Lost, Billed.UNKNOWN),
    (401, error("invalid_api_key"), AuthFailed, Billed.NO),
    (429, error("rate_limit_exceeded"), RateLimited, Billed.NO),
    (503, {"detail": "busy"}, Unavailable, Billed.NO),
    (400, {"detail": "who knows"}, Misunderstood, Billed.UNKNOWN),
]


@pytest.mark.parametrize(("status", "body", "cause", "billed"), FAILURES)
def test_a_failed_render_has_its_cause(status: int, body: Any, cause: type[ProviderError], billed: Billed) -> None:
    """The body of a render is an answer whatever its status; the code may be missing or a number."""
    with pytest.raises(cause) as raised:
        read_progress(answer(status, body), Quirks(), CONTENT)
    assert (type(raised.value), raised.value.billed) == (cause, billed)


def test_what_was_filtered_is_told_from_what_was_blocked() -> None:
    """One was rendered, the other was not begun."""
    stages = []
    for code in ("content_filter", "moderation_blocked"):
        with pytest.raises(Refused) as raised:
            read_progress(answer(200, video("failed", error={"code": code})), Quirks(), CONTENT)
        stages.append(raised.value.stage)
    assert stages == [Stage.OUTPUT, Stage.INPUT]


def test_a_bad_value_that_shows_only_when_rendered_is_told() -> None:
    """The person can mend it only by knowing it."""
    said = video("failed", error={"code": 422, "message": "num_frames must be 4n+1."})
    with pytest.raises(RenderFailed, match=r"could not render the shot: num_frames must be 4n\+1; try again"):
        read_progress(answer(422, said), Quirks(), CONTENT)


@pytest.mark.parametrize("word", ["in_progress", "processing", "pending", "running"])
def test_the_words_for_a_render_under_way(word: str) -> None:
    """Of all servers; a percent only where one is told."""
    assert read_progress(answer(200, video(word)), Quirks(), CONTENT) == Rendering()
    assert read_progress(answer(200, video(word, progress=40)), Quirks(), CONTENT) == Rendering(40.0)
    odd: tuple[Any, ...] = (0, -1, 101, "x", True, None, [], 10**400)
    for nothing in odd:
        assert read_progress(answer(200, video(word, progress=nothing)), Quirks(), CONTENT) == Rendering()


def test_a_word_of_one_server_means_nothing_at_another() -> None:
    """`unknown` is New API's, before it has looked; elsewhere nobody would wait for it to pass."""
    said = answer(200, video("unknown", progress=40))
    assert read_progress(said, Quirks(waiting_words=("unknown",)), CONTENT) == Rendering()
    with pytest.raises(Misunderstood):
        read_progress(said, Quirks(), CONTENT)


@pytest.mark.parametrize(
    ("status", "kind", "is_there"),
    [
        (200, "video/mp4", True), (206, "video/mp4", True), (200, "application/octet-stream", True), (302, "", True),
        (416, "application/json", True), (200, "application/json", False), (200, "text/html; charset=utf-8", False),
        (404, "application/json", False), (400, "application/json", False), (410, "", False),
    ],
)  # fmt: skip
def test_there_is_a_video_or_there_is_none(status: int, kind: str, is_there: bool) -> None:
    """By what its own address answers."""
    said = Answer(status, {"content-type": kind}, b"", "the studio")
    if is_there:
        read_content(said)
        return
    with pytest.raises(Refused):
        read_content(said)


@pytest.mark.parametrize(
    "more", [{"error": {"code": ["x"], "message": "no"}}, {"error": {"code": {}, "message": 5}}, {"error": [1]}]
)
def test_an_error_of_any_shape_is_a_failure(more: dict[str, Any]) -> None:
    """Nothing that a server writes there ends the look."""
    with pytest.raises(RenderFailed):
        read_progress(answer(200, video("failed", **more)), Quirks(), CONTENT)


def test_an_address_that_is_none_is_misunderstood() -> None:
    """It is done all the same, and the operator is told."""
    with pytest.raises(Misunderstood):
        read_progress(answer(200, video("completed", url="http://[")), Quirks(result=("url",)), CONTENT)


@pytest.mark.parametrize(
    ("ways", "more", "where"),
    [
        (("content",), {"url": "https://cdn.example/a.mp4"}, CONTENT),
        (("url", "content"), {"url": "https://cdn.example/a.mp4"}, "https://cdn.example/a.mp4"),
        (("url", "content"), {"url": None}, CONTENT),
        (("url",), {"url": "/files/a.mp4"}, "https://gpu.example/files/a.mp4"),
        (("metadata.url",), {"metadata": {"url": "https://cdn.example/b.mp4"}}, "https://cdn.example/b.mp4"),
    ],
)
def test_the_video_is_where_the_server_has_it(ways: tuple[Any, ...], more: dict[str, Any], where: str) -> None:
    """As its table says, in that order."""
    assert read_progress(answer(200, video("completed", **more)), Quirks(result=ways), CONTENT) == Rendered(where)


@pytest.mark.parametrize(
    "quirks", [Quirks(result=("url",)), Quirks(result=("metadata.url",)), Quirks(proof=("file_name",))]
)
def test_completed_without_a_video_is_no_success(quirks: Quirks) -> None:
    """Where the answer shows it."""
    with pytest.raises(Refused):
        read_progress(answer(200, video("completed", url=None, metadata=None, file_name=None)), quirks, CONTENT)
