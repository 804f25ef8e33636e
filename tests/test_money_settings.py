"""The settings of money, and amounts as people write them."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path

import pytest

from bot.amounts import read_usd
from bot.settings import SettingsError, load_settings
from engine.ledger import Limits
from engine.money_rules import MoneyRules


@pytest.fixture(autouse=True)
def _clean_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("NEXTSHOT_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_without_a_word_on_money_what_costs_more_than_a_dollar_is_asked_about() -> None:
    """And there is no cap, and no pot has to be filled."""
    assert load_settings().money_rules == MoneyRules(place=Limits(ask_above_usd=Decimal(1)))


def test_every_setting_of_money_has_its_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of a place, of a person, and of all."""
    for name, value in {
        "ASK_ABOVE_USD": "0.50",
        "DAY_USD": "$5",
        "STORY_USD": "10,25",
        "SHOT_USD": "0",
        "PERSON_DAY_USD": "3",
        "HOUSE_DAY_USD": "50",
        "POTS_ONLY": "yes",
    }.items():
        monkeypatch.setenv(f"NEXTSHOT_{name}", value)
    assert load_settings().money_rules == MoneyRules(
        house=Limits(day_usd=Decimal(50)),
        place=Limits(
            ask_above_usd=Decimal("0.50"), day_usd=Decimal(5), story_usd=Decimal("10.25"), shot_usd=Decimal(0)
        ),
        person=Limits(day_usd=Decimal(3)),
        pots_only=True,
    )


def test_never_asks_nobody_and_a_file_may_hold_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A number without quotes is one in TOML."""
    (tmp_path / "nextshot.toml").write_text("day_usd = 2.5\npots_only = true\n")
    monkeypatch.setenv("NEXTSHOT_ASK_ABOVE_USD", "Never")
    rules = load_settings().money_rules
    assert (rules.place.ask_above_usd, rules.place.day_usd, rules.pots_only) == (None, Decimal("2.5"), True)


@pytest.mark.parametrize(("said", "most"), [(None, 20), ("", 20), ("0", 0), ("7", 7), ("any", None), (" Any ", None)])
def test_so_many_shots_of_a_person_may_wait(
    monkeypatch: pytest.MonkeyPatch, said: str | None, most: int | None
) -> None:
    """Twenty where nothing is said; 0 is none at all."""
    if said is not None:
        monkeypatch.setenv("NEXTSHOT_WAITING_PER_PERSON", said)
    assert load_settings().waiting_per_person == most


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ASK_ABOVE_USD", "lots", "it must be an amount in US dollars, or never: set it as NEXTSHOT_ASK_ABOVE_USD=1."),
        ("DAY_USD", "-5", "NEXTSHOT_DAY_USD is '-5' in the environment; it must be an amount in US dollars, where 0"),
        ("HOUSE_DAY_USD", "never", "where 0 is nothing at all: set it as NEXTSHOT_HOUSE_DAY_USD=50."),
        ("SHOT_USD", "1e3", "NEXTSHOT_SHOT_USD is '1e3'"),
        ("STORY_USD", "10000000", "NEXTSHOT_STORY_USD is '10000000'"),
        ("PERSON_DAY_USD", "nan", "NEXTSHOT_PERSON_DAY_USD is 'nan'"),
        (
            "WAITING_PER_PERSON",
            "-1",
            "it must be a whole number, or any: as many as they like: set it as NEXTSHOT_WAITING",
        ),
        ("WAITING_PER_PERSON", "few", "NEXTSHOT_WAITING_PER_PERSON is 'few'"),
        ("POTS_ONLY", "perhaps", "it must be yes or no: set it as NEXTSHOT_POTS_ONLY=yes."),
    ],
)
def test_a_wrong_amount_is_one_sentence(monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str) -> None:
    """It names the variable, and what it must be."""
    monkeypatch.setenv(f"NEXTSHOT_{name}", value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    (problem,) = caught.value.problems
    assert said in problem


@pytest.mark.parametrize(
    ("text", "usd"),
    [("5", "5"), ("0.50", "0.5"), ("0,5", "0.5"), (" $2 ", "2"), ("3 USD", None), ("3usd", "3"), ("x", None)],
)
def test_amounts_are_read_as_people_write_them(text: str, usd: str | None) -> None:
    """A comma is a point."""
    if usd is None:
        with pytest.raises(ValueError, match=text):
            read_usd(text)
    else:
        assert read_usd(text) == Decimal(usd)
