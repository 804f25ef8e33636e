"""What a channel may be told, as arithmetic: never more than the server takes, and always room for a result."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.discord.budget import CHANNELS_KEPT, Budget, Pace, Rank

HERE, THERE = 7, 8
PACE = Pace()


class Seconds:
    """A clock that is moved."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def said_at_once(budget: Budget, rank: Rank, *, is_old: bool = False) -> int:
    """How many of this rank go out without waiting."""
    said = 0
    while budget.wait_s(HERE, rank, is_old=is_old) == 0:
        budget.take(HERE, is_old=is_old)
        said += 1
    return said


@pytest.mark.parametrize(("is_old", "shares"), [(False, (3, 1, 1)), (True, (1, 1, 1))])
def test_progress_and_words_leave_room_for_results(is_old: bool, shares: tuple[int, int, int]) -> None:
    """Each rank gets what the ranks above it do not keep; together they fill the window."""
    budget = Budget(Seconds(), PACE)
    assert tuple(said_at_once(budget, rank, is_old=is_old) for rank in sorted(Rank, reverse=True)) == shares
    assert budget.wait_s(HERE, Rank.RESULT, is_old=is_old) > 0


def test_old_messages_are_edited_more_slowly_than_new_ones_are_written() -> None:
    """Their window is smaller and longer, and they count in the other one too."""
    clock = Seconds()
    budget = Budget(clock, PACE)
    assert said_at_once(budget, Rank.RESULT, is_old=True) == PACE.old_most
    assert said_at_once(budget, Rank.RESULT) == PACE.most - PACE.old_most
    clock.now += PACE.window_s
    assert budget.wait_s(HERE, Rank.RESULT) == 0
    assert budget.wait_s(HERE, Rank.RESULT, is_old=True) == pytest.approx(PACE.old_window_s - PACE.window_s)


@pytest.mark.parametrize(("is_old", "window_s"), [(False, 5), (True, 6)])
def test_a_full_window_outlasts_the_servers_own(is_old: bool, window_s: float) -> None:
    """A little longer, for messages that were sent apart and arrive together."""
    clock = Seconds()
    budget = Budget(clock, PACE)
    said_at_once(budget, Rank.RESULT, is_old=is_old)
    clock.now += window_s
    assert 0 < budget.wait_s(HERE, Rank.RESULT, is_old=is_old) < 0.5


def test_one_channel_that_was_told_enough_holds_up_no_other() -> None:
    """Each channel, and so each thread, has a budget of its own."""
    budget = Budget(Seconds(), PACE)
    budget.silence(HERE, 200)
    budget.silence(HERE, 100)
    assert budget.wait_s(HERE, Rank.RESULT) == 200
    assert budget.wait_s(THERE, Rank.PROGRESS) == 0


def test_too_many_edits_of_old_messages_silence_only_those() -> None:
    """Error 30046 says nothing about new messages."""
    clock = Seconds()
    budget = Budget(clock, PACE)
    budget.silence(HERE, 9, is_old=True)
    assert budget.wait_s(HERE, Rank.RESULT, is_old=True) == 9
    assert budget.wait_s(HERE, Rank.PROGRESS) == 0
    clock.now += 9
    assert budget.wait_s(HERE, Rank.PROGRESS, is_old=True) == 0


def test_channels_are_forgotten_when_they_are_too_many() -> None:
    """The quietest first; what is kept of one does not grow either."""
    budget = Budget(Seconds(), PACE)
    for channel in range(CHANNELS_KEPT + 5):
        budget.take(channel)
    for _ in range(100):
        budget.take(HERE, is_old=True)
    assert len(budget._channels) == CHANNELS_KEPT
    assert len(budget._channels[HERE].sent) == PACE.most
    assert len(budget._channels[HERE].edited) == PACE.old_most


STEPS = st.lists(st.tuples(st.floats(0, 4), st.sampled_from(Rank), st.booleans()), max_size=80)


@given(STEPS)
def test_no_window_is_ever_exceeded(steps: list[tuple[float, Rank, bool]]) -> None:
    """Whatever is asked for, in whatever order: what the server counts stays within its limits."""
    clock = Seconds()
    budget = Budget(clock, PACE)
    sent: list[float] = []
    edited: list[float] = []
    for pause_s, rank, is_old in steps:
        clock.now += pause_s
        if budget.wait_s(HERE, rank, is_old=is_old) == 0:
            budget.take(HERE, is_old=is_old)
            sent.append(clock.now)
            edited += [clock.now] if is_old else []
    for times, most, window_s in ((sent, 5, 5), (edited, 3, 6)):
        for at in times:
            assert len([other for other in times if at <= other < at + window_s]) <= most


@given(STEPS, st.booleans())
def test_a_result_never_waits_behind_progress(steps: list[tuple[float, Rank, bool]], is_old: bool) -> None:
    """However much progress there was, two results go out at once; and nobody goes before a result."""
    clock = Seconds()
    budget = Budget(clock, PACE)
    for pause_s, _, was_old in steps:
        clock.now += pause_s
        if budget.wait_s(HERE, Rank.PROGRESS, is_old=was_old) == 0:
            budget.take(HERE, is_old=was_old)
    for _ in range(2):
        waits = [budget.wait_s(HERE, rank, is_old=is_old) for rank in sorted(Rank)]
        assert waits == sorted(waits)
        assert waits[0] == 0
        budget.take(HERE, is_old=is_old)


@given(STEPS, st.sampled_from(Rank), st.booleans())
def test_who_waits_as_long_as_told_may_speak(steps: list[tuple[float, Rank, bool]], rank: Rank, is_old: bool) -> None:
    """The wait is never too short, even where more was written than there was room for."""
    clock = Seconds()
    budget = Budget(clock, PACE)
    for pause_s, _, was_old in steps:
        clock.now += pause_s
        budget.take(HERE, is_old=was_old)
    clock.now += budget.wait_s(HERE, rank, is_old=is_old) + 1e-6
    assert budget.wait_s(HERE, rank, is_old=is_old) == 0
