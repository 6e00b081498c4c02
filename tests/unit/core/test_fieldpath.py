from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_push.core.fieldpath import (
    FieldPath,
    ItemKey,
    ItemValue,
    Segment,
    covers,
    format_field_path,
    from_fields_v1,
    item_key,
    parse_field_path,
    resolve,
    value_at,
)

scalars = st.text() | st.integers() | st.booleans()
segments: st.SearchStrategy[Segment] = (
    st.text()
    | st.integers(min_value=0, max_value=10**6)
    | st.dictionaries(st.text(), scalars, min_size=1, max_size=3).map(item_key)
    | st.builds(ItemValue, scalars | st.floats(allow_nan=False, allow_infinity=False))
)
paths: st.SearchStrategy[FieldPath] = st.lists(segments, min_size=1, max_size=6).map(tuple)


@given(paths)
def test_a_path_comes_back_from_its_text(path: FieldPath) -> None:
    assert parse_field_path(format_field_path(path)) == path


@given(paths)
def test_a_path_without_globs_covers_itself(path: FieldPath) -> None:
    if not any(mark in format_field_path(path) for mark in "*?["):
        assert covers(path, path)


@given(st.text())
def test_any_text_is_a_path_or_a_clear_error(text: str) -> None:
    problem = ""
    try:
        path = parse_field_path(text)
    except ValueError as error:
        problem = str(error)
    else:
        assert parse_field_path(format_field_path(path)) == path
    assert not problem or "at character" in problem or problem == "the field is empty"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("spec.replicas", ("spec", "replicas")),
        (
            "spec.template.spec.containers[name=web].image",
            ("spec", "template", "spec", "containers", ItemKey((("name", "web"),)), "image"),
        ),
        ('metadata.annotations["a.b/c"]', ("metadata", "annotations", "a.b/c")),
        ('metadata.finalizers[="a.b/c"]', ("metadata", "finalizers", ItemValue("a.b/c"))),
        ("ports[containerPort=80,protocol=TCP]", ("ports", ItemKey((("containerPort", 80), ("protocol", "TCP"))))),
        ('env[name="80"]', ("env", ItemKey((("name", "80"),)))),
        ("args[2]", ("args", 2)),
        ("containers[*].image", ("containers", ItemKey(()), "image")),
    ],
)
def test_paths_are_written_as_people_write_them(text: str, path: FieldPath) -> None:
    assert parse_field_path(text) == path
    assert format_field_path(path) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the field is empty"),
        ("spec..replicas", "expected a key"),
        (".spec", "expected a key"),
        ("spec.", "expected a key"),
        ("spec[name=web", "expected ] at character 14"),
        ("spec[]", "expected [name=value]"),
        ("spec[name]", "expected [name=value]"),
        ("spec[0]x", "expected a dot or a bracket at character 8"),
        ('a["\\x"]', "not a JSON string"),
        ("a[b=]", "expected a value"),
    ],
)
def test_a_wrong_path_says_where(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        parse_field_path(text)


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("spec.replicas", "spec.replicas", True),
        ("spec", "spec.replicas", True),
        ("spec.replicas", "spec", False),
        ("spec.containers[*].image", "spec.containers[name=web].image", True),
        ("spec.containers[*].image", "spec.containers[0].image", True),
        ("spec.containers[*].image", "spec.containers[name=web].command", False),
        ("spec.containers[name=we*].image", "spec.containers[name=web].image", True),
        ("spec.containers[name=api].image", "spec.containers[name=web].image", False),
        ('metadata.annotations["example.com/*"]', 'metadata.annotations["example.com/a"]', True),
        ("spec.*", "spec.replicas", True),
        ("ports[containerPort=80]", "ports[containerPort=80,protocol=TCP]", True),
        ("env[name=80]", 'env[name="80"]', True),
        ('finalizers[="a*"]', 'finalizers[="abc"]', True),
        ("args[1]", "args[2]", False),
    ],
)
def test_a_pattern_covers_what_it_names_and_all_below(pattern: str, path: str, expected: bool) -> None:
    assert covers(parse_field_path(pattern), parse_field_path(path)) is expected


@pytest.mark.parametrize(
    ("text", "segment"),
    [
        ("f:spec", "spec"),
        ("f:a:b", "a:b"),
        ('k:{"protocol":"TCP","containerPort":80}', ItemKey((("containerPort", 80), ("protocol", "TCP")))),
        ('v:"example.com/a"', ItemValue("example.com/a")),
        ("i:3", 3),
        (".", None),
    ],
)
def test_fields_v1_keys_become_segments(text: str, segment: Segment | None) -> None:
    assert from_fields_v1(text) == segment


@given(st.dictionaries(st.text(min_size=1), scalars, min_size=1, max_size=3))
def test_fields_v1_item_keys_keep_every_key(keys: dict[str, str | int | bool]) -> None:
    segment = from_fields_v1(f"k:{json.dumps(keys)}")
    assert isinstance(segment, ItemKey)
    assert dict(segment.keys) == keys


BODY = {
    "spec": {
        "containers": [{"name": "side"}, {"name": "web", "ports": [{"containerPort": 80}]}],
        "args": ["a", "b"],
    },
    "metadata": {"finalizers": ["x", "y"]},
}


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("spec.containers[name=web].name", ("spec", "containers", 1, "name")),
        ("spec.containers[name=web].ports[containerPort=80,protocol=TCP]", ("spec", "containers", 1, "ports", 0)),
        ("spec.containers[name=gone].name", ("spec", "containers")),
        ("spec.args[1]", ("spec", "args", 1)),
        ("spec.args[7]", ("spec", "args")),
        ('metadata.finalizers[="y"]', ("metadata", "finalizers", 1)),
        ("spec.args.x", ("spec", "args")),
    ],
)
def test_a_path_resolves_to_keys_and_indexes(text: str, steps: tuple[str | int, ...]) -> None:
    assert resolve(parse_field_path(text), BODY) == steps


def test_the_value_at_a_path_or_what_stands_for_missing() -> None:
    assert value_at(parse_field_path("spec.args[1]"), BODY) == "b"
    assert value_at(parse_field_path("spec.args[2]"), BODY, "none") == "none"
