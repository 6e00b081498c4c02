from __future__ import annotations

import pytest

from gitops_push.core.inventory import applyset_id
from gitops_push.core.takeovers import OWNER_EXAMPLES, Takeovers, is_owner

GOOD = (
    *OWNER_EXAMPLES,
    "argocd:shop",
    "flux:helmrelease/shop/api",
    "inventory:shop/gitops-push-shop-prod",
    "applyset:applyset-0eFHV8ySqp7XoShsGvyWFQD3s96yqwHmzc4e0HR1dsY-v1",
    "cli-utils:a_b.c-1",
)
BAD = (
    "",
    "helm",
    "helm:",
    "helm:api",
    "helm:a/b/c",
    "Helm:shop/api",
    "flux:shop/api",
    "flux:bucket/a/b",
    "argocd:a/b/c",
)


@pytest.mark.parametrize("text", GOOD)
def test_owners_have_a_name_each(text: str) -> None:
    assert is_owner(text)


@pytest.mark.parametrize("text", [*BAD, "argocd:shop\n", "kapp:a b", "argocd:*", "helm:shop/api "])
def test_what_names_no_owner_is_refused(text: str) -> None:
    assert not is_owner(text)


def test_an_inventory_is_the_applyset_of_its_name_and_namespace() -> None:
    found = f"applyset:{applyset_id('gitops-push-shop-prod', 'shop')}"
    assert Takeovers(("helm:a/b", "inventory:shop/gitops-push-shop-prod")).named(found)
    assert not Takeovers(("inventory:other/gitops-push-shop-prod",)).named(found)


def test_nothing_is_taken_over_from_an_owner_without_a_name() -> None:
    assert Takeovers(GOOD).named("") == ""


def test_an_application_with_a_namespace_is_not_meant_by_its_name_alone() -> None:
    assert not Takeovers(("argocd:shop",)).named("argocd:team-a/shop")
    assert Takeovers(("argocd:team-a/shop",)).named("argocd:team-a/shop")
    assert not Takeovers(("argocd:team-b/shop",)).named("argocd:team-a/shop")
