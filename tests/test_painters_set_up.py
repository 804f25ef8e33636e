"""Which image makers are set up: with a key of their own, or with the one that the video service of the same house has."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.catalog_words import painter_rows, painters_overview
from bot.providers import KINDS, PAINTERS, painters_of
from bot.services import read_services
from bot.settings import SettingsError, load_painters, load_services, load_settings
from engine.providers.catalog import read_catalog

TODAY = date(2026, 11, 21)


@pytest.fixture(autouse=True)
def _clean_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty current directory and an environment without our names."""
    for name in list(os.environ):
        if name.startswith("NEXTSHOT_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def ready(environment: dict[str, str], toml: dict[str, object] | None = None) -> dict[str, str]:
    """The keys of the painters that are set up, by name."""
    found = read_services((*KINDS, *PAINTERS), environment, {}, toml or {}).of(PAINTERS).ready
    return {each.name: each.settings["key"] for each in found}


async def test_a_key_makes_a_painter_and_no_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody renders with it."""
    monkeypatch.setenv("NEXTSHOT_OPENAI_IMAGES_KEY", "very-secret-key")
    settings = load_settings()
    assert [each.name for each in settings.painters] == ["openai_images"]
    assert settings.services == ()
    assert "very-secret-key" not in repr(settings)
    (painter,) = painters_of(settings.painters)
    assert painter.name == "openai_images"
    assert next(iter(painter.models)) == "gpt-image-2"
    await painter.close()
    monkeypatch.setenv("NEXTSHOT_PROVIDER", "openai_images")
    with pytest.raises(SettingsError):
        load_settings()


@pytest.mark.parametrize(
    ("shared", "name"), [("NEXTSHOT_OPENAI_KEY", "openai_images"), ("NEXTSHOT_GOOGLE_KEY", "gemini_images")]
)
def test_one_key_is_enough_for_both(shared: str, name: str) -> None:
    """That of the video service of the same house; an own one is stronger."""
    assert ready({shared: "one-key"}) == {name: "one-key"}
    assert ready({shared: "one-key", f"NEXTSHOT_{name.upper()}_KEY": "own"}) == {name: "own"}


def test_a_shared_key_is_no_unknown_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether its own service is known here or not."""
    monkeypatch.setenv("NEXTSHOT_GOOGLE_KEY", "one-key")
    assert [each.name for each in load_settings().painters] == ["gemini_images"]


def test_a_key_for_a_server_of_ones_own_goes_nowhere_else() -> None:
    """With another address the key is that server's."""
    own = {"NEXTSHOT_OPENAI_KEY": "of-my-gateway", "NEXTSHOT_OPENAI_URL": "https://gateway.example/v1"}
    assert ready(own) == {}
    assert ready({"NEXTSHOT_OPENAI_KEY": "k", "NEXTSHOT_OPENAI_IMAGES_URL": "https://other.example/v1"}) == {}


def test_painters_are_known_with_what_they_need() -> None:
    """`nextshot models --all` can tell of each without any of them being set up."""
    assert [each.name for each in load_painters().known] == list(PAINTERS)
    assert [each.name for each in load_services().known] == list(KINDS)
    assert load_painters().known[0].missing == ("key",)


def test_models_shows_painters_with_what_they_need(tmp_path: Path) -> None:
    """In the same list as what renders, with its end."""
    from bot.cli import app  # slow to load

    done = CliRunner().invoke(app, ["models", "--all", "--json"], env={"NEXTSHOT_DATA_DIR": str(tmp_path / "data")})
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    (row,) = (row for row in rows if row["model"] == "gpt-image-1.5")
    assert row["needs"] == "set NEXTSHOT_OPENAI_IMAGES_KEY"
    assert row["ends_on"] == "2026-12-01"
    assert row["substitute"] == "openai_images gpt-image-2"
    plain = CliRunner().invoke(app, ["models", "--all"], env={"NEXTSHOT_DATA_DIR": str(tmp_path / "data")})
    assert "gemini-nano-banana-2.1" in plain.output


def test_painters_are_told_in_a_line_each() -> None:
    """Those that have ended are left out; the rows name them and what to use instead."""
    catalog = {"gemini_images": read_catalog("gemini_images").painter_abilities}
    assert painters_overview(catalog, TODAY) == (
        "gemini_images paints first frames · gemini-nano-banana-2.1 · about $0.0336 to $0.0504 a picture · "
        "also gemini-3-pro-image, gemini-3.1-flash-lite-image"
    )
    assert painters_overview({}, TODAY) == ""
    (ended,) = (row for row in painter_rows(catalog, TODAY) if row["model"] == "gemini-2.5-flash-image")
    assert ended["warning"] == "Ended on 2026-10-02. Use gemini_images gemini-nano-banana-2.1 instead."


def test_an_operator_changes_a_painter_without_code(tmp_path: Path) -> None:
    """A table of `nextshot.toml`, as of any service."""
    (tmp_path / "nextshot.toml").write_text(
        '[providers.openai_images]\nkey = "k"\n[providers.openai_images.pictures]\n"gpt-image-1-mini" = false\n'
        '[providers.openai_images.wire]\nquality = "high"\n'
    )
    (painter,) = load_settings().painters
    assert "gpt-image-1-mini" not in painter.catalog.pictures
    assert painter.catalog.wire["quality"] == "high"
