"""What `replacements` copies, where to, and what of the target stays."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent

import pytest

from gitops_push.core.codes import Code
from gitops_push.core.errors import BuildError
from gitops_push.core.tree import origin_at
from gitops_push.kustomize.replacements.paths import split_field_path
from tests.unit.kustomize.trees import build, only, text

OBJECTS = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: from
  annotations: {version: 1.50}
data:
  text: a:b:c
  hexadecimal: 0x10
  number: "5"
---
apiVersion: example.com/v1
kind: Widget
metadata:
  name: to
  annotations: {note: old}
spec:
  replicas: 1
  text: "old"
  address: http://host:80/path
  items:
  - name: one
    v: 1
  - name: two
    v: 2
  json: '{"port": 80, "host": "h"}'
  yaml: |
    host: h # none
    ports: [1, 2]
"""


def built(root: Path, replacements: str, objects: str = OBJECTS) -> dict[str, object]:
    """Return the spec of the widget after the replacements."""
    result = build(root, {"kustomization.yaml": kustomization(replacements), "all.yaml": objects})
    spec = only(result, "Widget").body["spec"]
    assert isinstance(spec, dict)
    return spec


def kustomization(replacements: str) -> str:
    return f"resources: [all.yaml]\nreplacements:\n{replacements}"


def entry(source: str, path: str, options: str = "", source_options: str = "") -> str:
    head = (
        f"- sourceValue: {source[1:]}\n"
        if source.startswith("=")
        else f"- source: {{kind: ConfigMap, fieldPath: {source}"
    )
    head += "" if source.startswith("=") else f", options: {{{source_options}}}}}\n"
    return f"{head}  targets: [{{select: {{kind: Widget}}, fieldPaths: ['{path}'], options: {{{options}}}}}]\n"


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("a.b", ("a", "b")),
        (r"a.b\.c", ("a", "b.c")),
        ("a.[b.c/d].e", ("a", "b.c/d", "e")),
        ("a.[name=b.c].d", ("a", "[name=b.c]", "d")),
        (".a.b", ("a", "b")),
        ("a.[b", ("a", "b")),
    ],
)
def test_a_path_is_split_at_dots_outside_of_brackets_and_escapes(path: str, parts: tuple[str, ...]) -> None:
    assert split_field_path(path) == parts


@pytest.mark.parametrize(
    ("source", "target", "value"),
    [
        ("data.number", "spec.replicas", 5),
        ("data.number", "spec.text", "5"),
        ("data.hexadecimal", "spec.text", "0x10"),
        ("data.hexadecimal", "spec.replicas", 16),
        ("metadata.annotations.version", "spec.text", "1.50"),
        ("='7'", "spec.replicas", 7),
    ],
)
def test_a_scalar_keeps_its_type_and_gets_the_text_as_it_is_written(
    tmp_path: Path, source: str, target: str, value: object
) -> None:
    assert built(tmp_path, entry(source, target))[target.removeprefix("spec.")] == value


@pytest.mark.parametrize(("index", "value"), [("-1", "x:http"), ("0", "x"), ("9", "http:x")])
def test_a_delimiter_replaces_one_part_or_adds_one(tmp_path: Path, index: str, value: str) -> None:
    objects = OBJECTS.replace("http://host:80/path", "http")
    spec = built(tmp_path, entry("=x", "spec.address", f"delimiter: ':', index: {index}"), objects)
    assert spec["address"] == value


def test_a_source_gives_one_part_of_its_text(tmp_path: Path) -> None:
    spec = built(tmp_path, entry("data.text", "spec.text", source_options="delimiter: ':', index: 1"))
    assert spec["text"] == "b"


def test_a_part_of_a_source_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"options\.index 3 is out of bounds for value"):
        built(tmp_path, entry("data.text", "spec.text", source_options="delimiter: ':', index: 3"))


@pytest.mark.parametrize(
    ("path", "values"),
    [("spec.items.*.v", [9, 9]), ("spec.items.[name=two].v", [1, 9]), ("spec.items.0.v", [9, 2])],
)
def test_items_are_found_by_star_by_a_field_and_by_number(tmp_path: Path, path: str, values: list[int]) -> None:
    items = built(tmp_path, entry("='9'", path))["items"]
    assert isinstance(items, list)
    assert [item["v"] for item in items] == values


def test_create_makes_mappings_and_items_and_reads_the_text_without_a_type(tmp_path: Path) -> None:
    spec = built(tmp_path, entry("='9'", "spec.new.[name=a].v", "create: true"))
    assert spec["new"] == [{"name": "a", "v": 9}]


def test_without_create_a_missing_field_is_an_error_at_the_target(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r'unable to find field "?\'?spec\.new') as caught:
        built(tmp_path, entry("=x", "spec.new"))
    origin = caught.value.problems[0].origin
    assert origin is not None
    assert (origin.file, origin.line) == ("kustomization.yaml", 4)


def test_a_field_in_json_within_a_text_is_set_in_its_type(tmp_path: Path) -> None:
    spec = built(tmp_path, entry("='81'", "spec.json.port"))
    assert spec["json"] == '{"host":"h","port":81}'


def test_a_field_in_yaml_within_a_text_is_set_and_the_rest_keeps_its_style(tmp_path: Path) -> None:
    spec = built(tmp_path, entry("='3'", "spec.yaml.ports.1"))
    assert spec["yaml"] == "host: h\nports: [1, 3]"


def test_what_does_not_fit_json_within_a_text_changes_nothing_and_is_warned_of(tmp_path: Path) -> None:
    files = {"kustomization.yaml": kustomization(entry("=x", "spec.json.port")), "all.yaml": OBJECTS}
    result = build(tmp_path, files)
    assert only(result, "Widget").body["spec"]["json"] == '{"port": 80, "host": "h"}'
    assert any("spec.json.port does not fit" in warning for warning in result.warnings)


def test_a_text_that_does_not_fit_a_number_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="cannot decode it as a !!int"):
        built(tmp_path, entry("=x", "spec.replicas"))


def test_a_whole_mapping_is_copied_and_not_shared(tmp_path: Path) -> None:
    both = entry("data", "spec.items.0") + entry("=changed", "spec.items.0.text")
    result = build(tmp_path, {"kustomization.yaml": kustomization(both), "all.yaml": OBJECTS})
    assert only(result, "ConfigMap").body["data"]["text"] == "a:b:c"
    assert only(result, "Widget").body["spec"]["items"][0]["text"] == "changed"


def test_a_source_must_be_one_object(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="nothing selected by"):
        built(tmp_path, "- source: {name: fro.}\n  targets: []\n")
    with pytest.raises(BuildError, match="multiple matches for selector"):
        built(tmp_path, "- source: {version: v1}\n  targets: []\n")


def test_a_target_may_select_nothing_and_reject_what_it_selects(tmp_path: Path) -> None:
    nothing = "- sourceValue: x\n  targets: [{select: {name: none}}, {select: {name: t.}, reject: [{kind: Wid.*}]}]\n"
    result = build(tmp_path, {"kustomization.yaml": kustomization(nothing), "all.yaml": OBJECTS})
    assert only(result, "Widget").body["metadata"]["name"] == "to"


def test_replacements_stand_in_files_of_their_own_too(tmp_path: Path) -> None:
    files = {
        "kustomization.yaml": kustomization("- path: one.yaml\n- path: list.yaml\n"),
        "one.yaml": entry("=x", "spec.text")[2:].replace("\n  ", "\n"),
        "list.yaml": entry("='8'", "spec.replicas"),
        "all.yaml": OBJECTS,
    }
    spec = only(build(tmp_path, files), "Widget").body["spec"]
    assert (spec["text"], spec["replicas"]) == ("x", 8)


def test_objects_are_found_by_earlier_names_and_generated_names_have_no_hash_yet(tmp_path: Path) -> None:
    files = {
        "kustomization.yaml": "resources: [base]\nnamePrefix: p-\nconfigMapGenerator: [{name: made}]\nreplacements:\n"
        "- source: {name: made}\n  targets: [{select: {name: to}, fieldPaths: [spec.text]}]\n",
        "base/kustomization.yaml": "resources: [all.yaml]\n",
        "base/all.yaml": OBJECTS,
    }
    assert only(build(tmp_path, files), "Widget").body["spec"]["text"] == "p-made"


def test_a_replaced_value_can_be_traced_to_the_entry_the_source_and_the_target(tmp_path: Path) -> None:
    files = {"kustomization.yaml": kustomization(entry("data.number", "spec.text")), "all.yaml": OBJECTS}
    origin = origin_at(only(build(tmp_path, files), "Widget").body, ("spec", "text"))
    assert origin is not None
    assert (origin.file, origin.line, origin.step) == ("kustomization.yaml", 3, "replacements")
    assert [(place.file, place.line) for place in origin.trail] == [("all.yaml", 18), ("all.yaml", 9)]


def test_a_text_that_doubles_again_and_again_meets_the_budget(tmp_path: Path) -> None:
    source = "- source: {kind: Widget, fieldPath: spec.text}\n"
    target = "{select: {kind: Widget}, fieldPaths: [spec.text], options: {delimiter: x, index: 9}}"
    doubling = f"{source}  targets: [{target}]\n"
    with pytest.raises(BuildError) as caught:
        built(tmp_path, doubling * 60)
    assert caught.value.problems[0].code is Code.BUDGET_EXCEEDED


def test_a_mapping_that_is_copied_into_itself_meets_the_budget(tmp_path: Path) -> None:
    source = "- source: {kind: Widget, fieldPath: spec}\n"
    nesting = f"{source}  targets: [{{select: {{kind: Widget}}, fieldPaths: [spec.in], options: {{create: true}}}}]\n"
    with pytest.raises(BuildError) as caught:
        built(tmp_path, nesting * 200)
    assert caught.value.problems[0].code is Code.BUDGET_EXCEEDED


@pytest.mark.parametrize(
    ("replacements", "reason"),
    [
        ("- targets: []\n", "must specify a source and at least one target"),
        ("- source: {name: from}\n", "must specify a source and at least one target"),
        ("- {sourceValue: x, source: {name: from}, targets: []}\n", "mutually exclusive"),
        ("- {sourceValue: x, targets: [{fieldPaths: [a]}]}\n", "target must specify resources to select"),
        ("- {path: r.yaml, source: {name: from}}\n", "cannot specify both path and inline replacement"),
        ("- {sourceValue: x, targets: [{select: {name: '('}}]}\n", "error parsing regexp"),
        ("- {source: {name: from, fieldPath: data.none}, targets: []}\n", "is missing for replacement source"),
        ("- {source: {name: from, fieldPath: data.*}, targets: []}\n", "wildcard is not supported"),
    ],
)
def test_a_broken_entry_is_an_error(tmp_path: Path, replacements: str, reason: str) -> None:
    with pytest.raises(BuildError, match=reason):
        built(tmp_path, replacements)


def test_the_output_is_yaml_as_kustomize_prints_it(tmp_path: Path) -> None:
    files = {"kustomization.yaml": kustomization(entry("='true'", "spec.text")), "all.yaml": OBJECTS}
    assert indent('text: "true"', "  ") in text(build(tmp_path, files))
