"""No byte of a credential is written to a disk by a deployment, a diff or a drift report, however it ends.

The kernel is the judge: strace shows each write of the program and its children with the file that it goes to.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.canaries.placed import encoded, never_ready
from tests.canaries.situations import APPLY, kubeconfig_with
from tests.canaries.stage import Stage, new_stage
from tests.canaries.values import Search, known
from tests.controlplane.cluster import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.e2e.program import PYTHON, VARIABLE

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("strace") is None, reason="strace is not installed"
)

CALLS = "write,pwrite64,writev,pwritev,pwritev2,sendfile,copy_file_range,splice,openat,openat2,open,creat,mmap"
WRITES = re.compile(r"^\d+ +(?:write|pwrite64|writev|pwritev2?)\((\d+)<([^>]*)>")
SHARED = re.compile(r"mmap\(.*PROT_WRITE.*MAP_SHARED.*\d+<(/[^>]*)>")
NO_DISK = ("socket:", "pipe:", "TCP", "UNIX", "/memfd:", "/dev/", "anon_inode:")

Kind = Callable[[Stage], str]


def token_of(stage: Stage) -> str:
    stage.kubectl("create", "serviceaccount", "deployer", "-n", stage.namespace)
    stage.kubectl(
        "create", "rolebinding", "deployer", "-n", stage.namespace, "--clusterrole=cluster-admin",
        f"--serviceaccount={stage.namespace}:deployer",
    )  # fmt: skip
    return str(stage.kubectl("create", "token", "deployer", "-n", stage.namespace)).strip()


KINDS: Mapping[str, Callable[[Stage], tuple[str, str]]] = {
    "a client certificate": lambda s: (s.program.environ[VARIABLE], s.canaries["client key"].value),
    "a token": lambda s: (kubeconfig_with(s, {"token": (token := token_of(s))}), token),
    "base64 with a token": lambda s: (encoded(kubeconfig_with(s, {"token": (token := token_of(s))})), token),
}
ENDINGS = {"itself": None, "SIGTERM": signal.SIGTERM, "SIGKILL": signal.SIGKILL}


def traced(stage: Stage, command: str, trace: Path, ending: signal.Signals | None) -> int:
    """Run under strace and return the exit code; with a signal, it is sent while the run waits for the Deployment."""
    words = ["strace", "-f", "-y", "-s", "1000000", "-o", str(trace), "-e", f"trace={CALLS}", *PYTHON]
    process = subprocess.Popen(
        [*words, *stage.words(command)],
        cwd=stage.program.folder,
        env=stage.program.full_environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        if ending is not None:
            os.kill(_traced_pid(stage, process), ending)
        return process.wait(60)
    finally:
        process.kill()


def _traced_pid(stage: Stage, process: subprocess.Popen[bytes]) -> int:
    """Return the process that strace started, when what it deploys is there."""
    deadline = time.monotonic() + 60
    while stage.kubectl.run("get", "deployment", "web", "-n", stage.namespace).returncode != 0:
        assert time.monotonic() < deadline
        assert process.poll() is None, "it ended too early"
        time.sleep(0.2)
    return int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0])


def to_disk(trace: Path) -> Iterator[str]:
    """Yield each call that puts bytes into a file."""
    for line in trace.read_text(errors="replace").splitlines():
        written = WRITES.match(line)
        if (written and not written[2].startswith(NO_DISK)) or SHARED.search(line):
            yield line


def assert_nothing_on_disk(stage: Stage, kind: str, command: str, ending: signal.Signals | None, trace: Path) -> int:
    """Run, and return how many bytes of calls that write to a disk were searched."""
    kubeconfig, secret = KINDS[kind](stage)
    search = Search([known("credential", secret)])
    code = traced(stage.having(**{VARIABLE: kubeconfig}), command, trace, ending)
    assert code in ({0} if ending is None else {20, -ending, 128 + ending}), code
    everything = trace.read_text(errors="replace")
    assert len(everything) > 10_000, "strace saw nothing"
    assert (kind == "a client certificate") == bool(re.search(r"write\(\d+</memfd:", everything))
    lines = list(to_disk(trace))
    assert [line[:200] for line in lines if search.found_in(line.encode())] == []
    for file in stage.left.rglob("*"):
        assert not file.is_file() or not search.found_in(file.read_bytes()), file
    return sum(map(len, lines))


@pytest.mark.parametrize("ending", ENDINGS)
def test_no_byte_of_a_credential_reaches_a_disk_in_a_deployment(
    own_control_plane: ControlPlane, kubectl: Kubectl, namespace: str, tmp_path: Path, ending: str
) -> None:
    stage = new_stage(own_control_plane, kubectl, namespace, tmp_path)
    if ENDINGS[ending] is not None:
        never_ready(stage.program)
    assert_nothing_on_disk(stage, "a client certificate", APPLY, ENDINGS[ending], tmp_path / "trace")


@pytest.mark.prove
@pytest.mark.parametrize("kind", KINDS)
def test_no_byte_of_any_credential_reaches_a_disk(
    own_control_plane: ControlPlane, kubectl: Kubectl, tmp_path: Path, namespace: str, kind: str
) -> None:
    searched = runs = 0
    for command in (APPLY, "diff test", "drift test", "status test"):
        for name, ending in ENDINGS.items() if command == APPLY else [("itself", None)]:
            own = f"{namespace}-{runs}"
            own_control_plane.request("POST", "/api/v1/namespaces", {"metadata": {"name": own}})
            folder = tmp_path / f"{command.split()[0]}-{name}"
            folder.mkdir()
            stage = new_stage(own_control_plane, kubectl, own, folder)
            if ending is not None:
                never_ready(stage.program)
            searched += assert_nothing_on_disk(stage, kind, command, ending, folder / "trace")
            own_control_plane.request("DELETE", f"/api/v1/namespaces/{own}")
            runs += 1
    print(f"{kind}: 0 bytes of the credential on a disk in {runs} runs ({searched:,} bytes written in all)")
