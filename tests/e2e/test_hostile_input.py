"""Hostile and careless config repos, by the real program: one clear error each, in bounded time and memory, and nothing
of a secret in it. No API server is needed."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path

import pytest

from tests.e2e.limits import limited
from tests.e2e.program import PYTHON, Finished, Program, config_map, new_program

CANARY = "c4nary-in-a-secret"


@pytest.fixture
def repo(tmp_path: Path) -> Program:
    """The program in an empty git repository, without any credential."""
    return new_program(tmp_path / "repo", "")


SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n"
GENERATOR = "resources: [cm.yaml]\nsecretGenerator: "
LEAKS: dict[str, dict[str, str]] = {
    "a key twice in an env file": {
        "app/kustomization.yaml": f"{GENERATOR}[{{name: s, envs: [prod.env]}}]\n",
        "app/prod.env": f"PASSWORD=x\nPASSWORD={CANARY}\n",
    },
    "a literal without a key": {"app/kustomization.yaml": f"{GENERATOR}[{{name: s, literals: ['={CANARY}']}}]\n"},
    "a literal without an equals sign": {
        "app/kustomization.yaml": f"{GENERATOR}[{{name: s, literals: ['{CANARY}']}}]\n"
    },
    "a JSON patch that does not apply": {
        "app/kustomization.yaml": "resources: [cm.yaml]\npatches: [{target: {kind: ConfigMap}, path: p.yaml}]\n",
        "app/p.yaml": f"- {{op: replace, path: /data/x/y, value: {CANARY}}}\n",
    },
    "a broken Secret": {
        "app/kustomization.yaml": "resources: [s.yaml]\n",
        "app/s.yaml": f"{SECRET}stringData: {{a: '{CANARY}, b: 'x'}}\n",
    },
    "a Secret's key twice": {
        "app/kustomization.yaml": "resources: [s.yaml]\n",
        "app/s.yaml": f"{SECRET}stringData:\n  a: x\n  a: {CANARY}\n",
    },
    "an inline patch for a Secret without a name": {
        "app/kustomization.yaml": f"resources: [cm.yaml]\npatches: [{{patch: 'stringData: {{a: {CANARY}}}'}}]\n",
    },
    "a URL with a password": {"app/kustomization.yaml": f"resources:\n- https://user:{CANARY}@example.com/base\n"},
}


@pytest.mark.parametrize("mistake", LEAKS)
def test_an_error_before_secrets_are_known_shows_none(repo: Program, mistake: str) -> None:
    repo.write("app/cm.yaml", config_map("settings"))
    for path, text in LEAKS[mistake].items():
        repo.write(path, text)
    done = limited(repo, "build", "app")
    assert done.code == 12, done
    assert CANARY not in done.out + done.err
    assert "--> app/" in done.err, done


@pytest.mark.parametrize("written", ["1234567", "0123456", "2001-01-01", "12:30:45", "1_000_000"])
@pytest.mark.parametrize("kustomization", ["", "resources: [s.yaml]\n"], ids=["plain", "kustomize"])
def test_an_unquoted_value_of_a_secret_is_not_quoted_in_the_message(
    repo: Program, kustomization: str, written: str
) -> None:
    repo.write("app/s.yaml", f"{SECRET}stringData: {{pin: {written}}}\n")
    if kustomization:
        repo.write("app/kustomization.yaml", kustomization)
    assert written not in limited(repo, "validate", "app").err


def test_thousands_of_mistakes_are_counted_and_the_first_hundred_shown(repo: Program) -> None:
    repo.write("app/all.yaml", "---\n".join(config_map(f"c{i}").replace("kind:", "knd:") for i in range(9000)))
    done = limited(repo, "build", "app")
    assert done.code == 12, done
    assert done.err.count("error[") == 100
    assert "more problems" in done.err


@pytest.mark.parametrize(("command", "code"), [("build", 0), ("validate", 12)])
def test_a_name_of_a_megabyte_does_not_fill_the_log(repo: Program, command: str, code: int) -> None:
    repo.write("app/all.yaml", config_map("x" * (1 << 20)))
    done = limited(repo, command, "app")
    assert done.code == code, done
    assert len(done.err) < 10_000
    assert "app/all.yaml:3" in done.err


@pytest.mark.parametrize("arguments", [("build", "deep"), ("init", "--print")], ids=" ".join)
def test_folders_nested_deeper_than_python_can_call(repo: Program, arguments: tuple[str, ...]) -> None:
    repo.write(
        "gitops-push.yaml",
        "version: 1\nproject: p\nenvironments: {deep: {namespace: n, sources: [{directory: d, recursive: true}]}}\n",
    )
    repo.write("d/top.yaml", config_map("top"))
    folder = os.open(repo.folder, os.O_RDONLY)
    for _ in range(1200):
        with contextlib.suppress(FileExistsError):
            os.mkdir("d", dir_fd=folder)
        deeper = os.open("d", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = deeper
    os.close(folder)
    try:
        done = limited(repo, *arguments)
    finally:
        # pytest could not delete it: in Python 3.11 shutil.rmtree calls itself for each level.
        subprocess.run(["rm", "-rf", repo.folder / "d"], check=True)
    assert done.code == 0, done
    assert "top" in done.out or "directory" in done.out


def nested_bases(content: str) -> dict[str, str]:
    """Return bases of which each uses two others, 25 deep: 2^25 paths to the last."""
    files = {"app/kustomization.yaml": "resources: [../a0]\n"}
    for level in range(25):
        for side in "ab":
            files[f"{side}{level}/kustomization.yaml"] = f"resources: [../a{level + 1}, ../b{level + 1}]\n"
    return files | {f"{side}25/kustomization.yaml": content for side in "ab"}


def patched(patch: str, target: str = "kind: ConfigMap") -> dict[str, str]:
    """Return a kustomization with one JSON patch, and its object, whose name is long."""
    lines = "".join(f"    {line}\n" for line in patch.splitlines())
    return {
        "app/kustomization.yaml": f"resources: [cm.yaml]\npatches:\n- target: {{{target}}}\n  patch: |\n{lines}",
        "app/cm.yaml": config_map("a" * 240),
    }


REMOVE = "- {op: remove, path: /data}"
INTO_ITSELF = "\n".join(
    [
        "- {op: move, from: /data, path: /x}",
        "- {op: add, path: /data, value: {}}",
        "- {op: move, from: /x, path: /data/x}",
    ]
    * 1500
)
BOMBS: dict[str, dict[str, str]] = {
    "bases of bases": nested_bases("commonAnnotations: {a: b}\n"),
    "a repeated group that repeats": patched(REMOVE, "name: '(a+)+b'"),
    "a repeated choice": patched(REMOVE, "name: '(a|a)*b'"),
    "copies of copies": patched("\n".join(f"- {{op: copy, from: /data, path: /data/x{i}}}" for i in range(40))),
    "moves into what was moved": patched(INTO_ITSELF),
    "one file in many ConfigMaps": {
        "app/big.txt": "x" * (9 << 20),
        "app/kustomization.yaml": "configMapGenerator:\n"
        + "".join(f"- {{name: g{i}, files: [big.txt]}}\n" for i in range(300)),
    },
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_small_kustomization_costs_little(repo: Program, bomb: str) -> None:
    for path, text in BOMBS[bomb].items():
        repo.write(path, text)
    done = limited(repo, "build", "app")
    assert done.code == 12, done
    assert "--> " in done.err, done
    assert "help: " in done.err or "limit" in done.err, done


def in_shell(program: Program, script: str) -> Finished:
    """Run a script of the shell in which `$run` is the program."""
    environ = {**program.full_environ, "run": " ".join(PYTHON)}
    done = subprocess.run(
        ["bash", "-c", script], cwd=program.folder, env=environ, capture_output=True, timeout=60, check=False
    )
    return Finished(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("$run build app >&-", 0),
        ("$run build app 2>&-", 0),
        ("$run build app <&- >&- 2>&-", 0),
        ("$run build nope 2>&-", 10),
        ("$run build app >/dev/full", 2),
        ("mkdir gone; cd gone; rmdir ../gone; $run build app", 10),
        ("git init -q $'../a\\nb'; cp -r app $'../a\\nb'; cd $'../a\\nb'; $run build app", 0),
        (f"$run build {'x' * 5000}", 10),
        (f"KUBECONFIG={'A' * 3000} $run diff app", 11),
        (f"GITOPS_PUSH_MAX_PRUNE={'9' * 5000} $run diff app", 2),
    ],
    ids=lambda value: str(value)[:50],
)
def test_odd_surroundings_have_their_exit_codes(repo: Program, script: str, code: int) -> None:
    repo.write("app/s.yaml", config_map("settings"))
    done = in_shell(repo, script)
    assert done.code == code, done
    assert "a bug in" not in done.err


def test_no_module_of_the_config_repo_is_run(repo: Program) -> None:
    repo.write("app/s.yaml", config_map("settings"))
    for name in ("yaml", "click", "json"):
        repo.write(f"{name}.py", "raise SystemExit('code of the config repo ran')\n")
    done = limited(repo, "build", "app")
    assert done.code == 0, done
