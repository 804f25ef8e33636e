"""Permission bits, and what somebody may do in a channel. Pure.

Source: https://discord.com/developers/docs/topics/permissions.
"""

from __future__ import annotations

from collections.abc import Iterable

from tests.fakes.discord_api.model import Channel, Guild, Person

BITS = {
    "create_instant_invite": 0,
    "kick_members": 1,
    "administrator": 3,
    "manage_channels": 4,
    "manage_guild": 5,
    "add_reactions": 6,
    "view_channel": 10,
    "send_messages": 11,
    "manage_messages": 13,
    "embed_links": 14,
    "attach_files": 15,
    "read_message_history": 16,
    "mention_everyone": 17,
    "use_external_emojis": 18,
    "manage_roles": 28,
    "use_application_commands": 31,
    "manage_threads": 34,
    "create_public_threads": 35,
    "create_private_threads": 36,
    "send_messages_in_threads": 38,
}
ALL = (1 << 53) - 1


def bits(names: Iterable[str]) -> int:
    """The integer of some permissions, by their names in lower case."""
    value = 0
    for name in names:
        value |= 1 << BITS[name]
    return value


EVERYONE = bits(
    (
        "view_channel",
        "send_messages",
        "embed_links",
        "attach_files",
        "read_message_history",
        "add_reactions",
        "use_external_emojis",
        "use_application_commands",
        "create_public_threads",
        "send_messages_in_threads",
    )
)
PRIVATE = EVERYONE | bits(("mention_everyone",))


def in_guild(guild: Guild, person: Person) -> int:
    """What the roles of a member give."""
    if guild.owner == person:
        return ALL
    value = guild.everyone.permissions
    for role in guild.roles_of(person):
        value |= role.permissions
    return ALL if value & bits(("administrator",)) else value


def in_channel(channel: Channel, person: Person) -> int:
    """What a person may do there; a thread asks its parent."""
    guild = channel.guild
    if guild is None:
        return PRIVATE if person in channel.people else 0
    if person.id not in guild.members:
        return 0
    place = channel.parent if channel.is_thread and channel.parent is not None else channel
    value = in_guild(guild, person)
    if value == ALL:
        return value
    targets = [[guild.id], [role.id for role in guild.roles_of(person)], [person.id]]
    for ids in targets:
        allow = deny = 0
        for overwrite_id in ids:
            given, taken = place.overwrites.get(overwrite_id, (0, 0))
            allow, deny = allow | given, deny | taken
        value = (value & ~deny) | allow
    return value if value & bits(("view_channel",)) else 0


def may(channel: Channel, person: Person, *names: str) -> bool:
    """Whether a person has all of these there."""
    wanted = bits(names)
    return in_channel(channel, person) & wanted == wanted
