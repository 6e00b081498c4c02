"""A plan that was reviewed binds the apply, by its file or its digest, or the run ends with 17 and writes nothing."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.controlplane.audit import writes
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.e2e.program import USER_AGENT, Finished, Program, config_map, deployment

SCHEMA = Draft202012Validator(json.loads((Path(__file__).parents[2] / "docs/plan.schema.json").read_text()))
SECRET = "correct-horse-battery"
SHORT = "pin7"


def secret(value: str, short: str = SHORT) -> str:
    data = (
        f"{{password: {base64.b64encode(value.encode()).decode()}, pin: {base64.b64encode(short.encode()).decode()}}}"
    )
    return f"apiVersion: v1\nkind: Secret\nmetadata: {{name: login}}\ndata: {data}\n"


def saved(program: Program, *flags: str) -> dict[str, object]:
    done = program("diff", "test", "-o", "plan=plan.json", *flags)
    assert done.code == 0, done
    found: dict[str, object] = json.loads((program.folder / "plan.json").read_text())
    SCHEMA.validate(found)
    return found


def apply_saved(program: Program, *flags: str) -> Finished:
    return program("apply", "test", "--plan", "plan.json", *flags)


def assert_stale(done: Finished, *words: str) -> None:
    assert done.code == 17, done
    assert "nothing was written" in done.err, done
    for word in words:
        assert word in done.err, f"{word!r} is not in:\n{done}"


@pytest.fixture
def applied(program: Program) -> Program:
    """Deployed once, with a change that waits."""
    assert program("apply", "test", "--yes").code == 0
    program.write("app/settings.yaml", config_map("settings", "2"))
    program.commit()
    return program


def test_a_saved_plan_is_applied_without_asking(applied: Program, kubectl: Kubectl, namespace: str) -> None:
    saved(applied)
    done = apply_saved(applied)
    assert done.code == 0, done
    assert kubectl("get", "configmap", "settings", "-n", namespace, "-o", "jsonpath={.data.key}") == "2"


def test_the_digest_alone_is_enough_and_stands_in_the_text_and_the_json(applied: Program) -> None:
    done = applied("diff", "test", "-o", "plan=plan.json", "-o", "json=report.json")
    (digest,) = re.findall(r"plan digest: (sha256:[0-9a-f]{64})$", done.out, re.MULTILINE)
    assert "next: gitops-push apply test --plan plan.json" in done.out
    report = json.loads((applied.folder / "report.json").read_text())
    assert report["digest"] == digest == json.loads((applied.folder / "plan.json").read_text())["digest"]
    done = applied("apply", "test", "--approved-digest", digest, "-o", "json")
    assert done.code == 0, done
    assert done.json["plan"]["digest"] == digest


def test_the_same_content_from_another_commit_is_the_same_plan(applied: Program) -> None:
    before = saved(applied)
    applied.commit("The same tree, as after a squash merge")
    after = saved(applied)
    assert (after["digest"], after["commit"] == before["commit"]) == (before["digest"], False)


def test_a_field_that_somebody_edits_is_named_with_who_did_it(
    applied: Program, kubectl: Kubectl, namespace: str
) -> None:
    saved(applied)
    kubectl("patch", "configmap", "settings", "-n", namespace, "-p", '{"data":{"key":"9"}}')
    done = apply_saved(applied)
    assert_stale(
        done, "v1/ConfigMap " + namespace + "/settings", 'data.key is "9", and was "1" in the plan', "kubectl-patch"
    )
    assert kubectl("get", "configmap", "settings", "-n", namespace, "-o", "jsonpath={.data.key}") == "9"


def test_another_value_in_the_config_is_named_too(applied: Program) -> None:
    saved(applied)
    applied.write("app/settings.yaml", config_map("settings", "3"))
    assert_stale(apply_saved(applied), 'data.key would become "3", and "2" in the plan')


def test_an_object_that_came_is_named(applied: Program) -> None:
    saved(applied)
    applied.write("app/more.yaml", config_map("more"))
    assert_stale(apply_saved(applied), "/more: it is not in the plan, and now: create")


def test_with_the_digest_alone_both_digests_are_told(applied: Program) -> None:
    digest = str(saved(applied)["digest"])
    applied.write("app/settings.yaml", config_map("settings", "3"))
    done = applied("apply", "test", "--approved-digest", digest)
    assert_stale(done, digest, str(saved(applied)["digest"]))


def test_a_stale_plan_goes_on_as_an_ordinary_apply_where_that_is_asked_for(
    applied: Program, kubectl: Kubectl, namespace: str
) -> None:
    saved(applied)
    kubectl("patch", "configmap", "settings", "-n", namespace, "-p", '{"data":{"key":"9"}}')
    assert_stale(apply_saved(applied, "--on-stale", "replan"), "add --yes to apply whatever it is")
    done = apply_saved(applied, "--on-stale", "replan", "--yes")
    assert done.code == 0, done
    assert "the plan is stale" in done.err
    assert kubectl("get", "configmap", "settings", "-n", namespace, "-o", "jsonpath={.data.key}") == "2"


def test_what_an_earlier_run_of_the_plan_has_done_is_not_stale(applied: Program) -> None:
    saved(applied)
    assert apply_saved(applied).code == 0
    done = apply_saved(applied)
    assert done.code == 0, done
    assert "1 approved change made by an earlier run" in done.err


def test_the_first_deployment_can_be_approved_and_finished_after_a_failure(
    program: Program, kubectl: Kubectl, namespace: str
) -> None:
    program.write("app/a.yaml", f"{deployment('web')}---\n{deployment('api')}")
    program.write("app/secret.yaml", secret(SECRET))
    assert saved(program)["secretValues"] == "left out"
    kubectl("create", "quota", "none", "--hard=count/deployments.apps=1", "-n", namespace)
    wait_for_quota(kubectl, namespace)
    assert apply_saved(program).code == 20
    kubectl("delete", "quota", "none", "-n", namespace)
    done = apply_saved(program)
    assert done.code == 0, done
    assert saved(program)["secretValues"] == "keyed"


def wait_for_quota(kubectl: Kubectl, namespace: str) -> None:
    for _ in range(100):
        if kubectl("get", "quota", "none", "-n", namespace, "-o", "jsonpath={.status.hard}"):
            return
    pytest.fail("the quota was not taken up")


def test_a_secret_value_is_bound_and_shows_nowhere(program: Program) -> None:
    program.write("app/secret.yaml", secret(SECRET))
    program.write("app/copy.yaml", config_map("copy", f"https://x:{SECRET}@db"))
    assert program("apply", "test", "--yes").code == 0
    program.write("app/secret.yaml", secret(SECRET + "2", SHORT + "x"))
    saved(program)
    text = (program.folder / "plan.json").read_text()
    program.write("app/secret.yaml", secret(SECRET + "3", SHORT + "x"))
    done = apply_saved(program)
    assert_stale(done, "data.password would become another \u2039secret\u203a")
    for value in (SECRET, SHORT):
        encoded = base64.b64encode(value.encode()).decode().rstrip("=")[:-1]
        for form in (value, encoded, value.encode().hex()):
            assert form not in text + done.out + done.err


def test_a_changed_secret_is_another_digest_and_the_manifest_digest_is_no_oracle(program: Program) -> None:
    program.write("app/secret.yaml", secret(SECRET))
    assert program("apply", "test", "--yes").code == 0
    reports = []
    for value in (SECRET + "2", SECRET + "3"):
        program.write("app/secret.yaml", secret(value))
        reports.append(program("diff", "test", "-o", "json").json)
    assert reports[0]["digest"] != reports[1]["digest"]
    assert reports[0]["manifestDigest"] == reports[1]["manifestDigest"]


def test_the_file_is_private_and_whole(applied: Program) -> None:
    path = applied.folder / "plan.json"
    path.write_text("old")
    path.chmod(0o644)
    saved(applied)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in applied.folder.iterdir() if "plan.json" in entry.name] == ["plan.json"]


@pytest.fixture
def nothing_written(own_control_plane: ControlPlane) -> Iterator[None]:
    mark = own_control_plane.audit_mark()
    yield
    assert not writes(own_control_plane.audit_events(mark), user_agent=USER_AGENT)


BROKEN: dict[str, Callable[[str], str]] = {
    "empty": lambda text: "",
    "no JSON": lambda text: "plan",
    "truncated": lambda text: text[: len(text) // 2],
    "another document": lambda text: '{"schemaVersion": 1, "kind": "Diff"}',
    "a later format": lambda text: text.replace('"digestFormat": 1', '"digestFormat": 2'),
    "edited": lambda text: text.replace('"action": "create"', '"action": "unchanged"'),
    "another type": lambda text: text.replace('"objects": [', '"objects": [7, '),
    "deeply nested": lambda text: "[" * 200_000,
}


@pytest.mark.parametrize("way", BROKEN)
def test_2_for_a_file_that_is_no_whole_plan(program: Program, way: str, nothing_written: None) -> None:
    saved(program)
    path = program.folder / "plan.json"
    path.write_text(BROKEN[way](path.read_text()))
    done = apply_saved(program)
    assert done.code == 2, done
    assert "plan.json" in done.err
    assert "Traceback" not in done.err


def test_2_for_what_is_no_file(program: Program, nothing_written: None) -> None:
    os.mkfifo(program.folder / "pipe")
    with (program.folder / "huge").open("wb") as file:
        file.truncate(65 * 1024 * 1024)
    (program.folder / "binary").write_bytes(b"\xff\xfe")
    for name in ("app", "pipe", "huge", "binary", "gone", "/dev/zero"):
        done = program("apply", "test", "--plan", name)
        assert (done.code, "Traceback" in done.err) == (2, False), done
        assert name in done.err


@pytest.mark.parametrize(
    "flags",
    [
        ("diff", "test", "-o", "plan"),
        ("diff", "--all", "-o", "plan=gone/plan.json"),
        ("diff", "test", "-o", "plan=app"),
        ("apply", "test", "--approved-digest", "abc"),
        ("apply", "test", "--plan", "plan.json", "--on-stale", "maybe"),
    ],
    ids=" ".join,
)
def test_2_for_wrong_flags(program: Program, flags: tuple[str, ...], nothing_written: None) -> None:
    done = program(*flags)
    assert (done.code, "Traceback" in done.err) == (2, False), done


def test_17_for_the_plan_of_another_environment(program: Program, namespace: str, nothing_written: None) -> None:
    saved(program)
    text = (program.folder / "gitops-push.yaml").read_text()
    more = text[text.index("  test:") :].replace("  test:", "  other:")
    (program.folder / "gitops-push.yaml").write_text(text + more)
    assert_stale(program("apply", "other", "--plan", "plan.json", "--on-stale", "replan", "--yes"), "environment test")


def test_17_for_a_file_that_is_not_the_plan_with_the_approved_digest(program: Program, nothing_written: None) -> None:
    saved(program)
    assert_stale(apply_saved(program, "--approved-digest", "sha256:" + "0" * 64), "plan.json")


def test_a_protected_environment_still_wants_its_name(program: Program) -> None:
    path = program.folder / "gitops-push.yaml"
    path.write_text(path.read_text() + "    protected: true\n")
    program.commit()
    saved(program)
    program.write(".gitignore", "plan.json\n")
    program.commit()
    assert apply_saved(program).code == 15
    assert apply_saved(program, "--confirm", "test").code == 0


def test_a_plan_with_secrets_like_words_of_the_format_is_still_whole(program: Program) -> None:
    words = ("create", "update", "server", "keyed", "ConfigMap", "gitops-push", "sha256", "spec.replicas")
    data = ", ".join(f"k{i}: {json.dumps(word)}" for i, word in enumerate(words))
    program.write("app/s.yaml", f"apiVersion: v1\nkind: Secret\nmetadata: {{name: words}}\nstringData: {{{data}}}\n")
    saved(program)
    done = apply_saved(program)
    assert done.code == 0, done


def test_a_plan_survives_a_path_with_a_runner_command(program: Program, tmp_path: Path) -> None:
    program.write("app/settings.yaml", config_map("settings", "##[error]x"))
    saved(program)
    assert "##" not in (program.folder / "plan.json").read_text()
    assert apply_saved(program).code == 0
