"""The main job on a throwaway real control plane, as `make demo` shows it.

Every command is a real run of the program in a fresh git checkout of docs/examples/config-repo; the kubeconfig is in an
environment variable, as a CI secret would be. The demo fails if a step does not do what it says it shows.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.controlplane.audit import writes
from tests.controlplane.cluster import ControlPlane, open_control_plane
from tests.controlplane.kubectl import make_kubectl

EXAMPLE = Path(__file__).parents[1] / "docs" / "examples" / "config-repo"
USER_AGENT = "gitops-push/"
VARIABLE = "KUBECONFIG_DEMO"


class DemoError(Exception):
    """A step of the demo did not show what it promises."""


class Demo:
    """A checkout, a cluster, and a narrator."""

    def __init__(self, plane: ControlPlane, checkout: Path) -> None:
        self._plane = plane
        self._checkout = checkout
        self._environ = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(checkout.parent),
            "TERM": os.environ.get("TERM", "dumb"),
            VARIABLE: plane.kubeconfig,
        }

    def say(self, text: str) -> None:
        """Print a line of the story."""
        print(f"\n\033[1m# {text}\033[0m" if sys.stdout.isatty() else f"\n# {text}", flush=True)

    def run(self, command: str, expected: int = 0) -> str:
        """Show a command, run it, show what it prints; returns standard output."""
        print(f"$ {command}", flush=True)
        arguments = [sys.executable, "-m", "gitops_push", *shlex.split(command)[1:]]
        started = time.monotonic()
        done = subprocess.run(
            arguments, cwd=self._checkout, env=self._environ, stdout=subprocess.PIPE, text=True, check=False
        )
        print(done.stdout, end="")
        print(f"  (exit code {done.returncode}, {time.monotonic() - started:.1f} s)", flush=True)
        if done.returncode != expected:
            raise DemoError(f"{command}: exit code {done.returncode}, not {expected}")
        return done.stdout

    def kubectl(self, command: str) -> None:
        """Show and run a kubectl command, as a colleague would who repairs something by hand."""
        print(f"$ {command}", flush=True)
        folder = self._checkout.parent / "kubectl"
        folder.mkdir(exist_ok=True)
        print(make_kubectl(folder, self._plane.kubeconfig)(*shlex.split(command)[1:]), end="", flush=True)

    def writes_of(self, act: Callable[[], object]) -> int:
        """Return how many writes the audit log shows while `act` runs."""
        mark = self._plane.audit_mark()
        act()
        return len(writes(self._plane.audit_events(mark), user_agent=USER_AGENT))


def play(demo: Demo) -> None:
    """Tell the whole story; raises `DemoError` where it does not come true."""
    demo.say("What would a deploy do? A server-side dry run; nothing is written.")
    demo.run("gitops-push diff prod")
    demo.say("Deploy: apply in stages, wait until everything is healthy, record what is owned.")
    demo.run("gitops-push apply prod --yes")
    demo.say("Deploy again: nothing to do, nothing written.")
    count = demo.writes_of(lambda: demo.run("gitops-push apply prod --yes"))
    print(f"  (writes in the API server's audit log: {count})")
    if count:
        raise DemoError(f"the second run wrote {count} times")
    demo.say("A colleague repairs something by hand...")
    demo.kubectl("kubectl -n production scale deployment my-app --replicas=5")
    demo.kubectl("kubectl -n production set image deployment my-app my-app=registry.example.com/my-app:1.4.1-hotfix")
    demo.say("...and the drift report says which field, who, and when. --exit-code makes it 3 for a scheduled job.")
    report = demo.run("gitops-push drift prod --exit-code", expected=3)
    for word in ("spec.replicas", "my-app:1.4.1-hotfix", "kubectl"):
        if word not in report:
            raise DemoError(f"the drift report does not mention {word}")
    demo.say("The next deploy puts the cluster back to what git says.")
    demo.run("gitops-push apply prod --yes")
    demo.run("gitops-push drift prod --exit-code")
    demo.run("gitops-push status prod")


def make_checkout(folder: Path) -> Path:
    """Return a git checkout of the example config repo with one commit."""
    checkout = folder / "config-repo"
    shutil.copytree(EXAMPLE, checkout)
    identity = ["-c", "user.name=Example", "-c", "user.email=example@example.com"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "."], [*identity, "commit", "-q", "-m", "First version"]):
        subprocess.run(["git", *arguments], cwd=checkout, check=True, stdin=subprocess.DEVNULL)
    return checkout


def main() -> int:
    """Play the demo; returns the exit code."""
    with tempfile.TemporaryDirectory(prefix="gitops-push-demo-") as folder, open_control_plane(os.environ) as plane:
        try:
            play(Demo(plane, make_checkout(Path(folder))))
        except DemoError as error:
            print(f"\ndemo failed: {error}", file=sys.stderr)
            return 1
    print("\nThat was the main job. The control plane is gone again.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
