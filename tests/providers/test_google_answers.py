"""Gemini Omni: every documented end and every no, as the cause that it is; addresses and costs. Pure."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from engine.errors import (
    AuthFailed,
    BadShot,
    Billed,
    Misunderstood,
    ModelRetired,
    OutOfCredit,
    ProviderError,
    RateLimited,
    Refused,
    RenderFailed,
    Stage,
)
from engine.providers.answers import Answer
from engine.providers.google.answers import cost_of, read_progress, read_taken, where_of


def answer_of(said: Any, status: int = 200) -> Answer:
    return Answer(status=status, headers={}, body=json.dumps(said).encode(), service="Google")


BLOCKED = [{"code": "safety", "message": "The prompt was blocked."}]
STEP_ERROR = [{"type": "model_output", "error": {"code": 3, "message": "Violates the Prohibited Use policy."}}]
STATUSES: list[tuple[dict[str, Any], type[ProviderError], Billed]] = [
    ({"status": "completed"}, Refused, Billed.UNKNOWN),
    ({"status": "completed", "steps": [{"type": "model_output", "content": []}]}, Refused, Billed.UNKNOWN),
    ({"status": "completed", "steps": STEP_ERROR}, Refused, Billed.UNKNOWN),
    (
        {"status": "completed", "steps": [{"type": "model_output", "content": [{"type": "video"}]}]},
        Refused,
        Billed.UNKNOWN,
    ),
    ({"status": "failed", "errors": BLOCKED}, Refused, Billed.UNKNOWN),
    ({"status": "failed", "steps": STEP_ERROR}, Refused, Billed.UNKNOWN),
    ({"status": "failed", "errors": [{"code": "internal", "message": "An error."}]}, RenderFailed, Billed.UNKNOWN),
    ({"status": "failed", "errors": [{"code": "invalid_argument", "message": "No."}]}, BadShot, Billed.UNKNOWN),
    ({"status": "failed"}, RenderFailed, Billed.UNKNOWN),
    ({"status": "cancelled"}, RenderFailed, Billed.UNKNOWN),
    ({"status": "incomplete"}, RenderFailed, Billed.UNKNOWN),
    ({"status": "requires_continuation", "continuation_token": "x"}, RenderFailed, Billed.UNKNOWN),
    ({"status": "requires_action"}, RenderFailed, Billed.UNKNOWN),
    ({"status": "budget_exceeded"}, OutOfCredit, Billed.UNKNOWN),
    ({"status": "paused"}, Misunderstood, Billed.UNKNOWN),
    ({}, Misunderstood, Billed.UNKNOWN),
]


@pytest.mark.parametrize(("said", "error", "billed"), STATUSES)
def test_every_end_without_a_video_has_its_cause(
    said: dict[str, Any], error: type[ProviderError], billed: Billed
) -> None:
    """Nothing is tried again by itself, and nobody says what was charged, as Google does not."""
    with pytest.raises(error) as raised:
        read_progress(answer_of(said), {})
    assert type(raised.value) is error
    assert (raised.value.billed, raised.value.retryable) == (billed, False)


def test_a_refusal_without_a_word_names_both_causes() -> None:
    """Content rules, or a region in which clips may not be uploaded."""
    with pytest.raises(Refused, match="region") as raised:
        read_progress(answer_of({"status": "completed", "usage": {"total_output_tokens": 0}}), {})
    assert raised.value.stage is Stage.OUTPUT


def error_of(code: int, message: str, status: str = "INVALID_ARGUMENT", **more: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "status": status, **more}}


RETRY = {"details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "17.5s"}]}
CREATES: list[tuple[int, Any, type[ProviderError]]] = [
    (400, error_of(400, "API key not valid. Please pass a valid API key."), AuthFailed),
    (400, [error_of(400, "API key expired.")], AuthFailed),
    (400, error_of(400, "User location is not supported for the API use.", "FAILED_PRECONDITION"), AuthFailed),
    (401, error_of(401, "Request had invalid authentication credentials.", "UNAUTHENTICATED"), AuthFailed),
    (403, error_of(403, "Permission denied.", "PERMISSION_DENIED"), AuthFailed),
    (403, error_of(403, "This API method requires billing to be enabled. Please enable billing."), OutOfCredit),
    (429, error_of(429, "Quota exceeded, limit: 0, model: gemini-omni", "RESOURCE_EXHAUSTED"), OutOfCredit),
    (429, error_of(429, "Your prepayment credits are depleted.", "RESOURCE_EXHAUSTED"), OutOfCredit),
    (429, error_of(429, "You exceeded your current quota, please check your plan and billing details."), RateLimited),
    (400, error_of(400, "The prompt was blocked by our safety filters."), Refused),
    (400, {"error": {"code": "https://errors.google/safety", "message": "Prohibited content."}}, Refused),
    (400, error_of(400, "duration must be between 3 and 15 seconds"), BadShot),
    (400, error_of(400, "The organization policy does not allow this aspect ratio."), BadShot),
    (413, "<html>too large</html>", BadShot),
    (404, error_of(404, "models/gemini-omni-1.1-flash is not found for API version v1beta", "NOT_FOUND"), ModelRetired),
    (400, error_of(400, "This model is no longer available."), ModelRetired),
    (404, {}, ModelRetired),
    (200, {"status": "queued"}, Misunderstood),
    (418, {}, Misunderstood),
]


@pytest.mark.parametrize(("status", "said", "error"), CREATES)
def test_every_no_to_a_request_has_its_cause(status: int, said: Any, error: type[ProviderError]) -> None:
    """A refused request costs nothing; one that nobody understands may."""
    with pytest.raises(error) as raised:
        read_taken(answer_of(said, status))
    assert type(raised.value) is error
    assert raised.value.billed is (Billed.UNKNOWN if error is Misunderstood else Billed.NO)


def test_how_long_to_wait_stands_in_the_body() -> None:
    """Not in a header."""
    with pytest.raises(RateLimited) as raised:
        read_taken(answer_of(error_of(429, "Quota exceeded.", "RESOURCE_EXHAUSTED", **RETRY), 429))
    assert raised.value.retry_after_s == 17.5


HOME = "https://generativelanguage.googleapis.com"
ADDRESSES = [
    ("files/abc-1", "files/abc-1"),
    (f"{HOME}/v1beta/files/abc1", "files/abc1"),
    (f"{HOME}/v1beta/files/abc1:download?alt=media", "files/abc1"),
    ("https://elsewhere.example/v1beta/files/abc1:download", "files/abc1"),
    ("gs://films/renders/files/1.mp4", "gs://films/renders/files/1.mp4"),
    ("https://elsewhere.example/clip.mp4", "https://elsewhere.example/clip.mp4"),
    ("", "inline"),
]


@pytest.mark.parametrize(("uri", "where"), ADDRESSES)
def test_every_form_of_an_address_is_understood(uri: str, where: str) -> None:
    """A file of Google's is named by its id, so that the key goes to the host that we know."""
    assert where_of(answer_of({}), {"uri": uri} if uri else {"data": "AAAA"}) == where


@pytest.mark.parametrize("uri", ["http://127.0.0.1/clip.mp4", "file:///etc/passwd", 7, ["x"]])
def test_no_other_address_is_taken(uri: Any) -> None:
    """Nobody knows what it would mean."""
    with pytest.raises(Misunderstood):
        where_of(answer_of({}), {"uri": uri})


PRICES = {"video": 12.0, "text": 9.0, "thought": 9.0, "input": 1.5}
COSTS: list[tuple[Any, str | None]] = [
    ({"output_tokens_by_modality": [{"modality": "video", "tokens": 57_920}]}, "0.69504"),
    (
        {"output_tokens_by_modality": [{"modality": "VIDEO", "tokens": 1_000_000}], "total_input_tokens": 2_000_000},
        "15",
    ),
    (
        {
            "output_tokens_by_modality": [
                {"modality": "video", "tokens": 1_000_000},
                {"modality": "text", "tokens": 1_000},
            ],
            "total_thought_tokens": 1_000,
        },
        "12.018",
    ),
    ({"output_tokens_by_modality": [{"modality": "audio", "tokens": 5}, {"modality": "video", "tokens": 5}]}, None),
    ({"output_tokens_by_modality": []}, None),
    ({"output_tokens_by_modality": [{"modality": "video", "tokens": "57920"}]}, "0.69504"),
    ({"output_tokens_by_modality": [{"modality": "video", "tokens": "many"}]}, None),
    ({"output_tokens_by_modality": [{"modality": "video", "tokens": -5}]}, None),
    ({"output_tokens_by_modality": [{"modality": "video", "tokens": float("nan")}]}, None),
    ({"output_tokens_by_modality": [{"modality": "video", "tokens": 10**400}]}, None),
    ({"output_tokens_by_modality": [{"modality": [], "tokens": 5}, 5]}, None),
    ({"output_tokens_by_modality": [{"modality": "video", "tokens": 5}], "total_input_tokens": []}, None),
    ({"total_output_tokens": 57_920}, None),
    (None, None),
]


@pytest.mark.parametrize(("usage", "usd"), COSTS)
def test_the_true_cost_is_reckoned_from_tokens(usage: Any, usd: str | None) -> None:
    """Or not at all, where something in it has no known price."""
    assert cost_of(usage, PRICES) == (None if usd is None else Decimal(usd))
