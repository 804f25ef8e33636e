"""The world → Discord's JSON. Reads, changes nothing. Longer than a room: most of it is lists of fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.discord_api import permissions
from tests.fakes.discord_api.model import DM, GROUP_DM, Attachment, Channel, Guild, Json, Message, Person, Role, Tag

if TYPE_CHECKING:
    from tests.fakes.discord_api.world import World

CATEGORY = 4
FORUMS = {15, 16}
REQUIRE_TAG = 1 << 4
"""https://docs.discord.com/developers/resources/channel#channel-object-channel-flags"""


def user_json(person: Person) -> Json:
    return {
        "id": str(person.id),
        "username": person.name.lower().replace(" ", "_"),
        "discriminator": "0000" if person.is_bot else "0",
        "global_name": None if person.is_bot else person.name,
        "avatar": None,
        "bot": person.is_bot,
        "flags": 0,
        "public_flags": 0,
        "banner": None,
        "accent_color": None,
        "avatar_decoration_data": None,
        "collectibles": None,
        "primary_guild": None,
    }


def me_json(person: Person) -> Json:
    return {**user_json(person), "mfa_enabled": True, "locale": "en-US", "verified": True, "email": None}


def member_json(guild: Guild, person: Person, *, with_user: bool = True) -> Json:
    body: Json = {
        "roles": [str(role.id) for role in guild.roles_of(person)],
        "joined_at": "2026-01-01T00:00:00.000000+00:00",
        "premium_since": None,
        "nick": None,
        "avatar": None,
        "banner": None,
        "communication_disabled_until": None,
        "pending": False,
        "deaf": False,
        "mute": False,
        "flags": 0,
    }
    if with_user:
        body["user"] = user_json(person)
    return body


def role_json(role: Role) -> Json:
    return {
        "id": str(role.id),
        "name": role.name,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "icon": None,
        "unicode_emoji": None,
        "position": role.position,
        "permissions": str(role.permissions),
        "managed": False,
        "mentionable": role.mentionable,
        "flags": 0,
    }


def guild_json(world: World, guild: Guild) -> Json:
    """All of it, as GUILD_CREATE has it."""
    living = [channel for channel in guild.channels.values() if not channel.deleted]
    seen = [channel for channel in living if permissions.may(channel, world.bot, "view_channel")]
    return {
        **_guild_fields(guild),
        "joined_at": "2026-01-01T00:00:00.000000+00:00",
        "large": False,
        "unavailable": False,
        "member_count": len(guild.members),
        "voice_states": [],
        "members": [member_json(guild, world.bot)],
        "channels": [channel_json(world, channel) for channel in seen if not channel.is_thread],
        "threads": [channel_json(world, channel) for channel in seen if channel.is_thread and not channel.archived],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def fetched_guild_json(guild: Guild) -> Json:
    """As GET /guilds/{id} gives it."""
    limits = {"max_presences": None, "max_members": 500_000, "max_stage_video_channel_users": 50}
    rest = {"home_header": None, "widget_enabled": False, "widget_channel_id": None, "nsfw": False}
    return {**_guild_fields(guild), **limits, **rest, "max_video_channel_users": 25}


def _guild_fields(guild: Guild) -> Json:
    return {
        "id": str(guild.id),
        "name": guild.name,
        "icon": None,
        "splash": None,
        "discovery_splash": None,
        "owner_id": str(guild.owner.id),
        "region": "deprecated",
        "afk_channel_id": None,
        "afk_timeout": 300,
        "verification_level": 0,
        "default_message_notifications": 0,
        "explicit_content_filter": 0,
        "roles": [role_json(role) for role in (guild.everyone, *guild.roles.values())],
        "emojis": [],
        "features": [],
        "mfa_level": 0,
        "application_id": None,
        "system_channel_id": None,
        "system_channel_flags": 0,
        "rules_channel_id": None,
        "vanity_url_code": None,
        "description": None,
        "banner": None,
        "premium_tier": guild.boost_level,
        "premium_subscription_count": guild.boost_level * 7,
        "preferred_locale": "en-US",
        "public_updates_channel_id": None,
        "nsfw_level": 0,
        "stickers": [],
        "premium_progress_bar_enabled": False,
        "safety_alerts_channel_id": None,
        "hub_type": None,
        "incidents_data": None,
    }


def channel_json(world: World, channel: Channel) -> Json:
    if channel.type in {DM, GROUP_DM}:
        return _private_json(world, channel)
    body: Json = {
        "id": str(channel.id),
        "type": channel.type,
        "flags": 0,
        "guild_id": str(channel.guild.id if channel.guild else channel.foreign_guild_id),
        "name": channel.name,
        "last_message_id": str(max(channel.messages)) if channel.messages else None,
        "rate_limit_per_user": 0,
        "parent_id": str(channel.parent.id) if channel.parent else None,
    }
    if channel.is_thread:
        return {**body, **_thread_fields(world, channel)}
    body |= {
        "position": 0,
        "nsfw": False,
        "topic": None,
        "permission_overwrites": [_overwrite_json(channel, number) for number in channel.overwrites],
    }
    if channel.type in FORUMS:
        body |= {
            "flags": REQUIRE_TAG if channel.requires_tag else 0,
            "available_tags": [tag_json(tag) for tag in channel.tags],
            "default_reaction_emoji": None,
            "default_sort_order": None,
            "default_forum_layout": 0,
        }
    return body


def tag_json(tag: Tag) -> Json:
    return {"id": str(tag.id), "name": tag.name, "moderated": tag.moderated, "emoji_id": None, "emoji_name": None}


def _thread_fields(world: World, channel: Channel) -> Json:
    made = world.starts_at.isoformat()
    body: Json = {
        "owner_id": str((channel.owner or world.bot).id),
        "message_count": len(channel.messages),
        "member_count": 1,
        "total_message_sent": len(channel.messages),
        "thread_metadata": {
            "archived": channel.archived,
            "archive_timestamp": made,
            "auto_archive_duration": 1440,
            "locked": channel.locked,
            "create_timestamp": made,
        },
    }
    if channel.parent is not None and channel.parent.type in FORUMS:
        body["applied_tags"] = [str(tag.id) for tag in channel.tags]
    return body


def _private_json(world: World, channel: Channel) -> Json:
    body: Json = {
        "id": str(channel.id),
        "type": channel.type,
        "flags": 0,
        "last_message_id": str(max(channel.messages)) if channel.messages else None,
        "recipients": [user_json(person) for person in channel.people if person != world.bot],
    }
    if channel.type == GROUP_DM:
        body |= {"name": channel.name, "icon": None, "owner_id": str(channel.people[0].id)}
    return body


def _overwrite_json(channel: Channel, number: int) -> Json:
    allow, deny = channel.overwrites[number]
    is_role = channel.guild is not None and (number == channel.guild.id or number in channel.guild.roles)
    return {"id": str(number), "type": 0 if is_role else 1, "allow": str(allow), "deny": str(deny)}


def attachment_json(world: World, file: Attachment) -> Json:
    url = world.file_url(file)
    body: Json = {
        "id": str(file.id),
        "filename": file.name,
        "size": len(file.data),
        "url": url,
        "proxy_url": url,
        "content_type": file.content_type,
    }
    if file.width is not None:
        body |= {"width": file.width, "height": file.height}
    if file.description is not None:
        body["description"] = file.description
    if file.ephemeral:
        body["ephemeral"] = True
    return body


def message_json(world: World, message: Message, *, for_bot: bool = True, depth: int = 0) -> Json:
    """One message. `for_bot`: what it may not read without MESSAGE_CONTENT is empty."""
    reads = not for_bot or world.sees_content(message)
    edited = message.edited_at_s
    body: Json = {
        "id": str(message.id),
        "type": message.type,
        "channel_id": str(message.channel.id),
        "author": user_json(message.author),
        "content": message.content if reads else "",
        "timestamp": world.at(message.made_at_s).isoformat(),
        "edited_timestamp": world.at(edited).isoformat() if edited is not None else None,
        "tts": False,
        "mention_everyone": "everyone" in message.pings,
        "mentions": [user_json(world.people[number]) for number in sorted_people(world, message)],
        "mention_roles": sorted(str(number) for number in message.pings if _is_role(message, number)),
        "attachments": [attachment_json(world, file) for file in message.attachments] if reads else [],
        "embeds": message.embeds if reads else [],
        "components": message.components if reads else [],
        "pinned": False,
        "flags": message.flags,
    }
    if message.nonce is not None:
        body["nonce"] = message.nonce
    if message.author == world.bot and message.interaction is not None:
        body |= {"webhook_id": str(world.application_id), "application_id": str(world.application_id)}
        body["interaction_metadata"] = message.interaction
    if message.reference is not None:
        body["message_reference"] = {
            "type": 0,
            "channel_id": str(message.channel.id),
            "message_id": str(message.reference),
        }
        if message.channel.guild is not None:
            body["message_reference"]["guild_id"] = str(message.channel.guild.id)
        if depth == 0:
            answered = message.channel.messages.get(message.reference)
            body["referenced_message"] = message_json(world, answered, for_bot=for_bot, depth=1) if answered else None
    if message.thread is not None and not message.thread.deleted:
        body["thread"] = channel_json(world, message.thread)
    return body


def sorted_people(world: World, message: Message) -> list[int]:
    """The ids of the people that it calls."""
    return sorted(number for number in message.pings if isinstance(number, int) and number in world.people)


def _is_role(message: Message, number: str | int) -> bool:
    return isinstance(number, int) and message.channel.guild is not None and number in message.channel.guild.roles


def application_json(world: World, owner: Person) -> Json:
    """As /applications/@me and /oauth2/applications/@me give it."""
    config = {"guild": "0", "user": "1"}
    return {
        "id": str(world.application_id),
        "name": world.bot.name,
        "icon": None,
        "description": "",
        "type": None,
        "bot": user_json(world.bot),
        "bot_public": True,
        "bot_require_code_grant": False,
        "integration_types_config": {config[scope]: {} for scope in sorted(world.install_scopes)},
        "verify_key": "0" * 64,
        "flags": 0,
        "flags_new": "0",
        "max_participants": None,
        "tags": [],
        "redirect_uris": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "owner": user_json(owner),
        "approximate_guild_count": sum(guild.has_bot for guild in world.guilds.values()),
        "approximate_user_install_count": 0,
        "approximate_user_authorization_count": 0,
        "event_webhooks_url": None,
        "event_webhooks_status": 1,
        "event_webhooks_types": [],
        "explicit_content_filter": 0,
        "team": None,
        "eligible_oauth2_scopes": [],
        "rpc_origins": [],
        "summary": "",
    }
