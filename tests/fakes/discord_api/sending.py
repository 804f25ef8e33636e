"""How an interaction leaves the client: what stands in it, and who may send it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from tests.fakes.discord_api import client, commands, permissions, shapes
from tests.fakes.discord_api.client import ClientRefuses
from tests.fakes.discord_api.interactions import AUTOCOMPLETE, COMMAND, Interaction
from tests.fakes.discord_api.model import LOADING, MIB, Channel, Json, Message, Person, Role
from tests.fakes.discord_api.population import Population
from tests.fakes.discord_api.world import real_s

NITRO_BYTES = 500 * MIB


class Sending(Population):
    """What the verbs of `People` are made of."""

    def _command(
        self, person: Person, channel: Channel, name: str, given: Mapping[str, Any], *, focused: str | None = None
    ) -> Interaction:
        kind = COMMAND if focused is None else AUTOCOMPLETE
        self._must_be_in(person, channel)
        first, *words = name.removeprefix("/").split()
        command = client.find_command(self.world, person, channel, first, commands.CHAT_INPUT)
        way, options = client.leaf_of(command, words)
        client.check_options(options, given, focused=focused)
        resolved: Json = {}
        values = []
        for option in options:
            if option["name"] in given:
                value = self._value(channel, option, given[option["name"]], resolved)
                if focused is not None and option["type"] in {commands.INTEGER, commands.NUMBER}:
                    value = str(value)  # as it was typed: while somebody types nothing is read as a number yet
                entry = {"name": option["name"], "type": option["type"], "value": value}
                if option["name"] == focused:
                    if not option.get("autocomplete"):
                        raise ClientRefuses(f"{focused} has no autocomplete.")
                    entry["focused"] = True
                values.append(entry)
        for step in reversed(way):
            values = [{"name": step["name"], "type": step["type"], "options": values}]
        data: Json = {"id": command["id"], "name": first, "type": commands.CHAT_INPUT, "options": values}
        if "guild_id" in command:
            data["guild_id"] = command["guild_id"]
        if resolved:
            data["resolved"] = resolved
        return self._send(person, channel, kind, data)

    def _value(self, channel: Channel, option: Json, value: Any, resolved: Json) -> Any:
        match value:
            case Person():
                resolved.setdefault("users", {})[str(value.id)] = shapes.user_json(value)
                if channel.guild is not None and value.id in channel.guild.members:
                    member = shapes.member_json(channel.guild, value, with_user=False)
                    member["permissions"] = str(permissions.in_channel(channel, value))
                    resolved.setdefault("members", {})[str(value.id)] = member
                return str(value.id)
            case Role():
                resolved.setdefault("roles", {})[str(value.id)] = shapes.role_json(value)
                return str(value.id)
            case Channel():
                body = {**shapes.channel_json(self.world, value), "permissions": "0"}
                resolved.setdefault("channels", {})[str(value.id)] = body
                return str(value.id)
            case (str() as name, bytes() as data) if option["type"] == commands.ATTACHMENT:
                file = self.world.keep_file(channel.id, name, data, ephemeral=True)
                resolved.setdefault("attachments", {})[str(file.id)] = shapes.attachment_json(self.world, file)
                return str(file.id)
            case _:
                return value

    def _send(
        self,
        person: Person,
        channel: Channel,
        kind: int,
        data: Json,
        *,
        pressed: Message | None = None,
        opener: Interaction | None = None,
    ) -> Interaction:
        world = self.world
        number, token = world.new_id(), secrets.token_urlsafe(64)
        owners = {"1": str(person.id)} if channel.is_foreign else {"0": str(channel.guild.id) if channel.guild else "0"}
        limit = world.attachment_size_limit
        if limit is None:
            limit = max(channel.upload_cap_bytes, NITRO_BYTES if person.nitro else 0)
        payload: Json = {
            "id": str(number),
            "application_id": str(world.application_id),
            "type": kind,
            "token": token,
            "version": 1,
            "data": data,
            "channel": shapes.channel_json(world, channel),
            "channel_id": str(channel.id),
            "locale": person.locale,
            "app_permissions": str(self._app_permissions(channel)),
            "entitlements": [],
            "authorizing_integration_owners": owners,
            "context": client.context_of(world, channel),
            "attachment_size_limit": limit,
        }
        payload |= self._who(person, channel)
        if pressed is not None:
            payload["message"] = shapes.message_json(world, pressed)
        interaction = Interaction(
            world,
            number,
            token,
            kind,
            person,
            channel,
            data,
            payload,
            world.clock(),
            real_s(),
            limit,
            channel.is_foreign,
        )
        interaction.pressed, interaction.opener = pressed, opener
        interaction.pressed_edits = pressed.edits if pressed is not None else 0
        world.tokens[token] = interaction
        world.interactions[number] = interaction
        world.emit(
            "INTERACTION_CREATE", payload, channel.guild.id if channel.guild is not None else channel.foreign_guild_id
        )
        world.touch()
        return interaction

    def _app_permissions(self, channel: Channel) -> int:
        if channel.guild is not None:
            return permissions.in_channel(channel, self.world.bot)
        return permissions.PRIVATE

    def _who(self, person: Person, channel: Channel) -> Json:
        guild_id = channel.guild.id if channel.guild is not None else channel.foreign_guild_id
        if guild_id is None:
            return {"user": shapes.user_json(person)}
        where: Json = {"id": str(guild_id), "locale": "en-US", "features": []}
        if channel.guild is None:
            member: Json = {
                "user": shapes.user_json(person),
                "roles": [],
                "joined_at": "2026-01-01T00:00:00+00:00",
                "deaf": False,
                "mute": False,
                "flags": 0,
                "premium_since": None,
                "nick": None,
                "avatar": None,
                "permissions": str(permissions.EVERYONE),
                "pending": False,
                "communication_disabled_until": None,
            }
        else:
            member = {
                **shapes.member_json(channel.guild, person),
                "permissions": str(permissions.in_channel(channel, person)),
            }
        return {"guild_id": str(guild_id), "guild": where, "guild_locale": "en-US", "member": member}

    def _must_be_in(self, person: Person, channel: Channel) -> None:
        if channel.deleted:
            raise ClientRefuses(f"{channel.name} is deleted.")
        if channel.guild is not None:
            if not permissions.may(channel, person, "view_channel"):
                raise ClientRefuses(f"{person.name} does not see {channel.name}.")
        elif person not in channel.people:
            raise ClientRefuses(f"{person.name} is not in {channel.name}.")

    def _must_see(self, person: Person, message: Message) -> None:
        self._must_be_in(person, message.channel)
        if message.ephemeral_to is not None and message.ephemeral_to != person:
            raise ClientRefuses(f"Only {message.ephemeral_to.name} sees this message.")
        if message.deleted:
            raise ClientRefuses("The message is deleted.")
        if message.flags & LOADING:
            raise ClientRefuses("The message is still loading.")
