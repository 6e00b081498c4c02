"""Findings as SARIF 2.1.0 (OASIS), for code scanning on GitHub and for Jenkins' warnings plugin."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import quote

from gitops_push import __version__
from gitops_push.reports.findings import Finding, find
from gitops_push.reports.overview import Clean, Level, Overview

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS: Final = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTICE: "note"}


def sarif_data(overviews: Iterable[Overview], clean: Clean) -> dict[str, Any]:
    """Return one SARIF log with one run; each finding of an overview is a result."""
    found = find(overviews)
    rules = sorted({finding.rule for finding in found})
    numbers = {rule: number for number, rule in enumerate(rules)}
    driver = {
        "name": "gitops-push",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [{"id": rule, "shortDescription": {"text": rule.replace("-", " ")}} for rule in rules],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "the root of the config repo"}}},
        "results": [_result(finding, numbers[finding.rule], clean) for finding in found],
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(finding: Finding, rule_index: int, clean: Clean) -> dict[str, Any]:
    place = finding.place
    uri = quote(clean(place.file), safe="/")
    return {
        "ruleId": finding.rule,
        "ruleIndex": rule_index,
        "level": _LEVELS[finding.level],
        "message": {"text": clean(f"{finding.message} (environment {finding.environment})")},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": uri, "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": place.line, **({"startColumn": place.column} if place.column else {})},
                },
                "logicalLocations": [{"fullyQualifiedName": clean(finding.subject), "kind": "resource"}],
            }
        ],
        "partialFingerprints": {"gitopsPush/v1": finding.fingerprint},
    }
