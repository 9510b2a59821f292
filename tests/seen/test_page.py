# SPDX-License-Identifier: Apache-2.0
"""Pages in a browser: one Chromium for all. With FITOUT_AXE (tools/check
--peers sets it to axe-core's axe.min.js) also what axe finds in them; with
FITOUT_PICTURES, a directory, what they look like."""
import os
import pathlib

import pytest

from page import CHROMIUM, Browser
from runs import Runs

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no chromium here")
AXE = os.environ.get("FITOUT_AXE")
EVERY = pytest.mark.parametrize("name", Runs.NAMES + ("compared",))


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture(scope="module")
def pages(runs, browser):
    compared = runs.directory / "compared"
    compared.mkdir()
    done = runs.fitout("report", "--compare", "1", "--html",
                       str(compared / "report.html"))
    assert done.returncode == 0, done.stderr
    return {name: browser.open(runs.directory / name / "report.html")
            for name in Runs.NAMES + ("compared",)}


@EVERY
def test_nothing_is_asked_for_and_nothing_runs(pages, name):
    page = pages[name]
    addresses = page.asked_for()
    assert len(addresses) == 1 and addresses[0].startswith("file://")
    assert page.evaluate("document.scripts.length") == 0
    assert page.evaluate("document.title").startswith("web: ")


WIDER = """[...document.querySelectorAll('body *')].filter(e => {
    let r = e.getBoundingClientRect();
    return r.width && (r.right > innerWidth + 1 || r.left < -1) &&
        !e.closest('svg')}).map(e => e.outerHTML.slice(0, 200))"""


@EVERY
@pytest.mark.parametrize("width", [400, 740, 1100])
def test_everything_is_inside_the_window(pages, name, width):
    page = pages[name]
    page.look(width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(WIDER) == []
    assert page.evaluate("getComputedStyle(document.body).fontSize") == "15px"


@EVERY
def test_dark_and_light_are_what_was_asked_for(pages, name):
    page = pages[name]
    colours = []
    for dark in (False, True):
        page.look(dark=dark)
        colours.append(page.evaluate(
            "getComputedStyle(document.body).backgroundColor"))
    assert colours == ["rgb(255, 255, 255)", "rgb(13, 17, 23)"]


def test_printed_it_is_light_and_whole(pages, tmp_path):
    page = pages["good"]
    page.look(740, dark=True)
    page.call("Emulation.setEmulatedMedia", media="print", features=[
        {"name": "prefers-color-scheme", "value": "dark"}])
    assert page.evaluate("getComputedStyle(document.body).color") == \
        "rgb(27, 31, 36)"
    assert page.evaluate("document.documentElement.scrollWidth") <= 740
    page.call("Emulation.setEmulatedMedia", media="")
    path = tmp_path / "page.pdf"
    page.print(path)
    text = path.read_bytes()
    assert text.startswith(b"%PDF") and 1 <= text.count(b"/Type /Page\n") <= 8


LABELS = """(() => {
    let out = [], texts = [...document.querySelectorAll('svg text')];
    let box = document.querySelector('svg').getBoundingClientRect();
    let bars = [...document.querySelectorAll('svg rect[rx]')];
    for (let t of texts) {
        let r = t.getBoundingClientRect();
        if (r.left < box.left - 1 || r.right > box.right + 1)
            out.push('outside: ' + t.textContent);
        for (let bar of bars) {
            let b = bar.getBoundingClientRect();
            if (r.left < b.right - 1 && b.left < r.right - 1 &&
                r.top < b.bottom - 4 && b.top < r.bottom - 4)
                out.push('over a bar: ' + t.textContent);
        }
    }
    return out; })()"""


@EVERY
def test_labels_of_the_picture_are_beside_the_bars(pages, name):
    page = pages[name]
    page.look(1100)
    assert page.evaluate("document.querySelectorAll('svg text').length") > 10
    assert page.evaluate(LABELS) == []


@EVERY
def test_axe_finds_nothing(pages, name):
    if not AXE:
        pytest.skip("FITOUT_AXE is not set (tools/check --peers)")
    page = pages[name]
    # axe is a script: the page's own policy is for what comes with it.
    page.evaluate(pathlib.Path(AXE).read_text() + ";0")
    for width in (400, 1100):
        for dark in (False, True):
            page.look(width, dark=dark)
            found = page.evaluate(
                "axe.run().then(r => [r.passes.length, r.violations.map(v =>"
                " [v.id, v.help, v.nodes.map(n => n.html)])])")
            assert found[0] > 10 and found[1] == [], (width, dark, found)


@EVERY
def test_pictures_for_people(pages, name):
    """Not judged here: by whoever looks at them."""
    where = os.environ.get("FITOUT_PICTURES")
    if not where:
        pytest.skip("FITOUT_PICTURES is not set")
    page = pages[name]
    for width, dark in ((1100, False), (1100, True), (400, False)):
        page.look(width, dark=dark)
        path = pathlib.Path(where) / f"{name}-{width}{'-dark' * dark}.png"
        page.picture(path)
        assert path.read_bytes().startswith(b"\x89PNG")
