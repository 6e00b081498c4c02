"""Waves, hooks and dependsOn through the command line."""

from __future__ import annotations

import re

import pytest

from tests.controlplane.kubectl import Kubectl
from tests.e2e.program import Program, config, config_map

JOB = """apiVersion: batch/v1
kind: Job
metadata:
  {name}
  annotations:
    argocd.argoproj.io/hook: {phase}
spec:
  backoffLimit: 0
  template:
    metadata: {{annotations: {{gitops-push.test/chaos: "{chaos}"}}}}
    spec:
      restartPolicy: Never
      containers: [{{name: app, image: registry.example/app:1.0}}]
"""


def job(phase: str, name: str = "name: migrate", chaos: str = "") -> str:
    return JOB.format(name=name, phase=phase, chaos=chaos)


LATE = """apiVersion: v1
kind: ConfigMap
metadata:
  name: late
  annotations: {{argocd.argoproj.io/sync-wave: "{wave}"}}
data: {{key: "1"}}
"""


def late(wave: str) -> str:
    return LATE.format(wave=wave)


def test_a_plan_shows_hooks_waves_and_the_order_and_apply_keeps_it(program: Program) -> None:
    program.write("app/late.yaml", late("2"))
    program.write("app/migrate.yaml", job("PreSync", "generateName: migrate-"))
    program.write("app/report.yaml", job("SyncFail", "name: report"))
    program.commit()
    plan = program("diff", "test")
    assert plan.code == 0, plan
    assert "plan: 2 create, 1 run hook, 0 unchanged" in plan.out
    assert re.search(r"> +run hook +batch/Job \S+/migrate-\* +PreSync\n", plan.out), plan
    assert "SyncFail; only if the deployment fails" in plan.out
    assert "wave 2" in plan.out
    assert "order: PreSync: 1 hook -> wave 0: 1 object -> wave 2: 1 object" in plan.out
    done = program("apply", "test", "--yes", "-o", "json")
    assert done.code == 0, done
    outcomes = [(each["name"], each.get("phase")) for each in done.json["outcomes"]]
    assert [phase for name, phase in outcomes if name.startswith("migrate-presync-")] == ["PreSync"]
    (hook, _) = done.json["plan"]["hooks"]
    assert (hook["generated"], hook["state"], hook["wave"], hook["fidelity"]) == (True, "runs", 0, "server")
    again = program("diff", "test", "--exit-code")
    assert again.code == 0, again
    assert "order:" not in again.out
    assert "nothing was written" in program("apply", "test", "--yes").out
    always = program("diff", "test", "--hooks", "always")
    assert "1 run hook" in always.out


def test_a_failed_hook_ends_with_20_and_says_why(program: Program) -> None:
    program.write("app/migrate.yaml", job("PreSync", chaos="fail"))
    program.commit()
    done = program("apply", "test", "--yes")
    assert done.code == 20, done
    assert "PreSync hook" in done.out
    assert "exit code 1" in done.out
    assert "app/migrate.yaml" in done.out


def test_annotations_that_do_not_count_are_warned_about_at_their_line(program: Program) -> None:
    program.write("app/late.yaml", late("soon"))
    program.write("app/tested.yaml", job("Testing", "name: tested"))
    program.commit()
    plan = program("diff", "test")
    assert "app/late.yaml:5:47: v1/ConfigMap" in plan.err, plan
    assert "'soon' is no integer" in plan.err
    assert "is not deployed: argocd.argoproj.io/hook names no phase" in plan.err
    assert "tested" not in plan.out


APP = """  app:
    cluster: plane
    namespace: {namespace}
    dependsOn: [infra]
    sources: [{{directory: app}}]
"""


@pytest.fixture
def depending(program: Program, namespace: str) -> Program:
    """The environments `infra` and `app`, which depends on it."""
    infra = config(namespace, APP.format(namespace=namespace), "infra").replace("directory: app", "directory: infra", 1)
    program.write("gitops-push.yaml", infra)
    program.write("infra/base.yaml", config_map("base"))
    program.commit()
    return program


def test_an_environment_waits_for_what_it_depends_on(depending: Program, kubectl: Kubectl, namespace: str) -> None:
    warned = depending("diff", "app")
    assert warned.code == 0, warned
    assert "apply would be refused: infra, which must be deployed before, was never deployed" in warned.err
    refused = depending("apply", "app", "--yes")
    assert refused.code == 16, refused
    assert "GP0315" in refused.err
    assert "gitops-push.yaml:14:17" in refused.err
    assert depending("apply", "infra", "--yes").code == 0
    assert depending("apply", "app", "--yes").code == 0
    depending.write("infra/base.yaml", config_map("base", "2"))
    depending.commit()
    behind = depending("apply", "app", "--yes")
    assert behind.code == 16, behind
    assert "infra, which must be deployed before, is not deployed as this checkout has it" in behind.err
    assert depending("apply", "app", "--yes", "--ignore-dependencies").code == 0
    assert depending("apply", "infra", "--yes").code == 0
    assert depending("diff", "app").err.count("apply would be refused") == 0


def test_an_environment_that_did_not_get_healthy_holds_up_what_depends_on_it(depending: Program) -> None:
    depending.write("infra/migrate.yaml", job("PreSync", chaos="fail"))
    depending.commit()
    assert depending("apply", "infra", "--yes").code == 20
    refused = depending("apply", "app", "--yes")
    assert refused.code == 16, refused
    assert "is not finished: its last deployment ended as 'failed'" in refused.err


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("[infr]", "environment 'app' depends on 'infr', which is no environment (did you mean 'infra'?)"),
        ("[app]", "environments depend on each other in a circle: app -> app"),
    ],
)
def test_a_wrong_dependency_is_told_by_every_command(depending: Program, names: str, message: str) -> None:
    text = (depending.folder / "gitops-push.yaml").read_text()
    depending.write("gitops-push.yaml", text.replace("[infra]\n", f"{names}\n"))
    for command in ("build", "diff"):
        done = depending(command, "app")
        assert done.code == 10, done
        assert message in done.err
        assert "gitops-push.yaml:14:17" in done.err
    assert depending("build", "infra").code == 0
