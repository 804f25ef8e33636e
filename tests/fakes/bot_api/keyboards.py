"""Keyboards as the server takes them. Pure. Words of the errors: https://github.com/tdlib/td, ReplyMarkup.cpp."""

from __future__ import annotations

from urllib.parse import urlsplit

from tests.fakes.bot_api.model import Json
from tests.fakes.bot_api.refusals import bad_request

DATA_BYTES = 64
BUTTONS_MOST = 100
ACTIONS = frozenset(
    {
        "url",
        "callback_data",
        "web_app",
        "login_url",
        "switch_inline_query",
        "switch_inline_query_current_chat",
        "switch_inline_query_chosen_chat",
        "copy_text",
        "callback_game",
        "pay",
        "disabled",
    }
)


def check_keyboard(markup: Json) -> Json:
    """An inline keyboard, as it was sent.

    Raises:
        Refusal: a button without action, with more than 64 bytes of data or with an unusable URL; more than 100 buttons.
    """
    rows = markup["inline_keyboard"]
    for row in rows:
        for button in row:
            _check_button(button)
    if sum(len(row) for row in rows) > BUTTONS_MOST:
        raise bad_request("reply markup is too long")
    return {"inline_keyboard": [row for row in rows if row]}


def _check_button(button: Json) -> None:
    text = str(button.get("text", ""))
    if not text:
        raise bad_request("BUTTON_TEXT_INVALID")
    if not ACTIONS & button.keys():
        raise bad_request(
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        )
    data = button.get("callback_data")
    if data is not None and not 1 <= len(str(data).encode()) <= DATA_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")
    url = button.get("url")
    if url is not None and not _is_public(str(url)):
        raise bad_request(f"inline keyboard button URL '{url}' is invalid: Wrong HTTP URL")


def _is_public(url: str) -> bool:
    """A host without a dot, such as localhost, is not taken."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    return parts.scheme == "tg" or (parts.scheme in {"http", "https"} and "." in (parts.hostname or ""))
