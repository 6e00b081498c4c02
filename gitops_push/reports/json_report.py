"""Reports as JSON data: one document, `schemaVersion` first, the keys of docs/reference/json.md.

The functions return plain data; whoever prints it decides between JSON and YAML.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, TypeAlias

from gitops_push.core.build_comparison import BuildDiff
from gitops_push.core.deployment import Deployment, Superseded
from gitops_push.core.diagnosis import Cause
from gitops_push.core.drift import DriftReport
from gitops_push.core.errors import Problem
from gitops_push.core.events import Event
from gitops_push.core.fielddiff import ABSENT, FieldChange, FieldOwner, Shown
from gitops_push.core.fieldpath import format_field_path
from gitops_push.core.objects import ManifestSet, ObjectRef
from gitops_push.core.origin import Origin
from gitops_push.core.plan import IN_SET, Action, Change, HookRun, Plan, TakeOver, YieldedField
from gitops_push.core.plan_digest import plan_digest
from gitops_push.core.redaction import Masked
from gitops_push.core.run import RunHeader
from gitops_push.core.run_identity import identity_data
from gitops_push.core.status import StatusReport
from gitops_push.core.waves import MAIN, Step

SCHEMA_VERSION: Final = 1

Data: TypeAlias = dict[str, Any]


def document(kind: str, header: RunHeader | None, content: Data, exit_code: int) -> Data:
    """Return the outer document of a report: what, by which version, for which environment and commit."""
    return {"schemaVersion": SCHEMA_VERSION, "kind": kind, **_header(header), **content, "exitCode": exit_code}


def plan_data(plan: Plan, *, server_fields: bool = False) -> Data:
    """Return a plan; with `server_fields` also what the server itself changes, field by field."""
    return {
        "clusterId": plan.cluster_id,
        "project": plan.project,
        "manifestDigest": plan.manifest_digest,
        "digest": plan_digest(plan),
        "plannedAt": time_text(plan.planned_at),
        "dryRun": plan.dry_run,
        "hasChanges": plan.has_changes,
        "counts": _counts(plan.changes) | ({Action.HOOK.value: hooks} if (hooks := plan.count(Action.HOOK)) else {}),
        "proven": plan.proven,
        "notes": list(plan.notes),
        "changes": [_change(change, server_fields=server_fields) for change in plan.changes],
        **({"hooks": [_hook(hook) for hook in plan.hooks]} if plan.hooks else {}),
    }


def build_diff_data(diff: BuildDiff) -> Data:
    """Return the differences between two builds."""
    return {
        "base": {"ref": diff.base, "commit": diff.base_commit},
        "hasChanges": diff.has_changes,
        "counts": _counts(diff.changes),
        "changes": [_change(change) for change in diff.changes],
    }


def deployment_data(deployment: Deployment, *, server_fields: bool = False) -> Data:
    """Return what an apply did, with its plan as `plan_data` has it."""
    return {
        "wrote": deployment.wrote,
        "interrupted": deployment.interrupted,
        "startedAt": time_text(deployment.started_at),
        "finishedAt": time_text(deployment.finished_at),
        **({"note": deployment.note} if deployment.note else {}),
        "outcomes": [
            {
                **ref_data(outcome.ref),
                "action": outcome.action.value,
                **({"phase": outcome.phase} if outcome.phase else {}),
                "result": outcome.result.value,
                "message": outcome.message,
                "durationSeconds": round(outcome.duration_seconds, 3),
                **({"cause": cause_data(outcome.cause)} if outcome.cause else {}),
            }
            for outcome in deployment.outcomes
        ],
        "plan": plan_data(deployment.plan, server_fields=server_fields),
    }


def superseded_data(superseded: Superseded) -> Data:
    """Return what an apply says that had nothing to do, because a newer commit is deployed or about to be."""
    return {"wrote": False, "interrupted": False, "superseded": superseded.why, "outcomes": []}


def cause_data(cause: Cause) -> Data:
    """Return why something is not healthy; what is not known or does not apply has no key."""
    code, log = cause.code, cause.log
    told = {
        "said": cause.said,
        "state": cause.state,
        "pod": cause.pod,
        "container": cause.container,
        "probe": cause.probe,
        "exitCode": cause.exit_code,
        "restarts": cause.restarts,
        "pods": {"failing": cause.failing, "all": cause.pods} if cause.pods else None,
        "events": [_event(event) for event in cause.events],
        "log": log and {"container": log.container, "previous": log.previous, "lines": list(log.lines)},
        "notes": [*cause.notes, *([log.note] if log and log.note else [])],
        "field": format_field_path(cause.field),
    }
    return {
        "code": code.value,
        "transient": code.transient,
        "summary": cause.summary,
        **{key: value for key, value in told.items() if value or (key == "exitCode" and value is not None)},
        **_origin("origin", cause.origin),
        "hint": code.hint,
    }


def _event(event: Event) -> Data:
    about = {"objectKind": event.kind, "name": event.name}
    return {**about, "reason": event.reason, "message": event.message, "count": event.count, "at": time_text(event.at)}


def drift_data(report: DriftReport) -> Data:
    """Return a drift report."""
    return {
        "clusterId": report.cluster_id,
        "project": report.project,
        "deployedCommit": report.deployed_commit,
        "checkedAt": time_text(report.checked_at),
        "inSync": report.in_sync,
        "proven": report.proven,
        "notes": list(report.notes),
        "unmanaged": [ref_data(ref) for ref in report.unmanaged],
        "drifted": [
            {
                **ref_data(drift.ref),
                "cause": drift.cause.value,
                **({"removedFromGit": True} if drift.removed_from_git else {}),
                **({"reason": drift.reason} if drift.reason else {}),
                **_origin("origin", drift.origin),
                "fields": [{**_field(field.change), "cause": field.cause.value} for field in drift.fields],
            }
            for drift in report.drifted
        ],
    }


def status_data(report: StatusReport) -> Data:
    """Return the status of an environment."""
    inventory = report.inventory
    return {
        "clusterId": report.cluster_id,
        "project": inventory.project,
        "deployed": report.deployed,
        "deployedCommit": inventory.commit,
        "deployedAt": time_text(inventory.deployed_at),
        "state": inventory.state.value,
        "deployedBy": identity_data(inventory.deployed_by),
        "checkedAt": time_text(report.checked_at),
        "objects": [
            {
                **ref_data(found.ref),
                "health": found.health.value,
                **({"reason": found.reason} if found.reason else {}),
                **({"cause": cause_data(found.cause)} if found.cause else {}),
            }
            for found in report.objects
        ],
    }


def manifest_set_data(manifests: ManifestSet) -> Data:
    """Return which objects a build gave, without their bodies."""
    return {
        "manifestDigest": manifests.public_digest,
        "warnings": list(manifests.warnings),
        "objects": [
            {**ref_data(m.ref), "apiVersion": m.api_version, **_origin("origin", m.origin)} for m in manifests.manifests
        ],
    }


def problems_data(problems: Iterable[Problem]) -> Data:
    """Return problems; present in the document of a failed run."""
    return {
        "problems": [
            {
                "code": problem.code.value,
                "message": problem.message,
                **({"object": ref_data(problem.ref)} if problem.ref else {}),
                **_origin("origin", problem.origin),
                **({"hint": problem.hint} if problem.hint else {}),
            }
            for problem in problems
        ]
    }


def origin_data(origin: Origin) -> Data:
    """Return a place of the config repo, with the steps before it."""
    return {
        "file": origin.file,
        **({"line": origin.line} if origin.line else {}),
        **({"column": origin.column} if origin.column else {}),
        **({"step": origin.step} if origin.step else {}),
        **({"trail": [origin_data(earlier) for earlier in origin.trail]} if origin.trail else {}),
    }


def _header(header: RunHeader | None) -> Data:
    if header is None:
        return {}
    checkout = header.checkout
    return {
        "version": header.version,
        "environment": header.environment,
        "cluster": header.cluster,
        "server": header.server,
        "commit": checkout.commit,
        "branch": checkout.branch,
        "dirty": checkout.dirty,
    }


def _counts(changes: Iterable[Change]) -> Data:
    found = Counter(change.action for change in changes)
    return {action.value: found[action] for action in Action if found[action]}


def _change(change: Change, *, server_fields: bool = False) -> Data:
    return {
        **ref_data(change.ref),
        "apiVersion": change.api_version,
        "action": change.action.value,
        "fidelity": change.fidelity.value,
        **({"reason": change.reason} if change.reason else {}),
        **(_step(change.step) if change.step != MAIN and change.action in IN_SET else {}),
        **({"renamedFrom": change.renamed_from} if change.renamed_from else {}),
        **({"replacedBy": change.replaced_by} if change.replaced_by else {}),
        **({"unchecked": list(change.unchecked)} if change.unchecked else {}),
        **({"immutable": list(change.immutable)} if change.immutable else {}),
        "impact": list(change.impact),
        **_origin("origin", change.origin),
        "fields": [_field(field) for field in change.fields],
        "taken": [
            {
                "field": loss.field,
                "manager": loss.manager,
                "operation": loss.operation,
                "at": time_text(loss.at),
                **_side("live", loss.live),
                **_side("ours", loss.ours),
                **_origin("origin", loss.origin),
            }
            for loss in change.taken
        ],
        "yielded": [_yielded(left) for left in change.yielded],
        **({"takeOver": _take_over(change.take_over)} if change.take_over else {}),
        "warnings": list(change.warnings),
        "serverChanges": change.server_changes,
        **({"serverFields": [_field(field) for field in change.server_fields]} if server_fields else {}),
    }


def _step(step: Step) -> Data:
    return {"phase": step.phase.title, "wave": step.wave}


def _hook(hook: HookRun) -> Data:
    return {
        **ref_data(hook.ref),
        "generated": hook.is_generated,
        "apiVersion": hook.api_version,
        **_step(hook.step),
        "state": hook.state.value,
        "fidelity": hook.fidelity.value,
        **({"reason": hook.reason} if hook.reason else {}),
        "deletePolicies": sorted(hook.policies),
        "deletesFirst": [ref_data(change.ref) for change in hook.clears],
        **_origin("origin", hook.origin),
        "warnings": list(hook.warnings),
    }


def _yielded(left: YieldedField) -> Data:
    return {
        "field": format_field_path(left.field.path),
        **({"owner": owner_data(left.field.owner)} if left.field.owner else {}),
        **({"autoscaler": str(left.field.autoscaler)} if left.field.autoscaler else {}),
        **_side("live", left.live),
        **_side("ours", left.ours),
        **_origin("origin", left.origin),
    }


def _take_over(what: TakeOver) -> Data:
    return {
        "owners": list(what.owners),
        "entries": [{"manager": e.manager, "operation": e.operation, "fields": e.fields} for e in what.entries],
        "gone": list(what.gone),
        "removed": list(what.removed),
        "added": list(what.added),
        "notes": list(what.notes),
    }


def _field(field: FieldChange) -> Data:
    return {
        "path": format_field_path(field.path),
        **_side("before", field.before),
        **_side("after", field.after),
        **({"owner": owner_data(field.owner)} if field.owner else {}),
        **_origin("origin", field.origin),
    }


def _side(name: str, value: Shown) -> Data:
    """An absent side has no key; a secret one is {"masked": TAG}, so that no text can be taken for a secret."""
    if value is ABSENT:
        return {}
    return {name: {"masked": value.tag} if isinstance(value, Masked) else value}


def owner_data(owner: FieldOwner) -> Data:
    """Return who set a value."""
    subresource = {"subresource": owner.subresource} if owner.subresource else {}
    return {"manager": owner.manager, "operation": owner.operation, "at": time_text(owner.at), **subresource}


def _origin(name: str, origin: Origin | None) -> Data:
    return {name: origin_data(origin)} if origin else {}


def ref_data(ref: ObjectRef) -> Data:
    """Return which object."""
    return {"group": ref.group, "objectKind": ref.kind, "namespace": ref.namespace, "name": ref.name}


def time_text(at: datetime | None) -> str | None:
    """Return a time as RFC 3339."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else None
