"""`python -m tests.controlplane build | up | run`: the control plane for people, `make demo` and scripts."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import FrameType

from tests.controlplane.cluster import KUBECONFIG_VARIABLE, ControlPlane, start_control_plane
from tests.controlplane.errors import ControlPlaneError
from tests.controlplane.programs import find_programs, helm, kustomize


def main(arguments: list[str]) -> int:
    """Returns the exit code: 0, that of the command of `run`, or 1 with the reason on stderr."""
    options = _parser().parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):  # a job in the background inherits that SIGINT is ignored
        signal.signal(number, _interrupt)
    try:
        return int(options.action(options))
    except ControlPlaneError as error:
        print(f"control plane: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.controlplane", description=__doc__)
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    build = actions.add_parser("build", help="build the programs into the cache, once")
    build.set_defaults(action=_build)
    up = actions.add_parser("up", help="start a control plane and keep it until Ctrl-C")
    up.add_argument("--kubeconfig-out", type=Path, metavar="FILE", help="where to write the administrator's kubeconfig")
    up.add_argument("--nodes", type=int, default=2, metavar="N", help="how many nodes it has (2)")
    up.set_defaults(action=_up)
    run = actions.add_parser("run", help="run a command against a fresh control plane, with KUBECONFIG_DEMO set")
    run.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    run.set_defaults(action=_run)
    return parser


def _build(options: argparse.Namespace) -> int:
    print(kustomize(os.environ))
    print(helm(os.environ))
    given = os.environ.get(KUBECONFIG_VARIABLE)
    if given:
        print(f"no control plane to build: the tests use the cluster of {KUBECONFIG_VARIABLE}={given}")
        return 0
    print(find_programs(os.environ))
    return 0


def _up(options: argparse.Namespace) -> int:
    if options.kubeconfig_out and options.kubeconfig_out.exists():
        raise ControlPlaneError(f"{options.kubeconfig_out} exists; name a file that does not, it is removed at the end")
    programs = find_programs(os.environ)
    with start_control_plane(programs, options.nodes) as plane, tempfile.TemporaryDirectory() as folder:
        kubeconfig = options.kubeconfig_out or Path(folder) / "kubeconfig"
        _write_private(kubeconfig, plane.kubeconfig)
        print(f"The control plane is at {plane.server_url}. To reach it:\n\n  export KUBECONFIG={kubeconfig}\n")
        print(f"Its audit log is {plane.audit_log}.\nCtrl-C ends it.", flush=True)
        try:
            signal.pause()
        finally:
            kubeconfig.unlink(missing_ok=True)
    return 0


def _run(options: argparse.Namespace) -> int:
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        raise ControlPlaneError("run needs a command: python -m tests.controlplane run -- COMMAND")
    with start_control_plane(find_programs(os.environ)) as plane:
        return _run_command(command, plane)


def _run_command(command: list[str], plane: ControlPlane) -> int:
    """Ctrl-C in the terminal reaches the command too: it is given the time to end by itself."""
    process = subprocess.Popen(command, env={**os.environ, "KUBECONFIG_DEMO": plane.kubeconfig})
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.terminate()
        return process.wait()


def _write_private(path: Path, text: str) -> None:
    """The file holds a key: nobody else may read it, at no moment."""
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(text, encoding="utf-8")


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
