"""`build --origins` and `build --why`: where values come from, as comments, as JSON, and as one chain."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from gitops_push.cli.main import run
from tests.unit.kustomize.trees import DEPLOYMENT, write_tree

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "build-origins.schema.json").read_text())
TREE = {
    "base/kustomization.yaml": "resources: [web.yaml]\n",
    "base/web.yaml": DEPLOYMENT,
    "prod/kustomization.yaml": """\
        resources: [../base]
        namespace: shop
        images:
        - name: nginx
          newTag: "2.0"
        secretGenerator:
        - name: key
          literals: [password=very-secret-text]
        """,
}
WHY = """\
apps/Deployment shop/web spec.template.spec.containers[0].image
  base/web.yaml:11:16
  prod/kustomization.yaml:5:11 (images)
"""
IMAGE = "spec.template.spec.containers[name=main].image"


def build(root: Path, *arguments: str) -> int:
    return run(["build", str(root / "prod"), *arguments], {"PATH": "/usr/bin:/bin"})


def test_why_prints_the_chain_from_the_base_to_the_entry_of_images(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_tree(tmp_path, TREE)
    assert build(tmp_path, "--why", "apps/Deployment shop/web", IMAGE) == 0
    assert capfd.readouterr().out == WHY


def test_why_shows_no_value_of_a_secret(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_tree(tmp_path, TREE)
    assert build(tmp_path, "-o", "name") == 0
    secret = next(line for line in capfd.readouterr().out.splitlines() if "Secret" in line)
    assert build(tmp_path, "--why", secret, "data.password") == 0
    shown = capfd.readouterr().out
    assert "prod/kustomization.yaml:8:14 (secretGenerator)" in shown
    assert "very-secret" not in shown


@pytest.mark.parametrize(
    ("name", "field", "message"),
    [
        pytest.param("apps/Deployment shop/wob", IMAGE, "did you mean 'apps/Deployment shop/web'?", id="object"),
        pytest.param("apps/Deployment shop/web", "spec.nothing", "has no field spec.nothing", id="field"),
        pytest.param("apps/Deployment shop/web", "spec[", "expected", id="path"),
    ],
)
def test_why_says_what_it_cannot_find(
    name: str, field: str, message: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_tree(tmp_path, TREE)
    assert build(tmp_path, "--why", name, field) == 2
    assert message in capfd.readouterr().err


def test_json_has_the_origin_of_every_value_in_the_published_form(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_tree(tmp_path, TREE)
    assert build(tmp_path, "-o", "json", "--origins") == 0
    text = capfd.readouterr().out
    data = json.loads(text)
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.Draft202012Validator(SCHEMA).validate(data)
    (web,) = (item for item in data["items"] if item["objectKind"] == "Deployment")
    image = next(one for one in web["origins"] if one["path"].endswith(".image"))
    assert image["trail"] == [{"file": "base/web.yaml", "line": 11, "column": 16}]
    assert (image["file"], image["line"], image["step"]) == ("prod/kustomization.yaml", 5, "images")
    assert text.count("dmVyeS1zZWNyZXQtdGV4dA==") == 1


def test_the_published_form_refuses_an_origin_without_a_path() -> None:
    broken = {
        "schemaVersion": 1,
        "kind": "ManifestSet",
        "manifestDigest": "0" * 64,
        "exitCode": 0,
        "items": [
            {
                **dict.fromkeys(("group", "objectKind", "namespace", "name", "apiVersion"), ""),
                "manifest": {},
                "origin": {"file": "a.yaml"},
                "origins": [{"file": "a.yaml", "line": 1}],
            }
        ],
    }
    with pytest.raises(jsonschema.ValidationError, match="path"):
        jsonschema.Draft202012Validator(SCHEMA).validate(broken)
