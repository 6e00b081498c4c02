from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_push.core.codes import Code
from gitops_push.core.errors import DocumentError, Problem
from gitops_push.core.tree import Fields, Items, Mark, as_origin, origin_at
from gitops_push.documents.budgets import Budget, Usage
from gitops_push.documents.reader import Dialect, read_documents, read_one
from gitops_push.documents.writer import to_yaml, yaml_stream

KUBECTL: Final = Dialect.KUBECTL


def problems_of(text: str | bytes, **limits: int) -> tuple[Problem, ...]:
    data = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(DocumentError) as caught:
        read_documents(data, "a.yaml", KUBECTL, Budget(**limits))
    return caught.value.problems


def test_every_value_knows_its_line_and_column() -> None:
    text = "# c\nspec:\n  ports:\n  - name: web\n    port: 80\n  - {name: x, port: 1}\n"
    value = read_one(text.encode(), "dir/a.yaml", KUBECTL).value
    assert str(origin_at(value, ["spec"])) == "dir/a.yaml:3:3"
    assert str(origin_at(value, ["spec", "ports", 0])) == "dir/a.yaml:4:5"
    assert str(origin_at(value, ["spec", "ports", 0, "port"])) == "dir/a.yaml:5:11"
    assert str(origin_at(value, ["spec", "ports", 1, "name"])) == "dir/a.yaml:6:12"
    assert str(origin_at(value, ["spec", "ports", 1, "missing"])) == "dir/a.yaml:6:5"


def test_every_key_knows_its_line_and_column() -> None:
    value = read_one(b"a: 1\nb:\n    c: 2\n", "a.yaml", KUBECTL).value
    assert value.key_marks is not None
    assert str(as_origin(value.key_marks["b"], "a.yaml")) == "a.yaml:2:1"
    assert str(as_origin(value["b"].key_marks["c"], "a.yaml")) == "a.yaml:3:5"


def test_a_byte_order_mark_and_windows_line_ends_do_not_shift_places() -> None:
    value = read_one("\ufeffa: 1\r\nb: 2\r\n".encode(), "a.yaml", KUBECTL).value
    assert str(origin_at(value, ["a"])) == "a.yaml:1:4"
    assert str(origin_at(value, ["b"])) == "a.yaml:2:4"


def test_the_second_of_two_json_objects_keeps_its_line() -> None:
    documents = read_documents(b'{"a": 1}\n\n {"b":\n "x"}', "a.json", KUBECTL)
    assert [document.start_line for document in documents] == [1, 3]
    assert str(origin_at(documents[1].value, ["b"])) == "a.json:4:2"


def test_a_json_object_in_the_middle_of_a_line_keeps_its_column() -> None:
    documents = read_documents(b'{"a": 1} {"b": 2} {\n"c": 3} {"d": 4}', "a.json", KUBECTL)
    places = [str(origin_at(document.value, [key])) for document, key in zip(documents, "abcd", strict=True)]
    assert places == ["a.json:1:7", "a.json:1:16", "a.json:2:6", "a.json:2:15"]


def test_surrogate_pairs_of_json_are_one_character_and_an_escaped_backslash_is_none() -> None:
    text = r'{"a": "\ud83d\ude00", "b": "\\ud83d\\ude00", "c": "\\\ud83d\ude00"}'
    value = read_one(text.encode(), "a.json", KUBECTL).value
    assert value == {"a": "\U0001f600", "b": r"\ud83d\ude00", "c": "\\\U0001f600"}


def test_brackets_inside_of_json_strings_do_not_end_an_object() -> None:
    documents = read_documents(b'{"a": "}{\\"}"} {"b": "[{"}', "a.json", KUBECTL)
    assert [document.value for document in documents] == [{"a": '}{"}'}, {"b": "[{"}]


def test_a_document_begins_at_its_first_value() -> None:
    documents = read_documents(b"# c\n---\n\na: 1\n--- # x\nb: 1\n", "a.yaml", KUBECTL)
    assert [document.start_line for document in documents] == [4, 6]


def test_a_duplicate_key_is_named_with_both_lines() -> None:
    (problem,) = problems_of("spec:\n  replicas: 1\n  x: 2\n  replicas: 3\n")
    assert problem.code is Code.YAML_DUPLICATE_KEY
    assert problem.message == 'the key "replicas" occurs twice in one mapping, on lines 2 and 4'
    assert str(problem.origin) == "a.yaml:4:3"


def test_mistakes_that_leave_the_structure_intact_are_reported_together() -> None:
    problems = problems_of("a: .nan\nb: !x 1\nc: 1\nc: 2\nd: 99999999999999999999\n---\ne: {<<: 1}\n")
    assert [str(problem.origin) for problem in problems] == [
        *("a.yaml:1:4", "a.yaml:2:4", "a.yaml:4:1", "a.yaml:5:4", "a.yaml:7:9"),
    ]


def test_broken_structure_ends_the_list_of_problems() -> None:
    problems = problems_of("a: 1\na: 2\nb: [1, 2\nc: 3\n")
    assert problems[0].code is Code.YAML_DUPLICATE_KEY
    assert problems[-1].code is Code.YAML_INVALID
    assert len(problems) == 2


def test_no_more_than_fifty_problems_are_collected() -> None:
    assert len(problems_of("a: 1\n" * 1000)) == 50


def test_syntax_errors_do_not_quote_the_text() -> None:
    (problem,) = problems_of("password: 's3cr3t\nuser: x\n")
    assert "s3cr3t" not in problem.message


def test_text_that_is_not_utf_8_is_refused_at_its_place() -> None:
    (problem,) = problems_of(b"a: 1\nbc: \xff\n")
    assert str(problem.origin) == "a.yaml:2:5"


def test_an_unprintable_character_is_refused_at_its_place() -> None:
    (problem,) = problems_of("a: 1\nbc: x\x07\n")
    assert str(problem.origin) == "a.yaml:2:6"
    assert "U+0007" in problem.message


@pytest.mark.parametrize(
    ("text", "limits", "name"),
    [
        ("a: 12345678", {"file_bytes": 5}, "file_bytes"),
        ("a: 12345678", {"total_bytes": 5}, "total_bytes"),
        ("[[[[1]]]]", {"file_depth": 3}, "file_depth"),
        ("[1, 2, 3]", {"file_nodes": 3}, "file_nodes"),
        ("[1, 2, 3]", {"total_nodes": 3}, "total_nodes"),
        ("[&a [1, 2], *a]", {"file_expanded_nodes": 2}, "file_expanded_nodes"),
        ("[&a [1, 2], *a]", {"total_expanded_nodes": 2}, "total_expanded_nodes"),
        ("a: 1\n---\nb: 1\n", {"total_objects": 1}, "total_objects"),
    ],
)
def test_an_exceeded_budget_is_named(text: str, limits: dict[str, int], name: str) -> None:
    problem = problems_of(text, **limits)[-1]
    assert problem.code is Code.BUDGET_EXCEEDED
    assert f"limit {name}" in problem.message


def test_exactly_the_budget_is_accepted() -> None:
    budget = Budget(file_bytes=13, file_depth=2, file_nodes=6, file_expanded_nodes=2, total_nodes=6, total_objects=1)
    assert read_one(b"[&a [1], *a] ", "a.yaml", KUBECTL, budget).value == [[1], [1]]


def test_a_build_counts_over_all_of_its_files() -> None:
    usage, budget = Usage(), Budget(total_nodes=10, total_objects=3)
    read_documents(b"a: 1\n---\nb: 1\n", "a.yaml", KUBECTL, budget, usage)
    assert (usage.bytes, usage.nodes, usage.objects) == (14, 6, 2)
    with pytest.raises(DocumentError, match="total_nodes"):
        read_documents(b"[1, 2, 3, 4]", "b.yaml", KUBECTL, budget, usage)


def test_copies_of_an_alias_are_independent_and_keep_the_places_of_the_anchor() -> None:
    value = read_one(b"a: &x {k: [1]}\nb: *x\n", "a.yaml", KUBECTL).value
    value["b"]["k"].append(2)
    assert value["a"] == {"k": [1]}
    assert str(origin_at(value, ["b"])) == "a.yaml:2:4"
    assert str(origin_at(value, ["b", "k", 0])) == "a.yaml:1:12"


def test_anchors_end_with_their_document() -> None:
    (problem,) = problems_of("a: &x 1\n---\nb: *x\n")
    assert "no anchor" in problem.message


@pytest.mark.parametrize(("dialect", "p"), [(Dialect.KUBECTL, 1), (Dialect.KUSTOMIZE, 0)])
def test_a_merge_overrides_the_keys_above_it_for_kubectl_only(dialect: Dialect, p: int) -> None:
    value = read_one(b"x: &x {p: 1, q: 2}\nspec: {p: 0, <<: *x, q: 9}\n", "a.yaml", dialect).value
    assert value["spec"] == {"p": p, "q": 9}
    assert set(value["spec"].marks) == {"p", "q"} == set(value["spec"].key_marks)


def test_places_of_keys_can_be_left_out_and_duplicates_are_still_found() -> None:
    text = b"a: {b: 1, <<: {c: 2}}\n"
    (document,) = read_documents(text, "a.yaml", Dialect.KUSTOMIZE, key_marks=False)
    assert document.value == {"a": {"b": 1, "c": 2}}
    assert document.value.key_marks is None
    assert document.value["a"].key_marks is None
    with pytest.raises(DocumentError, match="occurs twice in one mapping, on lines 1 and 2"):
        read_documents(b"a: 1\na: 2\n", "a.yaml", Dialect.KUSTOMIZE, key_marks=False)


def test_a_quoted_merge_key_is_a_key() -> None:
    assert read_one(b'"<<": 1', "a.yaml", KUBECTL).value == {"<<": 1}


def test_an_ambiguous_scalar_is_warned_about_with_its_place_and_the_fix() -> None:
    (warning,) = read_one(b"a: 1\nb: yes\n", "a.yaml", KUBECTL).warnings
    assert warning.code is Code.AMBIGUOUS_SCALAR
    assert str(warning.origin) == "a.yaml:2:4"
    assert warning.hint == 'write "yes" for the text, true for the value'


def test_warnings_belong_to_their_document_and_are_bounded_in_number() -> None:
    documents = read_documents(b"a: no\n---\nb: 1\n---\n" + b"- yes\n" * 200, "a.yaml", KUBECTL)
    assert [len(document.warnings) for document in documents] == [1, 0, 49]


def test_quoted_scalars_are_never_ambiguous() -> None:
    document = read_one(b"[\"yes\", '0755', !!str no, |-\n 1_000\n]".replace(b", |-\n 1_000\n", b""), "a.yaml", KUBECTL)
    assert document.value == ["yes", "0755", "no"]
    assert not document.warnings


def test_one_document_is_demanded() -> None:
    with pytest.raises(DocumentError, match="nothing in this file"):
        read_one(b"# only a comment\n", "a.yaml", KUBECTL)
    with pytest.raises(DocumentError, match="only one document") as caught:
        read_one(b"a: 1\n---\nb: 1\n", "a.yaml", KUBECTL)
    assert str(caught.value.problems[0].origin) == "a.yaml:3:1"


def test_text_after_a_document_end_is_not_lost_silently() -> None:
    (problem,) = problems_of("a: 1\n...\nb: 2\n")
    assert problem.code is Code.YAML_INVALID


TEXT: Final = st.text(st.characters(blacklist_categories=["Cs"]), max_size=30) | st.sampled_from(
    [
        "yes",
        "no",
        "",
        "~",
        "0755",
        "1e3",
        "2001-12-14",
        "12:30",
        "a\nb\n",
        " a",
        "a ",
        "\t",
        "- a",
        "<<",
        "é: 1",
        "x " * 60,
    ]
)
SCALARS: Final = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 63) - 1)
    | st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: not 2**53 < abs(number) < 2**64)
    | TEXT
)
VALUES: Final = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=20
)


@given(VALUES.filter(lambda value: value is not None), st.sampled_from(Dialect))
def test_what_is_written_reads_back_as_the_same_value(value: Any, dialect: Dialect) -> None:
    document = read_one(to_yaml(value).encode(), "a.yaml", dialect)
    assert document.value == value
    assert not document.warnings


@given(st.lists(st.dictionaries(TEXT, SCALARS, min_size=1, max_size=3), max_size=4))
def test_a_stream_reads_back_as_the_same_documents(values: list[dict[str, Any]]) -> None:
    documents = read_documents(yaml_stream(values).encode(), "a.yaml", KUBECTL)
    assert [document.value for document in documents] == values


WORDS: Final = st.text("abcxyzé", min_size=1, max_size=8)
PLAIN_TREES: Final = st.recursive(
    WORDS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4), max_leaves=20
)


@given(st.dictionaries(WORDS, PLAIN_TREES, min_size=1, max_size=4), st.sampled_from(Dialect))
def test_the_text_at_a_place_begins_with_the_value(value: dict[str, Any], dialect: Dialect) -> None:
    text = to_yaml(value)
    lines = text.splitlines()
    todo: list[Fields | Items] = [read_one(text.encode(), "a.yaml", dialect).value]
    while todo:
        node = todo.pop()
        for child, mark in _children(node):
            origin = as_origin(mark, node.file)
            if isinstance(child, (Fields, Items)):
                assert as_origin(child.start, child.file) == origin
                todo.append(child)
            else:
                written = lines[origin.line - 1][origin.column - 1 :]
                assert written.startswith((str(child), f'"{child}"'))
        if isinstance(node, Fields):
            for key, mark in (node.key_marks or {}).items():
                origin = as_origin(mark, node.file)
                assert lines[origin.line - 1][origin.column - 1 :].startswith((f"{key}:", f'"{key}":'))


def _children(node: Fields | Items) -> list[tuple[Any, Mark]]:
    if isinstance(node, Fields):
        return [(child, node.marks[key]) for key, child in node.items()]
    return list(zip(node, node.marks, strict=True))
