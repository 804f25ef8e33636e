"""Who is let in: nobody, until the operator says which servers, channels, roles and people; and what the bot itself asks for."""

from __future__ import annotations

import base64
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from discord import Permissions

from bot.access import Access
from bot.discord.access import names_of, read_admins, read_list
from bot.discord.site import (
    PERMISSION_BITS,
    PERMISSIONS,
    DiscordSettings,
    application_id_of,
    invite_url,
    user_install_url,
)
from bot.settings import SettingsError, load_settings

USER, GUILD, CHANNEL, PARENT = 10**17 + 1, 10**17 + 2, 10**17 + 3, 10**17 + 4
ROLE, OTHER = 10**17 + 5, 10**17 + 6
APPLICATION = 123456789012345678
TOKEN = f"{base64.urlsafe_b64encode(str(APPLICATION).encode()).decode().rstrip('=')}.Gabcde.nobody-knows-this_token"
ASKER = names_of(user_id=USER, guild_id=GUILD, channel_ids=[CHANNEL, PARENT], role_ids=[ROLE])


@pytest.mark.parametrize(
    ("allowed", "blocked", "admitted"),
    [
        ("", "", False),
        ("*", "", True),
        (f"guild:{GUILD}", "", True),
        (f"channel:{CHANNEL}", "", True),
        (f"channel:{PARENT}", "", True),
        (f"role:{ROLE}", "", True),
        (f"user:{USER}", "", True),
        (f"{OTHER}, {PARENT}", "", True),
        (f"{USER}", "", True),
        (f"User:{USER}", "", True),
        (f"user:{ROLE}, role:{USER}, guild:{CHANNEL}, channel:{GUILD}", "", False),
        (f"{OTHER}", "", False),
        ("*", f"role:{ROLE}", False),
        ("*", f"{CHANNEL}", False),
        ("*", f"guild:{USER}", True),
        (f"user:{USER}", f"guild:{GUILD}", False),
    ],
)
def test_an_asker_is_let_in_by_any_list_and_kept_out_by_the_block_list(
    allowed: str, blocked: str, admitted: bool
) -> None:
    """By server, by channel or its parent, by role, by person; a prefix that is given has to be right."""
    assert Access(read_list(allowed), read_list(blocked)).admits(ASKER) is admitted


def test_admins_are_people_and_roles_and_never_all_of_a_server() -> None:
    """An id that stands bare is no server's and no channel's; the role of everybody is a server's id, too."""
    for said in (f"{USER}", f"user:{USER}", f"{ROLE}", f"role:{ROLE}"):
        access = Access(admins=read_admins(said))
        assert access.is_admin(ASKER)
        assert access.admits(ASKER)
    everybody = names_of(user_id=OTHER, guild_id=GUILD, channel_ids=[CHANNEL], role_ids=[GUILD])
    for said in (f"{GUILD}", f"role:{GUILD}", f"{CHANNEL}", f"user:{ROLE}"):
        assert not Access(admins=read_admins(said)).is_admin(everybody | ASKER)
    assert not Access(admins=read_admins(f"{USER}"), blocked=read_list(f"{CHANNEL}")).is_admin(ASKER)


def test_a_place_goes_by_its_own_names_and_a_direct_message_has_no_server() -> None:
    """Both spellings of each id, and nothing else."""
    assert names_of(user_id=None, guild_id=GUILD, channel_ids=[CHANNEL], role_ids=()) == {
        f"guild:{GUILD}",
        f"{GUILD}",
        f"channel:{CHANNEL}",
        f"{CHANNEL}",
    }
    private = names_of(user_id=USER, guild_id=None, channel_ids=[CHANNEL], role_ids=())
    assert Access(allowed=read_list(f"guild:{GUILD}")).admits(private) is False
    assert Access(allowed=read_list(f"guild:{GUILD}")).lists(ASKER) is True


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("discord_allowed", "ana"),
        ("discord_allowed", "1234567890123456"),
        ("discord_allowed", "123456789012345678901"),
        ("discord_allowed", f"member:{USER}"),
        ("discord_allowed", f"@{USER}"),
        ("discord_blocked", "*"),
        ("discord_admins", "*"),
        ("discord_admins", f"guild:{GUILD}"),
        ("discord_admins", f"channel:{CHANNEL}"),
    ],
)
def test_a_wrong_list_is_one_sentence(setting: str, value: str, tmp_path: Path) -> None:
    """It names the setting, what it was and an example; `*` makes nobody an admin."""
    with pytest.raises(SettingsError) as wrong:
        load_settings(data_dir=tmp_path, discord_token=TOKEN, **{setting: value})
    (problem,) = wrong.value.problems
    assert problem.startswith(f"NEXTSHOT_{setting.upper()} is {value!r} on the command line; it must be ids ")


@pytest.mark.parametrize(
    "token",
    [
        "",
        "123456789:AAnobody-knows-this-token-at-all00000",
        TOKEN.rpartition(".")[0],
        f"{TOKEN}.more",
        f"Bot {TOKEN}",
        "bm90LWRpZ2l0cw.Gabcde.nobody-knows-this_token",
        "MTIzN.Gabcde.nobody-knows-this_token",
    ],
)
def test_what_is_no_token_is_told_without_showing_it(token: str) -> None:
    """Three parts, of which the first spells digits."""
    with pytest.raises(ValueError, match="no token") as refused:
        application_id_of(token)
    assert not token or token not in str(refused.value)


def test_a_token_says_whose_it_is_and_is_not_shown() -> None:
    """The application's id is its first part."""
    assert application_id_of(TOKEN) == APPLICATION
    assert TOKEN not in repr(DiscordSettings(token=TOKEN))


def test_the_invite_asks_for_what_is_needed_and_nothing_more() -> None:
    """The integer is the library's for the same permissions by name."""
    wanted = Permissions(
        view_channel=True,
        send_messages=True,
        send_messages_in_threads=True,
        create_public_threads=True,
        attach_files=True,
        read_message_history=True,
    )
    assert wanted.value == PERMISSIONS == 309237746688
    assert len(PERMISSION_BITS) == 6
    asked = parse_qs(urlsplit(invite_url(APPLICATION)).query)
    assert asked == {
        "client_id": [str(APPLICATION)],
        "scope": ["bot applications.commands"],
        "permissions": [str(PERMISSIONS)],
    }
    alone = parse_qs(urlsplit(user_install_url(APPLICATION)).query)
    assert alone == {"client_id": [str(APPLICATION)], "scope": ["applications.commands"], "integration_type": ["1"]}


def test_the_manual_has_the_invite_and_says_what_each_permission_is_for() -> None:
    """As the program has them."""
    manual = (Path(__file__).parents[2] / "docs" / "discord.md").read_text(encoding="utf-8")
    assert invite_url(APPLICATION).replace(str(APPLICATION), "<application id>") in manual
    rows = "\n".join(line for line in manual.splitlines() if line.startswith("| "))
    assert [name for name in PERMISSION_BITS if name not in rows] == []
