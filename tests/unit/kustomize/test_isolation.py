"""A build reads files and does nothing else: it opens no socket and starts no process, whatever the files name."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.kustomize.trees import DEPLOYMENT, write_tree

FOREIGN = {
    "app/kustomization.yaml": """\
        resources:
        - web.yaml
        - https://example.com/all.yaml
        - git@example.com:team/bases.git
        - https://github.com/example/bases//web?ref=v1
        - git::ssh://example.com/bases
        helmCharts:
        - {name: web, repo: https://example.com/charts, version: 1.0.0}
        generators:
        - function.yaml
        openapi: {path: https://example.com/schema.json}
        """,
    "app/function.yaml": """\
        apiVersion: example.com/v1
        kind: Function
        metadata:
          name: f
          annotations:
            config.kubernetes.io/function: |
              exec: {path: /bin/true}
        """,
    "app/web.yaml": DEPLOYMENT,
    "own/kustomization.yaml": "resources: [../app/web.yaml]\nconfigMapGenerator: [{name: g, literals: [a=b]}]\n",
}
BUILD = """\
import sys
from pathlib import Path
from gitops_push.core.errors import BuildError
from gitops_push.kustomize.build import BuildOptions, build_kustomization
from gitops_push.system.files import RepoFiles
FORBIDDEN = ("socket.", "subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "urllib.")
def forbid(event, arguments):
    if event.startswith(FORBIDDEN):
        print("the build did", event, arguments, file=sys.stderr)
        import os
        os._exit(3)
sys.addaudithook(forbid)
for path in ("app", "own"):
    try:
        print(len(build_kustomization(RepoFiles(Path(sys.argv[1])), path, BuildOptions(restricted=False)).objects))
    except BuildError as error:
        print(len(error.problems) > 0)
"""


def test_a_build_opens_no_socket_and_starts_no_process(tmp_path: Path) -> None:
    command = [sys.executable, "-c", BUILD, str(write_tree(tmp_path, FOREIGN))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "True\n2\n"), done.stderr


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed (apt-get install strace)")
def test_the_kernel_saw_no_socket_and_no_process(tmp_path: Path) -> None:
    log = tmp_path / "calls"
    calls = "trace=%network,execve,execveat,fork,vfork,clone,clone3"
    program = [sys.executable, "-c", BUILD, str(write_tree(tmp_path / "repo", FOREIGN))]
    done = subprocess.run(
        ["strace", "-f", "-o", log, "-e", calls, *program], capture_output=True, text=True, check=False
    )
    if "ptrace" in done.stderr:
        pytest.skip(f"strace may not trace here: {done.stderr.strip()}")
    assert done.stdout == "True\n2\n", done.stderr
    seen = [line for line in log.read_text().splitlines() if "(" in line and "exited with" not in line]
    assert all(" execve(" in line for line in seen), seen
    assert len([line for line in seen if "= 0" in line]) == 1, "Python itself is started, and nothing else"
