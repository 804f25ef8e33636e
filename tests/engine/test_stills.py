"""Who paints a first frame is settled, or a sentence says what is here, before anything is begun."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from engine.errors import NotPossible
from engine.model import FileKey, ShotOptions
from engine.providers.painter import PainterAbilities
from engine.stills import settle_still
from tests.fakes.painter import CAN, CANNOT_EDIT

ENDED = PainterAbilities(
    sizes={"small": 720}, ratios=("16:9",), ends_on=date(2026, 12, 1), substitute="brush fine", source="https://x"
)
PAINTERS = {"brush": {"rough": CANNOT_EDIT, "fine": CAN}, "pen": {"old": ENDED}}
TODAY = datetime(2026, 12, 1, tzinfo=UTC).date()


@pytest.mark.parametrize(
    ("options", "settled"),
    [
        (ShotOptions(), ""),
        (ShotOptions(still=""), ""),
        (ShotOptions(still="brush"), "brush rough"),
        (ShotOptions(still="brush fine"), "brush fine"),
        (ShotOptions(still="brush FINE"), "brush fine"),
        (ShotOptions(still="fine"), "brush fine"),
        (ShotOptions(later_s=5), "brush fine"),
        (ShotOptions(still="brush", later_s=5), "brush fine"),
    ],
)
def test_who_paints_is_settled(options: ShotOptions, settled: str) -> None:
    """A painter, a painter and its model, or a model; for later the first that can go on from a picture."""
    assert settle_still(options, has_parent=True, painters=PAINTERS, today=TODAY) == settled


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (ShotOptions(still="gone"), "There is no image maker “gone” here; choose one of: brush rough, brush fine."),
        (ShotOptions(still="brush x"), "brush has no model “x”; choose one of: rough, fine."),
        (
            ShotOptions(still="brush rough", later_s=5),
            "brush rough cannot go on from a picture; choose one of: brush fine.",
        ),
        (ShotOptions(later_s=0.5), "A scene can go on 1 to 600 seconds later; 0.5 is not that."),
        (ShotOptions(later_s=601), "A scene can go on 1 to 600 seconds later; 601 is not that."),
        (ShotOptions(later_s=float("nan")), "A scene can go on 1 to 600 seconds later; nan is not that."),
        (
            ShotOptions(still="brush", first_frame=FileKey("x")),
            "A picture to start on is given already; leave it out, or --still and --later.",
        ),
        (
            ShotOptions(later_s=5, extend=True),
            "--extend goes on without a first frame, so none can be painted; leave it out, or --still and --later.",
        ),
        (
            ShotOptions(later_s=5, is_unseeded=True),
            "--text-only begins without a picture, so none is to be painted; leave it out, or --still and --later.",
        ),
        (
            ShotOptions(still="pen"),
            "pen old is no longer there: its service ended it on 01 December 2026. Use brush fine instead.",
        ),
    ],
)
def test_what_cannot_be_painted_is_told_before_any_money(options: ShotOptions, said: str) -> None:
    """With what can be."""
    with pytest.raises(NotPossible) as raised:
        settle_still(options, has_parent=True, painters=PAINTERS, today=TODAY)
    assert str(raised.value) == said


def test_later_needs_a_shot_and_painting_a_painter() -> None:
    """The sentence names the settings."""
    with pytest.raises(NotPossible, match="use it with /continue"):
        settle_still(ShotOptions(later_s=5), has_parent=False, painters=PAINTERS)
    with pytest.raises(NotPossible, match="NEXTSHOT_OPENAI_IMAGES_KEY or NEXTSHOT_GEMINI_IMAGES_KEY"):
        settle_still(ShotOptions(still="brush"), has_parent=True, painters={})
