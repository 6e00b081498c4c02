"""Masks secret values, so that nothing that leaves the process can show one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Masked:
    """Stands for a secret value: `tag` is keyed with a random key of this run, so equal values have equal tags."""

    tag: str

    def __str__(self) -> str:
        return f"‹secret:{self.tag}›"
