"""What is measured, for Prometheus: counters that grow as things happen, and how everything stands when it is asked.

Labels name a provider, a model, a state, a platform, a cause: never a person, a place or a prompt.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from importlib.metadata import version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from bot import metrics_families as families
from bot.delivery import Delivery
from bot.metrics_families import NOWHERE
from bot.ports import SendBudget
from bot.pulse import Pulse
from engine.errors import EngineError
from engine.jobs import OVER
from engine.ledger import Bucket
from engine.oversight_ports import Passage, Standing
from engine.ports import Clock, Files, Reader, Store
from engine.studio import Studio

log = logging.getLogger(__name__)

KEPT_S = 5.0
"""How long what the database said is given again."""
LOOK_S = 10.0
"""How long the database may take."""
PASSAGES_AT_ONCE = 500
"""How many changes of jobs are read at a time; between two of them the event loop does other things."""
COUNT_ANEW_S = 900.0
"""After it the money is added up from the beginning: a database may show an older entry later."""
STAYS_S = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 21_600, 86_400)
LATE_S = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
LAGS_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What the database said."""

    standing: Standing
    money: Mapping[tuple[Bucket, str], Decimal]
    free_bytes: int


@dataclass(slots=True, kw_only=True)
class Sources:
    """Where the numbers come from."""

    store: Store
    files: Files
    clock: Clock
    pulse: Pulse
    studio: Studio
    delivery: Delivery
    budgets: Mapping[str, SendBudget] = field(default_factory=dict)
    """By platform."""


class Metrics:
    """All series of this process."""

    def __init__(self, sources: Sources) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # of the library. Else a series for when each series began: nobody asks
        self._from = sources
        self._seen: _Seen | None = None
        self._seen_at_s = float("-inf")
        self._looking = asyncio.Lock()
        self._last_event: int | None = None
        self._money: dict[tuple[Bucket, str], Decimal] = {}
        self._last_entry = 0
        self._counted_at_s = float("-inf")
        self.registry = CollectorRegistry()
        stays = ("state", "provider", "model")
        self._stays = Histogram(
            "nextshot_job_state_seconds",
            "How long jobs were in a state that they left.",
            stays,
            buckets=STAYS_S,
            registry=self.registry,
        )
        self._ended = Counter("nextshot_jobs_ended", "Jobs that came to an end.", stays, registry=self.registry)
        self._failures = Counter(
            "nextshot_job_failures", "Jobs that failed, by why.", ("provider", "cause"), registry=self.registry
        )
        late = Histogram(
            "nextshot_claim_late_seconds", "How late jobs were claimed.", buckets=LATE_S, registry=self.registry
        )
        lag = Histogram(
            "nextshot_loop_lag_seconds", "How long the event loop was held up.", buckets=LAGS_S, registry=self.registry
        )
        sources.pulse.late, sources.pulse.lag = late.observe, lag.observe
        self._is_seen = Gauge(
            "nextshot_database_up", "1: the database answered when it was last asked.", registry=self.registry
        )
        about = Gauge("nextshot_info", "1, with the version of the program.", ("version",), registry=self.registry)
        about.labels(version("nextshot")).set(1)
        ProcessCollector(registry=self.registry)
        self.registry.register(_Asked(self._now))

    async def begin(self) -> None:
        """Count from here on what happens to jobs."""
        await self.text()

    async def text(self) -> bytes:
        """What Prometheus reads. Where the database does not answer, without what only it knows."""
        async with self._looking:
            if time.monotonic() - self._seen_at_s > KEPT_S:
                await self._look()
        return generate_latest(self.registry)

    async def _look(self) -> None:
        self._seen_at_s = time.monotonic()
        try:
            async with asyncio.timeout(LOOK_S):
                standing = await self._from.store.read(lambda tx: tx.standing())
                await self._read_passages(standing.last_event_id)
                await self._add_up()
                free_bytes = await self._from.files.free_bytes()
        except (EngineError, OSError, TimeoutError) as error:
            log.warning("metrics without the database: %s", error)
            self._seen = None
        else:
            self._seen = _Seen(standing=standing, money=dict(self._money), free_bytes=free_bytes)
        self._is_seen.set(self._seen is not None)

    async def _read_passages(self, last_event_id: int) -> None:
        """What happened since the last look. At the first one nothing is read: counters begin at 0 with their process."""
        if self._last_event is None:
            self._last_event = last_event_id
        while self._last_event < last_event_id:
            passages = await self._from.store.read(partial(_passages, after=self._last_event))
            for passage in passages:
                self._passed(passage)
            full = len(passages) == PASSAGES_AT_ONCE
            self._last_event = passages[-1].event_id if full else last_event_id
            await asyncio.sleep(0)

    def _passed(self, passage: Passage) -> None:
        provider = passage.provider or NOWHERE
        self._stays.labels(passage.from_state, provider, passage.model).observe(passage.seconds)
        if passage.to_state in OVER:
            self._ended.labels(passage.to_state, provider, passage.model).inc()
        if passage.failure_kind is not None:
            self._failures.labels(provider, passage.failure_kind).inc()

    async def _add_up(self) -> None:
        """Entries are only ever added, so that what is new is enough."""
        if time.monotonic() - self._counted_at_s > COUNT_ANEW_S:
            self._counted_at_s = time.monotonic()
            self._money, self._last_entry = {}, 0
        after = self._last_entry
        self._last_entry, sums = await self._from.store.read(lambda tx: tx.sums(after))
        for each in sums:
            key = each.bucket, each.provider or NOWHERE
            self._money[key] = self._money.get(key, Decimal(0)) + each.usd

    def _now(self) -> Iterator[Metric]:
        """As it is at this moment."""
        studio, pulse = self._from.studio, self._from.pulse
        stale = {"job": studio.tally.stale["job"], "say": self._from.delivery.stale}
        circuits = {provider: str(state) for provider, state in studio.circuits().items()}
        yield from families.of_lanes(pulse.lanes, stale, pulse.silent_s())
        yield from families.of_errors(studio.tally.errors)
        yield from families.of_circuits(circuits)
        yield from families.of_budgets(self._from.budgets)
        if self._seen is not None:
            standing, now = self._seen.standing, self._from.clock()
            yield from families.of_jobs(standing.jobs, list(circuits), now)
            yield from families.of_messages(standing.messages, ("local", *self._from.budgets), now)
            yield from families.of_queue(standing, now)
            yield from families.of_money(self._seen.money, list(circuits))
            yield families.gauge(
                "nextshot_disk_free_bytes", "Free bytes on the disk of the data.", self._seen.free_bytes
            )


class _Asked(Collector):
    """Asks at every scrape."""

    def __init__(self, now: Callable[[], Iterator[Metric]]) -> None:
        self._now = now

    def collect(self) -> Iterator[Metric]:
        return self._now()

    def describe(self) -> Iterator[Metric]:
        """Nothing: else the registry would ask when there is nothing to tell yet."""
        return iter(())


async def _passages(tx: Reader, *, after: int) -> Sequence[Passage]:
    return await tx.passages(after, PASSAGES_AT_ONCE)
