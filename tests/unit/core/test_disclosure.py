from __future__ import annotations

import base64
from typing import Any

from gitops_push.core.disclosure import Disclosure, sensitive_values
from gitops_push.core.fielddiff import ABSENT, Difference
from gitops_push.core.fieldpath import parse_field_path
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
