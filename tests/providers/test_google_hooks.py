"""Gemini Omni: calls of Google to our address, and calls of others."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from google.auth import crypt, jwt

from engine.providers.base import Hook, Hooked
from engine.providers.google import open_provider
from engine.providers.google.provider import GoogleProvider
from tests.fakes.services.google import FakeGoogle
from tests.fakes.services.google_cloud import private_pem
from tests.providers.google_orders import order_of

NEW = "gemini-omni-1.2-flash"


@pytest.fixture
async def fake() -> AsyncIterator[FakeGoogle]:
    """The service; what no client may do fails the test."""
    async with FakeGoogle() as started:
        yield started
        assert started.complaints == []


def call_of(claims: Mapping[str, Any], *, kid: str = "hooks-1", at_s: float | None = None, body: bytes = b"{}") -> Hook:
    """A call as Google signs it: https://ai.google.dev/gemini-api/docs/webhooks."""
    signer = crypt.RSASigner.from_string(private_pem(), kid)  # type: ignore[no-untyped-call]  # the library has no types there
    token = jwt.encode(signer, dict(claims))  # type: ignore[no-untyped-call]  # as above
    stamp = str(int(time.time() if at_s is None else at_s))
    return Hook({"webhook-signature": token.decode(), "webhook-timestamp": stamp, "webhook-id": "1"}, body)


EVENT = {"type": "interaction.completed", "version": "v1", "data": {"id": "v1_00000001"}}


@pytest.fixture
async def called(fake: FakeGoogle) -> AsyncIterator[GoogleProvider]:
    """A provider that Google can call."""
    made = open_provider(replace(fake.setup(), callback_url="https://film.example/hooks/google"))
    yield made
    await made.close()


async def test_a_signed_call_names_its_render(called: GoogleProvider, fake: FakeGoogle) -> None:
    """In its token or in its body; Google's keys are asked for once."""
    assert isinstance(called, Hooked)
    assert await called.heard(call_of(EVENT)) == "v1_00000001"
    assert await called.heard(call_of({"iat": 1}, body=json.dumps(EVENT).encode())) == "v1_00000001"
    assert fake.seen["GET /.well-known/jwks.json"] == 1
    await called.submit(await called.prepare(order_of(NEW), "key"))
    assert fake.newest.body["webhook_config"] == {"uris": ["https://film.example/hooks/google"]}


def forged() -> Hook:
    """Another name in a token that was signed for something else."""
    hook = call_of({**EVENT, "data": {"id": "v1_other"}})
    head, _, signature = hook.headers["webhook-signature"].split(".")
    claims = base64.urlsafe_b64encode(json.dumps(EVENT).encode()).decode().rstrip("=")
    return Hook({**hook.headers, "webhook-signature": f"{head}.{claims}.{signature}"}, b"{}")


def unsigned() -> Hook:
    """As the notorious kind of token that asks not to be checked."""
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": "none", "kid": "hooks-1"}, EVENT)
    ]
    hook = call_of(EVENT)
    return Hook({**hook.headers, "webhook-signature": f"{parts[0]}.{parts[1]}."}, b"{}")


def deep() -> Hook:
    """Nested deeper than anybody reads."""
    part = base64.urlsafe_b64encode(b"[" * 9_000).decode().rstrip("=")
    return Hook({"webhook-signature": f"{part}.e30.xx", "webhook-timestamp": str(int(time.time()))}, b"[" * 100_000)


CALLS: Mapping[str, Callable[[], Hook]] = {
    "forged": forged,
    "deep": deep,
    "unsigned": unsigned,
    "old": lambda: call_of(EVENT, at_s=time.time() - 400),
    "expired": lambda: call_of({**EVENT, "exp": time.time() - 60}),
    "by an unknown key": lambda: call_of(EVENT, kid="hooks-9"),
    "about something else": lambda: call_of({"type": "batch.succeeded", "data": {"id": "batch_1"}}),
    "without a name": lambda: call_of({"type": "interaction.completed"}),
    "without a signature": lambda: Hook({"webhook-timestamp": str(int(time.time()))}, json.dumps(EVENT).encode()),
    "garbage": lambda: Hook({"webhook-signature": "a.b.c", "webhook-timestamp": "now"}, b"\xff"),
}


@pytest.mark.parametrize("what", CALLS)
async def test_a_call_that_is_not_googles_is_not_heard(called: GoogleProvider, what: str) -> None:
    """Nor one that is too old, or about something else."""
    assert await called.heard(CALLS[what]()) is None


async def test_made_up_keys_do_not_make_us_ask_and_ask(called: GoogleProvider, fake: FakeGoogle) -> None:
    """Whoever can call us cannot have us call Google as often."""
    for number in range(5):
        assert await called.heard(call_of(EVENT, kid=f"made-up-{number}")) is None
    assert fake.seen["GET /.well-known/jwks.json"] == 1


async def test_nothing_is_heard_where_nothing_was_asked_for(fake: FakeGoogle) -> None:
    """Without an address of ours nobody is to call."""
    provider = open_provider(fake.setup())
    assert await provider.heard(call_of(EVENT)) is None
    await provider.close()
