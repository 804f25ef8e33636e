"""Films in a real Chromium: one whose header holds the parameter sets of two encoders, and one with a track of text."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from playwright.async_api import async_playwright

from engine import media
from engine.film_options import Captions, FilmFormat, Transition
from engine.media.headers import parse
from engine.media.inspection import inspect
from tests.media.makers import Recipe, Rgb, make
from tests.web.browser import QUIET, chromium

EXECUTABLE = chromium()
pytestmark = [
    pytest.mark.skipif(EXECUTABLE is None, reason="no Chromium: set NEXTSHOT_CHROMIUM or install chromium"),
    pytest.mark.timeout(240),
]
FOREIGN = {"crf": "18", "x264-params": "keyint=12:min-keyint=12:bframes=2:b-adapt=0:cabac=0:ref=1:scenecut=0"}
RED, BLUE = (200, 60, 30), (30, 60, 200)
PLAY = """async ([source, times]) => {
  const video = document.createElement("video");
  video.muted = true;
  const until = name => new Promise((done, failed) => {
    video.addEventListener(name, done, {once: true});
    video.addEventListener("error", () => failed(new Error(video.error.message)), {once: true});
  });
  const ended = until("ended");
  video.src = source;
  document.body.append(video);
  await video.play();
  await ended;
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  const brush = canvas.getContext("2d");
  const seen = [];
  for (const time of times) {
    // "seeked" may come while the picture of before is still the one that is drawn
    const shown = new Promise(done => {
      const look = (_, {mediaTime}) => {
        if (Math.abs(mediaTime - time) < 1 / 24) done();
        else video.requestVideoFrameCallback(look);
      };
      video.requestVideoFrameCallback(look);
    });
    video.currentTime = time;
    await shown;
    brush.drawImage(video, 0, 0);
    seen.push([...brush.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data].slice(0, 3));
  }
  return {seconds: video.duration, seen};
}"""


async def test_a_film_of_two_encoders_plays_to_its_end_with_the_right_colours(tmp_path: Path) -> None:
    """Before the switch of parameter sets, in the pictures that were made between, and after it."""

    def plain(colour: tuple[int, int, int]) -> Rgb:
        return np.full((96, 160, 3), colour, np.uint8)

    recipe = Recipe(width=160, height=96, frames=24, options=FOREIGN, audio_s=1.0)
    clips = (
        make(tmp_path / "0.mp4", recipe, lambda _: plain(RED)),
        make(tmp_path / "1.mp4", recipe, lambda _: plain(BLUE)),
    )
    script = media.Script(clips=clips, transitions=(Transition.DISSOLVE,), transition_s=0.5)
    await media.stitch(script, tmp_path / "film.mp4")
    assert len(parse(inspect(tmp_path / "film.mp4", decode_frames=0).headers).sps) == 2
    played = await _played(tmp_path / "film.mp4", [2.5 / 24, 18.5 / 24, 30.5 / 24])
    assert played["seconds"] == pytest.approx(36 / 24, abs=0.03)
    middle = (np.array(RED) * 6 + np.array(BLUE) * 7) / 13
    for seen, wanted in zip(played["seen"], (RED, middle, BLUE), strict=True):
        assert np.abs(np.array(seen) - wanted).max() <= 10, (seen, wanted)


async def test_a_webm_with_captions_plays_to_its_end(tmp_path: Path) -> None:
    """A track of text beside picture and sound is no stumbling block."""
    clip = make(tmp_path / "clip.mp4", Recipe(width=160, height=96, frames=24, audio_s=1.0))
    script = media.Script(clips=(clip,), captions=Captions.TRACK, caption_texts=("a lamp",))
    await media.stitch(script, tmp_path / "film.mp4")
    await media.export(tmp_path / "film.mp4", tmp_path / "film.webm", FilmFormat.WEBM)
    with av.open(str(tmp_path / "film.webm")) as webm:
        assert [stream.type for stream in webm.streams] == ["video", "audio", "subtitle"]
    played = await _played(tmp_path / "film.webm", [])
    assert played["seconds"] == pytest.approx(1.0, abs=0.03)


async def _played(film: Path, times: Sequence[float]) -> dict[str, Any]:
    """How long it is to a browser that played it to its end, and the colour in its middle at these times, in seconds."""
    source = f"data:video/{film.suffix[1:]};base64,{base64.b64encode(film.read_bytes()).decode()}"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=EXECUTABLE, args=list(QUIET))
        page = await browser.new_page()
        played: dict[str, Any] = await page.evaluate(PLAY, [source, times])
        await browser.close()
    return played
