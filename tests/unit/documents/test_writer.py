from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitops_push.documents.json_text import canonical_json, kubectl_json
from gitops_push.documents.key_order import in_order
from gitops_push.documents.writer import to_yaml, yaml_stream

KUBECTL: Final = shutil.which("kubectl", path=str(Path(sys.executable).parent)) or shutil.which("kubectl")

SCALARS: Final[dict[str, Any]] = {
    "plain": "plain",
    '""': "",
    '"yes"': "yes",
    '"y"': "y",
    '"on"': "on",
    '"true"': "true",
    '"null"': "null",
    '"~"': "~",
    '"0755"': "0755",
    '"1e3"': "1e3",
    '"08"': "08",
    '"1_000"': "1_000",
    '"0x1F"': "0x1F",
    "0x1F18446744073709551616": "0x1F18446744073709551616",
    '"99999999999999999999"': "99999999999999999999",
    '"12:30:45"': "12:30:45",
    "12:60:45": "12:60:45",
    '"2001-12-14"': "2001-12-14",
    "2001-02-30": "2001-02-30",
    "2001-12-14 21:59:43.10 -5": "2001-12-14 21:59:43.10 -5",
    '".inf"': ".inf",
    "=": "=",
    "<<": "<<",
    "' leading'": " leading",
    "'trailing '": "trailing ",
    "'a: b'": "a: b",
    "a:b": "a:b",
    "'a #b'": "a #b",
    "a#b": "a#b",
    "'- a'": "- a",
    "-a": "-a",
    "'---'": "---",
    "'*a'": "*a",
    "'{a}'": "{a}",
    "it's": "it's",
    "'''s'": "'s",
    "'\"q\"'": '"q"',
    "'# é'": "# é",
    "é": "é",
    '"\\U0001F600"': "\U0001f600",
    '"a\\tb"': "a\tb",
    '"\\e[2J"': "\x1b[2J",
    '"\\0"': "\0",
    '"a\\Nb"': "a\x85b",
    '"\\uFEFF\\x61"': "\ufeffa",
    "'a\u2028  b'": "a\u2028b",
    "'a\u2028'": "a\u2028",
    '"a \\nb"': "a \nb",
    '"a\\nb "': "a\nb ",
    '"a\\r\\nb"': "a\r\nb",
    "|-\n  a\n  b": "a\nb",
    "|\n  a\n  b": "a\nb\n",
    "|+\n  a\n": "a\n\n",
    "|2-\n   a\n  b": " a\nb",
    "|2-\n\n  a": "\na",
    "|2+\n": "\n",
    "true": True,
    "null": None,
    "-12": -12,
    "1.5": 1.5,
    "3": 3.0,
    "0": -0.0,
    "1e-05": 1e-5,
    "0.0001": 1e-4,
    "1.2345675e+06": 1234567.5,
    "1e+20": 1e20,
    "10000000000000000000": 1e19,
    "12345678901234567000": 12345678901234567890.5,
    "{}": {},
    "[]": [],
}


@pytest.mark.parametrize("written", SCALARS)
def test_a_value_is_written_as_go_writes_it(written: str) -> None:
    assert to_yaml({"k": SCALARS[written]}) == f"k: {written}\n"


def test_lists_are_not_indented_below_their_key_and_nest_on_one_line() -> None:
    value = {"a": [[1, [2]], {"b": [3], "c": {"d": None}}, {}, "x\ny"]}
    assert to_yaml(value) == "a:\n- - 1\n  - - 2\n- b:\n  - 3\n  c:\n    d: null\n- {}\n- |-\n  x\n  y\n"


@pytest.mark.parametrize(
    ("value", "written"), [("a", "a\n"), ([1], "- 1\n"), ({}, "{}\n"), ("a\nb\n", "|\n  a\n  b\n")]
)
def test_a_document_need_not_be_a_mapping(value: object, written: str) -> None:
    assert to_yaml(value) == written


def test_long_text_is_folded_at_the_first_single_space_after_column_80() -> None:
    assert to_yaml({"k": "x" * 79 + " y z"}) == f"k: {'x' * 79} \n".replace(" \n", "\n  y z\n")
    assert to_yaml({"k": "x" * 77 + " y z"}) == f"k: {'x' * 77} y\n  z\n"
    assert to_yaml({"k": "x" * 90 + "  y z"}) == f"k: {'x' * 90}  y\n  z\n"
    assert to_yaml({"k": "\t" + "x" * 90 + "  y"}) == f'k: "\\t{"x" * 90}\n  \\ y"\n'


def test_a_key_that_is_long_or_has_line_breaks_is_written_with_a_question_mark() -> None:
    assert to_yaml({"k" * 128: 1}) == f"{'k' * 128}: 1\n"
    assert to_yaml({"k" * 129: [1, 2]}) == f"? {'k' * 129}\n: - 1\n  - 2\n"
    assert to_yaml({"a\nb": {"c": 1}}) == "? |-\n  a\n  b\n: c: 1\n"


@pytest.mark.parametrize(
    "keys",
    [
        ("", "-", "0", "1", "A", "a"),
        ("a", "a-b", "a1", "a2", "a10", "ab"),
        ("a-", "a.", "a/", "a_", "a0", "aB"),
        ("_b", "Ab", "ab"),
        ("a1", "a01", "a2"),
        ("x100b", "xé", "x中"),
    ],
)
def test_keys_are_in_gos_order(keys: tuple[str, ...]) -> None:
    assert in_order(dict.fromkeys(reversed(keys))) == keys


def test_infinities_and_unknown_types_are_refused() -> None:
    with pytest.raises(ValueError, match="infinity"):
        to_yaml({"a": float("inf")})
    with pytest.raises(TypeError, match="set"):
        to_yaml({"a": {1}})


def test_a_stream_has_separators_between_its_documents() -> None:
    assert yaml_stream([{"a": 1}, {"b": 2}]) == "a: 1\n---\nb: 2\n"
    assert yaml_stream([]) == ""


def test_canonical_json_is_sorted_compact_utf_8() -> None:
    assert canonical_json({"b": [1, 1.5, None, True], "a": "é<"}) == '{"a":"é<","b":[1,1.5,null,true]}'.encode()
    with pytest.raises(ValueError, match="JSON"):
        canonical_json(float("nan"))


def test_json_is_printed_as_kubectl_prints_it() -> None:
    value = {"b": {}, "a": ["<&>\u2028é", 1e21, 1e-7, 100.0, 0.5, {"c": None}], "c": []}
    assert kubectl_json(value) == (
        '{\n    "a": [\n        "\\u003c\\u0026\\u003e\\u2028é",\n        1e+21,\n        1e-7,\n'
        "        100,\n        0.5,\n"
        '        {\n            "c": null\n        }\n    ],\n    "b": {},\n    "c": []\n}\n'
    )


PIECES: Final = st.sampled_from(
    [
        *(
            "yes",
            "no",
            "on",
            "y",
            "null",
            "~",
            "0755",
            "1e3",
            ".5",
            "12:30",
            "2001-12-14",
            "0x1F",
            "-",
            "--- a",
            "...",
            "?",
        ),
        *(
            ": ",
            "a: b",
            "a #b",
            "#",
            "- a",
            "&a",
            "*a",
            "!a",
            "|",
            ">",
            "'",
            '"',
            "%",
            "@",
            "`",
            "{",
            "]",
            ",",
            "=",
            "\\",
        ),
        *(
            "\t",
            "\n",
            "\n\n",
            " ",
            "  ",
            "é",
            "中文",
            "\U0001f600",
            "\ufeff",
            "\u2028",
            "\r\n",
            "\x01",
            "\x1b",
            "\xa0",
            "\ufffd",
        ),
        *(
            "word " * 7,
            "x" * 90,
            " y" * 50,
            "1",
            "0",
            "+1",
            "1_000",
            "a.b/c-d_e",
            "http://x:80/y?z=1#f",
            "it's",
            '"q"',
            "z",
        ),
    ]
)
TEXT: Final = (
    PIECES
    | st.lists(PIECES, max_size=5).map("".join)
    | st.text("ab0 1:#-\n'\"é,z", max_size=25)
    | st.lists(st.text("wv", max_size=12), max_size=60).map(" ".join)
)
KEYS: Final = (st.text("abcXYZ_-./", max_size=6) | TEXT).filter(lambda key: key != "<<")
"""Without digits outside of TEXT: such keys may have no one order."""
NUMBERS: Final = st.integers(-(1 << 63), (1 << 64) - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES: Final = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=25,
)


def _go_can_order(value: Any) -> bool:
    """Return whether no mapping has two or more keys with digits beside letters, whose order Go leaves to chance."""
    if isinstance(value, dict):
        with_digits = [key for key in value if re.search(r"\d", key)]
        return len(with_digits) < 2 and all(map(_go_can_order, value.values()))
    return not isinstance(value, list) or all(map(_go_can_order, value))


@pytest.mark.skipif(KUBECTL is None, reason="there is no kubectl to compare with")
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.lists(VALUES.filter(_go_can_order), min_size=5, max_size=30))
def test_any_object_is_written_as_kubectl_kustomize_writes_it(tmp_path: Path, values: list[Any]) -> None:
    _compare_with_kubectl(tmp_path, values)


@pytest.mark.prove
@pytest.mark.skipif(KUBECTL is None, reason="there is no kubectl to compare with")
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(VALUES.filter(_go_can_order), min_size=20, max_size=60))
def test_thousands_of_objects_are_written_as_kubectl_kustomize_writes_them(tmp_path: Path, values: list[Any]) -> None:
    _compare_with_kubectl(tmp_path, values)


def _compare_with_kubectl(folder: Path, values: list[Any]) -> None:
    objects = [
        {"apiVersion": "example.com/v1", "kind": "Foo", "metadata": {"name": f"o{number:05}"}, "spec": value}
        for number, value in enumerate(values)
    ]
    (folder / "objects.yaml").write_text("---\n".join(_as_input(body) for body in objects), "utf-8", newline="")
    (folder / "kustomization.yaml").write_text("resources: [objects.yaml]\n", "utf-8")
    assert KUBECTL is not None
    done = subprocess.run([KUBECTL, "kustomize", str(folder)], capture_output=True, timeout=60, check=True)
    assert done.stdout.decode() == yaml_stream(objects)


def _as_input(value: Any) -> str:
    """Return a value as JSON that a YAML 1.1 reader takes as it is meant."""
    text = json.dumps(value, ensure_ascii=False)
    return re.sub("[\x7f\x85\u2028\u2029\ufeff]", lambda match: f"\\u{ord(match[0]):04x}", text) + "\n"
