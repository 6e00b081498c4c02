"""How much input is read before it is refused: a small file must never cost much memory or time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Budget:
    """The limits of one file, and those of everything that is read for one build; each can be raised.

    Nodes are mappings, sequences and scalars, keys included; expanded nodes count what an alias stands for each time.
    """

    file_bytes: int = 10 * MIB
    file_depth: int = 100
    file_nodes: int = 200_000
    file_expanded_nodes: int = 400_000
    total_bytes: int = 64 * MIB
    total_nodes: int = 1_000_000
    total_expanded_nodes: int = 2_000_000
    total_objects: int = 10_000


DEFAULT_BUDGET: Final = Budget()


@dataclass(slots=True)
class Usage:
    """What a build has read so far. The caller makes one for a build and passes it to every read, which adds to it."""

    bytes: int = 0
    nodes: int = 0
    expanded_nodes: int = 0
    objects: int = 0
