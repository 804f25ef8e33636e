"""What people do, in plain verbs. Each makes the events that the real server would send."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from tests.fakes.discord_api import client, commands, permissions, shapes
from tests.fakes.discord_api.client import ClientRefuses
from tests.fakes.discord_api.interactions import AUTOCOMPLETE, COMMAND, COMPONENT, MODAL_SUBMIT, Interaction
from tests.fakes.discord_api.model import LOADING, MIB, Channel, Choice, Json, Message, Person, Role
from tests.fakes.discord_api.population import Population
from tests.fakes.discord_api.world import real_s

NITRO_BYTES = 500 * MIB


class People(Population):
    """The verbs of talking and of using the bot."""

    def says(
        self,
        person: Person,
        channel: Channel,
        text: str = "",
        *,
        files: Sequence[tuple[str, bytes]] = (),
        reply_to: Message | None = None,
    ) -> Message:
        """A plain message; the bot hears of it only with the intents for that."""
        self._must_be_in(person, channel)
        return self.world.post(
            channel,
            person,
            content=text,
            attachments=[self.world.keep_file(channel.id, name, data) for name, data in files],
            type=19 if reply_to is not None else 0,
            reference=reply_to.id if reply_to is not None else None,
        )

    def slash(self, person: Person, channel: Channel, name: str, /, **options: Any) -> Interaction:
        """A slash command; of a sub-command the name has a space. An attachment is given as (file name, bytes).

        Raises:
            ClientRefuses: the client would not let it out.
        """
        return self._command(person, channel, name, options)

    async def autocomplete(
        self, person: Person, channel: Channel, name: str, focused: str, value: object, /, **others: Any
    ) -> list[Choice]:
        """What is offered while they type into an option.

        Raises:
            ClientRefuses: the option has no autocomplete.
            AssertionError: there was no answer.
        """
        return await self.types(person, channel, name, focused, value, **others).chose()

    def types(
        self, person: Person, channel: Channel, name: str, focused: str, value: object, /, **others: Any
    ) -> Interaction:
        """Like `autocomplete`, without waiting."""
        return self._command(person, channel, name, {**others, focused: value}, focused=focused)

    def message_command(self, person: Person, channel: Channel, message: Message, name: str) -> Interaction:
        """A command from the menu of a message.

        Raises:
            ClientRefuses
        """
        self._must_be_in(person, channel)
        command = client.find_command(self.world, person, channel, name, commands.MESSAGE)
        target = shapes.message_json(self.world, message, for_bot=False)
        data: Json = {
            "id": command["id"],
            "name": name,
            "type": commands.MESSAGE,
            "target_id": str(message.id),
            "resolved": {"messages": {str(message.id): target}},
        }
        return self._send(person, channel, COMMAND, data)

    def presses(self, person: Person, message: Message, label: str) -> Interaction:
        """A button, found by its label, its custom id or a part of its label.

        Raises:
            ClientRefuses: there is none such, it is disabled, or the person does not see the message.
        """
        self._must_see(person, message)
        button = client.find_button(message, label)
        data: Json = {"custom_id": button["custom_id"], "component_type": 2, "id": button.get("id", 1)}
        return self._send(person, message.channel, COMPONENT, data, pressed=message)

    def presses_forged(self, person: Person, message: Message, custom_id: str) -> Interaction:
        """A press with any custom id, as a client of somebody's own could send."""
        data: Json = {"custom_id": custom_id, "component_type": 2, "id": 1}
        return self._send(person, message.channel, COMPONENT, data, pressed=message)

    def selects(
        self, person: Person, message: Message, values: Sequence[str], placeholder_or_custom_id: str | None = None
    ) -> Interaction:
        """Options of a menu, by their labels or values, in this order.

        Raises:
            ClientRefuses
        """
        self._must_see(person, message)
        menu = client.find_select(message, placeholder_or_custom_id)
        chosen = client.selected(menu, list(values))
        data: Json = {
            "custom_id": menu["custom_id"],
            "component_type": menu["type"],
            "id": menu.get("id", 1),
            "values": chosen,
        }
        return self._send(person, message.channel, COMPONENT, data, pressed=message)

    def submits(
        self, person: Person, opened: Interaction, text: str | Mapping[str, str | Sequence[str]]
    ) -> Interaction:
        """Send off the modal that an interaction opened: the text of its only field, or what each custom id gets.

        Raises:
            ClientRefuses: there is no modal, an unknown field, or a text that does not fit.
        """
        modal = opened.modal
        if modal is None or opened.person != person:
            raise ClientRefuses("No modal is open.")
        fields = [(row.get("label"), part) for row in modal["components"] for part in _fields(row)]
        if isinstance(text, str):
            if len(fields) != 1:
                raise ClientRefuses(f"The modal has {len(fields)} fields: name them.")
            text = {fields[0][1]["custom_id"]: text}
        unknown = set(text) - {part["custom_id"] for _, part in fields}
        if unknown:
            raise ClientRefuses(f"The modal has no field {sorted(unknown)}.")
        rows = [_filled(row, text) for row in modal["components"]]
        data: Json = {"custom_id": modal["custom_id"], "components": rows, "resolved": {}}
        return self._send(person, opened.channel, MODAL_SUBMIT, data, pressed=opened.pressed, opener=opened)

    def resend_last_interaction(self) -> None:
        """Deliver the newest INTERACTION_CREATE once more, under its own id and token."""
        self.gateway.resend("INTERACTION_CREATE")

    # --- how an interaction leaves

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
            pressed,
            opener,
        )
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


def _fields(row: Json) -> list[Json]:
    """The inputs of a row or a label."""
    if row.get("type") == 18:
        return [row["component"]]
    return list(row.get("components") or [])


def _filled(row: Json, given: Mapping[str, str | Sequence[str]]) -> Json:
    """A row as the client sends it back."""
    filled = []
    for part in _fields(row):
        label = str(row.get("label") or part.get("label") or part["custom_id"])
        value = given.get(part["custom_id"], part.get("value") or "")
        body: Json = {"type": part["type"], "custom_id": part["custom_id"], "id": part.get("id", 1)}
        if part["type"] == 4:
            if not isinstance(value, str):
                raise ClientRefuses(f"{label} takes a text.")
            client.check_text(part, label, value)
            filled.append({**body, "value": value})
        elif part["type"] == 3:
            chosen = [value] if isinstance(value, str) and value else list(value)
            filled.append({**body, "values": client.selected(part, chosen)})
        else:
            raise ClientRefuses(f"This fake cannot fill in {label}, a component of type {part['type']}.")
    if row.get("type") == 18:
        return {"type": 18, "id": row.get("id", 1), "component": filled[0]}
    return {"type": row["type"], "id": row.get("id", 1), "components": filled}
