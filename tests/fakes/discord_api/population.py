"""Who there is and where: people, guilds, roles, channels, threads; and what is taken from the bot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tests.fakes.discord_api import permissions, shapes
from tests.fakes.discord_api.gateway import Gateway
from tests.fakes.discord_api.model import (
    DM,
    FORUM,
    GROUP_DM,
    PUBLIC_THREAD,
    TEXT,
    Channel,
    Guild,
    Json,
    Message,
    Person,
    Role,
    Tag,
)
from tests.fakes.discord_api.world import World


class Population:
    """The verbs of being there."""

    def __init__(self, world: World, gateway: Gateway) -> None:
        self.world = world
        self.gateway = gateway

    def person(self, name: str, *, nitro: bool = False, dms_open: bool = True, locale: str = "en-US") -> Person:
        """A new user."""
        person = Person(self.world.new_id(), name, nitro=nitro, dms_open=dms_open, locale=locale)
        self.world.people[person.id] = person
        return person

    def guild(
        self,
        name: str,
        members: Sequence[Person] = (),
        *,
        boost_level: int = 0,
        owner: Person | None = None,
        shard: tuple[int, int] | None = None,
        available: bool = True,
    ) -> Guild:
        """A server with the bot in it. `shard`: (number, count) that its id is to fall on."""
        number = self.world.new_id()
        while shard is not None and (number >> 22) % shard[1] != shard[0]:
            number += 1 << 22
        everyone = Role(number, "@everyone", permissions.EVERYONE, position=0)
        lord = owner or Person(self.world.new_id(), f"Owner of {name}")
        guild = Guild(number, name, lord, everyone, boost_level=boost_level, available=available)
        for member in (lord, self.world.bot, *members):
            guild.members[member.id] = member
        self.world.people[lord.id] = lord
        self.world.guilds[guild.id] = guild
        if available:
            self.world.emit("GUILD_CREATE", shapes.guild_json(self.world, guild), guild.id)
        self.world.touch()
        return guild

    def channel(self, guild: Guild, name: str, *, type: int = TEXT) -> Channel:  # noqa: A002 - Discord's own word
        """A channel of a server, in which everybody may write."""
        return self.world.new_channel(name, type, guild)

    def forum(
        self,
        guild: Guild,
        name: str,
        *,
        tags: Sequence[str] = (),
        moderated: Sequence[str] = (),
        requires_tag: bool = False,
    ) -> Channel:
        """`moderated`: those of its tags that only who manages threads may give."""
        made = [Tag(self.world.new_id(), tag, tag in moderated) for tag in tags]
        return self.world.new_channel(name, FORUM, guild, tags=made, requires_tag=requires_tag)

    def thread(self, channel: Channel, name: str, *, owner: Person | None = None) -> Channel:
        """A public thread that a person opened."""
        return self.world.new_channel(
            name, PUBLIC_THREAD, channel.guild, parent=channel, owner=owner or _owner(channel)
        )

    def post(self, forum: Channel, title: str, person: Person, text: str = "", *, tags: Sequence[str] = ()) -> Channel:
        """A post in a forum, by a person: a thread whose first message has the thread's id."""
        given = [tag for tag in forum.tags if tag.name in tags]
        thread = self.world.new_channel(title, PUBLIC_THREAD, forum.guild, parent=forum, owner=person, tags=given)
        message = Message(thread.id, thread, person, content=text or title, made_at_s=self.world.clock())
        thread.messages[message.id] = self.world.messages[message.id] = message
        return thread

    def dm(self, person: Person) -> Channel:
        """Their direct messages with the bot."""
        return self.world.dm_with(person)

    def foreign_channel(self, name: str, people: Sequence[Person], *, in_guild: bool = True) -> Channel:
        """A place without the bot: a channel of another server, or a group; its commands come by user install only."""
        channel = self.world.new_channel(name, TEXT if in_guild else GROUP_DM, people=list(people), is_foreign=True)
        channel.foreign_guild_id = self.world.new_id() if in_guild else None
        return channel

    def private_chat(self, one: Person, other: Person) -> Channel:
        """Direct messages of two people, in which the bot is not."""
        return self.world.new_channel(f"{one.name} and {other.name}", DM, people=[one, other], is_foreign=True)

    def joins(self, person: Person, guild: Guild) -> None:
        guild.members[person.id] = person

    # --- roles and permissions

    def role(
        self,
        guild: Guild,
        name: str,
        *,
        may: Iterable[str] = (),
        mentionable: bool = False,
        people: Sequence[Person] = (),
    ) -> Role:
        """A role with permissions by their names (`manage_guild`, `manage_messages`), given to people."""
        role = Role(self.world.new_id(), name, permissions.bits(may), mentionable, position=len(guild.roles) + 1)
        guild.roles[role.id] = role
        self.world.emit("GUILD_ROLE_CREATE", {"guild_id": str(guild.id), "role": shapes.role_json(role)}, guild.id)
        for person in people:
            self.give_role(person, role, guild)
        return role

    def give_role(self, person: Person, role: Role, guild: Guild) -> None:
        """Also to the bot."""
        guild.given.setdefault(person.id, []).append(role)
        self._member_changed(person, guild)

    def take_role(self, person: Person, role: Role, guild: Guild) -> None:
        guild.given[person.id].remove(role)
        self._member_changed(person, guild)

    def _member_changed(self, person: Person, guild: Guild) -> None:
        """Without the members intent a bot hears only of itself."""
        if person == self.world.bot:
            body = {**shapes.member_json(guild, person), "guild_id": str(guild.id)}
            self.world.emit("GUILD_MEMBER_UPDATE", body, guild.id)

    def allow(self, person: Person, guild: Guild, *names: str) -> Role:
        """Give a person permissions in a server, through a role of their own."""
        return self.role(guild, f"role of {person.name}", may=names, people=[person])

    def deny(self, channel: Channel, *names: str, person: Person | Role | None = None) -> None:
        """Take permissions away in a channel: from the bot, unless somebody else is named."""
        self._overwrite(channel, person, names, is_allowed=False)

    def permit(self, channel: Channel, *names: str, person: Person | Role | None = None) -> None:
        """Give them (back) in a channel."""
        self._overwrite(channel, person, names, is_allowed=True)

    def _overwrite(
        self, channel: Channel, person: Person | Role | None, names: Iterable[str], *, is_allowed: bool
    ) -> None:
        number = (person or self.world.bot).id
        allow, deny = channel.overwrites.get(number, (0, 0))
        value = permissions.bits(names)
        changed = (allow | value, deny & ~value) if is_allowed else (allow & ~value, deny | value)
        saw = permissions.may(channel, self.world.bot, "view_channel")
        channel.overwrites[number] = changed
        sees = permissions.may(channel, self.world.bot, "view_channel")
        event = "CHANNEL_DELETE" if saw and not sees else "CHANNEL_CREATE" if sees and not saw else "CHANNEL_UPDATE"
        self.world.announce_channel(event, channel)

    def forbid_command(self, guild: Guild, name: str, *, where: Person | Role | Channel) -> None:
        """An admin switches a command off for a person, a role or a channel."""
        guild.forbidden_commands.append((name, where.id))

    # --- what is taken away, and comes back

    def deletes_channel(self, channel: Channel) -> None:
        """With its threads."""
        channel.deleted = True
        for other in list((channel.guild.channels if channel.guild else {}).values()):
            if other.parent is channel:
                other.deleted = True
        self.world.announce_channel("THREAD_DELETE" if channel.is_thread else "CHANNEL_DELETE", channel)

    def deletes(self, message: Message) -> None:
        """Somebody deletes a message."""
        self.world.remove(message)

    def archives(self, thread: Channel, *, locked: bool = False) -> None:
        thread.archived, thread.locked = True, locked
        self.world.announce_channel("THREAD_UPDATE", thread)

    def unarchives(self, thread: Channel) -> None:
        """And unlocks it."""
        thread.archived = thread.locked = False
        self.world.announce_channel("THREAD_UPDATE", thread)

    def locks(self, thread: Channel) -> None:
        """Only who manages threads may write there."""
        thread.locked = True
        self.world.announce_channel("THREAD_UPDATE", thread)

    def kicks_bot(self, guild: Guild) -> None:
        """The bot is out: GUILD_DELETE, and 50001 from then on."""
        guild.has_bot = False
        guild.members.pop(self.world.bot.id, None)
        self.world.emit("GUILD_DELETE", {"id": str(guild.id)}, guild.id)
        self.world.touch()

    def adds_bot(self, guild: Guild) -> None:
        """It is invited again."""
        guild.has_bot = True
        guild.members[self.world.bot.id] = self.world.bot
        self.world.emit("GUILD_CREATE", shapes.guild_json(self.world, guild), guild.id)
        self.world.touch()

    def set_guild_available(self, guild: Guild, available: bool) -> None:
        """An outage of the server at Discord: GUILD_DELETE with `unavailable`, then GUILD_CREATE again."""
        guild.available = available
        data: Json = shapes.guild_json(self.world, guild) if available else {"id": str(guild.id), "unavailable": True}
        self.world.emit("GUILD_CREATE" if available else "GUILD_DELETE", data, guild.id)
        self.world.touch()


def _owner(channel: Channel) -> Person | None:
    return channel.guild.owner if channel.guild is not None else None
