"""Why an object is not ready: stable codes, and the evidence that goes with one.

Texts may be reworded, a code never changes its meaning. docs/reference/diagnosis.md is made of this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class CauseCode(StrEnum):
    """What kind of fault it is; the most specific one that the evidence shows."""

    IMAGE_NOT_FOUND = "IMAGE_NOT_FOUND"
    IMAGE_PULL_FAILED = "IMAGE_PULL_FAILED"
    CONTAINER_CONFIG = "CONTAINER_CONFIG"
    START_FAILED = "START_FAILED"
    CRASH_LOOP = "CRASH_LOOP"
    OOM_KILLED = "OOM_KILLED"
    CONTAINER_FAILED = "CONTAINER_FAILED"
    PROBE_FAILING = "PROBE_FAILING"
    RESTARTED = "RESTARTED"
    MOUNT_FAILED = "MOUNT_FAILED"
    UNSCHEDULABLE = "UNSCHEDULABLE"
    NODE_PRESSURE = "NODE_PRESSURE"
    EVICTED = "EVICTED"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    ADMISSION_DENIED = "ADMISSION_DENIED"
    JOB_FAILED = "JOB_FAILED"
    HOOK_FAILED = "HOOK_FAILED"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    VOLUME_UNBOUND = "VOLUME_UNBOUND"
    SAYS_FAILED = "SAYS_FAILED"
    DOES_NOT_EXIST = "DOES_NOT_EXIST"
    BEING_DELETED = "BEING_DELETED"
    NOT_READABLE = "NOT_READABLE"
    NOT_OBSERVED = "NOT_OBSERVED"
    IN_PROGRESS = "IN_PROGRESS"
    TIMEOUT = "TIMEOUT"

    @property
    def transient(self) -> bool:
        """Return whether it may pass without a change to the config or the cluster: then waiting goes on."""
        return _MEANINGS[self].transient

    @property
    def meaning(self) -> str:
        """Return in a few words what has happened."""
        return _MEANINGS[self].meaning

    @property
    def hint(self) -> str:
        """Return in one line what to do."""
        return _MEANINGS[self].hint


@dataclass(frozen=True, slots=True)
class _Meaning:
    meaning: str
    transient: bool
    hint: str


_TRANSIENT: Final = True
_PERMANENT: Final = False

_MEANINGS: Final = {
    CauseCode.IMAGE_NOT_FOUND: _Meaning(
        "the registry has no such image, or its name is none",
        _PERMANENT,
        "correct the name or the tag, or push the image first; a private registry may hide it: see imagePullSecrets",
    ),
    CauseCode.IMAGE_PULL_FAILED: _Meaning(
        "the image cannot be pulled, for another reason than that it does not exist",
        _TRANSIENT,
        "look at the registry, its credentials (imagePullSecrets) and the network of the nodes",
    ),
    CauseCode.CONTAINER_CONFIG: _Meaning(
        "a container cannot be set up: a Secret, a ConfigMap or a key of one is missing",
        _PERMANENT,
        "add what is missing to the config, or mark the reference as optional",
    ),
    CauseCode.START_FAILED: _Meaning(
        "a container cannot be started: its command, a mount or a lifecycle hook",
        _PERMANENT,
        "check command, args and mounts against what the image holds",
    ),
    CauseCode.CRASH_LOOP: _Meaning(
        "a container ends again and again",
        _PERMANENT,
        "read its log; what it waits for should be waited for in the program, not by crashing",
    ),
    CauseCode.OOM_KILLED: _Meaning(
        "a container was killed because it used more memory than its limit",
        _PERMANENT,
        "raise resources.limits.memory of the container, or make it use less",
    ),
    CauseCode.CONTAINER_FAILED: _Meaning(
        "a container that is not restarted ended with an error",
        _PERMANENT,
        "read its log",
    ),
    CauseCode.PROBE_FAILING: _Meaning(
        "a container runs, but its readiness, liveness or startup probe fails",
        _TRANSIENT,
        "check path, port and delays of the probe, and what the program says while it starts",
    ),
    CauseCode.RESTARTED: _Meaning(
        "a container was restarted after it had been ready",
        _PERMANENT,
        "read the log of the run before",
    ),
    CauseCode.MOUNT_FAILED: _Meaning(
        "a volume cannot be attached or mounted",
        _TRANSIENT,
        "check that what the volume names exists, and that no other node holds it",
    ),
    CauseCode.UNSCHEDULABLE: _Meaning(
        "no node takes the pod",
        _TRANSIENT,
        "lower its requests, change its node selector, affinity or tolerations, or add nodes",
    ),
    CauseCode.NODE_PRESSURE: _Meaning(
        "the nodes that would take the pod are short of memory, disk or processes",
        _TRANSIENT,
        "free the nodes, or add some",
    ),
    CauseCode.EVICTED: _Meaning(
        "a node put the pod out, or would not run it",
        _TRANSIENT,
        "look at the node; requests that match what the pod uses keep it longer",
    ),
    CauseCode.QUOTA_EXCEEDED: _Meaning(
        "a ResourceQuota of the namespace allows no more",
        _PERMANENT,
        "raise the quota, or ask for less: fewer replicas, a smaller surge, smaller requests",
    ),
    CauseCode.ADMISSION_DENIED: _Meaning(
        "the cluster refuses to create the pods: PodSecurity, a webhook, a LimitRange, a missing ServiceAccount",
        _PERMANENT,
        "change the pod template so that it is admitted, or add what it names",
    ),
    CauseCode.JOB_FAILED: _Meaning(
        "a Job gave up by its own backoffLimit or podFailurePolicy",
        _PERMANENT,
        "read the log of its pod; a Job that has failed must be made anew to run again",
    ),
    CauseCode.HOOK_FAILED: _Meaning(
        "a hook did not end well",
        _PERMANENT,
        "read its log; the same command runs it again",
    ),
    CauseCode.DEADLINE_EXCEEDED: _Meaning(
        "a deadline of its own has passed: progressDeadlineSeconds or activeDeadlineSeconds",
        _PERMANENT,
        "look at its pods, or give it more time",
    ),
    CauseCode.VOLUME_UNBOUND: _Meaning(
        "no volume is bound to a claim, or its volume is gone",
        _TRANSIENT,
        "check the storage class and its provisioner",
    ),
    CauseCode.SAYS_FAILED: _Meaning(
        "the object itself says that it has failed, in its conditions",
        _PERMANENT,
        "do what its condition says",
    ),
    CauseCode.DOES_NOT_EXIST: _Meaning(
        "the object is not there",
        _PERMANENT,
        "find out who deleted it, then run the same command again",
    ),
    CauseCode.BEING_DELETED: _Meaning(
        "somebody is deleting the object",
        _TRANSIENT,
        "wait until it is gone, or let go of the finalizers that hold it; then run the same command again",
    ),
    CauseCode.NOT_READABLE: _Meaning(
        "its health may not be read",
        _PERMANENT,
        "allow get, list and watch of this kind to the credential",
    ),
    CauseCode.NOT_OBSERVED: _Meaning(
        "its controller has not looked at the change",
        _TRANSIENT,
        "check that the controller of this kind runs",
    ),
    CauseCode.IN_PROGRESS: _Meaning(
        "it was not ready yet when something else ended the wait",
        _TRANSIENT,
        "it may only need more time; else mend what failed, and run the same command again",
    ),
    CauseCode.TIMEOUT: _Meaning(
        "it was not ready in time, and nothing tells why",
        _TRANSIENT,
        "wait longer (--timeout), or look at the object",
    ),
}
