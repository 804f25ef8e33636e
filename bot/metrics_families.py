"""From values to what Prometheus reads. Pure; where nothing is, a 0 is told, so that it is not taken for not known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from bot.ports import SendBudget
from bot.pulse import Lane
from engine.job_model import JobState, SayState
from engine.jobs import OVER
from engine.ledger import Bucket
from engine.oversight_ports import JobCount, MessageCount, Standing

NOWHERE = "none"
"""As provider: a stitch, or money of no job."""
_CIRCUITS = {"closed": 0.0, "half open": 0.5, "open": 1.0}
_MONEY = {
    Bucket.SPENT: "Dollars that jobs have cost.",
    Bucket.HELD: "Dollars set aside for jobs that go on.",
    Bucket.UNKNOWN: "Dollars of which nobody knows whether they were charged.",
}


def gauge(name: str, about: str, value: float) -> GaugeMetricFamily:
    """One number without labels."""
    return GaugeMetricFamily(name, about, value=value)


def of_errors(errors: Mapping[tuple[str, str], int]) -> Iterator[Metric]:
    """By provider and class of the error."""
    family = CounterMetricFamily(
        "nextshot_provider_errors", "Steps that failed, tried again or not.", labels=("provider", "cause")
    )
    for (provider, cause), count in errors.items():
        family.add_metric([provider or NOWHERE, cause], count)
    yield family


def of_lanes(lanes: Mapping[str, Lane], stale: Mapping[str, int], silent_s: float) -> Iterator[Metric]:
    """What the driver does, by stepper."""
    voids = CounterMetricFamily(
        "nextshot_stale_writes", "Writes that were void: somebody else had taken over.", labels=("lane",)
    )
    claimed = CounterMetricFamily("nextshot_claimed", "What was claimed.", labels=("lane",))
    running = GaugeMetricFamily("nextshot_steps_running", "Steps under way.", labels=("lane",))
    slots = GaugeMetricFamily("nextshot_step_slots", "How many steps may be under way.", labels=("lane",))
    for name, lane in lanes.items():
        voids.add_metric([name], stale.get(name, 0))
        claimed.add_metric([name], lane.claimed)
        running.add_metric([name], lane.running)
        slots.add_metric([name], lane.slots)
    yield from (voids, claimed, running, slots)
    yield gauge("nextshot_driver_silent_seconds", "How long the driver has claimed nothing.", silent_s)


def of_circuits(circuits: Mapping[str, str]) -> Iterator[Metric]:
    """By provider."""
    family = GaugeMetricFamily(
        "nextshot_circuit", "0: asked as ever, 0.5: one probe is out, 1: left alone.", labels=("provider",)
    )
    for provider, state in circuits.items():
        family.add_metric([provider], _CIRCUITS[state])
    yield family


def of_budgets(budgets: Mapping[str, SendBudget]) -> Iterator[Metric]:
    """By platform."""
    left = GaugeMetricFamily(
        "nextshot_send_budget_left", "Share of the send budget that is left.", labels=("platform",)
    )
    pauses = CounterMetricFamily(
        "nextshot_send_pauses", "How often a server said that a chat had too much.", labels=("platform",)
    )
    paused = GaugeMetricFamily("nextshot_send_paused_chats", "Chats silenced by their server.", labels=("platform",))
    for platform, budget in budgets.items():
        left.add_metric([platform], budget.left())
        pauses.add_metric([platform], budget.pauses)
        paused.add_metric([platform], budget.paused())
    yield from (left, pauses, paused)


def of_jobs(counts: Iterable[JobCount], providers: Iterable[str], now: datetime) -> Iterator[Metric]:
    """Jobs that are not over. `providers`: those that are set up."""
    jobs = GaugeMetricFamily("nextshot_jobs", "Jobs that are not over.", labels=("state", "provider"))
    oldest = GaugeMetricFamily(
        "nextshot_job_oldest_seconds", "How long the oldest job has been in its state.", labels=("state", "provider")
    )
    found = {(each.state, each.provider or NOWHERE): each for each in counts}
    empty = [(state, provider) for state in JobState if state not in OVER for provider in (*providers, NOWHERE)]
    for state, provider in dict.fromkeys((*empty, *found)):
        count = found.get((state, provider))
        jobs.add_metric([state, provider], count.count if count else 0)
        oldest.add_metric([state, provider], _age_s(count.oldest_since if count else None, now))
    yield from (jobs, oldest)


def of_messages(counts: Iterable[MessageCount], platforms: Iterable[str], now: datetime) -> Iterator[Metric]:
    """Messages that were not sent. `platforms`: those that are served."""
    messages = GaugeMetricFamily("nextshot_outbox", "Messages that were not sent.", labels=("state", "platform"))
    oldest = GaugeMetricFamily(
        "nextshot_outbox_oldest_seconds", "Age of the oldest message that was not sent.", labels=("state", "platform")
    )
    found = {(each.state, each.platform): each for each in counts}
    empty = [(state, platform) for state in SayState if state is not SayState.SENT for platform in platforms]
    for state, platform in dict.fromkeys((*empty, *found)):
        count = found.get((state, platform))
        messages.add_metric([state, platform], count.count if count else 0)
        oldest.add_metric([state, platform], _age_s(count.oldest_at if count else None, now))
    yield from (messages, oldest)


def of_queue(standing: Standing, now: datetime) -> Iterator[Metric]:
    """What waits to be claimed."""
    yield gauge("nextshot_queue_due", "Jobs that are due and not claimed.", standing.due_jobs)
    about = "How long the oldest of the jobs that are due and not claimed has been due."
    yield gauge("nextshot_queue_oldest_seconds", about, _age_s(standing.oldest_due_at, now))


def of_money(money: Mapping[tuple[Bucket, str], Decimal], providers: Iterable[str]) -> Iterator[Metric]:
    """By bucket and provider."""
    known = dict.fromkeys((*providers, *(provider for _, provider in money if provider != NOWHERE)))
    for bucket, about in _MONEY.items():
        family = GaugeMetricFamily(f"nextshot_{bucket}_usd", about, labels=("provider",))
        for provider in known:
            family.add_metric([provider], float(money.get((bucket, provider), Decimal(0))))
        yield family


def _age_s(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())
