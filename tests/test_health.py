"""Whether the process lives, and whether it can work."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from bot import health as looked_at
from bot.health import Health
from bot.pulse import Pulse, Watched
from bot.web import guard
from bot.web.site import WebSettings
from engine.adding import DISK_LEAST_BYTES
from engine.errors import StorageUnavailable
from tests.fakes.clock import FakeClock
from tests.house import House, opened_house
from tests.web.page import WebHouse, opened_page

SECRET = "/srv/private/nextshot.db"


def health_of(house: House) -> tuple[Health, Pulse]:
    pulse = Pulse(clock=house.clock)
    return Health(house.store, house.files, pulse), pulse


def answering(value: object) -> Callable[..., Awaitable[Any]]:
    async def answer(*_: object) -> object:
        if isinstance(value, Exception):
            raise value
        return value

    return answer


async def test_readiness_names_what_does_not_work(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 with every reason, in words that tell no path and no name; 200 as soon as it works again. No password is asked."""
    monkeypatch.setattr(looked_at, "KEPT_S", -1.0)
    monkeypatch.setattr(guard, "FAILED_LOGIN_S", 0.01)
    async with opened_page(tmp_path, clock, WebSettings(port=0, password="open sesame")) as web:
        health, pulse = health_of(web.house)
        Watched(web.house.stepper, pulse)
        assert await ready(web) == (200, {})  # nobody looks
        await web.adapter.close()
        web.adapter.connect(dispatch=web.house.dispatch, hints=list, why_not_ready=health.reasons)
        web.url = await web.adapter.open()
        assert await ready(web) == (200, {})

        with monkeypatch.context() as broken:
            broken.setattr(web.house.store, "read", answering(StorageUnavailable(f"{SECRET} is locked.")))
            broken.setattr(web.house.files, "free_bytes", answering(DISK_LEAST_BYTES - 1))
            pulse._began_s = time.monotonic() - 60
            status, reasons = await ready(web)
            assert (status, reasons) == (
                503,
                {"database": "does not answer", "disk": "is nearly full", "driver": "does not tick"},
            )
            assert (await alive(web)) == 200  # to start it again would not help
            broken.setattr(web.house.files, "free_bytes", answering(OSError(SECRET)))
            assert (await ready(web))[1]["disk"] == "does not answer"
        pulse._began_s = time.monotonic()
        assert await ready(web) == (200, {})


async def ready(web: WebHouse) -> tuple[int, dict[str, str]]:
    async with web.session.get(f"{web.url}readyz") as answer:
        said = await answer.json()
        assert said["ok"] is (answer.status == 200)
        return answer.status, said["reasons"]


async def alive(web: WebHouse) -> int:
    async with web.session.get(f"{web.url}healthz") as answer:
        assert await answer.json() == {"ok": True}
        return answer.status


async def test_whoever_asks_often_does_not_ask_the_database_often(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Strangers may ask, so one answer is given again for a moment."""
    health, _ = health_of(house)
    asked = 0
    read = house.store.read

    async def counted(work: Callable[[Any], Awaitable[Any]]) -> Any:
        nonlocal asked
        asked += 1
        return await read(work)

    monkeypatch.setattr(house.store, "read", counted)
    monkeypatch.setattr(looked_at, "KEPT_S", 60.0)
    for _ in range(5):
        assert await health.reasons() == {}
    assert asked == 1


async def test_a_disk_that_hangs_is_looked_at_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that waits for it cannot be called back: however often somebody asks, there is no second one."""
    health, _ = health_of(house)
    answers, looks = asyncio.Event(), 0

    async def hang() -> int:
        nonlocal looks
        looks += 1
        await answers.wait()
        return DISK_LEAST_BYTES

    monkeypatch.setattr(house.files, "free_bytes", hang)
    monkeypatch.setattr(looked_at, "KEPT_S", -1.0)
    monkeypatch.setattr(looked_at, "ANSWERS_S", 0.1)
    for _ in range(3):
        assert (await health.reasons())["disk"] == "does not answer"
    assert looks == 1
    answers.set()
    monkeypatch.setattr(looked_at, "ANSWERS_S", 30.0)
    assert await health.reasons() == {}


def test_what_is_worth_an_alert_has_one() -> None:
    """All that docs/operate.md names, and that nobody answers at all. That the series exist, test_metrics.py looks."""
    asked = (Path(__file__).parents[1] / "deploy" / "nextshot-alerts.yml").read_text(encoding="utf-8")
    rules = [line.partition("expr: ")[2] for line in asked.splitlines() if "expr: " in line]
    for series in (
        "nextshot_job_oldest_seconds",
        "nextshot_unknown_usd",
        "nextshot_outbox",
        "nextshot_circuit",
        "nextshot_driver_silent_seconds",
        "nextshot_disk_free_bytes",
        "up{",
    ):
        assert any(series in rule for rule in rules), series


@pytest.fixture
async def house(tmp_path: Path, clock: FakeClock) -> AsyncIterator[House]:
    async with opened_house(tmp_path, clock) as opened:
        yield opened
