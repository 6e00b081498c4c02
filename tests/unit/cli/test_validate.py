"""`gitops-push validate`."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitops_push.cli.main import run

DEFINITION = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Cluster
  names: {plural: widgets, kind: Widget}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              x-kubernetes-validations: [{rule: "true"}]
              properties: {size: {type: integer}}
"""
PLACE = f"set.yaml:{DEFINITION.count(chr(10)) + 6}:9"


@pytest.mark.parametrize(
    ("spec", "code", "shown"),
    [
        ("size: 1", 0, ("VALID", "1 warning", "1 CEL rule not checked")),
        ("size: big", 14, ("spec.size must be an integer, this is 'big'", PLACE)),
        ("sise: 1", 14, ("spec.sise is not known (did you mean 'size'?)", PLACE)),
    ],
)
def test_a_definition_of_the_set_judges_its_objects(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], spec: str, code: int, shown: tuple[str, ...]
) -> None:
    widget = f"---\napiVersion: example.com/v1\nkind: Widget\nmetadata: {{name: w}}\nspec:\n  {spec}\n"
    (tmp_path / "set.yaml").write_text(DEFINITION + widget)
    assert run(["validate", str(tmp_path)], {}) == code
    captured = capsys.readouterr()
    for text in shown:
        assert text in captured.out + captured.err
