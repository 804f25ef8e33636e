"""The pages tell what the program does: tables are as the catalogs are, and the provider that a page builds works."""

from __future__ import annotations

import importlib.util
import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from aiohttp import web

from bot.providers import KINDS, open_service
from bot.services import read_services
from docs.providers_table import PAGE, page_with, tables
from engine.errors import AuthFailed, Misunderstood, RenderFailed
from engine.providers.base import Order, Prepared, Queued, Rendered, Rendering
from engine.providers.catalog import Setup, read_catalog


def test_the_tables_are_as_the_catalogs_are() -> None:
    """`make docs` writes them."""
    page = PAGE.read_text(encoding="utf-8")
    assert page == page_with(page, tables())


@pytest.fixture
def lumen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The provider of the page, as a module."""
    page = PAGE.read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    path = tmp_path / "lumen.py"
    path.write_text(code)
    spec = importlib.util.spec_from_file_location("lumen", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "lumen", module)
    spec.loader.exec_module(module)
    return module


def lumen_setup(url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Setup:
    """Its catalog, read as any other."""
    page = PAGE.read_text(encoding="utf-8")
    toml = next(text for text in re.findall(r"```toml\n(.*?)```", page, re.DOTALL) if 'title = "Lumen"' in text)
    (tmp_path / "catalogs").mkdir()
    (tmp_path / "catalogs" / "lumen.toml").write_text(toml)
    with monkeypatch.context() as patched:
        patched.setattr("importlib.resources.files", lambda _: tmp_path)
        catalog = read_catalog("lumen")
    return Setup(name="lumen", catalog=catalog, settings={"url": url, "key": "k"})


async def test_the_provider_of_the_page_works(
    lumen: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it stands there, against a server that does as it says."""
    states = [
        {"state": "waiting"},
        {"state": "running", "percent": 40},
        {"state": "done", "url": "https://x.example/a"},
    ]
    states += [{"state": "done"}, {"state": "failed"}]

    async def begin(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != "Bearer k":
            return web.Response(status=401)
        return web.json_response({"id": (await request.json())["model"]})

    async def look(_: web.Request) -> web.Response:
        return web.json_response(states.pop(0))

    app = web.Application()
    app.add_routes([web.post("/renders", begin), web.get("/renders/lumen-1", look)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    provider = lumen.open_provider(lumen_setup(f"http://{host}:{port}", monkeypatch, tmp_path))
    order = Order(prompt="a lamp", seconds=5, ratio="16:9", resolution="720p", seed=1, style="default", model="lumen-1")
    prepared: Prepared = await provider.prepare(order, "key")
    task_id = (await provider.submit(prepared)).task_id
    assert [await provider.check(task_id) for _ in range(3)] == [
        Queued(),
        Rendering(40),
        Rendered("https://x.example/a"),
    ]
    with pytest.raises(Misunderstood):
        await provider.check(task_id)
    with pytest.raises(RenderFailed):
        await provider.check(task_id)
    provider.wire._auth = {"authorization": "Bearer wrong"}
    with pytest.raises(AuthFailed):
        await provider.submit(prepared)
    assert str(await provider.quote(order)) == "about $0.25"
    await provider.close()
    await runner.cleanup()


async def test_the_settings_of_the_page_can_be_used() -> None:
    """Its example of `nextshot.toml`: a changed price, a model taken out, a server of one's own."""
    page = PAGE.read_text(encoding="utf-8")
    toml = next(text for text in re.findall(r"```toml\n(.*?)```", page, re.DOTALL) if "[providers.studio]" in text)
    found = read_services(KINDS, {}, {}, tomllib.loads(toml))
    assert found.problems == ()
    fal, studio = found.ready
    assert (fal.name, studio.name) == ("fal", "studio")
    assert "luma-ray-2" not in fal.catalog.models
    for service in (fal, studio):
        setup = Setup(name=service.name, catalog=service.catalog, settings=service.settings)
        provider = open_service(service.kind, setup)
        assert "wan-2.2" in provider.models or service is fal
        await provider.close()
