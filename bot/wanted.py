"""What each setting has to be, in words, for whoever got one wrong."""

from __future__ import annotations

from collections.abc import Mapping

from bot.providers import HERE

_CAP = "an amount in US dollars, where 0 is nothing at all"

WANTED: Mapping[str, tuple[str, str]] = {
    "data_dir": ("a directory", "./data"),
    "database_url": ("empty, or an sqlite: or postgresql: URL", "postgresql://user:password@host/nextshot"),
    "provider": ("animatic, or a service that is set up; `nextshot models --all` lists them", HERE),
    "web_host": ("an IP address or localhost", "127.0.0.1"),
    "web_port": ("a port number from 0 to 65535 (0 picks a free one)", "8420"),
    "web_password": ("a text of at least 8 characters", "something-long"),
    "web_url": (
        "the address under which others reach the page, with https:// (http:// in a private network only)",
        "https://films.example.org",
    ),
    "telegram_token": ("the token that @BotFather gave", "123456789:AA…"),
    "telegram_api_url": (
        "the address of a Bot API server, with https:// (http:// in a private network only)",
        "http://127.0.0.1:8081",
    ),
    "telegram_webhook_url": (
        "an https: address with a path of letters, digits, - and _ that is none of the page's own",
        "https://films.example.org/telegram",
    ),
    "telegram_allowed": (
        "user ids, chat ids and @names with commas between, or * for everybody",
        "123456789,-100123456",
    ),
    "telegram_blocked": ("user ids, chat ids and @names with commas between", "123456789,@somebody"),
    "telegram_admins": ("user ids and @names with commas between", "123456789"),
    "telegram_stars_usd": (
        "what a pot gets for one Telegram Star, in US dollars: more than 0, at most 1, with up to six decimals",
        "0.013",
    ),
    "discord_token": ("the token of the bot that the developer portal gave", "MTIzNDU2….Gabcde.…"),
    "discord_api_url": (
        "the address of Discord's API or of a proxy for it, with https:// (http:// in a private network only)",
        "http://127.0.0.1:3000/api",
    ),
    "discord_allowed": (
        "ids with commas between, bare or as guild:…, channel:…, role:… and user:…, or * for everybody",
        "guild:123456789012345678",
    ),
    "discord_blocked": (
        "ids with commas between, bare or as guild:…, channel:…, role:… and user:…",
        "user:123456789012345678",
    ),
    "discord_admins": (
        "ids of roles and users with commas between, bare or as role:… and user:…",
        "role:123456789012345678",
    ),
    "ask_above_usd": ("an amount in US dollars, or never", "1"),
    "day_usd": (_CAP, "5"),
    "story_usd": (_CAP, "10"),
    "shot_usd": (_CAP, "2"),
    "person_day_usd": (_CAP, "3"),
    "house_day_usd": (_CAP, "50"),
    "pots_only": ("yes or no", "yes"),
    "in_flight_per_person": ("a whole number from 1, or empty: as many as there is room for", "2"),
    "in_flight_per_place": ("a whole number from 1, or empty: as many as there is room for", "4"),
    "waiting_per_person": ("a whole number, or any: as many as they like", "20"),
    "keep_days": ("a whole number of days from 1 to 36500, or empty: stories are kept for ever", "365"),
    "place": ("a platform and a name with a colon between", "local:home"),
    "log_level": ("one of debug, info, warning, error", "info"),
    "log_format": ("text or json", "json"),
    "metrics_port": ("a port number from 1 to 65535", "9420"),
    "metrics_host": ("an IP address or localhost", "127.0.0.1"),
}
"""What each setting has to be, and an example."""
