from __future__ import annotations

from pathlib import Path

import pytest

from gitops_push.core.checkout import Checkout
from gitops_push.core.errors import ConfigError
from gitops_push.repo.config import load_config
from gitops_push.repo.dependencies import named_dependencies
from gitops_push.repo.environments import load_environment
from gitops_push.system.files import RepoFiles


def dependencies(folder: Path, name: str, environments: str) -> list[str]:
    """The names that an environment depends on."""
    (folder / "gitops-push.yaml").write_text(f"version: 1\nproject: shop\nenvironments:\n{environments}")
    (folder / "apps").mkdir(exist_ok=True)
    files = RepoFiles(folder)
    checkout = Checkout(files.root)
    environment = load_environment(checkout, files, name)
    found = named_dependencies(checkout, files, load_config(files, "gitops-push.yaml"), environment)
    return [named.name for _, named in found]


def entry(name: str, *names: str) -> str:
    depends = f", dependsOn: [{', '.join(names)}]" if names else ""
    return f"  {name}: {{namespace: shop, sources: [{{directory: apps}}]{depends}}}\n"


def test_dependencies_are_returned_as_they_are_named_each_once(tmp_path: Path) -> None:
    every = entry("app", "b", "a", "b") + entry("a") + entry("b", "a")
    assert dependencies(tmp_path, "app", every) == ["b", "a"]
    assert dependencies(tmp_path, "a", every) == []


def test_names_of_a_pattern_are_filled_in(tmp_path: Path) -> None:
    for env in ("test", "prod"):
        (tmp_path / "envs" / env).mkdir(parents=True)
    pattern = '  "app-{env}": {match: "envs/{env}", namespace: shop, dependsOn: ["infra-{env}"]}\n'
    every = pattern + entry("infra-test") + entry("infra-prod")
    assert dependencies(tmp_path, "app-prod", every) == ["infra-prod"]


WRONG = {
    "an unknown name": (
        entry("app", "infr") + entry("infra"),
        "4:68",
        "which is no environment (did you mean 'infra'?)",
    ),
    "itself": (entry("app", "app"), "4:68", "in a circle: app -> app"),
    "a circle": (entry("app", "a") + entry("a", "b") + entry("b", "app"), "6:66", "app -> a -> b -> app"),
    "a circle further on": (entry("app", "a") + entry("a", "b") + entry("b", "a"), "6:66", "circle: a -> b -> a"),
    "an unknown name further on": (entry("app", "a") + entry("a", "x"), "5:66", "environment 'a' depends on 'x'"),
}


@pytest.mark.parametrize(("environments", "place", "text"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_dependency_is_told_at_its_line(tmp_path: Path, environments: str, place: str, text: str) -> None:
    with pytest.raises(ConfigError) as raised:
        dependencies(tmp_path, "app", environments)
    (problem,) = raised.value.problems
    assert text in problem.message
    assert str(problem.origin) == f"gitops-push.yaml:{place}"


def test_a_long_chain_and_a_web_of_dependencies_are_walked_once(tmp_path: Path) -> None:
    chain = "".join(entry(f"e{i}", *(f"e{j}" for j in range(i + 1, min(i + 6, 1200)))) for i in range(1200))
    assert dependencies(tmp_path, "e0", chain) == ["e1", "e2", "e3", "e4", "e5"]
