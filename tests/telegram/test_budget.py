"""What a chat may be told, as arithmetic: never more than the server takes, and always room for a result."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.telegram.budget import Budget, Pace, Rank

GROUP, PERSON = -100, 7


class Seconds:
    """A clock that is moved."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_the_first_messages_go_at_once_and_the_next_a_second_later() -> None:
    """A burst of two, then one a second."""
    clock = Seconds()
    budget = Budget(clock, Pace())
    for _ in range(2):
        assert budget.wait_s(PERSON, Rank.WORD) == 0
        budget.take(PERSON)
    assert 0.9 < budget.wait_s(PERSON, Rank.WORD) <= 1
    clock.now += 1
    assert budget.wait_s(PERSON, Rank.WORD) == 0


def test_one_chat_that_was_told_enough_holds_up_no_other() -> None:
    """Each chat has a budget of its own."""
    budget = Budget(Seconds(), Pace())
    budget.silence(GROUP, 200)
    assert budget.wait_s(GROUP, Rank.RESULT) == 200
    assert budget.wait_s(PERSON, Rank.RESULT) == 0


def test_a_group_keeps_room_for_results() -> None:
    """When progress and answers have had their share, a result still goes out."""
    clock = Seconds()
    budget = Budget(clock, Pace())
    said = dict.fromkeys(Rank, 0)
    for rank in sorted(Rank, reverse=True):
        for _ in range(30):
            clock.now += 1
            if budget.wait_s(GROUP, rank) == 0:
                budget.take(GROUP)
                said[rank] += 1
        clock.now -= 30
    assert said == {Rank.PROGRESS: 9, Rank.WORD: 4, Rank.STATUS: 3, Rank.RESULT: 4}


def test_a_private_chat_has_no_minute() -> None:
    """Only groups count what they were told in a minute."""
    clock = Seconds()
    budget = Budget(clock, Pace())
    for _ in range(100):
        clock.now += 1
        assert budget.wait_s(PERSON, Rank.PROGRESS) == 0
        budget.take(PERSON)


def test_an_album_waits_until_all_of_it_has_room() -> None:
    """Ten videos in one request are ten messages."""
    clock = Seconds()
    budget = Budget(clock, Pace())
    for _ in range(12):
        clock.now += 1
        budget.take(GROUP)
    clock.now += 10
    assert budget.wait_s(GROUP, Rank.RESULT, 8) == 0
    assert budget.wait_s(GROUP, Rank.RESULT, 9) > 30


@given(st.lists(st.tuples(st.floats(0, 20), st.sampled_from(Rank), st.sampled_from([GROUP, PERSON])), max_size=120))
def test_no_group_ever_takes_more_than_its_minute(steps: list[tuple[float, Rank, int]]) -> None:
    """Whatever is asked for, in whatever order: what the server counts stays within its limits."""
    clock = Seconds()
    pace = Pace()
    budget = Budget(clock, pace)
    sent: list[float] = []
    for pause_s, rank, chat in steps:
        clock.now += pause_s
        if budget.wait_s(chat, rank) == 0:
            budget.take(chat)
            if chat == GROUP:
                sent.append(clock.now)
    for at in sent:
        assert len([other for other in sent if at <= other < at + 60]) <= pace.group_most
        assert len([other for other in sent if at <= other < at + 1]) <= pace.burst + 1


@given(st.floats(0, 100), st.sampled_from(Rank))
def test_who_waits_as_long_as_told_may_speak(pause_s: float, rank: Rank) -> None:
    """The wait is never too short."""
    clock = Seconds()
    budget = Budget(clock, Pace())
    for _ in range(20):
        budget.take(GROUP)
        clock.now += 0.5
    clock.now += pause_s
    clock.now += budget.wait_s(GROUP, rank) + 1e-6
    assert budget.wait_s(GROUP, rank) == 0
