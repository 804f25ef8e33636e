"""The wire that all services share: who gets the key, what is sent again and what never, what a failure says and hides."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from time import process_time
from typing import Any

import pytest
import stamina
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import AuthFailed, Misunderstood, ProviderError, RateLimited, Unavailable, Unconfirmed
from engine.providers.answers import (
    DETAIL_CHARS,
    RETRY_AFTER_MOST_S,
    RETRY_AFTER_S,
    Answer,
    misunderstood,
    redacted,
    retry_after_s,
)
from engine.providers.catalog import Rate
from engine.providers.wire import Request, Wire
from tests.providers.raw_server import CUT, HANG, RawServer, said

KEY = "sk-of-the-operator"
PAID = Request(method="POST", path="videos", json={"prompt": "a lamp"})
FREE = Request(method="GET", path="videos/1")


@pytest.fixture(autouse=True)
def _no_waits() -> Iterator[None]:
    """Tries follow each other at once."""
    with stamina.set_testing(True, attempts=4, cap=True):
        yield


@asynccontextmanager
async def wire_to(url: str, **options: Any) -> AsyncIterator[Wire]:
    """A wire with the operator's key."""
    wire = Wire("Filmworks", url, auth={"authorization": f"Bearer {KEY}"}, secrets=[KEY], **options)
    try:
        yield wire
    finally:
        await wire.close()


# --- the key ---


async def test_the_key_goes_to_the_services_own_addresses_only() -> None:
    """Its own and the further ones that are named as its own; where only results may come from, it does not go."""
    async with RawServer(said(200)) as own, RawServer(said(200)) as further, RawServer(said(200)) as results:
        async with wire_to(own.url + "/v1", key_urls=[further.url], trusted=[results.url]) as wire:
            for server in (own, further, results):
                await wire.ask(Request(method="GET", path=f"{server.url}/x"))
        assert f"authorization: bearer {KEY}" in own.heads[0]
        assert f"authorization: bearer {KEY}" in further.heads[0]
        assert KEY not in results.heads[0]


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:{port}/x", "https://127.0.0.1:{port}/x", "https://localhost:{port}/x", "https://[::1]:{port}/"],
)
async def test_an_address_that_a_service_names_is_not_asked_inside_our_network(address: str) -> None:
    """Neither for free nor for money; and nothing was taken."""
    async with RawServer(said(200)) as own, RawServer(said(200)) as inside, wire_to(own.url) as wire:
        path = address.format(port=inside.port)
        with pytest.raises(Unavailable):
            await wire.ask(Request(method="GET", path=path))
        with pytest.raises(Unavailable):
            await wire.create(Request(method="POST", path=path, json={}))
        assert (inside.connections, own.connections) == (0, 0)


@pytest.mark.parametrize(
    "address", ["https://[::1", "ftp://x.example/", "https://a:b@x.example/", "https://x.example:x/"]
)
async def test_what_is_no_address_is_asked_nothing(address: str) -> None:
    """An error of the tree, whatever a service writes into its answers."""
    async with RawServer(said(200)) as own, wire_to(own.url) as wire:
        for call in (wire.ask, wire.create):
            with pytest.raises(Unavailable):
                await call(Request(method="POST", path=address))


@pytest.mark.parametrize("key", ["sk-of\n", "sk-öf", "sk-\x00"])
async def test_a_key_that_cannot_be_sent_is_the_operators_to_mend(key: str) -> None:
    """Nothing is sent, and the key is not told."""
    async with RawServer(said(200)) as own:
        wire = Wire("Filmworks", own.url, auth={"authorization": f"Bearer {key}"}, secrets=[key])
        for call in (wire.ask, wire.create):
            with pytest.raises(AuthFailed) as raised:
                await call(PAID)
            assert key.strip() not in f"{raised.value} {raised.value.detail}"
        assert own.connections == 0
        await wire.close()


# --- again, or never ---


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 529])
async def test_a_safe_request_is_sent_again(status: int) -> None:
    """Until it goes well, four times at most."""
    async with RawServer(said(status, retry_after="0"), CUT, said(200, b'{"is": "good"}')) as server:
        async with wire_to(server.url) as wire:
            assert (await wire.ask(FREE)).table() == {"is": "good"}
        assert len(server.heads) == 3
    async with RawServer(said(status, retry_after="0")) as server, wire_to(server.url) as wire:
        with pytest.raises((RateLimited, Unavailable)):
            await wire.ask(FREE)
        assert len(server.heads) == 4


async def test_a_long_wait_is_left_to_the_caller() -> None:
    """What wants minutes of peace is not knocked at."""
    async with RawServer(said(429, retry_after="100")) as server, wire_to(server.url) as wire:
        with pytest.raises(RateLimited) as raised:
            await wire.ask(FREE)
        assert (raised.value.retry_after_s, len(server.heads)) == (100, 1)


@pytest.mark.parametrize(
    ("answer", "raises"),
    [
        (said(500), Unconfirmed),
        (said(502, b"<html>"), Unconfirmed),
        (said(503, retry_after="0"), Unconfirmed),
        (said(408), Unconfirmed),
        (said(429, retry_after="0"), RateLimited),
        (said(307, location="/elsewhere"), Misunderstood),
        (CUT, Unconfirmed),
        (b"HTTP/1.1 200 x\r\ncontent-length: 99\r\n\r\n{", Unconfirmed),
        (b"no HTTP at all\r\n\r\n", Unconfirmed),
    ],
)
async def test_a_paid_request_is_sent_once(answer: bytes, raises: type[ProviderError]) -> None:
    """Whatever comes back: one request, and never a claim to know what is not known."""
    async with RawServer(answer) as server, wire_to(server.url) as wire:
        with pytest.raises(raises) as raised:
            await wire.create(PAID)
        assert type(raised.value) is raises
        assert len(server.heads) == 1


async def test_a_paid_request_without_an_answer_is_unconfirmed() -> None:
    """It left, and nobody knows what became of it."""
    async with RawServer(HANG) as server, wire_to(server.url) as wire:
        with pytest.raises(Unconfirmed):
            await wire.create(PAID, limit_s=0.1)
        assert len(server.heads) == 1


async def test_whoever_cannot_be_connected_to_has_taken_nothing() -> None:
    """So it may be sent later."""
    async with RawServer(said(200)) as server:
        url = server.url
    async with wire_to(url) as wire:
        with pytest.raises(Unavailable):
            await wire.create(PAID)


async def test_a_paid_request_never_rides_on_an_old_connection() -> None:
    """A kept one may just be closed by the other side, and nobody would know whether it had read the request."""
    async with RawServer(said(200), is_kept=True) as server, wire_to(server.url) as wire:
        await wire.ask(FREE)
        await wire.ask(FREE)
        assert server.connections == 1
        await wire.create(PAID)
        await wire.create(PAID)
        assert server.connections == 3
        assert len(server.heads) == 4


async def test_a_safe_request_survives_a_connection_that_was_closed() -> None:
    """It is sent again on a new one."""
    async with RawServer(said(200), is_kept=False) as server, wire_to(server.url) as wire:
        for _ in range(3):
            assert (await wire.ask(FREE)).is_good
        assert server.connections >= 3


async def test_the_services_own_rate_is_kept_before_anything_is_sent() -> None:
    """What is over waits, and has not left."""
    async with RawServer(said(200)) as server, wire_to(server.url, rate=Rate(count=2, per_s=60)) as wire:
        for _ in range(2):
            await wire.create(PAID)
        with pytest.raises(RateLimited) as raised:
            await wire.create(PAID)
        assert (raised.value.retry_after_s, len(server.heads)) == (30, 2)


async def test_a_bad_status_may_be_an_answer_where_the_caller_says_so() -> None:
    """A service's own words say more; those by which it takes nothing are known as that."""
    async with RawServer(said(500, b'{"code": 500}')) as server, wire_to(server.url) as wire:
        assert (await wire.create(PAID, is_answer=lambda answer: answer.status == 500)).table() == {"code": 500}
        with pytest.raises(Unavailable):
            await wire.create(PAID, refuses_with=frozenset({500}))
        assert (await wire.ask(FREE, is_answer=lambda answer: answer.status == 500)).status == 500


async def test_an_answer_without_an_end_is_not_held() -> None:
    """Beyond its size it is none."""
    async with RawServer(said(200, b"x" * 5_000)) as server, wire_to(server.url) as wire:
        with pytest.raises(Unavailable):
            await wire.ask(FREE, limit_bytes=1_000)


# --- how long to wait ---

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": format_datetime(NOW + timedelta(seconds=90), usegmt=True)}, 90),
        ({"retry-after": format_datetime(NOW - timedelta(days=9), usegmt=True)}, 0),
        ({"retry-after": "Sat, 21 Nov 2026 12:00:10"}, 10),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9),
        ({"retry-after-ms": "nan"}, RETRY_AFTER_S),
        ({"retry-after": "nan"}, RETRY_AFTER_S),
        ({"retry-after": "inf"}, RETRY_AFTER_MOST_S),
        ({"retry-after": "1e9"}, RETRY_AFTER_MOST_S),
        ({"retry-after": "Sat, 99 Nov 99999 99:99:99 GMT"}, RETRY_AFTER_S),
        ({"retry-after": "in a while"}, RETRY_AFTER_S),
        ({"retry-after": ""}, RETRY_AFTER_S),
        ({}, RETRY_AFTER_S),
    ],
)
def test_how_long_to_wait_is_read_in_every_form(headers: dict[str, str], wait_s: float) -> None:
    """Seconds, milliseconds, a date; garbage is as nothing said; nobody is waited for over an hour."""
    assert retry_after_s(headers, NOW) == pytest.approx(wait_s)


@given(st.text(max_size=40), st.text(max_size=12))
def test_no_header_makes_a_wait_impossible(said_: str, milliseconds: str) -> None:
    """It is always a number from nought to an hour."""
    assert 0 <= retry_after_s({"retry-after": said_, "retry-after-ms": milliseconds}, NOW) <= RETRY_AFTER_MOST_S


# --- what is hidden ---

SECRETS = st.lists(
    st.text(alphabet="abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.", min_size=8, max_size=60),
    min_size=1,
    max_size=3,
)
BETWEEN = st.text(max_size=30)


@given(SECRETS, st.lists(BETWEEN, min_size=1, max_size=5))
def test_a_secret_is_never_in_a_detail(secrets: list[str], between: list[str]) -> None:
    """Wherever the service repeats it, also one that is a part of another."""
    text = "".join(f"{words}{secret}" for words in between for secret in secrets)
    shown = redacted(text, tuple(secrets)).replace("*", "")
    assert not any(secret in shown for secret in secrets)


def test_a_secret_that_holds_another_is_hidden_as_a_whole() -> None:
    """Whichever is named first."""
    short, long = "sk-team", "sk-team-of-the-operator"
    assert redacted(f"got {long}", (short, long)) == redacted(f"got {long}", (long, short)) == "got ***"


@given(st.integers(min_value=7_900, max_value=8_100))
def test_a_secret_on_the_edge_of_what_is_read_is_not_shown_in_part(at: int) -> None:
    """The body is read so far only; what stands there may be its half."""
    body = b" " * at + KEY.encode() + b" end"
    shown = Answer(status=500, headers={}, body=body, secrets=(KEY,)).detail
    assert "sk-of" not in shown


@pytest.mark.parametrize(
    "text",
    [
        "see https://cdn.example/a.mp4?X-Goog-Signature=0f3a9c&Expires=9 now",
        '{"url":"https://cdn.example/a.mp4?sig=0f3a9c"}',
        r'{"url":"https:\/\/cdn.example\/a.mp4?sig=0f3a9c"}',
        '{"url":"https://cdn.example/a.mp4?a=1\\u0026sig=0f3a9c"}',
        '{"url":"/v2/downloads/a.mp4?expires=5&signature=0f3a9c"}',
        '{"url":"/d/a.mp4?X-Amz-Security-Token=0f3a9c&x=1"}',
    ],
)
def test_a_signed_address_is_shown_without_its_signature(text: str) -> None:
    """Whole or below a host, plain or as JSON writes it."""
    assert "0f3a9c" not in redacted(text)
    assert "a.mp4" in redacted(text)


@given(st.binary(min_size=400, max_size=2_000), st.booleans())
def test_inline_data_is_not_shown(data: bytes, is_escaped: bool) -> None:
    """A picture in a body would be all of the log."""
    inline = base64.b64encode(data).decode()
    text = json.dumps({"image": f"data:image/png;base64,{inline}"})
    shown = redacted(text.replace("/", r"\/") if is_escaped else text)
    assert inline[-40:] not in shown
    assert len(shown) < 100


@given(st.text(max_size=3_000))
def test_a_detail_is_one_short_line(text: str) -> None:
    """Whatever comes."""
    shown = redacted(text)
    assert len(shown) <= DETAIL_CHARS
    assert len(shown.splitlines()) <= 1


def test_a_long_body_is_read_quickly() -> None:
    """No pattern takes its square of time over a body that was made for that."""
    begun_s = process_time()
    for text in ("?" + "sig" * 300_000, "http://" * 100_000, "A" * 900_000, "&token" * 150_000):
        redacted(text, (KEY,))
    assert process_time() - begun_s < 3


def test_an_unknown_word_is_shown_without_the_key() -> None:
    """The sentence for the person has it, too."""
    fault = misunderstood(Answer(status=200, headers={}, body=b"", service="F", secrets=(KEY,)), f"word {KEY}")
    assert KEY not in str(fault)


async def test_a_failure_on_the_way_tells_no_secret() -> None:
    """Neither in its sentence nor in its detail, whatever the service repeats."""
    echo = said(500, json.dumps({"error": f"bad header Bearer {KEY}", "see": "https://x.example/?sig=0f3a9c"}).encode())
    async with RawServer(echo) as server, wire_to(server.url) as wire:
        for call in (wire.ask, wire.create):
            with pytest.raises(ProviderError) as raised:
                await call(PAID)
            told = f"{raised.value} {raised.value.detail} {raised.value.__cause__}"
            assert KEY not in told
            assert "0f3a9c" not in told
