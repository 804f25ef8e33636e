"""Small pure rules of the storage room."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import sqlite_has_wal_reset_bug
from storage.rows import from_ms, to_ms


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_milliseconds_are_kept(ms: int) -> None:
    """Every millisecond of the calendar comes back as itself, in UTC."""
    assert to_ms(from_ms(ms)) == ms
    assert from_ms(ms).tzinfo is UTC


@given(st.datetimes(timezones=st.just(UTC)), st.integers(-12, 14))
def test_a_time_loses_less_than_a_millisecond(at: datetime, hours: int) -> None:
    """It is rounded down, whatever zone it was given in."""
    kept = from_ms(to_ms(at))
    assert timedelta(0) <= at - kept < timedelta(milliseconds=1)
    if timedelta(days=1) < at - datetime(1, 1, 1, tzinfo=UTC) < timedelta(days=3_652_000):
        assert to_ms(at.astimezone(timezone(timedelta(hours=hours)))) == to_ms(at)


@pytest.mark.parametrize(
    ("version", "has_it"),
    [
        ((3, 6, 23), False),
        ((3, 7, 0), True),
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 52, 0), False),
        ((4, 0, 0), False),
    ],
)
def test_the_wal_reset_bug_is_known_by_version(version: tuple[int, int, int], has_it: bool) -> None:
    """With the two lines that it was mended in afterwards."""
    assert sqlite_has_wal_reset_bug(version) is has_it
