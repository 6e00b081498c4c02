from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitops_push.core.drift import Cause
from gitops_push.core.drift_cause import Versions, cause_of_object, causes_of
from gitops_push.core.fielddiff import ABSENT, Difference
from gitops_push.core.fieldpath import parse_field_path, value_at

AHEAD, EDITED, BOTH, UNKNOWN = Cause.GIT_AHEAD, Cause.EDITED, Cause.BOTH, Cause.UNKNOWN


def body(**data: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "env"}, "data": data}


def entry(manager: str, *keys: str, operation: str = "Update") -> dict[str, Any]:
    fields: dict[str, Any] = {"f:data": {f"f:{key}": {} for key in keys}}
    return {"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsV1": fields}


def owned(live: dict[str, Any], ours: str = "", theirs: str = "") -> dict[str, Any]:
    """Return a live object whose keys of one letter each are ours, or another manager's."""
    entries = [entry("gitops-push", *ours, operation="Apply"), entry("kubectl-edit", *theirs)]
    managed = [item for item in entries if item["fieldsV1"]["f:data"]]
    return {**live, "metadata": {**live["metadata"], "managedFields": managed}}


def cause(live: dict[str, Any], deployed: dict[str, Any] | None, desired: dict[str, Any]) -> Cause | None:
    path = parse_field_path("data.a")
    difference = Difference(path, value_at(path, live, ABSENT), value_at(path, desired, ABSENT))
    (found,) = causes_of(Versions(live, deployed, desired), [difference])
    return found


@pytest.mark.parametrize(
    ("live", "deployed", "desired", "expected"),
    [
        pytest.param(owned(body(a="1"), ours="a"), body(a="1"), body(a="2"), AHEAD, id="git changed it"),
        pytest.param(owned(body(), ours="b"), body(), body(a="2"), AHEAD, id="git added it"),
        pytest.param(owned(body(a="1"), ours="a"), body(a="1"), body(), AHEAD, id="git removed it"),
        pytest.param(owned(body(a="9"), theirs="a"), body(a="1"), body(a="1"), EDITED, id="someone changed it"),
        pytest.param(owned(body()), body(a="1"), body(a="1"), EDITED, id="someone removed it"),
        pytest.param(owned(body(a="9"), theirs="a"), body(), body(), EDITED, id="someone added it"),
        pytest.param(owned(body(a="9"), theirs="a"), body(a="1"), body(a="2"), BOTH, id="both changed it"),
        pytest.param(owned(body()), body(a="1"), body(a="2"), BOTH, id="removed there, changed in git"),
        pytest.param(owned(body(a="9"), theirs="a"), body(a="1"), body(), BOTH, id="changed there, removed in git"),
        pytest.param(owned(body(a="9"), theirs="a"), body(), body(a="2"), BOTH, id="added on both sides"),
        pytest.param(owned(body(a="9")), body(), body(a="2"), AHEAD, id="a default that git now sets"),
        pytest.param(owned(body(a="1"), theirs="a"), body(a="1"), body(a="2"), AHEAD, id="edited there and back again"),
        pytest.param(owned(body(a="01"), ours="a"), body(a="1"), body(a="2"), AHEAD, id="ours as the server spells it"),
        pytest.param(owned(body(a="01"), ours="a"), body(a="1"), body(a="1"), None, id="only the server's spelling"),
        pytest.param(owned(body(a="9"), theirs="a"), {}, body(a="2"), BOTH, id="not deployed, there already"),
        pytest.param(owned(body()), {}, body(a="2"), AHEAD, id="not deployed, not there"),
    ],
)
def test_the_three_states_give_the_cause(
    live: dict[str, Any], deployed: dict[str, Any], desired: dict[str, Any], expected: Cause | None
) -> None:
    assert cause(live, deployed, desired) is expected


@pytest.mark.parametrize(
    ("live", "desired", "expected"),
    [
        pytest.param(owned(body(a="1"), ours="a"), body(a="2"), AHEAD, id="still ours, so git moved"),
        pytest.param(owned(body(a="1"), ours="a", theirs="a"), body(a="2"), AHEAD, id="shared, so not edited"),
        pytest.param(owned(body(a="9"), theirs="a"), body(a="2"), EDITED, id="another manager's"),
        pytest.param(owned(body(a="9"), theirs="a"), body(), EDITED, id="added by another manager"),
        pytest.param(owned(body()), body(a="2"), UNKNOWN, id="not there: new in git or removed by someone"),
        pytest.param(owned(body(a="9")), body(a="2"), UNKNOWN, id="nobody's: a default, or what is left of a removal"),
    ],
)
def test_without_the_deployed_set_managed_fields_tell_what_they_can(
    live: dict[str, Any], desired: dict[str, Any], expected: Cause
) -> None:
    assert cause(live, None, desired) is expected


def test_a_whole_item_that_git_removes_is_both_when_someone_edited_inside() -> None:
    container = {"name": "web", "image": "web:1"}
    template: dict[str, Any] = {"kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [container]}}
    live = copy.deepcopy(template)
    path = parse_field_path("spec.containers[name=web]")
    desired = {**template, "spec": {"containers": []}}
    (found,) = causes_of(Versions(live, template, desired), [Difference(path, container, ABSENT)])
    assert found is AHEAD
    live["spec"]["containers"][0]["image"] = "web:9"
    (found,) = causes_of(Versions(live, template, desired), [Difference(path, container, ABSENT)])
    assert found is BOTH


@pytest.mark.parametrize(
    ("causes", "expected"),
    [
        ([AHEAD], AHEAD),
        ([EDITED, EDITED], EDITED),
        ([UNKNOWN, AHEAD], UNKNOWN),
        ([UNKNOWN, EDITED], EDITED),
        ([AHEAD, EDITED], BOTH),
        ([AHEAD, BOTH], BOTH),
        ([UNKNOWN, BOTH], BOTH),
    ],
)
def test_an_object_has_the_cause_of_its_fields_and_hides_no_edit(causes: list[Cause], expected: Cause) -> None:
    assert cause_of_object(causes) is expected
    assert cause_of_object(reversed(causes)) is expected


VALUES = st.sampled_from([None, "1", "2", "3"])


@settings(max_examples=300, deadline=None)
@given(deployed=VALUES, desired=VALUES, live=VALUES)
def test_the_cause_is_what_moved_away_from_the_deployed_value(
    deployed: str | None, desired: str | None, live: str | None
) -> None:
    """By the definition alone: nobody's spelling or default in the way, and managedFields as the server keeps them."""
    if live == desired:
        return
    sides = [body(**({} if value is None else {"a": value})) for value in (deployed, desired, live)]
    there = owned(sides[2], ours="a") if live == deployed else owned(sides[2], theirs="a")
    moved, edited = desired != deployed, live != deployed
    expected = BOTH if moved and edited else AHEAD if moved else EDITED
    assert cause(there if live is not None else owned(sides[2]), sides[0], sides[1]) is expected
