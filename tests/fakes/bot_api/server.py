"""The HTTP side: a request → a call → the contract, the faults, the method → an answer."""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from tests.fakes.bot_api import methods, receiving
from tests.fakes.bot_api.contract import Contract
from tests.fakes.bot_api.faults import Faults
from tests.fakes.bot_api.model import Json
from tests.fakes.bot_api.refusals import Refusal, bad_request
from tests.fakes.bot_api.webhook import Webhook
from tests.fakes.bot_api.wire import Call, Reading, read_params
from tests.fakes.bot_api.world import World, refused

SHUTDOWN_S = 0.1
BODY_BYTES = 64 * 1024 * 1024
"""Of a request without files."""
BUFFER_BYTES = 64 * 1024 * 1024
"""Of a request with files that waits to be read."""


class BotApiServer:
    """Serves one bot on loopback. Give it a world; ask it what it was asked."""

    def __init__(self, world: World, token: str, reading: Reading, contract: Contract | None) -> None:
        self.world = world
        self.token = token
        self.reading = reading
        self.contract = contract
        self.faults = Faults()
        self.webhook = Webhook(world.updates)
        self.calls: list[Call] = []
        self.complaints: list[str] = []
        """What the contract knows otherwise, and what the fake cannot do; a test ends with none."""
        if contract is not None:
            world.updates.checks = contract.update_problems
            world.updates.complaints = self.complaints
        self.arriving: list[str] = []
        """The methods whose requests are still coming in."""
        self.arrived_bytes = 0
        """Bytes of files that came in, also in requests that were cut off."""
        self.cut_off = 0
        """Requests that ended before they were whole."""
        self.downloads: list[str] = []
        self.url = ""
        self.port = 0
        self._runner: web.AppRunner | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    async def start(self, port: int = 0) -> None:
        """Listen on loopback; port 0 takes a free one."""
        app = web.Application(client_max_size=BODY_BYTES)
        app.router.add_route("*", "/{path:.*}", self._serve)
        # a body is taken in whole while it is read slowly, or nobody would see that its client has gone
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S, read_bufsize=BUFFER_BYTES)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self.port}"
        if self.reading.local and self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="bot-api-")

    async def stop(self) -> None:
        """Stop listening: nothing waits here any more, every connection is closed."""
        self.faults.close()
        self.world.updates.close()
        await self.webhook.close()
        await self.stop_listening()
        if self._folder is not None:
            await asyncio.to_thread(self._folder.cleanup)
            self._folder = None

    async def stop_listening(self) -> None:
        """Cut every connection and refuse new ones."""
        if self._runner is not None:
            runner, self._runner = self._runner, None
            self.world.updates.interrupt("")
            await runner.cleanup()

    # --- one request

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        path = unquote(request.raw_path.partition("?")[0])
        if found := re.fullmatch(r"/file/bot([^/]+)/(.+)", path):
            return self._download(found[1], found[2])
        found = re.fullmatch(r"/bot([^/]+)/([^/]+)", path)
        if found is None:
            return _answer(refused(Refusal(404, "Not Found")), 404)
        method = self._method(found[2])
        self.arriving.append(method)
        self.world.touch()
        try:
            params, uploads = await read_params(request, self.reading, self._came)
        except Refusal as refusal:
            return self._refuse(refusal)
        except (ConnectionError, ValueError, web.RequestPayloadError, asyncio.IncompleteReadError):
            self.cut_off += 1
            return _answer({}, 400)
        finally:
            self.arriving.remove(method)
        call = Call(method, params, self.world.clock(), uploads)
        self.calls.append(call)
        self.world.touch()
        try:
            body = {"ok": True, "result": await self._carry_out(call, found[1])}
            call.code, call.result = 200, body["result"]
        except Refusal as refusal:
            call.code, call.description = refusal.code, refusal.description
            self.world.touch()
            return self._refuse(refusal)
        self.world.touch()
        if await self.faults.after_call(method) and request.transport is not None:
            request.transport.abort()
        return _answer(body, 200)

    async def _carry_out(self, call: Call, token: str) -> Any:
        if token != self.token:
            raise Refusal(401, "Unauthorized")
        if self.world.is_logged_out:
            raise Refusal(400, "Logged out")
        if not self._knows(call.method):
            raise Refusal(404, "Not Found: method not found")
        self._check(call)
        await self.faults.before_call(call.method)
        result = await self._result(call)
        if self.contract is not None:
            self.complaints += self.contract.answer_problems(call.method, result)
        return result

    async def _result(self, call: Call) -> Any:
        match call.method:
            case "getUpdates":
                return await receiving.get_updates(self.world, self.webhook, call)
            case "setWebhook":
                return await receiving.set_webhook(self.world, self.webhook, call)
            case "deleteWebhook":
                return await receiving.delete_webhook(self.world, self.webhook, call)
            case "getWebhookInfo":
                return receiving.webhook_info(self.world, self.webhook)
            case "getFile":
                folder = Path(self._folder.name) if self._folder else None
                return await receiving.get_file(self.world, call, folder)
            case method if method.lower() in methods.NAMES:
                return methods.NAMED[method](self.world, call)
            case method:
                self.complaints.append(f"{method} exists, but this fake cannot do it")
                raise bad_request(f"{method} exists, but this fake cannot do it")

    def _check(self, call: Call) -> None:
        """Complain of what the contract does not know.

        Raises:
            Refusal: 400, with the first complaint; the real server is more lenient.
        """
        wrong = self.contract.call_problems(call.method, call.params) if self.contract is not None else []
        if str(call.params.get("parse_mode", "html")).lower() != "html":
            wrong.append(f"{call.method}: this fake reads no parse_mode but HTML")
        if wrong:
            self.complaints += wrong
            raise bad_request(wrong[0])

    def _method(self, written: str) -> str:
        """Its usual spelling; as written where nobody knows it."""
        known = self.contract.methods if self.contract is not None else {}
        return methods.NAMES.get(written.lower()) or known.get(written.lower()) or written

    def _knows(self, method: str) -> bool:
        return method in methods.NAMES.values() or (
            self.contract is not None and method in self.contract.methods.values()
        )

    def _refuse(self, refusal: Refusal) -> web.Response:
        answer = _answer(refused(refusal), refusal.code)
        if "retry_after" in refusal.parameters:
            answer.headers["Retry-After"] = str(refusal.parameters["retry_after"])
        return answer

    def _download(self, token: str, path: str) -> web.Response:
        file = self.world.files.find(path)
        if token != self.token:
            return _answer(refused(Refusal(401, "Unauthorized")), 401)
        if file is None or self.reading.local:
            return _answer(refused(Refusal(404, "Not Found")), 404)
        self.downloads.append(path)
        return web.Response(body=file.data, content_type="application/octet-stream")

    def _came(self, count: int) -> None:
        self.arrived_bytes += count
        self.world.touch()


def _answer(body: Json, status: int) -> web.Response:
    return web.Response(text=json.dumps(body), status=status, content_type="application/json")
