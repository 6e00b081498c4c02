"""What helm prints, taken apart by the templates that it comes from."""

from __future__ import annotations

import re
from typing import Final

_SEPARATOR: Final = re.compile(r"^---[ \t]*(?:#.*)?\r?\n", re.MULTILINE)
_SOURCE: Final = re.compile(r"^# Source: ([^\n]+)$", re.MULTILINE)


def rendered_parts(output: bytes, chart: str) -> list[tuple[str, str]]:
    """Return each part between separators with a name for it: `charts/web/templates/svc.yaml (rendered)`.

    `chart` is where the chart is in the repo; helm names templates from the folder above it. What stands before the
    first separator may be messages.
    """
    names: dict[str, int] = {}
    parts = _SEPARATOR.split(output.decode("utf-8", "replace"))
    return [(_name(part, chart, names), part) for part in parts]


def _name(part: str, chart: str, names: dict[str, int]) -> str:
    source = _SOURCE.search(part)
    file = f"{chart.rpartition('/')[0]}/{source[1]}".lstrip("/") if source else chart
    names[file] = names.get(file, 0) + 1
    return f"{file} (rendered)" if names[file] == 1 else f"{file} (rendered, {names[file]})"
