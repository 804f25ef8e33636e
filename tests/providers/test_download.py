"""Bringing a finished video here: whole or not at all, by parts where that is sure, and from nowhere inside our network."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.errors import Unavailable
from engine.providers import download, hosts
from engine.providers.hosts import NotPublic, is_public, origin_of, public_address
from engine.providers.wire import Wire
from tests.providers.raw_server import CUT, RawServer, said

KEY = "sk-of-the-operator"
CLIP = bytes(range(256)) * 40
HALF = len(CLIP) // 2


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries follow each other at once."""
    monkeypatch.setattr(download, "PAUSE_S", 0.0)


@asynccontextmanager
async def wire_to(server: RawServer) -> AsyncIterator[Wire]:
    """A wire that may load its results from the server."""
    wire = Wire("Filmworks", "https://api.example", auth={"authorization": f"Bearer {KEY}"}, trusted=[server.url])
    try:
        yield wire
    finally:
        await wire.close()


async def loaded(server: RawServer, into: Path, *, limit_bytes: int = 1 << 20) -> bytes:
    """What arrives."""
    async with wire_to(server) as wire:
        await wire.download(f"{server.url}/clip.mp4", into, limit_bytes=limit_bytes)
    return into.read_bytes()


def video(status: int, body: bytes, **options: Any) -> bytes:
    return said(status, body, **{"content_type": "video/mp4", **options})


def part(first: int, etag: str = '"a"', body: bytes | None = None) -> bytes:
    body = CLIP[first:] if body is None else body
    return video(206, body, etag=etag, content_range=f"bytes {first}-{first + len(body) - 1}/{len(CLIP)}")


def begun(etag: str = '"a"') -> bytes:
    """It breaks off at half its length."""
    return video(200, CLIP[:HALF], length=len(CLIP), **({"etag": etag} if etag else {}))


# --- by parts ---


async def test_what_broke_off_is_gone_on_with(tmp_path: Path) -> None:
    """From the next byte, on the condition that it is the same file."""
    async with RawServer(begun(), part(HALF)) as server:
        assert await loaded(server, tmp_path / "clip.mp4") == CLIP
        assert f"range: bytes={HALF}-" in server.heads[1]
        assert 'if-range: "a"' in server.heads[1]


@pytest.mark.parametrize("etag", ["", 'w/"a"'])
async def test_without_a_sure_mark_of_the_file_it_is_begun_anew(tmp_path: Path, etag: str) -> None:
    """A weak mark, or none, does not say that the bytes are the same."""
    async with RawServer(begun(etag.replace("w/", "W/")), video(200, CLIP)) as server:
        assert await loaded(server, tmp_path / "clip.mp4") == CLIP
        assert "range:" not in server.heads[1]


async def test_a_file_that_was_changed_is_taken_as_a_whole(tmp_path: Path) -> None:
    """Nothing of the old one is left."""
    new = CLIP[::-1]
    async with RawServer(begun(), video(200, new, etag='"b"')) as server:
        assert await loaded(server, tmp_path / "clip.mp4") == new


@pytest.mark.parametrize(
    "other", [part(HALF, '"b"'), part(HALF - 7), part(HALF + 7), video(206, CLIP[HALF:], etag='"a"')]
)
async def test_another_part_than_was_asked_for_is_not_put_to_it(tmp_path: Path, other: bytes) -> None:
    """Neither of another file nor from another byte, nor from where it does not say; it is asked for as a whole then."""
    async with RawServer(begun(), other, video(200, CLIP, etag='"b"')) as server:
        assert await loaded(server, tmp_path / "clip.mp4") == CLIP
        assert "range:" not in server.heads[2]


@pytest.mark.parametrize("first", ["\xb2", "9" * 5_000, "-1", ""])
async def test_a_part_that_does_not_say_where_it_begins_is_not_put_to_it(tmp_path: Path, first: str) -> None:
    """Nor is it an error outside the tree: it is asked for as a whole."""
    odd = video(206, CLIP[HALF:], etag='"a"', content_range="bytes FIRST-").replace(b"FIRST", first.encode("latin-1"))
    async with RawServer(begun(), odd, video(200, CLIP)) as server:
        assert await loaded(server, tmp_path / "clip.mp4") == CLIP


async def test_what_breaks_off_each_time_is_asked_for_later(tmp_path: Path) -> None:
    """Four tries, and no half of a clip."""
    async with RawServer(begun("")) as server:
        with pytest.raises(Unavailable):
            await loaded(server, tmp_path / "clip.mp4")
        assert len(server.heads) == 4


@pytest.mark.parametrize(
    "answer",
    [
        video(200, b""),
        video(200, CLIP, content_encoding="gzip"),
        said(200, b"{}"),
        said(200, b"<html>", content_type="text/html; charset=utf-8"),
        video(403, b"expired"),
        video(416, b""),
        video(302, b"", location=""),
        video(302, b""),
    ],
)
async def test_what_is_no_video_is_never_taken_for_one(tmp_path: Path, answer: bytes) -> None:
    """Nothing, something packed, a page, a no, a circle."""
    async with RawServer(answer) as server:
        with pytest.raises(Unavailable):
            await loaded(server, tmp_path / "clip.mp4")


async def test_a_file_that_is_too_large_is_not_loaded(tmp_path: Path) -> None:
    """By what it says of itself before a byte is written, else as soon as it is over."""
    async with RawServer(video(200, CLIP)) as server:
        with pytest.raises(Unavailable, match="cannot be fetched"):
            await loaded(server, tmp_path / "clip.mp4", limit_bytes=len(CLIP) - 1)
        assert (tmp_path / "clip.mp4").read_bytes() == b""
        assert await loaded(server, tmp_path / "clip.mp4", limit_bytes=len(CLIP)) == CLIP
    async with RawServer(video(200, CLIP * 300, length=-1)) as server:
        with pytest.raises(Unavailable):
            await loaded(server, tmp_path / "clip.mp4", limit_bytes=len(CLIP))
        assert len(server.heads) == 1


async def test_an_older_file_is_overwritten(tmp_path: Path) -> None:
    """Also a longer one."""
    (tmp_path / "clip.mp4").write_bytes(CLIP * 2)
    async with RawServer(CUT, video(200, CLIP)) as server:
        assert await loaded(server, tmp_path / "clip.mp4") == CLIP


# --- from where ---


@pytest.mark.parametrize(
    "where",
    [
        "http://127.0.0.1:{port}/x", "https://127.0.0.1:{port}/x", "//127.0.0.1:{port}/x", "https://localhost:{port}/x",
        "https://[::1]:{port}/x",
        "https://[::ffff:127.0.0.1]:{port}/x", "https://[::127.0.0.1]:{port}/x", "https://[64:ff9b::7f00:1]:{port}/x",
        "https://0.0.0.0:{port}/x", "https://169.254.169.254/latest/meta-data", "http://10.0.0.1/", "https://a:b@127.0.0.1:{port}/",
        "ftp://127.0.0.1/x", "file:///etc/passwd", "https://[::1", "https://127.0.0.1:notaport/", "javascript:alert(1)",
    ],
)  # fmt: skip
async def test_a_redirect_into_our_network_is_not_followed(tmp_path: Path, where: str) -> None:
    """In whatever form it is written; nothing there is even connected to."""
    async with RawServer(video(200, CLIP)) as inside:
        async with RawServer(video(302, b"", location=where.format(port=inside.port))) as server:
            with pytest.raises(Unavailable):
                await loaded(server, tmp_path / "clip.mp4")
        assert inside.connections == 0


@pytest.mark.parametrize("where", ["http://127.0.0.1:1/x", "https://[::1", "no address", "", "file:///etc/passwd"])
async def test_an_address_of_a_result_is_not_trusted_either(tmp_path: Path, where: str) -> None:
    """A service that names one of ours, or none, is asked again."""
    async with RawServer(video(200, CLIP)) as server, wire_to(server) as wire:
        with pytest.raises(Unavailable):
            await wire.download(where, tmp_path / "clip.mp4", limit_bytes=1 << 20)


async def test_the_key_does_not_go_along_to_another_host(tmp_path: Path) -> None:
    """The service's own host gets it, the one that it leads to does not."""
    async with RawServer(video(200, CLIP)) as other:
        async with RawServer(video(302, b"", location=f"{other.url}/clip.mp4")) as own:
            wire = Wire("F", own.url, auth={"authorization": f"Bearer {KEY}"}, trusted=[other.url])
            await wire.download(f"{own.url}/x", tmp_path / "clip.mp4", limit_bytes=1 << 20, headers={"x-key": KEY})
            await wire.close()
        assert own.heads[0].count(KEY) == 2
        assert KEY not in other.heads[0]


def _resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    async def getaddrinfo(host: str, port: int, **_: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize("addresses", [("127.0.0.1",), ("93.184.216.34", "10.0.0.1"), ("::1",), ("fe80::1%eth0",), ()])
async def test_a_name_that_leads_to_us_is_not_public(
    monkeypatch: pytest.MonkeyPatch, addresses: tuple[str, ...]
) -> None:
    """One such address among others is enough."""
    _resolving(monkeypatch, *addresses)
    with pytest.raises(NotPublic):
        await public_address("films.example", 443)


async def test_a_name_is_asked_for_once_and_connected_to_where_it_was_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second answer of the same name may be another one: the host is named, the address is pinned."""
    _resolving(monkeypatch, "2606:2800:220:1:248:1893:25c8:1946")
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        await download.open_pinned(client, "GET", "https://films.example:8443/a?b=c", headers={})
    assert str(asked[0].url) == "https://[2606:2800:220:1:248:1893:25c8:1946]:8443/a?b=c"
    assert asked[0].headers["host"] == "films.example:8443"
    assert asked[0].extensions["sni_hostname"] == "films.example"


async def test_an_international_name_is_asked_for_as_it_goes_over_the_wire(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is no name even then is not public."""
    _resolving(monkeypatch, "93.184.216.34")
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        await download.open_pinned(client, "GET", "https://b\u00fccher.example/a", headers={})
        await download.open_pinned(client, "GET", "https://[2606:2800:220:1:248:1893:25c8:1946]/a", headers={})
        for none in ("https://\u00fc\ud800.example/", "https://a_\u00fc\u2488.example/", "https://-\u00fc.example/"):
            with pytest.raises(NotPublic):
                await download.open_pinned(client, "GET", none, headers={})
    names = ["xn--bcher-kva.example", "[2606:2800:220:1:248:1893:25c8:1946]"]
    assert [request.headers["host"] for request in asked] == names


async def test_a_resolver_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each wait has an end."""

    async def getaddrinfo(*_: object, **__: object) -> list[Any]:
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(hosts, "RESOLVE_S", 0.01)
    with pytest.raises(NotPublic):
        await public_address("films.example", 443)


@given(st.ip_addresses(v=4))
@example(ipaddress.IPv4Address("127.0.0.1"))
@example(ipaddress.IPv4Address("169.254.169.254"))
@example(ipaddress.IPv4Address("8.8.8.8"))
def test_an_ipv4_address_inside_an_ipv6_one_is_looked_at_as_itself(inner: ipaddress.IPv4Address) -> None:
    """Mapped, 6to4, NAT64 and Teredo lead to it, so they are as public as it; what is out of use leads nowhere."""
    number, is_open = int(inner), inner.is_global and not inner.is_multicast
    assert is_public(str(inner)) is is_open
    for outer in (
        ipaddress.IPv6Address((0xFFFF << 32) | number),
        ipaddress.IPv6Address((0x2002 << 112) | (number << 80) | 1),
        ipaddress.IPv6Address((0x0064FF9B << 96) | number),
        ipaddress.IPv6Address((0x20010000 << 96) | (number ^ 0xFFFFFFFF)),
    ):
        assert is_public(str(outer)) is is_open, outer
    for dead in ((0xFFFF << 48) | number if number >> 16 else 1, number, (0x0064FF9B0001 << 80) | number):
        assert not is_public(str(ipaddress.IPv6Address(dead)))


@given(st.ip_addresses(v=6))
@example(ipaddress.IPv6Address("::1"))
@example(ipaddress.IPv6Address("fe80::1"))
@example(ipaddress.IPv6Address("fd00::1"))
@example(ipaddress.IPv6Address("fec0::1"))
@example(ipaddress.IPv6Address("ff02::1"))
@example(ipaddress.IPv6Address("2001:db8::1"))
def test_only_an_ipv6_address_that_was_given_out_is_public(address: ipaddress.IPv6Address) -> None:
    """And none of this machine, of a link, of a site, of a group, or of a book."""
    if is_public(str(address)):
        assert address.is_global or address.sixtofour or address in ipaddress.ip_network("64:ff9b::/96")
        ours = (address.is_loopback, address.is_link_local, address.is_site_local, address.is_multicast)
        assert not any(ours)
        assert not (address.is_private or address.is_unspecified) or address.ipv4_mapped or address.teredo


@given(st.text(max_size=30))
def test_an_address_is_an_origin_or_a_value_error(text: str) -> None:
    """Nothing else comes of it, whatever a service writes."""
    for url in (text, f"https://{text}", f"https://x.example:{text}"):
        try:
            scheme, host, port = origin_of(url)
        except ValueError:
            continue
        assert scheme in {"http", "https"}
        assert host
        assert 0 < port < 65_536
