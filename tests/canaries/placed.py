"""Where the canaries are: a config repo, a cluster that was used before, and a machine with other secrets on it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.canaries.values import Canary
from tests.controlplane.kubectl import Kubectl
from tests.e2e.program import VARIABLE, Program, config_map

Canaries = Mapping[str, Canary]
SET = "app/set.yaml"
"""The file with most of the set, the Deployment too."""


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def secret(name: str, data: Mapping[str, str], kind: str = "Opaque", **more: Any) -> dict[str, Any]:
    """Return a Secret with these values."""
    values = {key: encoded(value) for key, value in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "type": kind, "metadata": {"name": name}, "data": values, **more}


def objects_of_the_set(canaries: Canaries) -> list[dict[str, Any]]:
    """Return the manifests of the directory `app`, with the canaries that belong there."""
    value = {name: canary.value for name, canary in canaries.items()}
    registry = json.dumps(
        {"auths": {"registry.example.com": {"username": "u", "password": value["registry password"]}}}
    )
    document = json.dumps({"database": {"password": value["of a JSON document"], "host": "db"}})
    return [
        {
            **secret("passwords", {"data": value["data"]}),
            "stringData": {"string": value["string data"], "lines": value["text of many lines"]},
        },
        secret("registry", {".dockerconfigjson": registry}, "kubernetes.io/dockerconfigjson"),
        secret("tls", {"tls.crt": "", "tls.key": value["TLS key"]}, "kubernetes.io/tls"),
        secret("basic", {"username": "u", "password": value["basic auth"]}, "kubernetes.io/basic-auth"),
        secret("ssh", {"ssh-privatekey": value["ssh key"]}, "kubernetes.io/ssh-auth"),
        secret("binary", {"blob": f"\x00\x01{value['binary data']}\x02"}),
        secret("frozen", {"value": value["of an immutable Secret"]}, immutable=True),
        secret("leaving", {"value": value["of a Secret that goes"]}),
        secret("document", {"config.json": document, "url": f"postgres://u:{value['of a URL']}@db"}),
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "notes", "annotations": {"note": f"was {value['data']}"}},
            "data": {
                "plain": f"is {value['string data']} now",
                "encoded": encoded(value["basic auth"]),
                "hidden": value["sensitive field"],
                "repeated": value["repeated in a note"],
            },
        },
        secret(
            "repeated",
            {
                "argument": value["repeated in an argument"],
                "base64": value["repeated as base64"],
                "note": value["repeated in a note"],
            },
        ),
        _workload(value),
    ]


def _workload(value: Mapping[str, str]) -> dict[str, Any]:
    container = {
        "name": "web",
        "image": "registry.example.com/web:1",
        "args": [f"--password={value['repeated in an argument']}", value["sensitive argument"]],
        "env": [{"name": "TOKEN", "value": encoded(value["repeated as base64"])}],
    }
    labels = {"app": "web"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": pod},
    }


def config(namespace: str) -> str:
    """Return a config with two sources, and two fields that are secret because it says so."""
    return f"""\
version: 1
project: {namespace}
clusters:
  plane: {{credentials: {{env: {VARIABLE}}}}}
environments:
  test:
    cluster: plane
    namespace: {namespace}
    wait: {{timeout: 30s}}
    sources: [{{directory: app}}, {{kustomize: generated}}]
    sensitive:
      - {{kind: ConfigMap, name: notes, field: data.hidden}}
      - {{kind: Deployment, field: "spec.template.spec.containers[*].args"}}
"""


def place_in_repo(program: Program, namespace: str, canaries: Canaries) -> None:
    """Write the config repo, and commit it."""
    program.write("gitops-push.yaml", config(namespace))
    program.write(SET, yaml.safe_dump_all(objects_of_the_set(canaries), allow_unicode=True))
    program.write("app/settings.yaml", config_map("settings"))
    literal = canaries["literal of a generator"].value
    program.write("generated/prod.env", f"PASSWORD={canaries['env file of a generator'].value}\n")
    program.write("generated/key.pem", canaries["file of a generator"].value)
    patch = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "patched"},
        "stringData": {"password": canaries["merged by a patch"].value},
    }
    program.write("generated/base.yaml", yaml.safe_dump(secret("patched", {"user": "u"})))
    kustomization = {
        "resources": ["base.yaml"],
        "secretGenerator": [
            {"name": "generated", "literals": [f"literal={literal}"], "envs": ["prod.env"], "files": ["key.pem"]}
        ],
        "patches": [{"patch": yaml.safe_dump(patch, allow_unicode=True)}],
    }
    program.write("generated/kustomization.yaml", yaml.safe_dump(kustomization, allow_unicode=True))
    program.commit()


def place_in_cluster(kubectl: Kubectl, namespace: str, canaries: Canaries) -> None:
    """Leave in the cluster what kubectl applied before, and what another team keeps there."""
    older = secret("passwords", {"data": canaries["last applied only"].value})
    kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(older))
    before = secret(
        "passwords",
        {
            "data": canaries["applied by kubectl before"].value,
            "only-here": canaries["key that only the cluster has"].value,
        },
    )
    kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(before))
    kubectl(
        "patch", "secret", "passwords", "-n", namespace, "--type=merge", "-p",
        json.dumps({"metadata": {"annotations": {"note": "kept"}}}),
    )  # fmt: skip
    other = secret("of-another-team", {"value": canaries["of another team's Secret"].value})
    kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(other))


def edit_in_cluster(kubectl: Kubectl, namespace: str, canaries: Canaries) -> None:
    """A colleague changes a Secret by hand, and writes the new value where others can read it."""
    value = canaries["edited in the cluster"].value
    secret_patch = json.dumps({"stringData": {"password": value}})
    kubectl("patch", "secret", "basic", "-n", namespace, "--type=merge", "-p", secret_patch)
    note = json.dumps({"data": {"plain": f"now {value}"}})
    kubectl("patch", "configmap", "notes", "-n", namespace, "--type=merge", "-p", note)


def never_ready(program: Program) -> None:
    """Have the Deployment wait for longer than any test, and commit that."""
    text = (program.folder / SET).read_text()
    waiting = text.replace("replicas: 1", "replicas: 1\n  minReadySeconds: 600\n  progressDeadlineSeconds: 900")
    program.write(SET, waiting)
    program.commit()


def variables_of_the_machine(canaries: Canaries, kubeconfig: str, folder: Path) -> dict[str, str]:
    """Return what a CI job has in its environment: our kubeconfig, and secrets that are none of our business."""
    return {
        VARIABLE: with_more_users(kubeconfig, canaries),
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        "GITHUB_OUTPUT": str(folder / "output"),
        "GITHUB_ENV": str(folder / "env"),
        "GITHUB_REPOSITORY": "shop/config",
        "GITHUB_RUN_ID": "17",
        "GITHUB_SERVER_URL": "https://github.example.com",
        "GITHUB_ACTOR": "ann",
        "TMPDIR": str(folder),
        "GITHUB_TOKEN": canaries["token of the forge"].value,
        "AWS_SECRET_ACCESS_KEY": canaries["cloud key"].value,
        "CI_JOB_TOKEN": canaries["job token"].value,
        "NO_PROXY": "127.0.0.1,localhost",
        "HTTPS_PROXY": f"http://ann:{canaries['proxy password'].value}@127.0.0.1:9",
    }


def with_more_users(kubeconfig: str, canaries: Canaries) -> str:
    """Return a kubeconfig in which somebody else's credentials stand too, as in everybody's own file."""
    found = yaml.safe_load(kubeconfig)
    found["users"].append({"name": "other", "user": {"token": canaries["token of another context"].value}})
    found["contexts"].append({"name": "other", "context": {"cluster": found["clusters"][0]["name"], "user": "other"}})
    return json.dumps(found)


def secrets_of(kubeconfig: str) -> str:
    """Return the client key of a kubeconfig as PEM."""
    user = yaml.safe_load(kubeconfig)["users"][0]["user"]
    return base64.b64decode(user["client-key-data"]).decode()
