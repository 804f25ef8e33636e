"""What people, roles, channels and guilds are called in the operator's lists for Discord: pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bot.access import read_entries

_SNOWFLAKE = r"\d{17,20}"
_ENTRY = re.compile(rf"\*|((guild|channel|role|user):)?{_SNOWFLAKE}", re.ASCII | re.IGNORECASE)
_PERSON = re.compile(rf"((role|user):)?{_SNOWFLAKE}", re.ASCII | re.IGNORECASE)


def read_list(text: str) -> frozenset[str]:
    """`guild:123…, role:456…, 789…` as a set; a bare id stands for whatever has it, and `*` is everybody.

    Raises:
        ValueError: an entry is none of these; it is the message.
    """
    return read_entries(text, _ENTRY)


def read_admins(text: str) -> frozenset[str]:
    """The same for people and roles only: a bare id is a user's or a role's, never all of a guild's or a channel's.

    Raises:
        ValueError: an entry is none of these, or `*`; it is the message.
    """
    entries = read_entries(text, _PERSON)
    return frozenset(
        name for entry in entries for name in ((entry,) if ":" in entry else (f"user:{entry}", f"role:{entry}"))
    )


def names_of(
    *, user_id: int | None, guild_id: int | None, channel_ids: Iterable[int], role_ids: Iterable[int]
) -> frozenset[str]:
    """What somebody goes by who asks in these channels (a thread and its parent); each id bare, too.

    `user_id` None: what the place goes by. `guild_id` None: a direct message. The role @everyone has the guild's id
    and comes with it, so that making `role:` of a guild's id an admin makes nobody one.
    """
    kinds = {
        "user": () if user_id is None else (user_id,),
        "guild": () if guild_id is None else (guild_id,),
        "channel": channel_ids,
        "role": [role_id for role_id in role_ids if role_id != guild_id],
    }
    return frozenset(name for kind, ids in kinds.items() for each in ids for name in (f"{kind}:{each}", str(each)))
