"""Writes a root of CustomResourceDefinitions of a wanted size: deep schemas with long descriptions, several files.

    python -m tests.bench.generate_crds FOLDER MEGABYTES

prints the directory to build, relative to FOLDER. The texts are made up from a fixed seed, so a size is always the same
bytes. The shape is that of controller-gen's output: descriptions folded into several lines or written as blocks, enums,
patterns, defaults, list maps, and a pod-like tree beneath `spec`.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

FILE_BYTES: Final = 1_000_000
DEEPEST: Final = 9
_WORDS: Final = """
    the a an of for in is are which must when this that value field object name list pods container volume selector
    namespace controller default optional required specifies defines references resource request limit policy update
    status condition replica template label annotation secret key path port host protocol timeout seconds interval
"""
_NAMES: Final = """
    affinity backup cache database endpoint filter gateway handler ingress journal keepalive listener metrics node
    output pipeline queue retention storage target upstream verifier watcher zone
"""


def generate_crds(folder: Path, megabytes: float) -> str:
    """Write the files and a kustomization over them; return its directory relative to `folder`."""
    root = folder / "crds"
    root.mkdir(parents=True)
    chance, written = random.Random(0), 0
    names: list[str] = []
    while written < megabytes * 1e6:
        names.append(f"crd{len(names):02}.yaml")
        wanted = min(FILE_BYTES, int(megabytes * 1e6) - written)
        text = _definition(len(names), wanted, chance)
        (root / names[-1]).write_text(text)
        written += len(text)
    (root / "kustomization.yaml").write_text("resources:\n" + "".join(f"- {name}\n" for name in names))
    return "crds"


def _definition(number: int, wanted_bytes: int, chance: random.Random) -> str:
    parts = [
        f"""apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  annotations:
    controller-gen.kubebuilder.io/version: v0.16.5
  name: things{number}.bench.example.com
spec:
  group: bench.example.com
  names:
    kind: Thing{number}
    listKind: Thing{number}List
    plural: things{number}
    singular: thing{number}
  scope: Namespaced
  versions:
  - name: v1
    schema:
      openAPIV3Schema:
        description: Thing{number} is the Schema for the things API.
        type: object
        properties:
          apiVersion:
            type: string
          kind:
            type: string
          metadata:
            type: object
          spec:
            type: object
            properties:
"""
    ]
    size, field = 0, 0
    while size < wanted_bytes:
        lines = "".join(_property(f"{chance.choice(_NAMES.split())}{field}", 14, 5, chance))
        parts.append(lines)
        size += len(lines)
        field += 1
    parts.append("    served: true\n    storage: true\n    subresources:\n      status: {}\n")
    return "".join(parts)


def _property(name: str, indent: int, depth: int, chance: random.Random) -> Iterator[str]:
    pad = " " * (indent + 2)
    yield f"{' ' * indent}{name}:\n"
    yield from _description(indent + 2, chance)
    match chance.randrange(10):
        case 0 | 1 | 2 if depth < DEEPEST:
            yield f"{pad}properties:\n"
            names = chance.sample(_NAMES.split(), 5)
            for inner in names:
                yield from _property(inner, indent + 4, depth + 1, chance)
            yield f"{pad}required:\n{pad}- {names[0]}\n{pad}- {names[1]}\n{pad}type: object\n"
        case 3 if depth < DEEPEST:
            yield f"{pad}items:\n{pad}  properties:\n"
            yield from _property("name", indent + 6, depth + 1, chance)
            yield from _property(chance.choice(_NAMES.split()), indent + 6, depth + 1, chance)
            yield f"{pad}  required:\n{pad}  - name\n{pad}  type: object\n{pad}type: array\n"
            yield f"{pad}x-kubernetes-list-map-keys:\n{pad}- name\n{pad}x-kubernetes-list-type: map\n"
        case 4:
            yield f'{pad}enum:\n{pad}- Always\n{pad}- Never\n{pad}- ""\n{pad}type: string\n'
        case 5:
            yield f"{pad}format: int32\n{pad}maximum: 65535\n{pad}minimum: 1\n{pad}type: integer\n"
        case 6:
            yield f"{pad}anyOf:\n{pad}- type: integer\n{pad}- type: string\n"
            yield f"{pad}pattern: ^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))$\n{pad}x-kubernetes-int-or-string: true\n"
        case 7:
            yield f"{pad}default: true\n{pad}type: boolean\n"
        case _:
            yield f"{pad}maxLength: 253\n{pad}type: string\n"


def _description(indent: int, chance: random.Random) -> Iterator[str]:
    """Yield a description as controller-gen writes it: on one line, folded below its key, or as a block."""
    lines = [" ".join(chance.choices(_WORDS.split(), k=chance.randrange(6, 12))) for _ in range(chance.randrange(1, 6))]
    deeper = "\n" + " " * (indent + 2)
    if len(lines) == 1:
        yield f"{' ' * indent}description: {lines[0].capitalize()}.\n"
    elif chance.randrange(2):
        yield f"{' ' * indent}description: |-{deeper}{f'.{deeper}'.join(lines)}.\n"
    else:
        yield f"{' ' * indent}description: {deeper.join(lines)}.\n"


if __name__ == "__main__":
    print(generate_crds(Path(sys.argv[1]), float(sys.argv[2])))
