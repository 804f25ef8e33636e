"""The catalogs: every row can be used, says where it was read, and costs what it says."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.catalog_words import abilities_of, ending_of, is_ending, overview, price_a_second
from bot.providers import KINDS
from engine.abilities import FREE, Abilities, Price, quote
from engine.providers.catalog import CatalogError, merged, read_catalog

ROWS = [(kind, name, model) for kind in KINDS for name, model in read_catalog(kind).models.items()]
TODAY = date(2026, 11, 21)


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, name, _ in ROWS])
def test_a_row_says_where_and_when_it_was_read(kind: str, name: str) -> None:
    """A price without a date is a rumour."""
    can = read_catalog(kind).models[name].abilities
    assert can.source.startswith("https://")
    assert can.as_of is not None
    assert date(2026, 1, 1) <= can.as_of
    assert can.steps == () or can.default_seconds in can.steps
    assert can.substitute or not can.closed
    assert can.substitute or can.ends_on is None


def test_a_substitute_lives() -> None:
    """What is named instead of a model that ended is a model of a catalog, and has not ended itself."""
    living = {f"{kind} {name}" for kind, name, model in ROWS if not is_ending(model.abilities, TODAY)}
    named = {model.abilities.substitute for _, _, model in ROWS if model.abilities.substitute}
    assert named <= living, named - living


@given(
    seconds=st.integers(1, 60), rate=st.decimals(0, 10, places=4), pictures=st.integers(0, 9), free=st.integers(0, 5)
)
def test_a_quote_is_exact(seconds: int, rate: Decimal, pictures: int, free: int) -> None:
    """In Decimal, to the last digit: seconds times rate, and what pictures cost."""
    price = Price(usd_per_second={"": rate}, usd_per_picture=Decimal("0.04"), free_pictures=free)
    told = quote(price, seconds=seconds, resolution="720p", pictures=pictures)
    assert told.usd == rate * seconds + Decimal("0.04") * max(0, pictures - free)


def test_what_nobody_knows_is_unknown_and_not_free() -> None:
    """A missing price, and a resolution that has none."""
    assert str(quote(None, seconds=1, resolution="4k")) == "price unknown"
    partly = Price(usd_per_second={"720p": Decimal("0.1")})
    assert quote(partly, seconds=1, resolution="4k").usd is None
    assert str(quote(partly, seconds=7, resolution="720p")) == "about $0.70"
    assert str(quote(FREE, seconds=7, resolution="720p")) == "free"


def test_silence_may_be_cheaper() -> None:
    """Where the price list says so."""
    price = Price(usd_per_second={"": Decimal("0.4")}, silent_usd_per_second={"": Decimal("0.2")})
    assert quote(price, seconds=5, resolution="720p", is_silent=True).usd == Decimal("1.0")


def test_tables_are_merged_and_everything_else_is_replaced() -> None:
    """Lists too: half of an old list would be a riddle."""
    under = {"a": {"b": [1, 2], "c": 1}, "d": 1}
    assert merged(under, {"a": {"b": [3]}, "e": {}}) == {"a": {"b": [3], "c": 1}, "d": 1, "e": {}}


def test_a_wrong_change_names_its_place() -> None:
    """And not the value, which may be a key in the wrong place."""
    with pytest.raises(CatalogError, match=r"\[providers\.lab\] in nextshot\.toml cannot be used \(pace\.in_flight: "):
        read_catalog("xai", {"pace": {"in_flight": "sk-secret"}}, name="lab")


def a_model(**changes: object) -> Abilities:
    values = {"min_seconds": 4, "max_seconds": 8, "default_seconds": 4, "ratios": ("16:9",), "resolutions": ("720p",)}
    return Abilities(**{**values, **changes})  # type: ignore[arg-type]  # as the caller names them


@pytest.mark.parametrize(
    ("ends_on", "closed", "said", "warned"),
    [
        (None, "", "", False),
        (date(2027, 6, 1), "", "Ends on 2027-06-01.", False),
        (date(2026, 12, 1), "", "Ends on 2026-12-01, in 10 days. Use x y instead.", True),
        (date(2026, 11, 21), "", "Ended on 2026-11-21. Use x y instead.", True),
        (None, "It is paused there.", "It is paused there. Use x y instead.", True),
    ],
)
def test_an_end_is_told_and_warned_of_in_time(ends_on: date | None, closed: str, said: str, warned: bool) -> None:
    """Sixty days before, and after it."""
    can = a_model(ends_on=ends_on, closed=closed, substitute="x y")
    assert (ending_of(can, TODAY), is_ending(can, TODAY)) == (said, warned)


def test_many_models_are_told_a_line_for_each_provider() -> None:
    """A chat is no catalog."""
    price = Price(usd_per_second={"720p": Decimal("0.1"), "1080p": Decimal("0.25")})
    many = {"small": {"one": a_model(price=FREE)}, "large": {f"m{n}": a_model(price=price) for n in range(9)}}
    assert overview(many, TODAY).splitlines() == [
        "small · one · 4 to 8 s · free",
        "large · 9 models · 4 to 8 s · $0.1 to $0.25 a second",
        "/models and a name tells more, as /models large",
    ]
    assert "large m1" not in overview(many, TODAY)
    assert price_a_second(a_model(steps=(4, 6, 8))) == "price unknown"
    assert abilities_of(a_model(first_frame=True, last_frame=True, references=3, audio=True)) == [
        "starts and ends on pictures", "3 references", "sound",
    ]  # fmt: skip
