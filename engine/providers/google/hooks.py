"""Calls of Google to our address: https://ai.google.dev/gemini-api/docs/webhooks (dynamic webhooks, 2026-06-22).

The header `webhook-signature` is a token signed with RS256 by a key that Google publishes. Which audience it names is documented
nowhere, and that it covers the body neither; so a call is only ever a hint to look at a render of ours.
"""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256

from engine.errors import ProviderError
from engine.providers.base import Hook
from engine.providers.reading import json_of, table_of, task_id_of
from engine.providers.wire import Request, Wire

KEYS_PATH = ".well-known/jwks.json"
FRESH_S = 300.0
"""An older call is not listened to, as Google advises."""
KEYS_KEPT_S = 3_600.0
ASK_AGAIN_S = 60.0
"""Whoever calls with made-up keys makes us ask for Google's no more often."""
MOST_CHARS = 16_384


class Hooks:
    """Checks calls against Google's keys, which are asked for when one is needed that is not known."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._keys: Mapping[str, RSAPublicKey] = {}
        self._asked_at_s = float("-inf")

    async def task_of(self, hook: Hook) -> str | None:
        """The render that a call speaks of; None: it is not Google's, too old, or about something else."""
        token = hook.headers.get("webhook-signature", "")
        parts = _parts(token) if len(token) <= MOST_CHARS else None
        if parts is None or not _is_fresh(hook.headers.get("webhook-timestamp", ""), time.time()):
            return None
        head, claims, _ = parts
        key_id = str(head.get("kid"))
        if not await self._knows(key_id) or not is_signed(token, self._keys[key_id]):
            return None
        expires = claims.get("exp")
        if isinstance(expires, int | float) and expires < time.time():
            return None
        return _task_of(claims) or _task_of(_table(hook.body))

    async def _knows(self, key_id: str) -> bool:
        age_s = time.monotonic() - self._asked_at_s
        if (key_id in self._keys and age_s < KEYS_KEPT_S) or age_s < ASK_AGAIN_S:
            return key_id in self._keys
        self._asked_at_s = time.monotonic()
        try:
            answer = await self._wire.ask(Request(method="GET", path=KEYS_PATH))
            self._keys = read_keys(answer.table() if answer.is_good else {})
        except ProviderError:
            return False
        return key_id in self._keys


def read_keys(said: Mapping[str, Any]) -> Mapping[str, RSAPublicKey]:
    """The RSA keys of a key set, by their id: https://www.rfc-editor.org/rfc/rfc7517."""
    keys = {}
    entries = said.get("keys")
    for entry in entries if isinstance(entries, list) else ():
        if not isinstance(entry, Mapping) or entry.get("kty") != "RSA":
            continue
        try:
            modulus, exponent = (int.from_bytes(_decoded(str(entry[name]))) for name in ("n", "e"))
            keys[str(entry["kid"])] = RSAPublicNumbers(exponent, modulus).public_key()
        except (KeyError, ValueError, binascii.Error):
            continue
    return keys


def is_signed(token: str, key: RSAPublicKey) -> bool:
    """Whether a token of three parts was signed with the key's other half."""
    signed, _, signature = token.rpartition(".")
    try:
        key.verify(_decoded(signature), signed.encode("ascii"), PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


def _parts(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any], str] | None:
    parts = token.split(".")
    if len(parts) != 3 or not token.isascii():
        return None
    try:
        return _table(_decoded(parts[0])), _table(_decoded(parts[1])), parts[2]
    except (ValueError, binascii.Error):
        return None


def _table(data: bytes) -> Mapping[str, Any]:
    """A JSON object; empty where it is none."""
    try:
        return table_of(json_of(data))
    except ValueError:
        return {}


def _task_of(event: Mapping[str, Any]) -> str | None:
    is_ours = str(event.get("type", "")).startswith(("interaction.", "video."))
    return task_id_of(table_of(event.get("data")).get("id")) if is_ours else None


def _is_fresh(said: str, now_s: float) -> bool:
    return said.isascii() and said.isdecimal() and len(said) < 16 and abs(now_s - int(said)) <= FRESH_S


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
