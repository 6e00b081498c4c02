"""Containers of a pod: what is wrong with one, and how long that may last before it is wrong for good.

Which states are final follows krane (`kubernetes_resource/pod.rb`), with a grace where other controllers, people or the
program itself often mend the cause a moment later. Init containers count like others; those with restartPolicy Always
(sidecars) must also become ready.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias

from gitops_push.core.causes import CauseCode
from gitops_push.core.objects import Body
from gitops_push.core.readiness.conditions import items, number, section
from gitops_push.core.readiness.exit_codes import exit_text
from gitops_push.core.readiness.troubles import Trouble

IMAGE_GRACE_SECONDS: Final = 10.0
"""An image that was pushed a moment ago may not have reached every replica of its registry."""

SETUP_GRACE_SECONDS: Final = 30.0
"""A Secret or ConfigMap may come with another controller (External Secrets, a certificate)."""

CRASH_GRACE_SECONDS: Final = 60.0
CRASHES_FOR_GOOD: Final = 3
"""A container that waits for its database crashes once or twice."""

_CALM_SECONDS: Final = 600.0
"""After so long a run the kubelet forgets earlier crashes, and so do we: the count of restarts is of all times."""

_NAME_IS_NONE: Final = frozenset({"InvalidImageName", "ErrImageNeverPull"})
_PULLING: Final = frozenset({"ErrImagePull", "ImagePullBackOff", "ImageInspectError", "RegistryUnavailable"})
_SETUP: Final = "CreateContainerConfigError"
_STARTING: Final = frozenset(
    {"CreateContainerError", "RunContainerError", "PreStartHookError", "PostStartHookError", "PreCreateHookError"}
)
_NEVER_RAN: Final = frozenset({"StartError", "ContainerCannotRun"})
_NOT_FOUND: Final = re.compile(r"not found|manifest unknown|does not exist|name unknown|name_unknown", re.IGNORECASE)
_MISSING: Final = re.compile(r'(?:secret|configmap) "[^"]+" not found|couldn.t find key .*', re.IGNORECASE)
_NETWORK: Final = re.compile(r"no such host|dial tcp|i/o timeout|connection refused|server misbehaving", re.IGNORECASE)

_Fields: TypeAlias = Mapping[str, Any]


def container_troubles(pod: Body) -> Iterator[Trouble]:
    """Yield what is wrong with the containers of a pod, init containers first."""
    spec, status = section(pod, "spec"), section(pod, "status")
    for specs, statuses in (("initContainers", "initContainerStatuses"), ("containers", "containerStatuses")):
        by_name = {str(found.get("name")): found for found in items(spec, specs)}
        for container in items(status, statuses):
            wanted = by_name.get(str(container.get("name")), {})
            stays = specs == "containers" or wanted.get("restartPolicy") == "Always"
            found = _waiting(container) or _ended(container) or (_unready(container, wanted) if stays else None)
            if found:
                yield found


def is_missing_image(message: str) -> bool:
    """Return whether the message of a failed pull says that there is no such image."""
    return bool(_NOT_FOUND.search(message)) and not _NETWORK.search(message)


def _waiting(container: _Fields) -> Trouble | None:
    waiting = section(container, "state", "waiting")
    reason, message = str(waiting.get("reason") or ""), str(waiting.get("message") or "")
    name, said = str(container.get("name")), f"{reason}: {message}" if message else reason
    if reason in _NAME_IS_NONE | _PULLING:
        return _without_image(container, name, reason, said)
    if reason == _SETUP:
        grace, missing = None if "cache" in message else SETUP_GRACE_SECONDS, _MISSING.search(message)
        subject = missing[0] if missing else ""
        text = f"container {name} cannot be set up"
        return Trouble(CauseCode.CONTAINER_CONFIG, text, said, grace, name, subject=subject)
    if reason in _STARTING:
        return Trouble(CauseCode.START_FAILED, f"container {name} cannot start", said, SETUP_GRACE_SECONDS, name)
    return _crashing(container, name) if reason == "CrashLoopBackOff" else None


def _without_image(container: _Fields, name: str, reason: str, said: str) -> Trouble:
    image = str(container.get("image") or "")
    code, what, grace = CauseCode.IMAGE_PULL_FAILED, "cannot be pulled", None
    if reason in _NAME_IS_NONE:
        code, what, grace = CauseCode.IMAGE_NOT_FOUND, "cannot be had", 0.0
    elif is_missing_image(said):
        code, what, grace = CauseCode.IMAGE_NOT_FOUND, "was not found", IMAGE_GRACE_SECONDS
    return Trouble(code, f'container {name}: image "{image}" {what}', said, grace, name, subject=image)


def _crashing(container: _Fields, name: str) -> Trouble:
    last, restarts = section(container, "lastState", "terminated"), number(container, "restartCount")
    ended = f", last ended with {exit_text(last)}" if last else ""
    counted = "1 restart" if restarts == 1 else f"{restarts} restarts"
    for_good = restarts >= CRASHES_FOR_GOOD and not _ran_calmly(last)
    return Trouble(
        _code_of(last, CauseCode.CRASH_LOOP),
        f"container {name}: CrashLoopBackOff, {counted}{ended}",
        _first_line(last.get("message")),
        0.0 if for_good else CRASH_GRACE_SECONDS,
        name,
        _exit_code(last),
        restarts,
    )


def _ended(container: _Fields) -> Trouble | None:
    """Return that it has just ended with an error: what becomes of that the kubelet, or the pod's phase, will say."""
    ended, name = section(container, "state", "terminated"), str(container.get("name"))
    if not ended.get("exitCode"):
        return None
    return Trouble(
        _code_of(ended, CauseCode.CONTAINER_FAILED),
        f"container {name}: ended with {exit_text(ended)}",
        _first_line(ended.get("message")),
        None,
        name,
        _exit_code(ended),
        number(container, "restartCount"),
    )


def _unready(container: _Fields, wanted: _Fields) -> Trouble | None:
    if "running" not in section(container, "state") or container.get("ready") is True:
        return None
    last, restarts, name = (
        section(container, "lastState", "terminated"),
        number(container, "restartCount"),
        str(container.get("name")),
    )
    if restarts and last.get("exitCode") and not _ran_calmly(last):
        text = f"container {name}: running again after {restarts} restarts, last ended with {exit_text(last)}"
        code = _code_of(last, CauseCode.CRASH_LOOP)
        return Trouble(code, text, _first_line(last.get("message")), None, name, _exit_code(last), restarts)
    starting = container.get("started") is False and "startupProbe" in wanted
    probe = "startup" if starting else "readiness" if "readinessProbe" in wanted else ""
    tail = f": its {probe} probe does not pass" if probe else ""
    text = f"container {name}: running, but not ready{tail}"
    return Trouble(CauseCode.PROBE_FAILING, text, container=name, restarts=restarts, probe=probe)


def _code_of(terminated: _Fields, otherwise: CauseCode) -> CauseCode:
    reason = terminated.get("reason")
    if reason == "OOMKilled":
        return CauseCode.OOM_KILLED
    return CauseCode.START_FAILED if reason in _NEVER_RAN else otherwise


def _exit_code(terminated: _Fields) -> int | None:
    found = terminated.get("exitCode")
    return found if isinstance(found, int) else None


def _ran_calmly(terminated: _Fields) -> bool:
    began, ended = _time(terminated.get("startedAt")), _time(terminated.get("finishedAt"))
    return bool(began and ended and (ended - began).total_seconds() >= _CALM_SECONDS)


def _time(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _first_line(message: Any) -> str:
    """A termination message may be the last lines of the log: the log is shown elsewhere."""
    return str(message or "").strip().partition("\n")[0]
