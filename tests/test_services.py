"""Which services are set up, from the same sources as every other setting, and what is said of what cannot be used."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot.hooks import callback_url
from bot.providers import KINDS, makers_of, open_service
from bot.services import read_services
from bot.settings import SettingsError, load_services, load_settings
from engine.providers.catalog import Setup, read_catalog


@pytest.fixture(autouse=True)
def _clean_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty current directory and an environment without our names."""
    for name in list(os.environ):
        if name.startswith("NEXTSHOT_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def problems() -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load_settings()
    return caught.value.problems


def test_without_a_key_there_is_no_service() -> None:
    """Nothing pretends to render: only what draws here is there."""
    assert load_settings().services == ()
    assert list(makers_of(())) == ["animatic"]


def test_a_key_makes_a_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """One variable, and its models are there; the key does not show."""
    monkeypatch.setenv("NEXTSHOT_XAI_KEY", "very-secret-key")
    settings = load_settings(provider="xai")
    assert [service.name for service in settings.services] == ["xai"]
    assert "very-secret-key" not in repr(settings)
    assert "very-secret-key" not in repr(settings.services)


def test_the_environment_is_stronger_than_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with every other setting."""
    (tmp_path / "nextshot.toml").write_text('[providers.xai]\nkey = "toml"\nurl = "https://toml.example"\n')
    (tmp_path / ".env").write_text("NEXTSHOT_XAI_KEY=dotenv\n")
    (service,) = load_settings().services
    assert dict(service.settings) == {"key": "dotenv", "url": "https://toml.example"}
    monkeypatch.setenv("NEXTSHOT_XAI_KEY", "environment")
    (service,) = load_settings().services
    assert service.settings["key"] == "environment"


def test_a_file_changes_adds_and_removes_models(tmp_path: Path) -> None:
    """Without any code: a table of a model is merged, `false` takes it out, a new one comes last."""
    (tmp_path / "nextshot.toml").write_text(
        """
[providers.xai]
key = "k"
[providers.xai.models]
"grok-imagine-video" = false
[providers.xai.models."grok-imagine-video-1.5".price]
per_second = 9.5
[providers.xai.models."grok-9"]
as_of = 2026-11-21
source = "https://example.org"
seconds = [2, 30]
default_seconds = 5
ratios = ["16:9"]
resolutions = ["4k"]
"""
    )
    (service,) = load_settings().services
    assert list(service.catalog.models) == ["grok-imagine-video-1.5", "grok-imagine-video-1.5-lite", "grok-9"]
    price = service.catalog.models["grok-imagine-video-1.5"].abilities.price
    assert price is not None
    assert str(price.usd_per_second[""]) == "9.5"


def test_a_second_service_of_a_kind_has_its_own_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two accounts, two servers: each with its own settings."""
    (tmp_path / "nextshot.toml").write_text('[providers.studio]\nkind = "xai"\nurl = "http://10.0.0.7:8000/v1"\n')
    monkeypatch.setenv("NEXTSHOT_STUDIO_KEY", "another")
    (service,) = load_settings().services
    assert (service.name, service.kind, service.settings["key"]) == ("studio", "xai", "another")
    assert "studio" in makers_of((service,))


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("providers = 3", "providers in nextshot.toml has to be tables"),
        ("[providers]\nxai = 3", "[providers.xai] in nextshot.toml has to be a table"),
        (
            "[providers.zai]\nkey = 'k'",
            "[providers.zai] in nextshot.toml is of no kind that is known here: did you mean xai?",
        ),
        ("[providers.Lab]\nkind = 'xai'", "[providers.Lab] in nextshot.toml: a name has small letters"),
        (
            "[providers.xai]\nkey = 'k'\nurl = 'http://example.org'",
            "NEXTSHOT_XAI_URL is 'http://example.org'; it must be",
        ),
        ("[providers.xai]\nkey = 'k'\nurl = 'https://me:secret@example.org'", "is 'https://…@example.org'; it must be"),
        ("[providers.xai]\nkey = 'k'\nurl = 'me:secret/@x@example.org'", "is '…@example.org'; it must be"),
        ("[providers.xai]\nkey = 'k'\nurl = 'https://example.org/?key=secret'", "is 'https://example.org/?…'; it must"),
        ("[providers.xai]\nurl = 'https://example.org'", "xAI Grok Imagine needs NEXTSHOT_XAI_KEY too"),
        ('[providers.xai]\nkey = "k\\nx"', "NEXTSHOT_XAI_KEY has a line break"),
        ("[providers.xai]\nkey = 'k'\nkeyy = 'secret'", "[providers.xai] in nextshot.toml cannot be used (keyy: Extra"),
        (
            "[providers.xai]\nkey = 'k'\n[providers.xai.models.\"grok-imagine-video\"]\nseconds = [1, 2]",
            "default_seconds must be one of the possible lengths",
        ),
    ],
)
def test_what_cannot_be_used_is_one_sentence(tmp_path: Path, toml: str, said: str) -> None:
    """It names the place and what to do; a key in the wrong place is not repeated."""
    (tmp_path / "nextshot.toml").write_text(toml)
    (problem,) = problems()
    assert said in problem
    assert "secret" not in problem


def test_a_misspelled_setting_of_a_service_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that nobody reads would be a riddle."""
    monkeypatch.setenv("NEXTSHOT_XAI_KEYS", "k")
    (problem,) = problems()
    assert problem.endswith("did you mean NEXTSHOT_XAI_KEY?")


def test_a_default_provider_without_its_key_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not silently another one."""
    monkeypatch.setenv("NEXTSHOT_PROVIDER", "xai")
    (problem,) = problems()
    assert "xai, which is not set up; `nextshot models --all` says what it needs" in problem


def test_all_kinds_are_known_with_what_they_need() -> None:
    """`nextshot models --all` can tell of each without any of them being set up."""
    known = load_services().known
    assert [each.name for each in known] == list(KINDS)
    assert all(each.catalog.models for each in known)


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_can_be_opened_and_closed(kind: str) -> None:
    """With whatever its settings are: nothing is asked before a render is."""
    known = read_services(KINDS, {}, {}, {}).known
    needs = next(each.needs for each in known if each.kind == kind)
    settings = {name: "https://example.org" if name == "url" else "x" for name, need in needs.items() if need.is_needed}
    provider = open_service(kind, Setup(name=kind, catalog=read_catalog(kind), settings=settings))
    assert provider.name == kind
    assert provider.models
    await provider.close()


def test_services_call_back_only_where_others_reach_the_page() -> None:
    """No public address, no webhook: polling is enough."""
    assert callback_url(None) is None
    assert callback_url("https://films.example.org") == "https://films.example.org/hooks"
