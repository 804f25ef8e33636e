"""Whether a call to our webhook is fal's: signed with one of its keys, and fresh.

https://fal.ai/docs/documentation/model-apis/inference/webhooks: an Ed25519 signature in hex over the request's id, the user's id,
the time, and the SHA-256 of the body in hex, one a line; the public keys are a JWKS at `/.well-known/jwks.json` of fal's REST host;
a call of more than 300 s ago or ahead is not accepted.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import logging
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any

from engine.errors import ProviderError
from engine.providers.base import Hook
from engine.providers.reading import json_of, rows_of, table_of, task_id_of
from engine.providers.wire import Request, Wire

log = logging.getLogger(__name__)

FRESH_S = 300
KEYS_FRESH_S = 86_400.0
"""How long the keys are believed, as fal says."""
KEYS_AGAIN_S = 300.0
"""A signature by a key that we do not know has the keys fetched anew, at most so often."""
KEYS_PATH = ".well-known/jwks.json"
_PREFIX = "x-fal-webhook-"


def keys_of(jwks: Mapping[str, Any]) -> tuple[bytes, ...]:
    """The Ed25519 public keys of a key set; what is of another kind is left out."""
    found = []
    for each in rows_of(jwks.get("keys")):
        x = each.get("x")
        if isinstance(x, str) and each.get("kty") == "OKP" and each.get("crv") == "Ed25519":
            try:
                key = base64.urlsafe_b64decode(x + "=" * (-len(x) % 4))
            except (binascii.Error, ValueError):
                continue
            found.extend([key] if len(key) == 32 else [])
    return tuple(found)


def is_fresh(hook: Hook, now_s: float) -> bool:
    """Whether it says that it was signed just now, by seconds since 1970."""
    said = hook.headers.get(f"{_PREFIX}timestamp", "")
    return bool(re.fullmatch(r"\d{1,12}", said)) and abs(now_s - int(said)) <= FRESH_S


def is_signed(hook: Hook, keys: Iterable[bytes]) -> bool:
    """Whether one of the keys signed it."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  # only where webhooks are used
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

    named = [hook.headers.get(f"{_PREFIX}{name}", "") for name in ("request-id", "user-id", "timestamp")]
    try:
        signature = bytes.fromhex(hook.headers.get(f"{_PREFIX}signature", ""))
    except ValueError:
        return False
    if not all(each and each.isascii() for each in named) or len(signature) != 64:
        return False
    message = "\n".join([*named, hashlib.sha256(hook.body).hexdigest()]).encode()
    for key in keys:
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
        except (InvalidSignature, ValueError):
            continue
        return True
    return False


def request_of_hook(hook: Hook) -> str | None:
    """The request that a call speaks of; None: of none."""
    try:
        said = table_of(json_of(hook.body))
    except ValueError:
        return None
    return task_id_of(said.get("request_id"))


class Keys:
    """fal's public keys, fetched when a first call comes."""

    def __init__(self, wire: Wire, rest_url: str) -> None:
        self._wire = wire
        self._url = f"{rest_url}/{KEYS_PATH}"
        self._keys: tuple[bytes, ...] = ()
        self._at_s = float("-inf")

    async def have_signed(self, hook: Hook) -> bool:
        """Whether one of them signed the call."""
        age_s = time.monotonic() - self._at_s
        if age_s < KEYS_FRESH_S and is_signed(hook, self._keys):
            return True
        if age_s < KEYS_AGAIN_S:
            return False
        self._at_s = time.monotonic()
        try:
            answer = await self._wire.ask(Request(method="GET", path=self._url))
            self._keys = keys_of(answer.table()) if answer.is_good else self._keys
        except ProviderError as error:
            log.info("keys cannot be had service=%s: %s", self._wire.service, error.detail)
            return False
        return is_signed(hook, self._keys)
