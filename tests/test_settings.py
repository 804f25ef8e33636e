"""Settings: three sources in order of strength, and every problem said at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.addresses import is_loopback
from bot.settings import Settings, SettingsError, load_settings


@pytest.fixture(autouse=True)
def _clean_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty current directory and an environment without our names."""
    for name in list(os.environ):
        if name.startswith("NEXTSHOT_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def problems_of(**given_values: object) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load_settings(**given_values)
    return caught.value.problems


def test_nothing_has_to_be_set(tmp_path: Path) -> None:
    """With no source at all, the defaults make a local studio in ./data."""
    settings = load_settings()
    assert settings.data_dir == tmp_path / "data"
    assert settings.store_url == f"sqlite:///{tmp_path}/data/nextshot.db"
    assert (settings.provider, settings.web_host, settings.web_port) == ("animatic", "127.0.0.1", 8420)
    assert settings.place == "local:home"


def test_environment_over_dotenv_over_toml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each source fills what the stronger ones leave open; the command line is the strongest."""
    (tmp_path / "nextshot.toml").write_text('web_port = 1001\nplace = "local:toml"\nlog_level = "error"\n')
    (tmp_path / ".env").write_text("NEXTSHOT_WEB_PORT=1002\nNEXTSHOT_PLACE=local:dotenv\nSOMETHING_ELSE=1\n")
    monkeypatch.setenv("NEXTSHOT_WEB_PORT", "1003")
    settings = load_settings()
    assert (settings.web_port, settings.place, settings.log_level) == (1003, "local:dotenv", "error")
    assert load_settings(web_port=1004, place=None).web_port == 1004


def test_an_empty_value_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """`NEXTSHOT_WEB_PORT=` in a compose file means: the default."""
    monkeypatch.setenv("NEXTSHOT_WEB_PORT", "")
    assert load_settings().web_port == 8420


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("NEXTSHOT_WEB_PORT", "many", "NEXTSHOT_WEB_PORT is 'many' in the environment; it must be a port number"),
        ("NEXTSHOT_WEB_PORT", "65536", "NEXTSHOT_WEB_PORT is '65536'"),
        ("NEXTSHOT_WEB_HOST", "example", "NEXTSHOT_WEB_HOST is 'example' in the environment; it must be an IP address"),
        ("NEXTSHOT_WEB_HOST", "0.0.0.0", "set NEXTSHOT_WEB_PASSWORD, or leave NEXTSHOT_WEB_HOST at 127.0.0.1"),  # noqa: S104  # the refused value
        ("NEXTSHOT_PROVIDER", "sorra", "it must be animatic, or a service that is set up"),
        ("NEXTSHOT_PLACE", "home", "it must be a platform and a name"),
        ("NEXTSHOT_LOG_LEVEL", "loud", "it must be one of debug, info, warning, error"),
        (
            "NEXTSHOT_DATABASE_URL",
            "mysql://x",
            "NEXTSHOT_DATABASE_URL must be empty, or an sqlite: or postgresql: URL: set it",
        ),
        ("NEXTSHOT_WEB_PASSWORD", "short", "NEXTSHOT_WEB_PASSWORD must be a text of at least 8 characters"),
        (
            "NEXTSHOT_DATA_DIRR",
            "x",
            "NEXTSHOT_DATA_DIRR in the environment is no setting: did you mean NEXTSHOT_DATA_DIR?",
        ),
        ("NEXTSHOT_XYZZY", "x", "NEXTSHOT_XYZZY in the environment is no setting: remove it"),
    ],
)
def test_a_wrong_value_is_one_sentence(monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str) -> None:
    """It names the variable, what is wrong and what to do."""
    monkeypatch.setenv(name, value)
    (problem,) = problems_of()
    assert said in problem
    assert problem.endswith((".", "?"))


def test_all_problems_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong value in each source, an unknown name and a missing password: five problems, five sentences."""
    monkeypatch.setenv("NEXTSHOT_WEB_PORT", "-1")
    monkeypatch.setenv("NEXTSHOT_WEB_HOST", "192.0.2.1")
    (tmp_path / ".env").write_text("NEXTSHOT_PROVIDER=nobody\n")
    (tmp_path / "nextshot.toml").write_text('log_level = 3\nwebport = "1"\n')
    found = problems_of(place="nowhere")
    assert len(found) == 6
    assert "in .env" in next(said for said in found if "NEXTSHOT_PROVIDER" in said)
    assert "in nextshot.toml" in next(said for said in found if "NEXTSHOT_LOG_LEVEL" in said)
    assert any(
        "NEXTSHOT_WEBPORT in nextshot.toml is no setting: did you mean NEXTSHOT_WEB_PORT?" in said for said in found
    )
    assert "on the command line" in next(said for said in found if "NEXTSHOT_PLACE" in said)


@pytest.mark.parametrize(
    ("file", "content"),
    [("nextshot.toml", b"web_port = \n"), ("nextshot.toml", b"\xff\xfe"), (".env", b"NEXTSHOT_PLACE=\xff\xfe\n")],
)
def test_a_broken_file_does_not_hide_other_problems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, content: bytes
) -> None:
    """A file that cannot be read is one problem among others."""
    (tmp_path / file).write_bytes(content)
    monkeypatch.setenv("NEXTSHOT_WEB_PORT", "x")
    found = problems_of()
    assert len(found) == 2
    assert found[0].startswith(f"{file} cannot be read")


@pytest.mark.parametrize("name", ["NEXTSHOT_TEST_POSTGRES", "NEXTSHOT_SPECS", "NEXTSHOT_CHROMIUM"])
def test_names_for_the_test_run_are_left_alone(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """They are nobody's mistake."""
    monkeypatch.setenv(name, "anything")
    load_settings()


@given(secret=st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=9, max_size=30))
def test_a_secret_is_never_shown(secret: str) -> None:
    """Neither in a problem nor in the settings' own text."""
    secret = f"s3cret{secret}"
    with pytest.raises(SettingsError) as caught:
        load_settings(database_url=f"mysql://u:{secret}@h/d", web_password=secret, web_port="x")
    settings = Settings(database_url=f"postgresql://u:{secret}@h/d", web_password=secret)
    assert secret not in f"{caught.value} {settings!r} {settings}"
    assert settings.store_url.endswith(f"{secret}@h/d")


@pytest.mark.parametrize(
    ("host", "only_here"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("10.0.0.1", False)],
)
def test_loopback(host: str, only_here: bool) -> None:
    """Only addresses of this machine need no password."""
    assert is_loopback(host) is only_here
    if not only_here:
        load_settings(web_host=host, web_password="long enough")


TOKEN = "123456789:AAnobody-knows-this-token-at-all00000"
DISCORD_TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.Gabcde.nobody-knows-this_token-at-all"
ID = "123456789012345678"


@pytest.mark.parametrize(
    ("platform", "token", "given_values"),
    [
        ("telegram", TOKEN, {"telegram_allowed": "*"}),
        ("telegram", TOKEN, {"telegram_blocked": "5", "telegram_admins": "6"}),
        ("telegram", TOKEN, {"telegram_api_url": "http://127.0.0.1:8081"}),
        ("telegram", TOKEN, {"telegram_webhook_url": "https://films.example.org/telegram"}),
        ("discord", DISCORD_TOKEN, {"discord_allowed": "*"}),
        ("discord", DISCORD_TOKEN, {"discord_blocked": ID, "discord_admins": f"role:{ID}"}),
        ("discord", DISCORD_TOKEN, {"discord_api_url": "http://127.0.0.1:3000/api"}),
    ],
)
def test_a_chat_s_settings_without_its_token_do_nothing_and_it_is_said(
    platform: str, token: str, given_values: dict[str, str]
) -> None:
    """One sentence for each; with the token, or empty, they are taken. The other chat's token is none of theirs."""
    other = {"discord_token": DISCORD_TOKEN} if platform == "telegram" else {"telegram_token": TOKEN}
    needed = f"NEXTSHOT_{platform.upper()}_TOKEN"
    assert problems_of(**other, **given_values) == tuple(
        f"{name} does nothing without {needed}: set the token too, or leave {name} out."
        for name in (f"NEXTSHOT_{setting.upper()}" for setting in given_values)
    )
    load_settings(**{f"{platform}_token": token}, **given_values)
    load_settings(**{f"{platform}_allowed": ""})


@pytest.mark.parametrize(
    "token",
    [
        TOKEN,
        DISCORD_TOKEN.rpartition(".")[0],
        f"Bot {DISCORD_TOKEN}",
        DISCORD_TOKEN.replace("MTIz", "YWJj"),
        DISCORD_TOKEN.replace(".", ".…", 1),
    ],
)
def test_what_is_no_token_of_discord_is_not_shown(token: str) -> None:
    """Three parts with dots between, of which the first spells the application's id; the sentence does not hold it."""
    (problem,) = problems_of(discord_token=token)
    assert problem.startswith(
        "NEXTSHOT_DISCORD_TOKEN must be the token of the bot that the developer portal gave: set it"
    )
    assert token not in problem


def test_discord_s_address_keeps_its_path_and_its_token_is_not_shown() -> None:
    """Without the slash at its end."""
    settings = load_settings(discord_token=DISCORD_TOKEN, discord_api_url="http://127.0.0.1:3000/api/")
    assert settings.discord_api_url == "http://127.0.0.1:3000/api"
    assert settings.discord_token is not None
    assert settings.discord_token.get_secret_value() == DISCORD_TOKEN
    assert DISCORD_TOKEN not in f"{settings!r} {settings}"
    assert load_settings().discord_api_url == "https://discord.com/api"


@pytest.mark.parametrize(
    ("host", "may_be_plain"),
    [
        ("127.0.0.1:8081", True),
        ("[::1]:8081", True),
        ("localhost", True),
        ("10.1.2.3", True),
        ("172.16.0.1", True),
        ("172.31.255.255:80", True),
        ("192.168.1.7", True),
        ("[fd12::1]", True),
        ("bot-api:8081", True),
        ("Studio.local", True),
        ("films.example.org", False),
        ("172.32.0.1", False),
        ("8.8.8.8", False),
        ("0.0.0.0", False),  # noqa: S104  # the refused value
        ("134744072", False),
        ("0x08080808", False),
        ("[2001:db8::1]", False),
        ("local.example.org", False),
        ("films.example.local.", False),
    ],
)
@pytest.mark.parametrize("setting", ["web_url", "telegram_api_url", "discord_api_url"])
def test_secrets_travel_in_clear_only_in_private_networks(setting: str, host: str, may_be_plain: bool) -> None:
    """A token or a password: elsewhere https is asked for, and taken."""
    others = {"telegram_token": TOKEN, "discord_token": DISCORD_TOKEN, "web_password": "long enough"}
    load_settings(**others, **{setting: f"https://{host}"})
    if may_be_plain:
        load_settings(**others, **{setting: f"http://{host}/"})
    else:
        (problem,) = problems_of(**others, **{setting: f"http://{host}"})
        assert "with https:// (http:// in a private network only)" in problem


@pytest.mark.parametrize(
    ("url", "is_taken"),
    [
        ("https://films.example.org/telegram", True),
        ("https://films.example.org/bots/next-shot_1", True),
        ("http://127.0.0.1:8420/telegram", True),
        ("https://films.example.org/rooms", True),
        ("http://films.example.org/telegram", False),
        ("http://10.0.0.1/telegram", False),
        ("https://films.example.org", False),
        ("https://films.example.org/", False),
        ("https://films.example.org//login", False),
        ("https://films.example.org/{anything}", False),
        ("https://films.example.org/tele%67ram", False),
        ("https://films.example.org/telegram/../login", False),
        ("https://films.example.org/favicon.ico", False),
        *(
            (f"https://films.example.org/{path}", False)
            for path in ("api", "api/room/home/say", "media/x", "static/x", "film/x", "room/x", "login", "healthz")
        ),
    ],
)
def test_a_webhook_has_a_path_of_its_own(url: str, is_taken: bool) -> None:
    """The page's paths ask for a password, and no setting opens them."""
    if is_taken:
        assert load_settings(telegram_token=TOKEN, telegram_webhook_url=url).telegram_webhook_url == url
    else:
        (problem,) = problems_of(telegram_token=TOKEN, telegram_webhook_url=url)
        assert "a path of letters, digits, - and _ that is none of the page's own" in problem
