from __future__ import annotations

import pytest

from gitops_push.core.codes import Code
from gitops_push.core.errors import RefusedError
from gitops_push.core.fidelity import check_fidelity
from gitops_push.core.objects import ObjectRef
from gitops_push.core.origin import Origin
from gitops_push.core.plan import Action, Change, Fidelity

CHANGES = tuple(
    Change(
        ObjectRef("", "ConfigMap", "shop", fidelity.value),
        "v1",
        Action.CREATE,
        fidelity,
        reason=f"because of {fidelity.value}",
        origin=Origin(f"{fidelity.value}.yaml", 1, 1),
    )
    for fidelity in Fidelity
)


@pytest.mark.parametrize(
    ("least", "refused"),
    [
        (Fidelity.SERVER, ["schema", "client", "refused"]),
        (Fidelity.SCHEMA, ["client", "refused"]),
        (Fidelity.CLIENT, ["refused"]),
        (Fidelity.REFUSED, []),
        (None, []),
    ],
)
def test_every_change_that_is_less_sure_is_refused_by_name_and_place(
    least: Fidelity | None, refused: list[str]
) -> None:
    if not refused:
        check_fidelity(CHANGES, least)
        return
    with pytest.raises(RefusedError) as raised:
        check_fidelity(CHANGES, least)
    problems = raised.value.problems
    assert [problem.ref.name for problem in problems if problem.ref] == refused
    assert {problem.code for problem in problems} == {Code.FIDELITY_TOO_LOW}
    for name, problem in zip(refused, problems, strict=True):
        assert f"because of {name}" in problem.message
        assert str(problem.origin) == f"{name}.yaml:1:1"
        assert problem.hint
