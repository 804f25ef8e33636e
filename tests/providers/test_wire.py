"""The wire that all services share: who gets the key, what is sent again and what never, what a failure says and hides."""

from __future__ import annotations

import base64
import itertools
import json
import ssl
import threading
import time
from collections.abc import AsyncIterator, ItemsView
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from time import process_time
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import AuthFailed, BadShot, Misunderstood, ProviderError, RateLimited, Unavailable, Unconfirmed
from engine.providers import download, leaving
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
from engine.providers.leaving import LEAVES_S
from engine.providers.wire import Request, Wire
from tests.providers.raw_server import CUT, HANG, RawServer, said

KEY = "sk-of-the-operator"
PAID = Request(method="POST", path="videos", json={"prompt": "a lamp"})
FREE = Request(method="GET", path="videos/1")


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


@pytest.mark.parametrize(
    "paid",
    [
        {"json": {"prompt": "a \ud800 lamp"}},
        {"json": {"seconds": float("nan")}},
        {"form": {"prompt": "a \ud800 lamp"}},
        {"form": {"prompt": "a \ud800 lamp"}, "files": (("picture", "a.png", b"1", "image/png"),)},
    ],
)
async def test_what_cannot_be_written_down_is_not_sent(paid: dict[str, Any]) -> None:
    """The person mends it: nothing left, so nothing is charged or unconfirmed."""
    async with RawServer(said(200)) as own, wire_to(own.url) as wire:
        for call in (wire.ask, wire.create):
            with pytest.raises(BadShot) as raised:
                await call(Request(method="POST", path="videos", **paid))
            assert raised.value.billed == "no"
        assert own.connections == 0


@pytest.mark.parametrize("path", ["x://y", "videos/\ud800", "videos/a\x00b", "http://[", "//x.example:x/"])
async def test_a_path_that_is_none_asks_nobody(path: str) -> None:
    """Whatever a service gives as a task id."""
    async with RawServer(said(200)) as own, wire_to(own.url) as wire:
        for call in (wire.ask, wire.create):
            try:
                await call(Request(method="GET", path=path))
            except Unavailable:
                continue
            assert own.heads[-1].startswith("get /")


async def test_a_task_id_with_a_scheme_in_it_stays_below_the_service() -> None:
    """It is a part of a path, not an address."""
    async with RawServer(said(200)) as own, wire_to(own.url + "/v1") as wire:
        await wire.ask(Request(method="GET", path="videos/x://y?a=b", params={"c": "d e"}))
        assert own.heads[0].startswith("get /v1/videos/x:/y?a=b&c=d+e ")


async def test_a_large_body_arrives_as_it_is() -> None:
    """JSON, form and bytes: in pieces, with its length and kind, byte for byte."""
    large = "0123456789abcdef" * 60_000
    async with RawServer(said(200)) as own, wire_to(own.url) as wire:
        asked = {"prompt": "ein Licht: ü", "image": large, "n": [1, None, True]}
        await wire.create(Request(method="POST", path="a", json=asked))
        files = (("picture", "a.png", large.encode(), "image/png"),)
        await wire.create(Request(method="POST", path="a", form={"prompt": "ü"}, files=files))
        await wire.ask(Request(method="PUT", path="a", content=large.encode(), headers={"content-type": "image/png"}))
        assert json.loads(own.bodies[0]) == asked
        assert 'name="prompt"\r\n\r\nü\r\n'.encode() in own.bodies[1]
        assert f"image/png\r\n\r\n{large}\r\n--".encode() in own.bodies[1]
        assert own.bodies[2] == large.encode()
        kinds = ("application/json", "multipart/form-data; boundary=", "image/png")
        for head, kind in zip(own.heads, kinds, strict=True):
            assert f"content-type: {kind}" in head
            assert "transfer-encoding" not in head


async def test_a_body_is_written_beside_the_loop() -> None:
    """Tens of megabytes of pictures in JSON would hold up every chat."""
    threads = []

    class Noting(dict[str, str]):
        def items(self) -> ItemsView[str, str]:  # type: ignore[override]  # a dict's own view cannot be named
            threads.append(threading.get_ident())
            return super().items()

    async with RawServer(said(200)) as own, wire_to(own.url) as wire:
        await wire.create(Request(method="POST", path="a", json=Noting(prompt="a lamp")))
        assert own.bodies == [b'{"prompt":"a lamp"}']
    assert threads
    assert threading.get_ident() not in threads


async def test_a_key_that_was_made_on_the_way_is_hidden_too() -> None:
    """Such a token is in no setting, and a service may repeat it."""

    async def made() -> dict[str, str]:
        return {"authorization": "Bearer ya29.minted-just-now"}

    async with RawServer(said(400, b'{"error": "bad token ya29.minted-just-now"}')) as own:
        wire = Wire("Filmworks", own.url, auth=made)
        answer = await wire.create(PAID)
        await wire.close()
        assert "bearer ya29.minted-just-now" in own.heads[0]
        assert "minted" not in answer.detail


async def test_a_connection_that_was_checked_for_one_name_serves_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two hosts of a shared address: each connection is made for its own name, and the certificate is asked for again."""
    server_side, client_side = tls_of(tmp_path, "one.example")

    async def address(_: str, __: int) -> str:
        return "127.0.0.1"

    monkeypatch.setattr(download, "public_address", address)
    async with RawServer(said(200), is_kept=True, tls=server_side) as other, wire_to("https://api.example") as wire:
        wire._certificates = client_side
        await wire.ask(Request(method="GET", path=f"https://one.example:{other.port}/"))
        with pytest.raises(Unavailable):
            await wire.ask(Request(method="GET", path=f"https://two.example:{other.port}/"))
        assert len(other.heads) == 1


def tls_of(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What a server of this name has, and what a client that trusts it has."""
    key = ec.generate_private_key(ec.SECP256R1())
    named = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(named)
        .issuer_name(named)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + made.public_bytes(pem))
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(path)
    return server_side, ssl.create_default_context(cafile=str(path))


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


@pytest.mark.parametrize("clock", ["monotonic", "time"])
async def test_a_paid_request_that_grew_too_late_never_leaves(monkeypatch: pytest.MonkeyPatch, clock: str) -> None:
    """Its process was frozen, or its machine slept, between the connection and the first byte."""
    async with RawServer(said(200)) as server, wire_to(server.url) as wire:
        await wire.create(PAID)
        real, calls = getattr(time, clock), itertools.count()
        late = {"monotonic": time.monotonic, "time": time.time}
        late[clock] = lambda: real() + 2 * LEAVES_S * next(calls)
        monkeypatch.setattr(leaving, "time", SimpleNamespace(**late))
        with pytest.raises(Unavailable):
            await wire.create(PAID)
        assert len(server.heads) == 1


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
