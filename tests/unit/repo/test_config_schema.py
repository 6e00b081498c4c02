"""The reader, the schema and the reference page are made from one grammar; here they are held against each other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, assert_never

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from gitops_push.core.errors import ConfigError, Problem
from gitops_push.documents.reader import Dialect, read_one
from gitops_push.repo.config import load_config
from gitops_push.repo.config_docs import to_reference, to_schema, write_docs
from gitops_push.repo.config_grammar import CONFIG
from gitops_push.repo.config_reader import grammar_problems
from gitops_push.repo.environments import load_environments
from gitops_push.repo.grammar import Brief, Either, Free, ListOf, Named, Number, Record, Switch, Text, Type
from gitops_push.system.files import RepoFiles
from tests.unit.repo.test_config import FULL, PATTERN, checkout_of

DOCS = Path(__file__).parents[3] / "docs"


def ecma_pattern(_: object, pattern: str, instance: object, schema: object) -> Iterator[ValidationError]:
    """Judge a pattern as ECMA 262 does, where `$` is the very end; in Python it also stands before a last newline."""
    if isinstance(instance, str) and not re.search(pattern.removesuffix("$") + r"\Z", instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


SCHEMA = to_schema()
VALIDATOR: Draft7Validator = extend(Draft7Validator, {"pattern": ecma_pattern})(SCHEMA)  # type: ignore[no-untyped-call]

scalars = st.none() | st.booleans() | st.integers(-3, 10**6) | st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(max_size=6) | st.text(alphabet="aZ0-._/{}%*hms:\n ", max_size=12)
anything = st.recursive(
    scalars | texts, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2), max_leaves=4
)
beside = anything | st.sampled_from(
    ["", "a\n", "/x", "x ", "0s", "101%", "100%", 1.0, 0, True, "{a}", "path.a", [], {}]
)
new_keys = texts | st.sampled_from(
    ["helm", "policy", "rules", "recursive", "file", "match", "Environments", "{a}", "x"]
)


def documents_of(grammar: Type) -> st.SearchStrategy[Any]:
    """Return a strategy for documents of the grammar (but for which keys of a record may stand together)."""
    match grammar:
        case Record():
            fields = {True: {}, False: {}}  # type: dict[bool, dict[str, st.SearchStrategy[Any]]]
            for field in grammar.fields:
                fields[field.required][field.name] = documents_of(field.type)
            return st.fixed_dictionaries(fields[True], optional=fields[False])
        case Named():
            pairs = [st.tuples(st.sampled_from(name.like), documents_of(item)) for name, item in grammar.alternatives]
            return st.lists(st.one_of(pairs), max_size=2).map(dict)
        case ListOf():
            return st.lists(documents_of(grammar.item), min_size=grammar.minimum, max_size=2)
        case Text():
            return st.sampled_from(grammar.like or ("a",))
        case Number():
            return st.just(grammar.only) if grammar.only is not None else st.integers(grammar.minimum, 100)
        case Either():
            return documents_of(grammar.number) | documents_of(grammar.text)
        case Brief():
            return documents_of(grammar.text) | documents_of(grammar.record)
        case Switch():
            return st.booleans()
        case Free():
            return st.dictionaries(st.sampled_from(("a", "b")), st.integers() | st.just({"c": ["d"]}), max_size=2)
        case _:
            assert_never(grammar)


@st.composite
def configs(draw: st.DrawFn) -> Any:
    """Draw a config, then spoil it in up to two places."""
    document = draw(documents_of(CONFIG))
    for _ in range(draw(st.integers(0, 2))):
        document = spoil(draw, document)
    return document


def spoil(draw: st.DrawFn, node: Any) -> Any:
    """Return the document with one value somewhere replaced, removed or added."""
    if isinstance(node, dict) and node and draw(st.integers(0, 3)):
        key = draw(st.sampled_from(sorted(node)))
        return {**node, key: spoil(draw, node[key])}
    if isinstance(node, list) and node and draw(st.integers(0, 3)):
        index = draw(st.integers(0, len(node) - 1))
        return [*node[:index], spoil(draw, node[index]), *node[index + 1 :]]
    if isinstance(node, dict) and draw(st.booleans()):
        remove: bool = draw(st.booleans())
        if node and remove:
            gone = draw(st.sampled_from(sorted(node)))
            return {key: value for key, value in node.items() if key != gone}
        return {**node, draw(new_keys): draw(beside)}
    return draw(beside)


@given(configs())
def test_the_schema_and_the_reader_agree_on_every_document(document: Any) -> None:
    assert (not grammar_problems(document, "gitops-push.yaml", CONFIG)) == VALIDATOR.is_valid(document)


@given(documents_of(CONFIG).filter(VALIDATOR.is_valid))
def test_good_documents_are_among_those_that_are_tried(document: Any) -> None:
    assert grammar_problems(document, "gitops-push.yaml", CONFIG) == ()


@pytest.mark.parametrize("text", [FULL, PATTERN], ids=["full", "pattern"])
def test_the_schema_accepts_what_the_reader_reads(text: str) -> None:
    VALIDATOR.validate(read_one(text.encode(), "gitops-push.yaml", Dialect.KUSTOMIZE).value)


def test_the_schema_is_a_draft_07_schema() -> None:
    Draft7Validator.check_schema(SCHEMA)


def test_the_committed_docs_are_up_to_date(tmp_path: Path) -> None:
    write_docs(tmp_path)
    for path in ("gitops-push.schema.json", "reference/config.md"):
        assert (DOCS / path).read_text(encoding="utf-8") == (tmp_path / path).read_text(encoding="utf-8"), (
            "run `make docs`"
        )


def keys_of(grammar: Type) -> Iterator[str]:
    match grammar:
        case Record():
            for field in grammar.fields:
                yield field.name
                yield from keys_of(field.type)
            yield from (name for name, _ in grammar.later)
        case Named():
            for _, item in grammar.alternatives:
                yield from keys_of(item)
        case ListOf():
            yield from keys_of(grammar.item)
        case Brief():
            yield from keys_of(grammar.record)
        case Text() | Number() | Either() | Switch() | Free():
            return
        case _:
            assert_never(grammar)


@pytest.mark.parametrize("key", sorted(set(keys_of(CONFIG))))
def test_the_reference_lists_every_key(key: str) -> None:
    assert f"`{key}`" in to_reference()


def load(folder: Path, text: bytes) -> tuple[Problem, ...]:
    """Load a config with all its environments; whatever the text is, only a ConfigError may come out."""
    (folder / "gitops-push.yaml").write_bytes(text)
    files = RepoFiles(folder)
    try:
        load_environments(checkout_of(files), files, load_config(files, "gitops-push.yaml"))
    except ConfigError as error:
        return error.problems
    finally:
        files.close()
    return ()


def all_clear(problems: tuple[Problem, ...]) -> bool:
    return all(problem.message and problem.origin for problem in problems)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("config")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_config_or_a_config_error(folder: Path, text: bytes) -> None:
    assert all_clear(load(folder, text))


@given(configs())
def test_any_document_is_a_config_or_a_config_error(folder: Path, document: Any) -> None:
    assert all_clear(load(folder, json.dumps(document).encode()))


HOSTILE = st.lists(
    st.tuples(
        st.integers(0, len(FULL)), st.sampled_from(["{", "[", "&a ", "*a", "\t", "\x00", "~", "'", "{x}", "../", ": "])
    ),
    min_size=1,
    max_size=3,
)


@given(HOSTILE)
def test_a_config_with_a_slip_of_the_keyboard_is_read_or_refused(folder: Path, slips: list[tuple[int, str]]) -> None:
    text = FULL + PATTERN.partition("environments:\n")[2]
    for at, slip in slips:
        text = text[:at] + slip + text[at:]
    assert all_clear(load(folder, text.encode()))
