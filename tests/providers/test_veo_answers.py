"""Veo: every documented end and every no, as the cause that it is. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from engine.errors import (
    About,
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
from engine.providers.google_storage import stored_url
from engine.providers.veo.answers import read_progress, read_taken
from tests.fakes.services.veo import FILTERED

NAME = "projects/p/locations/us-central1/publishers/google/models/veo-3.1-generate-001/operations/2f0a1c3e-0000"


def answer_of(said: Any, status: int = 200) -> Answer:
    return Answer(status=status, headers={}, body=json.dumps(said).encode(), service="Veo")


def failed(code: int, message: str) -> dict[str, Any]:
    return {"name": NAME, "done": True, "error": {"code": code, "message": message}}


def done(**response: Any) -> dict[str, Any]:
    return {"name": NAME, "done": True, "response": response}


INPUT = "Veo could not generate videos because the input image violates Vertex AI's usage guidelines. Support codes: 15236754"
PROMPT = "The prompt could not be submitted. It violates our policies. You will not be charged."
ENDS: list[tuple[dict[str, Any], type[ProviderError], Billed]] = [
    (done(raiMediaFilteredCount=1, raiMediaFilteredReasons=[FILTERED]), Refused, Billed.NO),
    (done(raiMediaFilteredCount=1), Refused, Billed.UNKNOWN),
    (done(raiMediaFilteredCount="0"), Refused, Billed.UNKNOWN),
    (done(raiMediaFilteredCount=1, raiMediaFilteredReasons=["It was filtered for safety."]), Refused, Billed.UNKNOWN),
    (done(raiMediaFilteredReasons={"a": 1}), Refused, Billed.UNKNOWN),
    (done(), Refused, Billed.UNKNOWN),
    (done(videos=[]), Refused, Billed.UNKNOWN),
    (done(videos=[{"mimeType": "video/mp4"}]), Refused, Billed.UNKNOWN),
    ({"name": NAME, "done": True}, Refused, Billed.UNKNOWN),
    (failed(3, INPUT), Refused, Billed.UNKNOWN),
    (failed(3, PROMPT), Refused, Billed.NO),
    (failed(3, "Unsupported video format."), BadShot, Billed.UNKNOWN),
    (failed(1, "The operation was cancelled."), RenderFailed, Billed.UNKNOWN),
    (failed(8, "Resource exhausted."), RenderFailed, Billed.UNKNOWN),
    (failed(13, "Internal error."), RenderFailed, Billed.UNKNOWN),
    (failed(14, "High load. You are not charged for this."), RenderFailed, Billed.NO),
    (done(videos=[{"gcsUri": "https://elsewhere.example/clip.mp4"}]), Misunderstood, Billed.UNKNOWN),
    ({"name": NAME, "done": "nearly"}, Misunderstood, Billed.UNKNOWN),
    ({"status": "completed"}, Misunderstood, Billed.UNKNOWN),
    ({}, Misunderstood, Billed.UNKNOWN),
]


@pytest.mark.parametrize(("said", "error", "billed"), ENDS)
def test_every_end_without_a_video_has_its_cause(
    said: dict[str, Any], error: type[ProviderError], billed: Billed
) -> None:
    """ "Not charged" is believed where Google says it, and nowhere else."""
    with pytest.raises(error) as raised:
        read_progress(answer_of(said))
    assert type(raised.value) is error
    assert (raised.value.billed, raised.value.retryable) == (billed, False)


def test_a_refusal_says_what_was_refused() -> None:
    """A picture before it was rendered, a prompt, or the video that came of it."""
    cases: Mapping[str, tuple[dict[str, Any], Stage, About]] = {
        "picture": (failed(3, INPUT), Stage.INPUT, About.PICTURE),
        "prompt": (failed(3, PROMPT), Stage.INPUT, About.TEXT),
        "video": (done(raiMediaFilteredReasons=[FILTERED]), Stage.OUTPUT, About.VIDEO),
    }
    for said, stage, about in cases.values():
        with pytest.raises(Refused) as raised:
            read_progress(answer_of(said))
        assert (raised.value.stage, raised.value.about) == (stage, about)


CREATES: list[tuple[int, str, type[ProviderError]]] = [
    (400, "The prompt could not be submitted. It might violate our policies.", Refused),
    (400, INPUT, Refused),
    (400, "Unsupported output video duration 5 seconds.", BadShot),
    (401, "Request had invalid authentication credentials.", AuthFailed),
    (403, "Permission 'aiplatform.endpoints.predict' denied on resource.", AuthFailed),
    (403, "This API method requires billing to be enabled. Please enable billing on project.", OutOfCredit),
    (404, "Publisher Model `projects/p/models/veo-3.1-generate-001` was not found.", ModelRetired),
    (429, "Quota exceeded for online_prediction_requests_per_base_model.", RateLimited),
]


@pytest.mark.parametrize(("status", "words", "error"), CREATES)
def test_every_no_to_a_request_has_its_cause(status: int, words: str, error: type[ProviderError]) -> None:
    """And costs nothing."""
    with pytest.raises(error) as raised:
        read_taken(answer_of({"error": {"code": status, "message": words, "status": "X"}}, status))
    assert type(raised.value) is error
    assert raised.value.billed is Billed.NO


@pytest.mark.parametrize("name", [None, 7, "", "operations/1", "projects/../../x/operations/1", f"{NAME}?x=1", NAME * 9,
     "projects/../locations/x/publishers/google/models/../operations/1", NAME.replace("projects/", "projects/é")])  # fmt: skip
def test_a_name_that_is_none_is_not_taken(name: Any) -> None:
    """It would become part of an address."""
    with pytest.raises(Misunderstood):
        read_taken(answer_of({"name": name}))


def test_an_object_has_one_address() -> None:
    """Whatever signs its name has."""
    assert stored_url("https://s.example", "gs://films/a b/?c#.mp4") == "https://s.example/films/a%20b/%3Fc%23.mp4"
