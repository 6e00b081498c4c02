"""What can go wrong in a run, each with a canary in the very thing that goes wrong."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml

from tests.canaries.placed import SET, edit_in_cluster, encoded, never_ready, secret
from tests.canaries.stage import Output, Stage
from tests.e2e.program import VARIABLE, Finished

Played: TypeAlias = Iterator[tuple[Finished, tuple[Output, ...], frozenset[int]]]
"""Each run: how it ended, all that it left, and how it may end."""

OK = frozenset({0})
APPLY = "apply test --yes"


@dataclass(frozen=True, slots=True)
class Situation:
    """A name, and what is played on a stage."""

    name: str
    play: Callable[[Stage], Played]


def _runs(stage: Stage, *codes_of: tuple[str, frozenset[int]]) -> Played:
    for command, codes in codes_of:
        yield (*stage.run(command), codes)


def _all(stage: Stage, code: int, *commands: str) -> Played:
    yield from _runs(stage, *((command, frozenset({code})) for command in commands or ("diff test", APPLY)))


def nothing(stage: Stage) -> Played:
    yield from _all(
        stage, 0, "environments", "validate test", "build test -o name", "diff test", APPLY, "diff test",
        "drift test", "drift test --no-dry-run", "status test", "inventory list", APPLY,
    )  # fmt: skip


def edited_by_hand(stage: Stage) -> Played:
    yield from _all(stage, 0, APPLY)
    edit_in_cluster(stage.kubectl, stage.namespace, stage.canaries)
    yield from _all(stage, 0, "drift test", "drift test --no-dry-run --unmanaged", "diff test", "status test", APPLY)


def removed_from_git(stage: Stage) -> Played:
    yield from _all(stage, 0, APPLY)
    documents = [
        one
        for one in yaml.safe_load_all((stage.program.folder / SET).read_text())
        if one["metadata"]["name"] not in {"leaving", "basic", "notes"}
    ]
    stage.program.write(SET, yaml.safe_dump_all(documents, allow_unicode=True))
    stage.program.commit()
    yield from _all(stage, 0, "diff test --base HEAD~1", "diff test", "drift test", APPLY, "status test")


def bad_file(text: Callable[[Stage], str], code: int) -> Callable[[Stage], Played]:
    """Return a play in which a file of the config repo is wrong."""

    def play(stage: Stage) -> Played:
        stage.program.write("app/bad.yaml", text(stage))
        stage.program.commit()
        yield from _all(stage, code)

    return play


def value(stage: Stage, name: str = "data") -> str:
    return stage.canaries[name].value


BAD_FILES: Mapping[str, tuple[Callable[[Stage], str], int]] = {
    "registry credentials that are none": (
        lambda s: json.dumps(secret("bad", {".dockerconfigjson": value(s)}, "kubernetes.io/dockerconfigjson")),
        14,
    ),
    "a misspelt field": (
        lambda s: json.dumps(secret("bad", {}) | {"stringDate": {"password": value(s)}}),
        14,
    ),
    "base64 that is none": (
        lambda s: json.dumps(secret("bad", {}) | {"data": {"password": value(s)}}),
        14,
    ),
    "a label that repeats it": (
        lambda s: json.dumps(secret("bad", {}, metadata={"name": "bad", "labels": {"p": value(s)}})),
        12,
    ),
    "a name that is a secret": (
        lambda s: json.dumps(secret("bad", {}, metadata={"name": value(s)})),
        12,
    ),
    "YAML that breaks off in a secret": (
        lambda s: (
            f"apiVersion: v1\nkind: Secret\nmetadata: {{name: bad}}\nstringData:\n  a: '{value(s, 'token')}\n  b: ["
        ),
        12,
    ),
    "a key twice": (
        lambda s: (
            f"kind: Secret\napiVersion: v1\nmetadata: {{name: bad}}\nstringData:\n  a: x\n  a: {value(s, 'token')}\n"
        ),
        12,
    ),
    "an object twice": (lambda s: json.dumps(secret("passwords", {"data": value(s)})), 12),
    "a kind that nobody serves": (
        lambda s: json.dumps(
            {**secret("bad", {"a": value(s)}), "apiVersion": "vault.example.com/v1", "kind": "Sealed"}
        ),
        14,
    ),
    "a namespace that is missing": (
        lambda s: json.dumps(secret("bad", {"a": value(s)}, metadata={"name": "bad", "namespace": "test-nowhere"})),
        12,
    ),
}


def remote_base(stage: Stage) -> Played:
    """A base with a password in its URL, which is refused: a build fetches nothing."""
    url = f"https://ann:{value(stage, 'password of the remote')}@git.example.com/base?ref=1"
    path = stage.program.folder / "generated/kustomization.yaml"
    stage.program.write("generated/kustomization.yaml", path.read_text().replace("- base.yaml", f"- {url}"))
    yield from _all(stage, 12, "validate test", "diff test")


@contextmanager
def _denying(stage: Stage, expression: str, message: str) -> Iterator[None]:
    """Have the API server refuse Secrets of the namespace, with words that repeat what was sent."""
    name = f"deny-{stage.namespace}"
    selector = {"matchLabels": {"kubernetes.io/metadata.name": stage.namespace}}
    rules = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["secrets"]}]
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {"resourceRules": rules, "namespaceSelector": selector},
            "validations": [{"expression": expression, "messageExpression": message}],
        },
    }
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": ["Deny"]},
    }
    for one in (policy, binding):
        stage.kubectl("apply", "-f", "-", stdin=json.dumps(one))
    try:
        _until_denied(stage, expression)
        yield
    finally:
        for kind in ("validatingadmissionpolicybinding", "validatingadmissionpolicy"):
            stage.kubectl("delete", kind, name)


def _until_denied(stage: Stage, expression: str) -> None:
    """Wait until the server has read the policy; it takes a moment."""
    probe = json.dumps(secret("probe", {"a": "b"}))
    dry = ["--dry-run=server"] if "dryRun" not in expression else []
    for _ in range(200):
        done = stage.kubectl.run("create", *dry, "-n", stage.namespace, "-f", "-", stdin=probe)
        if done.returncode != 0 and "deny-" in done.stderr:
            return
        if not dry:
            stage.kubectl.run("delete", "secret", "probe", "-n", stage.namespace)
        time.sleep(0.05)
    raise AssertionError("the policy never took effect")


# CEL prints bytes and maps of strings in its own way only through their parts.
ECHO_PARTS = "'no: ' + (has(object.data) ? object.data.map(k, k + '=' + object.data[k]).join(', ') : '')"


def denied_in_the_dry_run(stage: Stage) -> Played:
    with _denying(stage, "false", ECHO_PARTS):
        yield from _all(stage, 14)


def denied_at_the_write(stage: Stage) -> Played:
    with _denying(stage, "request.dryRun", ECHO_PARTS):
        yield from _runs(stage, ("diff test", OK), (APPLY, frozenset({20})), ("status test", OK))


def kubeconfig_with(stage: Stage, user: Mapping[str, Any], **cluster: Any) -> str:
    found = yaml.safe_load(stage.plane.kubeconfig)
    found["users"][0]["user"] = dict(user)
    found["clusters"][0]["cluster"].update(cluster)
    return json.dumps(found)


def bad_user(user: Callable[[Stage], Mapping[str, Any]], code: int = 11) -> Callable[[Stage], Played]:
    """Return a play with another user in the kubeconfig, plain and as base64."""

    def play(stage: Stage) -> Played:
        text = kubeconfig_with(stage, user(stage))
        for variable in (text, encoded(text)):
            yield from _all(stage.having(**{VARIABLE: variable}), code, "diff test")
        yield from _all(stage.having(**{VARIABLE: text}), code, "status test", "drift test", APPLY)

    return play


def plugin(script: str) -> Callable[[Stage], Mapping[str, Any]]:
    """Return a user whose token a plugin tells; `script` may name canaries in braces."""

    def user(stage: Stage) -> Mapping[str, Any]:
        program = stage.tools / "issue-token"
        told = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential"}
        status = {"token": value(stage, "told by a plugin")}
        text = script.replace("TOLD", json.dumps({**told, "status": status})).replace(
            "ERROR", value(stage, "error of a plugin")
        )
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)
        return {
            "exec": {
                "apiVersion": "client.authentication.k8s.io/v1",
                "command": "issue-token",
                "args": [f"--oidc-client-secret={value(stage, 'argument of a plugin')}"],
                "env": [{"name": "PLUGIN_KEY", "value": value(stage, "variable of a plugin")}],
                "interactiveMode": "Never",
            }
        }

    return user


def _plugin_play(script: str) -> Callable[[Stage], Played]:
    def play(stage: Stage) -> Played:
        made = stage.having(**{VARIABLE: kubeconfig_with(stage, plugin(script)(stage))})
        yield from _all(made, 11, "diff test")
        yield from _all(made, 11, "diff test --allow-exec issue-token", f"{APPLY} --allow-exec issue-token")
        (stage.tools / "issue-token").unlink()

    return play


USERS: Mapping[str, Callable[[Stage], Mapping[str, Any]]] = {
    "a token that is rejected": lambda s: {"token": value(s, "token")},
    "a password": lambda s: {"username": "ann", "password": value(s, "basic auth password")},
    "an old plugin": lambda s: {
        "auth-provider": {"name": "oidc", "config": {"refresh-token": value(s, "refresh token")}}
    },
    "a token in a file elsewhere": lambda s: {"tokenFile": f"/nowhere/{value(s, 'token in a file')}"},
    "a key that is none": lambda s: {
        "client-certificate-data": encoded("no certificate"),
        "client-key-data": encoded(value(s, "refresh token")),
    },
    "an unknown way to log in": lambda s: {"tokn": value(s, "token")},
}
PLUGINS: Mapping[str, str] = {
    "a plugin whose token is rejected": "cat <<'END'\nTOLD\nEND",
    "a plugin that fails": "echo 'ERROR' >&2; echo \"$PLUGIN_KEY $1\" >&2; exit 3",
    "a plugin that tells no JSON": "echo 'ERROR'; echo \"$PLUGIN_KEY\"",
    "a plugin that tells something else": 'cat <<\'END\'\n{"kind": "ERROR", "status": {"token": 7}}\nEND',
}


def wrong_server(change: Callable[[Stage], tuple[str, Mapping[str, str]]]) -> Callable[[Stage], Played]:
    """Return a play in which the server is not reached: a kubeconfig and variables."""

    def play(stage: Stage) -> Played:
        kubeconfig, variables = change(stage)
        yield from _all(stage.having(**{VARIABLE: kubeconfig}, **variables), 13, "diff test", "status test", APPLY)

    return play


def _with_token(stage: Stage, **cluster: Any) -> str:
    return kubeconfig_with(stage, {"token": value(stage, "token")}, **cluster)


SERVERS: Mapping[str, Callable[[Stage], tuple[str, Mapping[str, str]]]] = {
    "nobody listens": lambda s: (_with_token(s, server="https://127.0.0.1:1"), {}),
    "a proxy that is not there": lambda s: (_with_token(s, server="https://10.255.255.1:6443"), {}),
    "another authority": lambda s: (
        _with_token(s, **{"certificate-authority-data": encoded(_another_authority())}),
        {},
    ),
}


def _another_authority() -> str:
    from tests.unit.credentials.kubeconfigs import AUTHORITY

    return AUTHORITY.certificate_pem


def no_right_to_secrets(stage: Stage) -> Played:
    kubeconfig = stage.plane.service_account_kubeconfig(stage.namespace, "reader")
    stage.kubectl("create", "role", "reader", "-n", stage.namespace, "--verb=*", "--resource=configmaps")
    stage.kubectl(
        "create", "rolebinding", "reader", "-n", stage.namespace, "--role=reader",
        f"--serviceaccount={stage.namespace}:reader",
    )  # fmt: skip
    yield from _runs(
        stage.having(**{VARIABLE: kubeconfig}),
        *((command, frozenset({11, 13, 14})) for command in ("diff test", "drift test", APPLY)),
    )


def an_immutable_secret(stage: Stage) -> Played:
    yield from _all(stage, 0, APPLY)
    changed = (stage.program.folder / SET).read_text()
    before, after = value(stage, "of an immutable Secret"), value(stage, "of a Secret that goes")
    stage.program.write(SET, changed.replace(encoded(before), encoded(after + after)))
    stage.program.commit()
    yield from _runs(stage, ("diff test", frozenset({0, 14, 15})), (APPLY, frozenset({14, 15})))


def another_manager(stage: Stage) -> Played:
    """A controller keeps another value in a Secret and in a ConfigMap."""
    ours = secret("passwords", {"data": value(stage, "edited in the cluster")})
    stage.kubectl("delete", "secret", "passwords", "-n", stage.namespace)
    stage.kubectl(
        "apply", "--server-side", "--field-manager=controller", "-n", stage.namespace, "-f", "-", stdin=json.dumps(ours)
    )
    yield from _all(stage, 15, APPLY)
    yield from _all(stage, 0, f"{APPLY} --force-conflict Secret/passwords")


def a_quota(stage: Stage) -> Played:
    stage.kubectl("create", "quota", "few", "-n", stage.namespace, "--hard=count/secrets=2")
    yield from _runs(stage, ("diff test", frozenset({0, 14})), (APPLY, frozenset({14, 20})))


def a_stale_plan(stage: Stage) -> Played:
    yield from _all(stage, 0, APPLY)
    stage.program.write(SET, (stage.program.folder / SET).read_text().replace("--password=", "--password-of-service="))
    stage.program.commit()
    plan = stage.left / "tmp/kept-plan"
    done = stage.program("diff", "test", "-o", f"plan={plan}")
    yield done, stage.outputs("diff test -o plan", done), OK
    edit_in_cluster(stage.kubectl, stage.namespace, stage.canaries)
    yield from _all(stage, 17, f"apply test --plan {plan}")
    plan.write_text(plan.read_text().replace('"update"', '"updat"'))
    yield from _runs(stage, (f"apply test --plan {plan}", frozenset({2, 10, 17})))


def an_image_that_is_not_there(stage: Stage) -> Played:
    """The Deployment never becomes ready, and its report names its pods."""
    never_ready(stage.program)
    yield from _runs(stage, (f"{APPLY} --timeout 2s", frozenset({21})), ("status test", OK), ("drift test", OK))


def ended_by(number: signal.Signals) -> Callable[[Stage], Played]:
    """Return a play in which a signal comes while the run waits; what the process shows of itself is searched too."""

    def play(stage: Stage) -> Played:
        never_ready(stage.program)
        with stage.program.start(*stage.words(APPLY)) as process:
            shown = _shown_of(stage, process)
            process.send_signal(number)
            out, err = process.communicate(timeout=30)
        done = Finished(process.returncode, out, err)
        yield done, (*shown, *stage.outputs(f"{APPLY}, {number.name}", done)), frozenset({20, -number})
        yield from _runs(stage, ("status test", OK), ("diff test", OK), ("inventory list", OK))

    return play


def _shown_of(stage: Stage, process: subprocess.Popen[str]) -> tuple[Output, ...]:
    """Return what others on the machine could read of a process that waits: its command line and its credential."""
    deadline = time.monotonic() + 30
    while stage.kubectl.run("get", "deployment", "web", "-n", stage.namespace).returncode != 0:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.2)
    variables = _read(f"/proc/{process.pid}/environ").split(b"\0")
    ours = b"\0".join(entry for entry in variables if entry.startswith(VARIABLE.encode()))
    return (
        Output("the command line of the process", _read(f"/proc/{process.pid}/cmdline")),
        Output("the credential's variable in /proc", ours),
    )


def _read(path: str) -> bytes:
    with open(path, "rb") as file:  # noqa: PTH123
        return file.read()


def a_report_that_cannot_be_written(stage: Stage) -> Played:
    yield from _runs(
        stage,
        ("diff test -o json=/nowhere/report.json", frozenset({2, 10})),
        (f"{APPLY} -o html=/", frozenset({2, 10})),
    )


def nobody_reads_the_output(stage: Stage) -> Played:
    with stage.program.start("diff", "test", "-o", "json") as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        err = process.stderr.read()
        process.wait(30)
    done = Finished(process.returncode, "", err)
    yield done, stage.outputs("diff into a closed pipe", done), frozenset(range(256)) - {1}


def a_kubeconfig_as_a_file_name(stage: Stage) -> Played:
    """Somebody gives the kubeconfig itself where its path belongs."""
    text = _with_token(stage).replace(" ", "")
    yield from _runs(stage, (f"diff test --kubeconfig {text}", frozenset({2, 11})))
    yield from _runs(stage.having(KUBECONFIG=text, **{VARIABLE: ""}), ("diff test", frozenset({10, 11, 13})))


def _named() -> Iterator[Situation]:
    yield Situation("nothing goes wrong", nothing)
    yield Situation("a colleague edits", edited_by_hand)
    yield Situation("objects go from git", removed_from_git)
    for name, (text, code) in BAD_FILES.items():
        yield Situation(name, bad_file(text, code))
    yield Situation("a remote base", remote_base)
    yield Situation("denied in the dry run", denied_in_the_dry_run)
    yield Situation("denied at the write", denied_at_the_write)
    for name, user in USERS.items():
        yield Situation(name, bad_user(user))
    for name, script in PLUGINS.items():
        yield Situation(name, _plugin_play(script))
    for name, server in SERVERS.items():
        yield Situation(name, wrong_server(server))
    yield Situation("no right to Secrets", no_right_to_secrets)
    yield Situation("an immutable Secret", an_immutable_secret)
    yield Situation("another manager", another_manager)
    yield Situation("a quota", a_quota)
    yield Situation("a stale plan", a_stale_plan)
    yield Situation("not ready in time", an_image_that_is_not_there)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        yield Situation(f"ended by {number.name}", ended_by(number))
    yield Situation("a report that cannot be written", a_report_that_cannot_be_written)
    yield Situation("nobody reads the output", nobody_reads_the_output)
    yield Situation("a kubeconfig as a file name", a_kubeconfig_as_a_file_name)


SITUATIONS: Mapping[str, Situation] = {situation.name: situation for situation in _named()}

assert shutil.which("sh"), "plugins of these situations are shell scripts"
