"""The HTTP side: a request → a call → faults, buckets, the contract, the route → an answer. REST, gateway and CDN on one port."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from tests.fakes.discord_api import routes
from tests.fakes.discord_api.buckets import headers_of_refusal
from tests.fakes.discord_api.contract import Contract
from tests.fakes.discord_api.faults import Faults
from tests.fakes.discord_api.gateway import Gateway
from tests.fakes.discord_api.refusals import Refusal
from tests.fakes.discord_api.wire import Call, Upload, read_body
from tests.fakes.discord_api.world import World

PREFIX = "/api/v10"
SHUTDOWN_S = 0.1
BODY_BYTES = 600 * 1024 * 1024
BUFFER_BYTES = 64 * 1024 * 1024


class DiscordServer:
    """Serves one bot on loopback. Give it a world; ask it what it was asked."""

    def __init__(self, world: World, contract: Contract | None) -> None:
        self.world = world
        self.contract = contract
        self.faults = Faults()
        self.gateway = Gateway(world, contract)
        self.calls: list[Call] = []
        self.arriving: list[str] = []
        self.arrived_bytes = 0
        self.cut_off = 0
        self.downloads: list[str] = []
        self.slow_upload_bytes_per_s: float | None = None
        self.port = 0
        self._runner: web.AppRunner | None = None

    async def start(self, port: int = 0) -> None:
        """Listen on loopback; port 0 takes a free one."""
        app = web.Application(client_max_size=BODY_BYTES)
        app.router.add_get("/gateway", self.gateway.serve)
        app.router.add_get("/gateway/", self.gateway.serve)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S, read_bufsize=BUFFER_BYTES)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self.world.url = f"http://127.0.0.1:{self.port}"

    async def stop(self) -> None:
        """Nothing waits here any more, every connection is closed."""
        self.faults.close()
        await self.gateway.close()
        await self.stop_listening()

    async def stop_listening(self) -> None:
        """Cut every connection and refuse new ones; sessions live on."""
        if self._runner is not None:
            runner, self._runner = self._runner, None
            self.gateway.cut()
            await runner.cleanup()

    # --- one request

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        path = unquote(request.raw_path.partition("?")[0])
        if path.startswith("/attachments/"):
            return self._download(path, request.query)
        if not path.startswith(f"{PREFIX}/"):
            return _answer({"message": "404: Not Found", "code": 0}, 404)
        path = path.removeprefix(PREFIX)
        name = f"{request.method} {path}"
        self.arriving.append(name)
        self.world.touch()
        refused: Refusal | None = None
        body: Any = None
        uploads: dict[int, Upload] = {}
        try:
            body, uploads = await read_body(request, self.slow_upload_bytes_per_s, self._came)
        except Refusal as refusal:
            refused = refusal
        except (ConnectionError, ValueError, web.RequestPayloadError, asyncio.IncompleteReadError):
            self.cut_off += 1
            return _answer({"message": "400: Bad Request", "code": 0}, 400)
        finally:
            self.arriving.remove(name)
        call = Call(request.method, path, dict(request.query), self.world.clock(), body, uploads)
        call.token = request.headers.get("Authorization")
        self.calls.append(call)
        return await self._carry_out(request, call, refused)

    async def _carry_out(self, request: web.Request, call: Call, refused: Refusal | None) -> web.StreamResponse:
        headers: dict[str, str] = {}
        try:
            if refused is not None:
                raise refused
            await self.faults.before(call.method, call.path)
            status = self._do(call, headers)
        except Refusal as refusal:
            call.status, call.code, call.result = refusal.status, refusal.code, refusal.body()
            if refusal.status == 429:
                headers |= headers_of_refusal(refusal)
            if refusal.status in {401, 403, 429}:
                self.world.buckets.invalid += 1
            status = refusal.status
        call.status = status
        self.world.touch()
        if await self.faults.after(call.method, call.path) and request.transport is not None:
            request.transport.abort()
        return _answer(call.result, status, headers)

    def _do(self, call: Call, headers: dict[str, str]) -> int:
        found = routes.find(call.method, call.path)
        if found is None:
            self.world.complaints.append(f"{call.method} {call.path}: this fake has no such route")
            raise Refusal(404, 0, "404: Not Found")
        route, call.params = found
        call.pattern = route.pattern
        if route.with_token and call.token != f"Bot {self.world.token}":
            raise Refusal(401, 0)
        if not route.pattern.startswith("/interactions/"):
            major = "+".join(call.params[name] for name in routes.MAJOR if name in call.params)
            taken = self.world.buckets
            headers |= taken.headers_of(call.method, route.pattern, major)
            headers |= taken.take(call.method, route.pattern, major, with_bot_token=route.with_token)
        try:
            call.result = route.handler(self.world, call)
        except (KeyError, TypeError, AttributeError) as error:
            self.world.complaints.append(f"{call.method} {call.path}: {error!r} with {str(call.body)[:300]}")
            raise Refusal(400, 50035, errors={}) from error
        status = 204 if call.result is None else route.status
        self._check(call, route, status)
        return status

    def _check(self, call: Call, route: routes.Route, status: int) -> None:
        """Complain of what the contract does not know; what was refused is nobody's fault."""
        if self.contract is None:
            return
        wrong = self.contract.request_problems(call.method, route.pattern, call.body)
        wrong += self.contract.answer_problems(call.method, route.pattern, status, call.result)
        self.world.complaints += wrong

    def _download(self, path: str, query: Any) -> web.Response:
        pieces = path.split("/")
        file = self.world.files.get(int(pieces[3])) if len(pieces) == 5 and pieces[3].isdecimal() else None
        is_dead = file is None or self.world.clock() - file.made_at_s > self.world.attachments_live_s
        if file is None or is_dead or not {"ex", "is", "hm"} <= set(query):
            return web.Response(status=404, text="This content is no longer available.")
        self.downloads.append(path)
        return web.Response(body=file.data, headers={"Content-Type": file.content_type})

    def _came(self, count: int) -> None:
        self.arrived_bytes += count
        self.world.touch()


def _answer(body: Any, status: int, headers: dict[str, str] | None = None) -> web.Response:
    if status == 204:
        return web.Response(status=204, headers=headers)
    # exactly this type: with a charset discord.py takes the body for text
    return web.Response(
        body=json.dumps(body).encode(), status=status, headers={**(headers or {}), "Content-Type": "application/json"}
    )
