"""Who is let in, and that nothing from outside becomes markup, a path or a crash."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiohttp.web import Request, Response
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from bot.addresses import PAGE_PATHS
from bot.commands import hints
from bot.hooks import PATH as HOOKS
from bot.web import guard
from bot.web.guard import Doorkeeper, host_is_ours
from bot.web.server import build_app
from bot.web.site import Site, WebSettings
from bot.web.translate import BadRequest, person_of, place_of, post_id_of, read_key
from tests.fakes.clock import FakeClock
from tests.web.page import WebHouse, opened_page

HOSTILE = '<img src=x onerror=alert(1)>"><script>alert(2)</script>&amp;'


# --- host and origin -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "is_ours"),
    [
        ("127.0.0.1:8420", True),
        ("localhost:8420", True),
        ("[::1]:8420", True),
        ("LOCALHOST", True),
        ("evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("localhost.evil.example:8420", False),
        ("", False),
        ("[", False),
        ("user@evil.example", False),
        ("192.168.1.7:8420", False),
    ],
)
def test_only_our_own_names_are_served(header: str, is_ours: bool) -> None:
    """A foreign name that points at this address is somebody else's page (DNS rebinding)."""
    assert host_is_ours(header, WebSettings()) is is_ours


def test_the_bound_address_is_a_name_of_ours() -> None:
    """And where all addresses are bound, the password's cookie tells names apart instead."""
    assert host_is_ours("192.168.1.7:80", WebSettings(host="192.168.1.7", password="long enough"))
    everywhere = "0.0.0.0"  # noqa: S104  # not bound here
    assert host_is_ours("studio.example", WebSettings(host=everywhere, password="long enough"))
    assert not host_is_ours("studio.example", WebSettings(host=everywhere))


async def test_a_foreign_host_is_turned_away(web: WebHouse) -> None:
    """Whatever it asks for."""
    for path in ("/", "/api/room/home", "/api/room/home/events", "/static/page.js", "/healthz/x"):
        async with web.get(path, headers={"Host": "evil.example"}) as answer:
            assert answer.status == 421, path


async def test_a_probe_may_ask_under_any_name(web: WebHouse) -> None:
    """Docker and Kubernetes ask under a service's name; it reads and does nothing else."""
    for path in ("/healthz", "/readyz"):
        async with web.get(path, headers={"Host": "nextshot:8420"}) as answer:
            assert answer.status == 200, path
        async with web.post(path, headers={"Host": "nextshot:8420"}) as answer:
            assert answer.status == 421, path


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({}, 200),
    ],
)
async def test_only_our_own_page_may_speak(web: WebHouse, headers: dict[str, str], status: int) -> None:
    """A page on another site cannot say anything in our name; a program that is no browser can."""
    async with web.post("/api/room/home/say", json=web.message("hello"), headers=headers) as answer:
        assert answer.status == status
    async with web.post(
        "/api/room/home/say", json=web.message("hello"), headers={"Origin": web.url.rstrip("/")}
    ) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("path", ["/", "/api/room/home", "/media/home/a1-1/video", "/nowhere"])
async def test_every_answer_forbids_what_we_do_not_do(web: WebHouse, path: str) -> None:
    """No script but ours, no framing, no guessing of types, no reading from other origins: errors too."""
    async with web.get(path) as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Access-Control-Allow-Origin" not in answer.headers


# --- the password ----------------------------------------------------------------------------------------------------


async def test_a_password_is_asked_and_remembered(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is shown before it; after it the cookie opens everything, also to a server that started anew."""
    monkeypatch.setattr(guard, "FAILED_LOGIN_S", 0.01)
    settings = WebSettings(port=0, password="open sesame")
    async with opened_page(tmp_path, clock, settings) as web:
        for path, status in (
            ("/", 303),
            ("/room/attic", 303),
            ("/api/room/home", 401),
            ("/media/home/a1-1/video", 401),
        ):
            async with web.get(path, allow_redirects=False) as answer:
                assert answer.status == status, path
        async with web.get("/healthz") as answer:
            assert answer.status == 200
        async with web.post("/login", data={"password": "open says me"}) as answer:
            assert answer.status == 403
            assert "not the password" in await answer.text()
            assert not answer.cookies
        async with web.post("/login", data={"password": "open sesame"}, allow_redirects=False) as answer:
            assert answer.status == 303
            cookie = answer.cookies[guard.COOKIE]
            assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
        assert (await web.room())["has_login"]
        value = cookie.value
    async with (
        opened_page(tmp_path / "again", clock, settings) as web,
        web.get("/api/room/home", cookies={guard.COOKIE: value}) as answer,
    ):
        assert answer.status == 200


@pytest.mark.parametrize("cookie", ["", ".", "9999999999.", "9999999999.00", "x.y", "9" * 400 + ".z", "é.é"])
def test_a_made_up_cookie_opens_nothing(cookie: str) -> None:
    """Without the password nobody can sign one."""
    assert not Doorkeeper("open sesame").knows(cookie, 0)


def test_a_cookie_ends() -> None:
    """With its time, and with the password that it stands for."""
    keeper = Doorkeeper("open sesame")
    cookie = keeper.cookie(1_000)
    assert keeper.knows(cookie, 1_000)
    assert not keeper.knows(cookie, 1_000 + guard.LOGIN_KEPT_S + 1)
    assert not Doorkeeper("another one").knows(cookie, 1_000)


# --- hooks -----------------------------------------------------------------------------------------------------------


async def test_a_hook_opens_its_own_path_and_nothing_of_the_page(tmp_path: Path, clock: FakeClock) -> None:
    """Whoever posts there is asked by the hook. At a path of the page it opens nothing, whatever the settings say."""
    came: list[str] = []

    async def hook(request: Request) -> Response:
        came.append(request.path)
        return Response()

    stranger = {"Host": "films.example.org", "Origin": "https://evil.example"}
    async with opened_page(tmp_path, clock, WebSettings(port=0, password="open sesame")) as web:
        await web.adapter.close()
        paths = ("/telegram", "/login", "/api/room/home", "/media/home/a1-1/video")
        web.adapter.connect(dispatch=web.house.dispatch, hints=hints, hooks=dict.fromkeys(paths, hook))
        url = (await web.adapter.open()).rstrip("/")

        async def status(method: str, path: str, headers: dict[str, str]) -> int:
            async with web.session.request(
                method, url + path, headers=headers, json=web.message("hello"), allow_redirects=False
            ) as answer:
                return answer.status

        assert await status("POST", "/telegram", stranger) == 200
        assert await status("GET", "/telegram", stranger) == 421
        assert await status("GET", "/telegram", {}) == 303
        assert await status("POST", "/login", stranger) == 421
        assert await status("GET", "/api/room/home", stranger) == 421
        assert await status("GET", "/api/room/home", {}) == 401
        assert await status("GET", "/media/home/a1-1/video", {}) == 401
    assert came == ["/telegram"]


async def test_every_path_of_the_page_is_known_to_the_settings() -> None:
    """No hook can be set to a path that the page has or gets."""
    nobody: Any = None
    site = Site(settings=WebSettings(), rooms=nobody, dispatch=nobody, files=nobody, hints=nobody, pages=nobody)
    paths = {resource.canonical for resource in (await build_app(site)).router.resources()}
    assert len(paths) > 8
    of_services = {HOOKS.removeprefix("/")}
    assert {path.split("/")[1] for path in paths} | of_services == PAGE_PATHS


# --- what comes from outside -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/static/x/../../adapter.py",
        "/static/x/%2e%2e/%2e%2e/adapter.py",
        "/static/x//etc/passwd",
        "/static/x/..%2fserver.py",
        "/media/home/posts/..%2f..%2f1/video",
        "/media/home/..%2f..%2fetc/video",
        "/media/home/a1-1/..%2fvideo",
        "/media/home/jobs/%2e%2e/preview",
        "/media/../home/a1-1/video",
        "/room/..%2f..",
        "/room/%00",
        "/api/room/Home%20",
        "/media/home/posts/999999999999999999999999/video",
        "/media/home/jobs/²/preview",
    ],
)
async def test_no_address_leads_out_of_the_house(web: WebHouse, path: str) -> None:
    """There is nothing there, and it is said so without a crash."""
    async with web.session.get(URL(web.url.rstrip("/") + path, encoded=True)) as answer:
        assert answer.status in {400, 404}, await answer.text()


async def test_markup_in_names_and_prompts_stays_text(web: WebHouse) -> None:
    """It is kept as it was typed and leaves as JSON; the page makes text of it, never elements."""
    said = await web.say(HOSTILE, name=HOSTILE[:40])
    assert (said["post"]["text"], said["post"]["name"]) == (HOSTILE, HOSTILE[:40])
    async with web.get("/api/room/home") as answer:
        assert answer.content_type == "application/json"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": ""}, "Choose a name"),
        ({"name": "\u200b\u202e"}, "Choose a name"),
        ({"name": "x" * 41}, "1 to 40"),
        ({"name": 7}, "must be a text"),
        ({"text": ""}, "Write something"),
        ({"text": "x" * 8_001}, "at most 8,000"),
        ({"text": "a\0b"}, "must be a text"),
        ({"text": "\ud800"}, "half a character"),
        ({"key": "short"}, "no key"),
        ({"key": None}, "no key"),
        ({"key": "k" * 20 + "\n"}, "no key"),
        ({"reply_to": "1"}, "unknown"),
        ({"reply_to": True}, "unknown"),
        ({"reply_to": 2**70}, "unknown"),
    ],
)
async def test_a_wrong_message_is_one_sentence(web: WebHouse, changes: dict[str, object], sentence: str) -> None:
    """What is wrong and what to do; nothing is kept."""
    async with web.post("/api/room/home/say", json={**web.message("hello"), **changes}) as answer:
        assert answer.status == 400
        assert sentence in (await answer.json())["error"]
    assert (await web.room())["posts"] == []


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[1]", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"[" * 30_000, "application/json", 400),
        (b'{"name": "' + b"x" * 70_000 + b'"}', "application/json", 413),
        (b"name=Ana", "application/x-www-form-urlencoded", 415),
        (b"no parts", "multipart/form-data", 400),
        (b"no parts", "multipart/form-data; boundary=x", 400),
    ],
    ids=["cut", "list", "bytes", "deep", "large", "form", "no boundary", "no parts"],
)
async def test_a_broken_request_is_one_sentence(web: WebHouse, content: bytes, kind: str, status: int) -> None:
    """Nothing that can be sent makes a traceback or a message."""
    async with web.post("/api/room/home/say", data=content, headers={"Content-Type": kind}) as answer:
        assert answer.status == status, await answer.text()
        assert (await answer.json())["error"].endswith(".")
    assert (await web.room())["posts"] == []


@pytest.mark.parametrize("button", [{"verb": "Delete!", "target": "a1-1"}, {"verb": "delete", "target": "../x"}, {}])
async def test_an_unknown_button_explains_itself(web: WebHouse, button: dict[str, str]) -> None:
    """A page from before an update gets a sentence."""
    async with web.post("/api/room/home/press", json={**web.message(""), **button}) as answer:
        assert (answer.status, "reload" in (await answer.json())["error"]) == (400, True)


@given(st.text(max_size=60))
def test_any_name_is_one_person_or_a_sentence(name: str) -> None:
    """The key is stable under case and never holds what could end a place's name."""
    try:
        person = person_of(name)
    except BadRequest:
        return
    assert person.key.startswith("local:")
    assert not set(person.key) & set(" /\\<>\"'\n")
    assert person_of(person.name) == person


@given(st.text(max_size=30))
def test_any_text_is_a_room_or_none(text: str) -> None:
    """A place has exactly one colon, after the platform."""
    place = place_of(text)
    assert place is None or place == f"local:{text}"
    assert place is None or place.count(":") == 1
    assert post_id_of(text) is None or text == f"local:{int(text[6:])}" or text[6:].startswith("0")


def test_keys_of_two_rooms_differ() -> None:
    """The same key from two pages in two rooms is two messages."""
    assert read_key({"key": "k" * 20}, "local:a") != read_key({"key": "k" * 20}, "local:b")
