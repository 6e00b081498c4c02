from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from gitops_push.credentials.hardening import forget_variables

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")

ROOT = str(Path(__file__).parents[3])
CANARY = "canary-0123456789-kubeconfig"

FORGET = """
import os, pathlib, sys
from gitops_push.credentials.hardening import forget_variables
block = pathlib.Path("/proc/self/environ")
assert b"canary" in block.read_bytes()
os.environ.pop("POPPED")
forget_variables(["SECRET", "POPPED", "MISSING"], os.environ)
sys.stdout.buffer.write(block.read_bytes())
assert "SECRET" not in os.environ
assert os.environ["KEPT"] == "kept=1" and os.environ["SECRET_TOO"] == "other"
"""

HARDEN = """
import ctypes, os, resource
from gitops_push.credentials.hardening import harden_process
harden_process(os.environ)
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE), "SSLKEYLOGFILE" in os.environ)
"""


def run_python(code: str, **environ: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": ROOT, **environ},
        capture_output=True,
        check=False,
    )


def test_a_forgotten_variable_is_gone_from_the_environment_block_too() -> None:
    done = run_python(
        FORGET, SECRET=CANARY, POPPED=f"{CANARY}\nwith lines", KEPT="kept=1", SECRET_TOO="other", EMPTY=""
    )
    assert done.returncode == 0, done.stderr.decode()
    assert b"canary" not in done.stdout
    assert b"KEPT=kept=1\0" in done.stdout
    assert b"SECRET_TOO=other\0" in done.stdout
    assert b"SECRET=\0" in done.stdout


def test_popping_alone_would_not_be_enough() -> None:
    code = "import os, sys; os.environ.pop('SECRET'); sys.stdout.write(open('/proc/self/environ').read())"
    assert CANARY.encode() in run_python(code, SECRET=CANARY).stdout


def test_a_variable_that_was_set_later_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SET_LATER", CANARY)
    forget_variables(["SET_LATER"], os.environ)
    assert "SET_LATER" not in os.environ


def test_a_hardened_process_dumps_no_core_and_cannot_be_traced() -> None:
    done = run_python(HARDEN, SSLKEYLOGFILE="/nowhere/keys")
    assert done.stdout.decode().split("\n")[0] == "0 (0, 0) False", done.stderr.decode()


def test_a_hardened_process_that_aborts_leaves_no_core(tmp_path: Path) -> None:
    code = f"{HARDEN}\nos.abort()"
    limit = resource.getrlimit(resource.RLIMIT_CORE)
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": ROOT},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (limit[1], limit[1])),
        capture_output=True,
        check=False,
    )
    assert done.returncode == -6
    assert list(tmp_path.iterdir()) == []
