"""How the server behaves: its limits, its faults and its gateway. All of it may be changed while it runs."""

from __future__ import annotations

from tests.fakes.discord_api.buckets import Buckets
from tests.fakes.discord_api.faults import Gate
from tests.fakes.discord_api.model import Json
from tests.fakes.discord_api.people import People
from tests.fakes.discord_api.refusals import WORDS, Refusal
from tests.fakes.discord_api.server import DiscordServer
from tests.fakes.discord_api.world import World


class Switches(People):
    """The verbs of what goes wrong."""

    def __init__(self, world: World, server: DiscordServer) -> None:
        super().__init__(world, server.gateway)
        self.server = server

    @property
    def flood(self) -> bool:
        """Whether buckets, the global 50 a second and the budget of old messages refuse."""
        return self.world.buckets.is_on

    @flood.setter
    def flood(self, is_on: bool) -> None:
        self.world.buckets.is_on = is_on

    @property
    def buckets(self) -> Buckets:
        """`refused` and `invalid` count."""
        return self.world.buckets

    @property
    def shards(self) -> int:
        """How many shards GET /gateway/bot recommends."""
        return self.world.shards

    @shards.setter
    def shards(self, count: int) -> None:
        self.world.shards = count

    @property
    def attachments_live_s(self) -> float:
        """After so many of the server's seconds a link of the CDN is 404."""
        return self.world.attachments_live_s

    @attachments_live_s.setter
    def attachments_live_s(self, seconds: float) -> None:
        self.world.attachments_live_s = seconds

    @property
    def attachment_size_limit(self) -> int | None:
        """What interactions say that they may carry, in bytes; None for what guild and Nitro give."""
        return self.world.attachment_size_limit

    @attachment_size_limit.setter
    def attachment_size_limit(self, limit_bytes: int | None) -> None:
        self.world.attachment_size_limit = limit_bytes

    @property
    def slow_upload_bytes_per_s(self) -> float | None:
        """How fast files are taken in, in bytes per real second; None for as fast as they come."""
        return self.server.slow_upload_bytes_per_s

    @slow_upload_bytes_per_s.setter
    def slow_upload_bytes_per_s(self, bytes_per_s: float | None) -> None:
        self.server.slow_upload_bytes_per_s = bytes_per_s

    def fail_next(
        self,
        method: str,
        path_pattern: str,
        status: int,
        code: int = 0,
        message: str | None = None,
        *,
        retry_after_s: float | None = None,
        times: int = 1,
    ) -> None:
        """Refuse the next calls without carrying them out. In a pattern `*` is one segment of the path, `**` any number."""
        refusal = Refusal(
            status, code, message if message is not None else WORDS.get(code, "") if code else str(status)
        )
        refusal.retry_after_s = retry_after_s if status != 429 or retry_after_s is not None else 1.0
        self.server.faults.add(method, path_pattern, times, refusal=refusal)

    def lose_answer(self, method: str, path_pattern: str, times: int = 1) -> None:
        """Carry out the next calls, then cut the connection without an answer."""
        self.server.faults.add(method, path_pattern, times, is_lost=True)

    def hang_next(self, method: str, path_pattern: str, seconds: float, times: int = 1) -> None:
        """Wait so many real seconds before the next calls are carried out."""
        self.server.faults.add(method, path_pattern, times, hang_s=seconds)

    def gate(self, method: str, path_pattern: str, *, after: bool = False) -> Gate:
        """Hold the calls until `release()`: before they are carried out, or `after`, before their answer."""
        gate = Gate()
        self.server.faults.add(method, path_pattern, None, gate=gate, is_after=after)
        return gate

    # --- the gateway

    async def drop_gateway(self, code: int = 4000) -> int:
        """Close every socket with this code; what happens meanwhile is kept for the resume. How many there were."""
        return await self.gateway.drop(code)

    def cut_gateway(self) -> int:
        """Break every socket without a close frame."""
        return self.gateway.cut()

    def invalidate_sessions(self) -> None:
        """INVALID SESSION for all: clients identify anew, and what happened meanwhile is lost."""
        self.gateway.invalidate()

    def ask_to_reconnect(self) -> None:
        """RECONNECT for all: clients come back and resume."""
        self.gateway.ask_to_reconnect()

    @property
    def acks_heartbeats(self) -> bool:
        return self.gateway.acks_heartbeats

    @acks_heartbeats.setter
    def acks_heartbeats(self, does: bool) -> None:
        self.gateway.acks_heartbeats = does

    @property
    def heartbeat_s(self) -> float:
        """What HELLO asks for from now on."""
        return self.gateway.heartbeat_s

    @heartbeat_s.setter
    def heartbeat_s(self, seconds: float) -> None:
        self.gateway.heartbeat_s = seconds

    @property
    def connected(self) -> int:
        """How many shards have a socket and a session."""
        return sum(session.socket is not None for session in self.gateway.sessions)

    @property
    def resumes(self) -> int:
        return self.gateway.resumes

    @property
    def identify_every_s(self) -> float:
        """Real seconds between two IDENTIFYs; 5 at Discord, 0 here unless set. One too early gets INVALID SESSION."""
        return self.gateway.identify_every_s

    @identify_every_s.setter
    def identify_every_s(self, seconds: float) -> None:
        self.gateway.identify_every_s = seconds

    @property
    def identifies_left(self) -> int:
        """Of this day, as session_start_limit says."""
        return self.world.identifies_left

    @identifies_left.setter
    def identifies_left(self, count: int) -> None:
        self.world.identifies_left = count

    @property
    def identifies(self) -> list[Json]:
        """The data of every IDENTIFY."""
        return self.gateway.identifies
