"""A little of `python -m bench.fuzz_media`: mutated videos harm nobody."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from bench.fuzz_media import fuzz

MUTATIONS = 40


async def test_mutated_videos_are_taken_or_refused_with_a_sentence(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Each call ends in time, nothing of ours stumbles, and a good clip is read after all of them."""
    caplog.set_level(logging.CRITICAL)
    tally = await fuzz(tmp_path, range(MUTATIONS), seed=1, processes=2)
    assert tally.violations == []
    assert not tally.crashes
    assert sum(count for (work, _), count in tally.ends.items() if work == "probe") == MUTATIONS
    assert {end for work, end in tally.ends if work == "probe"} >= {"accepted", "refused"}
