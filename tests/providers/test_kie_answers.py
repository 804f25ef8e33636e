"""KIE.ai: what each of its documented answers means, by class, and who paid."""

from __future__ import annotations

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
    Unconfirmed,
)
from engine.providers.answers import Answer
from engine.providers.base import Queued, Rendered, Rendering
from engine.providers.kie.answers import read_progress, read_taken
from tests.providers.kie_orders import CREDIT_USD, answer

# --- what a create's answer means ---


@pytest.mark.parametrize(
    ("code", "words", "raises", "billed"),
    [
        (400, "The prompt is too long", BadShot, "no"),
        (422, "duration is not within the range of allowed options", BadShot, "no"),
        (422, "Your prompt was flagged by Website as violating content policies", Refused, "no"),
        (400, "Public error: unsafe image upload", Refused, "no"),
        (422, "Your request was rejected by Flow(public error prominent people upload).", Refused, "no"),
        (422, "The model name you specified is not supported.", ModelRetired, "no"),
        (401, "You do not have access permissions", AuthFailed, "no"),
        (403, "IP not in the whitelist", AuthFailed, "no"),
        (402, "Credits insufficient", OutOfCredit, "no"),
        (404, "Not found", ModelRetired, "no"),
        (408, "Upstream timeout", Unconfirmed, "unknown"),
        (429, "Your call frequency is too high", RateLimited, "no"),
        (433, "Sub-key limit", OutOfCredit, "no"),
        (455, "Service under maintenance", Unavailable, "no"),
        (500, "This interface is temporarily paused.", ModelRetired, "no"),
        (500, "resolution is not within the range of allowed options", BadShot, "no"),
        (500, "prompt is required", BadShot, "no"),
        (500, "Server exception, please try again later", Unconfirmed, "unknown"),
        (500, "Time limit exceeded", Unconfirmed, "unknown"),
        (500, "invalid response from upstream", Unconfirmed, "unknown"),
        (500, "The output must be reviewed; prompt is required", Unconfirmed, "unknown"),
        (500, "violation flagged while rendering", Unconfirmed, "unknown"),
        (500, "The render was paused", Unconfirmed, "unknown"),
        (501, "prompt is required", Unconfirmed, "unknown"),
        (501, "This interface is temporarily paused.", Unconfirmed, "unknown"),
        (422, "This model's resolution is not supported", BadShot, "no"),
        (501, "Generation failed", Unconfirmed, "unknown"),
        (505, "The current interface feature is disabled", ModelRetired, "no"),
        (777, "?", Misunderstood, "unknown"),
    ],
)
def test_the_bodys_code_of_a_create_has_its_cause(
    code: int, words: str, raises: type[ProviderError], billed: str
) -> None:
    """HTTP says 200; the body's code is the status. A 500 is believed only where it says a whole sentence that is known."""
    with pytest.raises(raises) as raised:
        read_taken(answer({"code": code, "msg": words, "data": None}), is_veo=False)
    assert type(raised.value) is raises
    assert raised.value.billed == billed
    assert words in raised.value.detail


@pytest.mark.parametrize(
    ("body", "raises"),
    [
        ({"code": 200, "msg": "success", "data": {}}, Misunderstood),
        ({"code": 200, "msg": "success", "data": None}, Misunderstood),
        ({"id": "x"}, Misunderstood),
        ({"code": "²", "msg": "x"}, Misunderstood),
        ({"code": True, "data": {"taskId": "t"}}, Misunderstood),
        ({"code": 200, "data": {"taskId": "a b"}}, Misunderstood),
        (b"<html>", Misunderstood),
    ],
)
def test_a_create_without_a_task_id_is_misunderstood(body: object, raises: type[ProviderError]) -> None:
    """It may have been taken, and nobody could ask for it."""
    with pytest.raises(raises):
        read_taken(answer(body), is_veo=False)


def test_a_pause_is_told_as_a_pause() -> None:
    """The person reads that the model is paused there, not that it is gone."""
    with pytest.raises(ModelRetired, match="has paused this model"):
        read_taken(answer({"code": 500, "msg": "This interface is temporarily paused."}), is_veo=False)


@pytest.mark.parametrize("told", ["NaN", "1e999", "-9", "true", '"x"'])
def test_a_cost_that_cannot_be_is_none(told: str) -> None:
    """Neither told nor taken for nought."""
    record = '{"code":200,"data":{"state":"%s","resultJson":{"resultUrls":["https://x.example/a.mp4"]},"creditsConsumed":%s}}'
    done = read_progress(answer((record % ("success", told)).encode()), is_veo=False, usd_per_credit=CREDIT_USD)
    assert done == Rendered("https://x.example/a.mp4", None)
    with pytest.raises(RenderFailed) as raised:
        read_progress(answer((record % ("fail", told)).encode()), is_veo=False, usd_per_credit=CREDIT_USD)
    assert raised.value.billed is Billed.UNKNOWN


# --- what a check's answer means ---


@pytest.mark.parametrize(
    ("code", "raises"),
    [
        (401, AuthFailed), (404, Lost), (429, RateLimited), (455, Unavailable), (500, Unavailable), (505, Misunderstood),
        (422, Misunderstood),
    ],
)  # fmt: skip
def test_the_bodys_code_of_a_check_has_its_cause(code: int, raises: type[ProviderError]) -> None:
    """A free request may be sent again, so a 500 is only that."""
    with pytest.raises(raises) as raised:
        read_progress(answer({"code": code, "msg": "x"}), is_veo=False, usd_per_credit=CREDIT_USD)
    assert type(raised.value) is raises


def job(**changes: Any) -> Answer:
    record = {"taskId": "t", "state": "success", "resultJson": "", "failCode": "", "failMsg": "", **changes}
    return answer({"code": 200, "message": "success", "data": record})


@pytest.mark.parametrize("state", ["waiting", "queuing"])
def test_a_waiting_job_is_queued(state: str) -> None:
    """Both words are the queue's."""
    assert read_progress(job(state=state), is_veo=False, usd_per_credit=CREDIT_USD) == Queued()


def test_a_percent_is_never_made_up() -> None:
    """KIE's field for it is never filled."""
    assert read_progress(job(state="generating", progress=None), is_veo=False, usd_per_credit=CREDIT_USD) == Rendering(
        None
    )


@pytest.mark.parametrize(
    ("code", "words", "told", "raises", "billed"),
    [
        ("500", "internal error, please try again later.", 0, RenderFailed, Billed.NO),
        ("500", "internal error, please try again later.", 48, RenderFailed, Billed.UNKNOWN),
        ("501", "Generation failed", None, RenderFailed, Billed.UNKNOWN),
        ("400", "The input or output was flagged as sensitive", 0, Refused, Billed.NO),
        ("content_policy_violation", "", None, Refused, Billed.UNKNOWN),
        ("422", "NSFW content detected", None, Refused, Billed.UNKNOWN),
        ("422", "Failed to fetch the image", 0, RenderFailed, Billed.NO),
    ],
)
def test_a_failed_job_has_its_cause(
    code: str, words: str, told: int | None, raises: type[ProviderError], billed: Billed
) -> None:
    """Content rules have no code of their own: the sentence tells them. Only nought credits is a sure no."""
    with pytest.raises(raises) as raised:
        read_progress(
            job(state="fail", failCode=code, failMsg=words, creditsConsumed=told),
            is_veo=False,
            usd_per_credit=CREDIT_USD,
        )
    assert type(raised.value) is raises
    assert raised.value.billed == billed
    assert words in raised.value.detail


@pytest.mark.parametrize(
    ("words", "stage", "about"),
    [
        ("The input or output was flagged as sensitive", Stage.UNKNOWN, About.UNKNOWN),
        ("The input image was flagged as sensitive", Stage.INPUT, About.PICTURE),
        ("Your prompt was flagged by Website as violating content policies", Stage.INPUT, About.TEXT),
        ("The output video may contain sensitive information", Stage.OUTPUT, About.UNKNOWN),
    ],
)
def test_a_refusal_says_what_it_was_about(words: str, stage: Stage, about: About) -> None:
    """As far as the sentence tells it."""
    with pytest.raises(Refused) as raised:
        read_progress(job(state="fail", failCode="400", failMsg=words), is_veo=False, usd_per_credit=CREDIT_USD)
    assert (raised.value.stage, raised.value.about) == (stage, about)


def test_what_was_wrong_with_the_input_is_told_to_the_person() -> None:
    """They may mend it; the key is not shown though the service repeats it."""
    said = job(state="fail", failCode="422", failMsg="Failed to fetch the image for key-of-the-operator")
    with pytest.raises(RenderFailed, match="Failed to fetch the image") as raised:
        read_progress(said, is_veo=False, usd_per_credit=CREDIT_USD)
    assert "key-of-the-operator" not in f"{raised.value} {raised.value.detail}"


@pytest.mark.parametrize(
    "result",
    ['{"resultUrls":["https://x.example/a.mp4"]}', {"resultUrls": ["https://x.example/a.mp4"]},
     {"resultUrls": '["https://x.example/a.mp4"]'}],
)  # fmt: skip
def test_a_result_is_read_from_json_inside_the_json(result: object) -> None:
    """And unpacked as well; the cost is what the record says, at the catalog's rate."""
    done = read_progress(job(resultJson=result, creditsConsumed=48), is_veo=False, usd_per_credit=CREDIT_USD)
    assert done == Rendered("https://x.example/a.mp4", Decimal("0.240"))


@pytest.mark.parametrize("result", ["", "{}", '{"resultUrls":[]}', '{"resultUrls":["file:///etc/passwd"]}', None, 7])
def test_a_success_without_a_video_is_a_refusal(result: object) -> None:
    """Never a success; whether it was paid for is not known."""
    with pytest.raises(Refused) as raised:
        read_progress(job(resultJson=result), is_veo=False, usd_per_credit=CREDIT_USD)
    assert (raised.value.stage, raised.value.billed) == (Stage.OUTPUT, Billed.UNKNOWN)


@pytest.mark.parametrize("said", [job(resultJson="{broken"), job(state="pondering"), job(state=None)])
def test_an_unknown_record_is_misunderstood(said: Answer) -> None:
    """Neither done nor waited for."""
    with pytest.raises(Misunderstood):
        read_progress(said, is_veo=False, usd_per_credit=CREDIT_USD)


@pytest.mark.parametrize(
    ("flag", "code", "words", "raises"),
    [
        (2, 400, "Your prompt was flagged by Website as violating content policies", Refused),
        (2, 422, "Your request was rejected by Flow(...). You may consider using our other fallback channels", Refused),
        (3, 501, "Video generation failed", RenderFailed),
        (3, 500, "Internal Error, Please try again later.", RenderFailed),
        (9, None, "", Misunderstood),
        (None, None, "", Misunderstood),
    ],
)
def test_a_veo_render_that_did_not_come_has_its_cause(
    flag: int | None, code: int | None, words: str, raises: type[ProviderError]
) -> None:
    """The Veo routes have a flag in place of a word."""
    record = {"taskId": "t", "successFlag": flag, "response": None, "errorCode": code, "errorMessage": words}
    with pytest.raises(raises):
        read_progress(answer({"code": 200, "data": record}), is_veo=True, usd_per_credit=CREDIT_USD)
