"""What a service posts to us: a hint to look now, if it is signed as the service signs."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession

from bot.hooks import LONGEST_BYTES
from bot.house import House, open_house
from bot.settings import Settings
from engine.abilities import Pace
from engine.job_model import Job, JobState
from engine.model import Asked, Create, Person
from engine.providers.base import Hook, Rendering
from tests.fakes.provider import ScriptedProvider

SIGNATURE = "signed by the service"


class CallingProvider(ScriptedProvider):
    """Looks once an hour by itself, and is called back."""

    async def heard(self, hook: Hook) -> str | None:
        """The body is the task id; the header proves it."""
        return hook.body.decode() if hook.headers.get("x-signature") == SIGNATURE else None


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[tuple[House, CallingProvider, str]]:
    """A public house with one provider that signs and one that does not."""
    calling = CallingProvider(pace=Pace(first_s=3_600, every_s=3_600, give_up_s=90_000, in_flight=2))
    quiet = ScriptedProvider(name="quiet")
    settings = Settings.model_validate(
        {"data_dir": tmp_path, "web_port": 0, "web_password": "long enough", "web_url": "https://films.example.org"}
    )
    makers = {"scripted": lambda _: calling, "quiet": lambda _: quiet}
    async with open_house(settings, at_work=True, makers=makers) as opened:
        url = await opened.web.open()
        yield opened, calling, url.rstrip("/")
        await opened.web.close()


async def rendering(house: House) -> Job:
    """A job whose render is looked at in an hour."""
    asked = Asked("1", "local:home", Person("local:ana", "Ana"))
    job = await house.studio.create(Create(asked=asked, prompt="a lamp"))
    with house.studio._news.changes_of(job.id) as changed:
        while (now := await house.studio.job(job.id)) and now.state is not JobState.RENDERING:
            changed.clear()
            await changed.wait()
    assert now is not None
    return now


async def post(url: str, body: bytes, **headers: str) -> int:
    """The status of a call."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        ClientSession() as session,
        session.post(url, data=io.BytesIO(body), headers=named, allow_redirects=False) as answer,
    ):
        return answer.status


async def test_a_signed_call_lets_the_render_be_looked_at_now(house: tuple[House, CallingProvider, str]) -> None:
    """It would have been an hour; what is true is asked of the service, not read from the call."""
    opened, provider, url = house
    job = await rendering(opened)
    provider.finishes_at_check = 1
    assert await post(f"{url}/hooks/scripted", (job.task_id or "").encode(), x_signature=SIGNATURE) == 200
    done = await opened.studio.finished(job.id)
    assert done.state in {JobState.READY, JobState.DELIVERED}


async def test_a_forged_call_does_nothing(house: tuple[House, CallingProvider, str]) -> None:
    """Wrongly signed, of a provider that does not sign, of none, too long: each is refused, and nothing is looked at."""
    opened, provider, url = house
    job = await rendering(opened)
    provider.check_answers = [Rendering(99)]
    task = (job.task_id or "").encode()
    assert await post(f"{url}/hooks/scripted", task, x_signature="forged") == 403
    assert await post(f"{url}/hooks/quiet", task, x_signature=SIGNATURE) == 403
    assert await post(f"{url}/hooks/nobody", task, x_signature=SIGNATURE) in {303, 403, 404, 405, 421}
    assert await post(f"{url}/hooks/scripted", b"x" * (LONGEST_BYTES + 1), x_signature=SIGNATURE) == 413
    assert await post(f"{url}/hooks/scripted", b"task-of-nobody", x_signature=SIGNATURE) == 200
    now = await opened.studio.job(job.id)
    assert now is not None
    assert (now.state, now.percent, provider.renders[job.task_id or ""].checks) == (JobState.RENDERING, None, 0)


async def test_nobody_is_called_where_the_page_is_not_public(tmp_path: Path) -> None:
    """Without a public address there is no route."""
    settings = Settings.model_validate({"data_dir": tmp_path, "web_port": 0})
    async with open_house(settings, at_work=True, makers={"scripted": lambda _: CallingProvider()}) as opened:
        url = await opened.web.open()
        assert await post(f"{url.rstrip('/')}/hooks/scripted", b"task-1", x_signature=SIGNATURE) != 200
        await opened.web.close()


async def test_a_call_that_breaks_its_reader_is_no_failure_of_the_page(
    house: tuple[House, CallingProvider, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody may post anything: it is answered with "not now", and never with a 500."""
    opened, _, url = house

    async def heard(*_: object) -> bool:
        raise RecursionError

    monkeypatch.setattr(opened.studio, "heard", heard)
    assert await post(f"{url}/hooks/scripted", b"[" * 1_000, x_signature="forged") == 503
