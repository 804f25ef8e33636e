"""The methods by which updates and files come to the bot."""

from __future__ import annotations

import asyncio
import re
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from tests.fakes.bot_api.model import Json, StoredFile
from tests.fakes.bot_api.refusals import WEBHOOK_ACTIVE, bad_request, conflict
from tests.fakes.bot_api.webhook import Webhook
from tests.fakes.bot_api.wire import Call
from tests.fakes.bot_api.world import World


async def get_updates(world: World, webhook: Webhook, call: Call) -> list[Json]:
    if webhook.url:
        raise conflict(WEBHOOK_ACTIVE)
    if (allowed := call.rows("allowed_updates")) is not None:
        world.updates.allow(allowed)
    limit = call.integer("limit")
    return await world.updates.poll(
        call.integer("offset") or 0, 100 if limit is None else limit, call.integer("timeout") or 0
    )


async def set_webhook(world: World, webhook: Webhook, call: Call) -> bool:
    """Plain http is taken on this machine, as a server of one's own does."""
    url, secret = call.string("url") or "", call.string("secret_token")
    if url:
        parts = urlsplit(url)
        if not _is_loopback(parts.hostname or ""):
            raise bad_request("bad webhook: this fake reaches nothing beyond this machine")
        if parts.scheme not in {"http", "https"}:
            raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    if secret is not None and not re.fullmatch(r"[A-Za-z0-9_-]{0,256}", secret):
        raise bad_request("secret token contains unallowed characters")
    if (allowed := call.rows("allowed_updates")) is not None:
        world.updates.allow(allowed)
    if call.flag("drop_pending_updates"):
        world.updates.drop_pending()
    world.updates.interrupt()
    await webhook.set(url, secret, min(max(call.integer("max_connections") or 40, 1), 100))
    return True


async def delete_webhook(world: World, webhook: Webhook, call: Call) -> bool:
    if call.flag("drop_pending_updates"):
        world.updates.drop_pending()
    await webhook.close()
    return True


def webhook_info(world: World, webhook: Webhook) -> Json:
    info: Json = {
        "url": webhook.url,
        "has_custom_certificate": False,
        "pending_update_count": len(world.updates.pending),
    }
    if webhook.url:
        info["max_connections"] = webhook.max_connections
    if webhook.last_error is not None:
        info["last_error_date"], info["last_error_message"] = webhook.last_error
    if world.updates.allowed is not None:
        info["allowed_updates"] = sorted(world.updates.allowed)
    return info


async def get_file(world: World, call: Call, local_folder: Path | None) -> Json:
    """In local mode the file is written to disk, and its path is absolute."""
    file = world.files.by_id.get(call.string("file_id") or "")
    if file is None:
        raise bad_request("invalid file_id" if call.string("file_id") else "file_id not specified")
    if world.download_bytes is not None and file.size_bytes > world.download_bytes:
        raise bad_request("file is too big")
    path = file.path
    if local_folder is not None:
        path = str(await asyncio.to_thread(_write, file, local_folder))
    return {
        "file_id": file.file_id,
        "file_unique_id": file.unique_id,
        "file_size": file.size_bytes,
        "file_path": path,
    }


def _write(file: StoredFile, folder: Path) -> Path:
    path = folder / file.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file.data)
    return path


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
