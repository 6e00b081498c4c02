"""The house keeps its shape: layers, lazy imports, and tables that agree with each other."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gitops_push.cli.main import COMMANDS, EXIT_CODES
from gitops_push.core import errors
from gitops_push.core.codes import Code

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "gitops_push"
HEAVY = ("kubernetes", "keyring", "rich", "urllib3", "requests", "pydantic", "jsonschema")


UNUSED_BY_BUILD = (
    "difflib",
    "subprocess",
    "traceback",
    "gitops_push.core.deployment",
    "gitops_push.core.disclosure",
    "gitops_push.core.inventory",
    "gitops_push.core.plan",
    "gitops_push.repo.checkout",
    "gitops_push.repo.config",
    "gitops_push.reports.deployment_text",
    "gitops_push.reports.json_report",
    "gitops_push.workflow.connection",
)


def loaded_modules(*arguments: str) -> set[str]:
    """Return the modules that a run of the program has loaded when it ends."""
    code = (
        "import sys\n"
        "from gitops_push.cli.main import run\n"
        f"code = run({list(arguments)!r})\n"
        "print('\\n'.join(sorted(sys.modules)), file=sys.stderr)\n"
        "sys.exit(code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("diff", "--help"),
        ("completion", "bash"),
        ("version",),
        ("build", "-C", "docs/examples/config-repo", "prod", "--show-secrets"),
        ("validate", "-C", "docs/examples/config-repo", "prod"),
    ],
    ids=" ".join,
)
def test_commands_without_a_cluster_load_nothing_heavy(arguments: tuple[str, ...]) -> None:
    assert not loaded_modules(*arguments) & set(HEAVY)


def test_a_build_loads_nothing_that_it_does_not_use(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: [map.yaml]\n")
    (tmp_path / "map.yaml").write_text("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n")
    loaded = loaded_modules("build", str(tmp_path))
    assert "gitops_push.kustomize.build" in loaded
    assert not loaded & set(UNUSED_BY_BUILD)


def test_the_layers_are_kept() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports")], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stdout


def error_classes() -> list[type[errors.GitopsPushError]]:
    found = [value for value in vars(errors).values() if isinstance(value, type)]
    return [c for c in found if issubclass(c, errors.GitopsPushError) and c is not errors.GitopsPushError]


@pytest.mark.parametrize("error", error_classes(), ids=lambda error: error.__name__)
def test_every_error_has_an_exit_code_that_is_documented(error: type[errors.GitopsPushError]) -> None:
    documented = documented_exit_codes()
    assert error.exit_code in documented
    assert error.__name__ in (errors.__doc__ or "")


def documented_exit_codes() -> set[int]:
    text = (ROOT / "docs" / "reference" / "exit-codes.md").read_text()
    rows = re.findall(r"^\| ([\d /]+) \|", text, re.MULTILINE)
    return {int(code) for row in rows for code in row.split("/")}


def test_help_and_the_documentation_list_the_same_exit_codes() -> None:
    in_help = {int(code) for code in re.findall(r"\b(\d{1,3})\b(?= |/)", EXIT_CODES)}
    assert in_help == documented_exit_codes()


def test_every_code_of_a_problem_is_used_once() -> None:
    values = [code.value for code in Code]
    assert len(values) == len(set(values))
    assert all(re.fullmatch(r"GP0[0-7]\d\d", value) for value in values)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_module_and_a_help_text(command: str) -> None:
    module = PACKAGE / "cli" / f"{command}.py"
    assert module.is_file()
    assert f"`gitops-push {command}" in module.read_text().splitlines()[0]


def test_no_file_is_longer_than_400_lines() -> None:
    long = {str(path): n for path in PACKAGE.rglob("*.py") if (n := len(path.read_text().splitlines())) > 400}
    assert not long


def swallows_everything(handler: ast.ExceptHandler) -> bool:
    """Return whether a handler takes every exception and does not end by raising it again."""
    last = handler.body[-1]
    named = (
        {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)} if handler.type else {"Exception"}
    )
    raises_again = isinstance(last, ast.Raise) and last.exc is None
    return bool(named & {"Exception", "BaseException"}) and not raises_again


def test_nothing_but_three_modules_catches_every_exception() -> None:
    """And `cluster/crew.py`, which carries them from its threads to the caller's and raises them there."""
    allowed = {PACKAGE / "cli" / "exits.py"} | {
        PACKAGE / "cluster" / name for name in ("deployer.py", "course.py", "crew.py")
    }
    found = {
        path
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler) and swallows_everything(node)
    }
    assert found <= allowed
