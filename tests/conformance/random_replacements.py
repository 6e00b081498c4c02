"""Random `replacements` and `vars` on top of the random trees: all options, and fields that meet each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.conformance.random_overlays import NAMES, Overlays, Raw, block

VALUES = (
    "text",
    "'5'",
    '"5"',
    "7",
    "0x10",
    "1.50",
    "true",
    "'true'",
    "null",
    "",
    "''",
    "a:b:c",
    "x/y/z",
    "2001-01-01",
    "1.2.3",
    "yes",
    "'a: b'",
    "5:6",
    "|\n  one\n  two",
)
STRUCTURED = (
    '|-\n  {"host": "h", "port": 80, "list": [{"name": "x", "v": "a:b"}], "on": true}',
    '|-\n  {\n    "host": "h",\n    "port": 80.5\n  }',
    "|\n  host: h\n  port: 80\n  list:\n  - name: x\n    v: 'a:b'\n  - name: y\n    v: \"1\"",
    "|\n  host:   'h'\n  list:\n    - name: x\n      v: |\n        t\n  flow: {a: 1, b: [x, y]}",
    "'host: h'",
    "'[1, 2]'",
    "plain",
)
STRUCTURED_YAML = (*STRUCTURED[2:4],) * 3 + STRUCTURED[4:]
STRUCTURED_JSON = (*STRUCTURED[:2],) * 3 + STRUCTURED[4:]
PATHS = (
    "metadata.name",
    "data.s0",
    "data.s1",
    "data.s2",
    "data.[dotted.key]",
    r"data.dotted\.key",
    "spec.list.0.v",
    "spec.list.[name=x].v",
    "spec.list.[name=x]",
    "spec.list",
    "spec.map",
    "spec.map.k",
    "spec.words.1",
    "spec.words.[=one]",
    "spec.n",
)
SOURCE_PATHS = (*PATHS, "spec.list.-.v")
BAD_PATHS = (
    "spec.missing",
    "spec.*.v",
    "spec.list.5.v",
    "spec.n.deep",
    "metadata.labels.app",
    "metadata.annotations.note",
)
TARGET_PATHS = (
    *PATHS,
    "spec.list.*.v",
    "spec.words.*",
    "data.json.host",
    "data.json.port",
    "data.json.list.0.v",
    "data.json.list.[name=x].v",
    "data.json.on",
    "data.yaml.host",
    "data.yaml.port",
    "data.yaml.list.[name=x].v",
    "data.yaml.list.*.v",
    "data.yaml.flow.a",
)
MADE_PATHS = (
    *TARGET_PATHS,
    "spec.list.[name=new].v",
    "spec.words.[=new]",
    "spec.words.3",
    "spec.map.new.deep",
    "spec.made.list.0",
    "spec.made.[name=z].v",
    "data.json.new",
    "data.json.list.1.v",
    "data.yaml.new.deep",
    "metadata.labels.new",
    "metadata.annotations.[example.com/new]",
    "metadata.annotations.note",
)


VARS = ("V1", "V2", "V3", "V4", "V5", "V6", "V7", "V8")
VAR_PATHS = (*(path for path in PATHS if path != "spec.list"), "spec.words[0]", "data.json")


class ReplacingOverlays(Overlays):
    """Writes a tree of objects with many kinds of fields, and layers that replace them."""

    def write(self, root: Path) -> str:
        """Write the tree below `root` and return the directory to build, relative to it."""
        for folder in ("base", "overlay"):
            (root / folder).mkdir(parents=True)
        self._layer(root / "base", [self._document(number) for number in range(self.random.randint(2, 4))])
        self._layer(root / "overlay", [self._document(9)] if self.random.random() < 0.3 else [], base="../base")
        return "overlay"

    def _layer(self, folder: Path, documents: list[dict[str, Any]], base: str = "") -> None:
        fields: dict[str, Any] = {"resources": [base] if base else []}
        if documents:
            (folder / "all.yaml").write_text("---\n".join(block(document) for document in documents))
            fields["resources"].append("all.yaml")
        if self.random.random() < 0.3:
            fields["namePrefix"] = self.random.choice(("p-", "dev-"))
        if self.random.random() < 0.2:
            fields["namespace"] = self.random.choice(("shop", "prod"))
        if self.random.random() < 0.2:
            fields["labels"] = [{"pairs": {"app": Raw("'7'"), "team": "t"}}]
        if self.random.random() < 0.2:
            fields["patches"] = [self._small_patch()]
        if base or self.random.random() < 0.3:
            fields["replacements"] = [self._entry(folder, number) for number in range(self.random.choice((1, 1, 2)))]
        (folder / "kustomization.yaml").write_text(block(fields))

    def _small_patch(self) -> dict[str, Any]:
        made = self.random.choice(self.made)
        if self.random.random() < 0.3:
            value = {"app": Raw("'9'"), "json": "patched"}
            operations = [{"op": "add", "path": "/metadata/labels", "value": value}]
            return {"patch": _indented(block(operations)), "target": {"kind": made["kind"]}}
        body = {key: made[key] for key in ("apiVersion", "kind")} | {
            "metadata": {key: made["metadata"][key] for key in ("name", "namespace") if key in made["metadata"]},
            "data": {"s1": self._value(), "s2": self._value()},
        }
        return {"patch": _indented(block(body))}

    def _value(self) -> Raw:
        return Raw(self.random.choice(VALUES))

    def _document(self, number: int) -> dict[str, Any]:
        kind, api_version = self.random.choice((("ConfigMap", "v1"), ("Widget", "example.com/v1"), ("Secret", "v1")))
        name = f"{self.random.choice(NAMES)}{number}"
        metadata: dict[str, Any] = {"name": name}
        if self.random.random() < 0.3:
            metadata["namespace"] = self.random.choice(("default", "shop"))
        if self.random.random() < 0.6:
            metadata["labels"] = {"app": Raw(self.random.choice(("web", "api", "'5'")))}
        if self.random.random() < 0.4:
            metadata["annotations"] = {"note": Raw(self.random.choice(("a:b", "1.50", "text")))}
        data = {f"s{index}": self._value() for index in range(3)} | {"dotted.key": self._value()}
        data |= {"json": Raw(self.random.choice(STRUCTURED_JSON)), "yaml": Raw(self.random.choice(STRUCTURED_YAML))}
        items = [
            {"name": item, "v": self._value()} for item in self.random.sample("xxyz", self.random.choice((0, 2, 3, 4)))
        ]
        spec = {
            "n": self._value(),
            "list": items,
            "words": [Raw(self.random.choice(("one", "two", "3", "'4'", "w"))) for _ in range(3)],
            "map": {"k": self._value(), "a": {"b": self._value()}},
        }
        made = {"apiVersion": api_version, "kind": kind, "metadata": metadata, "data": data, "spec": spec}
        self.made.append(made)
        return made

    def _entry(self, folder: Path, number: int) -> dict[str, Any]:
        entries = [self._replacement() for _ in range(self.random.choice((1, 1, 2)))]
        if self.random.random() < 0.7:
            return entries[0]
        (folder / f"r{number}.yaml").write_text(block(entries if self.random.random() < 0.5 else entries[0]))
        return {"path": f"r{number}.yaml"}

    def _replacement(self) -> dict[str, Any]:
        targets = [self._target() for _ in range(self.random.choice((1, 1, 2)))]
        if self.random.random() < 0.25:
            value = self.random.choice(("text", "'5'", "'true'", "'null'", "''", "'a b'", "2.5.1", '"1:2"'))
            return {"sourceValue": Raw(value), "targets": targets}
        source: dict[str, Any] = self._identity(self.random.choice(self.made))
        path = self.random.choice(SOURCE_PATHS if self.random.random() < 0.97 else BAD_PATHS)
        if path != "metadata.name" or self.random.random() < 0.5:
            source["fieldPath"] = Raw(f"'{path}'")
        if self.random.random() < 0.15:
            source["options"] = {"delimiter": Raw(self.random.choice(("':'", "/", "."))), "index": self._index()}
        return {"source": source, "targets": targets}

    def _index(self) -> Raw:
        return Raw(self.random.choice(("0", "0", "0", "0", "0", "1", "2", "-1", "9")))

    def _identity(self, made: dict[str, Any]) -> dict[str, Any]:
        identity: dict[str, Any] = {"kind": made["kind"], "name": made["metadata"]["name"]}
        if self.random.random() < 0.1:
            identity["namespace"] = self.random.choice(("default", "shop"))
        if self.random.random() < 0.1:
            identity["version"] = "v1"
        return identity

    def _target(self) -> dict[str, Any]:
        select = self._identity(self.random.choice(self.made))
        if self.random.random() < 0.4:
            select = {"kind": self.random.choice(("ConfigMap", "Widget", ".*", "Secret|Widget"))}
        if self.random.random() < 0.1:
            select["labelSelector"] = self.random.choice(("app=web", "app"))
        target: dict[str, Any] = {"select": select}
        if self.random.random() < 0.2:
            rejects = ({"name": "web.*"}, {"kind": "Secret"}, {"labelSelector": "app=api"}, {"name": "p-.*"})
            target["reject"] = [self.random.choice(rejects)]
        options: dict[str, Any] = {}
        if self.random.random() < 0.3:
            options |= {"delimiter": Raw(self.random.choice(("':'", "/", "."))), "index": self._index()}
        if self.random.random() < 0.6:
            options["create"] = True
        paths = MADE_PATHS if "create" in options else TARGET_PATHS if self.random.random() < 0.97 else BAD_PATHS
        if self.random.random() < 0.95:
            count = self.random.choice((1, 1, 1, 2))
            target["fieldPaths"] = [Raw(f"'{self.random.choice(paths)}'") for _ in range(count)]
        if options:
            target["options"] = options
        return target


class ReferringOverlays(ReplacingOverlays):
    """Writes a tree of objects that refer to vars, and layers that declare them."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.names = list(VARS)
        self.random.shuffle(self.names)

    def _layer(self, folder: Path, documents: list[dict[str, Any]], base: str = "") -> None:
        documents = [*documents, self._workload(len(self.made))]
        fields: dict[str, Any] = {"resources": [base, "all.yaml"] if base else ["all.yaml"]}
        (folder / "all.yaml").write_text("---\n".join(block(document) for document in documents))
        if self.random.random() < 0.4:
            fields["namePrefix"] = self.random.choice(("p-", "dev-"))
        if self.random.random() < 0.3:
            fields["namespace"] = self.random.choice(("shop", "prod"))
        if self.random.random() < 0.3:
            fields["commonAnnotations"] = {"var": self._reference()}
        if self.random.random() < 0.3:
            fields["configMapGenerator"] = [{"name": f"made{base[3:]}", "literals": ["s0=$(V1)"]}]
            self.made.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"made{base[3:]}"}})
        count = self.random.randint(0 if base else 1, 3)
        fields["vars"] = [self._var() for _ in range(count)]
        (folder / "kustomization.yaml").write_text(block(fields))

    def _var(self) -> dict[str, Any]:
        again = self.random.random() < 0.02
        made = self.random.choice(self.made)
        entry: dict[str, Any] = {"name": self.random.choice(VARS) if again else self.names.pop()}
        entry["objref"] = {key: made[key] for key in ("apiVersion", "kind")} | {"name": made["metadata"]["name"]}
        if self.random.random() < 0.2:
            entry["objref"]["namespace"] = made["metadata"].get("namespace", "default")
        path = self.random.choice(VAR_PATHS if "spec" in made and "map" in made["spec"] else ("metadata.name",))
        if path != "metadata.name" or self.random.random() < 0.5:
            entry["fieldref"] = {self.random.choice(("fieldPath", "fieldpath")): Raw(f"'{path}'")}
        return entry

    def _reference(self) -> Raw:
        name = self.random.choice(VARS)
        shapes = (f"$({name})", f"$({name})", f"x-$({name})", f"$$({name})-$(V1)$(V2)", "$(NONE)", "$(V1", "$V1$$", "a")
        return Raw(f"'{self.random.choice(shapes)}'")

    def _workload(self, number: int) -> dict[str, Any]:
        kind = self.random.choice(("Deployment", "Job", "Pod", "CronJob", "Widget"))
        container = {
            "name": "main",
            "image": "nginx",
            "args": [self._reference() for _ in range(2)],
            "env": [{"name": "A", "value": self._reference()}],
        }
        spec: dict[str, Any] = {"containers": [container]}
        if kind != "Pod":
            spec = {"template": {"metadata": {"annotations": {"a": self._reference()}}, "spec": spec}}
        if kind == "CronJob":
            spec = {"jobTemplate": {"spec": spec}}
        metadata: dict[str, Any] = {"name": f"w{number}"}
        metadata["labels"] = {"l": self._reference(), "n": Raw(self.random.choice(("5", "'5'", "yes")))}
        metadata["annotations"] = {"l": self._reference(), "n": Raw(self.random.choice(("5", "1.50", "yes")))}
        versions = {"Deployment": "apps/v1", "Pod": "v1", "Widget": "example.com/v1"}
        made = {"apiVersion": versions.get(kind, "batch/v1"), "kind": kind, "metadata": metadata, "spec": spec}
        self.made.append(made)
        return made


def _indented(text: str) -> Raw:
    return Raw("|-" + "".join(f"\n  {line}" for line in text.rstrip("\n").split("\n")))
