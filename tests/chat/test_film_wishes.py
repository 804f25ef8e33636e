"""What is said about a film, and the sounds that come with it."""

from __future__ import annotations

import math
import struct
import wave
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.film_wishes import stitch_options
from bot.parsing import Parsed, UsageError, parse
from bot.requests import request_of
from bot.sounds import is_sound
from engine.film_options import Captions, Fill, StitchOptions, Transition
from engine.model import Asked, FileKey, Person, Stitch
from tests.house import House

ASKED = Asked("update-1", "local:home", Person("local:ana", "Ana"))
MUSIC, VOICE = FileKey("m.sound"), FileKey("v.sound")


def wanted(text: str, **sounds: FileKey) -> StitchOptions:
    request = request_of(parse(text), ASKED, **sounds)  # type: ignore[arg-type]  # music and voice
    assert isinstance(request, Stitch)
    return request.options


@pytest.mark.parametrize(
    ("said", "options"),
    [
        ("/stitch", StitchOptions()),
        (
            "/stitch k7 --transition Dissolve --over 1.5",
            StitchOptions(transition=Transition.DISSOLVE, transition_s=1.5),
        ),
        ("/stitch --seams 2 wipe, 5 cut", StitchOptions(seams=((2, Transition.WIPE), (5, Transition.CUT)))),
        (
            "/stitch --seams 5=cut;2:fade --credits",
            StitchOptions(seams=((2, Transition.FADE), (5, Transition.CUT)), credits=True),
        ),
        ("/stitch --card default", StitchOptions(card="")),
        ("/stitch --card A Night in the Fog", StitchOptions(card="A Night in the Fog")),
        ("/stitch --captions track", StitchOptions(captions=Captions.TRACK)),
        ("/stitch --texts one | | three", StitchOptions(captions=Captions.BURNED, caption_texts=("one", "", "three"))),
        ("/stitch --captions both --texts one", StitchOptions(captions=Captions.BOTH, caption_texts=("one",))),
        ("/stitch --ratio 9:16 --fill crop", StitchOptions(ratio="9:16", fill=Fill.CROP)),
        ("/stitch --volume 0 --levels=no", StitchOptions(volume=0, levels=False)),
        ("/stitch --fit 9.5 --preview", StitchOptions(limit_bytes=9_500_000, is_preview=True)),
    ],
)
def test_a_film_is_asked_for_in_words(said: str, options: StitchOptions) -> None:
    """Every option, and none where nothing is said."""
    assert wanted(said) == options


def test_a_sound_that_comes_with_it_is_music_or_a_voice() -> None:
    """With its own loudness; a loudness without music is told."""
    assert wanted("/stitch --music 0.2", music=MUSIC) == StitchOptions(music=MUSIC, music_volume=0.2)
    assert wanted("/stitch", voice=VOICE) == StitchOptions(voice=VOICE)
    with pytest.raises(UsageError, match="send a sound file with the command"):
        wanted("/stitch --music 0.2")


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("/stitch --transition swirl", "--transition is one of: cut, fade, dissolve, wipe; “swirl” is none"),
        ("/stitch --seams the second", "--seams is a number and a transition each"),
        ("/stitch --seams 2 swirl", "--seams is one of: cut, fade, dissolve, wipe"),
        ("/stitch --captions loud", "--captions is one of: none, burned, track, both"),
        ("/stitch --fill stretch", "--fill is one of: blur, crop, pad"),
        ("/stitch --over soon", "--over is a number"),
    ],
)
def test_a_wrong_word_is_told_with_the_right_ones(said: str, sentence: str) -> None:
    """In one sentence."""
    with pytest.raises(UsageError, match=sentence.replace("(", r"\(")):
        wanted(said)


@given(st.dictionaries(st.sampled_from(["seams", "texts", "card"]), st.text(max_size=60)))
def test_no_words_break_it(said: dict[str, str]) -> None:
    """Whatever is said becomes options, or is told."""
    with suppress(UsageError):
        assert isinstance(stitch_options(said, music=None, voice=None), StitchOptions)


def test_a_range_of_shots_is_said_with_dots() -> None:
    """In one word; what only looks like one is told."""
    assert parse("/stitch k7-2..5, K7-9..k7-11").codes == ("k7-2..5", "k7-9..k7-11")
    for text in ("/stitch k7-2..", "/stitch k7-2..m3-4", "/stitch k7..5"):
        with pytest.raises(UsageError, match="is no story, shot or film"):
            parse(text)
    assert parse("/stitch k7-1") == Parsed("stitch", ("k7-1",))


@pytest.mark.parametrize(
    "head",
    [
        b"ID3\x04\x00\x00",
        b"\xff\xfb\x90\x64",
        b"\xff\xf1\x50\x80",
        b"fLaC\x00\x00",
        b"OggS\x00\x02",
        b"RIFF....WAVEfmt ",
        b"....ftypM4A isom",
    ],
)
def test_a_sound_is_known_by_how_it_begins(head: bytes) -> None:
    """Its name is not asked; a video, a picture and a page are none."""
    assert is_sound(head)
    for other in (b"....ftypisom....", b"\xff\xd8\xff\xe0", b"RIFF....WEBPVP8 ", b"<html>", b"\xff", b""):
        assert not is_sound(other)


def tone(path: Path, seconds: float = 1.0) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        samples = (int(9_000 * math.sin(place / 20)) for place in range(int(48_000 * seconds)))
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return path


async def test_music_comes_with_a_stitch(house: House, tmp_path: Path) -> None:
    """It is kept for the film, and the film has a sound track though its clip has none."""
    await house.shot()
    await house.say("/stitch --music 1", sounds=(tone(tmp_path / "a.wav"),))
    await house.run(20)
    assert "a1-f1 · 1 shot of a1" in "\n".join(house.chat.seen)
    film = (await house.studio.story("local:home")).films[-1]  # type: ignore[union-attr]  # there is one
    from engine import media  # below what does not need it

    assert await media.has_sound(house.files.path(film.clip.file))


async def test_what_is_no_sound_is_told_and_makes_no_film(house: House, tmp_path: Path) -> None:
    """One sentence; nothing is kept."""
    await house.shot()
    path = tmp_path / "a.mp3"
    path.write_bytes(b"ID3 and no more")
    reply = await house.say("/stitch", sounds=(path,))
    assert reply is not None
    assert reply.is_error
    await house.run(10)
    assert "a1-f1" not in "\n".join(house.chat.seen)
