"""The documentation is true: generated pages are up to date, links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs_generator import cli_reference, codes_reference, diagnosis_reference

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md"), *ROOT.glob("ci-templates/*.md")]
)


def test_the_command_line_reference_is_up_to_date() -> None:
    assert (ROOT / "docs/reference/cli.md").read_text() == cli_reference(), "run make docs"


def test_the_list_of_codes_is_up_to_date() -> None:
    assert (ROOT / "docs/reference/codes.md").read_text() == codes_reference(), "run make docs"


def test_the_table_of_causes_is_up_to_date() -> None:
    assert (ROOT / "docs/reference/diagnosis.md").read_text() == diagnosis_reference(), "run make docs"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", page.read_text())
    missing = [link for link in links if not (page.parent / link).exists()]
    assert not missing


def test_the_readme_names_only_commands_and_targets_that_exist() -> None:
    text = (ROOT / "README.md").read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\$ make ([a-z-]+)", text)) <= targets
    commands = set(re.findall(r"^## (\w+)$", cli_reference(), re.MULTILINE))
    assert set(re.findall(r"\$ gitops-push (\w+)", text)) <= commands
