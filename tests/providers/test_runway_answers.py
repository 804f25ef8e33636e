"""Runway's answers: what each failure, status and cost means; every documented one is a line of a table."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from engine.errors import (
    About,
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
from engine.providers.base import Rendering
from engine.providers.runway.answers import fault_of, read_balance, read_progress, read_taken, read_upload


def answer(body: Any, status: int = 200, **headers: str) -> Answer:
    return Answer(status=status, headers=headers, body=json.dumps(body).encode(), service="Runway")


FAILURES = [
    ("SAFETY.INPUT.TEXT", Refused, Billed.YES, Stage.INPUT, About.TEXT),
    ("SAFETY.INPUT.IMAGE", Refused, Billed.YES, Stage.INPUT, About.PICTURE),
    ("SAFETY.INPUT.VIDEO", Refused, Billed.YES, Stage.INPUT, About.VIDEO),
    ("SAFETY.INPUT.AUDIO", Refused, Billed.YES, Stage.INPUT, About.UNKNOWN),
    ("SAFETY.OUTPUT.VIDEO", Refused, Billed.UNKNOWN, Stage.OUTPUT, About.UNKNOWN),
    ("SAFETY", Refused, Billed.UNKNOWN, Stage.UNKNOWN, About.UNKNOWN),
    ("INPUT_PREPROCESSING.SAFETY.TEXT", Refused, Billed.UNKNOWN, Stage.INPUT, About.TEXT),
    ("INPUT_PREPROCESSING.SAFETY.THIRD_PARTY", Refused, Billed.UNKNOWN, Stage.INPUT, About.UNKNOWN),
    ("INPUT_PREPROCESSING.INTERNAL", RenderFailed, Billed.UNKNOWN, None, None),
    ("INTERNAL", RenderFailed, Billed.UNKNOWN, None, None),
    ("INTERNAL.BAD_OUTPUT.01", RenderFailed, Billed.UNKNOWN, None, None),
    ("THIRD_PARTY.UNAVAILABLE", RenderFailed, Billed.UNKNOWN, None, None),
    ("ASSET.INVALID", BadShot, Billed.UNKNOWN, None, None),
    ("SOMETHING.NEW", RenderFailed, Billed.UNKNOWN, None, None),
    (None, RenderFailed, Billed.UNKNOWN, None, None),
]


@pytest.mark.parametrize(("code", "kind", "billed", "stage", "about"), FAILURES)
def test_a_failure_has_its_cause(
    code: str | None, kind: type[ProviderError], billed: Billed, stage: Stage | None, about: About | None
) -> None:
    """Every prefix of https://docs.dev.runwayml.com/errors/task-failures/, where no cost is told."""
    said = {"id": "t", "status": "FAILED", "failure": "It broke.", **({"failureCode": code} if code else {})}
    with pytest.raises(kind) as raised:
        read_progress(answer(said))
    assert type(raised.value) is kind
    assert raised.value.billed is billed
    assert "It broke" not in str(raised.value)  # its words are not for people: it says so itself
    if isinstance(raised.value, Refused):
        assert (raised.value.stage, raised.value.about) == (stage, about)


@pytest.mark.parametrize("code", [code for code, *_ in FAILURES])
@pytest.mark.parametrize(("cost", "billed"), [(0, Billed.NO), (25, Billed.YES)])
def test_the_final_cost_says_whether_it_was_billed(code: str | None, cost: int, billed: Billed) -> None:
    """What was refunded costs 0; that counts more than what is usual for a failure."""
    said = {"status": "FAILED", "failure": "It broke.", "failureCode": code, "cost": {"credits": cost}}
    with pytest.raises(ProviderError) as raised:
        read_progress(answer(said))
    assert raised.value.billed is billed


@pytest.mark.parametrize(("cost", "billed"), [(None, Billed.UNKNOWN), (0, Billed.NO), (25, Billed.YES)])
@pytest.mark.parametrize("output", [None, [], [""], [None], "https://x"])
def test_done_without_a_video_is_never_success(output: Any, cost: int | None, billed: Billed) -> None:
    """A refusal, billed as the cost says."""
    told = {} if cost is None else {"cost": {"credits": cost}}
    with pytest.raises(Refused) as raised:
        read_progress(answer({"status": "SUCCEEDED", "output": output, **told}))
    assert raised.value.stage is Stage.OUTPUT
    assert raised.value.billed is billed


@pytest.mark.parametrize(
    ("status", "body", "at_create", "at_check"),
    [
        (400, {"error": "You do not have enough credits to run this task."}, OutOfCredit, OutOfCredit),
        (400, {"error": "Validation", "issues": [{"code": "x", "path": ["model"], "message": "no"}]}, ModelRetired, ModelRetired),
        (400, {"error": "Validation", "issues": [{"code": "x", "path": ["duration"], "message": "<=10"}]}, BadShot, Misunderstood),
        (400, {"error": "Invalid asset"}, BadShot, Misunderstood),
        (400, {"error": "x", "issues": 5}, BadShot, Misunderstood),
        (400, {"error": "x", "issues": [5, {"path": 5, "message": {}}]}, BadShot, Misunderstood),
        (429, {"error": "You do not have enough credits to run this task."}, OutOfCredit, OutOfCredit),
        (400, "<html>", BadShot, Misunderstood),
        (401, {"error": "Unauthorized"}, AuthFailed, AuthFailed),
        (404, {"error": "Not found"}, ModelRetired, Lost),
        (405, {"error": "Method"}, BadShot, Misunderstood),
        (429, {"error": "daily"}, RateLimited, RateLimited),
        (502, {"error": "shed"}, ProviderError, Unavailable),
        (503, {"error": "shed"}, ProviderError, Unavailable),
        (504, {"error": "overloaded"}, ProviderError, Unavailable),
    ],
)  # fmt: skip
def test_a_status_has_its_cause(
    status: int, body: Any, at_create: type[ProviderError], at_check: type[ProviderError]
) -> None:
    """Every one of https://docs.dev.runwayml.com/errors/errors, for a paid request and for a look."""
    made = [fault_of(answer(body, status), is_create=is_create) for is_create in (True, False)]
    assert isinstance(made[0], at_create)
    assert isinstance(made[1], at_check)


def test_the_service_says_what_was_wrong_with_a_shot() -> None:
    """The field and the reason, for the person."""
    issue = {"code": "too_big", "path": ["promptImage", 0, "uri"], "message": "Too large"}
    fault = fault_of(answer({"error": "Validation of body failed", "issues": [issue]}, 400), is_create=True)
    assert "promptImage.0.uri: Too large" in str(fault)


@pytest.mark.parametrize("body", [{}, {"id": ""}, {"id": "a b"}, {"id": {}}, []])
def test_a_yes_without_a_task_may_have_been_taken(body: Any) -> None:
    """Nobody says that it was not."""
    with pytest.raises(Misunderstood) as raised:
        read_taken(answer(body))
    assert raised.value.billed is Billed.UNKNOWN


@pytest.mark.parametrize(
    ("progress", "percent"), [(0.4, 40.0), (0, 0.0), (1, 100.0), (1.5, None), (-0.1, None), ("x", None), (True, None)]
)
def test_progress_is_a_share(progress: Any, percent: float | None) -> None:
    """0 to 1 there, a percent here; anything else is no percent."""
    assert read_progress(answer({"status": "RUNNING", "progress": progress})) == Rendering(percent)


def test_a_cancelled_task_is_over() -> None:
    """Somebody else stopped it; billed as its cost says."""
    with pytest.raises(RenderFailed) as raised:
        read_progress(answer({"status": "CANCELLED", "cost": {"credits": 0}}))
    assert raised.value.billed is Billed.NO


@pytest.mark.parametrize("status", [400, 404, 418, 429, 500])
def test_a_refused_upload_costs_nothing_and_loses_nothing(status: int) -> None:
    """Nothing was asked for yet."""
    for said in (answer({"error": "x"}, status), answer({"uploadUrl": 5}), answer("<html>")):
        with pytest.raises((BadShot, RateLimited, Unavailable)) as raised:
            read_upload(said)
        assert raised.value.billed is Billed.NO


@pytest.mark.parametrize("told", [float("nan"), float("inf"), -5, True, "x", [5]])
def test_a_cost_that_cannot_be_is_none(told: Any) -> None:
    """Nobody says that it was free."""
    assert read_taken(answer({"id": "a", "estimatedCost": {"credits": told}})).usd is None
    assert read_balance(answer({"creditBalance": told})) is None


def test_a_balance_that_is_not_told_is_unknown() -> None:
    """It is not zero."""
    assert read_balance(answer({"creditBalance": 1_234})) == Decimal("12.34")
    assert read_balance(answer({})) is None
