"""Random trees in which all families meet: up to four layers, components in components, plugins and configurations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.conformance.random_configurations import add_configurations, add_crds, add_schema
from tests.conformance.random_kinds import MORE_MAKERS, named_list
from tests.conformance.random_overlays import Option, Overlays, block
from tests.conformance.random_plugins import add_generators, add_transformers, add_validators, replacement
from tests.conformance.random_spellings import spelled

COMPONENT = {"apiVersion": "kustomize.config.k8s.io/v1alpha1", "kind": "Component"}
_Adding = Callable[[Overlays, dict[str, Any], Path], None]


class MixedOverlays(Overlays):
    """Writes trees of two to four layers; each mixes few of the families, so that most trees build."""

    makers = MORE_MAKERS

    def write(self, root: Path) -> str:
        """Write the tree below `root` and return the directory to build, relative to it."""
        self.write_layer(root / "layer0", self.manifests(root / "layer0"), depth=0)
        depth = self.random.randint(1, 3)
        for number in range(1, depth + 1):
            folder = root / f"layer{number}"
            entries = [f"../layer{number - 1}"]
            if self.random.random() < 0.3:
                self.write_layer(root / f"side{number}", self.manifests(root / f"side{number}"), depth=0)
                entries.insert(self.random.randint(0, 1), f"../side{number}")
            if self.random.random() < 0.3:
                entries += self.manifests(folder)
            self.write_layer(folder, entries, depth=number, components=self._components(root, f"part{number}"))
        return f"layer{depth}"

    def options(self, depth: int) -> list[tuple[float, Option]]:
        ours: tuple[tuple[float, _Adding], ...] = (
            (0.2, add_transformers),
            (0.12, add_generators),
            (0.08, add_validators),
            (0.2, add_configurations),
            (0.08, add_crds),
            (0.06, add_schema),
            (0.05, _add_replacements),
            (0.06, _add_order),
        )
        theirs = [(0.3 * chance, option) for chance, option in super().options(depth)]
        return theirs + [(chance, self._bound(add)) for chance, add in ours]

    def manifest_text(self, documents: list[str]) -> str:
        if self.random.random() < 0.05:
            documents = [*documents, block(named_list(self))]
        return spelled("---\n".join(documents), self.random)

    def _bound(self, add: _Adding) -> Option:
        return lambda fields, folder: add(self, fields, folder)

    def _components(self, root: Path, name: str) -> list[str]:
        if self.random.random() < 0.75:
            return []
        inner = self._components(root, f"{name}x")
        resources = self.manifests(root / name) if self.random.random() < 0.4 else []
        self.write_layer(root / name, resources, depth=1, component=True, components=inner)
        return [f"../{name}"]


def _add_replacements(overlays: Overlays, fields: dict[str, Any], folder: Path) -> None:
    if overlays.made:
        fields["replacements"] = [replacement(overlays)]


def _add_order(overlays: Overlays, fields: dict[str, Any], folder: Path) -> None:
    order = overlays.random.choice(("legacy", "fifo"))
    fields["sortOptions"] = {"order": order}
    if order == "legacy" and overlays.random.random() < 0.5:
        kinds = overlays.random.sample(("Deployment", "Service", "Gadget", "ConfigMap"), 2)
        fields["sortOptions"]["legacySortOptions"] = {"orderFirst": kinds[:1], "orderLast": kinds[1:]}
