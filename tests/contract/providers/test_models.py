"""Every row of every catalog, asked for in every way that it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image

from tests.contract.providers.orders import key, order_of
from tests.contract.services import SERVICES
from tests.fakes.services.base import FakeService


async def test_every_model_does_what_its_row_says(fake: FakeService, tmp_path: Path) -> None:
    """Words alone, a first frame, both frames: in the form that the service takes, or the fake complains."""
    path = tmp_path / "frame.png"
    Image.effect_noise((640, 360), 60).convert("RGB").save(path)
    provider = SERVICES[fake.case].open(fake.setup({"rate": {"count": 1_000, "per_s": 1}}))
    asked = 0
    for name, can in provider.models.items():
        if can.closed:
            continue
        usual: dict[str, Any] = {
            "model": name,
            "seconds": can.default_seconds,
            "ratio": can.ratios[0],
            "resolution": can.resolutions[0],
        }
        ways: list[dict[str, Any]] = [
            *([{}] if can.text else []),
            *([{"first_frame": path}] if can.first_frame else []),
            *([{"first_frame": path, "last_frame": path}] if can.last_frame else []),
            *([{"references": (path,)}] if can.references else []),
        ]
        assert ways or can.edit, name  # what only changes a clip is shown by its provider's own tests
        for way in ways:
            await provider.submit(await provider.prepare(order_of(provider, **usual, **way), key()))
            asked += 1
    await provider.close()
    assert fake.creates == asked == len(fake.tasks)
