"""Logs in at Google Cloud: a token from a credentials file, this machine's default login, or else the `gcloud` program.

https://cloud.google.com/docs/authentication/application-default-credentials. Tokens are asked for in a thread and kept until
shortly before they end. They are never logged.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any, cast

import google.auth
import httpx
from google.auth import exceptions, identity_pool, transport
from google.auth.credentials import Credentials
from google.oauth2 import credentials as person
from google.oauth2 import service_account

from engine.errors import AuthFailed, Unavailable

log = logging.getLogger(__name__)

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
ENDS_EARLY_S = 240.0
"""A token that ends within this time is replaced."""
GCLOUD_KEPT_S = 240.0
"""`gcloud` does not say when its token ends; it renews one that ends within five minutes."""
LOGIN_S = 40.0
GCLOUD_S = 20.0
_HTTP_S = 15.0


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token. `ends_at_s` is on the monotonic clock; `quota_project` pays for a person's requests, if named."""

    value: str
    ends_at_s: float
    quota_project: str = ""


class GoogleLogin:
    """Whoever the operator is at Google Cloud. `file`: a credentials file; empty: the default login, then `gcloud`."""

    def __init__(self, service: str, file: str = "", *, gcloud: str = "gcloud") -> None:
        self._service = service
        self._file = file
        self._gcloud = gcloud
        self._credentials: Credentials | None = None
        self._token: Token | None = None
        self._lock = asyncio.Lock()

    async def headers(self) -> Mapping[str, str]:
        """The headers that prove who we are.

        Raises:
            AuthFailed: nobody is logged in, or the login is not good any more.
            Unavailable: Google's login cannot be reached now.
        """
        async with self._lock:
            if self._token is None or self._token.ends_at_s <= time.monotonic():
                self._token = await self._new()
            proof = {"authorization": f"Bearer {self._token.value}"}
            if self._token.quota_project:
                proof["x-goog-user-project"] = self._token.quota_project
            return proof

    async def _new(self) -> Token:
        try:
            async with asyncio.timeout(LOGIN_S):
                return await asyncio.to_thread(self._ask)
        except exceptions.TransportError as error:
            raise self._unreachable(error) from error
        except TimeoutError as error:
            raise self._unreachable(error) from error
        except (exceptions.GoogleAuthError, OSError, ValueError) as error:
            if isinstance(error, exceptions.RefreshError) and error.retryable:
                raise self._unreachable(error) from error
            self._credentials = None  # a file that was mended is read again
            token = None if self._file else await self._from_gcloud()
            if token is None:
                raise self._refused(error) from error
            return token

    def _ask(self) -> Token:
        """In a thread."""
        if self._credentials is None:
            self._credentials = _from_file(Path(self._file)) if self._file else _default()
        credentials = self._credentials
        credentials.refresh(_Transport())  # type: ignore[no-untyped-call]  # the library's own types stop here
        if not isinstance(credentials.token, str) or not credentials.token:
            raise exceptions.RefreshError("no token")  # type: ignore[no-untyped-call]  # as above
        lasts_s = 0.0
        if credentials.expiry is not None:
            lasts_s = credentials.expiry.replace(tzinfo=UTC).timestamp() - time.time()
        # https://cloud.google.com/docs/quotas/set-quota-project: a person's login needs it, a service account has its own.
        quota_project = getattr(credentials, "quota_project_id", None) or ""
        return Token(credentials.token, time.monotonic() + lasts_s - ENDS_EARLY_S, quota_project)

    async def _from_gcloud(self) -> Token | None:
        """The token of whoever is logged in by the program; None: it is not there, or nobody is."""
        try:
            process = await asyncio.create_subprocess_exec(
                self._gcloud,
                "auth",
                "print-access-token",
                "--quiet",
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
        except OSError:
            return None
        try:
            async with asyncio.timeout(GCLOUD_S):
                printed, _ = await process.communicate()
        except TimeoutError:
            log.warning("gcloud did not answer service=%s after_s=%g", self._service, GCLOUD_S)
            return None
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        token = printed.decode("ascii", "replace").strip()
        if process.returncode or not token or any(sign.isspace() for sign in token):
            return None
        return Token(token, time.monotonic() + GCLOUD_KEPT_S)

    def _unreachable(self, error: Exception) -> Unavailable:
        return Unavailable(
            "Google's login cannot be reached now; it goes on by itself.",
            provider=self._service,
            detail=type(error).__name__,
        )

    def _refused(self, error: Exception) -> AuthFailed:
        what = (
            "The credentials file of the operator is missing, damaged or not accepted by Google; `nextshot doctor` names it."
            if self._file
            else "Nobody is logged in at Google Cloud on this machine: run `gcloud auth application-default login`, "
            "or name a service account's file in the settings."
        )
        return AuthFailed(what, provider=self._service, detail=type(error).__name__)


class _Transport(transport.Request):
    """How the library speaks HTTP: it brings only a transport that needs another HTTP library."""

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: Any,
    ) -> transport.Response:
        try:
            with httpx.Client(timeout=timeout or _HTTP_S, follow_redirects=False) as client:
                answer = client.request(method, url, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise exceptions.TransportError(type(error).__name__) from error  # type: ignore[no-untyped-call]  # as above
        return _Answer(answer)


class _Answer(transport.Response):
    def __init__(self, answer: httpx.Response) -> None:
        self._answer = answer

    @property
    def status(self) -> int:
        return self._answer.status_code

    @property
    def headers(self) -> Mapping[str, str]:
        return self._answer.headers

    @property
    def data(self) -> bytes:
        return self._answer.content


def _from_file(path: Path) -> Credentials:
    """The credentials in a file, by the kind that it names.

    Raises:
        OSError, ValueError, GoogleAuthError
    """
    said = json.loads(path.read_text(encoding="utf-8"))
    make = _KINDS.get(said.get("type", "")) if isinstance(said, dict) else None
    if make is None:
        raise ValueError("not the credentials file of a service account, a person or a workload")
    return make(said)


def _default() -> Credentials:
    """This machine's default login: an environment variable, gcloud's file, or the machine's own account in Google's cloud."""
    found, _ = google.auth.default(scopes=SCOPES, request=_Transport())
    return found


def _service_account(said: Mapping[str, Any]) -> Credentials:
    made = service_account.Credentials.from_service_account_info(said, scopes=SCOPES)  # type: ignore[no-untyped-call]  # as above
    return cast(Credentials, made)


def _person(said: Mapping[str, Any]) -> Credentials:
    made = person.Credentials.from_authorized_user_info(said, scopes=SCOPES)  # type: ignore[no-untyped-call]  # as above
    return cast(Credentials, made)


def _workload(said: Mapping[str, Any]) -> Credentials:
    made = identity_pool.Credentials.from_info(said, scopes=SCOPES)  # type: ignore[no-untyped-call]  # as above
    return cast(Credentials, made)


_KINDS: Mapping[str, Callable[[Mapping[str, Any]], Credentials]] = {
    "service_account": _service_account,
    "authorized_user": _person,
    "external_account": _workload,
}
