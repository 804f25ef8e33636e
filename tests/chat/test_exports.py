"""A film as another kind of file: asked for by a button or a word, made where it is sent, and never instead of nothing."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from bot import fitting
from bot.fitting import Fitting
from bot.message import Limits, NotSent, Reply, SendUnknown
from bot.replies import film_reply
from engine.errors import BadMedia, MediaError, MediaLimit, NotPossible
from engine.film_options import GIF_MOST_S
from engine.model import Film
from tests.fakes.chat import FakeChat
from tests.fakes.clock import FakeClock
from tests.house import House, opened_house

ROOMY = Limits(upload_bytes=50_000_000, text_chars=4_096, edit_every_s=1)


async def film_of(house: House, said: str = "/stitch") -> Film:
    assert await house.say(said) is None
    await house.run(20)
    view = await house.studio.story("local:home")
    assert view is not None
    return view.films[-1]


async def test_a_button_makes_a_file_with_a_name_for_people(house: House) -> None:
    """Nothing is made while others wait for their turn; it is made for the place, and told what it is."""
    await house.shot()
    await film_of(house)
    files = Fitting(house.files)
    for reply in (await house.press("download", "a1-f1:gif"), await house.say("/download a1-f1 gif")):
        assert reply is not None
        assert reply.video is not None
        assert (reply.text, reply.as_file, reply.video.name) == ("a1-f1 · gif", True, "a1-f1.mp4")
        fitted = await files.fit(reply, ROOMY)
        assert fitted.video is not None
        assert (fitted.video.name, fitted.as_file) == ("a1-f1.gif", True)
        assert fitted.video.path.read_bytes()[:6] == b"GIF89a"
        assert fitted.video.bytes == fitted.video.path.stat().st_size
        assert fitted.text.startswith("a1-f1 · gif\nGIF without sound, 64x36 at ")


async def test_the_pictures_of_a_film_are_those_of_its_shots(house: House) -> None:
    """Named by them, as long as each still has the clip that the film was made of; a shot's own file is one of its own."""
    await house.shot()
    await house.say("/continue a boat")
    await house.run(10)
    await film_of(house)
    film, shot = await house.say("/download a1-f1 frames"), await house.say("/download a1-1 frames")
    assert film is not None
    assert shot is not None
    fitted = await Fitting(house.files).fit(film, ROOMY)
    assert fitted.video is not None
    assert fitted.video.name == "a1-f1.zip"
    with zipfile.ZipFile(fitted.video.path) as file:
        assert [name[:7] for name in file.namelist()] == ["01-a1-1", "02-a1-2", "03-last"]
    assert shot.export is not None
    assert [code for code, _ in shot.export.shots] == ["a1-1"]
    await house.say("/delete a1-2")
    again = await house.say("/download a1-f1 frames")
    assert again is not None
    assert again.export is not None
    assert again.export.shots == ()


async def test_a_film_that_was_asked_for_as_a_gif_arrives_as_one(house: House) -> None:
    """With the buttons of the film; `/show` plays the film itself."""
    await house.shot()
    await film_of(house, "/stitch --format gif")
    (result,) = [message.reply for message in house.chat.videos if message.reply.text.startswith("a1-f1 ")]
    assert result.video is not None
    assert (result.video.name, result.as_file) == ("a1-f1.gif", True)
    assert result.video.path.read_bytes()[:6] == b"GIF89a"
    assert [button.label for button in result.buttons] == ["Download", "GIF", "WebM", "Delete"]
    shown = await house.say("/show a1-f1")
    assert shown is not None
    assert shown.video is not None
    assert (shown.video.name, shown.export) == ("a1-f1.mp4", None)


class Counting(FakeChat):
    """Keeps what its status messages said of a file that was being made."""

    def __init__(self, error: Exception | None) -> None:
        super().__init__()
        self.told: list[Reply] = []
        self.error = error

    async def edit(self, receipt: str, reply: Reply, *, is_progress: bool = False) -> None:
        if "making" in reply.text:
            assert is_progress
            self.told.append(reply)
            if self.error is not None:
                raise self.error
        await super().edit(receipt, reply, is_progress=is_progress)


@pytest.mark.parametrize(
    "error", [None, SendUnknown("timeout"), NotSent("deleted", retry_after_s=None), RuntimeError("a defect")], ids=repr
)
async def test_a_file_counts_in_the_status_message_while_it_is_made(
    tmp_path: Path, clock: FakeClock, error: Exception | None
) -> None:
    """Never back, and the last words stand there in the end. What cannot be told does not hold up the file."""
    chat = Counting(error)
    async with opened_house(tmp_path, clock, chat=chat) as house:
        await house.shot()
        await film_of(house, "/stitch --format gif")
        (result,) = [message.reply for message in chat.videos if message.reply.text.startswith("a1-f1 ")]
        assert result.video is not None
        assert result.video.name == "a1-f1.gif"
        percents = [reply.percent or 0.0 for reply in chat.told]
        assert percents == sorted(percents)
        assert [reply.text for reply in chat.told] == [
            f"Film of a1 · by Ana\nmaking the GIF {percent:.0f} %" for percent in percents
        ]
        assert len(chat.told) == 1 if isinstance(error, NotSent | RuntimeError) else len(chat.told) >= 1
        assert not any("making" in text for text in chat.seen)


async def test_a_file_that_cannot_be_made_never_holds_up_its_film(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The film comes with a word on why. Who asked for the file alone reads that, and where the film is to be had."""
    late = "That file took too long to make; try again, or take the MP4."
    failures = (
        (NotPossible("too long for a GIF"), "too long for a GIF"),
        (MediaError("it broke off"), "it broke off"),
        (TimeoutError(), late),
    )
    files = Fitting(house.files, lambda _, name: f"https://films.example.org/{name}")
    await house.shot()
    for number, (error, why) in enumerate(failures, 1):

        async def breaks(*_: object, error: Exception = error, **__: object) -> None:
            raise error

        monkeypatch.setattr(fitting, "exported", breaks)
        code = (await film_of(house, "/stitch --format webm")).code
        (result,) = [message.reply for message in house.chat.videos if message.reply.text.startswith(f"{code} ")]
        assert result.video is not None
        assert (result.video.name, result.text.splitlines()[-1]) == (f"a1-f{number}.mp4", why)

        asked = await house.press("download", f"{code}:webm")
        assert asked is not None
        if isinstance(error, NotPossible):
            fitted = await files.fit(asked, ROOMY)
            link = f"https://films.example.org/{code}.mp4"
            assert (fitted.text, fitted.video) == (f"{code} · webm\n{why} The film as it is: {link}", None)
        else:
            with pytest.raises(MediaLimit, match=why):
                await files.fit(asked, ROOMY)


async def test_what_cannot_be_is_told_at_once(house: House) -> None:
    """A kind that there is not, with those that there are; a film that is not there or whose file is gone. What is too long for
    a GIF has no button for one.
    """
    await house.shot()
    film = await film_of(house)
    long = replace(film, clip=replace(film.clip, seconds=GIF_MOST_S + 1))
    assert [button.label for button in film_reply(long, None, Path("a.mp4")).buttons] == ["Download", "WebM", "Delete"]
    wrong = await house.say("/download a1-f1 avi")
    gone = await house.press("download", "a1-f9:gif")
    house.files.path(film.clip.file).unlink()
    lost = await house.say("/download a1-f1 gif")
    for reply, sentence in ((wrong, "webm, gif, frames"), (gone, "a1-f9"), (lost, "is missing")):
        assert reply is not None
        assert reply.is_error
        assert sentence in reply.text
    with pytest.raises(BadMedia):
        await Fitting(house.files).fit(film_reply(film, None, Path("a.mp4")), ROOMY)
