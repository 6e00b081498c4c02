from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_push.core.names import unsafe_name, wrong_key, wrong_label, wrong_label_value, wrong_name, wrong_subdomain
from gitops_push.core.suggestion import did_you_mean


@pytest.mark.parametrize(
    ("group", "kind", "name", "good"),
    [
        ("", "Pod", "web-1.a", True),
        ("", "Pod", "Web", False),
        ("", "Pod", "a" * 253, True),
        ("", "Pod", "a" * 254, False),
        ("", "Pod", "web.", False),
        ("", "Service", "1web", True),
        ("", "Service", "a" * 64, False),
        ("", "Namespace", "a.b", False),
        ("rbac.authorization.k8s.io", "ClusterRole", "system:node", True),
        ("rbac.authorization.k8s.io", "ClusterRole", "a/b", False),
        ("networking.k8s.io", "IPAddress", "fd00::1", True),
        ("example.com", "Widget", "Web_1", True),
        ("example.com", "Widget", "a%2fb", False),
        ("example.com", "Widget", "..", False),
        ("example.com", "Widget", "", False),
        ("example.com", "Widget", "a\nb", False),
    ],
)
def test_names_follow_the_rule_of_their_kind(group: str, kind: str, name: str, good: bool) -> None:
    assert (wrong_name(group, kind, name) is None) is good


@pytest.mark.parametrize(
    ("key", "good"),
    [
        ("app", True),
        ("app.kubernetes.io/name", True),
        ("a/b/c", False),
        ("/a", False),
        ("a/", False),
        ("", False),
        ("under_score", True),
        ("-a", False),
        ("Example.com/A", True),
        ("exa_mple.com/a", False),
        ("a" * 64, False),
    ],
)
def test_keys_of_labels_have_a_domain_and_a_name(key: str, good: bool) -> None:
    assert (wrong_key(key) is None) is good


@pytest.mark.parametrize(
    ("value", "good"), [("", True), ("a.b_c-D", True), ("a b", False), ("-a", False), ("a" * 64, False)]
)
def test_values_of_labels_are_short_words(value: str, good: bool) -> None:
    assert (wrong_label_value(value) is None) is good


@given(st.text(alphabet="aA0-._/%#? \n\x00ü", max_size=8))
def test_a_good_name_is_always_a_safe_one(name: str) -> None:
    if wrong_label(name) is None:
        assert wrong_subdomain(name) is None
    if wrong_subdomain(name) is None:
        assert unsafe_name(name) is None
    if unsafe_name(name) is None:
        assert not set(name) & set("/%#? \n\x00")


@pytest.mark.parametrize(
    ("word", "known", "suggestion"),
    [
        ("namespce", ["namespace", "name"], " (did you mean 'namespace'?)"),
        ("PROD", ["prod", "dev"], " (did you mean 'prod'?)"),
        ("zzz", ["prod"], ""),
        ("a", [], ""),
    ],
)
def test_a_near_word_is_suggested(word: str, known: list[str], suggestion: str) -> None:
    assert did_you_mean(word, known) == suggestion
