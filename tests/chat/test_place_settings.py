"""What a place chose, by command and by button, and who may choose it."""

from __future__ import annotations

import pytest

from tests.house import ANA, OPERATOR, House


async def test_a_ratio_is_chosen_by_a_button(house: House) -> None:
    """The buttons are those that the model can do; a press is the same as the command."""
    shown = await house.say("/settings")
    assert shown is not None
    assert [button.data for button in shown.buttons] == ["settings:ratio=16:9", "settings:ratio=9:16"]
    pressed = await house.press(shown.buttons[1].verb, shown.buttons[1].target)
    said = await house.say("/settings --ratio 9:16")
    assert pressed is not None
    assert "chosen here: ratio 9:16" in pressed.text
    assert pressed == said


@pytest.mark.parametrize("target", ["", "ratio", "ratio=", "ratio=9:16 --seed=1", "-ratio=9:16", "ratio=9:16\n/delete"])
async def test_a_forged_setting_sets_nothing(house: House, target: str) -> None:
    """Callback data may come from anywhere."""
    reply = await house.press("settings", target)
    assert reply is not None
    assert reply.text.startswith("This button is from another version of Nextshot")
    colour = await house.press("settings", "colour=red")
    assert colour is not None
    assert colour.text.startswith("/settings has no option --colour")


async def test_where_several_talk_only_an_admin_changes_the_settings(house: House) -> None:
    """By command and by button; looking is free."""
    refused = "Only an admin of this group can change its settings."
    said = await house.say("/settings --ratio 9:16", ANA, is_shared=True)
    pressed = await house.press("settings", "ratio=9:16", ANA, is_shared=True)
    looked = await house.say("/settings", ANA, is_shared=True)
    for reply in (said, pressed):
        assert reply is not None
        assert (reply.text, reply.private, reply.is_error) == (refused, True, True)
    assert looked is not None
    assert "nothing is chosen here" in looked.text
    by_admin = await house.say("/settings --ratio 9:16", OPERATOR, is_shared=True)
    assert by_admin is not None
    assert "chosen here: ratio 9:16" in by_admin.text
