"""Asks the server what the credential may do, in as few access reviews as it takes, many at the same time.

A right over all namespaces covers each of them, and one without a name covers all names: the wider question is asked
first, the narrower ones only where it is denied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from gitops_push.cluster.api import AccessQuestion, ApiFailure, ApiReader
from gitops_push.cluster.crew import in_parallel
from gitops_push.core.codes import Code
from gitops_push.core.errors import ClusterError, Problem


def denied(reader: ApiReader, questions: Iterable[AccessQuestion], concurrency: int) -> frozenset[AccessQuestion]:
    """Return the questions that the server answers with no. `ClusterError` if it does not answer them."""
    asked = tuple(dict.fromkeys(questions))
    places: dict[AccessQuestion, set[str]] = {}
    for question in asked:
        places.setdefault(_everywhere(question), set()).add(question.namespace)
    several = {general for general, namespaces in places.items() if len(namespaces) > 1}
    open_ones = _without_covered(reader, asked, concurrency, _everywhere, several)
    open_ones = _without_covered(reader, open_ones, concurrency, _every_name, {_every_name(q) for q in open_ones})
    named = tuple(question for question in open_ones if question.name)
    return frozenset(open_ones) - _granted(reader, named, concurrency)


def _without_covered(
    reader: ApiReader,
    questions: tuple[AccessQuestion, ...],
    concurrency: int,
    wider: Callable[[AccessQuestion], AccessQuestion],
    worth_asking: Iterable[AccessQuestion],
) -> tuple[AccessQuestion, ...]:
    granted = _granted(reader, worth_asking, concurrency)
    return tuple(question for question in questions if wider(question) not in granted)


def _granted(reader: ApiReader, questions: Iterable[AccessQuestion], concurrency: int) -> frozenset[AccessQuestion]:
    answers = in_parallel(lambda question: _allowed(reader, question), questions, concurrency)
    return frozenset(question for question, allowed in answers if allowed)


def _everywhere(question: AccessQuestion) -> AccessQuestion:
    return replace(question, namespace="", name="")


def _every_name(question: AccessQuestion) -> AccessQuestion:
    return replace(question, name="")


def _allowed(reader: ApiReader, asked: AccessQuestion) -> bool:
    try:
        return reader.may_i(asked)
    except ApiFailure as failure:
        text = f"the API server does not tell what the credential may do: {failure.message}"
        raise ClusterError(Problem(Code.SERVER_ERROR, text)) from failure
