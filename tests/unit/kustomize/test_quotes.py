"""Numbers and dates that a patch puts over texts: a field keeps its quotes, as kustomize 5.8.2 does it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_push.core.tree import Fields
from gitops_push.documents.scalars import is_text
from gitops_push.kustomize.quotes import NotedQuotes, is_set_in_quotes, reads_as_no_text
from tests.unit.kustomize.trees import build, only

HEAD = "apiVersion: e.com/v1\nkind: W\nmetadata:\n  name: w\n"
PLAIN = f"{HEAD}spec: {{a: b}}\n"
JSON_PATCH = '[{"op": "add", "path": "/spec", "value": 5}]'


def labelled(label: str) -> str:
    return f"{HEAD}  labels:\n    app: {label}\n"


def overlay(tmp_path: Path, base: dict[str, str], *patches: str) -> object:
    """Build the base with patches of the label `app` on top, and return the label."""
    files = {f"base/{name}": content for name, content in base.items()}
    files |= {f"top/p{number}.yaml": labelled(patch) for number, patch in enumerate(patches)}
    entries = ", ".join(f"{{path: p{number}.yaml}}" for number in range(len(patches)))
    files["top/kustomization.yaml"] = f"resources: [../base]\npatches: [{entries}]\n"
    return only(build(tmp_path, files, "top"), "W").body["metadata"]["labels"]["app"]


@pytest.mark.parametrize(
    ("first", "date"),
    [("'a'", "2001-01-01"), ('""', "2001-01-01"), ("a", "2001-01-01T00:00:00Z"), ("5", "2001-01-01T00:00:00Z")],
)
def test_a_date_over_quotes_stays_as_it_is_written(first: str, date: str, tmp_path: Path) -> None:
    base = {"kustomization.yaml": "resources: [w.yaml]\n", "w.yaml": labelled(first)}
    assert overlay(tmp_path, base, "2001-01-01") == date


def test_a_date_with_a_time_after_a_space_is_kept_whole(tmp_path: Path) -> None:
    base = {"kustomization.yaml": "resources: [w.yaml]\n", "w.yaml": labelled("'a'")}
    assert overlay(tmp_path, base, "2001-01-01 10:00:00  # noon, nearly") == "2001-01-01 10:00:00"


@pytest.mark.parametrize("field", ["patchesStrategicMerge: [p.yaml]", "patches: [{path: p.yaml, target: {kind: W}}]"])
@pytest.mark.parametrize(
    ("first", "last"),
    [("'a'", 1000), ("a", 1000), ("|-\n      two\n      lines", "1_000"), ('"5"', "1_000"), ("yes", "1_000")],
)
def test_a_label_that_is_copied_as_text_has_quotes_only_where_it_needs_them(
    field: str, first: str, last: object, tmp_path: Path
) -> None:
    base = {"kustomization.yaml": f"resources: [w.yaml]\n{field}\n", "w.yaml": PLAIN, "p.yaml": labelled(first)}
    assert overlay(tmp_path, base, "1_000") == last


@pytest.mark.parametrize(("first", "last"), [("yes", "1_000"), ("word", 1000), ("5", 1000), ("2001-01-01", 1000)])
def test_a_merge_puts_quotes_on_what_yaml_1_1_reads_as_no_text(first: str, last: object, tmp_path: Path) -> None:
    base = {
        "kustomization.yaml": "resources: [w.yaml]\npatches: [{path: p.yaml}]\n",
        "w.yaml": labelled(first),
        "p.yaml": PLAIN,
    }
    assert overlay(tmp_path, base, "1_000") == last


@pytest.mark.parametrize(("first", "last"), [("'5'", "1_000"), ("'a: b'", "1_000"), ("text", 1000), ("''", 1000)])
def test_quotes_of_a_label_from_labels_outlive_another_text(first: str, last: object, tmp_path: Path) -> None:
    base = {"kustomization.yaml": f"resources: [w.yaml]\nlabels: [{{pairs: {{app: {first}}}}}]\n", "w.yaml": PLAIN}
    assert overlay(tmp_path, base, "1_000") == last
    assert overlay(tmp_path, base, "word", "1_000") == last


@pytest.mark.parametrize(("first", "last"), [("'a'", 1000), ("'a: b'", "1_000"), ("12:30:45", "1_000"), ("5", 1000)])
def test_after_a_json_patch_only_the_quotes_that_are_needed_are_left(first: str, last: object, tmp_path: Path) -> None:
    kustomization = f"resources: [w.yaml]\npatches: [{{target: {{kind: W}}, patch: '{JSON_PATCH}'}}]\n"
    assert overlay(tmp_path, {"kustomization.yaml": kustomization, "w.yaml": labelled(first)}, "1_000") == last


def test_a_quoted_text_that_a_patch_adds_after_a_json_patch_keeps_its_quotes(tmp_path: Path) -> None:
    kustomization = f"resources: [w.yaml]\npatches: [{{target: {{kind: W}}, patch: '{JSON_PATCH}'}}]\n"
    assert overlay(tmp_path, {"kustomization.yaml": kustomization, "w.yaml": PLAIN}, "'a'", "1_000") == "1_000"


@pytest.mark.parametrize(
    ("source", "last"), [("files: [k=f]", "1_000"), ("literals: [k=5]", "1_000"), ("literals: [k=a]", 1000)]
)
def test_generated_lines_and_numbers_stay_text(source: str, last: object, tmp_path: Path) -> None:
    head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {k: "
    files = {
        "base/f": "one\ntwo\n",
        "base/kustomization.yaml": f"configMapGenerator: [{{name: c, {source}}}]\n",
        "top/kustomization.yaml": "resources: [../base]\npatches: [{path: p.yaml}, {path: q.yaml}]\n",
        "top/p.yaml": f"{head}word}}\n",
        "top/q.yaml": f"{head}1_000}}\n",
    }
    assert only(build(tmp_path, files, "top"), "ConfigMap").body["data"]["k"] == last


@pytest.mark.parametrize(
    "text",
    [
        "5",
        " 5",
        "yes ",
        "Off",
        "no # x",
        "~",
        "a: b",
        "a:",
        "- x",
        "#x",
        "{}",
        "[a]",
        "&a",
        "0x10",
        "1_000",
        ".nan",
        "9" * 30,
    ],
)
def test_one_line_that_yaml_1_1_reads_as_something_else(text: str) -> None:
    assert reads_as_no_text(text)
    assert is_set_in_quotes(text)


@pytest.mark.parametrize("text", ["", "word", "a b", "12:30", "2001-01-01", "'5'", '"', "*x", "a:b", "one\ntwo"])
def test_one_line_that_yaml_1_1_reads_as_text_or_not_at_all(text: str) -> None:
    assert not reads_as_no_text(text)


@given(st.from_regex(r"[A-Za-z0-9_.+~-]{1,12}", fullmatch=True))
def test_single_words_are_no_text_where_the_reader_says_so(text: str) -> None:
    if is_text(text) and text not in {"-", "---", "..."}:
        assert not reads_as_no_text(text)


def test_a_removed_place_is_forgotten() -> None:
    fields, noted = Fields(), NotedQuotes()
    noted.note(fields, "k", True)
    assert noted.get(fields, "k") is True
    noted.forget(fields, "k")
    assert noted.get(fields, "k") is None
