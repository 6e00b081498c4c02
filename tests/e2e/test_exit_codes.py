"""Every exit code of docs/reference/exit-codes.md, by the real program on the real API server; the audit log says
whether anything was written."""

from __future__ import annotations

import base64
import signal
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from tests.controlplane.audit import writes
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.e2e.program import USER_AGENT, VARIABLE, Finished, Program, config, config_map, deployment


@pytest.fixture
def nothing_written(own_control_plane: ControlPlane) -> Iterator[None]:
    mark = own_control_plane.audit_mark()
    yield
    assert not writes(own_control_plane.audit_events(mark), user_agent=USER_AGENT)


def assert_one_clear_error(done: Finished, code: int, *words: str) -> None:
    assert done.code == code, done
    assert "Traceback" not in done.err
    assert done.err.count("error[") >= 1, done
    assert "nothing was written" in done.err, done
    for word in words:
        assert word in done.err, f"{word!r} is not in:\n{done}"


def test_0_when_everything_is_applied_and_healthy(program: Program, kubectl: Kubectl, namespace: str) -> None:
    done = program("apply", "test", "--yes")
    assert done.code == 0, done
    assert kubectl("get", "configmap", "settings", "-n", namespace, "-o", "jsonpath={.data.key}") == "1"


def test_0_for_a_diff_with_changes_and_3_with_exit_code(program: Program, nothing_written: None) -> None:
    assert program("diff", "test").code == 0
    assert program("diff", "test", "--exit-code").code == 3
    assert program("drift", "test", "--exit-code").code == 0  # git ahead: a matter of the next deploy
    assert program("drift", "test", "--exit-code", "--fail-on", "git-ahead").code == 3


@pytest.mark.parametrize(
    "arguments",
    [
        ("deploy",),
        ("diff",),
        ("diff", "test", "--bogus"),
        ("diff", "test", "--all"),
        ("apply", "test", "--timeout", "x"),
    ],
    ids=" ".join,
)
def test_2_for_a_wrong_command_line(program: Program, arguments: tuple[str, ...], nothing_written: None) -> None:
    assert_one_clear_error(program(*arguments), 2)


def test_2_for_an_apply_without_a_terminal_and_without_yes(program: Program, nothing_written: None) -> None:
    assert_one_clear_error(program("apply", "test"), 2, "gitops-push apply test --yes")


Break = Callable[[Program], object]
CONFIG_MISTAKES: dict[str, tuple[Break, tuple[str, ...]]] = {
    "an unknown key": (
        lambda p: p.write("gitops-push.yaml", config("x", "    sorces: []\n")),
        ("gitops-push.yaml:11:5", "sources"),
    ),
    "broken YAML": (lambda p: p.write("gitops-push.yaml", "version: [1"), ("gitops-push.yaml:2:1",)),
    "a later feature": (
        lambda p: p.write("gitops-push.yaml", config("x", "    policy: {}\n")),
        ("not supported yet", "policy"),
    ),
}


@pytest.mark.parametrize("mistake", CONFIG_MISTAKES)
def test_10_for_a_mistake_in_the_config(program: Program, mistake: str, nothing_written: None) -> None:
    make, words = CONFIG_MISTAKES[mistake]
    make(program)
    assert_one_clear_error(program("apply", "test", "--yes"), 10, *words)


def test_10_for_an_unknown_environment_with_a_suggestion(program: Program, nothing_written: None) -> None:
    assert_one_clear_error(program("apply", "tset", "--yes"), 10, "tset", "test")


def test_11_when_the_secret_is_empty_as_it_is_for_forks(program: Program, nothing_written: None) -> None:
    done = program.having(**{VARIABLE: "", "CI": "true"})("apply", "test", "--yes")
    assert_one_clear_error(done, 11, VARIABLE)


def test_11_for_a_kubeconfig_that_is_none(program: Program, nothing_written: None) -> None:
    secret = "s3cret-" + "x" * 40
    done = program.having(**{VARIABLE: secret})("apply", "test", "--yes")
    assert_one_clear_error(done, 11, VARIABLE)
    assert secret not in done.out + done.err


def test_11_for_a_wrong_context_naming_those_that_exist(program: Program, nothing_written: None) -> None:
    assert_one_clear_error(program("apply", "test", "--yes", "--context", "prdo"), 11, "prdo")


def test_11_for_an_expired_token(program: Program, own_control_plane: ControlPlane, nothing_written: None) -> None:
    expired = own_control_plane.expired_token_kubeconfig()
    assert_one_clear_error(program.having(**{VARIABLE: expired})("apply", "test", "--yes"), 11, "the token expired on")


MANIFEST_MISTAKES: dict[str, tuple[Break, tuple[str, ...]]] = {
    "broken YAML": (lambda p: p.write("app/settings.yaml", "a: [1\nb: 2"), ("app/settings.yaml:",)),
    "a missing file": (
        lambda p: use_kustomize(p, "resources: [gone.yaml]"),
        ("app/kustomization.yaml:1:13", "gone.yaml"),
    ),
    "no name": (
        lambda p: p.write("app/settings.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n"),
        ("app/settings.yaml:", "name"),
    ),
    "the same object twice": (
        lambda p: p.write("app/twice.yaml", config_map("settings")),
        ("app/settings.yaml", "app/twice.yaml"),
    ),
    "an empty set": (lambda p: p.write("app/settings.yaml", "# nothing\n"), ()),
}


def use_kustomize(program: Program, kustomization: str) -> None:
    program.write("app/kustomization.yaml", kustomization)
    text = (program.folder / "gitops-push.yaml").read_text()
    program.write("gitops-push.yaml", text.replace("directory: app", "kustomize: app"))


@pytest.mark.parametrize("mistake", MANIFEST_MISTAKES)
def test_12_for_a_set_that_cannot_be_built(program: Program, mistake: str, nothing_written: None) -> None:
    make, words = MANIFEST_MISTAKES[mistake]
    make(program)
    assert_one_clear_error(program("apply", "test", "--yes"), 12, *words)


def test_13_for_a_server_that_cannot_be_reached(program: Program, nothing_written: None) -> None:
    unreachable = program.full_environ[VARIABLE].replace(server_of(program), "https://127.0.0.1:1")
    done = program.having(**{VARIABLE: unreachable})("apply", "test", "--yes")
    assert_one_clear_error(done, 13, "https://127.0.0.1:1")


def server_of(program: Program) -> str:
    line = next(line for line in program.environ[VARIABLE].splitlines() if "server:" in line)
    return line.partition("server:")[2].strip().strip('"')


def test_13_for_a_user_without_any_permission_naming_what_is_missing(
    program: Program, own_control_plane: ControlPlane, nothing_written: None
) -> None:
    nobody = own_control_plane.new_user("nobody")
    assert_one_clear_error(program.having(**{VARIABLE: nobody})("apply", "test", "--yes"), 13, "get")


REJECTED: dict[str, tuple[str, tuple[str, ...]]] = {
    "an unknown kind": (
        "apiVersion: example.com/v1\nkind: Gizmo\nmetadata: {name: g}\n",
        ("app/bad.yaml:", "Gizmo"),
    ),
    "a misspelt field": (
        deployment("web").replace("replicas:", "replcas:"),
        ("app/bad.yaml:", "replcas"),
    ),
    "an invalid value": (deployment("web").replace("replicas: 1", "replicas: -1"), ("app/bad.yaml:5", "replicas")),
}


@pytest.mark.parametrize("case", REJECTED)
def test_14_for_what_the_dry_run_rejects(program: Program, case: str, nothing_written: None) -> None:
    text, words = REJECTED[case]
    program.write("app/bad.yaml", text)
    assert_one_clear_error(program("apply", "test", "--yes"), 14, *words)


def test_14_lists_all_rejections_and_not_only_the_first(program: Program, nothing_written: None) -> None:
    for name in ("one", "two", "three"):
        program.write(f"app/{name}.yaml", deployment(name).replace("replicas: 1", "replicas: -1"))
    done = program("apply", "test", "--yes")
    assert_one_clear_error(done, 14, "/one", "/two", "/three")


def test_15_for_more_deletions_than_one_run_may_make(program: Program, own_control_plane: ControlPlane) -> None:
    for number in range(8):
        program.write(f"app/extra-{number}.yaml", config_map(f"extra-{number}"))
    assert program("apply", "test", "--yes").code == 0
    for number in range(8):
        (program.folder / f"app/extra-{number}.yaml").unlink()
    mark = own_control_plane.audit_mark()
    assert_one_clear_error(program("apply", "test", "--yes"), 15, "8")
    assert not writes(own_control_plane.audit_events(mark), user_agent=USER_AGENT)
    assert program("apply", "test", "--yes", "--max-prune", "8").code == 0


def test_15_for_a_field_of_another_controller_and_0_with_consent(
    program: Program, kubectl: Kubectl, namespace: str
) -> None:
    assert program("apply", "test", "--yes").code == 0
    other = config_map("settings", "theirs").replace("{name:", f"{{namespace: {namespace}, name:")
    kubectl("apply", "--server-side", "--force-conflicts", "--field-manager=image-updater", "-f", "-", stdin=other)
    assert_one_clear_error(program("apply", "test", "--yes"), 15, "image-updater", "app/settings.yaml:4")
    assert program("apply", "test", "--yes", "--force-conflict", "ConfigMap/settings").code == 0


def test_15_for_a_protected_environment_that_is_not_confirmed_by_name(program: Program, namespace: str) -> None:
    program.write("gitops-push.yaml", config(namespace, "    protected: true\n"))
    assert_one_clear_error(program("apply", "test", "--yes", "--allow-dirty"), 15, "--confirm test")
    assert_one_clear_error(program("apply", "test", "--yes", "--confirm", "test"), 15, "--allow-dirty")
    program.commit()
    assert program("apply", "test", "--yes", "--confirm", "test").code == 0


def test_15_for_the_inventory_of_another_project(program: Program, namespace: str) -> None:
    assert program("apply", "test", "--yes").code == 0
    text = (program.folder / "gitops-push.yaml").read_text()
    done = program("status", "test")
    assert done.code == 0, done
    program.write("gitops-push.yaml", text.replace(f"project: {namespace}", "project: other"))
    assert program("diff", "test").code in {0, 15}


def test_21_when_something_does_not_become_healthy_naming_the_reason(program: Program) -> None:
    program.write("app/web.yaml", deployment("web", annotations="gitops-push.test/chaos: crash-loop"))
    done = program("apply", "test", "--yes", "--timeout", "20s")
    assert done.code == 21, done
    assert "CrashLoopBackOff" in done.out + done.err


def test_20_when_an_object_fails_after_writing_began(program: Program, kubectl: Kubectl, namespace: str) -> None:
    """The quota admits the dry runs one by one, and refuses the second of two real creations."""
    kubectl("create", "quota", "few", "--hard=count/secrets=1", "-n", namespace)
    wait_for_quota(kubectl, namespace)
    for name in ("one", "two"):
        text = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\nstringData: {{key: value-of-{name}}}\n"
        program.write(f"app/{name}.yaml", text)
    done = program("apply", "test", "--yes")
    assert done.code == 20, done
    assert "quota" in done.out
    kubectl("delete", "quota", "few", "-n", namespace)
    assert program("apply", "test", "--yes").code == 0


def wait_for_quota(kubectl: Kubectl, namespace: str) -> None:
    for _ in range(100):
        if kubectl("get", "quota", "few", "-n", namespace, "-o", "jsonpath={.status.hard}"):
            return
        time.sleep(0.1)
    pytest.fail("the quota was not taken up")


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_130_and_143_when_interrupted_before_any_write(
    program: Program, number: signal.Signals, code: int, silent_port: int, nothing_written: None
) -> None:
    slow = program.full_environ[VARIABLE].replace(server_of(program), f"https://127.0.0.1:{silent_port}")
    process = program.having(**{VARIABLE: slow}).start("apply", "test", "--yes")
    time.sleep(2)
    process.send_signal(number)
    _, err = process.communicate(timeout=10)
    assert process.returncode == code, err
    assert "nothing was written" in err


def test_the_kubeconfig_may_be_base64_as_many_ci_secrets_are(program: Program) -> None:
    encoded = base64.encodebytes(program.environ[VARIABLE].encode()).decode()
    assert program.having(**{VARIABLE: encoded})("diff", "test").code == 0


def test_json_is_one_document_even_when_the_run_fails(program: Program) -> None:
    (program.folder / "app/settings.yaml").write_text("a: [1")
    done = program("diff", "test", "-o", "json")
    assert done.code == 12
    assert done.json["exitCode"] == 12
    assert done.json["problems"][0]["code"] == "GP0202"


def test_14_for_a_missing_right_that_only_the_apply_needs_before_anything_is_written(
    program: Program, own_control_plane: ControlPlane, kubectl: Kubectl, namespace: str, nothing_written: None
) -> None:
    """Who may dry-run everything, but not replace the inventory."""
    kubeconfig = own_control_plane.service_account_kubeconfig(namespace, "half")
    verbs = "--verb=get,list,watch,create,patch"
    kubectl("create", "role", "half", verbs, "--resource=configmaps", "-n", namespace)
    kubectl("create", "rolebinding", "half", "--role=half", f"--serviceaccount={namespace}:half", "-n", namespace)
    done = program.having(**{VARIABLE: kubeconfig})("apply", "test", "--yes")
    assert_one_clear_error(done, 14, "may not update configmaps")
