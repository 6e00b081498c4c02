"""A definition and its resources in one set, by the real program: what is shown, what is refused, what is applied."""

from __future__ import annotations

import uuid

import pytest

from tests.e2e.program import Program, config_map

DEFINITION = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.GROUP}
spec:
  group: GROUP
  scope: Namespaced
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
              required: [size]
              x-kubernetes-validations: [{rule: "self.size != 3"}]
              properties:
                size: {type: integer, minimum: 1}
                secret: {type: string, maxLength: 5}
"""
WIDGET = "apiVersion: GROUP/v1\nkind: Widget\nmetadata: {name: widget}\nspec:\n  size: 1\n"


@pytest.fixture
def group(program: Program) -> str:
    """The API group of a definition and a resource that are in the set."""
    name = f"e{uuid.uuid4().hex[:8]}.example.com"
    program.write("app/definition.yaml", DEFINITION.replace("GROUP", name))
    program.write("app/widget.yaml", WIDGET.replace("GROUP", name))
    return name


def test_a_resource_is_planned_by_its_schema_applied_and_then_proven_by_the_server(
    program: Program, group: str
) -> None:
    shown = program("diff", "test")
    assert shown.code == 0, shown
    assert "checked by its schema only; 1 CEL rule not checked" in shown.out
    document = program("diff", "test", "-o", "json").json
    (change,) = (change for change in document["changes"] if change["name"] == "widget")
    assert (change["fidelity"], change["unchecked"]) == ("schema", ["1 CEL rule not checked"])
    assert program("apply", "test", "--yes").code == 0
    after = program("diff", "test", "--min-fidelity", "server", "--exit-code")
    assert after.code == 0, after


def test_15_where_less_is_proven_than_was_asked_for(program: Program, group: str) -> None:
    for command in (("diff", "test"), ("apply", "test", "--yes")):
        done = program(*command, "--min-fidelity", "server")
        assert done.code == 15, done
        assert f"{group}/Widget" in done.err
        assert "app/widget.yaml:1:1" in done.err
        assert "nothing was written" in done.err
    assert program("diff", "test", "--min-fidelity", "schema").code == 0
    assert program("diff", "test", "--min-fidelity", "best").code == 2


@pytest.mark.parametrize("command", [("diff", "test"), ("apply", "test", "--yes"), ("validate", "test")], ids=" ".join)
def test_14_for_what_the_definition_rejects_at_each_line(
    program: Program, group: str, command: tuple[str, ...]
) -> None:
    program.write("app/widget.yaml", WIDGET.replace("GROUP", group).replace("size: 1", "size: 0\n  colour: red"))
    done = program(*command)
    assert done.code == 14, done
    assert "spec.size must be at least 1, this is 0" in done.err
    assert "spec.colour is not known" in done.err
    assert "app/widget.yaml:5:9" in done.err
    assert "app/widget.yaml:6:11" in done.err
    assert "Traceback" not in done.err


def test_a_secret_value_in_a_resource_is_masked_in_what_is_said_of_it(program: Program, group: str) -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: login}\nstringData: {password: correct-horse}\n"
    program.write("app/login.yaml", secret)
    program.write("app/widget.yaml", WIDGET.replace("GROUP", group).replace("size: 1", "size: correct-horse"))
    for command in (("diff", "test"), ("validate", "test")):
        done = program(*command)
        assert done.code == 14, done
        assert "spec.size must be an integer" in done.err
        assert "correct-horse" not in done.err


def test_12_for_an_object_that_no_server_stores_before_any_request(program: Program) -> None:
    program.write("app/large.yaml", config_map("large", "x" * 1_100_000))
    for command in (("validate", "test"), ("diff", "test")):
        done = program(*command)
        assert done.code == 12, done
        assert "data has 1,100,000 bytes, the server takes at most 1,048,576; key alone has 1,100,000" in done.err
        assert "app/large.yaml:4:" in done.err
