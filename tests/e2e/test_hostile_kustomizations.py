"""Kustomizations made to hang, to fill the memory or to read what is not theirs: a clean end within seconds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.limits import limited
from tests.e2e.program import Program, config_map, new_program

SECONDS = 20
BOMB = "(a+)+b"
"""A pattern that takes Python forever on a name of a's."""
LONG_NAME = "a" * 60
COMPONENT = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
RESOURCES = "resources: [cm.yaml]\n"

Files = dict[str, str]


@pytest.fixture
def repo(tmp_path: Path) -> Program:
    """The program in an empty git repository, without any credential."""
    return new_program(tmp_path / "repo", "")


def app(kustomization: str, **files: str) -> Files:
    """Return a kustomization over a ConfigMap with a long name, and files beside it."""
    named = {f"app/{name}.yaml": text for name, text in files.items()}
    return {"app/cm.yaml": config_map(LONG_NAME), "app/kustomization.yaml": kustomization} | named


def levels(count: int, field: str, kind: str) -> Files:
    """Return kustomizations of which each uses two others through `field`: 2^count paths to the last."""
    files: Files = {"app/cm.yaml": config_map("a"), "app/kustomization.yaml": f"{RESOURCES}{field}: [../a0]\n"}
    for level in range(count):
        for side in "ab":
            inner = f"{field}: [../a{level + 1}, ../b{level + 1}]\n"
            files[f"{side}{level}/kustomization.yaml"] = kind + inner
    return files | {f"{side}{count}/kustomization.yaml": f"{kind}namePrefix: x\n" for side in "ab"}


def alias_bomb(indent: str = "") -> str:
    """Return lines of a mapping that stands for 10^9 texts."""
    lines = ["l0: &l0 [" + ", ".join(["lol"] * 10) + "]"]
    lines += [f"l{i}: &l{i} [" + ", ".join([f"*l{i - 1}"] * 10) + "]" for i in range(1, 10)]
    return "".join(f"{indent}{line}\n" for line in lines)


def replacement(source: str, target: str, options: str = "") -> str:
    """Return one item of `replacements` within the ConfigMap."""
    return (
        f"- source: {{kind: ConfigMap, fieldPath: {source}}}\n"
        f"  targets: [{{select: {{kind: ConfigMap}}, fieldPaths: [{target}]{options}}}]\n"
    )


CREATE = ", options: {create: true}"
APPEND = ", options: {delimiter: '-', index: 1000000}"
DOUBLE = "".join(replacement("data", f"data.x{number}", CREATE) for number in range(40))
LONGER = "".join(replacement("data.k", "data.k", APPEND) for _ in range(40))
OVER = "\n".join(f"- {{name: a, count: {number}}}" for number in range(20_000))

REFUSED: dict[str, Files] = (
    {
        "three bases in a circle": {
            "app/kustomization.yaml": "resources: [../b]\n",
            "b/kustomization.yaml": "resources: [../c]\n",
            "c/kustomization.yaml": "resources: [../app]\n",
        },
        "a component in itself": app(f"{RESOURCES}components: [../c]\n")
        | {"c/kustomization.yaml": f"{COMPONENT}components: [../c]\n"},
        "an absolute file": app("resources: [/etc/passwd]\n"),
        "an absolute base": app("resources: [/etc]\n"),
        "a file above the repo": app("resources: [../../../../../../../etc/passwd]\n"),
        "a generator that reads an absolute file": app("configMapGenerator: [{name: g, files: [/etc/passwd]}]\n"),
        "a generator that reads above": app("configMapGenerator: [{name: g, envs: [../../../../../../etc/passwd]}]\n"),
        "a patch from above": app(f"{RESOURCES}patches: [{{path: ../../../../../../etc/passwd}}]\n"),
        "aliases of aliases in a resource": app(RESOURCES + "", cm=config_map(LONG_NAME) + alias_bomb()),
        "aliases of aliases in the kustomization": app(f"{RESOURCES}metadata:\n  labels:\n{alias_bomb('    ')}"),
        "aliases of aliases in a patch": app(
            f"{RESOURCES}patches: [{{path: p.yaml}}]\n", p=config_map(LONG_NAME) + alias_bomb()
        ),
        "aliases of aliases in a JSON patch": app(
            f"{RESOURCES}patches: [{{path: p.yaml, target: {{kind: ConfigMap}}}}]\n",
            p=f"- op: add\n  path: /x\n  value:\n{alias_bomb('    ')}",
        ),
        "aliases of aliases in an inline patch": app(f"{RESOURCES}patches:\n- patch: |\n{alias_bomb('    ')}"),
        "components of components": levels(25, "components", COMPONENT),
        "an image name that runs forever": app(f"{RESOURCES}images: [{{name: '{BOMB}', newTag: x}}]\n"),
        "replicas for twenty thousand": app(f"{RESOURCES}replicas:\n{OVER}\n"),
        "data copied into itself": app(f"{RESOURCES}replacements:\n{DOUBLE}"),
    }
    | {
        f"a target whose {field} runs forever": app(
            f"{RESOURCES}patches: [{{target: {{{field}: '{BOMB}'}}, patch: '[{{op: remove, path: /data}}]'}}]\n"
        )
        for field in ("group", "version", "kind", "name", "namespace")
    }
    | {
        f"a replacement whose {field} runs forever": app(
            f"{RESOURCES}replacements:\n- source: {{kind: ConfigMap}}\n"
            f"  targets: [{{select: {{{field}: '{BOMB}'}}, fieldPaths: [data.k]}}]\n"
        )
        for field in ("group", "version", "kind", "name", "namespace")
    }
)


@pytest.mark.parametrize("name", REFUSED)
def test_ends_in_one_clean_error(repo: Program, name: str) -> None:
    for path, text in REFUSED[name].items():
        repo.write(path, text)
    done = limited(repo, "build", "app", timeout_seconds=SECONDS)
    assert done.code == 12, done
    assert "root:" not in done.out + done.err
    assert "--> " in done.err, done


LARGE: dict[str, Files] = {
    "a hundred levels of bases": {
        f"l{number}/kustomization.yaml": f"namePrefix: p\nresources: [../l{number + 1}]\n" for number in range(99)
    }
    | {"app/kustomization.yaml": "resources: [../l0]\n"}
    | {"l99/kustomization.yaml": RESOURCES, "l99/cm.yaml": config_map("a")},
    "a value appended to itself": app(f"{RESOURCES}replacements:\n{LONGER}"),
    "a label selector of ten thousand terms": app(
        f"{RESOURCES}patches: [{{target: {{labelSelector: '{','.join(['a'] * 10_000)}'}}, patch: '[]'}}]\n"
    ),
    "twenty thousand labels": app(f"{RESOURCES}commonLabels: {{{', '.join(f'k{n}: v' for n in range(20_000))}}}\n"),
}


@pytest.mark.parametrize("name", LARGE)
def test_ends_within_seconds_with_an_output_or_an_error(repo: Program, name: str) -> None:
    for path, text in LARGE[name].items():
        repo.write(path, text)
    done = limited(repo, "build", "app", timeout_seconds=SECONDS)
    assert done.code in {0, 12}, done
    assert len(done.out) < 20_000_000


LINKS: dict[str, Callable[[Path], None]] = {
    "a file": lambda folder: (folder / "cm.yaml").symlink_to("/etc/passwd"),
    "a directory": lambda folder: (folder / "cm.yaml").symlink_to("/etc"),
    "a link to itself": lambda folder: (folder / "cm.yaml").symlink_to("cm.yaml"),
    "the memory of the process": lambda folder: (folder / "cm.yaml").symlink_to("/proc/self/environ"),
    "a device without an end": lambda folder: (folder / "cm.yaml").symlink_to("/dev/zero"),
}


@pytest.mark.parametrize("name", LINKS)
@pytest.mark.parametrize(
    "field", [RESOURCES, "configMapGenerator: [{name: g, files: [cm.yaml]}]\n", "components: [cm.yaml]\n"]
)
def test_a_link_out_of_the_repo_is_not_followed(repo: Program, name: str, field: str) -> None:
    repo.write("app/kustomization.yaml", field)
    LINKS[name](repo.folder / "app")
    done = limited(repo, "build", "app", timeout_seconds=SECONDS)
    assert done.code == 12, done
    assert "root:" not in done.out + done.err
