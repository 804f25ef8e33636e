"""What Google's fakes have in common: its login for service accounts, its error bodies, and Cloud Storage."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import jwt

TOKEN = "ya29.token-of-the-fake"
ACCOUNT = "nextshot@film-project.iam.gserviceaccount.com"


@functools.cache
def private_key() -> rsa.RSAPrivateKey:
    """One key for all tests of a process, as making it takes a while."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def private_pem() -> str:
    """As service accounts' files have it."""
    return (
        private_key()
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode()
    )


def public_pem() -> str:
    public = private_key().public_key()
    return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def write_account(path: Path, token_url: str) -> Path:
    """The file of a service account whose tokens come from `token_url`."""
    account = {
        "type": "service_account",
        "project_id": "film-project",
        "private_key_id": "key-1",
        "private_key": private_pem(),
        "client_email": ACCOUNT,
        "token_uri": token_url,
    }
    path.write_text(json.dumps(account), encoding="utf-8")
    return path


class FakeTokens:
    """The token endpoint: https://developers.google.com/identity/protocols/oauth2/service-account#httprest."""

    def __init__(self) -> None:
        self.asked = 0
        self.lasts_s = 3600
        self.status = 200
        self.error = "invalid_grant"
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        """A token for whoever signs with the account's key."""
        self.asked += 1
        if self.status != 200:
            return web.json_response({"error": self.error, "error_description": "No."}, status=self.status)
        form = await request.post()
        audience = "https://oauth2.googleapis.com/token"
        claims = jwt.decode(str(form["assertion"]), certs=public_pem(), audience=audience)  # type: ignore[no-untyped-call]  # has no types
        assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        assert claims["iss"] == ACCOUNT
        assert "https://www.googleapis.com/auth/cloud-platform" in claims["scope"]
        return web.json_response({"access_token": TOKEN, "expires_in": self.lasts_s, "token_type": "Bearer"})


def error_body(
    code: int, status: str, message: str, *, details: list[Mapping[str, Any]] | None = None, retry_after_s: float = 0
) -> web.Response:
    """An error as all of Google's APIs write it; how long to wait stands in the body."""
    error: dict[str, Any] = {"code": code, "message": message, "status": status}
    if details or retry_after_s:
        retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{retry_after_s:g}s"}
        error["details"] = [*(details or []), *([retry] if retry_after_s else [])]
    return web.json_response({"error": error}, status=code)
