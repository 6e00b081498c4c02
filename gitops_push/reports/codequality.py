"""Findings as GitLab's code quality report: https://docs.gitlab.com/ci/testing/code_quality/."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from gitops_push.reports.findings import find
from gitops_push.reports.overview import Clean, Level, Overview

_SEVERITIES: Final = {Level.ERROR: "critical", Level.WARNING: "major", Level.NOTICE: "info"}


def codequality_data(overviews: Iterable[Overview], clean: Clean) -> list[dict[str, Any]]:
    """Return the findings as GitLab wants them: one array."""
    return [
        {
            "description": clean(f"{finding.message} (environment {finding.environment})"),
            "check_name": f"gitops-push/{finding.rule}",
            "fingerprint": finding.fingerprint,
            "severity": _SEVERITIES[finding.level],
            "location": {"path": clean(finding.place.file), "lines": {"begin": finding.place.line}},
        }
        for finding in find(overviews)
    ]
