"""`make conformance`: how many of kustomize's own answers the native builder gives, and which it does not."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from tests.conformance.kustomize_cases import DATA, Case, Result, Verdict, cases, probes, run

Judged = Sequence[tuple[Case, Result]]


def main() -> int:
    """Returns 0 when every answer is kustomize's or explained, 1 otherwise, 2 without the data."""
    groups = {"cases": cases(), "probes": probes()}
    if not any(groups.values()):
        print(f"there is no test data in {DATA}", file=sys.stderr)
        return 2
    failed = 0
    for name, group in groups.items():
        judged = [(case, run(case)) for case in group]
        failed += sum(result.verdict is Verdict.FAILED for _, result in judged)
        print("\n".join(report(name, judged)), end="\n\n")
    return 1 if failed else 0


def report(name: str, judged: Judged) -> list[str]:
    """Return the lines on one group: totals, by level, by tag, and by name what did not pass."""
    verdicts = Counter(result.verdict for _, result in judged)
    others = ", ".join(f"{verdicts[one]} {one}" for one in Verdict if one is not Verdict.PASSED and verdicts[one])
    lines = [f"kustomize {name}: {_share(judged)} passed{f', {others}' if others else ''}"]
    lines += _table("by level", ((case.level, result) for case, result in judged))
    lines += _table("by tag", ((tag, result) for case, result in judged for tag in case.tags))
    for verdict in Verdict:
        if verdict is not Verdict.PASSED and verdicts[verdict]:
            lines += ["", f"  {verdict}:"]
            lines += [f"    {case}: {result.reason}" for case, result in judged if result.verdict is verdict]
    return lines


def _share(judged: Judged) -> str:
    return f"{sum(result.verdict is Verdict.PASSED for _, result in judged)}/{len(judged)}"


def _table(title: str, rows: Iterable[tuple[str, Result]]) -> list[str]:
    """Return a line a name: passed/total."""
    counts: dict[str, list[bool]] = defaultdict(list)
    for name, result in rows:
        counts[name].append(result.verdict is Verdict.PASSED)
    lines = ["", f"  {title}:"]
    return lines + [f"    {sum(counts[name]):4}/{len(counts[name]):<4} {name}" for name in sorted(counts)]


if __name__ == "__main__":
    sys.exit(main())
