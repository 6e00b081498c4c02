"""Plan files: written by the schema, read back as they were, and refused when anything that binds was touched."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from gitops_push.core.errors import UsageError
from gitops_push.core.fielddiff import ABSENT, FieldChange
from gitops_push.core.objects import ObjectRef
from gitops_push.core.plan import Action, Change, Plan
from gitops_push.core.plan_digest import bound, plan_digest
from gitops_push.core.redaction import Masked, Redactor
from gitops_push.reports.plan_file import plan_document, read_plan_file
from tests.unit.core.test_plan_digest import CHANGE, PLAN
from tests.unit.reports.test_plan_text import HEADER

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "plan.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA)
RECORDED = {"version", "cluster", "server", "commit", "plannedAt"}
FOR_PEOPLE = {"path", "before", "after", "owner"}
REDACTOR = Redactor(b"key", ["hunter2-hunter2", "create"])


def tags(letter: str) -> tuple[str, str]:
    return letter * 64, "9" * 64


FIELDS = (
    FieldChange(("data", "a"), Masked("12345678"), ABSENT, tags=tags("1")),
    FieldChange(("data", "b"), REDACTOR.mask_text("x hunter2-hunter2"), {"k": [Masked("1"), 2]}, tags=tags("2")),
    FieldChange(("data", "hunter2-hunter2"), None, 1.5, tags=tags("3")),
)
NEW = Change(ObjectRef("", "Secret", "shop", "s"), "v1", Action.CREATE, fields=FIELDS, content="e" * 64)
WHOLE = Plan(
    "prod", "shop", "1a2b3c", "cluster", "digest", PLAN.planned_at, (CHANGE, NEW), 1.0, namespace="shop", keyed=True
)


def document() -> dict[str, Any]:
    return plan_document(WHOLE, HEADER, REDACTOR.without_values)


def read(data: object) -> object:
    return read_plan_file(json.dumps(data), "plan.json")


def test_the_schema_is_one_and_the_file_is_valid() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    VALIDATOR.validate(document())


def test_what_binds_is_read_back() -> None:
    saved = read_plan_file(json.dumps(document()), "plan.json")
    assert saved.digest == plan_digest(WHOLE)
    assert [found.ref for found in saved.plan.objects] == [found.ref for found in bound(WHOLE).objects]
    assert (saved.commit, saved.made) == ("1a2b3c", "made 2026-11-20T10:41:00Z from commit 1a2b3c")


def test_no_secret_value_and_no_tag_of_the_run_is_in_the_file_and_words_of_the_format_stay() -> None:
    text = json.dumps(document())
    assert "hunter2" not in text
    assert "12345678" not in text
    assert '"action": "create"' in text


def leaves(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(node, (dict, list)) and node:
        for key, item in node.items() if isinstance(node, dict) else enumerate(node):
            yield from leaves(item, (*path, key))
    else:
        yield path


def with_other(data: dict[str, Any], path: tuple[Any, ...], value: object) -> dict[str, Any]:
    changed = copy.deepcopy(data)
    node: Any = changed
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    return changed


@pytest.mark.parametrize("path", list(leaves(document())), ids=lambda path: ".".join(map(str, path)))
def test_every_value_that_binds_is_guarded_by_the_digest(path: tuple[Any, ...]) -> None:
    data = document()
    changed = with_other(data, path, "0" * 64)
    if path[0] in RECORDED or (len(path) > 1 and FOR_PEOPLE & set(path)):
        read(changed)
    else:
        with pytest.raises(UsageError):
            read(changed)
    others: tuple[object, ...] = (7, None, [], {})
    for other in others:
        wrong = with_other(data, path, other)
        try:
            read(wrong)
        except UsageError:
            continue
        assert {*path} & (RECORDED | FOR_PEOPLE) or json.dumps(wrong) == json.dumps(data)


@pytest.mark.parametrize("part", ["objects", "digest", "digestFormat", "kind", "secretValues", "commit"])
def test_a_file_without_a_part_is_refused(part: str) -> None:
    data = document()
    del data[part]
    with pytest.raises(UsageError):
        read(data)


def test_an_object_that_was_taken_out_or_put_in_is_noticed() -> None:
    data = document()
    for objects in (data["objects"][1:], [*data["objects"], data["objects"][0]]):
        with pytest.raises(UsageError, match="changed after it was made"):
            read({**data, "objects": objects})
