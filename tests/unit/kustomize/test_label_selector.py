"""Label selectors as kubectl takes them."""

from __future__ import annotations

import pytest

from gitops_push.core.errors import BuildError
from gitops_push.core.origin import Origin
from gitops_push.kustomize.patches.label_selector import parse_label_selector

LABELS = {"app": "web", "tier": "front", "size": "5", "example.com/owner": "me"}


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("", True),
        ("app=web", True),
        ("app==web,tier=front", True),
        ("app = web , tier in (front, back)", True),
        ("app!=web", False),
        ("nope!=web", True),
        ("app notin (api)", True),
        ("nope notin (api)", True),
        ("nope in (api)", False),
        ("app", True),
        ("!app", False),
        ("! nope", True),
        ("size>4", True),
        ("size<5", False),
        ("app>4", False),
        ("example.com/owner=me", True),
        ("app=", False),
        ("inside", False),
    ],
)
def test_a_selector_matches_as_in_kubernetes(selector: str, matches: bool) -> None:
    assert parse_label_selector(selector, Origin("k"))(LABELS) is matches


@pytest.mark.parametrize("selector", ["=x", "a in b", "a in (b", "a b", "!a=b", "size>x", ",", "a=b c"])
def test_a_broken_selector_is_refused(selector: str) -> None:
    with pytest.raises(BuildError, match="selector"):
        parse_label_selector(selector, Origin("k"))
