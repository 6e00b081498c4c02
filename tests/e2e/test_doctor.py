"""`doctor` finds what stands in the way of a deployment, says how to mend it, and never writes."""

from __future__ import annotations

import json

from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.e2e.judging import writes_since
from tests.e2e.program import VARIABLE, Program


def states(program: Program) -> dict[str, str]:
    done = program("doctor", "test", "-o", "json")
    document = json.loads(done.out)
    assert document["exitCode"] == done.code
    return {finding["about"]: finding["state"] for finding in document["findings"]}


def test_where_all_is_well_it_says_so_and_what_it_looked_at(program: Program, own_control_plane: ControlPlane) -> None:
    mark = own_control_plane.audit_mark()
    program.commit()
    done = program("doctor", "test")
    assert done.code == 0, done
    assert done.out.splitlines()[-1].startswith("READY test: 0 errors")
    for about in ("tool", "checkout", "ci", "config", "build", "credential", "cluster", "rights", "inventory", "lock"):
        assert f" {about} " in done.out, done
    assert "empty yet" in done.out
    assert program("apply", "test", "--yes").code == 0
    mark = own_control_plane.audit_mark()
    assert "1 objects, of commit" in program("doctor", "test").out
    assert not writes_since(own_control_plane, mark)


def test_what_cannot_be_looked_at_is_skipped_and_the_code_is_that_of_a_run(program: Program) -> None:
    without = program.having(**{VARIABLE: ""})
    done = without("doctor", "test")
    assert done.code == without("apply", "test", "--yes").code == 11, done
    assert "error    cluster" in done.out
    assert "skipped  more" in done.out
    assert "NOT READY test: 1 error" in done.out
    elsewhere = program.having(
        **{VARIABLE: program.environ[VARIABLE].replace("https://127.0.0.1:", "https://127.0.0.1:1")}
    )
    assert elsewhere("doctor", "test").code in {11, 13}
    missing = program("doctor", "nothing")
    assert (missing.code, "NOT READY nothing" in missing.out) == (10, True), missing


def test_a_build_that_fails_is_told_and_the_cluster_is_looked_at_all_the_same(program: Program) -> None:
    program.write("app/broken.yaml", "a: [\n")
    done = program("doctor", "test")
    assert done.code == 12, done
    assert "error    build       app/broken.yaml:" in done.out
    assert "ok       cluster" in done.out


def test_rights_that_are_missing_are_listed_with_the_way_to_get_them(
    program: Program, control_plane: ControlPlane, kubectl: Kubectl, namespace: str
) -> None:
    kubeconfig = control_plane.service_account_kubeconfig(namespace, "reader")
    kubectl(
        "-n", namespace, "create", "role", "reader", "--verb=get", "--resource=configmaps,leases.coordination.k8s.io"
    )
    kubectl("-n", namespace, "create", "rolebinding", "reader", "--role=reader", f"--serviceaccount={namespace}:reader")
    done = program.having(**{VARIABLE: kubeconfig})("doctor", "test")
    assert done.code == 0, done
    assert "create configmaps" in done.out
    assert "`gitops-push rbac test` prints the role" in done.out
    assert "warning  rights" in done.out


def test_a_hold_is_what_a_deployment_would_end_with(program: Program) -> None:
    program.commit()
    assert program("apply", "test", "--yes").code == 0
    assert program("hold", "test", "--reason", "incident 7").code == 0
    done = program("doctor", "test")
    assert (done.code, "incident 7" in done.out) == (16, True), done
    assert states(program)["hold"] == "error"


def test_a_ci_job_is_known_and_foreign_code_is_warned_of(program: Program) -> None:
    run = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_SERVER_URL": "https://github.example",
        "GITHUB_REPOSITORY": "a/b",
        "GITHUB_RUN_ID": "7",
    }
    assert "https://github.example/a/b/actions/runs/7" in program.having(**run)("doctor", "test").out
    foreign = program.having(**run, GITHUB_EVENT_NAME="pull_request_target", GITHUB_SHA="f" * 40)("doctor", "test")
    assert foreign.code == 15, foreign
    assert "warning  ci" in foreign.out
    assert "no credential is read" in foreign.out
