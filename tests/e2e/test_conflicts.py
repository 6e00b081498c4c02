"""A field that another manager has, as a user meets it: the error, its three ways out, and what each leads to."""

from __future__ import annotations

import re

import pytest

from tests.controlplane.kubectl import Kubectl
from tests.e2e.program import Program, config_map


@pytest.fixture
def contested(program: Program, kubectl: Kubectl, namespace: str) -> Program:
    """The program in a repo whose one object a tuner has changed."""
    assert program("apply", "test", "--yes").code == 0
    tune(kubectl, namespace, "tuned")
    return program


def tune(kubectl: Kubectl, namespace: str, value: str) -> None:
    patch = f'{{"data":{{"key":"{value}"}}}}'
    kubectl("patch", "configmap", "settings", "-n", namespace, "--field-manager=tuner", "--type=merge", "-p", patch)


def value(kubectl: Kubectl, namespace: str) -> object:
    return kubectl.get("configmap", "settings", "-n", namespace)["data"].get("key")


def test_the_error_shows_the_line_the_value_and_the_manager(contested: Program) -> None:
    done = contested("diff", "test")
    assert done.code == 15, done
    first, place, line, caret, *_ = done.err.splitlines()
    assert re.fullmatch(
        r"error\[GP0302\]: field conflict on v1/ConfigMap \S+/settings: "
        r'data\.key is also set to "tuned" by "tuner" \(Update, \d{4}-\d\d-\d\d \d\d:\d\d\)',
        first,
    )
    assert place.startswith("  --> app/settings.yaml:")
    assert line.index("key: ") + len("key: ") == caret.index("^")
    assert done.err.endswith("nothing was written\n")


def test_the_rule_of_the_error_can_be_pasted_and_leaves_the_field(
    contested: Program, kubectl: Kubectl, namespace: str
) -> None:
    (rule,) = re.findall(r"^ +(conflicts: .*)$", contested("apply", "test", "--yes").err, re.MULTILINE)
    settings = (contested.folder / "gitops-push.yaml").read_text()
    contested.write("gitops-push.yaml", f"{settings.rstrip()}\n    {rule}\n")
    contested.write("app/settings.yaml", config_map("settings", "new"))
    contested.commit()
    shown = contested("diff", "test", "--exit-code")
    assert shown.code == 0, shown
    assert "yields data.key (tuned) to tuner" in shown.out
    (change,) = contested("diff", "test", "-o", "json").json["changes"]
    (left,) = change["yielded"]
    assert (left["live"], left["ours"], left["owner"]["manager"]) == ("tuned", "new", "tuner")
    assert left["origin"]["file"] == "app/settings.yaml"
    assert contested("apply", "test", "--yes").code == 0
    assert value(kubectl, namespace) == "tuned"
    assert contested("drift", "test", "--exit-code").code == 0
    assert contested("drift", "test", "--exit-code", "--no-dry-run").code == 0


def test_the_flag_of_the_error_can_be_pasted_and_takes_the_field(
    contested: Program, kubectl: Kubectl, namespace: str
) -> None:
    (flag,) = re.findall(r"--force-conflict \S+/\w+", contested("diff", "test").err)
    (change,) = contested("diff", "test", *flag.split(), "-o", "json").json["changes"]
    (loss,) = change["taken"]
    assert (loss["live"], loss["manager"], loss["operation"]) == ("tuned", "tuner", "Update")
    assert loss["ours"] != "tuned"
    assert contested("apply", "test", "--yes", *flag.split()).code == 0
    assert value(kubectl, namespace) == loss["ours"]
    assert contested("diff", "test", "--exit-code").code == 0


def test_a_flag_for_an_object_that_does_not_exist_is_told(contested: Program) -> None:
    done = contested("diff", "test", "--force-conflict", "ConfigMap/setings")
    assert done.code == 15
    assert (
        "--force-conflict ConfigMap/setings: there is no such object (did you mean 'ConfigMap/settings'?)" in done.err
    )


def test_a_field_that_is_taken_out_of_the_manifest_stays_with_its_manager(
    contested: Program, kubectl: Kubectl, namespace: str
) -> None:
    contested.write("app/settings.yaml", config_map("settings").replace("key:", "other:"))
    assert contested("apply", "test", "--yes", "--allow-dirty").code == 0
    assert value(kubectl, namespace) == "tuned"
    assert contested("drift", "test", "--exit-code").code == 0


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("{manager: tuner}", "has no 'action'"),
        ("{manager: tuner, action: give}", "must be take, yield or fail, this is 'give'"),
        ("{manger: tuner, action: take}", "unknown key 'manger'"),
        ("{field: 'data[', action: take}", "is no field path"),
    ],
)
def test_a_wrong_rule_is_an_error_at_its_line(program: Program, rule: str, message: str) -> None:
    settings = (program.folder / "gitops-push.yaml").read_text().rstrip()
    program.write("gitops-push.yaml", f"{settings}\n    conflicts: [{rule}]\n")
    done = program("validate", "test")
    assert done.code == 10, done
    assert message in done.err
    assert f"gitops-push.yaml:{settings.count(chr(10)) + 2}:" in done.err
