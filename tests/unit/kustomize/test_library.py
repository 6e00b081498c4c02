"""The builder as a library: the example of its reference page."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.unit.kustomize.trees import DEPLOYMENT, write_tree

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "kustomize.md"


def test_the_example_of_the_reference_prints_the_build(tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    files = {"apps/web/overlays/prod/kustomization.yaml": "resources: [d.yaml]\n"}
    write_tree(tmp_path, {**files, "apps/web/overlays/prod/d.yaml": DEPLOYMENT})
    environ = {**os.environ, "PYTHONPATH": str(PAGE.parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", example], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == (
        DEPLOYMENT.replace("- name: main\n        image: nginx:1.0", "- image: nginx:1.0\n        name: main"),
        "",
    )
