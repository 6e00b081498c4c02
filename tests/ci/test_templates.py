"""The CI templates: valid for their CI system, and true to the command line that they call."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import tree_sitter
import tree_sitter_groovy
import yaml
from click.testing import CliRunner

from gitops_push.cli.main import cli

TEMPLATES = Path(__file__).parents[2] / "ci-templates"
WORKFLOW = TEMPLATES / "github" / "gitops-push.yml"
JENKINSFILE = TEMPLATES / "jenkins" / "Jenkinsfile"
BIN = Path(sys.executable).parent


def commands_of_the_templates() -> list[str]:
    """Return every call of gitops-push in the templates, as one shell line each."""
    jobs = yaml.safe_load(WORKFLOW.read_text())["jobs"].values()
    lines = [step["run"] for job in jobs for step in job["steps"] if "run" in step]
    lines += re.findall(r"sh '([^']*)'", JENKINSFILE.read_text())
    return [line for line in lines if line.startswith("gitops-push ")]


def run(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(BIN / argv[0]), *argv[1:]], capture_output=True, text=True, timeout=120, check=False)


def test_actionlint_finds_nothing_in_the_github_workflow() -> None:
    result = run("actionlint", "-shellcheck", str(BIN / "shellcheck"), str(WORKFLOW))
    assert result.returncode == 0, result.stdout + result.stderr


def test_zizmor_finds_nothing_in_the_github_workflow() -> None:
    result = run("zizmor", "--offline", "--no-progress", str(WORKFLOW))
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_github_workflow_is_valid_by_the_published_schema() -> None:
    result = run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", str(WORKFLOW))
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_jenkinsfile_is_valid_groovy() -> None:
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_groovy.language()))
    tree = parser.parse(JENKINSFILE.read_bytes())
    assert not tree.root_node.has_error


def test_the_groovy_parser_sees_a_broken_jenkinsfile() -> None:
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_groovy.language()))
    broken = JENKINSFILE.read_bytes().replace(b"stages {", b"stages { stage('x' {", 1)
    assert parser.parse(broken).root_node.has_error


def test_jenkins_secrets_are_expanded_by_the_shell_and_never_by_groovy() -> None:
    text = JENKINSFILE.read_text()
    assert not re.search(r'sh\s*"', text), "a double-quoted sh puts the secret into the process list"


def test_both_templates_plan_and_apply() -> None:
    used = [shlex.split(line)[1] for line in commands_of_the_templates()]
    assert used.count("diff") == 2
    assert used.count("apply") == 2


@pytest.mark.parametrize("line", commands_of_the_templates())
def test_the_command_line_accepts_what_the_templates_call(line: str) -> None:
    _, command, *arguments = shlex.split(line.replace('"$TARGET"', "prod"))
    result = CliRunner().invoke(cli, [command, *arguments, "--help"])
    assert result.exit_code == 0, result.output
    for flag in (word for word in arguments if word.startswith("-")):
        assert flag.partition("=")[0] in result.output
