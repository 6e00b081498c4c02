"""Random kustomizations for comparing builders: bases, overlays and components over few names, so that things meet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

NAMES = ("web", "api", "db", "default", "a1", "gen")
NAMESPACES = ("", "", "shop", "default", "other")
IMAGES = ("nginx", "nginx:1.25", "r.io:5000/team/api:v1", "redis@sha256:abc", "r.io/team/api:v2@sha256:def")
SCALARS = (
    "text",
    '"text"',
    "'text'",
    "5",
    '"5"',
    "'true'",
    "true",
    "1.50",
    "0x10",
    "yes",
    '"y"',
    "null",
    "~",
    "",
    "a b",
    '""',
    "12:30",
    "2001-01-01",
    "1e3",
    "'{}'",
    "-1",
    "0755",
    "|-\n  two\n  lines",
    "'a: b'",
    "1_000",
)
MERGE_KEYS = frozenset({"name", "containerPort", "port", "mountPath"})
PLAIN = ("text", '"5"', "'true'", '"text"', "word")


Option = Callable[[dict[str, Any], Path], None]
"""Adds fields to a kustomization, and files to its folder."""


class Raw(str):
    """A scalar as it is written."""

    __slots__ = ()


Maker = Callable[["Overlays"], dict[str, Any]]


class Overlays:
    """Writes one random tree; the same seed writes the same tree."""

    makers: tuple[Maker, ...] = ()
    """What makes objects, `MAKERS` unless a class has others."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.makers = self.makers or MAKERS
        self.made: list[dict[str, Any]] = []
        self.generated: set[tuple[str, str]] = set()
        self.seen: set[tuple[str, str, str]] = set()

    def write(self, root: Path) -> str:
        """Write the tree below `root` and return the directory to build, relative to it."""
        self.write_layer(root / "base", resources=self.manifests(root / "base"), depth=0)
        bases = ["../base"]
        if self.random.random() < 0.3:
            self.write_layer(root / "second", resources=self.manifests(root / "second"), depth=0)
            bases.append("../second")
        extra = self.manifests(root / "overlay") if self.random.random() < 0.3 else []
        components = []
        if self.random.random() < 0.3:
            self.write_layer(root / "part", resources=[], depth=1, component=True)
            components = ["../part"]
        self.write_layer(root / "overlay", resources=[*bases, *extra], depth=1, components=components)
        if self.random.random() < 0.4:
            self.write_layer(root / "top", resources=["../overlay"], depth=2)
            return "top"
        return "overlay"

    def write_layer(
        self, folder: Path, resources: list[str], depth: int, *, component: bool = False, components: Any = ()
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        fields: dict[str, Any] = {}
        if component:
            fields = {"apiVersion": "kustomize.config.k8s.io/v1alpha1", "kind": "Component"}
        if resources:
            fields["resources"] = resources
        if components:
            fields["components"] = list(components)
        for chance, option in self.options(depth):
            if self.random.random() < chance:
                option(fields, folder)
        if not fields:
            fields["namePrefix"] = "x-"
        (folder / "kustomization.yaml").write_text(block(fields))

    def options(self, depth: int) -> list[tuple[float, Option]]:
        """Return what may add fields to a kustomization, with the chance that it does."""
        return [
            (0.3, self._namespace),
            (0.3, self._affixes),
            (0.3, self._labels),
            (0.2, self._common),
            (0.3, self._images),
            (0.2, self._replicas),
            (0.5, self._generators),
            (0.6 if depth else 0.2, self._patches),
            (0.1, self._legacy_patches),
        ]

    def manifests(self, folder: Path) -> list[str]:
        folder.mkdir(parents=True, exist_ok=True)
        documents: list[str] = []
        for _ in range(self.random.randint(1, 7)):
            body = self.random.choice(self.makers)(self)
            key = (body["kind"], body["metadata"]["name"], body["metadata"].get("namespace", ""))
            if key not in self.seen:
                self.seen.add(key)
                self.made.append(body)
                documents.append(block(body))
        half = self.random.randint(0, len(documents))
        parts = [part for part in (documents[:half], documents[half:]) if part]
        for number, part in enumerate(parts):
            (folder / f"r{number}.yaml").write_bytes(self.manifest_text(part).encode())
        return [f"r{number}.yaml" for number in range(len(parts))]

    def manifest_text(self, documents: list[str]) -> str:
        """Return a file of these documents."""
        return "---\n".join(documents)

    def meta(self) -> dict[str, Any]:
        metadata: dict[str, Any] = {"name": self.name()}
        namespace = self.random.choice(NAMESPACES)
        if namespace:
            metadata["namespace"] = namespace
        if self.random.random() < 0.4:
            metadata["labels"] = {"app": self.name(), "tier": Raw(self.random.choice(PLAIN))}
        if self.random.random() < 0.3:
            metadata["annotations"] = {self.random.choice("abc"): self.scalar() for _ in range(2)}
        return metadata

    def name(self) -> str:
        return self.random.choice(NAMES)

    def scalar(self) -> Raw:
        return Raw(self.random.choice(SCALARS))

    def pod(self) -> dict[str, Any]:
        pod: dict[str, Any] = {"containers": [self.container(number) for number in range(self.random.randint(1, 3))]}
        if self.random.random() < 0.3:
            pod["initContainers"] = [self.container(7)]
        if self.random.random() < 0.5:
            pod["volumes"] = [self.volume(number) for number in range(self.random.randint(1, 3))]
        if self.random.random() < 0.3:
            pod["serviceAccountName"] = self.name()
        if self.random.random() < 0.2:
            pod["imagePullSecrets"] = [{"name": self.name()}]
        if self.random.random() < 0.2:
            pod["tolerations"] = [{"key": "k", "operator": "Exists"}]
        if self.random.random() < 0.2:
            selector = {"matchLabels": {"app": self.name()}}
            term = {"topologyKey": "zone", "labelSelector": selector}
            pod["affinity"] = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
        return pod

    def container(self, number: int) -> dict[str, Any]:
        made: dict[str, Any] = {"name": f"c{number}", "image": self.random.choice(IMAGES)}
        if self.random.random() < 0.5:
            made["env"] = [self.env(letter) for letter in self.random.sample("ABCD", self.random.randint(1, 3))]
        if self.random.random() < 0.3:
            reference = self.random.choice(("configMapRef", "secretRef"))
            made["envFrom"] = [{reference: {"name": self.name()}}]
        if self.random.random() < 0.4:
            made["ports"] = [self.port("containerPort") for _ in range(self.random.randint(1, 3))]
        if self.random.random() < 0.3:
            made["args"] = [self.scalar() for _ in range(2)]
        if self.random.random() < 0.3:
            made["volumeMounts"] = [{"name": "v0", "mountPath": f"/m{self.random.randint(0, 2)}"}]
        if self.random.random() < 0.2:
            made["resources"] = {"limits": {"cpu": self.scalar(), "memory": "1Gi"}}
        return made

    def env(self, letter: str) -> dict[str, Any]:
        if self.random.random() < 0.6:
            return {"name": letter, "value": Raw(self.random.choice(PLAIN))}
        reference = self.random.choice(("configMapKeyRef", "secretKeyRef"))
        return {"name": letter, "valueFrom": {reference: {"name": self.name(), "key": "k"}}}

    def port(self, key: str) -> dict[str, Any]:
        port: dict[str, Any] = {key: self.random.choice((80, 443, 8080))}
        if self.random.random() < 0.4:
            port["protocol"] = self.random.choice(("TCP", "UDP"))
        if self.random.random() < 0.4:
            port["name"] = self.random.choice(("http", "https"))
        return port

    def volume(self, number: int) -> dict[str, Any]:
        sources: tuple[dict[str, Any], ...] = (
            {"configMap": {"name": self.name()}},
            {"secret": {"secretName": self.name()}},
            {"emptyDir": {}},
            {"persistentVolumeClaim": {"claimName": self.name()}},
            {"projected": {"sources": [{"configMap": {"name": self.name()}}, {"secret": {"name": self.name()}}]}},
        )
        return {"name": f"v{number}", **self.random.choice(sources)}

    def _namespace(self, fields: dict[str, Any], folder: Path) -> None:
        fields["namespace"] = self.random.choice(("shop", "prod", "default"))

    def _affixes(self, fields: dict[str, Any], folder: Path) -> None:
        if self.random.random() < 0.7:
            fields["namePrefix"] = self.random.choice(("p-", "dev-"))
        if self.random.random() < 0.4:
            fields["nameSuffix"] = "-s"

    def _labels(self, fields: dict[str, Any], folder: Path) -> None:
        entry: dict[str, Any] = {"pairs": {"team": Raw('"7"'), "app": "all"}}
        for option in ("includeSelectors", "includeTemplates"):
            if self.random.random() < 0.5:
                entry[option] = self.random.random() < 0.8
        if self.random.random() < 0.2:
            entry["fields"] = [{"path": "spec/extra/labels", "create": True, "kind": "Widget"}]
        fields["labels"] = [entry]

    def _common(self, fields: dict[str, Any], folder: Path) -> None:
        fields[self.random.choice(("commonLabels", "commonAnnotations"))] = {"owner": "me", "num": Raw("'1.50'")}

    def _images(self, fields: dict[str, Any], folder: Path) -> None:
        name = self.random.choice(("nginx", "r.io:5000/team/api", "redis", "r.io/team/api", "r.io.*"))
        entry: dict[str, Any] = {"name": name}
        changes = {"newName": "new/img", "newTag": "v9", "digest": "sha256:aaa", "tagSuffix": "-x"}
        entry |= {key: value for key, value in changes.items() if self.random.random() < 0.4}
        fields["images"] = [entry]

    def _replicas(self, fields: dict[str, Any], folder: Path) -> None:
        names = [body["metadata"]["name"] for body in self.made if body["kind"] in {"Deployment", "StatefulSet"}]
        if names or self.random.random() < 0.05:
            fields["replicas"] = [{"name": self.random.choice(names or NAMES), "count": self.random.randint(0, 9)}]

    def _generators(self, fields: dict[str, Any], folder: Path) -> None:
        for field in self.random.sample(("configMapGenerator", "secretGenerator"), self.random.randint(1, 2)):
            name = self.random.choice(("gen", "g2", self.name()))
            entry: dict[str, Any] = {"name": name, "literals": [f"k={self.name()}", "q='x y'"]}
            kind = "ConfigMap" if field == "configMapGenerator" else "Secret"
            if (kind, name) in self.generated or any(key[:2] == (kind, name) for key in self.seen):
                entry["behavior"] = self.random.choice(("merge", "replace"))
            self.generated.add((kind, name))
            if self.random.random() < 0.4:
                (folder / "app.env").write_text("A=1\n# note\n B = 2 \nC\n")
                entry["envs"] = ["app.env"]
            if self.random.random() < 0.4:
                (folder / "page.txt").write_text(self.random.choice(("one\ntwo\n", "<b>&amp;</b>", "x" * 90, "")))
                entry["files"] = [self.random.choice(("page.txt", "key=page.txt"))]
            if self.random.random() < 0.3:
                flag = self.random.choice(("disableNameSuffixHash", "immutable"))
                entry["options"] = {flag: True, "labels": {"g": "1x"}}
            if self.random.random() < 0.2:
                entry["namespace"] = "shop"
            fields[field] = [entry]
        if self.random.random() < 0.2:
            fields["generatorOptions"] = {"annotations": {"made": "here"}, "labels": {"g": "all"}}

    def _patches(self, fields: dict[str, Any], folder: Path) -> None:
        fields["patches"] = [self._patch(folder, number) for number in range(self.random.randint(1, 3))]

    def _patch(self, folder: Path, number: int) -> dict[str, Any]:
        entry: dict[str, Any] = {}
        if self.random.random() < 0.3:
            entry["target"] = self.target()
            text = block([self.operation(entry["target"]["kind"]) for _ in range(self.random.randint(1, 3))])
        else:
            text = block(self.strategic())
            if self.random.random() < 0.5:
                entry["target"] = self.target()
                if self.random.random() < 0.15:
                    entry["options"] = {self.random.choice(("allowNameChange", "allowKindChange")): True}
        if self.random.random() < 0.5:
            (folder / f"patch{number}.yaml").write_text(text)
            entry["path"] = f"patch{number}.yaml"
        else:
            entry["patch"] = text_block(text)
        return entry

    def _legacy_patches(self, fields: dict[str, Any], folder: Path) -> None:
        if self.random.random() < 0.5:
            (folder / "old.yaml").write_text(block(self.strategic()))
            fields["patchesStrategicMerge"] = ["old.yaml"]
            return
        target = {**self.target(), "name": self.name()}
        (folder / "old.json.yaml").write_text(block([self.operation(target["kind"])]))
        fields["patchesJson6902"] = [{"target": target, "path": "old.json.yaml"}]

    def target(self) -> dict[str, Any]:
        target: dict[str, Any] = {
            "kind": self.random.choice(("Deployment", "Service", "ConfigMap", "Deploy.*|Widget", "Pod"))
        }
        if self.random.random() < 0.4:
            target["name"] = self.random.choice((*NAMES, "w.*", "(web|api)"))
        if self.random.random() < 0.2:
            target["labelSelector"] = self.random.choice(("app=web", "app in (web, api)", Raw("'!app'"), "app!=db"))
        if self.random.random() < 0.1:
            target["annotationSelector"] = "a"
        if self.random.random() < 0.1:
            target["namespace"] = "shop"
        return target

    def operation(self, kind: str) -> dict[str, Any]:
        paths = {
            "Deployment": (
                "/spec/replicas",
                "/spec/template/spec/containers/0/image",
                "/spec/template/spec/containers/-",
                "/spec/template/spec/containers/0/env",
                "/spec/new~1key",
            ),
            "Service": ("/spec/ports/0/port", "/spec/ports/-", "/spec/ports/1/name", "/spec/selector/app"),
            "ConfigMap": ("/data/k", "/data/j", "/data", "/metadata/labels", "/binaryData"),
        }
        path = self.random.choice(paths.get(kind, ("/metadata/labels", "/spec/x", "/metadata/name", "/data/k")))
        op = self.random.choice(
            ("add", "add", "replace", "replace", "remove", "test") if self.random.random() < 0.2 else ("add",)
        )
        made: dict[str, Any] = {"op": op, "path": path}
        if op != "remove":
            whole = path.endswith("/-")
            made["value"] = (
                self.container(5) if whole else Raw(self.random.choice(("text", "5", "'5'", "true", "null", "1.5")))
            )
        return made

    def strategic(self) -> dict[str, Any]:
        old = self.random.choice(self.made) if self.made else self.random.choice(self.makers)(self)
        body = next(
            made for made in (self.random.choice(self.makers)(self) for _ in range(2000)) if made["kind"] == old["kind"]
        )
        patch: dict[str, Any] = {
            "apiVersion": body["apiVersion"],
            "kind": body["kind"],
            "metadata": {key: old["metadata"][key] for key in ("name", "namespace") if key in old["metadata"]},
        }
        roll = self.random.random()
        if roll < 0.07:
            return {"$patch": "delete", **patch}
        if roll < 0.3:
            patch["metadata"] |= {"labels": {"app": self.scalar()}, "annotations": {"a": self.scalar()}}
        for key, value in body.items():
            if key not in patch:
                patch[key] = self._shaken(value)
        return patch

    def _shaken(self, value: Any) -> Any:
        """Return the value with fields dropped, nulled, or given directives."""
        if isinstance(value, dict):
            kept = {
                key: item if key in MERGE_KEYS else self._shaken(item)
                for key, item in value.items()
                if key in MERGE_KEYS or self.random.random() < 0.8
            }
            if self.random.random() < 0.06:
                kept["$patch"] = self.random.choice(("replace", "delete", "merge"))
            return kept
        if isinstance(value, list):
            items = [self._shaken(item) for item in value]
            if self.random.random() < 0.04:
                items.append({"$patch": "replace"})
            return items
        return Raw("null") if self.random.random() < 0.08 else value


def _workload(kind: str, api_version: str, *path: str) -> Callable[[Overlays], dict[str, Any]]:
    def make(overlays: Overlays) -> dict[str, Any]:
        template: dict[str, Any] = {"metadata": {"labels": {"app": overlays.name()}}, "spec": overlays.pod()}
        spec: dict[str, Any] = {"template": template}
        if kind in {"Deployment", "StatefulSet"}:
            spec["selector"] = {"matchLabels": {"app": "web"}}
            if overlays.random.random() < 0.6:
                spec["replicas"] = Raw(overlays.random.choice(("1", "3", '"2"')))
        for key in path:
            spec = {key: {"spec": spec}}
        return {"apiVersion": api_version, "kind": kind, "metadata": overlays.meta(), "spec": spec}

    return make


def _simple(
    kind: str, api_version: str, content: Callable[[Overlays], Mapping[str, Any]]
) -> Callable[[Overlays], dict[str, Any]]:
    def make(overlays: Overlays) -> dict[str, Any]:
        return {"apiVersion": api_version, "kind": kind, "metadata": overlays.meta(), **content(overlays)}

    return make


def _subjects(overlays: Overlays) -> dict[str, Any]:
    subject: dict[str, Any] = {"kind": "ServiceAccount", "name": overlays.name()}
    if overlays.random.random() < 0.7:
        subject["namespace"] = overlays.random.choice(("shop", "default", "other"))
    role = overlays.random.choice(("Role", "ClusterRole"))
    group = "rbac.authorization.k8s.io"
    return {"subjects": [subject], "roleRef": {"apiGroup": group, "kind": role, "name": overlays.name()}}


def _ingress(overlays: Overlays) -> dict[str, Any]:
    backend = {"service": {"name": overlays.name(), "port": {"number": 80}}}
    rule = {"host": "h", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    return {"spec": {"tls": [{"hosts": ["h"], "secretName": overlays.name()}], "rules": [rule]}}


_RBAC = "rbac.authorization.k8s.io/v1"
MAKERS: tuple[Callable[[Overlays], dict[str, Any]], ...] = (
    *(_workload("Deployment", "apps/v1"),) * 4,
    _workload("StatefulSet", "apps/v1"),
    _workload("DaemonSet", "apps/v1"),
    _workload("Job", "batch/v1"),
    _workload("CronJob", "batch/v1", "jobTemplate"),
    _simple("Pod", "v1", lambda o: {"spec": o.pod()}),
    *(
        _simple(
            "Service", "v1", lambda o: {"spec": {"selector": {"app": "web"}, "ports": [o.port("port"), o.port("port")]}}
        ),
    )
    * 2,
    *(_simple("ConfigMap", "v1", lambda o: {"data": {"k": Raw(o.random.choice(PLAIN)), "j": Raw("|\n  line\n  two")}}),)
    * 2,
    _simple("Secret", "v1", lambda o: {"stringData": {"k": Raw(o.random.choice(PLAIN))}}),
    _simple("ServiceAccount", "v1", lambda o: {"imagePullSecrets": [{"name": o.name()}]}),
    _simple("PersistentVolumeClaim", "v1", lambda o: {"spec": {"storageClassName": o.name()}}),
    _simple("Namespace", "v1", lambda o: {}),
    _simple(
        "Role", _RBAC, lambda o: {"rules": [{"resourceNames": [o.name()], "resources": ["secrets"], "verbs": ["get"]}]}
    ),
    _simple("ClusterRole", _RBAC, lambda o: {"rules": [{"resourceNames": [o.name()], "verbs": ["get"]}]}),
    _simple("RoleBinding", _RBAC, _subjects),
    _simple("ClusterRoleBinding", _RBAC, _subjects),
    _simple("Ingress", "networking.k8s.io/v1", _ingress),
    _simple(
        "HorizontalPodAutoscaler",
        "autoscaling/v2",
        lambda o: {"spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": o.name()}}},
    ),
    _simple("PodDisruptionBudget", "policy/v1", lambda o: {"spec": {"selector": {"matchLabels": {"app": "web"}}}}),
    _simple(
        "NetworkPolicy", "networking.k8s.io/v1", lambda o: {"spec": {"podSelector": {"matchLabels": {"app": "web"}}}}
    ),
    *(
        _simple(
            "Widget",
            "example.com/v1",
            lambda o: {
                "spec": {o.random.choice("abcd"): o.scalar() for _ in range(3)}
                | {"list": [{"name": "x", "v": o.scalar()}]}
            },
        ),
    )
    * 2,
)


def text_block(text: str) -> Raw:
    """Return a text of several lines as a block scalar."""
    return Raw("|-\n" + "\n".join(f"  {line}" for line in text.rstrip("\n").split("\n")))


def block(value: Any, indent: int = 0) -> str:
    """Return a value as block style YAML; texts are written plain, `Raw` as it is."""
    pad = "  " * indent
    if isinstance(value, dict):
        return "".join(f"{pad}{key}:{_child(item, indent)}" for key, item in value.items())
    return "".join(f"{pad}-{_item(item, indent)}" for item in value)


def _child(value: Any, indent: int) -> str:
    if isinstance(value, (dict, list)):
        if not value:
            return " {}\n" if isinstance(value, dict) else " []\n"
        return "\n" + block(value, indent + isinstance(value, dict))
    return _scalar(value, indent)


def _item(value: Any, indent: int) -> str:
    if isinstance(value, dict) and value:
        return " " + block(value, indent + 1).lstrip(" ")
    return " {}\n" if isinstance(value, dict) else _scalar(value, indent)


def _scalar(value: Any, indent: int) -> str:
    if isinstance(value, bool):
        return f" {str(value).lower()}\n"
    text = str(value)
    if "\n" in text:
        text = text.replace("\n", "\n" + "  " * indent)
    return f" {text}\n" if text else "\n"
