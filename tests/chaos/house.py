"""The world of a run: services and a chat that live on, people in it, and a process that is killed and started again."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg

from tests.bot_process import CHECKOUT
from tests.chaos.clock import WallClock
from tests.chaos.door import Door
from tests.chaos.seat import Seat, Zygote
from tests.chaos.services import ASKS_ABOVE_USD, KINDS, PaidService, toml
from tests.chaos.victim import reached_file
from tests.fakes.bot_api.refusals import Refusal
from tests.fakes.bot_api.server import BotApiServer
from tests.fakes.bot_api.wire import Call
from tests.fakes.telegram import Chat, FakeTelegram, Message, Person

LOOK_S = 0.05


class HeldServer(BotApiServer):
    """Every call passes the door, before it is carried out and after."""

    def __init__(self, like: BotApiServer, door: Door) -> None:
        super().__init__(like.world, like.token, like.reading, like.contract)
        self.door = door

    async def _carry_out(self, call: Call, token: str) -> Any:
        who = str(call.params.get("chat_id", ""))
        before, after = {
            "sendmessage": ("status", "status-sent"),
            "sendvideo": ("upload", "uploaded"),
            "sendanimation": ("upload", "uploaded"),
            "getupdates": ("", "update"),
        }.get(call.method.lower(), ("", ""))
        if before and not await self.door.passes(before, who):
            raise Refusal(502, "Bad Gateway")  # nobody is there to read it
        result = await super()._carry_out(call, token)
        if after and (after != "update" or result) and not await self.door.passes(after, who):
            raise Refusal(502, "Bad Gateway")  # nobody is there to read it
        return result


class HeldTelegram(FakeTelegram):
    """The chat server, with a door."""

    def __init__(self) -> None:
        super().__init__(flood=False)
        self.door = Door()
        self.server = HeldServer(self.server, self.door)
        self._listener = self.server


class House:
    """All of it. `start` and `kill` as often as wanted: the first process, or any of them by its seat."""

    def __init__(
        self, home: Path, telegram: HeldTelegram, services: Mapping[str, PaidService], *, database: str | None = None
    ) -> None:
        """`database`: the URL of an empty PostgreSQL schema that two processes share; None: SQLite, and one process."""
        self.home = home
        self.data = home / "data"
        self.telegram = telegram
        self.services = services
        self.kills = 0
        self._database = database
        self.clock = WallClock(home / "wall.txt")
        self._zygote = Zygote(self.clock.environment)
        places = [self.data] if database is None else [self.data, home / "elsewhere"]
        self.seats = [
            Seat(home, data, zygote=self._zygote, telegram=telegram, environment=self.environment) for data in places
        ]
        for data in places[1:]:  # one disk with the clips, as two machines may have it, whose locks do not meet
            (self.data / "files").mkdir(parents=True, exist_ok=True)
            data.mkdir()
            (data / "files").symlink_to(self.data / "files")
        (home / "nextshot.toml").write_text(self._toml(), encoding="utf-8")
        (home / "nextshot.toml").chmod(0o600)  # there are keys in it
        home.joinpath("reached.txt").write_text("", encoding="utf-8")

    def _toml(self) -> str:
        lines = []
        for name, service in self.services.items():
            lines += [f"[providers.{name}]", *(f"{key} = {toml(value)}" for key, value in service.table().items()), ""]
        return "\n".join(lines)

    @property
    def doors(self) -> list[Door]:
        return [self.telegram.door, *(service.door for service in self.services.values())]

    def environment(self, data: Path) -> dict[str, str]:
        """What the process of this directory is started with."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("NEXTSHOT_")}
        shared = {} if self._database is None else {"NEXTSHOT_DATABASE_URL": self._database}
        return {
            **kept,
            **shared,
            **self.clock.environment,
            "PYTHONPATH": str(CHECKOUT),
            "NEXTSHOT_DATA_DIR": str(data),
            "NEXTSHOT_WEB_PORT": "0",
            "NEXTSHOT_LOG_LEVEL": "info",
            "NEXTSHOT_LOG_FORMAT": "text",
            "NEXTSHOT_PROVIDER": next(iter(self.services)),
            "NEXTSHOT_ASK_ABOVE_USD": str(ASKS_ABOVE_USD),
            "NEXTSHOT_WAITING_PER_PERSON": "any",
            "NEXTSHOT_TELEGRAM_TOKEN": self.telegram.token,
            "NEXTSHOT_TELEGRAM_API_URL": self.telegram.url,
            "NEXTSHOT_TELEGRAM_ALLOWED": "*",
        }

    async def start(
        self,
        seat: Seat | None = None,
        *,
        holds: Mapping[str, str] | None = None,
        dies_at: str = "",
        stops_at: str = "",
        after: int = 1,
    ) -> None:
        """Until a long poll of it waits, or it is dead again."""
        try:
            await (seat or self.seats[0]).start(holds=holds, dies_at=dies_at, stops_at=stops_at, after=after)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log[-4000:]}") from None

    @property
    def is_alive(self) -> bool:
        return self.seats[0].is_alive

    def strike(self, seat: Seat | None = None, *, with_children: bool = False) -> None:
        """SIGKILL, also for what it started if asked. Safe to call from a fake, in the middle of a request."""
        (seat or self.seats[0]).strike(with_children=with_children)

    async def kill(self, seat: Seat | None = None, *, with_children: bool = False) -> None:
        """SIGKILL, and wait until it is gone. What was held on its way to a fake is lost."""
        await (seat or self.seats[0]).kill(with_children=with_children)
        self.kills += 1
        for door in self.doors:
            door.open_all()
        await asyncio.sleep(LOOK_S)

    async def terminate(self) -> None:
        """SIGTERM for all of them."""
        for seat in self.seats:
            await seat.terminate()

    def signal(self, number: signal.Signals) -> None:
        """Any other, to the first."""
        self.seats[0].signal(number)

    @property
    def starts_s(self) -> list[float]:
        """How long each start took."""
        return [each for seat in self.seats for each in seat.starts_s]

    @property
    def cpu_s(self) -> float:
        """Of the processor, by all lives that ended here."""
        return sum(seat.cpu_s for seat in self.seats)

    def close(self) -> None:
        for seat in self.seats:
            seat.close()
        self._zygote.close()

    # --- looking

    @property
    def log(self) -> str:
        path = self.home / "stderr.log"
        return path.read_text(errors="replace") if path.exists() else ""

    @property
    def reached(self) -> set[str]:
        """The points at which something is held."""
        inside = set(Path(reached_file(str(self.home))).read_text().split())
        return inside.union(*(door.reached for door in self.doors))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Read the database as a stranger."""
        if self._database is not None:
            with psycopg.connect(self._database) as shared:
                return shared.execute(query.encode()).fetchall()
        connection = sqlite3.connect(f"file:{self.data / 'nextshot.db'}?mode=ro", uri=True, timeout=30)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()

    async def until(self, predicate: Callable[[], bool], timeout_s: float, what: str) -> None:
        """Wait for it; the log is in the sentence of a failure."""
        try:
            await self.telegram.wait_until(predicate, timeout_s, what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log[-6000:]}") from None

    def is_at_rest(self) -> bool:
        """No job, message or update is left to do, and nobody is asked anything."""
        if self.telegram.world.updates.pending:
            return False
        return self.rows(
            """SELECT (SELECT count(*) FROM job WHERE due_at IS NOT NULL OR state IN ('ready', 'asking', 'unconfirmed'))
            + (SELECT count(*) FROM outbox WHERE due_at IS NOT NULL) + (SELECT count(*) FROM inbox WHERE done_at IS NULL)"""
        ) == [(0,)]

    def left(self) -> str:
        """What still is to do."""
        jobs = self.rows(
            "SELECT id, provider, state, tries FROM job WHERE state NOT IN ('delivered','failed','cancelled')"
        )
        says = self.rows("SELECT job_id, kind, state, tries, error FROM outbox WHERE due_at IS NOT NULL")
        heard = self.rows("SELECT id FROM inbox WHERE done_at IS NULL")
        return f"jobs {jobs} messages {says} updates {heard} pending {len(self.telegram.world.updates.pending)}"


class People:
    """They answer what they are asked, and ask again where nothing happens, later and later: a busy machine gets to the first."""

    PATIENCE_S = 30.0
    INSISTS = 2

    def __init__(self, house: House, chance: random.Random, *, cancels: float = 0.1, leaves: float = 0.4) -> None:
        """`cancels`: how likely a price is refused; `leaves`: that a lost render is left alone."""
        self._house = house
        self._chance = chance
        self._cancels = cancels
        self._leaves = leaves
        self._pressed: dict[tuple[int, int, str], tuple[float, str]] = {}
        """By question: until when its answer is waited for, and what it was."""
        self._presses: Counter[tuple[int, int, str]] = Counter()
        self.answers = 0

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            self.look()
            await asyncio.sleep(0.3)

    def look(self) -> None:
        """Press what stands there, also far above: a question is not answered by what came after it."""
        for chat in list(self._house.telegram.world.chats.values()):
            for message in self._house.telegram.bot_messages(chat)[-300:]:
                self._answer(chat, message)

    def _answer(self, chat: Chat, message: Message) -> None:
        labels = [label for label, _ in message.buttons]
        question = next((label for label in labels if label == "Render" or label.startswith("Send again")), None)
        if question is None:
            return
        key = (chat.id, message.id, question)
        until_s, word = self._pressed.get(key, (0.0, ""))
        if time.monotonic() < until_s:
            return
        word = word or self._choice(question)
        # a shot that was begun anew is not sent again
        if question != "Render" and self._presses[key] >= self.INSISTS:
            word = "Leave it"
        label = next((each for each in labels if each == word), question)
        self._pressed[key] = (time.monotonic() + self.PATIENCE_S * 2 ** min(2, self._presses[key]), label)
        self._presses[key] += 1
        self.answers += 1
        who = next(person for person in chat.members.values() if not person.name.startswith("Owner"))
        data = dict(message.buttons)[label]
        self._house.telegram.presses(who, message, data)

    def _choice(self, question: str) -> str:
        if question == "Render":
            return "Cancel" if self._chance.random() < self._cancels else "Render"
        return "Leave it" if self._chance.random() < self._leaves else question


@asynccontextmanager
async def opened(
    home: Path, kinds: tuple[str, ...] = tuple(KINDS), *, database: str | None = None
) -> AsyncIterator[House]:
    """The fakes run, and nothing else yet. `database` as in `House`."""
    async with AsyncExitStack() as stack:
        telegram = await stack.enter_async_context(HeldTelegram())
        services = {kind: await stack.enter_async_context(KINDS[kind]()) for kind in kinds}
        house = House(home, telegram, services, database=database)
        try:
            yield house
        finally:
            for door in house.doors:
                door.open_all()
            house.close()


__all__ = ["Chat", "House", "People", "Person", "opened"]
