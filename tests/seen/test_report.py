# SPDX-License-Identifier: Apache-2.0
"""Reports of runs that went well, failed, and went on after a kill -9."""
import html.parser
import json
import re
import xml.etree.ElementTree as ET

import pytest

import schema
from runs import SIZE, THREE, Runs

EVERY = pytest.mark.parametrize("name", Runs.NAMES)
SVG = "{http://www.w3.org/2000/svg}"


def report_of(runs, name):
    return schema.validate_text(
        (runs.pages[name] / "report.json").read_text(), "report")


def rows_of(runs, name, event):
    return [row for row in report_of(runs, name)["timeline"]
            if row["event"] == event]


def svg_of(runs, name):
    return ET.parse(runs.pages[name] / "report.svg").getroot()


def labels_of(svg):
    return ["".join(text.itertext()) for text in svg.iter(SVG + "text")]


@EVERY
def test_the_schema_holds(runs, name):
    assert report_of(runs, name)["fitout_report"] == 2


def test_facts_of_transfers(runs):
    rows = {row["resource"]: row for row in rows_of(runs, "good", "fetch")}
    assert set(rows) == {f"package {name}" for name in THREE}
    php = rows["package php7"]
    assert php["retries"] == 1 and "retries" not in rows["package nginx"]
    assert php["bytes"] == php["size"] > SIZE
    assert php["url"].endswith("/php7.tar") and len(php["sha256"]) == 64
    unpacked = rows_of(runs, "good", "unpack")
    assert {row["unpacked_bytes"] for row in unpacked} == {SIZE}
    assert {row["entries"] for row in unpacked} == {1}


def test_facts_of_a_failed_transfer(runs):
    php, = rows_of(runs, "failed", "failed")
    assert php["resource"] == "package php7" and php["detail"] == "fetch"
    # A broken connection may take with it what has not been read yet.
    assert php["bytes"] <= SIZE // 2 and php["retries"] == 1
    zabbix, = rows_of(runs, "failed", "fetch.unfinished")
    assert zabbix["resource"] == "package zabbix-agent"


def test_facts_of_checks(runs):
    first, second = rows_of(runs, "good", "check.holds")
    assert first["tries"] == 2 and second["tries"] == 1


def test_warnings_are_kept(runs):
    rows = report_of(runs, "good")["warnings"]
    assert [row["event"] for row in rows] == ["fetch.retry"]
    assert rows[0]["resource"] == "package php7"
    events = [r["event"] for r in report_of(runs, "resumed")["warnings"]]
    assert events[0].startswith("recover."), events
    events = [r["event"] for r in report_of(runs, "unchecked")["warnings"]]
    assert "run.failed" not in events


@EVERY
def test_text_fits_the_console(runs, name):
    text = (runs.pages[name] / "report.txt").read_text()
    assert max(map(len, text.splitlines())) <= 80, text
    assert "\t" not in text and "\033" not in text


def test_text_shows_retries_bytes_and_the_way_it_took(runs):
    text = (runs.pages["good"] / "report.txt").read_text()
    assert re.search(r"fetch package php7 \(.* kB, 1 retry\)",
                     text.replace("\n" + " " * 44, " ")), text
    assert re.search(r"\|[ #]*#[ #]*\| start agent", text), text
    failed = (runs.pages["failed"] / "report.txt").read_text()
    assert re.search(r"#\s*\| FAILED: fetch package php7", failed), failed


# ---- pictures ----

@EVERY
def test_the_picture_is_well_formed_and_complete(runs, name):
    svg = svg_of(runs, name)
    labels = " | ".join(labels_of(svg))
    for word in THREE:
        assert f"package {word}" in labels
    assert "critical path" in labels
    outlined = [r for r in svg.iter(SVG + "rect") if "fo-c" in r.get("class")]
    assert outlined
    # Everything is inside of it.
    _, _, width, height = map(float, svg.get("viewBox").split())
    for rect in svg.iter(SVG + "rect"):
        x, y = float(rect.get("x", 0)), float(rect.get("y", 0))
        assert 0 <= x and x + float(rect.get("width")) <= width
        assert 0 <= y and y + float(rect.get("height")) <= height


def test_what_a_profile_says_is_text_in_the_picture(runs):
    svg = svg_of(runs, "good")
    assert not [e for e in svg.iter() if "script" in e.tag]
    assert any("<script>alert(1)</script>" in x for x in labels_of(svg))
    for element in svg.iter():
        assert not [a for a in element.attrib if a.startswith("on")]


def test_the_picture_needs_nothing_from_outside(runs):
    text = (runs.pages["good"] / "report.svg").read_text()
    assert text.count("http://") == text.count("http://www.w3.org/2000/svg")
    assert "@import" not in text and "url(" not in text


class Tags(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.text, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "br", "rect", "line"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text.append(data)


@EVERY
def test_the_page_is_whole_and_its_own(runs, name):
    page = Tags((runs.pages[name] / "report.html").read_text())
    assert page.open == []
    names = [tag for tag, _ in page.tags]
    assert not {"script", "link", "img", "iframe", "object"} & set(names)
    for tag in ("header", "main", "footer", "svg", "table", "caption"):
        assert tag in names
    assert len([t for t in names if t == "h1"]) == 1
    for tag, attributes in page.tags:
        assert not {"src", "href", "srcset"} & set(attributes), tag
        assert not [a for a in attributes if a.startswith("on")], attributes
    heads = [attributes for tag, attributes in page.tags if tag == "th"]
    assert all("scope" in attributes for attributes in heads)
    text = " ".join(page.text)
    assert "<script>alert(1)</script>" in text
    for word in ("Summary", "Timeline", "Versions", "Confinement"):
        assert word in text


def test_the_page_says_what_failed_and_what_stayed(runs):
    page = (runs.pages["unchecked"] / "report.html").read_text()
    assert "does not hold within its timeout (1 s)" in page
    assert "The host is as it was before." in page
    assert "Left in place: command warm ran" in page


# ---- two of them ----

def test_compare_with_a_generation_and_with_a_file(runs):
    other = runs.pages["resumed"] / "report.json"
    done = runs.fitout("--json", "report", "--compare", str(other))
    assert done.returncode == 0, done.stderr
    value = schema.validate_text(done.stdout, "report-compare")
    facts = {row["name"]: row for row in value["facts"]}
    assert facts["outcome"] == {"name": "outcome", "this": "failed",
                                "other": "done"}
    assert "package nginx" in facts
    by_generation = runs.fitout("--json", "report", "--compare", "1")
    assert json.loads(by_generation.stdout) == value
    text = runs.fitout("report", "--compare", "1").stdout
    assert max(map(len, text.splitlines())) <= 80
    assert re.search(r"^  fetch package php7 +\d\.\d{3} s +\d\.\d{3} s +"
                     r"[+-]\d\.\d{3} s$", text, re.M), text
    page = runs.directory / "both.html"
    done = runs.fitout("report", "--compare", "1", "--html", str(page))
    assert done.returncode == 0, done.stderr
    assert "Compared with another run" in page.read_text()


@pytest.mark.parametrize("other, status, words", [
    ("77", 2, "no report of generation 77; generations that are kept: 1, 2"),
    ("/nonexistent", 2, "does not exist; say the number of a generation")])
def test_compare_with_what_is_not_there(runs, other, status, words):
    done = runs.fitout("report", "--compare", other)
    assert done.returncode == status and words in done.stderr, done.stderr


@pytest.mark.parametrize("text, words", [
    ("{", "is damaged"), ('{"fitout_report": 3}', "has format 3, this fitout "
                          "reads 1 to 2"), ("[]", "has format 0")])
def test_compare_with_what_is_none(runs, tmp_path, text, words):
    path = tmp_path / "other.json"
    path.write_text(text)
    done = runs.fitout("report", "--compare", str(path))
    assert done.returncode == 1 and words in done.stderr, done.stderr


def test_a_report_of_version_1_is_read(runs, tmp_path):
    old = report_of(runs, "good")
    old["fitout_report"] = 1
    for name in ("host", "warnings", "boot"):
        del old[name]
    for row in old["timeline"]:
        for name in set(row) - {"event", "resource", "begin_ms", "end_ms",
                                "detail"}:
            del row[name]
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    (state / "report.json").write_text(json.dumps(old))
    for words in ([], ["--svg", "-"], ["--html", "-"], ["--compare",
                  str(runs.pages["good"] / "report.json")]):
        done = runs.fitout("--state", str(state), "report", *words)
        assert done.returncode == 0, done.stderr
        assert "nginx" in done.stdout


def test_a_report_that_says_nothing_sensible_is_drawn(runs, tmp_path):
    """Somebody else's file: any member may be missing or of another type."""
    path = tmp_path / "odd.json"
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    big = 2**63 - 1
    odd = {"fitout_report": 2, "profile": 7, "elapsed_ms": "x", "boot": 3,
           "host": [], "warnings": {"a": 1}, "resources": [[], {}, "x"],
           "timeline": [{}, 5, {"event": "fetch", "begin_ms": 9,
                                "end_ms": 3, "detail": "\u202e\033[2J<b>"},
                        {"event": "commit", "begin_ms": -5, "end_ms": 4000},
                        {"event": "failed", "end_ms": big, "begin_ms": -big,
                         "url": "x", "bytes": -1}]}
    path.write_text(json.dumps(odd))
    (state / "report.json").write_text(json.dumps(odd))
    for words in ([], ["--svg", "-"], ["--html", "-"], ["--compare",
                                                        str(path)]):
        done = runs.fitout("--state", str(state), "report", *words)
        assert done.returncode == 0, done.stderr
        assert "\033" not in done.stdout and "\u202e" not in done.stdout
    ET.fromstring(runs.fitout("--state", str(state), "report", "--svg",
                              "-").stdout.encode())


def test_a_file_that_cannot_be_written(runs):
    done = runs.fitout("report", "--html", "/nonexistent/x.html")
    assert done.returncode == 1
    assert "write /nonexistent/x.html" in done.stderr


def test_a_page_goes_into_a_pipe_and_replaces_a_file(runs, tmp_path):
    path = tmp_path / "page.html"
    path.write_text("old" * 100000)
    assert runs.fitout("report", "--html", str(path)).returncode == 0
    assert path.read_text().endswith("</html>\n")
    assert runs.fitout("report", "--html", "-").stdout == path.read_text()
    assert runs.fitout("report", "--svg",
                       "/dev/stdout").stdout.endswith("</svg>\n")
