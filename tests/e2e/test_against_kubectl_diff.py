"""What `gitops-push diff` shows of the same input as `kubectl diff --server-side`: the table of the documentation."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.e2e.program import Program, config, config_map, deployment, new_program

PAGE: Final = Path(__file__).parents[2] / "docs/explanation/compared-with-kubectl-diff.md"
VALUE: Final = "hunter2-of-the-shop"
CODE_OF_DIFFERENCES: Final = 1


@dataclass(frozen=True)
class Told:
    """What both programs print about the same files: `kubectl` standard output, and errors apart."""

    kubectl: str
    kubectl_errors: str
    kubectl_code: int
    ours: str
    ours_data: dict[str, object]

    def changed_lines(self) -> list[str]:
        """The lines of kubectl's diffs that differ."""
        return [line for line in self.kubectl.splitlines() if re.match(r"[+-](?![+-]{2} )", line)]


@dataclass(frozen=True)
class Scene:
    """A config repo and a cluster, in which a test lets things happen."""

    program: Program
    kubectl: Kubectl
    namespace: str

    def deploy(self) -> None:
        done = self.program("apply", "test", "--yes", "--no-wait")
        assert done.code == 0, done

    def ask(self, *, force: bool = True) -> Told:
        """Ask both for the difference; neither writes. `force`: kubectl is told to take over what we applied."""
        flags = ("--force-conflicts",) if force else ()
        folder = str(self.program.folder / "app")
        judge = self.kubectl.run("diff", "--server-side", "-R", "-f", folder, *flags)
        text, data = (self.program("diff", "test", *how) for how in ((), ("-o", "json")))
        return Told(judge.stdout, judge.stderr, judge.returncode, text.out + text.err, json.loads(data.out))


Judge = Callable[[Scene], tuple[str, str]]


def an_unchanged_set(scene: Scene) -> tuple[str, str]:
    scene.deploy()
    told = scene.ask()
    assert "IN SYNC" in told.ours
    return ("nothing" if not told.changed_lines() else "differences"), "`IN SYNC`, with the number of objects"


def a_changed_image(scene: Scene) -> tuple[str, str]:
    scene.program.write("app/web.yaml", deployment("web"))
    scene.deploy()
    scene.program.write("app/web.yaml", deployment("web", image="registry.example.com/web:2"))
    told = scene.ask()
    assert any("generation:" in line for line in told.changed_lines())
    assert sum("image:" in line for line in told.changed_lines()) == 2
    assert "generation" not in told.ours
    assert "containers[name=web].image" in told.ours
    assert "app/web.yaml:" in told.ours
    return "the line, with `metadata.generation`; no source", "the field by its path, with file and line in git"


def a_secret(scene: Scene) -> tuple[str, str]:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: login}\nstringData: {password: %s}\n"
    scene.program.write("app/login.yaml", secret % "an-old-password")
    scene.deploy()
    scene.program.write("app/login.yaml", secret % VALUE)
    scene.program.write("app/settings.yaml", config_map("settings", f"password={VALUE}"))
    told = scene.ask()
    assert "***" in told.kubectl
    assert VALUE in told.kubectl
    assert VALUE not in told.ours + json.dumps(told.ours_data)
    return "masked in the Secret; printed where another object repeats it", "masked wherever the value occurs"


def a_missing_namespace(scene: Scene) -> tuple[str, str]:
    place = f"{scene.namespace}-new"
    new = f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {place}}}\n---\n"
    scene.program.write(
        "app/new.yaml", new + config_map("inside").replace("name: inside", f"name: inside, namespace: {place}")
    )
    told = scene.ask()
    assert told.kubectl_code > CODE_OF_DIFFERENCES
    assert f'namespaces "{place}" not found' in told.kubectl_errors
    assert f"{place}/inside" in told.ours
    return "an error; the object is not shown", "both as created, the object as not checked by the server"


def a_missing_definition(scene: Scene) -> tuple[str, str]:
    group = f"k{uuid.uuid4().hex[:8]}.example.com"
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"bolts.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": "Bolt", "plural": "bolts"},
            "versions": [
                {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
            ],
        },
    }
    bolt = {"apiVersion": f"{group}/v1", "kind": "Bolt", "metadata": {"name": "m6"}}
    scene.program.write("app/bolts.yaml", json.dumps(definition) + "\n---\n" + json.dumps(bolt))
    scene.program.write("app/settings.yaml", config_map("settings", "changed"))
    told = scene.ask()
    assert told.kubectl_code > CODE_OF_DIFFERENCES
    assert "no matches for kind" in told.kubectl_errors
    assert "/m6" in told.ours
    assert "bolts." in told.ours
    return "an error; the object is not shown", "both as created, the object as not checked by the server"


def a_removed_file(scene: Scene) -> tuple[str, str]:
    scene.program.write("app/old.yaml", config_map("old"))
    scene.deploy()
    (scene.program.folder / "app/old.yaml").unlink()
    told = scene.ask()
    assert "old" not in told.kubectl
    assert re.search(r"! +delete .*/old", told.ours)
    return "nothing (`--prune` wants a selector)", "the deletion, first and marked"


def another_manager(scene: Scene) -> tuple[str, str]:
    scene.deploy()
    patch = '{"data":{"key":"by the operator"}}'
    scene.kubectl("patch", "configmap", "settings", "-n", scene.namespace, "-p", patch, "--field-manager=some-operator")
    told = scene.ask(force=False)
    assert "Apply failed with 1 conflict" in told.kubectl_errors
    assert 'conflict with "some-operator"' in told.kubectl_errors
    assert "by the operator" not in told.kubectl_errors + told.kubectl
    assert 'also set to "by the operator" by "some-operator"' in told.ours
    assert "app/settings.yaml:" in told.ours
    return "an error with the manager, without values", "the field, both values, the manager, the time, file and line"


def a_persons_edit(scene: Scene) -> tuple[str, str]:
    scene.deploy()
    patch = '{"data":{"key":"by hand"}}'
    scene.kubectl("patch", "configmap", "settings", "-n", scene.namespace, "-p", patch)
    told = scene.ask()
    assert any("by hand" in line for line in told.changed_lines())
    assert "kubectl-patch" not in told.kubectl
    assert "kubectl-patch" in told.ours
    return "with `--force-conflicts` the value, not whose it was", "the value, and who set it when"


def a_new_owner(scene: Scene) -> tuple[str, str]:
    scene.deploy()
    scene.kubectl("patch", "configmap", "settings", "-n", scene.namespace, "-p", '{"data":{"more":"1"}}')
    text = config_map("settings").replace("data: {key", "data: {more: '1', key")
    scene.program.write("app/settings.yaml", text)
    told = scene.ask()
    assert told.changed_lines() == []
    assert "update (ownership)" in told.ours
    return "nothing", "`update (ownership)`, with the field"


def defaults(scene: Scene) -> tuple[str, str]:
    scene.program.write("app/web.yaml", deployment("web"))
    told = scene.ask()
    server = [line for line in told.changed_lines() if "progressDeadlineSeconds" in line]
    assert server
    assert any("uid:" in line for line in told.changed_lines())
    assert "progressDeadlineSeconds" not in told.ours
    asked = scene.program("diff", "test", "--show-server-changes").out
    assert "progressDeadlineSeconds: set to 600" in asked
    return "all defaults, and a made-up uid, as if they were yours", "apart, with `--show-server-changes`"


def a_big_text(scene: Scene) -> tuple[str, str]:
    lines = [f'"key{n}":"{"x" * 40}"' for n in range(400)]
    scene.program.write("app/settings.yaml", config_map("settings", "{" + ",".join(lines) + "}"))
    scene.deploy()
    lines[200] = '"key200":"changed"'
    scene.program.write("app/settings.yaml", config_map("settings", "{" + ",".join(lines) + "}"))
    told = scene.ask()
    assert max(map(len, told.changed_lines())) > 10_000
    assert max(map(len, told.ours.splitlines())) < 300
    assert "key200" in told.ours
    return "two lines of 20,000 characters", "the changed line of the JSON, with three lines of context"


ROWS: Final[dict[str, Judge]] = {
    "an unchanged set": an_unchanged_set,
    "a changed image": a_changed_image,
    "a changed Secret": a_secret,
    "an object in a Namespace of the same set": a_missing_namespace,
    "a custom resource whose definition is in the set": a_missing_definition,
    "an object that left the config": a_removed_file,
    "a field that a controller has": another_manager,
    "a value that a person changed": a_persons_edit,
    "a value that is there, but not ours": a_new_owner,
    "defaults of a new object": defaults,
    "one changed key of a long JSON text": a_big_text,
}


@pytest.fixture
def scene(control_plane: ControlPlane, kubectl: Kubectl, namespace: str, tmp_path: Path) -> Scene:
    program = new_program(tmp_path / "repo", control_plane.kubeconfig)
    program.write("gitops-push.yaml", config(namespace))
    program.write("app/settings.yaml", config_map("settings"))
    program.commit()
    kubectl("config", "set-context", "--current", f"--namespace={namespace}")
    return Scene(program, kubectl, namespace)


@pytest.mark.prove
@pytest.mark.parametrize("case", ROWS)
def test_the_documented_row_is_what_both_programs_print(case: str, scene: Scene) -> None:
    row = f"| {case} | {' | '.join(ROWS[case](scene))} |"
    print(f"\n{row}")
    assert row in PAGE.read_text().splitlines()


def test_the_page_has_these_rows_and_no_others() -> None:
    rows = re.findall(r"^\| ([^|]+) \| ", PAGE.read_text(), re.MULTILINE)
    assert rows == ["input", *ROWS]
