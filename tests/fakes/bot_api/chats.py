"""The methods about chats, their members and topics, and about pressed buttons."""

from __future__ import annotations

from tests.fakes.bot_api.model import Answer, Chat, Json, Person
from tests.fakes.bot_api.refusals import QUERY_TOO_OLD, bad_request
from tests.fakes.bot_api.shapes import chat_json, member_json
from tests.fakes.bot_api.wire import Call
from tests.fakes.bot_api.world import World

ANSWER_CHARS = 200
TOPIC_CHARS = 128
ICON_COLOR = 7322096


def get_chat(world: World, call: Call) -> Json:
    chat = world.chat_for(call.params.get("chat_id"), to_write=False)
    gifts = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")
    return {
        **chat_json(chat),
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(gifts, False),
    }


def get_chat_member(world: World, call: Call) -> Json:
    chat = world.chat_for(call.params.get("chat_id"), to_write=False)
    user_id = call.integer("user_id")
    person = world.bot if user_id == world.bot.id else world.people.get(user_id or 0)
    if person is None:
        raise bad_request("PARTICIPANT_ID_INVALID")
    role = chat.roles.get(person.id, "left") if chat.is_group else "member"
    return member_json(person, role, is_anonymous=person.id in chat.anonymous)


def get_chat_administrators(world: World, call: Call) -> list[Json]:
    """Without other bots; the bot itself only when it is one."""
    chat = world.chat_for(call.params.get("chat_id"), to_write=False)
    if not chat.is_group:
        raise bad_request("there are no administrators in the private chat")
    people: list[Person] = [*chat.members.values(), world.bot]
    return [
        member_json(person, chat.roles[person.id], is_anonymous=person.id in chat.anonymous)
        for person in people
        if world.is_admin(chat, person)
    ]


def leave_chat(world: World, call: Call) -> bool:
    chat = world.chat_for(call.params.get("chat_id"))
    if not chat.is_group:
        raise bad_request("chat member status can't be changed in private chats")
    chat.roles[world.bot.id] = "left"
    world.touch()
    return True


def create_forum_topic(world: World, call: Call) -> Json:
    chat = world.chat_for(call.params.get("chat_id"))
    name = call.string("name") or ""
    if not chat.has_topics:
        raise bad_request("the chat is not a forum")
    if chat.is_group and not world.is_admin(chat, world.bot):
        raise bad_request("not enough rights to create a topic")
    if not 1 <= len(name) <= TOPIC_CHARS:
        raise bad_request("TOPIC_TITLE_EMPTY" if not name else "topic name is too long")
    return open_topic(world, chat, name, world.bot)


def open_topic(world: World, chat: Chat, name: str, person: Person) -> Json:
    """Post the service message that a topic begins with: its id is the topic's."""
    topic: Json = {"name": name, "icon_color": ICON_COLOR}
    thread = chat.last_id + 1
    chat.topics[thread] = name
    message = world.post(chat, person, thread=thread, is_topic=True, service={"forum_topic_created": topic})
    world.announce(message)
    return {"message_thread_id": message.id, **topic}


def answer_callback_query(world: World, call: Call) -> bool:
    """Free of every budget; once, and not too late."""
    query = world.queries.get(call.string("callback_query_id") or "")
    if query is None or query.answer is not None or world.clock() - query.pressed_at_s > world.query_expiry_s:
        raise bad_request(QUERY_TOO_OLD)
    text = call.string("text")
    if text is not None and len(text) > ANSWER_CHARS:
        raise bad_request("MESSAGE_TOO_LONG")
    query.take(Answer(text or None, call.flag("show_alert"), call.string("url")))
    world.touch()
    return True
