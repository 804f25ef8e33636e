"""One connection of a client to the gateway, and the session that it may come back to."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.fakes.discord_api.model import Json


@dataclass(eq=False)
class Session:
    """What a client may come back to. `events` are (sequence, name, data)."""

    id: str
    shard: tuple[int, int]
    intents: int
    events: list[tuple[int, str, Json]] = field(default_factory=list)
    socket: Socket | None = None
    acked: int = 0
    """The newest sequence that the client said it had."""
    resumes: int = 0


class Socket:
    """One connection; what is sent to it leaves in order."""

    def __init__(self, ws: web.WebSocketResponse, transport: asyncio.Transport | None, compress: str | None) -> None:
        self.ws = ws
        self.transport = transport
        self.session: Session | None = None
        self.outbox: asyncio.Queue[Json | None] = asyncio.Queue()
        self.sends: deque[float] = deque()
        self._compressor = zlib.compressobj() if compress == "zlib-stream" else None

    async def pump(self) -> None:
        """Send what comes until None, or until nobody listens."""
        while (payload := await self.outbox.get()) is not None:
            text = json.dumps(payload)
            try:
                if self._compressor is None:
                    await self.ws.send_str(text)
                else:
                    data = self._compressor.compress(text.encode()) + self._compressor.flush(zlib.Z_SYNC_FLUSH)
                    await self.ws.send_bytes(data)
            except ConnectionError:
                return

    def send(self, op: int, data: Any = None, *, event: str | None = None, sequence: int | None = None) -> None:
        self.outbox.put_nowait({"op": op, "d": data, "s": sequence, "t": event})
