"""What an `ApiFailure` means for people: one line, masked."""

from __future__ import annotations

from gitops_push.cluster.api import ApiFailure
from gitops_push.core.codes import Code
from gitops_push.core.errors import ClusterError, GitopsPushError, PlanError, Problem
from gitops_push.core.objects import ObjectRef
from gitops_push.core.redaction import Redactor


def failure_text(failure: ApiFailure | GitopsPushError, redactor: Redactor) -> str:
    """Return what the server said, without secret values: it echoes what was sent."""
    text = failure.message if isinstance(failure, ApiFailure) else str(failure)
    return redactor.mask_text(text) or f"the API server answered {failure}"


def error_before_writing(failure: ApiFailure, ref: ObjectRef, redactor: Redactor) -> GitopsPushError:
    """Return the error for a request that failed before anything was written: 403 is a rejection, the rest trouble."""
    text = f"{ref}: {failure_text(failure, redactor)}"
    if failure.status == 403:
        return PlanError(Problem(Code.SERVER_FORBIDS, text, ref=ref, hint="`gitops-push rbac` prints what is needed"))
    return ClusterError(Problem(Code.SERVER_ERROR, text, ref=ref))
