from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

from gitops_push.core.disclosure import Disclosure, sensitive_values
from gitops_push.core.fielddiff import ABSENT, Difference
from gitops_push.core.fieldpath import format_field_path, parse_field_path
from gitops_push.core.objects import ObjectRef
from gitops_push.core.redaction import Masked, Redactor

SECRET = ObjectRef("", "Secret", "shop", "login")
WEB = ObjectRef("apps", "Deployment", "shop", "web")
REDACTOR = Redactor(b"key", ["hunter2-hunter2"])


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_the_data_of_a_secret_is_masked_by_position_with_equal_tags_for_equal_values() -> None:
    disclosure = Disclosure(SECRET, REDACTOR)
    before, after = disclosure.shown(Difference(("data", "p"), encoded("x"), encoded("y")))
    assert isinstance(before, Masked)
    assert isinstance(after, Masked)
    assert before != after
    assert disclosure.shown_value(("stringData", "q"), "x") == before
    assert disclosure.shown_value(("data", "gone"), ABSENT) is ABSENT
    assert isinstance(disclosure.shown_value(("data",), {"p": "x"}), Masked)


def test_other_fields_of_a_secret_are_shown() -> None:
    assert Disclosure(SECRET, REDACTOR).shown_value(("type",), "Opaque") == "Opaque"


def test_known_values_are_masked_inside_of_other_text_however_deep() -> None:
    shown = Disclosure(WEB, REDACTOR).shown_value(("spec",), {"a": ["x hunter2-hunter2 y", 3], "b": None})
    assert "hunter2" not in str(shown)
    assert isinstance(shown, dict)
    assert shown["b"] is None


def test_sensitive_fields_are_masked_at_above_and_below_the_rule() -> None:
    rule = parse_field_path("spec.env[name=TOKEN].value")
    disclosure = Disclosure(WEB, REDACTOR, (rule,))
    assert isinstance(disclosure.shown_value(rule, "abc"), Masked)
    above = disclosure.shown_value(("spec",), {"env": [{"name": "TOKEN", "value": "abc"}, {"name": "X", "value": "d"}]})
    assert isinstance(above, dict)
    env: Any = above["env"]
    assert env[0]["value"].startswith("\u2039secret:")
    assert env[1] == {"name": "X", "value": "d"}


def test_the_values_of_secrets_and_of_sensitive_fields_are_collected() -> None:
    secret = {"kind": "Secret", "data": {"p": encoded("hidden")}}
    assert "hidden" in set(sensitive_values(secret, ()))
    other = {"kind": "ConfigMap", "data": {"token": "t", "nested": "n"}, "list": [{"name": "a", "v": ["x", "y"]}]}
    rules = (parse_field_path("data.token"), parse_field_path("list[name=a].v"))
    assert set(sensitive_values(other, rules)) == {"t", "x", "y"}


KEY = "0f" * 32


def test_a_tag_tells_values_and_places_apart_and_is_the_same_in_every_run() -> None:
    values: tuple[object, ...] = ("x", "y", None, ABSENT, 1, "1", True, {"a": 1}, [])
    tagged = [
        Disclosure(ref, Redactor(run), key=KEY).tag(path, value)
        for run in (b"one run", b"another")
        for ref in (SECRET, WEB)
        for path in (("data", "p"), ("data", "q"))
        for value in values
    ]
    half = len(tagged) // 2
    assert tagged[:half] == tagged[half:]
    assert len(set(tagged)) == half
    assert all(len(tag) == 64 for tag in tagged)
    assert Disclosure(SECRET, REDACTOR, key="1f" * 32).tag(("data", "p"), "x") not in tagged


def test_without_a_key_secret_values_are_left_out_of_tags_by_position_and_by_value() -> None:
    rule = parse_field_path("spec.token")
    for path, one, other in (
        (("data", "p"), encoded("hunter2-hunter2"), encoded("x")),
        ((), {"kind": "Secret", "data": {"p": encoded("a")}}, {"kind": "Secret", "data": {"p": encoded("b")}}),
        (("spec", "token"), "a", "b"),
        (("spec",), {"token": ["a"], "b": 1}, {"token": 7, "b": 1}),
        (("metadata", "annotations", "x"), "a hunter2-hunter2 b", "a letmein-letmein b"),
        (("spec", "list"), ["hunter2-hunter2"], [encoded("letmein-letmein")]),
    ):
        disclosure = Disclosure(SECRET, Redactor(b"run", ["hunter2-hunter2", "letmein-letmein"]), (rule,))
        assert disclosure.tag(path, one) == disclosure.tag(path, other)
        assert replace(disclosure, key=KEY).tag(path, one) != replace(disclosure, key=KEY).tag(path, other)
        assert disclosure.tag(path, one) != disclosure.tag(path, ABSENT)


def test_without_a_key_everything_else_still_counts() -> None:
    disclosure = Disclosure(SECRET, REDACTOR)
    secret = {"kind": "Secret", "data": {"p": encoded("a")}, "type": "Opaque"}
    tags = {disclosure.tag((), body) for body in (secret, {**secret, "type": "x"}, {**secret, "data": {"q": "YQ=="}})}
    assert len(tags) == 3


def test_a_path_does_not_name_an_item_by_a_sensitive_value() -> None:
    rules = (parse_field_path("spec.tokens"),)
    path = parse_field_path('spec.tokens[="abc"].x')
    assert "abc" not in format_field_path(Disclosure(WEB, REDACTOR, rules).shown_path(path))
    assert Disclosure(WEB, REDACTOR).shown_path(path) == path
    named = parse_field_path('metadata.finalizers[="x/hunter2-hunter2"]')
    assert "hunter2" not in Disclosure(WEB, REDACTOR).path_text(named)
