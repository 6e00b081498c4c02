"""How one field is written: short on one line, long texts as a diff, secrets as their tags."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_push.core.disclosure import Disclosure
from gitops_push.core.fielddiff import ABSENT, Difference, FieldChange
from gitops_push.core.objects import ObjectRef
from gitops_push.core.redaction import Redactor
from gitops_push.reports.folding import folded, folded_pair
from gitops_push.reports.json_layout import json_lines
from gitops_push.reports.values import before_after, detail_lines, summarize_fields

jsons = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def field(before: Any, after: Any) -> FieldChange:
    return FieldChange(("data", "a"), before, after)


@given(st.lists(jsons) | st.dictionaries(st.text(), jsons))
def test_json_laid_out_is_the_same_json(value: Any) -> None:
    lines = json_lines(json.dumps(value))
    assert lines is not None
    assert json.loads(lines) == value


def test_json_is_laid_out_with_one_entry_a_line_and_nothing_decoded() -> None:
    assert json_lines('{"a":[1.0,{"b":{}}],"a":"\\u0041, {"}') == (
        '{\n  "a": [\n    1.0,\n    {\n      "b": {}\n    }\n  ],\n  "a": "\\u0041, {"\n}'
    )


@pytest.mark.parametrize("text", ["", "1", "{", "{a}", '"a"', "[1,]", "[" * 5000 + "]" * 5000, "[" * 60 + "]" * 60])
def test_what_is_no_json_or_too_deep_is_not_laid_out(text: str) -> None:
    assert json_lines(text) is None


def test_json_in_a_text_is_compared_entry_by_entry() -> None:
    before = json.dumps({"name": "web", "limits": {"cpu": 1, "memory": "1Gi"}, "tags": ["a", "b"], "more": True})
    first, *rest = detail_lines(field(before, before.replace("1Gi", "2Gi")))
    assert first == "data.a: 1 line added, 1 removed"
    changed = [line.strip() for line in rest if line.strip()[0] in "+-"]
    assert changed == ['-    "memory": "1Gi"', '+    "memory": "2Gi"']


def test_json_that_only_changes_its_layout_is_shown_as_it_is_written() -> None:
    value = {"a": "x" * 40, "b": "y" * 40}
    (line,) = detail_lines(field(json.dumps(value), json.dumps(value, separators=(",", ":"))))
    assert " -> " in line


@given(st.text("ab", max_size=300), st.text("ab", max_size=300), st.integers(6, 60))
def test_two_values_that_differ_are_told_apart_when_folded(before: str, after: str, most: int) -> None:
    old, new = folded_pair(before, after, most)
    assert (old == new) is (before == after)
    assert max(len(old), len(new)) <= most + 14


def test_a_folded_value_says_how_much_is_left_out() -> None:
    assert folded("a" * 20 + "b" * 1010, 30) == f"{'a' * 20}[…1,000…]{'b' * 10}"
    assert folded_pair("x" * 1000 + "1" + "y" * 99, "x" * 1000 + "2", 30) == (
        f"[…990…]{'x' * 10}1{'y' * 19}[…80…]",
        f"[…990…]{'x' * 10}2",
    )


def test_long_lines_of_a_diff_are_folded_around_the_difference() -> None:
    line = "z" * 5000
    rest = detail_lines(field(f"a\n{line}1\n", f"a\n{line}2\n"))[1:]
    assert all(len(shown) < 260 for shown in rest)
    assert [shown[-1] for shown in rest if shown.strip()[0] in "+-"] == ["1", "2"]


def test_a_new_text_is_shown_as_added_lines_and_an_old_one_as_removed() -> None:
    assert detail_lines(field(ABSENT, "a\nb\n")) == ("data.a: set to 2 lines", "  @@ -0,0 +1,2 @@", "  +a", "  +b")
    assert detail_lines(field("a\nb\n", ABSENT))[0] == "data.a: removed (2 lines)"


def test_a_long_list_is_compared_line_by_line() -> None:
    args = [f"--option-{n}=value" for n in range(30)]
    shown = detail_lines(field(args, [*args[:9], "--new", *args[10:]]))
    assert [line.strip() for line in shown if line.strip()[0] in "+-"] == ['-  "--option-9=value",', '+  "--new",']
    assert before_after(field(["a"], ["b"])) == '["a"] -> ["b"]'


def test_a_new_container_is_summed_up_by_its_beginning() -> None:
    side = {"name": "side", "image": "side:1", "args": ["x" * 300]}
    assert 'data.a set to {"name": "side", "image": "side:1"' in summarize_fields((field(ABSENT, side),))
    assert detail_lines(field(ABSENT, side))[0].startswith("data.a: set to 7 lines")


CANARY = "hunter2-canary"
TEXTS = {
    "a line of many": (f"a\npassword: {CANARY}\nb\n", f"a\npassword: {CANARY}\nc\n"),
    "a secret of many lines": ("-----BEGIN\nmany\nlines\n-----END\n", "x\n-----BEGIN\nmany\nlines\n-----END\ny\n"),
    "json": (json.dumps({"p": CANARY, "q": ["x" * 80]}), json.dumps({"p": "other", "q": ["x" * 80]})),
    "base64 in json": (json.dumps({"p": "aHVudGVyMi1jYW5hcnk=", "q": "x" * 80}), json.dumps({"q": "x" * 80})),
    "a long line": (f"a\n{'x' * 500}{CANARY}1\n", f"a\n{'x' * 500}{CANARY}2\n"),
    "at the fold": (f"{'x' * 192}{CANARY}{'y' * 300}", f"{'x' * 192}{CANARY}{'z' * 300}"),
}


@pytest.mark.parametrize("case", TEXTS)
def test_a_diff_of_masked_texts_shows_tags_only(case: str) -> None:
    redactor = Redactor(b"key", [CANARY, "-----BEGIN\nmany\nlines\n-----END"])
    disclosure = Disclosure(ObjectRef("", "ConfigMap", "shop", "env"), redactor)
    shown = disclosure.shown(Difference(("data", "a"), *TEXTS[case]))
    text = "\n".join((*detail_lines(field(*shown)), before_after(field(*shown))))
    assert not any(word in text for word in (CANARY, CANARY[:8], "many\n", "aHVudGVy"))


def test_a_changed_secret_is_two_tags_however_many_lines_it_has() -> None:
    disclosure = Disclosure(ObjectRef("", "Secret", "shop", "env"), Redactor(b"key", ["canary\none", "canary\ntwo"]))
    (line,) = detail_lines(field(*disclosure.shown(Difference(("stringData", "a"), "canary\none", "canary\ntwo"))))
    assert "canary" not in line
    assert line.count("secret:") == 2
