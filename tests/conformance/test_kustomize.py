"""Every case and probe of kustomize's own answers, byte for byte where it uses only what is supported."""

from __future__ import annotations

import pytest

from tests.conformance.kustomize_cases import DATA, DIFFERENT_ON_PURPOSE, Case, Verdict, cases, probes, run

CASES, PROBES = cases(), probes()


@pytest.mark.skipif(not CASES, reason=f"no test data in {DATA}")
@pytest.mark.parametrize("case", [*CASES, *PROBES], ids=str)
def test_gives_the_answer_of_kustomize(case: Case) -> None:
    result = run(case)
    assert result.verdict is not Verdict.FAILED, result.reason


@pytest.mark.skipif(not CASES, reason=f"no test data in {DATA}")
def test_one_text_of_an_error_and_few_probes_differ_on_purpose() -> None:
    text_only = {case.name for case in CASES if case.level == "error-text"}
    assert len(set(DIFFERENT_ON_PURPOSE) & text_only) == 1
    assert set(DIFFERENT_ON_PURPOSE) - text_only <= {probe.name for probe in PROBES}
    assert len(DIFFERENT_ON_PURPOSE) <= 4
