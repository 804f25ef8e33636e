"""The arithmetic of the ledger: what a job should have in each bucket, and the way there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.attempts import Attempt, AttemptFor, AttemptOutcome
from engine.errors import Billed
from engine.job_model import MAY_STILL_COST, WAS_CHARGED, Failure, Job, JobKind, JobState, Payer
from engine.jobs import WITH_CLIP
from engine.ledger import MEANINGS, ZERO, Balances, Bucket, PotKey, entries, moves, target, to_settle
from engine.model import Person

B, S, A = Bucket, JobState, AttemptOutcome
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
POT = PotKey(Payer.PLACE, "local:home")
PRICE = Decimal("0.80")


def usd(text: str) -> Decimal:
    return Decimal(text)


def job(state: JobState = S.QUEUED, *, billed: Billed | None = None, note: str = "", **changes: object) -> Job:
    """A render at `PRICE`. `billed`: of its failure."""
    made = Job(
        id=1,
        kind=JobKind.RENDER,
        state=state,
        request_key="u",
        place="local:home",
        person=Person("local:ana", "Ana"),
        story_code="k7",
        created_at=NOON,
        task_id="t",
        quoted_usd=PRICE,
        notes=(note,) if note else (),
        failure=None if billed is None else Failure("RenderFailed", "No.", billed),
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # by name


def attempt(outcome: AttemptOutcome = A.ACCEPTED, **changes: object) -> Attempt:
    """A request for a render at `PRICE`; taken, where it is ACCEPTED."""
    made = Attempt(
        id=1,
        job_id=1,
        number=1,
        key="k",
        intent_at=NOON,
        outcome=outcome,
        task_id="t" if outcome is A.ACCEPTED else None,
        quoted_usd=PRICE,
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # by name


def picture(outcome: AttemptOutcome = A.ACCEPTED, told: str | None = "0.06", **changes: object) -> Attempt:
    """A request for a first frame at $0.05, which cost `told`."""
    cost = None if told is None else usd(told)
    said = attempt(outcome, what=AttemptFor.PICTURE, task_id=None, usd=cost, quoted_usd=usd("0.05"))
    return replace(said, **changes)  # type: ignore[arg-type]  # by name


def told(cost: str) -> Attempt:
    """A render that was taken, of which its service said what it cost."""
    return attempt(usd=usd(cost))


UNKNOWN, REJECTED, ABSENT, INTENDED = (attempt(each) for each in (A.UNKNOWN, A.REJECTED, A.ABSENT, A.INTENDED))
TAKEN = attempt()

# what it is, its job, its requests, and what is held, spent and unknown then
TABLE: list[tuple[str, Job, Sequence[Attempt], str, str, str]] = [
    ("a price that nobody agreed to yet", job(S.ASKING), [], "0", "0", "0"),
    ("in line", job(), [], "0.80", "0", "0"),
    ("in line, free", job(quoted_usd=ZERO), [], "0", "0", "0"),
    ("in line, at a price that nobody knows", job(quoted_usd=None), [], "0", "0", "0"),
    ("being handed over", job(S.SUBMITTING), [INTENDED], "0.80", "0", "0"),
    ("rate limited, in line again", job(), [REJECTED], "0.80", "0", "0"),
    ("vanished, in line again", job(), [ABSENT], "0.80", "0", "0"),
    ("rendering", job(S.RENDERING), [TAKEN], "0.80", "0", "0"),
    ("being fetched", job(S.SAVING, cost_usd=usd("0.70")), [TAKEN], "0.80", "0", "0"),
    ("a clip", job(S.READY), [TAKEN], "0", "0.80", "0"),
    ("a clip that cost less", job(S.READY, cost_usd=usd("0.70")), [TAKEN], "0", "0.70", "0"),
    ("a clip that cost more", job(S.DELIVERED, cost_usd=usd("0.95")), [TAKEN], "0", "0.95", "0"),
    ("a clip whose price nobody knew", job(S.READY, quoted_usd=None, cost_usd=usd("3")), [TAKEN], "0", "3", "0"),
    ("refused", job(S.FAILED, billed=Billed.NO), [REJECTED], "0", "0", "0"),
    ("refused before it was sent", job(S.FAILED, billed=Billed.NO), [], "0", "0", "0"),
    ("refused and charged", job(S.FAILED, billed=Billed.YES), [REJECTED], "0", "0.80", "0"),
    ("refused and perhaps charged", job(S.FAILED, billed=Billed.UNKNOWN), [REJECTED], "0", "0", "0.80"),
    ("withheld", job(S.FAILED, billed=Billed.YES, cost_usd=usd("0.75")), [TAKEN], "0", "0.75", "0"),
    ("broken off", job(S.FAILED, billed=Billed.UNKNOWN), [TAKEN], "0", "0", "0.80"),
    ("broken off, money back", job(S.FAILED, billed=Billed.NO), [TAKEN], "0", "0", "0"),
    ("lost on the way", job(S.UNCONFIRMED, billed=Billed.UNKNOWN), [UNKNOWN], "0", "0", "0.80"),
    ("sent again, in line", job(), [UNKNOWN], "0.80", "0", "0.80"),
    ("sent again, rendering", job(S.RENDERING), [UNKNOWN, TAKEN], "0.80", "0", "0.80"),
    ("sent again, a clip", job(S.READY), [UNKNOWN, TAKEN], "0", "0.80", "0.80"),
    ("sent again, refused", job(S.FAILED, billed=Billed.UNKNOWN), [UNKNOWN, REJECTED], "0", "0", "0.80"),
    ("found after all", job(S.RENDERING), [attempt(settled_usd=None)], "0.80", "0", "0"),
    ("left as it is", job(S.CANCELLED), [UNKNOWN], "0", "0", "0.80"),
    ("cancelled in line", job(S.CANCELLED), [], "0", "0", "0"),
    ("cancelled and stopped", job(S.CANCELLED), [TAKEN], "0", "0", "0"),
    ("cancelled, may still cost", job(S.CANCELLED, note=MAY_STILL_COST), [TAKEN], "0", "0", "0.80"),
    ("cancelled while its answer was lost", job(S.CANCELLED, note=MAY_STILL_COST), [UNKNOWN], "0", "0", "0.80"),
    ("cancelled when it was done", job(S.CANCELLED, note=WAS_CHARGED), [TAKEN], "0", "0.80", "0"),
    ("being painted", job(S.SUBMITTING), [picture(A.INTENDED, None)], "0.80", "0", "0"),
    ("painted, in line", job(), [picture()], "0.74", "0.06", "0"),
    ("painted, not told at what cost", job(), [picture(told=None)], "0.75", "0.05", "0"),
    ("painted, its render is asked about", job(S.ASKING), [picture()], "0", "0.06", "0"),
    ("painted and rendered", job(S.READY, cost_usd=usd("0.86")), [picture(), TAKEN], "0", "0.86", "0"),
    ("painted and rendered, not told", job(S.READY, cost_usd=usd("0.06")), [picture(), TAKEN], "0", "0.86", "0"),
    ("painted for less", job(S.READY, cost_usd=usd("0.03")), [picture(told="0.03"), TAKEN], "0", "0.83", "0"),
    ("painted for more", job(S.READY, cost_usd=usd("0.09")), [picture(told="0.09"), TAKEN], "0", "0.89", "0"),
    ("render told", job(S.READY, cost_usd=usd("0.75")), [picture(told=None), told("0.70")], "0", "0.75", "0"),
    ("render told, tiny", job(S.READY, cost_usd=usd("0.02")), [picture(told=None), told("0.02")], "0", "0.07", "0"),
    ("render told as free", job(S.READY, cost_usd=usd("0.06")), [picture(), told("0")], "0", "0.06", "0"),
    ("nothing told", job(S.READY, quoted_usd=usd("0.85")), [picture(told=None), TAKEN], "0", "0.85", "0"),
    (
        "painted and rendered, unpriced",
        job(S.READY, quoted_usd=usd("0.85")),
        [picture(), attempt(quoted_usd=None)],
        "0",
        "0.85",
        "0",
    ),
    ("painted and rendered, free", job(S.READY), [picture(), attempt(quoted_usd=ZERO)], "0", "0.06", "0"),
    (
        "painted, cancelled when it was done",
        job(S.CANCELLED, note=WAS_CHARGED),
        [picture(), TAKEN],
        "0",
        "0.86",
        "0",
    ),
    ("painted, render refused", job(S.FAILED, billed=Billed.NO), [picture(), REJECTED], "0", "0.06", "0"),
    ("painted, cancelled", job(S.CANCELLED), [picture()], "0", "0.06", "0"),
    ("no picture, charged", job(S.FAILED, billed=Billed.YES), [picture(told=None)], "0", "0.05", "0"),
    ("no picture, not charged", job(S.FAILED, billed=Billed.NO), [picture(A.REJECTED, None)], "0", "0", "0"),
    ("no picture, who knows", job(S.FAILED, billed=Billed.UNKNOWN), [picture(A.UNKNOWN, None)], "0", "0", "0.05"),
    ("picture lost on the way", job(S.UNCONFIRMED), [picture(A.UNKNOWN, None)], "0", "0", "0.05"),
    (
        "found out: it was charged after all",
        job(S.FAILED, billed=Billed.UNKNOWN),
        [attempt(settled_usd=usd("0.5"))],
        "0",
        "0.5",
        "0",
    ),
    ("found out: it was not charged", job(S.UNCONFIRMED), [attempt(A.UNKNOWN, settled_usd=ZERO)], "0", "0", "0"),
    (
        "found out, then sent again",
        job(S.READY),
        [attempt(A.UNKNOWN, settled_usd=usd("0.3")), TAKEN],
        "0",
        "1.10",
        "0",
    ),
    (
        "found out, and it came all the same",
        job(S.READY, cost_usd=usd("0.9")),
        [attempt(settled_usd=usd("0.3"))],
        "0",
        "0.9",
        "0",
    ),
    (
        "refused and perhaps charged, found out: not",
        job(S.FAILED, billed=Billed.UNKNOWN),
        [attempt(A.REJECTED, settled_usd=ZERO)],
        "0",
        "0",
        "0",
    ),
]


@pytest.mark.parametrize(("_what", "of", "tried", "held", "spent", "unknown"), TABLE, ids=[row[0] for row in TABLE])
def test_what_a_job_should_have_follows_from_its_row_and_its_requests(
    _what: str, of: Job, tried: Sequence[Attempt], held: str, spent: str, unknown: str
) -> None:
    """And what it has, its pot has not."""
    got = target(of, tried)
    assert (got.held, got.spent, got.unknown) == (usd(held), usd(spent), usd(unknown))
    assert got.left == -got.committed


def test_the_table_has_every_state_and_every_outcome() -> None:
    """None is forgotten."""
    assert {row[1].state for row in TABLE} == set(JobState)
    assert {each.outcome for row in TABLE for each in row[2]} == set(AttemptOutcome)


@pytest.mark.parametrize("row", TABLE, ids=[row[0] for row in TABLE])
def test_what_is_unknown_can_be_settled_and_nothing_else(
    row: tuple[str, Job, Sequence[Attempt], str, str, str],
) -> None:
    """What the operator says replaces what nobody knew, to the cent; the rest stays."""
    _, of, tried, held, spent, unknown = row
    tried = [replace(each, id=number) for number, each in enumerate(tried)]
    found = to_settle(of, tried)
    assert bool(found) is (usd(unknown) > 0)
    says = {each.id: usd("0.33") if each is found[0] else ZERO for each in found}
    got = target(of, [replace(each, settled_usd=says.get(each.id, each.settled_usd)) for each in tried])
    more = usd("0.33") if found else ZERO
    assert (got.held, got.spent, got.unknown) == (usd(held), usd(spent) + more, ZERO)


def test_a_price_is_kept_to_a_millionth() -> None:
    """Half to even; nothing smaller is ever posted."""
    assert target(job(quoted_usd=usd("0.1234565")), []).held == usd("0.123456")
    assert target(job(quoted_usd=usd("0.1234575")), []).held == usd("0.123458")


# --- the way from one to the other -------------------------------------------------------------------------------------

MONEY = st.decimals(min_value=0, max_value=1000, places=6)
BALANCES = st.builds(
    lambda held, spent, unknown: Balances(left=-held - spent - unknown, held=held, spent=spent, unknown=unknown),
    MONEY,
    MONEY,
    MONEY,
)


def posted(have: Balances, want: Balances) -> Balances:
    """What is there after the difference was posted."""
    sums = {bucket: have.of(bucket) for bucket in (B.LEFT, B.HELD, B.SPENT, B.UNKNOWN)}
    for line in entries(POT, moves(have, want), job_id=1):
        sums[line.bucket] += line.usd
    return Balances(left=sums[B.LEFT], held=sums[B.HELD], spent=sums[B.SPENT], unknown=sums[B.UNKNOWN])


@given(have=BALANCES, want=BALANCES)
def test_booking_leads_there_and_a_second_time_nowhere(have: Balances, want: Balances) -> None:
    """Every line has its other half, every move a meaning, and there is no move of nothing."""
    assert posted(have, want) == want
    assert moves(want, want) == ()
    made = moves(have, want)
    assert all(each.usd > 0 and (each.source, each.to) in MEANINGS for each in made)
    lines = entries(POT, made, job_id=1, note="n", key="k")
    assert sum((line.usd for line in lines), ZERO) == 0
    assert [line.key for line in lines if line.key] == ["k"] * bool(lines)


def test_a_render_that_nobody_has_is_unknown_until_it_is_had() -> None:
    """Its answer came when its sender had lost the job: it is paid, and the job that is asked about does not have it."""
    late = attempt()
    asked = job(S.UNCONFIRMED, task_id=None)
    assert (target(asked, [late]).unknown, target(asked, [late]).held) == (PRICE, usd("0"))
    assert to_settle(asked, [late]) == (late,)
    again = job(S.QUEUED, task_id=None)
    assert (target(again, [late]).unknown, target(again, [late]).held) == (PRICE, PRICE)
    had = job(S.READY)
    assert (target(had, [late]).unknown, target(had, [late]).spent) == (usd("0"), PRICE)


ATTEMPTS = st.lists(
    st.builds(
        lambda outcome, what, told, quoted, settled: attempt(
            outcome,
            what=what,
            usd=told,
            quoted_usd=quoted,
            settled_usd=settled,
            task_id="t" if outcome is A.ACCEPTED and what is AttemptFor.RENDER else None,
        ),
        st.sampled_from(AttemptOutcome),
        st.sampled_from(AttemptFor),
        st.none() | MONEY,
        st.none() | MONEY,
        st.none() | MONEY,
    ),
    max_size=3,
)
JOBS = st.builds(
    lambda state, billed, note, price, cost: job(
        state, billed=billed if state is S.FAILED else None, note=note, quoted_usd=price, cost_usd=cost
    ),
    st.sampled_from(JobState),
    st.sampled_from(Billed),
    st.sampled_from(["", MAY_STILL_COST, WAS_CHARGED]),
    st.none() | MONEY,
    st.none() | MONEY,
)


@settings(max_examples=200)
@given(of=JOBS, tried=ATTEMPTS)
def test_whatever_becomes_of_a_job_its_books_make_sense(of: Job, tried: list[Attempt]) -> None:
    """Nothing is less than nothing, only a live job holds, and what is over without a clip holds nothing back."""
    got = target(of, tried)
    assert min(got.held, got.spent, got.unknown) >= 0
    assert got.left == -got.committed
    if of.state in {S.ASKING, S.FAILED, S.CANCELLED, S.UNCONFIRMED} | WITH_CLIP:
        assert got.held == 0
    assert bool(got.unknown) <= bool(to_settle(of, tried))
