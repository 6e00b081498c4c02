"""Bodies for the tables of readiness rules: as short as a rule reads them."""

from __future__ import annotations

from typing import Any


def body(kind: str, status: dict[str, Any] | None = None, *, generation: int = 2, **spec: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "metadata": {"name": "web", "generation": generation},
        "spec": spec,
        "status": {} if status is None else status,
    }


def conditions(**found: str | tuple[str, str] | tuple[str, str, str]) -> dict[str, Any]:
    """Return `status.conditions`: each by its type, as "True" or ("True", reason) or ("True", reason, message)."""
    return {"conditions": [_condition(name, value) for name, value in found.items()]}


def _condition(name: str, value: str | tuple[str, ...]) -> dict[str, str]:
    parts = (value,) if isinstance(value, str) else value
    return {"type": name, **dict(zip(("status", "reason", "message"), parts, strict=False))}
