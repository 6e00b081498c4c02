"""The formats for CI, each judged by a parser of its own, with hostile text in every place that can carry some."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from gitops_push.core.checkout import Checkout
from gitops_push.core.codes import Code
from gitops_push.core.errors import Problem
from gitops_push.core.objects import ObjectRef
from gitops_push.core.origin import Origin
from gitops_push.core.run import RunHeader
from gitops_push.core.untrusted import clean_line
from gitops_push.reports.annotations import to_annotations
from gitops_push.reports.formats import DRAWN_FORMATS, draw
from gitops_push.reports.html_page import to_html
from gitops_push.reports.junit import to_junit
from gitops_push.reports.lines import Line, Tone
from gitops_push.reports.markdown import to_markdown
from gitops_push.reports.overview import Entry, Level, Mark, Overview, problems_overview
from tests.runners import commands_in, hostile_text

SECRET = "hunter2-hunter2"
MARKUP = st.sampled_from(
    [
        *("`", "```", "~~~", "|", "\\", "*", "_", "[a](http://x)", "![i](http://x)", "<b>", "</code>", "</details>"),
        *("<script>", "&lt;", "]]>", "-->", "@team", "#1", "http://x.example", "a@b.example", "'", '"', ">", "%0A"),
        *(",", ":", "::", "##[group]", SECRET, "\n", "\r", "\u202e", "\ud800", "\x00", "- ", "+ ", "   "),
    ]
)
carried = st.lists(MARKUP | hostile_text, max_size=6).map("".join)
tones = st.sampled_from(list(Tone))
origins = st.none() | st.builds(Origin, carried.map(lambda text: text or "f"), st.integers(0, 99), st.integers(0, 99))
entries = st.builds(
    Entry,
    subject=carried,
    word=st.sampled_from(["update", "edited", "not ready"]),
    tone=tones,
    summary=carried,
    details=st.lists(st.builds(Line, carried.map(lambda text: f"    {text}"), tones), max_size=4).map(tuple),
    origin=origins,
    marks=st.lists(st.builds(Mark, carried, st.builds(Origin, carried, st.integers(0, 9))), max_size=2).map(tuple),
    level=st.none() | st.sampled_from(list(Level)),
    rule=st.sampled_from(["GP0302", "edited"]),
    loud=st.booleans(),
)
headers = st.none() | st.builds(
    lambda name, cluster: RunHeader("1.0", name, Checkout(Path("/repo")), cluster), carried, carried
)
overviews = st.builds(
    Overview,
    title=st.just("plan"),
    environment=carried,
    verdict=carried,
    tone=tones,
    entries=st.lists(entries, max_size=4).map(tuple),
    quiet=st.integers(0, 3),
    header=headers,
    notes=st.lists(carried, max_size=2).map(tuple),
    next_command=carried,
)


def clean(text: str) -> str:
    return clean_line(text.replace(SECRET, "***"))


class Page(HTMLParser):
    """The tags and the text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return "".join(self.texts)


def markdown_page(text: str) -> Page:
    """As a forge draws it: HTML is let through, bare addresses become links."""
    return Page(MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(text))


def shown_texts(overview: Overview) -> set[str]:
    """All texts of others in an overview, as they may be shown."""
    found = {overview.environment, overview.verdict}
    for entry in overview.entries:
        found |= {entry.subject, entry.summary}
    return {clean(text) for text in found}


@pytest.mark.parametrize("name", [name for name in DRAWN_FORMATS if name != "github"])
@given(found=st.lists(overviews, max_size=2))
@settings(max_examples=60, deadline=None)
def test_no_runner_finds_a_command_in_a_report(name: str, found: list[Overview]) -> None:
    text = draw(name, found, clean)
    assert commands_in(text) == []
    assert SECRET not in text
    text.encode()


@given(overviews)
@settings(max_examples=200, deadline=None)
def test_markdown_shows_the_text_of_others_and_draws_nothing_of_it(overview: Overview) -> None:
    page = markdown_page(to_markdown([overview], clean))
    allowed = {"h3", "p", "ul", "li", "code", "pre", "details", "summary", "strong", "hr"}
    assert page.tags <= allowed
    assert page.attributes <= {"class"}
    spaceless = re.sub(r"\s", "", page.text)
    for text in shown_texts(overview):
        assert re.sub(r"\s", "", text) in spaceless


@given(overviews)
@settings(max_examples=200, deadline=None)
def test_a_page_shows_the_text_of_others_and_draws_nothing_of_it(overview: Overview) -> None:
    page = Page(to_html([overview], clean))
    assert not page.tags & {"script", "a", "img", "b", "iframe", "link", "form"}
    assert page.attributes <= {"lang", "charset", "name", "content", "http-equiv", "class", "open"}
    for text in shown_texts(overview):
        assert text in page.text


@given(overviews)
@settings(max_examples=200, deadline=None)
def test_junit_has_a_case_an_entry_with_its_text(overview: Overview) -> None:
    suite = ET.fromstring(to_junit([overview], clean).split("\n", 1)[1])[0]
    cases = suite.findall("testcase")
    assert len(cases) == len(overview.entries) + bool(overview.quiet) == int(suite.get("tests", "-1"))
    failing = [entry for entry in overview.entries if entry.level in {Level.ERROR, Level.WARNING}]
    assert len(suite.findall("testcase/failure")) == len(failing) == int(suite.get("failures", "-1"))
    for case, entry in zip(cases, overview.entries, strict=False):
        assert case.get("name") == clean(entry.subject)


def github_commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """As the runner reads them: name, properties and message."""
    found = []
    for line in text.splitlines():
        match = re.fullmatch(r"::(\w+) ([^:]*)::(.*)", line)
        assert match, line
        properties = dict(part.split("=", 1) for part in match[2].split(","))
        found.append((match[1], {key: unescaped(value) for key, value in properties.items()}, unescaped(match[3])))
    return found


def unescaped(text: str) -> str:
    for escape, meant in (("%2C", ","), ("%3A", ":"), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
        text = text.replace(escape, meant)
    return text


@given(overviews)
@settings(max_examples=200, deadline=None)
def test_every_annotation_is_one_that_we_meant(overview: Overview) -> None:
    commands = github_commands(to_annotations([overview], clean))
    meant = [entry for entry in overview.entries if entry.level]
    assert len(commands) == sum(max(1, len(entry.marks)) for entry in meant)
    assert all(name in set(Level) for name, _, _ in commands)
    assert not any(SECRET in message for _, _, message in commands)
    for entry in meant:
        for mark in entry.marks:
            wanted = clean(f"{entry.subject}: {entry.word}: {mark.message}" if mark.message else entry.subject)
            assert any(message.startswith(wanted[:1000]) for _, _, message in commands)


@given(st.lists(overviews, max_size=2))
@settings(max_examples=100, deadline=None)
def test_sarif_and_code_quality_name_the_same_findings(found: list[Overview]) -> None:
    sarif = json.loads(draw("sarif", found, clean))
    quality = json.loads(draw("gitlab-codequality", found, clean))
    results = sarif["runs"][0]["results"]
    rules = [rule["id"] for rule in sarif["runs"][0]["tool"]["driver"]["rules"]]
    assert [rules[result["ruleIndex"]] for result in results] == [result["ruleId"] for result in results]
    assert [r["partialFingerprints"]["gitopsPush/v1"] for r in results] == [q["fingerprint"] for q in quality]
    assert [r["message"]["text"] for r in results] == [q["description"] for q in quality]
    for result in results:
        location = result["locations"][0]["physicalLocation"]
        assert location["region"]["startLine"] >= 1
        assert re.fullmatch(r"[-A-Za-z0-9._~/%]*", location["artifactLocation"]["uri"])


def entry(number: int, **more: Any) -> Entry:
    ref = ObjectRef("apps", "Deployment", "shop", f"web-{number}")
    return Entry(str(ref), "edited", Tone.UPDATE, "1 field", origin=Origin("a.yaml", number + 1, 3), **more)


def overview(found: Sequence[Entry], environment: str = "prod") -> Overview:
    return Overview("drift", environment, f"DRIFT {environment}", Tone.UPDATE, tuple(found))


def test_of_many_findings_the_tenth_mark_says_how_many_more_there_are() -> None:
    found = [entry(number, level=Level.WARNING) for number in range(25)]
    lines = to_annotations([overview(found)], clean).splitlines()
    assert len(lines) == 10
    assert lines[0] == (
        "::warning title=prod%3A edited,file=a.yaml,line=1,col=3::apps/Deployment shop/web-0: edited: 1 field"
    )
    assert lines[-1] == "::warning title=gitops-push::and 16 more: see the report"


def test_a_finding_keeps_its_fingerprint_when_its_line_moves() -> None:
    def fingerprint(place: Origin) -> str:
        found = Entry("v1/ConfigMap shop/a", "edited", Tone.UPDATE, origin=place, level=Level.WARNING, rule="edited")
        return str(json.loads(draw("gitlab-codequality", [overview([found])], clean))[0]["fingerprint"])

    assert fingerprint(Origin("a.yaml", 3)) == fingerprint(Origin("a.yaml", 30))
    assert fingerprint(Origin("a.yaml", 3)) != fingerprint(Origin("b.yaml", 3))


def test_a_field_that_drifted_is_marked_at_its_own_line() -> None:
    marks = (Mark("spec.replicas is 7, and here it is 1", Origin("base/web.yaml", 6, 13)),)
    text = to_annotations([overview([entry(0, level=Level.WARNING, marks=marks)])], clean)
    assert text == (
        "::warning title=prod%3A edited,file=base/web.yaml,line=6,col=13::"
        "apps/Deployment shop/web-0: edited: spec.replicas is 7, and here it is 1\n"
    )


@pytest.mark.parametrize("most_bytes", [2_000, 20_000, 60_000])
def test_markdown_that_is_too_long_loses_whole_objects_and_counts_them(most_bytes: int) -> None:
    details = tuple(Line(f"    spec.field{n}: é -> ü", Tone.PLAIN) for n in range(40))
    text = to_markdown([overview([entry(n, details=details) for n in range(500)])], clean, most_bytes)
    assert len(text.encode()) <= most_bytes
    rows = len(re.findall(r"^- 🟡", text, re.MULTILINE))
    cut = re.search(r"and (\d+) more objects", text)
    assert rows + (int(cut[1]) if cut else 0) == 500
    bodies = text.count("<details>")
    assert bodies == text.count("</details>")
    assert f"_The details of {500 - bodies} objects are left out here: there is no room._" in text
    assert markdown_page(text).tags <= {"h3", "p", "ul", "li", "code", "pre", "details", "summary", "em", "strong"}


def test_a_verdict_is_shown_for_each_environment_however_long_the_first_one_is() -> None:
    details = tuple(Line(f"    line {n}") for n in range(400))
    long = overview([entry(n, details=details) for n in range(200)], "first")
    text = to_markdown([long, overview([entry(0)], "second")], clean, 10_000)
    assert "`DRIFT first`" in text
    assert "`DRIFT second`" in text


def test_problems_are_findings_at_their_lines() -> None:
    where = Origin("apps/web.yaml", 22, 11)
    problem = Problem(Code.FIELD_CONFLICT, "field conflict\nset by kubectl", where, hint="leave it out")
    failed = problems_overview("plan", "prod", [problem], 15)
    assert to_annotations([failed], clean) == (
        "::error title=prod%3A error,file=apps/web.yaml,line=22,col=11::prod: error: field conflict\n"
    )
    suite = ET.fromstring(to_junit([failed], clean).split("\n", 1)[1])
    failure = suite.find("testsuite/testcase/failure")
    assert failure is not None
    assert (failure.get("type"), failure.text) == ("GP0302", "field conflict\nset by kubectl\nhelp: leave it out")
    assert failed.exit_code == 15


@pytest.mark.parametrize("drawn", [to_markdown, to_html])
def test_a_report_of_nothing_is_still_a_report(
    drawn: Callable[[Sequence[Overview], Callable[[str], str]], str],
) -> None:
    text = drawn([Overview("drift", "prod", "IN SYNC prod: 3 objects", Tone.GOOD, quiet=3)], clean)
    assert "IN SYNC prod: 3 objects" in text
    assert "3 objects as they should be" in text
