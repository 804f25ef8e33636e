"""Every method that the fake can do, by its name in lower case; those that wait are in `server`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.fakes.bot_api import chats, editing, menus, sending, stars
from tests.fakes.bot_api.wire import Call
from tests.fakes.bot_api.world import World

NAMED: Mapping[str, Callable[[World, Call], Any]] = {
    "getMe": menus.get_me,
    "logOut": menus.log_out,
    "close": menus.close,
    "setMyCommands": menus.set_my_commands,
    "getMyCommands": menus.get_my_commands,
    "deleteMyCommands": menus.delete_my_commands,
    "setMyDescription": menus.set_my_description,
    "getMyDescription": menus.get_my_description,
    "setMyShortDescription": menus.set_my_short_description,
    "getMyShortDescription": menus.get_my_short_description,
    "setMyName": menus.set_my_name,
    "getMyName": menus.get_my_name,
    "sendMessage": sending.send_message,
    "sendVideo": sending.send_video,
    "sendPhoto": sending.send_photo,
    "sendDocument": sending.send_document,
    "sendAnimation": sending.send_animation,
    "sendMediaGroup": sending.send_media_group,
    "copyMessage": sending.copy_message,
    "forwardMessage": sending.forward_message,
    "sendChatAction": sending.send_chat_action,
    "editMessageText": editing.edit_message_text,
    "editMessageCaption": editing.edit_message_caption,
    "editMessageMedia": editing.edit_message_media,
    "editMessageReplyMarkup": editing.edit_message_reply_markup,
    "deleteMessage": editing.delete_message,
    "getChat": chats.get_chat,
    "getChatMember": chats.get_chat_member,
    "getChatAdministrators": chats.get_chat_administrators,
    "leaveChat": chats.leave_chat,
    "createForumTopic": chats.create_forum_topic,
    "answerCallbackQuery": chats.answer_callback_query,
    "sendInvoice": stars.send_invoice,
    "answerPreCheckoutQuery": stars.answer_pre_checkout_query,
    "refundStarPayment": stars.refund_star_payment,
    "getStarTransactions": stars.get_star_transactions,
}
WAITING = ("getUpdates", "setWebhook", "deleteWebhook", "getWebhookInfo", "getFile")
NAMES: Mapping[str, str] = {name.lower(): name for name in (*NAMED, *WAITING)}
