"""Every case and probe of kustomize's own answers, byte for byte where it uses only what is supported."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.conformance.kustomize_cases import DATA, Case, Verdict, cases, probes, run

DUPLICATE_KEY = "a key that occurs twice is refused (with both lines); kustomize silently takes the last"
NEWER = "a field or behaviour of kustomize after 5.8.1"
WIDE_INTEGER = "an integer beyond 64 bits is refused; kustomize rounds it to a float"
CHARACTER = "kustomize cannot write or read this character; here it is kept, escaped"

DIFFERENT_ON_PURPOSE = {
    "TestGeneratorRepeatsInKustomization": DUPLICATE_KEY,
    "TestNamespaceNotAddedToValidatingAdmissionPolicies": DUPLICATE_KEY,
    "TestReplacementTransformerWithSuffixTransformerAndReject": DUPLICATE_KEY,
    "TestReplacementTransformerWithSuffixTransformerAndRejectUsingRegex": DUPLICATE_KEY,
    "kfile-duplicate-field": DUPLICATE_KEY,
    "TestKustomizationLabelsInDeploymentWithoutClaimTemplateAndIncludeVolumeClaimTemplatesTrue": NEWER,
    "TestKustomizationLabelsInStatefulSetTemplateWithClaimTemplateIncludeTemplateFalseAndIncludeVolumeCla": NEWER,
    "TestKustomizationLabelsInStatefulSetTemplateWithIncludeSelectorsTrue": NEWER,
    "TestTransfomersImageInvalidNameRegexp": "a broken pattern is an error; 5.8.1 panics",
    "filter_patchstrategicmerge__TestFilter__different_key_types": "a key that is no text is refused when it is read",
    "json6902-big-int-float": WIDE_INTEGER,
    "yaml-plain-input-scalars": WIDE_INTEGER,
    "kfile-symlink-dir-base": "the test data lost the symbolic link; test_loader.py has one",
    "yaml-control-del": CHARACTER,
    "yaml-control-nonchar": CHARACTER,
    "yaml-control-nel": CHARACTER,
    "yaml-string-quoting": CHARACTER,
    "yaml-tabs-json-resource": CHARACTER,
}
"""Supported, and yet not as kustomize has it; each with the reason."""

ALL = (*cases(), *probes())


@pytest.mark.skipif(not ALL, reason=f"no test data in {DATA}")
@pytest.mark.parametrize("case", ALL, ids=str)
def test_gives_the_answer_of_kustomize_or_names_what_is_not_supported(case: Case) -> None:
    result = run(case)
    if case.name in DIFFERENT_ON_PURPOSE:
        assert result.verdict is Verdict.FAILED, f"it passes now: remove it from DIFFERENT_ON_PURPOSE ({case.name})"
        return
    assert result.verdict is not Verdict.FAILED, result.reason


@pytest.mark.skipif(not ALL, reason=f"no test data in {DATA}")
def test_prints_the_figures(capsys: pytest.CaptureFixture[str]) -> None:
    for name, group in (("cases", cases()), ("probes", probes())):
        verdicts = Counter(run(case).verdict for case in group if case.name not in DIFFERENT_ON_PURPOSE)
        different = sum(case.name in DIFFERENT_ON_PURPOSE for case in group)
        with capsys.disabled():
            print(
                f"\nkustomize {name}: {verdicts[Verdict.PASSED]} passed, {verdicts[Verdict.UNSUPPORTED]} unsupported, "
                f"{different} different on purpose, {verdicts[Verdict.FAILED]} failed, of {len(group)}"
            )
        assert not verdicts[Verdict.FAILED]
