"""One run feeds every report, and real parsers read them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from junitparser import JUnitXml
from sarif_pydantic import Sarif

from tests.controlplane.kubectl import Kubectl
from tests.e2e.program import Finished, Program, config_map
from tests.unit.reports.test_ci_formats import markdown_page

NAMES = ("markdown", "html", "junit", "sarif", "github", "gitlab-codequality")


def report(program: Program, *command: str) -> tuple[Finished, dict[str, str]]:
    files = {name: program.folder / f"report.{name}" for name in NAMES}
    done = program(*command, *(flag for name, file in files.items() for flag in ("-o", f"{name}={file}")))
    return done, {name: file.read_text() for name, file in files.items()}


def test_drift_is_reported_at_the_line_that_wants_something_else(
    program: Program, kubectl: Kubectl, namespace: str
) -> None:
    assert program("apply", "test", "--yes").code == 0
    kubectl("patch", "configmap", "settings", "-n", namespace, "--type=merge", "-p", '{"data":{"key":"edited"}}')
    done, found = report(program, "drift", "test", "--exit-code")
    assert done.code == 3, done
    line = next(
        n for n, text in enumerate((program.folder / "app/settings.yaml").read_text().splitlines(), 1) if "key:" in text
    )
    (result,) = Sarif.model_validate_json(found["sarif"]).runs[0].results
    place = (result.locations or [])[0].physical_location
    assert place is not None
    assert place.artifact_location is not None
    assert place.region is not None
    assert (place.artifact_location.uri, place.region.start_line) == ("app/settings.yaml", line)
    assert result.level == "warning"
    (quality,) = json.loads(found["gitlab-codequality"])
    assert quality["location"] == {"path": "app/settings.yaml", "lines": {"begin": line}}
    assert found["github"].startswith(f"::warning title=test%3A edited,file=app/settings.yaml,line={line},col=")
    suites = JUnitXml.fromstring(found["junit"].encode())
    assert (suites.tests, suites.failures) == (1, 1)
    for name in ("markdown", "html"):
        assert "edited" in found[name]
        assert "DRIFT test: 1 edited" in found[name]
    assert markdown_page(found["markdown"]).tags <= {"h3", "p", "ul", "li", "code", "pre", "details", "summary"}


def test_a_plan_and_its_deployment_are_reported(program: Program) -> None:
    done, found = report(program, "diff", "test")
    assert done.code == 0
    assert "`gitops-push apply test`" in found["markdown"]
    assert found["github"] == ""
    assert Sarif.model_validate_json(found["sarif"]).runs[0].results == []
    done, found = report(program, "apply", "test", "--yes")
    assert done.code == 0
    assert "DEPLOYED test" in found["html"]
    suites = JUnitXml.fromstring(found["junit"].encode())
    assert (suites.tests, suites.failures) == (1, 0)


def test_a_run_that_fails_is_reported_with_its_problems(program: Program) -> None:
    program.write("app/settings.yaml", config_map("settings").replace("ConfigMap", "ConfigMop"))
    program.commit()
    done, found = report(program, "diff", "test")
    assert done.code == 14
    assert "::error title=test%3A error,file=app/settings.yaml,line=" in found["github"]
    assert JUnitXml.fromstring(found["junit"].encode()).failures == 1
    assert "exit code 14" in found["markdown"]
    assert "exit code 14" in found["html"]


@pytest.mark.parametrize("name", NAMES)
def test_standard_output_holds_exactly_the_report_that_was_asked_for(program: Program, name: str) -> None:
    program("apply", "test", "--yes")
    done = program("drift", "test", "-o", name)
    written = program.folder / "again"
    program("drift", "test", "-o", f"{name}={written}")
    assert done.code == 0
    assert done.out == Path(written).read_text()
