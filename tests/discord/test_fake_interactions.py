"""Interactions: their three seconds, their quarter of an hour and their answers, through the real discord.py."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import discord
import httpx
import pytest
from discord import app_commands

from tests.discord.plain_client import PlainClient, connected, refusal
from tests.fakes.discord import Channel, ClientRefuses, FakeDiscord, Interaction
from tests.telegram.plain_http import NO_CERTIFICATES

It = discord.Interaction[PlainClient]
Does = Callable[[It], Awaitable[object]]
IN_ANY_PLACE = app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True)
BY_ANYBODY = app_commands.AppInstallationType(guild=True, user=True)


class Next(discord.ui.Modal, title="Continue"):
    prompt: discord.ui.TextInput[Next] = discord.ui.TextInput(label="What next?", custom_id="prompt", max_length=20)

    async def on_submit(self, interaction: discord.Interaction[Any]) -> None:
        await interaction.response.send_message(f"next: {self.prompt.value}", ephemeral=True)


class Buttons(discord.ui.View):
    """What a clip has below it."""

    @discord.ui.button(label="Continue", custom_id="continue")
    async def more(self, interaction: discord.Interaction[Any], _: object) -> None:
        await interaction.response.send_modal(Next())

    @discord.ui.button(label="Cancel", custom_id="cancel")
    async def cancel(self, interaction: discord.Interaction[Any], _: object) -> None:
        await interaction.response.edit_message(content="cancelled", view=None)

    @discord.ui.button(label="Later", custom_id="later")
    async def later(self, interaction: discord.Interaction[Any], _: object) -> None:
        await interaction.response.defer()
        await interaction.edit_original_response(content="later")

    @discord.ui.button(label="Off", custom_id="off", disabled=True)
    async def off(self, interaction: discord.Interaction[Any], _: object) -> None:
        await interaction.response.defer()

    @discord.ui.select(
        placeholder="Clips",
        custom_id="clips",
        max_values=2,
        options=[discord.SelectOption(label=f"Shot {number}", value=f"k7-{number}") for number in range(1, 4)],
    )
    async def clips(self, interaction: discord.Interaction[Any], menu: discord.ui.Select[Buttons]) -> None:
        await interaction.response.send_message(" ".join(menu.values), ephemeral=True)


class Picker(discord.ui.Modal, title="Clips"):
    """Labels around a menu and a text."""

    clips: discord.ui.Label[Picker] = discord.ui.Label(
        text="Which clips?",
        component=discord.ui.Select(
            custom_id="clips",
            max_values=2,
            options=[discord.SelectOption(label=f"Shot {number}", value=f"k7-{number}") for number in range(1, 4)],
        ),
    )
    title_: discord.ui.Label[Picker] = discord.ui.Label(
        text="Title", component=discord.ui.TextInput(custom_id="title", required=False)
    )

    async def on_submit(self, interaction: discord.Interaction[Any]) -> None:
        assert isinstance(self.clips.component, discord.ui.Select)
        await interaction.response.send_message(" ".join(self.clips.component.values))


class Scene:
    """One server, one client, one command `/do` that does what the test wants."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.server = FakeDiscord(flood=False, clock=lambda: self.now_s, ack_within_s=30)
        self.does: Does = lambda it: it.response.send_message("done")
        self.errors: list[Exception] = []

    async def open(self) -> None:
        self.ana = self.server.person("Ana")
        self.guild = self.server.guild("Film club", [self.ana])
        self.films = self.server.channel(self.guild, "films")

    def do(self, channel: Channel | None = None, does: Does | None = None, **options: Any) -> Interaction:
        if does is not None:
            self.does = does
        return self.server.slash(self.ana, channel or self.films, "do", **options)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    stage = Scene()
    await stage.open()

    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    @app_commands.allowed_installs(guilds=True, users=True)
    async def do(
        interaction: discord.Interaction[Any],
        prompt: app_commands.Range[str, 1, 500] = "",
        seconds: app_commands.Range[int, 1, 10] = 5,
        frame: discord.Attachment | None = None,
    ) -> None:
        interaction.extras.update(prompt=prompt, seconds=seconds, frame=frame)
        await stage.does(interaction)

    async def offer(_: discord.Interaction[Any], current: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=f"{current}!", value=current)]

    async def use(interaction: discord.Interaction[Any], message: discord.Message) -> None:
        await interaction.response.send_message(f"{message.content} {len(message.attachments)}", ephemeral=True)

    menu = app_commands.ContextMenu(name="Use it", callback=use)
    async with stage.server, connected(stage.server, menu) as client:
        command: app_commands.Command[Any, ..., None] = app_commands.Command(
            name="do", description="Does it.", callback=do
        )
        command.autocomplete("prompt")(offer)
        client.tree.add_command(command)
        await client.tree.sync()

        async def failed(_: discord.Interaction[Any], error: app_commands.AppCommandError) -> None:
            stage.errors.append(error.original if isinstance(error, app_commands.CommandInvokeError) else error)

        client.tree.error(failed)
        yield stage
    assert stage.errors == []
    assert stage.server.complaints == []


async def test_a_deferred_answer_is_awaited(scene: Scene) -> None:
    """It loads, then it is the same message, edited with the token and with the bot's."""

    async def does(it: It) -> None:
        await it.response.defer(thinking=True)
        message = await it.edit_original_response(content=f"**{it.extras['prompt']}**")
        await it.client.place(message.channel.id).get_partial_message(message.id).edit(content="by the bot")

    interaction = scene.do(does=does, prompt="a lamp")
    ack = await interaction.acked()
    assert (ack.type, ack.ephemeral, 0 < ack.ack_s < 30) == (5, False, True)
    message = await interaction.answered()
    await scene.server.wait_until(lambda: message.content == "by the bot")
    assert (message.history, message.loading, message.flags) == (["", "**a lamp**"], False, 0)
    assert interaction.messages == [message] == scene.server.bot_messages(scene.films)


async def test_an_ephemeral_answer_is_for_one(scene: Scene) -> None:
    """No bot token finds it; nobody else may press on it."""

    async def does(it: It) -> None:
        await it.response.send_message("psst", ephemeral=True, view=Buttons(timeout=None))

    message = await scene.do(does=does).answered()
    assert (message.ephemeral_to, message.flags & 64) == (scene.ana, 64)
    ben = scene.server.person("Ben")
    scene.server.joins(ben, scene.guild)
    with pytest.raises(ClientRefuses, match="Only Ana sees"):
        scene.server.presses(ben, message, "Cancel")
    pressed = scene.server.presses(scene.ana, message, "Cancel")
    await pressed.acked()
    assert (pressed.ack and pressed.ack.type, message.content, message.buttons) == (7, "cancelled", [])
    interaction = scene.server.interactions[0]
    scene.errors += [error async for error in _errors(scene, interaction)]


async def _errors(scene: Scene, interaction: Interaction) -> AsyncIterator[Exception]:
    """Nothing: the bot's token does not find an ephemeral message."""
    assert interaction.original is not None
    url = f"{scene.server.api_url}/v10/channels/{scene.films.id}/messages/{interaction.original.id}"
    async with httpx.AsyncClient(verify=NO_CERTIFICATES) as http:
        answer = await http.get(url, headers={"Authorization": f"Bot {scene.server.token}"})
        assert answer.json()["code"] == 10008
    return
    yield


async def test_three_seconds_and_it_has_failed(scene: Scene) -> None:
    """A late acknowledgement is unknown, and its webhook too."""
    scene.server.world.ack_within_s = 0.05
    seen: list[tuple[int, int]] = []

    async def does(it: It) -> None:
        await asyncio.sleep(0.1)
        seen.append(await refusal(it.response.defer()))
        seen.append(await refusal(it.followup.send("x")))
        seen.append(await refusal(it.original_response()))

    interaction = scene.do(does=does)
    await scene.server.wait_until(lambda: len(seen) == 3)
    assert seen == [(404, 10062), (404, 10015), (404, 10015)]
    assert interaction.failed
    with pytest.raises(AssertionError, match="was not acknowledged"):
        await interaction.acked(0.01)


async def test_a_second_acknowledgement_is_refused(scene: Scene) -> None:
    """Whoever comes second, by whatever way."""
    seen: list[int] = []

    async def does(it: It) -> None:
        await it.response.defer()
        url = f"{scene.server.api_url}/v10/interactions/{it.id}/{it.token}/callback"
        async with httpx.AsyncClient(verify=NO_CERTIFICATES) as http:
            seen.append((await http.post(url, json={"type": 5})).json()["code"])

    scene.do(does=does)
    await scene.server.wait_until(lambda: seen)
    assert seen == [40060]


async def test_a_token_dies_after_a_quarter_of_an_hour(scene: Scene) -> None:
    """Its edits and followups are 401; the bot's own token still edits."""
    seen: list[tuple[int, int]] = []

    async def does(it: It) -> None:
        await it.response.defer()
        await it.edit_original_response(content="rendering")
        scene.now_s += 901
        seen.append(await refusal(it.edit_original_response(content="x")))
        seen.append(await refusal(it.followup.send("x")))
        message = scene.server.bot_messages(scene.films)[0]
        await it.client.place(scene.films.id).get_partial_message(message.id).edit(content="ready")

    message = await scene.do(does=does).answered()
    await scene.server.wait_until(lambda: message.content == "ready")
    assert seen == [(401, 50027), (401, 50027)]


async def test_the_first_followup_becomes_a_deferred_answer(scene: Scene) -> None:
    """Right after a type 5; the next one is a message of its own, and both can be taken away."""

    async def does(it: It) -> None:
        await it.response.defer(ephemeral=True)
        first = await it.followup.send("first", wait=True)
        second = await it.followup.send("second", wait=True, ephemeral=True)
        assert first.id == (await it.original_response()).id != second.id
        await it.delete_original_response()
        assert await refusal(it.original_response()) == (404, 10008)

    interaction = scene.do(does=does)
    await scene.server.wait_until(lambda: interaction.original is not None and interaction.original.deleted)
    answer = await interaction.answered()
    assert (answer.content, answer.ephemeral_to) == ("second", scene.ana)
    assert [message.content for message in interaction.messages] == ["first", "second"]


async def test_a_button_opens_a_modal(scene: Scene) -> None:
    """The client lets only a fitting text out; its answer is an interaction of its own."""

    async def does(it: It) -> None:
        await it.response.send_message("clip", view=Buttons(timeout=None))

    message = await scene.do(does=does).answered()
    pressed = scene.server.presses(scene.ana, message, "contin")
    modal = await pressed.showed_modal()
    assert modal["title"] == "Continue"
    with pytest.raises(ClientRefuses, match="is required"):
        scene.server.submits(scene.ana, pressed, "")
    with pytest.raises(ClientRefuses, match="0 to 20 characters"):
        scene.server.submits(scene.ana, pressed, "x" * 21)
    with pytest.raises(ClientRefuses, match="no field"):
        scene.server.submits(scene.ana, pressed, {"other": "x"})
    answer = await scene.server.submits(scene.ana, pressed, {"prompt": "a boat"}).answered()
    assert (answer.text, answer.ephemeral_to) == ("next: a boat", scene.ana)


async def test_buttons_and_menus_answer(scene: Scene) -> None:
    """A deferred update changes the message itself; a menu gives its values in the order chosen."""

    async def does(it: It) -> None:
        await it.response.send_message("clip", view=Buttons(timeout=None))

    message = await scene.do(does=does).answered()
    assert (message.buttons, message.select) == (
        ["Continue", "Cancel", "Later", "Off"],
        ["Shot 1", "Shot 2", "Shot 3"],
    )
    later = scene.server.presses(scene.ana, message, "later")
    assert await later.answered() is message
    assert message.content == "later"
    chosen = scene.server.selects(scene.ana, message, ["Shot 3", "k7-1"], "Clips")
    assert (await chosen.answered()).content == "k7-3 k7-1"
    with pytest.raises(ClientRefuses, match="disabled"):
        scene.server.presses(scene.ana, message, "Off")
    with pytest.raises(ClientRefuses, match="no button"):
        scene.server.presses(scene.ana, message, "Retake")
    with pytest.raises(ClientRefuses, match="Between 1 and 2"):
        scene.server.selects(scene.ana, message, ["Shot 1", "Shot 2", "Shot 3"])
    with pytest.raises(ClientRefuses, match="no option"):
        scene.server.selects(scene.ana, message, ["Shot 9"])


async def test_typing_offers_choices(scene: Scene) -> None:
    """Only where the command says so, and never more than the limit."""
    server = scene.server
    assert await server.autocomplete(scene.ana, scene.films, "do", "prompt", "la", seconds=3) == [("la!", "la")]
    with pytest.raises(ClientRefuses, match="no autocomplete"):
        server.types(scene.ana, scene.films, "do", "seconds", "3")


async def test_a_message_can_be_used(scene: Scene) -> None:
    """A command of the message's menu sees what stands in it, whoever wrote it."""
    said = scene.server.says(scene.ana, scene.films, "look", files=[("a.mp4", b"x")])
    answer = await scene.server.message_command(scene.ana, scene.films, said, "Use it").answered()
    assert (answer.content, answer.type) == ("look 1", 23)


async def test_the_client_knows_the_commands(scene: Scene) -> None:
    """What breaks their rules never leaves it."""
    for options, words in (
        ({"prompts": "x"}, "no option 'prompts'"),
        ({"prompt": 5}, "does not take 5"),
        ({"prompt": "x" * 501}, "1 to 500 characters"),
        ({"seconds": 11}, "between 1 and 10"),
        ({"frame": "a.png"}, "does not take"),
    ):
        with pytest.raises(ClientRefuses, match=words):
            scene.do(**options)
    with pytest.raises(ClientRefuses, match="no command 'undo'; there are: do"):
        scene.server.slash(scene.ana, scene.films, "undo")


async def test_a_file_comes_with_a_command(scene: Scene) -> None:
    """It is read by its link, and its kind is only what its name says."""
    read: list[bytes] = []

    async def does(it: It) -> None:
        read.append(await it.extras["frame"].read())
        await it.response.send_message(it.extras["frame"].content_type)

    answer = await scene.do(does=does, frame=("frame.png", b"no picture")).answered()
    assert (answer.text, read) == ("image/png", [b"no picture"])


async def test_how_large_an_answer_may_be(scene: Scene) -> None:
    """What the interaction said; a person with Nitro may more."""

    async def does(it: It) -> None:
        await it.response.defer()
        limits.append(it.filesize_limit)
        codes.append(await refusal(it.edit_original_response(attachments=[discord.File(io.BytesIO(b"x" * 101), "a")])))
        await it.edit_original_response(attachments=[discord.File(io.BytesIO(b"x" * 100), "a.mp4")])

    limits: list[int] = []
    codes: list[tuple[int, int]] = []
    scene.server.attachment_size_limit = 100
    message = await scene.do(does=does).answered()
    assert (limits, codes, len(message.attachments)) == ([100], [(413, 40005)], 1)
    scene.server.attachment_size_limit = None
    scene.ana.nitro = True

    async def tells(it: It) -> None:
        await it.response.send_message(str(it.filesize_limit))

    assert (await scene.do(does=tells).answered()).text == str(500 * 1024 * 1024)


async def test_where_a_command_is_used(scene: Scene) -> None:
    """In a server, with the bot alone, and by user install where the bot is not: there only five followups."""
    contexts: list[tuple[list[int], bool, bool]] = []
    codes: list[tuple[int, int]] = []

    async def does(it: It) -> None:
        contexts.append(([*it.context.to_array()], it.is_guild_integration(), it.is_user_integration()))
        await it.response.send_message("here")
        if it.is_user_integration():
            for number in range(5):
                await it.followup.send(f"{number}")
            codes.append(await refusal(it.followup.send("6")))
            codes.append(await refusal(it.client.place(it.channel_id or 0).send("x")))

    elsewhere = scene.server.foreign_channel("elsewhere", [scene.ana])
    group = scene.server.foreign_channel("group", [scene.ana, scene.server.person("Ben")], in_guild=False)
    for place in (scene.films, scene.server.dm(scene.ana), elsewhere, group):
        await scene.do(place, does=does).answered()
    await scene.server.wait_until(lambda: len(codes) == 4)
    assert contexts == [([0], True, False), ([1], False, False), ([0], False, True), ([2], False, True)]
    assert codes == [(400, 40094), (403, 50001)] * 2
    assert len(scene.server.bot_messages(group)) == 6


async def test_an_interaction_may_come_twice(scene: Scene) -> None:
    """Under its own id; the second acknowledgement fails."""
    ids: list[int] = []

    async def does(it: It) -> None:
        ids.append(it.id)
        if len(ids) == 1:
            await it.response.send_message("once")
        else:
            assert await refusal(it.response.send_message("twice")) == (400, 40060)

    interaction = scene.do(does=does)
    await interaction.answered()
    scene.server.resend_last_interaction()
    await scene.server.wait_until(lambda: len(ids) == 2)
    assert ids == [interaction.id] * 2
    assert [message.content for message in scene.server.bot_messages(scene.films)] == ["once"]


async def test_an_answer_calls_only_people(scene: Scene) -> None:
    """Without allowed mentions an interaction names no role and not everyone."""
    role = scene.server.role(scene.guild, "crew", mentionable=True)

    async def does(it: It) -> None:
        await it.response.send_message(f"@everyone <@{scene.ana.id}> <@&{role.id}>")

    assert (await scene.do(does=does).answered()).pings == {scene.ana.id}


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"type": 4, "data": {"content": "x" * 2001}}, "content"),
        ({"type": 9, "data": {"custom_id": "m", "title": "x" * 46, "components": []}}, "data"),
        ({"type": 8, "data": {"choices": []}}, "type"),
        ({"type": 7, "data": {}}, "type"),
        ({"type": 99}, "type"),
    ],
)
async def test_what_a_callback_may_not_be(scene: Scene, body: dict[str, Any], where: str) -> None:
    """The tree of errors names the field, and nothing is acknowledged by it."""

    async def does(it: It) -> None:
        url = f"{scene.server.api_url}/v10/interactions/{it.id}/{it.token}/callback"
        async with httpx.AsyncClient(verify=NO_CERTIFICATES) as http:
            answers.append((await http.post(url, json=body)).json())
        await it.response.send_message("fine")

    answers: list[dict[str, Any]] = []
    assert (await scene.do(does=does).answered()).text == "fine"
    assert answers[0]["code"] == 50035
    assert where in answers[0]["errors"]


async def test_too_many_choices_are_refused(scene: Scene) -> None:
    """Twenty-five are the most."""
    scene.server.fail_next("POST", "/interactions/*/*/callback", 404, 10062)
    typing = scene.server.types(scene.ana, scene.films, "do", "prompt", "x")
    await scene.server.wait_until(lambda: scene.server.calls_of("POST", "/interactions/**"))
    url = f"{scene.server.api_url}/v10/interactions/{typing.id}/{typing.token}/callback"
    choices = [{"name": f"{number}", "value": f"{number}"} for number in range(26)]
    async with httpx.AsyncClient(verify=NO_CERTIFICATES) as http:
        answer = await http.post(url, json={"type": 8, "data": {"choices": choices}})
        assert answer.json()["errors"]["data"]["choices"]
        assert (await http.post(url, json={"type": 5})).json()["code"] == 50035
        assert (await http.post(url, json={"type": 8, "data": {"choices": choices[:25]}})).status_code == 204
    assert len(await typing.chose()) == 25


async def test_an_answer_finds_its_thread_closed(scene: Scene) -> None:
    """Locked it is refused, archived only an edit is, deleted it is unknown."""
    thread = scene.server.thread(scene.films, "story k7")
    codes: list[tuple[int, int]] = []

    async def does(it: It) -> None:
        await it.response.send_message("here")
        scene.server.archives(thread)
        codes.append(await refusal(it.edit_original_response(content="x")))
        await it.followup.send("revives it")
        scene.server.archives(thread, locked=True)
        codes.append(await refusal(it.followup.send("x")))
        scene.server.deletes_channel(thread)
        codes.append(await refusal(it.followup.send("x")))
        codes.append(await refusal(it.edit_original_response(content="x")))

    await scene.do(thread, does=does).answered()
    await scene.server.wait_until(lambda: len(codes) == 4)
    assert codes == [(400, 50083), (400, 50083), (404, 10003), (404, 10008)]
    assert [message.content for message in scene.server.bot_messages(thread)] == ["here", "revives it"]


async def test_a_modal_may_hold_labels_with_a_menu(scene: Scene) -> None:
    """What is chosen comes by labels or values; what is wrong stays in the client."""

    async def does(it: It) -> None:
        await it.response.send_modal(Picker())

    opened = scene.do(does=does)
    await opened.showed_modal()
    with pytest.raises(ClientRefuses, match="name them"):
        scene.server.submits(scene.ana, opened, "x")
    with pytest.raises(ClientRefuses, match="no option 'Shot 9'"):
        scene.server.submits(scene.ana, opened, {"clips": ["Shot 9"]})
    answer = await scene.server.submits(scene.ana, opened, {"clips": ["Shot 3", "k7-1"]}).answered()
    assert answer.content == "k7-3 k7-1"
    with pytest.raises(ClientRefuses, match="No modal"):
        scene.server.submits(scene.server.person("Ben"), opened, {"clips": ["Shot 1"]})
