"""How kubectl and kustomize read scalars and documents, recorded from the tools, against our reader and writer."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Final

import pytest

from gitops_push.core.errors import DocumentError
from gitops_push.documents.reader import Dialect, read_documents, read_one
from gitops_push.documents.scalars import resolve_plain
from gitops_push.documents.writer import to_yaml

GOLDEN: Final = Path(__file__).parents[2].parent / "shared" / "yaml-golden"

REFUSED_HERE: Final = {"123456789012345678901234567890": "the integer does not fit in 64 bits"}
"""What the tools read with a loss of digits, and we refuse."""


def _rows() -> list[tuple[str, str, str]]:
    table = GOLDEN / "yaml-scalars.tsv"
    if not table.is_file():
        return []
    lines = table.read_text("utf-8").splitlines()[1:]
    return [(row[0], row[1], row[2]) for row in (line.split("\t") for line in lines)]


ROWS: Final = _rows()

needs_golden = pytest.mark.skipif(not ROWS, reason=f"the recorded table is not at {GOLDEN}")


def _read(scalar: str, dialect: Dialect) -> Any:
    return read_one(f"v: {scalar}\n".encode(), "v.yaml", dialect).value["v"]


@needs_golden
def test_the_table_has_all_its_rows() -> None:
    assert len(ROWS) == 70


@needs_golden
@pytest.mark.parametrize(("scalar", "kubectl", "_"), ROWS, ids=[row[0] for row in ROWS])
def test_kubectl_reads_a_scalar_as_recorded(scalar: str, kubectl: str, _: str) -> None:
    if kubectl.startswith("ERR") or scalar in REFUSED_HERE:
        with pytest.raises(DocumentError, match=REFUSED_HERE.get(scalar)):
            _read(scalar, Dialect.KUBECTL)
        return
    value, wanted = _read(scalar, Dialect.KUBECTL), json.loads(kubectl)
    assert value == (float(wanted) if isinstance(value, float) else wanted)
    assert isinstance(value, bool) == isinstance(wanted, bool)


@needs_golden
@pytest.mark.parametrize(("scalar", "_", "kustomize"), ROWS, ids=[row[0] for row in ROWS])
def test_kustomize_writes_a_scalar_as_recorded(scalar: str, _: str, kustomize: str) -> None:
    if kustomize.startswith("ERR") or scalar in REFUSED_HERE:
        with pytest.raises(DocumentError, match=REFUSED_HERE.get(scalar)):
            _read(scalar, Dialect.KUSTOMIZE)
        return
    assert to_yaml({"v": _read(scalar, Dialect.KUSTOMIZE)}) == f"v: {kustomize}\n"


PLAIN: Final = [
    row[0]
    for row in ROWS
    if not row[0].startswith(("!", "@", "%", "- ")) and row[0] not in REFUSED_HERE and not row[1].startswith("ERR")
]


@needs_golden
@pytest.mark.parametrize("scalar", PLAIN)
def test_a_scalar_is_called_ambiguous_exactly_where_kubectl_kustomize_and_yaml_1_2_disagree(scalar: str) -> None:
    readings = [_comparable(resolve_plain(scalar, dialect).value) for dialect in Dialect]
    readings.append(_comparable(YAML_1_2[scalar]) if scalar in YAML_1_2 else readings[0])
    disagree = any(reading != readings[0] for reading in readings)
    for dialect in Dialect:
        assert bool(resolve_plain(scalar, dialect).fix) is disagree


YAML_1_2: Final[dict[str, Any]] = {
    "0755": 755,
    "010": 10,
    "0b101": "0b101",
    "1_000": "1_000",
    "1_000.5": "1_000.5",
    "0_1": "0_1",
    "1__0": "1__0",
    "0x_F": "0x_F",
    "685_230.15": "685_230.15",
    "-0o14": "-0o14",
    "-0x1F": "-0x1F",
    "-0b11": "-0b11",
    "+0x1F": "+0x1F",
    "0.1_1": "0.1_1",
}
"""Where the core schema of YAML 1.2 (10.3.2) reads something else than kubectl."""


def _comparable(value: Any) -> tuple[str, Any]:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return type(value).__name__, value
    assert math.isfinite(value)
    return "number", float(value)


OBJECT: Final = "apiVersion: example.com/v1\nkind: Foo\nmetadata: {name: j}\n"
BOTH: Final = tuple(Dialect)
Case = tuple[str, tuple[Dialect, ...], list[Any]]

READ: Final[dict[str, Case]] = {
    "a boolean key": ("spec: {on: push}", (Dialect.KUBECTL,), [{"spec": {"true": "push"}}]),
    "a word as a key": ("spec: {on: push, yes: x}", (Dialect.KUSTOMIZE,), [{"spec": {"on": "push", "yes": "x"}}]),
    "an integer key": ("spec: {1: x}", (Dialect.KUBECTL,), [{"spec": {"1": "x"}}]),
    "a float key": ("spec: {1.5: x}", (Dialect.KUBECTL,), [{"spec": {"1.5": "x"}}]),
    "a key with an exponent": ("spec: {1e3: x}", (Dialect.KUBECTL,), [{"spec": {"1000": "x"}}]),
    "an octal key": ("spec: {0755: x}", (Dialect.KUBECTL,), [{"spec": {"493": "x"}}]),
    "a merge key": (
        "x: &a {p: 1, q: 2}\nspec:\n  <<: *a\n  q: 3\n",
        BOTH,
        [{"x": {"p": 1, "q": 2}, "spec": {"p": 1, "q": 3}}],
    ),
    "a list of merges": (
        "x: &a {p: 1}\nz: &b {p: 9, r: 2}\nspec: {<<: [*a, *b]}\n",
        BOTH,
        [{"x": {"p": 1}, "z": {"p": 9, "r": 2}, "spec": {"p": 1, "r": 2}}],
    ),
    "an alias": ("spec: {a: &x [1, 2], b: *x}", BOTH, [{"spec": {"a": [1, 2], "b": [1, 2]}}]),
    "line ends of Windows": ("spec:\r\n  a: |\r\n    l1\r\n    l2\r\n", BOTH, [{"spec": {"a": "l1\nl2\n"}}]),
    "a byte order mark": ("\ufeffspec: {a: 1}\n", BOTH, [{"spec": {"a": 1}}]),
    "two documents": ("a: 1\n---\na: 2\n", BOTH, [{"a": 1}, {"a": 2}]),
    "a comment after the separator": ("a: 1\n--- #c\na: 2\n", BOTH, [{"a": 1}, {"a": 2}]),
    "content after the separator": ("--- {a: 1}\n", (Dialect.KUSTOMIZE,), [{"a": 1}]),
    "a document end": ("a: 1\n...\n---\na: 2\n", BOTH, [{"a": 1}, {"a": 2}]),
    "empty documents": ("---\n# nothing\n---\n---\na: 1\n---\nnull\n", BOTH, [{"a": 1}]),
    "a set": ("a: !!set {x, y}", (Dialect.KUBECTL,), [{"a": {"x": None, "true": None}}]),
    "a set of kustomize": ("a: !!set {x, y}", (Dialect.KUSTOMIZE,), [{"a": {"x": "", "y": ""}}]),
    "an ordered mapping": ("a: !!omap [x: 1]", BOTH, [{"a": [{"x": 1}]}]),
    "JSON": ('{"a": "yes", "b": 1e3}', BOTH, [{"a": "yes", "b": 1000}]),
    "two JSON objects": ('{"a": 1}\n{"a": 2}', (Dialect.KUBECTL,), [{"a": 1}, {"a": 2}]),
    "plain text on two lines": ("a: one\n  two\n", BOTH, [{"a": "one two"}]),
    "an emoji": ("a: \U0001f600\n", BOTH, [{"a": "\U0001f600"}]),
    "a line separator escaped": ('a: "x\\Ly"\n', BOTH, [{"a": "x\u2028y"}]),
    "folded text": ("a: >-\n  x\n  y\n\n  z\n", BOTH, [{"a": "x y\nz"}]),
    "a hash without a space": ("a: x#y\nb: x #y\n", BOTH, [{"a": "x#y", "b": "x"}]),
    "colons in values": ("a: b:c\nu: http://x\n", BOTH, [{"a": "b:c", "u": "http://x"}]),
    "a trailing comma": ("a: [1, 2,]", BOTH, [{"a": [1, 2]}]),
    "a key without a value": ("spec: {a: 1, b:2}", (Dialect.KUBECTL,), [{"spec": {"a": 1, "b:2": None}}]),
    "the same for kustomize": (
        "spec: {a: 1, b:2}\nc:\n",
        (Dialect.KUSTOMIZE,),
        [{"spec": {"a": 1, "b:2": ""}, "c": None}],
    ),
}


@pytest.mark.parametrize("case", READ.values(), ids=list(READ))
def test_a_document_is_read_as_recorded(case: Case) -> None:
    text, dialects, wanted = case
    for dialect in dialects:
        assert [document.value for document in read_documents(text.encode(), "a.yaml", dialect)] == wanted


REFUSED: Final[dict[str, tuple[str, tuple[Dialect, ...], str]]] = {
    "a key twice in braces": ("spec: {a: 1, a: 2}", BOTH, "occurs twice"),
    "a key twice in a block": ("spec:\n  a: 1\n  a: 2\n", BOTH, "on lines 2 and 3"),
    "keys that become the same": ("spec: {yes: 1, on: 2}", (Dialect.KUBECTL,), '"true" occurs twice'),
    "an integer key": ("spec: {1: x}", (Dialect.KUSTOMIZE,), "key must be text"),
    "a float key": ("spec: {1.5: x}", (Dialect.KUSTOMIZE,), "key must be text"),
    "a null key": ("spec: {~: x}", BOTH, "must not be null"),
    "a tab as indent": ("spec:\n\ta: 1\n", BOTH, "cannot start any token"),
    "a directive of YAML 1.2": ("%YAML 1.2\n---\na: 1\n", BOTH, "directives"),
    "a directive of YAML 1.1": ("%YAML 1.1\n---\na: 1\n", BOTH, "directives"),
    "content after the separator": ("--- {a: 1}\n", (Dialect.KUBECTL,), "only a comment"),
    "an unknown tag": ("a: !foo 1\n", BOTH, "tag is not known"),
    "a control character": ("a: \x07\n", BOTH, r"U\+0007"),
    "aliases that grow without end": (
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"{c}: &{c} [{','.join(['*' + p] * 9)}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True)),
        BOTH,
        "after its aliases",
    ),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=list(REFUSED))
def test_a_document_is_refused(case: tuple[str, tuple[Dialect, ...], str]) -> None:
    text, dialects, message = case
    for dialect in dialects:
        with pytest.raises(DocumentError, match=message):
            read_documents(text.encode(), "a.yaml", dialect)
