"""What people do, in plain verbs. Each makes the events that the real server would send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.fakes.discord_api import client, commands, shapes
from tests.fakes.discord_api.client import ClientRefuses
from tests.fakes.discord_api.interactions import COMMAND, COMPONENT, MODAL_SUBMIT, Interaction
from tests.fakes.discord_api.model import Channel, Choice, Json, Message, Person
from tests.fakes.discord_api.sending import Sending


class People(Sending):
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
