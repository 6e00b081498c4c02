"""Input that kills or stalls other readers gives a clean error here, within bounded time and memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gitops_push.core.codes import Code
from gitops_push.core.errors import DocumentError
from gitops_push.documents.budgets import Budget
from gitops_push.documents.reader import Dialect, read_documents

MEMORY_BYTES: Final = 512 << 20
SECONDS: Final = 20
"""Time limit of a case; all take well below a second on a quiet machine."""

READ_ONE_HOSTILE_TEXT: Final = """
import json, resource, sys
from gitops_push.core.errors import DocumentError
from gitops_push.documents.reader import Dialect, read_documents
resource.setrlimit(resource.RLIMIT_AS, ({memory}, {memory}))
data = sys.stdin.buffer.read()
try:
    documents = read_documents(data, "hostile.yaml", Dialect(sys.argv[1]))
except DocumentError as error:
    print(json.dumps([[problem.code, problem.message[:200], str(problem.origin)] for problem in error.problems]))
else:
    print(json.dumps([str(document.value)[:60] for document in documents]))
"""


def _chain(first: str, last: str, link: Callable[[str, str], str]) -> bytes:
    """Return a value with the anchor a, and an entry for each further letter, made from the one before."""
    letters = [chr(code) for code in range(ord("a"), ord(last) + 1)]
    entries = [f"{name}: &{name} {link(name, before)}" for before, name in pairwise(letters)]
    return "\n".join([f"a: &a {first}", *entries]).encode()


Case = tuple[Callable[[], bytes], Code]

REFUSED: Final[dict[str, Case]] = {
    "an alias bomb": (
        lambda: _chain("[x, x, x, x, x, x, x, x, x]", "i", lambda _, before: f"[{', '.join([f'*{before}'] * 9)}]"),
        Code.BUDGET_EXCEEDED,
    ),
    "an alias bomb of mappings": (
        lambda: _chain("{x: 1}", "i", lambda _, before: f"{{{', '.join(f'k{i}: *{before}' for i in range(9))}}}"),
        Code.BUDGET_EXCEEDED,
    ),
    "a bomb of merge keys": (
        lambda: _chain(
            "{x: 1}", "p", lambda name, before: f"{{<<: [{', '.join([f'*{before}'] * 20)}], y{name}: *{before}}}"
        ),
        Code.BUDGET_EXCEEDED,
    ),
    "30,000 open brackets": (lambda: b"[" * 30_000, Code.BUDGET_EXCEEDED),
    "100,000 open braces": (lambda: b"{a: " * 100_000, Code.BUDGET_EXCEEDED),
    "10,000 nested lists in a block": (lambda: b"- " * 10_000, Code.BUDGET_EXCEEDED),
    "10,000 nested keys": (lambda: b"? " * 10_000, Code.YAML_INVALID),
    "an alias to itself": (lambda: b"&a [*a]", Code.YAML_INVALID),
    "an alias to itself deep inside": (lambda: b"a: &a {b: [{c: *a}]}", Code.YAML_INVALID),
    "an integer of 5,000 digits": (lambda: b"a: " + b"9" * 5_000, Code.YAML_INVALID),
    "a list of 10 MB": (lambda: b"- a\n" * 2_600_000, Code.BUDGET_EXCEEDED),
    "a list of 20 MB": (lambda: b"- a\n" * 5_200_000, Code.BUDGET_EXCEEDED),
    "a scalar of 11 MB": (lambda: b"a: " + b"x" * (11 << 20), Code.BUDGET_EXCEEDED),
    "a key twice": (lambda: b"a: 1\na: 2\n", Code.YAML_DUPLICATE_KEY),
    "a Python object": (lambda: b"!!python/object/apply:os.system [id]", Code.YAML_INVALID),
    "an unknown tag": (lambda: b"a: !x 1", Code.YAML_INVALID),
    "a NUL byte": (lambda: b"a: x\0y", Code.YAML_INVALID),
    "a raw escape character": (lambda: b"a: \x1b[2J", Code.YAML_INVALID),
    "Latin-1": (lambda: b"a: \xe9", Code.YAML_INVALID),
    "UTF-16": (lambda: "a: 1".encode("utf-16"), Code.YAML_INVALID),
    "UTF-16 without a mark": (lambda: "a: 1".encode("utf-16-le"), Code.YAML_INVALID),
    "a surrogate in UTF-8": (lambda: b"a: \xed\xa0\x80", Code.YAML_INVALID),
    "a lone surrogate in JSON": (lambda: b'{"a": "\\ud800"}', Code.YAML_INVALID),
    "a list as a key": (lambda: b"? [a]\n: b", Code.YAML_INVALID),
    "not a number": (lambda: b"a: [.nan, .inf, -.inf]", Code.YAML_INVALID),
    "an integer of 70 bits": (lambda: b"a: 1180591620717411303424", Code.YAML_INVALID),
    "an undefined alias": (lambda: b"a: *b", Code.YAML_INVALID),
    "11,000 documents": (lambda: b"---\na: 1\n" * 11_000, Code.BUDGET_EXCEEDED),
    "JSON strings without an end": (lambda: b"{" + b'"\\"' * 300_000, Code.YAML_INVALID),
    "JSON objects without an end": (lambda: b'{"a":' * 100_000, Code.BUDGET_EXCEEDED),
    "a million JSON objects in a row": (lambda: b"{}\n" * 1_000_000, Code.BUDGET_EXCEEDED),
    "binary that is not text": (lambda: b"a: !!binary /w==", Code.YAML_INVALID),
    "a merge of text": (lambda: b"<<: x", Code.YAML_INVALID),
    "aliases that nest deeper than allowed": (
        lambda: "\n".join(["a0: &a0 [x]", *(f"a{i + 1}: &a{i + 1} [*a{i}]" for i in range(200))]).encode(),
        Code.BUDGET_EXCEEDED,
    ),
}

ACCEPTED: Final[dict[str, Callable[[], bytes]]] = {
    "a sexagesimal number of 200 KB": lambda: b"a: " + b"1:" * 100_000 + b"1",
    "hexadecimal of a million digits": lambda: b"a: 0x" + b"f" * 1_000_000,
    "escapes in quotes": lambda: b'a: "\\e[2J\\0\\n::error::x"',
    "100 levels": lambda: b"[" * 100 + b"]" * 100,
    "long keys": lambda: b"? " + b"k" * 1_000_000 + b"\n: 1",
    "a megabyte of comments": lambda: b"# c\n" * 250_000 + b"a: 1",
    "a megabyte of blank lines": lambda: b"\n" * 1_000_000 + b"a: 1",
    "a megabyte of folded text": lambda: b"a: >\n" + b"  x y\n" * 150_000,
    "a date with many digits": lambda: b"a: 2001-01-01T00:00:00." + b"1" * 500_000 + b"Z",
    "a number with many underscores": lambda: b"a: 1" + b"_" * 500_000 + b"0",
    "a number with many zeros": lambda: b"a: " + b"0" * 500_000 + b"1",
}


def _read_in_a_process(data: bytes, dialect: Dialect) -> list[object]:
    program = READ_ONE_HOSTILE_TEXT.format(memory=MEMORY_BYTES)
    done = subprocess.run(
        [sys.executable, "-c", program, dialect],
        input=data,
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-500:].decode()
    answer = json.loads(done.stdout)
    assert isinstance(answer, list)
    return answer


@pytest.mark.parametrize("case", REFUSED.values(), ids=list(REFUSED))
def test_hostile_text_is_refused_with_a_code_and_a_place(case: Case) -> None:
    text, code = case
    problems = _read_in_a_process(text(), Dialect.KUBECTL)
    assert problems
    for problem in problems:
        assert isinstance(problem, list)
        assert problem[0] == code
        assert problem[1]
        assert problem[2].startswith("hostile.yaml")


@pytest.mark.parametrize("text", ACCEPTED.values(), ids=list(ACCEPTED))
def test_odd_but_valid_text_is_read_in_bounded_time_and_memory(text: Callable[[], bytes]) -> None:
    (value,) = _read_in_a_process(text(), Dialect.KUSTOMIZE)
    assert isinstance(value, str)


@given(st.binary(max_size=200), st.sampled_from(Dialect))
@example(b"%TAG ! tag:x,2000:\n--- !y z", Dialect.KUSTOMIZE)
@example(b"a: !!int x", Dialect.KUBECTL)
@example(b"!!bool '<<': {}", Dialect.KUBECTL)
def test_random_bytes_are_read_or_refused(data: bytes, dialect: Dialect) -> None:
    _read_or_refuse(data, dialect)


YAML_PIECES: Final = st.sampled_from(
    [
        *(
            "a: ",
            "b:",
            "- ",
            "? ",
            ": ",
            "\n",
            "\n  ",
            "    ",
            "---\n",
            "...\n",
            "{",
            "}",
            "[",
            "]",
            ", ",
            "&x ",
            "*x",
            "<<: ",
        ),
        *(
            '"',
            "'",
            "|\n",
            ">-\n",
            "!!str ",
            "!!int ",
            "!!binary ",
            "!!set ",
            "! ",
            "# ",
            "yes",
            "0x1F",
            "1e3",
            "~",
            "\t",
        ),
        *(
            "2001-01-01",
            "\\u00e9",
            "\\ud83d\\ude00",
            "é",
            "\r\n",
            "\u2028",
            "%YAML 1.1\n",
            "0b-1",
            "1_0",
            ".5",
            "\ufeff",
        ),
    ]
)


@given(st.lists(YAML_PIECES, max_size=40).map("".join), st.sampled_from(Dialect))
def test_random_pieces_of_yaml_are_read_or_refused(text: str, dialect: Dialect) -> None:
    _read_or_refuse(text.encode(), dialect)


def _read_or_refuse(data: bytes, dialect: Dialect) -> None:
    budget = Budget(file_nodes=500, file_depth=10, file_expanded_nodes=1000)
    try:
        documents = read_documents(data, "x.yaml", dialect, budget)
    except DocumentError as error:
        problems = error.problems
    else:
        for document in documents:
            json.dumps(document.value, allow_nan=False, ensure_ascii=False).encode()
        return
    assert problems
    assert all(problem.origin is not None and problem.message for problem in problems)
