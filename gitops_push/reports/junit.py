"""Reports as JUnit XML: a suite an environment, a case an object, so that CI shows which object failed.

The form that Jenkins, GitLab, Azure and GitHub's reporters read: https://github.com/testmoapp/junitxml.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable

from gitops_push.reports.overview import Clean, Entry, Level, Overview


def to_junit(overviews: Iterable[Overview], clean: Clean) -> str:
    """Return the overviews as one XML document.

    What asks for attention is a failure, a notice is a passed case with output. Objects that are as they should be are
    one passed case a suite, so that the count of cases is right where nothing is told of them.
    """
    suites = [_suite(overview, clean) for overview in overviews]
    root = ET.Element("testsuites", {"name": "gitops-push", **_totals(suites)})
    root.extend(suites)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(overview: Overview, clean: Clean) -> ET.Element:
    name = clean(f"{overview.title} {overview.environment}")
    cases = [_case(entry, name, clean) for entry in overview.entries]
    if overview.quiet:
        quiet = {"name": f"{overview.quiet} objects as they should be", "classname": name, "time": "0.000"}
        cases.append(ET.Element("testcase", quiet))
    failures = sum(case.find("failure") is not None for case in cases)
    seconds = sum(entry.seconds for entry in overview.entries)
    counts = {"tests": str(len(cases)), "failures": str(failures), "errors": "0", "skipped": "0"}
    suite = ET.Element("testsuite", {"name": name, **counts, "time": f"{seconds:.3f}"})
    properties = ET.SubElement(suite, "properties")
    for key, value in _facts(overview):
        ET.SubElement(properties, "property", name=key, value=clean(value))
    suite.extend(cases)
    return suite


def _facts(overview: Overview) -> Iterable[tuple[str, str]]:
    yield "verdict", overview.verdict
    yield "exitCode", str(overview.exit_code)
    if overview.header:
        yield "commit", overview.header.checkout.commit
        yield "cluster", overview.header.cluster


def _case(entry: Entry, suite: str, clean: Clean) -> ET.Element:
    case = ET.Element("testcase", name=clean(entry.subject), classname=suite, time=f"{entry.seconds:.3f}")
    if entry.origin:
        case.set("file", clean(entry.origin.file))
        if entry.origin.line:
            case.set("line", str(entry.origin.line))
    text = "\n".join(clean(line) for line in (entry.summary, *(detail.text for detail in entry.details)))
    if entry.level in {Level.ERROR, Level.WARNING}:
        message = clean(f"{entry.word}: {entry.summary}" if entry.summary else entry.word)
        failure = ET.SubElement(case, "failure", message=message, type=entry.rule)
        failure.text = text
    else:
        output = ET.SubElement(case, "system-out")
        output.text = f"{entry.word}: {text}"
    return case


def _totals(suites: Iterable[ET.Element]) -> dict[str, str]:
    every = tuple(suites)
    counts = {key: str(sum(int(suite.get(key, "0")) for suite in every)) for key in ("tests", "failures", "errors")}
    return {**counts, "time": f"{sum(float(suite.get('time', '0')) for suite in every):.3f}"}
