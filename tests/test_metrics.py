"""What is measured, where it is served, and that the dashboard asks for nothing else."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Mapping
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot import metrics as measured
from bot.metrics import Metrics, Sources
from bot.metrics_server import serve_metrics
from bot.pulse import Pulse, Watched
from bot.telegram.budget import Budget as TelegramBudget
from bot.telegram.budget import Pace
from bot.web.site import CannotListen
from engine.abilities import Quote
from engine.circuits import OPENS_AFTER
from engine.errors import RateLimited, Refused, StorageUnavailable, Unavailable, Unconfirmed
from engine.job_model import Job, Say
from engine.ledger import HOUSE, Bucket, Move, entries
from engine.model import Create
from engine.providers.base import Order, Rendering
from tests.fakes.chat import FakeChat
from tests.fakes.clock import FakeClock
from tests.house import House, opened_house

DEPLOY = Path(__file__).parents[1] / "deploy"
PLACE = "local:secret-club"

Series = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


def metrics_of(house: House, **budgets: TelegramBudget) -> tuple[Metrics, Pulse]:
    pulse = Pulse(clock=house.clock)
    sources = Sources(
        store=house.store,
        files=house.files,
        clock=house.clock,
        pulse=pulse,
        studio=house.studio,
        delivery=house.delivery,
        budgets=budgets,
    )
    return Metrics(sources), pulse


async def read(metrics: Metrics) -> Series:
    metrics._seen_at_s = float("-inf")  # as if its time were over
    text = (await metrics.text()).decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(series: Series, name: str, **labels: str) -> float | None:
    return series.get((name, frozenset(labels.items())))


@pytest.fixture
async def house(tmp_path: Path, clock: FakeClock):  # type: ignore[no-untyped-def]  # an async generator
    async with opened_house(tmp_path, clock) as opened:
        yield opened


async def test_a_job_is_seen_on_its_way(house: House) -> None:
    """How many stand where, how old they are, how long they were where they have been, how they ended."""
    metrics, _ = metrics_of(house)
    await metrics.begin()
    house.provider.check_answers = [Rendering(percent=None)] * 3
    await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    house.clock.advance(4)
    waiting = await read(metrics)
    name = house.provider.name
    assert value(waiting, "nextshot_jobs", state="queued", provider=name) == 1
    assert value(waiting, "nextshot_job_oldest_seconds", state="queued", provider=name) == 4
    assert value(waiting, "nextshot_jobs", state="unconfirmed", provider=name) == 0
    assert (value(waiting, "nextshot_queue_due"), value(waiting, "nextshot_queue_oldest_seconds")) == (1, 4)
    assert value(waiting, "nextshot_outbox", state="new", platform="local") == 1
    await house.run(30)
    over = await read(metrics)
    assert value(over, "nextshot_jobs", state="queued", provider=name) == 0
    model = (await house.job(1)).model
    stayed = {"state": "queued", "provider": name, "model": model}
    assert value(over, "nextshot_job_state_seconds_count", **stayed) == 1
    assert value(over, "nextshot_job_state_seconds_sum", **stayed) == 4
    assert value(over, "nextshot_jobs_ended_total", state="delivered", provider=name, model=model) == 1
    assert value(over, "nextshot_database_up") == 1


async def test_errors_are_counted_by_cause(house: House) -> None:
    """Each step that fails, by the class of its error; also where it is tried again."""
    metrics, _ = metrics_of(house)
    house.provider.check_answers = [Unavailable("It is down."), Unavailable("It is down."), Rendering(percent=None)]
    await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    await house.run(10)
    seen = await read(metrics)
    assert value(seen, "nextshot_provider_errors_total", provider=house.provider.name, cause="Unavailable") == 2


@pytest.mark.parametrize(
    ("where", "error"),
    [
        ("submit_errors", RateLimited("Later.", retry_after_s=1)),
        ("submit_errors", Refused("No.")),
        ("lose_answers", Unconfirmed("?")),
        ("submit_errors", ValueError("a defect of the adapter")),
    ],
)
async def test_what_a_submit_deals_with_itself_is_counted_once(house: House, where: str, error: Exception) -> None:
    """Its step does not fail, so nobody above it sees the error."""
    metrics, _ = metrics_of(house)
    setattr(house.provider, where, [error])
    await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    await house.run(10)
    counted = {labels: number for (name, labels), number in (await read(metrics)).items() if "provider_errors" in name}
    labels = {"provider": house.provider.name, "cause": type(error).__name__}
    assert counted == {frozenset(labels.items()): 1}


async def test_a_price_that_could_not_be_had_is_counted(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shot is rendered all the same."""

    async def no_quote(order: Order) -> Quote:
        raise Unavailable("It tells no price.")

    monkeypatch.setattr(house.provider, "quote", no_quote)
    job = await house.shot()
    assert house.studio.tally.errors == {(job.provider, "Unavailable"): 1}


async def test_money_is_told_by_provider(house: House) -> None:
    """Added up from what was posted since the last look, and once more from the beginning now and then: never twice."""
    metrics, _ = metrics_of(house)
    job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    for usd in ("0.30", "0.20"):
        await house.store.write(lambda tx, usd=usd: tx.post(_spent(job, usd)))  # type: ignore[misc]  # mypy cannot infer it
        seen = await read(metrics)
    assert value(seen, "nextshot_spent_usd", provider=house.provider.name) == pytest.approx(0.5)
    metrics._counted_at_s = float("-inf")
    again = await read(metrics)
    assert value(again, "nextshot_spent_usd", provider=house.provider.name) == pytest.approx(0.5)
    assert value(again, "nextshot_unknown_usd", provider=house.provider.name) == 0


def _spent(job: Job, usd: str):  # type: ignore[no-untyped-def]  # entries
    from decimal import Decimal

    return entries(HOUSE, [Move(Bucket.LEFT, Bucket.SPENT, Decimal(usd))], job_id=job.id)


async def test_no_label_names_a_place_or_a_person(tmp_path: Path, clock: FakeClock) -> None:
    """Nor does anything else in what is told."""
    async with opened_house(tmp_path, clock, chat=FakeChat()) as house:
        metrics, _ = metrics_of(house)
        await metrics.begin()
        await house.studio.create(Create(asked=house.asked(place=PLACE), prompt="a very secret lamp"))
        await house.run(3)
        text = (await metrics.text()).decode()
        assert await read(metrics)
        assert "nextshot_jobs{" in text
        for word in ("secret", "Ana", "ana", "a1"):
            assert word not in text


async def test_a_scrape_is_answered_without_the_database(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """What only it knows is left out, and a series says so. Two scrapes in a row ask it once."""
    metrics, _ = metrics_of(house)
    asked = 0

    async def broken(_: object) -> object:
        nonlocal asked
        asked += 1
        raise StorageUnavailable("It is locked.")

    assert value(await read(metrics), "nextshot_queue_due") == 0
    monkeypatch.setattr(house.store, "read", broken)
    seen = await read(metrics)
    assert (value(seen, "nextshot_database_up"), value(seen, "nextshot_queue_due")) == (0, None)
    assert value(seen, "nextshot_driver_silent_seconds") is not None
    await metrics.text()
    assert asked == 1


async def test_the_pulse_tells_how_late_a_job_was_claimed(house: House) -> None:
    """By when it said that it would be due; and the steps under way, and whether the driver is silent."""
    metrics, pulse = metrics_of(house)
    house.news.listen(pulse.job_changed)
    watched = Watched(house.stepper, pulse)
    house.provider.check_answers = [Rendering(percent=None)] * 50
    await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    await house.run(3)
    (job,) = await house.studio.jobs("local:home")
    assert job.due_at is not None
    house.clock.now = job.due_at
    house.clock.advance(2.5)
    (claimed,) = await watched.claim(5)
    seen = await read(metrics)
    assert value(seen, "nextshot_claim_late_seconds_sum") == pytest.approx(2.5, abs=0.01)
    assert value(seen, "nextshot_claimed_total", lane="job") == 1
    assert pulse.silent_s() < 5
    pulse.lanes["job"].ticked_at_s = pulse._began_s = time.monotonic() - 60
    assert pulse.silent_s() >= 60
    pulse.lanes["job"].running = watched.slots
    assert pulse.silent_s() == 0  # all are busy: nothing can be claimed
    pulse.lanes["job"].running = 0
    await watched.step(claimed)
    assert pulse.lanes["job"].running == 0


async def test_a_driver_that_cannot_claim_ticks_all_the_same(house: House) -> None:
    """That the database is away is for the database to tell."""

    class Refused:
        name = "job"
        slots = 2

        async def claim(self, limit: int) -> list[Say]:
            raise StorageUnavailable("It is locked.")

        async def step(self, item: object) -> None:
            return

    pulse = Pulse(clock=house.clock)
    watched = Watched(Refused(), pulse)
    pulse._began_s -= 60
    with pytest.raises(StorageUnavailable):
        await watched.claim(1)
    assert pulse.silent_s() < 30


async def test_a_loop_that_is_held_up_is_seen(monkeypatch: pytest.MonkeyPatch, clock: FakeClock) -> None:
    """By at least as long as something held it."""
    from bot import pulse as felt

    monkeypatch.setattr(felt, "LOOK_EVERY_S", 0.01)
    lags: asyncio.Queue[float] = asyncio.Queue()
    running = asyncio.create_task(Pulse(clock=clock, lag=lags.put_nowait).run())
    await asyncio.sleep(0)
    time.sleep(0.2)
    async with asyncio.timeout(20):
        assert await lags.get() >= 0.15
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_send_budgets_are_told(house: House) -> None:
    """What is left, how often a server wanted a pause, and how many chats are silenced."""
    now = 100.0
    budget = TelegramBudget(lambda: now, Pace(all_per_s=10))
    metrics, _ = metrics_of(house, telegram=budget)
    budget.take(5, messages=4)
    budget.silence(5, 30)
    seen = await read(metrics)
    told = ("nextshot_send_budget_left", "nextshot_send_pauses_total", "nextshot_send_paused_chats")
    assert [value(seen, name, platform="telegram") for name in told] == [0.6, 1, 1]
    now = 200.0
    seen = await read(metrics)
    assert [value(seen, name, platform="telegram") for name in told] == [1, 1, 0]


async def test_metrics_have_a_port_of_their_own(house: House) -> None:
    """For whoever means this machine; a page on another site that points its name here reads nothing."""
    metrics, _ = metrics_of(house)
    async with serve_metrics(metrics, "127.0.0.1", 0) as url, aiohttp.ClientSession() as session:
        async with session.get(url) as answer:
            assert answer.headers["Content-Type"].startswith("text/plain")
            assert "nextshot_info" in await answer.text()
        async with session.get(url, headers={"Host": "evil.example"}) as answer:
            assert answer.status == 421
        port = int(url.split(":")[2].split("/")[0])
        with pytest.raises(CannotListen, match="NEXTSHOT_METRICS_PORT"):
            async with serve_metrics(metrics, "127.0.0.1", port):
                pass


def asked_names(text: str) -> set[str]:
    return set(re.findall(r"\b(?:nextshot|process)_\w+", text))


async def test_the_dashboard_asks_only_for_what_is_told(house: House) -> None:
    """Every series in a query of it, and in the alerts, exists; and every series of ours is in it."""
    metrics, pulse = metrics_of(house, telegram=TelegramBudget(time.monotonic, Pace()))
    Watched(house.stepper, pulse)
    await metrics.begin()
    house.provider.check_answers = [Unavailable("It is down.")]
    await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    await house.run(5)
    told = {name for name, _ in await read(metrics)}
    told |= {f"{family.name}_total" for family in metrics.registry.collect() if family.type == "counter"}
    dashboard = json.loads((DEPLOY / "grafana" / "nextshot.json").read_text(encoding="utf-8"))
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    wanted = asked_names(" ".join(queries))
    alerts = asked_names((DEPLOY / "nextshot-alerts.yml").read_text(encoding="utf-8"))
    assert len(queries) > 20
    assert wanted - told == set()
    assert alerts - told == set()
    ours = {name.removesuffix("_count").removesuffix("_sum").removesuffix("_bucket") for name in told}
    ours = {name for name in ours if name.startswith("nextshot_")} - {"nextshot_info"}
    assert {name for name in ours if not any(asked.startswith(name) for asked in wanted)} == set()
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    assert measured.KEPT_S < 15  # as often as the example of deploy/prometheus.yml asks


async def test_void_writes_and_providers_left_alone_are_told(house: House) -> None:
    """By lane and by provider; the operator is told of the provider, too."""
    metrics, pulse = metrics_of(house)
    lanes = Watched(house.stepper, pulse), Watched(house.delivery, pulse)
    await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    (job,), (say,) = [await lane.claim(5) for lane in lanes]
    await house.store.release_leases()
    await asyncio.gather(lanes[0].step(job), lanes[1].step(say))
    name, circuits = house.provider.name, house.studio._world.circuits
    seen = await read(metrics)
    assert [value(seen, "nextshot_stale_writes_total", lane=lane) for lane in ("job", "say")] == [1, 1]
    assert value(seen, "nextshot_circuit", provider=name) == 0
    for number in range(OPENS_AFTER):
        circuits.failed(name, f"a1-{number}", house.clock())
    assert value(await read(metrics), "nextshot_circuit", provider=name) == 1
    assert (await house.studio.troubles()).closed_providers == (name,)
