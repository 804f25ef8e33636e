"""Parameter sets of several encoders in one header, told apart by their numbers."""

from __future__ import annotations

import contextlib
from pathlib import Path

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.media.headers import BrokenHeader, Headers, begins_afresh, merge, parse, sets_inside, write
from tests.media.makers import Recipe, make


def _bits(number: int) -> str:
    """As ue(v), ITU-T H.264, 9.1."""
    code = f"{number + 1:b}"
    return "0" * (len(code) - 1) + code


def _escaped(payload: bytes) -> bytes:
    """With the byte that keeps a start code from coming up."""
    made = bytearray()
    for byte in payload:
        if byte <= 3 and made[-2:] == b"\0\0":
            made.append(3)
        made.append(byte)
    return bytes(made)


def _unit(kind: int, number: int, rest: str, profile: bytes = b"") -> bytes:
    bits = _bits(number) + rest + "1"
    bits += "0" * (-len(bits) % 8)
    return bytes([0x60 | kind]) + _escaped(profile + int(bits, 2).to_bytes(len(bits) // 8, "big"))


_RESTS = st.text("01", max_size=40)
_PROFILES = st.sampled_from([b"\x64\x00\x28", b"\x4d\x40\x1e", b"\x42\xc0\x0a", b"\x64\x00\x00"])


@st.composite
def _headers(draw: st.DrawFn) -> Headers:
    sps = {
        number: _unit(7, number, draw(_RESTS), draw(_PROFILES))
        for number in draw(st.lists(st.integers(0, 31), min_size=1, max_size=4, unique=True))
    }
    pps = {
        number: _unit(8, number, draw(_RESTS))
        for number in draw(st.lists(st.integers(0, 254), min_size=1, max_size=4, unique=True))
    }
    return Headers(draw(st.sampled_from([1, 2, 4])), sps, pps)


@settings(max_examples=40)
@given(_headers())
def test_what_is_written_is_read_again(headers: Headers) -> None:
    """Every set under its number, however the number is spelled and whatever had to be escaped."""
    assert parse(write(headers)) == headers
    assert headers.free_number not in {*headers.sps, *headers.pps}


@settings(max_examples=40)
@given(_headers(), _headers())
def test_headers_merge_only_where_no_number_means_two_things(one: Headers, other: Headers) -> None:
    """Then both hold; else it is said."""
    if one.agrees_with(other):
        both = one.merged_with(other)
        assert both.holds(one)
        assert both.holds(other)
        assert merge([write(one), write(other), write(one)]) == write(both if one != other else one)
    else:
        assert other.agrees_with(one) is False
        with pytest.raises(BrokenHeader):
            merge([write(one), write(other)])


@given(st.binary(max_size=80))
def test_no_bytes_do_harm(data: bytes) -> None:
    """They are a header or not, a picture or not."""
    for header in (data, b"\x01\x64\x00\x28\xff" + data):
        with contextlib.suppress(BrokenHeader):
            parse(header)
    for codec in ("h264", "hevc"):
        begins_afresh(memoryview(data), codec, 4)
    with contextlib.suppress(BrokenHeader):
        sets_inside(memoryview(data), 4)


@pytest.mark.parametrize("number", [0, 1, 5, 31])
def test_an_encoder_s_own_header_is_understood(tmp_path: Path, number: int) -> None:
    """x264's sets stand where it was told, and come back byte for byte."""
    options = {"x264-params": f"sps-id={number}"}
    clip = make(tmp_path / "clip.mp4", Recipe(frames=2, width=64, height=48, options=options))
    with av.open(str(clip)) as container:
        header = bytes(container.streams.video[0].codec_context.extradata or b"")
    found = parse(header)
    assert (list(found.sps), list(found.pps)) == ([number], [number])
    assert write(found) == header


def test_a_byte_that_only_keeps_a_start_code_away_is_no_part_of_a_number() -> None:
    """After two zeros a 3 is put in; what is behind it counts."""
    sps, pps = bytes([0x67, 0x64, 0, 0, 3, 1, 0x80, 0x80]), _unit(8, 0, "")
    assert list(parse(write(Headers(4, {191: sps}, {0: pps}))).sps) == [191]


def test_an_open_group_s_key_picture_is_none_to_begin_on(tmp_path: Path) -> None:
    """What is shown before it needs pictures that would not be there."""
    options = {"x264-params": "keyint=6:min-keyint=6:open-gop=1:bframes=2:b-adapt=0:scenecut=0"}
    clip = make(tmp_path / "clip.mp4", Recipe(frames=20, width=64, height=48, options=options))
    with av.open(str(clip)) as container:
        keys = [bytes(packet) for packet in container.demux(video=0) if packet.is_keyframe]
    assert len(keys) > 2
    assert [begins_afresh(memoryview(key), "h264", 4) for key in keys] == [True] + [False] * (len(keys) - 1)
