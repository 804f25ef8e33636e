"""The page in a real Chromium, over the real house: a film is made, watched, and is still there."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.web.browser import DemoHouse, Visitor, chromium, open_browser

EXECUTABLE = chromium()
pytestmark = [
    pytest.mark.skipif(EXECUTABLE is None, reason="no Chromium: set NEXTSHOT_CHROMIUM or install chromium"),
    pytest.mark.timeout(240),
]
RENDER_MS = 90_000
SMALL = "--seconds 2 --resolution 480p"
HOSTILE = '<img src=x onerror="document.title=1">'


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser(EXECUTABLE or "") as opened:
        yield opened


@dataclass
class Film:
    """A house in which Ana has made a film of three shots, and her open page."""

    house: DemoHouse
    ana: Visitor
    codes: list[str]
    film: str


@pytest.fixture(scope="module")
def film(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Film]:
    """The three commands, typed into an empty room."""
    house = DemoHouse(tmp_path_factory.mktemp("demo"))
    house.start()
    ana = Visitor(browser, house.url, name="Ana")
    try:
        expect(ana.page.locator(".example")).to_have_count(3)
        ana.say(f"/create a lighthouse keeper lights the lamp {SMALL}")
        codes = [_clip(ana.page, 1)]
        ana.say("/continue a boat answers from the fog")
        codes.append(_clip(ana.page, 2))
        ana.say("/continue the storm breaks over the sea")
        codes.append(_clip(ana.page, 3))
        ana.say("/stitch")
        code = _clip(ana.page, 4)
        yield Film(house, ana, codes, code)
        assert ana.errors == []
    finally:
        ana.close()
        house.stop()


def _clip(page: Page, count: int) -> str:
    """Wait for the nth clip; its code."""
    try:
        expect(page.locator(".card video")).to_have_count(count, timeout=RENDER_MS)
    except AssertionError as late:
        late.add_note("\n".join(page.locator("#log > article").all_inner_texts()[-5:]))
        raise
    label = page.locator(".card video").nth(count - 1).get_attribute("aria-label")
    found = re.match(r"Clip (\S+),", label or "")
    assert found, label
    return found[1]


def _video(page: Page, code: str) -> Locator:
    return page.locator(f'video[aria-label^="Clip {code},"]')


def _plays(video: Locator) -> float:
    """Play it muted until its time has moved; its duration in seconds."""
    video.evaluate("video => { video.muted = true; return video.play(); }")
    expect(video).not_to_have_js_property("currentTime", 0)
    began = float(video.evaluate("video => video.currentTime"))
    video.page.wait_for_timeout(400)
    assert float(video.evaluate("video => video.currentTime")) > began
    return float(video.evaluate("video => video.duration"))


def test_the_film_plays_and_is_as_long_as_its_shots(film: Film) -> None:
    """Its time moves on, it ends, and at each seam at most one frame is gone."""
    durations = [_plays(_video(film.ana.page, code)) for code in film.codes]
    whole = _video(film.ana.page, film.film)
    duration = _plays(whole)
    assert all(abs(each - 2) < 0.1 for each in durations)
    assert -0.02 <= sum(durations) - duration <= 2 / 24 + 0.02
    expect(whole).to_have_js_property("ended", value=True, timeout=15_000)


def test_only_one_clip_sounds_at_a_time(film: Film) -> None:
    """Whoever starts one stops the other."""
    first, second = (_video(film.ana.page, code) for code in film.codes[:2])
    _plays(first)
    _plays(second)
    expect(first).to_have_js_property("paused", value=True)


def test_the_strip_shows_shots_canon_and_film(film: Film) -> None:
    """Three lit frames in one lane, the place of the next one, and the film; a click leads to the clip."""
    strip = film.ana.page.locator("#strip")
    expect(strip.locator(".frame.is-canon[data-state=ready]")).to_have_count(3)
    expect(strip.locator(".line.is-canon")).to_have_count(2)
    expect(strip.locator(".frame-film")).to_have_count(1)
    expect(strip.locator(".frame-picture").first).to_have_js_property("complete", value=True)
    strip.locator(f'[data-code="{film.codes[0]}"]').click()
    expect(_video(film.ana.page, film.codes[0])).to_be_focused()
    expect(_video(film.ana.page, film.codes[0])).to_be_in_viewport()


@pytest.mark.parametrize(
    ("parents", "canon", "places"),
    [
        ([None], [1], {1: (0, 0)}),
        ([None, 1, 2], [1, 2, 3], {1: (0, 0), 2: (1, 0), 3: (2, 0)}),
        ([None, 1, 1], [1, 3], {1: (0, 0), 3: (1, 0), 2: (1, 1)}),
        ([None, 1, 2, 1, 2], [1, 2, 3], {3: (2, 0), 5: (2, 1), 4: (1, 1)}),
        ([None, 1, 2, 1, 4], [1, 2, 3], {4: (1, 1), 5: (2, 1)}),
        ([None, 1, 1, 3, 3, 1], [1, 2], {2: (1, 0), 3: (1, 2), 4: (2, 2), 5: (2, 3), 6: (1, 1)}),
        ([9, 1], [], {1: (0, 0), 2: (1, 0)}),
        ([], [], {}),
    ],
)
def test_every_shot_has_its_place_in_the_tree(
    film: Film, parents: list[int | None], canon: list[int], places: dict[int, tuple[int, int]]
) -> None:
    """Depth is the column, a branch is a lane below, and no two shots stand in one place."""
    shots = [
        {"code": f"a1-{number}", "number": number, "parent": parent and f"a1-{parent}", "on_canon": number in canon}
        for number, parent in enumerate(parents, start=1)
    ]
    script = """async ([base, shots]) => {
        const { layout } = await import(`${base}/tree.js`);
        return layout(shots).nodes.map((node) => [node.shot.number, node.column, node.lane]);
    }"""
    base = film.ana.page.locator("script[type=module]").evaluate("script => script.src.replace('/app.js', '')")
    found = {number: (column, lane) for number, column, lane in film.ana.page.evaluate(script, [base, shots])}
    assert len(found) == len(set(found.values())) == len(shots)
    assert {number: found[number] for number in places} == places


def test_a_reload_shows_the_same(film: Film) -> None:
    """Every message, clip and frame is there again, and the film plays again."""
    page = film.ana.page
    before = page.locator("#log > article").count()
    page.reload()
    expect(page.locator("#log > article")).to_have_count(before)
    expect(page.locator("#strip .frame.is-canon")).to_have_count(3)
    _plays(_video(page, film.film))


def test_two_tabs_are_two_people(browser: Browser, film: Film) -> None:
    """What one says the other sees at once; a name can be for one tab alone."""
    other = film.ana.open()
    other.locator("#who").click()
    other.locator("#name").fill("Ben")
    other.locator("#alone").check()
    other.get_by_role("button", name="Save").click()
    expect(other.locator("#who")).to_have_text(re.compile("Ben"))
    other.locator("#say").fill("shall we?")
    other.locator("#say").press("Enter")
    expect(film.ana.page.locator(".said:not(.is-mine)").filter(has_text="shall we?")).to_be_visible()
    expect(other.locator(".said.is-mine").filter(has_text="shall we?")).to_be_visible()
    expect(film.ana.page.locator("#who")).to_have_text(re.compile("Ana"))
    other.close()


def test_markup_stays_text(browser: Browser, film: Film) -> None:
    """A name and a message made of HTML are shown as they are, everywhere, and nothing of them is run."""
    eve = Visitor(browser, film.house.url, name=HOSTILE.replace("'", ""))
    eve.say(f"{HOSTILE} and <script>document.title=2</script>")
    for page in (eve.page, film.ana.page):
        expect(page.locator(".said-text").filter(has_text=HOSTILE)).to_be_visible()
        assert page.locator("#log img[src=x], #log script, #who img").count() == 0
        assert page.title().endswith("Nextshot")
    assert eve.errors == []
    eve.close()


def test_an_answer_for_one_is_seen_by_one(browser: Browser, film: Film) -> None:
    """A wrong command is explained in its own tab and nowhere else."""
    ben = Visitor(browser, film.house.url, name="Ben")
    ben.say("/crate something")
    expect(ben.page.locator(".card.is-private")).to_contain_text("did you mean /create")
    expect(film.ana.page.locator(".said-text").filter(has_text="/crate something")).to_be_visible()
    assert film.ana.page.locator(".card.is-private").count() == 0
    ben.page.get_by_role("button", name="Dismiss").click()
    expect(ben.page.locator(".card.is-private")).to_have_count(0)
    ben.close()


def test_commands_options_and_codes_complete_themselves(film: Film) -> None:
    """With arrow keys, Tab, Enter and Escape."""
    page, box = film.ana.page, film.ana.page.locator("#say")
    options = page.locator("#completions [role=option]")
    box.fill("")
    box.press_sequentially("/con")
    expect(options).to_have_count(1)
    box.press("Enter")
    expect(box).to_have_value("/continue ")
    box.press_sequentially("rain --ra")
    expect(options).to_contain_text(["--ratio"])
    box.press("Tab")
    expect(options).to_have_text([re.compile("^16:9"), re.compile("^9:16"), re.compile("^1:1")])
    box.press("ArrowDown")
    box.press("Enter")
    expect(box).to_have_value("/continue rain --ratio 9:16 ")
    box.fill("")
    box.press_sequentially("/retake ")
    expect(options.first).to_contain_text(film.codes[-1])
    box.press("Escape")
    expect(options.first).to_be_hidden()
    expect(box).to_have_value("/retake ")
    box.fill("")


def test_a_branch_is_made_and_deleted_with_the_keyboard_alone(film: Film) -> None:
    """Strip, button, composer, rendering, confirmation: no pointer anywhere."""
    page = film.ana.page
    page.locator("#who").focus()
    page.keyboard.press("Tab")
    expect(page.locator(f'.frame[data-code="{film.codes[0]}"]')).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.locator(f'.frame[data-code="{film.codes[1]}"]')).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(_video(page, film.codes[0])).to_be_focused()
    card = page.locator(".card.has-video").filter(has=_video(page, film.codes[0]))
    _tab_to(page, card.locator("[data-verb=continue]"))
    page.keyboard.press("Enter")
    box = page.locator("#say")
    expect(box).to_be_focused()
    expect(box).to_have_value(f"/continue {film.codes[0]} ")
    page.keyboard.type("a fox runs along the beach")
    page.keyboard.press("Enter")
    branch = _clip(page, 5)
    expect(page.locator(f'.frame[data-code="{branch}"]:not(.is-canon)[data-lane="1"]')).to_be_visible()
    card = page.locator(".card.has-video").filter(has=_video(page, branch))
    card.locator("video").focus()
    _tab_to(page, card.locator("[data-verb=delete]"))
    page.keyboard.press("Enter")
    expect(card.get_by_role("button", name="Keep it")).to_be_focused()
    page.keyboard.press("Escape")
    expect(card.locator("[data-verb=delete]")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator(f'.frame[data-code="{branch}"]')).to_have_count(0)
    expect(page.locator(".card").filter(has_text=f"{branch} was deleted.")).to_be_visible()


def _tab_to(page: Page, target: Locator) -> None:
    """Press Tab until it has the focus."""
    for _ in range(30):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError("Tab does not lead there")


def test_a_render_shows_its_progress_and_can_be_cancelled(film: Film) -> None:
    """The message changes in place, the strip turns its ring, and Cancel ends both."""
    page = film.ana.page
    film.ana.say("/continue a slow dawn over the mountains --seconds 20 --resolution 1080p")
    live = page.locator(".card.is-live")
    expect(live.locator("progress")).to_have_attribute("value", re.compile(r"\d"), timeout=RENDER_MS)
    expect(page.locator(".frame[data-state=running]")).to_have_count(1)
    expect(live.locator(".card-picture")).to_be_visible(timeout=RENDER_MS)
    live.get_by_role("button", name="Cancel").click()
    expect(live).to_have_count(0, timeout=RENDER_MS)
    expect(page.locator(".frame[data-state=running]")).to_have_count(0)


def test_a_download_is_the_clip(film: Film) -> None:
    """Under its code, and the other files beside it."""
    card = film.ana.page.locator(".card.has-video").filter(has=_video(film.ana.page, film.film))
    with film.ana.page.expect_download() as started:
        card.locator("[data-variant=video]").click()
    assert started.value.suggested_filename == f"{film.film}.mp4"
    card.get_by_role("button", name=re.compile("More files")).click()
    with film.ana.page.expect_download() as started:
        card.locator("[data-variant=last-frame]").click()
    assert started.value.suggested_filename == f"{film.film}-last-frame.png"


def test_a_gif_of_the_film_moves_in_its_message(film: Film) -> None:
    """It is made when its message is in sight, and saved under the film's code."""
    page = film.ana.page
    card = page.locator(".card.has-video").filter(has=_video(page, film.film))
    card.get_by_role("button", name="GIF").click()
    page.locator(".card", has_text=f"{film.film} · gif").last.scroll_into_view_if_needed()
    image = page.get_by_role("img", name=f"{film.film}.gif")
    expect(image).to_have_js_property("complete", value=True, timeout=RENDER_MS)
    assert image.evaluate("image => image.naturalWidth") > 0
    with page.expect_download() as started:
        page.get_by_role("link", name=f"Download {film.film}.gif").click()
    assert started.value.suggested_filename == f"{film.film}.gif"


@pytest.mark.parametrize("width", [360, 768])
def test_nothing_is_wider_than_a_phone(browser: Browser, film: Film, width: int) -> None:
    """The page never scrolls sideways, and what is needed can be reached."""
    visitor = Visitor(browser, film.house.url, name="Cleo", width=width, height=740)
    visitor.page.locator("#say").fill("/" + "w" * 200 + " " + "ж" * 300)
    visitor.page.locator("#say").press("Enter")
    visitor.say("/help")
    expect(visitor.page.locator(".card.is-private").last).to_contain_text("/stitch")
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= width
    assert visitor.page.evaluate("document.querySelector('#scroll').scrollWidth") <= width
    for target in ("#who", "#say", ".round.is-main"):
        expect(visitor.page.locator(target)).to_be_in_viewport(ratio=1)
    visitor.close()


def test_a_restart_of_the_server_is_survived(film: Film) -> None:
    """The page says that the line is broken, comes back by itself, and shows everything; what was typed is kept."""
    page = film.ana.page
    before = page.locator("#log > article[data-id]").count()
    assert film.house.stop(signal.SIGTERM) < 5
    expect(page.locator("#banner")).to_be_visible(timeout=15_000)
    film.ana.say("is anybody there?")
    expect(page.locator(".composer-error")).to_contain_text("cannot be reached")
    expect(page.locator("#say")).to_have_value("is anybody there?")
    film.house.start()
    expect(page.locator("#banner")).to_be_hidden(timeout=20_000)
    page.locator("#say").press("Enter")
    expect(page.locator("#log > article[data-id]")).to_have_count(before + 1)
    page.reload()
    expect(page.locator("#log > article[data-id]")).to_have_count(before + 1)
    _plays(_video(page, film.film))
    film.ana.errors.clear()  # the browser's own words about the broken line


def test_a_killed_server_finishes_the_clip_once(film: Film) -> None:
    """Killed while it renders and started again, it delivers the clip, and the page shows it one time."""
    page = film.ana.page
    film.ana.say("/create a whale glides over a reef --seconds 4")
    expect(page.locator(".card.is-live progress")).to_have_attribute("value", re.compile(r"\d"), timeout=RENDER_MS)
    film.house.stop(signal.SIGKILL)
    film.house.start()
    expect(page.locator(".card.is-live")).to_have_count(0, timeout=RENDER_MS)
    clips = page.locator(".card").filter(has_text="a whale glides").filter(has=page.locator("video"))
    expect(clips).to_have_count(1, timeout=RENDER_MS)
    assert abs(_plays(clips.locator("video")) - 4) < 0.1
    page.wait_for_timeout(1_000)
    expect(clips).to_have_count(1)
    film.ana.errors.clear()  # the browser's own words about the broken line


def test_an_example_of_an_empty_room_is_really_sent(browser: Browser, film: Film, tmp_path: Path) -> None:
    """One click, and a shot begins."""
    page = Visitor(browser, film.house.url + "room/attic", name="Ana").page
    page.locator(".example").first.click()
    expect(page.locator(".said-text")).to_contain_text("/create a lighthouse")
    live = page.locator(".card.is-live")
    expect(live).to_be_visible()
    live.get_by_role("button", name="Cancel").click()
    expect(live).to_have_count(0, timeout=RENDER_MS)
