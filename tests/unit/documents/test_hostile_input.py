"""Input that kills or stalls other readers gives a clean error here, within bounded time and memory."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

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
data = eval(sys.argv[1])
try:
    documents = read_documents(data, "hostile.yaml", Dialect(sys.argv[2]))
except DocumentError as error:
    print(json.dumps([[problem.code, problem.message[:200], str(problem.origin)] for problem in error.problems]))
else:
    print(json.dumps([str(document.value)[:60] for document in documents]))
"""

REFUSED: Final = {
    "an alias bomb": (
        "b'a: &a [x,x,x,x,x,x,x,x,x]\\n' + b''.join(f'{c}: &{c} [{\",\".join([\"*\" + p] * 9)}]\\n'.encode()"
        " for p, c in zip('abcdefgh', 'bcdefghi'))",
        "GP0204",
    ),
    "an alias bomb of mappings": (
        "b'a: &a {x: 1}\\n' + b''.join(f'{c}: &{c} {{' .encode() + b', '.join(f'k{i}: *{p}'.encode() for i in range(9))"
        " + b'}\\n' for p, c in zip('abcdefgh', 'bcdefghi'))",
        "GP0204",
    ),
    "a bomb of merge keys": (
        "b'a: &a {x: 1}\\n' + b''.join(f'{c}: &{c} {{<<: [{\",\".join([\"*\" + p] * 20)}], y{c}: *{p}}}\\n'.encode()"
        " for p, c in zip('abcdefghijklmno', 'bcdefghijklmnop'))",
        "GP0204",
    ),
    "30,000 open brackets": ("b'[' * 30_000", "GP0204"),
    "100,000 open braces": ("b'{a: ' * 100_000", "GP0204"),
    "10,000 nested lists in a block": ("b'- ' * 10_000", "GP0204"),
    "10,000 nested keys": ("b'? ' * 10_000", "GP020"),
    "an alias to itself": ("b'&a [*a]'", "GP0202"),
    "an alias to itself deep inside": ("b'a: &a {b: [{c: *a}]}'", "GP0202"),
    "aliases that nest deeper than allowed": (
        "b'a0: &a0 [x]\\n' + b''.join(f'a{i + 1}: &a{i + 1} [*a{i}]\\n'.encode() for i in range(200))",
        "GP0204",
    ),
    "an integer of 5,000 digits": ("b'a: ' + b'9' * 5_000", "GP0202"),
    "a list of 10 MB": ("b'- a\\n' * 2_600_000", "GP0204"),
    "a list of 20 MB": ("b'- a\\n' * 5_200_000", "GP0204"),
    "a scalar of 11 MB": ("b'a: ' + b'x' * (11 << 20)", "GP0204"),
    "a key twice": ("b'a: 1\\na: 2\\n'", "GP0203"),
    "a Python object": ("b'!!python/object/apply:os.system [id]'", "GP0202"),
    "an unknown tag": ("b'a: !x 1'", "GP0202"),
    "a NUL byte": (r"b'a: x\0y'", "GP0202"),
    "a raw escape character": (r"b'a: \x1b[2J'", "GP0202"),
    "Latin-1": (r"b'a: \xe9'", "GP0202"),
    "UTF-16": ("'a: 1'.encode('utf-16')", "GP0202"),
    "UTF-16 without a mark": ("'a: 1'.encode('utf-16-le')", "GP0202"),
    "a surrogate in UTF-8": (r"b'a: \xed\xa0\x80'", "GP0202"),
    "a lone surrogate in JSON": (r"b'{\"a\": \"\\ud800\"}'", "GP0202"),
    "a list as a key": ("b'? [a]\\n: b'", "GP0202"),
    "not a number": ("b'a: [.nan, .inf, -.inf]'", "GP0202"),
    "an integer of 70 bits": ("b'a: 1180591620717411303424'", "GP0202"),
    "an undefined alias": ("b'a: *b'", "GP0202"),
    "11,000 documents": ("b'---\\na: 1\\n' * 11_000", "GP0204"),
    "JSON strings without an end": (r"b'{' + b'\"\\\\\"' * 300_000", "GP0202"),
    "JSON objects without an end": ("b'{\"a\":' * 100_000", "GP0204"),
    "binary that is not text": ("b'a: !!binary /w=='", "GP0202"),
    "a merge of text": ("b'<<: x'", "GP0202"),
}

ACCEPTED: Final = {
    "a sexagesimal number of 200 KB": "b'a: ' + b'1:' * 100_000 + b'1'",
    "hexadecimal of a million digits": "b'a: 0x' + b'f' * 1_000_000",
    "escapes in quotes": r"b'a: \"\\e[2J\\0\\n::error::x\"'",
    "100 levels": "b'[' * 100 + b']' * 100",
    "long keys": "b'? ' + b'k' * 1_000_000 + b'\\n: 1'",
    "a megabyte of comments": "b'# c\\n' * 250_000 + b'a: 1'",
    "a megabyte of blank lines": "b'\\n' * 1_000_000 + b'a: 1'",
    "a megabyte of folded text": "b'a: >\\n' + b'  x y\\n' * 150_000",
    "a date with many digits": "b'a: 2001-01-01T00:00:00.' + b'1' * 500_000 + b'Z'",
    "a number with many underscores": "b'a: 1' + b'_' * 500_000 + b'0'",
    "a number with many zeros": "b'a: ' + b'0' * 500_000 + b'1'",
}


def _read_in_a_process(expression: str, dialect: Dialect) -> list[object]:
    program = READ_ONE_HOSTILE_TEXT.format(memory=MEMORY_BYTES)
    done = subprocess.run(
        [sys.executable, "-c", program, expression, dialect],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-500:]
    answer = json.loads(done.stdout)
    assert isinstance(answer, list)
    return answer


@pytest.mark.parametrize("case", REFUSED.values(), ids=list(REFUSED))
def test_hostile_text_is_refused_with_a_code_and_a_place(case: tuple[str, str]) -> None:
    expression, code = case
    problems = _read_in_a_process(expression, Dialect.KUBECTL)
    assert problems
    for problem in problems:
        assert isinstance(problem, list)
        assert problem[0].startswith(code)
        assert problem[1]
        assert problem[2].startswith("hostile.yaml")


@pytest.mark.parametrize("expression", ACCEPTED.values(), ids=list(ACCEPTED))
def test_odd_but_valid_text_is_read_in_bounded_time_and_memory(expression: str) -> None:
    assert len(_read_in_a_process(expression, Dialect.KUSTOMIZE)) == 1


@given(st.binary(max_size=200), st.sampled_from(Dialect))
@example(b"%TAG ! tag:x,2000:\n--- !y z", Dialect.KUSTOMIZE)
@example(b"a: !!int x", Dialect.KUBECTL)
@example(b"!!bool '<<': {}", Dialect.KUBECTL)
def test_random_bytes_are_read_or_refused(data: bytes, dialect: Dialect) -> None:
    _read_or_refuse(data, dialect)


YAML_PIECES: Final = st.sampled_from(
    [
        *("a: ", "b:", "- ", "? ", ": ", "\n", "\n  ", "    ", "---\n", "...\n", "{", "}", "[", "]", ", ", "&x ", "*x", "<<: "),
        *('"', "'", "|\n", ">-\n", "!!str ", "!!int ", "!!binary ", "!!set ", "! ", "# ", "yes", "0x1F", "1e3", "~", "\t"),
        *("2001-01-01", "\\u00e9", "\\ud83d\\ude00", "é", "\r\n", "\u2028", "%YAML 1.1\n", "0b-1", "1_0", ".5", "\ufeff"),
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
        assert error.problems
        assert all(problem.origin is not None and problem.message for problem in error.problems)
    else:
        for document in documents:
            json.dumps(document.value, allow_nan=False, ensure_ascii=False).encode()
