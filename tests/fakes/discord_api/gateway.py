"""The gateway: sockets, sessions, shards, heartbeats, compression, and the replay of what a dropped client missed.

Source: https://discord.com/developers/docs/events/gateway.
"""

from __future__ import annotations

import asyncio
import json
import secrets

from aiohttp import WSMsgType, web

from tests.fakes.discord_api import shapes
from tests.fakes.discord_api.contract import Contract
from tests.fakes.discord_api.model import Guild, Json
from tests.fakes.discord_api.sessions import Session, Socket
from tests.fakes.discord_api.world import World, real_s

SENDS_PER_MINUTE = 120
PAYLOAD_BYTES = 4096
CLOSE_S = 1.0
"""How long a client has to say goodbye."""
ALL_INTENTS = (1 << 26) - 1
PRIVILEGED = 1 << 1 | 1 << 8 | 1 << 15
NEEDS = {"MESSAGE_CREATE": (1 << 9, 1 << 12), "MESSAGE_UPDATE": (1 << 9, 1 << 12), "MESSAGE_DELETE": (1 << 9, 1 << 12)}
"""Intents for guilds and for direct messages; other events of ours need GUILDS in a guild."""


class Gateway:
    """Serves /gateway, and takes the world's events to the sessions that may have them."""

    def __init__(self, world: World, contract: Contract | None) -> None:
        self.world = world
        self.contract = contract
        self.sessions: list[Session] = []
        self.sockets: list[Socket] = []
        self.heartbeat_s = 41.25
        self.acks_heartbeats = True
        self.intents_allowed = ALL_INTENTS & ~PRIVILEGED
        self.sharding_required_from = 2500
        self.identify_every_s = 0.0
        """Real seconds between two IDENTIFYs, 5 at Discord; one that comes too early gets INVALID SESSION."""
        self.identified_s = float("-inf")
        self.identifies: list[Json] = []
        self.resumes = 0
        self.heartbeats = 0
        self.closes: list[int] = []
        """Codes with which this server closed sockets."""
        self.compressions: list[str | None] = []
        world.emit = self.emit

    # --- events

    def emit(self, event: str, data: Json, guild_id: int | None) -> None:
        """Take an event to every session of its shard; one without a socket gets it when it resumes."""
        for session in list(self.sessions):
            if self._wants(session, event, guild_id):
                self._dispatch(session, event, data)

    def _wants(self, session: Session, event: str, guild_id: int | None) -> bool:
        number, count = session.shard
        if number != ((guild_id >> 22) % count if guild_id is not None else 0):
            return False
        if event == "INTERACTION_CREATE":
            return True
        in_guild, in_dm = NEEDS.get(event, (1, 0))
        needed = in_guild if guild_id is not None else in_dm
        return not needed or bool(session.intents & needed)

    def _dispatch(self, session: Session, event: str, data: Json) -> None:
        if self.contract is not None:
            self.world.complaints += self.contract.event_problems(event, data)
        sequence = session.events[-1][0] + 1 if session.events else 1
        session.events.append((sequence, event, data))
        if session.socket is not None:
            session.socket.send(0, data, event=event, sequence=sequence)

    # --- one socket

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """GET /gateway."""
        ws = web.WebSocketResponse(compress=False, max_msg_size=0, timeout=CLOSE_S)
        await ws.prepare(request)
        compress = request.query.get("compress")
        self.compressions.append(compress)
        socket = Socket(ws, request.transport, compress)
        self.sockets.append(socket)
        pump = asyncio.create_task(socket.pump(), name="gateway-pump")
        try:
            if request.query.get("v", "10") != "10":
                await self._close(socket, 4012)
            elif request.query.get("encoding", "json") != "json" or compress not in {None, "zlib-stream"}:
                self.world.complaints.append(
                    f"gateway asked for {dict(request.query)}: this fake speaks JSON and zlib-stream"
                )
                await self._close(socket, 4002)
            else:
                await self._talk(socket)
        finally:
            self.sockets.remove(socket)
            if socket.session is not None and socket.session.socket is socket:
                socket.session.socket = None
            socket.outbox.put_nowait(None)
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)
            self.world.touch()
        return ws

    async def _talk(self, socket: Socket) -> None:
        hello = {"heartbeat_interval": int(self.heartbeat_s * 1000)}
        if self.contract is not None:
            self.world.complaints += self.contract.hello_problems({"op": 10, "d": hello, "s": None, "t": None})
        socket.send(10, hello)
        async for message in socket.ws:
            if message.type not in {WSMsgType.TEXT, WSMsgType.BINARY}:
                return
            code = self._hear(socket, message.data)
            if code is not None:
                await self._close(socket, code)
                return

    def _hear(self, socket: Socket, raw: str | bytes) -> int | None:
        """Do as one payload says; the code to close with, or None."""
        now_s = real_s()
        while socket.sends and socket.sends[0] < now_s - 60:
            socket.sends.popleft()
        socket.sends.append(now_s)
        if len(socket.sends) > SENDS_PER_MINUTE:
            return 4008
        if len(raw) > PAYLOAD_BYTES:
            return 4002
        try:
            payload = json.loads(raw)
            op, data = payload["op"], payload["d"]
        except (ValueError, KeyError, TypeError):
            return 4002
        if self.contract is not None:
            self.world.complaints += self.contract.sent_problems(payload)
        match op:
            case 1:
                self.heartbeats += 1
                if socket.session is not None and isinstance(data, int):
                    socket.session.acked = data
                if self.acks_heartbeats:
                    socket.send(11)
                return None
            case 2:
                return 4005 if socket.session is not None else self._identify(socket, data)
            case 6:
                return 4005 if socket.session is not None else self._resume(socket, data)
            case 3 | 4 | 8:
                return None if socket.session is not None else 4003
            case _:
                return 4001

    def _identify(self, socket: Socket, data: Json) -> int | None:
        self.identifies.append(data)
        number, count = data.get("shard") or (0, 1)
        intents = int(data.get("intents", 0))
        if data.get("token") != self.world.token:
            return 4004
        if self.world.identifies_left <= 0:
            self.world.complaints.append("IDENTIFY although session_start_limit was used up: Discord resets the token")
            return 4004
        if not 0 <= number < count:
            return 4010
        if count == 1 and sum(guild.has_bot for guild in self.world.guilds.values()) >= self.sharding_required_from:
            return 4011
        if intents & ~ALL_INTENTS:
            return 4013
        if intents & ~self.intents_allowed:
            return 4014
        if real_s() - self.identified_s < self.identify_every_s:
            socket.send(9, data=False)
            return None
        self.identified_s = real_s()
        self.world.identifies_left -= 1
        self.world.intents = intents
        self.sessions = [old for old in self.sessions if old.shard != (number, count) or old.socket is not None]
        session = Session(secrets.token_hex(16), (number, count), intents, socket=socket)
        socket.session = session
        self.sessions.append(session)
        guilds = [guild for guild in self.world.guilds.values() if guild.has_bot and self._is_mine(session, guild)]
        self._dispatch(session, "READY", self._ready(session, guilds))
        if intents & 1:
            for guild in guilds:
                if guild.available:
                    self._dispatch(session, "GUILD_CREATE", shapes.guild_json(self.world, guild))
        self.world.touch()
        return None

    def _is_mine(self, session: Session, guild: Guild) -> bool:
        return (guild.id >> 22) % session.shard[1] == session.shard[0]

    def _ready(self, session: Session, guilds: list[Guild]) -> Json:
        return {
            "v": 10,
            "user": {**shapes.user_json(self.world.bot), "mfa_enabled": True, "verified": True, "email": None},
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
            "session_id": session.id,
            "session_type": "normal",
            "resume_gateway_url": self.world.url.replace("http", "ws", 1) + "/gateway",
            "shard": list(session.shard),
            "application": {"id": str(self.world.application_id), "flags": 0, "flags_new": "0"},
            "private_channels": [],
            "relationships": [],
            "presences": [],
            "guild_join_requests": [],
            "geo_ordered_rtc_regions": [],
        }

    def _resume(self, socket: Socket, data: Json) -> int | None:
        if data.get("token") != self.world.token:
            return 4004
        session = next((session for session in self.sessions if session.id == data.get("session_id")), None)
        if session is None:
            socket.send(9, data=False)
            return None
        last = session.events[-1][0] if session.events else 0
        seen = data.get("seq")
        if not isinstance(seen, int) or seen > last:
            return 4007
        if session.socket is not None:
            session.socket.session = None
        session.socket, socket.session = socket, session
        session.resumes += 1
        self.resumes += 1
        for sequence, event, body in session.events:
            if sequence > seen:
                socket.send(0, body, event=event, sequence=sequence)
        self._dispatch(session, "RESUMED", {"_trace": []})
        self.world.touch()
        return None

    async def _close(self, socket: Socket, code: int) -> None:
        self.closes.append(code)
        await socket.ws.close(code=code)

    # --- what tests make happen

    async def drop(self, code: int) -> int:
        """Close every socket; their sessions live on and keep what happens. How many there were."""
        live = list(self.sockets)
        for socket in live:
            if socket.session is not None:
                socket.session.socket = None
            socket.session = None
        await asyncio.gather(*(self._close(socket, code) for socket in live))
        return len(live)

    def cut(self) -> int:
        """Break every connection without a word; sessions live on."""
        live = list(self.sockets)
        for socket in live:
            if socket.session is not None:
                socket.session.socket = None
            if socket.transport is not None:
                socket.transport.abort()
        return len(live)

    def invalidate(self) -> None:
        """Forget every session; who is connected hears INVALID SESSION, who comes back too."""
        for session in self.sessions:
            if session.socket is not None:
                session.socket.send(9, data=False)
                session.socket.session = None
        self.sessions.clear()

    def ask_to_reconnect(self) -> None:
        """RECONNECT to every socket."""
        for socket in self.sockets:
            socket.send(7)

    def resend(self, event: str) -> None:
        """Deliver the newest event of this name once more, under a new sequence."""
        for session in self.sessions:
            found = [data for _, name, data in session.events if name == event]
            if found:
                self._dispatch(session, event, found[-1])

    async def close(self) -> None:
        """Every socket goes."""
        await self.drop(1001)
