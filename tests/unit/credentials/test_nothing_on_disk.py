"""No byte of a credential reaches the disk: while it is read and used, and after the process was killed."""

from __future__ import annotations

import base64
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.credentials.kubeconfigs import CLIENT, TOKEN, as_text, base64_of, kubeconfig

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory files are Linux's")

USER = {
    "token": TOKEN,
    "client-certificate-data": base64_of(CLIENT.certificate_pem),
    "client-key-data": base64_of(CLIENT.key_pem),
}

# Reads a kubeconfig from a variable, makes the TLS context of it, and waits to be killed. Says each file that it opens
# for writing, as Python's audit hook sees it.
PROGRAM = """
import os, sys, time
writes = []
def watch(event, arguments):
    if event in ("tempfile.mkstemp", "tempfile.mkdtemp", "os.mkdir", "os.rename", "os.link", "shutil.copyfile"):
        writes.append((event, str(arguments)))
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        writes.append((event, str(arguments)))
sys.dont_write_bytecode = True
sys.addaudithook(watch)
from datetime import UTC, datetime
from gitops_push.core.environment import Cluster
from gitops_push.credentials.hardening import forget_variables, harden_process
from gitops_push.credentials.sources import CredentialOptions, find_credential
from gitops_push.system.tls import tls_context
cluster = Cluster("prod")
credential = find_credential(cluster, CredentialOptions(now=lambda: datetime.now(UTC), in_ci=True), dict(os.environ))
forget_variables(["KUBECONFIG"], os.environ)
harden_process(os.environ)
context = tls_context(credential)
print(writes, flush=True)
time.sleep(float(sys.argv[1]))
"""


def environment(folder: Path) -> dict[str, str]:
    for name in ("home", "tmp"):
        (folder / name).mkdir()
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "PYTHONPATH": str(Path(__file__).parents[3]),
        "KUBECONFIG": base64_of(as_text(kubeconfig(USER))),
    }


def secret_pieces() -> list[bytes]:
    """Return what must not be found: the token and the key, as they are, and pieces of their base64."""
    key_lines = [line.encode() for line in CLIENT.key_pem.splitlines() if not line.startswith("-----")]
    encoded = base64.b64encode(CLIENT.key_pem.encode())
    return [TOKEN.encode(), *key_lines, encoded[40:72], encoded[100:132]]


@pytest.mark.parametrize("ending", [None, signal.SIGTERM, signal.SIGKILL], ids=["itself", "SIGTERM", "SIGKILL"])
def test_no_file_is_written_however_the_process_ends(tmp_path: Path, ending: signal.Signals | None) -> None:
    command = [sys.executable, "-c", PROGRAM, "0" if ending is None else "60"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(tmp_path), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "[]\n"
        if ending is not None:
            process.send_signal(ending)
        assert process.wait(30) == (0 if ending is None else -ending)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["home", "tmp"]


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_the_kernel_sees_no_file_opened_for_writing_and_no_secret_written(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    calls = (
        "open,openat,openat2,creat,memfd_create,write,pwrite64,writev,rename,renameat,link,linkat,symlink,mkdir,mkdirat"
    )
    command = [
        "strace",
        "-f",
        "-s",
        "100000",
        "-o",
        str(trace),
        "-e",
        f"trace={calls}",
        sys.executable,
        "-c",
        PROGRAM,
        "0",
    ]
    folder = tmp_path / "run"
    folder.mkdir()
    subprocess.run(command, cwd=folder, env=environment(folder), check=True, capture_output=True)
    lines = trace.read_text(errors="replace").splitlines()
    opened = [line for line in lines if "O_WRONLY" in line or "O_RDWR" in line or "O_CREAT" in line or "creat(" in line]
    assert [line for line in opened if "/dev/null" not in line] == []
    memory = [line for line in lines if "memfd_create(" in line and "= -1" not in line]
    assert len(memory) == 1
    descriptor = memory[0].rpartition("= ")[2]
    written = [line for line in lines if "write" in line and any(piece.decode() in line for piece in secret_pieces())]
    assert written
    assert [line for line in written if f"write({descriptor}, " not in line] == []
