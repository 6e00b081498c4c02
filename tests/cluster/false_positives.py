"""The rows of `false_positives.yaml`: objects, what others do to them, a real change, and what a plan must show."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from gitops_push.core.fieldpath import parse_field_path
from gitops_push.documents.reader import read_one
from gitops_push.documents.scalars import Dialect

Body = dict[str, Any]

TABLE: Final = Path(__file__).with_name("false_positives.yaml")
_POD: Final = "spec.template.spec"
_PODS: Final = {"CronJob": f"spec.jobTemplate.{_POD}"}
_GROUPS: Final = {"Job": "batch/v1", "CronJob": "batch/v1", "ReplicationController": "v1"}


@dataclass(frozen=True)
class Row:
    """One row for one kind. `name` and `data` hold the placeholders NAME, GROUP and BUNDLE, see the table."""

    case: str
    kind: str
    name: str
    data: Mapping[str, Any] = field(hash=False)
    cluster_scoped: bool = False

    @property
    def slug(self) -> str:
        """A name for the object."""
        words = "".join(letter if letter.isalnum() else " " for letter in f"{self.case} {self.kind}".lower()).split()
        return "-".join(words)[:44].rstrip("-")

    @property
    def shown(self) -> frozenset[str]:
        """The fields that a plan shows for the real change."""
        return frozenset(_expanded(path, self.kind, "name=web") for path in self.data.get("shown") or self.data["set"])

    def manifest(self) -> Body:
        """The object as it is written."""
        written: Body | None = copy.deepcopy(self.data.get("manifest"))
        body = written or _workload(self.kind, self.data)
        return {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": {}, **body}

    def changed(self, body: Body) -> Body:
        """The object after the real change."""
        changed = copy.deepcopy(body)
        for path, value in self.data["set"].items():
            _set(changed, parse_field_path(_expanded(path, self.kind, "0")), value)
        return changed


def rows() -> tuple[Row, ...]:
    """All rows of the table, one for each kind."""
    return tuple(_rows(read_one(TABLE.read_bytes(), TABLE.name, Dialect.KUBECTL).value))


def filled(value: Any, words: Mapping[str, str]) -> Any:
    """A copy of data with placeholders filled in."""
    text = json.dumps(value)
    for word, meaning in words.items():
        text = text.replace(word, meaning)
    return json.loads(text)


def _rows(entries: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    for entry in entries:
        for kind in entry.get("kinds") or [entry["manifest"]["kind"]]:
            yield Row(entry["case"], kind, entry.get("name", "NAME"), entry, entry.get("scope") == "cluster")


def _expanded(path: str, kind: str, web: str) -> str:
    pod = _PODS.get(kind, _POD)
    return path.replace("$pod", pod).replace("$web", f"{pod}.containers[{web}]")


def _workload(kind: str, data: Mapping[str, Any]) -> Body:
    container = {"name": "web", "image": "example.com/web:1", **(data.get("container") or {})}
    pod = {
        **({"restartPolicy": "Never"} if "Job" in kind else {}),
        "containers": [container],
        **(data.get("pod") or {}),
    }
    body = {
        "apiVersion": _GROUPS.get(kind, "apps/v1"),
        "kind": kind,
        "metadata": data.get("metadata") or {},
        "spec": _spec_around(kind, pod, data.get("spec") or {}),
        **({"status": data["status"]} if "status" in data else {}),
    }
    copied: Body = copy.deepcopy(body)
    return copied


def _spec_around(kind: str, pod: Body, spec: Mapping[str, Any]) -> Body:
    labels = {"app": "NAME"}
    match kind:
        case "CronJob":
            return {"schedule": "0 3 1 1 *", "jobTemplate": {"spec": {"template": {"spec": pod}}}, **spec}
        case "Job":
            return {"template": {"spec": pod}, **spec}
        case "ReplicationController":
            selector: Body = labels
        case _:
            selector = {"matchLabels": labels}
    return {"selector": selector, "template": {"metadata": {"labels": labels}, "spec": pod}, **spec}


def _set(node: Any, path: Sequence[Any], value: Any) -> None:
    *around, last = path
    for step in around:
        node = node.setdefault(step, {}) if isinstance(node, dict) else node[step]
    if value is None:
        del node[last]
    else:
        node[last] = value
