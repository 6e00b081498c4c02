"""Writes the JSON Schema (draft-07) and the reference page of gitops-push.yaml from its grammar."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, assert_never

from gitops_push.repo.config_grammar import (
    CLUSTER,
    CONFIG,
    CONFLICT_RULE,
    CREDENTIALS,
    ENVIRONMENT,
    HELM,
    IGNORE_RULE,
    KUSTOMIZE,
    PATTERN_ENVIRONMENT,
    PRUNE,
    RECREATE_RULE,
    RENAMED_FROM,
    SENSITIVE_RULE,
    SERVICE_ACCOUNT_TOKEN,
    SOURCE,
    WAIT,
    WAIT_CONDITION,
    WAIT_RULE,
)
from gitops_push.repo.grammar import Brief, Either, Field, Free, ListOf, Named, Number, Record, Switch, Text, Type

_SCHEMA_ID: Final = "gitops-push.schema.json"

_ON_CONFLICTS: Final = """\
What happens where another field manager set a field of the manifest to another value: `take` makes it ours, `yield`
leaves it to that manager, `fail` refuses to apply. The first rule of which all keys match counts; `*` and `?` stand for
anything, and a field stands for all below it. `--force-conflicts` and `--force-conflict` beat the rules. Where no rule
matches: [who owns a field](../how-to/conflicts.md)."""

_ON_ENVIRONMENTS: Final = """\
`defaults` takes the same keys, but for `sources`. A setting is looked for in the environment, then in the `defaults` of
its file, then in those of the files that include it. Lists of `external`, `conflicts`, `ignore`, `sensitive`,
`recreate`, `takeover` and `wait.rules` add up, those of the environment first; `prune` and `wait` are looked up key by
key, all else is replaced.

An object must be in the environment's `namespace`, in one that the set creates, in one of Kubernetes' own, or in one
that `external` names (`v1/Namespace/monitoring`); any other is taken for a slip and is an error."""

_ON_PATTERNS: Final = """\
A name like `{app}-{env}` makes an environment of each directory that `match` finds. A placeholder stands for one name
in the path, or a part of it, and can be used in `cluster`, `namespace`, `external` and in the paths of `sources`. Two
environments of one name are an error."""

_ON_KUSTOMIZE: Final = """\
A path alone is enough; a mapping says how to build it. The keys are kustomize's flags of these names, and the same
flags of `gitops-push build` win over them. What these keys allow may start programs: review changes to them like
changes to a pipeline. See [kustomize.md](kustomize.md)."""

_ON_HELM: Final = """\
The `helm` on the PATH (3.20 or later, or 4.1 or later) renders the chart as `helm template` does: without a network, a
cluster, plugins or a home of the user. Dependencies have to be in the chart's `charts` folder. Messages name the
template that an object comes from, hooks run as [hooks](order.md), and no release is recorded. See [deploy a
chart](../how-to/deploy-a-chart.md)."""

_ON_RECREATION: Final = """\
Jobs and bare Pods need no rule. Namespaces, CustomResourceDefinitions, PersistentVolumes and their claims are never
recreated. See [immutable fields](../how-to/immutable-fields.md)."""

_ON_RENAMING: Final = """\
The earlier name alone is enough; a mapping also says another namespace or project. See [inventories](inventory.md)."""

_ON_WAITING: Final = """\
How long a deployment waits, and what for. What ready means for each kind, examples of rules, and the annotations for
single objects: [health](health.md)."""

_ON_WAIT_RULES: Final = """\
All of `group`, `kind`, `namespace` and `name` must match; `*` and `?` stand for anything. How the health of an object
is read is up to the first rule that matches and has `field` or `conditions`, how long it is waited for to the first
with `timeout`, whether at all to the first with `skip`. A value that is in no list is not ready yet where there is a
`ready` list, else ready."""

_SECTIONS: Final[tuple[tuple[str, str, Record], ...]] = (
    ("The file", "", CONFIG),
    ("clusters.NAME", "A target cluster. All keys may be left out.", CLUSTER),
    ("clusters.NAME.credentials", "Where the credential comes from.", CREDENTIALS),
    ("clusters.NAME.credentials.serviceAccountToken", "", SERVICE_ACCOUNT_TOKEN),
    (
        "environments.NAME",
        _ON_ENVIRONMENTS,
        ENVIRONMENT,
    ),
    (
        "environments with placeholders",
        _ON_PATTERNS,
        PATTERN_ENVIRONMENT,
    ),
    ("environments.NAME.sources[]", "What an environment is built from.", SOURCE),
    ("environments.NAME.sources[].kustomize", _ON_KUSTOMIZE, KUSTOMIZE),
    ("environments.NAME.sources[].helm", _ON_HELM, HELM),
    (
        "environments.NAME.renamedFrom",
        _ON_RENAMING,
        RENAMED_FROM,
    ),
    (
        "environments.NAME.prune",
        "In one run at most `max` objects are deleted, not counting predecessors of hashed names.",
        PRUNE,
    ),
    ("environments.NAME.wait", _ON_WAITING, WAIT),
    ("environments.NAME.wait.rules[]", _ON_WAIT_RULES, WAIT_RULE),
    (
        "environments.NAME.wait.rules[].conditions[]",
        "Conditions of `status.conditions`, by their status.",
        WAIT_CONDITION,
    ),
    ("environments.NAME.conflicts[]", _ON_CONFLICTS, CONFLICT_RULE),
    (
        "environments.NAME.ignore[]",
        "All keys of a rule must match; `*` and `?` stand for anything.",
        IGNORE_RULE,
    ),
    ("environments.NAME.sensitive[]", "", SENSITIVE_RULE),
    (
        "environments.NAME.recreate[]",
        _ON_RECREATION,
        RECREATE_RULE,
    ),
)

_HEAD: Final = """# gitops-push.yaml

<!-- Made from the grammar by `make docs`; do not edit. -->

Configuration of a config repo, in its root or in the folder that a command runs in; `.gitops-push.yaml` is found too.
Every key is listed here; an unknown one is an error, and so is one that is not supported yet. Editors
check it with the JSON Schema [gitops-push.schema.json](../gitops-push.schema.json).

The file is read as kustomize reads YAML: `yes` and `on` are texts, a key twice is an error, and `~` or an empty value
is not a value. Paths count from the folder of the file that they are written in, and never lead out of the repo.

Beyond what the schema can say, these are errors: a `cluster` that is not defined, an environment without a
`namespace` of its own or in `defaults`, a source that is not there, a field path that cannot be read, a name that is
defined in two files, a placeholder that is not in `match`.
"""


def to_schema(grammar: Record = CONFIG) -> dict[str, Any]:
    """Return the JSON Schema of a grammar."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": _SCHEMA_ID,
        "title": "gitops-push.yaml",
        **_schema_of(grammar),
    }


def to_reference() -> str:
    """Return the reference page, Markdown."""
    return _HEAD + "".join(line for section in _SECTIONS for line in _section(*section))


def _schema_of(grammar: Type) -> dict[str, Any]:
    match grammar:
        case Record():
            return _record_schema(grammar)
        case Named():
            patterns = {_anchored(name): _schema_of(value) for name, value in grammar.alternatives}
            return {"type": "object", "patternProperties": patterns, "additionalProperties": False}
        case ListOf():
            minimum = {"minItems": grammar.minimum} if grammar.minimum else {}
            return {"type": "array", "items": _schema_of(grammar.item), **minimum}
        case Text():
            examples = {"examples": list(grammar.like)} if grammar.like else {}
            return {"type": "string", "pattern": _anchored(grammar), **examples}
        case Number():
            only = {} if grammar.only is None else {"enum": [grammar.only]}
            return {"type": "integer", "minimum": grammar.minimum, **only}
        case Either():
            return {"anyOf": [_schema_of(grammar.number), _schema_of(grammar.text)]}
        case Brief():
            return {"anyOf": [_schema_of(grammar.text), _schema_of(grammar.record)]}
        case Switch():
            return {"type": "boolean"}
        case Free():
            return {"type": "object"}
        case _:
            assert_never(grammar)


def _record_schema(record: Record) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {field.name: _field_schema(field) for field in record.fields},
        "additionalProperties": False,
    }
    required = [field.name for field in record.fields if field.required]
    needs = {field.name: [field.needs] for field in record.fields if field.needs}
    if required:
        schema["required"] = required
    if needs:
        schema["dependencies"] = needs
    if record.exactly_one:
        schema["oneOf"] = [{"required": [name]} for name in record.exactly_one]
    if record.at_least_one:
        schema["anyOf"] = [{"required": [name]} for name in record.at_least_one]
    return schema


def _field_schema(field: Field) -> dict[str, Any]:
    default = f" Default: {field.default}." if field.default else ""
    return {"description": f"{field.text[0].upper()}{field.text[1:]}.{default}", **_schema_of(field.type)}


def _anchored(text: Text) -> str:
    return f"^(?:{text.pattern})$"


def _section(title: str, text: str, record: Record) -> Iterator[str]:
    yield f"\n## {title}\n\n"
    if text:
        yield f"{text}\n\n"
    yield "| key | type | meaning | default |\n|---|---|---|---|\n"
    for field in record.fields:
        yield f"| `{field.name}` | {_type_words(field.type)} | {_meaning(field)} | {_default(field, record)} |\n"
    if record.later:
        yield "\nNot supported yet, and refused: "
        yield "; ".join(f"`{name}` ({meaning})" for name, meaning in record.later) + ".\n"


def _meaning(field: Field) -> str:
    return field.text + (f"; only beside `{field.needs}`" if field.needs else "")


def _default(field: Field, record: Record) -> str:
    if field.required:
        return "required"
    if field.name in record.exactly_one:
        return f"exactly one of {_names(record.exactly_one)}"
    if field.name in record.at_least_one:
        return f"at least one of {_names(record.at_least_one)}"
    return field.default


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _type_words(grammar: Type) -> str:
    match grammar:
        case Record():
            return "mapping"
        case Named():
            return "mapping by name"
        case ListOf():
            return f"list: {_type_words(grammar.item)}"
        case Text():
            return _words_of_text(grammar)
        case Number():
            return "whole number" if grammar.only is None else f"`{grammar.only}`"
        case Either():
            return _words_of_text(grammar.text)
        case Brief():
            return f"{_words_of_text(grammar.text)}; or mapping"
        case Switch():
            return "`true` or `false`"
        case Free():
            return "mapping of anything"
        case _:
            assert_never(grammar)


def _words_of_text(text: Text) -> str:
    words = text.what.removeprefix("a ").removeprefix("an ")
    return f"{words}, like {_names(text.like)}" if text.like else words


def write_docs(folder: Path) -> None:
    """Write `gitops-push.schema.json` and `reference/config.md` into a docs folder."""
    (folder / "reference").mkdir(parents=True, exist_ok=True)
    (folder / _SCHEMA_ID).write_text(json.dumps(to_schema(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "reference" / "config.md").write_text(to_reference(), encoding="utf-8")
