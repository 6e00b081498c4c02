"""The formats that draw overviews, by their names on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from gitops_push.reports.annotations import to_annotations
from gitops_push.reports.codequality import codequality_data
from gitops_push.reports.html_page import to_html
from gitops_push.reports.junit import to_junit
from gitops_push.reports.markdown import to_markdown
from gitops_push.reports.overview import Clean, Overview
from gitops_push.reports.sarif import sarif_data


def draw(name: str, overviews: Sequence[Overview], clean: Clean) -> str:
    """Return the overviews in the format of that name, as it may leave the process."""
    return _DRAWN[name](overviews, clean)


def _json(data: Any) -> str:
    # `##` would begin a runner's command in a log; it can only stand in a string, where the escape means the same.
    return json.dumps(data, indent=2).replace("##", "#\\u0023") + "\n"


_DRAWN: Final[Mapping[str, Callable[[Sequence[Overview], Clean], str]]] = {
    "markdown": to_markdown,
    "html": to_html,
    "junit": to_junit,
    "sarif": lambda overviews, clean: _json(sarif_data(overviews, clean)),
    "github": to_annotations,
    "gitlab-codequality": lambda overviews, clean: _json(codequality_data(overviews, clean)),
}

DRAWN_FORMATS: Final = tuple(_DRAWN)
