"""A price is asked about and agreed to over each platform's real wire, also by a button that is older than the process."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from engine.abilities import Pace, Price
from tests.contract.chat import ANA, BEN, wait_for
from tests.contract.front_ends import FRONT_ENDS
from tests.fakes.provider import ABILITIES, ScriptedProvider

PRICED = replace(ABILITIES, price=Price(usd_per_second={"": Decimal(2)}))
PACE = Pace(first_s=0.02, every_s=0.02, give_up_s=60, in_flight=4)


@pytest.mark.parametrize("front_end", ["web", "telegram-topic", "discord-thread"])
async def test_somebody_is_asked_and_the_answer_counts_after_a_restart(tmp_path: Path, front_end: str) -> None:
    """Refused to who may not, rendered once for who may, and the buttons go with the question."""
    provider = ScriptedProvider(models={"one": PRICED}, pace=PACE, finishes_at_check=1)
    async with FRONT_ENDS[front_end](tmp_path / "data", provider) as chat:
        ana = chat.name(ANA)
        await chat.say(ANA, "/create a lamp --seconds 1")
        asks = await wait_for(chat, lambda each: each.text.endswith("Render it?"), "question")
        assert asks.text == f"a1-1 · by {ana}\n“a lamp”\nabout $2.00. Render it?"
        assert asks.buttons == ("Render", "Cancel")
        pot = await chat.answer(await chat.say(BEN, "/pot"))
        assert "waiting for an answer: a1-1 (about $2.00)" in pot.text
        refused = await chat.press(BEN, asks, "Render")
        assert refused.alert == f"a1-1 belongs to {ana}; only they can do that."
        assert provider.submits == 0
        await chat.restart()
        assert (await chat.press(ANA, asks, "Render")).alert is None
        clip = await wait_for(chat, lambda each: each.has_video, "clip")
        assert clip.buttons[1] == "Retake · about $2.00"
        status = next(each for each in chat.messages() if each.id == asks.id)
        assert (status.buttons, "done in " in status.text) == ((), True)
        assert provider.submits == 1
